"""What takes people in: tags, dates, segments, clicks, events; and an import only when it was asked for."""

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from lists import segments, tags
from lists.segment_tree import Condition, Subject, Tree
from lists.segments import NewSegment
from mailer.core import clock
from mailer.core.db import AccountTx
from mailer.core.errors import Invalid
from mailer.core.work import Task
from sending import automation_entries, automation_turns
from sending.automations import Trigger
from tests.automations.conftest import Begin, Series

PARIS = ZoneInfo("Europe/Paris")


async def _tag(tx: AccountTx, *contacts: int) -> int:
    tag = await tags.named(tx, "client")
    await tags.put(tx, contacts, tag.id)
    return tag.id


def noon(day: str) -> None:
    """From now on it is noon in Paris on that day."""
    at = datetime.fromisoformat(f"{day}T12:00").replace(tzinfo=PARIS)
    clock.shift(at - datetime.now(PARIS))


async def test_a_tag_takes_in_who_is_subscribed_and_each_once(begin: Begin) -> None:
    plain = await begin()
    async with plain.post.tx() as tx:
        tag = await _tag(tx)
    series = await begin(list_id=plain.list_id, trigger=Trigger(kind="tagged", of=tag))
    series.list_id = plain.list_id
    await series.mail("Client")
    await series.start()
    inside = await series.subscribe("ana@tag.test")
    async with series.post.tx() as tx:
        outside = await series.post.make.contact(tx, "bob@tag.test")
        await _tag(tx, inside, outside)
    await series.turn()
    async with series.post.tx() as tx:
        await tags.take(tx, [inside], tag)
        await _tag(tx, inside)
    await series.turn()
    assert series.got("ana@tag.test") == ["Client"]
    assert series.got("bob@tag.test") == []


async def test_who_may_take_part_again_does_each_time_but_never_twice_at_once(begin: Begin) -> None:
    plain = await begin()
    async with plain.post.tx() as tx:
        tag = await _tag(tx)
    series = await begin(list_id=plain.list_id, trigger=Trigger(kind="tagged", of=tag), again=True)
    series.list_id = plain.list_id
    await series.mail("Client")
    await series.wait(amount=1, unit="days")
    await series.start()
    who = await series.subscribe("ana@again.test")
    for _ in range(2):
        async with series.post.tx() as tx:
            await tags.take(tx, [who], tag)
            await _tag(tx, who)
        await series.turn()
    assert series.got("ana@again.test") == ["Client"]
    await series.later(days=2)
    async with series.post.tx() as tx:
        await tags.take(tx, [who], tag)
        await _tag(tx, who)
    await series.turn()
    assert series.got("ana@again.test") == ["Client", "Client"]


async def test_an_import_takes_nobody_in_unless_it_was_asked_for(begin: Begin) -> None:
    series = await begin()
    await series.mail("Bienvenue")
    await series.start()
    async with series.post.tx() as tx:
        who = await series.post.make.contact(tx, "ana@import.test")
        imported = await tx.value(
            "INSERT INTO imports (account_id, file_name) VALUES ($1, 'a.csv') RETURNING id"
        )
        await tx.run(
            """
            INSERT INTO subscriptions (account_id, list_id, contact_id, status, legal_basis, import_id)
            VALUES ($1, $2, $3, 'active', 'consent', $4)
            """,
            series.list_id,
            who,
            imported,
        )
    await series.turn()
    assert await series.journeys() == {}


async def _birthday(begin: Begin, **trigger: object) -> tuple[Series, int]:
    plain = await begin()
    async with plain.post.tx() as tx:
        await tx.run("INSERT INTO fields (account_id, key, label, type) VALUES ($1, 'born', 'Né le', 'date')")
    wanted = Trigger.model_validate({"kind": "date", "field": "born", "hour": 9, **trigger})
    series = await begin(list_id=plain.list_id, trigger=wanted)
    series.list_id = plain.list_id
    await series.mail("Joyeux anniversaire")
    who = await series.subscribe("ana@date.test")
    return series, who


async def _born(series: Series, who: int, day: str) -> None:
    async with series.post.tx() as tx:
        await tx.run(
            "UPDATE contacts SET fields = jsonb_build_object('born', $3::text) WHERE account_id = $1 AND id = $2",
            who,
            day,
        )


async def test_a_birthday_comes_each_year_and_once(begin: Begin) -> None:
    series, who = await _birthday(begin)
    await _born(series, who, "1980-02-29")
    noon("2027-02-26")
    await series.start()
    await series.turn()
    assert series.got("ana@date.test") == []
    # 2027 has no 29 February
    noon("2027-02-28")
    await series.turn()
    await series.later(hours=1)
    assert len(series.got("ana@date.test")) == 1
    noon("2028-02-28")
    await series.turn()
    assert len(series.got("ana@date.test")) == 1
    noon("2028-02-29")
    await series.turn()
    await series.later(hours=2)
    assert len(series.got("ana@date.test")) == 2


async def test_a_renewal_is_told_once_some_days_before(begin: Begin) -> None:
    series, who = await _birthday(begin, yearly=False, days=-7)
    await _born(series, who, "2027-03-10")
    noon("2027-03-02")
    await series.start()
    await series.turn()
    assert series.got("ana@date.test") == []
    noon("2027-03-03")
    await series.turn()
    noon("2028-03-03")
    await series.turn()
    assert len(series.got("ana@date.test")) == 1


async def test_whoever_comes_into_a_segment_is_taken_in_once(begin: Begin) -> None:
    plain = await begin()
    rule = Tree(rules=[Condition(subject=Subject.EMAIL, operator="begins", value="ana")])
    async with plain.post.tx() as tx:
        segment = await segments.create(tx, NewSegment(name="Les Ana", tree=rule))
    series = await begin(list_id=plain.list_id, trigger=Trigger(kind="segment", of=segment.id))
    series.list_id = plain.list_id
    await series.mail("Ana")
    await series.subscribe("bob@segment.test")
    await series.start()
    await series.turn()
    await series.subscribe("ana@segment.test")
    await series.later(minutes=11)
    await series.later(minutes=11)
    assert await series.journeys() == {"ana@segment.test": "done"}
    assert series.got("ana@segment.test") == ["Ana"]


@pytest.mark.req("B-31")
async def test_a_click_takes_in_who_accepts_the_measure_and_no_machine(begin: Begin) -> None:
    plain = await begin()
    await plain.mail("Un")
    await plain.start()
    ids = {
        name: await plain.subscribe(f"{name}@click.test", tracked=name != "withdrawn")
        for name in ("person", "machine", "withdrawn")
    }
    await plain.turn()
    async with plain.post.tx() as tx:
        campaign = await tx.value("SELECT id FROM campaigns WHERE account_id = $1 AND mailing_of IS NOT NULL")
    series = await begin(list_id=plain.list_id, trigger=Trigger(kind="clicked", of=campaign))
    series.list_id = plain.list_id
    await series.mail("Merci")
    await series.start()
    async with series.post.tx() as tx:
        for name, who in ids.items():
            await tx.run(
                """
                INSERT INTO events (account_id, id, at, campaign_id, contact_id, kind, verdict)
                VALUES ($1, $2, now(), $3, $4, 'click', $5)
                """,
                f"click-{who}",
                campaign,
                who,
                "machine" if name == "machine" else "person",
            )
    await series.turn()
    assert await series.journeys() == {"person@click.test": "done"}


@pytest.mark.req("E-61")
async def test_a_programs_event_takes_a_person_in_once_for_each_key(begin: Begin) -> None:
    series = await begin(trigger=Trigger(kind="event", event="order.paid"), again=True)
    await series.mail("Merci")
    await series.start()
    who = await series.subscribe("ana@event.test")
    async with series.post.tx() as tx:
        with pytest.raises(Invalid):
            await automation_entries.happened(tx, "order.paid", who, key="", now=clock.now())
    for key, taken in (("1", 1), ("1", 0), ("2", 1)):
        async with series.post.tx() as tx:
            assert await automation_entries.happened(tx, "order.paid", who, key=key, now=clock.now()) == taken
        await series.turn()
    # of one step's mail, a person gets one a day
    assert series.got("ana@event.test") == ["Merci"]
    await series.later(days=1)
    assert series.got("ana@event.test") == ["Merci", "Merci"]
    async with series.post.tx() as tx:
        assert await automation_entries.happened(tx, "other", who, key="3", now=clock.now()) == 0


async def test_a_ring_makes_the_turn_due(begin: Begin) -> None:
    series = await begin()
    await series.mail("Bienvenue")
    await series.start()
    await series.turn()
    await series.subscribe("ana@ring.test")
    async with series.post.services.db.shared() as tx:
        rung = await tx.value(
            "SELECT count(*) FROM automation_rings WHERE account_id = $1", series.post.account.id
        )
    assert rung == 1
    await automation_turns.pulse(series.post.services, Task(0, "sending.ring_automations", 0, 0, 1))
    await series.post.run()
    assert series.got("ana@ring.test") == ["Bienvenue"]
