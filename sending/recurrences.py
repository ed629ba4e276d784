"""Recurring campaigns: a draft with a plan. The draft is the model, each edition a campaign of its own.

    draft ─ put ─▶ recurrence ─ (its time) ─▶ editions.make ─▶ copy of the draft ─▶ sends.schedule, held 60 s
                   active ⇄ paused (by hand, or by the checks)       active → ended (its last day is past)

What is changed in the draft goes into the editions that follow.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Annotated, Any

from pydantic import Field, model_validator

from mailer.accounts import audit, identity
from mailer.core import clock, work
from mailer.core.db import AccountTx
from mailer.core.errors import Conflict, Fault, NotFound, fault
from mailer.core.services import Services
from mailer.core.text import N_
from mailer.web.request import Input
from sending import campaign_checks, feeds, lanes, recurrence_times
from sending.feeds import Found
from sending.recurrence_times import Every, Occurrence, Rule

JOB = "sending.make_edition"
Weekday = Annotated[int, Field(ge=1, le=7)]


class Plan(Input):
    """Weekdays: 1 is Monday. `month_day` 29 to 31: the last day of a shorter month. `at`: in the account's
    time zone. `ends_on`: the last day on which an edition may leave. `skip_unchanged`: no edition when the
    draft says what the last edition said. `feed_url`: of an RSS or Atom feed, whose new items make the
    edition; nothing new, no edition. `feed_all`: what stands in it now counts as new, too. `version`: refuses
    with 409 when the plan was changed since."""

    every: Every
    weekdays: Annotated[list[Weekday], Field(max_length=7)] = []
    month_day: Annotated[int, Field(ge=1, le=31)] | None = None
    last_weekday: Weekday | None = None
    at: time
    ends_on: date | None = None
    skip_unchanged: bool = False
    feed_url: Annotated[str, Field(max_length=1000)] = ""
    feed_all: bool = False
    version: Annotated[int, Field(ge=0, lt=2**31)] | None = None

    @model_validator(mode="after")
    def _whole(self) -> "Plan":
        if self.at.tzinfo is not None or self.at.second or self.at.microsecond:
            raise fault("at", N_("Write the time like 09:30."), code="time")
        if self.every == "week" and not self.weekdays:
            raise fault("weekdays", N_("Choose at least one day of the week."), code="missing")
        if self.every != "week" and self.weekdays:
            raise fault("weekdays", N_("Days of the week belong to “each week”."), code="not_here")
        if self.every == "month" and (self.month_day is None) == (self.last_weekday is None):
            message = N_("Give a day of the month, or the last Monday, Tuesday and so on: one of both.")
            raise fault("month_day", message, code="one_of")
        if self.every != "month" and (self.month_day or self.last_weekday):
            raise fault("month_day", N_("A day of the month belongs to “each month”."), code="not_here")
        return self


@dataclass(frozen=True, slots=True, kw_only=True)
class Recurrence:
    """`number`: of the last edition that became a campaign. `pause_faults`: empty when a person paused it."""

    id: int
    campaign_id: int
    campaign_name: str
    every: Every
    weekdays: Sequence[int]
    month_day: int | None
    last_weekday: int | None
    at: time
    time_zone: str
    ends_on: date | None
    skip_unchanged: bool
    status: str
    pause_faults: list[dict[str, Any]]
    next_at: datetime | None
    number: int
    last_content: bytes | None
    feed_url: str
    feed_etag: str
    feed_modified: str
    feed_error: str
    feed_read_at: datetime | None
    feed_shown: list[dict[str, Any]]
    version: int
    created_at: datetime
    updated_at: datetime

    @property
    def rule(self) -> Rule:
        return Rule(
            every=self.every,
            weekdays=tuple(self.weekdays),
            month_day=self.month_day,
            last_weekday=self.last_weekday,
            at=self.at,
            zone=self.time_zone,
            ends_on=self.ends_on,
        )

    def upcoming(self, n: int = 5) -> list[Occurrence]:
        return recurrence_times.upcoming(self.rule, clock.now(), n) if self.status == "active" else []


async def of(tx: AccountTx, campaign_id: int) -> Recurrence | None:
    """The plan of a campaign, None when it has none."""
    found = await _some(tx, campaign_id=campaign_id)
    return found[0] if found else None


async def show(tx: AccountTx, campaign_id: int) -> Recurrence:
    """Raises NotFound: no such campaign, or no plan."""
    found = await of(tx, campaign_id)
    if found is None:
        raise NotFound
    return found


async def many(tx: AccountTx, *, before: int | None = None, limit: int = 25) -> list[Recurrence]:
    """Newest first, one more than the limit when there are more."""
    return await _some(tx, before=before, limit=limit + 1)


async def _some(
    tx: AccountTx, *, campaign_id: int | None = None, before: int | None = None, limit: int = 1
) -> list[Recurrence]:
    return await tx.many(
        Recurrence,
        """
        SELECT r.id, r.campaign_id, c.name AS campaign_name, r.every, r.weekdays, r.month_day,
               r.last_weekday, r.at, r.time_zone, r.ends_on, r.skip_unchanged, r.status, r.pause_faults,
               r.next_at, r.number, r.last_content, r.feed_url, r.feed_etag, r.feed_modified,
               r.feed_error, r.feed_read_at, r.feed_shown,
               r.version, r.created_at, r.updated_at
        FROM recurrences r
        JOIN campaigns c ON c.account_id = r.account_id AND c.id = r.campaign_id
        WHERE r.account_id = $1
          AND ($2::bigint IS NULL OR r.campaign_id = $2)
          AND ($3::bigint IS NULL OR r.id < $3)
        ORDER BY r.id DESC
        LIMIT $4
        """,
        campaign_id,
        before,
        limit,
    )


async def put(
    tx: AccountTx, services: Services, campaign_id: int, plan: Plan, found: Found | None = None
) -> Recurrence:
    """The plan of a draft, active from now on. `found`: its feed, as `feeds.first_look` read it.

    Raises NotFound, Conflict (no draft, or changed meanwhile), and Invalid with
    what the checks before the send refuse."""
    async with tx.savepoint():
        written = await _write(tx, campaign_id, plan)
        await feeds.attach(tx, written.id, plan.feed_url, found, all_items=plan.feed_all)
        # last, for they look at the draft as the feed fills it
        report = await campaign_checks.run(tx, services, campaign_id, to_look=False)
        if report.blocked:
            raise report.refusal()
    await work.add(tx, JOB, written.id, run_at=written.next_at)
    await audit.write(tx, "planned", "recurrence", campaign_id)
    return await show(tx, campaign_id)


async def _write(tx: AccountTx, campaign_id: int, plan: Plan) -> Recurrence:
    await _need_model(tx, campaign_id)
    zone = (await identity.of(tx)).time_zone
    names = ("every", "weekdays", "month_day", "last_weekday", "at", "ends_on")
    rule = Rule(zone=zone, **{name: getattr(plan, name) for name in names})
    first = recurrence_times.following(rule, clock.now())
    if first is None:
        raise fault("ends_on", N_("No edition would leave by this day. Choose a later one."), code="past")
    written = await tx.run(
        """
        INSERT INTO recurrences AS r (account_id, campaign_id, every, weekdays, month_day, last_weekday, at,
                                      time_zone, ends_on, skip_unchanged, status, next_at, created_by)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 'active', $11, $12)
        ON CONFLICT ON CONSTRAINT recurrences_campaign DO UPDATE
        SET every = excluded.every, weekdays = excluded.weekdays, month_day = excluded.month_day,
            last_weekday = excluded.last_weekday, at = excluded.at, time_zone = excluded.time_zone,
            ends_on = excluded.ends_on, skip_unchanged = excluded.skip_unchanged, status = 'active',
            pause_faults = '[]', next_at = excluded.next_at, version = r.version + 1, updated_at = now()
        WHERE r.version = coalesce($13, r.version)
        """,
        campaign_id,
        plan.every,
        sorted(set(plan.weekdays)),
        plan.month_day,
        plan.last_weekday,
        plan.at,
        zone,
        plan.ends_on,
        plan.skip_unchanged,
        first.at,
        tx.actor.id if tx.actor.kind == "user" else None,
        plan.version,
    )
    if not written:
        message = N_("Somebody changed this plan while you worked. Look at it, then save again.")
        raise Conflict(Fault("version", message, "version"))
    return await show(tx, campaign_id)


async def _need_model(tx: AccountTx, campaign_id: int) -> None:
    """Locked, so that it is not sent meanwhile. Raises NotFound, Conflict."""
    found = await tx.rows(
        """
        SELECT status, rest_of IS NULL AND reminder_of IS NULL AND NOT asks_measurement
        FROM campaigns
        WHERE account_id = $1 AND id = $2
        FOR UPDATE
        """,
        campaign_id,
    )
    if not found:
        raise NotFound
    status, repeatable = found[0]
    if status != "draft":
        raise _state(N_("Only a draft can be repeated: it is the model of each edition."))
    if not repeatable:
        raise _state(N_("This draft is for certain people of another campaign: it cannot be repeated."))


async def pause(tx: AccountTx, campaign_id: int) -> Recurrence:
    """No edition is made until it is resumed. Raises NotFound, and Conflict when it is not active."""
    changed = await tx.run(
        """
        UPDATE recurrences
        SET status = 'paused', next_at = NULL, pause_faults = '[]', version = version + 1, updated_at = now()
        WHERE account_id = $1 AND campaign_id = $2 AND status = 'active'
        """,
        campaign_id,
    )
    found = await show(tx, campaign_id)
    if not changed:
        raise _state(N_("This plan is not active."))
    await audit.write(tx, "paused", "recurrence", campaign_id)
    return found


async def resume(tx: AccountTx, services: Services, campaign_id: int) -> Recurrence:
    """From the next of its times on; what was missed is not made up. Raises NotFound, Conflict, Invalid."""
    found = await show(tx, campaign_id)
    if found.status != "paused":
        raise _state(N_("This plan is not paused."))
    names = Plan.model_fields.keys() - {"weekdays", "feed_all"}
    plan = Plan(**{name: getattr(found, name) for name in names}, weekdays=list(found.weekdays))
    await put(tx, services, campaign_id, plan)
    return await show(tx, campaign_id)


async def remove(tx: AccountTx, campaign_id: int) -> None:
    """The plan goes and its list of editions; the editions stay campaigns, the draft a draft.

    Raises NotFound.
    """
    found = await show(tx, campaign_id)
    await tx.run("DELETE FROM recurrences WHERE account_id = $1 AND id = $2", found.id)
    await work.cancel(tx, JOB, found.id)
    await audit.write(tx, "deleted", "recurrence", campaign_id)


async def stop(tx: AccountTx, recurrence_id: int, faults: list[dict[str, Any]]) -> None:
    """By the checks of an edition."""
    await tx.run(
        """
        UPDATE recurrences
        SET status = 'paused', next_at = NULL, pause_faults = $3, version = version + 1, updated_at = now()
        WHERE account_id = $1 AND id = $2 AND status = 'active'
        """,
        recurrence_id,
        faults,
    )


async def stop_all(tx: AccountTx, reason: str) -> None:
    """Every plan of the account, with a key of lanes.PAUSE_REASONS; a person resumes them."""
    await tx.run(
        """
        UPDATE recurrences
        SET status = 'paused', next_at = NULL, pause_faults = $2, version = version + 1, updated_at = now()
        WHERE account_id = $1 AND status = 'active'
        """,
        [{"field": "account", "code": reason, "message": lanes.PAUSE_REASONS[reason], "params": {}}],
    )


async def need_none(tx: AccountTx, campaign_id: int) -> None:
    """Raises Conflict for a draft that is the model of a plan: its editions are sent, not itself."""
    status = await tx.value(
        "SELECT status FROM recurrences WHERE account_id = $1 AND campaign_id = $2", campaign_id
    )
    if status is not None and status != "ended":
        raise _state(N_("This draft is the model of a recurring campaign. Delete its plan to send it once."))


def _state(message: str) -> Conflict:
    return Conflict(Fault("status", message, "status"))
