"""Versions of drafts: kept at each save, thinned by age, compared, brought back; two people lose nothing."""

import re
from datetime import UTC, datetime, timedelta

import pytest

from mailer.core import clock
from mailer.core.actor import Actor
from mailer.core.errors import Conflict, NotFound
from mailer.core.services import Services
from retention_jobs import purge
from sending import ab_tests, campaigns, designs, differences, draft_versions, presence
from sending.draft_versions import Draft
from sending.sources import Source
from tests.campaigns.conftest import MJML
from tests.campaigns.test_content_pages import Build, version
from tests.make import Make

NOW = datetime(2026, 11, 24, 12, 30, tzinfo=UTC)


def mjml(words: str) -> str:
    return MJML.replace("voici le seigle", words)


async def test_each_save_is_a_version_and_the_same_text_makes_none(ready: Build, services: Services) -> None:
    found = await ready(source=mjml("un"))
    person = Actor("user", found.account.owner_id)
    of = Draft(campaign_id=found.campaign.id)
    async with services.db.account(found.account.id, actor=person) as tx:
        for words in ("deux", "deux", "trois"):
            await campaigns.write_content(tx, found.campaign.id, "mjml", mjml(words))
        kept = await draft_versions.many(tx, of)
        texts = [(await draft_versions.show(tx, one.id)).source for one in kept]
    assert texts == [mjml("trois"), mjml("deux"), mjml("un")]
    assert [one.saved_by for one in kept] == [found.account.owner_id, found.account.owner_id, None]
    numbers = [one.number for one in kept]
    assert numbers == sorted(numbers, reverse=True)
    assert len(set(numbers)) == 3


async def test_what_stood_there_before_versions_were_kept_is_the_first(
    services: Services, make: Make
) -> None:
    account = await make.account()
    person = Actor("user", account.owner_id)
    async with services.db.account(account.id, actor=person) as tx:
        made = await designs.create(tx, designs.NewDesign(name="Code", kind="mjml"), mjml("avant"))
        await designs.write(tx, made.id, mjml("après"))
        kept = await draft_versions.many(tx, Draft(design_id=made.id))
        texts = [(await draft_versions.show(tx, one.id)).source for one in kept]
    assert texts == [mjml("après"), mjml("avant")]
    assert [one.saved_by for one in kept] == [account.owner_id, None]


async def test_variants_of_an_ab_test_have_versions_of_their_own(ready: Build, services: Services) -> None:
    found = await ready(source=mjml("A"))
    async with services.db.account(found.account.id) as tx:
        setting = ab_tests.Setting(about="content", variants=[ab_tests.Variant()])
        await ab_tests.put(tx, found.campaign.id, setting)
        await ab_tests.write_content(tx, found.campaign.id, 2, Source("mjml", mjml("B"), "fr"), version=None)
        of_b = await draft_versions.many(tx, Draft(campaign_id=found.campaign.id, variant=2))
        of_a = await draft_versions.many(tx, Draft(campaign_id=found.campaign.id))
        texts = [(await draft_versions.show(tx, one.id)).source for one in of_b]
    assert texts == [mjml("B"), mjml("A")]
    assert [one.size for one in of_a] == [len(mjml("A"))]


async def test_an_hour_keeps_all_a_day_one_an_hour_and_before_one_a_day(
    ready: Build, services: Services
) -> None:
    found = await ready()
    ages = [0, 10, 59, 61, 75, 95, 23 * 60, 23 * 60 + 10, 26 * 60, 30 * 60, 50 * 60]
    async with services.db.account(found.account.id) as tx:
        await tx.run("DELETE FROM draft_versions WHERE account_id = $1")
        for n, minutes in enumerate(reversed(ages)):
            await _add(tx, found.campaign.id, n, NOW - timedelta(minutes=minutes))
        assert await draft_versions.thin(tx, Draft(campaign_id=found.campaign.id), NOW) == 3
        kept = await draft_versions.many(tx, Draft(campaign_id=found.campaign.id))
        assert await draft_versions.thin(tx, Draft(campaign_id=found.campaign.id), NOW) == 0
    left = [int((NOW - one.created_at).total_seconds() // 60) for one in kept]
    # 12:30: 11:29 and 11:15 are of one hour, 13:30 and 13:20 of another; the day before yesterday and yesterday
    assert left == [0, 10, 59, 61, 95, 23 * 60, 26 * 60, 50 * 60]


async def _add(tx, campaign_id: int, number: int, at: datetime, *, refused: bool = False) -> None:  # type: ignore[no-untyped-def]
    await tx.run(
        """
        INSERT INTO draft_versions (account_id, campaign_id, number, kind, source, created_at, refused)
        VALUES ($1, $2, $3, 'mjml', 'x' || $3::int, $4, $5)
        """,
        campaign_id,
        number,
        at,
        refused,
    )


async def test_a_program_that_saves_without_end_fills_no_disk(
    ready: Build, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(draft_versions, "MOST", 5)
    monkeypatch.setattr(draft_versions, "MOST_CHARACTERS", 40)
    found = await ready()
    async with services.db.account(found.account.id) as tx:
        for n in range(9):
            await campaigns.write_content(tx, found.campaign.id, "mjml", f"{n:020}")
        assert [one.size for one in await draft_versions.many(tx, Draft(campaign_id=found.campaign.id))] == [
            20,
            20,
        ]
        # one that is larger than all together may be stays all the same
        await campaigns.write_content(tx, found.campaign.id, "mjml", "x" * 99)
        assert [one.size for one in await draft_versions.many(tx, Draft(campaign_id=found.campaign.id))] == [
            99
        ]


@pytest.mark.req("A-001", "A-003")
async def test_versions_go_with_the_draft_and_with_the_sent_content(ready: Build, services: Services) -> None:
    sent, deleted, other = await ready(), await ready(), await ready()
    for one in (sent, other):
        async with services.db.account(one.account.id) as tx:
            await _add(tx, one.campaign.id, 90, NOW - timedelta(days=31), refused=True)
            await _add(tx, one.campaign.id, 91, NOW - timedelta(days=29), refused=True)
    async with services.db.account(sent.account.id) as tx:
        await tx.run(
            """
            UPDATE campaigns SET status = 'scheduled' WHERE account_id = $1 AND id = $2
            """,
            sent.campaign.id,
        )
        await tx.run(
            "UPDATE campaigns SET status = 'cancelled', finished_at = $3 WHERE account_id = $1 AND id = $2",
            sent.campaign.id,
            NOW - timedelta(days=6),
        )
        await purge.content(tx, NOW)
        assert await tx.value("SELECT count(*) FROM draft_versions WHERE account_id = $1") == 0
    async with services.db.account(deleted.account.id) as tx:
        assert await tx.value("SELECT count(*) FROM draft_versions WHERE account_id = $1") == 1
        await campaigns.delete(tx, deleted.campaign.id)
        assert await tx.value("SELECT count(*) FROM draft_versions WHERE account_id = $1") == 0
    async with services.db.account(other.account.id) as tx:
        await purge.content(tx, NOW)
        left = await tx.rows("SELECT number, refused FROM draft_versions WHERE account_id = $1 ORDER BY id")
    assert [row[1] for row in left] == [False, True]
    assert left[1][0] == 91


async def test_a_version_is_compared_and_brought_back_without_script(ready: Build, make: Make) -> None:
    found = await ready(source=mjml("un"))
    owner = await make.signed_in(found.account.owner_id)
    shown = await owner.get(f"{found.page}/content")
    saved = await owner.post(
        f"{found.page}/content", {"source": mjml("deux"), "act": "check", "version": version(shown.text)}
    )
    assert saved.status == 303
    listed = await owner.get(f"{found.page}/versions")
    places = re.findall(r'href="([^"]+/versions/\d+)"', listed.text)
    assert len(places) == 2
    older = await owner.get(places[1])
    assert re.search(r"<del>.*\bun\b.*</del>", older.text)
    assert re.search(r"<ins>.*\bdeux\b.*</ins>", older.text)
    framed = await owner.get("/t/" + (await owner.get(f"{places[1]}/frame")).location.partition("/t/")[2])
    assert "un." in framed.text
    assert "deux" not in framed.text
    newest = places[0].rpartition("/")[2]
    assert (await owner.get(f"{places[1]}?other={newest}")).text.count("<iframe") == 2
    back = await owner.post(f"{places[1]}/restorations", {"version": version(older.text)})
    assert back.location == f"{found.page}/content"
    assert "un." in (await owner.get(back.location)).text
    again = await owner.get(f"{found.page}/versions")
    assert again.text.count("/versions/") >= 3
    assert "brought back" in again.text
    # on what another person saved in between, nothing is brought back over it
    stale = await owner.post(f"{places[0]}/restorations", {"version": version(older.text)})
    assert stale.location == places[0]
    async with make.services.db.account(found.account.id) as tx:
        assert (await campaigns.show(tx, found.campaign.id)).source == mjml("un")


async def test_a_sent_campaign_brings_nothing_back(ready: Build, services: Services) -> None:
    found = await ready(source=mjml("un"))
    async with services.db.account(found.account.id) as tx:
        [one] = await draft_versions.many(tx, Draft(campaign_id=found.campaign.id))
        await tx.run(
            "UPDATE campaigns SET status = 'scheduled' WHERE account_id = $1 AND id = $2", found.campaign.id
        )
        with pytest.raises(Conflict):
            await campaigns.write_content(tx, found.campaign.id, "mjml", mjml("deux"))
        assert [line.id for line in await draft_versions.many(tx, Draft(campaign_id=found.campaign.id))] == [
            one.id
        ]


async def test_a_text_that_comes_too_late_is_kept_for_its_author_alone(ready: Build, make: Make) -> None:
    found = await ready(source=mjml("un"))
    page = f"{found.page}/content"
    owner = await make.signed_in(found.account.owner_id)
    second, _ = await make.user(found.account.id, "editor")
    claire = await make.signed_in(second)
    old = version((await owner.get(page)).text)
    assert (await claire.post(page, {"source": mjml("deux"), "version": old})).status == 303
    late = {"source": mjml("trois"), "version": old}
    # as autosave sends it: the laptop that was closed meanwhile
    answer = await owner.ask(
        "POST",
        page,
        data=late | {"csrf": owner.csrf},
        headers={"X-Autosave": "1", "Accept": "application/json"},
    )
    assert answer.status == 409
    compare = answer.json()["compare"]
    by_hand = await owner.post(page, late)
    assert by_hand.status == 409
    assert f'href="{compare}"' in by_hand.text  # kept once
    assert "trois" in by_hand.text
    both = await owner.get(compare)
    assert re.search(r"<del>.*trois.*</del>", both.text)
    assert re.search(r"<ins>.*deux.*</ins>", both.text)
    assert (await claire.get(compare)).status == 404
    assert "too late" not in (await claire.get(f"{found.page}/versions")).text
    assert "too late" in (await owner.get(f"{found.page}/versions")).text
    taken = await owner.post(f"{compare}/restorations", {"version": version(both.text)})
    assert taken.location == page
    async with make.services.db.account(found.account.id) as tx:
        assert (await campaigns.show(tx, found.campaign.id)).source == mjml("trois")
        kept = await draft_versions.many(tx, Draft(campaign_id=found.campaign.id))
        texts = [(await draft_versions.show(tx, one.id)).source for one in kept]
    assert texts == [mjml("trois"), mjml("deux"), mjml("un")]
    # given up instead: what was saved stays
    gone = await owner.post(page, {"source": mjml("quatre"), "version": old})
    place = re.search(r'href="([^"]+/versions/\d+)"', gone.text)[1]
    assert (await claire.post(f"{place}/removals")).status == 404
    assert (await owner.post(f"{place}/removals")).status == 303
    assert (await owner.get(place)).status == 404


async def test_a_design_keeps_both_texts_too(make: Make) -> None:
    account = await make.account()
    owner = await make.signed_in(account.owner_id)
    made = await owner.post(f"{account.app}/designs", {"name": "Code", "kind": "mjml"})
    old = version((await owner.get(made.location)).text)
    assert (await owner.post(made.location, {"source": mjml("deux"), "version": old})).status == 303
    late = await owner.post(made.location, {"source": mjml("trois"), "version": old})
    place = re.search(r'href="([^"]+/versions/\d+)"', late.text)[1]
    assert "trois" in (await owner.get(place)).text
    framed = await owner.get("/t/" + (await owner.get(f"{place}/frame")).location.partition("/t/")[2])
    assert "trois" in framed.text


async def test_two_people_read_each_others_name(
    ready: Build, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = await ready()
    page = f"{found.page}/content"
    owner = await make.signed_in(found.account.owner_id)
    second, _ = await make.user(found.account.id, "editor")
    claire = await make.signed_in(second)
    async with make.services.db.shared() as shared:
        await shared.run("UPDATE users SET first_name = 'Claire', last_name = 'Petit' WHERE id = $1", second)
        await shared.run(
            "UPDATE users SET first_name = 'Ana', last_name = 'Martin' WHERE id = $1", found.account.owner_id
        )
    first = await owner.get(page)
    assert "has this draft open" not in first.text
    assert "Ana Martin has this draft open too." in (await claire.get(page)).text
    asked = await owner.get(f"{found.page}/presence?version={version(first.text)}")
    assert "Claire Petit has this draft open too." in asked.text
    assert "newer" not in asked.text
    await claire.post(page, {"source": mjml("deux"), "act": "check", "version": version(first.text)})
    told = await owner.get(f"{found.page}/presence?version={version(first.text)}")
    assert "Claire Petit saved a newer version" in told.text
    # who closed the page is there no more
    now = clock.now()
    monkeypatch.setattr(clock, "now", lambda: now + timedelta(seconds=presence.SECONDS + 1))
    assert "has this draft open" not in (await owner.get(f"{found.page}/presence")).text


async def test_somebody_elses_version_is_not_there(ready: Build, make: Make, services: Services) -> None:
    mine, theirs = await ready(), await ready()
    async with services.db.account(theirs.account.id) as tx:
        [one] = await draft_versions.many(tx, Draft(campaign_id=theirs.campaign.id))
    owner = await make.signed_in(mine.account.owner_id)
    assert (await owner.get(f"{mine.page}/versions/{one.id}")).status == 404
    async with services.db.account(mine.account.id) as tx:
        with pytest.raises(NotFound):
            await draft_versions.show(tx, one.id)


def test_a_difference_tells_what_is_gone_and_what_is_new() -> None:
    old, new = "a\nb\nc\nd\ne\nf\ng\nh\ni", "a\nb\nc\nd\nE\nf\ng\nh\ni"
    told = [(row.kind, row.old, row.new, row.text) for row in differences.compare(old, new)]
    assert told == [
        ("skipped", 1, None, ""),
        ("same", 2, 2, "b"), ("same", 3, 3, "c"), ("same", 4, 4, "d"),
        ("gone", 5, None, "e"), ("new", None, 5, "E"),
        ("same", 6, 6, "f"), ("same", 7, 7, "g"), ("same", 8, 8, "h"),
        ("skipped", 1, None, ""),
    ]  # fmt: skip
    assert differences.compare(old, old) == []
    assert [row.kind for row in differences.compare("", "x")] == ["gone", "new"]


def test_a_difference_of_anything_is_bounded() -> None:
    """Lines that all repeat are what difflib is slowest at; it is not asked then."""
    old, new = "\n".join("ab"[n % 2] for n in range(250_000)), "\n".join("ba"[n % 2] for n in range(249_999))
    rows = differences.compare(old, new + "z")
    assert len(rows) <= differences.MOST_ROWS + 1
    assert rows[-1].kind == "skipped"
