"""The sink and the yardstick's senders, from the bench's side."""

import asyncio
import base64
import tempfile
from asyncio.subprocess import Process
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import orjson

from tests.bench import children
from tests.bench.outcome import Void

FLOODS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """What a sink counted since it was reset; `cpu` is the seconds it used for that."""

    mails: int
    octets: int
    signed: int
    most_open: int
    doubled: int
    digest: str
    cpu: float

    @property
    def size(self) -> float:
        return self.octets / max(1, self.mails)


@dataclass(frozen=True, slots=True)
class Reached:
    """By senders of a ready-made message: mails a second, and processor time of a mail, the sink's too."""

    rate: float
    cpu: float


@dataclass(frozen=True, slots=True)
class Sink:
    process: Process
    port: int

    async def _ask(self, word: str) -> dict[str, object]:
        children.say(self.process, word)
        found: dict[str, object] = orjson.loads(await children.line(self.process))
        return found

    async def reset(self) -> None:
        await self._ask("reset")

    async def report(self) -> Taken:
        return Taken(**await self._ask("report"))  # type: ignore[arg-type]  # what sink.Counts.report makes

    async def sample(self) -> bytes:
        """The first mail since the reset, as it came."""
        return base64.b64decode(str((await self._ask("sample"))["sample"]))


@asynccontextmanager
async def sink(*, delay: float = 0.0, lose: int = 0) -> AsyncIterator[Sink]:
    async with children.python("-m", "tests.bench.sink", str(delay), str(lose)) as process:
        yield Sink(process, int(await children.line(process)))


async def hand_over(
    to: Sink, message: bytes, count: int, *, connections: int, processes: int, how: str = "pipeline"
) -> Reached:
    """So many mails, each to somebody else. Raises Void when the sink counts others."""
    await to.reset()
    shares = [(connections + n) // processes for n in range(processes)]
    counts = [(count + n) // processes for n in range(processes)]
    firsts = [sum(counts[:n]) for n in range(processes)]
    with tempfile.NamedTemporaryFile(prefix="mailer-bench-") as file:
        Path(file.name).write_bytes(message)
        async with AsyncExitStack() as stack:
            senders = []
            for share, part, first in zip(shares, counts, firsts, strict=True):
                numbers = [str(n) for n in (share, part, first)]
                words = ("-m", "tests.bench.senders", how, str(to.port), file.name, *numbers)
                senders.append(await stack.enter_async_context(children.python(*words)))
            for sender in senders:
                await children.line(sender)
            for sender in senders:
                children.say(sender, "go")
            ends = [
                orjson.loads(said)
                for said in await asyncio.gather(
                    *(children.line(sender, seconds=60 + count / 50) for sender in senders)
                )
            ]
    taken = await to.report()
    faults = [fault for end in ends for fault in end["fault"]]
    if faults or (taken.mails, taken.doubled) != (count, 0):
        raise Void(f"the yardstick handed over {count} mails, the sink counted {taken.mails} {faults}")
    seconds: float = max(end["ended"] for end in ends) - min(end["began"] for end in ends)
    return Reached(count / seconds, (taken.cpu + sum(end["cpu"] for end in ends)) / count)


async def capacity(to: Sink, message: bytes, count: int) -> float:
    """Mails a second that the sink can take at most: the best of some floods, as others only slow it down."""
    floods = [
        await hand_over(to, message, count, connections=2, processes=1, how="flood") for _ in range(FLOODS)
    ]
    return max(flood.rate for flood in floods)
