"""Contacts, fields, lists and suppressions through the API."""

import pytest

from mailer.core.services import Services
from tests.make import Make


@pytest.mark.req("S19", "A-014", "C-01")
async def test_contact_lives_its_whole_life_by_api(make: Make) -> None:
    acc = await make.account()
    api = await make.program(acc.id)
    listed = (await api.post("/api/v1/lists", json={"name": "Clients"})).json()
    field = await api.post("/api/v1/fields", json={"label": "Points de fidélité", "type": "number"})
    assert (field.status, field.json()["key"]) == (201, "points_de_fidelite")
    made = await api.post(
        "/api/v1/contacts",
        json={
            "email": "Ana@Example.test",
            "first_name": "Ana",
            "fields": {"points_de_fidelite": 12},
            "lists": [listed["id"]],
            "legal_basis": "consent",
            "source": "Salon 2026",
        },
    )
    assert made.status == 201
    body = made.json()
    assert body["email"] == "Ana@Example.test"
    assert body["fields"] == {"points_de_fidelite": 12}
    assert [(one["name"], one["status"], one["legal_basis"]) for one in body["lists"]] == [
        ("Clients", "active", "consent")
    ]
    assert body["lists"][0]["since"].endswith("Z")
    assert made.headers["Location"] == f"/api/v1/contacts/{body['id']}"
    place = f"/api/v1/contacts/{body['id']}"
    changed = await api.ask(
        "PATCH", place, json={"last_name": "Lopez", "fields": {"points_de_fidelite": None}}
    )
    assert changed.json()["last_name"] == "Lopez"
    assert changed.json()["fields"] == {}
    assert changed.json()["first_name"] == "Ana"
    found = await api.get("/api/v1/contacts", params={"email": "ANA@example.TEST"})
    assert [one["id"] for one in found.json()["items"]] == [body["id"]]
    assert (await api.ask("DELETE", place)).status == 204
    assert (await api.get(place)).status == 404
    assert (await api.ask("DELETE", place)).status == 404


@pytest.mark.req("A-016")
async def test_no_contact_before_the_agreement_is_accepted(make: Make) -> None:
    acc = await make.account(agreed=False)
    api = await make.program(acc.id)
    answer = await api.post("/api/v1/contacts", json={"email": "ana@example.test"})
    assert answer.status == 403
    assert answer.headers["Content-Type"].startswith("application/problem+json")
    assert answer.json()["code"] == "agreement"
    assert (await api.get("/api/v1/contacts")).json()["items"] == []


@pytest.mark.req("E-10", "B-36")
@pytest.mark.parametrize(
    "member", ["account_id", "opens", "clicks", "address_key", "status", "consent", "import_id"]
)
async def test_members_that_are_not_offered_are_refused(make: Make, member: str) -> None:
    acc = await make.account()
    api = await make.program(acc.id)
    answer = await api.post("/api/v1/contacts", json={"email": "ana@example.test", member: "granted"})
    assert answer.status == 422
    assert [fault["field"] for fault in answer.json()["errors"]] == [member]
    assert (await api.get("/api/v1/contacts")).json()["items"] == []


@pytest.mark.req("C-01", "B-25", "S19")
async def test_every_fault_is_listed(make: Make) -> None:
    acc = await make.account()
    api = await make.program(acc.id)
    wrong = await api.post("/api/v1/contacts", json={"email": "ana@example", "fields": {"city": "Lyon"}})
    assert (wrong.status, wrong.json()["errors"][0]["field"]) == (422, "email")
    field = await api.post("/api/v1/contacts", json={"email": "a@example.test", "fields": {"city": "Lyon"}})
    assert field.json()["errors"][0]["field"] == "fields.city"
    bare = await api.post("/api/v1/contacts", json={"email": "a@example.test", "lists": [1]})
    assert sorted(fault["field"] for fault in bare.json()["errors"]) == ["legal_basis", "source"]
    evidence = {"legal_basis": "consent", "source": "x"}
    unknown = await api.post(
        "/api/v1/contacts", json={"email": "a@example.test", "lists": [2**40], **evidence}
    )
    assert unknown.json()["errors"][0]["field"] == "lists"
    assert (await api.get("/api/v1/contacts")).json()["items"] == []


@pytest.mark.req("B-23")
async def test_business_interest_is_no_basis_for_a_personal_mailbox(make: Make) -> None:
    acc = await make.account()
    api = await make.program(acc.id)
    listed = (await api.post("/api/v1/lists", json={"name": "Pros"})).json()["id"]
    evidence = {"lists": [listed], "legal_basis": "b2b_interest", "source": "Annuaire"}
    evidence |= {"informed_on": "2026-03-12"}
    refused = await api.post("/api/v1/contacts", json={"email": "ana@gmail.com", **evidence})
    assert (refused.status, refused.json()["errors"][0]["field"]) == (422, "legal_basis")
    assert (await api.post("/api/v1/contacts", json={"email": "ana@atelier.test", **evidence})).status == 201


@pytest.mark.req("S8")
async def test_an_address_is_one_contact_however_it_is_written(make: Make) -> None:
    acc = await make.account()
    api = await make.program(acc.id)
    assert (await api.post("/api/v1/contacts", json={"email": "ana@exämple.test"})).status == 201
    again = await api.post("/api/v1/contacts", json={"email": "ANA@xn--exmple-cua.test"})
    assert (again.status, again.json()["errors"][0]["code"]) == (409, "conflict")


@pytest.mark.req("B-28")
async def test_no_edit_and_no_second_adding_lifts_a_refusal(make: Make) -> None:
    acc = await make.account()
    api = await make.program(acc.id)
    listed = (await api.post("/api/v1/lists", json={"name": "Clients"})).json()["id"]
    evidence = {"lists": [listed], "legal_basis": "consent", "source": "Salon"}
    contact = (await api.post("/api/v1/contacts", json={"email": "ana@example.test", **evidence})).json()
    place = f"/api/v1/contacts/{contact['id']}"
    left = await api.post(f"{place}/unsubscriptions", json={"list_id": listed})
    assert left.json()["lists"][0]["status"] == "unsubscribed"
    # adding again, a new address, and back to the old one
    assert (await api.ask("PATCH", place, json=evidence)).json()["lists"][0]["status"] == "unsubscribed"
    moved = await api.ask("PATCH", place, json={"email": "ana.new@example.test", **evidence})
    assert moved.json()["lists"][0]["status"] == "unsubscribed"
    # deleted and made anew, with either address
    assert (await api.ask("DELETE", place)).status == 204
    for email in ("ana@example.test", "ana.new@example.test"):
        again = await api.post("/api/v1/contacts", json={"email": email, **evidence})
        assert again.json()["lists"][0]["status"] == "unsubscribed"


@pytest.mark.req("B-28", "S5")
async def test_moving_onto_a_refused_address_stops_the_subscription(make: Make) -> None:
    acc = await make.account()
    api = await make.program(acc.id)
    listed = (await api.post("/api/v1/lists", json={"name": "Clients"})).json()["id"]
    evidence = {"lists": [listed], "legal_basis": "consent", "source": "Salon"}
    stopped = await api.post(
        "/api/v1/suppressions", json={"email": "gone@example.test", "reason": "objected"}
    )
    assert stopped.status == 201
    contact = (await api.post("/api/v1/contacts", json={"email": "ana@example.test", **evidence})).json()
    moved = await api.ask("PATCH", f"/api/v1/contacts/{contact['id']}", json={"email": "Gone@example.test"})
    assert moved.json()["suppressed"] == "objected"
    assert moved.json()["lists"][0]["status"] == "unsubscribed"


@pytest.mark.req("S19", "B-28")
async def test_suppressions_are_listed_and_found_by_address(make: Make) -> None:
    acc = await make.account()
    api = await make.program(acc.id)
    for n in range(3):
        await api.post("/api/v1/suppressions", json={"email": f"a{n}@example.test"})
    first = (await api.get("/api/v1/suppressions", params={"limit": 2})).json()
    second = (
        await api.get("/api/v1/suppressions", params={"cursor": first["next_cursor"], "limit": 2})
    ).json()
    assert (len(first["items"]), len(second["items"]), second["next_cursor"]) == (2, 1, None)
    one = (await api.get("/api/v1/suppressions", params={"email": "A1@Example.test"})).json()
    assert [(row["reason"], row["email"], row["list_id"]) for row in one["items"]] == [("added", None, None)]
    assert (await api.get("/api/v1/suppressions", params={"email": "nobody"})).status == 422
    # nothing takes a refusal away
    assert (await api.ask("DELETE", f"/api/v1/suppressions/{one['items'][0]['id']}")).status in (404, 405)


@pytest.mark.req("S19")
async def test_lists_are_kept_by_api_and_deleting_one_keeps_its_people(make: Make) -> None:
    acc = await make.account()
    api = await make.program(acc.id)
    made = (await api.post("/api/v1/lists", json={"name": "Clients", "purpose": "Nos offres"})).json()
    assert (made["public_name"], made["active"]) == ("Clients", 0)
    assert (await api.post("/api/v1/lists", json={"name": "Clients"})).status == 409
    place = f"/api/v1/lists/{made['id']}"
    assert (await api.ask("PATCH", place, json={"frequency": "une fois par mois"})).json()[
        "purpose"
    ] == "Nos offres"
    evidence = {"lists": [made["id"]], "legal_basis": "consent", "source": "Salon"}
    contact = (await api.post("/api/v1/contacts", json={"email": "ana@example.test", **evidence})).json()
    assert (await api.get(place)).json()["active"] == 1
    assert (await api.ask("DELETE", place)).status == 204
    assert (await api.get(place)).status == 404
    assert (await api.get(f"/api/v1/contacts/{contact['id']}")).json()["lists"] == []
    # the name is free again
    assert (await api.post("/api/v1/lists", json={"name": "Clients"})).status == 201


async def test_a_list_that_a_campaign_waits_for_is_not_deleted(make: Make, services: Services) -> None:
    acc = await make.account()
    api = await make.program(acc.id)
    listed = (await api.post("/api/v1/lists", json={"name": "Clients"})).json()["id"]
    async with services.db.account(acc.id) as tx:
        campaign = await tx.value(
            "INSERT INTO campaigns (account_id, name, status) VALUES ($1, 'Noël', 'scheduled') RETURNING id"
        )
        await tx.run(
            """
            INSERT INTO campaign_lists (account_id, campaign_id, list_id, use, position)
            VALUES ($1, $2, $3, 'include', 1)
            """,
            campaign,
            listed,
        )
    answer = await api.ask("DELETE", f"/api/v1/lists/{listed}")
    assert (answer.status, answer.json()["errors"][0]["code"]) == (409, "in_use")


@pytest.mark.req("S19")
async def test_contacts_are_paged_without_gaps_or_doubles(make: Make, services: Services) -> None:
    acc = await make.account()
    api = await make.program(acc.id)
    async with services.db.account(acc.id) as tx:
        ids = [await make.contact(tx) for _ in range(7)]
    seen: list[int] = []
    cursor = None
    while True:
        more = {"cursor": cursor} if cursor else {}
        body = (await api.get("/api/v1/contacts", params={"limit": 3, **more})).json()
        seen += [one["id"] for one in body["items"]]
        cursor = body["next_cursor"]
        if cursor is None:
            break
    assert seen == sorted(ids, reverse=True)
    assert (await api.get("/api/v1/contacts", params={"cursor": "x"})).status == 422
    assert (await api.get("/api/v1/contacts", params={"nonsense": "1"})).status == 422


@pytest.mark.req("S14")
async def test_fields_have_reserved_names_an_immutable_key_and_types(make: Make) -> None:
    acc = await make.account()
    api = await make.program(acc.id)
    assert (await api.post("/api/v1/fields", json={"label": "E-mail", "key": "email"})).status == 422
    field = (await api.post("/api/v1/fields", json={"label": "Ville"})).json()
    assert (await api.post("/api/v1/fields", json={"label": "Ville"})).status == 409
    place = f"/api/v1/fields/{field['id']}"
    assert (await api.ask("PATCH", place, json={"key": "city"})).status == 422
    assert (await api.ask("PATCH", place, json={"label": "Commune"})).json()["key"] == "ville"
    contact = (
        await api.post("/api/v1/contacts", json={"email": "a@example.test", "fields": {"ville": "Lyon"}})
    ).json()
    assert (await api.ask("DELETE", place)).status == 204
    assert (await api.get(f"/api/v1/contacts/{contact['id']}")).json()["fields"] == {}


@pytest.mark.req("E-50")
async def test_somebody_elses_rows_are_not_there(make: Make, services: Services) -> None:
    acc, other = await make.account(), await make.account()
    async with services.db.account(acc.id) as tx:
        listed = await make.mailing_list(tx)
        contact = await make.contact(tx, list_id=listed)
    api = await make.program(other.id)
    for path in (f"contacts/{contact}", f"lists/{listed}"):
        assert (await api.get(f"/api/v1/{path}")).status == 404
        assert (await api.ask("PATCH", f"/api/v1/{path}", json={})).status == 404
        assert (await api.ask("DELETE", f"/api/v1/{path}")).status == 404
    mine = {"email": "a@example.test", "lists": [listed], "legal_basis": "consent", "source": "x"}
    assert (await api.post("/api/v1/contacts", json=mine)).status == 422
    assert (await api.get("/api/v1/contacts", params={"list_id": listed})).json()["items"] == []


@pytest.mark.req("E-02", "E-10")
@pytest.mark.parametrize(
    "body",
    [
        {"email": "a@example.test", "first_name": "A\0"},
        {"email": "a@example.test\0"},
        {"email": "a@example.test", "fields": {"x\0": 1}},
        {"email": "a@example.test", "lists": [2**70], "legal_basis": "consent", "source": "x"},
        {
            "email": "a@example.test",
            "lists": ["'; DROP TABLE contacts"],
            "legal_basis": "consent",
            "source": "x",
        },
        {"email": ["a@example.test"]},
        [],
        "x",
    ],
)
async def test_strange_bodies_are_faults_of_the_input(make: Make, body: object) -> None:
    acc = await make.account()
    api = await make.program(acc.id)
    answer = await api.post("/api/v1/contacts", json=body)
    assert answer.status == 422
    assert answer.json()["errors"]


@pytest.mark.req("E-02")
@pytest.mark.parametrize("q", ["' OR 1=1 --", "%", "_", "\\", "a\0b", "\U0010ffff", "é" * 320])
async def test_search_text_is_only_ever_text(make: Make, services: Services, q: str) -> None:
    acc = await make.account()
    async with services.db.account(acc.id) as tx:
        await make.contact(tx, "ana@example.test")
    api = await make.program(acc.id)
    answer = await api.get("/api/v1/contacts", params={"q": q})
    assert answer.status in (200, 422)
    assert answer.status == 422 or answer.json()["items"] == []
