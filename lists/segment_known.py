"""What an account has that a segment may speak of, and whether a tree's conditions fit it.

A condition that fits no more (its field, list or tag was deleted, its field has another type now) stays in
the tree, is marked with its fault, and keeps the segment from being used.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from lists.segment_tree import (
    CHOICES,
    KINDS,
    KINDS_OF_FIELDS,
    MAX_DAYS,
    OPERATORS,
    WITH_OBJECT,
    Condition,
    Group,
    Kind,
    Subject,
    Takes,
    conditions,
)
from mailer.core import clock
from mailer.core.db import AccountTx
from mailer.core.errors import Fault
from mailer.core.text import N_
from mailer.web import i18n

NEWEST = 100  # campaigns and imports that a page offers
GONE: Mapping[Subject, str] = {
    Subject.FIELD: N_("This field was deleted. Choose another one, or delete the condition."),
    Subject.TAG: N_("This tag was deleted. Choose another one, or delete the condition."),
    Subject.LIST: N_("This list was deleted. Choose another one, or delete the condition."),
    Subject.IMPORT: N_("This import is gone. Choose another one, or delete the condition."),
    Subject.CAMPAIGN: N_("This campaign is not known or was never sent. Choose another one."),
}


@dataclass(frozen=True, slots=True)
class KnownField:
    label: str
    kind: Kind


@dataclass(frozen=True, slots=True)
class KnownCampaign:
    """`month`: of its deliveries (S6)."""

    name: str
    month: date


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """`recent`: the newest sent campaigns first. `zone` and `now` say when a day begins and ends."""

    fields: Mapping[str, KnownField]
    tags: Mapping[int, str]
    lists: Mapping[int, str]
    imports: Mapping[int, str]
    campaigns: Mapping[int, KnownCampaign]
    recent: Sequence[int]
    zone: str
    now: datetime

    @property
    def today(self) -> date:
        return self.now.astimezone(i18n.zone(self.zone)).date()

    def beginning(self, day: date) -> datetime:
        """The instant at which the day begins where the account is."""
        return datetime.combine(day, time(), i18n.zone(self.zone)).astimezone(UTC)

    def kind(self, condition: Condition) -> Kind | None:
        """None: its field is not there."""
        if condition.subject is not Subject.FIELD:
            return KINDS[condition.subject]
        known = self.fields.get(str(condition.of))
        return known.kind if known else None

    def has(self, condition: Condition) -> bool:
        """Is there what the condition speaks of?"""
        if condition.subject not in WITH_OBJECT:
            return condition.of is None
        if condition.last is not None:
            return condition.subject is Subject.CAMPAIGN and condition.of is None
        if condition.subject is Subject.LIST and condition.of is None:
            return True  # any list
        things: Mapping[Subject, Mapping[int, object]] = {
            Subject.TAG: self.tags,
            Subject.LIST: self.lists,
            Subject.IMPORT: self.imports,
            Subject.CAMPAIGN: self.campaigns,
        }
        if condition.subject is Subject.FIELD:
            return isinstance(condition.of, str) and condition.of in self.fields
        return isinstance(condition.of, int) and condition.of in things[condition.subject]


async def load(tx: AccountTx, *trees: Group, newest: int = 0) -> Known:
    """All that these trees speak of; with `newest`, also that many campaigns and imports to choose from."""
    asked = [one for tree in trees for _, one in conditions(tree)]
    ids = {
        subject: [one.of for one in asked if one.subject is subject and isinstance(one.of, int)]
        for subject in WITH_OBJECT
    }
    last = max((one.last or 0 for one in asked), default=0)
    zone: str = await tx.value("SELECT time_zone FROM accounts WHERE id = $1")
    campaigns = await tx.rows(
        """
        (SELECT id, name, month, started_at
         FROM campaigns
         WHERE account_id = $1 AND month IS NOT NULL AND started_at IS NOT NULL
           AND automation_id IS NULL
         ORDER BY started_at DESC, id DESC
         LIMIT $3)
        UNION
        SELECT id, name, month, started_at
        FROM campaigns
        WHERE account_id = $1 AND id = ANY ($2::bigint[]) AND month IS NOT NULL AND started_at IS NOT NULL
        """,
        ids[Subject.CAMPAIGN],
        max(newest, last),
    )
    imports = await tx.rows(
        """
        (SELECT id, file_name, created_at FROM imports
         WHERE account_id = $1 AND state = 'done'
         ORDER BY id DESC
         LIMIT $3)
        UNION
        SELECT id, file_name, created_at FROM imports WHERE account_id = $1 AND id = ANY ($2::bigint[])
        """,
        ids[Subject.IMPORT],
        newest,
    )
    newest_first = sorted(campaigns, key=lambda row: (row[3], row[0]), reverse=True)
    return Known(
        fields={
            key: KnownField(label, KINDS_OF_FIELDS.get(type_, Kind.TEXT))
            for key, label, type_ in await tx.rows(
                "SELECT key, label, type FROM fields WHERE account_id = $1 ORDER BY label"
            )
        },
        tags=dict(await tx.rows("SELECT id, name FROM tags WHERE account_id = $1 ORDER BY name")),
        lists=dict(
            await tx.rows(
                """
                SELECT id, name FROM mailing_lists WHERE account_id = $1 AND deleted_at IS NULL ORDER BY name
                """
            )
        ),
        imports={one: f"{name} ({i18n.day(at, zone)})" for one, name, at in sorted(imports, reverse=True)},
        campaigns={one: KnownCampaign(name, month) for one, name, month, _ in newest_first},
        recent=[one for one, _, _, _ in newest_first],
        zone=zone,
        now=clock.now(),
    )


def faults(tree: Group, known: Known) -> list[Fault]:
    """Everything that keeps the tree from being used, each at its place; code "gone": deleted meanwhile."""
    return [found for place, one in conditions(tree) for found in _of_condition(place, one, known)]


def _of_condition(place: str, one: Condition, known: Known) -> list[Fault]:
    if one.subject not in WITH_OBJECT and (one.of is not None or one.last is not None):
        return [Fault(f"{place}.of", N_("This condition speaks of nothing more. Leave it out."), "of")]
    if not known.has(one):
        missing = one.of is None or one.of == ""
        message = N_("Choose what this condition is about.") if missing else GONE[one.subject]
        return [Fault(f"{place}.of", message, "missing" if missing else "gone")]
    kind = known.kind(one)
    operators = OPERATORS[kind] if kind else {}
    if one.operator not in operators:
        message = N_("Choose one of: {expected}.")
        return [Fault(f"{place}.operator", message, "operator", {"expected": ", ".join(operators)})]
    message = _of_value(operators[one.operator].takes, one)
    return [Fault(f"{place}.value", message, "value")] if message else []


def _of_value(takes: Takes, one: Condition) -> str:
    """What is wrong with the value, or ""."""
    value = one.value
    match takes:
        case Takes.NOTHING:
            return "" if value is None else N_("This condition takes no value.")
        case Takes.TEXT:
            return "" if isinstance(value, str) and value.strip() else N_("Write the value to compare with.")
        case Takes.CHOICE:
            return "" if value in CHOICES[one.subject] else N_("Choose one of the values.")
        case Takes.NUMBER:
            return "" if _is_number(value) else N_("Write a number.")
        case Takes.DAYS:
            ok = type(value) is int and 0 <= value <= MAX_DAYS
            return "" if ok else N_("Write a number of days, from 0 to 36,500.")
        case Takes.MONTH:
            return "" if type(value) is int and 1 <= value <= 12 else N_("Choose a month.")
        case Takes.DATE:
            return "" if is_date(value) else N_("Write the date like 2026-11-24.")
        case Takes.NUMBERS:
            ok = isinstance(value, list) and len(value) == 2 and all(map(_is_number, value))
            return "" if ok else N_("Write both numbers.")
        case Takes.DATES:
            ok = isinstance(value, list) and len(value) == 2 and all(map(is_date, value))
            return "" if ok else N_("Write both dates like 2026-11-24.")


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= 1e18


def is_date(value: object) -> bool:
    """ISO, as JSON keeps it, with a neighbour on both sides."""
    try:
        found = date.fromisoformat(value) if isinstance(value, str) and len(value) == 10 else None
    except ValueError:
        return False
    return found is not None and date.min + timedelta(2) < found < date.max - timedelta(2)
