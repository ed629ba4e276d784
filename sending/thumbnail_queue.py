"""Asking for pictures of designs, by whatever changes how they look."""

from datetime import timedelta

from mailer.core import clock, work
from mailer.core.db import AccountTx

JOB = "sending.draw_designs"
_WAIT = timedelta(seconds=5)
"""An editor saves every two seconds: only some of these versions are drawn."""


async def ask(tx: AccountTx) -> None:
    """In the transaction that changes a design or the kit; `thumbnails` does the work."""
    await work.add(tx, JOB, 0, run_at=clock.now() + _WAIT)
