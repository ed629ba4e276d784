"""Opens and clicks over time, in hours or days of the account's zone, gaps filled with zero."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from pydantic import TypeAdapter

from mailer.core import kept_counts
from mailer.core.db import AccountTx
from mailer.core.kept_counts import Counted

HOURS = 72
DAYS = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """`at` is the start of the hour or day. Machines are left out."""

    at: datetime
    opens: int
    clicks: int
    unsubscribed: int


_STORED = TypeAdapter(list[Moment])


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeline:
    unit: Literal["hour", "day"]
    moments: list[Moment]

    @property
    def busiest(self) -> Moment | None:
        """The earliest of those with the most opens and clicks."""
        best = max(self.moments, key=lambda one: one.opens + one.clicks, default=None)
        return best if best and best.opens + best.clicks else None


async def over_time(tx: AccountTx, campaign_id: int, *, zone: str) -> Timeline:
    """Hours while everything lies within three days, days after that, 60 at most. `zone`: an IANA name.

    Of very many events, as of some seconds ago.
    """

    async def count() -> Counted:
        unit, moments = await _moments(tx, campaign_id, zone)
        events = sum(one.opens + one.clicks + one.unsubscribed for one in moments)
        return Counted([unit, _STORED.dump_python(moments, mode="json")], events)

    counted = await kept_counts.of(tx, f"timeline {zone}", campaign_id, count, most_seconds=60.0)
    unit, stored = counted.value
    found = _STORED.validate_python(stored)
    return Timeline(unit=unit, moments=_filled(found, unit, ZoneInfo(zone)) if found else [])


async def _moments(tx: AccountTx, campaign_id: int, zone: str) -> tuple[Literal["hour", "day"], list[Moment]]:
    span = await tx.rows(
        """
        SELECT min(at), max(at)
        FROM events
        WHERE account_id = $1 AND campaign_id = $2 AND kind IN ('open', 'click', 'unsubscribe')
        """,
        campaign_id,
    )
    first, last = span[0]
    if first is None:
        return "hour", []
    unit: Literal["hour", "day"] = "hour" if last - first < timedelta(hours=HOURS) else "day"
    found = await tx.many(
        Moment,
        """
        SELECT date_trunc($3, at, $4) AS at,
               (count(*) FILTER (WHERE kind = 'open' AND verdict <> 'machine'))::int AS opens,
               (count(*) FILTER (WHERE kind = 'click' AND verdict <> 'machine'))::int AS clicks,
               (count(*) FILTER (WHERE kind = 'unsubscribe'))::int AS unsubscribed
        FROM events
        WHERE account_id = $1 AND campaign_id = $2 AND kind IN ('open', 'click', 'unsubscribe')
        GROUP BY 1
        ORDER BY 1
        LIMIT $5
        """,
        campaign_id,
        unit,
        zone,
        HOURS + 2 if unit == "hour" else DAYS,
    )
    return unit, found


def _filled(found: list[Moment], unit: str, zone: ZoneInfo) -> list[Moment]:
    """A moment for each hour or day between the first and the last; a day is a day of the zone's calendar."""
    known = {one.at: one for one in found}
    moments: list[Moment] = []
    at = found[0].at
    while at <= found[-1].at and len(moments) < HOURS + DAYS:
        moments.append(known.get(at) or Moment(at=at, opens=0, clicks=0, unsubscribed=0))
        if unit == "hour":
            at += timedelta(hours=1)
        else:
            # midnight to midnight: 23 or 25 hours when the clocks change
            local = at.astimezone(zone)
            at = (local.replace(tzinfo=None) + timedelta(days=1)).replace(tzinfo=zone).astimezone(at.tzinfo)
    return moments
