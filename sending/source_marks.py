"""Marks in a source by which each element of its compiled HTML says on which line it was written.

    <mj-text css-class="x"> ─▶ css-class="x line-of-12"        <h1> ─▶ <h1 data-line-of="12">

Only the linter compiles a marked source: what is sent never holds a mark.
"""

import re

from selectolax.lexbor import LexborNode

from sending import merge, mjml_words
from sending.mjml_source import Lines, Piece, scan
from sending.problems import Problem

_CLASS = re.compile(r"(?:^|\s)line-of-(\d+)(?:\s|$)")
_ATTRIBUTE = "data-line-of"
_TRACES = re.compile(r' class="line-of-\d+(?:-outlook)?"| data-line-of="\d+"| line-of-\d+(?:-outlook)?')
# they have no css-class, or stand in no body
_UNMARKED = frozenset({"mjml", "mj-head", "mj-raw", "mj-include", "mj-html-attributes"})


def mark(source: str) -> str:
    """A normalised source that `merge.tags` can read."""
    masked = merge.masked(source, merge.tags(source))
    lines = Lines(masked)
    out: list[str] = []
    position = 0
    in_head = False
    classes: dict[str, str] = {}
    for piece in scan(masked, lines):
        if isinstance(piece, Problem):
            continue
        if piece.name == "mj-head":
            in_head = piece.kind == "open" and not piece.closed
        if piece.kind != "open" or piece.name in _UNMARKED:
            continue
        if in_head:
            _learn(classes, piece)
            continue
        place, text = _marked(source, piece, lines.line(piece.start), classes)
        out += [source[position:place], text]
        position = place
    return "".join(out) + source[position:]


def line_of(node: LexborNode | None) -> int:
    """Of the element, or of the nearest around it that was written; 0 where nothing is marked."""
    while node is not None:
        if node.is_element_node:
            attributes = node.attributes
            written = attributes.get(_ATTRIBUTE)
            if written and written.isdigit():
                return int(written)
            if found := _CLASS.search(attributes.get("class") or ""):
                return int(found[1])
        node = node.parent
    return 0


def without(html: str) -> str:
    """The compiled HTML as it would be without marks: what is weighed."""
    return _TRACES.sub("", html)


def _learn(classes: dict[str, str], piece: Piece) -> None:
    """A css-class that `mj-attributes` gives: one in the element itself would take its place."""
    if given := piece.value("css-class"):
        name = piece.value("name") if piece.name == "mj-class" else None
        classes[f".{name}" if name else piece.name] = given


def _marked(source: str, piece: Piece, line: int, classes: dict[str, str]) -> tuple[int, str]:
    """Where something is put in, and what."""
    end = piece.end - (2 if source[piece.end - 2] == "/" else 1)
    if piece.name not in mjml_words.TAGS:
        return end, f' {_ATTRIBUTE}="{line}"'
    own = next((one for one in piece.attributes if one.name == "css-class"), None)
    if own is not None and own.quote:
        return own.end - 1, f" line-of-{line}"
    if own is not None:
        return end, ""
    named = " ".join(classes.get(f".{one}", "") for one in (piece.value("mj-class") or "").split()).strip()
    given = named or classes.get(piece.name) or classes.get("mj-all") or ""
    return end, f' css-class="{f"{given} line-of-{line}".strip()}"'
