"""Where a hit's processor time goes: functions of the web process and of the flush. A profiler slows what it sees."""

import pstats
from pathlib import Path
from typing import Any

from tests.bench import children, scene, track, track_clients
from tests.bench.outcome import Options, say

HITS = 20_000
FUNCTIONS = 25


async def run(options: Options) -> None:
    count = options.scaled(HITS, track.EACH * 20) // track.EACH * track.EACH
    async with scene.opened(count // track.EACH) as place:
        campaign = await track.campaign(place, count)
        track_clients.write(place.folder / "requests", campaign.requests)
        files = {name: place.folder / f"{name}.profile" for name in ("web", "worker")}
        profiled = ("-m", "tests.bench.profiled_worker")
        async with (
            track.web_process(place, (*profiled, str(files["web"]), "web")) as (server, port),
            place.importer((*profiled, str(files["worker"]), "worker")) as [worker],
            track.clients(place, port) as clients,
        ):
            await track.clear(place, campaign)
            before = [children.cpu_seconds(one.pid) for one in (server, worker)]
            await track.ask(clients, "all", count)
            await track.stored(place, count)
            spent = [
                children.cpu_seconds(one.pid) - cpu for one, cpu in zip((server, worker), before, strict=True)
            ]
        for (name, file), seconds in zip(files.items(), spent, strict=True):
            say(f"  {name}: {seconds / count * 1e6:,.0f} µs a hit under the profiler")
            for line in _functions(file):
                say(f"    {line}")


def _functions(file: Path) -> list[str]:
    """Those with the most time of their own; waiting is none."""
    found: Any = pstats.Stats(str(file))
    rows = [
        (own, f"{Path(path).name}:{line} {name}")
        for (path, line, name), (_, _, own, _, _) in found.stats.items()
        if name not in ("run", "can_read_destructive") and "poll" not in name
    ]
    total = sum(own for own, _ in rows)
    return [f"{own / total:6.1%}  {what}" for own, what in sorted(rows, reverse=True)[:FUNCTIONS]]
