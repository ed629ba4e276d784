"""python -m tests.bench: the benches named in ONLY (all when empty), at SCALE, RUNS times; PROFILE=1 says where time goes."""

import asyncio
import os
import signal
import sys
from collections.abc import Awaitable, Callable

import uvloop

from mailer.core import log
from tests.bench import (
    contact_import,
    export,
    pages,
    profiling,
    purge,
    segment_count,
    send,
    send_dkim,
    send_scale,
    track,
    track_profile,
)
from tests.bench.outcome import Options, Result, Skipped, Void, say

BENCHES: dict[str, Callable[[Options], Awaitable[Result]]] = {
    "send": send.run,
    "send-dkim": send_dkim.run,
    "send-scale": send_scale.run,
    "import": contact_import.run,
    "pages": pages.run,
    "export": export.run,
    "segment-count": segment_count.run,
    "track": track.run,
    "purge": purge.run,
}
PROFILED: dict[str, Callable[[Options], Awaitable[None]]] = {
    "send": profiling.run,
    "send-dkim": send_dkim.profile,
    "track": track_profile.run,
}


async def main(names: list[str], options: Options) -> int:
    """1 when a run was void."""
    running = asyncio.current_task()
    assert running is not None
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, running.cancel)
    status = 0
    for name in names:
        try:
            if options.profile:
                await _profiled(name, options)
                continue
            say(f"{name}: {options.runs} runs, scale {options.scale:g}")
            result = await BENCHES[name](options)
        except Skipped as reason:
            say(f"{name}: skipped, {reason}")
        except Void as reason:
            say(f"{name}: void, {reason}")
            status = 1
        else:
            say(f"  {result.verdict}")
            say(result.line)
    return status


async def _profiled(name: str, options: Options) -> None:
    if name not in PROFILED:
        raise Skipped("there is no profile of it")
    say(f"{name}: profile, scale {options.scale:g}")
    await PROFILED[name](options)


def options_of(environ: dict[str, str]) -> Options:
    return Options(
        scale=float(environ.get("SCALE") or 1),
        runs=int(environ.get("RUNS") or 5),
        profile=bool(environ.get("PROFILE")),
        lose=int(environ.get("LOSE") or 0),
    )


if __name__ == "__main__":
    log.set_up("warning")
    wanted = os.environ.get("ONLY", "").replace(",", " ").split() or list(BENCHES)
    if unknown := set(wanted) - set(BENCHES):
        sys.exit(f"ONLY names no bench: {', '.join(sorted(unknown))}. Known: {', '.join(BENCHES)}")
    try:
        # the loop of the product's processes: parts of some benches run in this one
        sys.exit(uvloop.run(main(wanted, options_of(dict(os.environ)))))
    except (KeyboardInterrupt, asyncio.CancelledError):
        sys.exit("bench: stopped")
