"""The report of an A/B test of contents: each variant's links, and its mail with its own figures."""

import csv
import html
import io
import re
from datetime import timedelta

import pytest

from mailer.client import AsyncClient
from mailer.core import clock
from mailer.core.links import Links
from mailer.core.tokens import CampaignToken
from retention_jobs import purge, totals
from sending import ab_runs
from sending.ab_tests import Setting, Variant
from tests.ab.conftest import compared, people, post, put, sink
from tests.client import Client
from tests.delivery.conftest import MJML, People, Post
from tests.reports.test_click_map import BADGE, FRAME
from tests.reports.test_report import counted
from tracking import reports

__all__ = ["people", "post", "sink"]
OTHER = MJML.replace("Voir le pain", "Au four").replace("boutique.test/pain", "boutique.test/four")
CHOSEN = re.compile(r'<a href="[^"]*\?variant=(\d)#click-map" aria-current="page">([^<]+)<')
PAIN, FOUR = "https://boutique.test/pain?a=1&b=2", "https://boutique.test/four?a=1&b=2"


@pytest.fixture
async def campaign(post: Post, people: People) -> int:
    """Two contents, sent to twelve people each; eleven followed the first link of A, ten that of B."""
    campaign = await post.campaign([await people(count=24, tracked=True)])
    setting = Setting(about="content", variants=[Variant(content_kind="mjml", source=OTHER)], share=100)
    await put(post, campaign, setting)
    await post.run()
    await followed(post, campaign, {1: 11, 2: 10})
    return campaign


async def followed(post: Post, campaign: int, people: dict[int, int]) -> None:
    """The first link of the variant, by so many who got it."""
    async with post.tx() as tx:
        for variant, n in people.items():
            await tx.run(
                """
                INSERT INTO events (account_id, id, at, campaign_id, contact_id, kind, link_id, verdict)
                SELECT $1, 'followed-' || d.contact_id, now(), $2, d.contact_id, 'click', l.id, 'person'
                FROM deliveries d
                JOIN revisions r ON r.account_id = $1 AND r.campaign_id = $2 AND r.variant = d.variant
                JOIN links l ON l.account_id = $1 AND l.campaign_id = $2 AND l.variant = r.links_of
                            AND l.position = 0
                WHERE d.account_id = $1 AND d.campaign_id = $2 AND d.variant = $3
                ORDER BY d.contact_id
                LIMIT $4
                """,
                campaign,
                variant,
                n,
            )
        await counted(tx, campaign)


async def map_of(client: Client, page: str) -> tuple[list[str], str]:
    """What stands beside the links of the mail that the page shows, and the mail."""
    [address] = FRAME.findall(page)
    frame = await client.get(re.sub(r"^https?://[^/]+", "", html.unescape(address)))
    assert frame.status == 200
    return BADGE.findall(frame.text), frame.text


@pytest.mark.req("A-011")
async def test_each_variant_has_a_map_with_its_own_figures(post: Post, campaign: int, client: Client) -> None:
    person = await post.make.signed_in(post.account.owner_id)
    path = f"{post.account.app}/campaigns/{campaign}/report"
    for asked, number, badges, words in (
        ("", "1", ["1 · 11", "2 · 0"], "Voir le pain"),
        ("?variant=1", "1", ["1 · 11", "2 · 0"], "Voir le pain"),
        ("?variant=2", "2", ["1 · 10", "2 · 0"], "Au four"),
        # a variant that the test does not have
        ("?variant=4", "1", ["1 · 11", "2 · 0"], "Voir le pain"),
    ):
        page = (await person.get(path + asked)).text
        assert CHOSEN.findall(page) == [(number, f"Variant {'AB'[int(number) - 1]}")], asked
        found, mail = await map_of(client, page)
        assert (found, words in mail) == (badges, True), asked
    async with post.tx() as tx:
        await ab_runs.decide(tx, campaign, 2)
    page = (await person.get(path)).text
    assert CHOSEN.findall(page) == [("2", "Variant B (chosen)")]
    assert (await map_of(client, page))[0] == ["1 · 10", "2 · 0"]
    # an address that a page had before the maps of variants
    numbers = (post.account.id, campaign)
    purpose, soon = post.services.tokens, int((clock.now() + timedelta(minutes=5)).timestamp())
    new = Links(purpose, "").click_map(CampaignToken(*numbers, 0), expires=soon)
    assert BADGE.findall((await client.get(new)).text) == ["1 · 11", "2 · 0"]


@pytest.mark.req("A-011")
async def test_table_file_and_api_tell_whose_each_link_is(post: Post, campaign: int, server: str) -> None:
    personal = "https://boutique.test/{{ contact.first_name }}"
    expected = [(1, 0, PAIN, 11), (1, 1, personal, 0), (2, 0, FOUR, 10), (2, 1, personal, 0)]
    async with post.tx() as tx:
        found = await reports.summary(tx, campaign)
    assert [(one.variant, one.position, one.url, one.unique.people) for one in found.links] == expected
    person = await post.make.signed_in(post.account.owner_id)
    path = f"{post.account.app}/campaigns/{campaign}/report"
    page = " ".join(html.unescape(re.sub(r"<[^>]+>", " ", (await person.get(path)).text)).split())
    assert f"1. {PAIN} A Voir le pain 11 0 0 11" in page
    assert f"1. {FOUR} B Au four 10 0 0 10" in page
    rows = list(csv.reader(io.StringIO((await person.get(f"{path}/links.csv")).text)))
    assert [(row[0], row[1], row[3], row[7]) for row in rows[1:]] == [
        (str(position + 1), url, str(n), str(variant)) for variant, position, url, n in expected
    ]
    main = {row[0]: row[2] for row in csv.reader(io.StringIO((await person.get(f"{path}.csv")).text))}
    assert {name for name in main if name.startswith("Link")} == {
        f"Link {n} (variant {letter})" for n in (1, 2) for letter in "AB"
    }
    program = await post.make.program(post.account.id)
    async with AsyncClient(server, program.key) as api:
        told = await api.campaigns.report(campaign)
    assert [(one["variant"], one["url"]) for one in told["links"]] == [(v, url) for v, _, url, _ in expected]


@pytest.mark.req("A-064", "G-2")
async def test_totals_that_are_kept_tell_whose_each_link_was(post: Post, campaign: int) -> None:
    async with post.tx() as tx:
        await totals.keep(tx, True)
        await purge.deliveries(tx, clock.now() + timedelta(days=400))
        found = await reports.summary(tx, campaign)
    assert found.campaign.details_erased_at is not None
    assert [(one.variant, one.position, one.unique.people) for one in found.links] == [
        (1, 0, 11),
        (1, 1, 0),
        (2, 0, 10),
        (2, 1, 0),
    ]


async def test_subjects_that_share_their_links_have_one_map(
    post: Post, people: People, client: Client
) -> None:
    campaign = await compared(post, [await people(count=8, tracked=True)], share=100)
    await post.run()
    await followed(post, campaign, {1: 3, 2: 2})
    person = await post.make.signed_in(post.account.owner_id)
    page = (await person.get(f"{post.account.app}/campaigns/{campaign}/report?variant=2")).text
    assert "#click-map" not in page
    assert (await map_of(client, page))[0] == ["1 · 5", "2 · 0"]
    async with post.tx() as tx:
        assert [one.variant for one in (await reports.summary(tx, campaign)).links] == [None, None]


async def test_of_three_contents_two_alike_have_links_of_their_own(post: Post, people: People) -> None:
    """Else a report could not tell whose the links of A are."""
    campaign = await post.campaign([await people(count=9, tracked=True)])
    same = Variant(content_kind="mjml", source=MJML)
    other = Variant(content_kind="mjml", source=OTHER)
    await put(post, campaign, Setting(about="content", variants=[other, same], share=100))
    await post.run()
    async with post.tx() as tx:
        rows = await tx.rows(
            """
            SELECT variant::int, links_of::int FROM revisions
            WHERE account_id = $1 AND campaign_id = $2 ORDER BY 1
            """,
            campaign,
        )
    assert rows == [(1, 1), (2, 2), (3, 3)]
