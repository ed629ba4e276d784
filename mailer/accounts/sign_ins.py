"""Tries to sign in: counted, slowed down, shown to the person (B-02, B-13, E-34, A-042).

    person's own device (cookie) ── failures of this device only: a stranger cannot lock its owner out
    any other                    ── failures for this address, and failures from this place

Counted in PostgreSQL, always on (B-04). A refused try is not looked at and not counted.
"""

import hashlib
import hmac
import ipaddress
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from mailer.core import clock
from mailer.core.db import SharedTx
from mailer.core.errors import TooMany
from mailer.core.text import N_

# CNIL guide, sheet 4, case 2: over a minute after 5 failures, growing; at most 25 in 24 hours (B-02)
FREE_FAILURES = 5
MOST_A_DAY = 25
FIRST_DELAY_SECONDS = 61
LONGEST_DELAY_SECONDS = 4 * 3600
DEVICE_DAYS = 180

# step: password or link was right, a code is awaited; code, recovery: and it came; second: the try of a code
Method = Literal["password", "link", "step", "code", "recovery", "second"]
_LATER = N_("{n} failed tries. Try again in {wait} min; a reset is still possible.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a try comes from. `device` is the number in the person's cookie, "" when there is none.

    `program`: "Firefox, Linux".
    """

    ip: str | None
    device: str = ""
    program: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SignIn:
    """A row of the profile page."""

    at: datetime
    ip: str | None
    succeeded: bool
    program: str
    method: str

    @property
    def place(self) -> str:
        """Enough of the address to know one's own again."""
        return masked(self.ip)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Failures:
    """`consecutive`: since the last success; `day`: in 24 hours; `oldest`: the first of those."""

    consecutive: int
    day: int
    latest: datetime | None
    oldest: datetime | None


def address_hash(key: bytes, address_key: str) -> bytes:
    """What stands for the typed address in the counters; `key` is the operator's."""
    return hmac.digest(key, b"sign-in:" + address_key.encode(), hashlib.sha256)[:16]


def masked(ip: str | None) -> str:
    """Without its last part: 203.0.113.•••, or the first 48 bits of an IPv6 address."""
    if ip is None:
        return ""
    try:
        address = ipaddress.ip_address(ip.partition("%")[0])
    except ValueError:
        return ""
    if address.version == 4:
        return f"{str(address).rpartition('.')[0]}.•••"
    return f"{ipaddress.ip_network((address, 48), strict=False).network_address}•••"


def _network(ip: str | None) -> str | None:
    if ip is None:
        return None
    try:
        address = ipaddress.ip_address(ip.partition("%")[0])
    except ValueError:
        return None
    if address.version == 4:
        return str(address)
    return str(ipaddress.ip_network((address, 64), strict=False).network_address)


def new_device(key: bytes, address_key: str) -> str:
    """The value of the device cookie: random, tied to this person by a keyed hash."""
    number = secrets.token_urlsafe(16)
    return f"{number}.{_tie(key, address_key, number)}"


def _tie(key: bytes, address_key: str, number: str) -> str:
    text = f"device:{address_key}:{number}"
    return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()[:32]


def device_hash(key: bytes, address_key: str, cookie: str) -> bytes | None:
    """The device behind a cookie, when it is one of this person's."""
    number, _, tie = cookie.partition(".")
    if not number or not hmac.compare_digest(tie.encode(), _tie(key, address_key, number).encode()):
        return None
    return hashlib.sha256(number.encode()).digest()


def code_hashes(address: bytes, device: bytes | None) -> tuple[bytes, bytes | None]:
    """What codes are counted under, apart from passwords: a right one of those begins no new count."""
    second = None if device is None else hashlib.sha256(b"code:" + device).digest()
    return hashlib.sha256(b"code:" + address).digest()[:16], second


def wait_seconds(consecutive: int, day: int, *, since_latest: float, since_oldest: float) -> int:
    """How long to wait before the next try; 0 when it may be made. Ages in seconds."""
    if day >= MOST_A_DAY:
        return max(1, round(86_400 - since_oldest))
    if consecutive < FREE_FAILURES:
        return 0
    delay = min(FIRST_DELAY_SECONDS << (consecutive - FREE_FAILURES), LONGEST_DELAY_SECONDS)
    return max(0, round(delay - since_latest))


async def begin(
    tx: SharedTx,
    hashed: bytes,
    *,
    user_id: int | None,
    place: Place,
    device: bytes | None,
    method: Method = "password",
) -> int:
    """Counts a try as failed before its password is looked at, so that a hundred at once count as a hundred.

    Returns the try's id, for `succeed`. Raises TooMany, and then counts nothing. Tries for unknown addresses
    are gone after a day.
    """
    await _check(tx, hashed, place=place, device=device)
    now = clock.now()
    await tx.run("DELETE FROM sign_ins WHERE user_id IS NULL AND at < $1", now - timedelta(days=1))
    try_id: int = await tx.value(
        """
        INSERT INTO sign_ins (user_id, at, ip, succeeded, address_hash, device, place, program, method)
        VALUES ($1, $2, $3::inet, false, $4, $5, $6::inet, $7, $8)
        RETURNING id
        """,
        user_id,
        now,
        place.ip,
        hashed,
        device,
        _network(place.ip),
        place.program,
        method,
    )
    return try_id


async def succeed(tx: SharedTx, try_id: int) -> None:
    """The password was right: the count of failures in a row starts again, that of the day does not."""
    await tx.run("UPDATE sign_ins SET succeeded = true WHERE id = $1", try_id)


async def note_link(tx: SharedTx, user_id: int, place: Place) -> int:
    """A sign-in by a one-time link, for the person's own list (B-13). Returns its id."""
    try_id: int = await tx.value(
        """
        INSERT INTO sign_ins (user_id, at, ip, succeeded, program, method)
        VALUES ($1, $2, $3::inet, true, $4, 'link')
        RETURNING id
        """,
        user_id,
        clock.now(),
        place.ip,
        place.program,
    )
    return try_id


async def note_method(tx: SharedTx, try_id: int, method: Method) -> None:
    """How far a try came whose password, or link, was right."""
    await tx.run("UPDATE sign_ins SET method = $2 WHERE id = $1", try_id, method)


async def seen_before(tx: SharedTx, user_id: int, *, but: int | None) -> bool:
    """Did this person sign in before? `but`: the try of now."""
    return bool(
        await tx.value(
            """
            SELECT EXISTS (SELECT FROM sign_ins
                           WHERE user_id = $1 AND succeeded AND id IS DISTINCT FROM $2
                             AND method IN ('password', 'link', 'code', 'recovery'))
            """,
            user_id,
            but,
        )
    )


async def _check(tx: SharedTx, hashed: bytes, *, place: Place, device: bytes | None) -> None:
    since = clock.now() - timedelta(days=1)
    network = _network(place.ip)
    # one after the other for the same address or place: the next one sees this one's row
    await tx.value("SELECT pg_advisory_xact_lock(7251, hashtext(encode($1, 'hex')))", hashed)
    if device is not None:
        counted = [await _of_device(tx, device, since)]
    else:
        counted = [await _of_address(tx, hashed, since)]
        if network is not None:
            await tx.value("SELECT pg_advisory_xact_lock(7252, hashtext($1))", network)
            counted.append(await _of_place(tx, network, since))
    wait, failed = max((_wait(found), max(found.consecutive, FREE_FAILURES)) for found in counted)
    if wait > 0:
        error = TooMany(wait, _LATER)
        error.params = {"wait": max(1, round(wait / 60)), "n": failed}
        raise error


def _wait(found: _Failures) -> int:
    if found.latest is None or found.oldest is None:
        return 0
    now = clock.now()
    return wait_seconds(
        found.consecutive,
        found.day,
        since_latest=(now - found.latest).total_seconds(),
        since_oldest=(now - found.oldest).total_seconds(),
    )


async def _of_address(tx: SharedTx, hashed: bytes, since: datetime) -> _Failures:
    return await tx.one(
        _Failures,
        """
        SELECT count(*) FILTER (WHERE NOT s.succeeded AND s.at > coalesce(last.at, '-infinity'))::int
                 AS consecutive,
               count(*) FILTER (WHERE NOT s.succeeded)::int AS day,
               max(s.at) FILTER (WHERE NOT s.succeeded) AS latest,
               min(s.at) FILTER (WHERE NOT s.succeeded) AS oldest
        FROM sign_ins s
        CROSS JOIN (SELECT max(at) AS at FROM sign_ins WHERE address_hash = $1 AND succeeded AND at > $2) last
        WHERE s.address_hash = $1 AND s.device IS NULL AND s.at > $2
        """,
        hashed,
        since,
    )


async def _of_place(tx: SharedTx, network: str, since: datetime) -> _Failures:
    return await tx.one(
        _Failures,
        """
        SELECT count(*) FILTER (WHERE NOT s.succeeded AND s.at > coalesce(last.at, '-infinity'))::int
                 AS consecutive,
               count(*) FILTER (WHERE NOT s.succeeded)::int AS day,
               max(s.at) FILTER (WHERE NOT s.succeeded) AS latest,
               min(s.at) FILTER (WHERE NOT s.succeeded) AS oldest
        FROM sign_ins s
        CROSS JOIN (SELECT max(at) AS at FROM sign_ins WHERE place = $1::inet AND succeeded AND at > $2) last
        WHERE s.place = $1::inet AND s.device IS NULL AND s.at > $2
        """,
        network,
        since,
    )


async def _of_device(tx: SharedTx, device: bytes, since: datetime) -> _Failures:
    return await tx.one(
        _Failures,
        """
        SELECT count(*) FILTER (WHERE NOT s.succeeded AND s.at > coalesce(last.at, '-infinity'))::int
                 AS consecutive,
               count(*) FILTER (WHERE NOT s.succeeded)::int AS day,
               max(s.at) FILTER (WHERE NOT s.succeeded) AS latest,
               min(s.at) FILTER (WHERE NOT s.succeeded) AS oldest
        FROM sign_ins s
        CROSS JOIN (SELECT max(at) AS at FROM sign_ins WHERE device = $1 AND succeeded AND at > $2) last
        WHERE s.device = $1 AND s.at > $2
        """,
        device,
        since,
    )


async def last(tx: SharedTx, user_id: int, count: int = 3) -> list[SignIn]:
    """The latest tries, good and bad, for the person to recognise (B-13)."""
    return await tx.many(
        SignIn,
        """
        SELECT at, host(ip) AS ip, succeeded, program, method
        FROM sign_ins
        WHERE user_id = $1 AND NOT (succeeded AND method = 'second')
        ORDER BY at DESC, id DESC
        LIMIT $2
        """,
        user_id,
        count,
    )
