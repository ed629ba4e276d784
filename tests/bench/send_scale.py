"""`send-scale`: what a second worker adds when the server's slowness binds and not the processor.

And a worker's memory: its peak on a list five times as long.
"""

from tests.bench import mail_check, scene, sinks
from tests.bench.outcome import Options, Result, say

CONTACTS = 10_000
LONGER = 5
DELAY = 0.02
MOST_GROWTH = 1.1


async def run(options: Options) -> Result:
    count = options.scaled(CONTACTS)
    one, two = [], []
    async with scene.opened(count * LONGER) as place:
        async with sinks.sink(delay=DELAY, lose=options.lose) as slow:
            for n in range(options.runs):
                alone = await place.send(count, slow, 1)
                both = await place.send(count, slow, 2)
                mail_check.check(both.sample)
                one.append(alone.rate)
                two.append(both.rate)
                say(f"  run {n + 1}: {both.rate / alone.rate:.2f}; 1 worker: {alone.shares}")
                say(f"    2 workers: {both.shares}")
                if not n:
                    say(f"  connections: {alone.taken.most_open}, then {both.taken.most_open}")
        async with sinks.sink(lose=options.lose) as sink:
            short = (await place.send(count, sink, 1)).workers[0].memory
            long = (await place.send(count * LONGER, sink, 1)).workers[0].memory
    growth = long / short
    say(
        f"  a worker's peak memory on a list {LONGER} times as long: {growth:.3f} ×;"
        f" goal ≤ {MOST_GROWTH}: {'reached' if growth <= MOST_GROWTH else 'missed'}"
    )
    return Result(bench="send-scale", ours=two, yardstick=one, unit="mails/s", goal=1.7)
