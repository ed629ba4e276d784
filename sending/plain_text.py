"""The text part, made from the HTML part: same meaning, one reading order (RFC 2046 §5.1.4, F-11).

Works on HTML whose merge tags are tokens; they come through untouched, as words or as comments.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from selectolax.lexbor import LexborHTMLParser, LexborNode

from sending.quoted import PLAIN, clean

_SKIPPED = frozenset({"head", "style", "script", "title", "noscript", "template", "svg"})
_BLOCK_NAMES = (
    "address article aside blockquote center dd div dl dt figure footer form header main nav ol p pre "
    "section table tbody tfoot thead tr ul"
)
_BLOCKS = frozenset(_BLOCK_NAMES.split(" "))
_SPACED = frozenset({"p", "ul", "ol", "blockquote", "table", "pre", "dl"})
_HEADINGS = frozenset({"h1", "h2", "h3", "h4", "h5", "h6"})
_HIDDEN = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden|mso-hide\s*:\s*all", re.IGNORECASE)
_BLANK = re.compile(r"[ \t\n\r\f]+")
_SPACE = " \t\n\r\f"
_TOO_MANY_LINES = re.compile(r"\n{3,}")


def from_html(html: str, *, is_token: Callable[[str], bool] = lambda text: False) -> str:
    """Readable text; a link is “label (address)”. `is_token` tells the comments that are merge tags."""
    body = LexborHTMLParser(html).body
    if body is None:
        return ""
    writer = _Writer(is_token)
    writer.children(body)
    return tidy("".join(writer.out))


def tidy(text: str) -> str:
    """No blanks at line ends, at most one empty line, one line end at the end."""
    lines = (line.rstrip(_SPACE) for line in text.split("\n"))
    return _TOO_MANY_LINES.sub("\n\n", "\n".join(lines)).strip("\n") + "\n"


class Parted(NamedTuple):
    """A piece of a text: white space, what lies between in tidy form, white space."""

    lead: str
    core: str
    trail: str


def part(piece: str) -> Parted:
    """A piece taken apart, for `tidied`."""
    core = piece.strip(_SPACE)
    if not core:
        return Parted(piece, "", "")
    if len(core) == len(piece) and "\n" not in core:
        return Parted("", core, "")
    start = piece.index(core)
    return Parted(
        piece[:start], tidy(core).removesuffix("\n") if "\n" in core else core, piece[start + len(core) :]
    )


def tidied(pieces: Iterable[str], parted: Mapping[int, Parted]) -> list[str]:
    """What `tidy` makes of the joined pieces, as pieces; `parted` maps the identity of known ones.

    The others come without what no mail part may carry.
    """
    out: list[str] = []
    space = ""
    for piece in pieces:
        one = parted.get(id(piece))
        if one is not None:
            lead, core, trail = one
        elif PLAIN.fullmatch(piece):
            lead, core, trail = "", piece, ""
        else:
            lead, core, trail = part(clean(piece))
        space += lead
        if not core:
            continue
        if space:
            if "\n" in space:
                lines = min(space.count("\n"), 2) if out else 0
                space = "\n" * lines + space.rpartition("\n")[2]
            out.append(space)
        out.append(core)
        space = trail
    out.append("\n")
    return out


@dataclass(slots=True)
class _Writer:
    is_token: Callable[[str], bool]
    out: list[str] = field(default_factory=lambda: [""])
    prefix: str = ""
    at_start: bool = True
    glued: bool = False
    blank: bool = False

    def children(self, node: LexborNode) -> None:
        child = node.child
        while child is not None:
            self.node(child)
            child = child.next

    def node(self, node: LexborNode) -> None:
        if node.is_text_node:
            self.words(node.text_content or "")
        elif node.is_comment_node:
            comment = node.html or ""
            if self.is_token(comment):
                self.raw(comment)
        elif node.is_element_node:
            self.element(node, node.tag or "")

    def element(self, node: LexborNode, tag: str) -> None:
        if (
            tag in _SKIPPED
            or _HIDDEN.search(node.attributes.get("style") or "")
            or "hidden" in node.attributes
        ):
            return
        if tag == "br":
            self.line()
        elif tag == "hr":
            self.gap()
            self.words("-" * 20)
            self.gap()
        elif tag == "img":
            self.words(node.attributes.get("alt") or "")
        elif tag == "a":
            self.link(node)
        elif tag in _HEADINGS:
            self.heading(node, tag)
        elif tag == "li":
            self.item(node)
        elif tag in {"td", "th"}:
            self.cell(node)
        elif tag in _BLOCKS:
            # A list inside an item goes on without an empty line.
            self.block(node, spaced=tag in _SPACED and not _is_layout(node, tag) and not self.prefix)
        else:
            self.children(node)

    def link(self, node: LexborNode) -> None:
        href = (node.attributes.get("href") or "").strip()
        inner = _Writer(self.is_token)
        inner.children(node)
        label = _BLANK.sub(" ", "".join(inner.out)).strip()
        shown = href.removeprefix("mailto:").removeprefix("tel:")
        if not href or href.startswith("#") or label == shown:
            self.words(label)
        elif not label:
            self.words(shown)
        else:
            self.words(f"{label} ({shown})")

    def heading(self, node: LexborNode, tag: str) -> None:
        self.gap()
        if tag != "h1":
            self.children(node)
            self.gap()
            return
        inner = _Writer(self.is_token)
        inner.children(node)
        title = _BLANK.sub(" ", "".join(inner.out)).strip()
        self.words(title)
        self.line()
        self.words("=" * min(max(len(title), 3), 60))
        self.gap()

    def item(self, node: LexborNode) -> None:
        self.line()
        parent = node.parent
        number = ""
        if parent is not None and parent.tag == "ol":
            number = f"{_position(node)}. "
        self.marker(number or "- ")
        outer = self.prefix
        self.prefix = outer + "  "
        self.children(node)
        self.prefix = outer
        self.line()

    def cell(self, node: LexborNode) -> None:
        """Cells of data stand side by side; a cell of a layout is a block of its own."""
        if _has_blocks(node):
            # MJML puts each paragraph, image and button in a cell of its own.
            self.block(node, spaced=_in_layout(node) and not self.prefix)
            return
        if not self.at_start and any(_is_cell(one) for one in _before(node)):
            self.marker(" | ")
        self.children(node)

    def block(self, node: LexborNode, *, spaced: bool) -> None:
        if spaced:
            self.gap()
        else:
            self.line()
        self.children(node)
        if spaced:
            self.gap()
        else:
            self.line()

    def words(self, text: str) -> None:
        flat = _BLANK.sub(" ", text).replace("\xad", "").replace("\u200b", "")
        if not flat.strip(" "):
            self.blank = self.blank or bool(flat)
            return
        if not self.at_start and not self.glued and (self.blank or flat.startswith(" ")):
            self.out.append(" ")
        self.out.append(flat.strip(" "))
        self.at_start = self.glued = False
        self.blank = flat.endswith(" ")

    def marker(self, text: str) -> None:
        """A bullet or separator with its own blanks."""
        self.out.append(text)
        self.at_start, self.glued, self.blank = False, True, False

    def raw(self, token: str) -> None:
        """A steering tag prints nothing, so it neither ends nor begins a line."""
        if self.blank and not self.at_start and not self.glued:
            self.out.append(" ")
            self.glued = True
        self.blank = False
        self.out.append(token)

    def line(self) -> None:
        if not self.at_start:
            self.out.append("\n" + self.prefix)
        self.at_start, self.glued, self.blank = True, False, False

    def gap(self) -> None:
        self.line()
        self.out.append("\n" + self.prefix)


def _position(node: LexborNode) -> int:
    return sum(1 for one in _before(node) if one.tag == "li") + 1


def _before(node: LexborNode) -> list[LexborNode]:
    found = []
    previous = node.prev
    while previous is not None:
        found.append(previous)
        previous = previous.prev
    return found


def _is_cell(node: LexborNode) -> bool:
    return node.tag in {"td", "th"}


def _is_layout(node: LexborNode, tag: str) -> bool:
    return tag == "table" and node.attributes.get("role") == "presentation"


def _in_layout(node: LexborNode) -> bool:
    parent = node.parent
    while parent is not None and parent.tag != "table":
        parent = parent.parent
    return parent is not None and _is_layout(parent, "table")


def _has_blocks(node: LexborNode) -> bool:
    return node.css_first("table, div, p, ul, ol, h1, h2, h3, h4, h5, h6, blockquote") is not None
