"""Export → import equals the source (A-013, B-68): contacts with subscriptions, refusals and proofs, hostile texts."""

import random
from datetime import date
from pathlib import Path
from typing import Any

import orjson
import pytest

from lists import contacts, fields, subscriptions, suppressions, tags, take_over
from lists.consents import Evidence, Method
from lists.contacts import NewContact
from lists.exports import NewExport
from lists.field_values import FieldType
from lists.take_over import NotAnArchive, OtherType, Taken
from mailer.core.errors import NotFound
from mailer.core.services import Services
from tests.exporting import exporter
from tests.exporting.test_archive import WHOLE
from tests.importing.importer import Importer
from tests.make import Account, Make

PIECES = ["=", "+", "-", "@", "'", '"', ",", ";", "|", "\\", "\n", "\r\n", "\t", "a", "É", "ñ", "𝛑", "🎉", "0", " ", "\u00a0", "{{", "'="]  # fmt: skip


async def hostile(make: Make, services: Services, count: int = 120) -> Account:
    """Texts that tables, templates and spreadsheets trip over, in every state of a subscription."""
    chance = random.Random(20261126)
    acc = await make.account()
    async with services.db.account(acc.id) as tx:
        for label, kind in (("Note", FieldType.TEXT), ("Points", FieldType.NUMBER), ("Né le", FieldType.DATE),
                            ("Oui", FieldType.BOOLEAN), ("Goûts", FieldType.LIST)):  # fmt: skip
            await fields.create(tx, fields.NewField(label=label, type=kind))
        lists = [await make.mailing_list(tx, name) for name in ("Lettre | du lundi", "=Ateliers", "Clients")]
        for n in range(count):
            text = "".join(chance.choices(PIECES, k=chance.randrange(6)))
            values: dict[str, Any] = {
                "note": text,
                "points": chance.choice([0, -1.5, 33612345678, 0.1, -7, None]),
                "ne_le": chance.choice(["2026-02-28", None]),
                "oui": chance.choice([True, False, None]),
                "gouts": chance.choice([["a|b", "c\\d", "=x"], ["seul"], []]),
            }
            new = NewContact(
                email=f"{chance.choice(['=', '+', '-', '', 'É'])}c{n}@exemple.test",
                first_name="".join(chance.choices(PIECES, k=chance.randrange(4))).replace("{{", "x"),
                last_name=text[:10],
                language=chance.choice(["", "fr", "en"]),
                fields=values,
                lists=chance.sample(lists, chance.randrange(3)),
                legal_basis="consent",
                source="Salon, 12 mars",
            )
            await contacts.add(tx, services.sealer, new)
        ids = [row[0] for row in await tx.rows("SELECT id FROM contacts WHERE account_id = $1 ORDER BY id")]
        await subscriptions.unsubscribe_contacts(tx, ids[::7], lists[0])
        await subscriptions.unsubscribe_contacts(tx, ids[::11], None)
        await tx.run(
            "UPDATE suppressions SET returned_to = ARRAY[$2::bigint] WHERE account_id = $1 AND list_id IS NULL",
            lists[2],
        )
        await tx.run("UPDATE contacts SET opens = 'granted' WHERE account_id = $1 AND id % 3 = 0")
        await suppressions.add_by_team(tx, services.sealer, "stranger@exemple.test")
    return acc


async def archive(services: Services, account_id: int, folder: Path) -> Path:
    path = folder / f"{account_id}.zip"
    path.write_bytes((await exporter.written(services, account_id, WHOLE))[1])
    return path


async def everything(services: Services, account_id: int) -> list[dict[str, Any]]:
    """Contacts as JSON lines show them, without numbers that belong to the account."""
    _, data = await exporter.written(services, account_id, NewExport(format="ndjson"))
    found = []
    for line in data.splitlines():
        one = orjson.loads(line)
        del one["id"]
        for part in (*one["lists"], *one["suppressions"], *one["consents"]):
            part["list_id"] = part["list_id"] is not None
            part.pop("source_id", None)
        one["suppressions"].sort(key=lambda stop: (stop["list"] or "", stop["reason"]))
        found.append(one)
    return sorted(found, key=lambda one: str(one["email"]))


async def taken_over(services: Services, account_id: int, path: Path) -> Taken:
    return await take_over.run(services.db, services.sealer, account_id, path)


@pytest.mark.req("A-013", "B-68", "B-28", "E-52")
async def test_an_archive_taken_over_by_a_fresh_account_equals_the_source(
    make: Make, services: Services, tmp_path: Path
) -> None:
    source, fresh = await hostile(make, services), await make.account()
    path = await archive(services, source.id, tmp_path)
    taken = await taken_over(services, fresh.id, path)
    assert (taken.fields, taken.lists, taken.contacts, taken.known) == (5, 3, 120, 0)
    # the address that was never a contact is a fingerprint, which says nothing under another account's key
    assert (taken.fingerprints, taken.strange) == (0, 1)
    wanted = await everything(services, source.id)
    assert await everything(services, fresh.id) == wanted
    assert {one["status"] for contact in wanted for one in contact["lists"]} == {"active", "unsubscribed"}
    assert any(stop["returned_to"] for contact in wanted for stop in contact["suppressions"])


@pytest.mark.req("B-22", "B-25", "B-68")
async def test_proofs_keep_their_words_and_basis_and_tags_and_options_come_along(
    make: Make, services: Services, tmp_path: Path
) -> None:
    source, fresh = await make.account(), await make.account()
    async with services.db.account(source.id) as tx:
        colours = fields.NewField(label="Couleur", type=FieldType.CHOICE, options=["Rouge", "Bleu"])
        await fields.create(tx, colours)
        listed = await make.mailing_list(tx, "Lettre")
        contact = await make.contact(tx, "ana@exemple.test")
        await tx.run('UPDATE contacts SET fields = \'{"couleur": "Bleu"}\' WHERE account_id = $1')
        await tags.put_on(tx, contact, "VIP")
        evidence = Evidence(
            method=Method.FORM,
            legal_basis="existing_customer",
            source="Salon",
            wording="Je veux la lettre.",
            form_url="https://exemple.test/lettre",
            basis_date=date(2026, 3, 12),
            basis_about="Vins",
        )
        await subscriptions.add(tx, [contact], listed, evidence=evidence)
    await taken_over(services, fresh.id, await archive(services, source.id, tmp_path))
    wanted = await everything(services, source.id)
    assert await everything(services, fresh.id) == wanted
    [ana] = wanted
    assert (ana["tags"], ana["fields"]) == (["VIP"], {"couleur": "Bleu"})
    [proof] = ana["consents"]
    assert (proof["wording"], proof["basis_date"], proof["basis_about"], proof["form_url"]) == (
        "Je veux la lettre.", "2026-03-12", "Vins", "https://exemple.test/lettre",
    )  # fmt: skip
    async with services.db.account(fresh.id) as tx:
        [field] = await fields.many(tx)
    assert field.options == ["Rouge", "Bleu"]


@pytest.mark.req("B-68")
async def test_to_take_over_twice_changes_nothing(make: Make, services: Services, tmp_path: Path) -> None:
    source, fresh = await hostile(make, services, 20), await make.account()
    path = await archive(services, source.id, tmp_path)
    await taken_over(services, fresh.id, path)
    before = await everything(services, fresh.id)
    again = await taken_over(services, fresh.id, path)
    assert (again.contacts, again.known, again.fields, again.lists) == (0, 20, 0, 0)
    assert await everything(services, fresh.id) == before


@pytest.mark.req("B-28")
async def test_a_refusal_that_is_here_wins_over_a_subscription_from_there(
    make: Make, services: Services, tmp_path: Path
) -> None:
    source, here = await make.account(), await make.account()
    async with services.db.account(source.id) as tx:
        listed = await make.mailing_list(tx, "Lettre")
        await make.contact(tx, "ana@exemple.test", list_id=listed)
        await make.contact(tx, "bea@exemple.test", list_id=listed)
    async with services.db.account(here.id) as tx:
        await suppressions.add_by_team(tx, services.sealer, "ana@exemple.test")
        await make.contact(tx, "bea@exemple.test")
    taken = await taken_over(services, here.id, await archive(services, source.id, tmp_path))
    assert (taken.contacts, taken.known) == (1, 1)
    async with services.db.account(here.id) as tx:
        states = await tx.rows(
            """
            SELECT c.email, s.status
            FROM contacts c
            LEFT JOIN subscriptions s ON s.account_id = $1 AND s.contact_id = c.id
            WHERE c.account_id = $1
            ORDER BY c.email
            """
        )
    assert states == [("ana@exemple.test", "unsubscribed"), ("bea@exemple.test", None)]


@pytest.mark.req("B-28", "A-022")
async def test_fingerprints_of_the_erased_come_back_into_their_own_account(
    make: Make, services: Services, tmp_path: Path
) -> None:
    acc = await make.account()
    async with services.db.account(acc.id) as tx:
        await suppressions.add_by_team(tx, services.sealer, "erased@exemple.test")
    path = await archive(services, acc.id, tmp_path)
    async with services.db.account(acc.id) as tx:
        await tx.run("DELETE FROM suppressions WHERE account_id = $1")
    taken = await taken_over(services, acc.id, path)
    assert (taken.fingerprints, taken.strange) == (1, 0)
    async with services.db.account(acc.id) as tx:
        hashed = await suppressions.hash_of(tx, services.sealer, "erased@exemple.test")
        assert await suppressions.check(tx, hashed) == "added"


@pytest.mark.req("B-68")
async def test_what_is_no_archive_or_does_not_fit_is_refused_with_its_reason(
    make: Make, services: Services, tmp_path: Path
) -> None:
    acc, other = await hostile(make, services, 1), await make.account()
    path = await archive(services, acc.id, tmp_path)
    wrong = tmp_path / "wrong.zip"
    wrong.write_bytes(b"PK")
    with pytest.raises(NotAnArchive):
        await taken_over(services, other.id, wrong)
    with pytest.raises(NotFound):
        await taken_over(services, 2**40, path)
    async with services.db.account(other.id) as tx:
        await fields.create(tx, fields.NewField(label="Points", type=FieldType.TEXT))
    with pytest.raises(OtherType, match="points: text, not number"):
        await taken_over(services, other.id, path)
    assert await everything(services, other.id) == []


@pytest.mark.req("A-013", "E-52")
async def test_the_contacts_file_comes_back_by_the_ordinary_import_too(
    make: Make, services: Services
) -> None:
    source, fresh = await hostile(make, services), await make.account()
    _, data = await exporter.written(services, source.id, NewExport(format="csv"))
    async with services.db.account(fresh.id) as tx:
        for label, kind in (("Note", FieldType.TEXT), ("Points", FieldType.NUMBER), ("Né le", FieldType.DATE),
                            ("Oui", FieldType.BOOLEAN), ("Goûts", FieldType.LIST)):  # fmt: skip
            await fields.create(tx, fields.NewField(label=label, type=kind))
    # without the columns of states, which are no fields
    columns = ["email", "first_name", "last_name", "language", "note", "points", "ne_le", "oui", "gouts"]
    _, data = await exporter.written(services, source.id, NewExport(format="csv", columns=columns))
    job = await Importer(services, fresh).whole(data, new_list="Tous")
    assert job.counts["created"] == 120, job.counts
    values = []
    for account_id in (source.id, fresh.id):
        async with services.db.account(account_id) as tx:
            values.append(
                await tx.rows(
                    """
                    SELECT email, first_name, last_name, language, fields
                    FROM contacts
                    WHERE account_id = $1
                    ORDER BY address_key
                    """
                )
            )
    assert values[1] == values[0]
