"""Whom a campaign leaves out, and why: from the view that counts and freezes (`audience`).

While a campaign is a draft, as things are now; afterwards lists and consents as they are now, and its
segments as they were when the audience was frozen, until its content is erased.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from lists import segments
from mailer.core.db import AccountTx
from mailer.core.paging import Page, decode, encode, page

Reason = Literal["restricted", "excluded", "segment", "suppressed", "unsubscribed", "service", "pending"]
RANGE = 50_000
MOST_RANGES = 5  # a page looks at 250,000 contacts at most, then offers to go on


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftOut:
    """`name`: of the first segment that the person is not in, or of the list or segment that is excluded."""

    contact_id: int
    email: str
    reason: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Frozen:
    """`at`: when the audience was frozen; None: a draft, or not frozen yet."""

    at: datetime | None


async def many(
    tx: AccountTx, campaign_id: int, reason: Reason, *, cursor: str | None = None, limit: int = 50
) -> Page[LeftOut]:
    """By contact. Looks at ranges of contacts, so that a page costs what it shows."""
    key = decode(cursor, (int,))
    after, found = int(str(key[0])) if key else 0, list[LeftOut]()
    for _ in range(MOST_RANGES):
        last = await segments.next_range(tx, after=after, size=RANGE)
        if last is None:
            break
        found += await _of_range(
            tx, campaign_id, reason, after=after, last=last, limit=limit + 1 - len(found)
        )
        if len(found) > limit:
            break
        after = last
    else:
        return Page(found, encode(after))
    return page(found, limit, key=lambda one: (one.contact_id,))


async def _of_range(
    tx: AccountTx, campaign_id: int, reason: Reason, *, after: int, last: int, limit: int
) -> list[LeftOut]:
    return await tx.many(
        LeftOut,
        """
        -- people first, then the one name that explains each: the names are looked up for a page, not for all
        WITH people AS MATERIALIZED (
            SELECT contact_id, reason
            FROM audience
            WHERE account_id = $1 AND campaign_id = $2 AND reason = $3
              AND contact_id > $4 AND contact_id <= $5
            ORDER BY contact_id
            LIMIT $6
        )
        SELECT p.contact_id, c.email, p.reason, coalesce(
            (SELECT s.name
             FROM campaign_segments u
             JOIN segments s ON s.account_id = $1 AND s.id = u.segment_id
             WHERE u.account_id = $1 AND u.campaign_id = $2
               AND u.use = CASE p.reason WHEN 'segment' THEN 'include' ELSE 'exclude' END
               AND p.reason IN ('segment', 'excluded')
               AND (p.reason = 'excluded') = EXISTS (
                   SELECT FROM segment_members m
                   WHERE m.account_id = $1 AND m.campaign_id = $2 AND m.contact_id = p.contact_id
                     AND m.segment_id = u.segment_id)
             ORDER BY u.position
             LIMIT 1),
            (SELECT l.name
             FROM campaign_lists x
             JOIN mailing_lists l ON l.account_id = $1 AND l.id = x.list_id
             JOIN subscriptions b ON b.account_id = $1 AND b.list_id = x.list_id
                 AND b.contact_id = p.contact_id
             WHERE x.account_id = $1 AND x.campaign_id = $2 AND x.use = 'exclude' AND p.reason = 'excluded'
             ORDER BY x.position
             LIMIT 1),
            '') AS name
        FROM people p
        JOIN contacts c ON c.account_id = $1 AND c.id = p.contact_id
        ORDER BY p.contact_id
        """,
        campaign_id,
        reason,
        after,
        last,
        limit,
    )


async def frozen(tx: AccountTx, campaign_id: int) -> Frozen:
    """Raises NotFound."""
    return await tx.one(
        Frozen, "SELECT prepared_at AS at FROM campaigns WHERE account_id = $1 AND id = $2", campaign_id
    )
