"""What an A/B test has come to, for page and API: variants, their figures, and what these say."""

from collections.abc import Sequence
from dataclasses import dataclass

from mailer.core.db import AccountTx
from sending import ab_figures, ab_tests, ab_variants, ab_verdict
from sending.ab_figures import Figures
from sending.ab_tests import AbTest
from sending.ab_variants import Version
from sending.ab_verdict import Tally, Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A variant with its figures; `tally` is what decides."""

    version: Version
    figures: Figures
    tally: Tally


@dataclass(frozen=True, slots=True, kw_only=True)
class Results:
    """`waiting`: of the test, whose mail has not left yet; `held`: all others, who wait for the decision.

    `status`: the campaign's.
    """

    test: AbTest
    status: str
    rows: Sequence[Row]
    verdict: Verdict
    held: int

    @property
    def waiting(self) -> int:
        return sum(row.figures.waiting for row in self.rows)

    @property
    def open(self) -> bool:
        """Can it still be decided?"""
        return self.test.state in ("running", "asking") and self.status != "cancelled"

    @property
    def stands(self) -> bool:
        """Has all of the test left, and does nothing move until it is decided?"""
        return self.open and not self.waiting

    def letter(self, number: int) -> str:
        return ab_variants.LETTERS[number - 1]


async def of(tx: AccountTx, campaign_id: int) -> Results | None:
    """None where nothing is compared. Once people's rows are gone: as it was when it was decided (A-064)."""
    test = await ab_tests.of(tx, campaign_id)
    if test is None:
        return None
    status, erased = (
        await tx.rows(
            """
            SELECT status, details_erased_at IS NOT NULL
            FROM campaigns
            WHERE account_id = $1 AND id = $2
            """,
            campaign_id,
        )
    )[0]
    counted = (
        ab_figures.STORED.validate_python(test.figures) if erased else await ab_figures.shown(tx, campaign_id)
    )
    found = {one.number: one for one in counted}
    rows = [
        _row(version, found.get(version.number) or ab_figures.none(version.number), test.winner_by)
        for version in await ab_variants.versions(tx, campaign_id)
    ]
    return Results(
        test=test,
        status=status,
        rows=rows,
        verdict=ab_verdict.judge([row.tally for row in rows]),
        held=await ab_figures.held(tx, campaign_id) if test.state != "draft" and not erased else 0,
    )


def _row(version: Version, figures: Figures, winner_by: str) -> Row:
    return Row(version=version, figures=figures, tally=figures.tally(winner_by))
