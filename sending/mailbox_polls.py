"""The jobs that read mailboxes of reports: once a minute, less often while that fails.

    connect behind the fence → beyond the last UID, 50 at a time → each mail acts → understood ones are
    settled → the place is noted → …

The place is noted last: a worker that is killed before reads the same mails again, and they change nothing
twice. What is not understood is neither moved nor marked.
"""

import asyncio
import contextlib
import hashlib
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Protocol

import structlog

from mailer.core import clock, jobs
from mailer.core.db import is_away
from mailer.core.errors import Unavailable, fault
from mailer.core.fence import OutOfBounds
from mailer.core.services import Services
from mailer.core.work import Task
from sending import (
    feedback_effects,
    feedback_mail,
    feedback_reports,
    fence,
    hook_events,
    imap,
    inbound_reading,
    operator_mailbox,
    report_mailboxes,
)
from sending.feedback import Finding, Kind
from sending.feedback_effects import Result
from sending.feedback_reports import Acted
from sending.hook_events import Event
from sending.imap import Access, ImapError, Mailbox
from sending.report_mailboxes import Place

log = structlog.get_logger()
EVERY = timedelta(minutes=1)
MOST_WAIT = timedelta(hours=1)
AT_ONCE = 50
_TURN_SECONDS = 20.0


class Keeper(Protocol):
    """Whose mailbox it is: where its place is noted, and whose mails a report may speak of."""

    @property
    def services(self) -> Services: ...

    async def opened(self) -> tuple[Access | None, Place] | None: ...

    async def read(self, place: Place, taken: int, left_alone: int) -> None: ...

    async def failed(self, place: Place, why: str) -> None: ...

    async def act(self, raw: bytes) -> Acted | None: ...


@dataclass(frozen=True, slots=True)
class _OfAccount:
    services: Services
    account_id: int
    mailbox_id: int

    async def opened(self) -> tuple[Access | None, Place] | None:
        async with self.services.db.account(self.account_id) as tx:
            return await report_mailboxes.opened(tx, self.services.sealer, self.mailbox_id)

    async def read(self, place: Place, taken: int, left_alone: int) -> None:
        async with self.services.db.account(self.account_id) as tx:
            await report_mailboxes.note_read(tx, place, taken=taken, left_alone=left_alone)

    async def failed(self, place: Place, why: str) -> None:
        async with self.services.db.account(self.account_id) as tx:
            await report_mailboxes.note_error(tx, place, why)

    async def act(self, raw: bytes) -> Acted | None:
        return await act(self.services, self.account_id, raw)


@dataclass(frozen=True, slots=True)
class _OfOperator:
    services: Services

    async def opened(self) -> tuple[Access | None, Place] | None:
        async with self.services.db.shared() as tx:
            return await operator_mailbox.opened(tx, self.services.sealer)

    async def read(self, place: Place, taken: int, left_alone: int) -> None:
        async with self.services.db.shared() as tx:
            await operator_mailbox.note_read(tx, place, taken=taken, left_alone=left_alone)

    async def failed(self, place: Place, why: str) -> None:
        async with self.services.db.shared() as tx:
            await operator_mailbox.note_error(tx, why)

    async def act(self, raw: bytes) -> Acted | None:
        """Of the accounts that the returned mail names: whether it is theirs, its Message-ID says."""
        for account_id in await operator_mailbox.accounts_in(self.services, raw):
            acted = await act(self.services, account_id, raw)
            if acted is not None and (acted.known or not acted.whole):
                return acted
        return None


async def poll(services: Services, task: Task) -> datetime | None:
    """The job "sending.poll_mailbox": `ref_id` is the mailbox."""
    return await _poll(_OfAccount(services, task.account_id, task.ref_id))


async def poll_operators(services: Services, task: Task) -> datetime | None:
    """The job "sending.poll_operator_mailbox"."""
    return await _poll(_OfOperator(services))


async def _poll(keeper: Keeper) -> datetime | None:
    """None when the mailbox is gone."""
    found = await keeper.opened()
    if found is None:
        return None
    access, place = found
    try:
        if access is None:
            raise _Trouble("sealed")
        async with opened(keeper.services, access) as mailbox:
            more = await _read(keeper, mailbox, place)
    except (ImapError, _Trouble) as error:
        why = error.why if isinstance(error, ImapError) else str(error)
        log.info("mailbox not read", mailbox=place.id, why=why)
        await keeper.failed(place, why)
        return clock.now() + backoff(place.failures)
    return jobs.again() if more else clock.now() + EVERY


def backoff(failures: int) -> timedelta:
    """After so many failures in a row: a minute, doubling up to an hour."""
    return min(EVERY * float(2 ** min(failures, 8)), MOST_WAIT)


class _Trouble(Exception):
    """What is no matter of IMAP; a word of report_mailboxes.ERRORS."""


@asynccontextmanager
async def opened(services: Services, access: Access) -> AsyncIterator[Mailbox]:
    """Signed in, its folder open. Raises ImapError."""
    try:
        connection = await fence.connect(access.host, access.port, fence.of(services.settings, imap.PORTS))
    except OutOfBounds:
        raise ImapError("private") from None
    except OSError:
        raise ImapError("away") from None
    stack = contextlib.ExitStack()
    try:
        yield await asyncio.to_thread(stack.enter_context, imap.opened(connection, access))
    finally:
        await asyncio.to_thread(stack.close)


async def _read(keeper: Keeper, mailbox: Mailbox, place: Place) -> bool:
    """True when there is more than this turn had time for."""
    ends = asyncio.get_running_loop().time() + _TURN_SECONDS
    if mailbox.uid_validity != place.uid_validity:
        # the server has counted anew: what was read before is known by what it says
        place = replace(place, uid_validity=mailbox.uid_validity, last_uid=0)
    while True:
        batch = await asyncio.to_thread(mailbox.beyond, place.last_uid, AT_ONCE)
        understood, left, whole = await _take(keeper, mailbox, batch)
        await asyncio.to_thread(mailbox.settle, understood)
        if understood or left:
            place = replace(place, last_uid=max(*understood, *left, 0))
        await keeper.read(place, len(understood), len(left))
        if len(batch) < AT_ONCE or not whole:
            return False
        if asyncio.get_running_loop().time() >= ends:
            return True


async def _take(
    keeper: Keeper, mailbox: Mailbox, batch: Sequence[tuple[int, int]]
) -> tuple[list[int], list[int], bool]:
    """UIDs that were understood, and those left alone; False when one came too early and waits."""
    understood: list[int] = []
    left: list[int] = []
    for uid, size in batch:
        raw = await asyncio.to_thread(mailbox.raw, uid) if size <= imap.MOST_BYTES else None
        acted = await keeper.act(raw) if raw is not None else None
        if acted is not None and not acted.whole:
            return understood, left, False
        (understood if acted is not None and acted.known else left).append(uid)
    return understood, left, True


async def act(services: Services, account_id: int, raw: bytes) -> Acted | None:
    """None for a mail that broke something: it is left alone, so that it stops no other."""
    digest = hashlib.blake2b(raw, digest_size=16).hexdigest()
    findings = await asyncio.to_thread(feedback_mail.explain, raw)
    events = [
        Event(key=hook_events.key_of("mail", digest, n), at=clock.now(), finding=finding)
        for n, finding in enumerate(findings[: hook_events.MOST_EVENTS])
    ]
    try:
        acted = await feedback_reports.act(services, account_id, events, "mail")
        if acted.known or not acted.whole:
            return acted
        return await _by_token(services, account_id, raw, digest, findings)
    except Exception as error:
        if isinstance(error, Unavailable) or is_away(error):
            raise
        log.exception("a report broke something", account=account_id)
        return None


async def _by_token(
    services: Services, account_id: int, raw: bytes, digest: str, findings: Sequence[Finding]
) -> Acted:
    """A report that hides its recipient still holds the mail's return path or its page (D-30, D-34)."""
    token = await asyncio.to_thread(inbound_reading.tokens_inside, services, raw)
    if token is None or token.account_id != account_id:
        return Acted(known=0, whole=True)
    finding = inbound_reading.strongest(findings)
    if finding.kind is not Kind.COMPLAINT and "@" in finding.recipient:
        # somebody else's address: the mail was passed on, or it is made up
        return Acted(known=0, whole=True)
    found = inbound_reading.located(account_id, token, finding)
    if found is None:
        return Acted(known=0, whole=True)
    async with services.db.account(account_id) as tx:
        result = await feedback_effects.settle(tx, services, found)
        if result is Result.DONE:
            await inbound_reading.note(tx, f"polled {digest}", found)
    return Acted(known=int(result is Result.DONE), whole=result is not Result.EARLY)


async def check(services: Services, access: Access) -> None:
    """Before it is saved: signs in and opens the folder. Raises Invalid at the field that is at fault."""
    try:
        async with opened(services, access):
            pass
    except ImapError as error:
        field = report_mailboxes.FIELDS.get(error.why, "host")
        raise fault(field, report_mailboxes.ERRORS[error.why], code=error.why) from None
