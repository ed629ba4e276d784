"""A second database, empty, as a machine after a disaster has it."""

import secrets
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from mailer.core import backups
from mailer.core.db import open_database
from mailer.core.embedded import Endpoints
from mailer.core.settings import Settings
from tests.delivery.conftest import people, post, sink

__all__ = ["people", "post", "sink"]


@pytest.fixture(scope="session")
def admin(endpoints: Endpoints) -> str:
    """The superuser's door to the database of the tests."""
    return backups.renamed(endpoints.admin_url, "mailer")


@pytest.fixture
async def second(settings: Settings, admin: str, tmp_path: Path) -> AsyncIterator[Settings]:
    """Settings of a machine that knows nothing yet."""
    name = f"second_{secrets.token_hex(4)}"
    async with open_database(backups.renamed(admin, "postgres"), size=1) as db:
        async with db.connection() as connection:
            await connection.execute(f"CREATE DATABASE {name} OWNER mailer")
        url = backups.renamed(settings.database_url, name)
        yield settings.model_copy(update={"database_url": url, "data_dir": tmp_path / "second"})
        async with db.connection() as connection:
            await connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
