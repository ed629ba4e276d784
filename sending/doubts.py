"""A doubt that resolves itself: a mail that was opened or clicked did arrive (S1)."""

from mailer.core.services import Services
from mailer.core.work import Task
from sending import outcomes


async def resolve(services: Services, task: Task) -> None:
    """The job "sending.resolve_doubt": `ref_id` is the campaign."""
    async with services.db.account(task.account_id) as tx:
        resolved = await tx.run(
            """
            UPDATE deliveries d
            SET status = 'delivered', lane = NULL, turn = NULL,
                smtp_reply = 'the reply was lost; the mail was opened later'
            FROM campaigns c
            WHERE d.account_id = $1 AND d.campaign_id = $2 AND d.status = 'in_doubt'
              AND c.account_id = d.account_id AND c.id = d.campaign_id AND d.month = c.month
              AND EXISTS (
                  SELECT FROM events e
                  WHERE e.account_id = $1 AND e.campaign_id = $2 AND e.contact_id = d.contact_id
                    AND e.kind IN ('open', 'click'))
            """,
            task.ref_id,
        )
    if resolved:
        outcomes.count("delivered", resolved)
