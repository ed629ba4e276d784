"""The Python client against the real server."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from mailer import client
from mailer.client import AsyncClient, Client, Import
from mailer.core.services import Services
from tests.make import Account
from tests.python_client.conftest import Line

BASIS = {"legal_basis": "consent", "source": "Salon de Paris"}
pytestmark = pytest.mark.req("S24")


async def test_contacts_and_lists_live_their_whole_life(mailer: AsyncClient) -> None:
    listed = await mailer.lists.create("Clients", purpose="Nos nouvelles")
    ana = await mailer.contacts.create("ana@x.test", first_name="Ana", lists=[listed.id], **BASIS)
    assert (ana.first_name, ana.lists[0].status, ana.lists[0].list_id) == ("Ana", "active", listed.id)
    assert ana.lists[0].since.tzinfo is not None
    assert (await mailer.contacts.update(ana.id, last_name="Lopez")).last_name == "Lopez"
    assert await mailer.contacts.find("ANA@x.test") == await mailer.contacts.get(ana.id)
    assert await mailer.contacts.find("nobody@x.test") is None
    left = await mailer.contacts.unsubscribe(ana.id, list_id=listed.id)
    assert left.lists[0].status == "unsubscribed"
    await mailer.contacts.delete(ana.id)
    with pytest.raises(client.NotFound):
        await mailer.contacts.get(ana.id)
    assert [one.name async for one in mailer.lists.list()] == ["Clients"]
    assert (await mailer.lists.update(listed.id, name="Autre")).name == "Autre"
    await mailer.lists.delete(listed.id)


async def test_pages_are_read_on_to_the_last_contact(mailer: AsyncClient) -> None:
    rows = [{"email": f"c{n}@x.test"} for n in range(250)]
    batches = [batch async for batch in mailer.contacts.upsert(rows, rows=100)]
    assert [batch.counts["created"] for batch in batches] == [100, 100, 50]
    found = [one.email async for one in mailer.contacts.list()]
    assert sorted(found) == sorted(row["email"] for row in rows)
    assert [one.email async for one in mailer.contacts.list(q="c249")] == ["c249@x.test"]
    recent = datetime.now(UTC) - timedelta(hours=1)
    assert len([one async for one in mailer.contacts.list(updated_since=recent)]) == 250


async def test_errors_are_typed_and_name_rows_and_fields(server: str, mailer: AsyncClient) -> None:
    batch = await mailer.contacts.batch([{"email": "ana@x.test"}, {"email": "bad"}])
    assert [row.result for row in batch.results] == ["created", "error"]
    [fault] = batch.errors
    assert (fault.row, fault.field, fault.code) == (2, "email", "incomplete")
    with pytest.raises(client.Conflict) as taken:
        await mailer.contacts.create("ana@x.test")
    assert taken.value.errors[0].field == "email"
    assert taken.value.request_id
    with pytest.raises(client.Invalid, match="email: "):
        await mailer.contacts.create("bad")
    async with AsyncClient(server, "mailer_live_wrong") as stranger:
        with pytest.raises(client.Unauthorized):
            await stranger.contacts.get(1)


async def test_changes_are_followed_by_their_cursor(mailer: AsyncClient) -> None:
    begin = await mailer.contacts.changes()
    assert (begin.items, begin.more) == ([], False)
    made = await mailer.contacts.create("ana@x.test")
    found = await mailer.contacts.changes(begin.next_cursor, with_contacts=True)
    assert [(one.kind, one.contact_id) for one in found.items] == [("created", made.id)]
    assert found.items[0].contact == made


async def test_a_file_is_imported_and_exported_again(
    mailer: AsyncClient, working: None, tmp_path: Path
) -> None:
    table = tmp_path / "clients.csv"
    rows = "".join(f"c{n}@x.test,Nom {n}\n" for n in range(500))
    table.write_text(f"email,first_name\n{rows}bad,Nom\n")
    run = await mailer.import_file(table, new_list="Salon", attested_by="Ana Lopez", **BASIS)
    seen: list[Import] = []
    done = await run.wait(seen.append, timeout=60)
    assert (done.state, done.counts["created"], done.counts["errors"]) == ("done", 500, 1)
    assert seen[-1] == done
    assert await run.save_rejects(tmp_path / "rejects.csv")
    assert "502,email" in (tmp_path / "rejects.csv").read_text()
    export = await mailer.export(list_id=done.list_ids[0], format="ndjson")
    saved = await export.save(tmp_path / "out.ndjson")
    assert len(saved.read_text().splitlines()) == 500
    assert list(tmp_path.glob("*.part")) == []
    assert [one.id async for one in mailer.imports()] == [run.id]


async def test_a_dry_run_counts_and_is_run_later(mailer: AsyncClient, working: None, tmp_path: Path) -> None:
    table = tmp_path / "clients.csv"
    table.write_text("email\nana@x.test\n")
    run = await mailer.import_file(table, dry_run=True, new_list="Salon", attested_by="A", **BASIS)
    counted = await run.wait(timeout=60)
    assert (counted.state, counted.counts["created"]) == ("checked", 1)
    assert await mailer.contacts.find("ana@x.test") is None
    await run.run()
    assert (await run.wait(timeout=60)).state == "done"
    assert await mailer.contacts.find("ana@x.test") is not None


@pytest.mark.req("E-61")
async def test_an_answer_that_is_lost_does_nothing_twice(
    line: Line, key: str, account: Account, services: Services, tmp_path: Path
) -> None:
    line.fault = lambda n: "lose" if n == 0 else "cut" if n == 1 else ""
    async with AsyncClient(line.url, key, first_wait=0.01) as mailer:
        listed = await mailer.lists.create("Clients")
        batch = await mailer.contacts.batch([{"email": "ana@x.test"}], lists=[listed.id], **BASIS)
        assert batch.counts["created"] == 1
        table = tmp_path / "clients.csv"
        table.write_text("email\nben@x.test\n")
        await mailer.import_file(table, list_ids=[listed.id], attested_by="A", **BASIS)
        await mailer.contacts.delete(batch.results[0].id or 0)
    posts = [headers["Idempotency-Key"] for method, _, headers in line.seen if method == "POST"]
    assert (len(posts), len(set(posts))) == (9, 3)
    async with services.db.account(account.id) as tx:
        for table_name in ("mailing_lists", "imports"):
            count = await tx.value(f"SELECT count(*) FROM {table_name} WHERE account_id = $1")
            assert count == 1, table_name


@pytest.mark.req("E-62")
async def test_a_service_that_is_away_or_says_wait_is_asked_again(line: Line, key: str) -> None:
    line.fault = lambda n: ("503", "429:1", "502")[n] if n < 3 else ""
    async with AsyncClient(line.url, key, first_wait=0.01) as mailer:
        begun = asyncio.get_running_loop().time()
        assert [one async for one in mailer.lists.list()] == []
        assert asyncio.get_running_loop().time() - begun >= 1
        assert len(line.seen) == 4
        line.fault = lambda n: "429:9999"
        with pytest.raises(client.TooManyRequests) as told:
            await mailer.contacts.get(1)
        assert (told.value.retry_after, len(line.seen)) == (9999, 5)
        line.fault = lambda n: "500"
        with pytest.raises(client.ServiceFailed):
            await mailer.contacts.get(1)
        line.fault = lambda n: "503"
        with pytest.raises(client.ServiceFailed):
            await mailer.contacts.get(2)
    async with AsyncClient("http://127.0.0.1:9", key, tries=2, first_wait=0.01) as nowhere:
        with pytest.raises(client.ConnectionFailed):
            await nowhere.contacts.get(1)


async def test_a_download_that_breaks_goes_on_where_it_broke(
    line: Line, mailer: AsyncClient, key: str, working: None, tmp_path: Path
) -> None:
    rows = [{"email": f"c{n}@x.test", "first_name": "x" * 150} for n in range(1500)]
    await mailer.contacts.batch(rows)
    whole = await (await mailer.export(format="csv")).save(tmp_path / "whole.csv")
    async with AsyncClient(line.url, key, first_wait=0.01) as broken:
        export = await broken.export(format="csv")
        await export.wait()
        line.fault = lambda n: "cut" if n < 3 else ""
        saved = await export.save(tmp_path / "broken.csv")
    assert saved.read_bytes() == whole.read_bytes()
    ranges = [headers["Range"] for _, path, headers in line.seen if "/file" in path and "Range" in headers]
    begins = [int(one.removeprefix("bytes=").rstrip("-")) for one in ranges]
    assert len(begins) == 3
    assert begins == sorted(set(begins))


async def test_the_sync_face_does_the_same(server: str, key: str, working: None, tmp_path: Path) -> None:
    def program() -> list[str]:
        with Client(server, key) as mailer:
            listed = mailer.lists.create("Clients")
            [batch] = mailer.contacts.upsert([{"email": "ana@x.test"}], lists=[listed.id], **BASIS)
            assert batch.counts["created"] == 1
            table = tmp_path / "clients.csv"
            table.write_text("email\nben@x.test\n")
            run = mailer.import_file(table, list_ids=[listed.id], attested_by="A", **BASIS)
            assert run.wait(timeout=60).counts["created"] == 1
            path = mailer.export(format="csv").save(tmp_path / "out.csv")
            assert "ben@x.test" in path.read_text()
            with pytest.raises(client.NotFound):
                mailer.contacts.get(999_999_999)
            return sorted(one.email for one in mailer.contacts.list(list_id=listed.id))

    assert await asyncio.to_thread(program) == ["ana@x.test", "ben@x.test"]
