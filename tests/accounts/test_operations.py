"""The operator's shell: what is late, accounts by their counters, and what is held."""

import html
import re
from datetime import timedelta

import pytest

from mailer import worker
from mailer.accounts import operations
from mailer.app import APP_ROUTES
from mailer.core import clock
from mailer.core.services import Services
from tests.accounts.test_breaches import mails, operator
from tests.make import Account, Make


@pytest.fixture
async def calm(services: Services) -> None:
    """Other tests leave work behind."""
    async with services.db.shared() as tx:
        await tx.run("DELETE FROM work")
        await tx.run("DELETE FROM provider_pauses")
        await tx.run("DELETE FROM retention_runs")
        await tx.run("UPDATE outbox SET failed_at = NULL")
    for queue in operations.QUEUES:
        await services.redis.set(f"{queue}:health-check", b"x")


def test_the_queues_are_those_of_the_workers() -> None:
    assert set(operations.QUEUES) == {
        worker.TICK,
        worker.QUEUE,
        worker.URGENT,
        worker.WAITS,
        worker.BACKGROUND,
    }


@pytest.mark.usefixtures("calm")
async def test_health_says_what_is_late_and_else_that_everything_is_on_time(
    services: Services, make: Make
) -> None:
    person = await operator(make)
    on_time = "Tout est à l’heure."
    assert on_time in (await person.get("/app/operator")).text
    faults = {
        "INSERT INTO work (account_id, job, ref_id, run_at) VALUES (0, 'lists.import_csv', 1, now() - interval '2 minutes')": "lists.import_csv",
        "INSERT INTO work (account_id, job, ref_id, run_at, attempts, last_error) VALUES (0, 'x.y', 1, now() + interval '1 hour', 3, 'OSError at smtp.py:12')": "OSError at smtp.py:12",
        "INSERT INTO provider_pauses (server, profile, until, reply) VALUES ('s', 'orange', now() + interval '1 hour', '421 4.7.0')": "421 4.7.0",
        "INSERT INTO retention_runs (rule, last_run_at) VALUES ('sessions', now() - interval '2 hours')": "sessions",
    }
    for fault, said in faults.items():
        async with services.db.connection() as connection:
            await connection.execute(fault)
        shown = (await person.get("/app/operator")).text
        assert said in shown
        assert on_time not in shown
        async with services.db.connection() as connection:
            await connection.execute(
                "DELETE FROM work; DELETE FROM provider_pauses; DELETE FROM retention_runs"
            )
    await services.redis.delete("mailer:urgent:health-check")
    assert on_time not in (await person.get("/app/operator")).text
    assert (await (await make.signed_in((await make.account()).owner_id)).get("/app/operator")).status == 404


async def _sent(services: Services, account: Account) -> None:
    async with services.db.account(account.id) as tx:
        await tx.run(
            "INSERT INTO day_counts (account_id, day, begun) VALUES ($1, current_date, 4321), ($1, current_date - 31, 9)"
        )
        await tx.run(
            """
            INSERT INTO feedback_counts (account_id, day, kind, reason, profile, source, n)
            VALUES ($1, current_date, 'hard', 'no_mailbox', 'orange', 'smtp', 17),
                   ($1, current_date, 'complaint', 'spam', 'orange', 'mail', 3)
            """
        )


async def _held(services: Services, account: Account, reason: str = "complaints") -> int:
    async with services.db.account(account.id) as tx:
        return await tx.value(
            """
            INSERT INTO campaigns (account_id, name, status, pause_reason, audience)
            VALUES ($1, 'Soldes secrètes', 'paused', $2, 900)
            RETURNING id
            """,
            reason,
        )


@pytest.mark.req("A-017")
async def test_accounts_are_shown_by_their_counters_and_pages_go_on(services: Services, make: Make) -> None:
    made = [await make.account() for _ in range(27)]
    await _sent(services, made[-1])
    await _held(services, made[-1])
    person = await operator(make)
    first = (await person.get("/app/operator/accounts")).text
    row = next(part for part in first.split('<tr role="row">') if f">{made[-1].id} Pain" in part)
    for figure in ("4\N{NARROW NO-BREAK SPACE}321", ">17<", ">3<", ">1<"):
        assert figure in row
    assert "Soldes secrètes" not in first
    assert f">{made[0].id} Pain" not in first
    following = first.partition("cursor=")[2].partition('"')[0]
    assert f">{made[0].id} Pain" in (await person.get(f"/app/operator/accounts?cursor={following}")).text
    async with services.db.shared() as tx:
        await tx.run("UPDATE accounts SET name = 'Zébulon' WHERE id = $1", made[3].id)
    found = (await person.get("/app/operator/accounts?name=zébu&status=active")).text
    assert found.count('role="rowheader"') == 1
    assert "Zébulon" in found
    assert 'role="rowheader"' not in (await person.get("/app/operator/accounts?name=zébu&status=closed")).text


async def test_an_account_that_waits_is_let_in_or_refused_with_a_reason_it_reads(
    services: Services, make: Make
) -> None:
    good, bad = await make.account(), await make.account()
    async with services.db.shared() as tx:
        await tx.run(
            "UPDATE accounts SET status = 'pending' WHERE id = ANY ($1::bigint[])", [good.id, bad.id]
        )
    person = await operator(make)
    base = "/app/operator/holds"
    assert f"{base}/{good.id}/release" in (await person.get(base)).text
    assert (await person.post(f"{base}/{good.id}/release")).status == 303
    assert (await person.post(f"{base}/{bad.id}/refusal", {"reason": ""})).status == 422
    assert (await person.post(f"{base}/{bad.id}/refusal", {"reason": "Activité non vérifiée"})).status == 303
    assert (await person.post(f"{base}/{bad.id}/release")).status == 404
    async with services.db.shared() as tx:
        rows = await tx.rows(
            "SELECT status, status_reason FROM accounts WHERE id = ANY ($1::bigint[]) ORDER BY id",
            [good.id, bad.id],
        )
    assert rows == [("active", ""), ("suspended", "Activité non vérifiée")]
    (mail,) = await mails(services, "hold_decided", bad.owner_email)
    assert mail["reason"] == "Activité non vérifiée"
    (mail,) = await mails(services, "hold_decided", good.owner_email)
    assert mail["reason"] == ""


async def test_a_stopped_campaign_is_released_or_refused_and_only_such_a_one(
    services: Services, make: Make
) -> None:
    account, other = await make.account(), await make.account()
    released, refused = await _held(services, account), await _held(services, account, "bounces")
    by_hand = await _held(services, account, "")
    person = await operator(make)
    base = f"/app/operator/holds/{account.id}/campaigns"
    shown, following = "", "/app/operator/holds"
    while following:
        # other tests' accounts stand before these
        page = (await person.get(following)).text
        shown += page
        # the pager's link: those of the languages lead to this same page
        found = re.search(r'<a class="btn" href="(/app/operator/holds\?cursor=[^"]+)"', page)
        following = html.unescape(found[1]) if found else ""
    assert f"{base}/{released}/release" in shown
    assert f"{base}/{by_hand}/release" not in shown
    assert "Soldes secrètes" not in shown
    assert (await person.post(f"{base}/{by_hand}/release")).status == 404
    assert (await person.post(f"/app/operator/holds/{other.id}/campaigns/{released}/release")).status == 404
    assert (await person.post(f"{base}/{released}/release")).status == 303
    assert (await person.post(f"{base}/{refused}/refusal", {"reason": "Liste achetée"})).status == 303
    async with services.db.account(account.id) as tx:
        rows = await tx.rows("SELECT id, status FROM campaigns WHERE account_id = $1")
        told = await tx.rows(
            "SELECT actor, action FROM audit WHERE account_id = $1 AND object = 'campaign' ORDER BY id"
        )
    assert dict(rows) == {released: "preparing", refused: "cancelled", by_hand: "paused"}
    assert told == [("operator", "resumed"), ("operator", "cancelled"), ("operator", "refused")]
    assert [one["reason"] for one in await mails(services, "hold_decided", account.owner_email)] == [
        "",
        "Liste achetée",
    ]


async def test_figures_of_a_day_are_there_until_the_window_is_over(services: Services, make: Make) -> None:
    account = await make.account()
    await _sent(services, account)
    async with services.db.shared() as tx:
        found = await operations.accounts(tx, limit=1)
        health = await operations.health(tx, services.redis, clock.now() + timedelta(days=1))
    ((row, figures),) = found.items
    assert (row.id, figures.begun, figures.hard, figures.complaints) == (account.id, 4321, 17, 3)
    assert health.counts.accounts >= 1


async def test_the_menu_leads_to_every_part_of_operations(make: Make) -> None:
    """A page that is reached by its address only is not there for anybody, and no test of all pages meets it."""
    person = await operator(make)
    parts = {
        f"/app{route.path}"
        for route in APP_ROUTES
        if route.method == "GET" and re.fullmatch(r"/operator(/[a-z-]+)?", str(route.path))
    }
    assert len(parts) > 8
    linked = set(re.findall(r'href="(/app/operator[^"?]*)"', (await person.get("/app/operator")).text))
    assert parts - linked == set()
    for place in parts:
        assert (await person.get(place)).status == 200
