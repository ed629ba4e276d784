"""Answers about measurement that programs take over: a yes needs its proof, a no stays (B-36, B-37)."""

from datetime import timedelta
from typing import Any

import pytest

from mailer.core import clock
from mailer.core.services import Services
from tests.client import Answer
from tests.make import Account, Make

PATH = "/api/v1/measurement-answers"
PROOF = {"wording": "J’accepte que mes ouvertures soient mesurées.", "source": "https://pain.test/compte"}
YESTERDAY = (clock.now() - timedelta(days=1)).date().isoformat()


async def send(make: Make, account: Account, answers: list[dict[str, Any]], **more: Any) -> Answer:
    api = await make.program(account.id)
    return await api.post(PATH, json={**PROOF, **more, "answers": answers})


async def states(services: Services, account: Account) -> dict[str, tuple[str, str]]:
    async with services.db.account(account.id) as tx:
        rows = await tx.rows("SELECT email, opens, clicks FROM contacts WHERE account_id = $1")
    return {email: (opens, clicks) for email, opens, clicks in rows}


async def contacts(make: Make, services: Services, account: Account, *emails: str) -> None:
    async with services.db.account(account.id) as tx:
        for email in emails:
            await make.contact(tx, email)


@pytest.mark.req("B-36", "B-25")
async def test_a_yes_comes_with_words_place_and_day(make: Make, services: Services) -> None:
    account = await make.account()
    await contacts(make, services, account, "ana@x.test", "zoe@x.test")
    answer = await send(
        make,
        account,
        [
            {"email": "ANA@x.test", "opens": "granted", "clicks": "denied", "answered_on": YESTERDAY},
            {"email": "zoe@x.test", "clicks": "denied"},
            {"email": "nobody@x.test", "opens": "granted", "answered_on": YESTERDAY},
        ],
    )
    assert answer.status == 200
    assert [one["result"] for one in answer.json()["results"]] == ["recorded", "recorded", "unknown"]
    assert (answer.json()["recorded"], answer.json()["unknown"]) == (2, 1)
    assert await states(services, account) == {
        "ana@x.test": ("granted", "denied"),
        "zoe@x.test": ("unknown", "denied"),
    }
    async with services.db.account(account.id) as tx:
        ledger = await tx.rows(
            """
            SELECT c.purpose, c.act, c.method, c.source, c.basis_date::text, w.text
            FROM consents c LEFT JOIN wordings w ON w.account_id = $1 AND w.id = c.wording_id
            WHERE c.account_id = $1 AND c.act = 'granted'
            """
        )
        assert ledger == [("opens", "granted", "api", PROOF["source"], YESTERDAY, PROOF["wording"])]
        before = await tx.value("SELECT count(*) FROM consents WHERE account_id = $1")
    again = await send(make, account, [{"email": "ana@x.test", "opens": "granted", "answered_on": YESTERDAY}])
    assert again.json()["results"][0]["result"] == "unchanged"
    async with services.db.account(account.id) as tx:
        assert await tx.value("SELECT count(*) FROM consents WHERE account_id = $1") == before


@pytest.mark.req("B-36", "B-37", "S19")
@pytest.mark.parametrize(
    ("more", "row", "field"),
    [
        ({"wording": " "}, {"opens": "granted", "answered_on": YESTERDAY}, "wording"),
        ({"source": ""}, {"opens": "granted", "answered_on": YESTERDAY}, "source"),
        ({}, {"opens": "granted"}, "answered_on"),
        ({}, {"opens": "granted", "answered_on": "2999-01-01"}, "answered_on"),
        ({}, {"answered_on": YESTERDAY}, "opens"),
        ({}, {"email": "no address", "opens": "denied"}, "email"),
        ({}, {"opens": "unknown"}, "answers.1.opens"),
        ({"basis": "informed"}, {"opens": "granted", "collected_on": "2025-01-01"}, "informed_on"),
        (
            {"basis": "informed", "informed_on": "2026-07-15"},
            {"opens": "granted", "collected_on": "2025-01-01"},
            "informed_on",
        ),
        (
            {"basis": "informed", "informed_on": "2026-04-13"},
            {"opens": "granted", "collected_on": "2025-01-01"},
            "informed_on",
        ),
        ({"basis": "informed", "informed_on": "2026-07-14"}, {"opens": "granted"}, "collected_on"),
        (
            {"basis": "informed", "informed_on": "2026-07-14"},
            {"opens": "granted", "collected_on": "2026-04-14"},
            "collected_on",
        ),
    ],
)
async def test_what_proves_nothing_is_refused_at_its_place(
    make: Make, services: Services, more: dict[str, Any], row: dict[str, Any], field: str
) -> None:
    account = await make.account()
    await contacts(make, services, account, "ana@x.test", "bob@x.test")
    good = {"email": "bob@x.test", "clicks": "denied"}
    answer = await send(make, account, [good, {"email": "ana@x.test", **row}], **more)
    assert answer.status == 422
    assert field in {fault["field"] for fault in answer.json()["errors"]}
    assert set((await states(services, account)).values()) == {("unknown", "unknown")}


@pytest.mark.req("B-37")
async def test_people_known_before_and_informed_in_time_are_measured_until_they_object(
    make: Make, services: Services
) -> None:
    account = await make.account()
    await contacts(make, services, account, "ana@x.test", "zoe@x.test")
    async with services.db.account(account.id) as tx:
        await tx.run(
            """
            INSERT INTO consents (account_id, contact_id, address_hash, purpose, act, at, method)
            SELECT $1, id, address_hash, 'opens', 'denied', '2026-05-01', 'link'
            FROM contacts WHERE account_id = $1 AND email = 'zoe@x.test'
            """
        )
        await tx.run("UPDATE contacts SET opens = 'denied' WHERE account_id = $1 AND email = 'zoe@x.test'")
    both = [
        {"email": email, "opens": "granted", "collected_on": "2026-04-13"}
        for email in ("ana@x.test", "zoe@x.test")
    ]
    answer = await send(make, account, both, basis="informed", informed_on="2026-07-14")
    assert [one["result"] for one in answer.json()["results"]] == ["recorded", "refused"]
    assert (await states(services, account))["zoe@x.test"][0] == "denied"
    async with services.db.account(account.id) as tx:
        rows = await tx.rows(
            """
            SELECT legal_basis, basis_date::text, basis_about FROM consents
            WHERE account_id = $1 AND act = 'granted'
            """
        )
    assert rows == [("informed", "2026-07-14", "collected on 2026-04-13")]


@pytest.mark.req("B-28", "B-36", "C-13", "C-16")
async def test_a_no_that_is_as_new_as_the_yes_stays(make: Make, services: Services) -> None:
    account = await make.account()
    emails = ("later@x.test", "sooner@x.test", "objected@x.test", "limited@x.test")
    await contacts(make, services, account, *emails)
    async with services.db.account(account.id) as tx:
        for email, ago in (("later@x.test", "1 day"), ("sooner@x.test", "9 days")):
            await tx.run(
                """
                INSERT INTO consents (account_id, contact_id, address_hash, purpose, act, at, method)
                SELECT $1, id, address_hash, 'clicks', 'denied', now() - $3::text::interval, 'link'
                FROM contacts WHERE account_id = $1 AND email = $2
                """,
                email,
                ago,
            )
            await tx.run("UPDATE contacts SET clicks = 'denied' WHERE account_id = $1 AND email = $2", email)
        await tx.run(
            """
            INSERT INTO suppressions (account_id, address_hash, reason)
            SELECT $1, address_hash, 'objected' FROM contacts WHERE account_id = $1 AND email = 'objected@x.test'
            """
        )
        await tx.run(
            "UPDATE contacts SET restricted_at = now() WHERE account_id = $1 AND email = 'limited@x.test'"
        )
    day = (clock.now() - timedelta(days=5)).date().isoformat()
    rows = [{"email": email, "clicks": "granted", "answered_on": day} for email in emails]
    answer = await send(make, account, rows)
    assert [one["result"] for one in answer.json()["results"]] == [
        "refused",
        "recorded",
        "refused",
        "restricted",
    ]
    found = {email: clicks for email, (_, clicks) in (await states(services, account)).items()}
    assert found == dict(zip(emails, ("denied", "granted", "unknown", "unknown"), strict=True))
