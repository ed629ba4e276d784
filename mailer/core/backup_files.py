"""The files of a backup: sealed, complete or not there at all, and gone on time (A-003, A-052).

    FOLDER/mailer-<time>/manifest.json       what it is, SHA-256 and size of each file, the dump's sealed key
    FOLDER/mailer-<time>/database.dump       pg_dump's, in sealed frames; 30 days
    FOLDER/content-keys/masters.keys         one line an account, as of the last backup
    FOLDER/content-keys/<day>.keys           one line an account; gone on the 7th day after, as what it opens
    FOLDER/erasures/<day>.log                core/erasure_journal.py

Keys lie in no backup but beside all of them, once: one place forgets, and every backup has forgotten. A
backup is written under another name and renamed when it is whole.
"""

import base64
import hashlib
import os
import re
import secrets
import shutil
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import IO, Any

import orjson
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from mailer.core.errors import MailerError
from mailer.core.sealing import Sealer, Unsealable

FORMAT = 1
MANIFEST, DUMP = "manifest.json", "database.dump"
KEYS, MASTERS = "content-keys", "masters.keys"
KEPT = timedelta(days=30)
KEYS_LIVE = timedelta(days=6)  # S13: a day's key, after the end of its day
FRAME = 1024 * 1024
_TAG = 16
_NAME = re.compile(r"mailer-\d{8}T\d{6}Z")
_PART = ".part"


class BackupDamaged(MailerError):
    """A backup cannot be used; the message says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """`xmin`: transactions from here on are not in the dump. `key`: sealed, bound to all the rest."""

    format: int
    name: str
    version: str
    migration: str
    taken_at: str
    installation: str
    mark: int
    marked_at: str
    xmin: int
    server: int
    left_out: list[str]
    files: dict[str, dict[str, Any]]
    key: str

    @property
    def at(self) -> datetime:
        return datetime.fromisoformat(self.taken_at)


# ---------------------------------------------------------------- one backup


def name_of(now: datetime) -> str:
    return f"mailer-{now:%Y%m%dT%H%M%SZ}"


def many(folder: Path) -> list[Path]:
    """The whole ones, the oldest first."""
    return sorted(path for path in folder.glob("mailer-*") if _NAME.fullmatch(path.name))


def newest(path: Path) -> Path:
    """`path` is a backup, or a folder of them. Raises BackupDamaged when there is none."""
    if (path / MANIFEST).is_file():
        return path
    found = [one for one in many(path) if (one / MANIFEST).is_file()]
    if not found:
        raise BackupDamaged(f"{path} holds no backup: no folder mailer-<time> with a {MANIFEST} in it.")
    return found[-1]


def begin(folder: Path, name: str) -> Path:
    """An empty folder for a backup under way; what others left half done goes."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    for left in folder.glob(f"*{_PART}"):
        shutil.rmtree(left, ignore_errors=True)
    part = folder / f"{name}{_PART}"
    part.mkdir(mode=0o700)
    return part


def finish(part: Path, facts: dict[str, Any], sealer: Sealer, *, key: bytes) -> Path:
    """The manifest last, then the name: from here on it is a backup. Raises OSError."""
    files = {
        path.name: {"size": path.stat().st_size, "sha256": _digest(path)} for path in sorted(part.iterdir())
    }
    name = part.name.removesuffix(_PART)
    body = {"format": FORMAT, "name": name, **facts, "files": files}
    sealed = base64.b64encode(sealer.seal(key, _purpose(body))).decode()
    write_whole(part / MANIFEST, orjson.dumps(body | {"key": sealed}, option=orjson.OPT_INDENT_2))
    _flush_folder(part)
    whole = part.with_name(name)
    part.rename(whole)
    _flush_folder(whole.parent)
    return whole


def _purpose(body: dict[str, Any]) -> str:
    """Whoever alters a word of the manifest makes its key unusable."""
    return "backup " + hashlib.sha256(orjson.dumps(body, option=orjson.OPT_SORT_KEYS)).hexdigest()


def manifest(backup: Path) -> Manifest:
    """Raises BackupDamaged."""
    try:
        found = orjson.loads((backup / MANIFEST).read_bytes())
        if found["format"] != FORMAT:
            raise BackupDamaged(
                f"{backup} has format {found['format']}; this version of Mailer reads {FORMAT}."
            )
        return Manifest(**found)
    except OSError as error:
        raise BackupDamaged(f"{backup / MANIFEST} cannot be read: {error.strerror}.") from None
    except (ValueError, TypeError, KeyError):
        raise BackupDamaged(f"{backup / MANIFEST} is damaged.") from None


def verify(backup: Path, sealer: Sealer) -> Manifest:
    """Sizes, hashes, and every frame of the dump opened once. Raises BackupDamaged."""
    found = manifest(backup)
    for name, told in found.files.items():
        path = backup / name
        if Path(name).name != name or not path.is_file():
            raise BackupDamaged(f"{path} is missing.")
        size = path.stat().st_size
        if size != told["size"]:
            raise BackupDamaged(f"{path} has {size} bytes, and should have {told['size']}.")
        if _digest(path) != told["sha256"]:
            raise BackupDamaged(f"{path} is not what was written: its SHA-256 differs.")
    for _ in opened(backup, found, sealer):
        pass
    return found


def opened(backup: Path, of: Manifest, sealer: Sealer) -> Iterator[bytes]:
    """The dump as pg_restore reads it, piece by piece. Raises BackupDamaged."""
    body = asdict(of)
    try:
        sealed = base64.b64decode(body.pop("key"), validate=True)
        if not sealer.knows(sealed):
            raise BackupDamaged(
                f"{backup} was made under another secret key: put the one of that time into"
                " MAILER_OLD_SECRET_KEYS (embedded: secret.key of the data folder)."
            )
        key = sealer.open(sealed, _purpose(body))
    except (ValueError, Unsealable):
        raise BackupDamaged(f"{backup / MANIFEST} was altered after the backup was made.") from None
    with (backup / DUMP).open("rb") as file:
        yield from _frames(file, key)


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


# ---------------------------------------------------------------- frames


class Writer:
    """Seals what it is given in frames of a megabyte, numbered, the last one marked: none can be cut off."""

    def __init__(self, file: IO[bytes], key: bytes) -> None:
        self._file, self._cipher = file, AESGCM(key)
        self._waiting = bytearray()
        self._n = 0

    def write(self, piece: bytes) -> None:
        self._waiting += piece
        while len(self._waiting) > FRAME:
            self._seal(bytes(self._waiting[:FRAME]), last=False)
            del self._waiting[:FRAME]

    def end(self) -> None:
        self._seal(bytes(self._waiting), last=True)
        self._file.flush()
        os.fsync(self._file.fileno())

    def _seal(self, plain: bytes, *, last: bool) -> None:
        self._file.write(self._cipher.encrypt(_nonce(self._n), plain, _mark(last=last)))
        self._n += 1


def _frames(file: IO[bytes], key: bytes) -> Iterator[bytes]:
    cipher, n = AESGCM(key), 0
    sealed = file.read(FRAME + _TAG)
    while True:
        following = file.read(FRAME + _TAG)
        try:
            yield cipher.decrypt(_nonce(n), sealed, _mark(last=not following))
        except InvalidTag:
            raise BackupDamaged(f"{file.name} is damaged in its megabyte {n + 1}.") from None
        if not following:
            return
        sealed, n = following, n + 1


def _nonce(n: int) -> bytes:
    # the key is one backup's own, so that a number is enough (NIST SP 800-38D §8.2.1)
    return n.to_bytes(12, "big")


def _mark(*, last: bool) -> bytes:
    return b"last" if last else b"more"


def new_key() -> bytes:
    return secrets.token_bytes(32)


# ---------------------------------------------------------------- keys beside them


def write_keys(folder: Path, days: dict[date, list[tuple[int, bytes]]], now: datetime) -> None:
    """Replaces what stands there of days: a key that the database has dropped is dropped here."""
    beside = folder / KEYS
    beside.mkdir(parents=True, exist_ok=True, mode=0o700)
    alive = {day: rows for day, rows in days.items() if not is_over(day, now)}
    for path in _day_files(beside):
        if date.fromisoformat(path.stem) not in alive:
            path.unlink(missing_ok=True)
    for day, rows in alive.items():
        write_whole(beside / f"{day.isoformat()}.keys", _lines(rows))


def write_masters(folder: Path, installation: str, rows: Iterable[tuple[int, bytes]]) -> None:
    (folder / KEYS).mkdir(parents=True, exist_ok=True, mode=0o700)
    write_whole(folder / KEYS / MASTERS, f"# {installation}\n".encode() + _lines(rows))


def read_masters(folder: Path, installation: str) -> dict[int, bytes]:
    """Nothing when they are another installation's: account 1 is somebody else there."""
    path = folder / KEYS / MASTERS
    try:
        with path.open("rb") as file:
            ours = file.readline() == f"# {installation}\n".encode()
    except FileNotFoundError:
        return {}
    return dict(_read_lines(path)) if ours else {}


def read_keys(folder: Path, now: datetime) -> dict[date, dict[int, bytes]]:
    """Of the days that may still be read; a file that outlived its time is not looked at."""
    return {
        day: dict(_read_lines(path))
        for path in _day_files(folder / KEYS)
        if not is_over(day := date.fromisoformat(path.stem), now)
    }


def forget_masters(folder: Path, installation: str, accounts: Iterable[int]) -> int:
    """Keys of accounts that are no more: their content is unreadable in every backup from here on."""
    held = read_masters(folder, installation)
    gone = held.keys() & set(accounts)
    if gone:
        write_masters(folder, installation, ((one, key) for one, key in held.items() if one not in gone))
    return len(gone)


def is_over(day: date, now: datetime) -> bool:
    """What was sealed on `day` had its last attempt on it: six days after its end nothing may open it."""
    return now.date() > day + KEYS_LIVE


def prune(folder: Path, now: datetime, *, kept: timedelta = KEPT) -> list[Path]:
    """Removes keys and backups past their time, and what was left half done a day ago; returns them."""
    gone = [path for path in _day_files(folder / KEYS) if is_over(date.fromisoformat(path.stem), now)]
    for path in gone:
        path.unlink(missing_ok=True)
    for path in many(folder):
        taken = datetime.strptime(path.name, "mailer-%Y%m%dT%H%M%SZ").replace(tzinfo=now.tzinfo)
        if now - taken >= kept:
            shutil.rmtree(path)
            gone.append(path)
    for path in folder.glob(f"mailer-*{_PART}"):
        if now.timestamp() - path.stat().st_mtime > timedelta(days=1).total_seconds():
            shutil.rmtree(path, ignore_errors=True)
            gone.append(path)
    return gone


def write_whole(path: Path, content: bytes) -> None:
    """Beside and renamed: whoever reads sees the old content or the new one. Raises OSError."""
    beside = path.with_name(f".{path.name}.new")
    descriptor = os.open(beside, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise


def _flush_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _day_files(beside: Path) -> list[Path]:
    return sorted(beside.glob("????-??-??.keys"))


def _lines(rows: Iterable[tuple[int, bytes]]) -> bytes:
    return b"".join(b"%d %s\n" % (account_id, sealed.hex().encode()) for account_id, sealed in rows)


def _read_lines(path: Path) -> Iterator[tuple[int, bytes]]:
    """Nothing when there is no file. Raises BackupDamaged."""
    try:
        lines = path.read_bytes().splitlines()
    except FileNotFoundError:
        return
    for line in lines:
        if line.startswith(b"#"):
            continue
        account_id, _, sealed = line.partition(b" ")
        try:
            yield int(account_id), bytes.fromhex(sealed.decode())
        except ValueError:
            raise BackupDamaged(f"{path} is damaged.") from None
