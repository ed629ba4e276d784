"""Whether a reader can see a part of a mail, by its style="" and its style sheets (A-008, D-60, D-93)."""

import re
from collections.abc import Callable, Mapping
from functools import lru_cache

from selectolax.lexbor import LexborHTMLParser, LexborNode

# none can begin again a character later: a long text without an end would be read once a character
_DECLARATION = re.compile(r"(?<![\w-])([\w-]+)\s*:\s*([^;]+)")
_RULE = re.compile(r"(?<![^{}])([^{}]+)\{([^{}]*)\}")
_IMPORTANT = re.compile(r"(?<![^;])[^;!]+!\s*important", re.IGNORECASE)
_CSS_COMMENT = re.compile(r"/\*.*?(?:\*/|\Z)", re.DOTALL)
_LENGTH = re.compile(r"^(-?\d*\.?\d+)\s*(px|pt|em|rem|%|)$")
_HEX = re.compile(r"^#([0-9a-f]{3}|[0-9a-f]{6})$")
_RGB = re.compile(r"^rgba?\(\s*(\d+)[\s,]+(\d+)[\s,]+(\d+)(?:[\s,/]+([\d.]+%?))?\s*\)$")
INVISIBLE_CHARACTERS = re.compile("[\\s\u00ad\u034f\u180e\u200b-\u200f\u2060-\u2064\ufeff\u2800]+")
_NAMED = {
    "white": (255, 255, 255), "black": (0, 0, 0), "red": (255, 0, 0), "blue": (0, 0, 255),
    "green": (0, 128, 0),
    "gray": (128, 128, 128), "grey": (128, 128, 128), "silver": (192, 192, 192), "yellow": (255, 255, 0),
    "navy": (0, 0, 128), "snow": (255, 250, 250), "ivory": (255, 255, 240), "whitesmoke": (245, 245, 245),
}  # fmt: skip
_IN_PIXELS = {"px": 1.0, "": 1.0, "pt": 4 / 3, "em": 16.0, "rem": 16.0, "%": 0.16}
_LEAST_CONTRAST = 1.5
_LEAST_FONT_PIXELS = 6.0
LARGE_PIXELS = 24.0
"""From here on less contrast is enough (WCAG 2.2, 1.4.3)."""
_MEDIA = re.compile(r"@[^{};@]*\{(?:[^{}]*\{[^{}]*\})*[^{}]*\}")

Colour = tuple[int, int, int]
_WHITE: Colour = (255, 255, 255)


class Visibility:
    """Answers for one tree; it reads the style sheets once."""

    def __init__(self, tree: LexborHTMLParser) -> None:
        self._tree = tree
        self._hidden_by_sheet = _by_sheets(tree, _hiding)
        self._tiny_by_sheet = _by_sheets(tree, _tiny)
        self._always_by_sheet = _by_sheets(tree, _hiding, media=False)
        self._revealed_by_sheet = _by_sheets(tree, _revealing, important=True)

    def link(self, node: LexborNode, token: re.Pattern[str]) -> bool:
        """A link that shows some words or a described image."""
        words = INVISIBLE_CHARACTERS.sub("", node.text(deep=True))
        if not words:
            return any(self._described(image) for image in node.css("img[src]"))
        return (len(words) >= 2 or token.search(words) is not None) and self._shows_text(node)

    def text(self, node: LexborNode) -> bool:
        parent = node.parent
        return parent is not None and self._shown(parent) and self._has_ink(parent)

    def hidden(self, node: LexborNode) -> bool:
        """A text that no reader gets to see, on whatever screen; what a small one hides is no trick."""
        parent = node.parent
        if parent is None:
            return False
        for one in _upwards(parent):
            if one.mem_id in self._always_by_sheet or (
                _hides(one) and one.mem_id not in self._revealed_by_sheet
            ):
                return True
        return not self._has_ink(parent) and not _on_image(parent)

    def pixels(self, node: LexborNode) -> float:
        """The size of a text's letters, as far as it is said in pixels or points."""
        value = _nearest(node.parent, "font-size") if node.parent is not None else None
        return _pixels(value) if value and _LENGTH.match(value) else 16.0

    def contrast(self, node: LexborNode) -> float | None:
        """Of a text with what is behind it; None over an image, or when a colour is not understood."""
        both = self.colours(node)
        return None if both is None else contrast(*both)

    def colours(
        self,
        node: LexborNode,
        *,
        over: Mapping[int, Mapping[str, str]] | None = None,
        behind: Colour = _WHITE,
    ) -> tuple[Colour, Colour] | None:
        """Of a text and of what is behind it; None as above.

        `over`: declarations that win, by element; `behind`: what shows where nothing has a background. On a
        dark one a mail program writes in white, and links in a light blue (CSS Color Adjust 1, §2.2).
        """
        parent = node.parent
        if parent is None or _on_image(parent):
            return None
        link = any(one.tag == "a" for one in _upwards(parent))
        words, links = ("#000000", "#0000ee") if behind == _WHITE else ("#ffffff", "#9e9eff")
        colour = _colour(_nearest(parent, "color", over) or (links if link else words))
        return None if colour is None else (colour, _background(parent, over, behind))

    def nearest(self, node: LexborNode, name: str) -> str | None:
        """The value of a property that is inherited."""
        around = node if node.is_element_node else node.parent
        return None if around is None else _nearest(around, name)

    def sayer(self, node: LexborNode, name: str) -> LexborNode | None:
        """The element that such a property comes from."""
        around = node if node.is_element_node else node.parent
        return next((one for one in _upwards(around) if name in _style(one)), None) if around else None

    def own(self, node: LexborNode, name: str) -> str | None:
        return _style(node).get(name)

    def pixels_of(self, node: LexborNode) -> float:
        value = _nearest(node, "font-size")
        return _pixels(value) if value and _LENGTH.match(value) else 16.0

    def shows(self, literal: str) -> bool:
        body = self._tree.body
        for node in body.traverse(include_text=True) if body else ():
            if node.is_text_node and literal in (node.text_content or "") and self.text(node):
                return True
        return False

    def _described(self, image: LexborNode) -> bool:
        words = INVISIBLE_CHARACTERS.sub("", image.attributes.get("alt") or "")
        sides = [image.attributes.get(name) or "auto" for name in ("width", "height")]
        return len(words) >= 2 and self._shown(image) and not any(_is_zero(side) for side in sides)

    def _shows_text(self, node: LexborNode) -> bool:
        """At least one of the texts inside is visible: a span in the link may hide what the link does not."""
        for inner in node.traverse(include_text=True):
            if (
                inner.is_text_node
                and INVISIBLE_CHARACTERS.sub("", inner.text_content or "")
                and self.text(inner)
            ):
                return True
        return False

    def _shown(self, node: LexborNode) -> bool:
        return not any(one.mem_id in self._hidden_by_sheet or _hides(one) for one in _upwards(node))

    def _has_ink(self, node: LexborNode) -> bool:
        """Large enough, and of another colour than what is behind it."""
        for one in _upwards(node):
            if one.mem_id in self._tiny_by_sheet or _tiny(_style(one)):
                return False
            if "font-size" in _style(one):
                break
        default = "#0000ee" if any(one.tag == "a" for one in _upwards(node)) else "#000000"
        colour = _colour(_nearest(node, "color") or default)
        return colour is None or contrast(colour, _background(node)) >= _LEAST_CONTRAST


def _upwards(node: LexborNode) -> list[LexborNode]:
    found: list[LexborNode] = []
    current: LexborNode | None = node
    while current is not None and current.is_element_node:
        found.append(current)
        current = current.parent
    return found


def _style(node: LexborNode) -> Mapping[str, str]:
    return _declarations(node.attributes.get("style") or "")


@lru_cache(maxsize=2048)
def _declarations(text: str) -> Mapping[str, str]:
    found = _DECLARATION.findall(text.lower())
    return {name: value.replace("!important", "").strip() for name, value in found}


def _hides(node: LexborNode) -> bool:
    if "hidden" in node.attributes or node.tag in {"template", "noscript", "head", "title", "style"}:
        return True
    return _hiding(_style(node))


def _hiding(style: Mapping[str, str]) -> bool:
    if style.get("display") == "none" or style.get("visibility") in {"hidden", "collapse"}:
        return True
    if "mso-hide" in style or _number(style.get("opacity", "1")) < 0.2:
        return True
    if any(
        _is_zero(style.get(name)) for name in ("max-height", "max-width", "height", "width")
    ) and style.get("overflow") in {"hidden", "clip"}:
        return True
    away = [
        _pixels(style[name])
        for name in ("text-indent", "left", "top", "margin-left", "margin-top")
        if name in style
    ]
    if any(abs(value) >= 500 for value in away):
        return True
    return "clip" in style or style.get("clip-path") is not None or "scale(0" in style.get("transform", "")


def _revealing(style: Mapping[str, str]) -> bool:
    return style.get("display", "none") != "none" or style.get("visibility") == "visible"


def _on_image(node: LexborNode) -> bool:
    """An image is behind it, before any plain colour: what it hides cannot be told."""
    for one in _upwards(node):
        style = _style(one)
        if "background" in one.attributes or "url(" in style.get(
            "background", style.get("background-image", "")
        ):
            return True
        if _colour((style.get("background-color") or one.attributes.get("bgcolor") or "").split(" ")[0]):
            return False
    return False


def _by_sheets(
    tree: LexborHTMLParser,
    matches: Callable[[Mapping[str, str]], bool],
    *,
    media: bool = True,
    important: bool = False,
) -> set[int]:
    """Elements that a rule of this kind reaches; with `media`, be it on small screens only.

    `important`: of each rule only what wins over style="".
    """
    found: set[int] = set()
    for sheet in tree.css("style"):
        rules = _CSS_COMMENT.sub("", sheet.text(deep=True))
        if not media:
            rules = _MEDIA.sub("", rules)
        # What is left of a media query without its first line are plain rules.
        for selectors, body in _RULE.findall(re.sub(r"@[^{};@]*(\{|;)", "", rules)):
            said = ";".join(_IMPORTANT.findall(body)) if important else body
            if matches(_declarations(said)):
                for selector in selectors.split(","):
                    found |= _selected(tree, selector)
    return found


def _selected(tree: LexborHTMLParser, selector: str) -> set[int]:
    return {node.mem_id for node in selected(tree, selector)}


def selected(tree: LexborHTMLParser, selector: str) -> list[LexborNode]:
    plain = re.sub(r"::?[\w-]+(\([^)]*\))?", "", selector).strip()
    try:
        return list(tree.css(plain)) if plain else []
    except (ValueError, RuntimeError, TypeError):
        # A selector only a browser understands: no mail program hides by it.
        return []


def declared(node: LexborNode) -> Mapping[str, str]:
    """What an element's own style says."""
    return _style(node)


def declarations(body: str) -> list[tuple[str, str, bool]]:
    """Name, value, and whether it is !important."""
    return [
        (name.lower(), value.replace("!important", "").strip().lower(), "!important" in value)
        for name, value in _DECLARATION.findall(body)
    ]


def _tiny(style: Mapping[str, str]) -> bool:
    return "font-size" in style and _pixels(style["font-size"]) < _LEAST_FONT_PIXELS


def _nearest(node: LexborNode, name: str, over: Mapping[int, Mapping[str, str]] | None = None) -> str | None:
    for one in _upwards(node):
        value = (over or {}).get(one.mem_id, {}).get(name) or _style(one).get(name)
        if value and value != "inherit":
            return value
    return None


def _background(
    node: LexborNode, over: Mapping[int, Mapping[str, str]] | None = None, behind: Colour = _WHITE
) -> Colour:
    for one in _upwards(node):
        laid = (over or {}).get(one.mem_id)
        style = {**_style(one), **laid} if laid else _style(one)
        if laid and "background" in laid and "background-color" not in laid:
            style = {name: value for name, value in style.items() if name != "background-color"}
        for value in (style.get("background-color"), style.get("background"), one.attributes.get("bgcolor")):
            colour = _colour((value or "").split(" ")[0])
            if colour is not None:
                return colour
    return behind


@lru_cache(maxsize=1024)
def _colour(value: str) -> Colour | None:
    value = value.strip().lower()
    if value in _NAMED:
        return _NAMED[value]
    if match := _HEX.match(value):
        digits = match[1] if len(match[1]) == 6 else "".join(2 * one for one in match[1])
        return (int(digits[:2], 16), int(digits[2:4], 16), int(digits[4:], 16))
    if match := _RGB.match(value):
        if match[4] and _number(match[4]) == 0:
            return (255, 255, 255)
        return (int(match[1]), int(match[2]), int(match[3]))
    return (255, 255, 255) if value == "transparent" else None


def contrast(one: Colour, other: Colour) -> float:
    """Ratio of luminances, 1 to 21 (WCAG 2.2, 1.4.3)."""
    light, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def _luminance(colour: Colour) -> float:
    parts = [value / 255 for value in colour]
    red, green, blue = (
        part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _pixels(value: str) -> float:
    match = _LENGTH.match(value.strip())
    return float(match[1]) * _IN_PIXELS[match[2]] if match else 16.0


def _number(value: str) -> float:
    match = _LENGTH.match(value.strip())
    return float(match[1]) / (100 if match[2] == "%" else 1) if match else 1.0


def _is_zero(value: str | None) -> bool:
    return value is not None and _pixels(value) <= 1
