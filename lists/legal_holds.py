"""What a law says must be kept for longer: a person or a whole account, by article, until a day (A-005).

    place ─▶ legal_holds ─▶ SQL function `held(contact, at)`, asked by retention, rights and the account's end
                              └ ends by itself on its day, or is lifted

A hold without an article or an end is refused: nothing is kept "just in case".
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from pydantic import Field

from mailer.accounts import accounts, audit
from mailer.core.db import AccountTx
from mailer.core.errors import Conflict, Fault, Invalid, NotFound
from mailer.core.text import N_
from mailer.web import i18n
from mailer.web.request import Input

# the longest that a law named here asks for: accounting (C. com. art. L123-22)
LONGEST = timedelta(days=3653)


class NewHold(Input):
    """`contact_id` None: the whole account. `ends_on`: the last day, UTC."""

    contact_id: int | None = Field(None, ge=1, le=2**63 - 1)
    article: str = Field("", max_length=200)
    reason: str = Field("", max_length=500)
    ends_on: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    id: int
    contact_id: int | None
    article: str
    reason: str
    placed_at: datetime
    placed_by: str
    ends_at: datetime
    lifted_at: datetime | None

    def holds(self, now: datetime) -> bool:
        return self.lifted_at is None and self.ends_at > now


async def place(tx: AccountTx, new: NewHold, *, by: str, now: datetime) -> int:
    """Returns its id. Raises Invalid at each field that is missing or wrong.

    Waits for whoever deletes under `anybody`: what is there when this returns is held.
    """
    ends_at = _checked(new, now)
    await tx.value("SELECT pg_advisory_xact_lock(7253, hashint8($1::bigint))")
    if new.contact_id is not None and not await tx.value(
        "SELECT true FROM contacts WHERE account_id = $1 AND id = $2 FOR NO KEY UPDATE", new.contact_id
    ):
        raise Invalid(Fault("contact_id", N_("There is no contact of this number."), "unknown"))
    hold_id: int = await tx.value(
        """
        INSERT INTO legal_holds (account_id, contact_id, article, reason, placed_at, placed_by, ends_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7)
        RETURNING id
        """,
        new.contact_id,
        new.article.strip(),
        new.reason.strip(),
        now,
        by,
        ends_at,
    )
    await _note(tx)
    await audit.write(tx, "held", "legal_hold", hold_id)
    return hold_id


def _checked(new: NewHold, now: datetime) -> datetime:
    faults = []
    if len(new.article.strip()) < 3:
        faults.append(Fault("article", N_("Name the article of law that asks for it."), "missing"))
    if len(new.reason.strip()) < 3:
        faults.append(Fault("reason", N_("Say why, in a sentence."), "missing"))
    # the day itself is kept whole
    ends_at = datetime.combine(new.ends_on or date.min, time.max.replace(microsecond=0), UTC)
    if new.ends_on is None:
        faults.append(
            Fault("ends_on", N_("Give the day on which it ends: nothing is held for ever."), "missing")
        )
    elif ends_at <= now:
        faults.append(Fault("ends_on", N_("The day on which it ends lies ahead."), "past"))
    elif ends_at > now + LONGEST:
        faults.append(Fault("ends_on", N_("No law asks for more than ten years."), "too_long"))
    if faults:
        raise Invalid(*faults)
    return ends_at


async def lift(tx: AccountTx, hold_id: int, *, now: datetime, person_only: bool = False) -> None:
    """Before its day; `person_only`: none of the whole account. Raises NotFound, also when it is over."""
    lifted = await tx.run(
        """
        UPDATE legal_holds SET lifted_at = $3
        WHERE account_id = $1 AND id = $2 AND lifted_at IS NULL AND ends_at > $3
          AND (contact_id IS NOT NULL OR NOT $4)
        """,
        hold_id,
        now,
        person_only,
    )
    if not lifted:
        raise NotFound
    await _note(tx)
    await audit.write(tx, "unheld", "legal_hold", hold_id)


async def _note(tx: AccountTx) -> None:
    until = await tx.value(
        """
        SELECT max(ends_at) FROM legal_holds
        WHERE account_id = $1 AND contact_id IS NULL AND lifted_at IS NULL
        """
    )
    await accounts.hold(tx, until)


async def many(tx: AccountTx) -> list[Hold]:
    """The newest first."""
    return await tx.many(
        Hold,
        """
        SELECT id, contact_id, article, reason, placed_at, placed_by, ends_at, lifted_at
        FROM legal_holds
        WHERE account_id = $1
        ORDER BY id DESC
        LIMIT 500
        """,
    )


async def in_force(tx: AccountTx, now: datetime) -> list[Hold]:
    """What retention may not touch, for its page and its proofs."""
    return [one for one in await many(tx) if one.holds(now)]


async def whole_account(tx: AccountTx, now: datetime) -> bool:
    return bool(await tx.value("SELECT held(NULL, $2) FROM accounts WHERE id = $1", now))


async def anybody(tx: AccountTx, now: datetime) -> bool:
    """Is there a hold of anybody, or of the whole account? None is placed until this transaction ends."""
    await tx.value("SELECT pg_advisory_xact_lock_shared(7253, hashint8($1::bigint))")
    found: bool = await tx.value(
        """
        SELECT EXISTS (SELECT FROM legal_holds
                       WHERE account_id = $1 AND lifted_at IS NULL AND ends_at > $2)
        """,
        now,
    )
    return found


async def is_held(tx: AccountTx, contact_id: int, now: datetime) -> bool:
    """By a hold of theirs or of the whole account. None is placed until this transaction ends."""
    await tx.value("SELECT pg_advisory_xact_lock_shared(7253, hashint8($1::bigint))")
    return bool(await tx.value("SELECT held($2, $3) FROM accounts WHERE id = $1", contact_id, now))


async def require_unheld(tx: AccountTx, contact_id: int, now: datetime) -> None:
    """Raises Conflict at `contact` with the article and the day, for somebody who wants them erased."""
    rows = await tx.rows(
        """
        SELECT article, ends_at
        FROM legal_holds
        WHERE account_id = $1 AND (contact_id IS NULL OR contact_id = $2) AND lifted_at IS NULL
          AND ends_at > $3
        ORDER BY ends_at DESC
        LIMIT 1
        """,
        contact_id,
        now,
    )
    if rows:
        article, ends_at = rows[0]
        message = N_("The law asks to keep this until {day}: {article}.")
        raise Conflict(Fault("contact", message, "held", {"day": i18n.day(ends_at), "article": article}))
