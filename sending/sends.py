"""When a campaign leaves, and how it is stopped. Each step is one conditional UPDATE: pressed fifty times at
once, it happens once (E-56).

    draft ─ schedule ─▶ scheduled ─ (its time) ─▶ preparing ─▶ sending ⇄ paused ─▶ sent
              ◀─ recall ─┘                        └──────── cancel ────────┘
       ◀──────────── recall, while nothing has left ──────── paused
"""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta

from mailer.accounts import audit, identity
from mailer.core import clock, restores, work
from mailer.core.db import AccountTx
from mailer.core.errors import Conflict, Fault, NotFound, fault
from mailer.core.services import Services
from mailer.core.text import N_
from sending import (
    ab_runs,
    ab_variants,
    campaign_checks,
    campaigns,
    evidence,
    lanes,
    local_times,
    outcomes,
    recurrences,
    remainders,
    schedules,
)
from sending.campaigns import Campaign, Status
from sending.local_times import LocalTime

PREPARE = "sending.prepare"
HOLD_SECONDS = 60
TYPED_FROM = 1_000
TYPED_FIRST = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """`at` None: after the hold. `local`: at that hour of each recipient's zone, instead of `at`.

    `expected`: the number of people that was shown; None takes what is there.

    `typed`: what the person wrote as that number, asked for when `needs_typing` says so.
    """

    at: datetime | None = None
    local: LocalTime | None = None
    hold_seconds: int = 0
    expected: int | None = None
    typed: str | None = None
    keep_source: bool | None = None


async def needs_typing(tx: AccountTx, people: int) -> bool:
    """Large, or large for this account: the number is written by hand before it leaves (ui 3.5)."""
    largest = await tx.value(
        "SELECT max(audience) FROM campaigns WHERE account_id = $1 AND prepared_at IS NOT NULL"
    )
    if people >= TYPED_FROM:
        return True
    return people >= TYPED_FIRST if largest is None else people > 2 * largest


async def schedule(tx: AccountTx, services: Services, campaign_id: int, order: Order) -> Campaign:
    """To leave at `order.at`. Raises NotFound, Conflict (no draft, another count), Invalid (checks)."""
    rows = await tx.rows(
        """
        SELECT status, automation_id IS NOT NULL
        FROM campaigns
        WHERE account_id = $1 AND id = $2
        FOR UPDATE
        """,
        campaign_id,
    )
    if not rows:
        raise NotFound
    [(status, automatic)] = rows
    if automatic:
        raise _state(
            N_("This is the mail of an automatic campaign: it leaves by itself once that is started.")
        )
    if status != Status.DRAFT:
        raise _state(N_("This campaign was sent or scheduled already."))
    await recurrences.need_none(tx, campaign_id)
    leaves_at = await _leaves_at(tx, campaign_id, order)
    report = await campaign_checks.run(tx, services, campaign_id, to_look=False)
    if report.blocked:
        raise report.refusal()
    people = report.counts.result
    if order.expected is not None and order.expected != people:
        message = N_("The audience has changed since: {n} people now. Look again, then send.")
        raise Conflict(Fault("expected", message, "count", {"n": people}))
    if order.typed is not None and await needs_typing(tx, people):
        _check_typed(order.typed, people)
    await tx.run(
        """
        UPDATE campaigns
        SET status = 'scheduled', scheduled_at = $3, confirmed_audience = $4, sent_by = $5,
            keep_source = coalesce($6, keep_source), local_at = $7, zone_field = $8, version = version + 1,
            updated_at = now()
        WHERE account_id = $1 AND id = $2 AND status = 'draft'
        """,
        campaign_id,
        leaves_at,
        people,
        tx.actor.id if tx.actor.kind == "user" else None,
        order.keep_source,
        order.local.at if order.local else None,
        order.local.field if order.local else "",
    )
    await work.add(tx, PREPARE, campaign_id, run_at=leaves_at)
    await audit.write(tx, "scheduled", "campaign", campaign_id, count=people)
    return await campaigns.show(tx, campaign_id)


async def _leaves_at(tx: AccountTx, campaign_id: int, order: Order) -> datetime:
    """Raises Invalid."""
    if order.local is not None:
        if len(await ab_variants.numbers(tx, campaign_id)) > 1:
            raise local_times.refuse_test()
        zone = (await identity.of(tx)).time_zone
        return await local_times.begins(tx, order.local, zone, hold_seconds=order.hold_seconds)
    return schedules.check(order.at) if order.at else clock.now() + timedelta(seconds=order.hold_seconds)


async def recall(tx: AccountTx, campaign_id: int) -> Campaign:
    """Back to a draft, scheduled or paused, before anything left; what was frozen is discarded.

    Raises NotFound, and Conflict when it began meanwhile, or may have before a restore.
    """
    changed = await tx.run(
        """
        UPDATE campaigns
        SET status = 'draft', pause_reason = '', scheduled_at = NULL, confirmed_audience = NULL,
            sent_by = NULL, prepared_at = NULL, started_at = NULL, audience = 0, audience_cursor = 0,
            revision_id = NULL, version = version + 1, updated_at = now()
        WHERE account_id = $1 AND id = $2 AND status IN ('scheduled', 'paused')
          AND pause_reason NOT IN ('restored', 'restored_begun')
        """,
        campaign_id,
    )
    if changed:
        await work.cancel(tx, PREPARE, campaign_id)
        await remainders.discard(tx, campaign_id)
        await ab_runs.undo(tx, campaign_id)
        # the month is frozen anew with the next audience (S6)
        await tx.run("UPDATE campaigns SET month = NULL WHERE account_id = $1 AND id = $2", campaign_id)
    return await _moved(tx, campaign_id, changed, "recalled")


async def leave_now(tx: AccountTx, campaign_id: int) -> Campaign:
    """Ends the hold, and the wait for each zone's hour. Raises NotFound, and Conflict when nothing waits."""
    changed = await tx.run(
        """
        UPDATE campaigns
        SET scheduled_at = now(), local_at = NULL, zone_field = '', updated_at = now()
        WHERE account_id = $1 AND id = $2 AND status = 'scheduled'
        """,
        campaign_id,
    )
    if changed:
        await work.add(tx, PREPARE, campaign_id)
    return await _moved(tx, campaign_id, changed, "released")


async def pause(tx: AccountTx, campaign_id: int, *, reason: str = "") -> Campaign:
    """What the server has already taken does not come back. `reason`: empty when a person asked."""
    changed = await tx.run(
        """
        UPDATE campaigns
        SET status = 'paused', pause_reason = $3, updated_at = now()
        WHERE account_id = $1 AND id = $2 AND status IN ('preparing', 'sending')
        """,
        campaign_id,
        reason,
    )
    return await _moved(tx, campaign_id, changed, "paused")


async def resume(tx: AccountTx, services: Services, campaign_id: int) -> Campaign:
    """Goes on where it stopped: waiting for its time, preparing, or handing over.

    Raises NotFound, and Conflict when it is not paused, or while an operator has yet to confirm a restore.
    """
    if (await restores.show(tx.shared())).held:
        raise _state(
            N_("Sending is held until the operator confirms that the restored database is complete.")
        )
    prepared = await tx.rows(
        """
        UPDATE campaigns
        SET status = CASE WHEN prepared_at IS NOT NULL THEN 'sending'
                          WHEN scheduled_at > now() THEN 'scheduled'
                          ELSE 'preparing' END,
            pause_reason = '', updated_at = now()
        WHERE account_id = $1 AND id = $2 AND status = 'paused'
        RETURNING prepared_at IS NOT NULL
        """,
        campaign_id,
    )
    if prepared:
        await evidence.begin_again(tx, campaign_id)
    if prepared and prepared[0][0]:
        await lanes.start(tx, campaign_id, services.settings.worker_processes)
    elif prepared:
        await work.add(tx, PREPARE, campaign_id)
    return await _moved(tx, campaign_id, len(prepared), "resumed")


async def cancel(tx: AccountTx, campaign_id: int) -> Campaign:
    """For good: nothing that has not left yet will leave."""
    changed = await tx.run(
        """
        UPDATE campaigns
        SET status = 'cancelled', pause_reason = '', finished_at = now(), updated_at = now()
        WHERE account_id = $1 AND id = $2 AND status IN ('scheduled', 'preparing', 'sending', 'paused')
        """,
        campaign_id,
    )
    if changed:
        await work.cancel(tx, PREPARE, campaign_id)
        await outcomes.cancel_open(tx, campaign_id)
    return await _moved(tx, campaign_id, changed, "cancelled")


_REFUSED = {
    "recalled": N_("This campaign is leaving already: it can be paused or cancelled."),
    "released": N_("This campaign is not waiting to leave."),
    "paused": N_("This campaign is not being sent."),
    "resumed": N_("This campaign is not paused."),
    "cancelled": N_("This campaign is not being sent."),
}


async def _moved(tx: AccountTx, campaign_id: int, changed: int, act: str) -> Campaign:
    found = await campaigns.show(tx, campaign_id)
    if not changed:
        raise _state(_REFUSED[act])
    await audit.write(tx, act, "campaign", campaign_id)
    return found


def _state(message: str) -> Conflict:
    return Conflict(Fault("status", message, "status"))


def _check_typed(typed: str, people: int) -> None:
    """Digits only are compared: spaces and separators are how people write numbers (ui 3.5)."""
    digits = re.sub(r"\D", "", typed)
    if digits == str(people):
        return
    if not digits:
        raise fault("typed", N_("Write the number of recipients: {n}."), code="missing", n=people)
    message = N_(
        "You wrote {typed}; this send goes to {n} contacts. Check the audience, then write that number."
    )
    raise fault("typed", message, code="typed", typed=int(digits[:15]), n=people)
