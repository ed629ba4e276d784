"""Where the parts of a mail stand: MJML → flat shapes with their places, for a small picture of it.

    source, kit filled in ─ sample words for merge tags ─▶ tree ─ layout ─▶ height, shapes (px of the mail)

It follows the rules that mail clients follow for these tags: sections below each other, columns side by side,
paddings, alignment, words broken at the width. What it does not know it draws as text.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from sending import mail_sizes, mail_words
from sending.mail_words import Run
from sending.mjml_source import Lines, Piece, scan
from sending.mjml_words import HTML_INSIDE, PLAIN_INSIDE
from sending.problems import Problem

Measure = Callable[[str, float, bool], float]
"""Width of words at a size, bold or not."""
DEEP_ENOUGH = 1_000
"""Pixels of the mail that a picture of it shows; nothing below is laid out."""
MOST_SHAPES = 4_000
_PADDINGS: Mapping[str, str] = {"mj-section": "20px 0", "mj-wrapper": "20px 0", "mj-text": "10px 25px",
    "mj-button": "10px 25px", "mj-image": "10px 25px", "mj-divider": "10px 25px", "mj-social": "10px 25px",
    "mj-table": "10px 25px", "mj-hero": "20px 0"}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Shape:
    """`text`: words for "words", the address for "image" with `alt` in its place."""

    kind: Literal["box", "words", "image"]
    x: float
    y: float
    width: float
    height: float
    color: str = ""
    text: str = ""
    size: float = 16
    bold: bool = False
    underline: bool = False
    radius: float = 0

    def moved(self, x: float, y: float) -> "Shape":
        return replace(self, x=self.x + x, y=self.y + y)


@dataclass(slots=True)
class Element:
    name: str
    given: dict[str, str] = field(default_factory=dict)
    inside: list["Element"] = field(default_factory=list)
    html: str = ""


@dataclass(frozen=True, slots=True)
class Laid:
    height: float
    shapes: list[Shape]


@dataclass(frozen=True, slots=True)
class Layout:
    """A whole mail: width and height in its own pixels."""

    width: float
    height: float
    background: str
    shapes: list[Shape]


def lay_out(
    source: str, *, measure: Measure, sizes: Mapping[str, tuple[int, int]], names: mail_words.Names
) -> Layout:
    """`sizes`: width and height of the pictures to be shown, by address; `names`: what merge tags show."""
    text = mail_words.spoken(source, names)
    tree = _tree(text)
    body = next((one for one in tree.inside if one.name == "mj-body"), Element("mj-body"))
    plan = _Plan(measure, sizes, _defaults(tree), mail_words.sheet(tree_styles(tree)))
    width = min(max(mail_sizes.pixels(plan.value(body, "width"), 600), 320), 900)
    laid = plan.stacked(body, width)
    background = mail_sizes.color(plan.value(body, "background-color")) or "#ffffff"
    return Layout(width, laid.height, background, laid.shapes[:MOST_SHAPES])


def tree_styles(tree: Element) -> str:
    return "\n".join(one.html for one in _walk(tree) if one.name == "mj-style")


def _walk(element: Element) -> Iterator[Element]:
    yield element
    for one in element.inside:
        yield from _walk(one)


def _tree(source: str) -> Element:
    """Lenient: what is left open ends where its parent does."""
    root = Element("")
    open_now = [root]
    raw: tuple[Element, int] | None = None
    for piece in scan(source, Lines(source)):
        if isinstance(piece, Problem):
            continue
        if raw is not None:
            if piece.kind == "close" and piece.name == raw[0].name:
                raw[0].html = source[raw[1] : piece.start]
                raw = None
            continue
        if piece.kind == "open":
            raw = _opened(piece, open_now)
        elif piece.kind == "close" and any(one.name == piece.name for one in open_now[1:]):
            while open_now.pop().name != piece.name:
                pass
    return root.inside[0] if root.inside else root


def _opened(piece: Piece, open_now: list[Element]) -> tuple[Element, int] | None:
    """The element, in its place; with where its words begin when they are not read as MJML."""
    made = Element(piece.name, {one.name: one.value or "" for one in piece.attributes})
    open_now[-1].inside.append(made)
    if piece.closed:
        return None
    if piece.name in HTML_INSIDE | PLAIN_INSIDE:
        return made, piece.end
    if len(open_now) < 40:
        open_now.append(made)
    return None


def _defaults(tree: Element) -> dict[str, dict[str, str]]:
    """mj-attributes: by tag, "mj-all", or ".class"."""
    found: dict[str, dict[str, str]] = {}
    for element in _walk(tree):
        if element.name != "mj-attributes":
            continue
        for one in element.inside:
            key = f".{one.given.get('name', '')}" if one.name == "mj-class" else one.name
            found.setdefault(key, {}).update(one.given)
    return found


@dataclass(frozen=True, slots=True)
class _Plan:
    measure: Measure
    sizes: Mapping[str, tuple[int, int]]
    defaults: Mapping[str, Mapping[str, str]]
    sheet: mail_words.Sheet

    def value(self, element: Element, name: str) -> str:
        if name in element.given:
            return element.given[name]
        classes = element.given.get("mj-class", "").split()
        for key in (*(f".{one}" for one in reversed(classes)), element.name, "mj-all"):
            if name in self.defaults.get(key, ()):
                return self.defaults[key][name]
        return ""

    def padding(self, element: Element) -> tuple[float, float, float, float]:
        """Top, right, bottom, left."""
        sides = mail_sizes.sides(self.value(element, "padding") or _PADDINGS.get(element.name, "0"))
        named = [self.value(element, f"padding-{side}") for side in ("top", "right", "bottom", "left")]
        top, right, bottom, left = (
            mail_sizes.pixels(one, side) for one, side in zip(named, sides, strict=True)
        )
        return top, right, bottom, left

    def stacked(self, element: Element, width: float) -> Laid:
        """What stands inside, below each other, in the padding and on the background of `element`."""
        top, right, bottom, left = self.padding(element)
        inner = max(width - left - right, 1)
        y, shapes = top, []
        for one in element.inside:
            laid = self.block(one, inner)
            shapes += [shape.moved(left, y) for shape in laid.shapes]
            y += laid.height
            if y > DEEP_ENOUGH or len(shapes) > MOST_SHAPES:
                break
        height = max(
            y + bottom,
            mail_sizes.pixels(self.value(element, "height"), 0) if element.name == "mj-hero" else 0,
        )
        return Laid(height, [*self.ground(element, width, height), *shapes])

    def ground(self, element: Element, width: float, height: float) -> list[Shape]:
        color = mail_sizes.color(
            self.value(element, "background-color") or self.value(element, "container-background-color")
        )
        radius = mail_sizes.pixels(self.value(element, "border-radius"), 0)
        if not color or element.name in ("mj-body", "mj-button"):
            return []
        return [Shape("box", 0, 0, width, height, color, radius=radius)]

    def block(self, element: Element, width: float) -> Laid:
        match element.name:
            case "mj-wrapper" | "mj-hero" | "mj-column":
                return self.stacked(element, width)
            case "mj-section" | "mj-group":
                return self.beside(element, width)
            case "mj-text" | "mj-table" | "mj-raw" | "mj-accordion-title" | "mj-accordion-text":
                return self.words(element, width)
            case "mj-button":
                return self.button(element, width)
            case "mj-image" | "mj-carousel-image":
                return self.image(element, width)
            case "mj-divider" | "mj-spacer":
                return self.line(element, width)
            case "mj-carousel":
                return self.block(element.inside[0], width) if element.inside else Laid(0, [])
            case "mj-social" | "mj-navbar":
                return self.row(element, width)
            case "mj-accordion" | "mj-accordion-element":
                return self.stacked(element, width)
        return Laid(0, [])

    def beside(self, element: Element, width: float) -> Laid:
        """Columns in their widths; where they are more than the row, in rows."""
        top, right, bottom, left = self.padding(element)
        inner = max(width - left - right, 1)
        columns = [one for one in element.inside if one.name in ("mj-column", "mj-group", "mj-raw")]
        x, y, row, shapes = 0.0, top, 0.0, list[Shape]()
        for one in columns:
            wide = mail_sizes.width(self.value(one, "width"), inner) or inner / len(columns)
            if x + wide > inner + 1:
                x, y, row = 0.0, y + row, 0.0
            laid = self.block(one, wide)
            shapes += [shape.moved(left + x, y) for shape in laid.shapes]
            x, row = x + wide, max(row, laid.height)
            if len(shapes) > MOST_SHAPES:
                break
        height = y + row + bottom
        return Laid(height, [*self.ground(element, width, height), *shapes])

    def words(self, element: Element, width: float) -> Laid:
        top, right, bottom, left = self.padding(element)
        base = Run(
            "",
            mail_sizes.pixels(self.value(element, "font-size"), 13),
            mail_sizes.color(self.value(element, "color")) or "#000000",
            self.value(element, "font-weight") in ("bold", "600", "700", "800", "900"),
        )
        align = self.value(element, "align") or "left"
        high = mail_sizes.factor(self.value(element, "line-height"), base.size)
        y, shapes = self.lines(
            mail_words.paragraphs(element.html, base, self.sheet), width - left - right, (align, high)
        )
        height = top + y + bottom
        return Laid(height, [*self.ground(element, width, height), *(one.moved(left, top) for one in shapes)])

    def lines(
        self, paragraphs: list[list[Run]], width: float, how: tuple[str, float]
    ) -> tuple[float, list[Shape]]:
        """Height and words, broken where the width ends. `how`: alignment and line height."""
        align, high = how
        y, shapes = 0.0, list[Shape]()
        for runs in paragraphs:
            if runs[0].image:
                high_now, shown = self.picture(runs[0], width)
                shapes += [shape.moved(0, y) for shape in shown]
                y += high_now + 8
                continue
            for line in mail_words.broken(runs, max(width, 1), self.measure):
                size = max(run.size for run in line)
                wide = sum(self.measure(run.text, run.size, run.bold) for run in line)
                x = {"center": (width - wide) / 2, "right": width - wide}.get(align, 0.0)
                for run in line:
                    w = self.measure(run.text, run.size, run.bold)
                    at = y + (size * high - size) / 2 + (size - run.size) * 0.8
                    shapes.append(
                        Shape(
                            "words",
                            x,
                            at,
                            w,
                            run.size,
                            run.color,
                            run.text,
                            run.size,
                            run.bold,
                            run.underline,
                        )
                    )
                    x += w
                y += size * high
                if y > DEEP_ENOUGH:
                    return y, shapes
            y += 8
        return max(y - 8, 0), shapes

    def picture(self, run: Run, room: float) -> tuple[float, list[Shape]]:
        """An image among words: its height, and it."""
        natural = self.sizes.get(run.image, (room, room * 0.5))
        wide = max(min(run.size or natural[0], room), 1)
        high = min(wide * natural[1] / max(natural[0], 1), DEEP_ENOUGH)
        shown = [Shape("image", 0, 0, wide, high, text=run.image)]
        if run.image not in self.sizes and run.text:
            shown.append(Shape("words", 8, high / 2 - 7, wide - 16, 14, "#54595f", run.text, 14))
        return high, shown

    def label(self, element: Element, size: float) -> str:
        """Words of a button or an entry, on one line."""
        runs = mail_words.paragraphs(element.html, Run("", size), self.sheet)
        return " ".join(run.text for line in runs for run in line)[:200]

    def button(self, element: Element, width: float) -> Laid:
        top, right, bottom, left = self.padding(element)
        size = mail_sizes.pixels(self.value(element, "font-size"), 13)
        label = self.label(element, size)
        inner = mail_sizes.sides(self.value(element, "inner-padding") or "10px 25px")
        room = max(width - left - right, 1)
        bold = self.value(element, "font-weight") in ("bold", "600", "700")
        natural = self.measure(label, size, bold) + inner[1] + inner[3]
        wide = min(mail_sizes.width(self.value(element, "width"), room) or natural, room)
        high = size * 1.5 + inner[0] + inner[2]
        x = {"left": 0.0, "right": room - wide}.get(self.value(element, "align"), (room - wide) / 2)
        color = mail_sizes.color(self.value(element, "background-color")) or "#414141"
        ink = mail_sizes.color(self.value(element, "color")) or "#ffffff"
        radius = mail_sizes.pixels(self.value(element, "border-radius"), 3)
        at = left + x + (wide - self.measure(label, size, bold)) / 2
        return Laid(
            top + high + bottom,
            [
                Shape("box", left + x, top, wide, high, color, radius=radius),
                Shape("words", at, top + (high - size) / 2, 0, size, ink, label, size, bold),
            ],
        )

    def image(self, element: Element, width: float) -> Laid:
        top, right, bottom, left = self.padding(element)
        room = max(width - left - right, 1)
        natural = self.sizes.get(element.given.get("src", ""), (room, room * 0.5))
        own = room if element.name == "mj-carousel-image" else natural[0]
        wide = min(mail_sizes.pixels(self.value(element, "width"), own), room)
        high = mail_sizes.pixels(self.value(element, "height"), wide * natural[1] / max(natural[0], 1))
        x = {"left": 0.0, "right": room - wide}.get(self.value(element, "align"), (room - wide) / 2)
        shape = Shape("image", left + x, top, wide, high, text=element.given.get("src", ""), size=14)
        alt = element.given.get("alt", "")
        named = Shape("words", left + x + 8, top + high / 2 - 7, wide - 16, 14, "#54595f", alt, 14)
        known = element.given.get("src", "") in self.sizes
        return Laid(top + high + bottom, [shape] if known or not alt else [shape, named])

    def line(self, element: Element, width: float) -> Laid:
        top, right, bottom, left = self.padding(element)
        if element.name == "mj-spacer":
            return Laid(mail_sizes.pixels(self.value(element, "height"), 20) + top + bottom, [])
        thick = max(mail_sizes.pixels(self.value(element, "border-width"), 4), 1)
        color = mail_sizes.color(self.value(element, "border-color")) or "#000000"
        return Laid(top + thick + bottom, [Shape("box", left, top, width - left - right, thick, color)])

    def row(self, element: Element, width: float) -> Laid:
        """Social icons as discs, entries of a menu as words, centred."""
        top, right, bottom, left = self.padding(element)
        shapes, x = list[Shape](), 0.0
        for one in element.inside[:20]:
            label = self.label(one, 13)
            if element.name == "mj-social":
                shapes.append(
                    Shape(
                        "box",
                        x,
                        0,
                        24,
                        24,
                        mail_sizes.color(self.value(one, "background-color")) or "#54595f",
                        radius=12,
                    )
                )
                x += 32
            shapes.append(
                Shape(
                    "words", x, 6, 0, 13, mail_sizes.color(self.value(one, "color")) or "#333333", label, 13
                )
            )
            x += self.measure(label, 13, False) + 12
        start = left + max((width - left - right - x) / 2, 0)
        return Laid(top + 28 + bottom, [shape.moved(start, top) for shape in shapes])


def _words(run: Run, x: float, y: float, width: float) -> Shape:
    return Shape("words", x, y, width, run.size, run.color, run.text, run.size, run.bold, run.underline)
