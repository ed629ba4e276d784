"""`send`: a campaign through the whole product, against senders of ready-made mails.

Each run measures both, one after the other. The clock runs from the moment at which the first worker took its
first turn to the last outcome in PostgreSQL.
"""

from statistics import median

from tests.bench import mail_check, scene, sinks
from tests.bench.outcome import CORES, Options, Result, Void, say
from tests.bench.scene import Sent
from tests.bench.sinks import Reached

CONTACTS = 50_000
FLOODED = 20_000
HEADROOM = 3.0


async def run(options: Options) -> Result:
    count = options.scaled(CONTACTS)
    ours, yardstick, cpu = [], [], []
    async with sinks.sink(lose=options.lose) as sink, scene.opened(count) as place:
        for n in range(options.runs):
            sent = await place.send(count, sink, CORES)
            html = mail_check.check(sent.sample)
            ready_made = await sinks.hand_over(
                sink,
                sent.sample,
                options.scaled(CONTACTS, 2_000),
                connections=sent.taken.most_open,
                processes=CORES,
            )
            ours.append(sent.rate)
            yardstick.append(ready_made.rate)
            cpu.append(ready_made.cpu / sent.cpu)
            told(n, sent, ready_made)
            if not n:
                say(f"  mail: {sent.taken.size:,.0f} octets, {html:,} of them HTML before encoding")
                say(f"  connections: {sent.taken.most_open}, processes: {CORES}")
        most = await sinks.capacity(sink, sent.sample, options.scaled(FLOODED, 2_000))
    say(f"  by processor time, which other programs of the machine disturb less: {median(cpu):.4f}")
    say(f"  the sink alone takes {most:,.0f} mails/s, {most / max(ours):.1f} × our best rate")
    if most < HEADROOM * max(ours):
        raise Void(f"the sink alone has to take {HEADROOM:.0f} × our rate")
    return Result(bench="send", ours=ours, yardstick=yardstick, unit="mails/s", goal=0.40)


def told(n: int, sent: Sent, yardstick: Reached) -> None:
    say(
        f"  run {n + 1}: {sent.rate / yardstick.rate:.4f} ({sent.rate:,.0f} to {yardstick.rate:,.0f});"
        f" {sent.shares}"
    )
