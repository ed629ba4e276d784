"""A part of a mail, prepared once per revision: its unchanging pieces are encoded ahead (D-01, D-04).

    template ─ its constants ─▶ known pieces          once
    rendered pieces ─ known? taken as they are : encoded ─▶ octets of the part      per recipient

Jinja yields the very string objects that its compiled code holds, so a piece is recognised by its identity.
"""

import binascii
from base64 import encodebytes
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import CodeType
from typing import Literal

from sending import plain_text, quoted
from sending.plain_text import Parted

Transfer = Literal["quoted-printable", "base64"]
BASE64_PAYS = 1.37
"""Base64 makes 37 octets of 27 with its line ends; quoted-printable is shorter for most of Europe."""

SHORTEST = 24
"""Shorter constants are cheaper to encode again than to give a line of their own."""


@dataclass(frozen=True, slots=True)
class Body:
    """`known` maps a string's identity → its octets, `parted` → how a text part's white space is tidied.

    `alive` keeps the strings, without which an identity says nothing.
    """

    transfer: Transfer
    known: Mapping[int, bytes]
    parted: Mapping[int, Parted] | None
    alive: tuple[str, ...] = field(repr=False)

    def encode(self, pieces: Sequence[str]) -> bytes:
        """CRLF line ends, the last line ended; values without what no mail part may carry."""
        if self.parted is not None:
            pieces = plain_text.tidied(pieces, self.parted)
        if self.transfer == "base64":
            return transferred("".join(map(quoted.clean, pieces)), "base64")
        made = quoted.join(pieces, self.known)
        return made if made.endswith(b"\r\n") else made + b"\r\n"


def html(code: CodeType) -> Body:
    """Of a template's code."""
    constants = _clean(code)
    pieces = {id(one): quoted.encode(one) for one in constants if len(one) >= SHORTEST}
    raw = sum(len(one.encode()) for one in constants if len(one) >= SHORTEST)
    return _body(pieces, raw, None, constants)


def text(code: CodeType) -> Body:
    """Of a template's code: blank lines and blanks at line ends are tidied across its pieces."""
    constants = _clean(code)
    parted = {id(one): plain_text.part(one) for one in constants}
    cores = [one.core for one in parted.values() if len(one.core) >= SHORTEST]
    pieces = {id(core): quoted.encode(core) for core in cores}
    return _body(pieces, sum(len(core.encode()) for core in cores), parted, constants)


def _body(
    pieces: Mapping[int, bytes],
    raw: int,
    parted: Mapping[int, Parted] | None,
    constants: tuple[str, ...],
) -> Body:
    quoted_size = sum(map(len, pieces.values()))
    transfer: Transfer = "base64" if quoted_size > raw * BASE64_PAYS else "quoted-printable"
    return Body(transfer, pieces, parted, constants)


def _clean(code: CodeType) -> tuple[str, ...]:
    return tuple(one for one in strings(code) if not quoted.ODD.search(one))


def strings(code: CodeType) -> Iterator[str]:
    """Every string constant, in nested code too."""
    for constant in code.co_consts:
        if isinstance(constant, str):
            yield constant
        elif isinstance(constant, CodeType):
            yield from strings(constant)


def transferred(body: str, transfer: Transfer) -> bytes:
    """A whole part with LF line ends, encoded by one way; its last line is ended."""
    whole = body if body.endswith("\n") else body + "\n"
    if transfer == "quoted-printable":
        return binascii.b2a_qp(whole.encode(), istext=True).replace(b"\n", b"\r\n")
    # base64 would turn LF into octets of the text, where CRLF is the line end (RFC 2046 §4.1.1)
    return encodebytes(whole.replace("\n", "\r\n").encode()).replace(b"\n", b"\r\n")


def shorter(body: str) -> Transfer:
    """The way that makes less of a whole part."""
    octets = body.encode()
    plain = len(octets.translate(None, _QUOTED))
    size = plain + (len(octets) - plain) * 3
    return "base64" if size > len(octets) * BASE64_PAYS else "quoted-printable"


_QUOTED = bytes([*range(10), *range(11, 32), 0x3D, *range(0x7F, 0x100)])
