"""Merge tags swapped for inert tokens and back, so that HTML tools neither change nor are broken by them.

A token in a text or attribute is one word; where a tag steers (`{% if %}`) and stands between elements it is
a comment, because a parser would push a word out of a table.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field

from sending.merge import Tag
from sending.mjml_source import Lines, Piece, scan
from sending.mjml_words import PLAIN_INSIDE
from sending.problems import Problem

_RAW_TEXT = PLAIN_INSIDE | {"title", "style", "script", "textarea"}
_CONDITIONAL = re.compile(r"<!--\s*(\[if\b|<!\[endif)", re.IGNORECASE)
# A literal brace that Jinja would read as the beginning of a tag, or that would join the tag after it.
_OPENING = re.compile(r"\{(?=[{%#]|$)")


@dataclass(frozen=True, slots=True)
class Slot:
    """What a token stands for in each part, as merge language."""

    html: str
    text: str
    kind: str = "output"


@dataclass(slots=True)
class Slots:
    """Tokens and what they stand for; `word` occurs nowhere in the source they are made for."""

    word: str
    slots: list[Slot] = field(default_factory=list)

    def add(self, slot: Slot) -> str:
        self.slots.append(slot)
        return f"{self.word}{len(self.slots) - 1}e"

    @property
    def pattern(self) -> re.Pattern[str]:
        return re.compile(f"<!--{self.word}(\\d+)e-->|{self.word}(\\d+)e")

    def expand(self, text: str, choose: Callable[[Slot], str]) -> str:
        """Tokens become merge tags again; every other character is data, whatever it looks like."""
        pieces: list[str] = []
        position = 0
        for match in self.pattern.finditer(text):
            pieces.append(escape_data(text[position : match.start()]))
            pieces.append(choose(self.slots[int(match[1] or match[2])]))
            position = match.end()
        pieces.append(escape_data(text[position:]))
        return "".join(pieces)

    def inside(self, text: str) -> list[Slot]:
        return [self.slots[int(match[1] or match[2])] for match in self.pattern.finditer(text)]


def escape_data(text: str) -> str:
    """A literal as merge language: `&#123;{ x }}` decodes to braces and must not become a tag."""
    return _OPENING.sub('{{ "{" }}', text)


def slots_for(source: str) -> Slots:
    word = "xmt"
    while word in source.lower():
        word += "q"
    return Slots(word)


def swap(source: str, masked: str, found: list[Tag], slots: Slots) -> str:
    """The source with tokens for tags, without its comments (Outlook's stay) and with the same lines."""
    out: list[str] = []
    open_names: list[str] = []
    upcoming = iter([*found, None])
    tag = next(upcoming)
    for piece in scan(masked, Lines(masked)):
        if isinstance(piece, Problem):
            continue
        inside: list[Tag] = []
        while tag is not None and tag.start < piece.end:
            inside.append(tag)
            tag = next(upcoming)
        out.append(_piece(source, piece, inside, slots, open_names[-1] if open_names else ""))
        if piece.kind == "open" and not piece.closed:
            open_names.append(piece.name)
        elif piece.kind == "close" and piece.name in open_names:
            while open_names.pop() != piece.name:
                pass
    return "".join(out)


def _piece(source: str, piece: Piece, inside: list[Tag], slots: Slots, parent: str) -> str:
    dropped = piece.kind == "comment" and not _CONDITIONAL.match(source, piece.start)
    comments = piece.kind == "text" and parent not in _RAW_TEXT
    out: list[str] = []
    position = piece.start
    for tag in inside:
        literal = source[position : tag.start]
        out.append("\n" * literal.count("\n") if dropped else literal)
        if tag.kind == "block" and (dropped or comments):
            out.append(f"<!--{slots.add(Slot(tag.text, tag.text, 'block'))}-->")
        elif tag.kind != "comment" and not dropped:
            out.append(slots.add(Slot(tag.text, tag.text, tag.kind)))
        out.append("\n" * tag.text.count("\n"))
        position = tag.end
    literal = source[position : piece.end]
    out.append("\n" * literal.count("\n") if dropped else literal)
    return "".join(out)
