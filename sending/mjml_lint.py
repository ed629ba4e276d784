"""Lint of MJML with line numbers. The compiler passes unknown tags and bad nesting silently, and says little
where it does stop; a source nested some thousand deep even ends the process. So nothing reaches it unread."""

from dataclasses import dataclass, field
from difflib import get_close_matches

from jinja2 import TemplateSyntaxError

from mailer.core.text import N_
from sending import css_weight, merge
from sending.merge import Tag
from sending.mjml_source import Attribute, Lines, Piece, scan
from sending.mjml_words import ATTRIBUTES, BLOCKS_INSIDE, HTML_INSIDE, PARENTS, PLAIN_INSIDE, REFUSED, TAGS
from sending.problems import Problem, error, warning

# Where a merge tag may stand in a tag: elsewhere a contact's value would become style or markup (E-22).
MERGED_ATTRIBUTES = frozenset({"href", "src", "alt", "title", "background-url"})
MAX_DEPTH = 60
MAX_PROBLEMS = 50
# E-21: beyond these the compiler and the inliner work for seconds, where many share a machine. A long letter
# has some hundred elements.
MAX_ELEMENTS = 3_000
MAX_ATTRIBUTES = 60
MAX_STYLE_WORK = 3_000_000


def lint(source: str) -> list[Problem]:
    """Faults of the structure in reading order, at most 50; merge tags themselves are `merge.check`'s."""
    source = merge.normalise(source)
    if len(source) > merge.MAX_SOURCE:
        message = N_("The source holds {size} characters; {limit} at most. Shorten it.")
        return [error(0, "source_too_long", message, size=len(source), limit=merge.MAX_SOURCE)]
    try:
        tags = merge.tags(source)
    except TemplateSyntaxError:
        # merge.check names the tag; without its end nothing after it can be read.
        return merge.check(source, fields=frozenset(), part="mjml")
    masked = merge.masked(source, tags)
    lines = Lines(masked)
    walk = _Walk(masked, lines, tags)
    for piece in scan(masked, lines):
        if isinstance(piece, Problem):
            walk.problems.append(piece)
        else:
            walk.take(piece)
        if walk.stopped or len(walk.problems) >= MAX_PROBLEMS:
            break
    else:
        walk.end()
    return walk.problems[:MAX_PROBLEMS]


@dataclass(slots=True)
class _Walk:
    source: str
    lines: Lines
    tags: list[Tag]
    problems: list[Problem] = field(default_factory=list)
    open: list[Piece] = field(default_factory=list)
    seen: set[str] = field(default_factory=set)
    stopped: bool = False
    next_tag: int = 0
    elements: int = 0
    style_weight: int = 0

    def take(self, piece: Piece) -> None:
        match piece.kind:
            case "open":
                self._open_tag(piece)
            case "close":
                self._close_tag(piece)
            case "text":
                self._text(piece)
            case "comment":
                pass

    def end(self) -> None:
        """Called after the last piece."""
        for piece in reversed(self.open):
            message = N_("Line {line}: `{tag}` is never closed. Add `</{tag}>`.")
            self._fault(piece.start, "unclosed", message, tag=piece.name)
        if "mj-body" not in self.seen and not self.problems:
            self.problems.append(
                error(1, "no_body", N_("Line {line}: the source has no `mj-body`. Add one in `mjml`."))
            )

        if self.style_weight * self.elements > MAX_STYLE_WORK:
            message = N_(
                "Line {line}: the styles have too many selectors for a source of {count} tags. "
                "Take out those that nothing uses."
            )
            self._fault(0, "styles_too_heavy", message, count=self.elements)

    def _bounded(self, piece: Piece) -> bool:
        """False where the source is too much for one machine that many share; the walk ends there."""
        self.elements += 1
        if self.elements > MAX_ELEMENTS:
            message = N_("Line {line}: the source has more than {limit} tags. Shorten it.")
            self._fault(piece.start, "too_many_elements", message, limit=MAX_ELEMENTS)
        elif len(piece.attributes) > MAX_ATTRIBUTES:
            message = N_("Line {line}: `{tag}` has more than {limit} attributes. Remove some.")
            self._fault(piece.start, "too_many_attributes", message, tag=piece.name, limit=MAX_ATTRIBUTES)
        else:
            return True
        self.stopped = True
        return False

    def _open_tag(self, piece: Piece) -> None:
        if not self._bounded(piece):
            return
        parent = self.open[-1].name if self.open else ""
        if piece.name == "mjml" or piece.name.startswith("mj-") or not self._in_html(parent):
            self._place(piece, parent)
        self._attributes(piece)
        self._tags_in_attributes(piece)
        if piece.name in {"mjml", "mj-head", "mj-body"}:
            if piece.name in self.seen:
                self._fault(
                    piece.start,
                    "twice",
                    N_("Line {line}: `{tag}` stands here a second time."),
                    tag=piece.name,
                )
            self.seen.add(piece.name)
        if not piece.closed:
            self.open.append(piece)
            if len(self.open) > MAX_DEPTH:
                message = N_("Line {line}: tags stand more than {limit} deep. Flatten this part.")
                self._fault(piece.start, "too_deep", message, limit=MAX_DEPTH)
                self.stopped = True

    def _close_tag(self, piece: Piece) -> None:
        if self.open and self.open[-1].name == piece.name:
            self.open.pop()
            return
        names = [one.name for one in self.open]
        if piece.name not in names:
            message = N_("Line {line}: `</{tag}>` closes nothing. Remove it, or open `{tag}` before.")
            self._fault(piece.start, "closes_nothing", message, tag=piece.name)
            return
        while self.open and self.open[-1].name != piece.name:
            still = self.open.pop()
            message = N_(
                "Line {line}: `{tag}` is still open where `</{other}>` stands on line {other_line}. Close it."
            )
            self._fault(
                still.start, "unclosed", message,
                tag=still.name, other=piece.name, other_line=self.lines.line(piece.start),
            )  # fmt: skip
        self.open.pop()

    def _place(self, piece: Piece, parent: str) -> None:
        name = piece.name
        if name in REFUSED:
            message = N_("Line {line}: `{tag}` is not available here. Put its content in the source itself.")
            self._fault(piece.start, "refused_tag", message, tag=name)
        elif name == "mjml":
            if parent:
                self._fault(piece.start, "misplaced", N_("Line {line}: `mjml` must be the outermost tag."))
        elif name not in TAGS and (name.startswith("mj-") or self._in_html(parent)):
            close = get_close_matches(name, TAGS, n=1, cutoff=0.6)
            if close:
                message = N_("Line {line}: the tag `{tag}` does not exist. Did you mean `{suggestion}`?")
                self._fault(piece.start, "unknown_tag", message, tag=name, suggestion=close[0])
            else:
                message = N_("Line {line}: the tag `{tag}` does not exist in MJML.")
                self._fault(piece.start, "unknown_tag", message, tag=name)
        elif not parent:
            message = N_("Line {line}: the source must begin with `<mjml>`, not with `{tag}`.")
            self._fault(piece.start, "no_mjml", message, tag=name)
            self.stopped = True
        elif parent in PLAIN_INSIDE:
            message = N_("Line {line}: `{parent}` holds plain text only. Remove `{tag}`.")
            self._fault(piece.start, "misplaced", message, tag=name, parent=parent)
        elif not name.startswith("mj-"):
            message = N_("Line {line}: `{tag}` cannot stand directly in `{parent}`. Put it in `mj-text`.")
            self._fault(piece.start, "misplaced", message, tag=name, parent=parent)
        else:
            self._parent(piece, parent)

    def _parent(self, piece: Piece, parent: str) -> None:
        if parent == "mj-attributes":
            return
        allowed = PARENTS[piece.name]
        if parent in allowed or (
            parent not in TAGS and self._html_parent() in allowed and piece.name == "mj-raw"
        ):
            return
        if allowed[0] == "mj-section":
            message = N_("Line {line}: `{tag}` must be inside `mj-section`. Move it or add a section.")
        elif allowed[0] == "mj-column":
            message = N_("Line {line}: `{tag}` must be inside `mj-column`. Move it or add a column.")
        else:
            message = N_("Line {line}: `{tag}` must be inside `{parent}`. Move it.")
        self._fault(piece.start, "misplaced", message, tag=piece.name, parent=allowed[0])

    def _attributes(self, piece: Piece) -> None:
        known = ATTRIBUTES.get(piece.name)
        in_defaults = any(one.name == "mj-attributes" for one in self.open)
        seen: set[str] = set()
        for one in piece.attributes:
            self._attribute_form(piece, one, seen)
            if known is not None and not in_defaults and one.name not in known:
                close = get_close_matches(one.name, known, n=1, cutoff=0.7)
                if close:
                    message = N_(
                        "Line {line}: `{tag}` has no attribute `{name}`. Did you mean `{suggestion}`?"
                    )
                    self._warn(one.start, message, tag=piece.name, name=one.name, suggestion=close[0])
                else:
                    message = N_("Line {line}: `{tag}` has no attribute `{name}`; it has no effect.")
                    self._warn(one.start, message, tag=piece.name, name=one.name)
        if piece.name == "mj-raw" and len(piece.attributes) > 1:
            # The compiler stops at the second attribute of this tag.
            message = N_("Line {line}: `{tag}` takes one attribute at most. Remove `{name}`.")
            name = piece.attributes[1].name
            self._fault(piece.attributes[1].start, "attribute", message, tag=piece.name, name=name)
        if piece.name == "mj-class" and not piece.value("name"):
            message = N_('Line {line}: `{tag}` needs a name. Add name="…".')
            self._fault(piece.start, "no_name", message, tag=piece.name)
        if not in_defaults:
            self._required(piece)

    def _attribute_form(self, piece: Piece, one: Attribute, seen: set[str]) -> None:
        if one.value is not None and not one.quote:
            message = N_('Line {line}: the value of `{name}` needs quotes: {name}="…".')
            self._fault(one.start, "unquoted", message, name=one.name)
        elif one.value is None and piece.name.startswith("mj"):
            message = N_('Line {line}: `{name}` has no value. Write {name}="…".')
            self._fault(one.start, "no_value", message, name=one.name)
        elif one.value and one.quote == "'" and '"' in one.value:
            message = N_("Line {line}: the value of `{name}` holds a quotation mark. Write it as “&quot;”.")
            self._fault(one.start, "quote_inside", message, name=one.name)
        if one.name in seen:
            self._fault(
                one.start, "twice", N_("Line {line}: `{name}` stands twice in the same tag."), name=one.name
            )
        seen.add(one.name)

    def _tags_in_attributes(self, piece: Piece) -> None:
        for tag in self._tags_in(piece):
            inside = [
                one for one in piece.attributes if one.start < tag.start and tag.end < one.end and one.quote
            ]
            if not inside:
                message = N_("Line {line}: “{text}” must stand inside the quotes of an attribute.")
                self._fault(tag.start, "tag_misplaced", message, text=tag.text[:40])
            elif inside[0].name not in MERGED_ATTRIBUTES:
                message = N_(
                    "Line {line}: a merge tag cannot stand in `{name}`. Move it into the text or a link."
                )
                self._fault(tag.start, "tag_in_attribute", message, name=inside[0].name)

    def _required(self, piece: Piece) -> None:
        if piece.name in {"mj-image", "mj-carousel-image", "img"}:
            if not piece.value("src"):
                message = N_('Line {line}: this image has no address. Add src="…".')
                self._fault(piece.start, "no_src", message)
            if piece.value("alt") is None:
                message = N_(
                    'Line {line}: this image has no description. Add alt="…", or alt="" for decoration.'
                )
                self._warn(piece.start, message, code="no_alt")
        elif piece.name == "mj-social-element" and not piece.value("href"):
            message = N_('Line {line}: this icon leads nowhere. Add href="…".')
            self._warn(piece.start, message, code="no_href")
        elif piece.name in {"mj-button", "mj-navbar-link"} and not piece.value("href"):
            self._warn(
                piece.start, N_('Line {line}: this button leads nowhere. Add href="…".'), code="no_href"
            )

    def _text(self, piece: Piece) -> None:
        parent = self.open[-1].name if self.open else ""
        if parent == "mj-style":
            self.style_weight += css_weight.weight(self.source[piece.start : piece.end])
        inside = self._tags_in(piece)
        if self._in_html(parent) or parent in PLAIN_INSIDE:
            self._plain_tags(parent, inside)
            return
        rest = list(self.source[piece.start : piece.end])
        for tag in inside:
            rest[tag.start - piece.start : tag.end - piece.start] = " " * (tag.end - tag.start)
            if tag.kind == "output" or (tag.kind == "block" and parent not in BLOCKS_INSIDE):
                message = N_(
                    "Line {line}: “{text}” cannot stand directly in `{parent}`. Move it inside a text."
                )
                self._fault(tag.start, "tag_misplaced", message, text=tag.text[:40], parent=parent or "mjml")
        text = "".join(rest)
        if text.strip():
            start = piece.start + len(text) - len(text.lstrip())
            message = N_("Line {line}: text cannot stand directly in `{parent}`. Put it in `mj-text`.")
            self._fault(start, "text_misplaced", message, parent=parent or "mjml")

    def _plain_tags(self, parent: str, inside: list[Tag]) -> None:
        if parent not in {"mj-style", "style", "script"}:
            return
        for tag in inside:
            if tag.kind != "comment":
                message = N_("Line {line}: a merge tag cannot stand in a style. Move it into the text.")
                self._fault(tag.start, "tag_in_style", message)

    def _tags_in(self, piece: Piece) -> list[Tag]:
        found = []
        while self.next_tag < len(self.tags) and self.tags[self.next_tag].start < piece.end:
            if self.tags[self.next_tag].start >= piece.start:
                found.append(self.tags[self.next_tag])
            self.next_tag += 1
        return found

    def _in_html(self, parent: str) -> bool:
        return parent in HTML_INSIDE or (bool(parent) and parent not in TAGS)

    def _html_parent(self) -> str:
        return next((one.name for one in reversed(self.open) if one.name in TAGS), "")

    def _fault(self, position: int, code: str, message: str, **params: str | int) -> None:
        column = self.lines.column(position)
        self.problems.append(error(self.lines.line(position), code, message, column=column, **params))

    def _warn(
        self, position: int, message: str, *, code: str = "unknown_attribute", **params: str | int
    ) -> None:
        column = self.lines.column(position)
        self.problems.append(warning(self.lines.line(position), code, message, column=column, **params))
