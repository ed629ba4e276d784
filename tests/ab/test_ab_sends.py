"""An A/B test from the draw to the last mail: nobody gets two, the rest gets the winner, everything adds up."""

import asyncio
from collections import Counter
from datetime import timedelta

import pytest

from lists import exports
from lists.exports import NewExport
from mailer import worker
from mailer.client import AsyncClient
from mailer.core import clock, jobs, work
from mailer.core.errors import Conflict, Gone, Invalid
from mailer.core.work import Task
from retention_jobs import purge, totals
from sending import (
    ab_figures,
    ab_results,
    ab_runs,
    ab_tests,
    ab_variants,
    audience,
    campaigns,
    delivery_exports,
    outcomes,
    personal,
    remainders,
    revisions,
    sends,
)
from sending.ab_tests import Setting, Variant
from tests.ab.conftest import SUBJECTS, acted, compared, groups, later, look, put, subjects
from tests.delivery.conftest import EVERY, MJML, People, Post
from tests.smtp_server import Received


async def state(post: Post, campaign: int) -> ab_tests.AbTest:
    async with post.tx() as tx:
        found = await ab_tests.of(tx, campaign)
    assert found is not None
    return found


@pytest.mark.req("D-45")
async def test_the_sample_gets_the_variants_and_the_rest_the_winner(post: Post, people: People) -> None:
    campaign = await compared(post, [await people(count=400, tracked=True)], share=50)
    await post.run()
    assert subjects(post) == {SUBJECTS[0]: 100, SUBJECTS[1]: 100}
    assert (await groups(post, campaign))[0] == {"queued": 200}
    assert await post.status(campaign) == "sending"
    await look(post, campaign)
    await acted(post, campaign, 1, 8)
    await acted(post, campaign, 2, 30)
    await later(post, campaign, 3.9)
    assert (await state(post, campaign)).state == "running"
    await later(post, campaign, 0.2)
    found = await state(post, campaign)
    assert (found.winner, found.decided_by, found.state) == (2, "result", "done")
    assert subjects(post) == {SUBJECTS[0]: 100, SUBJECTS[1]: 300}
    assert max(Counter(post.sink.recipients).values()) == 1
    assert await post.status(campaign) == "sent"
    async with post.tx() as tx:
        balance = await outcomes.balance(tx, campaign)
    assert (balance.audience, balance.ended, balance.delivered) == (400, 400, 400)


@pytest.mark.parametrize(
    ("share", "variants", "count"), [(20, 3, 101), (5, 2, 79), (33, 4, 100), (100, 2, 51)]
)
async def test_groups_differ_by_one_at_most_and_make_the_share(
    post: Post, people: People, share: int, variants: int, count: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also when the audience is frozen in many ranges."""
    defaults = dict(audience.freeze_chunk.__kwdefaults__ or {}, size=7)
    monkeypatch.setattr(audience.freeze_chunk, "__kwdefaults__", defaults)
    campaign = await compared(post, [await people(count=count)], share=share, variants=variants)
    await post.prepared(campaign)
    found = await groups(post, campaign)
    sizes = [sum(found.get(n, Counter()).values()) for n in range(1, variants + 1)]
    assert sum(sizes) == count * share // 100
    assert max(sizes) - min(sizes) <= 1
    assert sum(found.get(0, Counter()).values()) == count - sum(sizes)


@pytest.mark.req("A-011")
async def test_api_file_and_client_tell_the_variant_of_each_person(
    post: Post, people: People, server: str
) -> None:
    campaign = await compared(post, [await people(count=12)], share=50)
    await post.prepared(campaign)
    async with post.tx() as tx:
        drawn = dict(
            await tx.rows(
                "SELECT contact_id, variant::int FROM deliveries WHERE account_id = $1 AND campaign_id = $2",
                campaign,
            )
        )
        part = await delivery_exports.read(
            tx, await exports.ask(tx, NewExport(what="deliveries", campaign_id=campaign)), 100
        )
    assert Counter(drawn.values()) == {0: 6, 1: 3, 2: 3}
    program = await post.make.program(post.account.id)
    told = (await program.get(f"/api/v1/campaigns/{campaign}/deliveries")).json()["items"]
    assert {one["contact_id"]: one["variant"] or 0 for one in told} == drawn
    assert {one["variant"] for one in told} == {None, 1, 2}
    assert {row["contact_id"]: row["variant"] or 0 for row in part.objects} == drawn
    async with AsyncClient(server, program.key) as client:
        seen = [one async for one in client.campaigns.deliveries(campaign, status="waiting")]
        assert {one.contact_id: one.variant or 0 for one in seen} == drawn
        assert [one async for one in client.campaigns.deliveries(campaign, status="bounced")] == []


async def test_the_draw_is_random_and_can_be_repeated(post: Post, people: People) -> None:
    listed = await people(count=60)
    drawn = []
    for seed in (7, 7, 8):
        campaign = await compared(post, [listed], share=50)
        async with post.tx() as tx:
            await tx.run(
                "UPDATE ab_tests SET seed = $3 WHERE account_id = $1 AND campaign_id = $2", campaign, seed
            )
        await post.prepared(campaign)
        async with post.tx() as tx:
            drawn.append(
                await tx.rows(
                    """
                    SELECT contact_id, variant FROM deliveries
                    WHERE account_id = $1 AND campaign_id = $2 ORDER BY contact_id
                    """,
                    campaign,
                )
            )
    assert drawn[0] == drawn[1]
    assert drawn[0] != drawn[2]
    # not simply the oldest contacts
    assert {variant for _, variant in drawn[0][:30]} == {0, 1, 2} == {v for _, v in drawn[0][30:]}


async def test_a_difference_that_means_nothing_is_not_called_one(post: Post, people: People) -> None:
    campaign = await compared(post, [await people(count=400, tracked=True)], share=50)
    await post.run()
    await look(post, campaign)
    await acted(post, campaign, 1, 8)
    await acted(post, campaign, 2, 11)
    await later(post, campaign, 4.1)
    found = await state(post, campaign)
    assert (found.winner, found.decided_by) == (1, "unclear")
    assert subjects(post) == {SUBJECTS[0]: 300, SUBJECTS[1]: 100}


async def test_a_person_is_waited_for_when_asked_for(post: Post, people: People) -> None:
    campaign = await compared(post, [await people(count=100, tracked=True)], share=20, unclear="ask")
    await post.run()
    await look(post, campaign)
    await later(post, campaign, 4.1)
    await later(post, campaign, 24 * 5)
    assert (await state(post, campaign)).state == "asking"
    assert len(post.sink.accepted) == 20
    async with post.tx() as tx:
        await ab_runs.decide(tx, campaign, 2)
    await look(post, campaign)
    found = await state(post, campaign)
    assert (found.winner, found.decided_by, found.state) == (2, "hand", "done")
    assert subjects(post) == {SUBJECTS[0]: 10, SUBJECTS[1]: 90}
    assert await post.status(campaign) == "sent"


@pytest.mark.req("D-92", "B-36")
async def test_machines_and_people_who_are_not_measured_decide_nothing(post: Post, people: People) -> None:
    measured = await people(count=200, tracked=True)
    others = await people(count=200)
    campaign = await compared(post, [measured, others], share=100)
    await post.run()
    async with post.tx() as tx:
        # the events of a fault, or of another rule version: nobody agreed to them
        await tx.run(
            """
            INSERT INTO events (account_id, id, at, campaign_id, contact_id, kind, verdict)
            SELECT account_id, 'x' || contact_id, now(), campaign_id, contact_id, 'click', 'person'
            FROM deliveries
            WHERE account_id = $1 AND campaign_id = $2 AND variant = 2 AND NOT clicks
            """,
            campaign,
        )
        half = await tx.value(
            """
            SELECT count(*)::int FROM deliveries
            WHERE account_id = $1 AND campaign_id = $2 AND variant = 2 AND clicks
            """,
            campaign,
        )
    async with post.tx() as tx:
        await tx.run(
            """
            INSERT INTO events (account_id, id, at, campaign_id, contact_id, kind, verdict)
            SELECT account_id, 'm' || contact_id, now(), campaign_id, contact_id, 'click', 'machine'
            FROM deliveries
            WHERE account_id = $1 AND campaign_id = $2 AND variant = 2 AND clicks
            """,
            campaign,
        )
        [a, b] = await ab_figures.count(tx, campaign)
    assert (b.clicks_base, b.clicked, a.clicks_base + b.clicks_base) == (half, 0, 200)
    await look(post, campaign)
    await later(post, campaign, 4.1)
    assert (await state(post, campaign)).decided_by == "unclear"


async def test_a_clear_result_ends_the_test_early_only_when_asked_for(post: Post, people: People) -> None:
    listed = await people(count=400, tracked=True)
    for early in (False, True):
        campaign = await compared(post, [listed], share=100 if early else 50, hours=48, early=early)
        await post.run()
        await look(post, campaign)
        await acted(post, campaign, 2, 40)
        await later(post, campaign, 1)
        assert ((await state(post, campaign)).winner == 2) is early


async def test_a_result_that_is_clear_at_the_end_only_does_not_end_it_early(
    post: Post, people: People
) -> None:
    campaign = await compared(post, [await people(count=400, tracked=True)], share=50, hours=48, early=True)
    await post.run()
    await look(post, campaign)
    await acted(post, campaign, 1, 5)
    await acted(post, campaign, 2, 16)
    await later(post, campaign, 1)
    assert (await state(post, campaign)).state == "running"
    await later(post, campaign, 48)
    assert (await state(post, campaign)).winner == 2


@pytest.mark.req("D-22", "B-20")
async def test_who_leaves_while_the_test_waits_gets_nothing(post: Post, people: People) -> None:
    campaign = await compared(post, [await people("ana@gone.test", count=60)], share=10)
    async with post.tx() as tx:
        await tx.run(
            """
            UPDATE ab_tests SET seed = 1 WHERE account_id = $1 AND campaign_id = $2
            """,
            campaign,
        )
    await post.run()
    async with post.tx() as tx:
        [(waiting,), *_] = await tx.rows(
            """
            SELECT contact_id FROM deliveries
            WHERE account_id = $1 AND campaign_id = $2 AND variant = 0 ORDER BY contact_id
            """,
            campaign,
        )
        await tx.run(
            "UPDATE subscriptions SET status = 'unsubscribed' WHERE account_id = $1 AND contact_id = $2",
            waiting,
        )
        await ab_runs.decide(tx, campaign, 2)
    await post.run()
    async with post.tx() as tx:
        assert await tx.rows(
            """
            SELECT status, reason FROM deliveries
            WHERE account_id = $1 AND campaign_id = $2 AND contact_id = $3
            """,
            campaign,
            waiting,
        ) == [("skipped", "unsubscribed")]
        balance = await outcomes.balance(tx, campaign)
    assert (balance.delivered, balance.skipped, balance.ended) == (60, 1, 61)
    assert await post.status(campaign) == "sent"


async def test_cancelled_while_it_waits_nothing_more_leaves_and_it_adds_up(
    post: Post, people: People
) -> None:
    campaign = await compared(post, [await people(count=50)], share=20)
    await post.run()
    async with post.tx() as tx:
        await sends.cancel(tx, campaign)
        with pytest.raises(Conflict):
            await ab_runs.decide(tx, campaign, 1)
    await later(post, campaign, 5)
    async with post.tx() as tx:
        balance = await outcomes.balance(tx, campaign)
    assert (balance.delivered, balance.cancelled, balance.ended) == (10, 40, 50)
    assert len(post.sink.accepted) == 10


async def test_while_paused_nothing_is_decided(post: Post, people: People) -> None:
    campaign = await compared(post, [await people(count=50)], share=20)
    await post.run()
    await look(post, campaign)
    async with post.tx() as tx:
        await sends.pause(tx, campaign)
    await later(post, campaign, 5)
    assert (await state(post, campaign)).state == "running"
    async with post.tx() as tx:
        await sends.resume(tx, post.services, campaign)
    await look(post, campaign)
    assert (await state(post, campaign)).winner == 1
    assert len(post.sink.accepted) == 50
    assert await post.status(campaign) == "sent"


async def test_a_decision_while_paused_waits_for_the_resumption(post: Post, people: People) -> None:
    campaign = await compared(post, [await people(count=50)], share=20)
    await post.run()
    async with post.tx() as tx:
        await sends.pause(tx, campaign)
        await ab_runs.decide(tx, campaign, 2)
    await post.run()
    assert len(post.sink.accepted) == 10
    async with post.tx() as tx:
        await sends.resume(tx, post.services, campaign)
    await post.run()
    assert subjects(post)[SUBJECTS[1]] == 45


async def test_a_recalled_campaign_draws_its_sample_anew(post: Post, people: People) -> None:
    campaign = await compared(post, [await people(count=20)], share=50)
    await post.prepared(campaign)
    async with post.tx() as tx:
        await sends.pause(tx, campaign)
        await sends.recall(tx, campaign)
    found = await state(post, campaign)
    assert (found.state, found.winner) == ("draft", None)


async def test_a_turn_that_began_before_the_decision_mails_nobody_the_wrong_variant(
    post: Post, people: People
) -> None:
    """Its mails are made by what it knew: it stops, and the next turn knows the winner."""
    campaign = await compared(post, [await people(count=40)], share=10)
    await post.prepared(campaign)
    deciding: list[bool] = []

    async def decide(mail: Received) -> str:
        if not deciding:
            deciding.append(True)
            async with post.tx() as tx:
                await ab_runs.decide(tx, campaign, 2)
            for task in await work.due(post.services.db, EVERY):
                if (task.account_id, task.job) == (post.account.id, ab_runs.JOB):
                    await jobs.run_turn(post.services, worker.JOBS, task)
        return "250 2.0.0 Ok"

    post.sink.end = decide
    await post.run()
    assert subjects(post) == {SUBJECTS[0]: 2, SUBJECTS[1]: 38}


async def test_a_rest_that_was_let_go_in_part_goes_on_where_it_came_to(
    post: Post, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each range is a transaction of its own: a worker killed between two leaves nobody out, and nobody twice."""
    monkeypatch.setattr(ab_runs, "CHUNK", 7)
    campaign = await compared(post, [await people(count=60)], share=10)
    await post.run()
    async with post.tx() as tx:
        await ab_runs.decide(tx, campaign, 2)
    task = Task(post.account.id, ab_runs.JOB, campaign, 0, 1)
    await ab_runs.look(post.services, task)
    async with post.tx() as tx:
        due = await tx.value(
            """
            SELECT count(*) FROM deliveries
            WHERE account_id = $1 AND campaign_id = $2 AND variant = 0 AND next_at <= now()
            """,
            campaign,
        )
    assert due == 7
    await asyncio.gather(*(ab_runs.look(post.services, task) for _ in range(3)))
    await post.run(60)
    assert subjects(post) == {SUBJECTS[0]: 3, SUBJECTS[1]: 57}
    assert max(Counter(post.sink.recipients).values()) == 1
    assert await post.status(campaign) == "sent"


async def test_two_people_decide_at_once_and_one_is_told(post: Post, people: People) -> None:
    campaign = await compared(post, [await people(count=40)], share=10)
    await post.run()

    async def press(number: int) -> bool:
        try:
            async with post.tx() as tx:
                await ab_runs.decide(tx, campaign, number)
        except Conflict:
            return False
        return True

    assert sorted(await asyncio.gather(press(1), press(2))) == [False, True]


@pytest.mark.req("S12", "S13")
async def test_each_variant_has_its_own_content_links_and_web_version(post: Post, people: People) -> None:
    other = MJML.replace("Voir le pain", "Au four").replace("boutique.test/pain", "boutique.test/four")
    campaign = await post.campaign([await people(count=8, tracked=True)])
    await put(
        post,
        campaign,
        Setting(about="content", variants=[Variant(content_kind="mjml", source=other)], share=100),
    )
    await post.run()
    texts = Counter(
        "Au four" in mail.message.get_body(("html",)).get_content() for mail in post.sink.accepted
    )  # type: ignore[union-attr]
    assert texts == {True: 4, False: 4}
    async with post.tx() as tx:
        rows = await tx.rows(
            "SELECT contact_id, variant FROM deliveries WHERE account_id = $1 AND campaign_id = $2", campaign
        )
        for contact_id, variant in rows:
            shown = await personal.render_for(tx, post.services, campaign, contact_id)
            assert ("Au four" in shown.html) == (variant == 2)
        links = await tx.rows(
            """
            SELECT variant::int, count(*)::int FROM links
            WHERE account_id = $1 AND campaign_id = $2 GROUP BY 1 ORDER BY 1
            """,
            campaign,
        )
    assert links == [(1, 2), (2, 2)]


async def test_variants_of_a_subject_share_their_links(post: Post, people: People) -> None:
    campaign = await compared(post, [await people(count=8, tracked=True)], share=100, variants=4)
    await post.run()
    assert len(subjects(post)) == 4
    async with post.tx() as tx:
        assert (
            await tx.value("SELECT count(*) FROM links WHERE account_id = $1 AND campaign_id = $2", campaign)
            == 2
        )


@pytest.mark.req("S13")
async def test_what_waits_is_sealed_anew_each_day(post: Post, people: People) -> None:
    campaign = await compared(post, [await people(count=20)], share=50, unclear="ask")
    await post.run()
    await look(post, campaign)
    await later(post, campaign, 24 * 3)
    async with post.tx() as tx:
        days = await tx.rows(
            "SELECT DISTINCT key_day FROM revisions WHERE account_id = $1 AND campaign_id = $2", campaign
        )
        assert days == [(clock.now().date(),)]
        assert (await revisions.open(tx, post.services, campaign, 2)).subject == SUBJECTS[1]


async def test_the_hours_count_from_when_the_last_mail_was_tried(post: Post, people: People) -> None:
    campaign = await compared(post, [await people(count=20)], share=50)
    await post.prepared(campaign)
    task = Task(post.account.id, ab_runs.JOB, campaign, 0, 1)
    clock.shift(timedelta(hours=9))
    await ab_runs.look(post.services, task)
    assert (await state(post, campaign)).ends_at is None
    await look(post, campaign)
    found = await state(post, campaign)
    assert found.counted_from is not None
    assert found.ends_at == found.counted_from + timedelta(hours=4)
    assert (len(post.sink.accepted), found.state) == (10, "running")


@pytest.mark.req("A-001", "S12")
async def test_what_the_variants_said_goes_on_day_six(post: Post, people: People) -> None:
    campaign = await compared(post, [await people(count=20)], share=50)
    await post.run()
    async with post.tx() as tx:
        await ab_runs.decide(tx, campaign, 2)
    await post.run()
    async with post.tx() as tx:
        await purge.content(tx, clock.now() + timedelta(days=5, hours=23))
        assert (await ab_variants.versions(tx, campaign))[1].subject == SUBJECTS[1]
        await purge.content(tx, clock.now() + timedelta(days=6, minutes=1))
        assert [one.subject for one in await ab_variants.versions(tx, campaign)] == ["", ""]
        with pytest.raises(Gone):
            await revisions.open(tx, post.services, campaign, 2)
    assert (await state(post, campaign)).winner == 2


@pytest.mark.req("B-32")
async def test_a_service_message_is_decided_by_hand_only(post: Post, people: People) -> None:
    campaign = await post.campaign([await people(count=4)], kind="service")
    with pytest.raises(Invalid) as refused:
        await put(post, campaign, Setting(variants=[Variant(subject="B")]))
    assert refused.value.faults[0].field == "winner_by"


async def test_a_variant_without_a_subject_is_named(post: Post, people: People) -> None:
    campaign = await post.campaign([await people(count=4)])
    with pytest.raises(Invalid) as refused:
        await put(post, campaign, Setting(variants=[Variant(subject="B"), Variant(subject=" ")]))
    assert [one.field for one in refused.value.faults] == ["variants.1.subject"]


async def test_the_corrected_rest_of_a_decided_test_says_what_the_winner_said(
    post: Post, people: People
) -> None:
    campaign = await compared(post, [await people(count=40)], share=10)
    await post.run()
    async with post.tx() as tx:
        await sends.pause(tx, campaign)
        await ab_runs.decide(tx, campaign, 2)
        made = await remainders.begin(tx, campaign, "Le reste")
        assert (made.subject, await ab_tests.of(tx, made.id)) == (SUBJECTS[1], None)
        assert (await campaigns.show(tx, campaign)).status == "cancelled"


@pytest.mark.req("A-064")
async def test_small_figures_go_with_the_rows_of_people(post: Post, people: People) -> None:
    campaign = await compared(post, [await people(count=60, tracked=True)], share=100)
    await post.run()
    await look(post, campaign)
    await acted(post, campaign, 1, 12)
    await acted(post, campaign, 2, 9)
    async with post.tx() as tx:
        await ab_runs.decide(tx, campaign, 1)
        await totals.keep(tx, True)
        await totals.freeze(tx, [campaign], clock.now())
        await tx.run("DELETE FROM events WHERE account_id = $1 AND campaign_id = $2", campaign)
        found = await ab_results.of(tx, campaign)
    assert found is not None
    assert [(row.figures.delivered, row.figures.clicked) for row in found.rows] == [(30, 12), (30, 0)]
