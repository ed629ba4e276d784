"""Contacts whose data may only be kept, because they asked for it (GDPR art. 18, C-13).

    limit ─▶ contacts.restricted_at ─▶ nothing is sent, changed, added to, exported in bulk or erased
    lift  ─▶ with a reason, after the person was told (art. 18(3))

The person's own acts go on: leaving lists and refusing measurement are always heard. Sending reads
`restricted_at` in the statement that begins a hand-over, of campaigns and of transactional messages.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Annotated

from pydantic import AfterValidator, Field, model_validator

from mailer.accounts import audit
from mailer.core.db import AccountTx
from mailer.core.errors import Conflict, Fault, Invalid, NotFound
from mailer.core.text import N_
from mailer.web.request import Input

RESTRICTED = N_("The use of this contact's data is limited at their request: lift the limit first.")
ALREADY = N_("The use of this contact's data is limited already.")
NOT_RESTRICTED = N_("The use of this contact's data is not limited.")


class Ground(StrEnum):
    """Art. 18(1) a to d: accuracy contested; unlawful, and erasure not wanted; needed by the person for a
    legal claim; objected, while our reasons are weighed.
    """

    ACCURACY = "accuracy"
    UNLAWFUL = "unlawful"
    CLAIMS = "claims"
    OBJECTION = "objection"


class NewRestriction(Input):
    """`ground`: the four cases of GDPR art. 18(1)."""

    ground: Ground


class Lifting(Input):
    """`told`: the person was told before (art. 18(3)); nothing is lifted without that."""

    reason: Annotated[str, AfterValidator(str.strip), Field(max_length=500)]
    told: bool = False

    @model_validator(mode="after")
    def _with_proof(self) -> "Lifting":
        faults = []
        if not self.reason:
            faults.append(Fault("reason", N_("Say why the limit ends."), "missing"))
        if not self.told:
            faults.append(Fault("told", N_("Tell the person first: the law asks for it."), "not_told"))
        if faults:
            raise Invalid(*faults)
        return self


@dataclass(frozen=True, slots=True, kw_only=True)
class Restriction:
    """`lifted_at` None: in force."""

    id: int
    ground: str
    since: datetime
    lifted_at: datetime | None
    lift_reason: str


async def limit(tx: AccountTx, contact_id: int, new: NewRestriction) -> None:
    """Raises NotFound, Conflict when it is limited already."""
    await _lock(tx, contact_id)
    begun = await tx.run(
        """
        UPDATE contacts
        SET restricted_at = now()
        WHERE account_id = $1 AND id = $2 AND restricted_at IS NULL
        """,
        contact_id,
    )
    if not begun:
        raise Conflict(Fault("ground", ALREADY, "restricted"))
    await tx.run(
        "INSERT INTO restrictions (account_id, contact_id, ground) VALUES ($1, $2, $3)",
        contact_id,
        new.ground.value,
    )
    await audit.write(tx, "restricted", "contact", contact_id)


async def lift(tx: AccountTx, contact_id: int, lifting: Lifting) -> None:
    """Raises NotFound, Conflict when it is not limited."""
    await _lock(tx, contact_id)
    ended = await tx.run(
        """
        UPDATE restrictions
        SET lifted_at = now(), lift_reason = $3
        WHERE account_id = $1 AND contact_id = $2 AND lifted_at IS NULL
        """,
        contact_id,
        lifting.reason,
    )
    if not ended:
        raise Conflict(Fault("reason", NOT_RESTRICTED, "not_restricted"))
    await tx.run("UPDATE contacts SET restricted_at = NULL WHERE account_id = $1 AND id = $2", contact_id)
    await audit.write(tx, "unrestricted", "contact", contact_id)


async def _lock(tx: AccountTx, contact_id: int) -> None:
    if not await tx.value(
        "SELECT id FROM contacts WHERE account_id = $1 AND id = $2 FOR NO KEY UPDATE", contact_id
    ):
        raise NotFound


async def require_free(tx: AccountTx, contact_ids: Sequence[int]) -> None:
    """Raises Conflict when one of them is limited. Locks, so that none becomes it before the commit."""
    rows = await tx.rows(
        """
        SELECT restricted_at IS NOT NULL
        FROM contacts
        WHERE account_id = $1 AND id = ANY ($2::bigint[])
        ORDER BY id
        FOR NO KEY UPDATE
        """,
        list(contact_ids),
    )
    if any(limited for (limited,) in rows):
        raise Conflict(Fault("contact", RESTRICTED, "restricted"))


async def of_contact(tx: AccountTx, contact_id: int) -> list[Restriction]:
    """The newest first."""
    return await tx.many(
        Restriction,
        """
        SELECT id, ground, since, lifted_at, lift_reason
        FROM restrictions
        WHERE account_id = $1 AND contact_id = $2
        ORDER BY id DESC
        LIMIT 100
        """,
        contact_id,
    )
