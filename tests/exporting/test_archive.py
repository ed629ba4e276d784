"""The whole account as one archive: every table accounted for, whole after kills, read by anybody (B-68)."""

import csv
import hashlib
import io
import shutil
import subprocess
import zipfile
from collections.abc import AsyncIterator
from pathlib import Path

import orjson
import pytest

from lists import (
    archive,
    archive_rest,
    archive_tables,
    contacts,
    export_files,
    exports,
    fields,
    subscriptions,
    suppressions,
)
from lists.contacts import NewContact
from lists.exports import NewExport
from lists.field_values import FieldType
from mailer.core import files
from mailer.core.services import Services
from sending import designs
from sending.designs import NewDesign
from tests.exporting import exporter
from tests.make import Account, Make

WHOLE = NewExport(what="account")
IMAGE = bytes(range(256)) * 10_000  # more than two chunks


async def fill(make: Make, services: Services) -> Account:
    """Something in every part."""
    acc = await make.account()

    async def pieces() -> AsyncIterator[bytes]:
        yield IMAGE

    file_id = await files.store(
        services.db, acc.id, pieces(), file=("image", "image", "image/png"), max_bytes=10_000_000
    )
    async with services.db.account(acc.id) as tx:
        await fields.create(tx, fields.NewField(label="Points", type=FieldType.NUMBER))
        listed = await make.mailing_list(tx, "Lettre")
        for n in range(5):
            new = NewContact(
                email=f"c{n}@example.test",
                first_name="=1+1",
                fields={"points": n},
                lists=[listed],
                legal_basis="consent",
                source="Salon",
            )
            await contacts.add(tx, services.sealer, new)
        ids = [row[0] for row in await tx.rows("SELECT id FROM contacts WHERE account_id = $1 ORDER BY id")]
        await subscriptions.unsubscribe_contacts(tx, ids[:1], listed)
        await suppressions.add_by_team(tx, services.sealer, "stranger@example.test")
        await contacts.delete(tx, ids[4:])
        await designs.create(tx, NewDesign(name="Été", kind="mjml"), "<mjml><!-- été --></mjml>")
        await tx.run(
            """
            INSERT INTO images (account_id, name, file_id, media_type, width, height, size, shown_width)
            VALUES ($1, '1-aa.png', $2, 'image/png', 1, 1, $3, 1)
            """,
            file_id,
            len(IMAGE),
        )
        await tx.run("INSERT INTO campaigns (account_id, name) VALUES ($1, 'Rentrée')")
        await tx.run(
            """
            INSERT INTO smtp_servers (account_id, position, host, port, tls, username, sealed_password)
            VALUES ($1, 'main', 'smtp.example.test', 587, 'starttls', 'ana', 'sealed secret')
            """
        )
    return acc


def opened(data: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as found:
        assert found.testzip() is None
        names = found.namelist()
        assert len(names) == len(set(names))
        return {name: found.read(name) for name in names}


def lines(data: bytes) -> list[dict[str, object]]:
    return [orjson.loads(line) for line in data.splitlines()]


@pytest.mark.req("B-68", "A-013")
async def test_an_archive_holds_each_part_and_says_what_is_in_it(make: Make, services: Services) -> None:
    acc = await fill(make, services)
    found, data = await exporter.written(services, acc.id, WHOLE)
    assert found.format == "zip"
    held = opened(data)
    told = orjson.loads(held["manifest.json"])
    assert (told["format"], told["version"], told["account"]["id"]) == ("mailer-account-export", 1, acc.id)
    assert {one["name"] for one in told["files"]} == set(held) - {"manifest.json"}
    for one in told["files"]:
        content = held[one["name"]]
        assert (one["bytes"], one["sha256"]) == (len(content), hashlib.sha256(content).hexdigest()), one
        if one["name"].endswith(".ndjson"):
            assert one["rows"] == len(lines(content)), one
    assert {one["why"]["fr"] for one in told["not_included"]} >= {"un secret de cette installation"}
    assert held["images/1-aa.png"] == IMAGE
    [design] = lines(held["designs.ndjson"])
    assert held[str(design["file"])].decode() == "<mjml><!-- été --></mjml>"
    assert [one["name"] for one in lines(held["campaigns.ndjson"])] == ["Rentrée"]
    assert [one["email"] for one in lines(held["contacts/contacts-001.ndjson"])] == [
        f"c{n}@example.test" for n in range(4)
    ]
    table = list(csv.DictReader(io.StringIO(held["contacts/contacts-001.csv"].decode("utf-8-sig"))))
    assert [(row["first_name"], row["points"]) for row in table] == [("'=1+1", str(n)) for n in range(4)]
    assert table[0]["lists_unsubscribed"] == "Lettre"
    readme = held["README.txt"].decode()
    assert "FRANÇAIS" in readme
    assert "ENGLISH" in readme
    assert b"sealed" not in held["smtp_servers.ndjson"]
    # whoever was erased stays in the ledger and the suppressions as a fingerprint
    assert {one["email"] for one in lines(held["suppressions.ndjson"])} == {"c0@example.test", None}


@pytest.mark.req("B-68")
async def test_the_guide_names_every_file(make: Make, services: Services) -> None:
    acc = await fill(make, services)
    held = opened((await exporter.written(services, acc.id, WHOLE))[1])
    readme = held["README.txt"].decode()
    for language in readme.split("ENGLISH"):
        for name in held:
            stem = name.split("/")[0] + "/" if "/" in name else name.split(".")[0]
            assert stem in language or name == "README.txt", name


@pytest.mark.req("B-68")
@pytest.mark.parametrize("every", [2, 3])
async def test_an_archive_that_is_broken_off_again_and_again_is_the_same(
    make: Make, services: Services, monkeypatch: pytest.MonkeyPatch, every: int
) -> None:
    acc = await fill(make, services)
    monkeypatch.setattr(export_files, "LARGEST", 2)
    async with services.db.account(acc.id) as tx:
        asked = await exports.ask(tx, WHOLE)
    for n in range(1000):
        # as a fresh worker: it knows what is stored and nothing else
        checksums, turn = archive.Checksums(), archive.Turn("")
        try:
            async with services.db.account(acc.id) as tx:
                export = await exports.take(tx, asked.id)
                member = await archive.archive_members.being_written(tx, asked.id)
            if export is None:
                break
            if member is not None:
                await checksums.catch_up(services.db, acc.id, export, member)
            async with services.db.account(acc.id) as tx:
                export = await exports.take(tx, asked.id)
                assert export is not None
                await archive.step(tx, export, checksums, turn)
                if n % every == 0:
                    raise KeyboardInterrupt
        except KeyboardInterrupt:
            continue
    found, data = await exporter.finished(services, acc.id, asked.id)
    held = opened(data)
    told = orjson.loads(held["manifest.json"])
    for one in told["files"]:
        assert one["sha256"] == hashlib.sha256(held[one["name"]]).hexdigest(), one
    whole = opened((await exporter.written(services, acc.id, WHOLE))[1])
    # the journal says that there was a second export
    changed = {"manifest.json", "journal.ndjson"}
    assert {name: content for name, content in held.items() if name not in changed} == {
        name: content for name, content in whole.items() if name not in changed
    }
    assert found.rows > 0


@pytest.mark.req("B-68")
async def test_large_tables_go_into_several_files_that_an_import_takes(
    make: Make, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    acc = await fill(make, services)
    monkeypatch.setattr(export_files, "LARGEST", 2)
    monkeypatch.setattr(archive, "LARGEST_MEMBER", 300)
    held = opened((await exporter.written(services, acc.id, WHOLE))[1])
    tables = sorted(name for name in held if name.endswith(".csv") and "contacts-" in name)
    assert tables == ["contacts/contacts-001.csv", "contacts/contacts-002.csv"]
    rows = [
        row["email"] for name in tables for row in csv.DictReader(io.StringIO(held[name].decode("utf-8-sig")))
    ]
    assert rows == [f"c{n}@example.test" for n in range(4)]


@pytest.mark.req("B-68")
async def test_an_account_without_anything_has_an_archive_too(make: Make, services: Services) -> None:
    acc = await make.account()
    held = opened((await exporter.written(services, acc.id, WHOLE))[1])
    assert held["contacts/contacts-001.csv"].decode("utf-8-sig").startswith("email,first_name")
    assert held["senders.ndjson"] == b""
    assert [one["id"] for one in lines(held["account.ndjson"])] == [acc.id]


@pytest.mark.req("A-013", "B-68")
@pytest.mark.parametrize("status", ["suspended", "closed"])
async def test_the_archive_is_there_on_an_account_that_is_not_active(
    make: Make, services: Services, status: str
) -> None:
    acc = await fill(make, services)
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
    person = await make.signed_in(acc.owner_id)
    asked = await person.post(f"{acc.app}/exports", {"what": "account", "format": "csv"})
    assert asked.status == 303
    await exporter.turns(services, acc.id, int(asked.location.rpartition("/")[2]))
    file = await person.get(f"{asked.location}/file")
    assert file.status == 200
    assert file.headers["Content-Type"] == "application/zip"


@pytest.mark.req("B-68")
async def test_every_table_of_an_account_is_in_the_archive_or_said_to_be_left_out(services: Services) -> None:
    async with services.db.connection() as connection:
        found = await connection.fetch(
            """
            SELECT c.relname
            FROM pg_class c
            JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'account_id' AND NOT a.attisdropped
            WHERE c.relkind IN ('r', 'p') AND c.relrowsecurity AND NOT c.relispartition
              AND c.relnamespace = 'public'::regnamespace
            """
        )
    tables = {record["relname"] for record in found}
    assert len(tables) > 30
    written = {name for name in tables for sql in archive_tables.TABLES.values() if f"FROM {name} " in sql}
    said = written | set(archive_rest.INSIDE) | set(archive_rest.LEFT_OUT)
    assert tables - said == set(), (
        "add each to lists/archive_tables.py, or to INSIDE or LEFT_OUT of archive_rest.py"
    )
    assert (set(archive_rest.LEFT_OUT) | set(archive_rest.INSIDE)) - tables == set()
    assert set(archive_rest.LEFT_OUT) & written <= {"deliveries"}


@pytest.mark.skipif(shutil.which("unzip") is None, reason="unzip is not installed")
async def test_another_program_reads_the_archive(make: Make, services: Services, tmp_path: Path) -> None:
    acc = await fill(make, services)
    path = tmp_path / "compte.zip"
    path.write_bytes((await exporter.written(services, acc.id, WHOLE))[1])
    run = subprocess.run(["unzip", "-t", str(path)], capture_output=True, check=False)
    assert run.returncode == 0, run.stdout
