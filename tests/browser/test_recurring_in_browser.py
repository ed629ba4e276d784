"""A recurring campaign of a feed is made, watched, received and stopped in Chromium, without script."""

import re
from dataclasses import dataclass
from datetime import timedelta

import pytest
from playwright.async_api import Page, expect

from mailer.core import clock, work
from mailer.core.services import Services
from sending import recurrences, sends
from tests.browser.conftest import Visit
from tests.browser.test_campaigns_in_browser import enter
from tests.browser.visitor import assert_fits, assert_quiet, picture
from tests.delivery.conftest import Post, post, sink
from tests.recurring.test_feeds import Server, journal

__all__ = ["journal", "post", "sink"]
pytestmark = pytest.mark.browser
READER = "ana@recurring.test"
FOOTER = "<mj-section padding"


@dataclass(frozen=True, slots=True)
class _Story:
    """One marketer, one draft. `mark`: of the pictures."""

    services: Services
    server: str
    post: Post
    page: Page
    mark: str

    @property
    def home(self) -> str:
        return f"{self.server}{self.post.account.app}"

    async def comes_back(self) -> None:
        """A session of today: after a week the last one has ended."""
        owner = self.post.account.owner_id
        await enter(self.services, self.page, self.server, owner, language="fr", theme="light")

    async def press(self, name: str) -> None:
        await self.page.get_by_role("button", name=name, exact=True).click()

    async def follow(self, name: str) -> None:
        await self.page.get_by_role("link", name=name, exact=True).first.click()

    async def looks(self, name: str) -> None:
        await picture(self.page, f"recurring-{self.mark}-{name}")
        await assert_fits(self.page)
        assert_quiet(self.page)

    async def friday(self) -> None:
        """The next of the plan's times, and the minute for which an edition is held."""
        for span in (timedelta(days=7), timedelta(seconds=61)):
            clock.shift(clock.offset() + span)
            async with self.post.tx() as tx:
                # the queue goes by the database's clock, which nobody moves
                await work.bring_forward(tx, recurrences.JOB)
                await work.bring_forward(tx, sends.PREPARE)
            await self.post.run()

    def got(self) -> list[str]:
        """The text of each mail, in order."""
        return [
            one.message.get_body(("html",)).get_content()  # type: ignore[union-attr]
            for one in self.post.sink.accepted
            if one.recipient == READER
        ]


async def _writes(story: _Story) -> None:
    """A draft in MJML; what leaves is said by its feed."""
    page = story.page
    await page.goto(f"{story.home}/campaigns/new")
    await page.get_by_label("Nom", exact=False).first.fill("Nouvelles du fournil")
    await page.get_by_label("Objet", exact=False).first.fill("Nouvelles du fournil")
    await story.press("Continuer")
    await page.get_by_label("Clients du pain").first.check()
    await story.press("Continuer")
    await story.press("Page vide en MJML")
    await page.goto(page.url.replace("/content", "/review"))
    await story.follow("La répéter selon un calendrier")
    await story.looks("01-plan")


async def _plans(story: _Story, feed: str) -> None:
    """Each Friday, of a feed; and is told that the content does not show its items yet."""
    page = story.page
    # the days of a month are asked for when it is by the month: styles alone see to it
    await expect(page.get_by_label("Jour du mois", exact=True)).to_be_hidden()
    await page.get_by_label("Chaque mois", exact=True).check()
    await expect(page.get_by_label("Jour du mois", exact=True)).to_be_visible()
    await page.get_by_label("Chaque semaine", exact=True).check()
    await page.get_by_label("lundi", exact=True).uncheck()
    await page.get_by_label("vendredi", exact=True).check()
    await page.get_by_label("Adresse d’un flux RSS").fill(feed)
    await story.press("Enregistrer le calendrier et le lancer")
    await page.get_by_text("chaque semaine : vendredi, à 09:00 (Paris)").wait_for()
    await expect(page.get_by_role("heading", name="Prochaines éditions").locator("+ ol > li")).to_have_count(
        5
    )
    await page.get_by_text("Le contenu ne montre pas les articles du flux.").wait_for()
    await story.looks("02-content-missing")
    block = await page.locator("#feed-block").inner_text()
    await story.follow("Modifier le contenu")
    code = page.locator("textarea").first
    source = await code.input_value()
    column = f"<mj-section><mj-column>\n{block}</mj-column></mj-section>\n{FOOTER}"
    await code.fill(source.replace(FOOTER, column, 1))
    await story.press("Continuer")
    await page.goto(f"{page.url.rpartition('/')[0]}/recurrence")
    assert await page.get_by_text("Le contenu ne montre pas").count() == 0
    await story.looks("03-planned")


@pytest.mark.req("F-01", "A-126")
async def test_a_marketer_repeats_the_news_of_a_feed_without_script(
    services: Services, server: str, post: Post, journal: Server, visit: Visit
) -> None:
    async with post.tx() as tx:
        await tx.run(
            """
            INSERT INTO senders (account_id, email, address_key, name, status)
            VALUES ($1, $2, $2, 'Atelier du Pain', 'confirmed')
            """,
            f"bonjour@pain-{post.account.id}.test",
        )
        list_id = await post.make.mailing_list(tx, "Clients du pain")
        await post.make.contact(tx, READER, list_id=list_id)
    page = await visit(language="fr", scripts=False)
    story = _Story(services, server, post, page, "story")
    await story.comes_back()
    await _writes(story)
    await _plans(story, journal.url)
    plan = page.url
    async with post.tx() as tx:
        found = await recurrences.show(tx, int(plan.split("/")[-2]))
    assert found.next_at is not None
    # one week before the first edition, so that each Friday is a week away
    clock.shift(found.next_at - timedelta(days=7) - clock.now())
    journal.titles = ["Ancien", "Une fournée d’épeautre"]
    await story.friday()
    [mail] = story.got()
    assert ("Une fournée d’épeautre" in mail, "Ancien" in mail) == (True, False)
    await story.comes_back()
    await page.goto(plan)
    await page.get_by_text("Partie comme campagne").wait_for()
    await story.looks("04-edition")
    await page.get_by_role("link", name=re.compile("^N° 1")).click()
    await page.get_by_text("Édition 1 d’une campagne récurrente").wait_for()
    await story.looks("05-campaign")
    # a week without news is a week without mail
    await story.friday()
    await story.comes_back()
    await page.goto(plan)
    await page.get_by_text("Sautée : rien de nouveau dans le flux").wait_for()
    await story.press("Mettre en pause")
    await page.get_by_text("En pause", exact=True).wait_for()
    await story.looks("06-paused")
    journal.titles.append("Le seigle revient")
    await story.friday()
    assert len(story.got()) == 1
    await story.comes_back()
    await page.goto(plan)
    await story.press("Reprendre")
    await page.get_by_text("Actif", exact=True).wait_for()
    await story.friday()
    assert ["Le seigle revient" in one for one in story.got()] == [False, True]
    await story.comes_back()
    await page.goto(plan)
    await story.looks("07-two-editions")
    await story.follow("Supprimer le calendrier")
    await page.get_by_text("Plus aucune édition n’est préparée").wait_for()
    await story.looks("08-deletion")
    await story.press("Supprimer le calendrier")
    await page.get_by_text("Le calendrier est supprimé.").wait_for()
    journal.titles.append("Plus personne ne le lira")
    await story.friday()
    assert len(story.got()) == 2
    reader = await visit(language="fr")
    await reader.set_content(story.got()[1])
    await reader.get_by_role("link", name="Le seigle revient").wait_for()
    await picture(reader, "recurring-story-09-mail")
