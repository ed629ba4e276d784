"""A source as people read it: MJML as it is, a simple letter with a line for each thing that was written."""

from typing import Any

import orjson

from mailer.core.text import N_
from mailer.web import i18n
from sending.sources import Source, letter_values

_KINDS = {
    "heading": N_("Heading"),
    "paragraph": N_("Paragraph"),
    "image": N_("Image"),
    "button": N_("Button"),
    "divider": N_("Divider"),
}


def readable(source: Source) -> str:
    if source.kind != "letter":
        return source.text
    try:
        values = letter_values(source.text)
    except orjson.JSONDecodeError:
        return source.text
    lines: list[str] = []
    for n, block in enumerate(values.get("blocks", ()), start=1):
        lines += _block(n, block)
    if values.get("footer"):
        lines.append(i18n.translate(N_("Add the footer: who writes, why, and the unsubscribe link")))
    return "\n".join(lines)


def _block(n: int, block: dict[str, Any]) -> list[str]:
    kind = str(block.get("kind", ""))
    title = i18n.translate(N_("Block {n}: {kind}"), n=n, kind=i18n.translate(_KINDS.get(kind, kind)))
    told = [str(value) for name, value in block.items() if name != "kind" and value not in (None, "")]
    return [title, *(line for value in told for line in value.split("\n")), ""]
