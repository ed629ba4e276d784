"""Editions: a recurring campaign's draft becomes a campaign of its own at its time, once.

    work ─▶ _due ─▶ _make: row of `editions`, copy of the draft ─▶ _schedule: checks, hold, as by hand
             └ missed: the times that passed while nothing ran

The key of `editions` is the plan and the time. A worker killed between the steps leaves a row "made", and the
next turn goes on with it: never two, never none.
"""

import hashlib
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import orjson
import structlog

from mailer.accounts import identity
from mailer.core import clock, jobs, paging, restores
from mailer.core.db import AccountTx
from mailer.core.errors import Fault, Invalid, fault
from mailer.core.paging import Page
from mailer.core.services import Services
from mailer.core.text import N_
from mailer.core.work import Task
from mailer.web import i18n
from sending import (
    ab_variants,
    brand,
    campaign_segments,
    campaigns,
    feed_block,
    feeds,
    merge,
    recurrence_times,
    recurrences,
    sends,
    sources,
)
from sending.campaigns import Campaign
from sending.feed_reading import Item
from sending.recurrences import Recurrence

log = structlog.get_logger()
LATE = timedelta(hours=12)
"""After this an edition is missed: the morning's letter does not leave in the night."""
_MISSED_AT_MOST = 60
_SEGMENT_SECONDS = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Edition:
    """`result`: made (not scheduled yet), scheduled, unchanged, nothing_new, blocked or missed. `status`: of
    its campaign."""

    due_at: datetime
    result: str
    number: int | None
    campaign_id: int | None
    faults: list[dict[str, Any]]
    name: str | None
    status: str | None
    audience: int | None


async def many(
    tx: AccountTx, recurrence_id: int, *, before: datetime | None = None, limit: int = 25
) -> list[Edition]:
    """Newest first, one more than the limit when there are more."""
    return await tx.many(
        Edition,
        """
        SELECT e.due_at, e.result, e.number, e.campaign_id, e.faults, c.name, c.status, c.audience
        FROM editions e
        LEFT JOIN campaigns c ON c.account_id = e.account_id AND c.id = e.campaign_id
        WHERE e.account_id = $1 AND e.recurrence_id = $2 AND ($3::timestamptz IS NULL OR e.due_at < $3)
        ORDER BY e.due_at DESC
        LIMIT $4
        """,
        recurrence_id,
        before,
        limit + 1,
    )


def page(rows: Sequence[Edition], limit: int) -> Page[Edition]:
    return paging.page(rows, limit, key=lambda row: (row.due_at.isoformat(),))


def before(cursor: str | None) -> datetime | None:
    """Where a page of editions goes on. Raises Invalid at `cursor`."""
    key = paging.decode(cursor, (str,))
    if key is None:
        return None
    with suppress(ValueError):
        found = datetime.fromisoformat(str(key[0]))
        if found.tzinfo is not None:
            return found
    raise fault("cursor", N_("This cursor is damaged. Start again without it."))


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Where an edition comes from."""

    campaign_id: int
    name: str
    number: int


async def origin(tx: AccountTx, campaign_id: int) -> Origin | None:
    """The model of a campaign that is an edition."""
    return await tx.first(
        Origin,
        """
        SELECT r.campaign_id, c.name, e.number
        FROM editions e
        JOIN recurrences r ON r.account_id = e.account_id AND r.id = e.recurrence_id
        JOIN campaigns c ON c.account_id = r.account_id AND c.id = r.campaign_id
        WHERE e.account_id = $1 AND e.campaign_id = $2 AND e.number IS NOT NULL
        """,
        campaign_id,
    )


async def make(services: Services, task: Task) -> datetime | None:
    """The job "sending.make_edition": `ref_id` is the plan."""
    if not await restores.may_send(services):
        return jobs.in_(seconds=restores.IDLE_SECONDS)
    plan, feed = None, ""
    async with services.db.account(task.account_id) as tx:
        if await _unfinished(tx, task.ref_id) is None:
            plan = await _due(tx, task.ref_id)
            if plan is None or plan.next_at is None:
                return None
            if plan.next_at > clock.now():
                return plan.next_at
            feed = plan.feed_url
            if not feed:
                await _make(tx, plan)
    if plan is not None and feed and (again := await _read_feed(services, task, plan)):
        return again
    async with services.db.account(task.account_id) as tx:
        if not await _schedule(tx, services, task.ref_id):
            return jobs.in_(seconds=_SEGMENT_SECONDS)
        plan = await _locked(tx, task.ref_id)
    return plan.next_at if plan else None


async def _read_feed(services: Services, task: Task, plan: Recurrence) -> datetime | None:
    """The edition of what is new in the feed; when to try again if it could not be read."""
    feed = feeds.Feed(url=plan.feed_url, etag=plan.feed_etag, modified=plan.feed_modified)
    found = await feeds.look(services, feed)
    async with services.db.account(task.account_id) as tx:
        now = await _due(tx, task.ref_id)
        if now is None or now.next_at is None:
            return None
        if (now.next_at, now.feed_url) != (plan.next_at, plan.feed_url):
            # another plan since it was asked
            return jobs.again()
        wait = await feeds.note(tx, plan.id, found)
        if found.error:
            log.warning("feed not read", recurrence=plan.id, reason=found.error)
            return clock.now() + wait
        await _make(tx, now)
    return None


async def _locked(tx: AccountTx, recurrence_id: int) -> Recurrence | None:
    """The plan, held until the end of the transaction; None when it is gone or does not run."""
    campaign_id = await tx.value(
        """
        SELECT campaign_id FROM recurrences
        WHERE account_id = $1 AND id = $2 AND status = 'active'
        FOR UPDATE
        """,
        recurrence_id,
    )
    return None if campaign_id is None else await recurrences.of(tx, campaign_id)


async def _due(tx: AccountTx, recurrence_id: int) -> Recurrence | None:
    """The plan with `next_at` at the edition to make now, or later. What was missed is written down."""
    plan = await _locked(tx, recurrence_id)
    if plan is None or plan.next_at is None:
        return None
    now = clock.now()
    past = list(recurrence_times.until(plan.rule, plan.next_at, now))
    if not past:
        return plan
    kept = past[-1] if now - past[-1] <= LATE else None
    missed = [at for at in past if at != kept][-_MISSED_AT_MOST:]
    await tx.run(
        """
        INSERT INTO editions (account_id, recurrence_id, due_at, result)
        SELECT $1, $2, due_at, 'missed' FROM unnest($3::timestamptz[]) AS given (due_at)
        ON CONFLICT DO NOTHING
        """,
        plan.id,
        missed,
    )
    if missed:
        log.warning("editions missed", recurrence=plan.id, count=len(missed))
    if kept is not None:
        return replace(plan, next_at=kept)
    await _advance(tx, plan, past[-1])
    return await _locked(tx, recurrence_id)


async def _advance(tx: AccountTx, plan: Recurrence, after: datetime) -> None:
    """To the next of its times; past its last day the plan has ended."""
    later = recurrence_times.following(plan.rule, after)
    await tx.run(
        """
        UPDATE recurrences
        SET next_at = $3::timestamptz, status = CASE WHEN $3::timestamptz IS NULL THEN 'ended' ELSE status END
        WHERE account_id = $1 AND id = $2
        """,
        plan.id,
        later.at if later else None,
    )


async def _make(tx: AccountTx, plan: Recurrence) -> None:
    """The row of this time, and the copy unless nothing is to be sent; the plan goes on to its next time."""
    assert plan.next_at is not None
    due_at = plan.next_at
    items = await feeds.fresh(tx, plan.id) if plan.feed_url else []
    result = await _what(tx, plan, items)
    written = await tx.run(
        """
        INSERT INTO editions (account_id, recurrence_id, due_at, result)
        VALUES ($1, $2, $3, $4)
        ON CONFLICT DO NOTHING
        """,
        plan.id,
        due_at,
        result,
    )
    if written and result == "made":
        await _copy(tx, plan, due_at, items)
    await _advance(tx, plan, due_at)


async def _what(tx: AccountTx, plan: Recurrence, items: Sequence[Item]) -> str:
    if plan.feed_url:
        return "made" if items else "nothing_new"
    unchanged = plan.skip_unchanged and await _fingerprint(tx, plan.campaign_id) == plan.last_content
    return "unchanged" if unchanged else "made"


async def _copy(tx: AccountTx, plan: Recurrence, due_at: datetime, items: Sequence[Item]) -> None:
    with i18n.speaking((await identity.of(tx)).language):
        title = i18n.translate(N_("Edition of {day}"), day=i18n.day(due_at, plan.time_zone))
    made = await campaigns.duplicate(tx, plan.campaign_id, f"{plan.campaign_name[:70]} – {title}")
    await tx.run(
        """
        UPDATE editions SET campaign_id = $4, number = $5
        WHERE account_id = $1 AND recurrence_id = $2 AND due_at = $3
        """,
        plan.id,
        due_at,
        made.id,
        plan.number + 1,
    )
    if plan.feed_url:
        await _fill(tx, made, items)
        await feeds.remember(tx, plan.id, items, due_at=due_at)
    # the model keeps the text: each edition as a design would fill the library
    await tx.run("UPDATE campaigns SET keep_source = false WHERE account_id = $1 AND id = $2", made.id)


async def _fill(tx: AccountTx, made: Campaign, items: Sequence[Item]) -> None:
    """The items stand in the edition itself. A block at fault stays, and the checks stop the edition."""
    wrong = merge.check(brand.fill(made.source), fields=await sources.field_keys(tx), part="mjml")
    if made.content_kind == "mjml" and not wrong:
        source = feed_block.expand(made.source, items, made.language)
        await campaigns.write_content(tx, made.id, "mjml", source)


async def _fingerprint(tx: AccountTx, campaign_id: int) -> bytes:
    """Of what the draft says, its variants included."""
    campaign = await campaigns.show(tx, campaign_id)
    said: list[object] = [campaign.subject, campaign.preheader, campaign.content_kind, campaign.source]
    for number in await ab_variants.numbers(tx, campaign_id):
        said += [number, *await _variant(tx, campaign_id, number)]
    return hashlib.sha256(orjson.dumps(said)).digest()


async def _variant(tx: AccountTx, campaign_id: int, number: int) -> Sequence[object]:
    rows = await tx.rows(
        """
        SELECT subject, preheader, content_kind, source
        FROM ab_variants
        WHERE account_id = $1 AND campaign_id = $2 AND number = $3
        """,
        campaign_id,
        number,
    )
    return rows[0] if rows else ()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Open:
    due_at: datetime
    campaign_id: int | None
    number: int


async def _unfinished(tx: AccountTx, recurrence_id: int) -> _Open | None:
    """The edition whose copy was made and is not scheduled yet."""
    return await tx.first(
        _Open,
        """
        SELECT due_at, campaign_id, coalesce(number, 0) AS number
        FROM editions
        WHERE account_id = $1 AND recurrence_id = $2 AND result = 'made'
        FOR UPDATE
        """,
        recurrence_id,
    )


async def _schedule(tx: AccountTx, services: Services, recurrence_id: int) -> bool:
    """The copy leaves as any campaign does, or stops the plan. False: its segments are being counted."""
    found = await _unfinished(tx, recurrence_id)
    if found is None:
        return True
    campaign_id = found.campaign_id
    if campaign_id is None:
        # somebody deleted the copy meanwhile
        await _end(tx, recurrence_id, found, "missed")
        return True
    used = await campaign_segments.many(tx, campaign_id)
    broken = bool(await campaign_segments.broken(tx, used))
    if not broken and not await campaign_segments.settle(tx, campaign_id):
        return False
    try:
        async with tx.savepoint():
            await sends.schedule(tx, services, campaign_id, sends.Order(hold_seconds=sends.HOLD_SECONDS))
    except Invalid as error:
        faults = [_stored(one) for one in error.faults]
        await _end(tx, recurrence_id, found, "blocked", faults)
        await tx.run(
            "DELETE FROM campaigns WHERE account_id = $1 AND id = $2 AND status = 'draft'", campaign_id
        )
        await feeds.forget(tx, recurrence_id, found.due_at)
        await recurrences.stop(tx, recurrence_id, faults)
        log.warning("recurring campaign paused", recurrence=recurrence_id)
        return True
    await _end(tx, recurrence_id, found, "scheduled")
    # only now: what was stopped has neither a number nor said anything
    await tx.run(
        "UPDATE recurrences SET number = $3, last_content = $4 WHERE account_id = $1 AND id = $2",
        recurrence_id,
        found.number,
        await _fingerprint(tx, campaign_id),
    )
    log.info("edition scheduled", recurrence=recurrence_id, campaign=campaign_id)
    return True


def _stored(found: Fault) -> dict[str, Any]:
    """A fault as a row keeps it; its message is translated where it is shown."""
    params = {name: value if isinstance(value, int) else str(value) for name, value in found.params.items()}
    return {"field": found.field, "code": found.code, "message": found.message, "params": params}


async def _end(
    tx: AccountTx, recurrence_id: int, edition: _Open, result: str, faults: Sequence[dict[str, Any]] = ()
) -> None:
    await tx.run(
        """
        UPDATE editions SET result = $4, faults = $5,
               number = CASE WHEN $4 = 'blocked' THEN NULL ELSE number END
        WHERE account_id = $1 AND recurrence_id = $2 AND due_at = $3
        """,
        recurrence_id,
        edition.due_at,
        result,
        list(faults),
    )
