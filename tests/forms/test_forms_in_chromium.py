"""A form as a person meets it: built with and without script, filled in and confirmed without, in both variants."""

import re
from datetime import timedelta
from typing import Literal

import pytest
from playwright.async_api import Page

from lists import public_form_guard, signup_html, signup_versions
from tests.browser.conftest import Visit
from tests.browser.visitor import assert_accessible, assert_fits, assert_quiet, picture
from tests.client import COOKIE
from tests.forms.scene import ADA, PRIVACY, Scene

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]
VARIANTS = [("fr", "light", 1280), ("en", "dark", 320)]
Theme = Literal["light", "dark"]


async def _signed_in(page: Page, scene: Scene, language: str) -> str:
    """The builder's address, for the owner of the account."""
    person = await scene.make.signed_in(scene.account.owner_id, language=language)
    host = scene.client.base.replace("http://", "https://")
    await page.context.add_cookies([{"name": COOKIE, "value": person.cookie, "url": host, "secure": True}])
    return f"{scene.client.base}{scene.account.app}/forms/{scene.form.id}"


@pytest.mark.req("F-09", "B-20", "B-26", "E-14", "A-111")
@pytest.mark.parametrize(("language", "theme", "width"), VARIANTS)
async def test_sign_up_and_confirm_without_script(
    visit: Visit, scene: Scene, monkeypatch: pytest.MonkeyPatch, language: str, theme: Theme, width: int
) -> None:
    await scene.publish(
        language=language, ask_opens=True, ask_clicks=True, age_rule="statement", accent="#8a1c4a"
    )
    monkeypatch.setattr(public_form_guard, "FASTEST", timedelta(0))
    words = {
        "fr": ("M’abonner", "Adresse e-mail", "Prénom (facultatif)", "Recettes", "J’ai 15 ans ou plus.",
               "Vérifiez votre boîte", "Confirmer mon abonnement", "Abonnement confirmé."),
        "en": ("Subscribe", "E-mail address", "First name (optional)", "Recettes", "I am 15 or older.",
               "Check your mailbox", "Confirm my subscription", "Subscription confirmed."),
    }[language]  # fmt: skip
    page = await visit(language=language, theme=theme, width=width, scripts=False)
    await page.goto(scene.services.settings.track_url + scene.path)
    await assert_fits(page)
    await picture(page, f"form-{language}-{theme}-{width}")
    assert await page.locator("input:checked").count() == 0
    assert not await page.get_by_label(re.compile("vide|empty", re.I)).is_visible()
    await page.get_by_role("button", name=words[0]).press("Enter")
    assert await page.get_by_role("alert").is_visible()
    await assert_fits(page)
    await picture(page, f"form-faults-{language}-{theme}-{width}")
    await page.get_by_label(words[1], exact=True).fill(ADA)
    await page.get_by_label(words[2], exact=True).fill("Ada")
    await page.get_by_label(re.compile(rf"«\s?{words[3]}\s?»|“{words[3]}”")).check()
    await page.get_by_label(words[4]).check()
    await page.get_by_role("button", name=words[0]).press("Enter")
    assert words[5] in await page.get_by_role("heading", level=1).inner_text()
    await assert_fits(page)
    await picture(page, f"form-asked-{language}-{theme}-{width}")
    await page.goto((await scene.mails())[-1][1])
    await assert_fits(page)
    await page.get_by_role("button", name=words[6]).press("Enter")
    assert await page.get_by_role("heading", level=1).inner_text() == words[7]
    assert not await page.context.cookies()
    assert_quiet(page)
    assert (await scene.statuses()) == {scene.list_ids[0]: "active"}
    assert (await scene.contact())["first_name"] == "Ada"


@pytest.mark.req("F-01", "F-09")
@pytest.mark.parametrize(("language", "theme", "width"), VARIANTS)
async def test_every_public_page_is_accessible(
    visit: Visit, scene: Scene, language: str, theme: Theme, width: int
) -> None:
    fields = [{"key": "first_name", "required": True}]
    await scene.publish(
        language=language,
        fields=fields,
        ask_opens=True,
        age_rule="birth_date",
        younger="guardian",
        accent="#0a5bb0",
    )
    sent = await scene.send(first_name="Ada", birth_date="1990-05-05")
    page = await visit(language=language, theme=theme, width=width)
    base = scene.services.settings.track_url
    await page.goto(base + scene.path)
    await assert_accessible(page)
    await page.get_by_role("button").press("Enter")
    await assert_accessible(page)
    for address in (base + sent.location, (await scene.mails())[-1][1]):
        await page.goto(address)
        await assert_accessible(page)
        await assert_fits(page)
    async with scene.tx() as tx:
        await signup_versions.unpublish(tx, scene.form.id)
    await page.goto(base + scene.path)
    await assert_accessible(page)
    assert_quiet(page)


@pytest.mark.req("F-09", "A-111")
@pytest.mark.parametrize("scripts", [True, False])
async def test_the_builder_works_with_and_without_script(visit: Visit, scene: Scene, scripts: bool) -> None:
    page = await visit(language="en", width=1280, scripts=scripts)
    await page.goto(await _signed_in(page, scene, "en"))
    frame = page.frame_locator("iframe")
    await page.get_by_label("Heading").fill("Bread by mail")
    if scripts:
        # the preview follows by itself
        await frame.get_by_role("heading", name="Bread by mail").wait_for(timeout=15_000)
        await assert_accessible(page)
    else:
        await page.get_by_role("button", name="Save the draft").press("Enter")
        await frame.get_by_role("heading", name="Bread by mail").wait_for(timeout=15_000)
    await page.get_by_role("button", name="Move down Recettes").press("Enter")
    legends = page.locator("#purposes legend")
    await page.locator("#purposes fieldset").nth(1).locator("legend", has_text="Recettes").wait_for()
    assert (await legends.all_inner_texts())[:2] == ["Promotions", "Recettes"]
    await page.get_by_role("button", name="Publish").press("Enter")
    await page.get_by_text("Published: version 2").wait_for()
    await assert_fits(page)
    await picture(page, f"form-builder-{'script' if scripts else 'plain'}")
    assert_quiet(page)


@pytest.mark.req("A-111", "E-14")
async def test_the_html_works_on_a_page_of_another_site(visit: Visit, scene: Scene) -> None:
    async with scene.tx() as tx:
        form = await signup_versions.published(tx, scene.form.public_key)
    assert form is not None
    html = signup_html.embedded(form, address=scene.services.settings.track_url + scene.path)
    page = await visit(language="en", width=600, scripts=False)
    await page.set_content(
        f"<!doctype html><html lang=en><title>Pain</title><main><h1>Pain</h1>{html}</main></html>"
    )
    await picture(page, "form-embedded")
    assert not await page.get_by_label("Leave this field empty").is_visible()
    await page.get_by_label("E-mail address").fill(ADA)
    await page.get_by_label(re.compile("Recettes")).check()
    await page.get_by_role("button", name="Subscribe").press("Enter")
    await page.get_by_text("Check your mailbox").wait_for()
    assert [recipient for recipient, _ in await scene.mails()] == [ADA]
    assert PRIVACY in html


@pytest.mark.req("F-01", "F-04")
@pytest.mark.parametrize(("language", "theme", "width"), VARIANTS)
async def test_every_page_of_the_team_is_accessible(
    visit: Visit, scene: Scene, language: str, theme: Theme, width: int
) -> None:
    page = await visit(language=language, theme=theme, width=width)
    builder = await _signed_in(page, scene, language)
    forms = builder.rpartition("/")[0]
    places = (forms, f"{forms}/new", builder, f"{builder}/versions/1", f"{builder}/deletion")
    for n, place in enumerate(places):
        await page.goto(place)
        await assert_accessible(page)
        await assert_fits(page)
        await picture(page, f"forms-{n}-{language}-{theme}-{width}")
    await page.goto(builder)
    await page.locator("#redirect_url").fill("http://pain.test")
    await page.locator("#privacy_url").fill("")
    await page.locator("button[value=publish]").press("Enter")
    await page.get_by_role("alert").wait_for()
    await assert_accessible(page)
    await assert_fits(page)
    assert_quiet(page)
