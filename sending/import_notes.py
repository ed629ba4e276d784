"""What an imported mail may not keep: one judgement for HTML and MJML, and its sentence for each line."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal
from urllib.parse import urlsplit

from mailer.core.text import N_
from sending.problems import Problem, warning

# fmt: off
ACTIVE = frozenset([
    "script", "iframe", "frame", "frameset", "object", "embed", "applet", "audio", "video", "svg", "math",
    "base", "link", "noscript", "template",
])
CONTROLS = frozenset([
    "input", "button", "select", "textarea", "option", "datalist", "fieldset", "legend", "label",
])
# fmt: on
_GOES = frozenset(["input", "button", "select", "textarea", "datalist"])
_PROGRAM = re.compile(r"^[\s\x00-\x1f]*(javascript|vbscript|data|file)\s*:", re.IGNORECASE)
_PICTURE = re.compile(r"^data:image/(png|jpe?g|gif|webp);base64,", re.IGNORECASE)
_ADDRESSES = frozenset(["href", "src", "action", "formaction", "background", "background-url", "poster"])
_TINY = re.compile(r"(?:^|[;\s])(?:max-)?(?:width|height)\s*:\s*[012](?:px)?\s*(?:;|$|!)", re.IGNORECASE)
_HIDDEN = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden", re.IGNORECASE)
_IMAGES = frozenset(["img", "mj-image"])

Fate = Literal["keep", "remove", "unwrap"]


@dataclass(frozen=True, slots=True)
class Use:
    """An image that a source shows."""

    line: int
    address: str
    alt: str


def judge(tag: str, attributes: Mapping[str, str | None], line: int) -> tuple[Fate, list[Problem]]:
    """Whether an element stays, and what to tell about it."""
    if tag in ACTIVE or (tag == "meta" and (attributes.get("http-equiv") or "").lower() == "refresh"):
        message = N_("Line {line}: `{tag}` was removed: in a mail it runs nothing, and filters dislike it.")
        return "remove", [warning(line, "active", message, tag=tag)]
    if tag == "form":
        message = N_("Line {line}: a form was taken apart: its fields are gone, its words stay.")
        return "unwrap", [warning(line, "form", message)]
    if tag in CONTROLS:
        message = N_("Line {line}: the form field `{tag}` was removed. Link to a page with the form instead.")
        return ("remove" if tag in _GOES else "unwrap"), [warning(line, "form", message, tag=tag)]
    if tag in _IMAGES and is_tracker(attributes):
        message = N_("Line {line}: an invisible image of {host} was removed: it told who opens the message.")
        return "remove", [warning(line, "tracker", message, host=host(attributes.get("src") or ""))]
    told = []
    for name, value in attributes.items():
        if name.startswith("on"):
            message = N_("Line {line}: `{name}` was removed: in a mail nothing runs.")
            told.append(warning(line, "active", message, name=name))
        elif is_program(name, value):
            message = N_("Line {line}: the address in `{name}` was removed: it runs a program.")
            told.append(warning(line, "active", message, name=name))
    return "keep", told


def drops(name: str, value: str | None) -> bool:
    """Attributes that go while their element stays."""
    return name.startswith("on") or name in ("srcset", "ping", "srcdoc") or is_program(name, value)


def is_program(name: str, value: str | None) -> bool:
    return name in _ADDRESSES and bool(_PROGRAM.match(value or "")) and not _PICTURE.match(value or "")


def is_tracker(attributes: Mapping[str, str | None]) -> bool:
    """An image of another server that nobody can see."""
    if not host(attributes.get("src") or ""):
        return False
    style = attributes.get("style") or ""
    sizes = [(attributes.get(side) or "").strip().removesuffix("px") for side in ("width", "height")]
    return any(size in ("0", "1", "2") for size in sizes) or bool(
        _TINY.search(style) or _HIDDEN.search(style)
    )


def host(address: str) -> str:
    """Of a web address; "" for a relative one or another kind."""
    try:
        parts = urlsplit(address.strip())
    except ValueError:
        return ""
    return (parts.hostname or "") if parts.scheme in ("http", "https", "") else ""
