"""Legal texts as plain text that a person can read and a page can show: a small part of Markdown.

    ## heading   ### smaller heading   - item   1. item   paragraph
    **bold**  *emphasis*  `code`  [words](https://… | mailto:… | /path)

What is stored, hashed, compared and downloaded is this text; HTML is made from it, everything in it escaped.
"""

import re
from dataclasses import dataclass
from html.parser import HTMLParser
from typing import Literal

from markupsafe import Markup, escape

Kind = Literal["h2", "h3", "p", "ul", "ol"]
# what other readers of Markdown take for HTML is a mark as well
_SPECIAL = re.compile(r"([\\*`<]|\](?=\()|&(?=#?\w+;))")
_INLINE = re.compile(
    r"\\(?P<plain>.)"
    r"|\*\*(?P<bold>.+?)\*\*"
    r"|\*(?P<emphasis>[^*]+?)\*"
    r"|`(?P<code>[^`]+)`"
    r"|\[(?P<words>(?:\\.|[^\]\\])+)\]\((?P<href>(?:https?://|mailto:|/)[^\s)]*)\)"
)
# not the spaces that French keeps a sign on its line with
_SPACES = re.compile(r"[ \t\r\n]+")
_NUMBERED = re.compile(r"\d+\.\s+")
_ARTICLE = re.compile(r"(\d+)\.\s")
_TAGS = {"strong": "**", "b": "**", "em": "*", "i": "*", "code": "`"}


@dataclass(frozen=True, slots=True)
class Block:
    """A heading or paragraph has one line, a list one for each item."""

    kind: Kind
    lines: tuple[str, ...]


def plain(text: str) -> str:
    """A fact on one line, so that nothing in it counts as a mark."""
    return _SPECIAL.sub(r"\\\1", " ".join(text.split()))


def parse(text: str) -> list[Block]:
    """Lines without an empty one between them are one paragraph."""
    blocks: list[Block] = []
    for part in re.split(r"\n\s*\n", text.replace("\r\n", "\n").strip()):
        for kind, line in _lines(part):
            same = blocks and blocks[-1].kind == kind and kind in ("ul", "ol")
            if same:
                blocks[-1] = Block(kind, (*blocks[-1].lines, line))
            elif line:
                blocks.append(Block(kind, (line,)))
    return blocks


def _lines(part: str) -> list[tuple[Kind, str]]:
    found: list[tuple[Kind, str]] = []
    for line in part.split("\n"):
        text = line.strip()
        if text.startswith("### "):
            found.append(("h3", text[4:].strip()))
        elif text.startswith(("## ", "# ")):
            found.append(("h2", text.lstrip("#").strip()))
        elif text.startswith("- "):
            found.append(("ul", text[2:].strip()))
        elif _NUMBERED.match(text):
            found.append(("ol", _NUMBERED.sub("", text, count=1)))
        elif found and text and found[-1][0] in ("p", "ul", "ol"):
            found[-1] = (found[-1][0], f"{found[-1][1]} {text}")
        elif text:
            found.append(("p", text))
    return found


def markdown(blocks: list[Block]) -> str:
    """The same text again, in one spelling."""
    return "\n\n".join(_written(block) for block in blocks) + "\n"


def _written(block: Block) -> str:
    match block.kind:
        case "h2":
            return f"## {block.lines[0]}"
        case "h3":
            return f"### {block.lines[0]}"
        case "ul":
            return "\n".join(f"- {line}" for line in block.lines)
        case "ol":
            return "\n".join(f"{n}. {line}" for n, line in enumerate(block.lines, 1))
        case _:
            return block.lines[0]


def html(text: str) -> Markup:
    """Headings "3. …" can be linked to as #art-3."""
    return Markup("\n").join(_block(block) for block in parse(text))


def _block(block: Block) -> Markup:
    if block.kind in ("ul", "ol"):
        items = Markup("").join(Markup("<li>{}</li>").format(_inline(line)) for line in block.lines)
        return Markup("<{}>{}</{}>").format(block.kind, items, block.kind)
    article = _ARTICLE.match(block.lines[0]) if block.kind == "h2" else None
    mark = Markup(' id="art-{}"').format(article[1]) if article else Markup("")
    return Markup("<{}{}>{}</{}>").format(block.kind, mark, _inline(block.lines[0]), block.kind)


def _inline(line: str) -> Markup:
    pieces, end = [], 0
    for found in _INLINE.finditer(line):
        pieces.append(escape(line[end : found.start()]))
        pieces.append(_marked(found))
        end = found.end()
    return Markup("").join([*pieces, escape(line[end:])])


def _marked(found: re.Match[str]) -> Markup:
    if found["bold"] is not None:
        return Markup("<strong>{}</strong>").format(_inline(found["bold"]))
    if found["emphasis"] is not None:
        return Markup("<em>{}</em>").format(_inline(found["emphasis"]))
    if found["code"] is not None:
        return Markup("<code>{}</code>").format(found["code"])
    if found["href"] is not None:
        return Markup('<a href="{}" rel="noopener">{}</a>').format(found["href"], _inline(found["words"]))
    return escape(found["plain"])


def bare(line: str) -> str:
    """A line without its marks, as a reader sees it."""
    return _INLINE.sub(_unmarked, line)


def _unmarked(found: re.Match[str]) -> str:
    for name in ("bold", "emphasis", "words"):
        if found[name] is not None:
            return bare(found[name])
    return str(found["code"] or found["plain"] or "")


def document(title: str, language: str, text: str) -> str:
    """A page of its own to download."""
    return str(
        Markup(
            '<!doctype html>\n<html lang="{}">\n<head>\n<meta charset="utf-8">\n<title>{}</title>\n</head>\n'
            "<body>\n<h1>{}</h1>\n{}\n</body>\n</html>\n"
        ).format(language, title, title, html(text))
    )


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.blocks: list[Block] = []
        self._kind: Kind | None = None
        self._line = ""
        self._href = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in ("ul", "ol"):
            self._kind = "ul" if tag == "ul" else "ol"
            self.blocks.append(Block(self._kind, ()))
        elif tag == "h2":
            self._kind, self._line = "h2", ""
        elif tag == "h3":
            self._kind, self._line = "h3", ""
        elif tag == "p":
            self._kind, self._line = "p", ""
        elif tag == "li":
            self._line = ""
        elif tag == "a":
            self._href = dict(attrs).get("href") or ""
            self._line += "["
        else:
            self._line += _TAGS.get(tag, "")

    def handle_endtag(self, tag: str) -> None:
        line = _SPACES.sub(" ", self._line).strip()
        if tag == "li" and self.blocks:
            last = self.blocks[-1]
            self.blocks[-1] = Block(last.kind, (*last.lines, line))
        elif tag == "a":
            self._line += f"]({self._href})"
        elif tag in ("h2", "h3", "p") and self._kind is not None and line:
            self.blocks.append(Block(self._kind, (line,)))
        else:
            self._line += _TAGS.get(tag, "")

    def handle_data(self, data: str) -> None:
        self._line += _SPECIAL.sub(r"\\\1", data)


def from_html(text: str) -> str:
    """Our own templates' paragraphs, headings and flat lists as such a text."""
    reader = _Reader()
    reader.feed(text)
    reader.close()
    return markdown([block for block in reader.blocks if any(block.lines)])
