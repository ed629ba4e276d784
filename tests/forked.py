"""Processes of the product that start at once: forked from one that has everything loaded, not begun anew.

To be killed by the dozen. How a process really begins is shown in tests/running, with `mailer run`.
"""

import asyncio
import multiprocessing
import os
import secrets
import signal
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from multiprocessing.context import ForkServerProcess
from pathlib import Path

_context = multiprocessing.get_context("forkserver")
_context.set_forkserver_preload(
    ["mailer.worker", "mailer.serve", "sending.inbound_server", "tests.faults.faulty_worker"]
)


class Forked:
    """As `asyncio.subprocess.Process`, as far as tests use it."""

    def __init__(self, process: ForkServerProcess) -> None:
        self._process = process
        assert process.pid is not None
        self.pid = process.pid
        loop = asyncio.get_running_loop()
        self._ended = loop.create_future()
        loop.add_reader(process.sentinel, self._end)

    def _end(self) -> None:
        asyncio.get_running_loop().remove_reader(self._process.sentinel)
        self._process.join()
        self._ended.set_result(self._process.exitcode)

    @property
    def returncode(self) -> int | None:
        return self._ended.result() if self._ended.done() else None

    async def wait(self) -> int:
        """Of any number of waiters."""
        found: int = await asyncio.shield(self._ended)
        return found

    def send_signal(self, number: int) -> None:
        """Does nothing when it has ended."""
        if self.returncode is None:
            with suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


async def start(words: Sequence[str], *, environ: Mapping[str, str], errors: Path) -> Forked:
    """`mailer` with these words, with the faults that FAULTS names; what it says goes behind `errors`."""
    process = _context.Process(target=_run, args=(list(words), dict(environ), str(errors)), daemon=True)
    await asyncio.to_thread(process.start)
    return Forked(process)


def _run(words: list[str], environ: dict[str, str], errors: str) -> None:
    from tests.faults import faulty_worker
    from tracking import buffer

    # what each process that is begun anew draws for itself: two with the same would give two hits one id
    buffer._process = secrets.token_urlsafe(5)
    os.environ.clear()
    os.environ.update(environ)
    found = os.open(errors, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    for stream in (1, 2):
        os.dup2(found, stream)
    sys.exit(faulty_worker.main(words))
