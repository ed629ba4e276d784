"""A domain as pages and programs see it: its state, its records, and its keys without what is secret."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from mailer.core.db import AccountTx
from mailer.core.services import Services
from sending import dkim_keys, domain_records, domains
from sending.dkim_keys import DomainKey
from sending.domain_records import Record
from sending.domains import Domain, State


@dataclass(frozen=True, slots=True, kw_only=True)
class DomainLine:
    """`state`: verified (mail may leave), waiting, or broken (a record that was there is gone).

    `signed_by_relay`: the SMTP server was proved to sign for it. `answered_at`: when the DNS last answered.
    """

    id: int
    name: str
    state: State
    dmarc: str
    signed_by_relay: bool
    verified_at: datetime | None
    broken_at: datetime | None
    checked_at: datetime | None
    answered_at: datetime | None
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class DomainPage:
    domain: DomainLine
    records: Sequence[Record]
    keys: Sequence[DomainKey]

    @property
    def settled(self) -> bool:
        """Everything is there: no need to look again while somebody watches."""
        return self.domain.state == "verified" and all(
            one.state == "found" for one in self.records if one.required
        )

    @property
    def rotating(self) -> bool:
        states = {key.state for key in self.keys if key.algorithm == "rsa-sha256"}
        return {"active", "pending"} <= states

    @property
    def signing(self) -> bool:
        return dkim_keys.signs(list(self.keys))


def line(relay: str, domain: Domain) -> DomainLine:
    """`relay`: of `domains.relay_name`."""
    return DomainLine(
        id=domain.id,
        name=domain.name,
        state=domain.state,
        dmarc=domain.dmarc,
        signed_by_relay=domains.relay_signs(relay, domain),
        verified_at=domain.verified_at,
        broken_at=domain.broken_at,
        checked_at=domain.checked_at,
        answered_at=domain.answered_at,
        created_at=domain.created_at,
    )


async def lines(tx: AccountTx, services: Services) -> list[DomainLine]:
    """All of the account's."""
    relay = await domains.relay_name(tx, services)
    return [line(relay, one) for one in await domains.many(tx)]


async def show(tx: AccountTx, services: Services, domain_id: int) -> DomainPage:
    """With its keys, which are made when it has none yet. Raises NotFound."""
    domain = await domains.show(tx, domain_id)
    relay = await domains.relay_name(tx, services)
    keys = await dkim_keys.of(tx, domain_id)
    if not keys:
        await dkim_keys.add(tx, services, domain_id=domain_id, name=domain.name)
        keys = await dkim_keys.of(tx, domain_id)
    records = domain_records.rows(
        domain,
        keys,
        reports_to=await _reports_to(tx, domain.name),
        relayed=domains.relay_signs(relay, domain),
    )
    return DomainPage(domain=line(relay, domain), records=records, keys=keys)


async def _reports_to(tx: AccountTx, name: str) -> str:
    """A mailbox of this very domain: reports to another one need a record there (RFC 9990 §3)."""
    found = await tx.value(
        """
        SELECT email
        FROM senders
        WHERE account_id = $1 AND status = 'confirmed' AND substring(address_key FROM '[^@]*$') = $2
        ORDER BY id
        LIMIT 1
        """,
        name,
    )
    return str(found) if found else f"postmaster@{name}"
