"""The builder's form as it is posted → a draft's values, rows moved as a button asks. Pure.

fields.0.key, fields.0.label, fields.0.required · purposes.0.list_id, purposes.0.text · do = fields.up.1
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

_ROW = re.compile(r"(fields|purposes)\.(\d{1,3})\.(key|label|required|list_id|text)")
_ACT = re.compile(r"(fields|purposes)\.(add|up|down|remove)(?:\.(\d{1,3}))?")
_BOXES = ("ask_opens", "ask_clicks", "double_opt_in")
_TEXTS = (
    "name", "language", "title", "intro", "button", "age_rule", "minimum_age", "younger", "privacy_text",
    "privacy_url", "single_reason", "thanks", "redirect_url", "accent",
)  # fmt: skip
Row = dict[str, Any]


def read(posted: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    """What the form holds, for `Draft`; a box that is not sent says no."""
    values: dict[str, Any] = {name: posted[name][0] for name in _TEXTS if posted.get(name)}
    values |= {name: bool(posted.get(name)) for name in _BOXES}
    return values | {"fields": _rows(posted, "fields"), "purposes": _rows(posted, "purposes")}


def _rows(posted: Mapping[str, Sequence[str]], kind: str) -> list[Row]:
    found: dict[int, Row] = {}
    for name, sent in posted.items():
        match = _ROW.fullmatch(name)
        if match and match[1] == kind and sent:
            value: object = True if match[3] == "required" else sent[0]
            found.setdefault(int(match[2]), {})[match[3]] = value
    key = "key" if kind == "fields" else "list_id"
    return [row for _, row in sorted(found.items()) if row.get(key)]


def act(values: dict[str, Any], posted: Mapping[str, Sequence[str]], wish: str) -> str:
    """Moves, adds or takes away a row in `values`; returns where on the page that is, "" for no such wish."""
    match = _ACT.fullmatch(wish)
    if not match:
        return ""
    kind, what = match[1], match[2]
    rows: list[Row] = values[kind]
    if what == "add":
        chosen = (posted.get(f"{kind}.new") or [""])[0]
        if chosen:
            rows.append({"key" if kind == "fields" else "list_id": chosen})
        return kind
    n = int(match[3] or "999")
    if n >= len(rows):
        return kind
    if what == "remove":
        del rows[n]
        return kind
    other = n - 1 if what == "up" else n + 1
    if 0 <= other < len(rows):
        rows[n], rows[other] = rows[other], rows[n]
    return kind
