"""Which people of an audience are looked at one by one: all of a small one, every n-th of a large one.

The checks stand on a page and inside the send: they may take a second, not a minute, whatever the list. So
what needs each person's own values reads at most some 20,000 people, and a figure taken from them says so.
"""

from dataclasses import dataclass

from mailer.core.text import N_
from mailer.web import i18n
from sending.audience import Counts

MOST = 20_000


@dataclass(frozen=True, slots=True)
class Sample:
    """One contact of `every`; `total`: the people who will get the campaign.

    By the hash of the contact's id: a plain remainder would follow whatever repeats in an imported table.
    """

    every: int
    total: int

    @property
    def whole(self) -> bool:
        return self.every == 1

    def figure(self, n: int, looked_at: int) -> str:
        """`n` of those looked at, as a number of the whole audience, in words when it is an estimate."""
        if self.whole or not looked_at:
            return i18n.number(n)
        return i18n.translate(N_("about {n}"), n=_rounded(n * self.total / looked_at))


def of(counts: Counts) -> Sample:
    return Sample(every=-(-counts.in_lists // MOST) or 1, total=counts.result)


def _rounded(estimate: float) -> int:
    """Two digits: more would pretend to know."""
    whole = max(1, round(estimate))
    step: int = 10 ** max(0, len(str(whole)) - 2)
    return round(whole / step) * step
