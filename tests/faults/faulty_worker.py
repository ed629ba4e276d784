"""A process of the product with faults from outside: FAULTS='{"timeouts": 2}' in its environment.

    timeouts     seconds that every reply of the SMTP server may take
    lease        seconds that a lease lasts, so that a killed worker's row is taken over sooner
    before_row   killed when it has the ring of a campaign's preparation and would take the row of it

Signals, while it runs: USR1 the machine's clock steps an hour ahead, USR2 an hour back, WINCH no file may grow
any more (RLIMIT_FSIZE, as on a full disk).
"""

import json
import os
import resource
import signal
from datetime import UTC, datetime, timedelta

from mailer import cli
from mailer.core import clock, jobs, work
from mailer.core.db import Database
from sending import handover, smtp

_step = timedelta(0)


def _steps(by: timedelta) -> None:
    global _step
    _step += by


def main(words: list[str]) -> int:
    """`mailer` with these words."""
    faults = json.loads(os.environ.pop("FAULTS", "{}"))
    if seconds := faults.get("timeouts"):
        _short(seconds)
    if seconds := faults.get("lease"):
        work.LEASE_SECONDS, jobs.RENEW_SECONDS = seconds, seconds / 6
    if faults.get("before_row"):
        _die_before_the_row()
    clock._system = lambda: datetime.now(UTC) + _step
    signal.signal(signal.SIGUSR1, lambda *_: _steps(timedelta(hours=1)))
    signal.signal(signal.SIGUSR2, lambda *_: _steps(timedelta(hours=-1)))
    signal.signal(signal.SIGWINCH, lambda *_: resource.setrlimit(resource.RLIMIT_FSIZE, (0, -1)))
    return cli.main(words)


def _die_before_the_row() -> None:
    real = work.take

    async def take(db: Database, task: work.Task) -> bool:
        if task.job == "sending.prepare":
            os.kill(os.getpid(), signal.SIGKILL)
        return await real(db, task)

    work.take = take


def _short(seconds: float) -> None:
    real = smtp.pool
    waits = handover.Timeouts(*[seconds] * len(handover.Timeouts.__dataclass_fields__))

    def pool(*args: object, **more: object) -> smtp.Pool:
        found = real(*args, **more)  # type: ignore[arg-type]
        found.timeouts = waits
        return found

    smtp.pool = pool
