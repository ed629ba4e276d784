"""The queue of an account's messages: states, tries, time limits, and a stream of its own."""

import asyncio
from datetime import timedelta

import pytest

from lists import bounce_standing
from mailer import worker
from mailer.core import clock, jobs, work
from mailer.core.work import Task
from sending import feedback_counts, slots, smtp, smtp_url, soft_bounces, transactional, transactional_turns
from sending.feedback import Reason
from sending.soft_bounces import SoftBounce
from tests.make import Make
from tests.smtp_server import DIE, Received
from tests.transactional.conftest import Counter


async def _row(counter: Counter) -> dict[str, object]:
    async with counter.services.db.account(counter.account.id) as tx:
        [(row,)] = await tx.rows(
            "SELECT to_jsonb(m) - 'envelope' - 'content' FROM messages m WHERE account_id = $1"
        )
    return dict(row)


async def _due_now(counter: Counter) -> None:
    async with counter.services.db.account(counter.account.id) as tx:
        await tx.run("UPDATE messages SET next_at = now() WHERE account_id = $1")
        await work.add(tx, transactional.JOB, 0)


@pytest.mark.req("D-13", "S7")
async def test_a_deferred_message_goes_again_and_then_arrives(counter: Counter) -> None:
    counter.sink.rcpt = {"ana@example.test": "451 4.7.1 greylisted"}
    message_id = (await counter.ask()).json()["id"]
    await counter.run()
    shown = await counter.show(message_id)
    assert (shown["status"], shown["smtp_code"], shown["attempts"]) == ("deferred", 451, 1)
    counter.sink.rcpt = {}
    await _due_now(counter)
    await counter.run()
    assert (await counter.show(message_id))["status"] == "delivered"
    assert len(counter.sink.to("ana@example.test")) == 1


@pytest.mark.req("D-13")
async def test_it_is_given_up_when_its_time_is_over(counter: Counter) -> None:
    counter.sink.rcpt = {"ana@example.test": "451 4.7.1 later"}
    message_id = (await counter.ask(expires_after=120)).json()["id"]
    await counter.run()
    row = await _row(counter)
    # S7 says five minutes: the last try comes before the end instead
    assert str(row["next_at"]) < str(row["expires_at"])
    async with counter.services.db.account(counter.account.id) as tx:
        await tx.run("UPDATE messages SET expires_at = now() + interval '5 s' WHERE account_id = $1")
    await _due_now(counter)
    await counter.run()
    assert (await counter.show(message_id))["reason"] == "expired"
    second = (await counter.ask()).json()["id"]
    async with counter.services.db.account(counter.account.id) as tx:
        await tx.run("UPDATE messages SET expires_at = now() WHERE account_id = $1 AND id = $2", second)
    seen = len(counter.sink.commands)
    await counter.run()
    assert (await counter.show(second))["reason"] == "expired"
    assert counter.sink.commands[seen:] == []


@pytest.mark.req("D-33")
async def test_a_hard_bounce_stops_the_next_one_though_nobody_is_a_contact(counter: Counter) -> None:
    counter.sink.rcpt = {"ana@example.test": "550 5.1.1 unknown"}
    message_id = (await counter.ask()).json()["id"]
    await counter.run()
    shown = await counter.show(message_id)
    assert (shown["status"], shown["reason"], shown["contact_id"]) == ("bounced", "hard", None)
    assert (await counter.ask()).json()["errors"][0]["code"] == "bounced"


@pytest.mark.req("D-33")
async def test_a_full_mailbox_adds_to_the_score_as_a_campaigns_does(counter: Counter) -> None:
    async with counter.services.db.account(counter.account.id) as tx:
        contact = await counter.make.contact(tx, "ana@example.test")
    counter.sink.rcpt = {"ana@example.test": "552 5.2.2 mailbox full", "bob@example.test": "552 5.2.2 full"}
    full = (await counter.ask()).json()["id"]
    nobody = (await counter.ask(to={"email": "bob@example.test"})).json()["id"]
    await counter.run()
    assert {(await counter.show(one))["reason"] for one in (full, nobody)} == {"soft"}
    async with counter.services.db.account(counter.account.id) as tx:
        standing = await bounce_standing.of_contact(tx, contact)
        scores = await tx.value("SELECT count(*)::int FROM soft_bounces WHERE account_id = $1")
        today = clock.now().date()
        counted = await feedback_counts.over(tx, today - timedelta(days=1), today)
    assert standing is not None
    assert (standing.days, standing.reason, scores) == (1, "mailbox full", 1)
    assert [(one.kind, one.reason, one.n) for one in counted] == [("soft", "mailbox full", 2)]


@pytest.mark.req("D-33")
async def test_five_days_in_two_weeks_of_messages_give_the_address_up(counter: Counter) -> None:
    async with counter.services.db.account(counter.account.id) as tx:
        contact = await counter.make.contact(tx, "ana@example.test")
        earlier = [
            SoftBounce(contact_id=contact, reason=Reason.MAILBOX_FULL, at=clock.now() - timedelta(days=days))
            for days in (16, 12, 8, 4)
        ]
        assert await soft_bounces.add(tx, earlier) == []
    counter.sink.rcpt = {"ana@example.test": "552 5.2.2 mailbox full"}
    await counter.ask()
    await counter.run()
    assert (await counter.ask()).json()["errors"][0]["code"] == "bounced"


@pytest.mark.req("D-33")
async def test_a_message_that_its_caller_let_expire_counts_for_nothing(counter: Counter) -> None:
    async with counter.services.db.account(counter.account.id) as tx:
        await counter.make.contact(tx, "ana@example.test")
    counter.sink.rcpt = {"ana@example.test": "451 4.7.1 greylisted"}
    await counter.ask(expires_after=120)
    await counter.run()
    async with counter.services.db.account(counter.account.id) as tx:
        await tx.run("UPDATE messages SET expires_at = now() WHERE account_id = $1")
    await _due_now(counter)
    await counter.run()
    async with counter.services.db.account(counter.account.id) as tx:
        assert await tx.value("SELECT count(*)::int FROM soft_bounces WHERE account_id = $1") == 0


@pytest.mark.req("D-22", "S1")
async def test_a_lost_reply_is_a_doubt_and_only_a_person_sends_it_again(counter: Counter) -> None:
    counter.sink.end = DIE
    message_id = (await counter.ask()).json()["id"]
    await counter.run()
    await _due_now(counter)
    await counter.run()
    assert (await counter.show(message_id))["status"] == "in_doubt"
    assert len(counter.sink.seen) == 1
    counter.sink.end = "250 Ok"
    again = await counter.program.post(f"/api/v1/messages/{message_id}/resends", json={})
    assert again.status == 202
    await counter.run()
    assert (await counter.show(message_id))["status"] == "delivered"
    first, second = counter.sink.seen
    assert first.message["Message-ID"] == second.message["Message-ID"]
    assert (await counter.program.post(f"/api/v1/messages/{message_id}/resends", json={})).status == 409


@pytest.mark.req("D-22", "S1")
async def test_what_a_dead_worker_left_is_sent_once_or_in_doubt(counter: Counter) -> None:
    ids = [(await counter.ask(to={"email": f"p{n}@dead.test"})).json()["id"] for n in range(3)]
    async with counter.services.db.account(counter.account.id) as tx:
        await tx.run(
            "UPDATE messages SET status = 'handing', turn = 1 WHERE account_id = $1 AND id = $2", ids[0]
        )
        await tx.run(
            "UPDATE messages SET status = 'claimed', turn = 1 WHERE account_id = $1 AND id = $2", ids[1]
        )
    await counter.run()
    states = [(await counter.show(message_id))["status"] for message_id in ids]
    assert states == ["in_doubt", "delivered", "delivered"]
    assert sorted(counter.sink.recipients) == ["p1@dead.test", "p2@dead.test"]


async def test_a_server_that_is_away_costs_no_try(counter: Counter) -> None:
    message_id = (await counter.ask()).json()["id"]
    await counter.sink.stop()
    await counter.run()
    shown = await counter.show(message_id)
    assert (shown["status"], shown["attempts"]) == ("deferred", 0)
    await counter.sink.__aenter__()
    await _due_now(counter)
    await counter.run()
    assert (await counter.show(message_id))["status"] == "delivered"


async def test_a_turn_takes_what_comes_meanwhile_and_one_row_of_work_stands_for_all(counter: Counter) -> None:
    late: list[str] = []

    async def more(mail: Received) -> str:
        if not late:
            late.append(mail.recipient)
            await counter.ask(to={"email": "late@example.test"})
        return "250 Ok"

    counter.sink.end = more
    for n in range(20):
        await counter.ask(to={"email": f"p{n}@burst.test"})
    async with counter.services.db.shared() as tx:
        rows = await tx.value("SELECT count(*) FROM work WHERE account_id = $1", counter.account.id)
    assert rows == 1
    task = Task(counter.account.id, transactional.JOB, 0, 0, 1)
    assert await jobs.run_turn(counter.services, worker.JOBS, task)
    assert len(counter.sink.accepted) == 21
    assert len(set(counter.sink.recipients)) == 21
    assert 1 < counter.sink.most_open <= transactional_turns.CONNECTIONS


@pytest.mark.req("D-45", "S1")
async def test_a_deleted_contact_and_a_withdrawn_sender_stop_what_waits(counter: Counter) -> None:
    async with counter.services.db.account(counter.account.id) as tx:
        contact = await counter.make.contact(tx, "ana@example.test")
    gone = (await counter.ask()).json()["id"]
    async with counter.services.db.account(counter.account.id) as tx:
        await tx.run("DELETE FROM contacts WHERE account_id = $1 AND id = $2", contact)
    await counter.run()
    assert (await counter.show(gone))["reason"] == "deleted"
    withdrawn = (await counter.ask()).json()["id"]
    async with counter.services.db.account(counter.account.id) as tx:
        await tx.run("UPDATE senders SET status = 'revoked', confirmed_at = NULL WHERE account_id = $1")
    await counter.run()
    assert (await counter.show(withdrawn))["reason"] == "sender"
    assert counter.sink.seen == []


async def test_a_suspended_account_keeps_them_and_a_closed_one_cancels_them(counter: Counter) -> None:
    message_id = (await counter.ask()).json()["id"]
    async with counter.services.db.shared() as tx:
        await tx.run("UPDATE accounts SET status = 'suspended' WHERE id = $1", counter.account.id)
    await counter.run()
    assert (await counter.show(message_id))["status"] == "queued"
    async with counter.services.db.account(counter.account.id) as tx:
        await work.add(tx, "sending.stop_account", counter.account.id)
    stop = Task(counter.account.id, "sending.stop_account", counter.account.id, 0, 1)
    await jobs.run_turn(counter.services, worker.JOBS, stop)
    assert (await counter.show(message_id))["status"] == "cancelled"
    await counter.run()
    assert counter.sink.seen == []


@pytest.mark.req("S13")
async def test_content_that_waits_is_sealed_under_the_new_day(counter: Counter) -> None:
    await counter.ask(expires_after=4 * 86_400)
    before = await _row(counter)
    counter.sink.rcpt = {"ana@example.test": "451 later"}
    clock.shift(timedelta(days=1))
    await counter.run()
    after = await _row(counter)
    assert str(after["key_day"]) > str(before["key_day"])
    counter.sink.rcpt = {}
    await _due_now(counter)
    await counter.run()
    assert counter.sink.recipients == ["ana@example.test"]


@pytest.mark.req("D-82")
async def test_messages_have_places_and_connections_that_no_campaign_takes(counter: Counter) -> None:
    server = smtp_url.server(counter.services.settings)
    assert server is not None
    campaigns = smtp.pool(server, "x.test")
    holder = Task(1, "sending.send", 1, 0, 0)
    async with asyncio.timeout(20):
        # every place and connection of campaigns is taken
        assert await slots.of_campaigns().take(holder, 1000) == slots.IN_FLIGHT - slots.FOR_MESSAGES
        for _ in range(campaigns.size):
            await campaigns._places.acquire()
        message_id = (await counter.ask()).json()["id"]
        await counter.run()
    slots.of_campaigns().leave(holder)
    assert (await counter.show(message_id))["status"] == "delivered"
    assert slots.of_campaigns().size + slots.of_messages().size == slots.IN_FLIGHT


@pytest.mark.req("D-82", "S3")
async def test_urgent_work_rings_in_a_queue_of_its_own(counter: Counter, make: Make) -> None:
    rung: dict[str, str] = {}

    class Bell:
        async def enqueue_job(
            self, _: str, *task: object, _job_id: str, _queue_name: str, **_more: object
        ) -> None:
            rung[str(task[1])] = _queue_name

    await counter.ask()
    async with counter.services.db.account(counter.account.id) as tx:
        await work.add(tx, "sending.prepare", 1)
        # a tick rings the oldest, and other tests leave work behind
        await tx.shared().run(
            "UPDATE work SET run_at = run_at - interval '1 year' WHERE account_id = $1", tx.account_id
        )
    await worker.tick({"services": counter.services, "redis": Bell()})
    assert rung[transactional.JOB] == worker.URGENT
    assert rung["sending.prepare"] == worker.QUEUE
    assert worker.JOBS["sending.send_system_mail"].urgent
