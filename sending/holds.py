"""What a hold after a restore does to an account's campaigns, and what its end does (core/restores.py).

    held     ─▶ scheduled, preparing, sending become paused ("restored")
    resumed  ─▶ those whose time lies ahead are scheduled again; what was under way, or whose time has passed,
                goes on if the operator said so, else stays paused ("restored_begun"): the account decides
    plans of editions and automatic campaigns stay paused until a person resumes them

Lanes and preparation look at the hold themselves: nothing leaves before this job came to an account.
"""

from mailer.core import restores
from mailer.core.db import AccountTx
from mailer.core.services import Services
from mailer.core.work import Task
from sending import automation_runs, recurrences, sends


async def follow(services: Services, task: Task) -> None:
    """The job "sending.follow_hold"."""
    async with services.db.account(task.account_id) as tx:
        found = await restores.show(tx.shared())
        if found.held:
            waiting, begun = await _pause(tx)
            # whether an edition left after that state is not known: a person looks, then resumes the plan
            await recurrences.stop_all(tx, "restored")
            # nor who went further in an automatic campaign since then
            await automation_runs.stop_all(tx, "restored_begun")
            await restores.count_campaigns(tx.shared(), waiting=waiting, begun=begun)
        else:
            await _resume(tx, services, begun=found.resume_begun)


async def _pause(tx: AccountTx) -> tuple[int, int]:
    """Returns how many waited for their time, and how many had begun or should have since."""
    rows = await tx.rows(
        """
        WITH open AS MATERIALIZED (
            SELECT id, status = 'scheduled' AND scheduled_at > now() AS waits
            FROM campaigns
            WHERE account_id = $1 AND status IN ('scheduled', 'preparing', 'sending')
            FOR NO KEY UPDATE
        )
        UPDATE campaigns c
        SET status = 'paused', pause_reason = 'restored', updated_at = now()
        FROM open
        WHERE c.account_id = $1 AND c.id = open.id
        RETURNING coalesce(open.waits, false)
        """
    )
    waiting = sum(waits for (waits,) in rows)
    return waiting, len(rows) - waiting


async def _resume(tx: AccountTx, services: Services, *, begun: bool) -> None:
    rows = await tx.rows(
        """
        SELECT id, prepared_at IS NULL AND scheduled_at > now()
        FROM campaigns
        WHERE account_id = $1 AND status = 'paused' AND pause_reason = 'restored'
        ORDER BY id
        FOR NO KEY UPDATE
        """
    )
    for campaign_id, waits in rows:
        if waits or begun:
            await sends.resume(tx, services, campaign_id)
            continue
        await tx.run(
            "UPDATE campaigns SET pause_reason = 'restored_begun' WHERE account_id = $1 AND id = $2",
            campaign_id,
        )
