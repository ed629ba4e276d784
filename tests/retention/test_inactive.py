"""People not heard of for three years: found by their last sign, the account told, asked once, then deleted."""

from datetime import UTC, datetime, timedelta

import pytest

from lists import restrictions, subscriptions, suppressions
from lists.consents import Method
from lists.restrictions import NewRestriction
from mailer import worker
from mailer.core import clock
from mailer.core.db import AccountTx
from mailer.core.links import Links
from mailer.core.services import Services
from mailer.core.tokens import RecipientToken
from mailer.core.work import Task
from retention_jobs import inactive, jobs_inactive
from tests.client import Client
from tests.lists_pages.test_contact_pages import sound, start
from tests.make import Make

NOW = datetime(2026, 11, 26, 9, 0, tzinfo=UTC)
LONG_AGO = datetime(2023, 6, 1, tzinfo=UTC)


def links(services: Services) -> Links:
    return Links(services.tokens, services.settings.track_url)


async def idle(tx: AccountTx, make: Make, email: str, list_id: int, *, since: datetime = LONG_AGO) -> int:
    contact = await make.contact(tx, email, list_id=list_id)
    await tx.run("UPDATE contacts SET created_at = $3 WHERE account_id = $1 AND id = $2", contact, since)
    return contact


async def walk(tx: AccountTx, now: datetime) -> None:
    while not await inactive.walk(tx, now):
        pass


async def emails(tx: AccountTx, table: str = "contacts") -> set[str]:
    sql = "SELECT email FROM contacts WHERE account_id = $1"
    if table == "inactive":
        sql += " AND id IN (SELECT contact_id FROM inactive_contacts WHERE account_id = $1)"
    return {row[0] for row in await tx.rows(sql)}


async def mails(services: Services, account_id: int, kind: str) -> list[str]:
    async with services.db.shared() as tx:
        rows = await tx.rows(
            "SELECT recipient FROM outbox WHERE account_id = $1 AND kind = $2 ORDER BY id", account_id, kind
        )
    return [row[0] for row in rows]


@pytest.mark.req("B-27")
async def test_the_last_sign_counts_and_an_open_is_none(services: Services, make: Make) -> None:
    acc = await make.account()
    async with services.db.account(acc.id) as tx:
        listed = await make.mailing_list(tx)
        opened = await idle(tx, make, "opens@idle.test", listed)
        clicked = await idle(tx, make, "clicks@idle.test", listed)
        await idle(tx, make, "new@idle.test", listed, since=NOW - timedelta(days=900))
        # 10 days short of three years: told of ahead
        await idle(tx, make, "soon@idle.test", listed, since=datetime(2023, 12, 6, 9, tzinfo=UTC))
        served = await idle(tx, make, "served@idle.test", listed)
        kept = await idle(tx, make, "kept@idle.test", listed)
        await tx.run(
            """
            INSERT INTO events (account_id, id, at, campaign_id, contact_id, kind, verdict)
            VALUES ($1, 'o1', now(), 7, $2, 'open', 'person')
            """,
            opened,
        )
        await tx.run(
            "UPDATE contacts SET last_act_at = $3 WHERE account_id = $1 AND id = $2",
            clicked,
            NOW - timedelta(days=30),
        )
        await tx.run(
            "UPDATE subscriptions SET legal_basis = 'service' WHERE account_id = $1 AND contact_id = $2",
            served,
        )
        await restrictions.limit(tx, kept, NewRestriction(ground="claims"))
        await walk(tx, NOW)
        assert await emails(tx, "inactive") == {"opens@idle.test", "soon@idle.test"}
        # the same day again looks at nobody; a day later whoever gave a sign is off the list
        assert await inactive.walk(tx, NOW + timedelta(hours=23))
        await tx.run("UPDATE contacts SET last_act_at = $3 WHERE account_id = $1 AND id = $2", opened, NOW)
        await walk(tx, NOW + timedelta(days=1))
        assert await emails(tx, "inactive") == {"soon@idle.test"}


@pytest.mark.req("B-27")
async def test_a_long_list_is_walked_in_parts_with_its_place_kept(
    services: Services, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inactive, "WALKED", 3)
    acc = await make.account()
    async with services.db.account(acc.id) as tx:
        listed = await make.mailing_list(tx)
        for n in range(10):
            await idle(tx, make, f"p{n}@idle.test", listed)
    parts = 0
    while True:
        async with services.db.account(acc.id) as tx:
            if await inactive.walk(tx, NOW):
                break
            parts += 1
            assert len(await emails(tx, "inactive")) == min(3 * parts, 10)
    assert parts == 4


@pytest.mark.req("B-27")
@pytest.mark.parametrize("choice", ["ask", "delete"])
async def test_nobody_is_deleted_before_the_account_was_told_for_thirty_days(
    services: Services, make: Make, choice: str
) -> None:
    acc = await make.account()
    url = "https://mailer.test"
    async with services.db.account(acc.id) as tx:
        listed = await make.mailing_list(tx)
        await idle(tx, make, "ana@idle.test", listed)
        if choice == "delete":
            await inactive.choose(tx, "delete")
        await walk(tx, NOW)
        assert await inactive.carry_out(tx, NOW + timedelta(days=400), links(services)) == 0
        assert await inactive.tell(tx, NOW, url) == 1
        assert await inactive.tell(tx, NOW, url) == 0
        assert await inactive.carry_out(tx, NOW + timedelta(days=29), links(services)) == 0
        assert await emails(tx) == {"ana@idle.test"}
        assert await inactive.carry_out(tx, NOW + timedelta(days=30), links(services)) == 1
        there = await emails(tx)
    assert await mails(services, acc.id, "contacts_inactive") == [acc.owner_email]
    assert there == ({"ana@idle.test"} if choice == "ask" else set())
    assert await mails(services, acc.id, "still_there") == (["ana@idle.test"] if choice == "ask" else [])
    async with services.db.account(acc.id) as tx:
        # asked once: never again, and gone 30 days after
        assert await inactive.carry_out(tx, NOW + timedelta(days=59), links(services)) == 0
        await inactive.carry_out(tx, NOW + timedelta(days=60), links(services))
        assert await emails(tx) == set()
        acts = await tx.rows(
            """
            SELECT action, count FROM audit WHERE account_id = $1 AND object = 'inactive_contacts' ORDER BY id
            """
        )
    assert len(await mails(services, acc.id, "still_there")) == (1 if choice == "ask" else 0)
    wanted = [("told", 1), ("asked", 1), ("deleted", 1)]
    assert [one for one in acts if one[0] != "changed"] == [
        one for one in wanted if choice == "ask" or one[0] != "asked"
    ]


@pytest.mark.req("B-27")
async def test_the_account_is_told_once_a_week_at_most(services: Services, make: Make) -> None:
    acc = await make.account()
    async with services.db.account(acc.id) as tx:
        listed = await make.mailing_list(tx)
        for day in range(10):
            await idle(tx, make, f"p{day}@idle.test", listed)
            await walk(tx, NOW + timedelta(days=day))
            await inactive.tell(tx, NOW + timedelta(days=day), "https://mailer.test")
        assert await tx.value("SELECT count(*) FROM inactive_contacts WHERE account_id = $1") == 10
    assert len(await mails(services, acc.id, "contacts_inactive")) == 2


@pytest.mark.req("B-27", "B-28", "C-13")
async def test_a_sign_after_all_or_a_limit_saves_and_a_refusal_is_not_asked(
    services: Services, make: Make
) -> None:
    acc = await make.account()
    async with services.db.account(acc.id) as tx:
        listed = await make.mailing_list(tx)
        ids = {name: await idle(tx, make, f"{name}@idle.test", listed) for name in ("acts", "kept", "left")}
        await walk(tx, NOW)
        await inactive.tell(tx, NOW, "https://mailer.test")
        await tx.run(
            "UPDATE contacts SET last_act_at = $3 WHERE account_id = $1 AND id = $2", ids["acts"], NOW
        )
        await restrictions.limit(tx, ids["kept"], NewRestriction(ground="claims"))
        left = await suppressions.hash_of(tx, services.sealer, "left@idle.test")
        await suppressions.add(tx, left, reason=suppressions.Reason.OBJECTED)
        await inactive.carry_out(tx, NOW + timedelta(days=31), links(services))
        assert await emails(tx) == {"acts@idle.test", "kept@idle.test"}
        assert await suppressions.check(tx, left) == "objected"
    assert await mails(services, acc.id, "still_there") == []


@pytest.mark.req("B-27")
async def test_one_press_stays_and_a_look_does_not(services: Services, make: Make, client: Client) -> None:
    acc = await make.account()
    async with services.db.account(acc.id) as tx:
        listed = await make.mailing_list(tx)
        ana = await idle(tx, make, "ana@idle.test", listed)
        hashed = await tx.value("SELECT address_hash FROM contacts WHERE account_id = $1 AND id = $2", ana)
    made = links(services)
    path = made.stay(RecipientToken(acc.id, 0, ana, hashed)).removeprefix(made.base)

    async def sign() -> object:
        async with services.db.account(acc.id) as tx:
            return await tx.value("SELECT last_act_at FROM contacts WHERE account_id = $1 AND id = $2", ana)

    looked = await client.get(path)
    assert (looked.status, "I would like to stay" in looked.text) == (200, True)
    assert await sign() is None
    answer = await client.post(path, {})
    assert answer.status == 303
    assert "Noted: you stay in touch" in (await client.get(answer.location)).text
    assert await sign() is not None
    async with services.db.account(acc.id) as tx:
        await tx.run("DELETE FROM contacts WHERE account_id = $1")
    assert (await client.get(path)).status == 410
    assert (await client.post(path, {})).status == 303


@pytest.mark.req("B-27")
async def test_the_job_does_a_days_work_and_leaves_a_suspended_account_alone(
    services: Services, make: Make
) -> None:
    acc = await make.account()
    async with services.db.account(acc.id) as tx:
        listed = await make.mailing_list(tx)
        await idle(tx, make, "ana@idle.test", listed, since=clock.now() - timedelta(days=1_200))
    task = Task(acc.id, jobs_inactive.JOB, 0, lane=0, turn=1)
    async with services.db.shared() as tx:
        await tx.run("UPDATE accounts SET status = 'suspended' WHERE id = $1", acc.id)
    await jobs_inactive.watch(services, task)
    assert await mails(services, acc.id, "contacts_inactive") == []
    async with services.db.shared() as tx:
        await tx.run("UPDATE accounts SET status = 'active' WHERE id = $1", acc.id)
    assert await jobs_inactive.watch(services, task) is None
    assert await mails(services, acc.id, "contacts_inactive") == [acc.owner_email]
    assert jobs_inactive.JOB in worker.JOBS


@pytest.mark.req("B-27")
async def test_the_page_says_what_happens_when_and_an_owner_chooses(make: Make, services: Services) -> None:
    acc, person = await start(make)
    place = f"{acc.app}/privacy/inactive"
    assert "Nobody is on this list." in sound(await person.get(place))
    async with services.db.account(acc.id) as tx:
        listed = await make.mailing_list(tx)
        for n in range(60):
            await idle(tx, make, f"p{n}@idle.test", listed)
        await walk(tx, NOW)
    page = sound(await person.get(place))
    assert "60 contacts are on this list." in page
    assert "You are told by mail" in page
    assert "cursor=" in page
    async with services.db.account(acc.id) as tx:
        await inactive.tell(tx, NOW, "https://mailer.test")
    assert "Asked on" in sound(await person.get(place))
    assert (await person.post(place, {"choice": "delete"})).status == 303
    assert "Deleted on" in sound(await person.get(place))
    assert (await person.post(place, {"choice": "keep"})).status == 422
    reader_id, _ = await make.user(acc.id, "analyst")
    reader = await make.signed_in(reader_id)
    assert "An owner can change this." in sound(await reader.get(place))
    assert (await reader.post(place, {"choice": "ask"})).status == 403


@pytest.mark.req("B-27", "C-16")
async def test_leaving_is_a_sign_as_well(services: Services, make: Make) -> None:
    acc = await make.account()
    async with services.db.account(acc.id) as tx:
        listed = await make.mailing_list(tx)
        ana = await idle(tx, make, "ana@idle.test", listed)
        hashed = await tx.value("SELECT address_hash FROM contacts WHERE account_id = $1 AND id = $2", ana)
        who = RecipientToken(acc.id, listed, ana, hashed)
        await subscriptions.unsubscribe(tx, who, method=Method.LINK)
        await walk(tx, NOW)
        assert await emails(tx, "inactive") == set()
