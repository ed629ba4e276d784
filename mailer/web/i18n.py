"""Languages: catalogues, and how dates and numbers are written. French first (A-126). The doorway of Babel.

Message ids are the English texts; `locales/fr/<room>.po` holds the French ones. Plurals: `n > 1` in French.
The language of a request stands in a ContextVar, set by the middleware, so that templates need not pass it.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, date, datetime, timedelta, tzinfo
from functools import cache
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from babel import dates, numbers
from babel.messages.pofile import read_po

from mailer.core import clock

LANGUAGES = ("fr", "en")
LOCALES = {"fr": "fr_FR", "en": "en_GB"}
FOLDER = Path(__file__).parent / "locales"
_language: ContextVar[str] = ContextVar("language", default="fr")


@cache
def catalogue(language: str) -> dict[str, str | tuple[str, ...]]:
    """msgid → text, or the forms of a plural."""
    found: dict[str, str | tuple[str, ...]] = {}
    for path in sorted((FOLDER / language).glob("*.po")):
        with path.open("rb") as file:
            for message in read_po(file, locale=language):
                if not message.id or not message.string:
                    continue
                if isinstance(message.id, str):
                    found[message.id] = str(message.string)
                else:
                    found[message.id[0]] = tuple(message.string)
    return found


def use_language(language: str) -> None:
    _language.set(language if language in LANGUAGES else "fr")


def language() -> str:
    return _language.get()


@contextmanager
def speaking(language: str) -> Iterator[None]:
    """Inside it another language is in use; afterwards the one before."""
    before = _language.get()
    use_language(language)
    try:
        yield
    finally:
        _language.set(before)


def translate(message: str, **params: object) -> str:
    """The message in the language of the request, its `{params}` filled in (numbers as the language does)."""
    found = catalogue(language()).get(message, message)
    text = found if isinstance(found, str) else found[0]
    return fill(text, params)


def ntranslate(singular: str, plural: str, n: int, **params: object) -> str:
    """As ngettext: 0 and 1 are singular in French, only 1 in English (ui 3.8)."""
    found = catalogue(language()).get(singular)
    text = singular if n == 1 else plural
    if isinstance(found, tuple):
        text = found[1 if n > 1 else 0]
    return fill(text, {"n": n, **params})


def fill(text: str, params: dict[str, object]) -> str:
    if not params:
        return text
    shown = {
        key: number(value) if isinstance(value, int | float) and not isinstance(value, bool) else value
        for key, value in params.items()
    }
    return text.format_map(shown)


def best_language(*wishes: str | None, accept: str = "") -> str:
    """The first wish we have; then the browser's order; then French. Never by IP address (A-126)."""
    for wish in wishes:
        if wish in LANGUAGES:
            return str(wish)
    weighted = []
    for position, part in enumerate(accept.split(",")[:20]):
        tag, _, quality = part.strip().partition(";q=")
        try:
            weight = float(quality) if quality else 1.0
        except ValueError:
            weight = 0.0
        weighted.append((-weight, position, tag.strip()[:2].lower()))
    for weight, _, tag in sorted(weighted):
        if weight < 0 and tag in LANGUAGES:
            return tag
    return "fr"


def zone(name: str) -> tzinfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        return UTC


def number(value: float) -> str:
    """12 480 with U+202F in French, 12,480 in English."""
    return numbers.format_decimal(value, locale=LOCALES[language()])


def percent(part: int, whole: int) -> str:
    """One decimal; a base under 10 shows counts only; under 0.1 says so (ui 3.8)."""
    if whole < 10:
        return f"{number(part)} / {number(whole)}"
    share = part / whole
    tiny = 0 < share < 0.001
    text = numbers.format_percent(
        0.001 if tiny else share,
        format="#,##0.0 %" if language() == "fr" else "#,##0.0%",
        locale=LOCALES[language()],
    )
    # a sign alone at the start of a line says nothing
    text = text.replace(" %", "\N{NO-BREAK SPACE}%")
    return f"<\N{NO-BREAK SPACE}{text}" if tiny else text


def moment(value: datetime, zone_name: str, *, long: bool = False) -> str:
    """24 nov. 2026, 09:30; long: mardi 24 novembre 2026 à 09:30."""
    local = value.astimezone(zone(zone_name))
    if language() == "fr":
        pattern = "EEEE d MMMM y 'à' HH:mm" if long else "d MMM y, HH:mm"
    else:
        pattern = "EEEE d MMMM y 'at' HH:mm" if long else "d MMM y, HH:mm"
    return dates.format_datetime(local, pattern, locale=LOCALES[language()])


def day(value: date | datetime, zone_name: str = "UTC") -> str:
    """24 nov. 2026."""
    if isinstance(value, datetime):
        value = value.astimezone(zone(zone_name)).date()
    return dates.format_date(value, "d MMM y", locale=LOCALES[language()])


def month(number: int) -> str:
    """novembre; November."""
    return str(dates.get_month_names("wide", context="stand-alone", locale=LOCALES[language()])[number])


def iso_day(text: str) -> str:
    """2026-11-24, as JSON keeps it, for a reader."""
    return day(date.fromisoformat(text))


def size(value: int) -> str:
    """1,2 Mo; 1.2 MB."""
    units = ("o", "ko", "Mo", "Go") if language() == "fr" else ("B", "kB", "MB", "GB")
    amount, unit = float(value), 0
    while amount >= 1000 and unit < 3:
        amount, unit = amount / 1000, unit + 1
    return f"{number(round(amount, 1) if unit else int(amount))} {units[unit]}"


def zone_city(name: str) -> str:
    """Paris, Londres: in the language of the request."""
    return dates.get_timezone_location(zone(name), locale=LOCALES[language()], return_city=True)


def zone_words(name: str) -> str:
    """Paris (UTC+1): the city in the language of the request, and what is in force there now."""
    there = zone(name)
    city = zone_city(name)
    minutes = int((clock.now().astimezone(there).utcoffset() or timedelta()).total_seconds() // 60)
    if city == "UTC" or not minutes:
        return city
    hours, rest = divmod(abs(minutes), 60)
    return f"{city} (UTC{'−' if minutes < 0 else '+'}{hours}{f':{rest:02d}' if rest else ''})"


def zone_names() -> list[str]:
    """For a select: the zones of Europe first, then the others."""
    from zoneinfo import available_timezones

    names = [
        name for name in available_timezones() if "/" in name and not name.startswith(("Etc", "SystemV"))
    ]
    return sorted(names, key=lambda name: (name != "Europe/Paris", not name.startswith("Europe/"), name))


@cache
def _countries_by_name() -> dict[str, str]:
    """Folded name in each of our languages, and folded code → code."""
    from babel import Locale

    found: dict[str, str] = {}
    for locale in LOCALES.values():
        for code, name in Locale.parse(locale).territories.items():
            if len(code) == 2 and code.isalpha():
                found |= {str(name).casefold(): code, code.casefold(): code}
    return found


def zones_of_country(text: str) -> tuple[str, ...]:
    """The IANA zones of a country by its code or its French or English name; none when there is none."""
    from babel.core import get_global

    code = _countries_by_name().get(text.casefold(), "")
    return tuple(sorted(get_global("territory_zones").get(code, ())))


def countries() -> list[tuple[str, str]]:
    """Code and name in the language of the request, sorted by name."""
    from babel import Locale

    territories = Locale.parse(LOCALES[language()]).territories
    return sorted(
        (
            (code, name)
            for code, name in territories.items()
            if len(code) == 2 and code.isalpha() and code != "ZZ"
        ),
        key=lambda pair: pair[1],
    )
