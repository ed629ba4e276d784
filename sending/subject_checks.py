"""What a subject may not pretend, and what makes filters and readers turn away from it (B-24, D-60)."""

import re
import unicodedata

from mailer.core.text import N_
from sending.problems import Problem, error, warning
from sending.visibility import INVISIBLE_CHARACTERS

MAX_SUBJECT = 150
SHOWN = 70
"""Characters of a subject that a mailbox on a computer shows; a telephone shows about 40."""

_REPLY = re.compile(r"^(re|fwd?|tr|rép|rep|aw|wg)\s*(\[\d+\])?\s*:", re.IGNORECASE)
_TAG = re.compile(r"\{\{.*?\}\}|\{%.*?%\}|\{#.*?#\}", re.DOTALL)
# “!!”, “?!?” or three exclamation marks in all; money signs in a row (SpamAssassin's SUBJ_DOLLARS and alike)
_LOUD = re.compile(r"[!?]{2,}|!.*!.*!|[$€£]{2,}", re.DOTALL)
_FEWEST_LETTERS = 8


def check_subject(subject: str) -> list[Problem]:
    """Findings on a subject, as it is written or as one person gets it. Emoji are fine."""
    if not subject.strip():
        return [error(0, "subject", N_("Write the campaign subject."))]
    if len(subject) > MAX_SUBJECT:
        message = N_("The subject has {size} characters; {limit} at most.")
        return [error(0, "subject", message, size=len(subject), limit=MAX_SUBJECT)]
    if prefix := fake_reply(subject):
        message = N_("The subject begins with “{prefix}”, as an answer would. Remove it: this is no answer.")
        return [error(0, "subject", message, prefix=prefix)]
    return _style(subject)


def fake_reply(subject: str) -> str:
    """The “Re:” or “Fwd:” that it begins with, however it is disguised; else nothing."""
    plain = unicodedata.normalize("NFKC", subject)
    words = INVISIBLE_CHARACTERS.sub(" ", plain).strip()
    found = _REPLY.match(words)
    return found[0] if found else ""


def _style(subject: str) -> list[Problem]:
    problems: list[Problem] = []
    words = _TAG.sub("", subject)
    letters = [one for one in words if one.isalpha()]
    large = sum(one.isupper() for one in letters)
    if len(words) > SHOWN:
        message = N_(
            "The subject has {size} characters: a computer shows about {limit} of them, a telephone "
            "about 40. Put what counts first."
        )
        problems.append(warning(0, "subject", message, size=len(words), limit=SHOWN))
    if len(letters) >= _FEWEST_LETTERS and large * 10 >= len(letters) * 7:
        message = N_(
            "{large} of the {letters} letters of the subject are capitals: spam filters and readers take "
            "that for shouting. Write it as a sentence."
        )
        problems.append(warning(0, "subject", message, large=large, letters=len(letters)))
    if found := _LOUD.search(words):
        message = N_("The subject holds “{marks}”: one mark says as much and looks less like spam.")
        problems.append(warning(0, "subject", message, marks=found[0][:30]))
    return problems
