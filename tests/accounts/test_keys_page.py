"""The page of keys: who made each, from where it was used, until when it works."""

import html
import re
from datetime import timedelta

import pytest

from mailer.accounts import agreements, api_keys
from mailer.core import clock
from mailer.core.services import Services
from retention_jobs import purge
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


@pytest.mark.req("E-35", "A-120")
async def test_only_an_owner_gives_a_key_what_accepts_the_agreement(
    services: Services, make: Make, client: Client
) -> None:
    account = await make.account(agreed=False)
    owner = await make.signed_in(account.owner_id)
    page = f"{account.app}/integrations"
    new = {"name": "Caisse", "scopes": ["account:read", "account:write"]}
    for language, told in (
        ("en", "Only an owner can let a key change the account's settings and accept the agreement."),
        ("fr", "Seul un propriétaire peut permettre à une clé de modifier les réglages du compte"),
    ):
        manager = await make.signed_in((await make.user(account.id, "manager"))[0], language=language)
        offered = (await manager.get(page)).text
        assert 'value="account:read"' in offered
        assert 'value="account:write"' not in offered
        refused = await manager.post(page, new)
        assert refused.status == 422
        assert told in html.unescape(refused.text)
        assert 'href="#scopes"' in refused.text
    async with services.db.shared() as tx:
        assert await api_keys.many(tx, account.id) == []
    assert 'value="account:write"' in (await owner.get(page)).text
    made = await owner.post(page, new)
    assert made.status == 200
    found = re.search(r"mailer_live_\w+", made.text)
    assert found is not None
    client.key = found[0]
    accepted = {"version": agreements.VERSION, "person": "Odile Owner"}
    assert (await client.post("/api/v1/agreements/acceptances", json=accepted)).status == 201


@pytest.mark.req("A-007", "E-35")
async def test_from_where_a_key_was_used_is_forgotten_and_the_key_works_on(
    services: Services, make: Make, client: Client
) -> None:
    account, other = await make.account(), await make.account()
    keys = {}
    async with services.db.shared() as tx:
        for one in (account, other):
            _, keys[one.id] = await api_keys.create(tx, one.id, "Caisse", scopes=["account:read"])
            assert await api_keys.find(tx, keys[one.id], ip="192.0.2.7") is not None
    later = clock.now() + timedelta(days=367)
    async with services.db.account(account.id) as tx:
        assert await purge.RULES["log"](tx, later) == 1
        assert await purge.RULES["log"](tx, later) == 0
    async with services.db.shared() as tx:
        (row,) = await api_keys.many(tx, account.id)
        assert (row.last_used_ip, row.last_place, row.last_used_at is None) == (None, "", False)
        # not of another account
        assert (await api_keys.many(tx, other.id))[0].last_used_ip == "192.0.2.7"
    client.key = keys[account.id]
    assert (await client.get("/api/v1/account")).status == 200
    owner = await make.signed_in(account.owner_id)
    assert (await owner.get(f"{account.app}/integrations")).status == 200
