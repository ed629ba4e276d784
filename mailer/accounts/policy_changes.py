"""What differs between two versions of a text, line by line, for people to read (A-040)."""

from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Literal

from mailer.accounts import prose


@dataclass(frozen=True, slots=True)
class Line:
    """`same` stands for `count` lines that did not change, and carries the last heading among them."""

    kind: Literal["added", "removed", "same"]
    text: str
    count: int = 1


def _lines(text: str) -> list[tuple[str, str]]:
    """Whichever spaces stand between words: they say the same."""
    return [
        (block.kind, " ".join(prose.bare(line).split()))
        for block in prose.parse(text)
        for line in block.lines
    ]


def between(before: str, after: str) -> list[Line]:
    """Without any added or removed line: the texts say the same."""
    old, new = _lines(before), _lines(after)
    found: list[Line] = []
    for verb, a, b, c, d in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if verb == "equal":
            heading = next((text for kind, text in reversed(new[c:d]) if kind in ("h2", "h3")), "")
            found.append(Line("same", heading, d - c))
            continue
        found += [Line("removed", text) for _, text in old[a:b]]
        found += [Line("added", text) for _, text in new[c:d]]
    return found


def differ(lines: list[Line]) -> bool:
    return any(line.kind != "same" for line in lines)
