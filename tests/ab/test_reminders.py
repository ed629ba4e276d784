"""A campaign sent again to those who did not click: whom it reaches, and whom it does not."""

from datetime import timedelta

import pytest

from lists import segments
from lists.segment_tree import Condition, Subject, Tree
from lists.segments import NewSegment
from mailer.core import clock
from mailer.core.errors import Conflict, Invalid
from sending import (
    ab_runs,
    ab_tests,
    audience,
    campaign_checks,
    campaign_segments,
    campaigns,
    reminders,
    sends,
)
from sending.ab_tests import Setting, Variant
from sending.sends import Order
from tests.ab.conftest import put
from tests.delivery.conftest import MJML, People, Post


async def sent(post: Post, people: People) -> tuple[int, dict[str, int]]:
    """To seven people, of whom only the first is silent and measured and still wanted. Id, and ids by name."""
    names = ["silent", "person", "perhaps", "machine", "withdrawn", "left", "gone"]
    listed = await people(*(f"{name}@again.test" for name in names), tracked=True)
    unmeasured = await people("unmeasured@again.test")
    campaign = await post.campaign([listed, unmeasured])
    await post.run()
    async with post.tx() as tx:
        ids = {
            email.partition("@")[0]: contact_id
            for email, contact_id in await tx.rows("SELECT email, id FROM contacts WHERE account_id = $1")
        }
        for name, verdict in (("person", "person"), ("perhaps", "unknown"), ("machine", "machine")):
            await tx.run(
                """
                INSERT INTO events (account_id, id, at, campaign_id, contact_id, kind, verdict)
                VALUES ($1, $2, now(), $3, $4, 'click', $5)
                """,
                name,
                campaign,
                ids[name],
                verdict,
            )
        await tx.run(
            "UPDATE contacts SET clicks = 'denied' WHERE account_id = $1 AND id = $2", ids["withdrawn"]
        )
        await tx.run(
            "UPDATE subscriptions SET status = 'unsubscribed' WHERE account_id = $1 AND contact_id = $2",
            ids["left"],
        )
        await tx.run("DELETE FROM contacts WHERE account_id = $1 AND id = $2", ids["gone"])
    return campaign, ids


@pytest.mark.req("B-36", "S4", "D-90")
async def test_only_those_who_were_measured_and_did_not_click_get_it(post: Post, people: People) -> None:
    campaign, _ = await sent(post, people)
    clock.shift(timedelta(hours=25))
    async with post.tx() as tx:
        found = await reminders.people(tx, campaign)
        assert (found.delivered, found.not_measured, found.clicked, found.silent) == (8, 3, 2, 3)
        made = await reminders.begin(tx, campaign, name="Encore", subject="Encore du pain")
        assert (made.subject, made.reminder_of, made.status, made.lists) == (
            "Encore du pain",
            campaign,
            "draft",
            2,
        )
        await campaign_segments.settle(tx, made.id)
        counts = await audience.count(tx, made.id)
    assert (counts.result, counts.unsubscribed) == (2, 1)
    clock.shift(timedelta(0))
    post.sink.accepted.clear()
    async with post.tx() as tx:
        await campaigns.write_content(tx, made.id, "mjml", MJML)
        await sends.schedule(tx, post.services, made.id, Order())
    await post.run()
    assert sorted(post.sink.recipients) == ["machine@again.test", "silent@again.test"]


async def test_a_click_after_the_draft_was_made_counts_too(post: Post, people: People) -> None:
    campaign, ids = await sent(post, people)
    clock.shift(timedelta(hours=25))
    async with post.tx() as tx:
        made = await reminders.begin(tx, campaign, name="Encore", subject="Encore du pain")
        await tx.run(
            """
            INSERT INTO events (account_id, id, at, campaign_id, contact_id, kind, verdict)
            VALUES ($1, 'late', now(), $2, $3, 'click', 'person')
            """,
            campaign,
            ids["silent"],
        )
    clock.shift(timedelta(0))
    post.sink.accepted.clear()
    async with post.tx() as tx:
        await sends.schedule(tx, post.services, made.id, Order())
    await post.run()
    assert post.sink.recipients == ["machine@again.test"]


async def test_without_its_segment_it_does_not_leave(post: Post, people: People) -> None:
    campaign, _ = await sent(post, people)
    clock.shift(timedelta(hours=25))
    async with post.tx() as tx:
        made = await reminders.begin(tx, campaign, name="Encore", subject="Encore du pain")
        [silent] = await campaign_segments.many(tx, made.id)
        report = await campaign_checks.run(tx, post.services, made.id)
        assert [one.code for one in report.group("blocking")] == []
        await campaign_segments.choose(tx, made.id, include=[], exclude=[])
        report = await campaign_checks.run(tx, post.services, made.id)
        assert [(one.code, one.step) for one in report.group("blocking")] == [("segment", "audience")]
        # left out instead of kept: the very people it is not for
        await campaign_segments.choose(tx, made.id, include=[], exclude=[silent.segment_id])
        assert (await campaign_checks.run(tx, post.services, made.id)).blocked
        # people of another segment beside them, who may have clicked
        others = Tree(rules=[Condition(subject=Subject.EMAIL, operator="contains", value="@")])
        other = await segments.create(tx, NewSegment(name="Autres", tree=others))
        both = [silent.segment_id, other.id]
        await campaign_segments.choose(tx, made.id, include=both, exclude=[])
        assert (await campaign_checks.run(tx, post.services, made.id)).blocked
        await campaign_segments.choose(tx, made.id, include=[silent.segment_id], exclude=[])
        assert not (await campaign_checks.run(tx, post.services, made.id)).blocked


async def test_it_is_made_once_a_day_later_and_not_of_itself(post: Post, people: People) -> None:
    campaign, _ = await sent(post, people)

    async def refused(of: int) -> str:
        async with post.tx() as tx:
            with pytest.raises(Conflict) as error:
                await reminders.begin(tx, of, name="Encore", subject="B")
        return error.value.faults[0].message

    clock.shift(timedelta(hours=23))
    assert "too early" in await refused(campaign)
    clock.shift(timedelta(hours=25))
    with pytest.raises(Invalid) as wrong:
        async with post.tx() as tx:
            await reminders.begin(tx, campaign, name="Encore", subject="{{ contact.nothing }}")
    assert wrong.value.faults[0].field == "subject"
    async with post.tx() as tx:
        made = await reminders.begin(tx, campaign, name="Encore", subject="B")
    assert "made already" in await refused(campaign)
    assert "reminder itself" in await refused(made.id)
    async with post.tx() as tx:
        await campaigns.delete(tx, made.id)
        # its segment is there still, and is used again
        again = await reminders.begin(tx, campaign, name="Encore", subject="B")
        assert len(await campaign_segments.many(tx, again.id)) == 1


async def test_what_was_not_sent_or_measures_nothing_has_no_reminder(post: Post, people: People) -> None:
    service = await post.campaign([await people(count=2)], kind="service")
    plain = await post.campaign([await people(count=2)])
    await post.run()
    draft = await post.campaign([await people(count=2)])
    clock.shift(timedelta(hours=25))
    for campaign in (service, plain, draft):
        async with post.tx() as tx:
            with pytest.raises(Conflict):
                await reminders.begin(tx, campaign, name="Encore", subject="B")


async def test_a_reminder_of_a_compared_campaign_says_what_the_winner_said(
    post: Post, people: People
) -> None:
    campaign = await post.campaign([await people(count=6, tracked=True)])
    other = MJML.replace("Voir le pain", "Au four")
    variants = [Variant(content_kind="mjml", source=other)]
    await put(post, campaign, Setting(about="content", variants=variants, share=100))
    await post.run()

    async with post.tx() as tx:
        await ab_runs.decide(tx, campaign, 2)
    clock.shift(timedelta(hours=25))
    async with post.tx() as tx:
        made = await reminders.begin(tx, campaign, name="Encore", subject="C")
        assert await ab_tests.of(tx, made.id) is None
    assert made.source == other


async def test_the_page_says_whom_it_leaves_out_and_makes_the_draft(post: Post, people: People) -> None:
    campaign, _ = await sent(post, people)
    owner = await post.make.signed_in(post.account.owner_id, language="fr")
    place = f"{post.account.app}/campaigns/{campaign}"
    assert f'href="{place}/reminder"' in (await owner.get(place)).text
    early = await owner.get(f"{place}/reminder")
    assert "la relance est possible à partir du" in early.text
    assert f'action="{place}/reminders"' not in early.text
    async with post.tx() as tx:
        # a session does not outlive a clock that is moved so far
        await tx.run(
            "UPDATE campaigns SET finished_at = finished_at - interval '25 hours' WHERE account_id = $1"
        )
    shown = await owner.get(f"{place}/reminder")
    assert "Leurs clics ne sont pas mesurés" in shown.text
    wrong = await owner.post(f"{place}/reminders", {"subject": "{{ contact.nothing }}"})
    assert wrong.status == 422
    assert 'id="subject-error"' in wrong.text
    made = await owner.post(f"{place}/reminders", {"subject": "Encore du pain"})
    assert made.location.endswith("/setup")
    setup = await owner.get(made.location)
    assert 'value="Encore du pain"' in setup.text
    assert "Ne va qu’à ceux qui n’ont pas cliqué" in setup.text
    again = await owner.post(f"{place}/reminders", {"subject": "Encore"})
    assert "La relance de cette campagne existe déjà." in (await owner.get(again.location)).text


@pytest.mark.parametrize(
    ("change", "offered"),
    [
        ("status = 'sent'", True),
        ("status = 'sending', finished_at = NULL", False),
        ("kind = 'service'", False),
        ("reminder_of = id - 1", False),
    ],
)
async def test_the_report_offers_it_as_the_campaign_does(
    post: Post, people: People, change: str, offered: bool
) -> None:
    await post.campaign([await people(count=1)])
    campaign, _ = await sent(post, people)
    async with post.tx() as tx:
        await tx._connection.execute(f"UPDATE campaigns SET {change} WHERE id = {campaign}")
    analyst, _ = await post.make.user(post.account.id, "analyst")
    place = f"{post.account.app}/campaigns/{campaign}"
    button = f'<a class="btn" href="{place}/reminder">'
    for user_id in (post.account.owner_id, analyst):
        person = await post.make.signed_in(user_id, language="fr")
        for page in (place, f"{place}/report"):
            found = (await person.get(page)).text
            assert (button in found, "Relancer ceux qui n’ont pas cliqué" in found) == (offered, offered), (
                page
            )


async def test_a_program_makes_it_too(post: Post, people: People) -> None:
    campaign, _ = await sent(post, people)
    program = await post.make.program(post.account.id)
    place = f"/api/v1/campaigns/{campaign}/reminders"
    body = {"name": "Encore", "subject": "Encore du pain"}
    assert (await program.post(place, json=body)).status == 409
    clock.shift(timedelta(hours=25))
    assert (await program.post(place, json={"name": "Encore"})).status == 422
    made = await program.post(place, json=body)
    assert (made.status, made.json()["reminder_of"], made.json()["status"]) == (201, campaign, "draft")
    assert len(made.json()["segment_ids"]) == 1
