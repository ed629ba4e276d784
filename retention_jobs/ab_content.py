"""What the variants of an A/B test said, on the day on which the campaign's content goes (S12)."""

from mailer.core.db import AccountTx


async def keep_sources(tx: AccountTx, campaigns: list[int]) -> None:
    """Contents that were compared live on as designs beside the campaign's own, where that was asked for."""
    await tx.run(
        """
        INSERT INTO designs (account_id, name, kind, subject, preheader, source)
        SELECT c.account_id, left(c.name, 110) || ' (' || chr(64 + v.number) || ')', v.content_kind,
               c.subject, c.preheader, v.source
        FROM ab_variants v
        JOIN campaigns c ON c.account_id = v.account_id AND c.id = v.campaign_id
        WHERE v.account_id = $1 AND v.campaign_id = ANY ($2::bigint[]) AND c.keep_source
          AND v.content_kind <> 'none'
        """,
        campaigns,
    )


async def erase(tx: AccountTx, campaigns: list[int]) -> None:
    """That there were variants, and how they did, stays with the figures."""
    await tx.run(
        """
        UPDATE ab_variants
        SET subject = left(subject, 0), preheader = left(preheader, 0), source = left(source, 0),
            content_kind = CASE WHEN content_kind IS NOT NULL THEN 'none' END
        WHERE account_id = $1 AND campaign_id = ANY ($2::bigint[])
        """,
        campaigns,
    )
