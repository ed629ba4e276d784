"""A ZIP archive in pieces, each written for good: whoever comes after a kill needs the numbers and no state.

    header ─ packed ─ packed ─ … ─ END ─ descriptor ─ header ─ … ─ directory

A piece ends at a byte (Z_FULL_FLUSH, RFC 1951 §3.2.4) and refers to nothing before it, so that pieces of
different processes make one stream. APPNOTE.TXT 6.3.10 is cited by its sections.
"""

import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

END = b"\x03\x00"  # RFC 1951 §3.2.6: a last block without anything in it
LEVEL = 4
_VERSION, _VERSION_64, _FLAGS, _DEFLATED = 20, 45, 0x0808, 8  # §4.4.4: sizes follow the data, names are UTF-8
_FULL = 0xFFFFFFFF


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A file inside. `packed`: with END."""

    name: str
    offset: int
    crc: int
    packed: int
    size: int


def header(name: str, at: datetime) -> bytes:
    """§4.3.7."""
    raw = name.encode()
    return (
        struct.pack(
            "<4sHHHIIIIHH", b"PK\x03\x04", _VERSION, _FLAGS, _DEFLATED, _moment(at), 0, 0, 0, len(raw), 0
        )
        + raw
    )


def packed(data: bytes) -> bytes:
    press = zlib.compressobj(LEVEL, zlib.DEFLATED, -zlib.MAX_WBITS)
    return press.compress(data) + press.flush(zlib.Z_FULL_FLUSH)


def descriptor(entry: Entry) -> bytes:
    """§4.3.9."""
    return struct.pack("<4sIII", b"PK\x07\x08", entry.crc, entry.packed, entry.size)


def directory(entries: Sequence[Entry], at: datetime, offset: int) -> bytes:
    """§4.3.12 to §4.3.16: what stands behind the last file. `offset`: where it begins."""
    listed = b"".join([_listed(entry, at) for entry in entries])
    count, size = len(entries), len(listed)
    # §4.3.14: always there, since it costs 76 bytes and saves a case; old readers take the short record
    record = struct.pack(
        "<4sQHHIIQQQQ", b"PK\x06\x06", 44, _VERSION_64, _VERSION_64, 0, 0, count, count, size, offset
    )
    locator = struct.pack("<4sIQI", b"PK\x06\x07", 0, offset + size, 1)
    few, near = min(count, 0xFFFF), min(offset, _FULL)
    short = struct.pack("<4sHHHHIIH", b"PK\x05\x06", 0, 0, few, few, min(size, _FULL), near, 0)
    return listed + record + locator + short


def _listed(entry: Entry, at: datetime) -> bytes:
    raw = entry.name.encode()
    far = entry.offset >= _FULL
    extra = struct.pack("<HHQ", 1, 8, entry.offset) if far else b""  # §4.5.3
    fixed = struct.pack(
        "<4sHHHHIIIIHHHHHII",
        b"PK\x01\x02",
        _VERSION_64 if far else _VERSION,
        _VERSION_64 if far else _VERSION,
        _FLAGS,
        _DEFLATED,
        _moment(at),
        entry.crc,
        entry.packed,
        entry.size,
        len(raw),
        len(extra),
        0,
        0,
        0,
        0,
        _FULL if far else entry.offset,
    )
    return fixed + raw + extra


def _moment(at: datetime) -> int:
    """§4.4.6: time in the low half, date in the high one."""
    date = (at.year - 1980) << 9 | at.month << 5 | at.day
    return date << 16 | at.hour << 11 | at.minute << 5 | at.second // 2
