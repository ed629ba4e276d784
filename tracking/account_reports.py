"""Reports of the account: its campaigns side by side, and how long ago each contact last did something."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from mailer.core import kept_counts
from mailer.core.db import AccountTx
from mailer.core.errors import fault
from mailer.core.kept_counts import Counted
from mailer.core.paging import Page, decode, page
from mailer.core.text import N_
from tracking import campaign_figures
from tracking.campaign_figures import CampaignFigures

# sending/evidence.py acts on them; a test compares
HARD_PAUSE = 0.02
COMPLAINTS_WARN, COMPLAINTS_PAUSE = 0.001, 0.003
UNSUBSCRIBES_WARN = 0.02
Age = Literal["month", "quarter", "half_year", "year", "three_years", "older", "never"]
AGES: tuple[tuple[Age, str], ...] = (
    ("month", N_("less than a month ago")),
    ("quarter", N_("1 to 3 months ago")),
    ("half_year", N_("3 to 6 months ago")),
    ("year", N_("6 to 12 months ago")),
    ("three_years", N_("1 to 3 years ago")),
    ("older", N_("more than 3 years ago")),
    ("never", N_("never since they were added")),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class AgeCount:
    """`age` of the last click, reply or form; an open is none (B-27)."""

    age: Age
    contacts: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Ages:
    """`counted_at` None: just now."""

    counts: list[AgeCount]
    counted_at: datetime | None

    @property
    def total(self) -> int:
        return sum(one.contacts for one in self.counts)


async def campaigns(tx: AccountTx, *, cursor: str | None = None, limit: int = 20) -> Page[CampaignFigures]:
    """The newest first. Raises Invalid for a damaged cursor."""
    before = _place(cursor)
    await campaign_figures.refresh(tx)
    found = await campaign_figures.latest(tx, limit=limit + 1, before=before)
    return page(found, limit, key=lambda one: (one.started_at.isoformat(), one.campaign_id))


def _place(cursor: str | None) -> tuple[datetime, int] | None:
    after = decode(cursor, (str, int))
    if after is None:
        return None
    try:
        at = datetime.fromisoformat(str(after[0]))
    except ValueError:
        at = None
    if at is None or at.tzinfo is None:
        raise fault("cursor", N_("This cursor is damaged. Start again without it."))
    return at, int(str(after[1]))


async def ages(tx: AccountTx) -> Ages:
    """Every contact in one age; of a large account as of some minutes ago."""

    async def count() -> Counted:
        found = await _ages(tx)
        return Counted({one.age: one.contacts for one in found}, sum(one.contacts for one in found))

    kept = await kept_counts.of(tx, "ages", 0, count, most_seconds=600.0)
    counts = [AgeCount(age=age, contacts=kept.value.get(age, 0)) for age, _ in AGES]
    return Ages(counts=counts, counted_at=kept.at)


async def _ages(tx: AccountTx) -> Sequence[AgeCount]:
    return await tx.many(
        AgeCount,
        """
        SELECT CASE WHEN last_act_at IS NULL THEN 'never'
                    WHEN last_act_at > now() - interval '1 month' THEN 'month'
                    WHEN last_act_at > now() - interval '3 months' THEN 'quarter'
                    WHEN last_act_at > now() - interval '6 months' THEN 'half_year'
                    WHEN last_act_at > now() - interval '12 months' THEN 'year'
                    WHEN last_act_at > now() - interval '36 months' THEN 'three_years'
                    ELSE 'older' END AS age, count(*)::int AS contacts
        FROM contacts
        WHERE account_id = $1
        GROUP BY 1
        """,
    )
