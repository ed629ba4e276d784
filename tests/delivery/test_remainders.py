"""A paused campaign always has a way on: a draft again, or a corrected one for those who got nothing (S12)."""

import asyncio
from collections import Counter
from dataclasses import replace

import pytest

from mailer.core import clock, keys
from mailer.core.errors import Conflict
from sending import campaigns, outcomes, remainders, revisions, sends
from sending.sends import Order
from tests.delivery.conftest import MJML, People, Post
from tests.smtp_server import DIE, Received
from tracking import reports

CORRECTED = MJML.replace("Voir le pain", "Voir le bon pain")


async def _send(post: Post, campaign: int, source: str = CORRECTED) -> None:
    """Corrects a draft and sends it, as a person would."""
    async with post.tx() as tx:
        await campaigns.write_content(tx, campaign, "mjml", source)
        await sends.schedule(tx, post.services, campaign, Order())
    await post.run()


async def _spoil(post: Post, campaign: int) -> None:
    """The frozen content can be opened, and compiles no more."""
    async with post.tx() as tx:
        content = await revisions.open(tx, post.services, campaign)
        day = clock.now().date()
        plain = revisions._dump(replace(content, html="{{ contact. }}"))
        sealed = await keys.seal_content(tx, post.services.sealer, day=day, plain=plain)
        await tx.run(
            "UPDATE revisions SET sealed = $3 WHERE account_id = $1 AND campaign_id = $2", campaign, sealed
        )
    revisions.forget(post.account.id, campaign)


async def _stopped(post: Post, people: People, *, count: int = 150, doubt: str = "") -> tuple[int, int]:
    """Paused by the engine when some have theirs, because the content compiles no more; its list too."""
    listed = await people(*([doubt] if doubt else []), count=count)
    campaign = await post.campaign([listed])
    await post.prepared(campaign)

    stopping: list[bool] = []

    async def pause_at_10(mail: Received) -> str:
        if mail.recipient == doubt:
            return DIE
        if len(post.sink.accepted) == 10 and not stopping:
            stopping.append(True)
            async with post.tx() as tx:
                await sends.pause(tx, campaign)
        return "250 2.0.0 Ok"

    post.sink.end = pause_at_10
    if doubt:
        async with post.tx() as tx:
            await tx.run(
                """
                UPDATE deliveries d SET next_at = now() - interval '1 hour'
                FROM contacts c
                WHERE d.account_id = $1 AND c.account_id = $1 AND c.id = d.contact_id AND c.email = $2
                """,
                doubt,
            )
    await post.run()
    post.sink.end = "250 2.0.0 Ok"
    await _spoil(post, campaign)
    async with post.tx() as tx:
        await sends.resume(tx, post.services, campaign)
    await post.run()
    async with post.tx() as tx:
        assert (await campaigns.show(tx, campaign)).pause_reason == "content"
    return campaign, listed


@pytest.mark.req("S2", "S12")
async def test_content_that_compiles_no_more_is_corrected_before_anything_left(
    post: Post, people: People
) -> None:
    campaign = await post.campaign([await people("ana@way.test")], source="<mjml><mj-text>")
    await post.run()
    assert await post.status(campaign) == "paused"
    owner = await post.make.signed_in(post.account.owner_id, language="fr")
    place = f"{post.account.app}/campaigns/{campaign}"
    shown = await owner.get(f"{place}?lang=fr")
    assert f'action="{place}/recalls"' in shown.text
    assert "Corriger le contenu" in shown.text
    assert f"{place}/remainder" not in shown.text
    answer = await owner.post(f"{place}/recalls")
    assert answer.location == f"{place}/content"
    assert (await owner.get(answer.location)).status == 200
    await _send(post, campaign)
    assert post.sink.recipients == ["ana@way.test"]
    assert await post.status(campaign) == "sent"


@pytest.mark.parametrize(
    ("reason", "step"),
    [("sender", "setup"), ("no_recipients", "audience"), ("content_gone", "content"), ("", "review")],
)
async def test_each_reason_leads_to_the_step_that_mends_it(
    post: Post, people: People, reason: str, step: str
) -> None:
    campaign = await post.campaign([await people("ana@way.test")])
    async with post.tx() as tx:
        await tx.run(
            "UPDATE campaigns SET status = 'paused', pause_reason = $2 WHERE account_id = $1", reason
        )
    owner = await post.make.signed_in(post.account.owner_id)
    place = f"{post.account.app}/campaigns/{campaign}"
    shown = await owner.get(place)
    assert (f'action="{place}/resumptions"' in shown.text) == (reason in ("sender", ""))
    assert (await owner.post(f"{place}/recalls")).location == f"{place}/{step}"
    assert (await owner.get(f"{place}/{step}")).status == 200


@pytest.mark.req("S6", "S12", "S13")
async def test_a_frozen_audience_of_which_nothing_left_is_discarded_and_counted_anew(
    post: Post, people: People
) -> None:
    listed = await people("ana@way.test", "bob@way.test")
    campaign = await post.campaign([listed])
    await post.prepared(campaign)
    async with post.tx() as tx:
        await tx.run("DELETE FROM content_keys WHERE account_id = $1")
    await post.run()
    program = await post.make.program(post.account.id)
    answer = await program.post(f"/api/v1/campaigns/{campaign}/recalls", json={})
    assert (answer.status, answer.json()["status"], answer.json()["audience"]) == (200, "draft", 0)
    assert await post.states(campaign) == {}
    async with post.tx() as tx:
        assert await tx.value("SELECT count(*) FROM revisions WHERE account_id = $1") == 0
        await post.make.contact(tx, "new@way.test", list_id=listed)
    await _send(post, campaign)
    assert sorted(post.sink.recipients) == ["ana@way.test", "bob@way.test", "new@way.test"]
    async with post.tx() as tx:
        assert (await campaigns.show(tx, campaign)).audience == 3


@pytest.mark.req("D-22", "S12")
async def test_the_others_get_a_corrected_campaign_and_nobody_gets_two(post: Post, people: People) -> None:
    campaign, listed = await _stopped(post, people, doubt="dina@doubt.test")
    first = len(post.sink.accepted)
    assert 10 <= first < 150
    async with post.tx() as tx:
        await post.make.contact(tx, "later@way.test", list_id=listed)
    owner = await post.make.signed_in(post.account.owner_id, language="fr")
    place = f"{post.account.app}/campaigns/{campaign}"
    shown = await owner.get(f"{place}?lang=fr")
    assert f'href="{place}/remainder"' in shown.text
    assert f'action="{place}/recalls"' not in shown.text
    late = await owner.post(f"{place}/recalls")
    assert late.location == place
    assert await post.status(campaign) == "paused"
    asked = await owner.get(f"{place}/remainder?lang=fr")
    assert f"{150 - first} contacts n’ont rien reçu" in asked.text
    assert "1 message en doute" in asked.text
    answer = await owner.post(f"{place}/remainders")
    made = int(answer.location.split("/")[-2])
    assert answer.location == f"{post.account.app}/campaigns/{made}/content"
    assert await post.status(campaign) == "cancelled"
    assert (await owner.get(answer.location)).status == 200
    await _send(post, made)
    ended = await post.states(campaign)
    reached = {who for who, (status, _) in ended.items() if status in ("delivered", "in_doubt")}
    assert set(await post.states(made)) == set(ended) - reached
    got = Counter(mail.recipient for mail in post.sink.seen)
    assert got == Counter([*ended])
    corrected = {mail.recipient for mail in post.sink.accepted if "bon pain" in mail.message.as_string()}
    assert corrected == set(ended) - reached
    async with post.tx() as tx:
        for one in (campaign, made):
            told = (await reports.summary(tx, one)).versions
            assert [(v.number, v.campaign_id, v.delivered) for v in told] == [
                (1, campaign, first),
                (2, made, 150 - first),
            ]
    page = await owner.get(f"{place}/report?lang=fr")
    assert f"{first} personnes ont reçu la version 1" in page.text
    assert f'href="{post.account.app}/campaigns/{made}/report"' in page.text
    assert f'href="{post.account.app}/campaigns/{made}"' in (await owner.get(place)).text


@pytest.mark.req("E-56")
async def test_pressed_twenty_times_at_once_it_makes_one_campaign(post: Post, people: People) -> None:
    campaign, _ = await _stopped(post, people)
    program = await post.make.program(post.account.id)
    path = f"/api/v1/campaigns/{campaign}/remainders"
    answers = await asyncio.gather(*(program.post(path, json={"name": "Suite"}) for _ in range(20)))
    assert sorted(answer.status for answer in answers) == [201] + [409] * 19
    [made] = [answer.json() for answer in answers if answer.status == 201]
    assert (made["status"], made["rest_of"], made["name"]) == ("draft", campaign, "Suite")
    copy = await program.get(f"/api/v1/campaigns/{campaign}")
    assert (copy.json()["status"], copy.json()["rest_of"]) == ("cancelled", None)


async def test_a_copy_of_the_rest_is_a_campaign_of_its_own(post: Post, people: People) -> None:
    campaign, _ = await _stopped(post, people)
    async with post.tx() as tx:
        made = await remainders.begin(tx, campaign, "Suite")
        assert (await campaigns.duplicate(tx, made.id, "Copie")).rest_of is None


@pytest.mark.req("D-22")
async def test_nothing_moves_while_a_mail_is_on_its_way(post: Post, people: People) -> None:
    """Neither way: the row passes into hand-over while the other transaction looks."""
    campaign = await post.campaign([await people("ana@way.test", "bob@way.test")])
    await post.prepared(campaign)

    async def recall() -> None:
        async with post.tx() as tx:
            await sends.recall(tx, campaign)

    async def begin() -> None:
        async with post.tx() as tx:
            await remainders.begin(tx, campaign, "Suite")

    async with post.tx() as tx:
        await sends.pause(tx, campaign)
    async with post.tx() as tx:
        ana = await tx.value("SELECT id FROM contacts WHERE account_id = $1 AND email = 'ana@way.test'")
        await post.make.moved(tx, ana, "claimed", "handing")
        waiting = [asyncio.create_task(recall()), asyncio.create_task(begin())]
        # both have met the lock of the row, or of each other
        for _ in range(200):
            blocked = await tx.value(
                """
                SELECT count(*) FROM pg_stat_activity
                WHERE wait_event_type = 'Lock' AND datname = current_database() AND $1 > 0
                """
            )
            if blocked >= 2:
                break
            await asyncio.sleep(0.05)
        else:
            pytest.fail("nobody waits")
    for task in waiting:
        with pytest.raises(Conflict):
            await task
    assert await post.status(campaign) == "paused"
    assert sorted(status for status, _ in (await post.states(campaign)).values()) == ["handing", "queued"]


@pytest.mark.req("D-22")
async def test_who_is_sent_to_again_after_a_doubt_may_have_it_already(post: Post, people: People) -> None:
    post.sink.end = DIE
    campaign = await post.campaign([await people("ana@doubt.test")])
    await post.run()
    async with post.tx() as tx:
        ana = await tx.value("SELECT id FROM contacts WHERE account_id = $1")
        await outcomes.send_again(tx, campaign, ana)
        await sends.pause(tx, campaign)
        assert (await remainders.of(tx, campaign)).begun == 1
    with pytest.raises(Conflict):
        async with post.tx() as tx:
            await sends.recall(tx, campaign)
    assert len(await post.states(campaign)) == 1


async def test_who_got_nothing_because_of_the_content_gets_the_corrected_one(
    post: Post, people: People
) -> None:
    source = MJML.replace("Bonjour {{", "{{ contact.first_name | date }} Bonjour {{")
    campaign = await post.campaign([await people("ana@way.test", "bob@way.test")], source=source)
    async with post.tx() as tx:
        await tx.run("UPDATE contacts SET first_name = '' WHERE account_id = $1 AND email = 'ana@way.test'")
    await post.prepared(campaign)
    async with post.tx() as tx:
        await tx.run(
            """
            UPDATE deliveries SET status = 'claimed', lane = 0, turn = 1 WHERE account_id = $1
            """
        )
        await tx.run(
            """
            UPDATE deliveries d
            SET status = 'failed', lane = NULL, turn = NULL, reason = CASE c.email WHEN 'ana@way.test' THEN 'render' ELSE 'address' END,
                final_at = now(), smtp_reply = 'the content cannot be made for this contact'
            FROM contacts c
            WHERE d.account_id = $1 AND c.account_id = $1 AND c.id = d.contact_id
            """
        )
        await sends.pause(tx, campaign)
        made = await remainders.begin(tx, campaign, "Suite")
    await _send(post, made.id)
    assert post.sink.recipients == ["ana@way.test"]


async def test_a_cancelled_campaign_can_still_be_completed_and_a_running_one_not(
    post: Post, people: People
) -> None:
    campaign = await post.campaign([await people("ana@way.test", "bob@way.test")])
    await post.prepared(campaign)
    with pytest.raises(Conflict):
        async with post.tx() as tx:
            await remainders.begin(tx, campaign, "Suite")
    async with post.tx() as tx:
        await sends.cancel(tx, campaign)
        made = await remainders.begin(tx, campaign, "Suite")
        # thrown away by mistake: it can be made again
        await campaigns.delete(tx, made.id)
        made = await remainders.begin(tx, campaign, "Suite")
    await _send(post, made.id)
    assert sorted(post.sink.recipients) == ["ana@way.test", "bob@way.test"]
    with pytest.raises(Conflict):
        async with post.tx() as tx:
            await remainders.begin(tx, made.id, "Suite")


async def test_only_people_who_may_send_end_a_campaign_this_way(post: Post, people: People) -> None:
    campaign, _ = await _stopped(post, people)
    user_id, _ = await post.make.user(post.account.id, "editor")
    editor = await post.make.signed_in(user_id)
    place = f"{post.account.app}/campaigns/{campaign}"
    assert f"{place}/remainder" not in (await editor.get(place)).text
    assert (await editor.post(f"{place}/remainders")).status == 403
    assert (await editor.post(f"{place}/recalls")).status == 403
    program = await post.make.program(post.account.id, ["campaigns:read", "campaigns:write"])
    for act in ("remainders", "recalls"):
        answer = await program.post(f"/api/v1/campaigns/{campaign}/{act}", json={"name": "x"})
        assert answer.status == 403
    assert await post.status(campaign) == "paused"
