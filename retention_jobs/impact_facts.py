"""What an impact assessment asks about, counted on the day it is asked for (GDPR, article 35; C-64).

`impact_sheet.py` puts it into words.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from lists import rights_settings
from lists.rights_words import Right
from mailer.core import kept_counts
from mailer.core.db import AccountTx
from mailer.core.kept_counts import Counted
from retention_jobs.processing import Processing


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """`opens`, `clicks`: contacts who accepted that measurement. `most`: mails of the fullest month."""

    contacts: int
    opens: int
    clicks: int
    restricted: int
    mails: int
    most: int
    most_in: date | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Profiling:
    """`by_acts`: segments that look at opens, clicks or campaigns."""

    segments: int
    by_acts: int
    automations: int
    ab_tests: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Requests:
    received: int
    done: int
    refused: int
    open: int
    late: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Guards:
    second_factor: bool
    approval: bool
    people: int
    breaches: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Impact:
    found: Processing
    scale: Scale
    profiling: Profiling
    at_once: Sequence[Right]
    requests: Requests
    guards: Guards


async def of(tx: AccountTx, found: Processing, *, now: datetime) -> Impact:
    return Impact(
        found=found,
        scale=await _scale(tx, now),
        profiling=await _profiling(tx),
        at_once=sorted(await rights_settings.at_once(tx)),
        requests=await _requests(tx, now),
        guards=await _guards(tx),
    )


async def _scale(tx: AccountTx, now: datetime) -> Scale:
    async def count() -> Counted:
        rows = await tx.rows(
            """
            SELECT count(*), count(*) FILTER (WHERE opens = 'granted'),
                   count(*) FILTER (WHERE clicks = 'granted'), count(restricted_at)
            FROM contacts
            WHERE account_id = $1
            """
        )
        return Counted(list(rows[0]), rows[0][0])

    kept = await kept_counts.of(tx, "impact", 0, count, most_seconds=600.0)
    contacts, opens, clicks, restricted = kept.value
    months = await tx.rows(
        """
        SELECT date_trunc('month', day)::date AS month, sum(begun)::bigint AS begun,
               sum(begun) FILTER (WHERE day > $2::date - 30)::bigint AS lately
        FROM day_counts
        WHERE account_id = $1 AND day > $2::date - 366
        GROUP BY month
        ORDER BY begun DESC, month DESC
        """,
        now.date(),
    )
    return Scale(
        contacts=contacts,
        opens=opens,
        clicks=clicks,
        restricted=restricted,
        mails=sum(lately or 0 for _, _, lately in months),
        most=months[0][1] if months else 0,
        most_in=months[0][0] if months else None,
    )


async def _profiling(tx: AccountTx) -> Profiling:
    # a group in a group: any depth, by its path
    return await tx.one(
        Profiling,
        """
        SELECT (SELECT count(*)::int FROM segments WHERE account_id = $1 AND deleted_at IS NULL) AS segments,
               (SELECT count(*)::int FROM segments
                WHERE account_id = $1 AND deleted_at IS NULL
                  AND tree @? '$.**.subject ? (@ == "opens" || @ == "clicks" || @ == "campaign"
                                               || @ == "last_act")') AS by_acts,
               (SELECT count(*)::int FROM automations
                WHERE account_id = $1 AND status = 'running') AS automations,
               (SELECT count(*)::int FROM ab_tests WHERE account_id = $1) AS ab_tests
        """,
    )


async def _requests(tx: AccountTx, now: datetime) -> Requests:
    return await tx.one(
        Requests,
        """
        SELECT count(*)::int AS received, count(*) FILTER (WHERE state = 'done')::int AS done,
               count(*) FILTER (WHERE state = 'refused')::int AS refused,
               count(*) FILTER (WHERE state = 'open')::int AS open,
               count(*) FILTER (WHERE coalesce(finished_at, $2)::date > due_on)::int AS late
        FROM rights_requests
        WHERE account_id = $1 AND received_at > $2 - interval '12 months'
        """,
        now,
    )


async def _guards(tx: AccountTx) -> Guards:
    return await tx.one(
        Guards,
        """
        SELECT a.second_factor_required AS second_factor, a.staff_approval AS approval,
               (SELECT count(*)::int FROM memberships WHERE account_id = $1) AS people,
               (SELECT count(*)::int FROM account_breaches WHERE account_id = $1) AS breaches
        FROM accounts a
        WHERE a.id = $1
        """,
    )
