"""The builder's form: a draft of a tree as people change it, row by row, with or without a script.

Names of the fields tell the place: `r.match` of the outermost group, `r.0.subject` of its first row,
`r.1.0.value` of the first row in its second, which is a group. A draft may be unfinished; `Tree` and
`segment_known.faults` say what is missing.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from lists import field_values
from lists.field_values import ValueFault
from lists.segment_known import Known
from lists.segment_tree import (
    CHOICES,
    KINDS,
    MAX_DEPTH,
    OPERATORS,
    WITH_OBJECT,
    Kind,
    Operator,
    Subject,
    Takes,
)

ROOT = "r"
_NAME = re.compile(r"r((?:\.\d{1,3}){0,4})\.(match|subject|of|operator|value|value2)", re.ASCII)
_PLACE = re.compile(r"r(?:\.\d{1,3}){0,4}", re.ASCII)
Draft = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Act:
    """What a button asks for: add, group, up, down, remove at a place; save, json, refresh."""

    verb: str
    place: str = ROOT


def act_of(text: str) -> Act:
    verb, _, place = text.partition(" ")
    known = verb in ("add", "group", "up", "down", "remove", "save", "json", "refresh")
    if not known or (place and not _PLACE.fullmatch(place)):
        return Act("refresh")
    return Act(verb, place or ROOT)


def new() -> Draft:
    return {"match": "all", "rules": [row()]}


def row() -> Draft:
    return {"subject": Subject.LIST.value, "of": None, "operator": "subscribed", "value": None}


def read(sent: Mapping[str, Any], known: Known) -> Draft:
    """What the form holds. A value that cannot be read stays as it was written."""
    places: dict[tuple[int, ...], dict[str, str]] = {}
    for name, value in sent.items():
        if found := _NAME.fullmatch(name):
            place = tuple(map(int, found[1].split(".")[1:]))
            places.setdefault(place, {})[found[2]] = str(value)
    return _group(places, (), known)


def _group(places: dict[tuple[int, ...], dict[str, str]], at: tuple[int, ...], known: Known) -> Draft:
    children = sorted(place for place in places if len(place) == len(at) + 1 and place[:-1] == at)
    return {
        "match": places.get(at, {}).get("match", "all"),
        "rules": [
            _group(places, place, known) if "match" in places[place] else _condition(places[place], known)
            for place in children
        ],
    }


def _condition(given: dict[str, str], known: Known) -> Draft:
    subject, _, key = given.get("subject", "").partition(":")
    found: Draft = {"subject": subject, "of": None, "operator": given.get("operator", ""), "value": None}
    about = given.get("of", "")
    if subject == Subject.FIELD:
        found["of"] = key
    elif subject in WITH_OBJECT and about.startswith("last:"):
        found["last"] = _number(about.removeprefix("last:"))
    elif subject in WITH_OBJECT:
        found["of"] = _number(about) if about.isdecimal() else None
    operators = operators_of(found, known)
    if found["operator"] not in operators:
        found["operator"] = next(iter(operators), "")
    takes = operators[found["operator"]].takes if found["operator"] else Takes.NOTHING
    found["value"] = _value(takes, given.get("value", ""), given.get("value2", ""))
    if takes is Takes.CHOICE and found["value"] not in CHOICES[Subject(subject)]:
        found["value"] = next(iter(CHOICES[Subject(subject)]))
    return found


def operators_of(condition: Draft, known: Known) -> Mapping[str, Operator]:
    """Those of the condition's subject; of a field that is gone, the one it has."""
    subject = str(condition.get("subject"))
    if subject == Subject.FIELD:
        field = known.fields.get(str(condition.get("of")))
        given = str(condition.get("operator", ""))
        return OPERATORS[field.kind] if field else {given: _any_operator(given)}
    return OPERATORS[KINDS[Subject(subject)]] if subject in KINDS else OPERATORS[Kind.TEXT]


def _any_operator(name: str) -> Operator:
    return next((table[name] for table in OPERATORS.values() if name in table), Operator(name, Takes.TEXT))


def _value(takes: Takes, first: str, second: str) -> Any:
    match takes:
        case Takes.NOTHING:
            return None
        case Takes.NUMBERS | Takes.DATES:
            kind = Takes.NUMBER if takes is Takes.NUMBERS else Takes.DATE
            return [_value(kind, first, ""), _value(kind, second, "")]
        case Takes.DAYS | Takes.MONTH:
            return _number(first.strip()) if first.strip().isdecimal() else first
    try:
        if takes is Takes.NUMBER:
            return field_values.number(first.strip())
        if takes is Takes.DATE:
            return field_values.day(first.strip())
    except ValueFault:
        pass
    return first


def _number(text: str) -> int | str:
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= 18 else text


def apply(draft: Draft, act: Act) -> Draft:
    """The draft after the button; one that fits nowhere changes nothing."""
    path = [int(part) for part in act.place.split(".")[1:]]
    if act.verb in ("add", "group"):
        group = _at(draft, path)
        if group is None or "rules" not in group:
            return draft
        if act.verb == "add":
            group["rules"].append(row())
        elif len(path) + 1 < MAX_DEPTH:
            group["rules"].append({"match": "any", "rules": [row()]})
        return draft
    parent, n = _at(draft, path[:-1]), path[-1] if path else -1
    rules: list[Draft] = parent.get("rules", []) if parent else []
    if not 0 <= n < len(rules):
        return draft
    other = n + {"up": -1, "down": 1}.get(act.verb, 0)
    if act.verb == "remove":
        del rules[n]
    elif 0 <= other < len(rules):
        rules[n], rules[other] = rules[other], rules[n]
    return draft


def _at(draft: Draft, path: list[int]) -> Draft | None:
    for n in path:
        rules = draft.get("rules", [])
        if n >= len(rules):
            return None
        draft = rules[n]
    return draft


def place_of(field: str) -> str:
    """tree.rules.1.rules.0.value, as faults name it → r.1.0.value, as the form does."""
    if "rules." not in field:
        return field
    return ROOT + "." + ".".join(part for part in field.split(".") if part not in ("tree", "rules"))


def as_json(draft: Draft) -> str:
    return orjson.dumps(draft, option=orjson.OPT_INDENT_2).decode()
