"""Events on disk while Redis is away (S21): written before the answer, replayed into the stream later.

Several processes share the file, so each write and each taking of it holds the lock beside it. A line that
was cut by a crash is left out; a line that is replayed twice meets the key of its event.
"""

import fcntl
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_FILE = "events.spill"
_LOCK = "events.lock"


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    descriptor = os.open(folder / _LOCK, os.O_CREAT | os.O_RDWR, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def write(folder: Path, line: bytes) -> None:
    """On disk when it returns, whole. Raises OSError when the disk is full, and leaves no piece of it."""
    with _locked(folder):
        descriptor = os.open(folder / _FILE, os.O_CREAT | os.O_APPEND | os.O_WRONLY, 0o600)
        before = os.fstat(descriptor).st_size
        try:
            # the line end stands in front, so that a cut line spoils no other
            rest = memoryview(b"\n" + line)
            while rest:
                # as much as there is room for; the next one says that there is none
                rest = rest[os.write(descriptor, rest) :]
            os.fsync(descriptor)
        except OSError:
            os.ftruncate(descriptor, before)
            raise
        finally:
            os.close(descriptor)


def take(folder: Path) -> list[Path]:
    """Files to replay, this process's own and those that a killed one left."""
    if not folder.is_dir():
        return []
    if (folder / _FILE).exists():
        with _locked(folder):
            if (folder / _FILE).exists():
                os.rename(folder / _FILE, folder / f"events.{secrets.token_hex(6)}.replay")
    return sorted(folder.glob("events.*.replay"))


def lines(path: Path) -> list[bytes]:
    """Nothing when another process was faster."""
    try:
        return [line for line in path.read_bytes().split(b"\n") if line]
    except FileNotFoundError:
        return []


def drop(path: Path) -> None:
    path.unlink(missing_ok=True)
