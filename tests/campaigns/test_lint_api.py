"""The linter for programs: of a source that is sent along, of a campaign, never of somebody else's."""

from collections.abc import Awaitable, Callable

import pytest

from sending import campaigns
from tests.campaigns.conftest import MJML, Ready
from tests.make import Make

Build = Callable[..., Awaitable[Ready]]
BUTTON = "<mjml>\n<mj-body><mj-section><mj-column>\n<mj-button>Lire</mj-button></mj-column></mj-section></mj-body></mjml>"


@pytest.mark.req("F-11", "F-12", "E-51")
async def test_a_program_is_told_each_finding_at_its_place_and_nothing_is_stored(
    ready: Build, make: Make
) -> None:
    found = await ready()
    program = await make.program(found.account.id, ["campaigns:read"])
    asked = {"mjml": BUTTON, "campaign_id": found.campaign.id}
    answer = await program.ask("POST", "/api/v1/lint", json=asked, headers={"Accept-Language": "fr"})
    assert answer.status == 200
    told = answer.json()
    [button] = [one for one in told["findings"] if one["code"] == "no_href"]
    assert (button["line"], button["column"], button["kind"]) == (3, 1, "warning")
    assert button["message"] == 'Ce bouton ne mène nulle part. Ajoutez href="…".'
    assert {one["code"] for one in told["findings"] if one["kind"] == "error"} >= {"unsubscribe", "identity"}
    assert told["errors"] == len([one for one in told["findings"] if one["kind"] == "error"])
    async with make.services.db.account(found.account.id) as tx:
        assert (await campaigns.show(tx, found.campaign.id)).source == found.campaign.source


async def test_what_a_campaign_holds_is_looked_at_with_its_audience(ready: Build, make: Make) -> None:
    bare = MJML.replace('contact.first_name | default("")', "contact.last_name")
    found = await ready(source=bare)
    async with make.services.db.account(found.account.id) as tx:
        await tx.run("UPDATE contacts SET last_name = '' WHERE account_id = $1")
    program = await make.program(found.account.id, ["campaigns:read"])
    told = (await program.ask("POST", "/api/v1/lint", json={"campaign_id": found.campaign.id})).json()
    line = bare[: bare.index("contact.last_name")].count("\n") + 1
    assert [one["line"] for one in told["findings"] if one["code"] == "empty_field"] == [line]


async def test_a_letter_is_told_by_its_blocks(make: Make) -> None:
    account = await make.account()
    program = await make.program(account.id, ["campaigns:read"])
    blocks = [
        {"kind": "heading", "text": "Pain"},
        {"kind": "button", "text": "Lire", "href": "http://localhost/"},
    ]
    letter = {"blocks": blocks, "footer": True}
    told = (await program.ask("POST", "/api/v1/lint", json={"letter": letter})).json()
    assert [one["line"] for one in told["findings"] if one["code"] == "links"] == [2]


async def test_both_neither_and_another_account_s_campaign_are_refused(ready: Build, make: Make) -> None:
    found = await ready()
    program = await make.program(found.account.id, ["campaigns:read"])
    letter = {"blocks": [{"kind": "heading", "text": "Pain"}], "footer": True}
    both = await program.ask("POST", "/api/v1/lint", json={"mjml": MJML, "letter": letter})
    assert (both.status, both.json()["errors"][0]["field"]) == (422, "letter")
    neither = await program.ask("POST", "/api/v1/lint", json={})
    assert (neither.status, neither.json()["errors"][0]["field"]) == (422, "mjml")
    other = await make.program((await make.account()).id, ["campaigns:read"])
    asked = {"mjml": MJML, "campaign_id": found.campaign.id}
    assert (await other.ask("POST", "/api/v1/lint", json=asked)).status == 404
    poor = await make.program(found.account.id, ["contacts:read"])
    assert (await poor.ask("POST", "/api/v1/lint", json=asked)).status == 403
