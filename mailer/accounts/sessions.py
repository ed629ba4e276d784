"""Sessions: random, server-side, 30 min idle and 8 h in all; 15 min and 4 h for operators (E-30, G-7)."""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from mailer.core import clock
from mailer.core.db import SharedTx

COOKIE = "__Host-session"
TOUCH_SECONDS = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Who is signed in."""

    session_id: int
    user_id: int
    email: str
    first_name: str
    last_name: str
    language: str
    theme: str
    is_operator: bool
    must_change_password: bool
    csrf: bytes
    flash: dict[str, object] | None
    confirmed_at: datetime
    seen_at: datetime
    created_at: datetime
    # None: by the password, or a link, alone
    second_factor_at: datetime | None

    @property
    def name(self) -> str:
        return f"{self.first_name} {self.last_name}".strip() or self.email


# The first sign that is found counts: Edge says Chrome too, Chrome says Safari, Android says Linux.
_BROWSERS = (
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("Firefox/", "Firefox"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
)
_SYSTEMS = (
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("Windows", "Windows"),
    ("Macintosh", "Mac"),
    ("Linux", "Linux"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """A row of the profile page."""

    id: int
    created_at: datetime
    seen_at: datetime
    ip: str | None
    user_agent: str

    @property
    def program(self) -> str:
        """ "Firefox, Linux" for a browser; another program as it names itself."""
        return program(self.user_agent) or self.user_agent


def program(user_agent: str) -> str:
    """ "Firefox, Linux"; "" for what is no browser that we know."""
    browser = next((name for sign, name in _BROWSERS if sign in user_agent), "")
    system = next((name for sign, name in _SYSTEMS if sign in user_agent), "")
    return ", ".join(name for name in (browser, system) if name) if browser else ""


def _hash(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()


async def start(
    tx: SharedTx, user_id: int, *, ip: str | None, user_agent: str, second_factor: bool = False
) -> str:
    """A new session; returns the cookie's value (256 random bits). `second_factor`: a code was given."""
    token = secrets.token_urlsafe(32)
    await tx.run(
        """
        INSERT INTO sessions (token_hash, user_id, csrf, ip, user_agent, created_at, seen_at, confirmed_at,
                              second_factor_at)
        VALUES ($1, $2, $3, $4::inet, $5, now() + $6::interval, now() + $6::interval, now() + $6::interval,
                CASE WHEN $7 THEN now() + $6::interval END)
        """,
        _hash(token),
        user_id,
        secrets.token_bytes(32),
        ip,
        user_agent[:300],
        clock.offset(),
        second_factor,
    )
    return token


async def find(tx: SharedTx, token: str) -> Person | None:
    """The person behind a cookie; None when it is unknown or over. Touches the session."""
    hashed = _hash(token)
    found = await tx.first(
        Person,
        """
        SELECT s.id AS session_id, s.user_id, u.email, u.first_name, u.last_name, u.language, u.theme,
               u.is_operator, u.must_change_password, s.csrf, s.flash, s.confirmed_at, s.seen_at,
               s.created_at, s.second_factor_at
        FROM sessions s
        JOIN users u ON u.id = s.user_id
        WHERE s.token_hash = $1
          AND NOT u.disabled
          AND s.seen_at > now() + $2::interval
              - make_interval(mins => CASE WHEN u.is_operator THEN 15 ELSE 30 END)
          AND s.created_at > now() + $2::interval
              - make_interval(hours => CASE WHEN u.is_operator THEN 4 ELSE 8 END)
        """,
        hashed,
        clock.offset(),
    )
    if found is not None:
        await tx.run(
            """
            UPDATE sessions SET seen_at = now() + $3::interval
            WHERE token_hash = $1 AND seen_at < now() + $3::interval - make_interval(secs => $2)
            """,
            hashed,
            TOUCH_SECONDS,
            clock.offset(),
        )
    return found


async def stands(tx: SharedTx, token: str, account_id: int) -> bool:
    """Is this still the cookie of a member of the account? Touches nothing: for what asks by itself."""
    return bool(
        await tx.value(
            """
            SELECT EXISTS (
                SELECT
                FROM sessions s
                JOIN users u ON u.id = s.user_id
                JOIN memberships m ON m.user_id = s.user_id AND m.account_id = $2
                WHERE s.token_hash = $1
                  AND NOT u.disabled AND NOT u.must_change_password
                  AND s.seen_at > now() + $3::interval
                      - make_interval(mins => CASE WHEN u.is_operator THEN 15 ELSE 30 END)
                  AND s.created_at > now() + $3::interval
                      - make_interval(hours => CASE WHEN u.is_operator THEN 4 ELSE 8 END))
            """,
            _hash(token),
            account_id,
            clock.offset(),
        )
    )


def seconds_left(person: Person) -> int:
    """Until this session ends when nothing more is asked for: idle or in all, whichever is first."""
    idle = timedelta(minutes=15 if person.is_operator else 30)
    whole = timedelta(hours=4 if person.is_operator else 8) - (clock.now() - person.created_at)
    return max(0, int(min(idle, whole).total_seconds()))


async def end(tx: SharedTx, token: str) -> None:
    await tx.run("DELETE FROM sessions WHERE token_hash = $1", _hash(token))


async def end_one(tx: SharedTx, user_id: int, session_id: int) -> bool:
    """False when this person has no such session."""
    return bool(await tx.run("DELETE FROM sessions WHERE user_id = $1 AND id = $2", user_id, session_id))


async def exists(tx: SharedTx, user_id: int, session_id: int) -> bool:
    found = await tx.value("SELECT id FROM sessions WHERE user_id = $1 AND id = $2", user_id, session_id)
    return found is not None


async def end_all(tx: SharedTx, user_id: int, *, but: int | None = None) -> int:
    """Ends a user's sessions, `but` one when given. Returns how many."""
    return await tx.run("DELETE FROM sessions WHERE user_id = $1 AND id IS DISTINCT FROM $2", user_id, but)


async def many(tx: SharedTx, user_id: int) -> list[Session]:
    return await tx.many(
        Session,
        """
        SELECT id, created_at, seen_at, host(ip) AS ip, user_agent
        FROM sessions
        WHERE user_id = $1 AND seen_at > now() + $2::interval - interval '30 minutes'
          AND created_at > now() + $2::interval - interval '8 hours'
        ORDER BY seen_at DESC
        LIMIT 100
        """,
        user_id,
        clock.offset(),
    )


async def leave_flash(tx: SharedTx, session_id: int, flash: dict[str, object] | None) -> None:
    """A callout for the next page (ui 3.6): {"kind": "success", "message": …, "params": {…}}."""
    await tx.run("UPDATE sessions SET flash = $2 WHERE id = $1", session_id, flash)


async def confirm(tx: SharedTx, session_id: int) -> None:
    """The password, or a code, was given again (E-30)."""
    await tx.run(
        "UPDATE sessions SET confirmed_at = now() + $2::interval WHERE id = $1", session_id, clock.offset()
    )


async def strengthen(tx: SharedTx, session_id: int) -> None:
    """A code was given in it."""
    await tx.run(
        """
        UPDATE sessions
        SET second_factor_at = now() + $2::interval, confirmed_at = now() + $2::interval
        WHERE id = $1
        """,
        session_id,
        clock.offset(),
    )
