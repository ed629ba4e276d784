"""What an A/B test may say: checked against exact counting, and against chance itself."""

import math
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sending import ab_verdict
from sending.ab_verdict import Finding, Tally, chance_of, judge

BASES = st.integers(1, 5_000)


@st.composite
def tallies(draw: st.DrawFn, least: int = 2, most: int = 4) -> list[Tally]:
    found = []
    for number in range(1, draw(st.integers(least, most)) + 1):
        base = draw(BASES)
        found.append(Tally(number=number, base=base, people=draw(st.integers(0, base))))
    return found


def exact(one: Tally, other: Tally) -> float:
    """Fisher's exact test, two-sided: the sum of all tables that are no likelier than this one."""
    acted, whole = one.people + other.people, one.base + other.base

    def likely(people: int) -> float:
        return math.comb(one.base, people) * math.comb(other.base, acted - people) / math.comb(whole, acted)

    here = likely(one.people)
    reach = range(max(0, acted - other.base), min(one.base, acted) + 1)
    return math.fsum(p for people in reach if (p := likely(people)) <= here * (1 + 1e-9))


@pytest.mark.req("B-34")
def test_known_figures_give_the_known_answer() -> None:
    # 12 of 310 and 19 of 308: z = 1.3085, p = 0.1907 by hand
    a, b = Tally(number=1, base=310, people=12), Tally(number=2, base=308, people=19)
    assert chance_of(a, b) == pytest.approx(0.1907, abs=0.0005)
    assert judge([a, b]).finding is Finding.CLOSE
    assert judge([a, b]).winner is None
    c = Tally(number=2, base=308, people=38)
    assert (judge([a, c]).finding, judge([a, c]).winner) == (Finding.CLEAR, 2)


@given(tallies())
def test_the_order_of_variants_changes_nothing(found: list[Tally]) -> None:
    assert judge(found) == judge(found[::-1])


@given(tallies())
def test_a_winner_has_the_highest_rate_and_is_a_variant(found: list[Tally]) -> None:
    verdict = judge(found)
    assert verdict.leader in {one.number for one in found}
    if verdict.winner is not None:
        rates = {one.number: one.people / one.base for one in found}
        assert all(rates[verdict.winner] > rate for number, rate in rates.items() if number != verdict.winner)


@given(tallies(), st.floats(0.0001, 0.05))
def test_a_stricter_level_finds_no_other_winner(found: list[Tally], level: float) -> None:
    strict, lax = judge(found, level=level), judge(found)
    assert strict.winner in (None, lax.winner)


@given(BASES, st.integers(0, 5_000))
def test_equal_variants_never_win(base: int, people: int) -> None:
    same = [Tally(number=n, base=base, people=min(people, base)) for n in (1, 2)]
    assert judge(same).winner is None
    assert judge(same).leader == 1


@given(st.integers(0, 40), st.integers(1, 40), st.integers(0, 40), st.integers(1, 40))
def test_few_people_prove_nothing(a: int, n: int, b: int, m: int) -> None:
    one = Tally(number=1, base=n, people=min(a, n))
    other = Tally(number=2, base=m, people=min(b, m))
    pooled = (one.people + other.people) / (n + m)
    if min(n, m) * min(pooled, 1 - pooled) < 5:
        assert judge([one, other]).finding is Finding.FEW
        assert judge([one, other]).winner is None


@settings(deadline=None)
@given(st.integers(60, 300), st.integers(60, 300), st.floats(0.1, 0.5), st.floats(0.1, 0.5))
def test_the_plain_test_agrees_with_exact_counting(n: int, m: int, p: float, q: float) -> None:
    one = Tally(number=1, base=n, people=round(n * p))
    other = Tally(number=2, base=m, people=round(m * q))
    chance = chance_of(one, other)
    if chance is None:
        return
    # the exact test is the stricter one; both say the same but near the bar
    counted = exact(one, other)
    assert chance <= counted + 0.02
    if counted < 0.02:
        assert chance < 0.05
    if chance > 0.15:
        assert counted > 0.05


def test_a_variant_that_reached_nobody_measured_decides_nothing() -> None:
    found = judge([Tally(number=1, base=900, people=300), Tally(number=2, base=0, people=0)])
    assert (found.finding, found.winner) == (Finding.UNMEASURED, None)


@pytest.mark.parametrize("variants", [2, 3, 4])
def test_equal_variants_are_called_different_as_rarely_as_promised(variants: int) -> None:
    """Of 2,000 tests of nothing, about 5 % at most name a winner; the generator is seeded."""
    dice = random.Random(20261126)
    wrong = 0
    for _ in range(2_000):
        found = [
            Tally(number=n, base=400, people=sum(dice.random() < 0.08 for _ in range(400)))
            for n in range(1, variants + 1)
        ]
        wrong += judge(found).winner is not None
    # three standard errors above 5 %
    assert wrong <= 2_000 * 0.05 + 3 * math.sqrt(2_000 * 0.05 * 0.95)
    assert wrong > 0


def test_a_true_difference_of_the_stated_size_is_found_four_times_in_five() -> None:
    dice = random.Random(7)
    base, rate = 400, 0.10
    step = ab_verdict.smallest_difference(base, rate)
    found = 0
    for _ in range(500):
        a = Tally(number=1, base=base, people=sum(dice.random() < rate - step / 2 for _ in range(base)))
        b = Tally(number=2, base=base, people=sum(dice.random() < rate + step / 2 for _ in range(base)))
        found += judge([a, b]).winner == 2
    assert 0.70 <= found / 500 <= 0.90
