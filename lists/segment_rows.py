"""The builder's rows as a template shows them: each select with its options, each value with its control."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from lists.segment_form import ROOT, Draft, operators_of
from lists.segment_known import Known
from lists.segment_tree import CHOICES, MAX_DEPTH, Subject, Takes
from lists.segment_words import LAST_CAMPAIGNS, MATCHES, SUBJECTS
from mailer.core.text import N_
from mailer.web import i18n

Options = list[tuple[str, str]]
# in the order of the select
_OF_CONTACT = (
    Subject.EMAIL, Subject.DOMAIN, Subject.FIRST_NAME, Subject.LAST_NAME, Subject.LANGUAGE, Subject.TAG,
    Subject.LIST, Subject.ADDED, Subject.SOURCE, Subject.IMPORT, Subject.LAST_ACT, Subject.OPENS,
    Subject.CLICKS, Subject.MEASUREMENT, Subject.CAMPAIGN,
)  # fmt: skip
_LAST = (1, 3, 5, 10)


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One condition. `takes` chooses the control of the value; `abouts` is empty without a second select."""

    place: str
    n: str
    subject: str
    subjects: list[tuple[str, Options]]
    about: str
    abouts: Options
    operator: str
    operators: Options
    takes: str
    value: str
    value2: str
    choices: Options


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """A group. `nests`: a group may be put into it."""

    place: str
    n: str
    match: str
    matches: Options
    rules: Sequence["Row | Rows"]
    nests: bool


def rows(draft: Draft, known: Known, place: str = ROOT, n: str = "") -> Rows:
    """The draft, ready to be shown; `n` numbers rows for whoever cannot see where they stand: 2.1."""
    rules: list[Row | Rows] = []
    for position, rule in enumerate(draft.get("rules", [])):
        at, number = f"{place}.{position}", f"{n}.{position + 1}".lstrip(".")
        rules.append(rows(rule, known, at, number) if "rules" in rule else _row(rule, known, at, number))
    return Rows(
        place=place,
        n=n,
        match=str(draft.get("match", "all")),
        matches=[(value, i18n.translate(text)) for value, text in MATCHES.items()],
        rules=rules,
        nests=place.count(".") + 1 < MAX_DEPTH,
    )


def _row(rule: Draft, known: Known, place: str, n: str) -> Row:
    subject = str(rule.get("subject", ""))
    of, last = rule.get("of"), rule.get("last")
    operators = operators_of(rule, known)
    operator = str(rule.get("operator", ""))
    takes = operators[operator].takes if operator in operators else Takes.NOTHING
    value, value2 = _values(rule.get("value"))
    return Row(
        place=place,
        n=n,
        subject=f"{subject}:{of}" if subject == Subject.FIELD else subject,
        subjects=_subjects(known, str(of) if subject == Subject.FIELD else ""),
        about=f"last:{last}" if last else "" if of is None else str(of),
        abouts=_abouts(subject, known, str(of or "")),
        operator=operator,
        operators=[(name, i18n.translate(one.label)) for name, one in operators.items()],
        takes=takes,
        value=value,
        value2=value2,
        choices=_choices(subject, takes),
    )


def _values(value: Any) -> tuple[str, str]:
    found = value if isinstance(value, list) else [value]
    first, second = (*found, None, None)[:2]
    return tuple("" if one is None else str(one) for one in (first, second))  # type: ignore[return-value]


def _subjects(known: Known, gone: str) -> list[tuple[str, Options]]:
    """Two groups of the select. A field that was deleted stays to be seen."""
    fields = [(f"field:{key}", field.label) for key, field in known.fields.items()]
    if gone and gone not in known.fields:
        fields.append((f"field:{gone}", i18n.translate(N_("Field {key} (deleted)"), key=gone)))
    contact = [(one.value, i18n.translate(SUBJECTS[one])) for one in _OF_CONTACT]
    return [(i18n.translate(N_("Contact")), contact), (i18n.translate(N_("Fields")), fields)]


def _abouts(subject: str, known: Known, chosen: str) -> Options:
    choose = ("", i18n.translate(N_("Choose…")))
    match subject:
        case Subject.LIST:
            found = [
                ("", i18n.translate(N_("Any list"))),
                *((str(id_), name) for id_, name in known.lists.items()),
            ]
        case Subject.TAG:
            found = [choose, *((str(id_), name) for id_, name in known.tags.items())]
        case Subject.IMPORT:
            found = [choose, *((str(id_), name) for id_, name in known.imports.items())]
        case Subject.CAMPAIGN:
            last = [(f"last:{n}", i18n.translate(LAST_CAMPAIGNS, n=n)) for n in _LAST]
            found = [choose, *last, *((str(id_), one.name) for id_, one in known.campaigns.items())]
        case _:
            return []
    if chosen and chosen not in dict(found):
        found.append((chosen, i18n.translate(N_("deleted"))))
    return found


def _choices(subject: str, takes: Takes) -> Options:
    if takes is Takes.MONTH:
        return [(str(n), i18n.month(n)) for n in range(1, 13)]
    if takes is Takes.CHOICE:
        return [(value, i18n.translate(text)) for value, text in CHOICES[Subject(subject)].items()]
    return []
