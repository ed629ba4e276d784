"""Legal pages: which there are, their version and date, and the facts they are filled with (A-066, A-050).

The words stand in templates/legal/<page>_<language>.html; the facts come from the operator's file, none is
invented.
"""

from dataclasses import dataclass
from datetime import date
from typing import Any

from mailer.accounts import prose
from mailer.core.operator import Operator
from mailer.core.settings import Settings
from mailer.core.text import N_
from mailer.web import i18n, templating


@dataclass(frozen=True, slots=True)
class Document:
    """`version` changes with every change of the words; `updated` is the day it was written.

    `earlier`: versions that Mailer shipped before and whose acceptance still counts.
    """

    title: str
    version: str
    updated: date
    earlier: tuple[str, ...] = ()


_FIRST, _SECOND = date(2026, 11, 22), date(2026, 11, 27)
PAGES = {
    "privacy": Document(N_("Privacy policy"), "2026-11-27", _SECOND),
    "terms": Document(N_("Terms of use"), "2026-11", _FIRST),
    "agreement": Document(N_("Data processing agreement"), "2026-11-27", _SECOND, earlier=("2026-11",)),
    "responsibilities": Document(N_("Your responsibilities"), "2026-11", _FIRST),
    "sub-processors": Document(N_("Sub-processors and hosts"), "2026-11", _FIRST),
    "cookies": Document(N_("Cookies"), "2026-11", _FIRST),
    "accessibility": Document(N_("Accessibility"), "2026-11", _FIRST),
    "authority-requests": Document(N_("Requests of authorities"), "2026-11", _FIRST),
    "abuse": Document(N_("Report an unwanted e-mail"), "2026-11", _FIRST),
    "help": Document(N_("Help"), "2026-11", _FIRST),
    "versions": Document(N_("Versions of these pages"), "2026-11", _FIRST),
}


def template(name: str) -> str:
    """The words of a page in the language of the request."""
    return f"accounts/legal/{name.replace('-', '_')}_{i18n.language()}.html"


def facts(settings: Settings) -> dict[str, Any]:
    """What the words are filled with."""
    return _facts(settings.operator)


def _facts(operator: Operator) -> dict[str, Any]:
    names = dict(i18n.countries())
    return {
        "operator": operator,
        "operator_country": names.get(operator.country, operator.country),
        "country_names": names,
        "pages": PAGES,
    }


def shipped_text(name: str, language: str, operator: Operator) -> str:
    """The words of a page that Mailer ships, with the operator's facts, as a text (prose.py)."""
    with i18n.speaking(language):
        rendered = templating.render_text(template(name), _facts(operator))
    return prose.from_html(rendered)
