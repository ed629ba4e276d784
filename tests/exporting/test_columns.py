"""Which contacts and which columns: lists, states, frozen selections, what came after the start; columns as bytes."""

import csv
import io

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from lists import (
    contacts,
    csv_write,
    export_files,
    export_parts,
    export_table,
    exports,
    fields,
    selections,
    subscriptions,
    suppressions,
)
from lists.contact_search import Filter
from lists.contacts import NewContact
from lists.exports import NewExport
from lists.field_values import FieldType
from mailer.core.errors import Invalid, NotFound
from mailer.core.services import Services
from tests.exporting import exporter
from tests.importing.test_csv_write import CELLS
from tests.make import Make


def table(data: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(data.decode("utf-8-sig"), newline=""), strict=True))


@given(st.integers(2, 5).flatmap(lambda n: st.lists(st.lists(CELLS, min_size=n, max_size=n), max_size=80)))
@example([["=1", "'=1"], ["a\x1f=b", " c"], ["", "\u00a0d"], ["'", "e\n"]])
@example([[f"n{n}", "\x1f"] for n in range(60)])
@example([[f"n{n} ", "x"] for n in range(60)])
@settings(max_examples=300, deadline=None)
@pytest.mark.req("E-52")
def test_columns_give_the_same_bytes_as_rows(rows: list[list[str]]) -> None:
    columns = list(zip(*rows, strict=True))
    assert csv_write.encode_columns(columns) == csv_write.encode(rows)


def test_an_empty_cell_alone_on_its_line_stays_a_row() -> None:
    assert table(csv_write.encode_columns([["a", "", "b"]])) == [["a"], [""], ["b"]]


@pytest.mark.req("A-013")
async def test_only_the_chosen_columns_are_written_in_the_order_of_the_heading(
    make: Make, services: Services
) -> None:
    acc = await make.account()
    async with services.db.account(acc.id) as tx:
        await fields.create(tx, fields.NewField(label="Ville"))
        # a field with the name of a state: the state gives way
        await fields.create(tx, fields.NewField(label="Source", key="source"))
        new = NewContact(email="ana@example.test", fields={"ville": "Évreux", "source": "salon"})
        await contacts.add(tx, services.sealer, new)
    wanted = NewExport(columns=["_source", "ville", "email", "source", "lists_subscribed"])
    _, data = await exporter.written(services, acc.id, wanted)
    assert table(data) == [
        ["email", "ville", "source", "lists_subscribed", "_source"],
        ["ana@example.test", "Évreux", "salon", "", "page"],
    ]
    async with services.db.account(acc.id) as tx:
        with pytest.raises(Invalid) as refused:
            await exports.ask(tx, NewExport(columns=["email", "iban"]))
    assert [(one.field, one.code) for one in refused.value.faults] == [("columns", "unknown_column")]


@pytest.mark.req("A-013")
async def test_a_column_of_a_field_that_was_deleted_meanwhile_is_empty(
    make: Make, services: Services
) -> None:
    acc = await make.account()
    async with services.db.account(acc.id) as tx:
        field = await fields.create(tx, fields.NewField(label="Points", type=FieldType.NUMBER))
        new = NewContact(email="ana@example.test", fields={"points": 3})
        await contacts.add(tx, services.sealer, new)
        asked = await exports.ask(tx, NewExport(columns=["email", "points"]))
        await exports.take(tx, asked.id)
        await fields.delete(tx, field.id)
    await exporter.turns(services, acc.id, asked.id)
    _, data = await exporter.finished(services, acc.id, asked.id)
    assert table(data) == [["email", "points"], ["ana@example.test", ""]]


@pytest.mark.req("A-013")
@pytest.mark.parametrize("of_list", [True, False])
async def test_a_state_narrows_the_contacts_of_a_list_and_of_the_account(
    make: Make, services: Services, of_list: bool
) -> None:
    acc = await make.account()
    async with services.db.account(acc.id) as tx:
        listed = await make.mailing_list(tx)
        stays = await make.contact(tx, "stays@example.test", list_id=listed)
        left = await make.contact(tx, "left@example.test", list_id=listed)
        await make.contact(tx, "elsewhere@example.test")
        await subscriptions.unsubscribe_contacts(tx, [left], listed)
    assert stays
    wanted = NewExport(list_id=listed if of_list else None, status="unsubscribed", columns=["email"])
    found, data = await exporter.written(services, acc.id, wanted)
    assert table(data) == [["email"], ["left@example.test"]]
    assert found.rows == 1


@pytest.mark.req("A-013")
async def test_a_selection_exports_exactly_the_frozen_contacts_once(make: Make, services: Services) -> None:
    acc = await make.account()
    async with services.db.account(acc.id) as tx:
        ids = [await make.contact(tx, f"c{n}@example.test") for n in range(4)]
        frozen = await selections.freeze_ids(tx, "export", ids[:3], wanted=Filter())
        await contacts.delete(tx, [ids[1]])
    # confirming does nothing: an export has nothing to confirm
    async with services.db.account(acc.id) as tx:
        await selections.confirm(tx, frozen, selections.Confirmation())
        assert (await selections.show(tx, frozen)).state == "frozen"
    wanted = NewExport(columns=["email"])
    found, data = await exporter.written(services, acc.id, wanted, selection_id=frozen)
    assert table(data) == [["email"], ["c0@example.test"], ["c2@example.test"]]
    assert (found.rows, found.total) == (2, 3)
    async with services.db.account(acc.id) as tx:
        with pytest.raises(NotFound):
            await exports.ask(tx, wanted, selection_id=frozen)


@pytest.mark.req("A-013")
async def test_who_is_added_while_it_runs_is_not_in_it(
    make: Make, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    acc = await make.account()
    monkeypatch.setattr(export_files, "LARGEST", 1)
    async with services.db.account(acc.id) as tx:
        await make.contact(tx, "first@example.test")
        await make.contact(tx, "second@example.test")
        asked = await exports.ask(tx, NewExport(columns=["email"]))
    async with services.db.account(acc.id) as tx:
        running = await exports.take(tx, asked.id)
        assert running is not None
        assert not await export_files.write_part(tx, running, export_parts.read, export_files.Size())
    async with services.db.account(acc.id) as tx:
        await make.contact(tx, "later@example.test")
    await exporter.turns(services, acc.id, asked.id)
    found, data = await exporter.finished(services, acc.id, asked.id)
    assert table(data) == [["email"], ["first@example.test"], ["second@example.test"]]
    assert found.started_at is not None
    assert found.finished_at is not None


async def test_parts_shrink_with_large_contacts_and_grow_with_small_ones() -> None:
    size = export_files.Size()
    for _ in range(10):
        size.learn(1000)
    assert size.rows == export_files.LARGEST
    for _ in range(20):
        size.learn(50_000_000)
    assert size.rows == 1


@pytest.mark.req("A-013", "B-28")
async def test_states_beside_contacts_are_the_same_whatever_the_size_of_a_part(
    make: Make, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    acc = await make.account()
    async with services.db.account(acc.id) as tx:
        lists = [await make.mailing_list(tx, name) for name in ("Zoé | Cie", "Ateliers\\", "Lettre")]
        for n in range(7):
            contact = await make.contact(tx, f"c{n}@example.test", list_id=lists[n % 3])
            if n % 2:
                await subscriptions.unsubscribe_contacts(tx, [contact], lists[n % 3])
        await suppressions.add_by_team(tx, services.sealer, "c6@example.test")
    _, whole = await exporter.written(services, acc.id, NewExport())
    monkeypatch.setattr(export_files, "LARGEST", 2)
    _, parts = await exporter.written(services, acc.id, NewExport())
    assert whole == parts
    rows = {row["email"]: row for row in csv.DictReader(io.StringIO(whole.decode("utf-8-sig"), newline=""))}
    assert rows["c0@example.test"]["lists_subscribed"] == "Zoé \\| Cie"
    assert rows["c1@example.test"]["lists_unsubscribed"] == "Ateliers\\\\"
    assert rows["c1@example.test"]["suppressed"] == "Ateliers\\\\: unsubscribed"
    assert rows["c2@example.test"]["legal_basis"] == "Lettre: consent"
    assert rows["c6@example.test"]["suppressed"] == "added"
    assert [row["status"] for row in rows.values()] == [
        "subscribed", "unsubscribed", "subscribed", "unsubscribed", "subscribed", "unsubscribed", "blocked",
    ]  # fmt: skip


@pytest.mark.req("A-013", "B-28")
async def test_the_state_is_that_of_the_exported_list(make: Make, services: Services) -> None:
    acc = await make.account()
    async with services.db.account(acc.id) as tx:
        here, there = await make.mailing_list(tx), await make.mailing_list(tx)
        both = await make.contact(tx, "both@example.test", list_id=here)
        await tx.run(
            """
            INSERT INTO subscriptions (account_id, list_id, contact_id, status) VALUES ($1, $2, $3, 'pending')
            """,
            there,
            both,
        )
        back = await make.contact(tx, "back@example.test", list_id=here)
        gone = await make.contact(tx, "gone@example.test", list_id=here)
        await subscriptions.unsubscribe_contacts(tx, [back, gone], None)
        await tx.run("UPDATE suppressions SET reason = 'bounced' WHERE account_id = $1")
        await tx.run(
            """
            UPDATE suppressions SET returned_to = ARRAY[$2::bigint]
            WHERE account_id = $1
              AND address_hash = (SELECT address_hash FROM contacts WHERE account_id = $1 AND id = $3)
            """,
            here,
            back,
        )
        await tx.run(
            "UPDATE subscriptions SET status = 'active' WHERE account_id = $1 AND contact_id = $2", back
        )
    told = {}
    for list_id in (here, there, None):
        wanted = NewExport(list_id=list_id, columns=["email", "status"])
        told[list_id] = dict(table((await exporter.written(services, acc.id, wanted))[1])[1:])
    assert told == {
        here: {"both@example.test": "subscribed", "back@example.test": "subscribed", "gone@example.test": "bounced"},
        there: {"both@example.test": "pending"},
        None: {"both@example.test": "subscribed", "back@example.test": "subscribed", "gone@example.test": "bounced"},
    }  # fmt: skip


async def test_who_stands_between_but_is_left_out_by_the_source_is_in_no_cell(
    make: Make, services: Services
) -> None:
    acc = await make.account()
    async with services.db.account(acc.id) as tx:
        ids = [await make.contact(tx, f"c{n}@example.test") for n in range(3)]
        chunk = export_table.Chunk(0, [ids[0], ids[2]], whole=True)
        found = await export_table.columns(tx, chunk, header=["email", "status"], types={})
    assert found == [["c0@example.test", "c2@example.test"], ["", ""]]
