"""What happened to a campaign, in figures that say what they count (A-011), the same in page, export and API.

balance   audience = sent + failed + left out + cancelled + in doubt + waiting        parts always add up
measured  people, machines, unknown: each recipient in one of them, the best of what is known
rates     ui 4.2; None: nothing to measure on, never 0
"""

from calendar import monthrange
from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime

from pydantic import TypeAdapter

from mailer.core import kept_counts
from mailer.core.db import AccountTx
from mailer.core.kept_counts import Counted
from tracking import figures, measured, versions
from tracking.figures import Figures, LinkFigures, Measured
from tracking.versions import Version

LIVE_SECONDS, FINISHED_SECONDS = 10.0, 60.0
"""For so long the figures of a very large campaign are told again."""
MOST_CODES = 10
LIVE = ("scheduled", "preparing", "sending", "paused")


@dataclass(frozen=True, slots=True, kw_only=True)
class Campaign:
    """`details_erased_at`: since then figures are the totals kept; one under ten is told as 0 (A-064).

    `content_erased_at`: since then nobody can see the mail itself any more (S12). `reminder_of`: the earlier
    campaign, of those who did not click it.
    """

    id: int
    name: str
    kind: str
    status: str
    started_at: datetime | None
    finished_at: datetime | None
    details_erased_at: datetime | None
    content_erased_at: datetime | None = None
    reminder_of: int | None = None

    @property
    def live(self) -> bool:
        """Still under way: the page looks again by itself."""
        return self.status in LIVE


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """Deliveries that share state and reason (S1)."""

    status: str
    reason: str
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Balance:
    """audience = sent + failed + skipped + cancelled + in_doubt + waiting; sent = delivered + bounced (S1).

    `waiting`: queued or in flight; `deferred`: those of them that were tried before.
    """

    audience: int
    sent: int
    delivered: int
    bounced: int
    bounced_hard: int
    bounced_soft: int
    bounced_block: int
    failed: int
    skipped: int
    cancelled: int
    in_doubt: int
    waiting: int
    deferred: int


@dataclass(frozen=True, slots=True, kw_only=True)
class BounceCode:
    """What servers said; `enhanced` by RFC 3463, or ""."""

    code: int | None
    enhanced: str
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounce:
    """`bounce_reason`: one of the field's usual words, as of a delivery; "" where servers gave none that is
    known: then there is one of these for each kind. count = hard + soft + block.

    `codes`: the commonest of them.
    """

    bounce_reason: str = ""
    hard: int = 0
    soft: int = 0
    block: int = 0
    count: int
    codes: list[BounceCode] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class Count:
    reason: str
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Rates:
    """Shares between 0 and 1; None when the base is empty: not measured."""

    delivered: float | None
    bounced_hard: float | None
    opened: float | None
    clicked: float | None
    unsubscribed: float | None
    complained: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """`erased_on`: when what is known of single people goes. `versions`: empty when there is only one.

    `counted_at`: of a large campaign, whose figures are not counted at each view; None: just now.
    """

    campaign: Campaign
    erased_on: date | None
    versions: list[Version]
    balance: Balance
    outcomes: list[Part]
    opens: Measured
    clicks: Measured
    links: list[LinkFigures]
    bounces: list[Bounce]
    unsubscribed: int
    unsubscribe_reasons: list[Count]
    complained: int
    rates: Rates
    counted_at: datetime | None = None


_STORED = TypeAdapter(Report)


async def summary(tx: AccountTx, campaign_id: int) -> Report:
    """As of now, of some seconds ago for a large campaign, or of the day when the details went.

    Raises NotFound.
    """
    campaign = await tx.one(
        Campaign,
        """
        SELECT id, name, kind, status, started_at, finished_at, details_erased_at, content_erased_at,
               reminder_of
        FROM campaigns
        WHERE account_id = $1 AND id = $2
        """,
        campaign_id,
    )
    if campaign.details_erased_at is not None:
        return await _summary(tx, campaign)

    async def count() -> Counted:
        report = await _summary(tx, campaign)
        return Counted(_STORED.dump_python(report, mode="json"), report.balance.audience)

    found = await kept_counts.of(
        tx, "report", campaign_id, count, most_seconds=LIVE_SECONDS if campaign.live else FINISHED_SECONDS
    )
    return replace(_STORED.validate_python(found.value), campaign=campaign, counted_at=found.at)


async def _summary(tx: AccountTx, campaign: Campaign) -> Report:
    campaign_id = campaign.id
    parts, deferred, bases = await _outcomes(tx, campaign_id)
    balance = _balance(parts, deferred)
    left: list[Count] = []
    bounces: list[Bounce] = []
    if campaign.details_erased_at is None:
        left = await _departures(tx, campaign_id)
        bounces = await _bounces(tx, campaign_id) if balance.bounced else []
        found = await _from_events(tx, campaign_id, bases, unsubscribed=sum(one.count for one in left))
    else:
        cells = await tx.value(
            "SELECT measured FROM campaigns WHERE account_id = $1 AND id = $2", campaign_id
        )
        found = await figures.kept(tx, campaign_id, cells)
    return Report(
        campaign=campaign,
        erased_on=_erased_on(campaign),
        versions=await versions.many(tx, campaign_id),
        balance=balance,
        outcomes=parts,
        opens=found.opens,
        clicks=found.clicks,
        links=found.links,
        bounces=bounces,
        unsubscribed=found.unsubscribed,
        unsubscribe_reasons=left,
        complained=found.complained,
        rates=_rates(campaign, balance, found),
    )


def _rates(campaign: Campaign, balance: Balance, found: Figures) -> Rates:
    def share(part: int, whole: int) -> float | None:
        """Once details are gone a 0 says "under ten", which has no rate."""
        return None if campaign.details_erased_at and not part else _share(part, whole)

    return Rates(
        delivered=share(balance.delivered, balance.sent),
        bounced_hard=share(balance.bounced_hard, balance.sent),
        opened=share(found.opens.unique.people, found.opens.base),
        clicked=share(found.clicks.unique.people, found.clicks.base),
        unsubscribed=share(found.unsubscribed, balance.delivered),
        complained=share(found.complained, balance.delivered),
    )


async def _from_events(
    tx: AccountTx, campaign_id: int, bases: tuple[int, int], *, unsubscribed: int
) -> Figures:
    opens, clicks = await measured.recipients(tx, campaign_id, bases)
    complained = await tx.value(
        """
        SELECT count(DISTINCT contact_id)
        FROM events
        WHERE account_id = $1 AND campaign_id = $2 AND kind = 'complaint'
          AND at >= (SELECT (month - 31)::timestamptz FROM campaigns WHERE account_id = $1 AND id = $2)
        """,
        campaign_id,
    )
    return Figures(
        opens=opens,
        clicks=clicks,
        links=await measured.links(tx, campaign_id),
        unsubscribed=unsubscribed,
        complained=complained,
    )


def _erased_on(campaign: Campaign) -> date | None:
    """13 calendar months after the start (S6), in a shorter month its last day, as PostgreSQL adds months."""
    if campaign.started_at is None:
        return None
    start = campaign.started_at.astimezone(UTC).date()
    year, month = divmod(start.month - 1 + 13, 12)
    year, month = start.year + year, month + 1
    return date(year, month, min(start.day, monthrange(year, month)[1]))


def _share(part: int, whole: int) -> float | None:
    return round(part / whole, 6) if whole else None


async def _outcomes(tx: AccountTx, campaign_id: int) -> tuple[list[Part], int, tuple[int, int]]:
    """Parts, how many wait after a try, and the bases of opens and clicks.

    Once rows of people were deleted (S6), what they added up to is told: cells of ten and more (A-064).
    """
    kept = await tx.value("SELECT totals FROM campaigns WHERE account_id = $1 AND id = $2", campaign_id)
    if kept is not None:
        cells = [(*key.partition(":")[::2], n) for key, n in sorted(kept.items())]
        return [Part(status=status, reason=reason, count=n) for status, reason, n in cells], 0, (0, 0)
    rows = await tx.rows(
        """
        SELECT d.status, d.reason, count(*)::int,
               (count(*) FILTER (WHERE d.status = 'queued' AND d.first_at IS NOT NULL))::int,
               (count(*) FILTER (WHERE d.status = 'delivered' AND d.opens))::int,
               (count(*) FILTER (WHERE d.status = 'delivered' AND d.clicks))::int
        FROM campaigns c
        JOIN deliveries d ON d.account_id = $1 AND d.campaign_id = c.id AND d.month = c.month
        WHERE c.account_id = $1 AND c.id = $2
        GROUP BY d.status, d.reason
        ORDER BY d.status, d.reason
        """,
        campaign_id,
    )
    parts = [Part(status=status, reason=reason, count=n) for status, reason, n, _, _, _ in rows]
    return parts, sum(row[3] for row in rows), (sum(row[4] for row in rows), sum(row[5] for row in rows))


def _balance(parts: list[Part], deferred: int) -> Balance:
    def count(status: str, *reasons: str) -> int:
        return sum(
            part.count for part in parts if part.status == status and (not reasons or part.reason in reasons)
        )

    hard, soft = count("bounced", "hard"), count("bounced", "soft")
    return Balance(
        audience=sum(part.count for part in parts),
        sent=count("delivered") + count("bounced"),
        delivered=count("delivered"),
        bounced=count("bounced"),
        bounced_hard=hard,
        bounced_soft=soft,
        bounced_block=count("bounced") - hard - soft,
        failed=count("failed"),
        skipped=count("skipped"),
        cancelled=count("cancelled"),
        in_doubt=count("in_doubt"),
        waiting=count("queued") + count("claimed") + count("handing"),
        deferred=deferred,
    )


async def _bounces(tx: AccountTx, campaign_id: int) -> list[Bounce]:
    rows = await tx.rows(
        r"""
        SELECT CASE d.bounce_reason WHEN 'undefined' THEN '' ELSE d.bounce_reason END,
               CASE WHEN d.reason IN ('hard', 'soft') THEN d.reason ELSE 'block' END,
               d.smtp_code::int,
               coalesce(substring(d.smtp_reply FROM '\m([245]\.\d{1,3}\.\d{1,3})\M'), ''),
               count(*)::int
        FROM campaigns c
        JOIN deliveries d ON d.account_id = $1 AND d.campaign_id = c.id AND d.month = c.month
        WHERE c.account_id = $1 AND c.id = $2 AND d.status = 'bounced'
        GROUP BY 1, 2, 3, 4
        """,
        campaign_id,
    )
    kinds: dict[tuple[str, str], Counter[str]] = {}
    codes: dict[tuple[str, str], Counter[tuple[int | None, str]]] = {}
    for reason, kind, code, enhanced, n in rows:
        # without a reason the kind has to do
        row = (reason, "" if reason else kind)
        kinds.setdefault(row, Counter())[kind] += n
        codes.setdefault(row, Counter())[(code, enhanced)] += n
    found = [
        Bounce(
            bounce_reason=row[0],
            hard=counted["hard"],
            soft=counted["soft"],
            block=counted["block"],
            count=counted.total(),
            codes=_codes(codes[row]),
        )
        for row, counted in kinds.items()
    ]
    return sorted(found, key=lambda one: (-one.count, one.bounce_reason, -one.hard, -one.soft))


def _codes(counted: Counter[tuple[int | None, str]]) -> list[BounceCode]:
    """The commonest; a server that said nothing at all has none."""
    said = [(n, code, enhanced) for (code, enhanced), n in counted.items() if code or enhanced]
    said.sort(key=lambda one: (-one[0], one[1] or 0, one[2]))
    return [BounceCode(code=code, enhanced=enhanced, count=n) for n, code, enhanced in said[:MOST_CODES]]


async def _departures(tx: AccountTx, campaign_id: int) -> list[Count]:
    """People who left by a link of this campaign, by the reason they gave; "" for none.

    Here and elsewhere `month - 31` leaves partitions aside that can hold nothing of the campaign.
    """
    return await tx.many(
        Count,
        """
        SELECT reason, count(*)::int AS count
        FROM (SELECT DISTINCT ON (contact_id) coalesce(signals ->> 'reason', '') AS reason
              FROM events
              WHERE account_id = $1 AND campaign_id = $2 AND kind = 'unsubscribe'
                AND at >= (SELECT (month - 31)::timestamptz FROM campaigns WHERE account_id = $1 AND id = $2)
              ORDER BY contact_id, at DESC) last
        GROUP BY reason
        ORDER BY count(*) DESC, reason
        """,
        campaign_id,
    )
