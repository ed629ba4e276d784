"""A segment's rule: a tree of conditions, as programs write it and as `segments.tree` keeps it.

    {"match": "all", "rules": [
        {"subject": "list", "of": 12, "operator": "subscribed_over", "value": 30},
        {"match": "none", "rules": [{"subject": "domain", "operator": "is", "value": "example.org"}]}]}

`match` all: every rule holds; any: at least one; none: not one. Every condition is true or false of a
contact, never unknown: a contact without a value is none that "is" something, and is one that "is not". So
"none" is exactly everybody else. The operator tables below are the whole language: a type of field that is
not in KINDS_OF_FIELDS is read as text.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any, Literal, Union

from pydantic import Discriminator, Field, StrictBool, StrictFloat, StrictInt, Tag, model_validator

from mailer.core.errors import fault
from mailer.core.text import N_
from mailer.web.request import Input

MAX_CONDITIONS = 50
MAX_DEPTH = 3
MAX_DAYS = 36_500
Match = Literal["all", "any", "none"]


class Subject(StrEnum):
    EMAIL = "email"
    DOMAIN = "domain"
    FIRST_NAME = "first_name"
    LAST_NAME = "last_name"
    LANGUAGE = "language"
    FIELD = "field"
    TAG = "tag"
    LIST = "list"
    OPENS = "opens"
    CLICKS = "clicks"
    MEASUREMENT = "measurement"
    ADDED = "added"
    SOURCE = "source"
    IMPORT = "import"
    LAST_ACT = "last_act"
    CAMPAIGN = "campaign"


class Kind(StrEnum):
    """What the operators of a subject are."""

    TEXT = "text"
    DOMAIN = "domain"
    CHOICE = "choice"
    NUMBER = "number"
    DATE = "date"
    INSTANT = "instant"
    BOOLEAN = "boolean"
    ITEMS = "items"
    TAG = "tag"
    LIST = "list"
    IMPORT = "import"
    CAMPAIGN = "campaign"
    ASKING = "asking"


class Takes(StrEnum):
    """What a value has to be."""

    NOTHING = "nothing"
    TEXT = "text"
    NUMBER = "number"
    NUMBERS = "numbers"
    DATE = "date"
    DATES = "dates"
    DAYS = "days"
    MONTH = "month"
    CHOICE = "choice"


@dataclass(frozen=True, slots=True)
class Operator:
    """`label`: what stands between subject and value; the value takes the place of its "…"."""

    label: str
    takes: Takes = Takes.NOTHING


_EMPTY = {"empty": Operator(N_("is empty")), "filled": Operator(N_("is filled in"))}
_ANSWERS = {"empty": Operator(N_("is not known")), "filled": Operator(N_("is known"))}
_MOMENTS = {
    "is": Operator(N_("is on"), Takes.DATE),
    "before": Operator(N_("is before"), Takes.DATE),
    "after": Operator(N_("is after"), Takes.DATE),
    "between": Operator(N_("is between"), Takes.DATES),
    "last_days": Operator(N_("is in the last … days"), Takes.DAYS),
    "older_days": Operator(N_("is more than … days ago"), Takes.DAYS),
}
OPERATORS: Mapping[Kind, Mapping[str, Operator]] = {
    Kind.TEXT: {
        "is": Operator(N_("is"), Takes.TEXT),
        "is_not": Operator(N_("is not"), Takes.TEXT),
        "contains": Operator(N_("contains"), Takes.TEXT),
        "contains_not": Operator(N_("does not contain"), Takes.TEXT),
        "begins": Operator(N_("begins with"), Takes.TEXT),
        "ends": Operator(N_("ends with"), Takes.TEXT),
        **_EMPTY,
    },
    Kind.DOMAIN: {
        "is": Operator(N_("is"), Takes.TEXT),
        "is_not": Operator(N_("is not"), Takes.TEXT),
    },
    Kind.CHOICE: {
        "is": Operator(N_("is"), Takes.CHOICE),
        "is_not": Operator(N_("is not"), Takes.CHOICE),
    },
    Kind.NUMBER: {
        "is": Operator(N_("is"), Takes.NUMBER),
        "is_not": Operator(N_("is not"), Takes.NUMBER),
        "more": Operator(N_("is more than"), Takes.NUMBER),
        "less": Operator(N_("is less than"), Takes.NUMBER),
        "between": Operator(N_("is between"), Takes.NUMBERS),
        **_EMPTY,
    },
    Kind.DATE: {
        **_MOMENTS,
        "next_days": Operator(N_("is in the next … days"), Takes.DAYS),
        "birthday_days": Operator(N_("has its anniversary in the next … days"), Takes.DAYS),
        "month": Operator(N_("falls in the month"), Takes.MONTH),
        **_EMPTY,
    },
    Kind.INSTANT: {**_MOMENTS, **_ANSWERS},
    Kind.BOOLEAN: {"yes": Operator(N_("is yes")), "no": Operator(N_("is no")), **_ANSWERS},
    Kind.ITEMS: {
        "has": Operator(N_("has among its values"), Takes.TEXT),
        "has_not": Operator(N_("does not have among its values"), Takes.TEXT),
        **_EMPTY,
    },
    Kind.TAG: {"has": Operator(N_("is on the contact")), "has_not": Operator(N_("is not on the contact"))},
    Kind.LIST: {
        "subscribed": Operator(N_("subscribed")),
        "not_subscribed": Operator(N_("not subscribed")),
        "subscribed_over": Operator(N_("subscribed for more than … days"), Takes.DAYS),
        "subscribed_within": Operator(N_("subscribed in the last … days"), Takes.DAYS),
        "pending": Operator(N_("confirmation awaited")),
        "unsubscribed": Operator(N_("unsubscribed")),
        "never": Operator(N_("never on it")),
    },
    # B-39: SQL function may_ask_measurement
    Kind.ASKING: {
        "may_be_asked": Operator(
            N_("may be asked for (not accepted, and not asked or refused for six months)")
        ),
        "may_not_be_asked": Operator(
            N_("may not be asked for (accepted, or asked or refused in six months)")
        ),
    },
    Kind.IMPORT: {
        "is": Operator(N_("added the contact")),
        "is_not": Operator(N_("did not add the contact")),
    },
    Kind.CAMPAIGN: {
        "sent": Operator(N_("was sent")),
        "not_sent": Operator(N_("was not sent")),
        "delivered": Operator(N_("was delivered")),
        "bounced": Operator(N_("bounced")),
        "clicked": Operator(N_("was clicked")),
        "clicked_link": Operator(N_("had a click on a link that contains"), Takes.TEXT),
        "not_clicked": Operator(N_("was delivered without a click (contacts who accept this measure)")),
        "opened": Operator(N_("was opened (contacts who accept this measure)")),
        "not_opened": Operator(N_("was delivered and not opened (contacts who accept this measure)")),
    },
}
KINDS: Mapping[Subject, Kind] = {
    Subject.EMAIL: Kind.TEXT,
    Subject.DOMAIN: Kind.DOMAIN,
    Subject.FIRST_NAME: Kind.TEXT,
    Subject.LAST_NAME: Kind.TEXT,
    Subject.LANGUAGE: Kind.CHOICE,
    Subject.TAG: Kind.TAG,
    Subject.LIST: Kind.LIST,
    Subject.OPENS: Kind.CHOICE,
    Subject.CLICKS: Kind.CHOICE,
    Subject.MEASUREMENT: Kind.ASKING,
    Subject.ADDED: Kind.INSTANT,
    Subject.SOURCE: Kind.CHOICE,
    Subject.IMPORT: Kind.IMPORT,
    Subject.LAST_ACT: Kind.INSTANT,
    Subject.CAMPAIGN: Kind.CAMPAIGN,
}
KINDS_OF_FIELDS: Mapping[str, Kind] = {
    "text": Kind.TEXT,
    "choice": Kind.TEXT,
    "number": Kind.NUMBER,
    "date": Kind.DATE,
    "boolean": Kind.BOOLEAN,
    "list": Kind.ITEMS,
    "choices": Kind.ITEMS,
}
CHOICES: Mapping[Subject, Mapping[str, str]] = {
    Subject.LANGUAGE: {"": N_("Not known"), "fr": "Français", "en": "English"},
    Subject.OPENS: {"granted": N_("accepted"), "denied": N_("refused"), "unknown": N_("never asked")},
    Subject.CLICKS: {"granted": N_("accepted"), "denied": N_("refused"), "unknown": N_("never asked")},
    Subject.SOURCE: {
        "page": N_("by the team"),
        "api": N_("API"),
        "import": N_("import"),
        "form": N_("form"),
    },
}
# these speak of one thing of the account: its id, or for a field its key
WITH_OBJECT = frozenset((Subject.FIELD, Subject.TAG, Subject.LIST, Subject.IMPORT, Subject.CAMPAIGN))

Scalar = Annotated[str, Field(max_length=200)] | StrictBool | StrictInt | StrictFloat
Value = Scalar | Annotated[list[Scalar], Field(max_length=2)] | None


class Condition(Input):
    """`of`: the field's key, or the id of tag, list, import or campaign; null for a list: any of them.
    `last`: one of the newest campaigns, in place of `of`."""

    subject: Subject
    of: Annotated[int, Field(ge=1, lt=2**63)] | Annotated[str, Field(max_length=40)] | None = None
    last: Annotated[int, Field(ge=1, le=50)] | None = None
    operator: Annotated[str, Field(max_length=40)]
    value: Value = None


def _sort(value: Any) -> str:
    group = isinstance(value, Group) or (isinstance(value, Mapping) and "match" in value)
    return "group" if group else "condition"


class Group(Input):
    """Conditions and groups that belong together."""

    match: Match = "all"
    rules: Annotated[list["Rule"], Field(min_length=1, max_length=MAX_CONDITIONS)]


Rule = Annotated[
    Union[Annotated[Group, Tag("group")], Annotated[Condition, Tag("condition")]],  # noqa: UP007 (a forward name)
    Discriminator(_sort),
]
Group.model_rebuild()


class Tree(Group):
    """The outermost group: at most 3 groups inside one another, at most 50 conditions."""

    @model_validator(mode="after")
    def _within_limits(self) -> "Tree":
        if depth(self) > MAX_DEPTH:
            raise fault("rules", N_("Groups stand at most {limit} deep."), code="depth", limit=MAX_DEPTH)
        if sum(1 for _ in conditions(self)) > MAX_CONDITIONS:
            message = N_("A segment has at most {limit} conditions.")
            raise fault("rules", message, code="too_many", limit=MAX_CONDITIONS)
        return self


def depth(group: Group) -> int:
    return 1 + max((depth(rule) for rule in group.rules if isinstance(rule, Group)), default=0)


def conditions(group: Group, place: str = "rules") -> Iterator[tuple[str, Condition]]:
    """Each with its place: rules.0, rules.1.rules.0 …"""
    for n, rule in enumerate(group.rules):
        if isinstance(rule, Group):
            yield from conditions(rule, f"{place}.{n}.rules")
        else:
            yield f"{place}.{n}", rule
