"""Automatic campaigns: mails that leave when something happens to a person, one after the other.

    trigger ─▶ a journey (automation_journeys) ─▶ steps (automation_steps) ─▶ mails: ordinary campaigns

Who takes part is written by the transaction in which it happens (migration 0150), or found by a search
(automation_entries); where each stands is moved on by automation_turns; a mail step puts deliveries into
the day's campaign of that step (automation_mails), and the one way of sending does the rest.

    draft → running ⇄ paused → ended
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from mailer.accounts import audit
from mailer.core import work
from mailer.core.db import AccountTx
from mailer.core.errors import Conflict, Fault, NotFound, fault
from mailer.core.text import N_
from mailer.web.request import Input

JOB = "sending.advance_automation"
MOST = 200
Name = Annotated[str, StringConstraints(min_length=1, max_length=120)]
Id = Annotated[int, Field(ge=1, lt=2**63)]
Hour = Annotated[int, Field(ge=0, le=23)]
TriggerKind = Literal["subscribed", "tagged", "date", "segment", "clicked", "event"]


class Trigger(Input):
    """What takes a person in. `of`: the tag, segment or campaign (for `subscribed` it is the list itself).

    `imports`: also who was subscribed by an import. `field`, `yearly`, `days`, `hour`: a date field,
    each year
    or once, that many days later (earlier when negative), at this hour. `link`: part of the address that was
    clicked. `event`: the name that a program sends.
    """

    kind: TriggerKind
    of: Id | None = None
    imports: bool = False
    field: Annotated[str, StringConstraints(max_length=40)] = ""
    yearly: bool = True
    days: Annotated[int, Field(ge=-365, le=365)] = 0
    hour: Hour = 9
    link: Annotated[str, StringConstraints(max_length=200)] = ""
    event: Annotated[str, StringConstraints(max_length=60, pattern=r"^([a-z][a-z0-9_.-]*)?$")] = ""

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if self.kind in ("tagged", "segment", "clicked") and self.of is None:
            raise fault("of", N_("Choose what the automatic campaign waits for."), code="missing")
        if self.kind == "date" and not self.field:
            raise fault("field", N_("Choose a date field."), code="missing")
        if self.kind == "event" and not self.event:
            raise fault("event", N_("Write the name of the event."), code="missing")
        return self


class NewAutomation(Input):
    """`list_id`: the list that its mails belong to; whoever is not subscribed to it takes no part (S4)."""

    name: Name
    list_id: Id
    trigger: Trigger
    again: bool = False
    quiet_from: Hour | None = None
    quiet_to: Hour | None = None

    @model_validator(mode="after")
    def _quiet(self) -> Self:
        if (self.quiet_from is None) != (self.quiet_to is None):
            raise fault("quiet_to", N_("Quiet hours need a beginning and an end."), code="missing")
        return self


@dataclass(frozen=True, slots=True, kw_only=True)
class Automation:
    """`inside`: people on their way; `entered`: all who ever were."""

    id: int
    name: str
    list_id: int
    list_name: str
    status: str
    pause_reason: str
    trigger: str
    trigger_of: int | None
    setting: Mapping[str, Any]
    again: bool
    quiet_from: int | None
    quiet_to: int | None
    version: int
    created_at: datetime
    started_at: datetime | None
    ended_at: datetime | None

    @property
    def quiet(self) -> tuple[int, int] | None:
        return None if self.quiet_from is None or self.quiet_to is None else (self.quiet_from, self.quiet_to)

    @property
    def waits_for(self) -> Trigger:
        known = {"of": self.trigger_of, **self.setting}
        return Trigger.model_validate({"kind": self.trigger, **known})


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """People of an automatic campaign, by how it stands with them."""

    inside: int
    done: int
    left: int


async def create(tx: AccountTx, new: NewAutomation) -> Automation:
    """A draft without steps. Raises Invalid: too many, or something that the account does not have."""
    if await tx.value("SELECT count(*) FROM automations WHERE account_id = $1 AND status <> 'ended'") >= MOST:
        message = N_("An account has at most {limit} automatic campaigns.")
        raise fault("name", message, code="too_many", limit=MOST)
    await _check(tx, new)
    automation_id: int = await tx.value(
        """
        INSERT INTO automations (account_id, name, list_id, trigger, trigger_of, setting, again, quiet_from,
                                 quiet_to, created_by)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
        RETURNING id
        """,
        new.name,
        new.list_id,
        *_kept(new),
        new.again,
        new.quiet_from,
        new.quiet_to,
        tx.actor.id if tx.actor.kind == "user" else None,
    )
    await audit.write(tx, "created", "automation", automation_id)
    return await show(tx, automation_id)


def _kept(new: NewAutomation) -> tuple[str, int | None, dict[str, Any]]:
    of = new.list_id if new.trigger.kind == "subscribed" else new.trigger.of
    setting = new.trigger.model_dump(exclude={"kind", "of"}, exclude_defaults=True)
    return new.trigger.kind, of, setting


async def _check(tx: AccountTx, new: NewAutomation) -> None:
    """Raises Invalid."""
    if not await tx.value(
        "SELECT 1 FROM mailing_lists WHERE account_id = $1 AND id = $2 AND deleted_at IS NULL", new.list_id
    ):
        raise fault("list_id", N_("Choose a list of this account."), code="unknown")
    match new.trigger.kind:
        case "tagged":
            found = await tx.value("SELECT 1 FROM tags WHERE account_id = $1 AND id = $2", new.trigger.of)
        case "segment":
            found = await tx.value(
                "SELECT 1 FROM segments WHERE account_id = $1 AND id = $2 AND deleted_at IS NULL",
                new.trigger.of,
            )
        case "clicked":
            found = await tx.value(
                "SELECT 1 FROM campaigns WHERE account_id = $1 AND id = $2", new.trigger.of
            )
        case "date":
            found = await tx.value(
                "SELECT 1 FROM fields WHERE account_id = $1 AND key = $2 AND type = 'date'", new.trigger.field
            )
        case _:
            found = True
    if not found:
        field = "field" if new.trigger.kind == "date" else "of"
        message = N_("This is not there any more. Choose again.")
        raise fault(f"trigger.{field}", message, code="unknown")


async def show(tx: AccountTx, automation_id: int) -> Automation:
    """Raises NotFound."""
    return await tx.one(
        Automation,
        """
        SELECT a.id, a.name, a.list_id, l.name AS list_name, a.status, a.pause_reason, a.trigger,
               a.trigger_of,
               a.setting, a.again, a.quiet_from, a.quiet_to, a.version, a.created_at, a.started_at, a.ended_at
        FROM automations a
        JOIN mailing_lists l ON l.account_id = a.account_id AND l.id = a.list_id
        WHERE a.account_id = $1 AND a.id = $2
        """,
        automation_id,
    )


async def many(tx: AccountTx, *, before: int | None = None, limit: int = 50) -> list[Automation]:
    """Newest first, one more than the limit when there are more."""
    return await tx.many(
        Automation,
        """
        SELECT a.id, a.name, a.list_id, l.name AS list_name, a.status, a.pause_reason, a.trigger,
               a.trigger_of,
               a.setting, a.again, a.quiet_from, a.quiet_to, a.version, a.created_at, a.started_at, a.ended_at
        FROM automations a
        JOIN mailing_lists l ON l.account_id = a.account_id AND l.id = a.list_id
        WHERE a.account_id = $1 AND ($2::bigint IS NULL OR a.id < $2)
        ORDER BY a.id DESC
        LIMIT $3
        """,
        before,
        limit + 1,
    )


async def figures(tx: AccountTx, automation_id: int) -> Figures:
    return await tx.one(
        Figures,
        """
        SELECT (count(*) FILTER (WHERE ended_at IS NULL))::int AS inside,
               (count(*) FILTER (WHERE outcome = 'done'))::int AS done,
               (count(*) FILTER (WHERE ended_at IS NOT NULL AND outcome <> 'done'))::int AS left
        FROM automation_journeys
        WHERE account_id = $1 AND automation_id = $2
        """,
        automation_id,
    )


async def change(
    tx: AccountTx, automation_id: int, new: NewAutomation, *, version: int | None = None
) -> Automation:
    """All of it; the trigger and the list of a draft only. Raises NotFound, Conflict, Invalid."""
    found = await hold(tx, automation_id)
    await _check(tx, new)
    kind, of, setting = _kept(new)
    same = (found.trigger, found.trigger_of, dict(found.setting), found.list_id) == (
        kind,
        of,
        setting,
        new.list_id,
    )
    if found.status != "draft" and not same:
        message = N_("The list and the trigger stay once it was started. Make another automatic campaign.")
        raise Conflict(Fault("trigger", message, "started"))
    changed = await tx.run(
        """
        UPDATE automations
        SET name = $3, list_id = $4, trigger = $5, trigger_of = $6, setting = $7, again = $8, quiet_from = $9,
            quiet_to = $10, version = version + 1, updated_at = now()
        WHERE account_id = $1 AND id = $2 AND version = coalesce($11, version)
        """,
        automation_id,
        new.name,
        new.list_id,
        kind,
        of,
        setting,
        new.again,
        new.quiet_from,
        new.quiet_to,
        version,
    )
    if not changed:
        message = N_("Somebody changed this automatic campaign meanwhile. Look at it again, then save.")
        raise Conflict(Fault("version", message, "version"))
    # mails that are written go to the list as it is now
    await tx.run(
        """
        UPDATE campaign_lists u SET list_id = $3
        FROM campaigns c
        WHERE u.account_id = $1 AND c.account_id = $1 AND c.id = u.campaign_id AND c.automation_id = $2
          AND c.mailing_of IS NULL
        """,
        automation_id,
        new.list_id,
    )
    await audit.write(tx, "changed", "automation", automation_id)
    return await show(tx, automation_id)


async def delete(tx: AccountTx, automation_id: int) -> None:
    """A draft, for good. Raises NotFound, Conflict."""
    found = await hold(tx, automation_id)
    if found.status != "draft":
        message = N_("Only drafts can be deleted. End this automatic campaign instead.")
        raise Conflict(Fault("status", message, "status"))
    await tx.run("DELETE FROM automations WHERE account_id = $1 AND id = $2", automation_id)
    await tx.run(
        "DELETE FROM campaigns WHERE account_id = $1 AND automation_id = $2 AND status = 'draft'",
        automation_id,
    )
    await audit.write(tx, "deleted", "automation", automation_id)


async def hold(tx: AccountTx, automation_id: int) -> Automation:
    """Locked until the transaction ends, against the turn that moves people on and against other changes.

    Raises NotFound, and Conflict when it has ended.
    """
    status = await tx.value(
        "SELECT status FROM automations WHERE account_id = $1 AND id = $2 FOR NO KEY UPDATE", automation_id
    )
    if status is None:
        raise NotFound
    if status == "ended":
        raise Conflict(Fault("status", N_("This automatic campaign has ended."), "status"))
    return await show(tx, automation_id)


async def wake(tx: AccountTx, automation_id: int) -> None:
    """Its next turn is due now."""
    await work.add(tx, JOB, automation_id)
