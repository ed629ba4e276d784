"""The data-processing agreement: the version in force, who accepted it, what waits for it (A-016, C-50)."""

from dataclasses import dataclass
from datetime import datetime

from mailer.accounts import audit
from mailer.core.db import AccountTx
from mailer.core.errors import Fault, Forbidden, Invalid
from mailer.core.text import N_

# The text of this version is mailer/accounts/templates/agreement_<language>.html.
VERSION = "2026-11"


@dataclass(frozen=True, slots=True, kw_only=True)
class Acceptance:
    """Who accepted which version, and when. `user_id` None: accepted by a program or on the command line."""

    id: int
    version: str
    accepted_at: datetime
    user_id: int | None
    person: str


async def latest(tx: AccountTx) -> Acceptance | None:
    """The acceptance of the version that counts now, or None."""
    return await tx.first(
        Acceptance,
        """
        SELECT id, version, accepted_at, user_id, person
        FROM agreement_acceptances
        WHERE account_id = $1 AND version = $2
        ORDER BY id
        LIMIT 1
        """,
        VERSION,
    )


async def many(tx: AccountTx) -> list[Acceptance]:
    """All acceptances of the account, the newest first."""
    return await tx.many(
        Acceptance,
        """
        SELECT id, version, accepted_at, user_id, person
        FROM agreement_acceptances
        WHERE account_id = $1
        ORDER BY id DESC
        LIMIT 100
        """,
    )


async def require(tx: AccountTx) -> None:
    """Before the first contact is stored (A-016). Raises Forbidden "agreement" with a link to the page."""
    if await latest(tx) is None:
        raise Forbidden(
            N_("First accept the data processing agreement: without it no contact can be stored."),
            code="agreement",
            link=f"/app/{tx.account_id}/privacy/agreements",
        )


async def accept(tx: AccountTx, version: str, *, person: str, user_id: int | None) -> Acceptance:
    """Accepts the version that counts now; a second time gives the first row back.

    Raises Invalid at `version` for any other, so that nobody accepts a text that was not shown.
    """
    if version != VERSION:
        raise Invalid(
            Fault(
                "version",
                N_("The version that counts now is {version}. Read it, then accept it."),
                "version",
                {"version": VERSION},
            )
        )
    found = await latest(tx)
    if found is not None:
        return found
    made = await tx.one(
        Acceptance,
        """
        INSERT INTO agreement_acceptances (account_id, version, user_id, person)
        VALUES ($1, $2, $3, $4)
        RETURNING id, version, accepted_at, user_id, person
        """,
        version,
        user_id,
        person,
    )
    await audit.write(tx, "accepted", "agreement", made.id)
    return made
