"""Processes that a bench starts: they end with it, however it ends."""

import asyncio
import contextlib
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from mailer.core import leash

CLOCK_TICKS = 100  # a second: Linux counts in these for programs, whatever its own tick (proc(5))
ROOT = Path(__file__).parents[2]
MOST_SECONDS = 30.0
END_SECONDS = 10.0


@asynccontextmanager
async def python(
    *words: str, environment: Mapping[str, str] | None = None, errors: Path | None = None
) -> AsyncIterator[Process]:
    """`python words`, with pipes; SIGTERM at the end, SIGKILL when that is not heard or when we die."""
    command = leash.command([sys.executable, *words], death_signal=signal.SIGKILL)
    with errors.open("ab") if errors else contextlib.nullcontext() as out:
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=PIPE,
            stdout=PIPE,
            stderr=out,
            env=environment,
            cwd=ROOT,
            # Ctrl-C is for us: we end them in our order
            start_new_session=True,
        )
    try:
        yield process
    finally:
        await asyncio.shield(_end(process))


async def _end(process: Process) -> None:
    with contextlib.suppress(ProcessLookupError):
        process.terminate()
    try:
        await asyncio.wait_for(process.wait(), END_SECONDS)
    except TimeoutError:
        process.kill()
        await process.wait()


async def line(process: Process, *, seconds: float = MOST_SECONDS) -> str:
    """The next line it prints. Raises RuntimeError when it has ended, TimeoutError when it is silent."""
    assert process.stdout is not None
    said = await asyncio.wait_for(process.stdout.readline(), seconds)
    if not said:
        raise RuntimeError(f"process {process.pid} ended early")
    return said.decode().strip()


def say(process: Process, word: str) -> None:
    assert process.stdin is not None
    process.stdin.write(word.encode() + b"\n")


def cpu_seconds(process_id: int, *, with_ended: bool = False) -> float:
    """Processor time of all its threads; `with_ended`: of its children that have ended, too."""
    stat = Path(f"/proc/{process_id}/stat").read_text()
    ticks = [int(word) for word in stat.rpartition(")")[2].split()[11:15]]
    return sum(ticks if with_ended else ticks[:2]) / CLOCK_TICKS


def peak_memory(process: Process) -> int:
    """Bytes of its largest resident set (VmHWM)."""
    for row in Path(f"/proc/{process.pid}/status").read_text().splitlines():
        if row.startswith("VmHWM:"):
            return int(row.split()[1]) * 1024
    raise RuntimeError("the kernel does not tell the peak memory")


def catches_sigterm(process: Process) -> bool:
    """True once it has a handler for SIGTERM: a worker sets it last, before it takes work."""
    for row in Path(f"/proc/{process.pid}/status").read_text().splitlines():
        if row.startswith("SigCgt:"):
            return bool(int(row.split()[1], 16) & 1 << (signal.SIGTERM - 1))
    return False
