"""A closed account sends nothing, and starts nothing by itself when it is reactivated (A-092)."""

from datetime import datetime

from mailer.core.services import Services
from mailer.core.work import Task
from sending import automation_runs, lanes, recurrences, transactional_queue


async def stop_account(services: Services, task: Task) -> datetime | None:
    """The job "sending.stop_account": pauses what is scheduled or under way; a person resumes it later.

    Transactional messages that wait are cancelled: what they tell would be old by then.
    """
    async with services.db.account(task.account_id) as tx:
        open_campaigns = await tx.rows(
            """
            SELECT id
            FROM campaigns
            WHERE account_id = $1 AND status IN ('scheduled', 'preparing', 'sending')
            ORDER BY id
            """
        )
        for (campaign_id,) in open_campaigns:
            await lanes.pause(tx, campaign_id, "account")
        await recurrences.stop_all(tx, "account")
        await automation_runs.stop_all(tx, "account")
        await transactional_queue.cancel_open(tx)
    return None
