"""Real PostgreSQL and Valkey, once a test process; each test makes an account of its own and cleans nothing up."""

import os
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
from aiohttp import ClientSession, DummyCookieJar, web

from mailer.app import make_app, started
from mailer.core import clock, embedded, log, migrate
from mailer.core.embedded import Endpoints
from mailer.core.services import Services, open_services
from mailer.core.settings import Settings, load
from sending import lookups
from tests import dns_server
from tests.client import Client
from tests.dns_server import Zone
from tests.make import Make

log.set_up("error")
WAITING = {"faults", "running"}
"""Folders of tests that start processes and wait for them."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests that share the whole product begin the share of one process, so that there is one product; those that
    start processes and wait for them begin the next one's. The short tests of all are left to spread at the end.
    """
    shared = [item for item in items if "product" in getattr(item, "fixturenames", ())]
    # while nobody but the demonstration was there
    shared.sort(key=lambda item: item.path.name != "test_demonstration.py")
    waiting = [item for item in items if item not in shared and item.path.parent.name in WAITING]
    others = [item for item in items if item not in shared and item.path.parent.name not in WAITING]
    share = len(items) // int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    before = max(share - len(shared), 0)
    items[:] = [*shared, *others[:before], *waiting, *others[before:]]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--repeat", type=int, default=1, help="how often each fault test runs (tests/faults)")


@pytest.fixture(scope="session")
async def endpoints(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Endpoints]:
    folder = tmp_path_factory.mktemp("servers")
    async with embedded.run(folder, fsync=False) as found:
        yield found


@pytest.fixture(scope="session")
def settings(endpoints: Endpoints, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """As `mailer run` would have them; the port is chosen by `server`."""
    port = 18000 + os.getpid() % 10000
    environ = {
        "MAILER_DATA_DIR": str(tmp_path_factory.mktemp("data")),
        "MAILER_LISTEN": f"127.0.0.1:{port}",
    }
    servers = {"database_url": endpoints.database_url, "redis_url": endpoints.redis_url}
    return load(environ, servers=servers)


@pytest.fixture(scope="session")
async def zone() -> AsyncIterator[Zone]:
    """The DNS of this process: a server on loopback, so that nothing asks the real one."""
    async with dns_server.serving() as found:
        lookups.use(found.resolver())
        yield found
        lookups.use(None)


@pytest.fixture(scope="session")
async def services(settings: Settings, zone: Zone) -> AsyncIterator[Services]:
    from mailer.core.db import open_database

    async with open_database(settings.database_url, size=1) as db:
        await migrate.apply(db)
    async with open_services(settings, pool_size=16) as opened:
        yield opened


@pytest.fixture(scope="session")
async def server(settings: Settings, services: Services) -> AsyncIterator[str]:
    """The whole application over HTTP on loopback; the address without a slash at its end."""
    runner = await started(make_app(settings, services=services), settings, shutdown_timeout=1)
    await web.TCPSite(runner, "127.0.0.1", settings.port).start()
    yield f"http://127.0.0.1:{settings.port}"
    await runner.cleanup()


@pytest.fixture(scope="session")
async def http() -> AsyncIterator[ClientSession]:
    async with ClientSession(cookie_jar=DummyCookieJar(), auto_decompress=True) as session:
        yield session


@pytest.fixture
def client(server: str, http: ClientSession) -> Client:
    """A visitor without a session. `make.signed_in` gives one with."""
    return Client(http, server)


@pytest.fixture
def make(services: Services, server: str, http: ClientSession) -> Make:
    return Make(services, http, server)


@pytest.fixture(autouse=True)
def real_time() -> AsyncIterator[None]:
    """A test that moves the clock does not move it for the next one."""
    yield
    clock.shift(timedelta(0))


@pytest.fixture(scope="session")
def repository() -> Path:
    return Path(__file__).parent.parent
