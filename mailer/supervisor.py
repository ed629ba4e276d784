"""`mailer run`: everything under one process.

    port free? → embedded servers → run.json → migrations → inbox → inbound → workers → web → ready
                                                                                      … → backwards

A child that ends is started again, later and later. SIGINT, SIGTERM or SIGHUP ends all in order; a second one
does not wait. Each child is on a leash: when this process is killed, nothing is left, and the next start
recovers.
"""

import asyncio
import contextlib
import errno
import json
import os
import signal
import socket
import sys
from asyncio.subprocess import Process
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import structlog

from mailer.core import leash, migrate
from mailer.core.db import open_database
from mailer.core.embedded import EmbeddedError, EmbeddedServers
from mailer.core.errors import MailerError
from mailer.core.settings import RUN_FILE, Environment, Settings, SettingsError, environment, load

log = structlog.get_logger()

PROGRAM = [sys.executable, "-m", "mailer"]
# What a kind of process may take to end: open requests; turns of workers (S3: 11 minutes).
GRACE_SECONDS = {"web": 25.0, "worker": 660.0, "inbox": 5.0, "inbound": 10.0, "demo": 1.0}
FIRST_DELAY, LONGEST_DELAY, LONG_LIFE = 0.5, 30.0, 60.0
EARLY_ENDS = 3
READY_SECONDS = 120.0
PORT_PATIENCE = 2.0


class StartFailed(MailerError):
    """A part of the product does not start."""


@dataclass
class Watch:
    """What all keepers share: was the product ready once, and is somebody in a hurry to stop?"""

    ready: asyncio.Event = field(default_factory=asyncio.Event)
    hurry: asyncio.Event = field(default_factory=asyncio.Event)


async def supervise(environ: Mapping[str, str]) -> int:
    """Until a signal: then 0. Raises SettingsError, EmbeddedError or StartFailed with what to do."""
    watch = Watch()
    running = asyncio.ensure_future(_run(environ, watch))

    def stop() -> None:
        if running.cancelling():
            watch.hurry.set()
        else:
            print("Stopping… (press again to stop without waiting)", flush=True)
            running.cancel()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, stop)
    try:
        await running
    except asyncio.CancelledError:
        return 0
    except BaseExceptionGroup as group:
        raise _first(group) from None
    return 0


async def _run(environ: Mapping[str, str], watch: Watch) -> None:
    given = environment(environ)
    async with AsyncExitStack() as stack:
        stack.enter_context(await _reserved(given.listen))
        addresses = await stack.enter_async_context(_servers(given))
        if not given.smtp_url:
            addresses["inbox"] = f"127.0.0.1:{_free_port()}"
            # nothing comes in from outside; the mails that lie in the inbox name it all the same
            addresses["inbound"] = f"127.0.0.1:{_free_port()}"
        stack.enter_context(_run_file(given.data_dir, addresses))
        settings = load(environ, servers=addresses)
        empty = await _migrated(settings)
        await stack.enter_async_context(_kept("inbox", 0 if given.smtp_url else 1, watch))
        await stack.enter_async_context(_kept("inbound", 1 if settings.inbound_listen else 0, watch))
        await stack.enter_async_context(_kept("worker", settings.worker_processes, watch))
        await stack.enter_async_context(_kept("web", settings.processes, watch))
        await _answering(settings)
        watch.ready.set()
        _announce(settings, empty=empty)
        if empty and settings.embedded:
            await _demo(watch)
        await asyncio.Event().wait()


async def _reserved(listen: str) -> contextlib.closing[socket.socket]:
    """The web processes' port, held from now on: bound but not listening, so that connections go to them.

    Raises SettingsError when somebody else has it.
    """
    host, _, port = listen.rpartition(":")
    if not port.isdigit():
        raise SettingsError("MAILER_LISTEN must be host:port, for example 127.0.0.1:8080")
    deadline = asyncio.get_running_loop().time() + PORT_PATIENCE
    while True:
        try:
            _probe(host.strip("[]"), int(port))
            return contextlib.closing(_bound(host.strip("[]"), int(port), shared=True))
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise SettingsError(f"MAILER_LISTEN={listen}: {os.strerror(error.errno or 0)}.") from error
            # The children of a process that was killed a moment ago are ending.
            if asyncio.get_running_loop().time() > deadline:
                raise SettingsError(
                    f"Port {port} of {host or 'all addresses'} is taken by another program."
                    f" Stop it, or choose another port: MAILER_LISTEN={host}:{int(port) + 1} mailer run"
                ) from None
            await asyncio.sleep(0.1)


def _probe(host: str, port: int) -> None:
    # Without SO_REUSEPORT a bind and listen fails while anybody else listens, whatever options they set.
    with _bound(host, port, shared=False) as probe:
        probe.listen()


def _bound(host: str, port: int, *, shared: bool) -> socket.socket:
    family, kind, _, _, address = socket.getaddrinfo(
        host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )[0]
    found = socket.socket(family, kind)
    try:
        found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if shared:
            found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        found.bind(address)
    except OSError:
        found.close()
        raise
    return found


def _free_port() -> int:
    """Of the kernel's choice: two products that start at the same moment never get the same one."""
    with _bound("127.0.0.1", 0, shared=False) as probe:
        number: int = probe.getsockname()[1]
        return number


@asynccontextmanager
async def _servers(given: Environment) -> AsyncIterator[dict[str, str]]:
    """Embedded servers for whatever has no URL; their addresses."""
    if given.database_url and given.redis_url:
        yield {}
        return
    servers = EmbeddedServers(given.data_dir, postgres=not given.database_url, valkey=not given.redis_url)
    await servers.start()
    try:
        addresses = {}
        if not given.database_url:
            addresses["database_url"] = servers.endpoints.database_url
        if not given.redis_url:
            addresses["redis_url"] = servers.endpoints.redis_url
        async with asyncio.TaskGroup() as group:
            keeper = group.create_task(servers.keep_running())
            yield addresses
            keeper.cancel()
    finally:
        await servers.stop()


@contextmanager
def _run_file(data_dir: Path, addresses: Mapping[str, str]) -> Iterator[None]:
    """Tells our children and the other commands where the embedded parts are."""
    path = data_dir / RUN_FILE
    data_dir.mkdir(parents=True, exist_ok=True)
    beside = path.with_suffix(".new")
    beside.write_text(json.dumps(dict(addresses)))
    beside.chmod(0o600)
    beside.replace(path)
    try:
        yield
    finally:
        path.unlink(missing_ok=True)


async def _migrated(settings: Settings) -> bool:
    """Brings the database up to this version; True when nobody has an account there yet."""
    async with open_database(settings.database_url, size=2) as database:
        await migrate.apply(database)
        async with database.shared() as tx:
            return not await tx.value("SELECT EXISTS (SELECT FROM accounts)")


@asynccontextmanager
async def _kept(kind: str, count: int, watch: Watch) -> AsyncIterator[None]:
    """`count` processes of `mailer {kind}` while the block runs; all of them have ended after it."""
    async with asyncio.TaskGroup() as group:
        keepers = [group.create_task(_keep(kind, watch)) for _ in range(count)]
        try:
            yield
        finally:
            for keeper in keepers:
                keeper.cancel()


async def _keep(kind: str, watch: Watch) -> None:
    delay, early = FIRST_DELAY, 0
    loop = asyncio.get_running_loop()
    while True:
        process = await _spawn(kind)
        started = loop.time()
        try:
            status = await process.wait()
        except asyncio.CancelledError:
            await _end(process, kind, watch)
            raise
        log.error("process ended", kind=kind, status=status, again_in_seconds=delay)
        early += not watch.ready.is_set()
        if early >= EARLY_ENDS:
            raise StartFailed(f"`mailer {kind}` ended {early} times while starting; its reason stands above.")
        await asyncio.sleep(delay)
        delay = FIRST_DELAY if loop.time() - started > LONG_LIFE else min(delay * 2, LONGEST_DELAY)


async def _spawn(kind: str) -> Process:
    # SIGKILL at our death: with us go the embedded servers, so nothing could still be ended well.
    argv = leash.command([*PROGRAM, kind], death_signal=signal.SIGKILL)
    # A session of its own: Ctrl-C in the terminal reaches us alone, and we end it in our order.
    return await asyncio.create_subprocess_exec(
        *argv, stdin=asyncio.subprocess.DEVNULL, start_new_session=True
    )


async def _end(process: Process, kind: str, watch: Watch) -> None:
    """SIGTERM, then SIGKILL when its time is over or somebody is in a hurry."""
    with contextlib.suppress(ProcessLookupError):
        process.terminate()
    ended = asyncio.ensure_future(process.wait())
    hurried = asyncio.ensure_future(watch.hurry.wait())
    await asyncio.wait((ended, hurried), timeout=GRACE_SECONDS[kind], return_when=asyncio.FIRST_COMPLETED)
    hurried.cancel()
    if not ended.done():
        log.warning("process killed", kind=kind)
        with contextlib.suppress(ProcessLookupError):
            process.kill()
    await ended


async def _answering(settings: Settings) -> None:
    """Returns when a web process says that it is ready. Raises StartFailed."""
    host = settings.host.strip("[]")
    address = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - compared
    request = b"GET /readyz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    try:
        async with asyncio.timeout(READY_SECONDS):
            while True:
                with contextlib.suppress(OSError):
                    reader, writer = await asyncio.open_connection(address, settings.port)
                    writer.write(request)
                    line = await reader.readline()
                    writer.close()
                    if line.split(b" ")[1:2] == [b"200"]:
                        return
                await asyncio.sleep(0.1)
    except TimeoutError as error:
        raise StartFailed(f"No answer on {settings.listen} after {READY_SECONDS:.0f} s.") from error


def _announce(settings: Settings, *, empty: bool) -> None:
    lines = [f"Mailer is ready: {settings.public_url}"]
    if settings.inbox_shown:
        lines.append(f"Local inbox:     {settings.public_url}/inbox (nothing leaves for the Internet)")
    if not empty or not settings.inbox_shown:  # else the demonstration prints a link
        lines.append(
            "Sign-in link:    mailer operator create --email you@example.org (with your own address)"
        )
    if settings.inbound_listen:
        lines.append(f"Mail comes in:   {settings.inbound_listen} (bounces, unsubscribe mails)")
    lines.append(f"Data folder:     {settings.data_dir.resolve()}")
    lines.append("Stop with Ctrl-C.")
    print("\n".join(lines), flush=True)


async def _demo(watch: Watch) -> None:
    """The main job once, with made-up contacts; the product serves on whatever becomes of it."""
    process = await _spawn("demo")
    try:
        if await process.wait() != 0:
            log.error("demonstration failed")
    except asyncio.CancelledError:
        await _end(process, "demo", watch)
        raise


def _first(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """The fault that began it: what the tasks of a group raise comes wrapped."""
    for error in group.exceptions:
        found = _first(error) if isinstance(error, BaseExceptionGroup) else error
        if isinstance(found, StartFailed | EmbeddedError | SettingsError):
            return found
    first = group.exceptions[0]
    return _first(first) if isinstance(first, BaseExceptionGroup) else first
