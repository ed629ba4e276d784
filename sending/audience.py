"""Who gets a campaign. The one definition is the view `audience`: counting reads it, and so does freezing.

Freezing walks the account's contacts by id, some thousands a transaction, and saves how far it came in the
same transaction: killed anywhere, the next turn goes on there. The domains of the next contacts are looked up
before, outside of it.
"""

from dataclasses import dataclass
from datetime import date

from mailer.core import planner
from mailer.core.db import AccountTx
from sending import campaign_segments

CHUNK = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """People of the included lists; what is taken away adds up: in_lists - … = result.

    `restricted`: the person asked that the use of their data be limited (C-13).
    `outside`: not in every segment that narrows the campaign. `service`: active, but for service mails only,
    and this campaign is something else (B-20, B-21).
    `measured`: those of the result who accept that opens or clicks are measured.
    """

    in_lists: int
    restricted: int
    excluded: int
    outside: int
    suppressed: int
    unsubscribed: int
    service: int
    pending: int
    result: int
    measured: int


async def count(tx: AccountTx, campaign_id: int) -> Counts:
    """The subtraction of the review page, as of now."""
    await planner.meet(tx)
    return await tx.one(
        Counts,
        """
        SELECT count(*)::int AS in_lists,
               (count(*) FILTER (WHERE reason = 'restricted'))::int AS restricted,
               (count(*) FILTER (WHERE reason = 'excluded'))::int AS excluded,
               (count(*) FILTER (WHERE reason = 'segment'))::int AS outside,
               (count(*) FILTER (WHERE reason = 'suppressed'))::int AS suppressed,
               (count(*) FILTER (WHERE reason = 'unsubscribed'))::int AS unsubscribed,
               (count(*) FILTER (WHERE reason = 'service'))::int AS service,
               (count(*) FILTER (WHERE reason = 'pending'))::int AS pending,
               (count(*) FILTER (WHERE reason = ''))::int AS result,
               (count(*) FILTER (WHERE reason = '' AND measured))::int AS measured
        FROM audience
        WHERE account_id = $1 AND campaign_id = $2
        """,
        campaign_id,
    )


async def domains_ahead(tx: AccountTx, *, after: int, size: int = CHUNK) -> list[str]:
    """The distinct domains of the next `size` contacts behind contact `after`."""
    rows = await tx.rows(
        """
        SELECT DISTINCT substring(address_key FROM '[^@]*$')
        FROM (SELECT address_key FROM contacts WHERE account_id = $1 AND id > $2 ORDER BY id LIMIT $3) AS next
        """,
        after,
        size,
    )
    return [domain for (domain,) in rows]


async def freeze_chunk(
    tx: AccountTx, campaign_id: int, *, month: date, after: int, size: int = CHUNK
) -> int | None:
    """Rows for the next `size` contacts behind contact `after`. Returns the last one, None at the end.

    Raises campaign_segments.Broken: the segments are looked at in the same transaction.

    Whoever clicked, answered or subscribed lately is due a little earlier, and so leaves first (D-81):
    providers judge a sender by its first mails of a day.
    """
    last: int | None = await tx.value(
        """
        SELECT max(id)
        FROM (SELECT id FROM contacts WHERE account_id = $1 AND id > $2 ORDER BY id LIMIT $3) AS next
        """,
        after,
        size,
    )
    if last is None:
        return None
    await campaign_segments.mark(tx, campaign_id, after=after, last=last)
    added = await tx.run(
        """
        INSERT INTO deliveries (account_id, campaign_id, contact_id, month, list_id, profile, next_at)
        SELECT a.account_id, a.campaign_id, a.contact_id, $3, a.list_id, coalesce(m.profile, 'default'),
               now() - CASE WHEN c.last_act_at > now() - interval '90 days' THEN interval '2 hours'
                            WHEN c.last_act_at IS NOT NULL THEN interval '1 hour'
                            ELSE interval '0' END
        FROM audience a
        JOIN contacts c ON c.account_id = a.account_id AND c.id = a.contact_id
        LEFT JOIN mx_domains m ON m.domain = substring(c.address_key FROM '[^@]*$')
        WHERE a.account_id = $1 AND a.campaign_id = $2 AND a.contact_id > $4 AND a.contact_id <= $5
          AND a.reason = ''
          -- B-39: in six months nobody is asked for measurement twice, whatever the segments say
          AND (NOT (SELECT g.asks_measurement FROM campaigns g WHERE g.account_id = $1 AND g.id = $2)
               OR may_ask_measurement(c))
        ON CONFLICT DO NOTHING
        """,
        campaign_id,
        month,
        after,
        last,
    )
    await tx.run(
        """
        UPDATE campaigns
        SET audience_cursor = $3, audience = audience + $4
        WHERE account_id = $1 AND id = $2
        """,
        campaign_id,
        last,
        added,
    )
    return last
