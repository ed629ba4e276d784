"""Where a mail's processor time goes: steps of the hot path, then functions. Shares; a profiler slows what it sees."""

import pstats
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

from tests.bench import scene, sinks
from tests.bench.outcome import Options, say
from tests.bench.scene import Scene

CONTACTS = 10_000
FUNCTIONS = 15
# Whose own time is whose step's: files, or single functions of a file. What stands nowhere here (libraries,
# builtins, core/db.py) counts for the step that called it.
STEPS: Mapping[str, tuple[str, ...]] = {
    "claim": ("claims.py:claim", "claims.py:_claimed"),
    "values, links and tokens": ("personal.py", "tokens.py", "links.py"),
    "render": ("render.py", "merge.py", "merge_filters.py", "plain_text.py"),
    "message": ("message.py", "bodies.py", "quoted.py", "header_text.py"),
    "sign": ("dkim.py",),
    "pace": ("pace.py",),
    "smtp": ("smtp.py", "handover.py", "wire.py"),
    "step statement": ("claims.py",),
    "the turn itself": ("turns.py", "lanes.py", "outcomes.py", "replies.py", "slots.py"),
}
REST = "the rest: callbacks of the event loop and of the database, other jobs"
_STEP_OF = {place: step for step, places in STEPS.items() for place in places}
Place = tuple[str, int, str]
# calls, of them not recursive, own time, time with callees, the same four by caller
Row = tuple[int, int, float, float, Mapping[Place, tuple[int, int, float, float]]]


async def run(options: Options, prepare: Callable[[Scene], Awaitable[None]] | None = None) -> None:
    """The same campaign by one worker, plain and then under the profiler."""
    count = options.scaled(CONTACTS)
    async with sinks.sink() as sink, scene.opened(count) as place:
        if prepare is not None:
            await prepare(place)
        plain = await place.send(count, sink, 1)
        file = place.folder / "profile"
        slow = await place.send(count, sink, 1, program=("-m", "tests.bench.profiled_worker", str(file)))
        say(f"  one worker, {count} mails, {plain.costs}; {plain.shares}")
        say(f"  under the profiler a mail costs {slow.workers[0].cpu / plain.workers[0].cpu:.1f} × as much")
        for line in read(file):
            say(f"  {line}")


def read(file: Path) -> list[str]:
    """What is said of a profile."""
    found: Any = pstats.Stats(str(file))
    # the frame that waits for something to do is no work
    stats: dict[Place, Row] = {
        place: row for place, row in found.stats.items() if place[2] != "run" or "runners.py" not in place[0]
    }
    return [*_steps(stats), *_functions(stats)]


def _total(stats: Mapping[Place, Row]) -> float:
    return sum(own for _, _, own, _, _ in stats.values())


def _steps(stats: Mapping[Place, Row]) -> list[str]:
    spent: defaultdict[str, float] = defaultdict(float)
    known: dict[Place, Mapping[str, float]] = {}
    for place, (_, _, own, _, _) in stats.items():
        for step, part in _parts(stats, place, known).items():
            spent[step] += own * part
    total = _total(stats)
    return ["", "share of the Python code of a worker, by step"] + [
        f"{spent[step] / total:7.1%}  {step}" for step in (*STEPS, REST) if spent[step] / total >= 0.0005
    ]


def _parts(
    stats: Mapping[Place, Row], place: Place, known: dict[Place, Mapping[str, float]]
) -> Mapping[str, float]:
    """Of a function's own time: step → part, as it is called from each."""
    if place in known:
        return known[place]
    file, _, function = place
    name = Path(file).name
    if "site-packages" not in file and (step := _STEP_OF.get(f"{name}:{function}") or _STEP_OF.get(name)):
        known[place] = {step: 1.0}
        return known[place]
    # until it is known: callers in a circle
    known[place] = {REST: 1.0}
    callers = stats[place][4] if place in stats else {}
    whole = sum(own for _, _, own, _ in callers.values())
    if whole > 0:
        parts: defaultdict[str, float] = defaultdict(float)
        for caller, (_, _, own, _) in callers.items():
            for step, part in _parts(stats, caller, known).items():
                parts[step] += part * own / whole
        known[place] = parts
    return known[place]


def _functions(stats: Mapping[Place, Row]) -> list[str]:
    total = _total(stats)
    ranked = sorted(stats.items(), key=lambda one: one[1][2], reverse=True)[:FUNCTIONS]
    lines = ["", f"{FUNCTIONS} functions by their own time: own share, share with all that they call, calls"]
    for (file, number, function), (_, calls, own, cumulative, _) in ranked:
        place = f"{'/'.join(Path(file).parts[-2:])}:{number} {function}" if number else function
        lines.append(f"{own / total:7.1%} {cumulative / total:7.1%} {calls:>9,}  {place}")
    return lines
