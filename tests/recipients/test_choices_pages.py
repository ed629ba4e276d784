"""Preferences, measurement, confirmation and rights, as a recipient without script or cookie uses them."""

import re

import pytest

from lists import consents, subscriptions
from mailer.core.links import Links
from mailer.core.services import Services
from mailer.core.tokens import RecipientToken
from tests.client import Client
from tests.make import Make
from tests.recipients.scene import Scene, make_scene


@pytest.fixture
async def scene(make: Make, services: Services, settings) -> Scene:
    return await make_scene(make, services, settings)


def path(scene: Scene, page: str) -> str:
    url: str = getattr(scene.links, page)(scene.who)
    return url.removeprefix(scene.links.base)


async def consent(services: Services, scene: Scene) -> tuple[str, str]:
    async with services.db.account(scene.account_id) as tx:
        rows = await tx.rows("SELECT opens, clicks FROM contacts WHERE account_id = $1")
    return rows[0]


def heading(text: str) -> str:
    found = re.search(r"<h1>(.*?)</h1>", text)
    assert found is not None
    return found[1]


@pytest.mark.req("B-36", "B-38", "B-40", "C-03")
async def test_measurement_is_two_choices_that_a_look_never_makes(
    client: Client, services: Services, scene: Scene
) -> None:
    page = path(scene, "tracking")
    for n in range(20):
        await client.ask("HEAD" if n % 2 else "GET", page)
    assert await consent(services, scene) == ("unknown", "unknown")
    first = await client.get(page)
    assert heading(first.text) == "Measurement of opens and clicks by Atelier du Pain."
    assert " checked" not in first.text
    # three equal buttons: refusing is as easy as accepting
    assert re.findall(r'<button name="do" value="(\w+)">', first.text) == ["save", "refuse", "accept"]
    assert (await client.post(page, {"do": "save", "clicks": "yes"})).location == page
    assert await consent(services, scene) == ("unknown", "granted")
    assert heading((await client.get(page)).text) == "Noted: opens no, clicks yes."
    await client.post(page, {"do": "accept"})
    assert await consent(services, scene) == ("granted", "granted")
    await client.post(page, {"do": "refuse"})
    assert await consent(services, scene) == ("denied", "denied")
    after = await client.get(page)
    assert heading(after.text) == "Noted: opens no, clicks no."
    assert "Messages you already have follow this choice too." in after.text
    async with services.db.account(scene.account_id) as tx:
        acts = await tx.rows("SELECT purpose, act, method FROM consents WHERE account_id = $1 ORDER BY id")
        proof = await tx.value("SELECT text FROM wordings WHERE account_id = $1 ORDER BY id LIMIT 1")
        active = await tx.value("SELECT status FROM subscriptions WHERE account_id = $1")
    assert acts == [
        ("clicks", "granted", "link"),
        ("opens", "granted", "link"),
        ("opens", "denied", "link"),
        ("clicks", "denied", "link"),
    ]
    assert "Atelier du Pain" in proof
    assert active == "active"


@pytest.mark.req("B-36")
async def test_an_empty_answer_is_no_answer(client: Client, services: Services, scene: Scene) -> None:
    page = path(scene, "tracking")
    for form in ({}, {"do": "save"}, {"opens": "on", "clicks": "1"}, {"do": "accept_all"}):
        assert (await client.post(page, form)).status == 303
    assert await consent(services, scene) == ("unknown", "unknown")
    async with services.db.account(scene.account_id) as tx:
        assert await tx.value("SELECT count(*) FROM consents WHERE account_id = $1") == 0


@pytest.mark.req("B-40", "D-43")
async def test_a_refusal_is_never_counted_against_a_limit(client: Client, scene: Scene) -> None:
    page = path(scene, "tracking")
    statuses = [(await client.post(page, {"do": "accept"})).status for _ in range(40)]
    assert 429 in statuses
    assert (await client.post(page, {"do": "refuse"})).status == 303


@pytest.mark.req("C-16", "B-36")
async def test_preferences_leave_at_once_and_join_by_mail(
    client: Client, services: Services, scene: Scene, make: Make
) -> None:
    async with services.db.account(scene.account_id) as tx:
        other = await make.mailing_list(tx, "Promotions")
        hidden = await make.mailing_list(tx, "Internal")
        await tx.run(
            "UPDATE mailing_lists SET shown_in_preferences = false WHERE account_id = $1 AND id = $2", hidden
        )
    page = path(scene, "preferences")
    first = await client.get(page)
    assert heading(first.text) == "Your e-mails from Atelier du Pain."
    assert re.findall(r'name="list" value="(\d+)"( checked)?', first.text) == [
        (str(scene.list_id), " checked"),
        (str(other), ""),
    ]
    assert "Nos nouvelles, une fois par mois" in first.text
    answer = await client.post(page, {"do": "save", "list": [str(other), "999999"], "opens": "no"})
    assert answer.status == 303
    after = await client.get(answer.location)
    assert re.fullmatch(r"Choices saved on \d+ \w+ \d{4} at \d\d:\d\d\.", heading(after.text))
    assert "1 confirmation e-mail is on its way to a•••@example.test." in after.text
    async with services.db.account(scene.account_id) as tx:
        states = await tx.rows(
            "SELECT list_id, status FROM subscriptions WHERE account_id = $1 ORDER BY list_id"
        )
        reasons = await tx.rows("SELECT list_id, reason FROM suppressions WHERE account_id = $1")
        left = await tx.rows("SELECT kind, campaign_id FROM events WHERE account_id = $1")
    assert states == [(scene.list_id, "unsubscribed"), (other, "pending")]
    assert reasons == [(scene.list_id, "unsubscribed")]
    assert left == [("unsubscribe", 77)]
    assert await consent(services, scene) == ("denied", "unknown")
    async with services.db.shared() as tx:
        mails = await tx.rows(
            "SELECT kind, details ->> 'list' FROM outbox WHERE account_id = $1", scene.account_id
        )
    assert mails == [("confirm_subscription", "Promotions")]


@pytest.mark.req("C-16")
async def test_stop_everything_from_the_preferences(client: Client, services: Services, scene: Scene) -> None:
    page = path(scene, "preferences")
    await client.post(page, {"do": "everything", "list": [str(scene.list_id)], "opens": "yes"})
    async with services.db.account(scene.account_id) as tx:
        assert await tx.rows("SELECT list_id, reason FROM suppressions WHERE account_id = $1") == [
            (None, "unsubscribed")
        ]
    assert await consent(services, scene) == ("unknown", "unknown")
    assert " checked" not in (await client.get(page)).text


@pytest.mark.req("C-16", "B-28")
async def test_after_stopping_everything_one_list_comes_back_and_no_other(
    client: Client, services: Services, scene: Scene, make: Make
) -> None:
    page = path(scene, "preferences")
    await client.post(page, {"do": "everything"})
    await client.post(page, {"do": "save", "list": [str(scene.list_id)]})
    assert " checked" not in (await client.get(page)).text
    assert (await client.post(path(scene, "confirm"))).status == 303
    async with services.db.account(scene.account_id) as tx:
        later = await make.mailing_list(tx, "Plus tard")
        evidence = consents.Evidence(method=consents.Method.PAGE, legal_basis="consent", source="Salon")
        added = await subscriptions.add(tx, [scene.contact_id], later, evidence=evidence)
    assert (added.added, added.refused) == (0, 1)
    shown = (await client.get(page)).text
    assert re.findall(r'name="list" value="(\d+)"( checked)?', shown) == [
        (str(scene.list_id), " checked"),
        (str(later), ""),
    ]
    # a save without change keeps it so
    await client.post(page, {"do": "save", "list": [str(scene.list_id)]})
    async with services.db.account(scene.account_id) as tx:
        rows = await tx.rows("SELECT list_id, returned_to FROM suppressions WHERE account_id = $1")
    assert rows == [(None, [scene.list_id])]


@pytest.mark.req("S9", "B-28")
async def test_every_page_works_when_the_contact_is_gone(
    client: Client, services: Services, scene: Scene
) -> None:
    async with services.db.account(scene.account_id) as tx:
        await tx.run("DELETE FROM contacts WHERE account_id = $1")
    for name, status in (("preferences", 200), ("tracking", 200), ("rights", 200), ("confirm", 410)):
        page = await client.get(path(scene, name))
        assert page.status == status
        assert "Atelier du Pain" in page.text
    assert (await client.post(path(scene, "tracking"), {"do": "refuse"})).status == 303
    assert (await client.post(path(scene, "preferences"), {"do": "save", "list": "1"})).status == 303
    assert (await client.post(path(scene, "preferences"), {"do": "everything"})).status == 303
    async with services.db.account(scene.account_id) as tx:
        assert await tx.rows("SELECT list_id FROM suppressions WHERE account_id = $1") == [(None,)]


@pytest.mark.req("B-26")
async def test_nobody_is_confirmed_who_did_not_ask(client: Client, services: Services, scene: Scene) -> None:
    async with services.db.account(scene.account_id) as tx:
        await tx.run("UPDATE subscriptions SET status = 'pending' WHERE account_id = $1")
    answer = await client.post(path(scene, "confirm"))
    assert answer.status == 410
    async with services.db.account(scene.account_id) as tx:
        assert await tx.value("SELECT status FROM subscriptions WHERE account_id = $1") == "pending"


@pytest.mark.req("C-16", "F-09")
async def test_rights_name_the_controller_and_lead_to_what_works(client: Client, scene: Scene) -> None:
    page = await client.get(path(scene, "rights"))
    assert heading(page.text) == "Your data at Atelier du Pain."
    assert re.search(r'href="mailto:contact@pain-[^"]+"', page.text)
    assert page.text.count("<form") == 1
    for name in ("unsubscribe", "preferences", "tracking"):
        target = re.search(rf'href="([^"]*/t/{name}/[^"]+)"', page.text)
        assert target is not None
        assert (await client.get(target[1].removeprefix(scene.links.base))).status == 200


@pytest.mark.req("B-28", "E-02")
async def test_a_link_acts_in_its_own_account_only(
    client: Client, services: Services, scene: Scene, make: Make, settings
) -> None:
    """A token of another account with the same list and contact numbers."""
    other = await make_scene(make, services, settings)
    forged = RecipientToken(other.account_id, scene.list_id, scene.contact_id, scene.who.address_hash)
    links = Links(services.tokens, settings.track_url)
    answer = await client.post(links.unsubscribe(forged).removeprefix(links.base), {"do": "leave"})
    assert answer.status == 303
    async with services.db.account(scene.account_id) as tx:
        assert await tx.value("SELECT count(*) FROM suppressions WHERE account_id = $1") == 0
        assert await tx.value("SELECT status FROM subscriptions WHERE account_id = $1") == "active"
