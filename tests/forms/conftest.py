"""A form of an account of its own; limits counted apart for each test."""

import secrets

import pytest

from lists import public_form_guard
from tests.browser.conftest import browser, visit
from tests.client import Client
from tests.forms.scene import Scene, make_scene
from tests.make import Make

__all__ = ["browser", "visit"]


@pytest.fixture(autouse=True)
def _own_counters(monkeypatch: pytest.MonkeyPatch) -> None:
    """All tests come from one network, and some use one address: each counts from nought."""
    kept = public_form_guard._keyed
    salt = secrets.token_hex(8)
    monkeypatch.setattr(public_form_guard, "_keyed", lambda request, text: kept(request, salt + text))


@pytest.fixture
async def scene(make: Make, client: Client) -> Scene:
    return await make_scene(make, client)
