"""Uploads that are asked for first: signed, resumable, and imported like any file."""

import io
from datetime import timedelta
from urllib.parse import urlsplit

import pytest

from lists import import_uploads
from mailer.core import clock
from mailer.core.services import Services
from tests.client import Answer, Client
from tests.importing import files, workbooks
from tests.importing.importer import STATEMENT, Importer
from tests.make import Make


async def ask(program: Client, data: bytes, *, name: str = "crm.csv") -> dict[str, object]:
    answer = await program.post("/api/v1/imports/uploads", json={"file_name": name, "size": len(data)})
    assert answer.status == 201, answer.text
    found: dict[str, object] = answer.json()
    return found


async def put(client: Client, asked: dict[str, object], data: bytes, content_range: str = "") -> Answer:
    headers = {"Content-Range": content_range} if content_range else {}
    return await client.ask("PUT", urlsplit(str(asked["url"])).path, data=io.BytesIO(data), headers=headers)


@pytest.mark.req("E-51")
async def test_a_large_file_breaks_off_goes_on_and_is_imported(
    services: Services, make: Make, client: Client
) -> None:
    account = await make.account(language="en")
    program = await make.program(account.id)
    data = files.excel_fr(60_000, 0)
    assert len(data) > 2_500_000
    asked = await ask(program, data)
    half = 1_500_000
    answer = await put(client, asked, data[:half], f"bytes 0-{half - 1}/{len(data)}")
    assert (answer.status, answer.json()) == (200, {"received": half, "complete": False})
    where = (await client.get(urlsplit(str(asked["url"])).path)).json()
    assert where == {"received": half, "complete": False}
    wrong = await put(client, asked, data[half + 5 :], f"bytes {half + 5}-{len(data) - 1}/{len(data)}")
    assert (wrong.status, wrong.json()["errors"][0]["code"]) == (409, "received")
    early = await program.post(
        f"/api/v1/imports/uploads/{asked['id']}/imports", json=STATEMENT | {"new_list": "L"}
    )
    assert (early.status, early.json()["errors"][0]["code"]) == (409, "incomplete")
    answer = await put(client, asked, data[half:], f"bytes {half}-{len(data) - 1}/{len(data)}")
    assert answer.json() == {"received": len(data), "complete": True}
    assert (await put(client, asked, data)).status == 409
    assert (await program.get(f"/api/v1/imports/uploads/{asked['id']}")).json()["complete"] is True
    started = await program.post(
        f"/api/v1/imports/uploads/{asked['id']}/imports", json=STATEMENT | {"new_list": "L", "dry_run": True}
    )
    assert started.status == 202, started.text
    again = await program.post(
        f"/api/v1/imports/uploads/{asked['id']}/imports", json=STATEMENT | {"new_list": "L"}
    )
    assert again.status == 404
    await Importer(services, account).turns("lists.check_import")
    shown = (await program.get(started.location)).json()
    assert (shown["state"], shown["counts"]["created"], shown["file_name"]) == ("checked", 60_000, "crm.csv")


async def test_a_whole_file_may_be_sent_anew_and_a_sheet_chosen(
    services: Services, make: Make, client: Client
) -> None:
    account = await make.account(language="en")
    program = await make.program(account.id)
    data = workbooks.book({"A": workbooks.sheet(workbooks.texts(1, "Note")), "B": workbooks.sheet(
        workbooks.texts(1, "E-mail"), workbooks.texts(2, "ana@exemple.test"))})  # fmt: skip
    asked = await ask(program, data, name="crm.xlsx")
    assert (await put(client, asked, data[:100])).json() == {"received": 100, "complete": False}
    assert (await put(client, asked, data)).json() == {"received": len(data), "complete": True}
    path = f"/api/v1/imports/uploads/{asked['id']}/imports"
    refused = await program.post(path, json=STATEMENT | {"new_list": "L", "sheet": "C"})
    assert (refused.status, refused.json()["errors"][0]["field"]) == (422, "sheet")
    started = await program.post(path, json=STATEMENT | {"new_list": "L", "sheet": "B"})
    assert started.status == 202, started.text
    await Importer(services, account).turns("lists.check_import", "lists.run_import")
    assert (await program.get(started.location)).json()["counts"]["created"] == 1


@pytest.mark.req("E-51", "E-50")
async def test_the_address_holds_for_its_size_its_day_and_its_upload(
    services: Services, make: Make, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = await make.program((await make.account()).id)
    data = files.people("ana@exemple.test")
    too_large = await program.post(
        "/api/v1/imports/uploads", json={"file_name": "a.csv", "size": 200_000_001}
    )
    assert (too_large.status, too_large.json()["errors"][0]["field"]) == (422, "size")
    asked = await ask(program, data)
    longer = await put(client, asked, data + b"more")
    assert (longer.status, longer.json()["errors"][0]["code"]) == (422, "too_large")
    assert (await put(client, asked, data, "bytes 5-2/9")).json()["errors"][0]["code"] == "range"
    assert (await put(client, asked | {"url": str(asked["url"])[:-2] + "AA"}, data)).status == 404
    stranger = await make.program((await make.account()).id)
    assert (await stranger.get(f"/api/v1/imports/uploads/{asked['id']}")).status == 404
    assert (
        await stranger.post(f"/api/v1/imports/uploads/{asked['id']}/imports", json=STATEMENT)
    ).status == 404
    later = clock.now() + timedelta(hours=25)
    with monkeypatch.context() as patch:
        patch.setattr(clock, "now", lambda: later)
        assert (await put(client, asked, data)).status == 404
    monkeypatch.setattr(import_uploads, "MAX_OPEN", 2)
    await ask(program, data)
    answer = await program.post("/api/v1/imports/uploads", json={"file_name": "a.csv", "size": 9})
    assert (answer.status, answer.json()["errors"][0]["code"]) == (409, "too_many_uploads")


async def test_an_upload_that_is_no_table_is_told_and_not_kept(
    services: Services, make: Make, client: Client
) -> None:
    account = await make.account()
    program = await make.program(account.id)
    asked = await ask(program, b"%PDF-1.7 no table at all")
    await put(client, asked, b"%PDF-1.7 no table at all")
    answer = await program.post(
        f"/api/v1/imports/uploads/{asked['id']}/imports", json=STATEMENT | {"new_list": "L"}
    )
    assert (answer.status, answer.json()["errors"][0]["field"]) == (422, "file")
    async with services.db.account(account.id) as tx:
        assert await tx.value("SELECT count(*) FROM files WHERE account_id = $1") == 0
