"""The certificate of an erased account: what anybody may read who has its address (A-093, GDPR 28(3)(g))."""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime

from mailer.core.db import SharedTx
from mailer.core.proof_keys import Signature


@dataclass(frozen=True, slots=True)
class Certificate:
    """`record`: canonical JSON; `signature`: by the installation's key `key_id`, over its octets."""

    account_id: int
    erased_at: datetime
    record: str
    key_id: int
    signature: bytes


def new_link() -> tuple[str, bytes]:
    """The secret in the address of its page, and what is stored of it."""
    token = secrets.token_urlsafe(24)
    return token, hashlib.sha256(token.encode()).digest()


async def by_link(tx: SharedTx, token: str) -> Certificate:
    """Raises NotFound."""
    return await tx.one(
        Certificate,
        """
        SELECT account_id, erased_at, record, key_id, signature
        FROM account_certificates
        WHERE link_hash = $1
        """,
        hashlib.sha256(token.encode()).digest(),
    )


async def erased_at(tx: SharedTx, account_id: int) -> datetime | None:
    """For recipients whose links outlive the account; None: it is here, or never was, or long ago."""
    found: datetime | None = await tx.value(
        "SELECT erased_at FROM account_certificates WHERE account_id = $1", account_id
    )
    return found


async def finish(
    tx: SharedTx, one: Certificate, signed: Signature, *, link_hash: bytes, expires_at: datetime
) -> None:
    """In the transaction that ends the erasure."""
    await tx.run(
        """
        UPDATE account_certificates
        SET erased_at = $2, record = $3, key_id = $4, signature = $5, link_hash = $6, expires_at = $7
        WHERE account_id = $1
        """,
        one.account_id,
        one.erased_at,
        one.record,
        signed.key_id,
        signed.value,
        link_hash,
        expires_at,
    )
