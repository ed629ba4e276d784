"""An automatic campaign in sentences: its trigger, its steps, as a page shows them in the reader's
language."""

from collections.abc import Mapping
from dataclasses import dataclass

from lists import tags
from lists.segment_tree import OPERATORS, Condition
from mailer.core.db import AccountTx
from mailer.core.text import N_
from mailer.web import i18n
from sending.automation_steps import Plan, Step
from sending.automation_waits import Wait
from sending.automations import Automation

WEEKDAYS: Mapping[int, str] = {
    1: N_("Monday"),
    2: N_("Tuesday"),
    3: N_("Wednesday"),
    4: N_("Thursday"),
    5: N_("Friday"),
    6: N_("Saturday"),
    7: N_("Sunday"),
}


@dataclass(frozen=True, slots=True)
class Names:
    """What the account calls the things that triggers and steps speak of; fields by key."""

    tags: Mapping[int, str]
    segments: Mapping[int, str]
    fields: Mapping[str, str]


async def names(tx: AccountTx) -> Names:
    segments = await tx.rows("SELECT id, name FROM segments WHERE account_id = $1 AND deleted_at IS NULL")
    fields = await tx.rows("SELECT key, label FROM fields WHERE account_id = $1")
    return Names({one.id: one.name for one in await tags.names(tx)}, dict(segments), dict(fields))


async def trigger(tx: AccountTx, automation: Automation, known: Names) -> str:
    """Who is taken in, and when."""
    wanted = automation.waits_for
    gone = i18n.translate(N_("(deleted)"))
    match wanted.kind:
        case "subscribed":
            words = N_("When somebody subscribes to the list “{list}”, confirmed.")
            if wanted.imports:
                words = N_(
                    "When somebody subscribes to the list “{list}”, confirmed, or is imported into it."
                )
            return i18n.translate(words, list=automation.list_name)
        case "tagged":
            name = known.tags.get(wanted.of or 0, gone)
            return i18n.translate(N_("When the tag “{tag}” is added to a contact."), tag=name)
        case "segment":
            name = known.segments.get(wanted.of or 0, gone)
            return i18n.translate(N_("When a contact comes into the segment “{name}”."), name=name)
        case "clicked":
            name = await tx.value("SELECT name FROM campaigns WHERE account_id = $1 AND id = $2", wanted.of)
            words = N_("When a link of the campaign “{name}” is clicked.")
            return i18n.translate(words, name=gone if name is None else name)
        case "event":
            words = N_("When a program sends the event “{event}”.")
            return i18n.translate(words, event=wanted.event)
        case "date":
            return _date(automation, known)


def _date(automation: Automation, known: Names) -> str:
    wanted = automation.waits_for
    words = (
        N_("Each year on the day of “{field}”, at {hour}:00.")
        if wanted.yearly
        else N_("Once, on the day of “{field}”, at {hour}:00.")
    )
    if wanted.days < 0:
        words = (
            N_("Each year {n} days before “{field}”, at {hour}:00.")
            if wanted.yearly
            else N_("Once, {n} days before “{field}”, at {hour}:00.")
        )
    elif wanted.days:
        words = (
            N_("Each year {n} days after “{field}”, at {hour}:00.")
            if wanted.yearly
            else N_("Once, {n} days after “{field}”, at {hour}:00.")
        )
    label = known.fields.get(wanted.field, wanted.field)
    return i18n.translate(words, n=abs(wanted.days), field=label, hour=wanted.hour)


def step(one: Step, plan: Plan, known: Names) -> str:
    """What a step does."""
    match one.kind:
        case "wait":
            return _wait(one.wait)
        case "send":
            words = (
                N_("Send the e-mail “{subject}”") if one.subject else N_("Send an e-mail without a subject")
            )
            return i18n.translate(words, subject=one.subject)
        case "condition":
            return _condition(one, plan, known)
        case "tag" | "untag":
            name = known.tags.get(int(one.setting["tag_id"]), i18n.translate(N_("(deleted)")))
            words = N_("Add the tag “{tag}”") if one.kind == "tag" else N_("Take off the tag “{tag}”")
            return i18n.translate(words, tag=name)
        case "leave":
            return i18n.translate(N_("Leave the automatic campaign"))


def _wait(wait: Wait) -> str:
    parts = []
    if wait.amount and wait.unit == "minutes":
        parts.append(i18n.ntranslate("Wait {n} minute", "Wait {n} minutes", wait.amount))
    elif wait.amount and wait.unit == "hours":
        parts.append(i18n.ntranslate("Wait {n} hour", "Wait {n} hours", wait.amount))
    elif wait.amount:
        parts.append(i18n.ntranslate("Wait {n} day", "Wait {n} days", wait.amount))
    else:
        parts.append(i18n.translate(N_("Wait")))
    if wait.weekdays:
        days = ", ".join(i18n.translate(WEEKDAYS[day]) for day in sorted(set(wait.weekdays)))
        parts.append(i18n.translate(N_("until one of these days: {days}"), days=days))
    if wait.hour is not None:
        parts.append(i18n.translate(N_("until {hour}:00"), hour=wait.hour))
    return ", ".join(parts)


def _condition(one: Step, plan: Plan, known: Names) -> str:
    if "segment_id" in one.setting:
        name = known.segments.get(int(one.setting["segment_id"]), i18n.translate(N_("(deleted)")))
        return i18n.translate(N_("If the contact is in the segment “{name}”"), name=name)
    if "clicked" in one.setting:
        mail = next((step for step in plan.steps if step.id == one.setting["clicked"]), None)
        words = N_("If the contact clicked in the e-mail “{subject}”")
        return i18n.translate(words, subject=mail.subject if mail else "")
    rule = Condition.model_validate(one.setting["rule"])
    label = known.fields.get(str(rule.of), str(rule.of or rule.subject))
    found = next((kind[rule.operator] for kind in OPERATORS.values() if rule.operator in kind), None)
    operator = i18n.translate(found.label).replace("…", "").strip() if found else rule.operator
    value = "" if rule.value is None else f" {rule.value}"
    return i18n.translate(N_("If {rule}"), rule=f"{label} {operator}{value}")
