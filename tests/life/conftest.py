"""An account from its first day to the day nothing is left of it, on servers of its own.

Two years later every other test's sessions and partitions would be over as well.
"""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import ClientSession, web

from mailer.app import make_app, started
from mailer.core import backups, embedded, migrate
from mailer.core.db import open_database
from mailer.core.embedded import Endpoints
from mailer.core.services import Services, open_services
from mailer.core.settings import Settings, load
from tests.client import Client
from tests.delivery.conftest import Post, people, sink, with_server
from tests.make import Make
from tests.smtp_server import Sink
from tests.webhooks.conftest import receiver

__all__ = ["people", "receiver", "sink"]


@pytest.fixture
async def own_servers(tmp_path_factory: pytest.TempPathFactory, zone: object) -> AsyncIterator[Endpoints]:
    async with embedded.run(tmp_path_factory.mktemp("life"), fsync=False) as found:
        yield found


@pytest.fixture
async def alone(own_servers: Endpoints, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Services]:
    environ = {"MAILER_DATA_DIR": str(tmp_path_factory.mktemp("life-data"))}
    servers = {"database_url": own_servers.database_url, "redis_url": own_servers.redis_url}
    settings = load(environ, servers=servers)
    async with open_database(settings.database_url, size=1) as db:
        await migrate.apply(db)
    async with open_services(settings, pool_size=8) as opened:
        yield opened


@pytest.fixture
def superuser(own_servers: Endpoints) -> str:
    """The door that backups use."""
    return backups.renamed(own_servers.admin_url, "mailer")


@pytest.fixture
async def elsewhere(alone: Services, superuser: str, tmp_path: Path) -> Settings:
    """Of a machine with an empty database, for what is restored."""
    async with open_database(backups.renamed(superuser, "postgres"), size=1) as db, db.connection() as found:
        await found.execute("CREATE DATABASE elsewhere OWNER mailer")
    url = backups.renamed(alone.settings.database_url, "elsewhere")
    return alone.settings.model_copy(update={"database_url": url, "data_dir": tmp_path / "elsewhere"})


@pytest.fixture
async def address(alone: Services) -> AsyncIterator[str]:
    runner = await started(make_app(alone.settings, services=alone), alone.settings, shutdown_timeout=1)
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    host, port = runner.addresses[0][:2]
    yield f"http://{host}:{port}"
    await runner.cleanup()


@pytest.fixture
def visitor(address: str, http: ClientSession) -> Client:
    return Client(http, address)


@pytest.fixture
async def post(alone: Services, address: str, http: ClientSession, sink: Sink) -> Post:
    make = Make(alone, http, address)
    return Post(with_server(alone, sink), make, await make.account(), sink)
