"""Senders: the address contacts see. Nothing leaves from one until its mailbox has confirmed it.

    create ─ mail with a link ─▶ confirm ─▶ confirmed ─▶ revoke

An address that a signed-in person has confirmed as their own needs no second mail. Free-mail addresses are
refused: their providers would refuse the message (D-54).
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated

from pydantic import BeforeValidator, Field, StringConstraints

from mailer.accounts import audit, identity
from mailer.core import addresses, clock, outbox
from mailer.core.addresses import Address, AddressError
from mailer.core.db import AccountTx
from mailer.core.errors import Conflict, Fault, Invalid, NotFound, conflict, fault
from mailer.core.links import Links
from mailer.core.text import N_
from mailer.core.tokens import Purpose
from mailer.web.request import Input
from sending import domains

LINK_DAYS = 3
Name = Annotated[str, StringConstraints(min_length=1, max_length=120)]


def _typed_number(value: object) -> object:
    """A form's text: empty is no limit, and a comma is what French keyboards have."""
    if isinstance(value, str):
        return value.strip().replace(",", ".") or None
    return value


PerSecond = Annotated[Annotated[float, Field(ge=0.01, le=1000)] | None, BeforeValidator(_typed_number)]
Typed = Annotated[str, StringConstraints(max_length=320)]


class NewSender(Input):
    email: Typed
    name: Name
    reply_to: Typed = ""


class SenderChanges(Input):
    """The address itself never changes: it was confirmed as it is. `per_second` null: no limit."""

    name: Name | None = None
    reply_to: Typed | None = None
    per_second: PerSecond = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Sender:
    """`status` is pending, confirmed or revoked; `asked_at` when the confirmation was last mailed.

    `per_second`: mails that leave from it at most; None: no limit.
    """

    id: int
    email: str
    name: str
    reply_to: str
    status: str
    per_second: float | None
    asked_at: datetime
    confirmed_at: datetime | None
    created_at: datetime

    @property
    def domain(self) -> str:
        """In A-labels, as the DNS and `domains` know it."""
        return addresses.domain_of(addresses.parse(self.email).key)


async def create(tx: AccountTx, new: NewSender, links: Links, *, own: str = "") -> Sender:
    """A sender, and its confirmation mail. `own`: the signed-in person's address.

    Raises Invalid for an address that cannot be used and Conflict when the account has it already.
    """
    address = read_address(new.email, "email")
    if addresses.is_free_mail(addresses.domain_of(address.key)):
        domain = address.email.rpartition("@")[2]
        message = N_(
            "A {domain} address cannot be the sender: {domain} would refuse the message. "
            "Use an address of your own domain."
        )
        raise fault("email", message, code="free_mail", domain=domain)
    is_own = bool(own) and addresses.parse(own).key == address.key
    confirmed = is_own and own in await identity.team(tx)
    with conflict("senders_address_key", "email", N_("{email} is a sender already."), email=address.email):
        made = await tx.one(
            Sender,
            """
            INSERT INTO senders (account_id, email, address_key, name, reply_to, status, confirmed_at)
            VALUES ($1, $2, $3, $4, $5, CASE WHEN $6 THEN 'confirmed' ELSE 'pending' END,
                    CASE WHEN $6 THEN now() END)
            RETURNING id, email, name, reply_to, status, per_second, asked_at, confirmed_at, created_at
            """,
            address.email,
            address.key,
            new.name,
            _reply_to(new.reply_to),
            confirmed,
        )
    if not confirmed:
        await _mail(tx, made, links)
    await domains.ensure(tx, made.domain)
    await audit.write(tx, "created", "sender", made.id)
    return made


async def own(tx: AccountTx, *, email: str, name: str, links: Links) -> None:
    """The person's own confirmed address as the account's first sender, so that nobody types it again."""
    if await tx.value("SELECT 1 FROM senders WHERE account_id = $1 LIMIT 1"):
        return
    if email not in await identity.team(tx):
        return
    if addresses.is_free_mail(addresses.domain_of(addresses.parse(email).key)):
        return
    async with tx.savepoint():
        await create(tx, NewSender(email=email, name=name[:120]), links, own=email)


async def many(tx: AccountTx) -> list[Sender]:
    """All of the account, those that can be used first."""
    return await tx.many(
        Sender,
        """
        SELECT id, email, name, reply_to, status, per_second, asked_at, confirmed_at, created_at
        FROM senders
        WHERE account_id = $1
        ORDER BY array_position(ARRAY['confirmed', 'pending', 'revoked'], status), id
        LIMIT 500
        """,
    )


async def show(tx: AccountTx, sender_id: int) -> Sender:
    """Raises NotFound."""
    return await tx.one(
        Sender,
        """
        SELECT id, email, name, reply_to, status, per_second, asked_at, confirmed_at, created_at
        FROM senders
        WHERE account_id = $1 AND id = $2
        """,
        sender_id,
    )


async def sending_from(tx: AccountTx, sender_id: int) -> list[int]:
    """Campaigns that leave from it now."""
    rows = await tx.rows(
        """
        SELECT id FROM campaigns
        WHERE account_id = $1 AND sender_id = $2 AND status = 'sending'
        ORDER BY id
        LIMIT 20
        """,
        sender_id,
    )
    return [campaign_id for (campaign_id,) in rows]


async def change(tx: AccountTx, sender_id: int, changes: SenderChanges) -> Sender:
    """Raises NotFound, and Invalid for a reply-to that is no address."""
    reply_to = None if changes.reply_to is None else _reply_to(changes.reply_to)
    changed = await tx.one(
        Sender,
        """
        UPDATE senders
        SET name = coalesce($3, name), reply_to = coalesce($4, reply_to),
            per_second = CASE WHEN $5 THEN $6 ELSE per_second END
        WHERE account_id = $1 AND id = $2
        RETURNING id, email, name, reply_to, status, per_second, asked_at, confirmed_at, created_at
        """,
        sender_id,
        changes.name,
        reply_to,
        "per_second" in changes.model_fields_set,
        changes.per_second,
    )
    await audit.write(tx, "changed", "sender", sender_id)
    return changed


async def ask_again(tx: AccountTx, sender_id: int, links: Links) -> Sender:
    """The confirmation mail once more; the earlier link is void. At most one in a minute (E-14)."""
    asked = await tx.first(
        Sender,
        """
        UPDATE senders
        SET asked_at = now(), status = 'pending'
        WHERE account_id = $1 AND id = $2 AND status <> 'confirmed' AND asked_at < now() - interval '1 minute'
        RETURNING id, email, name, reply_to, status, per_second, asked_at, confirmed_at, created_at
        """,
        sender_id,
    )
    if asked is None:
        found = await show(tx, sender_id)
        if found.status == "confirmed":
            raise Conflict(
                Fault("status", N_("{email} is confirmed already."), "status", {"email": found.email})
            )
        raise Conflict(
            Fault("status", N_("The e-mail left less than a minute ago. Look for it first."), "soon")
        )
    await _mail(tx, asked, links)
    await audit.write(tx, "asked", "sender", sender_id)
    return asked


async def confirm(tx: AccountTx, sender_id: int, *, asked: int) -> Sender:
    """By the owner of the mailbox. `asked`: as in the link. A second press changes nothing.

    Raises NotFound for a link that a newer one replaced, and for a revoked sender.
    """
    found = await show(tx, sender_id)
    if asked_ms(found) != asked or found.status == "revoked":
        raise NotFound
    if found.status == "confirmed":
        return found
    await tx.run(
        """
        UPDATE senders
        SET status = 'confirmed', confirmed_at = now()
        WHERE account_id = $1 AND id = $2 AND status = 'pending'
        """,
        sender_id,
    )
    await audit.write(tx, "confirmed", "sender", sender_id)
    return await show(tx, sender_id)


async def revoke(tx: AccountTx, sender_id: int) -> Sender:
    """Nothing new leaves from it. Raises Conflict while a campaign that is not finished uses it."""
    busy = await tx.value(
        """
        SELECT name FROM campaigns
        WHERE account_id = $1 AND sender_id = $2 AND status IN ('scheduled', 'preparing', 'sending', 'paused')
        LIMIT 1
        """,
        sender_id,
    )
    if busy is not None:
        message = N_("The campaign “{name}” still sends from this address. Cancel it or let it end first.")
        raise Conflict(Fault("status", message, "in_use", {"name": busy}))
    revoked = await tx.one(
        Sender,
        """
        UPDATE senders
        SET status = 'revoked', confirmed_at = NULL
        WHERE account_id = $1 AND id = $2
        RETURNING id, email, name, reply_to, status, per_second, asked_at, confirmed_at, created_at
        """,
        sender_id,
    )
    await audit.write(tx, "revoked", "sender", sender_id)
    return revoked


def asked_ms(sender: Sender) -> int:
    """When the newest mail was asked for, in milliseconds: links of older ones are void."""
    return int(sender.asked_at.timestamp() * 1000)


def read_token(links: Links, token: str) -> tuple[int, int, int]:
    """Account, sender and time of asking in a confirmation link. Raises NotFound when damaged or over."""
    numbers = links.tokens.read_timed(Purpose.SENDER, token, now=int(clock.now().timestamp()))
    if len(numbers) != 3:
        raise NotFound
    return numbers[0], numbers[1], numbers[2]


def read_address(text: str, field: str) -> Address:
    """A typed address, or Invalid at `field`."""
    try:
        return addresses.parse(text)
    except AddressError as error:
        raise Invalid(Fault(field, error.message, error.code, error.params)) from None


def _reply_to(text: str) -> str:
    return read_address(text, "reply_to").email if text.strip() else ""


async def _mail(tx: AccountTx, sender: Sender, links: Links) -> None:
    asked = asked_ms(sender)
    expires = int((clock.now() + timedelta(days=LINK_DAYS)).timestamp())
    who = await identity.of(tx)
    details = {
        "link": links.sender(tx.account_id, sender.id, asked=asked, expires=expires),
        "name": sender.name,
        "email": sender.email,
        "account": who.legal_name or who.account_name,
        "days": LINK_DAYS,
    }
    await outbox.write(tx, "confirm_sender", sender.email, language=who.language, details=details)
