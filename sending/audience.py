"""Who gets a campaign. The one definition is the view `audience`: counting reads it, and so does freezing.

Freezing walks the account's contacts by id, some thousands a transaction, and saves how far it came in the
same transaction: killed anywhere, the next turn goes on there.
"""

from dataclasses import dataclass
from datetime import date

from mailer.core.db import AccountTx

CHUNK = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """People of the included lists; what is taken away adds up: in_lists - … = result.

    `service`: active, but for service mails only, and this campaign is something else (B-20, B-21).
    `measured`: those of the result who accept that opens or clicks are measured.
    """

    in_lists: int
    excluded: int
    suppressed: int
    unsubscribed: int
    service: int
    pending: int
    result: int
    measured: int


async def count(tx: AccountTx, campaign_id: int) -> Counts:
    """The subtraction of the review page, as of now."""
    return await tx.one(
        Counts,
        """
        SELECT count(*)::int AS in_lists,
               (count(*) FILTER (WHERE reason = 'excluded'))::int AS excluded,
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


async def freeze_chunk(
    tx: AccountTx, campaign_id: int, *, month: date, after: int, size: int = CHUNK
) -> int | None:
    """Rows for the next `size` contacts behind contact `after`. Returns the last one, None at the end."""
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
    added = await tx.run(
        """
        INSERT INTO deliveries (account_id, campaign_id, contact_id, month, list_id)
        SELECT account_id, campaign_id, contact_id, $3, list_id
        FROM audience
        WHERE account_id = $1 AND campaign_id = $2 AND contact_id > $4 AND contact_id <= $5 AND reason = ''
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
