"""The ledger of consents: texts kept once with their version, what a legal basis rests on, IP addresses that end."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from lists import confirmations, consents, subscriptions, wordings
from lists.consents import Evidence, Method
from mailer.core import clock
from mailer.core.db import AccountTx
from mailer.core.errors import Invalid
from mailer.core.links import Links
from mailer.core.services import Services
from mailer.core.settings import Settings
from mailer.core.tokens import RecipientToken
from retention_jobs import purge
from tests.client import Client
from tests.importing import files
from tests.importing.importer import Importer
from tests.lists_pages.test_contact_pages import sound, start
from tests.make import Make
from tests.recipients.scene import make_scene

CUSTOMER = {"customer_since": "2025-03-01", "products": "Pains et viennoiseries", "could_refuse": True}
INFORMED = {"informed_on": "2026-03-12"}


async def _who(tx: AccountTx, contact_id: int, list_id: int) -> RecipientToken:
    hashed = await tx.value("SELECT address_hash FROM contacts WHERE account_id = $1 AND id = $2", contact_id)
    return RecipientToken(tx.account_id, list_id, contact_id, hashed)


@pytest.mark.req("B-25", "C-01")
async def test_a_text_is_kept_once_and_a_changed_one_is_the_next_version(
    services: Services, make: Make
) -> None:
    acc = await make.account()
    async with services.db.account(acc.id) as tx:
        listed = await make.mailing_list(tx)
        for text in ("Oui, la lettre.", "Oui, la lettre.", "Oui, la lettre et les offres."):
            contact = await make.contact(tx)
            proof = Evidence(
                method=Method.FORM, source_id=12, wording=text, form_url="https://pain.test/lettre"
            )
            await consents.write(tx, await _who(tx, contact, listed), "granted", evidence=proof)
        assert await wordings.keep(tx, "form 13", "Oui, la lettre.")
        rows = await tx.rows("SELECT place, version, text FROM wordings WHERE account_id = $1 ORDER BY id")
        [line] = await consents.of_contact(tx, contact)
    assert rows == [
        ("form 12", 1, "Oui, la lettre."),
        ("form 12", 2, "Oui, la lettre et les offres."),
        ("form 13", 1, "Oui, la lettre."),
    ]
    assert (line.version, line.wording, line.form_url) == (
        2,
        "Oui, la lettre et les offres.",
        "https://pain.test/lettre",
    )


@pytest.mark.req("C-01", "S11")
@pytest.mark.parametrize("table", ["consents", "wordings"])
@pytest.mark.parametrize("verb", ["UPDATE {} SET account_id = account_id", "DELETE FROM {}"])
async def test_what_was_agreed_to_cannot_be_rewritten(
    services: Services, make: Make, table: str, verb: str
) -> None:
    acc = await make.account()
    with pytest.raises(Exception, match="permission denied"):
        async with services.db.account(acc.id) as tx:
            await tx.run_plain(verb.format(table))


@pytest.mark.req("B-22", "B-23")
@pytest.mark.parametrize(
    ("basis", "evidence", "missing"),
    [
        ("existing_customer", {}, {"customer_since", "products", "could_refuse"}),
        ("existing_customer", CUSTOMER | {"could_refuse": False}, {"could_refuse"}),
        ("existing_customer", CUSTOMER | {"customer_since": "2999-01-01"}, {"customer_since"}),
        ("existing_customer", CUSTOMER, set()),
        ("b2b_interest", {}, {"informed_on"}),
        ("b2b_interest", INFORMED, set()),
        ("consent", {}, set()),
        ("service", {}, set()),
    ],
)
async def test_a_basis_without_its_evidence_is_refused_everywhere(
    services: Services, make: Make, basis: str, evidence: dict[str, Any], missing: set[str]
) -> None:
    acc, person = await start(make)
    program = await make.program(acc.id)
    async with services.db.account(acc.id) as tx:
        listed = await make.mailing_list(tx)
        contact = await make.contact(tx, "bob@atelier.test")
    wish = {"lists": [listed], "legal_basis": basis, "source": "Salon 2026", **evidence}
    assert await _faults_of_api(program, wish) == missing
    assert await _faults_of_page(person, f"{acc.app}/contacts/{contact}/subscriptions", wish) == missing
    importer = Importer(services, acc)
    choices = {"list_ids": [listed], "legal_basis": basis, **evidence}
    if missing:
        with pytest.raises(Invalid) as raised:
            await importer.whole(files.people("cleo@atelier.test"), **choices)
        assert {fault.field for fault in raised.value.faults} == missing
        return
    await importer.whole(files.people("cleo@atelier.test"), **choices)
    async with services.db.account(acc.id) as tx:
        rows = await tx.rows(
            """
            SELECT DISTINCT legal_basis, basis_date::text, basis_about FROM consents
            WHERE account_id = $1
            """
        )
        assert await tx.value("SELECT count(*) FROM consents WHERE account_id = $1") == 3
    day = evidence.get("customer_since") or evidence.get("informed_on")
    assert rows == [(basis, day, evidence.get("products", ""))]


async def _faults_of_api(program: Client, wish: dict[str, Any]) -> set[str]:
    answer = await program.post("/api/v1/contacts", json=wish | {"email": "ana@atelier.test"})
    return {one["field"] for one in answer.json().get("errors", [])}


async def _faults_of_page(person: Client, place: str, wish: dict[str, Any]) -> set[str]:
    form = {name: "true" if value is True else value for name, value in wish.items() if value is not False}
    answer = await person.post(place, {"customer_since": "", "informed_on": "", **form})
    names = ("customer_since", "products", "could_refuse", "informed_on")
    return {name for name in names if f'id="{name}-error"' in answer.text}


@pytest.mark.req("B-23")
async def test_many_at_once_leave_out_personal_mailboxes_for_a_professional_basis(
    services: Services, make: Make
) -> None:
    acc, person = await start(make)
    async with services.db.account(acc.id) as tx:
        listed = await make.mailing_list(tx)
        ids = [await make.contact(tx, email) for email in ("ana@gmail.com", "bea@atelier.test")]
    frozen = await person.post(f"{acc.app}/contacts/selections", {"action": "add", "ids": ids})
    wish = {"list_id": listed, "legal_basis": "b2b_interest", "source": "Annuaire"}
    refused = await person.post(frozen.location, wish)
    assert refused.status == 422
    assert 'id="informed_on-error"' in sound(refused)
    assert (await person.post(frozen.location, wish | INFORMED)).status == 303
    async with services.db.account(acc.id) as tx:
        rows = await tx.rows("SELECT contact_id FROM subscriptions WHERE account_id = $1")
        [line] = await consents.of_contact(tx, ids[1])
    assert rows == [(ids[1],)]
    assert (str(line.basis_date), line.actor_id) == ("2026-03-12", acc.owner_id)


@pytest.mark.req("B-25", "B-26")
async def test_a_confirmation_keeps_the_address_it_came_from_for_twelve_months(
    make: Make, services: Services, settings: Settings, client: Client
) -> None:
    scene = await make_scene(make, services, settings)
    links = Links(services.tokens, settings.track_url)
    async with services.db.account(scene.account_id) as tx:
        await subscriptions.unsubscribe(tx, scene.who, method=Method.LINK)
        await confirmations.ask(tx, scene.who, links)
    answer = await client.post(links.confirm(scene.who).removeprefix(links.base), {})
    assert answer.status == 303
    now = datetime.now(UTC)
    async with services.db.account(scene.account_id) as tx:
        lines = await consents.of_contact(tx, scene.contact_id)
        assert [(one.act, bool(one.ip)) for one in lines] == [
            ("confirmed", True),
            ("asked", False),
            ("withdrawn", False),
        ]
        assert lines[0].version == 1
        assert await purge.proofs(tx, now + timedelta(days=364)) == 0
        assert await purge.proofs(tx, now + timedelta(days=367)) == 1
        assert (await consents.of_contact(tx, scene.contact_id))[0].ip is None
        assert len(await consents.of_contact(tx, scene.contact_id)) == 3


@pytest.mark.req("B-25", "C-12")
async def test_erasing_takes_the_address_that_was_proof(services: Services, make: Make) -> None:
    acc = await make.account()
    async with services.db.account(acc.id) as tx:
        listed = await make.mailing_list(tx)
        contact = await make.contact(tx)
        proof = Evidence(method=Method.FORM, ip="192.0.2.7")
        await consents.write(tx, await _who(tx, contact, listed), "asked", evidence=proof)
        assert await tx.value("SELECT count(*) FROM consent_ips WHERE account_id = $1") == 1
        await tx.run("DELETE FROM contacts WHERE account_id = $1 AND id = $2", contact)
        assert await tx.value("SELECT count(*) FROM consent_ips WHERE account_id = $1") == 0


@pytest.mark.req("B-25")
async def test_page_and_copy_show_each_proof_whole(make: Make, services: Services) -> None:
    acc, person = await start(make)
    program = await make.program(acc.id)
    async with services.db.account(acc.id) as tx:
        listed = await make.mailing_list(tx)
        contact = await make.contact(tx)
        proof = Evidence(
            method=Method.FORM, wording="Oui, la lettre.", legal_basis="existing_customer", ip="192.0.2.7",
            basis_date=clock.now().date(), basis_about="Pains",
        )  # fmt: skip
        await consents.write(tx, await _who(tx, contact, listed), "granted", evidence=proof)
    page = sound(await person.get(f"{acc.app}/contacts/{contact}"))
    for words in ("Exact wording, version 1", "Oui, la lettre.", "192.0.2.7", ": Pains."):
        assert words in page
    [line] = (await program.get(f"/api/v1/contacts/{contact}/data")).json()["consents"]
    assert (line["wording"], line["wording_version"], line["ip"]) == ("Oui, la lettre.", 1, "192.0.2.7")
    assert line["basis_about"] == "Pains"


@pytest.mark.req("B-25", "C-01")
async def test_programs_page_through_the_ledger(make: Make, services: Services) -> None:
    acc, person = await start(make)
    program = await make.program(acc.id)
    async with services.db.account(acc.id) as tx:
        listed = await make.mailing_list(tx)
        contact = await make.contact(tx)
        for n in range(5):
            proof = Evidence(method=Method.FORM, wording=f"Texte {n}")
            await consents.write(tx, await _who(tx, contact, listed), "granted", evidence=proof)
    wish = {"lists": str(listed), "legal_basis": "consent", "source": "Salon"}
    assert (await person.post(f"{acc.app}/contacts/{contact}/subscriptions", wish)).status == 303
    assert ">Odile Owner</td>" in (await person.get(f"{acc.app}/contacts/{contact}")).text
    place, seen, cursor = f"/api/v1/contacts/{contact}/consents", [], ""
    while True:
        found = (await program.get(f"{place}?limit=4{cursor}")).json()
        seen += found["items"]
        if found["next_cursor"] is None:
            break
        cursor = f"&cursor={found['next_cursor']}"
    assert [one["version"] for one in seen] == [0, 5, 4, 3, 2, 1]
    assert (seen[0]["method"], seen[0]["actor_id"], seen[1]["wording"]) == ("page", acc.owner_id, "Texte 4")
