"""Links that work once: confirm an address, reset a password, sign in, change an address (B-11).

256 random bits, stored as SHA-256, 60 minutes; a new link of the same purpose kills the old one.
"""

import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

from mailer.core import clock
from mailer.core.db import SharedTx
from mailer.core.errors import Gone

MINUTES = 60
Purpose = Literal["confirm_email", "reset_password", "sign_in", "change_email"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """A link that still works."""

    user_id: int
    details: dict[str, str]


def _hash(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()


async def create(
    tx: SharedTx, user_id: int, purpose: Purpose, *, details: Mapping[str, str] | None = None
) -> str:
    """Returns the token for the address; it is stored as a hash only."""
    token = secrets.token_urlsafe(32)
    now = clock.now()
    await tx.run("DELETE FROM one_time_links WHERE user_id = $1 AND purpose = $2", user_id, purpose)
    await tx.run(
        """
        INSERT INTO one_time_links (token_hash, user_id, purpose, details, created_at, expires_at)
        VALUES ($1, $2, $3, $4, $5, $6)
        """,
        _hash(token),
        user_id,
        purpose,
        dict(details or {}),
        now,
        now + timedelta(minutes=MINUTES),
    )
    return token


async def look(tx: SharedTx, purpose: Purpose, token: str) -> Link:
    """For the page that shows the button: uses nothing up. Raises Gone."""
    found = await tx.first(
        Link,
        """
        SELECT l.user_id, l.details
        FROM one_time_links l
        JOIN users u ON u.id = l.user_id
        WHERE l.token_hash = $1 AND l.purpose = $2 AND l.used_at IS NULL AND l.expires_at > $3
          AND NOT u.disabled
        """,
        _hash(token),
        purpose,
        clock.now(),
    )
    if found is None:
        raise Gone
    return found


async def use(tx: SharedTx, purpose: Purpose, token: str) -> Link:
    """Uses the link up. Raises Gone when it was used, replaced, or is over."""
    found = await tx.first(
        Link,
        """
        UPDATE one_time_links l SET used_at = $3
        FROM users u
        WHERE l.token_hash = $1 AND l.purpose = $2 AND l.used_at IS NULL AND l.expires_at > $3
          AND u.id = l.user_id AND NOT u.disabled
        RETURNING l.user_id, l.details
        """,
        _hash(token),
        purpose,
        clock.now(),
    )
    if found is None:
        raise Gone
    return found


async def end_all(tx: SharedTx, user_id: int) -> None:
    """After the password or the address changed: what was sent before works no more."""
    await tx.run("DELETE FROM one_time_links WHERE user_id = $1", user_id)
