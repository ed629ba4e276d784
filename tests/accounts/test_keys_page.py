"""The page of keys: who made each, from where it was used, until when it works."""

from datetime import timedelta

import pytest

from mailer.accounts import api_keys
from mailer.core import clock
from mailer.core.services import Services
from tests.client import Client
from tests.make import Make


@pytest.mark.req("E-35", "A-120")
async def test_a_key_tells_its_maker_its_last_use_and_its_end(
    services: Services, make: Make, client: Client
) -> None:
    account = await make.account()
    manager_id, _ = await make.user(account.id, "manager")
    manager, owner = await make.signed_in(manager_id), await make.signed_in(account.owner_id)
    page = f"{account.app}/integrations"
    made = await manager.post(page, {"name": "Caisse", "scopes": "account:read", "days": "30"})
    assert made.status == 200
    assert (await manager.post(page, {"name": "x", "scopes": "account:read", "days": "31"})).status == 422
    shown = (await owner.get(page)).text
    assert "Odile Owner" in shown
    assert "Never" in shown
    assert "No longer in the team" not in shown
    key = made.text.partition("Bearer ")[2].partition("&#34;")[0].partition('"')[0]
    client.key = key
    assert (await client.get("/api/v1/account")).status == 200
    async with services.db.shared() as tx:
        (row,) = await api_keys.many(tx, account.id)
        assert row.last_place.endswith(".•••")
        await tx.run("DELETE FROM memberships WHERE user_id = $1", manager_id)
    shown = (await owner.get(page)).text
    assert row.last_place in shown
    assert "No longer in the team" in shown
    clock.shift(timedelta(days=31))
    assert (await client.get("/api/v1/account")).status == 401
    async with services.db.shared() as tx:
        assert [row.expired for row in await api_keys.many(tx, account.id)] == [True]
