"""The filters of the merge language, and how a value becomes text: no value makes them fail."""

from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from urllib.parse import quote, urlsplit

from babel.dates import format_date
from babel.numbers import format_decimal
from jinja2 import Undefined, pass_context
from jinja2.runtime import Context
from markupsafe import Markup, escape

Value = str | int | float | Decimal | bool | date | list[str] | None

MAX_ITEMS = 100
"""A loop runs over at most so many items of a list field (E-20, E-21)."""

LANGUAGE = "_language"
_LOCALES = {"fr": "fr_FR", "en": "en_GB"}
_YES_NO = {"fr": ("oui", "non"), "en": ("yes", "no")}
_DATE_FORMATS = frozenset({"short", "medium", "long", "full"})
_LINK_SCHEMES = frozenset({"http", "https", "mailto", "tel"})
# Unreserved characters and what RFC 3986 §2.2 reserves: an address that is whole is only made printable.
_URL_SAFE = "!#$%&'()*+,/:;=?@[]~-._"


def as_text(value: object, language: str = "en") -> str:
    """A value as a reader of `language` writes it; nothing becomes an empty text."""
    if isinstance(value, str):
        return value
    if value is None or isinstance(value, Undefined):
        return ""
    if isinstance(value, bool):
        return _YES_NO.get(language, _YES_NO["en"])[0 if value else 1]
    if isinstance(value, (list, tuple)):
        return ", ".join(as_text(item, language) for item in value[:MAX_ITEMS])
    if isinstance(value, date):
        return _written_day(value, "long", _locale(language))
    return str(value)


@pass_context
def finalize(context: Context, value: object) -> object:
    """Jinja's last step before output; a Markup stays one."""
    return value if isinstance(value, str) else as_text(value, _language(context))


def default_filter(value: object, fallback: object = "") -> object:
    """Unlike Jinja's own, an empty field counts as missing: marketers mean that."""
    return fallback if as_text(value).strip() == "" else value


@pass_context
def upper_filter(context: Context, value: object) -> str:
    return as_text(value, _language(context)).upper()


@pass_context
def lower_filter(context: Context, value: object) -> str:
    return as_text(value, _language(context)).lower()


@pass_context
def capitalize_filter(context: Context, value: object) -> str:
    """First letter large, the rest as it was typed: “McDonald” keeps its D."""
    text = as_text(value, _language(context))
    return text[:1].upper() + text[1:]


@pass_context
def truncate_filter(context: Context, value: object, length: object = 80) -> str:
    """At most `length` characters, cut between words, with an ellipsis."""
    text = as_text(value, _language(context))
    limit = length if isinstance(length, int) and 1 <= length <= 1000 else 80
    if len(text) <= limit:
        return text
    cut = text[: limit - 1]
    return (cut.rsplit(None, 1)[0] if " " in cut.strip() else cut).rstrip() + "…"


@pass_context
def date_filter(context: Context, value: object, style: object = "long") -> str:
    """A date in words of the reader's language; a text that is no ISO date stays as it is."""
    language = _language(context)
    day = value if isinstance(value, date) else _iso_date(as_text(value, language))
    if day is None:
        return as_text(value, language)
    chosen = style if isinstance(style, str) and style in _DATE_FORMATS else "long"
    return _written_day(day, chosen, _locale(language))


@pass_context
def number_filter(context: Context, value: object, decimals: object = None) -> str:
    """12480 → “12 480” or “12,480”; a text that is no number stays as it is."""
    language = _language(context)
    number = _number(value)
    # Beyond that the digits no longer fit Decimal's 28, and it is an id rather than an amount.
    if number is None or abs(number.adjusted()) > 15:
        return as_text(value, language)
    places = decimals if isinstance(decimals, int) and 0 <= decimals <= 6 else None
    pattern = "#,##0" + ("." + "0" * places if places else "") if places is not None else None
    return _written_number(number, pattern, _locale(language))


def field(record: object, key: str) -> object:
    """A member of contact, account, sender or list; nothing when it is missing, and never a method."""
    return record.get(key) if isinstance(record, dict) else None


def items(value: object) -> list[str]:
    """What `{% for %}` runs over: a list field, or one item when the field holds a single value."""
    if isinstance(value, (list, tuple)):
        return [as_text(item) for item in value[:MAX_ITEMS]]
    text = as_text(value).strip()
    return [text] if text else []


def url_part(value: object) -> Markup:
    """A value inside an address: everything but unreserved characters is percent-encoded (RFC 3986 §2.1)."""
    return Markup(quote(as_text(value), safe=""))  # noqa: S704 (only letters, digits and -._~% are left)


def url_whole(value: object) -> str:
    """A value that is an address by itself; nothing when it is not one a mail may link to (E-22)."""
    return clean_url(as_text(value))


def url_clean(value: object) -> str:
    """An address put together from parts. In HTML it arrives and leaves escaped (filter blocks are not)."""
    if isinstance(value, Markup):
        return escape(clean_url(value.unescape()))
    return clean_url(as_text(value))


def clean_url(url: str) -> str:
    """The address in printable ASCII, or “” when its scheme is not http, https, mailto or tel."""
    stripped = "".join(ch for ch in url.strip() if ch > " " and ch != "\x7f")
    scheme = stripped.partition(":")[0].lower()
    if scheme not in _LINK_SCHEMES or (scheme in {"http", "https"} and not _host(stripped)):
        return ""
    return quote(stripped, safe=_URL_SAFE)


def compare(left: object, operator: str, right: object) -> bool:
    """A comparison that never fails: as numbers when both are, else as text."""
    if operator in {"in", "notin"}:
        return _contains(right, left) is (operator == "in")
    if isinstance(left, bool) or isinstance(right, bool):
        return _ordered(bool(left), operator, bool(right))
    a, b = _number(left), _number(right)
    if a is not None and b is not None:
        return _ordered(a, operator, b)
    return _ordered(_comparable(left), operator, _comparable(right))


def _ordered(a: Decimal | bool | str, operator: str, b: Decimal | bool | str) -> bool:
    match operator:
        case "eq":
            return a == b
        case "ne":
            return a != b
        case "lt":
            return bool(a < b)  # type: ignore[operator]  # both of one kind by compare()
        case "lteq":
            return bool(a <= b)  # type: ignore[operator]  # both of one kind by compare()
        case "gt":
            return bool(a > b)  # type: ignore[operator]  # both of one kind by compare()
        case _:
            return bool(a >= b)  # type: ignore[operator]  # both of one kind by compare()


def _contains(container: object, item: object) -> bool:
    if isinstance(container, (list, tuple)):
        wanted = as_text(item)
        return any(as_text(one) == wanted for one in container[:10_000])
    return as_text(item) in as_text(container)


def _comparable(value: object) -> str:
    return value.isoformat() if isinstance(value, date) else as_text(value)


def _number(value: object) -> Decimal | None:
    if isinstance(value, bool) or not isinstance(value, (int, float, Decimal, str)) or value == "":
        return None
    if isinstance(value, str) and len(value) > 40:
        return None
    try:
        number = Decimal(str(value).strip())
    except InvalidOperation:
        return None
    # An exponent of a million would be a million digits when printed.
    return number if number.is_finite() and abs(number.adjusted()) <= 60 else None


def _iso_date(text: str) -> date | None:
    try:
        return datetime.fromisoformat(text.strip()).date()
    except ValueError:
        return None


def _host(url: str) -> str | None:
    try:
        return urlsplit(url).hostname
    except ValueError:
        return None


def _language(context: Context) -> str:
    language = context.get(LANGUAGE)
    return language if isinstance(language, str) else "en"


def _locale(language: str) -> str:
    return _LOCALES.get(language, "en_GB")


# the mails of a campaign repeat few days and amounts, and writing one costs more than rendering a part


@lru_cache(2048)
def _written_day(day: date, style: str, locale: str) -> str:
    return format_date(day, format=style, locale=locale)


@lru_cache(2048)
def _written_number(number: Decimal, pattern: str | None, locale: str) -> str:
    marks = _marks(locale)
    if pattern is None and marks and number >= 0 and int(number.as_tuple().exponent) >= -3:
        # what most numbers are, and a tenth of the time
        whole, _, fraction = f"{number:,f}".partition(".")
        fraction = fraction.rstrip("0")
        return whole.replace(",", marks[0]) + (marks[1] + fraction if fraction else "")
    return str(format_decimal(number, format=pattern, locale=locale))


@lru_cache
def _marks(locale: str) -> tuple[str, str] | None:
    """What groups digits by three and stands before a fraction; None where a language does otherwise."""
    written = str(format_decimal(Decimal("1234567.125"), locale=locale))
    group, point = written[1], written[-4]
    return (group, point) if written == f"1{group}234{group}567{point}125" else None
