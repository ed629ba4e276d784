"""Quoted-printable in pieces (RFC 2045 §6.7): what a campaign's mails share is encoded once, joined per mail.

A piece encoded ahead begins a line: in front of it stands a soft line break, which a reader takes away again.
No line begins with a dot, no two blanks stand together and no tab is left, so that DATA needs no stuffing
(RFC 5321 §4.5.2) and DKIM's relaxed form of the body is the body itself (RFC 6376 §3.4.4).
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache

LINE = 75
"""Octets of a line before the `=` of a soft break (RFC 2045 §6.7, rule 5)."""

# octets that stand for themselves, with single blanks between them
PLAIN = re.compile(r"[!-<>-~]+(?: [!-<>-~]+)*")
_SOFT = b"=\r\n"
_BREAKS = {"\n": b"\r\n", "\n\n": b"\r\n\r\n"}
_OCTETS = tuple(bytes((n,)) if 33 <= n <= 126 and n != 0x3D else b"=%02X" % n for n in range(256))
_REMEMBERED_LENGTH = 200

ODD = re.compile("[\x00-\x08\x0b-\x1f\x7f]")
"""What no mail part may carry, and CR, which is half a line end."""
_REMOVED = dict.fromkeys((*range(9), *range(11, 32), 127))


@dataclass(frozen=True, slots=True)
class Piece:
    """`text` keeps the string alive, so that its identity names it; `end` is the column behind `data`."""

    text: str
    data: bytes
    end: int


def clean(text: str) -> str:
    """Without the control characters no mail part may carry; tabs and lines stay, ended one way."""
    if not ODD.search(text):
        return text
    return str(text).replace("\r\n", "\n").replace("\r", "\n").translate(_REMOVED)


def piece(text: str) -> Piece:
    """Encoded from the beginning of a line; `text` has LF line ends."""
    return Piece(text, *encode(text, 0))


def encode(text: str, column: int) -> tuple[bytes, int]:
    """The octets that go on at `column`, and the column behind them."""
    out = bytearray()
    for number, line in enumerate(text.split("\n")):
        if number:
            out += b"\r\n"
            column = 0
        octets = line.encode()
        for at, octet in enumerate(octets):
            word = _OCTETS[octet]
            if octet == 0x20 and at + 1 < len(octets) and octets[at + 1] != 0x20:
                word = b" "
            if column + len(word) > LINE:
                out += _SOFT
                column = 0
            if not column and octet == 0x2E:
                word = b"=2E"
            out += word
            column += len(word)
    return bytes(out), column


def join(pieces: Iterable[str], known: Mapping[int, Piece]) -> bytes:
    """The pieces one behind the other; those whose identity is `known` are taken as they were encoded."""
    out: list[bytes] = []
    column = 0
    known_piece, plain = known.get, PLAIN.fullmatch
    for text in pieces:
        found = known_piece(id(text))
        if found is not None:
            if column:
                out.append(_SOFT)
            out.append(found.data)
            column = found.end
        elif plain(text):
            octets = text.encode("ascii")
            size = column + len(octets)
            if column and size <= LINE:
                out.append(octets)
                column = size
            elif b"." in octets[::LINE]:
                # a line would begin with a dot
                data, column = _encoded(text, column)
                out.append(data)
            else:
                # from a line of its own, cut where a line is full: addresses of ours are long
                if column:
                    out.append(_SOFT)
                for start in range(0, len(octets) - LINE, LINE):
                    out.append(octets[start : start + LINE])
                    out.append(_SOFT)
                column = (len(octets) - 1) % LINE + 1
                out.append(octets[-column:])
        elif text in _BREAKS:
            out.append(_BREAKS[text])
            column = 0
        elif text:
            data, column = _encoded(clean(text), column)
            out.append(data)
    return b"".join(out)


def _encoded(text: str, column: int) -> tuple[bytes, int]:
    # what many mails repeat; not whole paragraphs
    return encode(text, column) if len(text) > _REMEMBERED_LENGTH else _remembered(text, column)


@lru_cache(4096)
def _remembered(text: str, column: int) -> tuple[bytes, int]:
    return encode(text, column)
