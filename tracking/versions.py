"""How many got which version, when a campaign stopped and its rest went on as a corrected one."""

from dataclasses import dataclass

from mailer.core.db import AccountTx


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """`number` counts from 1; `delivered` of a campaign whose rows are gone: its total, 0 when under ten."""

    number: int
    campaign_id: int
    name: str
    delivered: int


async def many(tx: AccountTx, campaign_id: int) -> list[Version]:
    """All versions in their order; empty when there is only one."""
    found = await tx.many(
        Version,
        """
        WITH RECURSIVE earlier AS (
            SELECT id, rest_of FROM campaigns WHERE account_id = $1 AND id = $2
            UNION ALL
            SELECT c.id, c.rest_of
            FROM earlier e
            JOIN campaigns c ON c.account_id = $1 AND c.id = e.rest_of
        ), versions AS (
            SELECT id, 1 AS number FROM earlier WHERE rest_of IS NULL
            UNION ALL
            SELECT c.id, v.number + 1
            FROM versions v
            JOIN campaigns c ON c.account_id = $1 AND c.rest_of = v.id
        )
        SELECT v.number, c.id AS campaign_id, c.name,
               CASE WHEN c.totals IS NOT NULL THEN coalesce((c.totals ->> 'delivered')::int, 0)
                    ELSE (SELECT count(*)::int FROM deliveries d
                          WHERE d.account_id = $1 AND d.campaign_id = c.id AND d.month = c.month
                            AND d.status = 'delivered')
               END AS delivered
        FROM versions v
        JOIN campaigns c ON c.account_id = $1 AND c.id = v.id
        ORDER BY v.number
        """,
        campaign_id,
    )
    return found if len(found) > 1 else []
