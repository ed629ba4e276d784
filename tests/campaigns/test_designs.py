"""Designs: kept from a campaign, used in another, edited by the same editors."""

import re
from collections.abc import Awaitable, Callable

from sending import campaigns, designs
from tests.campaigns.conftest import MJML, Ready
from tests.make import Make

Build = Callable[..., Awaitable[Ready]]


async def test_a_campaign_is_kept_as_a_design_and_used_again(ready: Build, make: Make) -> None:
    found = await ready()
    owner = await make.signed_in(found.account.owner_id)
    app = found.account.app
    named = await owner.get(f"{app}/designs/new?campaign={found.campaign.id}")
    assert 'value="Pain"' in named.text
    kept = await owner.post(f"{app}/designs", {"name": "Hebdo", "campaign": found.campaign.id})
    assert kept.status == 303
    page = kept.location.removesuffix("/edit")
    begun = await owner.post(f"{page}/campaigns")
    campaign_id = int(begun.location.split("/")[-2])
    async with make.services.db.account(found.account.id) as tx:
        copy = await campaigns.show(tx, campaign_id)
        original = await campaigns.show(tx, found.campaign.id)
    assert (copy.name, copy.source, copy.subject) == ("Hebdo", original.source, original.subject)
    assert copy.sender_id == found.sender_id
    async with make.services.db.account(found.account.id) as tx:
        await campaigns.delete(tx, found.campaign.id)
    assert "Hebdo" in (await owner.get(f"{app}/designs")).text


async def test_a_design_is_edited_copied_archived_and_deleted(make: Make) -> None:
    account = await make.account()
    owner = await make.signed_in(account.owner_id)
    app = account.app
    assert "No designs. Start from a simple letter" in (await owner.get(f"{app}/designs")).text
    made = await owner.post(f"{app}/designs", {"name": "Code", "kind": "mjml"})
    page = made.location.removesuffix("/edit")
    shown = await owner.get(made.location)
    old = re.search(r'name="version" value="(\d+)"', shown.text)[1]
    assert (await owner.post(made.location, {"source": MJML, "version": old})).status == 303
    late = await owner.post(made.location, {"source": "<mjml></mjml>", "version": old})
    assert late.status == 409
    assert "seigle" in late.text
    assert (await owner.get(f"{page}/preview/frame")).location.count("/t/preview/") == 1
    told = (await owner.post(f"{page}/edit/checks", {"source": MJML})).json()["problems"]
    assert not [one for one in told if "merge language" in one["message"]]
    assert (await owner.post(f"{page}/name", {"name": ""})).status == 422
    assert (await owner.post(f"{page}/name", {"name": "Nouveau"})).status == 303
    assert (await owner.post(f"{page}/copies")).status == 303
    assert (await owner.post(f"{page}/archives", {"archived": "true"})).status == 303
    listed = await owner.get(f"{app}/designs")
    assert "Nouveau (copy)" in listed.text
    assert listed.text.count("Nouveau</a>") == 0
    assert (await owner.post(f"{page}/deletion")).status == 303
    assert (await owner.get(f"{page}/edit")).status == 404
    async with make.services.db.account(account.id) as tx:
        assert len(await designs.many(tx)) == 1


async def test_a_letter_design_opens_in_its_form(make: Make) -> None:
    account = await make.account()
    owner = await make.signed_in(account.owner_id)
    made = await owner.post(f"{account.app}/designs", {"name": "Lettre", "kind": "letter"})
    shown = await owner.get(made.location)
    version = re.search(r'name="version" value="(\d+)"', shown.text)[1]
    form = {"b0-kind": "paragraph", "b0-text": "", "version": version}
    assert (await owner.post(made.location, form)).status == 422
    shown = await owner.get(made.location)
    version = re.search(r'name="version" value="(\d+)"', shown.text)[1]
    added = await owner.post(made.location, form | {"version": version, "act": "add-button"})
    assert added.location == f"{made.location}#b1"
    assert 'name="b1-href"' in (await owner.get(made.location)).text


async def test_an_analyst_changes_nothing(ready: Build, make: Make) -> None:
    found = await ready()
    user_id, _ = await make.user(found.account.id, "analyst")
    analyst = await make.signed_in(user_id)
    for path, form in (
        ("setup", {"name": "x"}), ("audience", {}), ("content", {"source": "x"}), ("starts", {"begin": "blank"}),
        ("deletion", {}), ("sends", {"expected": "3"}), ("pauses", {}), ("copies", {}),
        ("test-sends", {"recipient": found.account.owner_email}),
    ):  # fmt: skip
        assert (await analyst.post(f"{found.page}/{path}", form)).status in (403, 422), path
    async with make.services.db.account(found.account.id) as tx:
        assert await campaigns.show(tx, found.campaign.id) == found.campaign
