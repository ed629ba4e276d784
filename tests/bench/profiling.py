"""Where a mail's processor time goes: steps of the hot path, then functions. Shares; a profiler slows what it sees."""

import pstats
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

from tests.bench import scene, sinks
from tests.bench.outcome import Options, say
from tests.bench.scene import Scene

CONTACTS = 10_000
FUNCTIONS = 15
# step → (file, function), with all that they call; of one step only the largest counts
STEPS: Mapping[str, tuple[tuple[str, str], ...]] = {
    "claim": (("sending/claims.py", "claim"),),
    "render (links and tokens too)": (("sending/personal.py", "render"), ("sending/personal.py", "_render")),
    "message": (("sending/message.py", "fill"), ("sending/message.py", "compose")),
    "sign": (("sending/personal.py", "sign"), ("sending/dkim.py", "sign")),
    "smtp": (("sending/smtp.py", "hand_over"), ("sending/smtp.py", "hand_over_all")),
    "step statement": (("sending/claims.py", "step"),),
    "state of the campaign": (("sending/lanes.py", "state"),),
    "pace": (("sending/pace.py", "reserve"), ("sending/pace.py", "report")),
}
Place = tuple[str, int, str]


async def run(options: Options, prepare: Callable[[Scene], Awaitable[None]] | None = None) -> None:
    """The same campaign by one worker, plain and then under the profiler."""
    count = options.scaled(CONTACTS)
    async with sinks.sink() as sink, scene.opened(count) as place:
        if prepare is not None:
            await prepare(place)
        plain = await place.send(count, sink, 1)
        file = place.folder / "profile"
        slow = await place.send(count, sink, 1, program=("-m", "tests.bench.profiled_worker", str(file)))
        say(f"  one worker, {count} mails; {plain.shares}")
        say(f"  under the profiler a mail costs {slow.workers[0].cpu / plain.workers[0].cpu:.1f} × as much")
        for line in read(file):
            say(f"  {line}")


def read(file: Path) -> list[str]:
    found: Any = pstats.Stats(str(file))
    stats: dict[Place, tuple[int, int, float, float, Any]] = found.stats
    total = sum(own for _, _, own, _, _ in stats.values())
    return [*_steps(stats, total), *_functions(stats, total)]


def _steps(stats: dict[Place, tuple[int, int, float, float, Any]], total: float) -> list[str]:
    lines = ["", "share of the event loop's thread, by step (with all that it calls)"]
    rest = total
    for step, places in STEPS.items():
        spent = max(
            (
                cumulative
                for (file, _, function), (_, _, _, cumulative, _) in stats.items()
                if any(file.endswith(end) and function == name for end, name in places)
            ),
            default=0.0,
        )
        rest -= spent
        if spent:
            lines.append(f"{spent / total:7.1%}  {step}")
    return [*lines, f"{rest / total:7.1%}  the rest: event loop, sockets, transactions, database protocol"]


def _functions(stats: dict[Place, tuple[int, int, float, float, Any]], total: float) -> list[str]:
    ranked = sorted(stats.items(), key=lambda one: one[1][2], reverse=True)[:FUNCTIONS]
    lines = ["", f"{FUNCTIONS} functions by their own time: own share, share with all that they call, calls"]
    for (file, number, function), (_, calls, own, cumulative, _) in ranked:
        place = f"{'/'.join(Path(file).parts[-2:])}:{number} {function}" if number else function
        lines.append(f"{own / total:7.1%} {cumulative / total:7.1%} {calls:>9,}  {place}")
    return lines
