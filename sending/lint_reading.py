"""Rules of the linter about reading: letters, contrast, dark mode, headings, links, buttons (F-11, F-12).

Each looks at the compiled part, where styles are what a mailbox gets, and answers with the source's line.
"""

import re
from collections.abc import Iterator
from itertools import islice, pairwise

from selectolax.lexbor import LexborNode

from mailer.core.text import N_
from mailer.web import i18n
from sending import dark_mode, link_checks, visibility
from sending.finding import Finding, Kind
from sending.mail_tree import MailTree, Text
from sending.reading_checks import LEAST_CONTRAST, LEAST_CONTRAST_LARGE, LONG_WORDS
from sending.visibility import LARGE_PIXELS, Colour

MOST_TEXTS = 500
LEAST_PIXELS = 14.0
LEAST_LINE_HEIGHT = 1.5
LEAST_BUTTON_PIXELS = 44.0
LEAST_INVERTED = 3.0
LONG_ALT = 150
SHORT_TITLE_WORDS = 10
TITLE_PIXELS = 20.0
_FILE = re.compile(
    r"^[\w() -]{1,80}\.(png|jpe?g|gif|webp|svg|bmp)$|^(img|image|dsc|photo)[_ -]?\d+$", re.IGNORECASE
)
_BEGINS = re.compile(r"^(image|photo|picture|logo|illustration|icône|icon)\s+(de|d'|du|of)\b", re.IGNORECASE)
_HEADINGS = frozenset({"h1", "h2", "h3", "h4", "h5", "h6"})
_BARE = re.compile(r"^https?://\S{12,}$")
_NUMBER = re.compile(r"^\s*(\d+(?:\.\d+)?)(px|%|em|)\s*$")


def check(page: MailTree) -> Iterator[Finding]:
    texts = [one for one in islice(page.texts(), MOST_TEXTS) if not page.seen.hidden(one.node)]
    yield from _contrast(page, texts)
    yield from _dark(page, texts)
    yield from _letters(page, texts)
    yield from _headings(page)
    yield from _titles(page, texts)
    yield from _links(page)
    yield from _descriptions(page)
    yield from _buttons(page)


def least_contrast(page: MailTree, one: Text) -> float:
    return LEAST_CONTRAST_LARGE if page.seen.pixels(one.node) >= LARGE_PIXELS else LEAST_CONTRAST


def _contrast(page: MailTree, texts: list[Text]) -> Iterator[Finding]:
    for one in texts:
        both = page.seen.colours(one.node)
        least = least_contrast(page, one)
        if both is None or (ratio := visibility.contrast(*both)) >= least:
            continue
        yield Finding(
            line=page.line(one.node),
            kind=Kind.WARNING,
            code="contrast",
            message=N_(
                "The contrast of “{text}” is {ratio} to 1, {colour} on {background}; from {least} to 1 on "
                "everybody can read it."
            ),
            fix=N_("Take {better} for the letters, or another background."),
            params={
                "text": one.shown[:60],
                "ratio": i18n.number(round(ratio, 1)),
                "least": i18n.number(least),
                "colour": told(both[0]),
                "background": told(both[1]),
                "better": told(_better(*both, least)),
            },
        )


def _dark(page: MailTree, texts: list[Text]) -> Iterator[Finding]:
    """By the author's own dark rules; where there are none, by what programs make of colours."""
    dark = dark_mode.of(page)
    for one in texts:
        light = page.seen.colours(one.node)
        both = dark.colours(one.node)
        if both is None or light is None:
            continue
        least = least_contrast(page, one) if dark.declared else LEAST_INVERTED
        ratio = visibility.contrast(*both)
        # too faint already in light is told once
        if ratio >= least or visibility.contrast(*light) < least_contrast(page, one):
            continue
        yield Finding(
            line=page.line(one.node),
            kind=Kind.WARNING if dark.declared else Kind.ADVICE,
            code="dark_contrast",
            message=N_("In dark mode, the contrast of “{text}” is {ratio} to 1, {colour} on {background}.")
            if dark.declared
            else N_(
                "Programs that turn colours by themselves in dark mode may show “{text}” with a contrast of "
                "{ratio} to 1."
            ),
            fix=N_("Give both the letters and their background a colour for dark mode.")
            if dark.declared
            else N_(
                "Take a darker or lighter colour, further from the middle, and look at the preview in dark."
            ),
            params={
                "text": one.shown[:60],
                "ratio": i18n.number(round(ratio, 1)),
                "colour": told(both[0]),
                "background": told(both[1]),
            },
        )


def _letters(page: MailTree, texts: list[Text]) -> Iterator[Finding]:
    """Each said where the size is written, once for all texts inside."""
    sized: set[int] = set()
    spaced: set[int] = set()
    for one in texts:
        if one.legal or _inside(one.node, _HEADINGS):
            continue
        size = page.seen.pixels(one.node)
        by = page.seen.sayer(one.node, "font-size")
        if size < LEAST_PIXELS and one.words >= 3 and by is not None and by.mem_id not in sized:
            sized.add(by.mem_id)
            yield Finding(
                line=page.line(by),
                kind=Kind.ADVICE,
                code="small_letters",
                message=N_("“{text}” has letters of {size} pixels, hard to read on a telephone."),
                fix=N_("Take {least} pixels or more; 16 read well."),
                params={
                    "text": one.shown[:60],
                    "size": i18n.number(round(size, 1)),
                    "least": int(LEAST_PIXELS),
                },
            )
        spacing = _line_height(page, one.node, size)
        by = page.seen.sayer(one.node, "line-height")
        if spacing is None or by is None or by.mem_id in spaced:
            continue
        if spacing < LEAST_LINE_HEIGHT and one.words > 12:
            spaced.add(by.mem_id)
            yield Finding(
                line=page.line(by),
                kind=Kind.ADVICE,
                code="tight_lines",
                message=N_("The lines of “{text}” stand close: {spacing} times the letters."),
                fix=N_('Write line-height="1.5".'),
                params={"text": one.shown[:60], "spacing": i18n.number(round(spacing, 2))},
            )


def _line_height(page: MailTree, node: LexborNode, size: float) -> float | None:
    value = page.seen.nearest(node, "line-height")
    found = _NUMBER.match(value) if value else None
    if found is None:
        return None
    number = float(found[1])
    return {"px": number / (size or 16.0), "%": number / 100}.get(found[2], number)


def _headings(page: MailTree) -> Iterator[Finding]:
    found = [(int((node.tag or "h1")[1]), node) for node in page.tree.css("h1, h2, h3, h4, h5, h6")]
    for _, node in found:
        if not page.words(node) and not any(
            (image.attributes.get("alt") or "").strip() for image in node.css("img")
        ):
            yield _heading(page, node, N_("This heading is empty."), N_("Write its words, or take it out."))
    firsts = [node for level, node in found if level == 1]
    for node in firsts[1:]:
        message = N_("“{text}” is a second main heading (h1).")
        yield _heading(page, node, message, N_("Keep one h1, and make this one an h2."))
    levels = [(0, None), *found] if found else []
    for (before, _), (level, place) in pairwise(levels):
        if place is not None and level > before + 1 and not (before == 0 and level == 2):
            message = N_("“{text}” jumps to heading {level}: whoever listens looks for what is missing.")
            fix = N_("Make it an h{better}.")
            yield _heading(page, place, message, fix, level=level, better=before + 1)


def _heading(page: MailTree, node: LexborNode, message: str, fix: str, **params: str | int) -> Finding:
    told_of: dict[str, str | int] = {"text": page.words(node), **params}
    return Finding(
        line=page.line(node),
        kind=Kind.WARNING,
        code="heading_order",
        message=message,
        fix=fix,
        params=told_of,
    )


def _titles(page: MailTree, texts: list[Text]) -> Iterator[Finding]:
    """Letters that look like a heading and are none."""
    if sum(one.words for one in texts) < LONG_WORDS // 3:
        return
    for one in texts:
        if not 1 <= one.words <= SHORT_TITLE_WORDS or page.seen.pixels(one.node) < TITLE_PIXELS:
            continue
        if _inside(one.node, _HEADINGS | {"a", "button"}):
            continue
        yield Finding(
            line=page.line(one.node),
            kind=Kind.ADVICE,
            code="looks_like_heading",
            message=N_("“{text}” looks like a heading, and a screen reader does not know."),
            fix=N_("Put it in <h2>…</h2>."),
            params={"text": one.shown[:60]},
        )


def _links(page: MailTree) -> Iterator[Finding]:
    seen: set[str] = set()
    for node in page.tree.css("a"):
        label = page.words(node)
        href = page.literal(node.attributes.get("href") or "").strip()
        name = link_checks.plain(label)
        if name in link_checks.VAGUE and name not in seen:
            seen.add(name)
            yield Finding(
                line=page.line(node),
                kind=Kind.ADVICE,
                code="link_text",
                message=N_("The link “{text}” does not say what it opens."),
                fix=N_("Write what is behind it, as “See the recipe”."),
                params={"text": label},
            )
        elif _BARE.match(label):
            yield Finding(
                line=page.line(node),
                kind=Kind.ADVICE,
                code="link_text",
                message=N_("The link shows a bare address, “{text}”: it is read out letter by letter."),
                fix=N_("Write what is behind it, as “See the recipe”."),
                params={"text": label},
            )
        if label and href and _stands_in_text(page, node) and _not_underlined(page, node):
            yield Finding(
                line=page.line(node),
                kind=Kind.ADVICE,
                code="link_underline",
                message=N_(
                    "The link “{text}” is not underlined: by its colour alone not everybody finds it."
                ),
                fix=N_("Take out text-decoration: none."),
                params={"text": label},
            )


def _stands_in_text(page: MailTree, node: LexborNode) -> bool:
    around = _parent(node)
    while around is not None and around.tag not in {"p", "li", "div", "td", "body"}:
        around = around.parent
    return around is not None and len(around.text(deep=True).split()) > len(node.text(deep=True).split()) + 2


def _not_underlined(page: MailTree, node: LexborNode) -> bool:
    return "none" in (page.seen.own(node, "text-decoration") or "")


def _descriptions(page: MailTree) -> Iterator[Finding]:
    for node in page.tree.css("img[alt]"):
        alt = page.literal(node.attributes.get("alt") or "").strip()
        if _FILE.match(alt):
            message = N_("The description “{text}” is the name of a file.")
            kind, fix = Kind.WARNING, N_('Say what the image shows; alt="" when it only decorates.')
        elif len(alt) > LONG_ALT:
            message = N_("The description “{text}…” has {size} characters: it is read out without a pause.")
            kind, fix = Kind.ADVICE, N_("Say the same in about {most} characters, and the rest in the text.")
        elif _BEGINS.match(alt):
            message = N_("The description “{text}” says that it is an image, which is said anyway.")
            kind, fix = Kind.ADVICE, N_("Begin with what the image shows.")
        else:
            continue
        params: dict[str, str | int] = {"text": alt[:60], "size": len(alt), "most": LONG_ALT}
        line = page.line(node)
        yield Finding(line=line, kind=kind, code="image_text", message=message, fix=fix, params=params)


def _buttons(page: MailTree) -> Iterator[Finding]:
    """A link with a padding and a background of its own or of its cell: as MJML makes buttons."""
    for node in page.tree.css("a"):
        padding = _paddings(page.seen.own(node, "padding"))
        if padding is None or not page.words(node):
            continue
        size = page.seen.pixels_of(node)
        spacing = _line_height(page, node, size) or 1.2
        height = padding + size * spacing
        if height < LEAST_BUTTON_PIXELS:
            yield Finding(
                line=page.line(node),
                kind=Kind.ADVICE,
                code="small_button",
                message=N_("The button “{text}” is about {size} pixels high, small for a thumb."),
                fix=N_("Make it {least} pixels high: larger letters, or inner-padding."),
                params={"text": page.words(node), "size": round(height), "least": int(LEAST_BUTTON_PIXELS)},
            )


def _paddings(value: str | None) -> float | None:
    """Above and below together; None where there is none."""
    parts = [_NUMBER.match(one) for one in (value or "").split()]
    if not parts or parts[0] is None:
        return None
    top = float(parts[0][1])
    bottom = float(parts[2][1]) if len(parts) > 2 and parts[2] is not None else top
    return top + bottom if top + bottom else None


def _inside(node: LexborNode, tags: frozenset[str]) -> bool:
    around = _parent(node)
    while around is not None:
        if around.tag in tags:
            return True
        around = around.parent
    return False


def told(colour: Colour) -> str:
    return "#{:02x}{:02x}{:02x}".format(*colour)


def _better(colour: Colour, background: Colour, least: float) -> Colour:
    """The nearest colour that can be read: towards black or white, whichever gets there."""
    black, white = (0, 0, 0), (255, 255, 255)
    towards = max((black, white), key=lambda end: visibility.contrast(end, background))
    for step in range(1, 51):
        mixed = tuple(round(a + (b - a) * step / 50) for a, b in zip(colour, towards, strict=True))
        found = (mixed[0], mixed[1], mixed[2])
        if visibility.contrast(found, background) >= least:
            return found
    return towards


def _parent(node: LexborNode) -> LexborNode | None:
    return node.parent
