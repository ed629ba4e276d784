"""An automatic campaign starts, stands still, goes on, ends; and what it needs before it may start.

While it stands still people are taken in, and wait: nobody is missed. The engine itself stops it when a
mail may
not leave (domain, sender, identity, too many bounces), and says why.
"""

from collections.abc import Mapping, Sequence

from mailer.accounts import audit
from mailer.core import clock, restores, work
from mailer.core.db import AccountTx, SharedTx
from mailer.core.errors import Conflict, Fault, Invalid
from mailer.core.services import Services
from mailer.core.text import N_
from sending import (
    automation_checks,
    automation_entries,
    automation_mails,
    automation_steps,
    automations,
    lanes,
)
from sending.automations import JOB, Automation

REASONS: Mapping[str, str] = {
    **lanes.PAUSE_REASONS,
    "person": N_("Somebody paused it."),
    "condition": N_("A condition asks about something that was deleted. Correct it, then resume."),
    "unpublished": N_("A mail was added and not published yet. Publish it, then resume."),
    "tag": N_("A step puts on or takes off a tag that was deleted. Correct the step, then resume."),
    "trigger_segment": N_(
        "The segment that it waits for speaks of something that was deleted."
        " Correct the segment, then resume."
    ),
    "trigger": N_("What it waits for was deleted. End it, and make another one."),
}


async def start(tx: AccountTx, services: Services, automation_id: int) -> Automation:
    """From now on people are taken in. Raises NotFound, Conflict (no draft), Invalid with what blocks it."""
    found = await automations.hold(tx, automation_id)
    if found.status != "draft":
        raise _state(N_("This automatic campaign was started already."))
    await _checked(tx, services, found)
    for step in (await automation_steps.plan(tx, automation_id)).steps:
        if step.kind == "send":
            await automation_mails.publish(tx, step.id)
    await tx.run(
        """
        UPDATE automations SET status = 'running', started_at = $3, updated_at = now()
        WHERE account_id = $1 AND id = $2
        """,
        automation_id,
        clock.now(),
    )
    await automation_entries.begin(tx, found)
    await automations.wake(tx, automation_id)
    await audit.write(tx, "started", "automation", automation_id)
    return await automations.show(tx, automation_id)


async def publish(tx: AccountTx, services: Services, automation_id: int) -> Automation:
    """What was written since leaves from now on. Raises as `start`."""
    found = await automations.hold(tx, automation_id)
    if found.status == "draft":
        raise _state(N_("Start it first: that publishes its mails."))
    await _checked(tx, services, found)
    for step in (await automation_steps.plan(tx, automation_id)).steps:
        if step.unpublished:
            await automation_mails.publish(tx, step.id)
    await audit.write(tx, "published", "automation", automation_id)
    await automations.wake(tx, automation_id)
    return await automations.show(tx, automation_id)


async def _checked(tx: AccountTx, services: Services, found: Automation) -> None:
    blocking = [one for one in await automation_checks.run(tx, services, found) if one.group == "blocking"]
    if blocking:
        raise Invalid(*(Fault(one.place, one.message, one.code, one.params) for one in blocking))


async def pause(tx: AccountTx, automation_id: int, *, reason: str = "person") -> Automation:
    """Nobody goes further, and mails that have not left wait. Raises NotFound, Conflict."""
    await automations.hold(tx, automation_id)
    changed = await tx.run(
        """
        UPDATE automations SET status = 'paused', pause_reason = $3, updated_at = now()
        WHERE account_id = $1 AND id = $2 AND status = 'running'
        """,
        automation_id,
        reason,
    )
    if not changed:
        raise _state(N_("This automatic campaign is not running."))
    await automation_mails.stop(tx, automation_id, reason)
    await audit.write(tx, "paused", "automation", automation_id)
    return await automations.show(tx, automation_id)


async def stop_all(tx: AccountTx, reason: str) -> None:
    """Every one of the account that runs, with a key of REASONS; a person resumes them."""
    rows = await tx.rows(
        """
        UPDATE automations SET status = 'paused', pause_reason = $2, updated_at = now()
        WHERE account_id = $1 AND status = 'running'
        RETURNING id
        """,
        reason,
    )
    for (automation_id,) in rows:
        await automation_mails.stop(tx, automation_id, reason)


async def resume(tx: AccountTx, services: Services, automation_id: int) -> Automation:
    """Goes on where it stood. Raises NotFound, Conflict, Invalid with what blocks it."""
    found = await automations.hold(tx, automation_id)
    if found.status != "paused":
        raise _state(N_("This automatic campaign is not paused."))
    if (await restores.show(tx.shared())).held:
        raise _state(
            N_("Sending is held until the operator confirms that the restored database is complete.")
        )
    await _checked(tx, services, found)
    for step in (await automation_steps.plan(tx, automation_id)).steps:
        if step.kind == "send" and step.published_id is None:
            await automation_mails.publish(tx, step.id)
    await tx.run(
        """
        UPDATE automations SET status = 'running', pause_reason = '', updated_at = now()
        WHERE account_id = $1 AND id = $2
        """,
        automation_id,
    )
    try:
        await automation_mails.renew(tx, services, automation_id, clock.now())
    except automation_mails.Stopped as stopped:
        raise _state(REASONS.get(stopped.reason, REASONS["content"])) from None
    await automation_mails.resume(tx, automation_id)
    await automations.wake(tx, automation_id)
    await audit.write(tx, "resumed", "automation", automation_id)
    return await automations.show(tx, automation_id)


async def end(tx: AccountTx, automation_id: int) -> Automation:
    """For good: nobody is taken in or goes further. Mails handed to the queue leave. Raises NotFound,
    Conflict."""
    found = await automations.hold(tx, automation_id)
    if found.status == "draft":
        raise _state(N_("This automatic campaign was never started: delete it."))
    await tx.run(
        """
        UPDATE automations SET status = 'ended', pause_reason = '', ended_at = now(), updated_at = now()
        WHERE account_id = $1 AND id = $2
        """,
        automation_id,
    )
    await tx.run(
        """
        UPDATE automation_journeys SET ended_at = now(), outcome = 'ended', step_id = NULL
        WHERE account_id = $1 AND automation_id = $2 AND ended_at IS NULL
        """,
        automation_id,
    )
    await automation_mails.end(tx, automation_id)
    await audit.write(tx, "ended", "automation", automation_id)
    return await automations.show(tx, automation_id)


async def ask(tx: SharedTx, rung: Sequence[tuple[int, int]]) -> None:
    """A turn for each of these: account and automatic campaign."""
    by_automation: dict[int, list[int]] = {}
    for account_id, automation_id in rung:
        by_automation.setdefault(automation_id, []).append(account_id)
    for automation_id, accounts in by_automation.items():
        await work.ask_accounts(tx, JOB, accounts, ref_id=automation_id)


def _state(message: str) -> Conflict:
    return Conflict(Fault("status", message, "status"))
