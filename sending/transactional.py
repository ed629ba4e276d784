"""Transactional messages: one mail to one person, asked for by a program (A-101, D-82).

    accept ─▶ row "queued" and one row of work an account ─▶ transactional_turns ─▶ an end state of S1

Who may not be written to is told at once. A person's no to newsletters stops no service mail; a mailbox that
does not exist, and what the team itself put on the suppression list for everything, does (S5).
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from mailer.accounts import agreements, audit, identity
from mailer.core import clock, keys, work
from mailer.core.addresses import Address
from mailer.core.db import AccountTx
from mailer.core.errors import Conflict, Fault, Forbidden, Gone, NotFound, fault
from mailer.core.sealing import Sealer
from mailer.core.services import Services
from mailer.core.text import N_
from sending import domain_words, domains, senders, transactional_content
from sending.senders import Sender
from sending.transactional_content import Composed, From
from sending.transactional_order import NewMessage

JOB = "sending.send_messages"


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """The answer to a message that will be sent."""

    id: int
    status: str
    created_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Ready:
    """Checked and made, not yet kept. `same` names its content, whoever gets it."""

    new: NewMessage
    sender: Sender
    to: Address
    hashed: bytes
    composed: Composed
    same: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """`to` and `subject` None: erased, six days after the last attempt.

    `status` deferred: queued again after a try.
    """

    id: int
    status: str
    reason: str
    to: str | None
    subject: str | None
    template: str
    design_id: int | None
    sender_id: int
    contact_id: int | None
    attempts: int
    created_at: datetime
    next_at: datetime | None
    expires_at: datetime
    final_at: datetime | None
    smtp_code: int | None
    smtp_reply: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """`status` may be "deferred" too. `before` is the id of the last row of the page before."""

    status: str = ""
    to: str = ""
    before: int | None = None
    limit: int = 50


async def make(tx: AccountTx, services: Services, new: NewMessage) -> Ready:
    """All checks, and the content. Raises Invalid with what to mend, Forbidden when the account may not."""
    await _check_account(tx)
    sender = await _sender(tx, services, new.sender_id)
    to = senders.read_address(new.to.email, "to.email")
    hashed = keys.address_hash(await keys.hash_key(tx, services.sealer), to.key)
    await _check_address(tx, hashed)
    composed = await transactional_content.compose(tx, services.settings, new, to)
    writer = From(
        account_id=tx.account_id,
        name=sender.name,
        email=sender.email,
        reply_to=sender.reply_to,
        key=bytes(32),
    )
    transactional_content.try_out(composed, writer, services.settings)
    parts = (composed.envelope.subject, composed.content.html, composed.content.text)
    same = hashlib.sha256("\0".join(parts).encode()).hexdigest()[:32]
    return Ready(new=new, sender=sender, to=to, hashed=hashed, composed=composed, same=same)


async def _check_account(tx: AccountTx) -> None:
    status, awaits = (await tx.rows("SELECT status, awaits FROM accounts WHERE id = $1"))[0]
    if status == "pending" and awaits == "owner":
        raise Forbidden(N_("This account was reactivated: nothing is sent before an owner confirms it."))
    if status == "pending":
        raise Forbidden(N_("This account waits for the operator's approval: nothing can be sent yet."))
    if status != "active":
        raise Forbidden(N_("The account is suspended or closed."), code="account")
    if await agreements.ever(tx) is None:
        message = N_("The data processing agreement is not accepted. Accept it first.")
        raise Forbidden(message, code="agreement")
    if await agreements.acknowledged(tx) is None:
        message = N_("An owner has not yet read and acknowledged the responsibilities of whoever sends.")
        raise Forbidden(message, code="responsibilities")
    if not (await identity.of(tx)).complete:
        message = N_("Recipients must read who writes: give your name, postal address and e-mail.")
        raise Forbidden(message, code="identity")


async def _sender(tx: AccountTx, services: Services, sender_id: int) -> Sender:
    try:
        sender = await senders.show(tx, sender_id)
    except NotFound:
        raise fault("sender_id", N_("There is no such sender."), code="unknown") from None
    if sender.status != "confirmed":
        message = N_("{email} is not confirmed: nothing leaves from it.")
        raise fault("sender_id", message, code="sender", email=sender.email)
    gate = await domains.gate(tx, services, sender.domain)
    if gate.code:
        # D-54: service mail needs it as much, nobody would accept it otherwise
        raise fault("sender_id", domain_words.GATE[gate.code], code="domain", domain=sender.domain)
    return sender


async def _check_address(tx: AccountTx, hashed: bytes) -> None:
    """A list left, a stop of everything, a complaint and an objection speak of newsletters (A-101, C-16).

    A limit of use (art. 18) speaks of every mail: whoever answers the person does so from a mailbox (C-13).
    """
    if await tx.value(
        """
        SELECT true FROM contacts
        WHERE account_id = $1 AND address_hash = $2 AND restricted_at IS NOT NULL
        LIMIT 1
        """,
        hashed,
    ):
        message = N_("The use of this contact's data is limited at their request.")
        raise fault("to.email", message, code="restricted")
    reason = await tx.value(
        """
        SELECT reason
        FROM suppressions
        WHERE account_id = $1 AND address_hash = $2 AND list_id IS NULL AND reason IN ('bounced', 'added')
          AND (expires_at IS NULL OR expires_at > now())
        ORDER BY reason
        LIMIT 1
        """,
        hashed,
    )
    if reason == "added":
        message = N_("Your team put this address on the suppression list.")
        raise fault("to.email", message, code="suppressed")
    if reason is not None:
        raise fault("to.email", N_("This mailbox does not exist: a mail to it came back."), code="bounced")


async def accept(tx: AccountTx, services: Services, ready: Ready) -> Accepted:
    """Keeps it, to leave within seconds."""
    day = clock.now().date()
    envelope, content = transactional_content.dump(ready.composed)
    found = await tx.one(
        Accepted,
        """
        INSERT INTO messages (account_id, sender_id, design_id, template, contact_id, address_hash, key_day,
                              envelope, content, expires_at)
        VALUES ($1, $2, $3, $4, (SELECT id FROM contacts WHERE account_id = $1 AND address_key = $5), $6, $7,
                $8, $9, now() + make_interval(secs => $10))
        RETURNING id, status, created_at, expires_at
        """,
        ready.sender.id,
        ready.composed.design_id,
        ready.composed.template,
        ready.to.key,
        ready.hashed,
        day,
        await keys.seal_content(tx, services.sealer, day=day, plain=envelope),
        await keys.seal_content(tx, services.sealer, day=day, plain=content),
        float(ready.new.expires_after),
    )
    # one row of work for all messages of the account: a turn takes what has come meanwhile as well
    await work.add(tx, JOB, 0)
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class _Row:
    id: int
    status: str
    reason: str
    template: str
    design_id: int | None
    sender_id: int
    contact_id: int | None
    attempts: int
    created_at: datetime
    next_at: datetime | None
    expires_at: datetime
    final_at: datetime | None
    smtp_code: int | None
    smtp_reply: str
    key_day: date | None
    envelope: bytes | None


async def many(tx: AccountTx, sealer: Sealer, wanted: Filter) -> list[Message]:
    """The newest first, one more than the limit when there are more. Raises Invalid at `to`."""
    hashed = None
    if wanted.to:
        to = senders.read_address(wanted.to, "to")
        hashed = keys.address_hash(await keys.hash_key(tx, sealer), to.key)
    rows = await tx.many(
        _Row,
        """
        SELECT m.id, m.reason, m.template, m.design_id, m.sender_id, m.created_at, m.expires_at, m.final_at,
               m.smtp_reply, m.key_day, m.envelope, m.attempts::int AS attempts,
               m.smtp_code::int AS smtp_code,
               CASE WHEN m.status = 'queued' AND m.first_at IS NOT NULL THEN 'deferred'
                    ELSE m.status END AS status,
               CASE WHEN m.status = 'queued' THEN m.next_at END AS next_at,
               (SELECT c.id FROM contacts c WHERE c.account_id = $1 AND c.id = m.contact_id) AS contact_id
        FROM messages m
        WHERE m.account_id = $1 AND ($2::bytea IS NULL OR m.address_hash = $2)
          AND ($3 = '' OR m.status = CASE WHEN $3 = 'deferred' THEN 'queued' ELSE $3 END)
          AND ($3 <> 'deferred' OR m.first_at IS NOT NULL)
          AND ($4::bigint IS NULL OR m.id < $4)
        ORDER BY m.id DESC
        LIMIT $5
        """,
        hashed,
        wanted.status,
        wanted.before,
        wanted.limit + 1,
    )
    return await _shown(tx, sealer, rows)


async def show(tx: AccountTx, sealer: Sealer, message_id: int) -> Message:
    """Raises NotFound."""
    row = await tx.one(
        _Row,
        """
        SELECT m.id, m.reason, m.template, m.design_id, m.sender_id, m.created_at, m.expires_at, m.final_at,
               m.smtp_reply, m.key_day, m.envelope, m.attempts::int AS attempts,
               m.smtp_code::int AS smtp_code,
               CASE WHEN m.status = 'queued' AND m.first_at IS NOT NULL THEN 'deferred'
                    ELSE m.status END AS status,
               CASE WHEN m.status = 'queued' THEN m.next_at END AS next_at,
               (SELECT c.id FROM contacts c WHERE c.account_id = $1 AND c.id = m.contact_id) AS contact_id
        FROM messages m
        WHERE m.account_id = $1 AND m.id = $2
        """,
        message_id,
    )
    return (await _shown(tx, sealer, [row]))[0]


async def _shown(tx: AccountTx, sealer: Sealer, rows: Sequence[_Row]) -> list[Message]:
    opened = await keys.open_many(tx, sealer, [(row.key_day, row.envelope) for row in rows])
    made = []
    for row, plain in zip(rows, opened, strict=True):
        known = transactional_content.read_envelope(plain) if plain is not None else None
        shared = {name: getattr(row, name) for name in Message.__dataclass_fields__ if name in _Row.__slots__}
        made.append(
            Message(**shared, to=known.email if known else None, subject=known.subject if known else None)
        )
    return made


async def send_again(tx: AccountTx, message_id: int) -> None:
    """One that is in doubt leaves again because somebody asked: it may then arrive twice.

    Raises NotFound, Conflict when it is not in doubt, Gone after the content's six days (A-002).
    """
    status = await tx.value("SELECT status FROM messages WHERE account_id = $1 AND id = $2", message_id)
    if status is None:
        raise NotFound
    if status != "in_doubt":
        raise Conflict(Fault("status", N_("Only a message in doubt can be sent again."), "state"))
    touched = await tx.run(
        """
        UPDATE messages m
        SET status = 'queued', next_at = now(), expires_at = now() + (m.expires_at - m.created_at),
            first_at = NULL, final_at = NULL, turn = NULL
        WHERE m.account_id = $1 AND m.id = $2 AND m.status = 'in_doubt' AND m.content IS NOT NULL
          AND EXISTS (SELECT FROM content_keys k WHERE k.account_id = $1 AND k.day = m.key_day)
        """,
        message_id,
    )
    if not touched:
        raise Gone
    await work.add(tx, JOB, 0)
    await audit.write(tx, "sent_again", "message", message_id)
