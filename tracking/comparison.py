"""A campaign beside the account's last ten others: each rate, and the median of theirs."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Literal

from mailer.core.db import AccountTx
from mailer.core.text import N_
from tracking import campaign_figures
from tracking.campaign_figures import CampaignFigures
from tracking.reports import Report

OTHERS = 10
LEAST = 10
"""People that a rate of another campaign is taken of: fewer say nothing (ui 3.8)."""
Figure = Literal["delivered", "bounced_hard", "opened", "clicked", "unsubscribed", "complained"]
_OF: dict[Figure, Callable[[CampaignFigures], tuple[int, int]]] = {
    "delivered": lambda one: (one.delivered, one.sent),
    "bounced_hard": lambda one: (one.bounced_hard, one.sent),
    "opened": lambda one: (one.opened, one.opens_base),
    "clicked": lambda one: (one.clicked, one.clicks_base),
    "unsubscribed": lambda one: (one.unsubscribed, one.delivered),
    "complained": lambda one: (one.complained, one.delivered),
}
NAMES: Mapping[str, str] = {
    "delivered": N_("Delivered"),
    "bounced_hard": N_("Hard bounces"),
    "opened": N_("Measured opens (people)"),
    "clicked": N_("Measured clicks (people)"),
    "unsubscribed": N_("Unsubscribes"),
    "complained": N_("Complaints"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """Shares between 0 and 1, None when not measured. `campaigns`: how many the median is made of."""

    figure: Figure
    rate: float | None
    median: float | None
    campaigns: int


async def of(tx: AccountTx, report: Report) -> list[Compared]:
    """Empty when there is no other campaign, or the report is of totals only."""
    if report.campaign.details_erased_at is not None:
        return []
    await campaign_figures.refresh(tx, limit=OTHERS + 1)
    others = await campaign_figures.latest(tx, limit=OTHERS, but=report.campaign.id)
    counted = [one for one in others if one.counted_at is not None]
    if not counted:
        return []
    rates = report.rates
    return [
        Compared(figure=figure, rate=getattr(rates, figure), median=middle, campaigns=count)
        for figure in _OF
        for middle, count in [_median(figure, counted)]
    ]


def _median(figure: Figure, others: Sequence[CampaignFigures]) -> tuple[float | None, int]:
    shares = [part / whole for part, whole in map(_OF[figure], others) if whole >= LEAST]
    return (round(median(shares), 6) if shares else None), len(shares)


def share(figure: Figure, one: CampaignFigures) -> tuple[int, int]:
    """Number and base."""
    return _OF[figure](one)
