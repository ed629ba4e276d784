"""Figures of opens and clicks: measured from the events, or kept when those were deleted (G-2)."""

from collections.abc import Mapping
from dataclasses import dataclass

from mailer.core.db import AccountTx

LETTERS = "ABCD"
"""Of the variants of an A/B test, as people read them: 1 is A."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdicts:
    people: int = 0
    machines: int = 0
    unknown: int = 0

    @property
    def total(self) -> int:
        return self.people + self.machines + self.unknown


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """`base`: mails delivered to contacts who accept this measurement; 0: not measured."""

    base: int
    unique: Verdicts
    total: Verdicts


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkFigures:
    """`unique`: recipients; `total`: clicks.

    `variant`: of an A/B test, whose mail it stands in, 1 for A; null where the link is of every mail.
    """

    link_id: int
    position: int
    url: str
    label: str
    unique: Verdicts
    total: Verdicts
    variant: int | None = None

    @property
    def letter(self) -> str:
        return letter(self.variant)


def letter(variant: int | None) -> str:
    return LETTERS[variant - 1] if variant else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """`complained` and `unsubscribed` are people."""

    opens: Measured
    clicks: Measured
    links: list[LinkFigures]
    unsubscribed: int
    complained: int


async def kept(tx: AccountTx, campaign_id: int, cells: Mapping[str, int]) -> Figures:
    """From the cells that `retention_jobs.totals` froze; one of fewer than ten people is 0 here (A-064)."""
    rows = await tx.rows(
        """
        SELECT l.id, l.position::int, l.url, l.label,
               CASE WHEN t.about = 'content' OR max(l.variant) OVER () > 1 THEN l.variant::int END
        FROM links l
        LEFT JOIN ab_tests t ON t.account_id = $1 AND t.campaign_id = $2
        WHERE l.account_id = $1 AND l.campaign_id = $2
        ORDER BY l.variant, l.position, l.id
        """,
        campaign_id,
    )
    return Figures(
        opens=Measured(
            base=cells.get("base:open", 0), unique=_cells(cells, "open"), total=_cells(cells, "open", ":hits")
        ),
        clicks=Measured(
            base=cells.get("base:click", 0),
            unique=_cells(cells, "click"),
            total=_cells(cells, "click", ":hits"),
        ),
        links=[
            LinkFigures(
                link_id=link_id,
                position=position,
                url=url,
                label=label,
                unique=_cells(cells, f"link:{link_id}"),
                total=_cells(cells, f"link:{link_id}", ":hits"),
                variant=variant,
            )
            for link_id, position, url, label, variant in rows
        ],
        unsubscribed=cells.get("unsubscribe", 0),
        complained=cells.get("complaint", 0),
    )


def _cells(cells: Mapping[str, int], what: str, end: str = "") -> Verdicts:
    return Verdicts(
        people=cells.get(f"{what}:people{end}", 0),
        machines=cells.get(f"{what}:machines{end}", 0),
        unknown=cells.get(f"{what}:unknown{end}", 0),
    )
