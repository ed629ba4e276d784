"""A person on a list of an account; limits counted apart for each test."""

import secrets

import pytest

from lists import public_rights
from mailer.core.services import Services
from tests.browser.conftest import browser, visit
from tests.client import Client
from tests.make import Make
from tests.rights.desk import Desk, open_desk

__all__ = ["browser", "visit"]


@pytest.fixture(autouse=True)
def _own_counters(monkeypatch: pytest.MonkeyPatch) -> None:
    """All tests come from one network: each counts from nought."""
    kept = public_rights._keyed
    salt = secrets.token_hex(8)
    monkeypatch.setattr(public_rights, "_keyed", lambda request, text: kept(request, salt + text))


@pytest.fixture
async def desk(make: Make, services: Services, client: Client) -> Desk:
    return await open_desk(make, services, client)
