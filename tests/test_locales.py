"""French and English are complete: every message that the source marks has its French, and none is left over."""

import io
import re
from pathlib import Path

import pytest
from babel.messages.extract import extract
from babel.messages.pofile import read_po

from mailer.web import i18n
from tests.statements import PACKAGES, ROOT

NBSP = "\N{NO-BREAK SPACE}"
NARROW = "\N{NARROW NO-BREAK SPACE}"
KEYWORDS = {"_": None, "N_": None, "ngettext": (1, 2), "translate": None, "ntranslate": (1, 2)}


def _source(pattern: str) -> list[Path]:
    return sorted(
        path
        for package in PACKAGES
        for path in (ROOT / package).rglob(pattern)
        if "node_modules" not in path.parts
    )


def marked() -> dict[str, str]:
    """msgid → where it stands."""
    found: dict[str, str] = {}
    for path in _source("*.py"):
        _collect(found, path, "python", {})
    for path in [*_source("templates/**/*.html"), *_source("templates/**/*.txt")]:
        _collect(found, path, "jinja2", {"extensions": "jinja2.ext.loopcontrols", "trimmed": "true"})
    return found


def _collect(found: dict[str, str], path: Path, method: str, options: dict[str, str]) -> None:
    extractor = "jinja2.ext:babel_extract" if method == "jinja2" else "python"
    for line, message, _, _ in extract(extractor, io.BytesIO(path.read_bytes()), KEYWORDS, (), options):
        text = message[0] if isinstance(message, tuple) else message
        if text:
            found.setdefault(text, f"{path.relative_to(ROOT)}:{line}")


@pytest.mark.req("A-126")
def test_every_message_has_its_french() -> None:
    known = i18n.catalogue("fr")
    assert {text: place for text, place in marked().items() if text not in known} == {}


def test_no_message_is_left_over() -> None:
    assert sorted(set(i18n.catalogue("fr")) - set(marked())) == []


def _entries() -> list[tuple[str, str, str]]:
    entries = []
    for path in sorted((i18n.FOLDER / "fr").glob("*.po")):
        with path.open("rb") as file:
            for message in read_po(file, locale="fr"):
                if message.id:
                    ids = message.id if isinstance(message.id, tuple) else (message.id,)
                    texts = message.string if isinstance(message.string, tuple | list) else (message.string,)
                    entries += [(path.name, ids[0], str(text)) for text in texts]
    return entries


def test_french_apostrophes_are_those_of_print() -> None:
    assert [text for _, _, text in _entries() if re.search(r"\w'[\w{<]", text)] == []


def test_rooms_agree_on_the_french_of_a_message() -> None:
    """All files make one catalogue: two texts for one message would win by the name of their file."""
    texts: dict[str, set[str]] = {}
    for path in sorted((i18n.FOLDER / "fr").glob("*.po")):
        with path.open("rb") as file:
            for message in read_po(file, locale="fr"):
                if message.id:
                    name = message.id[0] if isinstance(message.id, tuple) else message.id
                    texts.setdefault(name, set()).add(str(message.string))
    assert {name: found for name, found in texts.items() if len(found) > 1} == {}


def test_placeholders_are_the_same_in_both_languages() -> None:
    wrong = []
    for name, message, text in _entries():
        if set(re.findall(r"\{(\w+)\}", text)) - {"n"} != set(re.findall(r"\{(\w+)\}", message)) - {"n"}:
            wrong.append((name, message))
    assert wrong == []


def test_french_spaces_do_not_break() -> None:
    """A no-break space before a colon and inside guillemets, a narrow one before ; ? ! (ui 3.8)."""
    wrong = []
    for name, _, text in _entries():
        plain = re.sub(r"https?://\S+|\{\{.*?\}\}|`[^`]*`", "", text)
        if re.search(r"(?<=[^\s\d]) [:;?!»%]|« ", plain):
            wrong.append((name, text))
    assert wrong == []


def test_words_that_are_not_used() -> None:
    """ui 4.2."""
    banned_fr = re.compile(
        r"\b(blacklist|shooter|blast|NPAI|opt-in|opt-out|veuillez|désolé|oups|cliquez ici|invalide)\b", re.I
    )
    banned_en = re.compile(r"\b(blacklist|blast|please|sorry|oops|successfully|invalid|click here)\b", re.I)
    wrong = [text for _, _, text in _entries() if banned_fr.search(text)]
    wrong += [text for text in marked() if banned_en.search(text)]
    assert wrong == []
