"""The account's queue of transactional messages: rows pass into hand-over and never leave twice (S1, D-22).

    settle ─▶ claim ≤ 8 ─▶ make ─▶ step ─▶ hand over ─▶ step ─▶ … ─▶ release
                                    └ outcomes of the group before, and the next group to "handing"

As `claims`, for the one lane an account has here: `turn` names one turn for ever, and whatever an earlier one
left in hand-over is in doubt.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from mailer.core import metrics
from mailer.core.db import AccountTx
from sending import bounce_reasons, smtp_bounces
from sending.outcomes import Outcome


@dataclass(frozen=True, slots=True, kw_only=True)
class Claimed:
    """A row of ours, with its sender and what is sealed."""

    id: int
    design_id: int | None
    attempts: int
    first_at: datetime | None
    expires_at: datetime
    key_day: date
    envelope: bytes
    content: bytes
    sender_name: str
    sender_email: str
    sender_reply_to: str


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """`next_at` None: nothing waits. `open` counts what has no end state yet."""

    active: bool
    next_at: datetime | None
    open: int


async def settle(tx: AccountTx) -> int:
    """What an earlier turn left: claimed rows are queued again, those in hand-over are in doubt.

    Those whose time is over have failed. Returns how many are doubtful.
    """
    await tx.run(
        """
        UPDATE messages SET status = 'queued', turn = NULL
        WHERE account_id = $1 AND status = 'claimed'
        """
    )
    doubtful = await tx.run(
        """
        UPDATE messages
        SET status = 'in_doubt', final_at = now(), smtp_reply = 'the worker stopped before the reply'
        WHERE account_id = $1 AND status = 'handing'
        """
    )
    count("in_doubt", doubtful)
    expired = await tx.run(
        """
        UPDATE messages
        SET status = 'failed', reason = 'expired', final_at = now()
        WHERE account_id = $1 AND status = 'queued' AND expires_at <= now()
        """
    )
    count("failed", expired)
    return doubtful


async def claim(tx: AccountTx, mark: int, limit: int) -> list[Claimed]:
    """The next that are due, oldest first."""
    return await tx.many(
        Claimed,
        """
        WITH picked AS MATERIALIZED (
            SELECT id
            FROM messages
            WHERE account_id = $1 AND status = 'queued' AND next_at <= now() AND expires_at > now()
            ORDER BY next_at, id
            LIMIT $3
            FOR UPDATE SKIP LOCKED
        ), mine AS (
            UPDATE messages m
            SET status = 'claimed', turn = $2
            FROM picked
            WHERE m.account_id = $1 AND m.id = picked.id AND m.status = 'queued'
            RETURNING m.id, m.sender_id, m.design_id, m.attempts, m.first_at, m.expires_at, m.key_day,
                      m.envelope, m.content
        )
        SELECT mine.id, mine.design_id, mine.attempts::int AS attempts, mine.first_at, mine.expires_at,
               mine.key_day, mine.envelope, mine.content, s.name AS sender_name, s.email AS sender_email,
               s.reply_to AS sender_reply_to
        FROM mine
        JOIN senders s ON s.account_id = $1 AND s.id = mine.sender_id
        ORDER BY mine.id
        """,
        mark,
        limit,
    )


async def sealed_again(tx: AccountTx, message_id: int, *, day: date, envelope: bytes, content: bytes) -> None:
    """Under another day's key, while it has still to leave (S13)."""
    await tx.run(
        """
        UPDATE messages SET key_day = $3, envelope = $4, content = $5
        WHERE account_id = $1 AND id = $2 AND final_at IS NULL
        """,
        message_id,
        day,
        envelope,
        content,
    )


_STEP = """
    WITH recorded AS (
        UPDATE messages m
        SET status = o.status, reason = o.reason, smtp_code = nullif(o.code, 0), smtp_reply = o.reply,
            attempts = m.attempts + o.tried::int,
            next_at = CASE WHEN o.status = 'queued' THEN now() + o.wait ELSE m.next_at END,
            final_at = CASE WHEN o.status = 'queued' THEN NULL ELSE now() END,
            turn = NULL
        FROM unnest($3::bigint[], $4::text[], $5::text[], $6::int[], $7::text[], $8::interval[], $9::bool[])
            AS o (id, status, reason, code, reply, wait, tried)
        WHERE m.account_id = $1 AND m.id = o.id AND m.status IN ('handing', 'in_doubt') AND m.turn = $2
        RETURNING m.id, m.status, m.reason
    ), judged AS MATERIALIZED (
        SELECT m.id,
               CASE WHEN m.contact_id IS NOT NULL AND c.id IS NULL THEN 'deleted'
                    WHEN EXISTS (
                        SELECT FROM contacts r
                        WHERE r.account_id = $1 AND r.address_hash = m.address_hash
                          AND r.restricted_at IS NOT NULL
                    ) THEN 'restricted'
                    WHEN s.status <> 'confirmed' THEN 'sender'
                    WHEN EXISTS (
                        SELECT FROM suppressions x
                        WHERE x.account_id = $1 AND x.address_hash = m.address_hash AND x.list_id IS NULL
                          AND x.reason IN ('bounced', 'added')
                          AND (x.expires_at IS NULL OR x.expires_at > now())
                    ) THEN 'suppressed'
                    ELSE ''
               END AS reason
        FROM messages m
        JOIN accounts a ON a.id = $1 AND a.status = 'active'
        JOIN senders s ON s.account_id = $1 AND s.id = m.sender_id
        LEFT JOIN contacts c ON c.account_id = $1 AND c.id = m.contact_id
        WHERE m.account_id = $1 AND m.id = ANY ($10::bigint[])
    ), begun AS (
        UPDATE messages m
        SET status = CASE j.reason WHEN '' THEN 'handing' ELSE 'skipped' END, reason = j.reason,
            first_at = CASE j.reason WHEN '' THEN coalesce(m.first_at, now()) ELSE m.first_at END,
            final_at = CASE j.reason WHEN '' THEN NULL ELSE now() END
        FROM judged j
        WHERE m.account_id = $1 AND m.id = j.id AND m.status = 'claimed' AND m.turn = $2
        RETURNING m.id, m.status, m.reason
    )
    SELECT true AS ended, id, status, reason FROM recorded
    UNION ALL
    SELECT false, id, status, reason FROM begun
"""


async def step(tx: AccountTx, mark: int, done: Sequence[Outcome], ready: Sequence[int]) -> set[int]:
    """Records the group that ended and begins the next. Returns those that may be handed over now.

    Suppression, sender and account are looked at again in the statement that begins a mail; `contact_id` of
    an Outcome is the message here.
    """
    rows = await tx.rows(
        _STEP,
        mark,
        [one.contact_id for one in done],
        [one.status for one in done],
        [one.reason for one in done],
        [one.code for one in done],
        [one.reply for one in done],
        [one.wait for one in done],
        [one.tried for one in done],
        list(ready),
    )
    await bounce_reasons.note_messages(tx, done)
    recorded = {row[1] for row in rows if row[0]}
    await smtp_bounces.note_messages(tx, [one for one in done if one.contact_id in recorded])
    for _, _, status, _ in rows:
        if status not in ("handing", "queued"):
            count(status)
    hard = [row[1] for row in rows if row[0] and row[2:] == ("bounced", "hard")]
    if hard:
        await _suppress(tx, hard)
    return {message_id for ended, message_id, status, _ in rows if not ended and status == "handing"}


async def _suppress(tx: AccountTx, message_ids: list[int]) -> None:
    """Hard bounces, at once and for everything, whether the address is a contact's or not (D-33, S5)."""
    await tx.run(
        """
        INSERT INTO suppressions (account_id, address_hash, list_id, reason)
        SELECT DISTINCT account_id, address_hash, NULL::bigint, 'bounced'
        FROM messages
        WHERE account_id = $1 AND id = ANY ($2::bigint[]) AND address_hash IS NOT NULL
        ON CONFLICT DO NOTHING
        """,
        message_ids,
    )


async def fail(tx: AccountTx, mark: int, failed: Sequence[tuple[int, str, str]]) -> None:
    """Claimed rows that no mail can be made of: (message, reason, why)."""
    touched = await tx.run(
        """
        UPDATE messages m
        SET status = 'failed', reason = f.reason, smtp_reply = f.reply, final_at = now(), turn = NULL
        FROM unnest($3::bigint[], $4::text[], $5::text[]) AS f (id, reason, reply)
        WHERE m.account_id = $1 AND m.id = f.id AND m.status = 'claimed' AND m.turn = $2
        """,
        mark,
        [message_id for message_id, _, _ in failed],
        [reason for _, reason, _ in failed],
        [reply for _, _, reply in failed],
    )
    count("failed", touched)


async def release(tx: AccountTx, mark: int) -> None:
    """Claimed rows of this turn go back to the queue: nothing of them was sent."""
    await tx.run(
        """
        UPDATE messages SET status = 'queued', turn = NULL
        WHERE account_id = $1 AND turn = $2 AND status = 'claimed'
        """,
        mark,
    )


async def take_back(tx: AccountTx, mark: int, message_ids: Sequence[int]) -> None:
    """Rows that a statement without an answer may have moved to "handing", and that were not handed over."""
    await tx.run(
        """
        UPDATE messages SET status = 'queued', turn = NULL
        WHERE account_id = $1 AND turn = $2 AND id = ANY ($3::bigint[]) AND status = 'handing'
        """,
        mark,
        list(message_ids),
    )


async def cancel_open(tx: AccountTx) -> int:
    """A closed account's: what has not begun to leave never will."""
    touched = await tx.run(
        """
        UPDATE messages SET status = 'cancelled', final_at = now(), turn = NULL
        WHERE account_id = $1 AND status IN ('queued', 'claimed')
        """
    )
    count("cancelled", touched)
    return touched


async def state(tx: AccountTx) -> State:
    return await tx.one(
        State,
        """
        SELECT a.status = 'active' AS active,
               (SELECT min(next_at) FROM messages WHERE account_id = $1 AND status = 'queued') AS next_at,
               (SELECT count(*)::int FROM messages
                WHERE account_id = $1 AND status IN ('queued', 'claimed', 'handing')) AS open
        FROM accounts a
        WHERE a.id = $1
        """,
    )


def count(status: str, n: int = 1) -> None:
    """For the operators' figures."""
    metrics.MESSAGES.labels(status).inc(n)
