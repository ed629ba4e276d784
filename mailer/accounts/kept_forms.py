"""What somebody typed, when their session was over before they pressed the button (E-30, WCAG 2.2.5).

Sealed for that person alone, without passwords and files, for a quarter of an hour.
"""

import hashlib
import re
import secrets
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Literal

import orjson

from mailer.core import clock
from mailer.core.db import SharedTx
from mailer.core.sealing import Sealer, Unsealable

MINUTES = 15
MOST_OF_ONE = 5
MOST_BYTES = 3_000_000
NEVER = re.compile(r"password|secret|token|one.?time|\botp|^(csrf|form_id|file)$")


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptForm:
    """`action`: where it was sent; `page`: where its form stands; `files`: one had been chosen.

    `why`: the session was over, or the password was asked for again.
    """

    user_id: int
    action: str
    page: str
    values: dict[str, list[str]]
    files: bool
    why: Literal["session", "password"] = "session"


@dataclass(frozen=True, slots=True)
class _Row:
    user_id: int
    sealed: bytes


def _hash(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()


async def keep(tx: SharedTx, sealer: Sealer, form: KeptForm) -> str | None:
    """Returns the token it is found by; None when it is too large or nobody's."""
    plain = orjson.dumps(asdict(form))
    if len(plain) > MOST_BYTES:
        return None
    token, now = secrets.token_urlsafe(32), clock.now()
    await tx.run("DELETE FROM kept_forms WHERE expires_at <= $1", now)
    kept = await tx.run(
        """
        INSERT INTO kept_forms (token_hash, user_id, sealed, created_at, expires_at)
        SELECT $2, id, $3, $4, $5
        FROM users
        WHERE id = $1 AND NOT disabled
        """,
        form.user_id,
        _hash(token),
        sealer.seal(plain, f"kept form {form.user_id}"),
        now,
        now + timedelta(minutes=MINUTES),
    )
    # whoever presses on and on fills no disk
    await tx.run(
        """
        DELETE FROM kept_forms
        WHERE token_hash IN (
            SELECT token_hash FROM kept_forms WHERE user_id = $1 ORDER BY created_at DESC OFFSET $2
        )
        """,
        form.user_id,
        MOST_OF_ONE,
    )
    return token if kept else None


async def find(tx: SharedTx, sealer: Sealer, token: str) -> KeptForm | None:
    """For its `user_id` only: whoever asks compares."""
    row = await tx.first(
        _Row,
        "SELECT user_id, sealed FROM kept_forms WHERE token_hash = $1 AND expires_at > $2",
        _hash(token),
        clock.now(),
    )
    if row is None:
        return None
    try:
        return KeptForm(**orjson.loads(sealer.open(row.sealed, f"kept form {row.user_id}")))
    except Unsealable:
        return None
