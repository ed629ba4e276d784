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


async def forget_small_figures(tx: AccountTx, campaigns: list[int], smallest: int) -> None:
    """Once rows of people go, figures of fewer than so many go too: 0 is told in their place (A-064)."""
    await tx.run(
        """
        UPDATE ab_tests t
        SET figures = (
            SELECT coalesce(jsonb_agg((
                SELECT jsonb_object_agg(key, CASE WHEN key = 'number' OR value::int >= $3 THEN value
                                                  ELSE '0' END)
                FROM jsonb_each(one))), '[]')
            FROM jsonb_array_elements(t.figures) AS one)
        WHERE t.account_id = $1 AND t.campaign_id = ANY ($2::bigint[])
        """,
        campaigns,
        smallest,
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
