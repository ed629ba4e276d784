"""What an account may begin today: its quota and its domain's warm-up plan, together.

A lane reads them when it claims and holds them when mails begin to leave. Accounts that have neither, nearly
all, pay nothing: `of` returns None and nothing else is asked.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from mailer.core import clock
from mailer.core.db import AccountTx
from sending import quotas, warm_ups
from sending.quotas import Quota


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowance:
    """`domain` "": no plan. `caps`: left of the plan by profile; the others have no cap."""

    quota: Quota | None
    domain: str
    caps: Mapping[str, int] = field(default_factory=dict)

    def left(self, profile: str, most: int) -> int:
        return min(most, self.caps.get(profile, most))

    def most(self, wanted: int) -> int:
        return wanted if self.quota is None else min(wanted, self.quota.left)

    @property
    def resumes_at(self) -> datetime:
        """When what is used up begins again."""
        if self.quota is not None:
            return self.quota.resumes_at if not self.quota.left else self.quota.tomorrow
        return clock.now() + timedelta(hours=1)


@dataclass(slots=True)
class Held:
    """Within one transaction: what may still begin, and what has to be counted at its end."""

    quota: Quota | None
    domain: str
    caps: dict[str, int]
    free: int | None

    def take(self, profile: str, *, first: bool) -> bool:
        """May one more begin? `first`: it was never tried."""
        if self.caps.get(profile, 1) < 1 or (first and self.free is not None and self.free < 1):
            return False
        if profile in self.caps:
            self.caps[profile] -= 1
        if first and self.free is not None:
            self.free -= 1
        return True


async def of(tx: AccountTx, domain: str) -> Allowance | None:
    """As of now, for mail from this domain. None when nothing is limited."""
    quota = await quotas.today(tx)
    planned = await warm_ups.exists(tx, domain)
    if quota is None and not planned:
        return None
    caps = await warm_ups.left(tx, domain) if planned else {}
    return Allowance(quota=quota, domain=domain if planned else "", caps=caps)


async def hold(tx: AccountTx, allowance: Allowance, wanted: Iterable[str]) -> Held:
    """Nobody else takes of the same until this transaction ends."""
    quota = await quotas.hold(tx) if allowance.quota is not None else None
    caps = dict(await warm_ups.hold(tx, allowance.domain, list(wanted))) if allowance.domain else {}
    return Held(quota, allowance.domain, caps, None if quota is None else quota.left)


async def count(
    tx: AccountTx, held: Held, begun: Iterable[tuple[str, bool]], deferred: Iterable[str]
) -> None:
    """What did begin (profile, whether never tried before) and whose tries before were deferred."""
    began = list(begun)
    if held.quota is not None:
        await quotas.count(tx, held.quota.day, sum(first for _, first in began))
    if held.domain:
        await warm_ups.count(tx, held.domain, Counter(p for p, _ in began), Counter(deferred))
