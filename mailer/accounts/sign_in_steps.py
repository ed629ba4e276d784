"""Between the password, or a mailed link, and the code: ten minutes, no session yet (E-32)."""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import timedelta

from mailer.core import clock
from mailer.core.db import SharedTx

MINUTES = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """Somebody whose password, or link, was right."""

    user_id: int
    sign_in_id: int | None


def _hash(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()


async def start(tx: SharedTx, user_id: int, sign_in_id: int | None) -> str:
    """Returns the token for the cookie."""
    token, now = secrets.token_urlsafe(32), clock.now()
    await tx.run(
        """
        INSERT INTO sign_in_steps (token_hash, user_id, sign_in_id, created_at, expires_at)
        VALUES ($1, $2, $3, $4, $5)
        """,
        _hash(token),
        user_id,
        sign_in_id,
        now,
        now + timedelta(minutes=MINUTES),
    )
    return token


async def find(tx: SharedTx, token: str) -> Step | None:
    return await tx.first(
        Step,
        """
        SELECT s.user_id, s.sign_in_id
        FROM sign_in_steps s
        JOIN users u ON u.id = s.user_id
        WHERE s.token_hash = $1 AND s.expires_at > $2 AND NOT u.disabled
        """,
        _hash(token),
        clock.now(),
    )


async def end(tx: SharedTx, token: str) -> bool:
    """False when it was over already: of two right codes at once one opens a session."""
    return bool(await tx.run("DELETE FROM sign_in_steps WHERE token_hash = $1", _hash(token)))


async def end_all(tx: SharedTx, user_id: int) -> None:
    await tx.run("DELETE FROM sign_in_steps WHERE user_id = $1", user_id)
