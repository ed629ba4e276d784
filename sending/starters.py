"""Starters: mails to begin with, written for this product in French and English; in the account's kit.

    data/starters/frame.mjml + {key}.mjml ─ one language of each [[fr||en]] ─▶ MJML as an author's own

They show no stock pictures, so that nothing is missing where images are off (F-11).
"""

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from mailer.core.errors import NotFound
from mailer.core.text import N_
from sending import footer

_FOLDER = Path(__file__).parent / "data" / "starters"
_WORDS = re.compile(r"\[\[(.*?)\|\|(.*?)\]\]", re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Starter:
    """`footer`: the standard one of newsletters stands at its end. `subject` in French and English."""

    key: str
    name: str
    about: str
    subject: tuple[str, str]
    footer: bool = True


STARTERS: tuple[Starter, ...] = (
    Starter(
        key="newsletter",
        name=N_("Newsletter with several items"),
        about=N_("A main story, two items in short, the same look each time."),
        subject=("Les nouvelles du mois", "This month’s news"),
    ),
    Starter(
        key="announcement",
        name=N_("Announcement"),
        about=N_("One piece of news, what changes, one thing to do."),
        subject=("Une nouvelle pour vous", "News for you"),
    ),
    Starter(
        key="event",
        name=N_("Event"),
        about=N_("Date and place at first sight, programme, booking, how to get there."),
        subject=("Invitation : notre rencontre du 12 juin", "Invitation: our gathering on 12 June"),
    ),
    Starter(
        key="shop",
        name=N_("Shop"),
        about=N_("Two items with their price, delivery and returns."),
        subject=("La sélection de la semaine", "This week’s selection"),
    ),
    Starter(
        key="welcome",
        name=N_("Welcome"),
        about=N_("The first message after a sign-up: what comes, how often, how to choose."),
        subject=("Bienvenue", "Welcome"),
    ),
    Starter(
        key="confirmation",
        name=N_("Confirmation"),
        about=N_("For transactional messages: a request with its reference. No unsubscribe link."),
        subject=("C’est confirmé", "It is confirmed"),
        footer=False,
    ),
    Starter(
        key="letter",
        name=N_("Plain letter"),
        about=N_("A few paragraphs and a signature, as from one person to another."),
        subject=("Quelques mots", "A few words"),
    ),
    Starter(
        key="survey",
        name=N_("Survey"),
        about=N_("One question, three answers, one press."),
        subject=("Votre avis en une minute", "Your opinion, in a minute"),
    ),
)
_BY_KEY = {one.key: one for one in STARTERS}
KEYS = tuple(_BY_KEY)


def find(key: str) -> Starter:
    """Raises NotFound."""
    try:
        return _BY_KEY[key]
    except KeyError:
        raise NotFound from None


@cache
def source(key: str, language: str) -> str:
    """Its MJML in French or English. Raises NotFound."""
    found = find(key)
    content = (_FOLDER / f"{found.key}.mjml").read_text("utf-8")
    whole = (_FOLDER / "frame.mjml").read_text("utf-8").replace("@@content@@\n", content)
    spoken = _WORDS.sub(lambda words: words[1 if language == "fr" else 2], whole)
    return str(footer.add_footer(spoken, language=language)) if found.footer else spoken


def subject(key: str, language: str) -> str:
    """Raises NotFound."""
    return find(key).subject[0 if language == "fr" else 1]
