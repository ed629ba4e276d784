"""The second factor of people who sign in, and what helps when the phone is lost (E-32, S18).

    none ──begin──▶ pending ──its first code──▶ on ──turn_off, reset──▶ none
                                                └──begin, first code──▶ on, with another secret

A secret is sealed under the operator's key and bound to the person. Recovery codes are shown once and kept as
hashes. What is tried is counted by whoever asks (`sign_ins.py`).
"""

import base64
import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from mailer.accounts import sessions, sign_in_steps, totp, users
from mailer.accounts.users import User
from mailer.core import clock, outbox
from mailer.core.db import SharedTx
from mailer.core.errors import Conflict, Fault, fault
from mailer.core.sealing import Sealer, Unsealable
from mailer.core.text import N_

RECOVERY_CODES = 10
# 80 bits: nobody guesses one, so an unsalted hash is as good as a slow one
_CODE_BYTES = 10
# for a secret that was shown: time enough to install an app
_PENDING = timedelta(hours=1)
WRONG = N_("This code is not right, or was used before. Wait for the next one in your app.")
WRONG_RECOVERY = N_("This is none of your recovery codes, or it was used before.")
Proof = Literal["code", "recovery"]
# what a mail tells the person
What = Literal["on", "off", "codes", "recovery", "reset"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SecondFactor:
    """What the profile page tells. `left`: recovery codes that still work."""

    since: datetime | None
    pending: bool
    left: int

    @property
    def on(self) -> bool:
        return self.since is not None


@dataclass(frozen=True, slots=True)
class _Row:
    sealed: bytes | None
    last_step: int
    pending: bytes | None
    pending_at: datetime | None


async def show(tx: SharedTx, user_id: int) -> SecondFactor:
    found = await tx.first(
        SecondFactor,
        """
        SELECT since, coalesce(pending_at > $2, false) AS pending,
               (SELECT count(*)::int FROM recovery_codes WHERE user_id = $1 AND used_at IS NULL) AS left
        FROM second_factors
        WHERE user_id = $1
        """,
        user_id,
        clock.now() - _PENDING,
    )
    return found or SecondFactor(since=None, pending=False, left=0)


async def is_on(tx: SharedTx, user_id: int) -> bool:
    return bool(
        await tx.value("SELECT since IS NOT NULL FROM second_factors WHERE user_id = $1", user_id) or False
    )


def _purpose(user_id: int) -> str:
    return f"second factor {user_id}"


async def begin(tx: SharedTx, sealer: Sealer, user_id: int) -> None:
    """Another secret to be scanned; the one that counts counts until a code of the new one comes."""
    await tx.run(
        """
        INSERT INTO second_factors (user_id, pending, pending_at)
        VALUES ($1, $2, $3)
        ON CONFLICT (user_id) DO UPDATE SET pending = excluded.pending, pending_at = excluded.pending_at
        """,
        user_id,
        sealer.seal(totp.new_secret(), _purpose(user_id)),
        clock.now(),
    )


async def _locked(tx: SharedTx, user_id: int) -> _Row | None:
    return await tx.first(
        _Row,
        "SELECT sealed, last_step, pending, pending_at FROM second_factors WHERE user_id = $1 FOR UPDATE",
        user_id,
    )


async def pending_secret(tx: SharedTx, sealer: Sealer, user_id: int) -> bytes | None:
    """The secret that waits for its first code, for the page that shows it."""
    row = await _locked(tx, user_id)
    if row is None or row.pending is None or row.pending_at is None:
        return None
    if row.pending_at <= clock.now() - _PENDING:
        return None
    try:
        return sealer.open(row.pending, _purpose(user_id))
    except Unsealable:
        return None


def _digits(given: str) -> str:
    return "".join(given.split())


async def turn_on(tx: SharedTx, sealer: Sealer, user: User, given: str, *, session_id: int) -> list[str]:
    """The first code of the pending secret makes it count. Returns recovery codes, to be shown once.

    Every other session ends: none of them gave a code. Raises Invalid at `code`, Conflict.
    """
    secret = await pending_secret(tx, sealer, user.id)
    if secret is None:
        raise Conflict(Fault("code", N_("This code came too late: begin again with a new QR code."), "late"))
    now = clock.now()
    step = totp.matching_step(secret, _digits(given), now=now.timestamp(), after=0)
    if step is None:
        raise fault("code", WRONG, code="wrong")
    await tx.run(
        """
        UPDATE second_factors
        SET sealed = pending, since = $2, last_step = $3, pending = NULL, pending_at = NULL
        WHERE user_id = $1
        """,
        user.id,
        now,
        step,
    )
    codes = await _new_codes(tx, user.id)
    await sessions.end_all(tx, user.id, but=session_id)
    await sessions.strengthen(tx, session_id)
    await sign_in_steps.end_all(tx, user.id)
    await tell(tx, user, "on")
    return codes


async def check(tx: SharedTx, sealer: Sealer, user_id: int, given: str) -> bool:
    """Is this a code of now, that was not used? Uses it up. Two at once: one of them is right."""
    row = await _locked(tx, user_id)
    text = _digits(given)
    if row is None or row.sealed is None or not (text.isascii() and text.isdigit()):
        return False
    try:
        secret = sealer.open(row.sealed, _purpose(user_id))
    except Unsealable:
        return False
    step = totp.matching_step(secret, text, now=clock.now().timestamp(), after=row.last_step)
    if step is None:
        return False
    await tx.run("UPDATE second_factors SET last_step = $2 WHERE user_id = $1", user_id, step)
    return True


# ---------------------------------------------------------------- recovery codes


def _plain(given: str) -> str:
    """However it was typed: blanks, hyphens and capitals are nothing."""
    return "".join(letter for letter in given.lower() if letter.isalnum())


def _hash(given: str) -> bytes:
    return hashlib.sha256(_plain(given).encode()).digest()


def _new_code() -> str:
    text = base64.b32encode(secrets.token_bytes(_CODE_BYTES)).decode().lower()
    return "-".join(text[at : at + 4] for at in range(0, len(text), 4))


async def _new_codes(tx: SharedTx, user_id: int) -> list[str]:
    codes = [_new_code() for _ in range(RECOVERY_CODES)]
    await tx.run("DELETE FROM recovery_codes WHERE user_id = $1", user_id)
    await tx.run(
        "INSERT INTO recovery_codes (user_id, code_hash) SELECT $1, unnest($2::bytea[])",
        user_id,
        [_hash(code) for code in codes],
    )
    return codes


async def renew_codes(tx: SharedTx, user: User) -> list[str]:
    """Ten others; those of before work no more. Raises Conflict when the second factor is off."""
    if not await is_on(tx, user.id):
        raise Conflict(Fault("code", N_("The second factor is off: there is nothing to recover."), "off"))
    codes = await _new_codes(tx, user.id)
    await tell(tx, user, "codes")
    return codes


async def recover(tx: SharedTx, user: User, given: str) -> bool:
    """Is this an unused recovery code? Uses it up and tells the person how many are left."""
    used = await tx.run(
        """
        UPDATE recovery_codes SET used_at = $3
        WHERE user_id = $1 AND code_hash = $2 AND used_at IS NULL
        """,
        user.id,
        _hash(given),
        clock.now(),
    )
    if used:
        await tell(tx, user, "recovery", left=(await show(tx, user.id)).left)
    return bool(used)


# ---------------------------------------------------------------- its end


async def _delete(tx: SharedTx, user_id: int) -> bool:
    return bool(await tx.run("DELETE FROM second_factors WHERE user_id = $1", user_id))


async def is_required(tx: SharedTx, user_id: int) -> bool:
    """Of operators (S18); of everybody in an account that says so."""
    return bool(
        await tx.value(
            """
            SELECT u.is_operator
                OR EXISTS (SELECT FROM memberships m
                           JOIN accounts a ON a.id = m.account_id
                           WHERE m.user_id = u.id AND a.second_factor_required)
            FROM users u
            WHERE u.id = $1
            """,
            user_id,
        )
    )


async def turn_off(tx: SharedTx, user: User) -> None:
    """By the person themselves. Raises Conflict where it is required."""
    if await is_required(tx, user.id):
        raise Conflict(
            Fault("code", N_("Your work here requires a second factor: it can be replaced, not turned off."))
        )
    if await _delete(tx, user.id):
        await tell(tx, user, "off")


async def reset(tx: SharedTx, user_id: int) -> bool:
    """By an owner or the operator, for somebody who lost phone and codes: their sessions end, they are told.

    False when there was none.
    """
    if not await _delete(tx, user_id):
        return False
    await sessions.end_all(tx, user_id)
    await sign_in_steps.end_all(tx, user_id)
    await tell(tx, await users.by_id(tx, user_id), "reset")
    return True


async def tell(tx: SharedTx, user: User, what: What, *, left: int = 0) -> None:
    await outbox.write(
        tx,
        "second_factor",
        user.email,
        language=user.language,
        details={"name": user.first_name, "what": what, "left": left},
    )


async def was_asked(tx: SharedTx, user_id: int) -> bool:
    """S18: an owner is asked once; later the home page reminds them."""
    return bool(await tx.value("SELECT second_factor_asked_at IS NOT NULL FROM users WHERE id = $1", user_id))


async def note_asked(tx: SharedTx, user_id: int) -> None:
    await tx.run(
        "UPDATE users SET second_factor_asked_at = coalesce(second_factor_asked_at, $2) WHERE id = $1",
        user_id,
        clock.now(),
    )
