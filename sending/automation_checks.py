"""What blocks an automatic campaign, and what to look at: each of its mails as a campaign is checked,
and the rest."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from mailer.core.db import AccountTx
from mailer.core.services import Services
from mailer.core.text import N_
from mailer.web import i18n
from sending import (
    automation_broken,
    automation_notices,
    automation_steps,
    campaign_checks,
    campaigns,
    sources,
)
from sending.automation_steps import Step
from sending.automations import Automation
from sending.campaign_checks import Group
from sending.content import Compiled

# of a campaign's checks, what speaks of people who are there already: here they come one by one
_OTHERS = frozenset({"audience", "frequency", "segment"})
_GONE: Mapping[str, str] = {
    "trigger": N_("What it waits for was deleted."),
    "trigger_segment": N_("The segment that it waits for speaks of something that was deleted. Correct it."),
    "condition": N_("A condition asks about something that was deleted. Correct it."),
    "tag": N_("A step puts on or takes off a tag that was deleted. Correct the step."),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """`place`: below the account: a page where it is mended. `step_id`: of a mail. `fix`: a button mends
    it."""

    group: Group
    code: str
    message: str
    params: Mapping[str, object] = field(default_factory=dict)
    place: str
    step_id: int | None = None
    fix: bool = False


async def run(tx: AccountTx, services: Services, automation: Automation) -> list[Finding]:
    """As things are now: nothing is counted, nothing is changed."""
    plan = await automation_steps.plan(tx, automation.id)
    here = f"automations/{automation.id}"
    found: list[Finding] = []
    if not plan.steps:
        message = N_("There is no step yet. Add one.")
        found.append(Finding(group="blocking", code="steps", message=message, place=here))
    mails = [step for _, step in plan.lines() if step.kind == "send"]
    for n, step in enumerate(mails, 1):
        found += await _mail(tx, services, step, n)
    if mails:
        found += await _first(tx, services, automation, mails[0])
    for one in await automation_broken.many(tx, automation, plan):
        place = f"{here}/steps/{one.step_id}" if one.step_id else f"{here}/settings"
        found.append(Finding(group="blocking", code=one.code, message=_GONE[one.code], place=place))
    return found


async def _mail(tx: AccountTx, services: Services, step: Step, n: int) -> list[Finding]:
    """What a campaign with this content would be told, without what is in order."""
    assert step.draft_id is not None
    report = await campaign_checks.run(tx, services, step.draft_id, to_look=False)
    message = N_("Mail {n}: {finding}")
    return [
        Finding(
            group=one.group,
            code=one.code,
            message=message,
            params={"n": n, "finding": i18n.translate(one.message, **one.params)},
            place=one.step if "/" in one.step else f"campaigns/{step.draft_id}/{one.step}",
            step_id=step.id,
        )
        for one in report.checks
        if one.group != "fine" and one.code not in _OTHERS
    ]


async def _first(tx: AccountTx, services: Services, automation: Automation, step: Step) -> list[Finding]:
    """What the first mail has to say (C-07, C-17); without content there is another finding already."""
    assert step.draft_id is not None
    draft = await campaigns.show(tx, step.draft_id)
    compiled = sources.compile_source(
        draft.content, settings=services.settings, fields=await sources.field_keys(tx)
    )
    if not isinstance(compiled, Compiled) or draft.kind == "service":
        return []
    place = f"campaigns/{step.draft_id}/content"
    found = []
    if automation_notices.GAP.search(compiled.text):
        message = N_("The first mail still has a gap to fill in: look for the square brackets.")
        found.append(Finding(group="blocking", code="gap", message=message, place=place, step_id=step.id))
    if automation.trigger == "subscribed" and not automation_notices.says_objection(compiled.text):
        message = N_(
            "The first mail must say, in a paragraph of its own with the link, that people may object."
        )
        found.append(
            Finding(
                group="blocking", code="objection", message=message, place=place, step_id=step.id, fix=True
            )
        )
    told = automation_notices.says_source(compiled.text) or automation_notices.GAP.search(compiled.text)
    if automation.waits_for.imports and not told:
        message = N_("People who were imported must read in the first mail where their address comes from.")
        found.append(
            Finding(group="blocking", code="source", message=message, place=place, step_id=step.id, fix=True)
        )
    return found
