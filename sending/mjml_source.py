"""MJML as a row of pieces with their places: what the linter reads and the compiler cuts."""

import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from mailer.core.text import N_
from sending.problems import Problem, error

# HTML elements without an end tag.
_VOID_NAMES = "area base br col embed hr img input link meta param source track wbr"
VOID = frozenset(_VOID_NAMES.split(" "))

_NAME = re.compile(r"[A-Za-z][\w:.-]*")
_ATTRIBUTE = re.compile(r"""\s*([^\s=<>"'/]+)(?:\s*=\s*("[^"]*"|'[^']*'|[^\s"'<>]+))?""")
_TAG_END = re.compile(r"\s*(/?)>")
_END_TAG = re.compile(r"</([A-Za-z][\w:.-]*)\s*>")


@dataclass(frozen=True, slots=True)
class Attribute:
    name: str
    value: str | None
    quote: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Piece:
    """One tag, text or comment; `start` and `end` are characters of the source."""

    kind: Literal["open", "close", "text", "comment"]
    name: str
    start: int
    end: int
    attributes: tuple[Attribute, ...] = ()
    closed: bool = False

    def value(self, attribute: str) -> str | None:
        return next((one.value for one in self.attributes if one.name == attribute), None)


class Lines:
    """Turns a character position into line and column, both from 1."""

    def __init__(self, source: str) -> None:
        self._starts = [0, *(match.end() for match in re.finditer("\n", source))]

    def line(self, position: int) -> int:
        return bisect_right(self._starts, position)

    def column(self, position: int) -> int:
        return position - self._starts[self.line(position) - 1] + 1


def scan(source: str, lines: Lines) -> Iterator[Piece | Problem]:
    """Pieces in order; a Problem where the source cannot be read as tags, which may end the walk."""
    position = 0
    while position < len(source):
        opening = source.find("<", position)
        if opening != position:
            end = opening if opening >= 0 else len(source)
            yield Piece("text", "", position, end)
            position = end
            continue
        piece = _tag(source, position, lines)
        yield piece
        if isinstance(piece, Problem):
            if piece.code != "stray_angle":
                return
            position += 1
        else:
            position = piece.end


def _tag(source: str, start: int, lines: Lines) -> Piece | Problem:
    line, column = lines.line(start), lines.column(start)
    if source.startswith("<!--", start):
        end = source.find("-->", start + 4)
        if end < 0:
            message = N_("Line {line}: this comment is never closed. Write “-->” where it ends.")
            return error(line, "open_comment", message, column=column)
        return Piece("comment", "", start, end + 3)
    if source.startswith(("<!", "<?"), start):
        message = N_(
            "Line {line}: a declaration cannot stand here. Remove it; the source begins with “<mjml>”."
        )
        return error(line, "declaration", message, column=column)
    if closing := _END_TAG.match(source, start):
        return Piece("close", closing[1].lower(), start, closing.end())
    if name := _NAME.match(source, start + 1):
        return _open_tag(source, start, name, lines)
    message = N_("Line {line}: a lone “<” breaks the source. Write “&lt;” for the sign itself.")
    return error(line, "stray_angle", message, column=column)


def _open_tag(source: str, start: int, name: re.Match[str], lines: Lines) -> Piece | Problem:
    attributes: list[Attribute] = []
    position = name.end()
    while True:
        if ending := _TAG_END.match(source, position):
            tag = name[0].lower()
            closed = ending[1] == "/" or tag in VOID
            return Piece("open", tag, start, ending.end(), tuple(attributes), closed)
        attribute = _ATTRIBUTE.match(source, position)
        if attribute is None:
            message = N_("Line {line}: the tag “{tag}” is not finished. Check its quotes and its “>”.")
            return error(
                lines.line(start), "unfinished_tag", message, column=lines.column(start), tag=name[0][:40]
            )
        raw = attribute[2]
        quote = raw[0] if raw and raw[0] in "\"'" else ""
        value = raw[1:-1] if quote and raw else raw
        attributes.append(Attribute(attribute[1].lower(), value, quote, attribute.start(1), attribute.end()))
        position = attribute.end()
