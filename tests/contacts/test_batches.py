"""Many contacts in one request."""

import asyncio
import io
from typing import Any

import orjson
import pytest

from lists import restrictions, subscriptions, suppressions
from lists.restrictions import NewRestriction
from lists.suppressions import Reason
from mailer.core.services import Services
from tests.client import Answer, Client
from tests.make import Account, Make

BATCHES = "/api/v1/contacts/batches"
BASIS = {"legal_basis": "consent", "source": "Salon de Paris"}


@pytest.fixture
async def account(make: Make) -> Account:
    return await make.account()


@pytest.fixture
async def api(make: Make, account: Account) -> Client:
    return await make.program(account.id)


async def batch(api: Client, *contacts: Any, **more: object) -> dict[str, Any]:
    answer = await api.post(BATCHES, json={"contacts": list(contacts)} | more)
    assert answer.status == 200, answer.text
    return dict(answer.json())


def _told(found: dict[str, Any]) -> list[str]:
    return [row["result"] for row in found["results"]]


async def _list(api: Client, name: str = "Clients") -> int:
    return int((await api.post("/api/v1/lists", json={"name": name})).json()["id"])


@pytest.mark.req("S19", "E-66")
async def test_every_row_has_its_result_and_a_bad_one_stops_no_other(api: Client) -> None:
    await api.post("/api/v1/fields", json={"label": "Achats", "type": "number"})
    rows = [
        {"email": "ana@example.test", "first_name": "Ana", "fields": {"achats": 3}},
        {"email": "not an address"},
        {"email": "ben@example.test", "fields": {"achats": "much", "unknown": 1}},
        {"email": "ANA@example.test"},
        "no object",
        {"email": "eve@example.test", "nickname": "E"},
        {"email": "eve@example.test", "first_name": "a\0b"},
        {"email": "eve@example.test"},
    ]
    found = await batch(api, *rows)
    assert _told(found) == ["created", "error", "error", "error", "error", "error", "error", "created"]
    faults = [(f["row"], f["field"], f["code"]) for row in found["results"] for f in row["errors"]]
    assert faults[:5] == [
        (2, "email", "incomplete"),
        (3, "fields.achats", "number"),
        (3, "fields.unknown", "unknown_field"),
        (4, "email", "double"),
        (5, "body", "model_type"),
    ]
    assert found["results"][3]["errors"][0]["message"] == "This address stands in row 1 already."
    assert found["counts"] == {
        "rows": 8, "created": 2, "updated": 0, "unchanged": 0, "refused": 0, "set_aside": 0, "restricted": 0,
        "errors": 6,
    }  # fmt: skip
    ana = (await api.get(f"/api/v1/contacts/{found['results'][0]['id']}")).json()
    assert (ana["first_name"], ana["fields"], ana["source"]) == ("Ana", {"achats": 3}, "api")
    assert [row["row"] for row in found["results"]] == list(range(1, 9))


@pytest.mark.req("S19")
async def test_what_a_row_does_not_say_stays_and_null_takes_a_value_away(api: Client) -> None:
    await api.post("/api/v1/fields", json={"label": "Ville"})
    await api.post("/api/v1/fields", json={"label": "Achats", "type": "number"})
    person = {"email": "ana@example.test", "first_name": "Ana", "last_name": "Lopez"}
    await batch(api, person | {"fields": {"ville": "Paris", "achats": 3}})
    assert _told(await batch(api, {"email": "ana@example.test"})) == ["unchanged"]
    assert _told(await batch(api, person | {"fields": {"ville": "Paris"}})) == ["unchanged"]
    found = await batch(
        api, {"email": "ana@example.test", "last_name": "", "fields": {"ville": None, "achats": 4}}
    )
    assert _told(found) == ["updated"]
    ana = (await api.get(f"/api/v1/contacts/{found['results'][0]['id']}")).json()
    assert (ana["first_name"], ana["last_name"], ana["fields"]) == ("Ana", "", {"achats": 4})


async def test_modes_add_only_or_update_only(api: Client) -> None:
    old, new = {"email": "old@example.test", "first_name": "New"}, {"email": "new@example.test"}
    await batch(api, {"email": "old@example.test", "first_name": "Old"})
    added = await batch(api, old, {"email": "first@example.test"}, mode="add")
    assert _told(added) == ["unchanged", "created"]
    updated = await batch(api, old, new, mode="update")
    assert _told(updated) == ["updated", "set_aside"]
    assert updated["results"][1]["id"] is None
    assert (await api.get("/api/v1/contacts", params={"email": new["email"]})).json()["items"] == []


@pytest.mark.req("C-01", "A-020", "B-25")
async def test_lists_need_their_evidence_and_leave_a_proof(
    api: Client, account: Account, services: Services
) -> None:
    listed = await _list(api)
    rows = [{"email": "ana@example.test"}, {"email": "ben@example.test"}]
    bare = await api.post(BATCHES, json={"contacts": rows, "lists": [listed]})
    assert [fault["field"] for fault in bare.json()["errors"]] == ["legal_basis", "source"]
    unknown = await api.post(BATCHES, json={"contacts": rows, "lists": [listed + 999], **BASIS})
    assert unknown.json()["errors"][0]["code"] == "unknown_list"
    assert _told(await batch(api, *rows, lists=[listed, listed], **BASIS)) == ["created", "created"]
    assert _told(await batch(api, *rows, lists=[listed], **BASIS)) == ["unchanged", "unchanged"]
    async with services.db.account(account.id) as tx:
        proofs = await tx.rows(
            """
            SELECT act, method, legal_basis, source, list_id FROM consents
            WHERE account_id = $1
            """
        )
    assert proofs == [("granted", "api", "consent", "Salon de Paris", listed)] * 2
    personal = await batch(
        api,
        {"email": "pro@gmail.com"},
        {"email": "pro@boulangerie.test"},
        lists=[listed],
        legal_basis="b2b_interest",
        informed_on="2026-03-12",
        source="Salon",
    )
    assert _told(personal) == ["error", "created"]
    assert personal["results"][0]["errors"][0]["code"] == "free_mail"


@pytest.mark.req("B-28", "A-022", "S5")
async def test_no_opt_out_is_lifted(api: Client, account: Account, services: Services) -> None:
    listed, other = await _list(api), await _list(api, "Autre")
    emails = ["left@x.test", "stopped@x.test", "bounced@x.test", "fine@x.test", "unknown@x.test"]
    first = await batch(api, *({"email": email} for email in emails[:4]), lists=[listed], **BASIS)
    ids = [row["id"] for row in first["results"]]
    async with services.db.account(account.id) as tx:
        await subscriptions.unsubscribe_contacts(tx, [ids[0]], listed)
        await subscriptions.unsubscribe_contacts(tx, [ids[1]], None)
        for email, reason in (("bounced@x.test", Reason.BOUNCED), ("unknown@x.test", Reason.OBJECTED)):
            hashed = await suppressions.hash_of(tx, services.sealer, email)
            await suppressions.add(tx, hashed, reason=reason)
    found = await batch(
        api, *({"email": email, "first_name": "Nom"} for email in emails), lists=[listed, other], **BASIS
    )
    assert [(row["result"], row["refused"]) for row in found["results"]] == [
        ("refused", [listed]),
        ("refused", [listed, other]),
        ("refused", [listed, other]),
        ("updated", []),
        ("refused", [listed, other]),
    ]
    async with services.db.account(account.id) as tx:
        active = await tx.rows(
            """
            SELECT c.email, s.list_id FROM subscriptions s
            JOIN contacts c ON c.account_id = $1 AND c.id = s.contact_id
            WHERE s.account_id = $1 AND s.status = 'active' AND c.email <> 'bounced@x.test'
            ORDER BY c.email, s.list_id
            """
        )
    assert active == [("fine@x.test", listed), ("fine@x.test", other), ("left@x.test", other)]
    # without a list nothing is refused: the row says what is known of the person
    assert _told(await batch(api, {"email": "left@x.test", "first_name": "Léa"})) == ["updated"]


async def test_limits_of_rows_and_octets_are_told(api: Client) -> None:
    for contacts in ([], [{"email": "a@b.test"}] * 10_001):
        answer = await api.post(BATCHES, json={"contacts": contacts})
        assert (answer.status, answer.json()["errors"][0]["field"]) == (422, "contacts")
    large = await api.ask(
        "POST",
        BATCHES,
        data=io.BytesIO(b"[" + b" " * 10_000_001),
        headers={"Content-Type": "application/json"},
    )
    assert (large.status, large.headers["Content-Type"]) == (413, "application/problem+json")


@pytest.mark.req("E-66", "E-61")
async def test_ten_thousand_rows_are_one_call_and_repeat_nothing(api: Client) -> None:
    await api.post("/api/v1/fields", json={"label": "Ville"})
    listed = await _list(api)
    contacts = [
        {"email": f"client.{n}@example.test", "first_name": f"Prénom {n}", "fields": {"ville": "x" * 200}}
        for n in range(10_000)
    ]
    body = orjson.dumps({"contacts": contacts, "lists": [listed], **BASIS})

    async def send(**headers: str) -> Answer:
        plain = {"Content-Type": "application/json"}
        return await api.ask("POST", BATCHES, data=io.BytesIO(body), headers=plain | headers)

    key = {"Idempotency-Key": "b-1"}
    first = await send(**key)
    assert first.json()["counts"]["created"] == 10_000
    again = await asyncio.gather(*(send(**key) for _ in range(2)))
    assert {answer.text for answer in again} == {first.text}
    assert (await api.get(f"/api/v1/lists/{listed}")).json()["active"] == 10_000
    assert (await send()).json()["counts"]["unchanged"] == 10_000


@pytest.mark.req("A-016")
async def test_nothing_before_the_agreement(make: Make) -> None:
    api = await make.program((await make.account(agreed=False)).id)
    answer = await api.post(BATCHES, json={"contacts": [{"email": "a@b.test"}]})
    assert (answer.status, answer.json()["code"]) == (403, "agreement")


@pytest.mark.req("B-22", "B-23", "B-25")
async def test_the_evidence_of_a_basis_is_asked_for_and_kept(
    api: Client, account: Account, services: Services
) -> None:
    listed = await _list(api)
    rows = [{"email": "ana@example.test"}]
    basis: dict[str, object] = {"lists": [listed], "legal_basis": "existing_customer", "source": "Caisse"}
    bare = await api.post(BATCHES, json={"contacts": rows} | basis)
    assert (bare.status, [one["field"] for one in bare.json()["errors"]]) == (
        422, ["customer_since", "products", "could_refuse"],
    )  # fmt: skip
    basis |= {"customer_since": "2026-03-12", "products": "Vins", "could_refuse": True}
    assert _told(await batch(api, *rows, **basis)) == ["created"]
    async with services.db.account(account.id) as tx:
        proofs = await tx.rows(
            """
            SELECT legal_basis, source, basis_date::text, basis_about, method, actor_id IS NOT NULL
            FROM consents
            WHERE account_id = $1
            """
        )
    assert proofs == [("existing_customer", "Caisse", "2026-03-12", "Vins", "api", True)]


@pytest.mark.req("C-13")
async def test_a_row_of_somebody_whose_data_is_limited_changes_nothing(
    api: Client, account: Account, make: Make, services: Services
) -> None:
    listed = await _list(api)
    async with services.db.account(account.id) as tx:
        limited = await make.contact(tx, "ana@example.test")
        await restrictions.limit(tx, limited, NewRestriction(ground="claims"))
    before = (await api.get(f"/api/v1/contacts/{limited}")).json()
    rows = [{"email": "ana@example.test", "first_name": "Nouveau"}, {"email": "ben@example.test"}]
    for mode in ("add_and_update", "add", "update"):
        found = await batch(api, *rows, lists=[listed], mode=mode, **BASIS)
        assert _told(found)[0] == "restricted"
        assert (found["counts"]["restricted"], found["results"][0]["id"]) == (1, limited)
    assert (await api.get(f"/api/v1/contacts/{limited}")).json() == before


@pytest.mark.req("A-025", "A-026")
async def test_forbidden_data_and_unknown_options_are_faults_of_their_row(api: Client) -> None:
    await api.post("/api/v1/fields", json={"label": "Note"})
    await api.post(
        "/api/v1/fields", json={"label": "Couleur", "type": "choice", "options": ["Rouge", "Bleu"]}
    )
    card = "4242 4242 4242 4242"
    found = await batch(
        api,
        {"email": "ana@example.test", "first_name": card},
        {"email": "ben@example.test", "fields": {"note": card}},
        {"email": "eve@example.test", "fields": {"couleur": "Vert"}},
        {"email": "zoe@example.test", "fields": {"couleur": "bleu"}},
    )
    assert _told(found) == ["error", "error", "error", "created"]
    assert [one["field"] for row in found["results"] for one in row["errors"]] == [
        "first_name", "fields.note", "fields.couleur",
    ]  # fmt: skip
    assert card not in str(found)
    zoe = (await api.get(f"/api/v1/contacts/{found['results'][3]['id']}")).json()
    assert zoe["fields"] == {"couleur": "Bleu"}
