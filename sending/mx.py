"""Which provider takes a domain's mail: MX lookup → profile, kept in PostgreSQL (D-67, S16).

Only speed depends on it. So nothing here ever holds a send up: a lookup has some seconds, a round of them
too, and when DNS is away its domains are the default until it is asked again.
"""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

import structlog

from mailer.core.db import SharedTx
from sending import lookups, profiles
from sending.lookups import DnsAway, Resolver

log = structlog.get_logger()
LOOKUP_SECONDS = 3.0
ROUND_SECONDS = 15.0
AT_ONCE = 60
FRESH = timedelta(days=3)
# no answer: soon again, and meanwhile nobody waits for it
UNKNOWN = timedelta(minutes=10)
REST_SECONDS = 120.0
# RFC 6761 and RFC 7686: no mail server can be found for these
_RESERVED = frozenset({"test", "example", "invalid", "localhost", "local", "onion"})


@dataclass(slots=True)
class Exchanges:
    """Lookups of this process. After a round without any answer it is left alone for a while."""

    resolver: Resolver | None = None
    rest_until: float = 0.0
    _places: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(AT_ONCE))

    async def profiles(self, domains: Iterable[str]) -> Mapping[str, str | None]:
        """Domain → profile; None: DNS did not tell. Takes ROUND_SECONDS at most."""
        found: dict[str, str | None] = {}
        asked = []
        for domain in domains:
            own = profiles.of_domain(domain)
            if own is None and domain.rpartition(".")[2] in _RESERVED:
                own = profiles.DEFAULT
            found[domain] = own
            if own is None:
                asked.append(domain)
        if asked and asyncio.get_running_loop().time() >= self.rest_until:
            found |= await self._round(asked)
        return found

    async def _round(self, asked: Sequence[str]) -> Mapping[str, str | None]:
        running = {domain: asyncio.ensure_future(self._look_up(domain)) for domain in asked}
        await asyncio.wait(running.values(), timeout=ROUND_SECONDS)
        answers: dict[str, str | None] = {}
        for domain, one in running.items():
            answers[domain] = one.result() if one.done() and not one.cancelled() else None
            one.cancel()
        await asyncio.gather(*running.values(), return_exceptions=True)
        if all(answer is None for answer in answers.values()):
            log.warning("DNS does not answer", domains=len(asked))
            self.rest_until = asyncio.get_running_loop().time() + REST_SECONDS
        return answers

    async def _look_up(self, domain: str) -> str | None:
        async with self._places:
            try:
                hosts = await self._dns().exchanges(domain)
            except DnsAway:
                return None
        # without one, its own address takes the mail (RFC 5321 §5.1): nobody's we know
        return profiles.of_mx(hosts[0]) if hosts else profiles.DEFAULT

    def _dns(self) -> lookups.Lookups:
        """With the machine's configuration, read once a process. Raises DnsAway."""
        if self.resolver is None:
            self.resolver = lookups.system(LOOKUP_SECONDS).resolver
        return lookups.Lookups(self.resolver, LOOKUP_SECONDS)


_exchanges: dict[asyncio.AbstractEventLoop, Exchanges] = {}
_known: dict[str, tuple[str, float]] = {}
_KNOWN_MOST, _KNOWN_SECONDS = 50_000, 3600.0


def exchanges() -> Exchanges:
    """This process's."""
    return _exchanges.setdefault(asyncio.get_running_loop(), Exchanges())


async def unknown(tx: SharedTx, domains: Sequence[str]) -> list[str]:
    """Those of `domains` that the table does not know, or not freshly."""
    rows = await tx.rows(
        """
        SELECT asked.domain
        FROM unnest($1::text[]) AS asked (domain)
        LEFT JOIN mx_domains m ON m.domain = asked.domain AND m.expires_at > now()
        WHERE m.domain IS NULL
        """,
        list(domains),
    )
    return [domain for (domain,) in rows]


async def keep(tx: SharedTx, found: Mapping[str, str | None]) -> None:
    """An answer replaces what was known; silence does so only where nothing was."""
    # sorted: two workers that keep the same domains never wait for each other in a ring
    domains = sorted(domain for domain in found if len(domain) <= 255)
    await tx.run(
        """
        INSERT INTO mx_domains (domain, profile, expires_at)
        SELECT f.domain, coalesce(f.profile, $3),
               now() + CASE WHEN f.profile IS NULL THEN $5::interval ELSE $4::interval END
        FROM unnest($1::text[], $2::text[]) AS f (domain, profile)
        ON CONFLICT (domain) DO UPDATE
        SET profile = CASE WHEN excluded.expires_at < now() + $4::interval THEN mx_domains.profile
                           ELSE excluded.profile END,
            looked_up_at = now(), expires_at = excluded.expires_at
        """,
        domains,
        [found[domain] for domain in domains],
        profiles.DEFAULT,
        FRESH,
        UNKNOWN,
    )


async def of(tx: SharedTx, domain: str) -> str:
    """One domain's profile from what is known, without DNS: for a mail that leaves at once."""
    own = profiles.of_domain(domain)
    if own is not None:
        return own
    now = asyncio.get_running_loop().time()
    kept = _known.get(domain)
    if kept is not None and kept[1] > now:
        return kept[0]
    found = await tx.value("SELECT profile FROM mx_domains WHERE domain = $1", domain) or profiles.DEFAULT
    if len(_known) >= _KNOWN_MOST:
        _known.clear()
    _known[domain] = (found, now + _KNOWN_SECONDS)
    return str(found)
