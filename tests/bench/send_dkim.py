"""`send-dkim`: the same campaign with an RSA-2048 signature on each mail, against signatures and nothing else."""

import importlib
import importlib.util

from mailer.core import work
from tests.bench import mail_check, profiling, scene, signatures, sinks
from tests.bench.outcome import CORES, Options, Result, Skipped, Void, say
from tests.bench.scene import Scene
from tests.bench.send import CONTACTS

SECONDS = 5.0


async def run(options: Options) -> Result:
    _can_sign()
    count = options.scaled(CONTACTS)
    ours, yardstick = [], []
    async with sinks.sink(lose=options.lose) as sink, scene.opened(count) as place:
        await _proved(place)
        for n in range(options.runs):
            sent = await place.send(count, sink, CORES)
            mail_check.check(sent.sample, signed=True)
            if sent.taken.signed != count:
                raise Void(f"of {count} mails {sent.taken.signed} are signed")
            signed = await signatures.rate(max(0.2, SECONDS * options.scale))
            ours.append(sent.rate)
            yardstick.append(signed)
            say(f"  run {n + 1}: {sent.rate / signed:.4f} ({sent.rate:,.0f} to {signed:,.0f}); {sent.shares}")
    return Result(bench="send-dkim", ours=ours, yardstick=yardstick, unit="mails/s", goal=0.50)


async def profile(options: Options) -> None:
    _can_sign()
    await profiling.run(options, _proved)


def _can_sign() -> None:
    """Raises Skipped."""
    if importlib.util.find_spec("sending.domains") is None:
        raise Skipped("this version makes no DKIM signatures (no sending/domains.py)")


async def _proved(place: Scene) -> None:
    """The sender's domain with keys that sign, as if the DNS had shown their records."""
    domains = importlib.import_module("sending.domains")
    async with place.post.tx() as tx:
        made = await domains.create(tx, place.services, domains.NewDomain(name=place.sender_domain))
        # the real DNS knows nothing of it, and must not be asked
        await work.cancel(tx, domains.CHECK, made.id)
        await tx.run(
            """
            UPDATE dkim_keys SET state = 'active', active_at = now()
            WHERE account_id = $1 AND domain_id = $2
            """,
            made.id,
        )
        if not await domains.signing_keys(tx, place.services, place.sender_domain):
            raise Void("the domain has no key that signs")
