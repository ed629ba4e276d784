"""Clicks and opens over HTTP: the answer, what is stored, and what never is."""

import io
import logging
from urllib.parse import quote

import pytest

from mailer.core.services import Services
from mailer.core.tokens import CampaignToken, Purpose
from tests.clicks.conftest import BROWSER, URLS, Flush, Sent
from tests.client import Client
from tests.make import Make


@pytest.mark.req("A-011", "E-09")
async def test_a_click_is_redirected_and_stored_once_per_request(
    client: Client, sent: Sent, flush: Flush
) -> None:
    answer = await client.get(sent.click(0, 1), headers=BROWSER)
    assert (answer.status, answer.location) == (302, URLS[1])
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert "Set-Cookie" not in answer.headers
    assert await sent.events() == []
    await flush()
    assert await sent.events() == [("click", "person", sent.contacts[0], sent.link_ids[1])]
    await flush()
    assert len(await sent.events()) == 1
    await client.get(sent.click(0, 1), headers=BROWSER)
    await flush()
    assert len(await sent.events()) == 2


@pytest.mark.req("B-30", "B-34")
async def test_an_open_is_43_bytes_that_nobody_keeps(client: Client, sent: Sent, flush: Flush) -> None:
    async with client.http.get(client.base + sent.open(), headers=BROWSER) as answer:
        body = await answer.read()
        assert (answer.status, answer.content_type, len(body)) == (200, "image/gif", 43)
        assert answer.headers["Cache-Control"] == "no-store"
    await flush()
    assert await sent.events() == [("open", "person", sent.contacts[0], None)]


@pytest.mark.req("D-92")
async def test_head_and_named_machines_are_machines(client: Client, sent: Sent, flush: Flush) -> None:
    assert (await client.ask("HEAD", sent.click(0), headers=BROWSER)).status == 302
    assert (await client.ask("HEAD", sent.open(0), headers=BROWSER)).status == 200
    for agent in (
        "Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)",
        "Mozilla/5.0",
        "Mozilla/5.0 (compatible; bingbot/2.0)",
        "",
    ):
        await client.get(sent.open(1), headers={"User-Agent": agent})
    await flush()
    assert {verdict for _, verdict, _, _ in await sent.events()} == {"machine"}
    assert len(await sent.events()) == 6


@pytest.mark.req("D-92")
async def test_who_follows_three_links_at_once_is_not_taken_for_a_person_and_a_slow_reader_is(
    client: Client, sent: Sent, flush: Flush, services: Services
) -> None:
    await client.get(sent.click(0, 0), headers=BROWSER)
    await flush()
    assert [verdict for _, verdict, _, _ in await sent.events()] == ["person"]
    for link in (1, 2):
        await client.get(sent.click(0, link), headers=BROWSER)
    for link in (0, 1):
        await client.get(sent.click(1, link), headers=BROWSER)
    await flush()
    verdicts = {(contact, verdict) for _, verdict, contact, _ in await sent.events()}
    assert verdicts == {(sent.contacts[0], "unknown"), (sent.contacts[1], "person")}


@pytest.mark.req("B-27")
async def test_a_click_is_a_sign_of_life_and_an_open_is_not(
    client: Client, sent: Sent, flush: Flush, services: Services
) -> None:
    await client.get(sent.open(0), headers=BROWSER)
    await client.get(sent.click(1), headers=BROWSER)
    await client.get(sent.click(2), headers={"User-Agent": "curl/8"})
    await flush()
    async with services.db.account(sent.account_id) as tx:
        acted = await tx.rows("SELECT id FROM contacts WHERE account_id = $1 AND last_act_at IS NOT NULL")
    assert acted == [(sent.contacts[1],)]


@pytest.mark.req("B-41")
async def test_a_withdrawal_reaches_mails_that_are_out(
    client: Client, sent: Sent, flush: Flush, services: Services
) -> None:
    """Also a hit that waits in the stream while the person says no."""
    await client.get(sent.click(0), headers=BROWSER)
    async with services.db.account(sent.account_id) as tx:
        await tx.run("UPDATE contacts SET opens = 'denied', clicks = 'denied' WHERE account_id = $1")
    assert (await client.get(sent.click(1), headers=BROWSER)).location == URLS[0]
    assert (await client.get(sent.open(1), headers=BROWSER)).status == 200
    await flush()
    assert await sent.events() == []


@pytest.mark.req("B-41", "B-61")
async def test_no_log_line_tells_of_a_hit(
    client: Client, sent: Sent, capsys: pytest.CaptureFixture[str]
) -> None:
    heard = io.StringIO()
    handler = logging.StreamHandler(heard)
    logging.getLogger().addHandler(handler)
    try:
        path = sent.click(0)
        await client.get(path, headers=BROWSER)
        await client.get(path[:-1], headers=BROWSER)
    finally:
        logging.getLogger().removeHandler(handler)
    said = heard.getvalue() + "".join(capsys.readouterr())
    assert path.rpartition("/")[2][:20] not in said
    assert "Firefox" not in said


@pytest.mark.req("B-35", "B-36")
async def test_a_hit_of_somebody_not_measured_leaves_nothing(
    client: Client, sent: Sent, flush: Flush, services: Services
) -> None:
    """A token exists for anybody who can copy one: the delivery decides, not the token."""
    async with services.db.account(sent.account_id) as tx:
        await tx.run("UPDATE deliveries SET opens = false WHERE account_id = $1")
        await tx.run(
            "UPDATE deliveries SET clicks = false WHERE account_id = $1 AND contact_id = $2", sent.contacts[0]
        )
        await tx.run("DELETE FROM contacts WHERE account_id = $1 AND id = $2", sent.contacts[2])
    for contact in range(3):
        await client.get(sent.open(contact), headers=BROWSER)
        await client.get(sent.click(contact), headers=BROWSER)
    stranger = CampaignToken(sent.account_id, sent.campaign_id, 10**9, sent.link_ids[0])
    assert (await client.get(sent.links.click(stranger).removeprefix(sent.links.base))).status == 302
    await flush()
    assert await sent.events() == [("click", "person", sent.contacts[1], sent.link_ids[0])]


@pytest.mark.req("E-09")
async def test_nothing_but_the_token_decides_where_a_click_leads(
    client: Client, sent: Sent, make: Make, services: Services
) -> None:
    path = sent.click(0)
    for more in (
        "?url=https://evil.example",
        "?u=//evil.example&redirect=https://evil.example",
        "?lang=fr&next=%2f%2fevil.example",
        "#@evil.example",
    ):
        assert (await client.get(path + more, headers=BROWSER)).location == URLS[0]
    for wrong in (
        "/t/c/https://evil.example",
        "/t/c//evil.example",
        "/t/c/" + quote("https://evil.example", safe=""),
        "/t/c/%5cevil.example",
        "/t/c/%2f%2fevil.example",
        "/t/c/user:pass@evil.example",
        path + "/evil.example",
        path + "%2f..%2f..%2fevil.example",
        path + "@evil.example",
    ):
        answer = await client.get(wrong)
        assert (answer.status, answer.location) == (404, ""), wrong
    other = await make.account()
    for what in (
        CampaignToken(other.id, sent.campaign_id, sent.contacts[0], sent.link_ids[0]),
        CampaignToken(sent.account_id, sent.campaign_id + 10**6, sent.contacts[0], sent.link_ids[0]),
        CampaignToken(sent.account_id, sent.campaign_id, sent.contacts[0], 10**9),
    ):
        answer = await client.get(sent.links.click(what).removeprefix(sent.links.base))
        assert (answer.status, answer.location) == (404, "")


@pytest.mark.req("E-09", "E-31")
async def test_no_bit_of_a_click_can_be_changed(client: Client, sent: Sent) -> None:
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    prefix, _, token = sent.click(0).rpartition("/")
    for n in range(len(token) - 1):
        other = alphabet[alphabet.index(token[n]) ^ (1 << n % 6)]
        assert (await client.get(f"{prefix}/{token[:n]}{other}{token[n + 1 :]}")).status == 404
    wrong_purpose = sent.open(0).rpartition("/")[2]
    assert (await client.get(f"/t/c/{wrong_purpose}")).status == 404


@pytest.mark.req("E-09")
@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)",
        "data:text/html,x",
        "//evil.example",
        "/app/sign-in",
        "ftp://shop.example/",
        "https:///nohost",
        "mailto:a@b.example",
        "http://[broken",
    ],
)
async def test_only_web_addresses_are_redirected_to(
    client: Client, sent: Sent, services: Services, url: str
) -> None:
    what = CampaignToken(sent.account_id, sent.campaign_id, sent.contacts[0], sent.link_ids[0], url)
    answer = await client.get(sent.links.click(what).removeprefix(sent.links.base))
    assert (answer.status, answer.location) == (404, "")


@pytest.mark.req("E-09")
async def test_a_personal_target_travels_sealed(client: Client, sent: Sent) -> None:
    url = "https://shop.example/café?name=Ana Maria&x=a%20b\\c\r\nSet-Cookie: a=b"
    what = CampaignToken(sent.account_id, sent.campaign_id, sent.contacts[0], sent.link_ids[0], url)
    path = sent.links.click(what).removeprefix(sent.links.base)
    assert "Ana" not in path
    answer = await client.get(path, headers=BROWSER)
    assert answer.location == (
        "https://shop.example/caf%C3%A9?name=Ana%20Maria&x=a%20b%5Cc%0D%0ASet-Cookie:%20a=b"
    )
    assert "Set-Cookie" not in answer.headers


@pytest.mark.req("E-09")
async def test_a_suspended_account_gets_a_warning_page(
    client: Client, sent: Sent, flush: Flush, services: Services
) -> None:
    async with services.db.shared() as tx:
        await tx.run("UPDATE accounts SET status = 'suspended' WHERE id = $1", sent.account_id)
    answer = await client.get(sent.click(0), headers=BROWSER)
    assert (answer.status, answer.location) == (200, "")
    assert "This link is held back." in answer.text
    assert f'href="{URLS[0]}"' in answer.text
    await flush()
    assert await sent.events() == []


async def test_a_pixel_is_served_for_whatever_is_asked(client: Client) -> None:
    for token in ("x", "A" * 60, "%00", "..."):
        async with client.http.get(f"{client.base}/t/o/{token}") as answer:
            assert (answer.status, len(await answer.read())) == (200, 43)


@pytest.mark.req("E-31")
async def test_a_test_links_token_is_no_click(client: Client, sent: Sent, services: Services) -> None:
    token = services.tokens.campaign(Purpose.TEST, CampaignToken(sent.account_id, sent.campaign_id, 1, 1))
    assert (await client.get(f"/t/c/{token}")).status == 404
