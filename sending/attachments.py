"""Files in a message: multipart/mixed around what `message` has built (RFC 2046 §5.1.3).

message.build ─▶ bytes ─ attach ─▶ the same headers, its body as the first part, then the files (D-07)
"""

import re
from base64 import encodebytes
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b
from urllib.parse import quote

_CONTENT_TYPE = re.compile(rb"Content-Type:[^\r\n]*(?:\r\n[ \t][^\r\n]*)*\r\n", re.IGNORECASE)
_ODD = re.compile(r"[^A-Za-z0-9._ -]")
# what mail programs and servers refuse or open without a question
REFUSED = frozenset(
    """
    ade adp app appx bat cab chm cmd com cpl dll dmg exe hta htm html img iso jar js jse lib lnk mde msc msi
    msix msp mst nsh pif ps1 scr sct shb svg sys vb vbe vbs vhd vxd wsc wsf wsh xhtml xll
    """.split()  # noqa: SIM905 (a list of words reads better)
)
MEDIA_TYPE = re.compile(r"(?!multipart/|message/)[a-z]{2,20}/[a-z0-9][a-z0-9.+-]{0,80}")


@dataclass(frozen=True, slots=True)
class File:
    name: str
    media_type: str
    data: bytes


def attach(message: bytes, files: Sequence[File]) -> bytes:
    """The message with its files; itself when there are none."""
    if not files:
        return message
    head, _, body = message.partition(b"\r\n\r\n")
    head += b"\r\n"
    found = _CONTENT_TYPE.search(head)
    if found is None:
        raise ValueError("the message says nothing of its content")
    # “=_” is in neither transfer encoding (RFC 2045 §6.7, rule 1): no part holds the boundary
    mark = b"=_m" + blake2b(message, digest_size=12).hexdigest().encode()
    outer = b'Content-Type: multipart/mixed;\r\n boundary="' + mark + b'"\r\n'
    parts = [found[0] + b"\r\n" + body, *(_part(one) for one in files)]
    joined = b"".join(b"--" + mark + b"\r\n" + part + b"\r\n" for part in parts)
    return head[: found.start()] + outer + head[found.end() :] + b"\r\n" + joined + b"--" + mark + b"--\r\n"


def _part(one: File) -> bytes:
    head = (
        f"Content-Type: {one.media_type}\r\n"
        "Content-Transfer-Encoding: base64\r\n"
        f"Content-Disposition: attachment;\r\n{_name(one.name)}\r\n\r\n"
    )
    return head.encode() + encodebytes(one.data).replace(b"\n", b"\r\n").removesuffix(b"\r\n")


def _name(name: str) -> str:
    """RFC 2231 §4, in pieces to keep the lines short (D-01); then an ASCII form for old programs."""
    plain = _ODD.sub("_", name)
    lines = []
    if plain != name:
        pieces = re.findall(r"(?:%[0-9A-F]{2}|.){1,60}", "utf-8''" + quote(name, safe="!#$&+.^_`|~-"))
        # first, since readers that know both forms take the one they meet first
        lines = [f" filename*{n}*={piece}" for n, piece in enumerate(pieces)]
    return ";\r\n".join([*lines, f' filename="{plain}"'])
