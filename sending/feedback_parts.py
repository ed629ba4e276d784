"""A mail from anywhere, taken apart for reading: bounded in time and memory, and never refused (D-31).

The standard library's parser recurses and trusts boundaries; reports come broken, cut off, nested a thousand
times and with any line end. Whatever cannot be read is read as text.
"""

import base64
import binascii
import html
import quopri
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from email.errors import HeaderParseError
from email.header import decode_header

LARGEST = 4_000_000  # octets that are looked at; reports stand before the mail they return
DEEPEST = 12
MOST_PARTS = 60
MOST_HEADERS = 400
LONGEST_TEXT = 200_000  # characters of one part

_FIELD = re.compile(r"([!-9;-~]{1,76})[ \t]*:[ \t]*(.*)")
_TYPE = re.compile(r"\s{0,20}[\w.+-]{1,60}/[\w.+-]{1,60}")
_FROM_LINE = re.compile(r">?From [^\n]{0,300}\n")
_BOUNDARY = re.compile(r"boundary\s*=\s*(?:\"([^\"\n]{1,200})\"|([^\s;\"]{1,200}))", re.IGNORECASE)
_CHARSET = re.compile(r"charset\s*=\s*[\"']?([\w.:+-]{1,40})", re.IGNORECASE)
_LOST_BOUNDARY = re.compile(r"^--([^\s][^\n]{0,120})\n(?=content-)", re.IGNORECASE | re.MULTILINE)
_NO_TEXT = (("<style", "</style"), ("<script", "</script"), ("<title", "</title"), ("<!--", "-->"))
_LINE_TAG = re.compile(
    r"</?(?:p|div|br|tr|li|h[1-6]|table|ul|ol|pre|hr|blockquote|td|th)\b[^>]{0,2000}>", re.I
)
_TAG = re.compile(r"</?[a-zA-Z!][^<>]{0,4000}>")
# none of Python's own, such as "unicode_escape" or "idna"
_MAIL_CHARSET = re.compile(
    r"(?:iso-?8859|iso-?2022|windows-|cp\d|utf-?8|koi8|gb|big5|euc|shift|sjis|hz|latin|mac|ks_c|tis)",
    re.IGNORECASE,
)
_UNREADABLE = frozenset({"image", "audio", "video", "application", "font"})

Headers = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Part:
    """`text` is decoded; of a returned message it is the whole message as it came, headers first."""

    type: str
    headers: Headers
    text: str
    params: str = ""

    @property
    def is_returned(self) -> bool:
        return self.type in _RETURNED


@dataclass(frozen=True, slots=True)
class Mail:
    headers: Headers
    type: str
    params: str
    parts: tuple[Part, ...] = field(default=())

    def header(self, name: str) -> str:
        return first(self.headers, name)

    def of(self, *types: str) -> Iterator[Part]:
        return (part for part in self.parts if part.type in types)

    @property
    def returned(self) -> Headers:
        """The headers of the mail that it speaks of, where a part holds them."""
        for part in self.parts:
            if part.is_returned:
                return split(part.text)[0]
        return ()


_RETURNED = frozenset(
    {
        "message/rfc822",
        "message/global",
        "text/rfc822-headers",
        "message/rfc822-headers",
        "message/global-headers",
        "message/partial",
        "text/rfc822",
    }
)


def read(raw: bytes) -> Mail:
    """Raises nothing for any octets."""
    text = raw[:LARGEST].decode("latin-1").replace("\r\n", "\n").replace("\r", "\n").replace("\0", "")
    text = text.lstrip("\n")
    if found := _FROM_LINE.match(text):
        text = text[found.end() :]
    return read_text(text)


def read_text(text: str) -> Mail:
    """A mail whose octets are characters (ISO 8859-1) and whose lines end with \\n."""
    headers, body = split(text)
    kind, params = _content_type(headers)
    return Mail(headers, kind, params, tuple(_parts(headers, body)))


def first(headers: Headers, name: str) -> str:
    name = name.lower()
    return next((value for key, value in headers if key.lower() == name), "")


def split(text: str) -> tuple[Headers, str]:
    """Headers, unfolded, and body. A text that starts with no header is all body."""
    text = text.lstrip("\n")
    head, _, body = text.partition("\n\n")
    headers: list[list[str]] = []
    for line in head.split("\n")[:MOST_HEADERS]:
        if line[:1] in (" ", "\t"):
            if headers:
                headers[-1][1] += " " + line.strip()
            continue
        found = _FIELD.match(line[:4000])
        if found is None:
            if not headers:
                return (), text
            continue
        headers.append([found[1], found[2].strip()])
    return tuple((name, value[:8000]) for name, value in headers), body


def words(value: str) -> str:
    """A header's encoded words decoded (RFC 2047), raw octets as UTF-8 or else as Latin 1."""
    value = _readable(value)
    if "=?" not in value:
        return value
    try:
        pieces = decode_header(value[:2000])
    except (HeaderParseError, ValueError, binascii.Error):
        return value
    return "".join(
        piece if isinstance(piece, str) else _decoded(piece, charset or "") for piece, charset in pieces
    )


def from_html(text: str) -> str:
    """The words of an HTML page, a line for each block."""
    text = text[:LONGEST_TEXT]
    for opening, closing in _NO_TEXT:
        text = _without(text, opening, closing)
    text = re.sub(r"\s+", " ", text)
    return html.unescape(_TAG.sub("", _LINE_TAG.sub("\n", text)))


def _without(text: str, opening: str, closing: str) -> str:
    """Linear whatever is there; one that is not closed stays."""
    small = text.lower()
    if len(small) != len(text):
        return text  # a letter whose small form is longer: positions would not agree
    kept, at = [], 0
    while (start := small.find(opening, at)) >= 0:
        end = small.find(closing, start)
        if end < 0:
            break
        kept.append(text[at:start])
        at = end + len(closing)
    return " ".join([*kept, text[at:]])


def _parts(headers: Headers, body: str) -> Iterator[Part]:
    """The leaves in reading order, without recursion."""
    waiting: list[tuple[Headers, str, int]] = [(headers, body, 0)]
    seen = 0
    while waiting and seen < MOST_PARTS:
        headers, body, depth = waiting.pop()
        kind, params = _content_type(headers)
        inner = _inner(kind, params, body) if depth < DEEPEST else []
        if inner:
            waiting.extend((*split_part(piece), depth + 1) for piece in reversed(inner[:MOST_PARTS]))
            continue
        seen += 1
        if kind.partition("/")[0] in _UNREADABLE:
            continue
        # one without any boundary is text after all
        yield _leaf("text/plain" if kind.startswith("multipart/") else kind, headers, params, body)


def split_part(piece: str) -> tuple[Headers, str]:
    """Of a MIME part: no header at all is allowed there, a blank line comes first then (RFC 2046 §5.1)."""
    return ((), piece[1:]) if piece.startswith("\n") else split(piece)


def _inner(kind: str, params: str, body: str) -> list[str]:
    """The pieces between boundaries; also of a multipart that forgot to say so or lost its boundary."""
    if kind in _RETURNED:
        return []
    boundary = _BOUNDARY.search(params)
    mark = (boundary[1] or boundary[2]).rstrip() if boundary else ""
    if not mark or f"--{mark}" not in body:
        lost = _LOST_BOUNDARY.search(body[:LONGEST_TEXT])
        if lost is None:
            return []
        mark = lost[1].rstrip()
    pieces = re.split(rf"(?:^|\n)--{re.escape(mark)}(?:--)?[ \t]*(?=\n|$)", body, maxsplit=MOST_PARTS)
    start = [pieces[0]] if not kind.startswith("multipart/") else []
    return [*start, *(piece[1:] for piece in pieces[1:] if piece.strip())]


def _leaf(kind: str, headers: Headers, params: str, body: str) -> Part:
    octets = body.encode("latin-1", "replace")
    coding = first(headers, "Content-Transfer-Encoding").lower().strip().strip('"')
    if coding == "base64":
        octets = _from_base64(octets)
    elif coding == "quoted-printable":
        octets = quopri.decodestring(octets[: LONGEST_TEXT * 3])
    if kind in _RETURNED:
        text = octets[: LONGEST_TEXT * 2].decode("latin-1")
    else:
        charset = _CHARSET.search(params)
        text = _decoded(octets[: LONGEST_TEXT * 2], charset[1] if charset else "")
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    return Part(kind, headers, text[: LONGEST_TEXT * 2] if kind in _RETURNED else text[:LONGEST_TEXT], params)


def _from_base64(octets: bytes) -> bytes:
    """As much as can be decoded: reports are cut off anywhere."""
    clean = re.sub(rb"[^A-Za-z0-9+/]", b"", octets[: LONGEST_TEXT * 2])
    if len(clean) % 4 == 1:  # half an octet, of a mail that was cut off
        clean = clean[:-1]
    try:
        return base64.b64decode(clean + b"=" * (-len(clean) % 4))
    except (binascii.Error, ValueError):
        return octets


def _decoded(octets: bytes, charset: str) -> str:
    if _MAIL_CHARSET.match(charset):
        try:
            # a few broken octets, such as of a mail that was cut off, don't make it another charset
            return octets.decode(charset, "replace" if len(octets) > 200 else "strict")
        except (LookupError, UnicodeError, ValueError):
            pass
    try:
        return octets.decode("utf-8")
    except UnicodeError:
        return octets.decode("latin-1")


def _readable(value: str) -> str:
    try:
        return value.encode("latin-1").decode("utf-8")
    except UnicodeError:
        return value


def _content_type(headers: Headers) -> tuple[str, str]:
    value = first(headers, "Content-Type")
    found = _TYPE.match(value)
    return (found[0].strip().lower(), value[found.end() :]) if found else ("text/plain", value)
