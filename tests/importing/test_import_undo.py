"""Undoing an import: what it did goes, what anybody did since stays, and no refusal is ever lifted."""

import dataclasses
from datetime import timedelta
from typing import Any

import pytest

from lists import contacts, import_undo, subscriptions
from lists.consents import Method
from lists.contacts import ContactChange
from lists.imports import Import
from mailer.core import clock
from mailer.core.errors import Conflict, Invalid
from mailer.core.services import Services
from mailer.core.tokens import RecipientToken
from tests.importing import files
from tests.importing.importer import Importer
from tests.make import Make


async def undo(importer: Importer, job: Import) -> dict[str, int]:
    """Begun and played to its end. What it says it did."""
    async with importer.services.db.account(importer.account.id) as tx:
        foreseen = (await import_undo.preview(tx, job.id)).outcome
        await import_undo.start(tx, job.id)
    await importer.turns("lists.undo_import")
    done = await importer.show(job.id)
    assert done.state == "undone"
    assert done.undo_counts == dataclasses.asdict(foreseen), "what the page said before"
    return done.undo_counts


async def picture(importer: Importer) -> list[tuple[Any, ...]]:
    """Everything about contacts and subscriptions, times included; the ledger has a life of its own."""
    async with importer.services.db.account(importer.account.id) as tx:
        return await tx.rows(
            """
            SELECT c.id, c.email, c.first_name, c.first_name_key, c.last_name, c.last_name_key, c.language,
                   c.fields, c.updated_at, s.list_id, s.status, s.legal_basis, s.created_at, s.import_id
            FROM contacts c
            LEFT JOIN subscriptions s ON s.account_id = c.account_id AND s.contact_id = c.id
            WHERE c.account_id = $1
            ORDER BY c.id, s.list_id
            """
        )


async def leave(importer: Importer, email: str, list_id: int) -> None:
    """By the link of a mail."""
    async with importer.services.db.account(importer.account.id) as tx:
        [(contact_id, found)] = await tx.rows(
            "SELECT id, address_hash FROM contacts WHERE account_id = $1 AND email = $2", email
        )
        who = RecipientToken(
            account_id=importer.account.id, contact_id=contact_id, list_id=list_id, address_hash=found
        )
        await subscriptions.unsubscribe(tx, who, method=Method.LINK)


async def rename(importer: Importer, email: str) -> None:
    async with importer.services.db.account(importer.account.id) as tx:
        contact_id = await tx.value("SELECT id FROM contacts WHERE account_id = $1 AND email = $2", email)
        await contacts.change(tx, importer.services.sealer, contact_id, ContactChange(first_name="À la main"))


def table(*rows: tuple[str, str]) -> bytes:
    return files.table([["E-mail", "Prénom"], *map(list, rows)], encoding="utf-8")


async def test_contacts_are_as_before_but_for_those_that_changed_since(
    services: Services, make: Make
) -> None:
    importer = Importer(services, await make.account())
    people = [(f"p{n}@example.test", f"Prénom {n}") for n in range(8)]
    first = await importer.whole(table(*people[:4]), new_list="Clients")
    [list_id] = first.choices.list_ids
    before = await picture(importer)
    bad = [(email, "Boulangerie") for email, _ in people]
    job = await importer.whole(table(*bad), list_ids=[list_id], new_list="Salon")
    assert (job.counts["updated"], job.counts["created"]) == (4, 4)
    await leave(importer, "p1@example.test", list_id)
    await rename(importer, "p3@example.test")
    await leave(importer, "p5@example.test", list_id)
    await rename(importer, "p7@example.test")
    assert await undo(importer, job) == {"erased": 2, "restored": 3, "kept": 3}
    after = await picture(importer)
    untouched = {"p0@example.test", "p2@example.test"}
    assert [row for row in after if row[1] in untouched] == [row for row in before if row[1] in untouched]
    assert {row[1] for row in after} == untouched | {f"p{n}@example.test" for n in (1, 3, 5, 7)}
    assert {row[2] for row in after if row[1] == "p1@example.test"} == {"Prénom 1"}
    assert {row[2] for row in after if row[1] in ("p3@example.test", "p7@example.test")} == {"À la main"}
    left = {
        (row[1], row[10])
        for row in after
        if row[9] == list_id and row[1] in ("p1@example.test", "p5@example.test")
    }
    assert left == {("p1@example.test", "unsubscribed"), ("p5@example.test", "unsubscribed")}


async def test_an_import_before_it_can_be_undone_then(services: Services, make: Make) -> None:
    importer = Importer(services, await make.account())
    await importer.whole(table(("ana@example.test", "Ana")), new_list="Clients")
    before = await picture(importer)
    one = await importer.whole(table(("ana@example.test", "Bea"), ("zoe@example.test", "Zoé")), new_list="B")
    two = await importer.whole(table(("ana@example.test", "Cléo"), ("zoe@example.test", "Zoé")), new_list="C")
    assert await undo(importer, two) == {"erased": 0, "restored": 2, "kept": 0}
    assert await undo(importer, one) == {"erased": 1, "restored": 1, "kept": 0}
    assert await picture(importer) == before


async def test_whom_a_later_import_or_a_mail_on_its_way_needs_stays(services: Services, make: Make) -> None:
    importer = Importer(services, await make.account())
    people = [("ana@example.test", "Ana"), ("bea@example.test", "Bea"), ("zoe@example.test", "Zoé")]
    job = await importer.whole(table(*people), new_list="Clients")
    [list_id] = job.choices.list_ids
    await importer.whole(table(people[0]), new_list="Plus tard")
    async with services.db.account(importer.account.id) as tx:
        await tx.run(
            """
            INSERT INTO deliveries (account_id, campaign_id, contact_id, month, list_id)
            SELECT $1, 1, id, date_trunc('month', now())::date, $2 FROM contacts
            WHERE account_id = $1 AND email = 'bea@example.test'
            """,
            list_id,
        )
    assert await undo(importer, job) == {"erased": 1, "restored": 0, "kept": 2}
    assert {row[1] for row in await picture(importer)} == {"ana@example.test", "bea@example.test"}


async def test_who_was_removed_from_a_list_is_on_it_again(services: Services, make: Make) -> None:
    importer = Importer(services, await make.account())
    people = [("ana@example.test", "Ana"), ("bea@example.test", "Bea")]
    first = await importer.whole(table(*people), new_list="Clients")
    [list_id] = first.choices.list_ids
    before = await picture(importer)
    job = await importer.whole(table(*people), mode="remove", list_ids=[list_id])
    on_it = {row[9] for row in await picture(importer)}
    assert on_it == {None}
    await leave(importer, "bea@example.test", list_id)
    assert await undo(importer, job) == {"erased": 0, "restored": 2, "kept": 0}
    after = await picture(importer)
    assert after[0] == before[0]
    assert after[1][9] is None, "who left since stays off"


async def test_what_cannot_be_undone_says_so(services: Services, make: Make) -> None:
    importer = Importer(services, await make.account())
    job = await importer.whole(table(*[(f"p{n}@example.test", "P") for n in range(120)]), new_list="Clients")
    gone = await importer.whole(table(("p1@example.test", "")), mode="unsubscribe")
    checked = await importer.check(await importer.upload(table(("a@example.test", ""))), new_list="Neuve")
    async with services.db.account(importer.account.id) as tx:
        for other in (gone, checked):
            with pytest.raises(Conflict):
                await import_undo.start(tx, other.id)
        for typed in ("", "119"):
            with pytest.raises(Invalid):
                await import_undo.start(tx, job.id, typed=typed)
        clock.shift(timedelta(days=7, minutes=1))
        with pytest.raises(Conflict):
            await import_undo.start(tx, job.id, typed="120")
        clock.shift(timedelta(days=6, hours=23))
        await import_undo.start(tx, job.id, typed="120")
        await import_undo.start(tx, job.id, typed="")


@pytest.mark.req("A-005")
async def test_what_stood_before_is_forgotten_with_the_person_and_after_seven_days(
    services: Services, make: Make
) -> None:
    importer = Importer(services, await make.account())
    people = [("ana@example.test", "Ana"), ("bea@example.test", "Bea")]
    await importer.whole(table(*people), new_list="Clients")
    await importer.whole(table(*[(email, "Autre") for email, _ in people]), new_list="Salon")
    async with services.db.account(importer.account.id) as tx:
        ana = await tx.value("SELECT id FROM contacts WHERE account_id = $1 AND email = 'ana@example.test'")
        await contacts.delete(tx, [ana])
        names = await tx.rows("SELECT first_name FROM import_values WHERE account_id = $1")
        assert names == [("Bea",)]
    clock.shift(timedelta(days=6, hours=1))
    await importer.turns("lists.close_import")
    async with services.db.account(importer.account.id) as tx:
        assert await tx.value("SELECT count(*) FROM import_values WHERE account_id = $1") == 1
    clock.shift(timedelta(days=7, hours=1))
    async with services.db.shared() as tx:
        await tx.run("UPDATE work SET run_at = now() WHERE account_id = $1", importer.account.id)
    await importer.turns("lists.close_import")
    async with services.db.account(importer.account.id) as tx:
        for sql in (
            "SELECT count(*) FROM import_values WHERE account_id = $1",
            "SELECT count(*) FROM import_changes WHERE account_id = $1",
        ):
            assert await tx.value(sql) == 0


async def test_the_walk_back_by_page(services: Services, make: Make) -> None:
    account = await make.account()
    importer = Importer(services, account)
    person = await make.signed_in(account.owner_id, language="fr")
    person.headers["Accept-Language"] = "fr"
    job = await importer.whole(files.excel_fr(300, 2), new_list="Clients")
    report = f"{account.app}/imports/{job.id}/report"
    path = f"{account.app}/imports/{job.id}/undo"
    assert path in (await person.get(f"{report}?lang=fr")).text
    asked = (await person.get(path)).text
    assert "Annuler l’import de 298 lignes" in asked.replace("&#39;", "'").replace("\u00a0", " ")
    wrong = await person.post(path, {"typed": "297"})
    assert (wrong.status, len(await importer.contacts())) == (422, 298)
    assert (await person.post(path, {"typed": "298"})).location == path
    assert 'hx-trigger="every 1s"' in (await person.get(path)).text
    await importer.turns("lists.undo_import")
    assert "298 contacts" in (await person.get(path)).text
    assert await importer.contacts() == []
    again = await person.post(f"{account.app}/imports/{job.id}/restarts", {})
    mapping = (await person.get(again.location)).text
    assert "Jérôme" in mapping
    assert '<option value="ville" selected' in mapping
    assert (await person.get(report)).location == path


async def test_a_program_undoes(services: Services, make: Make) -> None:
    account = await make.account(language="en")
    program = await make.program(account.id)
    importer = Importer(services, account)
    job = await importer.whole(table(("ana@example.test", "Ana")), new_list="Clients")
    path = f"/api/v1/imports/{job.id}/undo"
    shown = (await program.get(path)).json()
    assert (shown["state"], shown["erased"], shown["exact"]) == ("done", 1, True)
    assert (await program.ask("POST", path)).status == 202
    await importer.turns("lists.undo_import")
    shown = (await program.get(path)).json()
    assert (shown["state"], shown["erased"], shown["restored"], shown["kept"]) == ("undone", 1, 0, 0)
    gone = await importer.whole(table(("ana@example.test", "")), mode="unsubscribe")
    assert (await program.get(f"/api/v1/imports/{gone.id}/undo")).status == 409
