"""Exports: complete, resumable, for 24 hours, on suspended accounts too, and back again by our own import."""

from datetime import timedelta

import orjson
import pytest

from lists import (
    csv_detect,
    csv_rows,
    export_columns,
    export_files,
    export_parts,
    exports,
    fields,
    subscriptions,
    suppressions,
)
from lists.consents import Evidence, Method
from lists.contacts import NewContact, add
from lists.csv_contacts import Checker, ContactRow
from lists.csv_mapping import ColumnMapping
from lists.exports import NewExport
from lists.field_values import FieldType
from mailer import worker
from mailer.core import clock, files, jobs, work
from mailer.core.services import Services
from tests.client import Client
from tests.make import Account, Make

NASTY = ["=HYPERLINK(1)", "+33612345678", "-1", "@x", "'=1", "a\nb", 'say "hi"; yes', "été", "\ttab"]


async def run(services: Services, account_id: int, export_id: int) -> None:
    """The job as the worker would run it, to its end."""
    for _ in range(50):
        due = [task for task in await work.due(services.db, 10_000) if task.account_id == account_id]
        mine = [task for task in due if (task.job, task.ref_id) == (exports.JOB, export_id)]
        if not mine:
            return
        await jobs.run_turn(services, worker.JOBS, mine[0])
    raise AssertionError("the export does not end")


async def download(services: Services, api: Client, account_id: int, **wanted: object) -> str:
    asked = await api.post("/api/v1/exports", json=wanted)
    assert asked.status == 202
    await run(services, account_id, asked.json()["id"])
    shown = (await api.get(f"/api/v1/exports/{asked.json()['id']}")).json()
    assert shown["state"] == "done"
    return (await api.get(shown["file_url"])).text


async def fill(make: Make, services: Services, acc: Account) -> int:
    """Two fields and a contact for each nasty value. Returns the list's id."""
    async with services.db.account(acc.id) as tx:
        await fields.create(tx, fields.NewField(label="Note"))
        await fields.create(tx, fields.NewField(label="Points", type=FieldType.NUMBER))
        await fields.create(tx, fields.NewField(label="Goûts", type=FieldType.LIST))
        listed = await make.mailing_list(tx)
        for n, text in enumerate(NASTY):
            new = NewContact(
                email=f"c{n}@example.test",
                first_name=text,
                last_name="",
                language="fr",
                fields={"note": text, "points": n * 1.5, "gouts": ["a|b", "c\\d"]},
                lists=[listed],
                legal_basis="consent",
                source="Salon",
            )
            await add(tx, services.sealer, new)
    return listed


@pytest.mark.req("A-013", "E-52")
@pytest.mark.parametrize("delimiter", [",", ";"])
async def test_csv_comes_back_by_our_import_as_it_was(make: Make, services: Services, delimiter: str) -> None:
    acc = await make.account()
    await fill(make, services, acc)
    api = await make.program(acc.id)
    text = await download(services, api, acc.id, format="csv", delimiter=delimiter)
    data = text.encode()
    found = csv_detect.detect(data)
    assert found.delimiter == delimiter
    targets = tuple(
        name if name in (*export_columns.NAMES, "note", "points", "gouts") else "" for name in found.header
    )
    types = {"note": FieldType.TEXT, "points": FieldType.NUMBER, "gouts": FieldType.LIST}
    check = Checker(ColumnMapping(tuple(found.header), targets), types)
    reader = csv_rows.Reader(
        found.encoding, found.delimiter, start=csv_rows.Position(found.first_offset, found.first_line)
    )
    records = [*reader.feed(data[found.first_offset :]), *reader.finish()]
    rows = [check(record) for record in records if isinstance(record, csv_rows.Record)]
    back = {row.email: row for row in rows if isinstance(row, ContactRow)}
    async with services.db.account(acc.id) as tx:
        stored = await tx.rows(
            "SELECT email, first_name, language, fields FROM contacts WHERE account_id = $1"
        )
    assert {email: (row.first_name, row.language, row.fields) for email, row in back.items()} == {
        email: (first, language, values) for email, first, language, values in stored
    }
    assert len(back) == len(NASTY)


@pytest.mark.req("E-52")
async def test_no_cell_of_the_csv_runs_as_a_formula(make: Make, services: Services) -> None:
    acc = await make.account()
    await fill(make, services, acc)
    text = await download(services, await make.program(acc.id), acc.id, format="csv")
    assert ",=HYPERLINK" not in text
    assert "'=HYPERLINK" in text
    assert "'+33612345678" in text


@pytest.mark.req("A-013", "C-15")
async def test_json_lines_hold_everything_with_consents_and_suppressions(
    make: Make, services: Services
) -> None:
    acc = await make.account()
    listed = await fill(make, services, acc)
    async with services.db.account(acc.id) as tx:
        contact = await tx.value("SELECT min(id) FROM contacts WHERE account_id = $1")
        await subscriptions.unsubscribe_contacts(tx, [contact], listed)
    text = await download(services, await make.program(acc.id), acc.id, format="ndjson")
    rows = [orjson.loads(line) for line in text.splitlines()]
    assert len(rows) == len(NASTY)
    first = rows[0]
    assert first["fields"] == {"note": "=HYPERLINK(1)", "points": 0, "gouts": ["a|b", "c\\d"]}
    assert [(one["list_id"], one["status"], one["legal_basis"]) for one in first["lists"]] == [
        (listed, "unsubscribed", "consent")
    ]
    assert [(one["act"], one["source"]) for one in first["consents"]] == [
        ("granted", "Salon"),
        ("withdrawn", ""),
    ]
    assert [(one["reason"], one["list_id"]) for one in first["suppressions"]] == [("unsubscribed", listed)]
    assert (first["opens"], first["clicks"]) == ("unknown", "unknown")
    assert first["created_at"].endswith("Z")
    assert first["suppressions"][0]["since"].endswith("Z")


@pytest.mark.req("A-013")
async def test_an_export_of_one_list_holds_its_people_only(make: Make, services: Services) -> None:
    acc = await make.account()
    async with services.db.account(acc.id) as tx:
        one, two = await make.mailing_list(tx), await make.mailing_list(tx)
        await make.contact(tx, "in@example.test", list_id=one)
        await make.contact(tx, "out@example.test", list_id=two)
    text = await download(services, await make.program(acc.id), acc.id, list_id=one)
    assert "in@example.test" in text
    assert "out@example.test" not in text


@pytest.mark.req("A-013")
@pytest.mark.parametrize("status", ["suspended", "closed"])
async def test_export_works_on_an_account_that_is_not_active(
    make: Make, services: Services, status: str
) -> None:
    acc = await make.account()
    await fill(make, services, acc)
    async with services.db.shared() as tx:
        await tx.run(
            """
            UPDATE accounts
            SET status = $2, closed_at = CASE WHEN $2 = 'closed' THEN now() END,
                erase_at = CASE WHEN $2 = 'closed' THEN now() + interval '90 days' END
            WHERE id = $1
            """,
            acc.id,
            status,
        )
    api = await make.program(acc.id)
    assert (await api.post("/api/v1/contacts", json={"email": "new@example.test"})).status == 403
    text = await download(services, api, acc.id)
    assert text.count("@example.test") == len(NASTY)


@pytest.mark.req("A-013")
async def test_an_export_that_was_broken_off_loses_and_doubles_nothing(
    make: Make, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    acc = await make.account()
    await fill(make, services, acc)
    monkeypatch.setattr(export_files, "LARGEST", 2)
    async with services.db.account(acc.id) as tx:
        export = await exports.ask(tx, NewExport())
    # a turn's transactions one by one; every second one is undone, as when the worker is killed in it
    chunks = 0
    for n in range(40):
        try:
            async with services.db.account(acc.id) as tx:
                found = await exports.take(tx, export.id)
                if found is None:
                    break
                await export_files.write_part(tx, found, export_parts.read, export_files.Size(2))
                chunks += 1
                if n % 2:
                    raise KeyboardInterrupt
        except KeyboardInterrupt:
            continue
    assert chunks > len(NASTY) / 2
    async with services.db.account(acc.id) as tx:
        done = await exports.show(tx, export.id)
        assert (done.state, done.rows) == ("done", len(NASTY))
        file = await exports.fetch(tx, export.id)
    data = b"".join([piece async for piece in files.read(services.db, acc.id, file.id)])
    assert [data.count(f"c{n}@example.test".encode()) for n in range(len(NASTY))] == [1] * len(NASTY)
    assert data.count(b"first_name") == 1
    assert len(data) == file.size


@pytest.mark.req("A-013")
async def test_the_file_is_there_for_24_hours_and_asking_is_in_the_journal(
    make: Make, services: Services
) -> None:
    acc = await make.account()
    api = await make.program(acc.id)
    asked = (await api.post("/api/v1/exports", json={})).json()
    assert (await api.get(f"/api/v1/exports/{asked['id']}/file")).status == 404
    await run(services, acc.id, asked["id"])
    shown = (await api.get(f"/api/v1/exports/{asked['id']}")).json()
    assert (await api.get(shown["file_url"])).text.startswith("\ufeffemail,first_name")
    async with services.db.account(acc.id) as tx:
        acts = await tx.rows("SELECT action FROM audit WHERE account_id = $1 ORDER BY id")
    assert [act for (act,) in acts] == ["exported", "downloaded"]
    clock.shift(timedelta(hours=24, minutes=1))
    assert (await api.get(shown["file_url"])).status == 410
    assert (await api.get(f"/api/v1/exports/{asked['id']}")).json()["file_url"] is None


@pytest.mark.req("B-28", "A-013")
async def test_suppressions_are_exported_with_and_without_their_contact(
    make: Make, services: Services
) -> None:
    acc = await make.account()
    async with services.db.account(acc.id) as tx:
        listed = await make.mailing_list(tx)
        contact = await make.contact(tx, "ana@example.test", list_id=listed)
        await subscriptions.add(tx, [contact], listed, evidence=Evidence(method=Method.PAGE))
        await subscriptions.unsubscribe_contacts(tx, [contact], listed)
        await suppressions.add_by_team(tx, services.sealer, "stranger@example.test")
    api = await make.program(acc.id)
    text = await download(services, api, acc.id, what="suppressions", format="ndjson")
    rows = [orjson.loads(line) for line in text.splitlines()]
    assert [(row["email"], row["reason"], row["list_id"]) for row in rows] == [
        ("ana@example.test", "unsubscribed", listed),
        (None, "added", None),
    ]
    assert all(len(row["address_hash"]) == 32 for row in rows)
    csv = await download(services, api, acc.id, what="suppressions")
    assert csv.splitlines()[0] == "\ufeffemail,address_hash,list,reason,since,expires_at,returned_to"
    assert len(csv.splitlines()) == 3


@pytest.mark.req("B-28", "A-013")
async def test_exports_say_what_a_stop_of_everything_lets_through(make: Make, services: Services) -> None:
    acc = await make.account()
    async with services.db.account(acc.id) as tx:
        back = await make.mailing_list(tx, "Lettre")
        contact = await make.contact(tx, "ana@example.test", list_id=back)
        await subscriptions.unsubscribe_contacts(tx, [contact], None)
        await tx.run("UPDATE suppressions SET returned_to = ARRAY[$2::bigint] WHERE account_id = $1", back)
    api = await make.program(acc.id)
    for what, found in (("suppressions", lambda row: row), ("contacts", lambda row: row["suppressions"][0])):
        row = found(orjson.loads(await download(services, api, acc.id, what=what, format="ndjson")))
        assert (row["list_id"], row["reason"], row["returned_to"]) == (None, "unsubscribed", ["Lettre"])
    csv = await download(services, api, acc.id, what="suppressions")
    assert csv.splitlines()[1].endswith(",Lettre")
    csv = await download(services, api, acc.id, what="contacts")
    assert "unsubscribed (returned to: Lettre)" in csv


@pytest.mark.req("E-50")
async def test_somebody_elses_export_is_not_there(make: Make, services: Services) -> None:
    acc, other = await make.account(), await make.account()
    async with services.db.account(acc.id) as tx:
        export = await exports.ask(tx, NewExport())
    await run(services, acc.id, export.id)
    api = await make.program(other.id)
    assert (await api.get(f"/api/v1/exports/{export.id}")).status == 404
    assert (await api.get(f"/api/v1/exports/{export.id}/file")).status == 404
