"""People whom another campaign reached within a day, or is about to: too much, and they leave."""

from mailer.core.db import AccountTx
from mailer.core.text import N_
from sending.audience_sample import Sample
from sending.problems import Problem, fine, warning

HOURS = 24


async def check(tx: AccountTx, campaign_id: int, sample: Sample) -> Problem:
    recent = await tx.rows(
        """
        SELECT id, month, name
        FROM campaigns
        WHERE account_id = $1 AND id <> $2 AND month IS NOT NULL AND audience > 0
          AND (status IN ('preparing', 'sending', 'paused')
               OR (status IN ('sent', 'cancelled') AND finished_at > now() - make_interval(hours => $3)))
        ORDER BY started_at DESC NULLS LAST, id DESC
        LIMIT 100
        """,
        campaign_id,
        HOURS,
    )
    nobody = N_("Nobody in the audience gets another campaign within {hours} hours.")
    if not recent:
        return fine("frequency", nobody, hours=HOURS)
    looked_at, again = (
        await tx.rows(
            """
            SELECT count(*)::int, (count(*) FILTER (WHERE EXISTS (
                       SELECT FROM deliveries d
                       WHERE d.account_id = a.account_id AND d.contact_id = a.contact_id
                         AND d.campaign_id = ANY ($4::bigint[]) AND d.month = ANY ($5::date[])
                         AND (d.status IN ('queued', 'claimed', 'handing', 'in_doubt')
                              OR (d.status = 'delivered' AND d.final_at > now() - make_interval(hours => $6)))
                   )))::int
            FROM audience a
            WHERE a.account_id = $1 AND a.campaign_id = $2 AND a.reason = ''
              AND (hashint8(a.contact_id) & 2147483647) % $3::int = 0
            """,
            campaign_id,
            sample.every,
            [campaign for campaign, _, _ in recent],
            sorted({month for _, month, _ in recent}),
            HOURS,
        )
    )[0]
    if not again:
        return fine("frequency", nobody, hours=HOURS)
    n = sample.figure(again, looked_at)
    if len(recent) > 1:
        message = N_("People who get one of {others} other campaigns within {hours} hours: {n} of {total}.")
        return warning(0, "frequency", message, hours=HOURS, others=len(recent), n=n, total=sample.total)
    message = N_("People who get “{name}” within {hours} hours as well: {n} of {total}.")
    return warning(0, "frequency", message, hours=HOURS, name=recent[0][2], n=n, total=sample.total)
