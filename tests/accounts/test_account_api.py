"""The account through the API, and from the command line."""

import argparse

import pytest

from mailer import command_options
from mailer.accounts import agreements, api_keys, commands, users
from mailer.core.errors import Forbidden
from mailer.core.services import Services
from tests.client import Client
from tests.make import Make


@pytest.mark.req("S19", "A-062")
async def test_the_account_is_read_and_changed_in_part(make: Make) -> None:
    account = await make.account(agreed=False, identity=False)
    program = await make.program(account.id)
    found = (await program.get("/api/v1/account")).json()
    assert (found["id"], found["identified"], found["agreement_version"]) == (account.id, False, None)
    assert found["created_at"].endswith("Z")
    body = {"legal_name": "Atelier", "postal_address": "1 rue", "contact_email": "contact@pain.test"}
    changed = (await program.ask("PATCH", "/api/v1/account", json=body)).json()
    assert (changed["identified"], changed["name"]) == (True, found["name"])
    for bad in ({"legal_name": ""}, {"status": "active"}, {"time_zone": "Nowhere"}, {"contact_email": "x"}):
        answer = await program.ask("PATCH", "/api/v1/account", json=bad)
        assert answer.status == 422
        assert answer.json()["errors"][0]["field"] == next(iter(bad))
    assert (await program.get("/api/v1/account")).json() == changed


@pytest.mark.req("S19", "A-016")
async def test_the_agreement_is_accepted_by_name_and_version(make: Make) -> None:
    account = await make.account(agreed=False)
    program = await make.program(account.id)
    url = "/api/v1/agreements/acceptances"
    old = await program.post(url, json={"version": "2020-01", "person": "Odile"})
    assert old.status == 422
    assert (await program.post(url, json={"version": agreements.VERSION})).status == 422
    made = await program.post(url, json={"version": agreements.VERSION, "person": "Odile Owner"})
    assert made.status == 201
    assert made.json()["person"] == "Odile Owner"
    assert (await program.get("/api/v1/account")).json()["agreement_version"] == agreements.VERSION
    reader = await make.program(account.id, ["account:read"])
    assert (await reader.post(url, json={"version": agreements.VERSION, "person": "X"})).status == 403
    duties = "/api/v1/agreements/acknowledgements"
    assert (await program.post(duties, json={"version": "2020-01", "person": "Odile"})).status == 422
    taken = {"version": agreements.RESPONSIBILITIES, "person": "Odile Owner"}
    assert (await program.post(duties, json=taken)).json()["kind"] == "responsibilities"
    account_now = (await program.get("/api/v1/account")).json()
    assert account_now["responsibilities_version"] == agreements.RESPONSIBILITIES


def asked(*words: str) -> argparse.Namespace:
    return command_options.build().parse_args(words)


@pytest.mark.req("B-12", "S18")
async def test_scripts_make_account_key_and_operator_without_a_password(
    services: Services, make: Make, visitor: Client
) -> None:
    email = f"owner{id(services)}@pain.test"
    made = await commands._dispatch(
        services,
        asked("account", "create", "--name", "Pain", "--email", email, "--accept-agreement", "--json"),
    )
    async with services.db.account(int(str(made["id"]))) as tx:
        await agreements.require(tx)
    key = await commands._dispatch(
        services, asked("api-key", "create", "--account", str(made["id"]), "--all-scopes", "--json")
    )
    program = await make.program(int(str(made["id"])))
    program.key = str(key["key"])
    assert (await program.get("/api/v1/account")).json()["name"] == "Pain"
    async with services.db.shared() as tx:
        owner = await users.by_address(tx, email)
    assert owner is not None
    assert owner.email_confirmed_at is not None
    assert owner.password_hash is None
    link = "/app/" + str(made["link"]).partition("/app/")[2]
    assert (await visitor.post(link)).status == 303
    assert (await visitor.get("/app/accounts")).location == f"/app/{made['id']}"
    operator = await commands._dispatch(services, asked("operator", "create", "--email", email, "--json"))
    assert operator["id"] == owner.id
    async with services.db.shared() as tx:
        assert (await users.by_id(tx, owner.id)).is_operator
    assert (await visitor.get("/app/me")).status == 303


async def test_commands_say_what_is_wrong(services: Services) -> None:
    for words in (
        ("api-key", "create", "--account", "999999999", "--all-scopes"),
        ("api-key", "create", "--account", "999999999", "--scope", "all"),
        ("account", "create", "--name", "Pain", "--email", "nothing"),
        ("account", "approve", "--account", "999999999"),
    ):
        with pytest.raises(Forbidden) as caught:
            await commands.run(services.settings, asked(*words))
        assert str(caught.value)


@pytest.mark.req("E-35", "A-052")
async def test_a_key_gets_the_scopes_that_are_named_and_none_without(services: Services, make: Make) -> None:
    account = await make.account()
    create = ("api-key", "create", "--account", str(account.id))
    # nothing said, a scope that is none: refused, with every choice named, and no key is made
    for words in ((), ("--scope", "contacts:all"), ("--scope", "contacts:read", "--scope", "")):
        with pytest.raises(Forbidden) as caught:
            await commands.run(services.settings, asked(*create, *words))
        assert all(scope in str(caught.value) for scope in api_keys.SCOPES)
    with pytest.raises(SystemExit):
        asked(*create, "--scope", "contacts:read", "--all-scopes")
    assert await _scopes(services, account.id) == []
    for words in (("--scope", "contacts:read", "--scope", "lists:write"), ("--all-scopes",)):
        await commands._dispatch(services, asked(*create, *words))
    assert await _scopes(services, account.id) == [["contacts:read", "lists:write"], list(api_keys.SCOPES)]


async def _scopes(services: Services, account_id: int) -> list[list[str]]:
    async with services.db.shared() as tx:
        rows = await tx.rows("SELECT scopes FROM api_keys WHERE account_id = $1 ORDER BY id", account_id)
    return [scopes for (scopes,) in rows]


async def test_a_waiting_account_is_approved_once(services: Services, make: Make) -> None:
    account = await make.account()
    async with services.db.shared() as tx:
        await tx.run("UPDATE accounts SET status = 'pending' WHERE id = $1", account.id)
    words = asked("account", "approve", "--account", str(account.id), "--json")
    assert (await commands._dispatch(services, words))["status"] == "active"
    with pytest.raises(Forbidden):
        await commands.run(services.settings, words)


async def test_a_command_takes_over_an_address_that_somebody_typed_at_sign_up(
    services: Services, visitor: Client
) -> None:
    email = f"victim{id(visitor)}@pain.test"
    await visitor.post("/app/sign-up", {"email": email})
    made = await commands.create_account(services, "Pain", email=email)
    async with services.db.shared() as tx:
        user = await users.by_address(tx, email)
    assert user is not None
    assert (user.id, user.password_hash) == (made["owner_id"], None)
    assert user.email_confirmed_at is not None
