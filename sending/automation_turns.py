"""One turn of an automatic campaign: who is due is moved on, some hundred people a transaction.

    due people, locked ─▶ by step: what it does to all of them ─▶ where each goes next ─▶ one UPDATE

What a step does and that it was done are one transaction: killed anywhere, the next turn does it again
or finds
it done, never half. A turn gives way after some seconds, so that accounts take turns (S3).
"""

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta, tzinfo
from typing import Literal

import structlog

from lists import tags
from mailer.accounts import identity
from mailer.core import clock, jobs, restores
from mailer.core.db import AccountTx
from mailer.core.services import Services
from mailer.core.work import Task
from mailer.web import i18n
from sending import (
    automation_broken,
    automation_conditions,
    automation_entries,
    automation_mails,
    automation_passages,
    automation_runs,
    automation_steps,
    automation_waits,
    automations,
    mx,
)
from sending.automation_mails import Stopped, Traveller
from sending.automation_passages import Passage
from sending.automation_steps import Plan, Step
from sending.automations import Automation

log = structlog.get_logger()
BATCH = 500
STRETCH_SECONDS = 8.0
LONGEST = timedelta(hours=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Due:
    contact_id: int
    occasion: str
    step_id: int | None
    arrived_at: datetime

    @property
    def traveller(self) -> Traveller:
        return Traveller(self.contact_id, self.occasion)


@dataclass(slots=True)
class _Moves:
    """Where people go: to a step at a time, or out with an outcome."""

    rows: list[tuple[int, str, int | None, datetime, datetime, str]] = field(default_factory=list)

    def to(self, one: _Due, step: Step | None, now: datetime) -> None:
        if step is None:
            self.out(one, "done", now)
        else:
            self.rows.append((one.contact_id, one.occasion, step.id, now, now, ""))

    def stay(self, one: _Due, step: Step, due_at: datetime) -> None:
        self.rows.append((one.contact_id, one.occasion, step.id, one.arrived_at, due_at, ""))

    def out(self, one: _Due, outcome: str, now: datetime) -> None:
        self.rows.append((one.contact_id, one.occasion, None, now, now, outcome))


@dataclass(frozen=True, slots=True)
class _Turn:
    tx: AccountTx
    services: Services
    automation: Automation
    plan: Plan
    zone: tzinfo
    now: datetime
    moves: _Moves = field(default_factory=_Moves)
    passed: list[Passage] = field(default_factory=list)


async def pulse(services: Services, _: Task) -> datetime:
    """The platform's job: what transactions have rung is due."""
    async with services.db.shared() as tx:
        rung = await tx.rows("DELETE FROM automation_rings RETURNING account_id, automation_id")
        await automation_runs.ask(tx, sorted(set(rung)))
    return jobs.in_(seconds=2)


async def advance(services: Services, task: Task) -> datetime | None:
    """The job: `ref_id` is the automatic campaign."""
    if not await restores.may_send(services):
        return jobs.in_(seconds=restores.IDLE_SECONDS)
    async with services.db.shared() as shared:
        await shared.run("CALL make_month($1)", clock.now().date().replace(day=1))
    ends = asyncio.get_running_loop().time() + STRETCH_SECONDS
    while asyncio.get_running_loop().time() < ends:
        await _look_up(services, task)
        async with services.db.account(task.account_id) as tx:
            automation = await _running(tx, task.ref_id)
            if automation is None:
                return None
            if await tx.value("SELECT status FROM accounts WHERE id = $1") != "active":
                # suspended, or not approved yet: looked at again, since nobody rings then
                return jobs.in_(minutes=10)
            if (reason := await automation_mails.stopped(tx, automation.id)) is not None:
                await automation_runs.pause(tx, automation.id, reason=reason or "person")
                return None
            if (gone := await _gone(tx, automation)) is not None:
                await automation_runs.pause(tx, automation.id, reason=gone)
                log.warning("automatic campaign paused", automation=automation.id, reason=gone)
                return None
            now = clock.now()
            found = await automation_entries.search(tx, automation, now)
            moved = await _batch(tx, services, automation, now)
            if not (found or moved):
                return await _next(tx, automation, now)
    return jobs.again()


async def _running(tx: AccountTx, automation_id: int) -> Automation | None:
    status = await tx.value(
        "SELECT status FROM automations WHERE account_id = $1 AND id = $2 FOR NO KEY UPDATE", automation_id
    )
    return await automations.show(tx, automation_id) if status == "running" else None


async def _gone(tx: AccountTx, automation: Automation) -> str | None:
    """Why it cannot go on: something that it speaks of was deleted."""
    broken = await automation_broken.many(tx, automation, await automation_steps.plan(tx, automation.id))
    return broken[0].code if broken else None


async def _look_up(services: Services, task: Task) -> None:
    """The profiles of the domains that come next; no transaction is open while DNS is asked (S16).

    An array, not a join: a plan that is kept for any limit would read all contacts."""
    async with services.db.account(task.account_id) as tx:
        rows = await tx.rows(
            """
            SELECT DISTINCT substring(c.address_key FROM '[^@]*$')
            FROM contacts c
            WHERE c.account_id = $1
              AND c.id = ANY (ARRAY (SELECT contact_id FROM automation_journeys
                                     WHERE account_id = $1 AND automation_id = $2 AND ended_at IS NULL
                                       AND due_at <= $3
                                     ORDER BY due_at
                                     LIMIT $4))
            """,
            task.ref_id,
            clock.now(),
            BATCH,
        )
        unknown = await mx.unknown(tx.shared(), [domain for (domain,) in rows])
    if unknown:
        found = await mx.exchanges().profiles(unknown)
        async with services.db.shared() as shared:
            await mx.keep(shared, found)


async def _batch(tx: AccountTx, services: Services, automation: Automation, now: datetime) -> bool:
    """The next people who are due go one step further. False: nobody is, or it stands still now."""
    due = await tx.many(
        _Due,
        """
        -- contacts first, by id, as an erasure locks them: what a step writes names them
        WITH due AS MATERIALIZED (
            SELECT contact_id, occasion FROM automation_journeys
            WHERE account_id = $1 AND automation_id = $2 AND ended_at IS NULL AND due_at <= $3
            ORDER BY due_at
            LIMIT $4
        ), known AS MATERIALIZED (
            SELECT id FROM contacts
            WHERE account_id = $1 AND id = ANY (ARRAY (SELECT contact_id FROM due))
            ORDER BY id
            FOR KEY SHARE
        )
        -- an array is read before the first row; each journey is looked up by its key, whatever is planned
        SELECT j.contact_id, j.occasion, j.step_id, j.arrived_at
        FROM due
        CROSS JOIN LATERAL (
            SELECT contact_id, occasion, step_id, arrived_at, due_at FROM automation_journeys
            WHERE account_id = $1 AND automation_id = $2 AND contact_id = due.contact_id
              AND occasion = due.occasion AND ended_at IS NULL AND due_at <= $3
            LIMIT 1
            FOR NO KEY UPDATE
        ) AS j
        WHERE due.contact_id = ANY (ARRAY (SELECT id FROM known))
        ORDER BY j.due_at
        """,
        automation.id,
        now,
        BATCH,
    )
    if not due:
        return False
    zone = i18n.zone((await identity.of(tx)).time_zone)
    turn = _Turn(tx, services, automation, await automation_steps.plan(tx, automation.id), zone, now)
    at: dict[int | None, list[_Due]] = defaultdict(list)
    for one in due:
        at[one.step_id].append(one)
    for one in at.pop(None, []):
        turn.moves.to(one, turn.plan.first, now)
    try:
        async with tx.savepoint():
            for step_id, people in at.items():
                await _perform(turn, turn.plan.show(step_id or 0), people)
            await _move(tx, automation.id, turn.moves)
            await automation_passages.write(tx, automation.id, turn.passed, now)
    except Stopped as stopped:
        await automation_runs.pause(tx, automation.id, reason=stopped.reason)
        log.warning("automatic campaign paused", automation=automation.id, reason=stopped.reason)
        return False
    return True


async def _perform(turn: _Turn, step: Step, people: Sequence[_Due]) -> None:
    """Raises Stopped."""
    match step.kind:
        case "wait":
            _wait(turn, step, people)
            return
        case "send":
            await _send(turn, step, people)
            return
        case "condition":
            await _ask(turn, step, people)
            return
        case "leave":
            for one in people:
                turn.moves.out(one, "left", turn.now)
        case "tag" | "untag":
            change = tags.put if step.kind == "tag" else tags.take
            await change(turn.tx, [one.contact_id for one in people], int(step.setting["tag_id"]))
            for one in people:
                turn.moves.to(one, turn.plan.behind(step), turn.now)
                turn.passed.append(Passage(one.contact_id, step))
    await _count(turn, step, len(people))


def _wait(turn: _Turn, step: Step, people: Sequence[_Due]) -> None:
    """The end is reckoned from when each came, by the rule as it is now."""
    ends: dict[datetime, datetime] = {}
    for one in people:
        if one.arrived_at not in ends:
            ends[one.arrived_at] = automation_waits.end(step.wait, one.arrived_at, turn.zone)
        if ends[one.arrived_at] > turn.now:
            turn.moves.stay(one, step, ends[one.arrived_at])
        else:
            turn.moves.to(one, turn.plan.behind(step), turn.now)
            turn.passed.append(Passage(one.contact_id, step))


async def _send(turn: _Turn, step: Step, people: Sequence[_Due]) -> None:
    """Raises Stopped."""
    loud = automation_waits.loud_from(turn.now, turn.automation.quiet, turn.zone)
    if loud > turn.now:
        for one in people:
            turn.moves.stay(one, step, loud)
        return
    if step.published_id is None:
        raise Stopped("unpublished")
    sent = await automation_mails.send(
        turn.tx, turn.services, step.published_id, [one.traveller for one in people], turn.now
    )
    tomorrow = datetime.combine(turn.now.date() + timedelta(days=1), time(), UTC)
    for one in people:
        if one.contact_id in sent.later:
            turn.moves.stay(one, step, tomorrow)
        elif reason := sent.without.get(one.contact_id):
            turn.moves.out(one, reason, turn.now)
        else:
            turn.moves.to(one, turn.plan.behind(step), turn.now)
    await _count(turn, step, len(people) - len(sent.without) - len(sent.later))


async def _ask(turn: _Turn, step: Step, people: Sequence[_Due]) -> None:
    """Raises Stopped."""
    try:
        yes = await automation_conditions.holds_for(turn.tx, step, [one.traveller for one in people])
    except automation_conditions.Broken:
        raise Stopped("condition") from None
    for one in people:
        branch: Literal["yes", "no"] = "yes" if one.contact_id in yes else "no"
        turn.moves.to(one, turn.plan.chosen(step, branch), turn.now)
        turn.passed.append(Passage(one.contact_id, step, branch))
    await _count(turn, step, len(people), len(yes))


async def _count(turn: _Turn, step: Step, passed: int, yes: int = 0) -> None:
    await turn.tx.run(
        """
        UPDATE automation_steps SET passed = passed + $3, said_yes = said_yes + $4
        WHERE account_id = $1 AND id = $2
        """,
        step.id,
        passed,
        yes,
    )


async def _move(tx: AccountTx, automation_id: int, moves: _Moves) -> None:
    """One statement; whoever left meanwhile, a tag's own doing, say, stays out."""
    columns = list(zip(*moves.rows, strict=True)) if moves.rows else [()] * 6
    await tx.run(
        """
        UPDATE automation_journeys j
        SET step_id = m.step_id, arrived_at = m.arrived_at, due_at = m.due_at, outcome = m.outcome,
            ended_at = CASE WHEN m.outcome <> '' THEN m.arrived_at END
        FROM unnest($3::bigint[], $4::text[], $5::bigint[], $6::timestamptz[], $7::timestamptz[], $8::text[])
            AS m (contact_id, occasion, step_id, arrived_at, due_at, outcome)
        WHERE j.account_id = $1 AND j.automation_id = $2 AND j.contact_id = m.contact_id
          AND j.occasion = m.occasion AND j.ended_at IS NULL
        """,
        automation_id,
        *[list(column) for column in columns],
    )


async def _next(tx: AccountTx, automation: Automation, now: datetime) -> datetime | None:
    """When somebody is due, or something has to be looked for; None: whoever comes will ring."""
    first: datetime | None = await tx.value(
        """
        SELECT min(due_at) FROM automation_journeys
        WHERE account_id = $1 AND automation_id = $2 AND ended_at IS NULL
        """,
        automation.id,
    )
    searched = await automation_entries.next_search(tx, automation, now)
    times = [one.astimezone(UTC) for one in (first, searched) if one is not None]
    # an hour at most: clocks of a test, and of machines, step
    return min(*times, now + LONGEST) if times else None
