"""Idempotency-Key and rate headers at the door of the API (E-61, E-62)."""

import asyncio
from datetime import timedelta

import pytest

from mailer.accounts import access
from mailer.accounts.repeats import LIVES
from mailer.core import clock
from mailer.core.db import AccountTx
from mailer.core.rate import Limit
from mailer.core.services import Services
from retention_jobs import purge
from tests.client import Answer, Client
from tests.make import Make

LISTED = {"name": "Lettre du lundi", "purpose": "Nos nouvelles"}


async def _create(program: Client, key: str, **more: object) -> Answer:
    return await program.post("/api/v1/lists", json=LISTED | more, headers={"Idempotency-Key": key})


async def _count(tx: AccountTx, table: str) -> int:
    found: int = await tx.value(f"SELECT count(*) FROM {table} WHERE account_id = $1")
    return found


@pytest.mark.req("E-61")
async def test_a_repeated_request_gets_the_first_answer_and_does_nothing_twice(make: Make) -> None:
    account = await make.account()
    program = await make.program(account.id)
    answers = await asyncio.gather(*(_create(program, "k-1") for _ in range(12)))
    assert {answer.status for answer in answers} == {201}
    assert len({answer.text for answer in answers}) == 1
    assert len({answer.location for answer in answers}) == 1
    assert sum("Idempotent-Replayed" in answer.headers for answer in answers) == 11
    async with make.services.db.account(account.id) as tx:
        assert await _count(tx, "mailing_lists") == 1
    # members in another order and with the defaults given are the same request
    same = {"frequency": "", **dict(reversed(LISTED.items()))}
    again = await program.post("/api/v1/lists", json=same, headers={"Idempotency-Key": '"k-1"'})
    assert (again.status, again.text) == (201, answers[0].text)


@pytest.mark.req("E-61")
async def test_everything_that_can_be_made_about_contacts_is_repeated_by_its_key(make: Make) -> None:
    account = await make.account()
    program = await make.program(account.id)
    async with make.services.db.account(account.id) as tx:
        kept, other = await make.contact(tx), await make.contact(tx)
    rule = {"match": "all", "rules": [{"subject": "email", "operator": "filled"}]}
    field = {"label": "Couleur", "type": "choice", "options": ["Rouge"]}
    made = (await program.post("/api/v1/fields", json=field)).json()["id"]
    wanted: list[tuple[str, dict[str, object]]] = [
        (f"contacts/{kept}/merges", {"other_id": other}),
        (f"contacts/{kept}/restrictions", {"ground": "claims"}),
        (f"contacts/{kept}/restrictions/liftings", {"reason": "Vérifié", "told": True}),
        (f"contacts/{kept}/tags", {"name": "VIP"}),
        ("contacts/batches", {"contacts": [{"email": "ana@x.test"}]}),
        (f"fields/{made}/options", {"options": ["Bleu"]}),
        ("tags", {"name": "Presse"}),
        ("segments", {"name": "Tous", "tree": rule}),
        ("forms", {"name": "Site"}),
    ]
    for path, body in wanted:
        answers = [
            await program.post(f"/api/v1/{path}", json=body, headers={"Idempotency-Key": "k-1"})
            for _ in range(2)
        ]
        assert answers[0].status in (200, 201, 202), (path, answers[0].text)
        assert (answers[1].status, answers[1].text) == (answers[0].status, answers[0].text), path
        assert "Idempotent-Replayed" in answers[1].headers, path


@pytest.mark.req("E-61")
async def test_a_key_with_another_body_is_refused_and_belongs_to_its_address_and_account(make: Make) -> None:
    program = await make.program((await make.account()).id)
    await _create(program, "k-1")
    other = await _create(program, "k-1", name="Autre")
    assert (other.status, other.json()["errors"][0]["code"]) == (422, "key_reused")
    contact = await program.post(
        "/api/v1/contacts", json={"email": "a@b.test"}, headers={"Idempotency-Key": "k-1"}
    )
    assert contact.status == 201
    neighbour = await make.program((await make.account()).id)
    assert (await _create(neighbour, "k-1", name="Autre")).status == 201
    assert (await _create(program, "é")).json()["errors"][0]["code"] == "key"
    assert (await _create(program, "a b")).status == 422


@pytest.mark.req("E-61")
async def test_a_request_under_way_is_409_once_it_takes_too_long(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mailer.accounts import api_repeats, repeats

    monkeypatch.setattr(api_repeats, "WAIT_SECONDS", 0.0)
    account = await make.account()
    program = await make.program(account.id)
    await _create(program, "k-0", name="Autre")
    sealer = make.services.sealer
    async with make.services.db.account(account.id) as tx:
        place = {"place": "POST /api/v1/lists", "key": "k-1"}
        assert await repeats.lock(tx, await repeats.asked(tx, sealer, **place, body=b""))
        busy = await _create(program, "k-1")
        assert (busy.status, busy.json()["errors"][0]["code"]) == (409, "busy")
    assert (await _create(program, "k-1")).status == 201


@pytest.mark.req("E-61")
async def test_what_failed_leaves_neither_effect_nor_key(make: Make) -> None:
    account = await make.account()
    program = await make.program(account.id)
    assert (await _create(program, "k-1", name="")).status == 422
    async with make.services.db.account(account.id) as tx:
        assert await _count(tx, "idempotency_keys") == 0
    await _create(program, "k-2")
    assert (await _create(program, "k-1")).status == 409  # the name is taken
    assert (await _create(program, "k-1", name="Autre")).status == 201


@pytest.mark.req("E-61", "A-001")
async def test_kept_answers_are_sealed_and_gone_after_a_day(make: Make, services: Services) -> None:
    account = await make.account()
    program = await make.program(account.id)
    await program.post(
        "/api/v1/contacts", json={"email": "canary@b.test"}, headers={"Idempotency-Key": "k-1"}
    )
    async with services.db.account(account.id) as tx:
        [(answer,)] = await tx.rows("SELECT answer FROM idempotency_keys WHERE account_id = $1")
        assert b"canary" not in answer
        await purge.content(tx, clock.now() + LIVES - timedelta(hours=1))
        assert await _count(tx, "idempotency_keys") == 1
        await purge.content(tx, clock.now() + LIVES + timedelta(hours=1))
        assert await _count(tx, "idempotency_keys") == 0


@pytest.mark.req("E-61")
async def test_an_upload_with_the_same_key_is_one_import(make: Make) -> None:
    from aiohttp import FormData

    account = await make.account()
    program = await make.program(account.id)

    async def upload(data: bytes) -> Answer:
        form = FormData()
        form.add_field("file", data, filename="a.csv", content_type="text/csv")
        form.add_field(
            "options", '{"source": "Salon", "legal_basis": "consent", "attested_by": "O", "new_list": "A"}'
        )
        return await program.ask("POST", "/api/v1/imports", data=form, headers={"Idempotency-Key": "i-1"})

    first, second = await upload(b"email\na@b.test\n"), await upload(b"email\na@b.test\n")
    assert (first.status, second.status) == (202, 202), first.text
    assert first.text == second.text
    assert (await upload(b"email\nc@b.test\n")).status == 422
    async with make.services.db.account(account.id) as tx:
        assert (await _count(tx, "imports"), await _count(tx, "files")) == (1, 1)


@pytest.mark.req("E-62")
async def test_every_answer_says_what_is_left(make: Make, client: Client) -> None:
    program = await make.program((await make.account()).id)
    left = []
    for path in ("/contacts", "/contacts/999999", "/contacts?limit=0"):
        answer = await program.get("/api/v1" + path)
        assert answer.headers["RateLimit-Policy"] == '"default";q=600;w=60'
        name, remaining, reset = answer.headers["RateLimit"].split(";")
        assert (name, remaining[:2], reset[:2]) == ('"default"', "r=", "t=")
        left.append(int(remaining[2:]))
    assert left[0] > left[1] > left[2]
    stranger = await client.get("/api/v1/contacts")
    assert (stranger.status, stranger.headers["RateLimit-Policy"]) == (401, '"default";q=600;w=60')
    assert "RateLimit" not in stranger.headers


@pytest.mark.req("E-62")
async def test_at_the_limit_it_is_429_and_says_when_to_come_again(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(access, "API_LIMIT", Limit("api", 2, 60))
    program = await make.program((await make.account()).id)
    for _ in range(2):
        assert (await program.get("/api/v1/lists")).status == 200
    answer = await program.get("/api/v1/lists")
    assert (answer.status, answer.headers["Content-Type"]) == (429, "application/problem+json")
    assert 1 <= int(answer.headers["Retry-After"]) <= 120
    assert answer.headers["RateLimit-Policy"] == '"default";q=2;w=60'
    assert answer.headers["RateLimit"].startswith('"default";r=0;t=')
