"""The privacy policy of a controller, from its account's facts; what is missing is a visible gap (A-095).

The words stand in templates/privacy_policy_<language>.html; each item of articles 13 and 14 has its heading.
"""

from collections.abc import Mapping

from mailer.accounts import destinations, prose
from mailer.core.text import N_
from mailer.web import i18n, templating
from retention_jobs.processing import BASES, KINDS, Processing

LANGUAGES = ("fr", "en")
TITLE = N_("Privacy policy")
# heading in the text → the item that it answers; a test asks that none is missing
ITEMS: Mapping[str, str] = {
    "1": "13(1)(a)",
    "2": "13(1)(b)",
    "3": "13(1)(c)",
    "4": "14(1)(d), 14(2)(f)",
    "5": "13(1)(e)",
    "6": "13(1)(f)",
    "7": "13(2)(a)",
    "8": "13(2)(b), 13(2)(c)",
    "9": "13(2)(d)",
    "10": "13(2)(e)",
    "11": "13(2)(f)",
    "12": "Directive 2002/58/EC, article 5(3)",
}


def text(found: Processing, language: str) -> str:
    """As Markdown (prose.py); facts in it are never marks."""
    with i18n.speaking(language):
        names = dict(i18n.countries())
        rendered = templating.render_text(
            f"retention_jobs/privacy_policy_{language}.html",
            {
                "found": found,
                "country_names": names,
                "bases": BASES,
                "kinds": KINDS,
                "kinds_of_destination": destinations.KINDS,
            },
        )
    return prose.from_html(rendered)


def gaps(written: str) -> int:
    """How many facts are missing."""
    return written.count("[à compléter") + written.count("[to be completed")
