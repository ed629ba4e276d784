"""Retention by itself: every quarter of an hour each account gets its pass, and the platform its own.

sweep (platform) → partitions, platform rows, reminders and ends of closed accounts, work for each account
erase_account    → one closed account whose day has come, and its certificate
account_pass     → each rule of purge.RULES until nothing is left (none while a law holds the
                   whole account), then a signed record of it
jobs_watch       → whether all this was on time
jobs_inactive    → people not heard of for three years
"""

from datetime import datetime, timedelta

import structlog

from lists import departures_kept, legal_holds
from mailer.core import clock, jobs, work
from mailer.core.db import AccountTx
from mailer.core.errors import Unavailable
from mailer.core.jobs import Job
from mailer.core.services import Services
from mailer.core.work import Task
from retention_jobs import (
    account_certificate,
    closed_accounts,
    closing_reminders,
    jobs_backups,
    jobs_inactive,
    jobs_watch,
    partitions,
    platform,
    platform_proofs,
    proofs,
    purge,
)

log = structlog.get_logger()
ERASE_ACCOUNT = "retention_jobs.erase_account"
PERIOD = timedelta(minutes=15)


async def sweep(services: Services, _: Task) -> datetime:
    now = clock.now()
    db = services.db
    await partitions.make_next(db, now)
    async with db.shared() as tx:
        await platform.purge(tx, now)
        await work.add_for_each_account(tx, "retention_jobs.account_pass")
        await work.add_for_each_account(tx, jobs_inactive.JOB)
    await closing_reminders.remind(db, now, services.settings.public_url)
    due = await closed_accounts.due(db, now)
    async with db.shared() as tx:
        for account_id in due:
            await work.add(tx, ERASE_ACCOUNT, account_id)
    for name in await partitions.drop_old(db, now):
        log.info("partition dropped", name=name)
    await departures_kept.forget(services)
    async with db.shared() as tx:
        await platform_proofs.write(tx, services.sealer, now)
    return jobs.in_(seconds=PERIOD.total_seconds())


async def erase_account(services: Services, task: Task) -> None:
    """Of the platform, since the account's own work goes with it. A killed worker's successor goes on."""
    found = await closed_accounts.erase(
        services.db, task.ref_id, clock.now(), at_end=account_certificate.issuer(services)
    )
    log.info("account erased", account=task.ref_id, rows=sum(found.values()))


async def account_pass(services: Services, task: Task) -> datetime | None:
    """All rules of one account; goes on in another turn when there is more than a turn's worth.

    First a batch of each in one transaction, with the record of it: all there is, most of the time. Then
    whatever has more, each by itself; and when something failed all of them, so that it holds up no other.
    """
    now = started = clock.now()
    failed: Exception | None = None
    try:
        async with services.db.account(task.account_id) as tx:
            left = await _batch(tx, list(purge.RULES), now)
            if not left:
                await proofs.write(tx, services.sealer, now)
                return None
    except Exception as error:
        log.warning("retention goes rule by rule", error=type(error).__name__, detail=str(error)[:200])
        left = list(purge.RULES)
    for rule in left:
        more = [rule]
        try:
            while more:
                async with services.db.account(task.account_id) as tx:
                    more = await _batch(tx, more, now)
                if (clock.now() - started).total_seconds() > jobs.TURN_SECONDS:
                    return jobs.again()
        except Unavailable:
            raise
        except Exception as error:
            log.error("a rule of retention failed", rule=rule, error=type(error).__name__)
            failed = error
    async with services.db.account(task.account_id) as tx:
        await proofs.write(tx, services.sealer, now)
    if failed is not None:
        raise failed
    return None


async def _batch(tx: AccountTx, rules: list[str], now: datetime) -> list[str]:
    """Of each of these rules a batch; returns the rules that have more."""
    held = await legal_holds.whole_account(tx, now)
    deleted = {rule: 0 if held else await purge.RULES[rule](tx, now) for rule in rules}
    await purge.note(tx, now, deleted)
    return [rule for rule, n in deleted.items() if purge.more(rule, n)]


JOBS: list[Job] = [
    Job("retention_jobs.sweep", sweep, every=PERIOD),
    Job(ERASE_ACCOUNT, erase_account),
    Job("retention_jobs.account_pass", account_pass),
    *jobs_inactive.JOBS,
    *jobs_watch.JOBS,
    *jobs_backups.JOBS,
]
