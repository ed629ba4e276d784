"""Why a server refused, in one of the field's usual words, beside what it bounced as (D-32).

Only groups that hold a bounce pay for it: one statement more, and most groups hold none.
"""

from collections.abc import Sequence
from datetime import date

from mailer.core.db import AccountTx
from sending.outcomes import Outcome


async def note(tx: AccountTx, campaign_id: int, month: date, done: Sequence[Outcome]) -> None:
    """In the transaction that recorded these outcomes."""
    bounced = [one for one in done if one.status == "bounced" and one.word]
    if bounced:
        await tx.run(
            """
            UPDATE deliveries d
            SET bounce_reason = b.word
            FROM unnest($4::bigint[], $5::text[]) AS b (contact_id, word)
            WHERE d.account_id = $1 AND d.campaign_id = $2 AND d.month = $3 AND d.contact_id = b.contact_id
              AND d.status = 'bounced'
            """,
            campaign_id,
            month,
            [one.contact_id for one in bounced],
            [one.word for one in bounced],
        )


async def note_messages(tx: AccountTx, done: Sequence[Outcome]) -> None:
    """The same of transactional messages, whose id stands in place of the contact's."""
    bounced = [one for one in done if one.status == "bounced" and one.word]
    if bounced:
        await tx.run(
            """
            UPDATE messages m
            SET bounce_reason = b.word
            FROM unnest($2::bigint[], $3::text[]) AS b (id, word)
            WHERE m.account_id = $1 AND m.id = b.id AND m.status = 'bounced'
            """,
            [one.contact_id for one in bounced],
            [one.word for one in bounced],
        )
