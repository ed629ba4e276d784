"""Tags that an import puts on: on whom, made when, and what an undo leaves."""

from typing import Any

import pytest

from lists import import_start, tags
from lists.csv_write import encode
from mailer.core.errors import Invalid
from mailer.core.services import Services
from tests.importing import files
from tests.importing.importer import STATEMENT, Importer
from tests.importing.test_import_api import send
from tests.importing.test_import_undo import leave, table, undo
from tests.make import Make


async def tagged(importer: Importer) -> set[tuple[str, str]]:
    async with importer.services.db.account(importer.account.id) as tx:
        rows = await tx.rows(
            """
            SELECT c.email, t.name
            FROM contact_tags x
            JOIN contacts c ON c.account_id = $1 AND c.id = x.contact_id
            JOIN tags t ON t.account_id = $1 AND t.id = x.tag_id
            WHERE x.account_id = $1
            """
        )
    return {(email, name) for email, name in rows}


async def known_tags(importer: Importer) -> list[str]:
    async with importer.services.db.account(importer.account.id) as tx:
        return [tag.name for tag in await tags.names(tx)]


@pytest.mark.req("B-28")
async def test_who_is_created_updated_or_unchanged_is_tagged_and_who_refused_is_not(
    services: Services, make: Make
) -> None:
    importer = Importer(services, await make.account())
    people = [(f"{name}@example.test", name) for name in ("ana", "bea", "lea", "max", "tom")]
    [list_id] = (await importer.whole(table(*people[:4]), new_list="Clients")).choices.list_ids
    await leave(importer, "max@example.test", list_id)
    rows = [*people[:2], ("lea@example.test", "Léa"), *people[3:], ("jean@", "")]
    import_id = await importer.upload(table(*rows))
    checked = await importer.check(import_id, list_ids=[list_id], tags=["Salon 2026", "salon 2026", "VIP"])
    assert await known_tags(importer) == [], "counting makes nothing"
    job = await importer.run(import_id)
    assert job.counts == checked.counts
    assert {fate: job.counts.get(fate) for fate in ("created", "updated", "unchanged", "refused", "errors")} == {
        "created": 1, "updated": 1, "unchanged": 2, "refused": 1, "errors": 1,
    }  # fmt: skip
    assert await known_tags(importer) == ["Salon 2026", "VIP"]
    assert await tagged(importer) == {
        (f"{name}@example.test", tag) for name in ("ana", "bea", "lea", "tom") for tag in ("Salon 2026", "VIP")
    }  # fmt: skip


@pytest.mark.parametrize("mode", ["add", "update"])
async def test_other_modes_tag_only_who_is_a_contact_then(services: Services, make: Make, mode: str) -> None:
    importer = Importer(services, await make.account())
    await importer.whole(table(("ana@example.test", "Ana")), new_list="Clients")
    data = table(("ana@example.test", "Bea"), ("zoe@example.test", "Zoé"))
    await importer.whole(data, mode=mode, new_list="Salon", tags=["VIP"])
    who = {"ana@example.test", "zoe@example.test"} if mode == "add" else {"ana@example.test"}
    assert await tagged(importer) == {(email, "VIP") for email in who}


async def test_whom_the_file_itself_or_a_suppression_of_all_mail_stops_is_not_tagged(
    services: Services, make: Make
) -> None:
    importer = Importer(services, await make.account())
    await importer.whole(table(("ana@example.test", "Ana")), new_list="Clients")
    await importer.whole(files.people("ana@example.test"), mode="unsubscribe")
    rows = [["E-mail", "Statut"], ["ana@example.test", "Abonné"], ["bea@example.test", "Désabonné"],
            ["zoe@example.test", "Abonné"]]  # fmt: skip
    job = await importer.whole(encode(rows, delimiter=";"), new_list="Salon", tags=["VIP"])
    assert (job.counts["refused"], job.counts["opted_out"]) == (1, 1)
    assert await tagged(importer) == {("zoe@example.test", "VIP")}


async def test_a_tag_deleted_meanwhile_is_passed_over(services: Services, make: Make) -> None:
    importer = Importer(services, await make.account())
    import_id = await importer.upload(table(("ana@example.test", "Ana")))
    await importer.check(import_id, new_list="Clients", tags=["VIP", "Or"])
    async with services.db.account(importer.account.id) as tx:
        await import_start.run(tx, import_id)
        gone = next(tag for tag in await tags.names(tx) if tag.name == "VIP")
        await tags.delete(tx, gone.id)
    await importer.turns("lists.run_import")
    assert (await importer.show(import_id)).state == "done"
    assert await tagged(importer) == {("ana@example.test", "Or")}


async def test_an_undo_says_that_tags_stay_and_leaves_them_on_who_stays(
    services: Services, make: Make
) -> None:
    account = await make.account()
    importer = Importer(services, account)
    person = await make.signed_in(account.owner_id, language="fr")
    await importer.whole(table(("ana@example.test", "Ana")), new_list="Clients")
    data = table(("ana@example.test", "Bea"), ("zoe@example.test", "Zoé"))
    job = await importer.whole(data, new_list="Salon", tags=["Salon 2026"])
    page = (await person.get(f"{account.app}/imports/{job.id}/undo?lang=fr")).text
    assert "Les étiquettes posées par cet import restent" in page
    assert "Salon 2026" in page
    assert await undo(importer, job) == {"erased": 1, "restored": 1, "kept": 0}
    assert await tagged(importer) == {("ana@example.test", "Salon 2026")}


@pytest.mark.parametrize(
    ("choices", "code"),
    [
        ({"mode": "unsubscribe", "tags": ["VIP"]}, "no_tags"),
        ({"new_list": "Neuve", "tags": [f"T{n}" for n in range(20)]}, "too_many"),
    ],
)
async def test_tags_that_cannot_be_put_on_are_refused_before_counting(
    services: Services, make: Make, choices: dict[str, Any], code: str
) -> None:
    importer = Importer(services, await make.account())
    import_id = await importer.upload(table(("ana@example.test", "Ana")))
    async with services.db.account(importer.account.id) as tx:
        await tx.run(
            "INSERT INTO tags (account_id, name, name_key) SELECT $1, 'A' || n, 'a' || n FROM generate_series(1, $2::int) n",
            tags.MAX_TAGS - 19,
        )
    with pytest.raises(Invalid) as refused:
        await importer.check(import_id, **choices)
    assert [(one.field, one.code) for one in refused.value.faults] == [("tags", code)]


async def test_a_program_names_tags(services: Services, make: Make) -> None:
    account = await make.account(language="en")
    program = await make.program(account.id)
    importer = Importer(services, account)
    data = files.people("ana@example.test")
    answer = await send(program, data, STATEMENT | {"new_list": "Clients", "tags": ["VIP"]})
    assert (answer.status, answer.json()["tags"]) == (202, ["VIP"])
    await importer.turns("lists.check_import", "lists.run_import")
    assert await tagged(importer) == {("ana@example.test", "VIP")}
    answer = await send(program, data, STATEMENT | {"new_list": "B", "tags": ["x" * 61]})
    assert answer.status == 422
    assert "tags" in answer.text


async def test_the_options_page_takes_tags_as_words_between_commas(services: Services, make: Make) -> None:
    account = await make.account()
    importer = Importer(services, account)
    person = await make.signed_in(account.owner_id, language="fr")
    import_id = await importer.upload(table(("ana@example.test", "Ana")))
    path = f"{account.app}/imports/{import_id}/options"
    form = {"mode": "add", "new_list": "Clients", "legal_basis": "consent", "source": "Salon",
            "attested_by": "Odile", "attested": "true"}  # fmt: skip
    wrong = await person.post(path, form | {"tags": "VIP, " + "x" * 61})
    assert wrong.status == 422
    assert 'id="tags-error"' in wrong.text
    assert "VIP, xxx" in wrong.text
    assert (await person.post(path, form | {"tags": " VIP ,Salon  2026,, "})).status == 303
    assert (await importer.show(import_id)).choices.tags == ["VIP", "Salon 2026"]
    await importer.turns("lists.check_import")
    assert 'value="VIP, Salon 2026"' in (await person.get(path)).text


async def test_a_basis_left_half_filled_stops_nobody_from_leaving(services: Services, make: Make) -> None:
    account = await make.account()
    importer = Importer(services, account)
    await importer.whole(table(("ana@example.test", "Ana")), new_list="Clients")
    person = await make.signed_in(account.owner_id)
    import_id = await importer.upload(table(("ana@example.test", "Ana")))
    path = f"{account.app}/imports/{import_id}/options"
    half = {"mode": "unsubscribe", "legal_basis": "existing_customer", "collected_from": "2199-01-01"}
    assert (await person.post(path, half)).status == 303
    assert (await importer.show(import_id)).state == "checking"
