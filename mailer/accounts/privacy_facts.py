"""What a controller says of itself beyond its identity: for its privacy policy and records (A-095, C-53)."""

from dataclasses import dataclass
from datetime import datetime

from pydantic import Field

from mailer.accounts import audit
from mailer.core.db import AccountTx
from mailer.core.errors import fault
from mailer.core.text import N_
from mailer.web.request import Input

# where it is one for the whole country; elsewhere the account names its own
AUTHORITIES = {
    "FR": "CNIL, 3 place de Fontenoy, TSA 80715, 75334 Paris Cedex 07, https://www.cnil.fr/fr/plaintes",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class PrivacyFacts:
    """Empty is a gap. `without_dpo`: the account says that it has appointed none."""

    dpo: str
    without_dpo: bool
    authority: str
    origin: str
    provision: str
    other_recipients: str
    transfers: str
    interests: str


class NewFacts(Input):
    """`origin`: where addresses come from, `provision`: whether people must give them, `interests`: the
    legitimate interests, where a list rests on them."""

    dpo: str = Field("", max_length=300)
    without_dpo: bool = False
    authority: str = Field("", max_length=300)
    origin: str = Field("", max_length=1000)
    provision: str = Field("", max_length=1000)
    other_recipients: str = Field("", max_length=1000)
    transfers: str = Field("", max_length=1000)
    interests: str = Field("", max_length=1000)


async def of(tx: AccountTx) -> PrivacyFacts:
    return await tx.one(
        PrivacyFacts,
        """
        SELECT a.dpo, a.without_dpo, coalesce(f.authority, '') AS authority, coalesce(f.origin, '') AS origin,
               coalesce(f.provision, '') AS provision, coalesce(f.other_recipients, '') AS other_recipients,
               coalesce(f.transfers, '') AS transfers, coalesce(f.interests, '') AS interests
        FROM accounts a
        LEFT JOIN privacy_facts f ON f.account_id = a.id
        WHERE a.id = $1
        """,
    )


async def change(tx: AccountTx, new: NewFacts, now: datetime) -> None:
    """Raises Invalid at `dpo`."""
    if new.without_dpo and new.dpo:
        raise fault("dpo", N_("Either write the contact, or tick that there is none."))
    await tx.run("UPDATE accounts SET dpo = $2, without_dpo = $3 WHERE id = $1", new.dpo, new.without_dpo)
    await tx.run(
        """
        INSERT INTO privacy_facts (account_id, authority, origin, provision, other_recipients, transfers,
                                   interests, changed_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
        ON CONFLICT (account_id) DO UPDATE
        SET authority = excluded.authority, origin = excluded.origin, provision = excluded.provision,
            other_recipients = excluded.other_recipients, transfers = excluded.transfers,
            interests = excluded.interests, changed_at = excluded.changed_at
        """,
        new.authority,
        new.origin,
        new.provision,
        new.other_recipients,
        new.transfers,
        new.interests,
        now,
    )
    await audit.write(tx, "changed", "privacy_facts")
