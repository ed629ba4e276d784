"""The processor's desk, in French: announced, seen, objected to, accepted again, written down."""

import re
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from playwright.async_api import Page

from mailer.accounts import agreements, sign_up
from mailer.core import clock
from mailer.core.services import Services
from tests.browser.conftest import Visit
from tests.browser.visitor import assert_accessible, assert_fits, assert_quiet, picture
from tests.make import Account, Make

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]


@pytest.fixture(autouse=True)
async def _own_announcements(services: Services) -> AsyncIterator[None]:
    """They hold for the whole installation."""
    yield
    async with services.db.shared() as tx:
        await tx.run("DELETE FROM sub_processor_objections WHERE true")
        await tx.run("DELETE FROM sub_processors WHERE true")
        await tx.run("DELETE FROM sub_processor_registers WHERE true")
        await tx.run("DELETE FROM policy_versions WHERE true")
        await tx.run("DELETE FROM announcements WHERE true")


async def look(page: Page, name: str) -> None:
    await assert_accessible(page)
    await assert_fits(page)
    assert_quiet(page)
    await picture(page, f"desk-{name}")


async def enter(services: Services, page: Page, server: str, user_id: int) -> None:
    async with services.db.shared() as tx:
        link = await sign_up.sign_in_link(tx, user_id, public_url=server)
    await page.goto(link)
    await page.get_by_role("button", name="Se connecter").click()
    await page.wait_for_url(re.compile(r"/app/(accounts|\d+)$"))


async def announce(page: Page, server: str) -> None:
    """What the operator does: a new agreement and a new sub-processor."""
    await page.goto(f"{server}/app/operator/policies?kind=agreement")
    await page.get_by_label("Nom de la version").fill("2027-02")
    text = await page.get_by_label("Texte français").input_value()
    await page.get_by_label("Texte français").fill(text.replace("48 heures", "24 heures"))
    await page.get_by_label("Texte anglais").fill("## 1. Subject\n\nThe same.")
    await look(page, "operator-policies")
    await page.get_by_role("button", name="Publier et prévenir").click()
    await page.get_by_text("Version publiée.").wait_for()
    await page.goto(f"{server}/app/operator/sub-processors")
    await page.get_by_role("button", name="Annoncer à tous").click()
    await look(page, "operator-sub-processors-faults")
    for name, value in (
        ("name", "Secours GmbH"),
        ("service", "sauvegardes chiffrées"),
        ("region", "Falkenstein"),
        ("data", "toutes"),
        ("retention", "6 jours"),
        ("contract_date", "2026-01-15"),
    ):
        await page.fill(f"#{name}", value)
    await page.select_option("#country", "DE")
    await page.get_by_role("button", name="Annoncer à tous").click()
    await page.get_by_text("Annonce faite.").wait_for()
    await look(page, "operator-sub-processors")
    await page.goto(f"{server}/app/operator/records")
    await look(page, "operator-records")


async def answer(page: Page, server: str, account: Account) -> None:
    """What an owner does: reads, objects, accepts the new agreement."""
    await page.goto(server + account.app)
    await page.get_by_text("Un changement est annoncé pour le").wait_for()
    await page.get_by_role("link", name="Voir ce qui change").click()
    await page.get_by_role("heading", name=f"Ce qui change depuis la version {agreements.VERSION}").wait_for()
    assert await page.locator("ins").filter(has_text="24 heures").count() == 1
    assert await page.locator("del").filter(has_text="48 heures").count() == 1
    await look(page, "agreements")
    await page.get_by_role("link", name="Nouveau sous-traitant").click()
    await page.get_by_label("Pourquoi vous vous opposez à Secours GmbH").fill("Trop loin")
    await page.get_by_role("button", name="S’opposer à Secours GmbH").click()
    await page.get_by_text("L’exploitant n’a pas encore répondu.").wait_for()
    await look(page, "sub-processors")
    await page.goto(f"{server}{account.app}/privacy/agreements")
    await page.get_by_role("checkbox").check()
    await page.get_by_role("button", name=re.compile("Accepter l.accord")).click()
    await page.wait_for_url(re.compile(r"/app/\d+$"))


@pytest.mark.req("A-016", "A-039", "A-040", "A-047", "A-068", "A-095", "C-51", "C-53", "F-01")
async def test_the_desk_from_announcement_to_policy(
    services: Services, make: Make, server: str, visit: Visit
) -> None:
    account = await make.account(language="fr")
    operator_id, _ = await make.user(None, language="fr")
    async with services.db.shared() as tx:
        await tx.run("UPDATE users SET is_operator = true WHERE id = $1", operator_id)
        await tx.run("UPDATE users SET language = 'fr' WHERE id = $1", account.owner_id)
    async with services.db.account(account.id) as tx:
        listed = await make.mailing_list(tx, "Lettre du lundi")
        await make.contact(tx, list_id=listed)
    operator, owner = await visit(), await visit()
    await enter(services, operator, server, operator_id)
    await announce(operator, server)
    await enter(services, owner, server, account.owner_id)
    await answer(owner, server, account)
    await operator.goto(f"{server}/app/operator/sub-processors")
    await operator.get_by_text("Trop loin").wait_for()
    await owner.goto(f"{server}{account.app}/privacy/policy")
    await owner.get_by_text("5 renseignements manquent").wait_for()
    await look(owner, "policy-gaps")
    for name in ("dpo", "origin", "other_recipients", "transfers", "provision"):
        await owner.fill(f"#{name}", "aucun")
    await owner.locator("main form .btn-primary").click()
    await owner.get_by_text("Aucun renseignement ne manque.").wait_for()
    for name, path in (
        ("records", f"{account.app}/privacy/records"),
        ("versions", "/legal/versions"),
        ("cookies", "/legal/cookies"),
        ("register", "/legal/sub-processors"),
    ):
        await owner.goto(server + path)
        await look(owner, name)
    clock.shift(timedelta(days=31))
    await owner.goto(f"{server}/legal/agreement")
    await owner.get_by_text("Version 2027-02").first.wait_for()
