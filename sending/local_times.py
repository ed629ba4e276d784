"""A campaign at nine in the morning of each recipient: a wall clock and a field → an instant a delivery.

    schedule ─▶ campaigns.local_at, zone_field; begins where that hour comes first ─▶ freeze ─▶ spread:
    deliveries.next_at ─▶ the ordinary lanes, which wait for what is due (S1)

A field holds the name of a zone (“Europe/Paris”), or a country by name or code where all its zones have the
same hour on that day. Everybody else gets it by the account's zone.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, timezone
from functools import cache, lru_cache
from zoneinfo import ZoneInfo, available_timezones

from mailer.core import clock
from mailer.core.db import AccountTx
from mailer.core.errors import Fault, Invalid, fault
from mailer.core.text import N_
from mailer.web import i18n
from sending import schedules

# the Line Islands: nowhere does an hour come sooner
_FIRST = timezone(timedelta(hours=14))
_VALUES = 2_000
# fields that are probably meant, in the order in which they are proposed
_NAMES = ("time_zone", "timezone", "fuseau_horaire", "fuseau", "country", "pays", "country_code", "code_pays")


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalTime:
    """`at`: naive, the wall clock of whoever gets it. `field`: the key of a field, "" for nobody's zone."""

    at: datetime
    field: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """A field that may tell where people are."""

    key: str
    label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """How many of an audience are where. `zone` "": not known, so the account's."""

    zone: str
    people: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Wave:
    """Deliveries that wait for the same instant."""

    at: datetime
    people: int


async def choices(tx: AccountTx) -> list[Choice]:
    """Text fields and choices, those first that are probably meant."""
    found = await tx.many(
        Choice,
        "SELECT key, label FROM fields WHERE account_id = $1 AND type IN ('text', 'choice') ORDER BY id",
    )
    return sorted(found, key=lambda one: _NAMES.index(one.key) if one.key in _NAMES else len(_NAMES))


def read(day: str, hour: str, field: str) -> LocalTime:
    """As a form gives it. Raises Invalid at `date` or `time`."""
    try:
        on = date.fromisoformat(day)
    except ValueError:
        raise fault("date", N_("Write the date like 2026-11-24.")) from None
    try:
        at = time.fromisoformat(hour)
    except ValueError:
        raise fault("time", N_("Write the time like 09:30."), code="time") from None
    return LocalTime(at=datetime.combine(on, at.replace(tzinfo=None, second=0, microsecond=0)), field=field)


def asked(at: datetime | None, local_at: datetime | None, field: str) -> LocalTime | None:
    """As a program gives it. Raises Invalid."""
    if local_at is None:
        return None
    if at is not None:
        raise fault("local_at", N_("Give at or local_at, not both."), code="both")
    return LocalTime(at=local_at, field=field)


async def begins(tx: AccountTx, local: LocalTime, zone: str, *, hold_seconds: int = 0) -> datetime:
    """When a campaign is to begin: where the hour comes first, or after the hold. Raises Invalid."""
    if local.field and not any(one.key == local.field for one in await choices(tx)):
        raise fault("zone_field", N_("Choose a text field or a choice of this account."), code="unknown")
    schedules.check(local.at.replace(tzinfo=ZoneInfo(zone)), field="date")
    first = local.at.replace(tzinfo=_FIRST).astimezone(UTC)
    return max(first, clock.now() + timedelta(seconds=hold_seconds))


@cache
def _zones() -> Mapping[str, str]:
    return {name.casefold(): name for name in available_timezones() if "/" in name or name == "UTC"}


@lru_cache(4096)
def zones_of(value: str) -> tuple[str, ...]:
    """The zones that a field's text may mean: one by its name, several for a country."""
    text = " ".join(value.split()).casefold()
    if not text or len(text) > 80:
        return ()
    if named := _zones().get(text.replace(" ", "_")):
        return (named,)
    return i18n.zones_of_country(text)


def instant(local_at: datetime, zones: tuple[str, ...]) -> datetime | None:
    """When that hour comes there; None when the zones do not agree. A skipped hour comes later (PEP 495)."""
    found = {local_at.replace(tzinfo=ZoneInfo(name)).astimezone(UTC) for name in zones}
    return found.pop() if len(found) == 1 else None


def leaves_at(local_at: datetime, zones: tuple[str, ...], begins_at: datetime) -> datetime | None:
    """The first time that the hour comes there once the campaign has begun; None: by the account's zone."""
    found = instant(local_at, zones)
    # where the hour is past already it is the next day's, so that it is that hour for everybody
    if found is not None and found < begins_at - timedelta(minutes=1):
        return instant(local_at + timedelta(days=1), zones)
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class _Setting:
    local_at: datetime | None
    zone_field: str
    time_zone: str
    scheduled_at: datetime | None
    month: date | None


async def spread(tx: AccountTx, campaign_id: int, *, after: int, last: int) -> None:
    """When the deliveries behind contact `after` up to `last` leave; in the transaction that froze them."""
    setting = await tx.one(
        _Setting,
        """
        SELECT c.local_at, c.zone_field, a.time_zone, c.scheduled_at, c.month
        FROM campaigns c
        JOIN accounts a ON a.id = c.account_id
        WHERE c.account_id = $1 AND c.id = $2
        """,
        campaign_id,
    )
    if setting.local_at is None:
        return
    begins_at = setting.scheduled_at or clock.now()
    default = leaves_at(setting.local_at, (setting.time_zone,), begins_at) or begins_at
    rows = await tx.rows(
        """
        SELECT DISTINCT left(fields->>$4, 81)
        FROM contacts
        WHERE account_id = $1 AND id > $2 AND id <= $3 AND fields ? $4
        """,
        after,
        last,
        setting.zone_field,
    )
    known = {
        value: at for (value,) in rows if (at := leaves_at(setting.local_at, zones_of(value), begins_at))
    }
    await tx.run(
        """
        UPDATE deliveries d
        SET next_at = coalesce(v.at, $7)
        FROM contacts c
        LEFT JOIN unnest($8::text[], $9::timestamptz[]) AS v (value, at) ON v.value = c.fields->>$6
        WHERE d.account_id = $1 AND d.campaign_id = $2 AND d.month = $3
          AND d.contact_id > $4 AND d.contact_id <= $5 AND d.status = 'queued'
          AND c.account_id = d.account_id AND c.id = d.contact_id
        """,
        campaign_id,
        setting.month,
        after,
        last,
        setting.zone_field,
        default,
        list(known),
        list(known.values()),
    )


async def shares(tx: AccountTx, campaign_id: int, field: str, on: datetime) -> list[Share]:
    """How many of a draft's audience are in which zone on a day, most first. Values beyond the 2,000 most
    frequent count as unknown."""
    rows = await tx.rows(
        """
        SELECT CASE WHEN n <= $4 THEN value ELSE '' END, sum(people)::int
        FROM (
            SELECT value, people, row_number() OVER (ORDER BY people DESC, value) AS n
            FROM (
                SELECT coalesce(left(c.fields->>$3, 81), '') AS value, count(*) AS people
                FROM audience a
                JOIN contacts c ON c.account_id = a.account_id AND c.id = a.contact_id
                WHERE a.account_id = $1 AND a.campaign_id = $2 AND a.reason = ''
                GROUP BY 1
            ) AS counted
        ) AS numbered
        GROUP BY 1
        """,
        campaign_id,
        field,
        _VALUES,
    )
    people: dict[str, int] = {}
    for value, n in rows:
        zones = zones_of(value)
        name = zones[0] if zones and instant(on, zones) is not None else ""
        people[name] = people.get(name, 0) + n
    found = [Share(zone=name, people=n) for name, n in people.items()]
    return sorted(found, key=lambda one: (-one.people, one.zone))


async def waves(tx: AccountTx, campaign_id: int) -> list[Wave]:
    """What still waits for its hour, the next first."""
    return await tx.many(
        Wave,
        """
        SELECT d.next_at AS at, count(*)::int AS people
        FROM campaigns c
        JOIN deliveries d ON d.account_id = c.account_id AND d.campaign_id = c.id AND d.month = c.month
        WHERE c.account_id = $1 AND c.id = $2 AND c.local_at IS NOT NULL
          AND d.status = 'queued' AND d.first_at IS NULL AND d.next_at > now()
        GROUP BY d.next_at
        ORDER BY d.next_at
        LIMIT 60
        """,
        campaign_id,
    )


def refuse_test() -> Invalid:
    """An A/B test waits for its result, and this for an hour: both do not go together."""
    message = N_("An A/B test cannot leave by time zones. Take the test out, or choose one time for all.")
    return Invalid(Fault("zone", message, "ab_test"))
