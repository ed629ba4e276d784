"""Contacts, lists, fields, suppressions and exports in Chromium: axe, width, console, pictures; without script."""

import re

import pytest
from playwright.async_api import Page, expect

from lists import contacts, fields, restrictions, subscriptions, suppressions
from lists.exports import NewExport, ask
from lists.field_values import FieldType
from mailer.accounts import sign_up
from mailer.core import clock
from mailer.core.services import Services
from retention_jobs import inactive
from tests.browser.conftest import Visit
from tests.browser.visitor import assert_accessible, assert_fits, assert_quiet, picture
from tests.make import Account, Make

pytestmark = pytest.mark.browser
BUTTONS = {"fr": "Se connecter", "en": "Sign in"}


async def signed_in(services: Services, account: Account, page: Page, server: str, language: str) -> None:
    async with services.db.shared() as tx:
        link = await sign_up.sign_in_link(tx, account.owner_id, public_url=server)
    await page.goto(f"{link}?lang={language}")
    await page.get_by_role("button", name=BUTTONS[language]).click()
    await page.wait_for_url(f"{server}{account.app}")


async def fill(services: Services, make: Make, account: Account) -> dict[str, int]:
    """A list, a field, people in each state, an export."""
    async with services.db.account(account.id) as tx:
        await fields.create(tx, fields.NewField(label="Ville"))
        await fields.create(tx, fields.NewField(label="Client depuis", type=FieldType.DATE))
        listed, other = await make.mailing_list(tx, "Lettre mensuelle"), await make.mailing_list(tx, "Offres")
        new = contacts.NewContact(
            email="ana.lopez@example.test",
            first_name="Ana",
            last_name="Lopez",
            language="fr",
            fields={"ville": "Lyon", "client_depuis": "2025-03-12"},
            lists=[listed],
            legal_basis="consent",
            source="Salon de la boulangerie, 12 mars 2026",
        )
        contact = (await contacts.add(tx, services.sealer, new)).id
        left = await make.contact(
            tx, "left.the.list.some.time.ago@a-rather-long-domain.example.test", list_id=listed
        )
        await subscriptions.unsubscribe_contacts(tx, [left], listed)
        await make.contact(tx, "stopped@example.test", list_id=other)
        await suppressions.add_by_team(tx, services.sealer, "stopped@example.test")
        export = await ask(tx, NewExport())
    return {"list": listed, "contact": contact, "export": export.id, "left": left}


async def fill_more(services: Services, make: Make, account: Account, ids: dict[str, int]) -> dict[str, int]:
    """Somebody whose data may only be kept, a campaign that left, somebody not heard of for years."""
    async with services.db.account(account.id) as tx:
        limited = await make.contact(tx, "limited@example.test", list_id=ids["list"])
        await restrictions.limit(tx, limited, restrictions.NewRestriction(ground="accuracy"))
        await restrictions.lift(tx, limited, restrictions.Lifting(reason="Vérifié avec elle", told=True))
        await restrictions.limit(tx, limited, restrictions.NewRestriction(ground="claims"))
        campaign = await tx.value(
            """
            INSERT INTO campaigns (account_id, name, status, month)
            VALUES ($1, 'Lettre de novembre', 'sent', date_trunc('month', now())::date)
            RETURNING id
            """
        )
        await tx.run(
            """
            INSERT INTO deliveries (account_id, campaign_id, contact_id, month, list_id, status, first_at, final_at)
            VALUES ($1, $2, $3, date_trunc('month', now())::date, $4, 'delivered', now(), now())
            """,
            campaign,
            ids["contact"],
            ids["list"],
        )
        await tx.run(
            "UPDATE contacts SET created_at = now() - interval '4 years' WHERE account_id = $1 AND id = $2",
            ids["left"],
        )
        await tx.run("UPDATE contacts SET last_act_at = NULL WHERE account_id = $1 AND id = $2", ids["left"])
        await inactive.walk(tx, clock.now())
    return ids | {"limited": limited, "campaign": campaign}


@pytest.mark.req("F-01", "F-04", "A-126")
@pytest.mark.long  # test_every_page has them among all pages
@pytest.mark.parametrize(("language", "theme", "width"), [("fr", "light", 1280), ("en", "dark", 320)])
async def test_each_page_is_accessible_fits_and_is_quiet(
    services: Services, make: Make, server: str, visit: Visit, language: str, theme: str, width: int
) -> None:
    account = await make.account(language=language)
    async with services.db.shared() as tx:
        await tx.run("UPDATE users SET language = $2 WHERE id = $1", account.owner_id, language)
    page = await visit(language=language, theme=theme, width=width)  # type: ignore[arg-type]
    await signed_in(services, account, page, server, language)
    home = f"{server}{account.app}"
    for name in ("contacts", "lists", "suppressions", "exports", "fields"):
        await look(page, f"{home}/{name}", f"{language}-empty-{name}")
    ids = await fill_more(services, make, account, await fill(services, make, account))
    contact, listed = f"contacts/{ids['contact']}", f"lists/{ids['list']}"
    for path in (
        "contacts",
        "contacts?q=ana",
        "contacts/new",
        contact,
        f"{contact}/edit",
        f"{contact}/deletion",
        f"{contact}/data",
        f"{contact}/restriction",
        f"{contact}/timeline",
        f"{contact}/timeline?kind=consent",
        f"{contact}/why",
        f"{contact}/why?campaign_id={ids['campaign']}",
        f"contacts/{ids['limited']}",
        f"contacts/{ids['limited']}/restriction",
        "privacy/inactive",
        "lists",
        "lists/new",
        listed,
        f"{listed}/settings",
        f"{listed}/deletion",
        "suppressions",
        "suppressions/new",
        "exports",
        "exports/new",
        f"exports/{ids['export']}",
        "fields",
    ):
        await look(page, f"{home}/{path}", f"{language}-{re.sub(r'[^a-z]+', '-', path)}")
    await page.goto(f"{home}/contacts")
    await page.locator("tbody input[type=checkbox]").first.check()
    await page.locator("button[name=action][value=add]").click()
    await page.wait_for_url(re.compile("/contacts/selections/"))
    await look(page, page.url, f"{language}-selection")


async def look(page: Page, address: str, name: str) -> None:
    answer = await page.goto(address)
    assert answer is not None
    assert answer.status == 200
    await picture(page, f"lists-{name}")
    await assert_accessible(page)
    await assert_fits(page)
    assert_quiet(page)


@pytest.mark.req("A-014")
async def test_bulk_works_without_script(services: Services, make: Make, server: str, visit: Visit) -> None:
    account = await make.account()
    ids = await fill(services, make, account)
    page = await visit(language="en", scripts=False)
    await signed_in(services, account, page, server, "en")
    await page.goto(f"{server}{account.app}/contacts?list_id={ids['list']}")
    for box in await page.locator("tbody input[type=checkbox]").all():
        await box.check()
    await page.locator("button[name=action][value=delete]").click()
    await expect(page.locator("h1")).to_contain_text("2")
    await page.locator("main .btn-danger").click()
    await expect(page.locator(".callout--success")).to_contain_text("2")
    async with services.db.account(account.id) as tx:
        assert await tx.value("SELECT count(*) FROM contacts WHERE account_id = $1") == 1
