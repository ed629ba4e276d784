"""All that the page of a campaign's report shows, read together: for the page, its stream and its tables."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from mailer.core.db import AccountTx
from tracking import comparison, modes, providers, reports, timeline
from tracking.comparison import Compared
from tracking.modes import Measured
from tracking.providers import ProviderFigures
from tracking.reports import Report
from tracking.timeline import Timeline

CONTENT_DAYS = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class AbTest:
    """A/B. `winner`: the variant that those who waited got, 1 for A; None: undecided."""

    variants: list[int]
    winner: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Whole:
    """`compared` and `providers` are empty once details are erased; so is `over_time`."""

    report: Report
    over_time: Timeline
    providers: list[ProviderFigures]
    compared: list[Compared]
    measurement: Measured
    test: AbTest | None
    """None: nothing was compared."""

    @property
    def content_until(self) -> datetime | None:
        """When the mail itself is erased, at the latest; None: not known yet (S12)."""
        ended = self.report.campaign.finished_at
        return ended + timedelta(days=CONTENT_DAYS) if ended else None

    @property
    def maps(self) -> list[int]:
        """The variants, if each has links, and so a map of clicks, of its own; else none."""
        apart = any(link.variant for link in self.report.links)
        return self.test.variants if self.test and apart else []

    def map_of(self, asked: int | None) -> int:
        """The variant whose map is shown: the winner, unless another is asked for."""
        if asked in self.maps:
            return asked
        return self.test.winner or 1 if self.test and self.maps else 1


async def whole(tx: AccountTx, campaign_id: int, *, zone: str) -> Whole:
    """Raises NotFound."""
    report = await reports.summary(tx, campaign_id)
    measurement = await modes.measured(tx, campaign_id)
    test = await tx.first(
        AbTest,
        """
        SELECT t.winner::int,
               ARRAY (SELECT 1 UNION
                      SELECT v.number::int FROM ab_variants v
                      WHERE v.account_id = $1 AND v.campaign_id = $2
                      ORDER BY 1) AS variants
        FROM ab_tests t
        WHERE t.account_id = $1 AND t.campaign_id = $2
        """,
        campaign_id,
    )
    if report.campaign.details_erased_at is not None:
        # what is left of the details after that day would draw a curve of nothing
        over_time = Timeline(unit="day", moments=[])
        return Whole(
            report=report,
            over_time=over_time,
            providers=[],
            compared=[],
            measurement=measurement,
            test=test,
        )
    return Whole(
        report=report,
        over_time=await timeline.over_time(tx, campaign_id, zone=zone),
        providers=await providers.many(tx, campaign_id, live=report.campaign.live),
        compared=await comparison.of(tx, report) if report.balance.sent else [],
        measurement=measurement,
        test=test,
    )
