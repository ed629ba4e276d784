"""Values of custom fields: what people write in a cell or a form → the typed value in `contacts.fields`.

`read(write(value), type) == value` for every value: exports come back as they were (A-013).
"""

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from enum import StrEnum
from functools import lru_cache, partial

from mailer.core.text import N_


class FieldType(StrEnum):
    TEXT = "text"
    NUMBER = "number"
    DATE = "date"
    BOOLEAN = "boolean"
    LIST = "list"
    CHOICE = "choice"  # one of the field's options
    CHOICES = "choices"  # several of them


CHOOSING = (FieldType.CHOICE, FieldType.CHOICES)


# JSON as it stands in `contacts.fields`: a date is its ISO text, a list holds texts
Value = str | int | float | bool | list[str]

MAX_ITEMS = 100


class ValueFault(ValueError):
    """The text is no value of this type. `message` is an English msgid with `params`."""

    def __init__(self, code: str, message: str, params: Mapping[str, str] | None = None) -> None:
        super().__init__(code)
        self.code, self.message, self.params = code, message, params or {}


NOT_A_NUMBER = N_("This is not a number. Write it like 1234.5 or 1 234,5.")
NOT_A_DATE = N_("This is not a date. Write it like 31/12/2026 or 2026-12-31.")
NOT_A_BOOLEAN = N_("This is neither yes nor no. Write yes or no.")
NO_OPTION = N_("This is none of the options. Write one of: {options}.")
TOO_MANY_ITEMS = N_("This list has more than 100 items. Keep 100 at most.")
UNREADABLE = N_("This cell has a character that cannot be stored. Remove it.")


def read(text: str, kind: FieldType, *, decimal_comma: bool = True, options: Sequence[str] = ()) -> Value:
    """Trimmed text, not empty → value, or ValueFault. `decimal_comma`: is "1,234" 1.234 or 1234?"""
    return reader(kind, decimal_comma=decimal_comma, options=options)(text)


def reader(
    kind: FieldType, *, decimal_comma: bool = True, options: Sequence[str] = ()
) -> Callable[[str], Value]:
    """`read` for a whole column, chosen once: the choice costs more than most values."""
    match kind:
        case FieldType.TEXT:
            return storable
        case FieldType.NUMBER:
            return partial(number, decimal_comma=decimal_comma)
        case FieldType.DATE:
            return day
        case FieldType.BOOLEAN:
            return boolean
        case FieldType.LIST:
            return items
        case FieldType.CHOICE | FieldType.CHOICES:
            known = {one.casefold(): one for one in options}
            return partial(choice if kind is FieldType.CHOICE else choices, known=known)


def storable(text: str) -> str:
    """The text itself, or ValueFault: PostgreSQL stores no NUL, in text or jsonb."""
    if "\0" in text:
        raise ValueFault("character", UNREADABLE)
    return text


_SPACES = re.compile(r"[\s\u00a0\u2009\u202f’']")
# groups of three: "1 234 567" (spaces are gone by then), "1,234,567", "1.234.567"
_PLAIN_NUMBER = re.compile(r"[+-]?\d{1,30}(?:[.,]\d{1,15})?", re.ASCII)
_ENGLISH_NUMBER = re.compile(r"[+-]?\d{1,3}(?:,\d{3}){1,9}(?:\.\d{1,15})?", re.ASCII)
_CONTINENTAL_NUMBER = re.compile(
    r"[+-]?\d{1,3}(?:\.\d{3}){1,9},\d{1,15}|[+-]?\d{1,3}(?:\.\d{3}){2,9}", re.ASCII
)
_GROUPED_BY_SPACES = re.compile(r"[+-]?\d{1,3}(?:[\s\u00a0\u2009\u202f’']\d{3})+(?:[.,]\d{1,15})?", re.ASCII)


def number(text: str, *, decimal_comma: bool = True) -> int | float:
    """French or English writing → int, or float when there are decimals."""
    if text.isdecimal() and text.isascii() and len(text) <= 15:
        return int(text)
    if "€" in text:
        text = text.removeprefix("€").removesuffix("€").strip()  # amounts as spreadsheets show them
    plain = text
    if _SPACES.search(text):
        if not _GROUPED_BY_SPACES.fullmatch(text):
            raise ValueFault("number", NOT_A_NUMBER)
        plain = _SPACES.sub("", text)
    if _PLAIN_NUMBER.fullmatch(plain) and (
        decimal_comma or plain is not text or not _ENGLISH_NUMBER.fullmatch(plain)
    ):
        return _exact(plain.replace(",", "."))
    if _ENGLISH_NUMBER.fullmatch(plain):
        return _exact(plain.replace(",", ""))
    if _CONTINENTAL_NUMBER.fullmatch(plain):
        return _exact(plain.replace(".", "").replace(",", "."))
    raise ValueFault("number", NOT_A_NUMBER)


def _exact(plain: str) -> int | float:
    """Refuses what a JSON number would round: more than 15 digits with decimals, or beyond 2^53."""
    if "." not in plain:
        whole = int(plain)
        if abs(whole) > 2**53:
            raise ValueFault("number", NOT_A_NUMBER)
        return whole
    if len(Decimal(plain).normalize().as_tuple().digits) > 15:
        raise ValueFault("number", NOT_A_NUMBER)
    return float(plain)


_ISO_DAY = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})(?:[T ][\d:.,+Z-]*)?", re.ASCII)
_FRENCH_DAY = re.compile(r"(\d{1,2})[/.-](\d{1,2})[/.-](\d{4})(?: [\d:]*)?", re.ASCII)


@lru_cache(maxsize=4096)  # a column of dates repeats itself: 0.1 µs instead of 2
def day(text: str) -> str:
    """ISO or dd/mm/yyyy (also with - or . between, also with a time behind) → ISO date. Never mm/dd/yyyy."""
    if found := _ISO_DAY.fullmatch(text):
        year, month, dom = map(int, found.groups())
    elif found := _FRENCH_DAY.fullmatch(text):
        dom, month, year = map(int, found.groups())
    else:
        raise ValueFault("date", NOT_A_DATE)
    try:
        return date(year, month, dom).isoformat()
    except ValueError as error:
        raise ValueFault("date", NOT_A_DATE) from error


_BOOLEANS = {
    **dict.fromkeys(("oui", "o", "yes", "y", "vrai", "v", "true", "t", "1", "x", "on", "✓"), True),
    **dict.fromkeys(("non", "n", "no", "faux", "false", "f", "0", "off"), False),
}


def boolean(text: str) -> bool:
    """oui, non, yes, no, vrai, faux, true, false, 1, 0, x …"""
    found = _BOOLEANS.get(text.casefold())
    if found is None:
        raise ValueFault("boolean", NOT_A_BOOLEAN)
    return found


_ITEM = re.compile(r"((?:[^|\\]|\\.|\\\Z)*)(?:\||\Z)", re.DOTALL)


def items(text: str) -> list[str]:
    r"""`a|b` → its items, trimmed, without empty ones and repeats; `\|` and `\\` stand for themselves."""
    parts = storable(text).split("|")
    if "\\" in text:
        parts = [re.sub(r"\\([|\\])", r"\1", found[1]) for found in _ITEM.finditer(text)]
    kept = list(dict.fromkeys(stripped for part in parts if (stripped := part.strip())))
    if len(kept) > MAX_ITEMS:
        raise ValueFault("list", TOO_MANY_ITEMS)
    return kept


_NAMED = 10  # options that a fault lists


def choice(text: str, *, known: Mapping[str, str]) -> str:
    """An option, however its letters are cased, as the field writes it."""
    found = known.get(text.casefold())
    if found is None:
        named = ", ".join(list(known.values())[:_NAMED]) + (" …" if len(known) > _NAMED else "")
        raise ValueFault("option", NO_OPTION, {"options": named})
    return found


def choices(text: str, *, known: Mapping[str, str]) -> list[str]:
    """`a|b` → options in the order of the text."""
    return list(dict.fromkeys(choice(item, known=known) for item in items(text)))


def write(value: Value | None) -> str:
    """A value → the text of its cell, which `read` turns into the same value."""
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case float():
            return format(Decimal(repr(value)), "f")
        case list():
            return "|".join(item.replace("\\", "\\\\").replace("|", "\\|") for item in value)
        case _:
            return str(value)
