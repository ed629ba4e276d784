"""Words of a mail as a picture of it shows them: merge tags by samples, HTML as runs of letters, in lines."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from selectolax.lexbor import LexborHTMLParser, LexborNode

Names = Mapping[str, str]
"""What a merge name shows: “account.name” → the organisation's."""
# bounded: whatever somebody wrote, a picture costs little
_OUTPUT = re.compile(r"\{\{-?\s{0,9}([\w.]{0,80})[^{}]{0,200}\}\}")
_OTHERWISE = re.compile(
    r"\{%-?\s{0,9}(?:else|elif)\b[^{}]{0,200}%\}.{0,2000}?(?=\{%-?\s{0,9}endif)", re.DOTALL
)
_BLOCK = re.compile(r"\{[%#].{0,400}?[%#]\}", re.DOTALL)
_RULE = re.compile(r"([^{}]{1,300})\{([^{}]{0,2000})\}")
_MEDIA = re.compile(r"@[^{};]{0,200}\{(?:[^{}]{0,300}\{[^{}]{0,2000}\}){0,200}[^{}]{0,300}\}")
_SIZE = re.compile(r"font-size\s*:\s*(\d+(?:\.\d+)?)px")
_COLOR = re.compile(r"(?<![-\w])color\s*:\s*(#[0-9a-fA-F]{6})")
_BREAKS = frozenset(["p", "div", "h1", "h2", "h3", "h4", "h5", "h6", "li", "tr", "table", "ul", "ol"])
_SIZES = {"h1": 2.0, "h2": 1.5, "h3": 1.17, "small": 0.83}
_MOST_PARAGRAPHS = 3_000
_MOST_CSS = 20_000
_DEEPEST = 40


@dataclass(frozen=True, slots=True)
class Run:
    """Letters of one look; or an image by its address, `size` then the width that is asked for, or 0."""

    text: str
    size: float
    color: str = "#000000"
    bold: bool = False
    underline: bool = False
    image: str = ""


@dataclass(frozen=True, slots=True)
class Sheet:
    """Size and colour that the mail's style gives a tag."""

    sizes: Mapping[str, float]
    colors: Mapping[str, str]


def spoken(source: str, names: Names) -> str:
    """The source with words for its merge tags; of a condition, the first way."""
    source = _OTHERWISE.sub("", source)
    return _BLOCK.sub("", _OUTPUT.sub(lambda tag: names.get(tag[1], ""), source))


def sheet(css: str) -> Sheet:
    sizes: dict[str, float] = {}
    colors: dict[str, str] = {}
    for selectors, rule in _RULE.findall(_MEDIA.sub("", css[:_MOST_CSS])):
        for selector in selectors.split(","):
            tag = selector.split()[-1].lower() if selector.split() else ""
            if found := _SIZE.search(rule):
                sizes[tag] = min(float(found[1]), 200)
            if found := _COLOR.search(rule):
                colors[tag] = found[1].lower()
    return Sheet(sizes, colors)


def paragraphs(html: str, base: Run, style: Sheet) -> list[list[Run]]:
    """Of the words in an element; empty ones left out."""
    tree = LexborHTMLParser(f"<body>{html}</body>")
    found: list[list[Run]] = [[]]
    if tree.body is not None:
        _collect(tree.body, base, style, found)
    return [runs for runs in found if any(run.image or run.text.strip() for run in runs)]


def _collect(node: LexborNode, look: Run, style: Sheet, found: list[list[Run]], deep: int = 0) -> None:
    if deep > _DEEPEST:
        return
    for one in node.iter(include_text=True):
        tag = one.tag or ""
        if len(found) > _MOST_PARAGRAPHS:
            return
        if tag == "-text":
            text = re.sub(r"\s+", " ", one.text(deep=False))
            if text.strip() or (text and found[-1]):
                found[-1].append(replace(look, text=text))
        elif tag in ("style", "script", "title"):
            continue
        elif tag == "img":
            found += [[_image(one)], []]
        else:
            if tag in _BREAKS or tag == "br":
                found.append([])
            _collect(one, _look(one, tag, look, style), style, found, deep + 1)
            if tag in _BREAKS:
                found.append([])
            elif tag == "td":
                found[-1].append(replace(look, text="  "))


def _image(node: LexborNode) -> Run:
    width = re.match(r"\d{1,4}", node.attributes.get("width") or "")
    address = node.attributes.get("src") or "?"
    return Run((node.attributes.get("alt") or "")[:200], float(width[0]) if width else 0, image=address)


def _look(node: LexborNode, tag: str, look: Run, style: Sheet) -> Run:
    given = node.attributes.get("style") or ""
    size = style.sizes.get(tag, look.size * _SIZES.get(tag, 1))
    color = style.colors.get(tag, "#0b5394" if tag == "a" else look.color)
    if found := _SIZE.search(given):
        size = min(float(found[1]), 200)
    if found := _COLOR.search(given):
        color = found[1].lower()
    bold = look.bold or tag in ("b", "strong", "th", "h1", "h2", "h3", "h4")
    return replace(look, size=size, color=color, bold=bold, underline=look.underline or tag == "a")


def broken(runs: list[Run], width: float, measure: Callable[[str, float, bool], float]) -> list[list[Run]]:
    """Lines of a paragraph: words go over to the next where they do not fit any more."""
    lines: list[list[Run]] = [[]]
    x = 0.0
    for run in runs:
        for word in re.findall(r"\S+\s*|\s+", run.text):
            wide = measure(word.rstrip(), run.size, run.bold)
            if lines[-1] and x + wide > width:
                lines.append([])
                x = 0.0
            if not lines[-1]:
                word = word.lstrip()
            if not word:
                continue
            last = lines[-1][-1] if lines[-1] else None
            if last is not None and replace(last, text="") == replace(run, text=""):
                lines[-1][-1] = replace(last, text=last.text + word)
            else:
                lines[-1].append(replace(run, text=word))
            x += measure(word, run.size, run.bold)
    return [line for line in lines if line]
