"""XLSX: text stays text, numbers are numbers, no cell is a formula, a kill costs nothing."""

import asyncio
import io
import re
import zipfile
from pathlib import Path
from xml.etree import ElementTree

import pytest

from lists import contacts, export_files, export_parts, export_workbooks, exports, fields, xlsx_write
from lists.contacts import NewContact
from lists.exports import NewExport
from lists.field_values import FieldType
from mailer.core.db import AccountTx
from mailer.core.services import Services
from tests.exporting import exporter
from tests.make import Make

MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
HOSTILE = ["=HYPERLINK(1)", "+33612345678", "-1", "@x", "'=1", "007", "a\nb", "été 🎉", "_x0041_", "\ttab"]


def _unescaped(text: str) -> str:
    """ECMA-376 §22.9.2.19: `_x0009_` stands for a tab."""
    return re.sub(r"_x([0-9A-F]{4})_", lambda found: chr(int(found[1], 16)), text)


def sheets(data: bytes) -> list[list[dict[str, str | float]]]:
    """Rows of each sheet, letter of the column → value. Raises where a cell is a formula."""
    found = []
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.testzip() is None
        names = sorted(name for name in archive.namelist() if name.startswith("xl/worksheets/sheet"))
        for name in names:
            rows = []
            for row in ElementTree.fromstring(archive.read(name)).iter(f"{MAIN}row"):
                cells: dict[str, str | float] = {}
                for cell in row.iter(f"{MAIN}c"):
                    assert cell.find(f"{MAIN}f") is None
                    letter = cell.attrib["r"].rstrip("0123456789")
                    if cell.get("t") == "inlineStr":
                        cells[letter] = _unescaped("".join(cell.itertext()))
                    else:
                        assert cell.get("t") is None
                        cells[letter] = float("".join(cell.itertext()))
                rows.append(cells)
            found.append(rows)
    return found


@pytest.mark.req("A-013", "E-52")
async def test_a_workbook_holds_every_text_as_it_is_and_numbers_as_numbers(
    make: Make, services: Services
) -> None:
    acc = await make.account()
    async with services.db.account(acc.id) as tx:
        await fields.create(tx, fields.NewField(label="Note"))
        await fields.create(tx, fields.NewField(label="Points", type=FieldType.NUMBER))
        for n, text in enumerate(HOSTILE):
            new = NewContact(email=f"c{n}@example.test", fields={"note": text, "points": n - 0.5})
            await contacts.add(tx, services.sealer, new)
        stored = dict(
            await tx.rows("SELECT email, fields ->> 'note' FROM contacts WHERE account_id = $1 ORDER BY id")
        )
    wanted = NewExport(format="xlsx", columns=["email", "note", "points"])
    found, data = await exporter.written(services, acc.id, wanted)
    [rows] = sheets(data)
    assert rows[0] == {"A": "email", "B": "note", "C": "points"}
    assert {row["A"]: row["B"] for row in rows[1:]} == stored
    assert [row["C"] for row in rows[1:]] == [n - 0.5 for n in range(len(HOSTILE))]
    assert found.rows == len(HOSTILE)


@pytest.mark.req("A-013")
async def test_a_workbook_that_was_broken_off_is_made_again_without_loss(
    make: Make, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    acc = await make.account()
    monkeypatch.setattr(export_files, "LARGEST", 2)
    async with services.db.account(acc.id) as tx:
        for n in range(7):
            await make.contact(tx, f"c{n}@example.test")
        asked = await exports.ask(tx, NewExport(format="xlsx", columns=["email"]))
    calls = 0

    async def killed(tx: AccountTx, export: exports.Export, limit: int) -> export_files.Part:
        nonlocal calls
        calls += 1
        if calls == 3:
            raise KeyboardInterrupt
        return await export_parts.read(tx, export, limit)

    async with services.db.account(acc.id) as tx:
        taken = await exports.take(tx, asked.id)
    assert taken is not None
    with pytest.raises(KeyboardInterrupt):
        await export_workbooks.write(services.db, acc.id, taken, killed)
    async with services.db.account(acc.id) as tx:
        assert (await exports.show(tx, asked.id)).rows == 4
    await exporter.turns(services, acc.id, asked.id)
    found, data = await exporter.finished(services, acc.id, asked.id)
    [rows] = sheets(data)
    assert [row["A"] for row in rows] == ["email", *(f"c{n}@example.test" for n in range(7))]
    assert found.rows == 7


@pytest.mark.req("A-013")
async def test_two_turns_never_make_one_workbook_of_halves(
    make: Make, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    acc = await make.account()
    monkeypatch.setattr(export_files, "LARGEST", 2)
    async with services.db.account(acc.id) as tx:
        for n in range(7):
            await make.contact(tx, f"c{n}@example.test")
        asked = await exports.ask(tx, NewExport(format="xlsx", columns=["email"]))
        taken = await exports.take(tx, asked.id)
    assert taken is not None
    # a worker whose lease has ended goes on beside the one that took over
    ended = await asyncio.gather(
        *(export_workbooks.write(services.db, acc.id, taken, export_parts.read) for _ in range(2)),
        return_exceptions=True,
    )
    assert any(isinstance(one, export_workbooks.Superseded) for one in ended)
    await exporter.turns(services, acc.id, asked.id)
    [rows] = sheets((await exporter.finished(services, acc.id, asked.id))[1])
    assert len(rows) == 8


def test_rows_past_the_last_of_a_sheet_go_on_the_next_and_long_texts_are_cut(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(xlsx_write, "MOST_ROWS", 3)
    path = tmp_path / "book.xlsx"
    book = xlsx_write.Workbook(path, ["a"])
    book.add([["1", "2", "x" * 40_000]])
    book.close()
    first, second = sheets(path.read_bytes())
    assert [row["A"] for row in first] == ["a", "1", "2"]
    assert [len(str(row["A"])) for row in second] == [1, 32_767]
