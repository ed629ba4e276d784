"""The builder of segments in Chromium: without a script, with one, and each page looked at."""

import re

import pytest
from playwright.async_api import Page, expect

from lists import fields, segments, tags
from lists.fields import NewField
from lists.segment_tree import Tree
from lists.segments import NewSegment
from mailer.core.services import Services
from mailer.web.request import check
from tests.browser.conftest import Visit
from tests.browser.test_contacts_in_browser import look, signed_in
from tests.browser.visitor import assert_quiet
from tests.make import Account, Make

pytestmark = pytest.mark.browser


async def fill(services: Services, make: Make, account: Account) -> dict[str, int]:
    async with services.db.account(account.id) as tx:
        field = await fields.create(tx, NewField(label="Ville"))
        await fields.create(tx, NewField(label="Client depuis", type=fields.FieldType.DATE))
        list_id = await make.mailing_list(tx, "Lettre mensuelle")
        for n, city in enumerate(("Paris", "Lyon", "Paris")):
            contact_id = await make.contact(tx, f"c{n}@example.test", list_id=list_id)
            await tx.run(
                "UPDATE contacts SET fields = $3 WHERE account_id = $1 AND id = $2",
                contact_id,
                {"ville": city},
            )
        tag = await tags.put_on(tx, contact_id, "Fidèle")
        rule = {"subject": "list", "of": list_id, "operator": "subscribed_over", "value": 30}
        city_rule = {"subject": "field", "of": "ville", "operator": "is", "value": "Paris"}
        between = {
            "subject": "field",
            "of": "client_depuis",
            "operator": "between",
            "value": ["2025-01-01", "2025-12-31"],
        }
        tree = check(
            Tree,
            {"rules": [rule, {"match": "any", "rules": [city_rule, {"match": "none", "rules": [between]}]}]},
        )
        segment = await segments.create(tx, NewSegment(name="Fidèles de Paris", tree=tree))
    return {"tag": tag.id, "segment": segment.id, "field": field.id, "contact": contact_id}


@pytest.mark.req("F-01", "F-04", "A-126")
@pytest.mark.long  # test_every_page has them among all pages
@pytest.mark.parametrize(("language", "theme", "width"), [("fr", "light", 1280), ("en", "dark", 320)])
async def test_each_page_is_accessible_fits_and_is_quiet(
    services: Services, make: Make, server: str, visit: Visit, language: str, theme: str, width: int
) -> None:
    account = await make.account(language=language)
    ids = await fill(services, make, account)
    page = await visit(language=language, theme=theme, width=width)  # type: ignore[arg-type]
    await signed_in(services, account, page, server, language)
    for path in (
        "segments",
        "segments/new",
        f"segments/{ids['segment']}",
        f"segments/{ids['segment']}/deletion",
        "tags",
        f"tags/{ids['tag']}",
        f"tags/{ids['tag']}/deletion",
        f"contacts?tag_id={ids['tag']}",
        f"contacts/{ids['contact']}",
    ):
        name = re.sub(r"[^a-z]+", "-", path)
        await look(page, f"{server}{account.app}/{path}", f"{language}-{name}")
    async with services.db.account(account.id) as tx:
        await fields.delete(tx, ids["field"])
    await look(page, f"{server}{account.app}/segments/{ids['segment']}", f"{language}-segment-broken")


async def saved(services: Services, account: Account) -> segments.Segment:
    async with services.db.account(account.id) as tx:
        return next(one for one in (await segments.many(tx)).items if one.name == "Parisiens")


def row(page: Page, place: str, part: str):  # type: ignore[no-untyped-def]
    return page.locator(f'[id="{place}.{part}"]')


async def test_a_segment_is_built_without_script(
    services: Services, make: Make, server: str, visit: Visit
) -> None:
    account = await make.account(language="en")
    await fill(services, make, account)
    page = await visit(language="en", scripts=False)
    await signed_in(services, account, page, server, "en")
    await page.goto(f"{server}{account.app}/segments/new")
    await page.get_by_label("Name").fill("Parisiens")
    await row(page, "r.0", "subject").select_option("field:ville")
    await page.get_by_role("button", name="Show the number again").last.click()
    await row(page, "r.0", "operator").select_option("is")
    await row(page, "r.0", "value").fill("paris")
    await page.get_by_role("button", name="Add a condition").click()
    await row(page, "r.1", "subject").select_option("email")
    await page.get_by_role("button", name="Move up condition 2").click()
    await page.get_by_role("button", name="Add a group").click()
    await page.get_by_role("button", name="Delete condition 3", exact=True).click()
    await row(page, "r.0", "operator").select_option("begins")
    await row(page, "r.0", "value").fill("c2")
    # Enter in a field shows the number; it moves and deletes nothing
    await row(page, "r.0", "value").press("Enter")
    await expect(page.locator("#figures")).to_contain_text("1 contact.")
    await page.get_by_role("button", name="Save", exact=True).click()
    await expect(page.locator(".callout--success")).to_contain_text("Segment saved.")
    found = await saved(services, account)
    assert found.contacts == 1
    assert [one["subject"] for one in found.tree["rules"]] == ["email", "field"]


async def test_with_a_script_the_number_follows_what_is_typed(
    services: Services, make: Make, server: str, visit: Visit
) -> None:
    account = await make.account(language="en")
    await fill(services, make, account)
    page = await visit(language="en")
    await signed_in(services, account, page, server, "en")
    await page.goto(f"{server}{account.app}/segments/new")
    figures = page.locator("#figures")
    await expect(figures).to_contain_text("3 contacts.")
    await page.get_by_label("Name").fill("Parisiens")
    await row(page, "r.0", "subject").select_option("field:ville")
    await row(page, "r.0", "value").wait_for()
    await expect(figures).to_contain_text("Complete the conditions")
    await row(page, "r.0", "value").press_sequentially("paris", delay=20)
    await expect(figures).to_contain_text("2 contacts.")
    await expect(figures).to_contain_text("c2@example.test")
    assert await row(page, "r.0", "value").input_value() == "paris"
    assert await page.evaluate("document.activeElement.id") == "r.0.value"
    await row(page, "r.0", "operator").select_option("empty")
    await expect(row(page, "r.0", "value")).to_have_count(0)
    await expect(figures).to_contain_text("0 contacts.")
    await row(page, "r.0", "operator").select_option("is_not")
    await row(page, "r.0", "value").fill("Paris")
    await expect(figures).to_contain_text("1 contact.")
    await page.get_by_role("button", name="Save", exact=True).click()
    await expect(page.locator(".callout--success")).to_contain_text("Segment saved.")
    assert (await saved(services, account)).contacts == 1
    assert_quiet(page)
