"""How much is run, and what a bench says at its end."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

import orjson

CORES = len(os.sched_getaffinity(0))


class Void(Exception):
    """The run proves nothing; the text says why."""


class Skipped(Exception):
    """This version cannot be measured in this way; the text says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """`scale` shrinks lists, `runs` is how many times everything is measured, `lose` breaks the sink (tests)."""

    scale: float = 1.0
    runs: int = 5
    profile: bool = False
    lose: int = 0

    def scaled(self, count: int, least: int = 20) -> int:
        return max(least, round(count * self.scale))


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """Figures of all runs; their medians count. `less`: the ratio is to stay below the goal."""

    bench: str
    ours: Sequence[float]
    yardstick: Sequence[float]
    unit: str
    goal: float
    less: bool = False

    @property
    def ratio(self) -> float:
        return median(self.ours) / median(self.yardstick)

    @property
    def verdict(self) -> str:
        reached = self.ratio <= self.goal if self.less else self.ratio >= self.goal
        return f"goal {'≤' if self.less else '≥'} {self.goal:.2f}: {'reached' if reached else 'missed'}"

    @property
    def line(self) -> str:
        """The last line of a bench."""
        found = {
            "bench": self.bench,
            "ours": round(median(self.ours), 1),
            "yardstick": round(median(self.yardstick), 1),
            "ratio": round(self.ratio, 4),
            "unit": self.unit,
        }
        return orjson.dumps(found).decode()


def say(text: str) -> None:
    print(text, flush=True)
