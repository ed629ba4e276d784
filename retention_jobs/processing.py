"""What an account does with personal data, read from its tables: the ground of its policy and records."""

from collections.abc import Mapping
from dataclasses import dataclass

from mailer.accounts import accounts, destinations, privacy_facts, sub_processors
from mailer.accounts.accounts import Account
from mailer.accounts.destinations import Destination
from mailer.accounts.privacy_facts import AUTHORITIES, PrivacyFacts
from mailer.accounts.sub_processors import SubProcessor
from mailer.core.db import AccountTx
from mailer.core.operator import Operator
from mailer.core.regions import Region
from mailer.core.text import N_
from retention_jobs import policies
from tracking import modes

BASES: Mapping[str, str] = {
    "consent": N_("consent (GDPR, article 6(1)(a))"),
    "existing_customer": N_("legitimate interest: similar products to existing customers (article 6(1)(f))"),
    "b2b_interest": N_("legitimate interest: professional addresses (article 6(1)(f))"),
    "service": N_("performance of a contract (article 6(1)(b))"),
}
KINDS: Mapping[str, str] = {
    "newsletter": N_("newsletter"),
    "promotion": N_("promotions"),
    "service": N_("service messages"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Purpose:
    """A list. `bases`: those of its active subscriptions; empty while nobody is on it."""

    name: str
    kind: str
    purpose: str
    frequency: str
    bases: list[str]


@dataclass(frozen=True, slots=True)
class Periods:
    """From the retention table, for sentences."""

    content_days: int
    statistics_months: int
    closed_months: int
    log_months: int
    unconfirmed_days: int
    inactive_months: int
    proof_ip_months: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Processing:
    account: Account
    said: PrivacyFacts
    purposes: list[Purpose]
    fields: list[str]
    modes: modes.Settings
    sub_processors: list[SubProcessor]
    destinations: list[Destination]
    transactional: bool
    operator: Operator
    periods: Periods

    @property
    def authority(self) -> str:
        return self.said.authority or AUTHORITIES.get(self.account.country, "")

    @property
    def by_interest(self) -> bool:
        return any({"existing_customer", "b2b_interest"} & set(one.bases) for one in self.purposes)

    @property
    def by_consent(self) -> bool:
        return any("consent" in one.bases for one in self.purposes)

    @property
    def outside(self) -> list[Destination]:
        """Destinations outside the EU and the EEA, an adequacy decision or not."""
        return [one for one in self.destinations if one.region not in (Region.EEA, Region.UNKNOWN)]

    @property
    def measures(self) -> bool:
        return self.modes.opens != "off" or self.modes.clicks != "off"


def periods() -> Periods:
    return Periods(
        content_days=policies.CONTENT.days,
        statistics_months=policies.STATISTICS_MONTHS,
        closed_months=policies.CLOSED_MONTHS,
        log_months=policies.LOG_MONTHS,
        unconfirmed_days=policies.UNCONFIRMED.days,
        inactive_months=policies.INACTIVE_MONTHS,
        proof_ip_months=policies.PROOF_IP_MONTHS,
    )


async def of(tx: AccountTx, operator: Operator) -> Processing:
    from mailer.core import clock

    found = await sub_processors.register(tx.shared(), operator, clock.now())
    labels = await tx.rows("SELECT label FROM fields WHERE account_id = $1 ORDER BY id LIMIT 200")
    return Processing(
        account=await accounts.show(tx),
        said=await privacy_facts.of(tx),
        purposes=await _purposes(tx),
        fields=[label for (label,) in labels],
        modes=await modes.of(tx),
        sub_processors=found.current,
        destinations=await destinations.many(tx),
        transactional=bool(await tx.value("SELECT EXISTS (SELECT FROM messages WHERE account_id = $1)")),
        operator=operator,
        periods=periods(),
    )


async def _purposes(tx: AccountTx) -> list[Purpose]:
    """One reading of the subscriptions, however many lists there are."""
    return await tx.many(
        Purpose,
        """
        SELECT l.public_name AS name, l.kind, l.purpose, l.frequency,
               coalesce(b.bases, '{}') AS bases
        FROM mailing_lists l
        LEFT JOIN (
            SELECT list_id, array_agg(legal_basis ORDER BY legal_basis) AS bases
            FROM (
                SELECT DISTINCT list_id, legal_basis
                FROM subscriptions
                WHERE account_id = $1 AND status = 'active' AND legal_basis <> ''
            ) each
            GROUP BY list_id
        ) b ON b.list_id = l.id
        WHERE l.account_id = $1 AND l.deleted_at IS NULL
        ORDER BY l.id
        LIMIT 200
        """,
    )
