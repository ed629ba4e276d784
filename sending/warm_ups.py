"""Warm-up: a new domain sends little to each provider at first, and about twice as much each day (D-81).

    day 1: 50 to each provider → 100 → 200 → … → no limit        a day that was not half used, or on which
                                                                  more than a tenth was deferred, comes again

Each provider walks by itself: one that defers does not hold the others. Counted in PostgreSQL.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Annotated

from pydantic import Field

from mailer.accounts import audit
from mailer.core import clock
from mailer.core.db import AccountTx
from mailer.web.request import Input
from sending import profiles

FIRST_CAP = 50
STEPS = 11
# a day counts as deferred from so many on, and from this part of what was tried
FROZEN_FROM, FROZEN_PART = 10, 0.1


class NewWarmUp(Input):
    """`first_cap`: mails to each provider on the first day; doubled for `steps` days, then no limit."""

    first_cap: Annotated[int, Field(ge=1, le=100_000)] = FIRST_CAP
    steps: Annotated[int, Field(ge=1, le=30)] = STEPS


@dataclass(frozen=True, slots=True, kw_only=True)
class _Plan:
    first_cap: int
    steps: int
    started_on: date


@dataclass(frozen=True, slots=True, kw_only=True)
class _Day:
    profile: str
    day: date
    step: int
    begun: int
    deferred: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """One provider. `cap` None: no limit any more. `frozen`: too many deferred on its last day."""

    profile: str
    name: str
    step: int
    cap: int | None
    begun: int
    frozen: bool
    free_on: date | None


@dataclass(frozen=True, slots=True, kw_only=True)
class WarmUp:
    """`days`: what each day allows to each provider when every day is used, from the first on."""

    domain: str
    first_cap: int
    steps: int
    started_on: date
    today: date
    days: Sequence[tuple[date, int]]
    providers: Sequence[Progress]


def cap(first: int, step: int, steps: int) -> int | None:
    """Mails to one provider on a day of the plan; None behind its last."""
    return None if step >= steps else first << step


def frozen(begun: int, deferred: int) -> bool:
    return deferred >= FROZEN_FROM and deferred > FROZEN_PART * begun


def next_step(first: int, step: int, begun: int, deferred: int) -> int:
    """The step of the next day that is used."""
    used = 2 * begun >= (first << step)
    return step + 1 if used and not frozen(begun, deferred) else step


async def start(tx: AccountTx, domain: str, new: NewWarmUp) -> None:
    """A plan from today on. One that runs begins again."""
    await stop(tx, domain)
    await tx.run(
        """
        INSERT INTO warm_ups (account_id, domain, first_cap, steps, started_on)
        VALUES ($1, $2, $3, $4, $5)
        """,
        domain,
        new.first_cap,
        new.steps,
        await _today(tx),
    )
    await audit.write(tx, "created", "warm_up")


async def stop(tx: AccountTx, domain: str) -> bool:
    """No limit from now on. False when there was no plan."""
    ended = bool(await tx.run("DELETE FROM warm_ups WHERE account_id = $1 AND domain = $2", domain))
    if ended:
        await audit.write(tx, "deleted", "warm_up")
    return ended


async def exists(tx: AccountTx, domain: str) -> bool:
    return bool(await tx.value("SELECT 1 FROM warm_ups WHERE account_id = $1 AND domain = $2", domain))


async def show(tx: AccountTx, domain: str) -> WarmUp | None:
    plan = await _plan(tx, domain)
    if plan is None:
        return None
    today = await _today(tx)
    last = await _last_days(tx, domain)
    return WarmUp(
        domain=domain,
        first_cap=plan.first_cap,
        steps=plan.steps,
        started_on=plan.started_on,
        today=today,
        days=[(plan.started_on + timedelta(days=n), plan.first_cap << n) for n in range(plan.steps)],
        providers=[_progress(plan, key, last.get(key), today) for key in profiles.every()],
    )


def _progress(plan: _Plan, profile: str, last: _Day | None, today: date) -> Progress:
    step, begun, is_frozen = 0, 0, False
    if last is not None:
        is_frozen = frozen(last.begun, last.deferred)
        if last.day == today:
            step, begun = last.step, last.begun
        else:
            step = next_step(plan.first_cap, last.step, last.begun, last.deferred)
    allowed = cap(plan.first_cap, step, plan.steps)
    return Progress(
        profile=profile,
        name=profiles.named(profile).name,
        step=step,
        cap=allowed,
        begun=begun,
        frozen=is_frozen and allowed is not None,
        free_on=None if allowed is None else today + timedelta(days=plan.steps - step),
    )


async def left(tx: AccountTx, domain: str) -> Mapping[str, int]:
    """Profile → mails left today; profiles that are not in it have no limit. Empty without a plan."""
    found = await show(tx, domain)
    if found is None:
        return {}
    return {one.profile: max(0, one.cap - one.begun) for one in found.providers if one.cap is not None}


async def hold(tx: AccountTx, domain: str, wanted: Sequence[str]) -> Mapping[str, int]:
    """As `left`, for these profiles, and nobody else counts them until this transaction ends."""
    plan = await _plan(tx, domain)
    if plan is None:
        return {}
    today = await _today(tx)
    last = await _last_days(tx, domain)
    steps = {key: _progress(plan, key, last.get(key), today).step for key in sorted(set(wanted))}
    await tx.run(
        """
        INSERT INTO warm_up_days (account_id, domain, profile, day, step)
        SELECT $1, $2, n.profile, $3, n.step
        FROM unnest($4::text[], $5::int[]) AS n (profile, step)
        ON CONFLICT DO NOTHING
        """,
        domain,
        today,
        list(steps),
        list(steps.values()),
    )
    held = await tx.many(
        _Day,
        """
        SELECT profile, day, step, begun, deferred
        FROM warm_up_days
        WHERE account_id = $1 AND domain = $2 AND day = $3 AND profile = ANY ($4::text[])
        ORDER BY profile
        FOR UPDATE
        """,
        domain,
        today,
        list(steps),
    )
    caps = {one.profile: cap(plan.first_cap, one.step, plan.steps) for one in held}
    return {one.profile: max(0, most - one.begun) for one in held if (most := caps[one.profile]) is not None}


async def count(tx: AccountTx, domain: str, begun: Mapping[str, int], deferred: Mapping[str, int]) -> None:
    """Mails that began to leave today, and tries that were deferred, by profile."""
    keys = sorted({*begun, *deferred})
    if not keys:
        return
    await tx.run(
        """
        INSERT INTO warm_up_days AS w (account_id, domain, profile, day, step, begun, deferred)
        SELECT $1, $2, n.profile, $3, 0, n.begun, n.deferred
        FROM unnest($4::text[], $5::int[], $6::int[]) AS n (profile, begun, deferred)
        JOIN warm_ups p ON p.account_id = $1 AND p.domain = $2
        ON CONFLICT (account_id, domain, profile, day) DO UPDATE
        SET begun = w.begun + excluded.begun, deferred = w.deferred + excluded.deferred
        """,
        domain,
        await _today(tx),
        keys,
        [begun.get(key, 0) for key in keys],
        [deferred.get(key, 0) for key in keys],
    )


async def _plan(tx: AccountTx, domain: str) -> _Plan | None:
    return await tx.first(
        _Plan,
        "SELECT first_cap, steps, started_on FROM warm_ups WHERE account_id = $1 AND domain = $2",
        domain,
    )


async def _last_days(tx: AccountTx, domain: str) -> Mapping[str, _Day]:
    rows = await tx.many(
        _Day,
        """
        SELECT DISTINCT ON (profile) profile, day, step, begun, deferred
        FROM warm_up_days
        WHERE account_id = $1 AND domain = $2
        ORDER BY profile, day DESC
        """,
        domain,
    )
    return {row.profile: row for row in rows}


async def _today(tx: AccountTx) -> date:
    """By the account's own calendar."""
    day: date = await tx.value(
        "SELECT ($2::timestamptz AT TIME ZONE time_zone)::date FROM accounts WHERE id = $1", clock.now()
    )
    return day
