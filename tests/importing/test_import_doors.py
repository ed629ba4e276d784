"""Workbooks and JSON lines through the whole import: the reasons name the row of the sheet, the line of the file."""

import asyncio
import json
from typing import Any

import pytest

from lists import import_start, import_tables, import_upload, merge, xlsx
from lists.imports import Choices, Import
from mailer.core import files
from mailer.core.errors import Invalid
from mailer.core.services import Services
from tests.importing import workbooks
from tests.importing.importer import STATEMENT, Importer, pieces
from tests.importing.workbooks import book, cell, row, sheet, texts
from tests.make import Make


async def rejects(importer: Importer, job: Import) -> list[str]:
    data = b"".join(
        [
            piece
            async for piece in files.read(importer.services.db, importer.account.id, job.rejects_file_id or 0)
        ]
    )
    return data.decode("utf-8-sig").splitlines()[1:]


@pytest.mark.req("E-53")
async def test_a_french_workbook_with_faults_is_read_row_by_row(services: Services, make: Make) -> None:
    importer = Importer(services, await make.account())
    people = sheet(
        texts(1, "Clients 2025"),
        texts(3, "E-mail", "Prénom", "Téléphone", "Code postal", "Dernier achat", "Montant", "Adresse"),
        row(4, cell("A4", "zoe@exemple.test"), cell("B4", "Zoé"), cell("C4", 612345678, style=3),
            cell("D4", 1000, style=2), cell("E4", 46022, style=1), cell("F4", 1234.5, style=4),
            cell("G4", "1 rue X\nBât. 2")),
        row(6, cell("A6", "jean@"), cell("B6", "Jean")),
        row(7, cell("A7", "#N/A", kind="e"), cell("B7", "Luc")),
        row(8, cell("A8", "ana@exemple.test"), cell("B8", "=cmd|calc"), cell("E8", "31/12/2025"), cell("F8", 3)),
        row(9, cell("A9", "max@exemple.test"), cell("E9", "#REF!", kind="e")),
    )  # fmt: skip
    job = await importer.whole(book({"Notes": sheet(), "Clients": people}), new_list="Clients")
    assert (job.state, job.counts["created"], job.counts["errors"], job.counts["rows"]) == ("done", 2, 3, 5)
    found = {line[0]: line for line in await importer.contacts()}
    assert found["zoe@exemple.test"][2:6] == ("Zoé", "", "", {
        "telephone": "0612345678", "code_postal": "01000", "dernier_achat": "2025-12-31", "montant": 1234.5,
        "adresse": "1 rue X\nBât. 2",
    })  # fmt: skip
    assert found["ana@exemple.test"][2] == "=cmd|calc"
    told = await rejects(importer, job)
    assert told[0].startswith("6;E-mail;j•••@;")
    assert told[1:] == [
        "7;E-mail;#N/A;Cette cellule contient une erreur du tableur (#N/A). Corrigez sa formule.",
        "9;Dernier achat;#REF!;Cette cellule contient une erreur du tableur (#REF!). Corrigez sa formule.",
    ]
    async with services.db.account(importer.account.id) as tx:
        same = await tx.value(
            "SELECT i.file_sha256 = f.sha256 FROM imports i JOIN files f ON f.account_id = $1"
            " AND f.id = i.original_file_id WHERE i.account_id = $1 AND i.id = $2",
            job.id,
        )
    assert same


async def test_another_sheet_can_be_chosen_after_a_count(services: Services, make: Make) -> None:
    account = await make.account()
    importer = Importer(services, account)
    data = book({
        "Clients": sheet(texts(1, "E-mail"), texts(2, "ana@exemple.test")),
        "Anciens": sheet(texts(1, "Courriel", "Nom"), texts(2, "zoe@exemple.test", "Durand"), texts(3, "max@exemple.test")),
    })  # fmt: skip
    import_id = await importer.upload(data)
    assert (await importer.check(import_id, new_list="L")).counts["created"] == 1
    person = await make.signed_in(account.owner_id, language="en")
    path = f"{account.app}/imports/{import_id}"
    page = (await person.get(f"{path}/mapping")).text
    assert '<option value="Clients" selected' in page
    assert (await person.post(f"{path}/detections", {"sheet": "Gone"})).status == 422
    assert (await person.post(f"{path}/detections", {"sheet": "Anciens"})).status == 303
    page = (await person.get(f"{path}/mapping")).text
    assert "Durand" in page
    await person.post(f"{path}/mapping", {"target_0": "email", "target_1": "last_name"})
    job = await importer.check(import_id, new_list="L")
    assert (job.counts["rows"], job.counts["created"], job.sheet) == (2, 2, "Anciens")
    await person.post(f"{path}/cancellations", {})
    async with services.db.account(account.id) as tx:
        assert await tx.value("SELECT count(*) FROM files WHERE account_id = $1") == 0


@pytest.mark.req("E-53", "A-013")
async def test_json_lines_say_the_line_and_member_at_fault(services: Services, make: Make) -> None:
    importer = Importer(services, await make.account(language="en"))
    lines = [
        json.dumps(
            {
                "email": "ana@exemple.test",
                "prenom": "Ana",
                "age": 41,
                "adresse": {"ville": "Caen"},
                "vip": True,
            }
        ),
        "",
        '{"email":"zoe@exemple.test","prenom":"Zoé","gouts":["thé","caf\\u00e9|x"],"adresse":{"rue":"a\\nb"}}',
        "{oops",
        "[1]",
        '{"email":"a@exemple.test","email":"b@exemple.test"}',
        '{"email":"c@exemple.test","age":1e999}',
        '{"email":"d@exemple.test","gouts":[{"a":1}]}',
        '{"email":"e@exemple.test","prenom":null,"age":"12,5","commandes":[{"n":1}]}',
        '{"email":"f@exemple.test","prenom":"' + "x" * 10_001 + '"}',
        '{"email":"g@exemple.test","age":"x"}',
        '{"email":"h@exemple.test","x":"' + "y" * 1_000_001 + '"}',
        '{"email":' + "[" * 100_000,
    ]
    lines[0:0] = [json.dumps({"email": f"p{n}@exemple.test", "prenom": "P", "age": n}) for n in range(60)]
    data = "\n".join(lines).encode()
    import_id = await importer.upload(data, language="en")
    await importer.check(import_id, new_list="L")
    job = await importer.run(import_id)
    told = {int(line.split(",")[0]) - 60: line for line in await rejects(importer, job)}
    assert sorted(told) == [4, 5, 6, 7, 8, 10, 11, 12, 13]
    for line, words in {
        4: "This line is not JSON", 5: "no object", 6: "email,email,The member “email” stands several",
        7: "age,1•••,The number 1••• is too large", 8: "This member holds objects", 10: "prenom,", 11: "This is not a number",
        12: "longer than", 13: "not JSON",
    }.items():  # fmt: skip
        assert words in told[line], told[line]
    found = {line[0]: line for line in await importer.contacts() if not line[0].startswith("p")}
    assert sorted(found) == ["ana@exemple.test", "e@exemple.test", "zoe@exemple.test"]
    assert found["zoe@exemple.test"][5] == {"gouts": ["thé", "caf\u00e9|x"], "adresse_rue": "a\nb"}
    assert found["ana@exemple.test"][5] == {"age": 41, "adresse_ville": "Caen", "vip": True}


@pytest.mark.req("E-51", "E-53")
@pytest.mark.parametrize(
    ("data", "code"),
    [
        (xlsx.COMPOUND + b"\0" * 3000, "old_workbook"),
        (b'[{"email":"ana@exemple.test"}]', "not_lines"),
        (b'{\n  "email": "ana@exemple.test"\n}', "not_lines"),
        ('{"email":"a@b.test"}'.encode("utf-16"), "not_utf8"),
        (workbooks.table([["E-mail"], ["a@b.test"]])[:400], "damaged"),
        (b"{}\n{}", "not_lines"),
    ],
)
async def test_what_cannot_be_read_is_refused_at_once_and_not_kept(
    services: Services, make: Make, data: bytes, code: str
) -> None:
    account = await make.account()
    with pytest.raises(Invalid) as caught:
        await import_upload.receive(services.db, account.id, pieces(data), name="clients.xlsx")
    assert [(fault.field, fault.code) for fault in caught.value.faults] == [("file", code)]
    async with services.db.account(account.id) as tx:
        assert await tx.value("SELECT count(*) FROM files WHERE account_id = $1") == 0


@pytest.mark.req("E-51")
async def test_a_sheet_damaged_further_down_stops_with_its_reason(services: Services, make: Make) -> None:
    importer = Importer(services, await make.account())
    rows = "".join(texts(n, f"p{n}@exemple.test", "Nom") for n in range(2, 3000))
    import_id = await importer.upload(book({"A": sheet(texts(1, "E-mail", "Nom"), rows, "<row><c></row>")}))
    job = await importer.check(import_id, new_list="L")
    assert (job.state, job.failure) == ("failed", "damaged")
    assert await importer.contacts() == []


@pytest.mark.req("E-51")
async def test_a_turn_killed_while_the_table_is_made_loses_and_doubles_nothing(
    services: Services, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    importer = Importer(services, await make.account())
    names = "Prénom assez long pour remplir des mégaoctets " * 10
    rows = "".join(texts(n, f"p{n}@exemple.test", names) for n in range(2, 6_000))
    data = book({"A": sheet(texts(1, "E-mail", "Prénom"), rows)})
    import_id = await importer.upload(data)
    async with services.db.account(importer.account.id) as tx:
        await tx.run(
            "UPDATE imports SET mapping = jsonb_set(mapping, '{1,target}', '\"\"') WHERE account_id = $1 AND id = $2",
            import_id,
        )
        await import_start.check(tx, import_id, Choices.model_validate(STATEMENT | {"new_list": "L"}))
    append, times = files.append, 0

    async def die_at_the_second(*args: Any) -> None:
        nonlocal times
        times += 1
        if times == 2:
            raise asyncio.CancelledError
        await append(*args)

    with monkeypatch.context() as patch:
        patch.setattr(files, "append", die_at_the_second)
        with pytest.raises(asyncio.CancelledError):
            await import_tables.turn(services.db, importer.account.id, await importer.show(import_id))
    left = await importer.show(import_id)
    assert (left.state, left.to_turn) == ("checking", True)
    assert left.lines_turned > 0
    await importer.turns("lists.check_import")
    job = await importer.show(import_id)
    assert (job.state, job.counts["rows"], job.counts["created"]) == ("checked", 5_998, 5_998)
    # a turn of the attempt before writes nothing any more
    with pytest.raises(merge.Superseded):
        await import_tables.turn(services.db, importer.account.id, left)
