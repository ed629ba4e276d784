"""A compiled HTML part as a tree to look at: each merge tag is a token in it, and comments are not read."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from jinja2 import TemplateSyntaxError
from selectolax.lexbor import LexborHTMLParser, LexborNode

from sending import inert, merge, source_marks
from sending.inert import Slot, Slots
from sending.visibility import INVISIBLE_CHARACTERS, Visibility

_DOCTYPE = re.compile(r"^\s*<!doctype[^>]*>", re.IGNORECASE)
_BLOCKS = frozenset({"p", "li", "td", "th", "div", "h1", "h2", "h3", "h4", "h5", "h6"})
_LEGAL = frozenset({"account.name", "account.address", "account.email", "list.name"}) | merge.URL_NAMES


@dataclass(frozen=True, slots=True)
class Text:
    """One piece of text. `shown`: its words without tokens; `legal`: the footer's, which every mail has."""

    node: LexborNode
    shown: str
    legal: bool

    @property
    def words(self) -> int:
        return len(self.shown.split())


@dataclass(frozen=True, slots=True)
class MailTree:
    tree: LexborHTMLParser
    slots: Slots
    template: str
    seen: Visibility

    def inside(self, text: str) -> list[Slot]:
        return [self.slots.slots[index] for index in self.indexes(text)]

    def indexes(self, text: str) -> list[int]:
        return [int(match[1] or match[2]) for match in self.slots.pattern.finditer(text)]

    def literal(self, text: str) -> str:
        """What the author wrote between the merge tags."""
        return self.slots.pattern.sub("", text)

    def line(self, node: LexborNode | None) -> int:
        """Where it was written, when the source was marked; else 0."""
        return source_marks.line_of(node)

    def words(self, node: LexborNode, limit: int = 60) -> str:
        """What a reader is told of an element, its tags as they are written."""
        flat = " ".join(node.text(deep=True).split())
        told = self.slots.expand(flat, lambda slot: slot.text if slot.kind == "output" else "")
        return " ".join(told.split())[:limit]

    def texts(self) -> Iterator[Text]:
        """Every text of the body in reading order, seen or hidden; not the preheader, rightly hidden."""
        body = self.tree.body
        if body is None:
            return
        preheader = _preheader(body)
        for node in body.traverse(include_text=True):
            if not node.is_text_node or _within(node, preheader):
                continue
            raw = node.text_content or ""
            if not INVISIBLE_CHARACTERS.sub("", raw) or _tag(node.parent) in {"style", "script", "title"}:
                continue
            # a token stands for a word or so
            told = self.slots.pattern.sub("…", raw)
            yield Text(node, " ".join(told.split()), self._is_legal(node))

    def _is_legal(self, node: LexborNode) -> bool:
        block = node.parent
        while block is not None and _tag(block) not in _BLOCKS:
            block = block.parent
        html = block.html if block is not None else node.text_content
        return any(merge.names_used(slot.html) & _LEGAL for slot in self.inside(html or ""))


def read(html: str) -> MailTree:
    """A compiled part, or finished HTML."""
    source = _DOCTYPE.sub("", merge.normalise(html))
    slots = inert.slots_for(source)
    try:
        found = merge.tags(source)
    except TemplateSyntaxError:
        found = []
    swapped = inert.swap(source, merge.masked(source, found), found, slots)
    tree = LexborHTMLParser(swapped)
    return MailTree(tree, slots, swapped, Visibility(tree))


def _preheader(body: LexborNode) -> set[int]:
    """The hidden blocks that the body begins with: ours, or the author's `mj-preview`."""
    found: set[int] = set()
    for node in body.iter(include_text=True):
        if not node.is_element_node:
            if INVISIBLE_CHARACTERS.sub("", node.text_content or ""):
                break
            continue
        if "display:none" not in (node.attributes.get("style") or "").replace(" ", ""):
            break
        found.add(node.mem_id)
    return found


def _within(node: LexborNode, those: set[int]) -> bool:
    current = node.parent
    while current is not None:
        if current.mem_id in those:
            return True
        current = current.parent
    return False


def _tag(node: LexborNode | None) -> str:
    return (node.tag or "") if node is not None else ""
