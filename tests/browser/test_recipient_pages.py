"""Walk W4 of ui.md 5, from mails that really arrived: a recipient leaves, comes back, and chooses.

Without scripts, without a session: every page is opened from the link in the demonstration's mails.
"""

import re
from typing import Literal

import pytest
from playwright.async_api import Page

from mailer.core.services import Services
from mailer.demo import OWNER
from sending import inbox
from tests.browser.conftest import Visit
from tests.browser.product import Product
from tests.browser.test_every_page import sign_in
from tests.browser.walker import Walk, words
from tests.importing import files

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]
MOST_BYTES = 14_000
MOST_PRESSES = 5
WORDS = {
    "fr": {
        "leave": "Me désabonner",
        "left": "Désabonnement enregistré le",
        "return": "Me réabonner",
        "on_its_way": "Un e-mail de confirmation part vers",
        "confirm": "Confirmer mon abonnement",
        "not_yet": "Vous n’êtes pas encore dans la liste",
        "confirmed": "Abonnement confirmé.",
        "choices": "Que souhaitez-vous recevoir ?",
        "save": "Enregistrer mes choix",
        "saved": "Choix enregistrés le",
        "accept": "Tout accepter",
        "refuse": "Tout refuser",
        "accepted": "C’est noté : ouvertures oui, clics oui.",
        "refused": "C’est noté : ouvertures non, clics non.",
        "rights": "Vos données chez",
    },
    "en": {
        "leave": "Unsubscribe",
        "left": "Unsubscribed on",
        "return": "Subscribe again",
        "on_its_way": "A confirmation e-mail is on its way to",
        "confirm": "Confirm my subscription",
        "not_yet": "You are not on",
        "confirmed": "Subscription confirmed.",
        "choices": "What would you like to receive?",
        "save": "Save my choices",
        "saved": "Choices saved on",
        "accept": "Accept all",
        "refuse": "Refuse all",
        "accepted": "Noted: opens yes, clicks yes.",
        "refused": "Noted: opens no, clicks no.",
        "rights": "Your data at",
    },
}
# the demonstration's owner reads French
TOLD = ("Désabonnement enregistré", "Abonnement confirmé par la personne")
Theme = Literal["light", "dark"]
VARIANTS: list[tuple[str, Theme, int]] = [("fr", "light", 1280), ("en", "dark", 320)]


@pytest.fixture(scope="module", autouse=True)
async def demonstrated(product: Product) -> None:
    await product.demonstrated()


async def campaign_mail(stores: Services, turn: int) -> inbox.InboxMail:
    """One of the demonstration's mails, counted from the first; each test takes its own."""
    async with stores.db.shared() as tx:
        found = await tx.rows(
            "SELECT id FROM inbox_mails WHERE feedback_id LIKE 'c%:a1:%' ORDER BY id LIMIT $1", turn + 1
        )
        return await inbox.show(tx, found[turn][0])


def link_in(raw: bytes, kind: str) -> str:
    """The address of one kind in the HTML part: unsubscribe, preferences, tracking, view, rights, confirm."""
    found = re.findall(rf'href="([^"]+/t/{kind}/[^"]+)"', inbox.parts(raw).html)
    assert found, kind
    return str(found[0])


async def confirmation(stores: Services, page: Page, recipient: str, after: int) -> inbox.InboxMail:
    """The mail that asks to confirm: the newest to this person since `after`."""
    for _ in range(60):
        async with stores.db.shared() as tx:
            for line in await inbox.many(tx, recipient):
                if line.id > after:
                    return await inbox.show(tx, line.id)
        await page.wait_for_timeout(500)
    raise AssertionError(f"no mail to {recipient}")


async def _mails_to(stores: Services, recipient: str) -> int:
    async with stores.db.shared() as tx:
        return len(await inbox.many(tx, recipient))


async def _subscription(stores: Services, recipient: str) -> str:
    async with stores.db.account(1) as tx:
        return str(
            await tx.value(
                """
                SELECT s.status
                FROM subscriptions s
                JOIN contacts c ON c.account_id = s.account_id AND c.id = s.contact_id
                WHERE s.account_id = $1 AND c.email = $2
                """,
                recipient,
            )
        )


class Scale:
    """What each page weighs with its sheet: bytes as they are, nothing compressed."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.kinds: set[str] = set()
        page.on("request", lambda asked: self.kinds.add(asked.resource_type))

    async def assert_light(self) -> None:
        sheets = await self.page.eval_on_selector_all(
            "link[rel=stylesheet]", "links => links.map(link => link.href)"
        )
        assert len(sheets) == 1
        weight = 0
        for address in [self.page.url, *sheets]:
            weight += len(await (await self.page.context.request.get(address)).body())
        assert weight <= MOST_BYTES, f"{self.page.url}: {weight} bytes"
        assert self.kinds <= {"document", "stylesheet", "image", "other"}, self.kinds
        assert not await self.page.context.cookies()


async def import_the_old_file(page: Page, home: str, recipient: str) -> None:
    """As a marketer does who still has last year's table: the file names the person, with a basis."""
    await page.goto(f"{home}/imports/new")
    table = {
        "name": "2025.csv",
        "mimeType": "text/csv",
        "buffer": files.people(recipient, f"new-{recipient}"),
    }
    await page.locator("#file").set_input_files(table)
    for step in ("mapping", "options"):
        await page.locator("main .btn-primary").first.press("Enter")
        await page.wait_for_url(re.compile(rf"/imports/\d+/{step}"))
    await page.locator("input[name=list_ids]").first.check()
    await page.locator("input[name=legal_basis][value=consent]").check()
    await page.locator("#source").fill("Commandes de 2025")
    await page.locator("#attested").check()
    await page.locator("main .btn-primary").first.press("Enter")
    await page.wait_for_url(re.compile(r"/imports/\d+/check"))
    run = page.get_by_role("button", name=re.compile(r"^(Importer|Import) \d")).first
    await run.press("Enter", timeout=60_000)
    await page.locator("main a[href*='/campaigns/new?']").first.wait_for(timeout=60_000)


async def history_of(page: Page, stores: Services, home: str, recipient: str) -> str:
    """What the contact's page tells a marketer."""
    async with stores.db.account(1) as tx:
        number = await tx.value("SELECT id FROM contacts WHERE account_id = $1 AND email = $2", recipient)
    await page.goto(f"{home}/contacts/{number}")
    return " ".join((await page.locator("main").inner_text()).split())


@pytest.mark.req("F-01", "F-04", "F-09", "D-44", "B-28")
@pytest.mark.parametrize(("language", "theme", "width"), VARIANTS)
async def test_leave_and_come_back(
    product: Product, visit: Visit, stores: Services, language: str, theme: Theme, width: int
) -> None:
    say = WORDS[language]
    marketer = await visit(language=language)
    await sign_in(marketer, (await product.account(f"Atelier W4 {language}", OWNER, language=language))[1])
    home = f"{product.base}/app/1"
    mail = await campaign_mail(stores, 10 + VARIANTS.index((language, theme, width)))
    page = await visit(language=language, theme=theme, width=width, scripts=False)
    scale = Scale(page)
    mirror = await visit(language=language, theme=theme, width=width)
    walk = Walk(page, f"w4-{language}-{theme}-{width}", mirror)
    measured = await _measured(stores, mail.recipient)
    for _ in range(5):
        await page.goto(f"{link_in(mail.raw, 'unsubscribe')}?lang={language}")
    walk.presses += 1
    assert await _subscription(stores, mail.recipient) == "active"
    assert await page.get_by_role("button").count() == 1
    await scale.assert_light()
    await walk.stop("unsubscribe")
    await walk.press(walk.button(say["leave"]))
    await walk.says(say["left"])
    assert await _subscription(stores, mail.recipient) == "unsubscribed"
    heading = await page.get_by_role("heading", level=1).inner_text()
    await page.reload()
    assert await page.get_by_role("heading", level=1).inner_text() == heading
    assert await _departures(stores, mail.recipient) == 1
    await scale.assert_light()
    await walk.stop("left")
    await import_the_old_file(marketer, home, mail.recipient)
    assert await _subscription(stores, mail.recipient) == "unsubscribed"
    before = await _mails_to(stores, mail.recipient)
    left = page.url
    await walk.press(walk.button(say["return"]))
    await walk.says(say["on_its_way"])
    # who comes by the same link again and asks once more is sent nothing more
    again = await page.context.request.post(left, form={"do": "return"})
    assert again.status == 200
    await walk.stop("return")
    asked = await confirmation(stores, page, mail.recipient, mail.id)
    assert await _subscription(stores, mail.recipient) == "unsubscribed"
    assert await _mails_to(stores, mail.recipient) == before + 1
    walk.presses += 1
    await page.goto(f"{link_in(asked.raw, 'confirm')}?lang={language}")
    await walk.says(say["not_yet"])
    await scale.assert_light()
    await walk.stop("confirm")
    await walk.press(walk.button(say["confirm"]))
    await walk.says(say["confirmed"])
    assert await _subscription(stores, mail.recipient) == "active"
    await scale.assert_light()
    await walk.stop("confirmed")
    assert walk.presses <= MOST_PRESSES
    assert await _mails_to(stores, mail.recipient) == before + 1
    # the ledger holds leaving and return; what is measured is as it was, not revived
    assert await _acts(stores, mail.recipient) == ["withdrawn", "asked", "confirmed"]
    assert await _measured(stores, mail.recipient) == measured
    assert await _departures(stores, mail.recipient) == 1
    told = await history_of(marketer, stores, home, mail.recipient)
    for text in TOLD:
        assert words(text, whole=False).search(told), told


async def _measured(stores: Services, recipient: str) -> tuple[str, str]:
    async with stores.db.account(1) as tx:
        [found] = await tx.rows(
            "SELECT opens, clicks FROM contacts WHERE account_id = $1 AND email = $2", recipient
        )
        return found[0], found[1]


async def _departures(stores: Services, recipient: str) -> int:
    async with stores.db.account(1) as tx:
        return int(
            await tx.value(
                """
                SELECT count(*)
                FROM events e
                JOIN contacts c ON c.account_id = $1 AND c.id = e.contact_id
                WHERE e.account_id = $1 AND c.email = $2 AND e.kind = 'unsubscribe'
                """,
                recipient,
            )
        )


async def _acts(stores: Services, recipient: str) -> list[str]:
    """Of the list, in the ledger, since the person was imported."""
    async with stores.db.account(1) as tx:
        rows = await tx.rows(
            """
            SELECT g.act
            FROM consents g
            JOIN contacts c ON c.account_id = $1 AND c.id = g.contact_id
            WHERE g.account_id = $1 AND c.email = $2 AND g.purpose = 'mail' AND g.method <> 'import'
            ORDER BY g.id
            """,
            recipient,
        )
        return [act for (act,) in rows]


@pytest.mark.req("F-01", "F-04", "F-09")
@pytest.mark.parametrize(("language", "theme", "width"), VARIANTS)
async def test_choose_what_comes_and_what_is_measured(
    visit: Visit, stores: Services, language: str, theme: Theme, width: int
) -> None:
    say = WORDS[language]
    mail = await campaign_mail(stores, 20 + VARIANTS.index((language, theme, width)))
    page = await visit(language=language, theme=theme, width=width, scripts=False)
    scale = Scale(page)
    mirror = await visit(language=language, theme=theme, width=width)
    walk = Walk(page, f"recipient-{language}-{theme}-{width}", mirror)
    await page.goto(f"{link_in(mail.raw, 'preferences')}?lang={language}")
    await walk.says(say["choices"])
    await scale.assert_light()
    await walk.stop("preferences")
    await page.get_by_role("checkbox").first.press("Space")
    await walk.press(walk.button(say["save"]))
    await walk.says(say["saved"])
    assert await _subscription(stores, mail.recipient) == "unsubscribed"
    await scale.assert_light()
    await walk.stop("preferences-saved")

    await page.goto(f"{link_in(mail.raw, 'tracking')}?lang={language}")
    for button, told, stored in (
        ("accept", "accepted", ("granted", "granted")),
        ("refuse", "refused", ("denied", "denied")),
    ):
        await walk.press(walk.button(say[button]))
        await page.get_by_role("heading", level=1, name=words(say[told])).wait_for()
        async with stores.db.account(1) as tx:
            (found,) = await tx.rows(
                "SELECT opens, clicks FROM contacts WHERE account_id = $1 AND email = $2", mail.recipient
            )
        assert tuple(found) == stored
    await scale.assert_light()
    await walk.stop("measurement")

    await page.goto(f"{link_in(mail.raw, 'rights')}?lang={language}")
    await walk.says(say["rights"])
    await scale.assert_light()
    await walk.stop("rights")


@pytest.mark.req("F-09")
async def test_the_mail_in_the_browser(visit: Visit, stores: Services) -> None:
    """The web version is the mail: same words, no script, no cookie."""
    mail = await campaign_mail(stores, 30)
    page = await visit(scripts=False, width=600)
    answer = await page.goto(link_in(mail.raw, "view"))
    assert answer is not None
    assert answer.status == 200
    assert not await page.context.cookies()
    shown = " ".join((await page.locator("body").inner_text()).split())
    assert "Voir les quarante pièces" in shown
    assert "Me désabonner" in shown
    assert await page.get_by_role("link", name="Me désabonner").count() == 1
