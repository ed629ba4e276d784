"""How much an account may keep of images, with their thumbnails: set by `mailer account limits`.

Asked before bytes are stored, and again, one upload after the other, in the transaction that makes an image
of them: uploads at the same moment never pass the limit together. Bytes of uploads under way count.
"""

from dataclasses import dataclass

from mailer.core.db import AccountTx
from mailer.core.errors import fault
from mailer.core.text import N_

MB = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """In bytes; `most` None: no limit."""

    most: int | None
    used: int

    @property
    def left(self) -> int | None:
        return None if self.most is None else max(0, self.most - self.used)


async def of(tx: AccountTx) -> Room:
    return await tx.one(
        Room,
        """
        SELECT a.image_bytes AS most,
               coalesce((SELECT sum(f.size) FROM files f
                         WHERE f.account_id = $1 AND f.kind = 'image'), 0)::bigint AS used
        FROM accounts a
        WHERE a.id = $1
        """,
    )


async def check(tx: AccountTx, more: int) -> None:
    """Is there room for so many bytes more? Raises Invalid at `file`."""
    room = await of(tx)
    if room.most is not None and room.used + more > room.most:
        message = N_(
            "Your account may keep {limit} MB of images, and {left} MB are left."
            " Delete images that nothing uses, or ask the operator for more room."
        )
        raise fault("file", message, code="quota", limit=room.most // MB, left=(room.left or 0) // MB)


async def hold(tx: AccountTx) -> None:
    """What is stored is within the limit; nobody else adds until this transaction ends. Raises Invalid."""
    await tx.value("SELECT pg_advisory_xact_lock(hashtextextended('images ' || $1::bigint, 0))")
    await check(tx, 0)
