"""A welcome series is made, started and read in Chromium, by somebody whose browser runs no script."""

import re

import pytest
from playwright.async_api import Page

from mailer.core.services import Services
from mailer.core.work import Task
from sending import automation_turns
from sending.automations import JOB
from tests.browser.conftest import Visit
from tests.browser.test_contacts_in_browser import signed_in
from tests.browser.visitor import assert_accessible, assert_fits, assert_quiet, picture
from tests.delivery.conftest import Post, post, sink

__all__ = ["post", "sink"]
pytestmark = pytest.mark.browser


async def _sender(post: Post) -> int:
    async with post.tx() as tx:
        await tx.run(
            """
            INSERT INTO senders (account_id, email, address_key, name, status)
            VALUES ($1, $2, $2, 'Atelier du Pain', 'confirmed')
            """,
            f"bonjour@pain-{post.account.id}.test",
        )
        return await post.make.mailing_list(tx, "Clients du pain")


async def _letter(page: Page, text: str) -> None:
    """The page where an e-mail's content begins: a simple letter."""
    await page.get_by_role("button", name="Lettre simple").click()
    await page.locator("textarea").first.fill(text)
    await page.get_by_role("button", name="Continuer").click()


@pytest.mark.req("F-01", "A-126")
async def test_a_marketer_makes_the_welcome_series_without_script(
    services: Services, server: str, post: Post, visit: Visit
) -> None:
    list_id = await _sender(post)
    page = await visit(language="fr", scripts=False)
    await signed_in(services, post.account, page, server, "fr")
    await page.goto(f"{server}{post.account.app}")
    await page.get_by_role("link", name="Campagnes automatiques").first.click()
    await page.get_by_role("link", name="Créer une campagne automatique").first.click()
    await page.get_by_label("Nom", exact=True).fill("Bienvenue")
    await page.get_by_label("Liste", exact=True).select_option(label="Clients du pain")
    await page.get_by_role("button", name="Enregistrer").click()
    await page.get_by_role("link", name="Ajouter la première étape").click()
    place = page.url.rpartition("/steps")[0]
    await page.get_by_label("Objet (facultatif)", exact=True).fill("Bienvenue chez nous")
    await page.get_by_role("button", name="Ajouter l’étape").click()
    await _letter(page, "Merci de votre inscription.")
    await page.goto(place)
    await page.get_by_role("link", name=re.compile("^Ajouter après")).click()
    await page.get_by_label("Attendre", exact=True).check()
    await page.get_by_label("Combien de temps").fill("3")
    await page.get_by_role("button", name="Ajouter l’étape").click()
    await page.get_by_role("link", name=re.compile("^Ajouter après Attendre")).click()
    await page.get_by_label("Objet (facultatif)", exact=True).fill("Nos pains")
    await page.get_by_role("button", name="Ajouter l’étape").click()
    await _letter(page, "Venez les goûter.")
    await page.goto(place)
    # the wait moves up and back: an ordered list, a press at a time
    wait = page.locator("li", has_text="Attendre 3")
    await wait.get_by_role("button", name="Monter").click()
    await page.locator("li", has_text="Attendre 3").get_by_role("button", name="Descendre").click()
    # C-17: the first e-mail does not say yet that one may object
    await page.get_by_text("Le premier e-mail doit dire").first.wait_for()
    assert await page.get_by_role("button", name="Démarrer").count() == 0
    await page.get_by_role("button", name="Ajouter le paragraphe manquant au premier e-mail").click()
    await page.get_by_role("button", name="Démarrer").click()
    await page.get_by_text("En cours").first.wait_for()
    async with post.tx() as tx:
        await post.make.contact(tx, "ana@series.test", list_id=list_id)
    task = Task(post.account.id, JOB, int(place.rpartition("/")[2]), 0, 1)
    await automation_turns.advance(post.services, task)
    await post.run()
    assert [str(one.message["Subject"]) for one in post.sink.accepted] == ["Bienvenue chez nous"]
    await page.goto(place)
    await page.get_by_text("1 personne se trouve ici.").wait_for()
    await picture(page, "automations-running")


@pytest.mark.req("F-04")
@pytest.mark.parametrize(
    ("language", "width"), [("fr", 1280), pytest.param("en", 320, marks=pytest.mark.long)]
)
async def test_each_page_is_accessible_and_fits(
    services: Services, server: str, post: Post, visit: Visit, language: str, width: int
) -> None:
    list_id = await _sender(post)
    page = await visit(language=language, width=width)
    await signed_in(services, post.account, page, server, language)
    home = f"{server}{post.account.app}"
    client = await post.make.signed_in(post.account.owner_id, language=language)
    made = await client.post(
        f"{post.account.app}/automations", {"name": "Bienvenue", "list_id": list_id, "kind": "subscribed"}
    )
    here = made.location
    for step in (
        {"kind": "condition", "asks": "field", "field": "", "operator": "is"},
        {"kind": "leave"},
        {"kind": "send", "subject": "Bienvenue"},
        {"kind": "wait", "amount": "2", "unit": "days"},
    ):
        await client.post(f"{here}/steps", step)
    paths = ["/automations", "/automations/new", "/automations?before=1"]
    mine = here.removeprefix(post.account.app)
    paths += [mine, f"{mine}/settings", f"{mine}/end", f"{mine}/steps/new"]
    for n, path in enumerate(paths):
        answer = await page.goto(f"{home}{path}")
        assert answer is not None
        assert answer.status == 200, path
        await picture(page, f"automations-{language}-{n:02d}")
        await assert_accessible(page)
        await assert_fits(page)
        assert_quiet(page)
