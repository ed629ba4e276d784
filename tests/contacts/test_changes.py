"""The feed of changes misses nothing, tells no personal data of who was deleted, and ends after 30 days."""

from datetime import timedelta
from typing import Any

import pytest

from lists import consents, contacts, subscriptions
from lists.consents import Answer, Evidence, Method
from mailer.core import clock
from mailer.core.services import Services
from mailer.core.tokens import RecipientToken
from retention_jobs import closed_accounts, purge
from tests.client import Client
from tests.importing.importer import Importer
from tests.make import Account, Make

FEED = "/api/v1/contacts/changes"


@pytest.fixture
async def account(make: Make) -> Account:
    return await make.account()


@pytest.fixture
async def api(make: Make, account: Account) -> Client:
    return await make.program(account.id)


async def begin(api: Client) -> str:
    found = (await api.get(FEED)).json()
    assert (found["items"], found["more"]) == ([], False)
    return str(found["next_cursor"])


async def follow(api: Client, cursor: str, **more: str) -> tuple[list[dict[str, Any]], str]:
    """Everything there is to read, and the cursor behind it."""
    items = []
    while True:
        answer = await api.get(FEED, params={"since": cursor, **more})
        assert answer.status == 200, answer.text
        found = answer.json()
        items += found["items"]
        cursor = found["next_cursor"]
        if not found["more"]:
            return items, cursor


def told(items: list[dict[str, Any]]) -> list[tuple[Any, ...]]:
    return [(one["kind"], one["contact_id"], one["list_id"], one["status"]) for one in items]


async def test_each_kind_of_change_is_told_once_and_in_order(
    api: Client, account: Account, make: Make, services: Services
) -> None:
    async with services.db.account(account.id) as tx:
        listed = await make.mailing_list(tx)
    cursor = await begin(api)
    body = {"lists": [listed], "legal_basis": "consent", "source": "Salon"}
    made = (await api.post("/api/v1/contacts", json={"email": "ana@x.test"} | body)).json()["id"]
    await api.ask("PATCH", f"/api/v1/contacts/{made}", json={"first_name": "Ana"})
    await api.ask("PATCH", f"/api/v1/contacts/{made}", json={"first_name": "Ana"})
    await api.post(f"/api/v1/contacts/{made}/unsubscriptions", json={"list_id": listed})
    async with services.db.account(account.id) as tx:
        hashed = await tx.value("SELECT address_hash FROM contacts WHERE account_id = $1 AND id = $2", made)
        who = RecipientToken(account.id, listed, made, hashed)
        await consents.choose(tx, who, Answer(opens=True), evidence=Evidence(method=Method.PREFERENCES))
        await tx.run("UPDATE contacts SET last_act_at = now() WHERE account_id = $1")
    await api.ask("DELETE", f"/api/v1/contacts/{made}")
    items, cursor = await follow(api, cursor, limit="2")
    assert told(items) == [
        ("created", made, None, ""),
        ("subscription", made, listed, "active"),
        ("updated", made, None, ""),
        ("subscription", made, listed, "unsubscribed"),
        ("consent", made, None, ""),
        ("deleted", made, None, ""),
    ]
    assert "x.test" not in str(items)
    assert (await follow(api, cursor))[0] == []


async def test_a_change_brings_its_contact_when_asked(api: Client) -> None:
    cursor = await begin(api)
    ids = [
        (await api.post("/api/v1/contacts", json={"email": f"{name}@x.test"})).json()["id"]
        for name in ("ana", "ben")
    ]
    await api.ask("DELETE", f"/api/v1/contacts/{ids[0]}")
    items, _ = await follow(api, cursor, with_contacts="true")
    assert [(one["kind"], (one["contact"] or {}).get("email")) for one in items] == [
        ("created", None),
        ("created", "ben@x.test"),
        ("deleted", None),
    ]


async def test_taken_off_a_list_is_told_and_deleted_contacts_say_it_once(
    api: Client, account: Account, make: Make, services: Services
) -> None:
    async with services.db.account(account.id) as tx:
        listed = await make.mailing_list(tx)
        ids = [await make.contact(tx, list_id=listed) for _ in range(3)]
    cursor = await begin(api)
    async with services.db.account(account.id) as tx:
        await subscriptions.remove(tx, [ids[0]], listed)
        await contacts.delete(tx, ids[1:])
    items, _ = await follow(api, cursor)
    assert sorted(told(items)) == [
        ("deleted", ids[1], None, ""),
        ("deleted", ids[2], None, ""),
        ("subscription", ids[0], listed, "removed"),
    ]


@pytest.mark.req("B-28")
async def test_a_merge_is_told_as_what_it_changed(
    api: Client, account: Account, make: Make, services: Services
) -> None:
    async with services.db.account(account.id) as tx:
        first, second = await make.mailing_list(tx), await make.mailing_list(tx)
        kept = await make.contact(tx, "ana@x.test", list_id=first)
        other = await make.contact(tx, "ana@y.test", list_id=second)
    cursor = await begin(api)
    merged = await api.post(f"/api/v1/contacts/{kept}/merges", json={"other_id": other, "email": "other"})
    assert merged.status == 201
    items, _ = await follow(api, cursor)
    assert sorted(told(items), key=str) == [
        ("deleted", other, None, ""),
        ("subscription", kept, second, "active"),
        ("updated", kept, None, ""),
    ]


@pytest.mark.req("C-13")
async def test_limiting_somebodys_data_is_told(api: Client) -> None:
    made = (await api.post("/api/v1/contacts", json={"email": "ana@x.test"})).json()["id"]
    cursor = await begin(api)
    path = f"/api/v1/contacts/{made}/restrictions"
    assert (await api.post(path, json={"ground": "claims"})).status == 201
    assert (await api.post(f"{path}/liftings", json={"reason": "Vérifié", "told": True})).status == 201
    items, _ = await follow(api, cursor)
    assert told(items) == [("updated", made, None, "")] * 2


async def test_a_slow_transaction_is_not_overtaken(
    api: Client, account: Account, make: Make, services: Services
) -> None:
    """Begun first, committed last: its rows have the lower numbers and become visible later."""
    async with services.db.account(account.id) as tx:
        await make.contact(tx)
    cursor = await begin(api)
    async with services.db.account(account.id) as slow:
        first = await make.contact(slow)
        async with services.db.account(account.id) as fast:
            second = await make.contact(fast)
        early, cursor = await follow(api, cursor)
    late, cursor = await follow(api, cursor)
    assert [one["contact_id"] for one in [*early, *late]] == [first, second]
    assert (await follow(api, cursor))[0] == []


async def test_an_import_tells_every_contact_once(
    api: Client, account: Account, make: Make, services: Services
) -> None:
    async with services.db.account(account.id) as tx:
        listed = await make.mailing_list(tx)
    cursor = await begin(api)
    rows = "".join(f"c{n}@x.test,Nom {n}\n" for n in range(1200))
    await Importer(services, account).whole(f"email,first_name\n{rows}".encode(), list_ids=[listed])
    items, cursor = await follow(api, cursor, limit="1000")
    created = [one["contact_id"] for one in items if one["kind"] == "created"]
    subscribed = [one["contact_id"] for one in items if one["kind"] == "subscription"]
    assert len(items) == 2400
    assert len(set(created)) == len(set(subscribed)) == 1200
    changed = "".join(f"c{n}@x.test,Autre\n" for n in range(10))
    await Importer(services, account).whole(f"email,first_name\n{changed}".encode(), list_ids=[listed])
    items, _ = await follow(api, cursor)
    assert [one["kind"] for one in items] == ["updated"] * 10


@pytest.mark.req("E-50")
async def test_a_cursor_is_of_one_account_and_one_database(api: Client, make: Make) -> None:
    cursor = await begin(api)
    await api.post("/api/v1/contacts", json={"email": "ana@x.test"})
    stranger = await make.program((await make.account()).id)
    assert (await follow(stranger, cursor))[0] == []
    damaged = await api.get(FEED, params={"since": "abc"})
    assert (damaged.status, damaged.json()["errors"][0]["field"]) == (422, "cursor")


@pytest.mark.parametrize("what", ["too old", "put back"])
async def test_a_cursor_without_a_future_is_410_and_says_to_start_anew(
    api: Client, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    from mailer.core import restores

    cursor = await begin(api)
    if what == "too old":
        clock.shift(timedelta(days=30, minutes=1))
    else:

        async def another(tx: object) -> str:
            return "another"

        monkeypatch.setattr(restores, "lineage", another)
    answer = await api.get(FEED, params={"since": cursor})
    assert answer.status == 410
    assert "anew" in answer.json()["detail"]


async def test_the_feed_is_kept_30_days_and_goes_with_its_account(
    api: Client, account: Account, services: Services
) -> None:
    for name in ("ana", "ben"):
        await api.post("/api/v1/contacts", json={"email": f"{name}@x.test"})
    async with services.db.account(account.id) as tx:
        assert await purge.changes(tx, clock.now() + timedelta(days=29)) == 0
        assert await purge.changes(tx, clock.now() + timedelta(days=31)) == 2
    await api.post("/api/v1/contacts", json={"email": "eve@x.test"})
    async with services.db.shared() as shared:
        await shared.run(
            "UPDATE accounts SET status = 'closed', closed_at = now(), erase_at = now() WHERE id = $1",
            account.id,
        )
    await closed_accounts.erase(services.db, account.id, clock.now() + timedelta(days=1))
    async with services.db.account(account.id) as tx:
        assert await tx.value("SELECT count(*) FROM contact_changes WHERE account_id = $1") == 0


@pytest.mark.req("S8")
async def test_reading_on_is_a_range_of_the_primary_key_under_row_level_security(
    account: Account, services: Services
) -> None:
    async with services.db.account(account.id) as tx:
        await tx.run_plain("SET LOCAL enable_seqscan = off")
        await tx.run_plain("SET LOCAL enable_bitmapscan = off")
        plan = await tx.rows(
            """
            EXPLAIN SELECT id FROM contact_changes
            WHERE account_id = $1 AND (xid, id) > ($2, $3) AND xid < $4
            ORDER BY xid, id
            LIMIT 100
            """,
            5,
            6,
            7,
        )
    text = "\n".join(row[0] for row in plan)
    assert "contact_changes_pkey" in text
    [condition] = [line for line in text.splitlines() if "Index Cond" in line]
    assert "ROW(xid, id) > ROW(" in condition
    assert "xid < " in condition
    assert "Sort" not in text
