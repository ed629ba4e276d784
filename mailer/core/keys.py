"""Keys of one account: for the keyed hash of addresses, and one a day for content (S5, S8, S13).

operator's secret ─seals─▶ the account's content master ─seals─▶ keys of days ─seal─▶ content
dies:  never                at the account's end                  6 days after          with its key
"""

import hashlib
import hmac
import secrets
from collections.abc import Sequence
from datetime import date

from mailer.core import sealing
from mailer.core.db import AccountTx
from mailer.core.sealing import Sealer

# unsealed keys of this process, by account; a key never changes and dies with the account
_hash_keys: dict[int, bytes] = {}
_MASTER = "SELECT sealed FROM content_masters WHERE account_id = $1"


class ContentGone(Exception):
    """The day's key was destroyed: this content can never be read again (S13)."""


async def hash_key(tx: AccountTx, sealer: Sealer) -> bytes:
    """The account's 32-byte key of address hashes, made at first use."""
    found = _hash_keys.get(tx.account_id)
    if found is not None:
        return found
    sealed = await tx.value(
        "SELECT sealed FROM account_keys WHERE account_id = $1 AND purpose = 'address_hash'",
    )
    if sealed is None:
        await tx.run(
            """
            INSERT INTO account_keys (account_id, purpose, sealed)
            VALUES ($1, 'address_hash', $2)
            ON CONFLICT DO NOTHING
            """,
            sealer.seal(secrets.token_bytes(32), f"account {tx.account_id}"),
        )
        sealed = await tx.value(
            "SELECT sealed FROM account_keys WHERE account_id = $1 AND purpose = 'address_hash'",
        )
        # not cached yet: this transaction may still be undone, and the key with it
        return sealer.open(sealed, f"account {tx.account_id}")
    key = sealer.open(sealed, f"account {tx.account_id}")
    _hash_keys[tx.account_id] = key
    return key


def address_hash(key: bytes, address_key: str) -> bytes:
    """128 bits of HMAC-SHA256 over the address key (S8, S9)."""
    return hmac.digest(key, address_key.encode(), hashlib.sha256)[:16]


async def content_key(tx: AccountTx, sealer: Sealer, day: date) -> bytes:
    """The key that seals content of `day` (UTC), made at first use under the account's own key."""
    master = await _master(tx, sealer)
    purpose = f"content {tx.account_id} {day.isoformat()}"
    await tx.run(
        "INSERT INTO content_keys (account_id, day, sealed) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
        day,
        sealing.encrypt(master, secrets.token_bytes(32), purpose),
    )
    sealed = await tx.value("SELECT sealed FROM content_keys WHERE account_id = $1 AND day = $2", day)
    key = _open_day(sealer, master, sealed, purpose)
    if not sealing.is_under(master, sealed):
        # from before there was a key of the account: under the secret, which outlives the account
        await tx.run(
            "UPDATE content_keys SET sealed = $3 WHERE account_id = $1 AND day = $2",
            day,
            sealing.encrypt(master, key, purpose),
        )
    return key


async def _master(tx: AccountTx, sealer: Sealer) -> bytes:
    """The account's key above those of days, made at first use: with it all content goes, also of backups."""
    sealed = await tx.value(_MASTER)
    if sealed is None:
        await tx.run(
            "INSERT INTO content_masters (account_id, sealed) VALUES ($1, $2) ON CONFLICT DO NOTHING",
            sealer.seal(secrets.token_bytes(32), master_purpose(tx.account_id)),
        )
        sealed = await tx.value(_MASTER)
    return sealer.open(sealed, master_purpose(tx.account_id))


def master_purpose(account_id: int) -> str:
    return f"content master {account_id}"


def _open_day(sealer: Sealer, master: bytes | None, sealed: bytes, purpose: str) -> bytes:
    if master is not None and sealing.is_under(master, sealed):
        return sealing.decrypt(master, sealed, purpose)
    return sealer.open(sealed, purpose)


async def _days(tx: AccountTx, sealer: Sealer, days: Sequence[date]) -> dict[date, bytes]:
    """The keys of these days that are still there."""
    rows = await tx.rows(
        """
        SELECT k.day, k.sealed, m.sealed
        FROM content_keys k
        LEFT JOIN content_masters m ON m.account_id = $1
        WHERE k.account_id = $1 AND k.day = ANY ($2::date[])
        """,
        days,
    )
    above = rows[0][2] if rows else None
    master = None if above is None else sealer.open(above, master_purpose(tx.account_id))
    return {
        day: _open_day(sealer, master, sealed, f"content {tx.account_id} {day.isoformat()}")
        for day, sealed, _ in rows
    }


async def open_content(tx: AccountTx, sealer: Sealer, *, day: date, sealed: bytes) -> bytes:
    """Raises ContentGone when the day's key is no more."""
    key = (await _days(tx, sealer, [day])).get(day)
    if key is None:
        raise ContentGone
    return sealing.decrypt(key, sealed, "content")


async def seal_content(tx: AccountTx, sealer: Sealer, *, day: date, plain: bytes) -> bytes:
    return sealing.encrypt(await content_key(tx, sealer, day), plain, "content")


async def open_many(
    tx: AccountTx, sealer: Sealer, sealed: Sequence[tuple[date | None, bytes | None]]
) -> list[bytes | None]:
    """Several pieces of content with one query; None for each whose key is no more, or that was erased."""
    known = await _days(tx, sealer, sorted({day for day, _ in sealed if day is not None}))
    return [
        sealing.decrypt(known[day], piece, "content") if piece is not None and day in known else None
        for day, piece in sealed
    ]
