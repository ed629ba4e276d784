"""What comes in as a design: one text file, or a .zip of one with its images, read within limits (E-51).

Nothing is written to a disk: no name can lead out of a folder. One that tries is refused all the same,
as is an archive that hides behind another kind of file, unpacks to much more than it is, or is encrypted.
"""

import io
import posixpath
import stat
import zipfile
import zlib
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from mailer.core.errors import Invalid, fault
from mailer.core.text import N_

MAX_FILE = 20_000_000
MAX_TEXT = 1_000_000
MAX_ENTRIES = 200
MAX_ENTRY = 10_000_000
MAX_UNPACKED = 60_000_000
MAX_RATIO = 100
"""Of an entry above 100 kB; images and texts of mails stay far below."""
_SMALL = 100_000
_IMAGES = frozenset([".png", ".jpg", ".jpeg", ".gif", ".webp"])
_TEXTS = (".mjml", ".html", ".htm")
_LEFT = frozenset(["__macosx", ".ds_store", "thumbs.db", "desktop.ini"])


@dataclass(frozen=True, slots=True)
class Incoming:
    """`text`: the source; `path`: where it stood; `images` by their paths; `others`: files left out."""

    text: str
    path: str
    images: dict[str, bytes] = field(default_factory=dict)
    others: tuple[str, ...] = ()


def read(name: str, data: bytes) -> Incoming:
    """Raises Invalid at `file`."""
    if len(data) > MAX_FILE:
        message = N_("The file is larger than {limit} MB.")
        raise fault("file", message, code="too_large", limit=MAX_FILE // 1_000_000)
    if data.startswith(b"PK\x03\x04"):
        return _unpacked(data)
    if zipfile.is_zipfile(io.BytesIO(data)):
        raise fault("file", N_("This file hides an archive behind another kind of file."), code="polyglot")
    return Incoming(_text(data), name)


def _text(data: bytes) -> str:
    if len(data) > MAX_TEXT:
        message = N_("The source is larger than {limit} MB. Take images out of it.")
        raise fault("file", message, code="too_large", limit=MAX_TEXT // 1_000_000)
    if b"\0" in data:
        raise fault("file", N_("This file is no text. Choose a .mjml, .html or .zip file."), code="not_text")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("cp1252", "replace")


def _unpacked(data: bytes) -> Incoming:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            entries = [one for one in archive.infolist() if not one.is_dir() and not _left_out(one.filename)]
            _check(entries)
            return _chosen(archive, entries)
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError, RuntimeError) as error:
        raise fault("file", N_("The archive is damaged. Make it again."), code="damaged") from error


def _left_out(name: str) -> bool:
    """What computers add by themselves."""
    return any(part.lower() in _LEFT or part.startswith("._") for part in name.split("/"))


def _check(entries: list[zipfile.ZipInfo]) -> None:
    """By the directory; what is read is counted again. Raises Invalid."""
    if len(entries) > MAX_ENTRIES:
        message = N_("The archive holds more than {limit} files.")
        raise fault("file", message, code="too_many", limit=MAX_ENTRIES)
    if sum(one.file_size for one in entries) > MAX_UNPACKED:
        raise _bomb()
    seen: set[str] = set()
    for one in entries:
        if one.flag_bits & 0x1:
            raise fault("file", N_("The archive is encrypted. Save it without a password."), code="encrypted")
        if _leads_out(one):
            message = N_("“{name}” is no name for a file in an archive.")
            raise fault("file", message, code="name", name=one.filename[:80])
        if one.filename in seen:
            message = N_("“{name}” stands twice in the archive.")
            raise fault("file", message, code="twice", name=one.filename[:80])
        seen.add(one.filename)
        if one.file_size > MAX_ENTRY or (one.file_size > max(_SMALL, one.compress_size * MAX_RATIO)):
            raise _bomb()


def _bomb() -> Invalid:
    message = N_("The archive unpacks to too much: {limit} MB at most, {entry} MB a file.")
    return fault("file", message, code="bomb", limit=MAX_UNPACKED // 1_000_000, entry=MAX_ENTRY // 1_000_000)


def _leads_out(entry: zipfile.ZipInfo) -> bool:
    name = entry.filename
    return (
        name.startswith("/")
        or "\\" in name
        or ":" in name
        or ".." in name.split("/")
        or not name.isprintable()
        or len(name) > 255
        or stat.S_ISLNK(entry.external_attr >> 16)
    )


def _chosen(archive: zipfile.ZipFile, entries: list[zipfile.ZipInfo]) -> Incoming:
    """The one source, and every image. Raises Invalid."""
    names = [one.filename for one in entries]
    path = _source(names)
    images: dict[str, bytes] = {}
    others: list[str] = []
    text = ""
    unpacked = 0
    for one in entries:
        suffix = PurePosixPath(one.filename).suffix.lower()
        if one.filename != path and suffix not in _IMAGES:
            others.append(one.filename)
            continue
        with archive.open(one) as file:
            data = file.read(MAX_ENTRY + 1)
        unpacked += len(data)
        if len(data) > MAX_ENTRY or unpacked > MAX_UNPACKED:
            raise _bomb()
        if one.filename == path:
            text = _text(data)
        else:
            images[one.filename] = data
    return Incoming(text, path, images, tuple(others))


def _source(names: list[str]) -> str:
    """MJML before HTML; of several, the one called index. Raises Invalid."""
    for kinds in ((".mjml",), (".html", ".htm")):
        found = [one for one in names if PurePosixPath(one).suffix.lower() in kinds]
        index = [one for one in found if PurePosixPath(one).stem.lower() == "index"]
        if len(found) == 1 or len(index) == 1:
            return (index if len(index) == 1 else found)[0]
        if found:
            message = N_("The archive holds several sources: {names}. Keep one, or call it index.")
            raise fault("file", message, code="several", names=", ".join(sorted(found)[:5]))
    raise fault("file", N_("The archive holds no .mjml and no .html file."), code="no_source")


def place(path: str, address: str) -> str:
    """The path in the archive that a relative address in the file at `path` names."""
    return posixpath.normpath(posixpath.join(posixpath.dirname(path), address))
