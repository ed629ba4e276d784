"""The wizard in a browser without script: five steps, each open at any time, nothing leaves before the last."""

import re
from collections.abc import Awaitable, Callable

import pytest

from mailer.core.services import Services
from sending import campaigns
from tests.make import Make


@pytest.fixture
async def person(make: Make):
    account = await make.account()
    return account, await make.signed_in(account.owner_id)


async def test_first_campaign_is_written_step_by_step(person, services: Services, make: Make) -> None:
    account, owner = person
    async with services.db.account(account.id) as tx:
        list_id = await make.mailing_list(tx)
        for _ in range(3):
            await make.contact(tx, list_id=list_id)
    empty = await owner.get(f"{account.app}/campaigns")
    assert "No campaigns. The first takes five steps; nothing leaves before the last." in empty.text
    form = await owner.get(f"{account.app}/campaigns/new?list={list_id}")
    assert account.owner_email in form.text
    setup = {"name": "Pain", "kind": "newsletter", "sender_id": "0", "reply_to": "", "language": "fr"}
    made = await owner.post(
        f"{account.app}/campaigns", setup | {"subject": "Le pain", "preheader": "", "mailing_list": list_id}
    )
    assert made.status == 303
    audience = await owner.get(made.location)
    assert "3 people will get this message." in audience.text
    page = made.location.removesuffix("/audience")
    version = re.search(r'name="version" value="(\d+)"', audience.text)[1]
    chosen = await owner.post(made.location, {"include": [list_id], "version": version})
    assert chosen.location == f"{page}/content"
    start = await owner.get(chosen.location)
    assert "Choose where to start." in start.text
    begun = await owner.post(f"{page}/starts", {"begin": "letter"})
    letter = await owner.get(begun.location)
    assert 'name="b0-text"' in letter.text
    version = re.search(r'name="version" value="(\d+)"', letter.text)[1]
    text = 'Bonjour {{ contact.first_name | default("") }}, voici le pain.'
    written = await owner.post(
        f"{page}/content", {"version": version, "b0-kind": "paragraph", "b0-text": text, "footer": "true"}
    )
    assert written.location == f"{page}/checks"
    checks = await owner.get(written.location)
    assert "Nothing blocks this campaign." in checks.text
    assert "The domain" in checks.text
    review = await owner.get(f"{page}/review")
    assert "Send to 3 contacts" in review.text
    sent = await owner.post(f"{page}/sends", {"when": "now", "expected": 3, "keep_source": "true"})
    assert sent.location == page
    held = await owner.get(page)
    assert "Nothing has left yet." in held.text
    back = await owner.post(f"{page}/recalls")
    assert back.location == f"{page}/review"
    async with services.db.account(account.id) as tx:
        campaign_id = int(page.rpartition("/")[2])
        assert (await campaigns.show(tx, campaign_id)).status == "draft"
        assert await tx.value("SELECT count(*) FROM deliveries WHERE account_id = $1") == 0


@pytest.mark.parametrize("language", ["fr", "en"])
async def test_every_page_opens_in_both_languages(ready: Callable[..., Awaitable], make, language) -> None:
    found = await ready()
    owner = await make.signed_in(found.account.owner_id, language=language)
    owner.language = language
    app = found.account.app
    for path in (
        "/campaigns", "/campaigns/new", "/campaigns?q=zzz", "/campaigns?archived=true", "/senders", "/senders/new",
        f"/senders/{found.sender_id}", f"/senders/{found.sender_id}/withdrawal", "/designs", "/designs/new",
        "/media", "/media/new",
    ):  # fmt: skip
        answer = await owner.get(f"{app}{path}?lang={language}" if "?" not in path else f"{app}{path}")
        assert answer.status == 200, path
        assert answer.text.count("<h1") == 1, path
        assert ' style="' not in answer.text, path
    for path in ("setup", "audience", "content", "content?start", "preview", "checks", "review",
                 "review?when=later", "deletion", "cancellation", "deliveries"):  # fmt: skip
        answer = await owner.get(f"{found.page}/{path}")
        assert answer.status == 200, path
        assert answer.text.count("<h1") == 1, path
        assert ' style="' not in answer.text, path
        assert "{n}" not in answer.text, path


@pytest.mark.req("B-20", "B-21")
async def test_who_is_here_for_service_mails_only_is_counted_and_named(
    ready: Callable[..., Awaitable], services: Services, make
) -> None:
    found = await ready(people=4)
    owner = await make.signed_in(found.account.owner_id)
    said = "here for service mails only: newsletters and promotions leave"
    for step in ("audience", "review"):
        assert said not in (await owner.get(f"{found.page}/{step}")).text
    await _for_service(services, found, found.people[:3])
    for step in ("audience", "review"):
        text = (await owner.get(f"{found.page}/{step}")).text
        assert f"3 contacts are {said} them out." in text
        assert re.search(r"For service mails only</a></th><td>3</td>", text)
    assert "Send to 1 contact" in text
    await _for_service(services, found, found.people)
    review = (await owner.get(f"{found.page}/review")).text
    assert (
        "This audience has nobody who may get it. Here for service mails only: 4. See the detail." in review
    )
    assert "Send to" not in review
    async with services.db.account(found.account.id) as tx:
        await tx.run("UPDATE campaigns SET kind = 'service' WHERE account_id = $1")
    review = (await owner.get(f"{found.page}/review")).text
    assert "Send to 4 contacts" in review
    assert "service mails only" not in review


async def _for_service(services: Services, found, people: list[int]) -> None:
    async with services.db.account(found.account.id) as tx:
        await tx.run(
            "UPDATE subscriptions SET legal_basis = 'service' WHERE account_id = $1 AND contact_id = ANY($2)",
            people,
        )
