"""A part of a mail, prepared once per revision: its unchanging pieces are encoded ahead (D-01, D-04).

    template ─ its constants ─▶ known pieces, with holes for our addresses          once
    rendered pieces ─ known? taken as they are, holes filled : encoded ─▶ octets      per recipient

Jinja yields the very string objects that its compiled code holds, so a piece is recognised by its identity.
"""

import binascii
import re
from base64 import encodebytes
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import CodeType
from typing import Literal

from markupsafe import escape

from sending import plain_text, quoted
from sending.holes import MARK
from sending.plain_text import Parted
from sending.quoted import Known

Transfer = Literal["quoted-printable", "base64"]
BASE64_PAYS = 1.37
"""Base64 makes 37 octets of 27 with its line ends; quoted-printable is shorter for most of Europe."""

SHORTEST = 24
"""Shorter constants are cheaper to encode again than to give a line of their own."""


@dataclass(frozen=True, slots=True)
class Body:
    """`known` maps a string's identity → its octets, `parted` → how a text part's white space is tidied.

    `otherwise`: by place, what stands in a hole without address. `alive` keeps the strings, without which an
    identity says nothing.
    """

    transfer: Transfer
    known: Mapping[int, Known]
    parted: Mapping[int, Parted] | None
    alive: tuple[str, ...] = field(repr=False)
    otherwise: tuple[bytes, ...] = ()

    def encode(self, pieces: Sequence[str], filling: Sequence[bytes] = ()) -> bytes:
        """CRLF line ends, the last line ended; values without what no mail part may carry.

        `filling` comes from `addresses`, in the order of the holes' names.
        """
        if self.parted is not None:
            pieces = plain_text.tidied(pieces, self.parted)
        if self.transfer == "base64":
            return transferred("".join(map(quoted.clean, pieces)), "base64")
        if b"" in filling:
            # names behind the last of ours are another part's
            filling = [one or other for one, other in zip(filling, self.otherwise, strict=False)]
        made = quoted.join(pieces, self.known, filling)
        return made if made.endswith(b"\r\n") else made + b"\r\n"


def addresses(names: Sequence[str], context: Mapping[str, object]) -> tuple[list[bytes], list[bytes]]:
    """A mail's addresses, encoded for HTML and for text; b"" where there is none."""
    written = [str(context.get(name) or "") for name in names]
    # looked at and encoded as one text: a mail has some fifteen
    whole = "\n".join(written)
    if _SAFE.fullmatch(whole):
        made = [quoted.wrapped(octets) for octets in whole.encode().split(b"\n")]
        return made, made
    return [quoted.value(escape(one)) for one in written], [quoted.value(one) for one in written]


_SAFE = re.compile(r"(?!\.)[!#-%(-;?-~]*(?:\n(?!\.)[!#-%(-;?-~]*)*")
"""Addresses that stand for themselves, in HTML and in quoted-printable."""


def html(code: CodeType, otherwise: Sequence[str] = ()) -> Body:
    """Of a template's code."""
    constants = _clean(code)
    pieces = {id(one): _encoded(one) for one in constants if _pays(one)}
    return _body(pieces, [one for one in constants if _pays(one)], None, constants, otherwise)


def text(code: CodeType, otherwise: Sequence[str] = ()) -> Body:
    """Of a template's code: blank lines and blanks at line ends are tidied across its pieces."""
    constants = _clean(code)
    parted = {id(one): plain_text.part(one) for one in constants}
    cores = [one.core for one in parted.values() if _pays(one.core)]
    return _body({id(core): _encoded(core) for core in cores}, cores, parted, constants, otherwise)


def _pays(constant: str) -> bool:
    return len(constant) >= SHORTEST or "\x01" in constant


def _encoded(constant: str) -> Known:
    """What stands between holes, each piece from the beginning of a line."""
    between = MARK.split(constant)
    if len(between) == 1:
        return quoted.encode(constant)
    return quoted.holed(between[::2], [int(number) for number in between[1::2]])


def _body(
    pieces: Mapping[int, Known],
    written: Sequence[str],
    parted: Mapping[int, Parted] | None,
    constants: tuple[str, ...],
    otherwise: Sequence[str],
) -> Body:
    plain = MARK.sub("", "".join(written))
    long = len(quoted.encode(plain)) > len(plain.encode()) * BASE64_PAYS
    return Body(
        "base64" if long else "quoted-printable",
        pieces,
        parted,
        constants,
        tuple(quoted.encode(one) for one in otherwise),
    )


def _clean(code: CodeType) -> tuple[str, ...]:
    return tuple(one for one in strings(code) if not quoted.ODD.search(MARK.sub("", one)))


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
