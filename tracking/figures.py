"""Figures of opens and clicks: measured from the events, or kept when those were deleted (G-2)."""

from collections.abc import Mapping
from dataclasses import dataclass

from mailer.core.db import AccountTx


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
    """`unique`: recipients; `total`: clicks."""

    link_id: int
    position: int
    url: str
    label: str
    unique: Verdicts
    total: Verdicts


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
        SELECT id, position::int, url, label
        FROM links
        WHERE account_id = $1 AND campaign_id = $2
        ORDER BY position
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
            )
            for link_id, position, url, label in rows
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
