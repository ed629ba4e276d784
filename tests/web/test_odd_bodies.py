"""Bodies that no program and no browser of good will sends: refused with a reason, never an error of ours (E-10)."""

import pytest

from tests.client import Client
from tests.make import Make

pytestmark = pytest.mark.req("E-10")
FORM = "application/x-www-form-urlencoded"


@pytest.mark.parametrize(
    ("media_type", "body"),
    [
        ("multipart/form-data", b"x"),
        ("multipart/form-data; boundary=b", b"--b"),
        ("multipart/form-data; boundary=b", b"--b\r\n\r\nx\r\n--b--"),
        (
            "multipart/form-data; boundary=b",
            b'--b\r\nContent-Disposition: form-data; name="\x0e"\r\n\r\nx\r\n--b--',
        ),
        (f"{FORM}; charset=foo", b"email=a"),
    ],
)
async def test_a_form_that_is_none_is_refused(client: Client, media_type: str, body: bytes) -> None:
    answer = await client.ask("POST", "/app/sign-in", data=body, headers={"Content-Type": media_type})
    assert answer.status == 400


@pytest.mark.parametrize("depth", [41, 300, 100_000])
async def test_json_may_nest_only_so_deep(make: Make, depth: int) -> None:
    program = await make.program((await make.account()).id)
    body = b'{"email": "a@b.fr", "fields": ' + b'{"a":' * depth + b"1" + b"}" * (depth + 1)
    headers = {"Content-Type": "application/json"}
    answer = await program.ask("POST", "/api/v1/contacts", data=body, headers=headers)
    assert answer.status == 422
    assert answer.json()["errors"][0]["field"] == "body"


@pytest.mark.parametrize("media_type", [FORM, "multipart/form-data", "text/plain"])
async def test_the_api_reads_json_only(make: Make, media_type: str) -> None:
    program = await make.program((await make.account()).id)
    headers = {"Content-Type": media_type}
    answer = await program.ask("POST", "/api/v1/lists", data=b"name=Clients", headers=headers)
    assert answer.status == 415


@pytest.mark.parametrize("number", [2**31, 2**63 - 1, 2**63, 2**64 - 1, 10**30])
async def test_numbers_that_no_column_holds_are_refused(make: Make, number: int) -> None:
    account = await make.account()
    program = await make.program(account.id)
    made = (await program.post("/api/v1/campaigns", json={"name": "Lettre"})).json()
    path = f"/api/v1/campaigns/{made['id']}"
    assert (await program.ask("PATCH", path, json={"version": number})).status == 422
    assert (await program.post("/api/v1/campaigns", json={"name": "A", "sender_id": number})).status == 422
    person = await make.signed_in(account.owner_id)
    answer = await person.post(
        f"{account.app}/campaigns/{made['id']}/setup", {"name": "A", "sender_id": str(number), "version": "1"}
    )
    assert answer.status in (404, 409, 422)


@pytest.mark.parametrize(
    "cursor", ["x", "WyJhIl0", "W3RydWVd", "W251bGxd", "WzEuNV0", "WzFlNDAwXQ", "WzEsMl0", "%00"]
)
async def test_a_damaged_cursor_is_refused(make: Make, cursor: str) -> None:
    program = await make.program((await make.account()).id)
    for noun in ("contacts", "campaigns", "suppressions", "imports", "exports"):
        answer = await program.get(f"/api/v1/{noun}?cursor={cursor}")
        assert answer.status == 422, noun
        assert answer.json()["errors"][0]["field"] == "cursor"
