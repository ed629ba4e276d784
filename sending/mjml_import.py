"""Somebody's MJML made safe, its lines kept; and the images of a source exchanged for others."""

import re
from collections.abc import Callable, Iterator

from jinja2 import TemplateSyntaxError

from sending import import_notes, merge
from sending.html_import import MOST_TOLD, Cleaned
from sending.import_notes import Use
from sending.mjml_source import Attribute, Lines, Piece, scan
from sending.problems import Problem

_SHOWN = frozenset(["src", "background", "background-url", "thumbnails-src"])
_CSS_URL = re.compile(r"url\(\s*(['\"]?)([^'\"()]{1,2000})\1\s*\)", re.IGNORECASE)
_DECLARED = re.compile(r"^\s*(?:<\?xml[^>]*\?>|<!doctype[^>]*>|\s)+", re.IGNORECASE)


def clean(source: str) -> Cleaned:
    """Without what a mail may not hold. What cannot be read as tags stays: the linter names it."""
    source = _DECLARED.sub(lambda head: "\n" * head[0].count("\n"), merge.normalise(source))
    source, told = _without_scripts(source)
    out: list[str] = []
    uses: list[Use] = []
    lines = Lines(source)
    position = 0
    removing = ""
    for piece in _pieces(source):
        if removing:
            if piece.kind == "close" and piece.name == removing:
                out.append("\n" * source.count("\n", position, piece.end))
                position, removing = piece.end, ""
            continue
        if piece.kind == "close" and piece.name in import_notes.CONTROLS | {"form"}:
            out.append(source[position : piece.start])
            position = piece.end
            continue
        if piece.kind != "open":
            continue
        given = {one.name: one.value for one in piece.attributes}
        fate, found = import_notes.judge(piece.name, given, lines.line(piece.start))
        told += found
        out.append(source[position : piece.start])
        if fate == "keep":
            out.append(_kept(source, piece))
            uses += [
                Use(lines.line(one.start), (one.value or "").strip(), given.get("alt") or "")
                for one in piece.attributes
                if one.name in _SHOWN and one.value
            ]
        elif fate == "remove" and not piece.closed:
            removing = piece.name
        position = piece.end
    # where the tags can be read no further, the rest stays for the linter to name
    out.append(source[position:])
    told.sort(key=lambda one: one.line)
    return Cleaned("".join(out), told[:MOST_TOLD], uses)


def _without_scripts(source: str) -> tuple[str, list[Problem]]:
    """Before tags are read: a program's `<` is none."""
    out: list[str] = []
    told: list[Problem] = []
    lines = Lines(source)
    lower = source.lower()
    position = 0
    while (start := lower.find("<script", position)) >= 0 and (end := lower.find("</script", start)) >= 0:
        end = (lower.find(">", end) + 1) or len(source)
        told += import_notes.judge("script", {}, lines.line(start))[1]
        out += [source[position:start], "\n" * source.count("\n", start, end)]
        position = end
    return "".join(out) + source[position:], told


def exchanged(source: str, other: Callable[[str], str | None]) -> str:
    """With other addresses for its images, in attributes and in styles."""
    out: list[str] = []
    position = 0
    for piece in _pieces(source):
        for one in piece.attributes if piece.kind == "open" else ():
            new = other((one.value or "").strip()) if one.name in _SHOWN else None
            if new is not None:
                out += [source[position : one.start], f'{one.name}="{new}"']
                position = one.end
    text = "".join(out) + source[position:]
    return _CSS_URL.sub(lambda url: f"url({other(url[2].strip()) or url[2]})", text)


def _kept(source: str, piece: Piece) -> str:
    """The tag without the attributes that go."""
    out: list[str] = []
    position = piece.start
    for one in piece.attributes:
        if _goes(one):
            out.append(source[position : one.start].rstrip())
            position = one.end
    return "".join(out) + source[position : piece.end]


def _goes(one: Attribute) -> bool:
    return import_notes.drops(one.name, one.value) and one.name != "srcset"


def _pieces(source: str) -> Iterator[Piece]:
    try:
        masked = merge.masked(source, merge.tags(source))
    except TemplateSyntaxError:
        masked = source
    # of an attribute the value is the author's, not the mask
    for piece in scan(masked, Lines(masked)):
        if isinstance(piece, Problem):
            continue
        yield Piece(
            piece.kind,
            piece.name,
            piece.start,
            piece.end,
            tuple(_own(one, source) for one in piece.attributes),
            piece.closed,
        )


def _own(one: Attribute, source: str) -> Attribute:
    if one.value is None:
        return one
    start = one.end - len(one.value) - len(one.quote)
    value = source[start : start + len(one.value)]
    return Attribute(one.name, value, one.quote, one.start, one.end)
