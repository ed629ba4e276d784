"""A campaign at the pace of its providers, its sender, its account and its plan, against a real SMTP server."""

import asyncio
from collections import Counter
from collections.abc import Callable
from datetime import timedelta

import pytest

from mailer.accounts import accounts
from mailer.core import clock, jobs
from mailer.core.work import Task
from sending import evidence, lanes, outcomes, pace, provider_pauses, quotas, sends, smtp_url, turns, warm_ups
from sending.warm_ups import NewWarmUp
from tests.delivery.conftest import People, Post
from tests.smtp_server import Received


async def _turns(post: Post, campaign: int, n: int = 2) -> None:
    """All lanes at once, as workers run them."""
    tasks = [Task(post.account.id, lanes.JOB, campaign, lane, 1) for lane in range(n)]
    await asyncio.gather(*(turns.send(post.services, task) for task in tasks))


def _server(post: Post) -> str:
    server = smtp_url.server(post.services.settings)
    assert server is not None
    return pace.server_key(server)


def _answers(post: Post, ending: str, reply: str) -> Callable[[Received], str]:
    """`reply` for this provider's recipients, and yes for the others."""
    return lambda mail: reply if mail.recipient.endswith(ending) else "250 2.0.0 Ok"


@pytest.mark.req("D-66", "D-70", "D-67", "S16")
async def test_never_more_at_once_than_a_provider_allows_and_the_others_do_not_wait(
    post: Post, people: People
) -> None:
    now: Counter[str] = Counter()
    most: Counter[str] = Counter()

    async def slowly(mail: Received) -> str:
        domain = mail.recipient.partition("@")[2]
        kind = "orange" if domain in ("orange.fr", "wanadoo.fr") else "others"
        now[kind] += 1
        most[kind] = max(most[kind], now[kind])
        await asyncio.sleep(0.02)
        now[kind] -= 1
        return "250 2.0.0 Ok"

    post.sink.end = slowly
    listed = await people(*(f"p{n}@{'orange.fr' if n % 2 else 'wanadoo.fr'}" for n in range(40)), count=60)
    campaign = await post.campaign([listed])
    await post.prepared(campaign)
    for _ in range(6):
        await _turns(post, campaign)
        if await post.status(campaign) == "sent":
            break
    assert await post.status(campaign) == "sent"
    assert len(post.sink.accepted) == 100
    assert most["orange"] == 2
    assert most["others"] > 2
    # nobody holds a place any more
    assert await post.services.redis.hgetall(f"pace:{_server(post)}:orange:lanes") == {}


@pytest.mark.req("D-65", "D-63")
async def test_a_connection_carries_no_more_than_its_provider_asks(post: Post, people: People) -> None:
    listed = await people(*(f"p{n}@icloud.com" for n in range(20)))
    campaign = await post.campaign([listed])
    await post.run()
    assert await post.status(campaign) == "sent"
    assert post.sink.connections >= 20 // 5


@pytest.mark.req("D-63", "S16")
async def test_a_pause_holds_one_provider_for_its_time_and_is_remembered_beyond_a_flush(
    post: Post, people: People
) -> None:
    post.sink.end = _answers(post, "@yahoo.fr", "421 4.7.0 [TSS04] Messages deferred")
    listed = await people(*(f"p{n}@yahoo.fr" for n in range(30)), count=30)
    campaign = await post.campaign([listed])
    await post.prepared(campaign)
    await _turns(post, campaign, 1)
    tried = sum(mail.recipient.endswith("@yahoo.fr") for mail in post.sink.seen)
    # what was on its way in five places is told; what was claimed with it is not handed over
    assert 1 <= tried <= 5
    states = await post.states(campaign)
    assert Counter(status for status, _ in states.values()) == {"queued": 30, "delivered": 30}
    async with post.services.db.shared() as tx:
        [kept] = await provider_pauses.running(tx, _server(post))
    assert (kept.profile, "TSS04" in kept.reply) == ("yahoo", True)
    assert timedelta(hours=1, minutes=59) < kept.until - clock.now() <= timedelta(hours=2)
    async with post.tx() as tx:
        await tx.run("UPDATE deliveries SET next_at = now() WHERE account_id = $1 AND status = 'queued'")
    keys = await post.services.redis.keys(f"pace:{_server(post)}:*")
    await post.services.redis.delete(*keys, "pace:known")
    run_at = await turns.send(post.services, Task(post.account.id, lanes.JOB, campaign, 0, 1))
    assert sum(mail.recipient.endswith("@yahoo.fr") for mail in post.sink.seen) == tried
    assert run_at is not None
    assert timedelta(hours=1, minutes=50) < run_at - clock.now() <= timedelta(hours=2)


@pytest.mark.req("D-61", "D-80")
async def test_a_provider_that_refuses_all_is_stopped_the_others_go_on_and_a_person_tries_again(
    post: Post, people: People
) -> None:
    refusal = "550 5.7.26 This mail is unauthenticated"
    post.sink.end = _answers(post, "@gmail.com", refusal)
    listed = await people(*(f"p{n}@gmail.com" for n in range(120)), count=40)
    campaign = await post.campaign([listed])
    await post.run()
    states = await post.states(campaign)
    counts = Counter(states.values())
    assert counts[("delivered", "")] == 40
    assert evidence.REFUSED_IN_A_ROW <= counts[("bounced", "block")] < 120
    assert counts[("queued", "")] == 120 - counts[("bounced", "block")]
    assert ("bounced", "hard") not in counts
    async with post.tx() as tx:
        [stop] = await evidence.stops(tx, campaign)
        reason, figures = (
            await tx.rows(
                "SELECT pause_reason, pause_figures FROM campaigns WHERE account_id = $1 AND id = $2",
                campaign,
            )
        )[0]
    assert (stop.profile, stop.cause, stop.waiting) == ("gmail", "auth", counts[("queued", "")])
    assert "5.7.26" in stop.reply
    assert (await post.status(campaign), reason) == ("paused", "refused")
    assert figures == {"providers": ["gmail"], "waiting": stop.waiting}
    post.sink.end = "250 2.0.0 Ok"
    async with post.tx() as tx:
        await sends.resume(tx, post.services, campaign)
    await post.run()
    assert await post.status(campaign) == "sent"
    assert Counter(await _statuses(post, campaign))["queued"] == 0


async def _statuses(post: Post, campaign: int) -> list[str]:
    return [status for status, _ in (await post.states(campaign)).values()]


@pytest.mark.req("D-80")
async def test_a_stopped_provider_is_tried_again_while_the_others_run(post: Post, people: People) -> None:
    listed = await people("a@gmail.com", count=1)
    campaign = await post.campaign([listed])
    await post.prepared(campaign)
    async with post.tx() as tx:
        await evidence.stop(tx, campaign, "gmail", cause="auth", refused=20, reply="5.7.26")
        queues = {queue.profile: queue.stopped for queue in await lanes.queues(tx, campaign)}
        assert queues == {"default": False, "gmail": True}
        await evidence.try_again(tx, campaign, "gmail")
    await post.run()
    assert await post.status(campaign) == "sent"
    assert "a@gmail.com" in post.sink.recipients


@pytest.mark.req("D-80", "A-045")
async def test_too_many_hard_bounces_pause_with_their_figures_and_resuming_is_no_second_pause(
    post: Post, people: People
) -> None:
    listed = await people(count=300)
    bad = [f"p{n}@people-{listed}.test" for n in range(0, 300, 2)]
    post.sink.rcpt = dict.fromkeys(bad, "550 5.1.1 User unknown")
    campaign = await post.campaign([listed])
    await post.run()
    async with post.tx() as tx:
        status, reason, figures = (
            await tx.rows(
                "SELECT status, pause_reason, pause_figures FROM campaigns WHERE account_id = $1 AND id = $2",
                campaign,
            )
        )[0]
        audited = await tx.value(
            "SELECT count(*) FROM audit WHERE account_id = $1 AND action = 'paused' AND object_id = $2",
            campaign,
        )
    assert (status, reason, audited) == ("paused", "bounces", 1)
    assert 25 < figures["hard"] <= figures["sent"] < 300
    waiting = Counter(await _statuses(post, campaign))["queued"]
    assert waiting > 0
    post.sink.rcpt = {}
    async with post.tx() as tx:
        await sends.resume(tx, post.services, campaign)
        assert (await evidence.figures(tx, campaign)).sent == 0
    await post.run()
    assert await post.status(campaign) == "sent"
    assert Counter(await _statuses(post, campaign))["queued"] == 0


@pytest.mark.req("D-80")
@pytest.mark.parametrize(
    ("hard", "sent", "pauses"),
    [(25, 60, False), (26, 60, True), (26, 500, True), (10, 501, False), (11, 501, True), (20, 1000, False), (21, 1000, True)],
)  # fmt: skip
def test_limits_of_bounces(hard: int, sent: int, pauses: bool) -> None:
    assert evidence.Figures(delivered=sent - hard, hard=hard, sent=sent, complaints=0).bounces_pause == pauses


@pytest.mark.req("D-80")
@pytest.mark.parametrize(
    ("complaints", "delivered", "warns", "pauses"),
    [(0, 1000, False, False), (1, 1001, False, False), (1, 1000, True, False), (2, 1000, True, False), (3, 1000, True, True), (1, 10, True, False), (2, 10, True, True)],
)  # fmt: skip
def test_limits_of_complaints(complaints: int, delivered: int, warns: bool, pauses: bool) -> None:
    found = evidence.Figures(delivered=delivered, hard=0, sent=delivered, complaints=complaints)
    assert (found.complaints_warn, found.complaints_pause) == (warns, pauses)


@pytest.mark.req("D-80")
@pytest.mark.parametrize(
    ("unsubscribed", "delivered", "warns"), [(20, 1000, False), (21, 1000, True), (4, 10, False)]
)
def test_many_unsubscribes_warn(unsubscribed: int, delivered: int, warns: bool) -> None:
    found = evidence.Figures(
        delivered=delivered, hard=0, sent=delivered, complaints=0, unsubscribed=unsubscribed
    )
    assert found.unsubscribes_warn == warns


@pytest.mark.req("D-80")
async def test_complaints_are_counted_from_events_and_pause(post: Post, people: People) -> None:
    listed = await people(count=4)
    campaign = await post.campaign([listed])
    await post.prepared(campaign)
    async with post.tx() as tx:
        await tx.run(
            """
            INSERT INTO events (account_id, id, at, campaign_id, contact_id, kind)
            SELECT $1, 'c' || contact_id, now(), campaign_id, contact_id, 'complaint'
            FROM deliveries WHERE account_id = $1 AND campaign_id = $2 LIMIT 2
            """,
            campaign,
        )
    assert await turns.send(post.services, Task(post.account.id, lanes.JOB, campaign, 0, 1)) is None
    assert (await post.status(campaign), post.sink.seen) == ("paused", [])
    async with post.tx() as tx:
        await sends.resume(tx, post.services, campaign)
    await post.run()
    assert await post.status(campaign) == "sent"


async def _limit(post: Post, **columns: int | None) -> None:
    async with post.services.db.shared() as tx:
        await tx.run(
            "UPDATE accounts SET per_day = $2, per_month = $3 WHERE id = $1",
            post.account.id,
            columns.get("per_day"),
            columns.get("per_month"),
        )


@pytest.mark.req("S1")
async def test_a_quota_ends_the_day_exactly_and_the_campaign_goes_on_the_next(
    post: Post, people: People
) -> None:
    await _limit(post, per_day=70)
    listed = await people(count=100)
    campaign = await post.campaign([listed])
    await post.prepared(campaign)
    await _turns(post, campaign, 3)
    assert len(post.sink.accepted) == 70
    run_at = await turns.send(post.services, Task(post.account.id, lanes.JOB, campaign, 0, 1))
    assert len(post.sink.accepted) == 70
    async with post.tx() as tx:
        quota = await quotas.today(tx)
    assert quota is not None
    assert (quota.left, quota.begun, run_at) == (0, 70, quota.tomorrow)
    assert await post.status(campaign) == "sending"
    async with post.tx() as tx:
        # as the wrapper of jobs would put the lanes off; an operator who allows more wakes them
        await tx.shared().run("UPDATE work SET run_at = $2 WHERE account_id = $1", tx.account_id, run_at)
        await accounts.limit(tx, per_day=71, per_month=None)
    assert await post.run() > 0
    assert len(post.sink.accepted) == 71
    clock.shift(quota.tomorrow - clock.now() + timedelta(seconds=1))
    await _turns(post, campaign, 1)
    assert sorted(post.sink.recipients) == sorted(await post.states(campaign))


async def test_a_quota_counts_what_left_before_it_was_set(post: Post, people: People) -> None:
    first = await post.campaign([await people(count=5)])
    await post.run()
    assert await post.status(first) == "sent"
    await _limit(post, per_day=8)
    second = await post.campaign([await people(count=6)])
    await post.run()
    assert Counter(await _statuses(post, second)) == {"delivered": 3, "queued": 3}
    await _limit(post, per_day=8, per_month=8)
    async with post.tx() as tx:
        quota = await quotas.today(tx)
    assert quota is not None
    assert quota.resumes_at == quota.next_month


@pytest.mark.req("D-81")
async def test_a_warm_up_gives_each_provider_its_day_and_the_engaged_go_first(
    post: Post, people: People
) -> None:
    listed = await people(*(f"p{n}@gmail.com" for n in range(12)), count=12)
    async with post.tx() as tx:
        await warm_ups.start(tx, f"pain-{post.account.id}.test", NewWarmUp(first_cap=5))
        await tx.run(
            "UPDATE contacts SET last_act_at = now() WHERE account_id = $1 AND email = ANY ($2::text[])",
            ["p9@gmail.com", "p11@gmail.com"],
        )
    campaign = await post.campaign([listed])
    await post.prepared(campaign)
    await _turns(post, campaign, 2)
    assert sum(who.endswith("@gmail.com") for who in post.sink.recipients) == 5
    assert {"p9@gmail.com", "p11@gmail.com"} <= set(post.sink.recipients)
    assert len(post.sink.recipients) == 10
    run_at = await turns.send(post.services, Task(post.account.id, lanes.JOB, campaign, 0, 1))
    assert run_at is not None
    assert run_at > clock.now() + timedelta(minutes=1)
    clock.shift(timedelta(days=1))
    await _turns(post, campaign, 2)
    assert await post.status(campaign) == "sent"
    async with post.tx() as tx:
        plan = await warm_ups.show(tx, f"pain-{post.account.id}.test")
    assert plan is not None
    gmail = next(one for one in plan.providers if one.profile == "gmail")
    assert (gmail.step, gmail.cap, gmail.begun, gmail.frozen) == (1, 10, 7, False)


@pytest.mark.req("D-81")
@pytest.mark.parametrize(
    ("step", "begun", "deferred", "next_step"),
    [(0, 50, 0, 1), (0, 25, 0, 1), (0, 24, 0, 0), (3, 400, 40, 4), (3, 400, 41, 3), (3, 400, 9, 4), (0, 50, 9, 1)],
)  # fmt: skip
def test_a_plan_doubles_unless_a_day_was_idle_or_much_was_deferred(
    step: int, begun: int, deferred: int, next_step: int
) -> None:
    assert warm_ups.next_step(50, step, begun, deferred) == next_step


@pytest.mark.req("D-81")
def test_a_plan_ends() -> None:
    assert [warm_ups.cap(50, step, 4) for step in range(6)] == [50, 100, 200, 400, None, None]


@pytest.mark.req("D-81")
async def test_deferrals_freeze_a_providers_plan_and_no_others(post: Post, people: People) -> None:
    domain = f"pain-{post.account.id}.test"
    post.sink.end = _answers(post, "@sfr.fr", "451 4.3.0 Try again later")
    listed = await people(*(f"p{n}@sfr.fr" for n in range(12)), count=12)
    async with post.tx() as tx:
        await warm_ups.start(tx, domain, NewWarmUp(first_cap=12))
    await post.campaign([listed])
    await post.run()
    clock.shift(timedelta(days=1))
    async with post.tx() as tx:
        plan = await warm_ups.show(tx, domain)
    assert plan is not None
    steps = {one.profile: (one.step, one.frozen) for one in plan.providers}
    assert (steps["sfr"], steps["default"]) == ((0, True), (1, False))


@pytest.mark.req("S16")
async def test_a_senders_speed_holds_over_turns(post: Post, people: People) -> None:
    listed = await people(count=12)
    campaign = await post.campaign([listed])
    await post.prepared(campaign)
    async with post.tx() as tx:
        await tx.run("UPDATE senders SET per_second = 5 WHERE account_id = $1")
    begun = asyncio.get_running_loop().time()
    await _turns(post, campaign, 2)
    while len(post.sink.accepted) < 12:
        await _turns(post, campaign, 1)
    # one mail at once, ten a bucket holds at most: the eleven others take two seconds
    assert asyncio.get_running_loop().time() - begun >= 2.0


@pytest.mark.req("S16")
async def test_a_slow_senders_lane_comes_back_when_its_next_mail_may_leave(
    post: Post, people: People
) -> None:
    campaign = await post.campaign([await people(count=3)])
    await post.prepared(campaign)
    async with post.tx() as tx:
        await tx.run("UPDATE senders SET per_second = 0.01 WHERE account_id = $1")
    run_at = await turns.send(post.services, Task(post.account.id, lanes.JOB, campaign, 0, 1))
    assert len(post.sink.accepted) == 1
    assert run_at is not None
    assert timedelta(seconds=90) < run_at - clock.now() <= timedelta(seconds=100)


@pytest.mark.req("S16")
async def test_valkey_away_stops_who_has_a_limit_and_nobody_else(
    post: Post, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def silent(*_: object) -> int:
        raise TimeoutError

    monkeypatch.setattr(pace, "_run", silent)
    campaign = await post.campaign([await people("a@orange.fr", count=5)])
    await post.prepared(campaign)
    run_at = await turns.send(post.services, Task(post.account.id, lanes.JOB, campaign, 0, 1))
    assert Counter(await _statuses(post, campaign)) == {"delivered": 5, "queued": 1}
    assert run_at is not None
    assert clock.now() < run_at <= clock.now() + timedelta(seconds=pace.SILENT_SECONDS)
    monkeypatch.undo()
    await _turns(post, campaign, 1)
    assert await post.status(campaign) == "sent"


async def test_balance_counts_nothing_twice(post: Post, people: People) -> None:
    campaign = await post.campaign([await people("a@orange.fr", "b@gmail.com", count=3)])
    await post.run()
    async with post.tx() as tx:
        balance = await outcomes.balance(tx, campaign)
        figures = await evidence.figures(tx, campaign)
    assert (balance.sent, figures.sent, figures.delivered, jobs.TURN_SECONDS) == (5, 5, 5, 30.0)
