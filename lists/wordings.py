"""The texts that people said yes or no to: each kept once, never changed, with a number of its own (B-25)."""

import hashlib

from mailer.core.db import AccountTx


async def keep(tx: AccountTx, place: str, text: str) -> int | None:
    """The id of this text as shown at this place ("confirmation", "form 12"); None for no text.

    A text that the place has not shown before becomes its next version.
    """
    if not text:
        return None
    hashed = hashlib.blake2b(text.encode(), digest_size=16).digest()
    found: int | None = await _find(tx, place, hashed)
    if found is not None:
        return found
    # two first uses at the same moment: the second waits here and then finds the first's
    await tx.value("SELECT pg_advisory_xact_lock(hashtextextended('wordings ' || $1::bigint, 0))")
    found = await _find(tx, place, hashed)
    if found is not None:
        return found
    made: int = await tx.value(
        """
        INSERT INTO wordings (account_id, place, version, hash, text)
        SELECT $1, $2, coalesce(max(version), 0) + 1, $3, $4
        FROM wordings
        WHERE account_id = $1 AND place = $2
        RETURNING id
        """,
        place,
        hashed,
        text,
    )
    return made


async def _find(tx: AccountTx, place: str, hashed: bytes) -> int | None:
    found: int | None = await tx.value(
        "SELECT id FROM wordings WHERE account_id = $1 AND place = $2 AND hash = $3", place, hashed
    )
    return found
