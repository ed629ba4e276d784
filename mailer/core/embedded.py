"""PostgreSQL and Valkey as children of this process, when no URL is set.

    home → leftovers gone → initdb, roles, database (once) → postgres, valkey-server → … → stopped

Both are foreground children on a leash: SIGINT, PostgreSQL's fast shutdown, and SIGTERM for Valkey reach them
when this process dies, even by SIGKILL. They listen on Unix sockets in a 0700 folder and nowhere else. Valkey
writes each event to disk before it answers (S21).
"""

import asyncio
import contextlib
import os
import shutil
import signal
from asyncio.subprocess import Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from mailer.core import embedded_home, leash
from mailer.core.embedded_home import Binaries, EmbeddedError, Home

__all__ = ["EmbeddedError", "EmbeddedServers", "Endpoints", "run"]

START_SECONDS = 60.0
RESTARTS = 5
STOP_SECONDS = 60.0
LEFTOVER_SECONDS = 15.0

# Run once by the superuser in single-user mode: one statement a line. The login role owns the database, is
# bound by row-level security and holds the eraser's rights only where it asks for them with SET ROLE (S11).
ROLES = """\
CREATE ROLE mailer LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS NOINHERIT
CREATE ROLE mailer_eraser NOLOGIN NOSUPERUSER NOBYPASSRLS NOINHERIT
GRANT mailer_eraser TO mailer WITH INHERIT FALSE, SET TRUE
CREATE DATABASE mailer OWNER mailer
REVOKE CONNECT, TEMPORARY ON DATABASE mailer FROM PUBLIC
"""

# Errors carry addresses in their DETAIL and in the statement: neither is written down.
POSTGRES_SETTINGS = {
    "listen_addresses": "",
    "port": "5432",
    "unix_socket_permissions": "0700",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_error_verbosity": "terse",
    "log_min_error_statement": "panic",
    "log_filename": "postgres-%a.log",
    "log_truncate_on_rotation": "on",
    "log_rotation_age": "1d",
    "log_rotation_size": "0",
    "logging_collector": "on",
}
POSTGRES_WITHOUT_FSYNC = {
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
}


@dataclass(frozen=True, slots=True)
class Endpoints:
    """Addresses of the running servers; `admin_url` is the superuser's door to PostgreSQL."""

    database_url: str
    redis_url: str
    admin_url: str


class EmbeddedServers:
    """One PostgreSQL and one Valkey on one data folder. `start` or `stop` may each be called once."""

    def __init__(
        self, data_dir: Path, *, fsync: bool = True, postgres: bool = True, valkey: bool = True
    ) -> None:
        """`fsync=False` is for tests: quicker, and the data is thrown away at the end."""
        self._fsync = fsync
        self._wanted = [name for name, on in (("postgres", postgres), ("valkey", valkey)) if on]
        self._home: Home = embedded_home.open_home(data_dir, throwaway=not fsync)
        try:
            self._binaries: Binaries = embedded_home.binaries(self._home.owner)
        except BaseException:
            embedded_home.close_home(self._home)
            raise
        self._processes: dict[str, Process] = {}
        self._stopping = False

    @property
    def endpoints(self) -> Endpoints:
        sockets = quote(str(self._home.sockets), safe="/")
        return Endpoints(
            database_url=f"postgresql://mailer@/mailer?host={sockets}",
            redis_url=f"unix://{sockets}/valkey.sock",
            admin_url=f"postgresql://postgres@/postgres?host={sockets}",
        )

    async def start(self) -> None:
        """Both servers answer when this returns. Raises EmbeddedError, and then nothing is left running."""
        try:
            await _end_leftovers(self._home)
            if "postgres" in self._wanted:
                await _create_cluster(self._home, self._binaries, fsync=self._fsync)
            async with asyncio.TaskGroup() as group:
                for name in self._wanted:
                    group.create_task(self._start(name))
        except BaseException as error:
            await self.stop()
            if isinstance(error, BaseExceptionGroup):
                raise error.exceptions[0] from None
            raise

    async def stop(self) -> None:
        """End both, each in its own clean way, then give the data folder back."""
        self._stopping = True
        try:
            for name, process in self._processes.items():
                _signal(process, signal.SIGINT if name == "postgres" else signal.SIGTERM)
            for process in self._processes.values():
                await _ended(process)
        finally:
            embedded_home.close_home(self._home)

    async def keep_running(self) -> None:
        """Start a server again when it has died (out of memory, say), until `stop`. Raises EmbeddedError."""
        async with asyncio.TaskGroup() as group:
            for name in self._wanted:
                group.create_task(self._keep(name))

    async def _keep(self, name: str) -> None:
        while True:
            await self._processes[name].wait()
            if self._stopping:
                return
            await self._restart(name)

    async def _restart(self, name: str) -> None:
        """What killed it may meet it again while it starts."""
        for left in reversed(range(RESTARTS)):
            await asyncio.sleep(1)
            if name == "postgres":
                _forget_dead_postmaster(self._home)
            try:
                await self._start(name)
            except EmbeddedError:
                if not left or self._stopping or self._processes[name].returncode is None:
                    raise
            else:
                return

    async def _start(self, name: str) -> None:
        argv = (
            _postgres_command(self._home, self._binaries, fsync=self._fsync)
            if name == "postgres"
            else _valkey_command(self._home, self._binaries, fsync=self._fsync)
        )
        death_signal = signal.SIGINT if name == "postgres" else signal.SIGTERM
        log = self._home.log / f"{name}.log"
        process = await _spawn(self._home, argv, log=log, death_signal=death_signal)
        self._processes[name] = process
        try:
            async with asyncio.timeout(START_SECONDS):
                while not await self._answers(name, process):
                    if process.returncode is not None:
                        raise EmbeddedError(
                            f"The embedded {name} ended while starting.\n{_tail(self._home.log, name)}"
                        )
                    await asyncio.sleep(0.02)
        except TimeoutError as error:
            raise EmbeddedError(
                f"The embedded {name} did not answer in time.\n{_tail(self._home.log, name)}"
            ) from error

    async def _answers(self, name: str, process: Process) -> bool:
        if name == "valkey":
            return await _pong(self._home.sockets / "valkey.sock")
        try:
            lines = (self._home.postgres / "postmaster.pid").read_text().splitlines()
        except OSError:
            return False
        # pidfile.h: line 1 is the process id, line 8 its state, written by the server itself.
        return len(lines) >= 8 and lines[0] == str(process.pid) and lines[7].strip() == "ready"


@asynccontextmanager
async def run(data_dir: Path, *, fsync: bool = True) -> AsyncIterator[Endpoints]:
    """Both servers, from the first line of the block to its last. Raises EmbeddedError.

    `fsync=False` is for tests: quicker, and the data is thrown away at the end.
    """
    servers = EmbeddedServers(data_dir, fsync=fsync)
    await servers.start()
    try:
        yield servers.endpoints
    finally:
        await servers.stop()


def _postgres_command(home: Home, binaries: Binaries, *, fsync: bool) -> list[str]:
    settings = POSTGRES_SETTINGS | {
        "unix_socket_directories": str(home.sockets),
        "log_directory": str(home.log),
    }
    if not fsync:
        settings |= POSTGRES_WITHOUT_FSYNC
    options = [f"--{name}={value}" for name, value in settings.items()]
    return [str(binaries.postgres), "-D", str(home.postgres), *options]


def _valkey_command(home: Home, binaries: Binaries, *, fsync: bool) -> list[str]:
    options = {
        "port": "0",
        "unixsocket": str(home.sockets / "valkey.sock"),
        "unixsocketperm": "700",
        "dir": str(home.valkey),
        "save": "",
        "appendonly": "yes" if fsync else "no",
        "appendfsync": "always",
        "maxmemory-policy": "noeviction",
        "loglevel": "warning",
    }
    return [str(binaries.valkey), *(word for name, value in options.items() for word in (f"--{name}", value))]


async def _create_cluster(home: Home, binaries: Binaries, *, fsync: bool) -> None:
    """initdb, roles and database, made beside and renamed: a start cut short begins again."""
    if home.postgres.exists():
        return
    beside = home.path / "postgres.new"
    shutil.rmtree(beside, ignore_errors=True)
    embedded_home.private_folder(beside, home.owner)
    log = home.log / "initdb.log"
    # The built-in C.UTF-8 folds case beyond ASCII and never changes with the operating system's libraries.
    initdb = [
        str(binaries.initdb),
        "-D",
        str(beside),
        "--username=postgres",
        "--auth=trust",
        "--encoding=UTF8",
    ]
    initdb += ["--locale-provider=builtin", "--locale=C.UTF-8", "--no-instructions"]
    initdb += [] if fsync else ["--no-sync"]
    single = [str(binaries.postgres), "--single", "-D", str(beside), "-c", "exit_on_error=true", "postgres"]
    for argv, words in ((initdb, ""), (single, ROLES)):
        process = await _spawn(home, argv, log=log, death_signal=signal.SIGKILL)
        await process.communicate(words.encode())
        if process.returncode != 0:
            raise EmbeddedError(
                f"PostgreSQL could not make its data folder {beside}.\n{_tail(home.log, 'initdb')}"
            )
    beside.rename(home.postgres)


async def _spawn(home: Home, argv: list[str], *, log: Path, death_signal: int) -> Process:
    """A child in a session of its own: Ctrl-C in the terminal reaches us, and we end it in our order."""
    command = leash.command(argv, death_signal=death_signal, user=home.owner.user, group=home.owner.group)
    with log.open("wb") as output:
        return await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.PIPE,
            stdout=output,
            stderr=asyncio.subprocess.STDOUT,
            cwd="/",
            # Nothing of ours: PGDATA, PGOPTIONS or a language of messages would change what is started.
            env={"PATH": "/usr/bin:/bin", "LC_ALL": "C"},
            start_new_session=True,
        )


async def _ended(process: Process) -> None:
    try:
        async with asyncio.timeout(STOP_SECONDS):
            await process.wait()
    except TimeoutError:
        _signal(process, signal.SIGKILL)
        await process.wait()


def _signal(process: Process, number: signal.Signals) -> None:
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(number)


async def _pong(socket: Path) -> bool:
    try:
        async with asyncio.timeout(1):
            reader, writer = await asyncio.open_unix_connection(socket)
            try:
                writer.write(b"PING\r\n")
                return await reader.readline() == b"+PONG\r\n"
            finally:
                writer.close()
    except OSError:
        return False


async def _end_leftovers(home: Home) -> None:
    """Servers of a killed process are ending by their leash: wait, and end them by force if they do not.

    We hold the lock, so whatever still runs in these folders has no parent any more.
    """
    waited = 0.0
    while leftovers := _leftovers(home):
        if waited >= LEFTOVER_SECONDS:
            for process_id in leftovers:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(process_id, signal.SIGKILL)
        if waited >= 2 * LEFTOVER_SECONDS:
            raise EmbeddedError(f"Old servers of {home.path} do not end: processes {leftovers}.")
        await asyncio.sleep(0.1)
        waited += 0.1
    _forget_dead_postmaster(home)


def _leftovers(home: Home) -> list[int]:
    folders = (home.postgres, home.path / "postgres.new", home.valkey)
    return [
        process_id
        for process_id, program, folder in embedded_home.running_programs()
        if program.name.partition(" ")[0] in ("postgres", "valkey-server") and folder in folders
    ]


def _forget_dead_postmaster(home: Home) -> None:
    # After a reboot the number in these files may be another process's, and PostgreSQL would refuse to start.
    (home.postgres / "postmaster.pid").unlink(missing_ok=True)
    (home.sockets / ".s.PGSQL.5432.lock").unlink(missing_ok=True)


def _tail(folder: Path, name: str) -> str:
    """Last lines of what the program wrote: its start, and PostgreSQL's own dated files."""
    logs = sorted(folder.glob(f"{name}*.log"), key=lambda log: log.stat().st_mtime_ns)
    lines = [line for log in logs for line in log.read_text(errors="replace").splitlines()[-5:]]
    return "\n".join(lines[-10:])
