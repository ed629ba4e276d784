"""Somebody asks about their data on a public page; only the owner of the mailbox makes it a request (A-022).

    ask ─▶ row + work ─▶ job: known? ─▶ mail, valid 24 h ─▶ GET shows, POST confirms ─▶ rights_confirm
                              └ no ──▶ the row is forgotten

The page does the same for every address and looks nothing up, so that neither its words nor its time say who
is known. Where the mail goes is what is stored: what was typed may look like the same address and be another.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from lists.rights_words import REQUESTS, Right
from mailer.accounts import identity
from mailer.core import keys, outbox, work
from mailer.core.addresses import Address
from mailer.core.db import AccountTx
from mailer.core.links import Links
from mailer.core.sealing import Sealer
from mailer.web import i18n

JOB = "lists.write_about_rights"
LIVES = timedelta(hours=24)
SHOWN = timedelta(days=5)  # then the link itself is over; until then it says what became of the request
MAIL_AGAIN = timedelta(minutes=10)
MAILS_A_DAY = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """`request_id` None: nobody confirmed it yet."""

    id: int
    kind: str
    address_hash: bytes
    sealed_address: bytes
    language: str
    asked_at: datetime
    mailed_at: datetime | None
    request_id: int | None

    @property
    def until(self) -> datetime:
        return self.asked_at + LIVES


@dataclass(frozen=True, slots=True, kw_only=True)
class _Known:
    """`email` None: no contact any more, but a refusal, a proof or a request of theirs."""

    contact_id: int | None
    email: str | None


def purpose(account_id: int) -> str:
    """What an address in the register is sealed for."""
    return f"rights request {account_id}"


async def ask(
    tx: AccountTx, sealer: Sealer, address: Address, kind: Right, *, language: str, now: datetime
) -> None:
    """The same few statements for every address."""
    ask_id: int = await tx.value(
        """
        INSERT INTO rights_asks (account_id, kind, address_hash, sealed_address, language, asked_at)
        VALUES ($1, $2, $3, $4, $5, $6)
        RETURNING id
        """,
        kind.value,
        keys.address_hash(await keys.hash_key(tx, sealer), address.key),
        sealer.seal(address.email.encode(), purpose(tx.account_id)),
        language,
        now,
    )
    await work.add(tx, JOB, ask_id)


async def write_to(
    tx: AccountTx, sealer: Sealer, links: Links, ask_id: int, *, now: datetime
) -> datetime | None:
    """One mail to whoever is known; returns when to try again, None when there is nothing left to do.

    At most one mail in ten minutes to an address and six a day, whatever is asked: nobody is flooded by it.
    """
    asked = await _of_address(tx, ask_id, now - LIVES)
    own = next((one for one in asked if one.id == ask_id), None)
    if own is None or own.mailed_at is not None or own.request_id is not None:
        return None
    known = await _known(tx, own.address_hash)
    mailed = [one for one in asked if one.mailed_at is not None]
    last = max((one.mailed_at for one in mailed if one.mailed_at), default=None)
    recent = last is not None and last > now - MAIL_AGAIN
    again = recent and any(one.kind == own.kind for one in mailed)
    if known is None or again or len(mailed) >= MAILS_A_DAY:
        await tx.run("DELETE FROM rights_asks WHERE account_id = $1 AND id = $2", ask_id)
        return None
    if recent and last is not None:
        return last + MAIL_AGAIN
    typed = sealer.open(own.sealed_address, purpose(tx.account_id)).decode()
    await _mail(tx, own, known.email or typed, links)
    await tx.run("UPDATE rights_asks SET mailed_at = $3 WHERE account_id = $1 AND id = $2", ask_id, now)
    return None


async def _of_address(tx: AccountTx, ask_id: int, after: datetime) -> list[Ask]:
    """All that the same address asked lately, locked: two workers do not both write."""
    return await tx.many(
        Ask,
        """
        SELECT id, kind, address_hash, sealed_address, language, asked_at, mailed_at, request_id
        FROM rights_asks
        WHERE account_id = $1 AND asked_at > $3
          AND address_hash = (SELECT address_hash FROM rights_asks WHERE account_id = $1 AND id = $2)
        ORDER BY id
        FOR UPDATE
        """,
        ask_id,
        after,
    )


async def _known(tx: AccountTx, hashed: bytes) -> _Known | None:
    return await tx.first(
        _Known,
        """
        SELECT c.id AS contact_id, c.email
        FROM (SELECT $2::bytea AS hashed) h
        LEFT JOIN contacts c ON c.account_id = $1 AND c.address_hash = h.hashed
        WHERE c.id IS NOT NULL
           OR EXISTS (SELECT FROM suppressions WHERE account_id = $1 AND address_hash = $2)
           OR EXISTS (SELECT FROM consents WHERE account_id = $1 AND address_hash = $2 AND purpose <> 'mail')
           OR EXISTS (SELECT FROM rights_requests WHERE account_id = $1 AND address_hash = $2)
        """,
        hashed,
    )


async def _mail(tx: AccountTx, own: Ask, recipient: str, links: Links) -> None:
    account = await identity.of(tx)
    language = own.language or account.language
    details = {
        "link": links.rights_confirm(tx.account_id, own.id, expires=int((own.until + SHOWN).timestamp())),
        "sender": account.legal_name or account.account_name,
        "address": account.postal_address,
        "contact": account.contact_email,
    }
    with i18n.speaking(language):
        details["request"] = i18n.translate(REQUESTS[Right(own.kind)])
        details["asked"] = i18n.moment(own.asked_at, account.time_zone)
        details["until"] = i18n.moment(own.until, account.time_zone)
    await outbox.write(tx, "rights_confirm", recipient, language=language, details=details)


async def waiting(tx: AccountTx, ask_id: int, now: datetime) -> Ask | None:
    """Locked; None when its 24 hours are over and nobody confirmed it, or it is forgotten."""
    found = await tx.first(
        Ask,
        """
        SELECT id, kind, address_hash, sealed_address, language, asked_at, mailed_at, request_id
        FROM rights_asks
        WHERE account_id = $1 AND id = $2
        FOR UPDATE
        """,
        ask_id,
    )
    if found is None or (found.request_id is None and found.until <= now):
        return None
    return found


async def settle(tx: AccountTx, ask_id: int, request_id: int) -> None:
    """Confirmed: the link shows from here on what became of it. What was typed is needed no more."""
    await tx.run(
        """
        UPDATE rights_asks SET request_id = $3, sealed_address = ''::bytea WHERE account_id = $1 AND id = $2
        """,
        ask_id,
        request_id,
    )
