"""A stranger's mail as plain text: nothing of it runs, loads or links."""

import email
import email.policy
import re
from collections.abc import Iterator
from dataclasses import dataclass
from email.header import decode_header, make_header
from email.message import Message

from selectolax.lexbor import LexborHTMLParser

LONGEST = 20_000
_MOST_PARTS = 200
_HEADERS = ("From", "To", "Subject", "Date", "Reply-To", "Auto-Submitted")
_ODD = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]")


@dataclass(frozen=True, slots=True)
class Shown:
    """`cut`: there is more. `headers` decoded, in a fixed order."""

    sender: str
    subject: str
    headers: tuple[tuple[str, str], ...]
    text: str
    cut: bool


def shown(raw: bytes) -> Shown:
    """Never raises: what cannot be read is shown as far as it can."""
    mail = email.message_from_bytes(raw, policy=email.policy.compat32)
    headers = tuple((name, value) for name in _HEADERS if (value := header(mail, name)))
    text = "\n\n".join(_texts(mail)).strip()
    if not text:
        text = _plain(raw.decode("utf-8", "replace"))
    found = dict(headers)
    return Shown(
        found.get("From", ""), found.get("Subject", ""), headers, text[:LONGEST], len(text) > LONGEST
    )


def header(mail: Message, name: str) -> str:
    try:
        value = str(make_header(decode_header(str(mail.get(name, "")))))
    except (ValueError, LookupError, UnicodeError):
        value = str(mail.get(name, "")).encode("utf-8", "replace").decode()
    return _plain(" ".join(value.split()))[:500]


def _texts(mail: Message) -> Iterator[str]:
    """Of every readable part; HTML only where there is no plain text beside it."""
    plain, html, size = [], [], 0
    for n, part in enumerate(mail.walk()):
        if n >= _MOST_PARTS or size > 2 * LONGEST:
            break
        kind = part.get_content_type()
        if part.is_multipart() and kind != "message/delivery-status":
            continue
        if kind == "text/html":
            html.append(_stripped(_decoded(part)))
        elif kind.startswith(("text/", "message/")):
            text = _plain(_decoded(part))
            size += len(text)
            plain.append(text)
    yield from plain or html


def _decoded(part: Message) -> str:
    inner = part.get_payload()
    if isinstance(inner, list):
        return "\n".join(str(one) for one in inner)
    data = part.get_payload(decode=True)
    if not isinstance(data, bytes):
        return str(inner)
    try:
        return data.decode(part.get_content_charset("utf-8"), "replace")
    except LookupError:
        return data.decode("utf-8", "replace")


def _stripped(html: str) -> str:
    body = LexborHTMLParser(html[: 10 * LONGEST]).body
    if body is None:
        return ""
    for node in body.css("script, style, template"):
        node.decompose()
    return _plain(re.sub(r"\n\s*\n+", "\n\n", body.text(separator="\n")))


def _plain(text: str) -> str:
    """Without control characters, and without those that turn the direction of writing."""
    return _ODD.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))
