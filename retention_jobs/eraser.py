"""What the login role may not delete or read: ledger, journal, last opens. Only here is the role taken (S11).

The role has no policy of its own, so row-level security holds it inside the account of the transaction.
"""

from datetime import date, datetime

from mailer.core.db import AccountTx


async def _as_eraser(tx: AccountTx) -> None:
    await tx.run_plain("SET LOCAL ROLE mailer_eraser")


async def _as_ourselves(tx: AccountTx) -> None:
    await tx.run_plain("RESET ROLE")


async def old_journal(tx: AccountTx, before: datetime, *, limit: int) -> int:
    """Deletes up to `limit` entries of the journal from before then; returns how many."""
    await _as_eraser(tx)
    deleted = await tx.run(
        """
        DELETE FROM audit
        WHERE account_id = $1 AND id IN (
            SELECT id FROM audit WHERE account_id = $1 AND at < $2 ORDER BY at LIMIT $3
        )
        """,
        before,
        limit,
    )
    await _as_ourselves(tx)
    return deleted


async def old_open_days(tx: AccountTx, before: date, *, limit: int) -> int:
    """Deletes up to `limit` days of last opens (B-33) that lie before then; returns how many."""
    await _as_eraser(tx)
    deleted = await tx.run(
        """
        DELETE FROM last_open_days
        WHERE account_id = $1 AND contact_id IN (
            SELECT contact_id FROM last_open_days WHERE account_id = $1 AND day < $2 LIMIT $3
        )
        """,
        before,
        limit,
    )
    await _as_ourselves(tx)
    return deleted


async def oldest_open_day(tx: AccountTx) -> date | None:
    """Of all contacts: one step into an index, and of nobody in particular."""
    await _as_eraser(tx)
    found: date | None = await tx.value(
        "SELECT day FROM last_open_days WHERE account_id = $1 ORDER BY day LIMIT 1"
    )
    await _as_ourselves(tx)
    return found


async def silent_contacts(tx: AccountTx, after: int, to: int, now: datetime) -> list[tuple[int, datetime]]:
    """Of this range those who open nothing any more, and since when: the one reader of those days.

    Three mails with the image have to have arrived since; who refused holds none, and cannot be judged.
    """
    await _as_eraser(tx)
    rows = await tx.rows(
        """
        SELECT w.id, w.since
        FROM (
            SELECT c.id, s.sunset_months,
                   greatest(c.created_at, c.last_act_at, s.opens_since, (o.day + 1)::timestamptz) AS since
            FROM measurement_settings s
            JOIN contacts c ON c.account_id = $1 AND c.id > $2 AND c.id <= $3
                           AND c.opens <> 'denied' AND c.restricted_at IS NULL
            LEFT JOIN last_open_days o ON o.account_id = $1 AND o.contact_id = c.id
            WHERE s.account_id = $1 AND s.opens = 'last_day'
        ) w
        WHERE w.since < $4::timestamptz - make_interval(months => w.sunset_months)
          AND EXISTS (SELECT FROM subscriptions p
                      WHERE p.account_id = $1 AND p.contact_id = w.id AND p.status = 'active'
                        AND p.legal_basis = 'consent')
          AND 3 = (SELECT count(*)
                   FROM (SELECT
                         FROM campaigns g
                         JOIN deliveries d ON d.account_id = $1 AND d.campaign_id = g.id AND d.month = g.month
                         WHERE g.account_id = $1 AND g.opens_mode = 'last_day' AND d.contact_id = w.id
                           AND d.status = 'delivered' AND d.final_at > w.since
                         LIMIT 3) m)
        ORDER BY w.id
        """,
        after,
        to,
        now,
    )
    await _as_ourselves(tx)
    return rows


async def whole_ledger(tx: AccountTx) -> int:
    """Everything that only the eraser may delete in a closed account; returns how many rows."""
    await _as_eraser(tx)
    deleted = await tx.run("DELETE FROM consents WHERE account_id = $1")
    deleted += await tx.run("DELETE FROM wordings WHERE account_id = $1")
    deleted += await tx.run("DELETE FROM audit WHERE account_id = $1")
    deleted += await tx.run("DELETE FROM retention_proofs WHERE account_id = $1")
    await _as_ourselves(tx)
    return deleted


async def part_of_ledger(tx: AccountTx, *, limit: int) -> int:
    """Up to `limit` lines of consents, else of the journal; of a closed account. Returns how many."""
    await _as_eraser(tx)
    deleted = await tx.run(
        """
        DELETE FROM consents
        WHERE account_id = $1 AND id IN (SELECT id FROM consents WHERE account_id = $1 LIMIT $2)
        """,
        limit,
    )
    if not deleted:
        deleted = await tx.run(
            """
            DELETE FROM audit
            WHERE account_id = $1 AND id IN (SELECT id FROM audit WHERE account_id = $1 LIMIT $2)
            """,
            limit,
        )
    await _as_ourselves(tx)
    return deleted
