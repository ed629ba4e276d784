"""The click map: the mail as it was sent, numbered by the server, in a frame that may do nothing, for six days."""

import html
import re
from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest

from mailer.core import clock, jobs
from mailer.core.links import Links
from mailer.core.services import Services
from mailer.core.tokens import CampaignToken
from mailer.core.work import Task
from mailer.worker import JOBS
from retention_jobs import purge
from sending import click_map, sends
from sending.sends import Order
from tests.campaigns.conftest import Ready
from tests.make import Make
from tests.reports.test_report import counted
from tracking.figures import LinkFigures, Verdicts

FRAME = re.compile(r'<iframe class="click-map"[^>]* src="([^"]+)"')
BADGE = re.compile(r'mso-hide:all">([^<]+)</span>')
Build = Callable[..., Awaitable[Ready]]


def figures(position: int, people: int) -> LinkFigures:
    return LinkFigures(
        link_id=position + 1,
        position=position,
        url="",
        label="",
        unique=Verdicts(people=people),
        total=Verdicts(people=people),
    )


def test_links_carry_their_number_and_lead_nowhere() -> None:
    place = "https://click-map.invalid/"
    mail = (
        f'<p><a class="x" href="{place}0" style="color:red">Un</a> <a href="{place}1"><img src="a.png"></a>'
        f' <a href="#">Se désabonner</a> <map><area shape="rect" href="{place}2"></map></p>'
    )
    found = click_map.numbered(mail, {0: figures(0, 1234)})
    assert "click-map.invalid" not in found
    assert BADGE.findall(found) == [
        "1 · 1\N{NARROW NO-BREAK SPACE}234",
        "2",
    ]
    # the author's style stays, behind ours
    assert "outline-offset:1px;box-shadow:0 0 0 4px #ffffff;color:red" in found
    # the frame of an image is around all of it, that of words around them in their lines
    framed = re.findall(r"<a[^>]*display:inline-block[^>]*>(?:<span[^>]*>[^<]*</span>)(.{4})", found)
    assert framed == ["<img"]


def test_a_link_that_nobody_followed_looks_unlike_the_others() -> None:
    place = "https://click-map.invalid/"
    mail = "".join(f'<a href="{place}{n}">Un</a>' for n in range(3))
    found = click_map.numbered(mail, {0: figures(0, 3), 1: figures(1, 0), 2: figures(2, 3)})
    assert BADGE.findall(found) == ["1 · 3", "2 · 0", "3 · 3"]
    colours = re.findall(r"background:(#[0-9a-f]{6});", found)
    assert colours[0] == colours[2] != colours[1]


async def left(ready: Build, services: Services, make: Make) -> Ready:
    """Sent to three, of whom the first is measured and followed the link."""
    found = await ready()
    account_id, campaign_id = found.account.id, found.campaign.id
    async with services.db.account(account_id) as tx:
        await tx.run(
            "UPDATE contacts SET clicks = 'granted' WHERE account_id = $1 AND id = $2", found.people[0]
        )
        await sends.schedule(tx, services, campaign_id, Order())
    await jobs.run_turn(services, JOBS, Task(account_id, sends.PREPARE, campaign_id, 0, 1))
    async with services.db.account(account_id) as tx:
        for contact_id in found.people:
            await make.moved(tx, contact_id, "claimed", "handing", "delivered")
        await tx.run(
            """
            UPDATE deliveries SET clicks = true WHERE account_id = $1 AND campaign_id = $2 AND contact_id = $3
            """,
            campaign_id,
            found.people[0],
        )
        await tx.run(
            """
            UPDATE campaigns SET status = 'sent', started_at = now(), finished_at = now()
            WHERE account_id = $1 AND id = $2
            """,
            campaign_id,
        )
        await tx.run(
            """
            INSERT INTO events (account_id, id, at, campaign_id, contact_id, kind, link_id, verdict)
            SELECT $1, 'followed', now(), $2, $3, 'click', id, 'person'
            FROM links
            WHERE account_id = $1 AND campaign_id = $2 AND position = 0
            """,
            campaign_id,
            found.people[0],
        )
        await counted(tx, campaign_id)
    return found


@pytest.mark.req("A-001", "E-04")
async def test_the_mail_is_shown_for_six_days_and_then_the_table_remains(
    ready: Build, services: Services, make: Make, client
) -> None:
    found = await left(ready, services, make)
    person = await make.signed_in(found.account.owner_id)
    page = await person.get(f"{found.page}/report")
    [address] = FRAME.findall(page.text)
    assert "sandbox" in re.search(r"<iframe[^>]+>", page.text)[0]
    frame = await client.get(re.sub(r"^https?://[^/]+", "", html.unescape(address)))
    assert frame.status == 200
    assert BADGE.findall(frame.text) == ["1 · 1"]
    assert "Voir le seigle" in frame.text
    # nobody's name, nothing measured, and nothing to follow
    assert "Ana" not in frame.text
    assert not re.search(r'href="https?:|/t/[co]/', frame.text)
    policy = frame.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert policy.endswith("; sandbox")
    assert frame.headers["Cache-Control"] == "no-store"

    clock.shift(timedelta(days=6, minutes=1))
    person = await make.signed_in(found.account.owner_id)
    late = await person.get(f"{found.page}/report")
    assert FRAME.findall(late.text) == []
    assert "its content is erased 6 days after the send. The table of links remains." in late.text
    assert "https://pain.example/seigle?a=1" in late.text


@pytest.mark.req("A-001", "E-31")
async def test_the_frame_is_gone_with_the_content_and_its_address_ends_by_itself(
    ready: Build, services: Services, make: Make, client
) -> None:
    found = await left(ready, services, make)
    what = CampaignToken(found.account.id, found.campaign.id, 0)
    soon = int((clock.now() + timedelta(minutes=10)).timestamp())
    path = Links(services.tokens, "").click_map(what, expires=soon)
    assert (await client.get(path)).status == 200
    clock.shift(timedelta(minutes=11))
    assert (await client.get(path)).status == 404
    assert (await client.get(path[:-3] + "AAA")).status == 404
    clock.shift(timedelta(days=6, hours=1))
    async with services.db.account(found.account.id) as tx:
        await purge.content(tx, clock.now())
    fresh = int((clock.now() + timedelta(minutes=10)).timestamp())
    gone = await client.get(Links(services.tokens, "").click_map(what, expires=fresh))
    assert gone.status == 410


async def test_a_mail_that_measures_nothing_carries_numbers_alone(
    ready: Build, services: Services, make: Make, client
) -> None:
    found = await left(ready, services, make)
    async with services.db.account(found.account.id) as tx:
        await tx.run("UPDATE deliveries SET clicks = false WHERE account_id = $1")
        await tx.run("DELETE FROM events WHERE account_id = $1")
    soon = int((clock.now() + timedelta(minutes=10)).timestamp())
    what = CampaignToken(found.account.id, found.campaign.id, 0)
    frame = await client.get(Links(services.tokens, "").click_map(what, expires=soon))
    assert BADGE.findall(frame.text) == ["1"]
