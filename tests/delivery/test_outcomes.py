"""What becomes of a delivery: states, retries, doubt, pausing, cancelling, several lanes."""

import asyncio
from collections import Counter
from datetime import timedelta

import pytest

from mailer import worker
from mailer.core import jobs, work
from sending import outcomes, slots, smtp
from sending.outcomes import GIVE_UP
from sending.smtp import Reply
from tests.delivery.conftest import People, Post
from tests.smtp_server import DIE, Received

LATER = Reply("rcpt", 451, "4.3.0 later")


@pytest.mark.req("S7", "D-13")
def test_the_retry_schedule() -> None:
    minutes, age = [], timedelta(0)
    for attempt in range(100):
        made = outcomes.of(1, LATER, attempts=attempt, age=age)
        if made.status == "failed":
            break
        minutes.append(made.wait.total_seconds() / 60)
        age += made.wait
    assert (made.status, made.reason) == ("failed", "expired")
    for minute, wanted in zip(minutes, [5, 15, 30, 60, 120, 240, 480, 480, 480], strict=False):
        assert 0.9 * wanted <= minute <= 1.1 * wanted
    assert age == GIVE_UP == timedelta(days=4, hours=20)
    assert len(minutes) < 30
    waits = {outcomes.of(1, LATER, attempts=0, age=timedelta(0)).wait for _ in range(20)}
    assert len(waits) > 10


@pytest.mark.req("D-22")
@pytest.mark.parametrize("stage", ["connect", "mail", "rcpt", "data"])
def test_what_never_reached_the_final_dot_is_no_doubt(stage: str) -> None:
    made = outcomes.of(1, Reply(stage, 0, "lost"), attempts=3, age=timedelta(0))  # type: ignore[arg-type]
    assert (made.status, made.tried) == ("queued", False)
    assert made.wait < timedelta(minutes=1)


@pytest.mark.req("D-22", "D-32", "D-33", "S1", "S5")
async def test_each_reply_is_recorded_and_hard_bounces_are_suppressed(post: Post, people: People) -> None:
    replies = {
        "nobody@x.test": "550 5.1.1 <nobody@x.test> unknown",
        "full@x.test": "552 5.2.2 full",
        "policy@x.test": "550 5.7.26 unauthenticated",
        "later@x.test": "450 4.2.0 greylisted",
        "big@x.test": "552 5.3.4 too big",
        "lost@x.test": DIE,
    }
    post.sink.rcpt = {who: reply for who, reply in replies.items() if reply != DIE}
    post.sink.end = lambda mail: DIE if mail.recipient == "lost@x.test" else "250 2.0.0 kept"
    listed = await people("fine@x.test", *replies)
    campaign = await post.campaign([listed])
    await post.run()
    assert await post.states(campaign) == {
        "fine@x.test": ("delivered", ""),
        "nobody@x.test": ("bounced", "hard"),
        "full@x.test": ("bounced", "soft"),
        "policy@x.test": ("bounced", "block"),
        "later@x.test": ("queued", ""),
        "big@x.test": ("failed", "size"),
        "lost@x.test": ("in_doubt", ""),
    }
    assert await post.status(campaign) == "sending"
    async with post.tx() as tx:
        row = await tx.rows(
            """
            SELECT d.attempts, d.smtp_code, d.smtp_reply, d.first_at IS NOT NULL,
                   extract(epoch FROM d.next_at - now())::int
            FROM deliveries d JOIN contacts c ON c.account_id = d.account_id AND c.id = d.contact_id
            WHERE d.account_id = $1 AND c.email = 'later@x.test'
            """
        )
        suppressed = await tx.rows(
            """
            SELECT c.email, s.list_id, s.reason, s.campaign_id
            FROM suppressions s JOIN contacts c ON c.account_id = s.account_id AND c.address_hash = s.address_hash
            WHERE s.account_id = $1
            """
        )
        balance = await outcomes.balance(tx, campaign)
    attempts, code, reply, tried, wait = row[0]
    assert (attempts, code, reply, tried) == (1, 450, "4.2.0 greylisted", True)
    assert 260 <= wait <= 340
    assert suppressed == [("nobody@x.test", None, "bounced", campaign)]
    assert (balance.audience, balance.sent, balance.deferred, balance.in_doubt, balance.ended) == (
        7,
        4,
        1,
        1,
        6,
    )
    assert balance.next_at is not None


@pytest.mark.req("D-13", "S7")
async def test_a_deferred_mail_goes_again_when_due_and_expires_at_last(post: Post, people: People) -> None:
    post.sink.rcpt = {"never@x.test": "450 4.2.0 later", "soon@x.test": "450 4.2.0 later"}
    campaign = await post.campaign([await people("never@x.test", "soon@x.test")])
    await post.run()
    assert post.sink.seen == []
    post.sink.rcpt = {"never@x.test": "450 4.2.0 later"}
    async with post.tx() as tx:
        await tx.run(
            """
            UPDATE deliveries d SET next_at = now(), first_at = now() - CASE WHEN c.email = 'never@x.test'
                THEN interval '4 days 20 hours' ELSE interval '5 minutes' END
            FROM contacts c WHERE d.account_id = $1 AND c.account_id = $1 AND c.id = d.contact_id
            """
        )
        await work.add(tx, "sending.send", campaign, lane=0)
    await post.run()
    assert await post.states(campaign) == {
        "never@x.test": ("failed", "expired"),
        "soon@x.test": ("delivered", ""),
    }
    assert await post.status(campaign) == "sent"


async def test_a_server_that_is_away_costs_nobody_a_try(post: Post, people: People) -> None:
    listed = await people(count=30)
    campaign = await post.campaign([listed])
    await post.sink.stop()
    await post.run()
    assert set((await post.states(campaign)).values()) == {("queued", "")}
    async with post.tx() as tx:
        rows = await tx.rows(
            """
            SELECT max(attempts), max(extract(epoch FROM next_at - now()))::int
            FROM deliveries WHERE account_id = $1 AND campaign_id = $2
            """,
            campaign,
        )
    assert rows[0][0] == 0
    assert rows[0][1] < 60
    async with post.sink:
        async with post.tx() as tx:
            await tx.run("UPDATE deliveries SET next_at = now() WHERE account_id = $1")
            for lane in (0, 1):
                await work.add(tx, "sending.send", campaign, lane=lane)
        await post.run()
    assert Counter(post.sink.recipients) == Counter([*await post.states(campaign)])
    assert await post.status(campaign) == "sent"


async def test_a_server_dying_within_data_leaves_only_doubt_behind(post: Post, people: People) -> None:
    """Every recipient has one mail, but those that are shown in doubt."""
    listed = await people(count=60)
    campaign = await post.campaign([listed])
    count = 0

    async def die_at_20(_: Received) -> str:
        nonlocal count
        count += 1
        if count == 20:
            asyncio.get_running_loop().call_soon(lambda: asyncio.ensure_future(post.sink.stop()))
            await asyncio.sleep(0.05)
            return DIE
        return "250 2.0.0 Ok"

    post.sink.end = die_at_20
    await post.run()
    doubtful = [who for who, (status, _) in (await post.states(campaign)).items() if status == "in_doubt"]
    assert 1 <= len(doubtful) <= smtp.MAX_CONNECTIONS
    post.sink.end = "250 2.0.0 Ok"
    async with post.sink:
        async with post.tx() as tx:
            await tx.run("UPDATE deliveries SET next_at = now() WHERE account_id = $1")
            await work.add(tx, "sending.send", campaign, lane=0)
        await post.run()
    states = await post.states(campaign)
    assert Counter(status for status, _ in states.values())["in_doubt"] == len(doubtful)
    got = Counter(post.sink.recipients)
    assert {who for who, n in got.items() if n > 1} == set()
    assert {who for who in states if who not in doubtful} <= set(got)


@pytest.mark.req("D-22", "S2")
async def test_pausing_and_resuming_sends_nobody_twice(post: Post, people: People) -> None:
    listed = await people(count=150)
    campaign = await post.campaign([listed])
    await post.prepared(campaign)

    async def pause_at_30(_: Received) -> str:
        if len(post.sink.accepted) == 30:
            async with post.tx() as tx:
                await tx.run(
                    "UPDATE campaigns SET status = 'paused' WHERE account_id = $1 AND id = $2", campaign
                )
        return "250 2.0.0 Ok"

    post.sink.end = pause_at_30
    await post.run()
    sent = len(post.sink.accepted)
    assert 30 <= sent <= 30 + slots.IN_FLIGHT
    states = Counter(status for status, _ in (await post.states(campaign)).values())
    assert states == {"delivered": sent, "queued": 150 - sent}
    post.sink.end = "250 2.0.0 Ok"
    async with post.tx() as tx:
        from sending import lanes

        await tx.run("UPDATE campaigns SET status = 'sending' WHERE account_id = $1 AND id = $2", campaign)
        await lanes.start(tx, campaign, 2)
    await post.run()
    assert Counter(post.sink.recipients) == Counter([*await post.states(campaign)])
    assert await post.status(campaign) == "sent"


@pytest.mark.req("S1", "S2")
async def test_cancelling_ends_what_has_not_left(post: Post, people: People) -> None:
    listed = await people(count=120)
    campaign = await post.campaign([listed])
    await post.prepared(campaign)

    async def cancel_at_20(mail: Received) -> str:
        if len(post.sink.accepted) == 20:
            async with post.tx() as tx:
                await tx.run(
                    "UPDATE campaigns SET status = 'cancelled' WHERE account_id = $1 AND id = $2", campaign
                )
                await outcomes.cancel_open(tx, campaign)
        return "451 4.3.0 later" if len(post.sink.seen) % 3 == 0 else "250 2.0.0 Ok"

    post.sink.end = cancel_at_20
    await post.run()
    states = Counter(status for status, _ in (await post.states(campaign)).values())
    assert set(states) == {"delivered", "cancelled"}
    assert states["delivered"] == len(post.sink.accepted)
    assert await post.status(campaign) == "cancelled"


@pytest.mark.req("D-22", "S3")
async def test_several_lanes_never_send_the_same_row(post: Post, people: People) -> None:
    listed = await people(count=300)
    campaign = await post.campaign([listed])
    await post.prepared(campaign)
    async with post.tx() as tx:
        from sending import lanes

        await lanes.start(tx, campaign, 4)
    due = [task for task in await work.due(post.services.db, 1_000_000) if task.ref_id == campaign]
    due = [task for task in due if task.account_id == post.account.id]
    assert {task.lane for task in due} == {0, 1, 2, 3}
    await asyncio.gather(*(jobs.run_turn(post.services, worker.JOBS, task) for task in due))
    await post.run()
    assert Counter(post.sink.recipients) == Counter([*await post.states(campaign)])
    assert await post.status(campaign) == "sent"
    assert slots.of_campaigns()._held == {}


@pytest.mark.req("S1")
async def test_a_worker_has_at_most_64_rows_in_hand_over(post: Post, people: People) -> None:
    campaigns = [await post.campaign([await people(count=90)]) for _ in range(3)]
    most = 0

    async def look(_: Received) -> str:
        nonlocal most
        async with post.tx() as tx:
            n = await tx.value("SELECT count(*) FROM deliveries WHERE account_id = $1 AND status = 'handing'")
        most = max(most, n)
        return "250 2.0.0 Ok"

    post.sink.end = look
    for _ in range(6):
        due = [
            task for task in await work.due(post.services.db, 1_000_000) if task.account_id == post.account.id
        ]
        await asyncio.gather(*(jobs.run_turn(post.services, worker.JOBS, task) for task in due))
    assert {await post.status(campaign) for campaign in campaigns} == {"sent"}
    assert 16 < most <= 64


@pytest.mark.req("D-22", "S3")
async def test_what_a_dead_turn_left_is_settled_by_the_next(post: Post, people: People) -> None:
    from sending import claims, personal
    from sending.claims import Ready, Turn

    listed = await people(count=9)
    campaign = await post.campaign([listed])
    await post.prepared(campaign)
    async with post.tx() as tx:
        month = await tx.value("SELECT month FROM campaigns WHERE account_id = $1 AND id = $2", campaign)
        dead = Turn(campaign, month, 0)
        rows = await claims.claim(tx, dead, limit=6)
        maker = await personal.maker(tx, post.services, campaign)
        ready = [
            Ready(contact_id=row.contact_id, person=row.person, tracking=maker.tracking(row.person))
            for row in rows[:4]
            if row.person
        ]
        begun = await claims.step(tx, dead, [], ready)
    assert len(begun) == 4
    await post.run()
    states = await post.states(campaign)
    assert Counter(status for status, _ in states.values()) == {"in_doubt": 4, "delivered": 5}
    assert await post.status(campaign) == "sent"
    assert len(post.sink.accepted) == 5
    # the worker was not dead after all: its reply resolves the doubt, and nothing else
    async with post.tx() as tx:
        late = [
            outcomes.of(one, Reply("end", 250, "2.0.0 Ok"), attempts=0, age=timedelta(0)) for one in begun
        ]
        await claims.step(tx, dead, late[:2], [])
        await claims.step(tx, Turn(campaign, month, 0), late[2:], [])
    assert Counter(status for status, _ in (await post.states(campaign)).values()) == {
        "in_doubt": 2,
        "delivered": 7,
    }
