"""What an automatic campaign speaks of is deleted: it stops, says why, and was named before on the page."""

import pytest

from lists import fields, mailing_lists, segments, tags
from lists.automation_uses import of as automations_with
from lists.fields import NewField
from lists.segment_tree import Condition, Subject, Tree
from lists.segments import NewSegment
from mailer.core.errors import Invalid
from mailer.core.work import Task
from sending import automation_runs, automation_steps, automation_turns, automations, campaigns
from sending.automation_steps import StepInput
from sending.automations import Trigger
from tests.automations.conftest import Begin, Series

ANA = Condition(subject=Subject.EMAIL, operator="begins", value="ana")


async def _pulse(series: Series) -> None:
    """As the worker does: what was rung is due, and its turn comes."""
    await automation_turns.pulse(series.post.services, Task(0, "sending.ring_automations", 0, 0, 1))
    async with series.post.tx() as tx:
        due = await tx.value(
            """
            SELECT count(*) FROM work
            WHERE account_id = $1 AND job = 'sending.advance_automation' AND ref_id = $2 AND run_at <= now()
            """,
            series.id,
        )
    assert due == 1
    await series.turn()


async def _stopped(series: Series) -> str:
    """Why, by the words of its page; the home page says the same."""
    await _pulse(series)
    async with series.post.tx() as tx:
        found = await automations.show(tx, series.id)
    assert found.status == "paused"
    owner = await series.post.make.signed_in(series.post.account.owner_id)
    app = series.post.account.app
    words = automation_runs.REASONS[found.pause_reason]
    page = await owner.get(f"{app}/automations/{series.id}")
    assert (page.status, words in page.text) == (200, True)
    home = (await owner.get(app)).text
    assert f'href="{app}/automations/{series.id}"' in home
    assert words in home
    return found.pause_reason


async def _sleep(series: Series) -> None:
    """Started, and its first turn is over."""
    await series.start()
    await series.turn()
    async with series.post.tx() as tx:
        await tx.run("DELETE FROM work WHERE account_id = $1 AND ref_id = $2", series.id)


async def _deletion_page(series: Series, path: str) -> bool:
    owner = await series.post.make.signed_in(series.post.account.owner_id)
    app = series.post.account.app
    page = await owner.get(f"{app}/{path}/deletion")
    return f'href="{app}/automations/{series.id}"' in page.text


async def _series(begin: Begin, trigger: Trigger, plain: Series) -> Series:
    series = await begin(list_id=plain.list_id, trigger=trigger)
    series.list_id = plain.list_id
    await series.mail("Bonjour")
    return series


async def test_the_tag_that_it_waits_for_is_deleted(begin: Begin) -> None:
    plain = await begin()
    async with plain.post.tx() as tx:
        tag = (await tags.named(tx, "client")).id
    series = await _series(begin, Trigger(kind="tagged", of=tag), plain)
    await _sleep(series)
    assert await _deletion_page(series, f"tags/{tag}")
    async with series.post.tx() as tx:
        await tags.delete(tx, tag)
    assert await _stopped(series) == "trigger"
    # nothing mends that: it stays so until it is ended
    async with series.post.tx() as tx:
        with pytest.raises(Invalid) as refused:
            await automation_runs.resume(tx, series.post.services, series.id)
    assert [one.code for one in refused.value.faults] == ["trigger"]


async def test_the_tag_of_a_step_is_deleted_and_the_step_corrected(begin: Begin) -> None:
    series = await begin()
    await series.mail("Bonjour")
    step = await series.step(StepInput(kind="tag", tag="client"))
    await _sleep(series)
    async with series.post.tx() as tx:
        tag = (await tags.named(tx, "client")).id
    assert await _deletion_page(series, f"tags/{tag}")
    async with series.post.tx() as tx:
        await tags.delete(tx, tag)
    assert await _stopped(series) == "tag"
    async with series.post.tx() as tx:
        await automation_steps.change(tx, series.id, step, StepInput(kind="tag", tag="fidèle"))
        assert (await automation_runs.resume(tx, series.post.services, series.id)).status == "running"
    who = await series.subscribe("ana@mended.test")
    await series.turn()
    async with series.post.tx() as tx:
        had = "SELECT count(*) FROM contact_tags WHERE account_id = $1 AND contact_id = $2"
        assert await tx.value(had, who) == 1


async def test_the_segment_that_it_waits_for_is_deleted(begin: Begin) -> None:
    plain = await begin()
    async with plain.post.tx() as tx:
        segment = await segments.create(tx, NewSegment(name="Les Ana", tree=Tree(rules=[ANA])))
    series = await _series(begin, Trigger(kind="segment", of=segment.id), plain)
    await _sleep(series)
    assert await _deletion_page(series, f"segments/{segment.id}")
    async with series.post.tx() as tx:
        await segments.delete(tx, segment.id)
    assert await _stopped(series) == "trigger"


async def test_its_segment_speaks_of_a_field_that_is_deleted_and_is_corrected(begin: Begin) -> None:
    plain = await begin()
    async with plain.post.tx() as tx:
        field = await fields.create(tx, NewField(label="Ville", type="text"))
        rule = Condition(subject=Subject.FIELD, of=field.key, operator="is", value="Lyon")
        segment = await segments.create(tx, NewSegment(name="Lyon", tree=Tree(rules=[rule])))
    series = await _series(begin, Trigger(kind="segment", of=segment.id), plain)
    await _sleep(series)
    assert await _deletion_page(series, f"fields/{field.id}")
    async with series.post.tx() as tx:
        await fields.delete(tx, field.id)
    assert await _stopped(series) == "trigger_segment"
    async with series.post.tx() as tx:
        await segments.change(tx, segment.id, segments.SegmentChange(tree=Tree(rules=[ANA])))
        assert (await automation_runs.resume(tx, series.post.services, series.id)).status == "running"


async def test_the_date_field_that_it_waits_for_is_deleted(begin: Begin) -> None:
    plain = await begin()
    async with plain.post.tx() as tx:
        field = await fields.create(tx, NewField(label="Anniversaire", type="date"))
    series = await _series(begin, Trigger(kind="date", field=field.key), plain)
    await _sleep(series)
    assert await _deletion_page(series, f"fields/{field.id}")
    async with series.post.tx() as tx:
        await fields.delete(tx, field.id)
    assert await _stopped(series) == "trigger"


async def test_the_draft_whose_click_it_waits_for_is_deleted(begin: Begin) -> None:
    plain = await begin()
    async with plain.post.tx() as tx:
        draft = await campaigns.create(tx, campaigns.NewCampaign(name="Brouillon"))
    series = await _series(begin, Trigger(kind="clicked", of=draft.id), plain)
    await _sleep(series)
    assert await _deletion_page(series, f"campaigns/{draft.id}")
    async with series.post.tx() as tx:
        await campaigns.delete(tx, draft.id)
    assert await _stopped(series) == "trigger"


@pytest.mark.parametrize("by", ["rule", "segment"])
async def test_a_condition_asks_about_a_list_that_is_deleted(begin: Begin, by: str) -> None:
    series = await begin()
    await series.mail("Bonjour")
    async with series.post.tx() as tx:
        other = await series.post.make.mailing_list(tx, "Autre")
        rule = Condition(subject=Subject.LIST, of=other, operator="subscribed")
        segment = await segments.create(tx, NewSegment(name="Autre", tree=Tree(rules=[rule])))
    given = {"rule": rule} if by == "rule" else {"segment_id": segment.id}
    await series.step(StepInput.model_validate({"kind": "condition"} | given))
    await _sleep(series)
    assert await _deletion_page(series, f"lists/{other}")
    async with series.post.tx() as tx:
        await mailing_lists.delete(tx, other)
    assert await _stopped(series) == "condition"
    # people are still taken in, and wait
    await series.subscribe("ana@waits.test")
    await series.turn()
    assert (await series.journeys(), series.got("ana@waits.test")) == ({"ana@waits.test": ""}, [])


async def test_deleting_what_nobody_asks_about_stops_nothing(begin: Begin) -> None:
    series = await begin()
    await series.mail("Bonjour")
    await _sleep(series)
    async with series.post.tx() as tx:
        other = (await tags.named(tx, "autre")).id
        assert await automations_with(tx, "tag", other) == []
        await tags.delete(tx, other)
    await _pulse(series)
    async with series.post.tx() as tx:
        assert (await automations.show(tx, series.id)).status == "running"


async def test_an_ended_one_is_neither_named_nor_stopped(begin: Begin) -> None:
    series = await begin()
    await series.mail("Bonjour")
    await series.step(StepInput(kind="tag", tag="client"))
    await _sleep(series)
    async with series.post.tx() as tx:
        await automation_runs.end(tx, series.id)
        tag = (await tags.named(tx, "client")).id
        assert await automations_with(tx, "tag", tag) == []
        await tags.delete(tx, tag)
        assert (await automations.show(tx, series.id)).status == "ended"
