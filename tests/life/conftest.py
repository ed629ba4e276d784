"""An account from its first day to the day nothing is left of it, on servers of its own.

Two years later every other test's sessions and partitions would be over as well.
"""

from collections.abc import AsyncIterator

import pytest
from aiohttp import ClientSession, web

from mailer.app import make_app, started
from mailer.core import embedded, migrate
from mailer.core.db import open_database
from mailer.core.services import Services, open_services
from mailer.core.settings import load
from tests.client import Client
from tests.delivery.conftest import Post, people, sink, with_server
from tests.make import Make
from tests.smtp_server import Sink

__all__ = ["people", "sink"]


@pytest.fixture
async def alone(tmp_path_factory: pytest.TempPathFactory, zone: object) -> AsyncIterator[Services]:
    async with embedded.run(tmp_path_factory.mktemp("life"), fsync=False) as endpoints:
        environ = {"MAILER_DATA_DIR": str(tmp_path_factory.mktemp("life-data"))}
        servers = {"database_url": endpoints.database_url, "redis_url": endpoints.redis_url}
        settings = load(environ, servers=servers)
        async with open_database(settings.database_url, size=1) as db:
            await migrate.apply(db)
        async with open_services(settings, pool_size=8) as opened:
            yield opened


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
