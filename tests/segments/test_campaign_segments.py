"""A campaign's audience is its lists, narrowed by segments: counted, frozen and sent alike (S4)."""

import contextlib
import re

import pytest

from lists import contacts, fields, segments, suppressions
from lists.contacts import ContactChange
from lists.fields import NewField
from lists.segment_tree import Tree
from lists.segments import NewSegment
from mailer import worker
from mailer.core import jobs, work
from mailer.core.errors import Conflict
from mailer.web.request import check
from sending import audience, campaign_segments, left_out
from tests.delivery.conftest import EVERY, People, Post, people, post, sink

__all__ = ["people", "post", "sink"]


async def segment(post: Post, *rules: dict[str, object], match: str = "all") -> int:
    async with post.tx() as tx:
        number = await tx.value("SELECT count(*) FROM segments WHERE account_id = $1")
        tree = check(Tree, {"match": match, "rules": list(rules)})
        return (await segments.create(tx, NewSegment(name=f"Segment {number}", tree=tree))).id


async def use(post: Post, campaign_id: int, segment_id: int, how: str) -> None:
    """As the audience page does for a draft; these campaigns are scheduled already."""
    async with post.tx() as tx:
        await campaign_segments.choose(
            tx,
            campaign_id,
            include=[segment_id] if how == "include" else [],
            exclude=[segment_id] if how == "exclude" else [],
        )


async def settled(post: Post, campaign_id: int) -> bool:
    """Looked at as a draft's page would."""
    async with post.tx() as tx:
        await tx.run(
            "UPDATE campaigns SET status = 'draft', scheduled_at = NULL WHERE account_id = $1 AND id = $2",
            campaign_id,
        )
        whole = await campaign_segments.settle(tx, campaign_id)
        await tx.run(
            "UPDATE campaigns SET status = 'scheduled' WHERE account_id = $1 AND id = $2", campaign_id
        )
    return whole


@pytest.mark.req("S4")
async def test_a_list_minus_a_segment_ends_with_the_exact_deliveries(post: Post, people: People) -> None:
    listed = await people("ana@pain.test", "bob@pain.test", "eve@sel.test")
    async with post.tx() as tx:
        # in the segment, and on no list
        await post.make.contact(tx, "nobody@else.test")
    of_pain = await segment(post, {"subject": "domain", "operator": "is", "value": "pain.test"})
    campaign = await post.campaign([listed])
    await use(post, campaign, of_pain, "exclude")
    assert await settled(post, campaign)
    async with post.tx() as tx:
        counts = await audience.count(tx, campaign)
    assert (counts.in_lists, counts.excluded, counts.outside, counts.result) == (3, 2, 0, 1)
    await post.run()
    assert post.sink.recipients == ["eve@sel.test"]
    assert set(await post.states(campaign)) == {"eve@sel.test"}


@pytest.mark.req("S4")
async def test_a_segment_narrows_and_authorises_nobody(post: Post, people: People) -> None:
    listed = await people("ana@pain.test", "bob@pain.test", "eve@sel.test")
    async with post.tx() as tx:
        await post.make.contact(tx, "nobody@pain.test")
        await tx.run(
            """
            UPDATE subscriptions SET status = 'unsubscribed'
            WHERE account_id = $1 AND contact_id IN (SELECT id FROM contacts WHERE account_id = $1 AND email = $2)
            """,
            "bob@pain.test",
        )
    of_pain = await segment(post, {"subject": "domain", "operator": "is", "value": "pain.test"})
    campaign = await post.campaign([listed])
    await use(post, campaign, of_pain, "include")
    assert await settled(post, campaign)
    async with post.tx() as tx:
        counts = await audience.count(tx, campaign)
    assert (counts.in_lists, counts.outside, counts.unsubscribed, counts.result) == (3, 1, 1, 1)
    await post.run()
    assert post.sink.recipients == ["ana@pain.test"]


@pytest.mark.req("S4", "C-16")
async def test_a_segment_that_is_left_out_leaves_out_who_objected_to_profiles(
    post: Post, people: People
) -> None:
    """Ana objected, then came back to the list herself: no rule may look at her, so none can let her through."""
    listed = await people("ana@pain.test", "eve@sel.test")
    async with post.tx() as tx:
        hashed = await suppressions.hash_of(tx, post.services.sealer, "ana@pain.test")
        await suppressions.add(tx, hashed, reason=suppressions.Reason.OBJECTED)
        await tx.run("UPDATE suppressions SET returned_to = ARRAY[$2::bigint] WHERE account_id = $1", listed)
    of_pain = await segment(post, {"subject": "domain", "operator": "is", "value": "pain.test"})
    campaign = await post.campaign([listed])
    await use(post, campaign, of_pain, "exclude")
    without = await post.campaign([listed])
    await post.run()
    assert set(await post.states(campaign)) == {"eve@sel.test"}
    assert set(await post.states(without)) == {"ana@pain.test", "eve@sel.test"}


async def test_two_segments_narrow_to_those_who_are_in_both(post: Post, people: People) -> None:
    listed = await people("ana@pain.test", "bob@pain.test", "ana@sel.test")
    first = await segment(post, {"subject": "domain", "operator": "is", "value": "pain.test"})
    second = await segment(post, {"subject": "email", "operator": "begins", "value": "ana@"})
    campaign = await post.campaign([listed])
    async with post.tx() as tx:
        await campaign_segments.choose(tx, campaign, include=[first, second], exclude=[])
    await post.run()
    assert post.sink.recipients == ["ana@pain.test"]


async def test_what_changed_since_the_page_was_looked_at_counts_when_it_is_frozen(
    post: Post, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audience.freeze_chunk, "__kwdefaults__", {"size": 3})
    listed = await people(count=8)
    anas = await segment(post, {"subject": "last_name", "operator": "is", "value": "Roux"})
    campaign = await post.campaign([listed])
    await use(post, campaign, anas, "include")
    assert await settled(post, campaign)
    async with post.tx() as tx:
        chosen = await tx.rows(
            "SELECT id FROM contacts WHERE account_id = $1 AND email LIKE 'p_@%' ORDER BY id"
        )
        for (contact_id,) in chosen[::2]:
            await contacts.change(tx, post.services.sealer, contact_id, ContactChange(last_name="Roux"))
    await post.prepared(campaign)
    assert len(await post.states(campaign)) == 4


async def test_a_large_account_is_looked_at_by_ranges_that_a_killed_worker_goes_on_with(
    post: Post, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(segments, "SMALL", 5)
    monkeypatch.setattr(segments.next_range, "__kwdefaults__", {"size": 4})
    listed = await people("eve@sel.test", count=13)
    others = await segment(post, {"subject": "domain", "operator": "is", "value": "sel.test"}, match="none")
    campaign = await post.campaign([listed])
    await use(post, campaign, others, "include")
    assert not await settled(post, campaign), "a task looks at them"
    async with post.tx() as tx:
        await tx.run("UPDATE campaigns SET status = 'draft' WHERE account_id = $1 AND id = $2", campaign)
    async with post.tx() as tx:
        assert not await campaign_segments.mark_on(tx, campaign)
    with contextlib.suppress(ZeroDivisionError):
        async with post.tx() as tx:
            await campaign_segments.mark_on(tx, campaign)
            raise ZeroDivisionError  # the second range, cut off before it was committed
    [task] = [
        task
        for task in await work.due(post.services.db, EVERY)
        if (task.account_id, task.job, task.ref_id) == (post.account.id, campaign_segments.JOB, campaign)
    ]
    assert await jobs.run_turn(post.services, worker.JOBS, task)
    async with post.tx() as tx:
        assert await campaign_segments.settle(tx, campaign)
        counts = await audience.count(tx, campaign)
        assert (counts.outside, counts.result) == (1, 13)
        found = await segments.show(tx, others)
        assert (found.contacts, found.counting) == (None, True)
        while not await segments.count_on(tx, others):
            pass
        found = await segments.show(tx, others)
    assert (found.contacts, found.counting, found.current) == (13, False, True)


async def test_a_field_deleted_meanwhile_stops_the_campaign_and_mails_nobody(
    post: Post, people: People
) -> None:
    listed = await people(count=3)
    async with post.tx() as tx:
        field = await fields.create(tx, NewField(label="Ville"))
    of_paris = await segment(
        post, {"subject": "field", "of": "ville", "operator": "is_not", "value": "Paris"}
    )
    campaign = await post.campaign([listed])
    await use(post, campaign, of_paris, "include")
    async with post.tx() as tx:
        await fields.delete(tx, field.id)
    await post.run()
    assert await post.status(campaign) == "paused"
    assert post.sink.recipients == []
    async with post.tx() as tx:
        kept = await segments.show(tx, of_paris)
        assert kept.tree["rules"][0]["of"] == "ville", "the condition is kept"
        await fields.create(tx, NewField(label="Ville"))
        await tx.run(
            "UPDATE campaigns SET status = 'preparing', pause_reason = '' WHERE account_id = $1 AND id = $2",
            campaign,
        )
        await work.add(tx, "sending.prepare", campaign)
    await post.run()
    assert len(post.sink.recipients) == 3


async def test_a_segment_that_a_campaign_uses_is_not_deleted(post: Post, people: People) -> None:
    listed = await people(count=1)
    one = await segment(post, {"subject": "email", "operator": "filled"})
    campaign = await post.campaign([listed])
    await use(post, campaign, one, "exclude")
    async with post.tx() as tx:
        with pytest.raises(Conflict) as refused:
            await segments.delete(tx, one)
    assert refused.value.faults[0].params == {"names": "“Lettre”"}
    async with post.tx() as tx:
        await tx.run("UPDATE campaigns SET status = 'cancelled' WHERE account_id = $1 AND id = $2", campaign)
        await segments.delete(tx, one)


async def test_people_can_see_who_is_left_out_and_by_which_segment(post: Post, people: People) -> None:
    listed = await people("ana@pain.test", "bob@pain.test", "eve@sel.test", "zoe@vip.test")
    of_pain = await segment(post, {"subject": "domain", "operator": "is_not", "value": "sel.test"})
    vips = await segment(post, {"subject": "domain", "operator": "is", "value": "vip.test"})
    campaign = await post.campaign([listed])
    async with post.tx() as tx:
        await campaign_segments.choose(tx, campaign, include=[of_pain], exclude=[vips])
        names = dict(await segments.names(tx))
    assert await settled(post, campaign)
    person = await post.make.signed_in(post.account.owner_id)
    place = f"{post.account.app}/campaigns/{campaign}/left-out"
    before = await person.get(f"{place}?reason=segment")
    assert "eve@sel.test" in before.text
    assert f"not in the segment “{names[of_pain]}”." in before.text
    assert "ana@pain.test" not in before.text
    excluded = await person.get(f"{place}?reason=excluded")
    assert "zoe@vip.test" in excluded.text
    assert f"in “{names[vips]}”, which the campaign excludes" in excluded.text
    await post.run()
    assert sorted(post.sink.recipients) == ["ana@pain.test", "bob@pain.test"]
    # what changes now changes nothing of what was frozen
    async with post.tx() as tx:
        await tx.run(
            "UPDATE contacts SET address_key = 'eve@pain.test' WHERE account_id = $1 AND email = 'eve@sel.test'"
        )
    after = await person.get(f"{place}?reason=segment")
    assert f"not in the segment “{names[of_pain]}” when the audience was frozen (" in after.text
    assert "eve@sel.test" in after.text


@pytest.mark.parametrize("size", [1, 2, 50])
async def test_the_left_out_come_by_pages_whatever_the_ranges(
    post: Post, people: People, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    monkeypatch.setattr(left_out, "RANGE", size)
    monkeypatch.setattr(left_out, "MOST_RANGES", 2)
    listed = await people(count=7)
    nobody = await segment(post, {"subject": "email", "operator": "empty"})
    campaign = await post.campaign([listed])
    await use(post, campaign, nobody, "include")
    assert await settled(post, campaign)
    seen: list[str] = []
    cursor: str | None = None
    async with post.tx() as tx:
        for _ in range(20):
            found = await left_out.many(tx, campaign, "segment", cursor=cursor, limit=3)
            seen += [one.email for one in found.items]
            cursor = found.next_cursor
            if cursor is None:
                break
    assert seen == [f"p{n}@people-{listed}.test" for n in range(7)]


async def test_the_audience_page_chooses_segments_and_says_when_they_are_not_counted_yet(
    post: Post, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    listed = await people("ana@pain.test", "eve@sel.test")
    of_pain = await segment(post, {"subject": "domain", "operator": "is", "value": "pain.test"})
    async with post.tx() as tx:
        campaign = await tx.value(
            "INSERT INTO campaigns (account_id, name) VALUES ($1, 'Lettre') RETURNING id"
        )
    person = await post.make.signed_in(post.account.owner_id)
    place = f"{post.account.app}/campaigns/{campaign}/audience"
    chosen = {"include": str(listed), "include_segments": str(of_pain)}
    assert (await person.post(place, chosen)).status == 303
    page = await person.get(place)
    assert "1 person will get this message." in page.text
    assert re.search(r"Not in the segments</a></th><td>1</td>", page.text)
    both = await person.post(place, chosen | {"exclude_segments": str(of_pain)})
    assert both.status == 422
    assert "A segment is both included and excluded." in both.text
    monkeypatch.setattr(segments, "SMALL", 1)
    async with post.tx() as tx:
        await tx.run("UPDATE campaigns SET segments_at = NULL WHERE account_id = $1 AND id = $2", campaign)
    waiting = await person.get(place)
    assert "The segments are being counted" in waiting.text
    assert "will get this message" not in waiting.text
    await post.run()
    assert "1 person will get this message." in (await person.get(place)).text
