"""Mails that come to our addresses: stored before they are acknowledged, then read by a job (D-30, D-36).

    listener ─ Arrived ─▶ store ─▶ inbound_mails of the account that the address names ─▶ inbound_reading
                             └───▶ stray_mails: postmaster, abuse and the like          ─▶ strays

One row for each recipient that is ours. A mail that is handed over again meets its digest.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import orjson

from mailer.core import clock, keys, metrics, work
from mailer.core.db import Database, SharedTx
from mailer.core.errors import NotFound
from mailer.core.sealing import Sealer
from mailer.core.tokens import ReturnToken, Tokens
from sending import return_paths

READ = "sending.read_inbound"
READ_STRAYS = "sending.read_strays"
SEAL_STRAY = "stray mail"
MOST_STRAYS = 5_000
"""Anybody may write to postmaster: of more than these the oldest that waits for a person goes."""
KEPT_OCTETS = 1_000_000
"""Of a longer mail the beginning is kept: reports stand before the mail that they speak of (RFC 6522 §3)."""
# RFC 5321 §4.5.1, RFC 2142; `bounces` alone was the return path of earlier versions
_ROLES = frozenset({"postmaster", "abuse", return_paths.BOUNCES, return_paths.UNSUBSCRIBE})


class Full(Exception):
    """There is no room for mail of no account until what lies here was read."""


@dataclass(frozen=True, slots=True)
class Place:
    """One of our addresses. `token` None: of no account."""

    address: str
    name: str
    token: ReturnToken | None = None


@dataclass(frozen=True, slots=True)
class Arrived:
    """A mail as it came; `raw` may be cut, `size` is what came."""

    mail_from: str
    places: Sequence[Place]
    raw: bytes
    size: int


@dataclass(frozen=True, slots=True)
class Envelope:
    """What is kept of an arrival. `returned_to`: the address of ours that it came to."""

    mail_from: str
    returned_to: str
    raw: bytes

    def dump(self) -> bytes:
        head = orjson.dumps([self.mail_from, self.returned_to])
        return head + b"\n" + self.raw


def load(plain: bytes) -> Envelope:
    head, _, raw = plain.partition(b"\n")
    mail_from, returned_to = orjson.loads(head)
    return Envelope(mail_from, returned_to, raw)


def place(tokens: Tokens, domain: str, address: str, *, now: datetime) -> Place:
    """An address of RCPT TO. Raises NotFound for what is not ours, forged or past its time."""
    address = address.strip()
    if address.lower() == "postmaster":
        # RFC 5321 §4.1.1.3: without a domain, in any case of letters
        return Place(address, "postmaster")
    local, _, at = address.rpartition("@")
    if at.lower().rstrip(".") != domain.lower() or not local or len(address) > 320:
        raise NotFound
    if local.lower() in _ROLES:
        return Place(address, local.lower())
    name, token = return_paths.read(tokens, local, now=now)
    return Place(address, name, token)


def _digest(envelope: Envelope) -> bytes:
    return hashlib.blake2b(envelope.dump(), digest_size=16).digest()


async def store(db: Database, sealer: Sealer, mail: Arrived) -> int:
    """Committed when this returns. Returns how many rows there are for it: 0, when its accounts are no more.

    All recipients or none, since SMTP has one answer for all of them (RFC 5321 §6.1). Raises Full.
    """
    known = 0
    async with db.shared() as tx:
        # an order of accounts: two mails never wait for each other
        for one in sorted(mail.places, key=lambda place: place.token.account_id if place.token else 0):
            envelope = Envelope(_plain(mail.mail_from), _plain(one.address), mail.raw[:KEPT_OCTETS])
            if one.token is None:
                known += await store_stray(tx, sealer, envelope, size=mail.size)
            else:
                known += await store_known(tx, sealer, one.token.account_id, envelope, size=mail.size)
    return known


async def store_stray(tx: SharedTx, sealer: Sealer, envelope: Envelope, *, size: int) -> int:
    """Junk must not keep complaints out: where it is full, the oldest that waits goes. Raises Full."""
    await tx.run(
        """
        INSERT INTO stray_mails (digest, size, content)
        VALUES ($1, $2, $3)
        ON CONFLICT ON CONSTRAINT stray_mails_digest DO NOTHING
        """,
        _digest(envelope),
        size,
        sealer.seal(envelope.dump(), SEAL_STRAY),
    )
    if await tx.value("SELECT count(*) FROM stray_mails") > MOST_STRAYS:
        await _make_room(tx)
    await work.add(tx, READ_STRAYS, 0)
    return 1


async def _make_room(tx: SharedTx) -> None:
    """What was not read yet may be a complaint, and stays. Raises Full."""
    gone = await tx.run(
        """
        DELETE FROM stray_mails
        WHERE id = (SELECT id FROM stray_mails WHERE state = 'open'
                    ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED)
        """
    )
    if not gone:
        raise Full
    metrics.INBOUND.labels("dropped").inc()


async def store_known(tx: SharedTx, sealer: Sealer, account_id: int, envelope: Envelope, *, size: int) -> int:
    """0: there is no such account any more."""
    inside = await tx.enter(account_id)
    if not await inside.value("SELECT EXISTS (SELECT FROM accounts WHERE id = $1)"):
        return 0
    day = clock.now().date()
    await inside.run(
        """
        INSERT INTO inbound_mails (account_id, digest, size, key_day, content)
        VALUES ($1, $2, $3, $4, $5)
        ON CONFLICT ON CONSTRAINT inbound_mails_digest DO NOTHING
        """,
        _digest(envelope),
        size,
        day,
        await keys.seal_content(inside, sealer, day=day, plain=envelope.dump()),
    )
    await work.add(inside, READ, 0)
    return 1


def _plain(text: str) -> str:
    # aiosmtpd keeps octets that are no UTF-8 as halves of surrogate pairs
    return text.encode("utf-8", "replace").decode().replace("\0", "")[:320]
