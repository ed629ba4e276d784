"""Who watches the sweep: a job of its own, so that one that stopped is seen. It alarms once.

watch (platform, every quarter of an hour) → a row of work for each account; metric, log line, mail
check (account)                            → what is late there, for its pages and for the watch
"""

from datetime import datetime, timedelta

import structlog

from mailer.core import clock, jobs, metrics, outbox, work
from mailer.core.db import SharedTx
from mailer.core.errors import NotFound
from mailer.core.jobs import Job
from mailer.core.services import Services
from mailer.core.work import Task
from retention_jobs import verify
from retention_jobs.verify import Verdict

log = structlog.get_logger()
CHECK = "retention_jobs.check"
PERIOD = timedelta(minutes=15)


async def watch(services: Services, _: Task) -> datetime:
    now = clock.now()
    async with services.db.shared() as tx:
        await _note(tx, await verify.glance_at_platform(tx, now))
        await work.add_for_each_account(tx, CHECK)
        late = await tx.rows(
            """
            SELECT account_id, late_since, late
            FROM retention_watch
            WHERE late_since IS NOT NULL
            ORDER BY late_since
            LIMIT 20
            """
        )
        metrics.RETENTION_LATE.set(max(0.0, (now - late[0][1]).total_seconds()) if late else 0.0)
        for account_id, since, what in late:
            log.error("retention is late", account=account_id, since=since.isoformat(), what=what)
        await _alarm(tx, services, now, since=late[0][1] if late else None)
    return jobs.in_(seconds=PERIOD.total_seconds())


async def check(services: Services, task: Task) -> datetime | None:
    now = clock.now()
    async with services.db.account(task.account_id) as tx:
        try:
            verdict = await verify.glance(tx, now)
        except NotFound:
            return None
        await _note(tx.shared(), verdict)
    return None


async def _note(tx: SharedTx, verdict: Verdict) -> None:
    await tx.run(
        """
        INSERT INTO retention_watch AS w (account_id, checked_at, late_since, late) VALUES ($1, $2, $3, $4)
        ON CONFLICT (account_id) DO UPDATE
        SET checked_at = excluded.checked_at, late = excluded.late,
            late_since = CASE WHEN excluded.late_since IS NOT NULL
                              THEN least(w.late_since, excluded.late_since) END
        """,
        verdict.account_id,
        verdict.at,
        verify.late_since(verdict),
        sorted({*verdict.late, *verdict.overdue}),
    )


async def _alarm(tx: SharedTx, services: Services, now: datetime, *, since: datetime | None) -> None:
    """One mail to each operator when it begins, one when it is over."""
    if since is not None:
        begun = await tx.run("INSERT INTO retention_alarm (told_at) VALUES ($1) ON CONFLICT DO NOTHING", now)
        if begun:
            await _tell(tx, services, "retention_late", since)
    elif await tx.run("DELETE FROM retention_alarm"):
        await _tell(tx, services, "retention_well", now)


async def _tell(tx: SharedTx, services: Services, kind: outbox.Kind, at: datetime) -> None:
    people = await tx.rows(
        """
        SELECT email, language
        FROM users
        WHERE is_operator AND NOT disabled AND email_confirmed_at IS NOT NULL
        """
    )
    # who has no operator's account yet is told where the operator's file says
    for email, language in people or [(services.settings.operator.email, "fr")]:
        await outbox.write(
            tx,
            kind,
            email,
            language=language,
            details={"at": at.strftime("%Y-%m-%d %H:%M UTC"), "host": services.settings.public_url},
        )


async def late_since(tx: SharedTx, account_id: int) -> datetime | None:
    """What the watch saw last in this account."""
    found: datetime | None = await tx.value(
        "SELECT late_since FROM retention_watch WHERE account_id = $1", account_id
    )
    return found


JOBS: list[Job] = [Job("retention_jobs.watch", watch, every=PERIOD), Job(CHECK, check)]
