"""A segment's rule as a sentence, in the language of the request."""

from collections.abc import Mapping
from datetime import date

from lists.segment_known import Known, is_date
from lists.segment_tree import CHOICES, OPERATORS, Condition, Group, Kind, Match, Operator, Subject, Takes
from mailer.core.text import N_
from mailer.web import i18n

SUBJECTS: Mapping[Subject, str] = {
    Subject.EMAIL: N_("E-mail"),
    Subject.DOMAIN: N_("Domain of the address"),
    Subject.FIRST_NAME: N_("First name"),
    Subject.LAST_NAME: N_("Last name"),
    Subject.LANGUAGE: N_("Language"),
    Subject.FIELD: N_("Field"),
    Subject.TAG: N_("Tag"),
    Subject.LIST: N_("List"),
    Subject.OPENS: N_("Open measurement"),
    Subject.CLICKS: N_("Click measurement"),
    Subject.MEASUREMENT: N_("Measurement"),
    Subject.ADDED: N_("Added on"),
    Subject.SOURCE: N_("How it was added"),
    Subject.IMPORT: N_("Import"),
    Subject.LAST_ACT: N_("Last act"),
    Subject.CAMPAIGN: N_("Campaign"),
}
MATCHES: Mapping[Match, str] = {
    "all": N_("all of these conditions"),
    "any": N_("at least one of these conditions"),
    "none": N_("none of these conditions"),
}
_JOINED: Mapping[Match, str] = {"all": N_(" and "), "any": N_(" or "), "none": N_(" or ")}
LAST_CAMPAIGNS = N_("One of the last {n} campaigns")


def sentence(tree: Group, known: Known) -> str:
    """Contacts with: list “Clients” subscribed and (City is “Paris” or City is empty)."""
    return i18n.translate(N_("Contacts with: {rule}."), rule=_group(tree, known, outermost=True))


def _group(group: Group, known: Known, *, outermost: bool = False) -> str:
    parts = [_group(rule, known) if isinstance(rule, Group) else phrase(rule, known) for rule in group.rules]
    text = i18n.translate(_JOINED[group.match]).join(parts)
    if group.match == "none":
        return i18n.translate(N_("none of these: ({rule})"), rule=text)
    return text if outermost or len(parts) == 1 else f"({text})"


def phrase(one: Condition, known: Known) -> str:
    """One condition in words."""
    kind = known.kind(one) or Kind.TEXT
    operator = OPERATORS[kind].get(one.operator, Operator(one.operator))
    label = i18n.translate(operator.label)
    about = subject(one, known)
    value = _value(one, operator.takes)
    if kind is Kind.LIST:
        return i18n.translate(N_("{list}: {state}"), list=about, state=label.replace("…", value))
    if "…" in label:
        return f"{about} {label.replace('…', value)}"
    return f"{about} {label} {value}" if value else f"{about} {label}"


def subject(one: Condition, known: Known) -> str:
    """City; list “Clients”; campaign “Soldes”. What is gone says so."""
    what = i18n.translate(SUBJECTS[one.subject])
    if one.subject is Subject.CAMPAIGN and one.last:
        return i18n.translate(LAST_CAMPAIGNS, n=one.last)
    if one.subject is Subject.LIST and one.of is None:
        return i18n.translate(N_("Any list"))
    if one.subject is Subject.FIELD:
        field = known.fields.get(str(one.of))
        return field.label if field else i18n.translate(N_("Field {key} (deleted)"), key=str(one.of))
    names: Mapping[Subject, Mapping[int, str]] = {
        Subject.TAG: known.tags,
        Subject.LIST: known.lists,
        Subject.IMPORT: known.imports,
        Subject.CAMPAIGN: {id_: campaign.name for id_, campaign in known.campaigns.items()},
    }
    if one.subject not in names:
        return what
    name = names[one.subject].get(one.of) if isinstance(one.of, int) else None
    return i18n.translate(N_("{what} “{name}”"), what=what, name=name or i18n.translate(N_("deleted")))


def _value(one: Condition, takes: Takes) -> str:
    given = one.value
    match takes:
        case Takes.NOTHING:
            return ""
        case Takes.CHOICE:
            return i18n.translate(CHOICES[one.subject].get(str(given), str(given)))
        case Takes.MONTH if isinstance(given, int) and 1 <= given <= 12:
            return i18n.month(given)
        case Takes.NUMBERS | Takes.DATES if isinstance(given, list) and len(given) == 2:
            low, high = (_plain(each, takes) for each in given)
            return i18n.translate(N_("{low} and {high}"), low=low, high=high)
    return _plain(given, takes)


def _plain(value: object, takes: Takes) -> str:
    if takes in (Takes.DATE, Takes.DATES) and is_date(value):
        return i18n.day(date.fromisoformat(str(value)))
    if isinstance(value, int | float) and not isinstance(value, bool):
        return i18n.number(value)
    return i18n.translate(N_("“{text}”"), text="" if value is None else str(value))
