"""A/B tests, reminders and parameters on links in Chromium: each page looked at, and one walk without a script."""

from typing import Literal

import pytest

from mailer.core.services import Services
from sending import ab_tests
from sending.ab_tests import Setting, Variant
from tests.ab.conftest import acted, compared, look
from tests.browser.conftest import Visit
from tests.browser.test_campaigns_in_browser import site
from tests.browser.test_contacts_in_browser import signed_in
from tests.browser.visitor import assert_accessible, assert_fits, assert_quiet, picture
from tests.delivery.conftest import MJML, People, Post, people, post, sink

__all__ = ["people", "post", "sink", "site"]
pytestmark = pytest.mark.browser


async def draft(post: Post, list_id: int) -> int:
    """With a test of contents."""
    campaign = await post.campaign([list_id])
    async with post.tx() as tx:
        await tx.run("UPDATE campaigns SET status = 'draft' WHERE account_id = $1 AND id = $2", campaign)
        other = Variant(content_kind="mjml", source=MJML.replace("Voir le pain", "Au four"))
        await ab_tests.put(tx, campaign, Setting(about="content", variants=[other]))
    return campaign


@pytest.mark.req("F-01", "F-04", "A-126")
@pytest.mark.long  # test_every_page has them among all pages
@pytest.mark.parametrize(("language", "theme", "width"), [("fr", "light", 1280), ("en", "dark", 320)])
async def test_each_page_is_accessible_fits_and_is_quiet(
    services: Services,
    site: str,
    post: Post,
    people: People,
    visit: Visit,
    language: str,
    theme: Literal["light", "dark"],
    width: int,
) -> None:
    listed = await people(count=120, tracked=True)
    running = await compared(post, [listed], share=50, variants=3, unclear="ask")
    await post.run()
    await look(post, running)
    await acted(post, running, 1, 7)
    await acted(post, running, 2, 9)
    sent = await post.campaign([listed])
    await post.run()
    async with post.tx() as tx:
        await tx.run(
            "UPDATE campaigns SET finished_at = now() - interval '2 days' WHERE account_id = $1 AND id = $2",
            sent,
        )
    written = await draft(post, listed)
    page = await visit(language=language, theme=theme, width=width)
    await signed_in(services, post.account, page, site, language)
    for n, path in enumerate(
        (
            f"campaigns/{running}",
            f"campaigns/{running}/ab-test",
            f"campaigns/{running}/report",
            f"campaigns/{sent}/reminder",
            f"campaigns/{written}/setup",
            f"campaigns/{written}/ab-test",
            f"campaigns/{written}/content?variant=2",
            f"campaigns/{written}/preview?variant=2",
            f"campaigns/{written}/checks",
            f"campaigns/{written}/review",
            f"campaigns/{written}/links",
            "settings/links",
        )
    ):
        answer = await page.goto(f"{site}{post.account.app}/{path}")
        assert answer is not None
        assert answer.status == 200, path
        await picture(page, f"ab-{language}-{n:02d}-{path.rpartition('/')[2].partition('?')[0]}")
        await assert_accessible(page)
        await assert_fits(page)
        assert_quiet(page)


@pytest.mark.req("A-014")
async def test_two_subjects_are_compared_and_decided_without_script(
    services: Services, server: str, post: Post, people: People, visit: Visit
) -> None:
    campaign = await post.campaign([await people(count=20)], subject="Du pain")
    async with post.tx() as tx:
        await tx.run("UPDATE campaigns SET status = 'draft' WHERE account_id = $1 AND id = $2", campaign)
    page = await visit(language="fr", scripts=False)
    await signed_in(services, post.account, page, server, "fr")
    await page.goto(f"{server}{post.account.app}/campaigns/{campaign}/setup")
    await page.get_by_role("link", name="Deux objets ou contenus à comparer (test A/B)").click()
    await page.get_by_label("Objet de la variante B", exact=True).fill("Du pain chaud")
    await page.get_by_label("Part des destinataires qui reçoit les variantes, en pour cent").fill("50")
    await page.get_by_label("Attendre ma décision").check()
    await page.get_by_role("button", name="Enregistrer le test A/B").click()
    await page.get_by_role("heading", name="Variante B", exact=True).wait_for()
    assert "Du pain chaud" in await page.locator("main").inner_text()
    async with post.tx() as tx:
        await tx.run("UPDATE campaigns SET status = 'scheduled' WHERE account_id = $1 AND id = $2", campaign)
    await post.run()
    await page.goto(f"{server}{post.account.app}/campaigns/{campaign}")
    await page.get_by_text("10 personnes attendent la décision.").wait_for()
    await page.get_by_role("button", name="Choisir la variante B maintenant").click()
    await page.get_by_text("La variante B part à tous ceux qui attendent.").wait_for()
    await post.run()
    assert sum(str(one.message["Subject"]) == "Du pain chaud" for one in post.sink.accepted) == 15
