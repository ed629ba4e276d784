"""Duplicates as people and programs meet them: two contacts side by side, and the API."""

import html
import re

from lists import (
    contacts,
    duplicates,
    fields,
    subscriptions,
)
from mailer.core.services import Services
from tests.contacts.test_duplicates import add, found_by_search, status_of
from tests.lists_pages.test_contact_pages import run_work
from tests.make import Make


async def test_two_contacts_side_by_side_are_merged_on_the_page(services: Services, make: Make) -> None:
    account = await make.account()
    person = await make.signed_in(account.owner_id, language="fr")
    async with services.db.account(account.id) as tx:
        list_id = await make.mailing_list(tx, "Lettre")
        await fields.create(tx, fields.NewField(label="Ville"))
        first = await add(
            services, tx, "ana.roy@gmail.com", first_name="Ana", fields={"ville": "Lyon"}, lists=[list_id],
            legal_basis="consent", source="form",
        )  # fmt: skip
        second = await add(services, tx, "anaroy@gmail.com", first_name="Anna", fields={"ville": "Paris"})
        third = await add(services, tx, "ana.roy+x@gmail.com")
        await subscriptions.unsubscribe_contacts(tx, [second], list_id)
        await tx.run(
            """
            INSERT INTO subscriptions (account_id, list_id, contact_id, status) VALUES ($1, $2, $3, 'unsubscribed')
            """,
            list_id,
            second,
        )
    page = await person.get(f"{account.app}/contacts/duplicates")
    assert "en cours de comparaison" in page.text
    await run_work(services, account.id, duplicates.JOB)
    page = await person.get(f"{account.app}/contacts/duplicates")
    assert f"/contacts/{first}/merges?other_id={second}" in html.unescape(page.text)
    side = html.unescape((await person.get(f"{account.app}/contacts/{first}/merges?other_id={second}")).text)
    row = re.search(r"<tr role=\"row\">(?:(?!</tr>).)*Lettre.*?</tr>", side, re.S)
    assert row
    assert "<strong>Désabonnement enregistré</strong>" in row[0]
    assert (await person.get(f"{account.app}/contacts/{first}/merges?other_id={first}")).status == 404
    done = await person.post(
        f"{account.app}/contacts/{first}/merges",
        {"other_id": second, "email": "other", "first_name": "kept", "fields.ville": "other"},
    )
    assert done.status == 303, done.text
    async with services.db.account(account.id) as tx:
        merged = await contacts.show(tx, first)
        assert (merged.email, merged.first_name, merged.fields) == (
            "anaroy@gmail.com",
            "Ana",
            {"ville": "Paris"},
        )
        assert (await status_of(tx, first)) == {list_id: "unsubscribed"}
    apart = await person.post(f"{account.app}/contacts/{first}/not-duplicates", {"other_id": third})
    assert apart.status == 303
    assert await found_by_search(services, account) == set()


async def test_programs_list_and_merge(services: Services, make: Make) -> None:
    account = await make.account()
    program = await make.program(account.id)
    a, b = [
        (await program.post("/api/v1/contacts", json={"email": email})).json()["id"]
        for email in ("p.q@gmail.com", "pq@gmail.com")
    ]
    await found_by_search(services, account)
    [pair] = (await program.get("/api/v1/duplicates")).json()["items"]
    assert (pair["contact_id"], pair["other_id"], pair["reason"]) == (a, b, "address")
    for wrong, code in ((a, "same"), (10**9, "unknown_contact")):
        refused = await program.post(f"/api/v1/contacts/{a}/merges", json={"other_id": wrong})
        assert (refused.status, refused.json()["errors"][0]["code"]) == (422, code)
    merged = await program.post(f"/api/v1/contacts/{a}/merges", json={"other_id": b, "email": "other"})
    assert (merged.status, merged.json()["email"]) == (201, "pq@gmail.com")
    assert (await program.get(f"/api/v1/contacts/{b}")).status == 404
