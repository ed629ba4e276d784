"""API keys: `mailer_<random>_<checksum>`, stored as SHA-256, shown once (E-35)."""

import hashlib
import secrets
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from mailer.accounts.sign_ins import masked
from mailer.core import clock
from mailer.core.db import SharedTx
from mailer.core.errors import Fault, Invalid
from mailer.core.text import N_

PREFIX = "mailer_live_"
_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
NOUNS = (
    "account",
    "lists",
    "contacts",
    "fields",
    "forms",
    "segments",
    "tags",
    "imports",
    "exports",
    "senders",
    "domains",
    "smtp-servers",
    "campaigns",
    "images",
    "designs",
    "messages",
    "suppressions",
    "requests",
    "webhooks",
)
SCOPES = (*(f"{noun}:{act}" for noun in NOUNS for act in ("read", "write")), "campaigns:send")


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """The key of a request and its account."""

    id: int
    account_id: int
    account_status: str
    name: str
    scopes: list[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKey:
    id: int
    name: str
    prefix: str
    scopes: list[str]
    created_at: datetime
    last_used_at: datetime | None
    last_used_ip: str | None
    expires_at: datetime | None
    revoked_at: datetime | None
    expired: bool
    # "" when it was made on the command line, or its maker's account is gone
    maker: str
    maker_left: bool

    @property
    def last_place(self) -> str:
        return masked(self.last_used_ip)


def _checksum(text: str) -> str:
    number, out = zlib.crc32(text.encode()), ""
    for _ in range(6):
        number, digit = divmod(number, 62)
        out += _ALPHABET[digit]
    return out


def well_formed(text: str) -> bool:
    """The checksum is right: a wrong key costs no query."""
    body, _, checksum = text.rpartition("_")
    return text.isascii() and text.startswith(PREFIX) and len(text) < 100 and checksum == _checksum(body)


def _hash(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()


async def create(
    tx: SharedTx,
    account_id: int,
    name: str,
    *,
    scopes: Sequence[str],
    created_by: int | None = None,
    expires_at: datetime | None = None,
) -> tuple[int, str]:
    """Returns id and key; the key is never shown again. Raises Invalid, also for no scope: nothing is given
    that nobody asked for (E-35)."""
    if not scopes:
        raise Invalid(
            Fault(
                "scopes", N_("Say what the key may do: {scopes}."), "missing", {"scopes": ", ".join(SCOPES)}
            )
        )
    if unknown := sorted(set(scopes) - set(SCOPES)):
        message = N_("Unknown scope: {scope}. There are: {scopes}.")
        words = {"scope": ", ".join(unknown), "scopes": ", ".join(SCOPES)}
        raise Invalid(Fault("scopes", message, "scope", words))
    body = PREFIX + "".join(secrets.choice(_ALPHABET) for _ in range(32))
    key = f"{body}_{_checksum(body)}"
    key_id: int = await tx.value(
        """
        INSERT INTO api_keys (account_id, name, prefix, key_hash, scopes, created_by, expires_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7)
        RETURNING id
        """,
        account_id,
        name,
        key[: len(PREFIX) + 4],
        _hash(key),
        list(dict.fromkeys(scopes)),
        created_by,
        expires_at,
    )
    return key_id, key


async def find(tx: SharedTx, key: str, *, ip: str | None = None) -> Caller | None:
    """The caller, or None for an unknown, revoked or expired key. Notes the use, at most once a minute."""
    found = await tx.first(
        Caller,
        """
        SELECT k.id, k.account_id, a.status AS account_status, k.name, k.scopes
        FROM api_keys k
        JOIN accounts a ON a.id = k.account_id
        WHERE k.key_hash = $1 AND k.revoked_at IS NULL AND (k.expires_at IS NULL OR k.expires_at > $2)
        """,
        _hash(key),
        clock.now(),
    )
    if found is not None:
        await tx.run(
            """
            UPDATE api_keys SET last_used_at = now(), last_used_ip = $2::inet
            WHERE id = $1 AND (last_used_at IS NULL OR last_used_at < now() - interval '1 minute')
            """,
            found.id,
            ip,
        )
    return found


async def many(tx: SharedTx, account_id: int) -> list[ApiKey]:
    return await tx.many(
        ApiKey,
        """
        SELECT k.id, k.name, k.prefix, k.scopes, k.created_at, k.last_used_at,
               host(k.last_used_ip) AS last_used_ip, k.expires_at, k.revoked_at,
               coalesce(k.expires_at <= $2, false) AS expired,
               coalesce(nullif(trim(u.first_name || ' ' || u.last_name), ''), u.email, '') AS maker,
               u.id IS NOT NULL AND m.user_id IS NULL AS maker_left
        FROM api_keys k
        LEFT JOIN users u ON u.id = k.created_by
        LEFT JOIN memberships m ON m.account_id = k.account_id AND m.user_id = k.created_by
        WHERE k.account_id = $1
        ORDER BY k.revoked_at NULLS FIRST, k.id DESC
        LIMIT 200
        """,
        account_id,
        clock.now(),
    )


async def revoke(tx: SharedTx, account_id: int, key_id: int) -> bool:
    """At once; False when there is no such key."""
    return bool(
        await tx.run(
            "UPDATE api_keys SET revoked_at = coalesce(revoked_at, now()) WHERE account_id = $1 AND id = $2",
            account_id,
            key_id,
        )
    )
