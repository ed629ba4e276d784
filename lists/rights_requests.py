"""The register of requests about people's data: when each is due, who answered it, how (A-023, C-05).

    open ─▶ done | refused        due: thirty days or one calendar month, whichever ends first
      └ extended once, by two months, with reasons told to the person within the first month (GDPR 12(3))

What was asked and when it was answered stays for three years after the answer, as proof; what the
person typed and their address go with the answer.
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Literal

from lists.rights_asks import purpose
from lists.rights_words import Right
from mailer.accounts import audit, identity
from mailer.core import keys, paging, work
from mailer.core.addresses import Address
from mailer.core.clock import months_after
from mailer.core.db import AccountTx
from mailer.core.errors import Conflict, Fault
from mailer.core.paging import Page
from mailer.core.sealing import Sealer, Unsealable
from mailer.core.text import N_
from mailer.web import i18n

REMINDER = "lists.remind_of_request"
DAYS, MONTHS, LONGER = 30, 1, 3  # A-023; GDPR 12(3): one month, and two more
FINISHED = N_("This request has been answered already.")
Channel = Literal["page", "mail", "post", "phone", "other"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Who asks. `contact_id` None: no contact has this address. `address` None: somebody without one."""

    contact_id: int | None = None
    address: Address | None = None
    language: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NewRequest:
    kind: Right
    channel: Channel
    person: Person
    details: str
    received_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """`email`: of the contact, else the one that was written from, until the answer. `due_on`: the last day.

    `by_instruction`: carried out as soon as it was confirmed. `handled_by`: a person of the team;
    `by_operator`: the operator answered, since nobody of the team could.
    """

    id: int
    kind: str
    channel: str
    contact_id: int | None
    email: str | None
    language: str
    details: str
    received_at: datetime
    due_on: date
    extended_at: datetime | None
    extension_reason: str
    state: str
    by_instruction: bool
    by_operator: bool
    handled_by: int | None
    answer: str
    finished_at: datetime | None
    copy_sent_at: datetime | None
    copied_at: datetime | None

    @property
    def right(self) -> Right:
        return Right(self.kind)

    def days_left(self, today: date) -> int:
        """Below nought: overdue."""
        return (self.due_on - today).days


@dataclass(frozen=True, slots=True, kw_only=True)
class _Row:
    id: int
    kind: str
    channel: str
    contact_id: int | None
    contact_email: str | None
    sealed_address: bytes | None
    language: str
    details: str
    received_at: datetime
    due_on: date
    extended_at: datetime | None
    extension_reason: str
    state: str
    by_instruction: bool
    by_operator: bool
    handled_by: int | None
    answer: str
    finished_at: datetime | None
    copy_sent_at: datetime | None
    copied_at: datetime | None


def due_on(received: date) -> date:
    """The last day for an answer: thirty days or one calendar month, whichever ends first (A-023)."""
    return min(received + timedelta(days=DAYS), _months(received, MONTHS))


def extended_until(received: date) -> date:
    return _months(received, LONGER)


def _months(day: date, months: int) -> date:
    return months_after(datetime(day.year, day.month, day.day), months).date()  # noqa: DTZ001  (a day, no instant)


async def local_day(tx: AccountTx, at: datetime) -> date:
    """By the account's calendar."""
    return at.astimezone(i18n.zone((await identity.of(tx)).time_zone)).date()


async def insert(tx: AccountTx, sealer: Sealer, new: NewRequest) -> int:
    """An open request, and its reminders. Returns its id, the reference that the person reads."""
    person = new.person
    hashed = sealed = None
    if person.address is not None:
        hashed = keys.address_hash(await keys.hash_key(tx, sealer), person.address.key)
        sealed = sealer.seal(person.address.email.encode(), purpose(tx.account_id))
    request_id: int = await tx.value(
        """
        INSERT INTO rights_requests (account_id, kind, channel, contact_id, address_hash, sealed_address,
                                     language, details, received_at, due_on, created_by)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
        RETURNING id
        """,
        new.kind.value,
        new.channel,
        person.contact_id,
        hashed,
        sealed,
        person.language,
        new.details,
        new.received_at,
        due_on(await local_day(tx, new.received_at)),
        tx.actor.id if tx.actor.kind == "user" else None,
    )
    await work.add(tx, REMINDER, request_id)
    await audit.write(tx, "received", "rights_request", request_id)
    return request_id


def _shown(row: _Row, sealer: Sealer, account_id: int) -> Request:
    email = row.contact_email
    if email is None and row.sealed_address:
        try:
            email = sealer.open(row.sealed_address, purpose(account_id)).decode()
        except Unsealable:
            email = None
    known = {name: getattr(row, name) for name in Request.__slots__ if name != "email"}
    return Request(email=email, **known)


async def show(tx: AccountTx, sealer: Sealer, request_id: int) -> Request:
    """Raises NotFound."""
    row = await tx.one(
        _Row,
        """
        SELECT r.id, r.kind, r.channel, r.contact_id, c.email AS contact_email, r.sealed_address, r.language,
               r.details, r.received_at, r.due_on, r.extended_at, r.extension_reason, r.state,
               r.by_instruction, r.by_operator, r.handled_by, r.answer, r.finished_at, r.copy_sent_at,
               r.copied_at
        FROM rights_requests r
        LEFT JOIN contacts c ON c.account_id = $1 AND c.id = r.contact_id
        WHERE r.account_id = $1 AND r.id = $2
        """,
        request_id,
    )
    return _shown(row, sealer, tx.account_id)


async def lock(tx: AccountTx, sealer: Sealer, request_id: int) -> Request:
    """For whoever answers it. Raises NotFound, Conflict when it was answered already."""
    state = await tx.value(
        "SELECT state FROM rights_requests WHERE account_id = $1 AND id = $2 FOR UPDATE", request_id
    )
    found = await show(tx, sealer, request_id)
    if state != "open":
        raise Conflict(Fault("request", FINISHED, "finished"))
    return found


async def many(
    tx: AccountTx, sealer: Sealer, *, state: str = "", cursor: str | None = None, limit: int = 50
) -> Page[Request]:
    """The newest first; those that are open by their last day, the nearest first."""
    if state == "open":
        return await _open(tx, sealer, cursor, limit)
    before = paging.decode(cursor, (int,))
    rows = await tx.many(
        _Row,
        """
        SELECT r.id, r.kind, r.channel, r.contact_id, c.email AS contact_email, r.sealed_address, r.language,
               r.details, r.received_at, r.due_on, r.extended_at, r.extension_reason, r.state,
               r.by_instruction, r.by_operator, r.handled_by, r.answer, r.finished_at, r.copy_sent_at,
               r.copied_at
        FROM rights_requests r
        LEFT JOIN contacts c ON c.account_id = $1 AND c.id = r.contact_id
        WHERE r.account_id = $1 AND ($2::bigint IS NULL OR r.id < $2) AND ($3 = '' OR r.state = $3)
        ORDER BY r.id DESC
        LIMIT $4
        """,
        before[0] if before else None,
        state,
        limit + 1,
    )
    found = [_shown(row, sealer, tx.account_id) for row in rows]
    return paging.page(found, limit, key=lambda row: (row.id,))


async def _open(tx: AccountTx, sealer: Sealer, cursor: str | None, limit: int) -> Page[Request]:
    after = paging.decode(cursor, (int, int))
    rows = await tx.many(
        _Row,
        """
        SELECT r.id, r.kind, r.channel, r.contact_id, c.email AS contact_email, r.sealed_address, r.language,
               r.details, r.received_at, r.due_on, r.extended_at, r.extension_reason, r.state,
               r.by_instruction, r.by_operator, r.handled_by, r.answer, r.finished_at, r.copy_sent_at,
               r.copied_at
        FROM rights_requests r
        LEFT JOIN contacts c ON c.account_id = $1 AND c.id = r.contact_id
        WHERE r.account_id = $1 AND r.state = 'open'
          AND (r.due_on, r.id) > (date '2000-01-01' + $2::int, $3::bigint)
        ORDER BY r.due_on, r.id
        LIMIT $4
        """,
        after[0] if after else 0,
        after[1] if after else 0,
        limit + 1,
    )
    found = [_shown(row, sealer, tx.account_id) for row in rows]
    first_day = date(2000, 1, 1)
    return paging.page(found, limit, key=lambda row: ((row.due_on - first_day).days, row.id))


async def finish(
    tx: AccountTx, request_id: int, *, refused: bool, answer: str, now: datetime, by_instruction: bool = False
) -> None:
    """Once answered, what the person typed and where they wrote from are needed no more."""
    await tx.run(
        """
        UPDATE rights_requests
        SET state = $3, answer = $4, finished_at = $5, by_instruction = $6, handled_by = $7,
            by_operator = $8, sealed_address = NULL, details = ''
        WHERE account_id = $1 AND id = $2 AND state = 'open'
        """,
        request_id,
        "refused" if refused else "done",
        answer,
        now,
        by_instruction,
        tx.actor.id if tx.actor.kind == "user" else None,
        tx.actor.kind == "operator",
    )
    await audit.write(tx, "refused" if refused else "answered", "rights_request", request_id)


async def note_copy(tx: AccountTx, request_id: int, now: datetime) -> None:
    await tx.run(
        """
        UPDATE rights_requests SET copy_sent_at = $3, copied_at = NULL WHERE account_id = $1 AND id = $2
        """,
        request_id,
        now,
    )
    await audit.write(tx, "sent", "rights_request", request_id)
