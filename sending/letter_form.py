"""The form of a simple letter: what a browser sends → the stored form, with one button's act done to it.

Fields are `b0-kind`, `b0-text`, … in reading order; the pressed button is `act`: "add-paragraph", "up-2",
"down-2", "delete-2", or nothing for saving. So it works without script, a press at a time.
"""

from collections.abc import Mapping
from typing import Any

import orjson

KINDS = ("heading", "paragraph", "image", "button", "divider")
MAX_BLOCKS = 100
_FIELDS: Mapping[str, tuple[str, ...]] = {
    "heading": ("text",),
    "paragraph": ("text",),
    "image": ("src", "alt", "href", "width"),
    "button": ("text", "href"),
    "divider": (),
}
_OPTIONAL = ("href", "width")


def start() -> str:
    """A letter that waits for its first words."""
    return _dump([{"kind": "paragraph", "text": ""}], footer=True)


def read(form: Mapping[str, Any]) -> str:
    """The form's fields and its act → the stored letter. Unknown fields and acts are forgotten."""
    blocks = _blocks(form)
    act, _, place = str(form.get("act", "")).rpartition("-")
    if act == "add" and place in KINDS and len(blocks) < MAX_BLOCKS:
        blocks.append({"kind": place} | dict.fromkeys(_required(place), ""))
    elif place.isascii() and place.isdigit() and int(place) < len(blocks):
        _move(blocks, act, int(place))
    return _dump(blocks, footer=form.get("footer") == "true")


def with_image(text: str, place: int, image: Mapping[str, Any]) -> str | None:
    """The stored letter with `image` (src, alt, width) in the block of that place; None: there is none."""
    letter = orjson.loads(text or b"{}")
    blocks = letter.get("blocks", [])
    if not (0 <= place < len(blocks) and blocks[place].get("kind") == "image"):
        return None
    blocks[place] = {"href": blocks[place].get("href"), **image}
    blocks[place] = {"kind": "image"} | {
        name: value for name, value in blocks[place].items() if value is not None
    }
    return _dump(blocks, footer=bool(letter.get("footer")))


def with_alts(text: str, before: str, alts: Mapping[str, str]) -> str:
    """Descriptions of the library for images that have just been chosen and have none here.

    One that stood there before without description stays so: the author may have meant it.
    """
    known = {block.get("src") for block in orjson.loads(before or b"{}").get("blocks", [])}
    letter = orjson.loads(text)
    for block in letter["blocks"]:
        if block["kind"] == "image" and not block.get("alt") and block.get("src") not in known:
            block["alt"] = next((alt for name, alt in alts.items() if name in block.get("src", "")), "")
    return _dump(letter["blocks"], footer=letter["footer"])


def changed_place(form: Mapping[str, Any]) -> str:
    """Where the reader goes on after the act: the block that was added or moved, as a fragment."""
    act, _, place = str(form.get("act", "")).rpartition("-")
    count = sum(1 for name in form if name.endswith("-kind"))
    if act == "add":
        return f"#b{count}"
    if act in ("up", "down") and place.isdigit():
        return f"#b{max(0, min(count - 1, int(place) + (1 if act == 'down' else -1)))}"
    return f"#b{max(0, int(place) - 1)}" if act == "delete" and place.isdigit() else ""


def _blocks(form: Mapping[str, Any]) -> list[dict[str, Any]]:
    blocks: list[dict[str, Any]] = []
    for n in range(MAX_BLOCKS):
        kind = str(form.get(f"b{n}-kind", ""))
        if kind not in KINDS:
            break
        blocks.append({"kind": kind, **_values(form, n, kind)})
    return blocks


def _values(form: Mapping[str, Any], n: int, kind: str) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for name in _FIELDS[kind]:
        text = str(form.get(f"b{n}-{name}", "")).replace("\r\n", "\n").replace("\0", "").strip()
        if text or name not in _OPTIONAL or kind == "button":
            values[name] = int(text) if name == "width" and text.isascii() and text.isdigit() else text
    return values


def _required(kind: str) -> tuple[str, ...]:
    return tuple(name for name in _FIELDS[kind] if name not in _OPTIONAL or kind == "button")


def _move(blocks: list[dict[str, Any]], act: str, n: int) -> None:
    if act == "delete":
        del blocks[n]
    elif act == "up" and n > 0:
        blocks[n - 1], blocks[n] = blocks[n], blocks[n - 1]
    elif act == "down" and n + 1 < len(blocks):
        blocks[n + 1], blocks[n] = blocks[n], blocks[n + 1]


def _dump(blocks: list[dict[str, Any]], *, footer: bool) -> str:
    return orjson.dumps({"blocks": blocks, "footer": footer}).decode()
