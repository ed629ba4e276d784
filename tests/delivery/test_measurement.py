"""Mails as they arrive and what becomes of following them, in each way of measuring; and after a no."""

import re
from datetime import UTC, timedelta

import asyncpg
import pytest

from mailer.core import clock
from mailer.core.tokens import Purpose
from retention_jobs import purge
from tests.clicks.conftest import BROWSER, Flush, flush
from tests.client import Client
from tests.delivery.conftest import People, Post
from tracking import modes
from tracking.modes import Choice

__all__ = ["flush"]

BREAD = "https://boutique.test/pain?a=1&b=2"
STATES = ("unknown", "granted", "denied")


async def measure(post: Post, **choice: object) -> None:
    async with post.tx() as tx:
        await modes.change(tx, Choice.model_validate(choice))


async def three(post: Post, people: People) -> int:
    """A list of three: never asked, yes, no."""
    listed = await people(*(f"{state}@modes.test" for state in STATES))
    async with post.tx() as tx:
        for state in STATES:
            await tx.run(
                "UPDATE contacts SET opens = $2, clicks = $2 WHERE account_id = $1 AND email = $3",
                state,
                f"{state}@modes.test",
            )
    return listed


def parts(post: Post, who: str) -> str:
    """The HTML of the mail that arrived, decoded and nothing else."""
    [mail] = post.sink.to(f"{who}@modes.test")
    body = mail.message.get_body(("html",))
    assert body is not None
    return str(body.get_content())


def pixels(html: str) -> list[str]:
    return re.findall(r'<img src="([^"]*/t/[od]/[\w-]+)"', html)


async def rows(post: Post, sql: str) -> list[tuple[object, ...]]:
    async with post.tx() as tx:
        return await tx.rows(sql)


def path(url: str) -> str:
    return "/" + url.split("/", 3)[3]


@pytest.mark.req("B-35", "B-41", "B-42", "A-011")
async def test_a_tracked_click_an_untracked_one_and_one_after_a_no_byte_by_byte(
    post: Post, people: People, client: Client, flush: Flush
) -> None:
    """Mail at the server → address in it → answer → row in the database."""
    listed = await three(post, people)
    campaign = await post.campaign([listed])
    await post.run()
    written = b'href=3D"https://boutique.test/pain?a=3D1&amp;b=3D2"'
    raw = {state: post.sink.to(f"{state}@modes.test")[0].raw.replace(b"=\r\n", b"") for state in STATES}
    assert (written in raw["unknown"], written in raw["denied"], written in raw["granted"]) == (
        True,
        True,
        False,
    )
    assert b"/t/c/" not in raw["unknown"] + raw["denied"]
    assert b"/t/o/" not in raw["unknown"] + raw["denied"]
    # the text part carries the author's address as well
    assert b"https://boutique.test/pain?a=3D1&b=3D2" in raw["unknown"]
    link = re.findall(r'href="([^"]*/t/c/[\w-]+)"', parts(post, "granted"))[0]
    [pixel] = pixels(parts(post, "granted"))
    answer = await client.get(path(link), headers=BROWSER)
    assert (answer.status, answer.headers["Location"]) == (302, BREAD)
    opened = await client.get(path(pixel), headers=BROWSER)
    await flush()
    [who] = [
        row[0]
        for row in await rows(post, "SELECT id FROM contacts WHERE account_id = $1 AND opens = 'granted'")
    ]
    events = "SELECT kind, contact_id, campaign_id FROM events WHERE account_id = $1 ORDER BY kind"
    assert await rows(post, events) == [("click", who, campaign), ("open", who, campaign)]
    # the same person says no, at the page that the mail links to
    choice = re.findall(r'href="([^"]*/t/tracking/[\w-]+)"', parts(post, "granted"))[0]
    assert (await client.post(path(choice), data={"do": "refuse"})).status == 303
    after = await client.get(path(link), headers=BROWSER)
    again = await client.get(path(pixel), headers=BROWSER)
    assert (after.status, after.headers["Location"], after.text) == (302, BREAD, answer.text)
    assert (again.status, again.text) == (opened.status, opened.text)
    same = ("Content-Type", "Content-Length", "Cache-Control", "Referrer-Policy", "Location")
    for before, later in ((answer, after), (opened, again)):
        assert [before.headers.get(name) for name in same] == [later.headers.get(name) for name in same]
    await flush()
    assert len(await rows(post, events)) == 2


@pytest.mark.req("B-34", "B-36")
async def test_in_aggregate_mode_all_mails_hold_one_image_and_a_load_is_a_number(
    post: Post, people: People, client: Client, flush: Flush
) -> None:
    await measure(post, opens="aggregate", clicks="off")
    listed = await three(post, people)
    campaign = await post.campaign([listed])
    await post.run()
    found = {state: pixels(parts(post, state)) for state in STATES}
    assert found["denied"] == []
    assert found["unknown"] == found["granted"]
    [pixel] = found["granted"]
    token = post.services.tokens.read_campaign(Purpose.OPEN, pixel.rpartition("/")[2])
    assert (token.campaign_id, token.contact_id, token.link_id, token.url) == (campaign, 0, 0, "")
    assert all("/t/c/" not in parts(post, state) for state in STATES)
    for _ in range(3):
        await client.get(path(pixel), headers=BROWSER)
    await client.get(path(pixel), headers={"User-Agent": "curl/8"})
    await flush()
    counts = "SELECT campaign_id, loads, machine_loads FROM open_counts WHERE account_id = $1"
    assert await rows(post, counts) == [(campaign, 3, 1)]
    assert await rows(post, "SELECT id FROM events WHERE account_id = $1") == []
    assert await rows(post, "SELECT 1 FROM deliveries WHERE account_id = $1 AND (opens OR clicks)") == []
    # left: nothing more is counted, and the image is still answered
    await measure(post, opens="individual")
    assert (await client.get(path(pixel), headers=BROWSER)).status == 200
    await flush()
    assert await rows(post, counts) == [(campaign, 3, 1)]


@pytest.mark.req("B-34", "S6")
async def test_a_batch_of_loads_that_comes_again_counts_nothing_again(post: Post, people: People) -> None:
    from tracking import buffer, tallies
    from tracking.buffer import Hit

    await measure(post, opens="aggregate")
    campaign = await post.campaign([await people("ana@modes.test")])
    await post.run()
    account, now = post.account.id, buffer.now_ms()
    hits = [Hit(buffer.new_id(now), now, "load", account, campaign, 0, 0, "browser", False) for _ in range(5)]
    for batch in (hits[:3], hits[:3], hits):
        async with post.tx() as tx:
            await tallies.store(tx, batch)
    counts = "SELECT loads FROM open_counts WHERE account_id = $1"
    assert await rows(post, counts) == [(5,)]
    async with post.tx() as tx:
        await purge.RULES["open_days"](tx, clock.now() + timedelta(days=4))
    assert await rows(post, "SELECT 1 FROM counted_loads WHERE account_id = $1") == []
    assert await rows(post, counts) == [(5,)]


@pytest.mark.req("B-33")
async def test_the_exempt_mode_keeps_one_day_that_only_the_eraser_reads(
    post: Post, people: People, client: Client, flush: Flush
) -> None:
    await measure(post, opens="last_day", clicks="off")
    listed = await three(post, people)
    async with post.tx() as tx:
        await post.make.contact(tx, "customer@modes.test", list_id=listed)
        await tx.run(
            """
            UPDATE subscriptions SET legal_basis = 'existing_customer'
            WHERE account_id = $1 AND contact_id = (
                SELECT id FROM contacts WHERE account_id = $1 AND email = 'customer@modes.test')
            """
        )
    await post.campaign([listed])
    await post.run()
    # who did not ask for this mail, and who said no, hold no image
    assert [len(pixels(parts(post, who))) for who in (*STATES, "customer")] == [1, 1, 0, 0]
    [one], [other] = pixels(parts(post, "unknown")), pixels(parts(post, "granted"))
    assert one != other
    assert "/t/d/" in one
    await client.get(path(one), headers=BROWSER)
    await client.get(path(one), headers={"User-Agent": "curl/8"})
    entry = (await post.services.redis.xrange("mailer:events", count=100))[-1][1][b"h"]
    at = int(entry.split(b",")[1])
    assert at % (24 * 3600 * 1000) == 0, "the stream knows the day and no time"
    assert b"browser" not in entry
    await flush()
    assert await rows(post, "SELECT id FROM events WHERE account_id = $1") == []
    assert await rows(post, "SELECT 1 FROM deliveries WHERE account_id = $1 AND (opens OR clicks)") == []
    kept = await rows(post, "SELECT contact_id FROM last_open_days WHERE account_id = $1")
    assert kept == await rows(post, "SELECT id FROM contacts WHERE account_id = $1 AND email LIKE 'unknown%'")
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await rows(post, "SELECT day FROM last_open_days WHERE account_id = $1")
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await rows(post, "SELECT 1 FROM last_open_days WHERE account_id = $1 AND day > '2026-01-01'")


async def day_of(post: Post) -> list[tuple[object, ...]]:
    """As the sunset job reads it."""
    async with post.tx() as tx:
        await tx.run_plain("SET LOCAL ROLE mailer_eraser")
        return await tx.rows("SELECT day FROM last_open_days WHERE account_id = $1")


@pytest.mark.req("B-33")
async def test_a_later_day_overwrites_and_an_earlier_one_does_not(post: Post, people: People) -> None:
    from tracking import buffer, tallies
    from tracking.buffer import Hit

    await measure(post, opens="last_day")
    listed = await people("ana@modes.test")
    campaign = await post.campaign([listed])
    await post.run()
    [(contact,)] = await rows(post, "SELECT id FROM contacts WHERE account_id = $1")
    now = clock.now()
    for days in (9, 3, 5):
        at = int((now - timedelta(days=days)).timestamp() * 1000)
        hit = Hit(buffer.new_id(at), at, "day", post.account.id, campaign, int(str(contact)), 0, "", False)
        async with post.tx() as tx:
            await tallies.store(tx, [hit])
    assert await day_of(post) == [((now - timedelta(days=3)).astimezone(UTC).date(),)]
    # with the mode goes what it kept
    await measure(post, opens="off")
    assert await day_of(post) == []
    assert {row[0] for row in await rows(post, "SELECT object FROM audit WHERE account_id = $1")} >= {
        "opens_last_day",
        "opens_off",
    }


@pytest.mark.req("B-33", "A-004")
async def test_a_day_goes_after_13_months_and_with_its_contact(post: Post, people: People) -> None:
    from tracking import buffer, tallies
    from tracking.buffer import Hit

    await measure(post, opens="last_day")
    campaign = await post.campaign([await people("ana@modes.test")])
    await post.run()
    [(contact,)] = await rows(post, "SELECT id FROM contacts WHERE account_id = $1")
    hit = Hit("x1", buffer.now_ms(), "day", post.account.id, campaign, int(str(contact)), 0, "", False)
    for later, left in ((timedelta(days=390), 1), (timedelta(days=400), 0)):
        async with post.tx() as tx:
            await tallies.store(tx, [hit])
            await purge.RULES["open_days"](tx, clock.now() + later)
        assert len(await day_of(post)) == left
    async with post.tx() as tx:
        await tallies.store(tx, [hit])
        await tx.run("DELETE FROM contacts WHERE account_id = $1")
    assert await day_of(post) == []


@pytest.mark.req("B-42")
async def test_what_the_account_leaves_ends_for_mails_on_their_way_and_out(
    post: Post, people: People, client: Client, flush: Flush
) -> None:
    listed = await three(post, people)
    first = await post.campaign([listed])
    await post.run()
    [pixel] = pixels(parts(post, "granted"))
    second = await post.campaign([listed])
    await post.prepared(second)
    await measure(post, opens="off", clicks="off")
    await client.get(path(pixel), headers=BROWSER)
    await flush()
    assert await rows(post, "SELECT id FROM events WHERE account_id = $1") == []
    post.sink.accepted.clear()
    await post.run()
    assert "/t/c/" not in parts(post, "granted")
    assert pixels(parts(post, "granted")) == []
    async with post.tx() as tx:
        frozen = [await modes.measured(tx, campaign) for campaign in (first, second)]
    assert {(one.opens, one.clicks) for one in frozen} == {("individual", "individual")}


@pytest.mark.req("B-40")
async def test_a_mail_without_a_way_out_holds_nothing_that_measures(post: Post, people: People) -> None:
    from tests.delivery.conftest import MJML

    listed = await three(post, people)
    campaign = await post.campaign([listed], source=MJML.replace("{{ tracking_url }}", "https://x.test/"))
    await post.run()
    assert "/t/c/" not in parts(post, "granted")
    assert pixels(parts(post, "granted")) == []
    async with post.tx() as tx:
        found = await modes.measured(tx, campaign)
    assert (found.opens, found.clicks) == ("off", "off")


@pytest.mark.req("B-33", "D-90")
@pytest.mark.parametrize(
    ("agent", "counts"),
    [
        (BROWSER["User-Agent"], True),
        ("Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)", True),
        ("YahooMailProxy; https://help.yahoo.com/kb/yahoo-mail-proxy-SLN28749.html", True),
        ("Mozilla/5.0", False),
        ("", False),
        ("Mozilla/5.0 (compatible; Barracuda)", False),
    ],
)
async def test_a_day_is_of_whoever_looked_and_not_of_what_loads_ahead(
    post: Post, people: People, client: Client, flush: Flush, agent: str, counts: bool
) -> None:
    await measure(post, opens="last_day")
    await post.campaign([await people("ana@modes.test")])
    await post.run()
    [pixel] = pixels(parts(post, "ana"))
    assert (await client.get(path(pixel), headers={"User-Agent": agent})).status == 200
    await flush()
    assert len(await day_of(post)) == int(counts)


@pytest.mark.req("B-41", "B-33")
async def test_after_a_no_the_image_of_the_exempt_mode_is_answered_and_leaves_nothing(
    post: Post, people: People, client: Client, flush: Flush
) -> None:
    await measure(post, opens="last_day")
    await post.campaign([await people("ana@modes.test")])
    await post.run()
    [pixel] = pixels(parts(post, "ana"))
    async with post.tx() as tx:
        await tx.run("UPDATE contacts SET opens = 'denied' WHERE account_id = $1")
    answer = await client.get(path(pixel), headers=BROWSER)
    assert (answer.status, answer.headers["Content-Length"]) == (200, "43")
    await flush()
    assert await day_of(post) == []
    # a damaged token gets the same image
    damaged = await client.get(path(pixel)[:-2], headers=BROWSER)
    assert (damaged.status, damaged.text) == (200, answer.text)
