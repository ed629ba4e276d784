"""Stored mails are read, by a job: what each says takes effect; what nobody understands waits for a person.

    new ─ opened, explained ─▶ settle ─▶ done: its content goes
     ▲                           ├─────▶ open: the tray
     └── too early, or a fault ◀─┘

The effect and the mail's new state are one transaction: a killed worker has done all of it or nothing.
"""

import asyncio
import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import structlog

from mailer.core import addresses, clock, jobs, keys
from mailer.core.db import AccountTx, is_away
from mailer.core.errors import NotFound, Unavailable
from mailer.core.keys import ContentGone
from mailer.core.services import Services
from mailer.core.tokens import CHECK_OCTETS, Purpose, RecipientToken, ReturnToken
from mailer.core.work import Task
from sending import feedback_effects, feedback_mail, feedback_notes, inbound, profiles, return_paths
from sending.feedback import Finding, Kind, Reason
from sending.feedback_effects import Located, Result
from sending.feedback_notes import Noted
from sending.inbound import Envelope

log = structlog.get_logger()
BATCH = 20
LIES_DAYS = 6
EARLY_WAIT = timedelta(seconds=5)
MOST_TRIES = 60
# a mail that makes us stumble is set aside after so many
MOST_FAULTS = 3
_ADDRESS = re.compile(rb"\b((?:bounces|unsub)\+[a-z2-7]{30,60})@([a-z0-9.-]{1,253})", re.IGNORECASE)
_PAGE = re.compile(rb"/t/unsubscribe/([A-Za-z0-9_-]{20,300})")
_SUBJECT = re.compile(rb"^subject:[ \t]*((?:.*\r?\n[ \t])*.*)", re.IGNORECASE | re.MULTILINE)
_TOKEN = re.compile(r"[A-Za-z0-9_-]{20,300}")
# of several findings of one mail, the one that says most
_STRENGTH = (
    Kind.UNKNOWN,
    Kind.AUTO_REPLY,
    Kind.SOFT,
    Kind.BLOCK,
    Kind.HARD,
    Kind.UNSUBSCRIBE,
    Kind.COMPLAINT,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    id: int
    attempts: int
    key_day: date
    content: bytes


@dataclass(frozen=True, slots=True)
class Reading:
    """What a mail says. `located` None: of no delivery. `who`: who leaves, whatever else is gone (S9)."""

    finding: Finding
    located: Located | None = None
    who: RecipientToken | None = None


async def read(services: Services, task: Task) -> datetime | None:
    """The job "sending.read_inbound": one row of work an account."""
    ends = asyncio.get_running_loop().time() + jobs.TURN_SECONDS
    while asyncio.get_running_loop().time() < ends:
        async with services.db.account(task.account_id) as tx:
            rows = await _due(tx)
        if not rows:
            return await _next(services, task.account_id)
        for row in rows:
            await _read_one(services, task.account_id, row)
    return jobs.again()


async def _due(tx: AccountTx) -> list[Row]:
    return await tx.many(
        Row,
        """
        SELECT id, attempts::int AS attempts, key_day, content
        FROM inbound_mails
        WHERE account_id = $1 AND state = 'new' AND due_at <= $2
        ORDER BY due_at
        LIMIT $3
        """,
        clock.now(),
        BATCH,
    )


async def _next(services: Services, account_id: int) -> datetime | None:
    async with services.db.account(account_id) as tx:
        at: datetime | None = await tx.value(
            "SELECT min(due_at) FROM inbound_mails WHERE account_id = $1 AND state = 'new'"
        )
    return at


async def _read_one(services: Services, account_id: int, row: Row) -> None:
    try:
        async with services.db.account(account_id) as tx:
            plain = await keys.open_content(tx, services.sealer, day=row.key_day, sealed=row.content)
        envelope = inbound.load(plain)
        # up to 1 MB of somebody's making: not on the loop that renews leases
        reading = await asyncio.to_thread(explained, services, account_id, envelope)
        async with services.db.account(account_id) as tx:
            if not await _ours(tx, row.id):
                return
            result = await _settled(tx, services, reading)
            if result is Result.EARLY and row.attempts < MOST_TRIES:
                await _later(tx, row.id)
            else:
                if result is Result.DONE:
                    await note(tx, f"inbound {row.id}", reading.located)
                await _close(tx, row.id, reading.finding, understood=result is Result.DONE)
    except ContentGone:
        async with services.db.account(account_id) as tx:
            await tx.run("DELETE FROM inbound_mails WHERE account_id = $1 AND id = $2", row.id)
    except Exception as error:
        if isinstance(error, Unavailable) or is_away(error):
            raise
        # set aside first, so that it holds nothing up
        log.exception("mail not read", account=account_id, mail=row.id)
        async with services.db.account(account_id) as tx:
            if row.attempts + 1 < MOST_FAULTS:
                await _later(tx, row.id)
            else:
                fault = Finding(kind=Kind.UNKNOWN, reason=Reason.UNDEFINED, rule=type(error).__name__)
                await _close(tx, row.id, fault, understood=False)


async def _ours(tx: AccountTx, mail_id: int) -> bool:
    """Still to be read, and nobody else's until this commits."""
    found = await tx.value(
        "SELECT id FROM inbound_mails WHERE account_id = $1 AND id = $2 AND state = 'new' FOR UPDATE", mail_id
    )
    return found is not None


async def _settled(tx: AccountTx, services: Services, reading: Reading) -> Result:
    if reading.who is not None:
        await feedback_effects.refuse(tx, reading.who, reading.finding.kind)
        return Result.DONE
    if reading.located is None:
        return Result.DONE if reading.finding.kind is Kind.AUTO_REPLY else Result.UNMATCHED
    return await feedback_effects.settle(tx, services, reading.located)


async def note(tx: AccountTx, report: str, told: Located | None) -> None:
    """Soft bounces add up (D-33), and all is counted by day; once for each `report`."""
    if told is None or not told.finding.final or not feedback_notes.acts(told.finding):
        return
    if not told.campaign_id:
        contact_id, profile = await _of_message(tx, told), _profile(told)
    else:
        contact_id, profile = told.contact_id, await _profile_of_delivery(tx, told) or profiles.DEFAULT
    noted = Noted(
        key=hashlib.blake2b(report.encode(), digest_size=16).digest(),
        finding=told.finding,
        at=clock.now(),
        contact_id=contact_id,
        campaign_id=told.campaign_id,
        profile=profile,
    )
    await feedback_notes.note(tx, [noted], "mail")


async def _of_message(tx: AccountTx, told: Located) -> int:
    """The contact with the address that a transactional message went to; 0: there is none."""
    found: int | None = await tx.value(
        """
        SELECT c.id
        FROM messages m
        JOIN contacts c ON c.account_id = $1 AND c.address_hash = m.address_hash
        WHERE m.account_id = $1 AND m.id = $2
        """,
        told.message_id,
    )
    return found or 0


def _profile(told: Located) -> str:
    return profiles.of_domain(addresses.domain_of(told.finding.recipient.lower())) or profiles.DEFAULT


async def _profile_of_delivery(tx: AccountTx, told: Located) -> str | None:
    found: str | None = await tx.value(
        """
        SELECT d.profile
        FROM campaigns c
        JOIN deliveries d ON d.account_id = $1 AND d.campaign_id = c.id AND d.month = c.month
        WHERE c.account_id = $1 AND c.id = $2 AND d.contact_id = $3
        """,
        told.campaign_id,
        told.contact_id,
    )
    return found


async def _later(tx: AccountTx, mail_id: int) -> None:
    await tx.run(
        """
        UPDATE inbound_mails SET due_at = $3, attempts = attempts + 1
        WHERE account_id = $1 AND id = $2 AND state = 'new'
        """,
        mail_id,
        clock.now() + EARLY_WAIT,
    )


async def _close(tx: AccountTx, mail_id: int, finding: Finding, *, understood: bool) -> None:
    await tx.run(
        """
        UPDATE inbound_mails
        SET state = CASE WHEN $5 THEN 'done' ELSE 'open' END, kind = $3, rule = $4,
            key_day = CASE WHEN NOT $5 THEN key_day END, content = CASE WHEN NOT $5 THEN content END
        WHERE account_id = $1 AND id = $2 AND state = 'new'
        """,
        mail_id,
        finding.kind.value,
        finding.rule[:200],
        understood,
    )


# ---------------------------------------------------------------- what it says, and of which mail


def explained(services: Services, account_id: int, envelope: Envelope) -> Reading:
    """Pure but for the keys of the tokens. The address decides whose it is; a stray's tokens stand inside."""
    named = _named(services, envelope, account_id)
    if named is not None and named[0] == return_paths.UNSUBSCRIBE:
        # who writes there leaves, whatever the mail says (D-36)
        leaves = Finding(kind=Kind.UNSUBSCRIBE, reason=Reason.UNSUBSCRIBE, rule="unsubscribe address")
        return Reading(leaves, located(account_id, named[1], leaves), _who(services, account_id, envelope))
    finding = strongest(feedback_mail.explain(envelope.raw))
    if named is None:
        return Reading(finding)
    return Reading(finding, located(account_id, named[1], finding))


def strongest(findings: Sequence[Finding]) -> Finding:
    """Of a mail whose recipient has several mailboxes: what became of one says more than another's delay."""
    return max(findings, key=lambda one: (one.final, _STRENGTH.index(one.kind)))


def located(account_id: int, token: ReturnToken, finding: Finding) -> Located | None:
    if not token.ref_id:
        return None
    campaign = token.campaign_id
    return Located(
        account_id=account_id,
        campaign_id=campaign,
        contact_id=token.ref_id if campaign else 0,
        list_id=0,
        finding=finding,
        message_id=0 if campaign else token.ref_id,
        check=token.check,
    )


def _named(services: Services, envelope: Envelope, account_id: int) -> tuple[str, ReturnToken] | None:
    local = envelope.returned_to.rpartition("@")[0]
    try:
        return return_paths.read(services.tokens, local, now=clock.now(), lay_days=LIES_DAYS)
    except NotFound:
        found = tokens_inside(services, envelope.raw)
        return ("", found) if found is not None and found.account_id == account_id else None


def tokens_inside(services: Services, raw: bytes) -> ReturnToken | None:
    """Of a report to an address of no account: the mail that it returns names its delivery."""
    plain = raw.replace(b"=\r\n", b"")
    for match in _ADDRESS.finditer(plain):
        if match[2].decode().lower() != services.settings.mail_domain.lower():
            continue
        try:
            _, token = return_paths.read(services.tokens, match[1].decode(), now=clock.now())
        except NotFound:
            continue
        return token
    for match in _PAGE.finditer(plain):
        try:
            who = services.tokens.read_recipient(Purpose.UNSUBSCRIBE, match[1].decode())
        except NotFound:
            continue
        if who.campaign_id:
            check = who.address_hash[:CHECK_OCTETS]
            return ReturnToken(who.account_id, who.campaign_id, who.contact_id, 0, check)
    return None


def _who(services: Services, account_id: int, envelope: Envelope) -> RecipientToken | None:
    """The token of the unsubscribe page, which stands in the subject."""
    head = re.split(rb"\r?\n\r?\n", envelope.raw, maxsplit=1)[0]
    subject = _SUBJECT.search(head)
    if subject is None:
        return None
    for text in _TOKEN.findall(subject[1].decode("ascii", "replace")):
        try:
            who = services.tokens.read_recipient(Purpose.UNSUBSCRIBE, text)
        except NotFound:
            continue
        if who.account_id == account_id:
            return who
    return None
