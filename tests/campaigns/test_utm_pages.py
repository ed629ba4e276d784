"""Parameters on links, set on pages and by API, and read in the mail as it leaves (S22)."""

from collections.abc import Awaitable, Callable

import pytest

from mailer.core.services import Services
from sending import ab_tests, ab_variants, revisions, utm_settings
from sending.ab_tests import Setting, Variant
from sending.utm_settings import Parameters
from tests.campaigns.conftest import Ready
from tests.make import Make

Build = Callable[..., Awaitable[Ready]]
ACCOUNT = {"active": "true", "source": "lettre", "medium": "email", "campaign": "{name}", "rule": "all"}


async def first_link(services: Services, found: Ready, variant: int = 1) -> str:
    async with services.db.account(found.account.id) as tx:
        content = await revisions.draft(tx, services.settings, found.campaign.id, variant)
    return content.links[0].url


@pytest.mark.req("S22")
async def test_the_accounts_parameters_stand_on_links_until_a_campaign_has_its_own(
    ready: Build, make: Make, services: Services
) -> None:
    found = await ready()
    owner = await make.signed_in(found.account.owner_id)
    written = "https://pain.example/seigle?a=1"
    assert await first_link(services, found) == written
    place = f"{found.account.app}/settings/links"
    assert "Links are sent exactly as you write them." in (await owner.get(place)).text
    assert (await owner.post(place, ACCOUNT)).location == place
    assert "https://www.example.com/page?id=1&amp;utm_source=lettre" in (await owner.get(place)).text
    made = f"{written}&utm_source=lettre&utm_medium=email&utm_campaign=pain"
    assert await first_link(services, found) == made
    preview = await owner.get(f"{found.page}/preview")
    assert "utm_source=lettre&amp;utm_medium=email&amp;utm_campaign=pain" in preview.text
    own = f"{found.page}/links"
    assert 'value="lettre"' in (await owner.get(own)).text
    await owner.post(
        own, ACCOUNT | {"own": "True", "source": "mai & juin", "rule": "only", "domains": "pain.example"}
    )
    assert await first_link(services, found) == made.replace("lettre", "mai%20%26%20juin")
    await owner.post(own, ACCOUNT | {"own": "True", "rule": "except", "domains": "https://pain.example/x"})
    assert await first_link(services, found) == written
    await owner.post(own, ACCOUNT | {"own": "False"})
    assert await first_link(services, found) == made


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"source": ""}, "source"),
        ({"campaign": "{{ contact.email }}"}, "campaign"),
        ({"content": "{day}"}, "content"),
        ({"medium": "e\u200bmail"}, "medium"),
        ({"rule": "only"}, "domains"),
        ({"domains": "ex.fr\nnot_a domain!"}, "domains"),
        ({"source": "x" * 101}, "source"),
    ],
)
async def test_what_is_wrong_is_told_at_its_field(
    ready: Build, make: Make, wrong: dict[str, str], field: str
) -> None:
    found = await ready()
    owner = await make.signed_in(found.account.owner_id)
    for place in (f"{found.account.app}/settings/links", f"{found.page}/links"):
        answer = await owner.post(place, ACCOUNT | {"own": "True"} | wrong)
        assert answer.status == 422
        assert f'id="{field}-error"' in answer.text


async def test_variants_of_a_test_are_told_apart(ready: Build, services: Services) -> None:
    found = await ready()
    async with services.db.account(found.account.id) as tx:
        await utm_settings.put(tx, Parameters(source="lettre", content="variante-{variant}"))
        await ab_tests.put(tx, found.campaign.id, Setting(variants=[Variant(subject="B")]))
        assert await ab_variants.numbers(tx, found.campaign.id) == [1, 2]
    assert "utm_content=variante-a" in await first_link(services, found, 1)
    assert "utm_content=variante-b" in await first_link(services, found, 2)


async def test_a_program_sets_parameters(ready: Build, make: Make, services: Services) -> None:
    found = await ready()
    program = await make.program(found.account.id)
    shown = await program.get("/api/v1/link-parameters")
    assert (shown.status, shown.json()["active"]) == (200, False)
    wrong = await program.ask(
        "PUT",
        "/api/v1/link-parameters",
        json={"source": "x", "rule": "only", "domains": ["ex.fr", "no good"]},
    )
    assert (wrong.status, wrong.json()["errors"][0]["field"], wrong.json()["errors"][0]["row"]) == (
        422,
        "domains",
        2,
    )
    made = await program.ask(
        "PUT", "/api/v1/link-parameters", json={"source": "lettre", "domains": ["Münch.de"]}
    )
    assert (made.status, made.json()["domains"]) == (200, ["xn--mnch-0ra.de"])
    place = f"/api/v1/campaigns/{found.campaign.id}/link-parameters"
    assert (await program.get(place)).json()["source"] == "lettre"
    own = await program.ask("PUT", place, json={"active": False})
    assert (own.status, own.json()["active"]) == (200, False)
    assert "utm" not in await first_link(services, found)
    assert (await program.ask("DELETE", place)).status == 204
    assert (await program.get(place)).json()["active"] is True
    other = await make.program((await make.account()).id)
    assert (await other.get(place)).status == 404
