"""What an A/B test says: pure arithmetic on people, which admits when a difference means nothing.

Two proportions are compared by the pooled z-test, two-sided. The best variant wins when it differs from each
of the others at LEVEL. More variants need no stricter level: where all are equal, the best has to beat more
of them, and so wins by chance less often than one of two does (the tests count it). Before the end of the
test the bar is EARLY_LEVEL (the Haybittle-Peto rule: who looks often at 5 % finds something sooner or later),
so that the end keeps its level.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

LEVEL = 0.05
EARLY_LEVEL = 0.001
# from about there on the normal curve stands for the binomial one (Cochran's rule)
FEWEST_EXPECTED = 5.0
# four in five tests find a true difference (a power of 80 %) when it is as large as `smallest_difference`
_Z_LEVEL, _Z_POWER = 1.96, 0.8416


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """`base`: delivered to people who accept this measurement; `people`: those of them who acted."""

    number: int
    base: int
    people: int

    @property
    def rate(self) -> float:
        return self.people / self.base if self.base else 0.0


class Finding(StrEnum):
    """`clear`: `leader` is better than the others. `close`: chance explains the difference. `few`: too few
    people to say anything. `unmeasured`: some variant reached nobody who accepts to be measured."""

    CLEAR = "clear"
    CLOSE = "close"
    FEW = "few"
    UNMEASURED = "unmeasured"


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """`leader`: the variant with the highest rate, the first of equals; it won only when it is `clear`.

    `chance`: how often chance alone would make a difference like this, of the pair that says least; None
    where it cannot be told.
    """

    finding: Finding
    leader: int
    chance: float | None

    @property
    def winner(self) -> int | None:
        return self.leader if self.finding is Finding.CLEAR else None


def judge(tallies: Sequence[Tally], *, level: float = LEVEL) -> Verdict:
    """Of two variants or more."""
    first = min(tallies, key=lambda one: (-one.rate, one.number))
    if any(one.base == 0 for one in tallies):
        return Verdict(finding=Finding.UNMEASURED, leader=first.number, chance=None)
    others = [one for one in tallies if one is not first]
    chances = [chance_of(first, other) for other in others]
    if any(chance is None for chance in chances):
        return Verdict(finding=Finding.FEW, leader=first.number, chance=None)
    chance = max(one for one in chances if one is not None)
    finding = Finding.CLEAR if chance < level else Finding.CLOSE
    return Verdict(finding=finding, leader=first.number, chance=chance)


def chance_of(one: Tally, other: Tally) -> float | None:
    """How often two equal variants differ at least so much: the p-value. None for too few people."""
    pooled = (one.people + other.people) / (one.base + other.base)
    smaller = min(one.base, other.base)
    if smaller * pooled < FEWEST_EXPECTED or smaller * (1 - pooled) < FEWEST_EXPECTED:
        return None
    spread = math.sqrt(pooled * (1 - pooled) * (1 / one.base + 1 / other.base))
    return math.erfc(abs(one.rate - other.rate) / spread / math.sqrt(2))


def smallest_difference(base: int, rate: float) -> float:
    """The difference of two rates about `rate` that a test with `base` people a variant usually finds."""
    return (_Z_LEVEL + _Z_POWER) * math.sqrt(2 * rate * (1 - rate) / base)
