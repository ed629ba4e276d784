"""Quoted-printable in pieces (RFC 2045 §6.7): what a campaign's mails share is encoded once, joined per mail.

Every piece begins a line: between two stands a soft line break, which a reader takes away again. So a piece
is encoded without knowing its neighbours. No line begins with a dot, no two blanks stand together and no tab
is left, so that DATA needs no stuffing (RFC 5321 §4.5.2) and DKIM's relaxed form of the body is the body
itself (RFC 6376 §3.4.4).
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from operator import itemgetter
from typing import NamedTuple

LINE = 75
"""Octets of a line before the `=` of a soft break (RFC 2045 §6.7, rule 5)."""

# octets that stand for themselves, with single blanks between them
PLAIN = re.compile(r"[!-<>-~]+(?: [!-<>-~]+)*")
_WORDS = re.compile("[!-\\-/-~\xa0-\ud7ff](?: ?[!-~\xa0-\ud7ff])*")
"""No dot begins them, nothing but single blanks lies between."""
_ESCAPED = re.compile(rb"[^ !-<>-~]")
_SOFT = b"=\r\n"
_OCTETS = tuple(bytes((n,)) if 33 <= n <= 126 and n != 0x3D else b"=%02X" % n for n in range(256))
_REMEMBERED_LENGTH = 200

ODD = re.compile("[\x00-\x08\x0b-\x1f\x7f]")
"""What no mail part may carry, and CR, which is half a line end."""
_REMOVED = dict.fromkeys((*range(9), *range(11, 32), 127))


def clean(text: str) -> str:
    """Without the control characters no mail part may carry; tabs and lines stay, ended one way."""
    if not ODD.search(text):
        return text
    return str(text).replace("\r\n", "\n").replace("\r", "\n").translate(_REMOVED)


def encode(text: str) -> bytes:
    """A piece from the beginning of a line; `text` has LF line ends."""
    out = bytearray()
    column = 0
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
    return bytes(out)


class Holed(NamedTuple):
    """Octets with holes: `template` % what `pick` takes of a mail's filling."""

    template: bytes
    pick: Callable[[Sequence[bytes]], bytes | tuple[bytes, ...]]


Known = bytes | Holed


def holed(between: Sequence[str], numbers: Sequence[int]) -> Holed:
    """Texts and, between them, the holes of these numbers; each of both begins a line."""
    out: list[bytes] = []
    for at, text in enumerate(between):
        if text:
            out.append(encode(text).replace(b"%", b"%%"))
        if at < len(numbers):
            out.append(b"%b")
    return Holed(_SOFT.join(out), itemgetter(*numbers))


def join(pieces: Iterable[str], known: Mapping[int, Known], filling: Sequence[bytes] = ()) -> bytes:
    """The pieces one behind the other; those whose identity is `known` are taken as they were encoded."""
    out: list[bytes] = []
    for text in pieces:
        found = known.get(id(text))
        if found is None:
            if text:
                out.append(value(text))
        elif isinstance(found, bytes):
            out.append(found)
        else:
            out.append(found.template % found.pick(filling))
    return _SOFT.join(out)


def value(text: str) -> bytes:
    """A piece that is not known, from the beginning of a line."""
    if PLAIN.fullmatch(text):
        return wrapped(text.encode("ascii"))
    if len(text) < LINE and _WORDS.fullmatch(text):
        # a name, say
        octets = _ESCAPED.sub(_escape, text.encode())
        if len(octets) <= LINE:
            return octets
    # what many mails repeat; not whole paragraphs
    return _remembered(text) if len(text) <= _REMEMBERED_LENGTH else encode(clean(text))


def wrapped(octets: bytes) -> bytes:
    """Octets that stand for themselves, on lines of their length; no line begins with a dot."""
    if b"." in octets[::LINE]:
        return encode(octets.decode("ascii"))
    size = len(octets)
    if size <= LINE:
        return octets
    if size <= 2 * LINE:
        return octets[:LINE] + _SOFT + octets[LINE:]
    return _SOFT.join([octets[start : start + LINE] for start in range(0, size, LINE)])


def _escape(octet: re.Match[bytes]) -> bytes:
    return _OCTETS[octet[0][0]]


@lru_cache(4096)
def _remembered(text: str) -> bytes:
    return encode(clean(text))
