"""The API of imports: a form of two parts in, counts and rejects out."""

import json
from typing import Any

import pytest
from aiohttp import FormData

from mailer.core.services import Services
from tests.client import Answer, Client
from tests.importing import files
from tests.importing.importer import STATEMENT, Importer
from tests.make import Make


async def send(
    program: Client, data: bytes | None, options: dict[str, Any] | None, *, options_first: bool = False
) -> Answer:
    form = FormData()
    parts = []
    if data is not None:
        parts.append(("file", data, {"filename": "crm.csv", "content_type": "text/csv"}))
    if options is not None:
        parts.append(("options", json.dumps(options), {"content_type": "application/json"}))
    for name, value, more in reversed(parts) if options_first else parts:
        form.add_field(name, value, **more)
    return await program.ask("POST", "/api/v1/imports", data=form)


@pytest.mark.req("A-020", "A-021", "S19")
@pytest.mark.parametrize("options_first", [False, True])
async def test_a_program_imports_in_one_request(services: Services, make: Make, options_first: bool) -> None:
    account = await make.account(language="en")
    program = await make.program(account.id)
    importer = Importer(services, account)
    mapping = {
        "E-mail": {"to": "email"},
        "Prénom": {"to": "first_name"},
        "Ville": {"new_field": {"label": "Town"}},
    }
    options = STATEMENT | {"new_list": "From the CRM", "mapping": mapping}
    answer = await send(program, files.excel_fr(300, 2), options, options_first=options_first)
    assert answer.status == 202, answer.text
    made = answer.json()
    assert made["state"] == "checking"
    assert answer.location == f"/api/v1/imports/{made['id']}"
    await importer.turns("lists.check_import", "lists.run_import")
    shown = (await program.get(answer.location)).json()
    assert shown["state"] == "done"
    assert shown["counts"] == {
        "rows": 300, "created": 298, "updated": 0, "unchanged": 0, "refused": 0, "doubles": 0, "errors": 2,
        "set_aside": 0, "unsubscribed": 0, "removed": 0, "opted_out": 0,
    }  # fmt: skip
    rejects = await program.get(shown["rejects_url"])
    assert rejects.headers["Content-Type"] == "text/csv"
    assert "attachment" in rejects.headers["Content-Disposition"]
    lines = rejects.text.removeprefix("\ufeff").splitlines()
    assert lines[0] == "Line,Column,Value,Reason"
    assert [line.split(",")[0] for line in lines[1:]] == ["132", "263"]
    assert {row[5]["town"] for row in await importer.contacts()} >= {"Orléans"}
    listed = (await program.get("/api/v1/imports?limit=1")).json()
    assert [item["id"] for item in listed["items"]] == [made["id"]]
    assert listed["next_cursor"] is None


async def test_a_dry_run_waits_to_be_started_or_cancelled(services: Services, make: Make) -> None:
    account = await make.account()
    program = await make.program(account.id)
    importer = Importer(services, account)
    options = STATEMENT | {"new_list": "Clients", "dry_run": True}
    ids = []
    for _ in range(2):
        answer = await send(program, files.people("ana@example.test", "bea@example.test"), options)
        ids.append(answer.json()["id"])
    assert (await program.post(f"/api/v1/imports/{ids[0]}/runs", json={})).status == 409
    await importer.turns("lists.check_import")
    await importer.turns("lists.run_import")
    shown = (await program.get(f"/api/v1/imports/{ids[0]}")).json()
    assert (shown["state"], shown["counts"]["created"], shown["rejects_url"]) == ("checked", 2, None)
    assert await importer.contacts() == []
    assert (await program.post(f"/api/v1/imports/{ids[1]}/cancellations", json={})).status == 204
    assert (await program.post(f"/api/v1/imports/{ids[1]}/runs", json={})).status == 409
    assert (await program.post(f"/api/v1/imports/{ids[0]}/runs", json={})).status == 202
    assert (await program.post(f"/api/v1/imports/{ids[0]}/cancellations", json={})).status == 409
    await importer.turns("lists.run_import")
    assert len(await importer.contacts()) == 2
    assert (await program.get(f"/api/v1/imports/{ids[0]}/rejects")).status == 404


@pytest.mark.req("A-016")
async def test_without_the_agreement_nothing_is_taken(services: Services, make: Make) -> None:
    account = await make.account(agreed=False)
    program = await make.program(account.id)
    answer = await send(program, files.people("ana@example.test"), STATEMENT | {"new_list": "Clients"})
    assert answer.status == 403
    assert answer.headers["Content-Type"].startswith("application/problem+json")
    assert answer.json()["code"] == "agreement"
    async with services.db.account(account.id) as tx:
        assert await tx.value("SELECT count(*) FROM files WHERE account_id = $1") == 0


NOTHING: dict[str, Any] = {}


@pytest.mark.req("A-020", "A-021", "E-10")
@pytest.mark.parametrize(
    ("data", "options", "field"),
    [
        (files.people("a@b.test"), None, "options"),
        (None, STATEMENT, "file"),
        (b"PK\x03\x04zip", STATEMENT | {"new_list": "L"}, "file"),
        (files.people("a@b.test"), NOTHING | {"new_list": "L"}, "legal_basis"),
        (files.people("a@b.test"), STATEMENT | {"new_list": "L", "attested_by": ""}, "attested_by"),
        (files.people("a@b.test"), STATEMENT, "list_ids"),
        (files.people("a@b.test"), STATEMENT | {"list_ids": [999_999_999]}, "list_ids"),
        (files.people("a@b.test"), STATEMENT | {"new_list": "L", "surprise": 1}, "surprise"),
        (files.people("a@b.test"), STATEMENT | {"new_list": "L", "mode": "resubscribe"}, "mode"),
        (files.people("a@b.test"), STATEMENT | {"new_list": "L", "collected_from": "2999-01-01"}, "collected_from"),
        (files.people("a@b.test"), STATEMENT | {"new_list": "L", "mapping": {"Mail": {"to": "email"}}}, "mapping"),
        (files.people("a@b.test"), STATEMENT | {"new_list": "L", "mapping": {"Prénom": {"to": "first_name"}}}, "mapping"),
        (b"Nom;Ville\r\nZoe;Lyon\r\n", STATEMENT | {"new_list": "L"}, "mapping"),
    ],
)  # fmt: skip
async def test_a_request_at_fault_says_where_and_keeps_nothing(
    services: Services, make: Make, data: bytes | None, options: dict[str, Any] | None, field: str
) -> None:
    account = await make.account()
    program = await make.program(account.id)
    for options_first in (False, True):
        answer = await send(program, data, options, options_first=options_first)
        assert answer.status == 422, answer.text
        assert field in {error["field"] for error in answer.json()["errors"]}
    async with services.db.account(account.id) as tx:
        assert await tx.value("SELECT count(*) FROM files WHERE account_id = $1") == 0
        assert await tx.value("SELECT count(*) FROM imports WHERE account_id = $1") == 0


@pytest.mark.req("E-35", "E-51")
async def test_scope_media_type_and_size_are_looked_at_first(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    from lists import import_upload

    account = await make.account()
    reader = await make.program(account.id, scopes=["imports:read"])
    assert (await send(reader, files.people("a@b.test"), STATEMENT)).status == 403
    program = await make.program(account.id)
    assert (await program.post("/api/v1/imports", json={})).status == 415
    monkeypatch.setattr(import_upload, "MAX_BYTES", 50_000)
    answer = await send(program, files.excel_fr(3_000, 0), STATEMENT | {"new_list": "Clients"})
    assert answer.status == 422
    assert answer.json()["errors"][0]["code"] == "too_large"


async def test_an_import_that_cannot_go_on_says_why(services: Services, make: Make) -> None:
    """Its list is deleted while it is counted."""
    account = await make.account()
    program = await make.program(account.id)
    importer = Importer(services, account)
    async with services.db.account(account.id) as tx:
        list_id = await make.mailing_list(tx)
    answer = await send(program, files.people("ana@example.test"), STATEMENT | {"list_ids": [list_id]})
    async with services.db.account(account.id) as tx:
        await tx.run("UPDATE mailing_lists SET deleted_at = now() WHERE account_id = $1 AND id = $2", list_id)
    await importer.turns("lists.check_import")
    shown = (await program.get(answer.location)).json()
    assert (shown["state"], shown["failure"]) == (
        "failed",
        "The list was deleted since the check. Choose another.",
    )
    assert await importer.contacts() == []
