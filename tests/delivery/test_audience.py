"""Who gets a campaign: one definition, counted and frozen; the state of each person decides."""

import itertools
from dataclasses import replace

import pytest

from mailer import worker
from mailer.core import jobs, work
from sending import audience, preparation
from sending.audience import Counts
from tests.core.test_planner import OLD_FIGURES, expected_rows
from tests.delivery.conftest import People, Post


async def _suppress(post: Post, email: str, list_id: int | None, *, days: int | None = None) -> None:
    async with post.tx() as tx:
        await tx.run(
            """
            INSERT INTO suppressions (account_id, address_hash, list_id, reason, expires_at)
            SELECT account_id, address_hash, $3, 'added', now() + make_interval(days => $4::int)
            FROM contacts WHERE account_id = $1 AND email = $2
            """,
            email,
            list_id,
            days,
        )


async def _status(post: Post, email: str, list_id: int, status: str) -> None:
    async with post.tx() as tx:
        await tx.run(
            """
            UPDATE subscriptions SET status = $4 WHERE account_id = $1 AND list_id = $3
            AND contact_id = (SELECT id FROM contacts WHERE account_id = $1 AND email = $2)
            """,
            email,
            list_id,
            status,
        )


async def _subscribe(post: Post, email: str, list_id: int) -> None:
    async with post.tx() as tx:
        await tx.run(
            """
            INSERT INTO subscriptions (account_id, list_id, contact_id, status, legal_basis)
            SELECT account_id, $3, id, 'active', 'consent' FROM contacts WHERE account_id = $1 AND email = $2
            """,
            email,
            list_id,
        )


async def _basis(post: Post, email: str, basis: str, list_id: int) -> None:
    async with post.tx() as tx:
        await tx.run(
            """
            UPDATE subscriptions SET legal_basis = $3 WHERE account_id = $1 AND list_id = $4
            AND contact_id = (SELECT id FROM contacts WHERE account_id = $1 AND email = $2)
            """,
            email,
            basis,
            list_id,
        )


@pytest.mark.req("B-20", "B-21", "B-22", "B-23", "S4")
@pytest.mark.parametrize("kind", ["newsletter", "promotion", "service"])
async def test_only_a_basis_for_marketing_authorises_marketing(post: Post, people: People, kind: str) -> None:
    bases = ("consent", "existing_customer", "b2b_interest", "service", "")
    first = await people(*(f"{basis or 'none'}@basis.test" for basis in bases), "both@basis.test")
    second = await people()
    for basis in bases:
        await _basis(post, f"{basis or 'none'}@basis.test", basis, first)
    await _basis(post, "both@basis.test", "service", first)
    await _subscribe(post, "both@basis.test", second)  # with consent
    campaign = await post.campaign([first, second], kind=kind)
    async with post.tx() as tx:
        counts = await audience.count(tx, campaign)
        lists = dict(
            await tx.rows(
                """
                SELECT c.email, a.list_id FROM audience a
                JOIN contacts c ON c.account_id = a.account_id AND c.id = a.contact_id
                WHERE a.account_id = $1 AND a.campaign_id = $2
                """,
                campaign,
            )
        )
    left_out = {"service@basis.test", "none@basis.test"} if kind != "service" else set()
    assert (counts.in_lists, counts.service, counts.result) == (6, len(left_out), 6 - len(left_out))
    assert lists["both@basis.test"] == (first if kind == "service" else second)
    await post.run()
    assert sorted(post.sink.recipients) == sorted(set(lists) - left_out)


@pytest.mark.req("B-20")
async def test_a_service_subscription_that_is_no_more_is_told_as_unsubscribed(
    post: Post, people: People
) -> None:
    listed = await people("left@basis.test", "stays@basis.test")
    for email in ("left@basis.test", "stays@basis.test"):
        await _basis(post, email, "service", listed)
    await _status(post, "left@basis.test", listed, "unsubscribed")
    campaign = await post.campaign([listed])
    async with post.tx() as tx:
        counts = await audience.count(tx, campaign)
    assert (counts.unsubscribed, counts.service, counts.result) == (1, 1, 0)


@pytest.mark.req("S4", "S5", "D-45")
async def test_each_state_is_counted_once_and_only_the_result_is_sent(post: Post, people: People) -> None:
    first = await people(
        "active@a.test", "both@a.test", "left@a.test", "waiting@a.test", "hard@a.test", "vip@a.test"
    )
    second = await people("second@a.test", "over@a.test")
    vips = await people()
    await _subscribe(post, "both@a.test", second)
    await _subscribe(post, "left@a.test", second)
    await _status(post, "left@a.test", first, "unsubscribed")
    await _status(post, "waiting@a.test", first, "pending")
    await _suppress(post, "hard@a.test", None)
    await _suppress(post, "both@a.test", first)  # of the first list only: the second one authorises
    await _suppress(post, "over@a.test", None, days=-1)  # its time is over
    await _subscribe(post, "vip@a.test", vips)
    campaign = await post.campaign([first, second])
    async with post.tx() as tx:
        await tx.run(
            "INSERT INTO campaign_lists (account_id, campaign_id, list_id, use, position) VALUES ($1, $2, $3, 'exclude', 9)",
            campaign,
            vips,
        )
        counts = await audience.count(tx, campaign)
    assert counts == Counts(
        restricted=0,
        outside=0,
        in_lists=8,
        excluded=1,
        suppressed=1,
        unsubscribed=0,
        service=0,
        pending=1,
        result=5,
        measured=0,
    )
    await post.run()
    assert set(await post.states(campaign)) == {
        "active@a.test", "both@a.test", "left@a.test", "second@a.test", "over@a.test"
    }  # fmt: skip
    assert sorted(post.sink.recipients) == sorted(await post.states(campaign))
    async with post.tx() as tx:
        rows = await tx.rows(
            """
            SELECT c.email, d.list_id FROM deliveries d
            JOIN contacts c ON c.account_id = d.account_id AND c.id = d.contact_id
            WHERE d.account_id = $1 AND d.campaign_id = $2
            """,
            campaign,
        )
    lists = dict(rows)
    assert lists["active@a.test"] == first
    assert lists["both@a.test"] == second
    assert lists["left@a.test"] == second
    assert f"l{second}.a{post.account.id}." in post.sink.to("both@a.test")[0].message["List-Id"]


async def test_the_subtraction_adds_up(post: Post, people: People) -> None:
    emails = [f"{n}@sum.test" for n in range(12)]
    first, second = await people(*emails), await people()
    states = itertools.cycle(["active", "pending", "unsubscribed"])
    for n, email in enumerate(emails):
        await _status(post, email, first, next(states))
        if n % 2:
            await _subscribe(post, email, second)
        if n % 5 == 0:
            await _suppress(post, email, [None, first, second][n % 3])
    campaign = await post.campaign([first, second])
    async with post.tx() as tx:
        counts = await audience.count(tx, campaign)
    assert counts.in_lists == 12
    taken = counts.excluded + counts.suppressed + counts.unsubscribed + counts.service + counts.pending
    assert counts.in_lists - taken == counts.result
    await post.run()
    assert len(await post.states(campaign)) == counts.result


async def test_a_deleted_list_authorises_nothing(post: Post, people: People) -> None:
    listed = await people("ana@gone.test")
    campaign = await post.campaign([listed])
    async with post.tx() as tx:
        await tx.run("UPDATE mailing_lists SET deleted_at = now() WHERE account_id = $1 AND id = $2", listed)
    await post.run()
    assert await post.status(campaign) == "paused"
    assert post.sink.seen == []


@pytest.mark.req("S1", "S4")
async def test_freezing_goes_on_where_it_was_killed(
    post: Post, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audience, "CHUNK", 7)
    monkeypatch.setattr(audience.freeze_chunk, "__kwdefaults__", {"size": 7})
    listed = await people(count=40)
    campaign = await post.campaign([listed])
    real = preparation._chunk
    calls = 0

    async def cut_short(*args: object) -> bool:
        nonlocal calls
        calls += 1
        done = await real(*args)  # type: ignore[arg-type]
        if calls % 2:
            raise KeyboardInterrupt  # as a kill: after the commit, before anything else
        return done

    monkeypatch.setattr(preparation, "_chunk", cut_short)
    for _ in range(30):
        if await post.status(campaign) == "sending":
            break
        task = work.Task(post.account.id, "sending.prepare", campaign, 0, 1)
        try:
            await preparation.prepare(post.services, task)
        except KeyboardInterrupt:
            continue
    assert calls > 6
    states = await post.states(campaign)
    assert len(states) == 40
    async with post.tx() as tx:
        stored = await tx.value("SELECT audience FROM campaigns WHERE account_id = $1 AND id = $2", campaign)
    assert stored == 40
    await post.run()
    assert sorted(post.sink.recipients) == sorted(states)


async def test_cancelling_while_it_is_prepared_leaves_nothing_open(
    post: Post, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audience.freeze_chunk, "__kwdefaults__", {"size": 7})
    listed = await people(count=30)
    campaign = await post.campaign([listed])
    real = preparation._chunk

    async def then_cancel(services: object, task: work.Task) -> bool:
        done = await real(services, task)  # type: ignore[arg-type]
        from sending import outcomes

        async with post.tx() as tx:
            await tx.run(
                "UPDATE campaigns SET status = 'cancelled' WHERE account_id = $1 AND id = $2", campaign
            )
            await outcomes.cancel_open(tx, campaign)
        return done

    monkeypatch.setattr(preparation, "_chunk", then_cancel)
    await post.run()
    states = await post.states(campaign)
    assert 0 < len(states) < 30
    assert set(states.values()) == {("cancelled", "")}
    assert post.sink.seen == []


@pytest.mark.parametrize(
    ("sql", "reason"),
    [
        ("UPDATE senders SET status = 'revoked' WHERE account_id = $1", "sender"),
        ("UPDATE accounts SET legal_name = '' WHERE id = $1", "identity"),
        ("UPDATE accounts SET status = 'suspended' WHERE id = $1", "account"),
        ("UPDATE campaigns SET source = '<mjml><mj-text>' WHERE account_id = $1", "content"),
    ],
)
@pytest.mark.req("A-062", "D-54")
async def test_what_stands_in_the_way_pauses_and_says_so(
    post: Post, people: People, sql: str, reason: str
) -> None:
    campaign = await post.campaign([await people("ana@way.test")])
    async with post.tx() as tx:
        await tx.run(sql)
    await post.run()
    async with post.tx() as tx:
        row = await tx.rows(
            "SELECT status, pause_reason FROM campaigns WHERE account_id = $1 AND id = $2", campaign
        )
    assert row == [("paused", reason)]
    assert post.sink.seen == []


async def test_a_campaign_of_tomorrow_waits(post: Post, people: People) -> None:
    campaign = await post.campaign([await people("ana@later.test")])
    async with post.tx() as tx:
        await tx.run(
            "UPDATE campaigns SET scheduled_at = now() + interval '1 day' WHERE account_id = $1 AND id = $2",
            campaign,
        )
    [task] = [one for one in await work.due(post.services.db, 1_000_000) if one.account_id == post.account.id]
    await jobs.run_turn(replace(post.services), worker.JOBS, task)
    assert await post.status(campaign) == "scheduled"
    assert [
        one for one in await work.due(post.services.db, 1_000_000) if one.account_id == post.account.id
    ] == []


@pytest.mark.req("S8")
async def test_an_account_that_came_after_the_planners_figures_is_met_first(
    post: Post, people: People
) -> None:
    campaign = await post.campaign([await people(count=150)])
    async with post.services.db.connection() as connection:
        try:
            await connection.execute(OLD_FIGURES)
            assert await expected_rows(connection, post.account.id) == 1
            task = work.Task(post.account.id, "sending.prepare", campaign, 0, 1)
            await preparation.prepare(post.services, task)
            assert await expected_rows(connection, post.account.id) > 30
        finally:
            await connection.execute("ANALYZE contacts")
    assert len(await post.states(campaign)) == 150
