"""The simple letter: form fields that become MJML, so that nobody has to write code.

In a paragraph `**words**` is bold and `[words](https://…)` a link; merge fields may stand anywhere.
"""

import re
from html import escape
from typing import Annotated, Literal

from jinja2 import TemplateSyntaxError
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from sending import merge
from sending.footer import footer_mjml

Line = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=300)]
Prose = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=20_000)]
WebAddress = Annotated[
    str,
    StringConstraints(
        strip_whitespace=True, max_length=2_000, pattern=r"^(https?://[^\s\"<>]+|\{\{[^\"<>]+\}\}[^\s\"<>]*)$"
    ),
]
Target = Annotated[
    str,
    StringConstraints(
        strip_whitespace=True,
        max_length=2_000,
        pattern=r"^(https?://[^\s\"<>]+|mailto:[^\s\"<>]+|tel:[+0-9 .()-]+|\{\{[^\"<>]+\}\}[^\s\"<>]*)$",
    ),
]


class _Block(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Heading(_Block):
    kind: Literal["heading"] = "heading"
    text: Line


class Paragraph(_Block):
    kind: Literal["paragraph"] = "paragraph"
    text: Prose


class Image(_Block):
    """`alt` is empty only for an image that merely decorates."""

    kind: Literal["image"] = "image"
    src: WebAddress
    alt: Annotated[str, StringConstraints(strip_whitespace=True, max_length=300)]
    href: Target | None = None
    width: Annotated[int, Field(ge=1, le=600)] | None = None


class Button(_Block):
    kind: Literal["button"] = "button"
    text: Line
    href: Target


class Divider(_Block):
    kind: Literal["divider"] = "divider"


Block = Annotated[Heading | Paragraph | Image | Button | Divider, Field(discriminator="kind")]


class Letter(BaseModel):
    """A letter of up to 100 blocks; `footer` adds the standard one with identity and unsubscribe link."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    language: Literal["fr", "en"] = "fr"
    blocks: Annotated[list[Block], Field(min_length=1, max_length=100)]
    footer: bool = True


_HEAD = """<mjml lang="{language}" dir="ltr">
  <mj-head>
    <mj-attributes>
      <mj-all font-family="{{{{ brand.font }}}}" />
      <mj-text font-size="16px" line-height="1.5" color="{{{{ brand.text }}}}" />
      <mj-button font-size="16px" line-height="1.5" inner-padding="10px 24px" background-color="{{{{ brand.color }}}}"
        color="{{{{ brand.on_color }}}}" border-radius="4px" />
    </mj-attributes>
    <mj-style>h1, h2 {{ font-family: {{{{ brand.heading_font }}}}; }} h1 {{ font-size: 26px; line-height: 1.3; margin: 0; }} h2 {{ font-size: 20px; line-height: 1.3; margin: 0; }} p {{ margin: 0 0 16px; }} a {{ text-decoration: underline; }}</mj-style>
  </mj-head>
  <mj-body background-color="{{{{ brand.background }}}}">
    <mj-section padding="16px 0">
      <mj-column>
"""  # noqa: E501 (one line of style, as it stands in the mail)
_TAIL = """      </mj-column>
    </mj-section>{footer}  </mj-body>
</mjml>
"""
_BOLD = re.compile(r"\*\*(?=\S)(.+?)(?<=\S)\*\*")
_LINK = re.compile(r"\[([^\[\]\n]{1,300})\]\(((?:https?://|mailto:)[^\s()\"<>]{1,2000})\)")


def block_of(line: int) -> int:
    """The block, from 1, that a line of `to_mjml` belongs to; 0 for what is around them."""
    return max(0, line - _HEAD.count("\n"))


def to_mjml(letter: Letter) -> str:
    """MJML of a letter: what is typed is text, whatever it looks like."""
    headings = 0
    lines: list[str] = []
    for block in letter.blocks:
        if isinstance(block, Heading):
            headings += 1
        lines.append(_block(block, first_heading=headings == 1))
    footer = footer_mjml(letter.language) if letter.footer else "\n"
    return _HEAD.format(language=letter.language) + "".join(lines) + _TAIL.replace("{footer}", footer)


def _block(block: Block, *, first_heading: bool) -> str:
    match block:
        case Heading():
            tag = "h1" if first_heading else "h2"
            return f"        <mj-text><{tag}>{_text(block.text)}</{tag}></mj-text>\n"
        case Paragraph():
            return f"        <mj-text>{_paragraphs(block.text)}</mj-text>\n"
        case Image():
            href = f' href="{_text(block.href)}"' if block.href else ""
            width = f' width="{block.width}px"' if block.width else ""
            return f'        <mj-image src="{_text(block.src)}" alt="{_text(block.alt)}"{href}{width} />\n'
        case Button():
            return f'        <mj-button href="{_text(block.href)}">{_text(block.text)}</mj-button>\n'
        case Divider():
            return '        <mj-divider border-width="1px" border-color="#d0d4d9" />\n'


def _paragraphs(text: str) -> str:
    parts = [part.strip() for part in re.split(r"\n\s*\n", merge.normalise(text)) if part.strip()]
    return "".join(f"<p>{_markup(part)}</p>" for part in parts)


def _markup(text: str) -> str:
    """Bold and links of a text whose merge tags and other characters stay what they are."""
    made = _BOLD.sub(r"<strong>\1</strong>", _text(text))
    made = _LINK.sub(r'<a href="\2" style="color:{{ brand.link }}">\1</a>', made)
    return made.replace("\n", "<br />")


def _text(text: str) -> str:
    """Escaped, except for its merge tags, which the compiler swaps before it reads the source."""
    text = merge.normalise(text)
    try:
        found = merge.tags(text)
    except TemplateSyntaxError:
        found = []
    out: list[str] = []
    position = 0
    for tag in found:
        out.append(escape(text[position : tag.start]))
        out.append(tag.text)
        position = tag.end
    out.append(escape(text[position:]))
    return "".join(out)
