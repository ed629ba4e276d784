"""What the checks before a send say about an A/B test itself; the variants pass the same checks as A."""

import math
from collections.abc import Iterator

from mailer.core.db import AccountTx
from mailer.core.text import N_
from sending import ab_tests, ab_variants, ab_verdict
from sending.audience import Counts
from sending.campaigns import Campaign
from sending.problems import Problem, error, fine, warning

# what mailings of small firms reach, to say in advance what a test can find: a share of people
USUAL_CLICKS, USUAL_OPENS = 0.05, 0.30
CODE = "ab_test"


async def check(tx: AccountTx, campaign: Campaign, counts: Counts) -> list[Problem]:
    """Empty where nothing is compared."""
    test = await ab_tests.of(tx, campaign.id)
    if test is None:
        return []
    found = await ab_variants.versions(tx, campaign.id)
    drawn = counts.result * test.share // 100
    problems = list(_alike(found))
    if counts.result and drawn < len(found):
        message = N_("The A/B test needs a person for each variant at least: enlarge its share.")
        problems.append(error(0, CODE, message))
    elif campaign.kind == "service" and test.winner_by != "hand":
        message = N_("A service message measures nothing: its variant can only be chosen by hand.")
        problems.append(error(0, CODE, message))
    elif test.winner_by != "hand" and counts.result:
        problems.append(_power(test.winner_by, counts.measured * test.share // 100 // len(found)))
    if not problems:
        problems.append(fine(CODE, N_("The A/B test is set: {n} variants."), n=len(found)))
    return problems


def step(of_a: str, number: int) -> str:
    """Where a finding on variant B, C or D is mended: the step where it would be for A."""
    return f"content?variant={number}" if of_a == "content" else "ab-test"


def _alike(found: list[ab_variants.Version]) -> Iterator[Problem]:
    seen: dict[tuple[str, ...], str] = {}
    for one in found:
        said = (one.subject.strip(), one.preheader.strip(), one.content_kind, one.source)
        if said in seen:
            message = N_("Variants {first} and {second} say the same: there is nothing to compare.")
            yield error(0, CODE, message, first=seen[said], second=one.letter)
        seen.setdefault(said, one.letter)


def _power(winner_by: str, each: int) -> Problem:
    """How large a difference must be to be told from chance, with so many measured people a variant."""
    usual = USUAL_OPENS if winner_by == "opens" else USUAL_CLICKS
    if each * usual < ab_verdict.FEWEST_EXPECTED:
        message = N_(
            "About {n} people of each variant accept to be measured: too few to tell the variants apart. "
            "Enlarge the share, or choose by hand."
        )
        return warning(0, CODE, message, n=each)
    points = math.ceil(ab_verdict.smallest_difference(each, usual) * 100)
    message = N_(
        "About {n} people of each variant accept to be measured: a difference shows when it is of about "
        "{points} points or more."
    )
    return fine(CODE, message, n=each, points=points)
