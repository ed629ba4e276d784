"""The unsubscribe page, as mailbox providers, scanners and people without script or cookie use it."""

import re
from datetime import timedelta
from pathlib import Path

import pytest
from aiohttp import ClientSession, DummyCookieJar

from lists import suppressions
from mailer.core import clock
from mailer.core.links import Links
from mailer.core.services import Services
from mailer.core.settings import Settings
from mailer.core.tokens import RecipientToken
from tests.client import Client
from tests.make import Make
from tests.recipients.scene import Scene, make_scene

MULTIPART = b'--frontier\r\nContent-Disposition: form-data; name="List-Unsubscribe"\r\n\r\nOne-Click\r\n--frontier--\r\n'
ONE_CLICK = {
    "application/x-www-form-urlencoded": b"List-Unsubscribe=One-Click",
    "multipart/form-data; boundary=frontier": MULTIPART,
}


@pytest.fixture
async def scene(make: Make, services: Services, settings) -> Scene:
    return await make_scene(make, services, settings)


async def stored(services: Services, scene: Scene) -> dict[str, int | str]:
    """Everything that an unsubscription may touch, as counts and words."""
    async with services.db.account(scene.account_id) as tx:
        return {
            "suppressions": await tx.value("SELECT count(*) FROM suppressions WHERE account_id = $1"),
            "consents": await tx.value("SELECT count(*) FROM consents WHERE account_id = $1"),
            "events": await tx.value("SELECT count(*) FROM events WHERE account_id = $1"),
            "status": await tx.value(
                "SELECT coalesce(max(status), '') FROM subscriptions WHERE account_id = $1 AND contact_id = $2",
                scene.contact_id,
            ),
        }


UNTOUCHED = {"suppressions": 0, "consents": 0, "events": 0, "status": "active"}


@pytest.mark.req("D-43")
@pytest.mark.parametrize("media_type", list(ONE_CLICK))
async def test_one_click_in_both_encodings(
    server: str, services: Services, scene: Scene, media_type: str
) -> None:
    """Exact bytes, no cookie, no token of a form, redirects off; the second time is the same."""
    async with ClientSession(cookie_jar=DummyCookieJar()) as raw:
        for _ in range(2):
            async with raw.post(
                server + scene.path,
                data=ONE_CLICK[media_type],
                headers={"Content-Type": media_type},
                allow_redirects=False,
            ) as answer:
                assert answer.status == 200
                assert "Location" not in answer.headers
                assert "Set-Cookie" not in answer.headers
                assert len((await answer.text()).splitlines()) == 1
    found = await stored(services, scene)
    assert found == {"suppressions": 1, "consents": 1, "events": 1, "status": "unsubscribed"}
    async with services.db.account(scene.account_id) as tx:
        row = await tx.rows("SELECT act, method, list_id FROM consents WHERE account_id = $1")
    assert row == [("withdrawn", "one_click", scene.list_id)]


@pytest.mark.req("D-43")
@pytest.mark.parametrize(
    "body",
    [
        b"List-Unsubscribe=one-click",
        b"list-unsubscribe=One-Click",
        b"List-Unsubscribe=One-Click&List-Unsubscribe=x",
        b"",
        b"a=b",
    ],
)
async def test_another_body_is_a_persons_form(
    client: Client, services: Services, scene: Scene, body: bytes
) -> None:
    answer = await client.ask(
        "POST", scene.path, data=body, headers={"Content-Type": "application/x-www-form-urlencoded"}
    )
    assert (answer.status, answer.location) == (303, scene.path)
    assert (await stored(services, scene))["status"] == "unsubscribed"


@pytest.mark.req("D-43")
async def test_a_broken_body_still_leaves(client: Client, services: Services, scene: Scene) -> None:
    for media_type in (
        "multipart/form-data; boundary=x",
        "multipart/form-data",
        "text/plain",
        "application/json",
    ):
        answer = await client.ask(
            "POST", scene.path, data=b"--x\r\n\xff\xfe", headers={"Content-Type": media_type}
        )
        assert answer.status == 303, media_type
    assert (await stored(services, scene))["status"] == "unsubscribed"


@pytest.mark.req("D-44", "E-08")
async def test_two_hundred_looks_change_nothing(client: Client, services: Services, scene: Scene) -> None:
    for n in range(200):
        answer = await client.ask("HEAD" if n % 2 else "GET", scene.path)
        assert answer.status == 200
    assert await stored(services, scene) == UNTOUCHED


@pytest.mark.req("D-42", "D-44")
async def test_no_bit_of_a_token_can_be_changed(client: Client, services: Services, scene: Scene) -> None:
    prefix, _, token = scene.path.rpartition("/")
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    for n in range(len(token) - 1):
        other = alphabet[alphabet.index(token[n]) ^ (1 << n % 6)]
        changed = f"{prefix}/{token[:n]}{other}{token[n + 1 :]}"
        answer = await client.ask(
            "POST" if n % 3 else "GET",
            changed,
            **({"data": {"List-Unsubscribe": "One-Click"}} if n % 3 else {}),
        )
        assert answer.status == 404
        assert "incomplete" in answer.text
    assert await stored(services, scene) == UNTOUCHED


@pytest.mark.req("D-42", "B-62")
async def test_a_token_of_another_purpose_does_nothing(
    client: Client, services: Services, scene: Scene
) -> None:
    for url in (
        scene.links.preferences(scene.who),
        scene.links.rights(scene.who),
        scene.links.confirm(scene.who),
    ):
        token = url.rpartition("/")[2]
        answer = await client.ask("POST", f"/t/unsubscribe/{token}", data={"List-Unsubscribe": "One-Click"})
        assert answer.status == 404
    assert await stored(services, scene) == UNTOUCHED


@pytest.mark.req("D-43", "D-45", "B-28")
async def test_it_works_when_contact_list_and_campaign_are_gone(
    client: Client, services: Services, scene: Scene
) -> None:
    async with services.db.account(scene.account_id) as tx:
        await tx.run("DELETE FROM contacts WHERE account_id = $1 AND id = $2", scene.contact_id)
        await tx.run("DELETE FROM mailing_lists WHERE account_id = $1 AND id = $2", scene.list_id)
    shown = await client.get(scene.path)
    assert shown.status == 200
    assert 'value="leave"' in shown.text
    answer = await client.ask("POST", scene.path, data={"List-Unsubscribe": "One-Click"})
    assert (answer.status, answer.location) == (200, "")
    async with services.db.account(scene.account_id) as tx:
        rows = await tx.rows("SELECT address_hash, list_id, reason FROM suppressions WHERE account_id = $1")
    assert rows == [(scene.who.address_hash, scene.list_id, "unsubscribed")]
    again = await client.get(scene.path)
    assert again.status == 200
    assert "Unsubscribed on" in again.text
    assert 'value="return"' not in again.text


@pytest.mark.req("D-43")
@pytest.mark.parametrize("status", ["suspended", "closed"])
async def test_it_works_on_a_stopped_account(
    client: Client, services: Services, scene: Scene, status: str
) -> None:
    async with services.db.shared() as tx:
        await tx.run(
            """
            UPDATE accounts
            SET status = $2, closed_at = CASE WHEN $2 = 'closed' THEN now() END,
                erase_at = CASE WHEN $2 = 'closed' THEN now() + interval '3 months' END
            WHERE id = $1
            """,
            scene.account_id,
            status,
        )
    assert (await client.get(scene.path)).status == 200
    assert (await client.post(scene.path, {"do": "leave"})).status == 303
    assert (await stored(services, scene))["status"] == "unsubscribed"


@pytest.mark.req("D-43")
async def test_one_click_answers_when_the_account_is_erased(
    client: Client, services: Services, settings, make: Make
) -> None:
    links = Links(services.tokens, settings.track_url)
    path = links.unsubscribe(RecipientToken(10**12, 5, 6, b"x" * 16)).removeprefix(links.base)
    answer = await client.ask("POST", path, data={"List-Unsubscribe": "One-Click"})
    assert answer.status == 200
    assert (await client.get(path)).status == 404


@pytest.mark.req("D-43", "B-28")
async def test_an_old_refusal_of_an_earlier_address_is_in_nobodys_way(
    client: Client, services: Services, scene: Scene
) -> None:
    """Its month has no partition of events any more; the new address leaves all the same."""
    async with services.db.account(scene.account_id) as tx:
        await tx.run(
            """
            INSERT INTO suppressions (account_id, address_hash, list_id, reason, since)
            VALUES ($1, $2, $3, 'unsubscribed', now() - interval '800 days')
            """,
            scene.who.address_hash,
            scene.list_id,
        )
        await tx.run(
            "UPDATE contacts SET address_hash = $3 WHERE account_id = $1 AND id = $2",
            scene.contact_id,
            bytes(range(16)),
        )
    answer = await client.ask("POST", scene.path, data={"List-Unsubscribe": "One-Click"})
    assert answer.status == 200
    async with services.db.account(scene.account_id) as tx:
        refused = await tx.rows("SELECT address_hash FROM suppressions WHERE account_id = $1")
        assert {row[0] for row in refused} == {scene.who.address_hash, bytes(range(16))}
        status = await tx.value(
            "SELECT status FROM subscriptions WHERE account_id = $1 AND contact_id = $2", scene.contact_id
        )
        assert status == "unsubscribed"


@pytest.mark.req("F-09", "D-44")
async def test_the_pages_button_leaves_and_shows_what_is_stored(
    client: Client, services: Services, scene: Scene
) -> None:
    page = await client.get(scene.path)
    assert page.text.count("<button") == 1
    form = re.search(r'<form action="([^"]*)" method="post"><button name="do" value="leave">', page.text)
    assert form is not None
    answer = await client.post(form[1], {"do": "leave"})
    assert (answer.status, answer.location) == (303, scene.path)
    after = await client.get(answer.location)
    title = re.search(r"<h1>(.*?)</h1>", after.text)
    assert title is not None
    assert re.fullmatch(r"Unsubscribed on \d+ \w+ \d{4} at \d\d:\d\d\.", title[1])
    assert (await client.get(scene.path)).text == after.text
    await client.post(scene.path, {"do": "leave"})
    found = await stored(services, scene)
    assert found == {"suppressions": 1, "consents": 1, "events": 1, "status": "unsubscribed"}


@pytest.mark.req("F-09")
async def test_later_it_says_since_when(client: Client, services: Services, scene: Scene) -> None:
    await client.post(scene.path, {"do": "leave"})
    async with services.db.account(scene.account_id) as tx:
        await tx.run("UPDATE suppressions SET since = now() - interval '11 minutes' WHERE account_id = $1")
    page = await client.get(scene.path)
    assert "You are already unsubscribed, since" in page.text
    assert "Subscribe again" in page.text


@pytest.mark.req("C-16")
async def test_stop_everything_and_other_lists(
    client: Client, services: Services, scene: Scene, make: Make
) -> None:
    async with services.db.account(scene.account_id) as tx:
        other = await make.mailing_list(tx, "Other letter")
        await tx.run(
            "INSERT INTO subscriptions (account_id, list_id, contact_id, status) VALUES ($1, $2, $3, 'active')",
            other,
            scene.contact_id,
        )
    await client.post(scene.path, {"do": "leave"})
    after = await client.get(scene.path)
    assert "You still receive: Other letter" in after.text
    await client.post(scene.path, {"do": "everything"})
    async with services.db.account(scene.account_id) as tx:
        scopes = await tx.rows("SELECT list_id FROM suppressions WHERE account_id = $1 ORDER BY list_id")
        active = await tx.value(
            "SELECT count(*) FROM subscriptions WHERE account_id = $1 AND status = 'active'"
        )
    assert scopes == [(scene.list_id,), (None,)]
    assert active == 0
    assert "You still receive" not in (await client.get(scene.path)).text


async def test_a_reason_is_kept_with_the_departure(client: Client, services: Services, scene: Scene) -> None:
    await client.post(scene.path, {"do": "leave"})
    await client.post(scene.path, {"do": "reason", "reason": "<script>"})
    assert "Send the reason" in (await client.get(scene.path)).text
    await client.post(scene.path, {"do": "reason", "reason": "too_many"})
    async with services.db.account(scene.account_id) as tx:
        found = await tx.rows(
            "SELECT kind, campaign_id, signals ->> 'reason' FROM events WHERE account_id = $1"
        )
    assert found == [("unsubscribe", 77, "too_many")]
    assert "Your reason is noted: too many e-mails." in (await client.get(scene.path)).text


@pytest.mark.req("B-28")
async def test_the_way_back(client: Client, services: Services, scene: Scene) -> None:
    """Asking changes nothing but one mail; the link in it confirms by POST; measurement is not revived."""
    await client.post(scene.path, {"do": "leave"})
    for _ in range(2):
        assert (await client.post(scene.path, {"do": "return"})).status == 303
    page = await client.get(scene.path)
    assert "A confirmation e-mail is on its way to a•••@example.test." in page.text
    async with services.db.shared() as tx:
        mails = await tx.rows(
            "SELECT kind, details ->> 'link' FROM outbox WHERE account_id = $1", scene.account_id
        )
    assert [kind for kind, _ in mails] == ["confirm_subscription"]
    assert (await stored(services, scene))["status"] == "unsubscribed"
    confirm = mails[0][1].removeprefix(scene.links.base)
    for method in ("GET", "HEAD"):
        assert (await client.ask(method, confirm)).status == 200
    assert (await stored(services, scene))["status"] == "unsubscribed"
    assert "One step left: confirm." in (await client.get(confirm)).text
    assert (await client.post(confirm)).status == 303
    assert "Subscription confirmed." in (await client.get(confirm)).text
    async with services.db.account(scene.account_id) as tx:
        acts = [act for (act,) in await tx.rows("SELECT act FROM consents WHERE account_id = $1 ORDER BY id")]
        assert acts == ["withdrawn", "asked", "confirmed"]
        assert await tx.rows("SELECT status FROM subscriptions WHERE account_id = $1") == [("active",)]
        assert await tx.rows("SELECT opens, clicks FROM contacts WHERE account_id = $1") == [
            ("unknown", "unknown")
        ]


@pytest.mark.req("B-28")
async def test_who_left_again_cannot_confirm_the_old_wish(
    client: Client, services: Services, scene: Scene
) -> None:
    await client.post(scene.path, {"do": "leave"})
    await client.post(scene.path, {"do": "return"})
    async with services.db.account(scene.account_id) as tx:
        await tx.run("UPDATE suppressions SET expires_at = now() - interval '1 day' WHERE account_id = $1")
    await client.post(scene.path, {"do": "leave"})
    confirm = scene.links.confirm(scene.who).removeprefix(scene.links.base)
    answer = await client.post(confirm)
    assert answer.status == 410
    assert "This confirmation link is over." in answer.text


@pytest.mark.req("F-09", "A-126", "A-032", "A-048", "A-049")
@pytest.mark.parametrize("language", ["fr", "en"])
async def test_every_page_is_light_and_plain(
    client: Client, services: Services, scene: Scene, repository: Path, language: str
) -> None:
    """No script, cookie, form field of a session, foreign origin; at most 14 kB with its sheet; not stored."""
    css = (repository / "mailer/web/static/dist/recipient.css").stat().st_size
    pages = []
    links = scene.links.all_of(scene.who)
    for url in (
        links.unsubscribe,
        links.preferences,
        links.tracking,
        links.rights,
        scene.links.confirm(scene.who),
    ):
        pages.append(await client.get(url.removeprefix(scene.links.base) + f"?lang={language}"))
    await client.post(scene.path, {"do": "leave"})
    pages.append(await client.get(scene.path + f"?lang={language}"))
    for page in pages:
        assert page.status == 200
        assert f'<html lang="{language}">' in page.text
        assert len(page.text.encode()) + css <= 14_000
        assert "<script" not in page.text
        assert "style=" not in page.text
        assert "Set-Cookie" not in page.headers
        assert page.headers["Cache-Control"] == "no-store"
        assert page.headers["Referrer-Policy"] == "no-referrer"
        assert "noindex" in page.headers["X-Robots-Tag"]
        assert '<meta name="robots" content="noindex' in page.text
        assert page.text.count("<h1>") == 1
        assert "Atelier du Pain" in page.text
        assert "1 rue des Tests" in page.text
        assert re.search(r'<a href="mailto:contact@pain-[\w-]+\.test">', page.text)
        assert "cnil.fr" in page.text
        assert "@example.test" not in re.sub(r"a•••@example\.test", "", page.text)
        assert not re.search(r'(?:src|action)="https?://(?!127\.0\.0\.1|localhost)', page.text)
        other = "en" if language == "fr" else "fr"
        assert f'href="?lang={other}"' in page.text


@pytest.mark.req("F-09")
async def test_the_contacts_language_comes_before_the_browsers(
    client: Client, services: Services, scene: Scene
) -> None:
    async with services.db.account(scene.account_id) as tx:
        await tx.run("UPDATE contacts SET language = 'fr' WHERE account_id = $1")
    page = await client.get(scene.path)
    assert "Ne plus recevoir «\N{NO-BREAK SPACE}" in page.text
    assert "Me désabonner" in page.text
    assert "Stop receiving" in (await client.get(scene.path + "?lang=en")).text
    answer = await client.post(scene.path + "?lang=en", {"do": "leave"})
    assert answer.location == scene.path + "?lang=en"


@pytest.mark.req("D-43")
async def test_leaving_is_never_counted_against_a_limit(client: Client, scene: Scene) -> None:
    for _ in range(40):
        assert (await client.post(scene.path, {"do": "leave"})).status == 303
    statuses = {(await client.post(scene.path, {"do": "reason"})).status for _ in range(40)}
    assert statuses == {303, 429}
    assert (await client.post(scene.path, {"do": "everything"})).status == 303


@pytest.mark.req("B-28", "S5")
@pytest.mark.parametrize(("by_team", "offered"), [(False, True), (True, False)])
async def test_a_return_is_not_offered_where_the_team_itself_said_no(
    make: Make, services: Services, settings: Settings, client: Client, by_team: bool, offered: bool
) -> None:
    scene = await make_scene(make, services, settings)
    async with services.db.account(scene.account_id) as tx:
        reason = suppressions.Reason.ADDED if by_team else suppressions.Reason.OBJECTED
        await suppressions.add(tx, scene.who.address_hash, reason=reason)
    assert ("Subscribe again" in (await client.get(scene.path)).text) == offered


@pytest.mark.req("A-022", "A-095", "C-50")
async def test_the_page_leads_to_peoples_rights_and_to_measurement_before_and_after(
    client: Client, scene: Scene
) -> None:
    """What privacy policy and agreement promise of each mail to a list, which may hold no other link."""

    async def ways() -> None:
        shown = (await client.get(scene.path)).text
        for leads in (scene.links.rights(scene.who), scene.links.tracking(scene.who)):
            purpose = re.escape(leads[: leads.rindex("/") + 1])
            found = re.search(rf'href="({purpose}[\w-]+)"', shown)
            assert found is not None, purpose
            assert (await client.get(found[1].removeprefix(scene.links.base))).status == 200

    await ways()
    assert (await client.post(scene.path, {"do": "leave"})).status in (200, 303)
    assert "will not be sent to you any more" in (await client.get(f"{scene.path}?lang=en")).text
    await ways()
    clock.shift(timedelta(hours=2))
    assert "You are already unsubscribed" in (await client.get(f"{scene.path}?lang=en")).text
    await ways()
