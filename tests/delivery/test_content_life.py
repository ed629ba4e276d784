"""The frozen content lives as long as mails leave, and six days for those who have one (S12, S13)."""

from datetime import timedelta

import pytest

from mailer.core import clock, work
from mailer.core.errors import Conflict, Gone, NotFound
from sending import outcomes, personal, revisions
from tests.delivery.conftest import People, Post
from tests.smtp_server import DIE


async def _contact(post: Post, email: str) -> int:
    async with post.tx() as tx:
        found: int = await tx.value("SELECT id FROM contacts WHERE account_id = $1 AND email = $2", email)
    return found


@pytest.mark.req("A-001", "A-002", "S12", "B-36")
async def test_the_web_version_shows_the_contact_as_it_is_and_ends_after_six_days(
    post: Post, people: People
) -> None:
    campaign = await post.campaign([await people("ana@web.test", tracked=True)])
    ana = await _contact(post, "ana@web.test")
    async with post.tx() as tx:
        with pytest.raises(NotFound):
            await personal.render_for(tx, post.services, campaign, ana)
    await post.run()
    async with post.tx() as tx:
        await tx.run("UPDATE contacts SET first_name = 'Léa' WHERE account_id = $1 AND id = $2", ana)
        shown = await personal.render_for(tx, post.services, campaign, ana)
        assert "Bonjour Léa" in shown.html
        assert "/t/c/" not in shown.html + shown.text
        assert "/t/o/" not in shown.html
        clock.shift(timedelta(days=5, hours=23))
        await personal.render_for(tx, post.services, campaign, ana)
        clock.shift(timedelta(days=6, seconds=1))
        with pytest.raises(Gone):
            await personal.render_for(tx, post.services, campaign, ana)


async def test_a_contact_that_was_deleted_has_no_web_version(post: Post, people: People) -> None:
    campaign = await post.campaign([await people("ana@web.test")])
    ana = await _contact(post, "ana@web.test")
    await post.run()
    async with post.tx() as tx:
        await tx.run("DELETE FROM contacts WHERE account_id = $1 AND id = $2", ana)
        with pytest.raises(Gone):
            await personal.render_for(tx, post.services, campaign, ana)


@pytest.mark.req("S13")
async def test_it_is_sealed_again_each_day_while_mails_are_open(post: Post, people: People) -> None:
    post.sink.rcpt = {"later@seal.test": "451 4.3.0 later"}
    campaign = await post.campaign([await people("ana@seal.test", "later@seal.test")])
    await post.run()
    clock.shift(timedelta(days=2))
    post.sink.rcpt = {}
    async with post.tx() as tx:
        before = await tx.value(
            "SELECT key_day FROM revisions WHERE account_id = $1 AND campaign_id = $2", campaign
        )
        await tx.run("UPDATE deliveries SET next_at = now() WHERE account_id = $1")
        await work.add(tx, "sending.send", campaign)
    await post.run()
    async with post.tx() as tx:
        after = await tx.value(
            "SELECT key_day FROM revisions WHERE account_id = $1 AND campaign_id = $2", campaign
        )
        assert after - before == timedelta(days=2)
        await tx.run("DELETE FROM content_keys WHERE account_id = $1 AND day = $2", before)
        assert (await revisions.open(tx, post.services, campaign)).subject.startswith("Du pain")
        await tx.run("DELETE FROM content_keys WHERE account_id = $1 AND day = $2", after)
        with pytest.raises(Gone):
            await revisions.open(tx, post.services, campaign)
    assert await post.status(campaign) == "sent"
    assert {key for key, one in revisions._loaded.items() if one.campaign_id == campaign} == set()


@pytest.mark.req("S13")
async def test_without_its_key_a_campaign_stops_and_says_so(post: Post, people: People) -> None:
    campaign = await post.campaign([await people("ana@key.test")])
    await post.prepared(campaign)
    async with post.tx() as tx:
        await tx.run("DELETE FROM content_keys WHERE account_id = $1")
    await post.run()
    async with post.tx() as tx:
        row = await tx.rows(
            "SELECT status, pause_reason FROM campaigns WHERE account_id = $1 AND id = $2", campaign
        )
    assert row == [("paused", "content_gone")]
    assert post.sink.seen == []


@pytest.mark.req("D-22", "A-002")
async def test_a_delivery_in_doubt_can_be_sent_again_by_a_person(post: Post, people: People) -> None:
    post.sink.end = lambda mail: DIE if mail.recipient == "ana@doubt.test" else "250 2.0.0 Ok"
    campaign = await post.campaign([await people("ana@doubt.test", "bob@doubt.test")])
    ana, bob = await _contact(post, "ana@doubt.test"), await _contact(post, "bob@doubt.test")
    await post.run()
    assert await post.status(campaign) == "sent"
    post.sink.end = "250 2.0.0 Ok"
    async with post.tx() as tx:
        with pytest.raises(NotFound):
            await outcomes.send_again(tx, campaign, bob)
    async with post.tx() as tx:
        await outcomes.send_again(tx, campaign, ana)
    await post.run()
    assert set((await post.states(campaign)).values()) == {("delivered", "")}
    assert await post.status(campaign) == "sent"
    assert sorted(post.sink.recipients) == ["ana@doubt.test", "bob@doubt.test"]
    async with post.tx() as tx:
        for status in ("sending", "cancelled"):
            await tx.run("UPDATE campaigns SET status = $2 WHERE account_id = $1", status)
        with pytest.raises(Conflict):
            await outcomes.send_again(tx, campaign, ana)


@pytest.mark.req("A-002")
async def test_after_six_days_nothing_can_be_sent_again(post: Post, people: People) -> None:
    post.sink.end = DIE
    campaign = await post.campaign([await people("ana@doubt.test")])
    ana = await _contact(post, "ana@doubt.test")
    await post.run()
    async with post.tx() as tx:
        await tx.run("DELETE FROM content_keys WHERE account_id = $1")
        with pytest.raises(Gone):
            await outcomes.send_again(tx, campaign, ana)


@pytest.mark.req("D-22")
async def test_the_page_of_deliveries_offers_to_send_again(post: Post, people: People) -> None:
    post.sink.end = DIE
    campaign = await post.campaign([await people("ana@doubt.test")])
    ana = await _contact(post, "ana@doubt.test")
    await post.run()
    owner = await post.make.signed_in(post.account.owner_id)
    place = f"{post.account.app}/campaigns/{campaign}/deliveries"
    shown = await owner.get(f"{place}?status=in_doubt")
    assert f'action="{place}/{ana}/resends"' in shown.text
    answer = await owner.post(f"{place}/{ana}/resends")
    assert answer.location == f"{place}?status=in_doubt"
    post.sink.end = "250 2.0.0 Ok"
    await post.run()
    assert post.sink.recipients == ["ana@doubt.test"]
    shown = await owner.get(place)
    assert "/resends" not in shown.text
    assert (await owner.post(f"{place}/{ana}/resends")).status == 404


async def test_the_campaigns_page_says_why_it_is_paused(post: Post, people: People) -> None:
    campaign = await post.campaign([await people("ana@why.test")])
    async with post.tx() as tx:
        await tx.run("UPDATE senders SET status = 'revoked' WHERE account_id = $1")
    await post.run()
    owner = await post.make.signed_in(post.account.owner_id, language="fr")
    shown = await owner.get(f"{post.account.app}/campaigns/{campaign}?lang=fr")
    assert "n’est plus confirmé" in shown.text
