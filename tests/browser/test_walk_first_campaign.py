"""Walk W1 of ui.md 5: a fresh account, a spreadsheet, and a campaign that reaches 4,812 people."""

import re
from dataclasses import dataclass
from email import message_from_bytes
from typing import Literal

import pytest
from playwright.async_api import Page, Request

from mailer.core.services import Services
from sending import inbox
from tests.browser.conftest import Visit
from tests.browser.product import Product
from tests.browser.walker import Walk
from tests.importing import files

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]
MOST_PRESSES = 24
NAMELESS = 12
# no-script reloads by hand what scripts ask for by themselves
WAIT_SECONDS = 120
_UNSUBSCRIBE = re.compile(rb"https?://[^\s\"<>]+/t/unsubscribe/[\w-]+")

WORDS = {
    "fr": {
        "identity": "Identité de l’expéditeur",
        "agreement": "Accord de sous-traitance",
        "import": "Importer des contacts",
        "organisation": "Nom de l’organisation",
        "postal": "Adresse postale",
        "questions": "questions de vos contacts",
        "save": "Enregistrer",
        "done": "Fait",
        "read": "J’ai lu l’accord",
        "duties": "J’ai lu nos responsabilités",
        "accept": "Accepter l’accord",
        "continue": "Continuer",
        "file": "Fichier (Excel",
        "encoding": "CP1252",
        "separator": "point-virgule",
        "new_list": "Nom d’une nouvelle liste",
        "customers": "Clients",
        "basis": "Consentement",
        "source": "D’où viennent ces adresses",
        "state": "Je déclare que ces adresses",
        "count": "Compter sans importer",
        "created": "Créés 4 812",
        "errors": "En erreur 37",
        "rows": "Lignes dans le fichier 4 849",
        "run": "Importer 4 812 contacts",
        "rejected": "37 lignes sur 4 849 n’ont pas été importées.",
        "campaign": "Créer une campagne pour cette liste",
        "subject": "Objet",
        "will_get": "Recevront ce message 4 812",
        "letter": "Lettre simple",
        "paragraph": "Texte du paragraphe",
        "saved": "Enregistré à",
        "blank": "Page vide en MJML",
        "code": "Source du message (MJML)",
        "nothing_blocks": "Rien ne bloque cette campagne.",
        "domain": "est à vérifier avant un envoi réel",
        "nameless": f"Prénom : vide pour {NAMELESS} sur 4 812.",
        "test": "M’envoyer un test",
        "wrong": "Vous avez écrit 4 811 ; l’envoi concerne 4 812 contacts.",
        "typed": "Pour confirmer, écrivez le nombre de destinataires",
        "send": "Envoyer à 4 812 contacts",
        "hold": "Départ dans",
        "leave": "Partir maintenant",
        "sent": "Envoyée",
        "balance": "Audience 4 812",
        "inert": "Ceci est un test : rien n’a changé.",
        "refresh": "Actualiser",
    },
    "en": {
        "identity": "Sender's identity",
        "agreement": "Data processing agreement",
        "import": "Import contacts",
        "organisation": "Name of the organisation",
        "postal": "Postal address",
        "questions": "contacts' questions",
        "save": "Save",
        "done": "Done",
        "read": "I have read the agreement",
        "duties": "I have read our responsibilities",
        "accept": "Accept the agreement",
        "continue": "Continue",
        "file": "File (Excel",
        "encoding": "CP1252",
        "separator": "semicolon",
        "new_list": "Name of a new list",
        "customers": "Customers",
        "basis": "Consent",
        "source": "Where these addresses come from",
        "state": "I state that these addresses",
        "count": "Count without importing",
        "created": "Created 4,812",
        "errors": "In error 37",
        "rows": "Rows in the file 4,849",
        "run": "Import 4,812 contacts",
        "rejected": "37 of 4,849 rows were not imported.",
        "campaign": "Create a campaign for this list",
        "subject": "Subject",
        "will_get": "Will get this message 4,812",
        "letter": "Simple letter",
        "paragraph": "Text of the paragraph",
        "saved": "Saved at",
        "blank": "Blank page in MJML",
        "code": "Source of the message (MJML)",
        "nothing_blocks": "Nothing blocks this campaign.",
        "domain": "is to be checked before a real send",
        "nameless": f"First name, empty for {NAMELESS} of 4,812",
        "test": "Send me a test",
        "wrong": "You wrote 4,811; this send goes to 4,812 contacts.",
        "typed": "To confirm, write the number of recipients",
        "send": "Send to 4,812 contacts",
        "hold": "Departure in",
        "leave": "Leave now",
        "sent": "Sent",
        "balance": "Audience 4,812",
        "inert": "This is a test: nothing has changed.",
        "refresh": "Refresh",
    },
}
LETTER = {
    "fr": 'Bonjour {{ contact.first_name | default("") }},\n\nla nouvelle collection est arrivée.',
    "en": 'Hello {{ contact.first_name | default("") }},\n\nthe new collection has arrived.',
}


@dataclass(frozen=True, slots=True)
class Variant:
    language: str
    theme: Literal["light", "dark"]
    width: int
    scripts: bool = True

    def __str__(self) -> str:
        return f"{self.language}-{self.theme}-{self.width}" + ("" if self.scripts else "-noscript")


VARIANTS = [Variant("fr", "light", 1280), Variant("en", "dark", 320), Variant("fr", "dark", 1280, False)]
# the two that differ most, each time; the plain one with the long ones
WALKED = [pytest.param(VARIANTS[0], marks=pytest.mark.long), *VARIANTS[1:]]


def spreadsheet() -> bytes:
    """4,849 rows of which 37 are bad; twelve people without a first name."""
    return files.excel_fr().replace(b";Zo\xe9;", b";;", NAMELESS)


async def _contacts(stores: Services, account_id: int) -> int:
    async with stores.db.account(account_id) as tx:
        return int(await tx.value("SELECT count(*) FROM contacts WHERE account_id = $1"))


async def _reached(walk: Walk, text: str) -> None:
    """A page that scripts keep fresh; without them a person presses *Refresh*."""
    for _ in range(WAIT_SECONDS):
        if await walk.page.get_by_text(re.compile(text)).filter(visible=True).count():
            return
        await walk.page.wait_for_timeout(1_000)
        if not await walk.page.evaluate("Boolean(window.htmx)"):
            await walk.page.reload()
    main = await walk.page.locator("main").inner_text()
    raise AssertionError(f"{walk.page.url}: waited for “{text}” in\n{main}")


async def _introduce(walk: Walk, say: dict[str, str]) -> None:
    """Steps 1 and 2: who writes, and the agreement."""
    setup = walk.page.locator("ol.setup-list li")
    assert await setup.count() == 6, await walk.page.locator("main").inner_text()
    await walk.stop("home")
    await walk.go(walk.link(say["identity"]), "/settings/account")
    await walk.write(say["organisation"], "Les Fleurs de Zoé SARL")
    await walk.write(say["postal"], "12 rue du Four, 49000 Angers")
    await walk.write(say["questions"], "bonjour@fleurs.test")
    await walk.stop("identity")
    await walk.go(walk.button(say["save"]), r"/app/\d+")
    await walk.says(say["done"])
    assert say["done"] in await setup.first.inner_text()
    home = walk.page.url
    await _import_too_early(walk, say, home)
    await walk.go(walk.link(say["agreement"]), "/privacy/agreements")
    await walk.tick(say["read"])
    await walk.tick(say["duties"])
    await walk.stop("agreement")
    await walk.go(walk.button(say["accept"]), r"/app/\d+")
    await walk.stop("home-agreed")


async def _import_too_early(walk: Walk, say: dict[str, str], home: str) -> None:
    """Before the agreement an import is refused, with the way to it. No press of the walk."""
    answer = await walk.page.goto(f"{home}/imports/new")
    assert answer is not None
    assert answer.status == 403
    await walk.page.locator("main a[href$='/privacy/agreements']").wait_for()
    await walk.stop("import-before-agreement")
    await walk.page.goto(home)


async def _choose_file(walk: Walk, say: dict[str, str]) -> None:
    await walk.labelled(say["file"]).set_input_files(
        {"name": "clients.csv", "mimeType": "text/csv", "buffer": spreadsheet()}
    )


async def _import(walk: Walk, say: dict[str, str], stores: Services, account_id: int) -> None:
    """Steps 3 to 5."""
    await walk.go(walk.link(say["import"]), "/imports/new")
    walk.presses += 1
    await _choose_file(walk, say)
    await walk.stop("file")
    await walk.go(walk.button(say["continue"]), r"/imports/\d+/mapping")
    await walk.says(say["encoding"])
    await walk.says(say["separator"])
    await walk.says("Besançon")
    await walk.stop("columns")
    await walk.go(walk.button(say["continue"]), r"/imports/\d+/options")
    await walk.write(say["new_list"], say["customers"])
    await walk.tick(say["basis"])
    await walk.write(say["source"], "Commandes du site")
    await walk.tick(say["state"])
    await walk.stop("options")
    await walk.go(walk.button(say["count"]), r"/imports/\d+/check")
    await _reached(walk, say["run"].replace(" ", r"\s"))
    for part in ("created", "errors", "rows"):
        await walk.shows(say[part])
    assert await _contacts(stores, account_id) == 0
    await walk.stop("counted")
    await walk.press(walk.button(say["run"]))
    await walk.page.wait_for_url(re.compile(r"/imports/\d+/(run|report)$"))
    await walk.page.reload()
    await walk.stop("running")
    await _reached(walk, say["campaign"])
    await walk.shows(say["rejected"])
    assert await _contacts(stores, account_id) == 4_812
    rejects = await walk.page.context.request.get(
        re.sub(r"/(run|report)$", "/rejects", walk.page.url), max_redirects=0
    )
    lines = (await rejects.body()).decode("utf-8-sig").strip().splitlines()
    assert rejects.status == 200
    assert len(lines) == 1 + 37, lines[:3]
    await walk.stop("report")


async def _write(walk: Walk, say: dict[str, str], variant: Variant, email: str) -> None:
    """Step 6: setup, audience, content."""
    await walk.press(walk.link(say["campaign"]))
    await walk.page.wait_for_url(re.compile(r"/campaigns/new\?"))
    sender = walk.page.get_by_role("combobox").first
    assert email in await sender.locator("option:checked").inner_text()
    await walk.write(say["subject"], "La collection de printemps")
    await walk.stop("setup")
    await walk.go(walk.button(say["continue"]), r"/campaigns/\d+/audience")
    await walk.shows(say["will_get"])
    await walk.stop("audience")
    await walk.go(walk.button(say["continue"]), r"/campaigns/\d+/content")
    await walk.stop("start")
    text = LETTER[variant.language]
    if variant.scripts:
        await walk.press(walk.button(say["letter"]))
        await walk.write(say["paragraph"], text)
        await walk.says(say["saved"])
    else:
        await walk.press(walk.button(say["blank"]))
        source = await walk.labelled(say["code"]).input_value()
        await walk.write(say["code"], re.sub(r"<p>.*?</p>", f"<p>{text}</p>", source, count=1, flags=re.S))
    await walk.stop("content")
    await walk.go(walk.button(say["continue"]), r"/campaigns/\d+/checks")


async def _test(walk: Walk, say: dict[str, str], stores: Services, email: str) -> str:
    """Step 7: checks and a test. Returns an unsubscribe link of the test."""
    await walk.says(say["nothing_blocks"])
    await walk.says(say["domain"])
    await walk.says(say["nameless"])
    await walk.stop("checks")
    await walk.press(walk.button(say["test"]))
    await walk.page.wait_for_load_state()
    mail = await _test_mail(walk.page, stores, email)
    links = re.findall(r'href="([^"]+/t/[^"]+)"', inbox.parts(mail.raw).html)
    assert links
    await walk.stop("tested")
    await walk.go(walk.link(say["continue"]), r"/campaigns/\d+/review")
    return links[0]


async def _test_mail(page: Page, stores: Services, email: str) -> inbox.InboxMail:
    for _ in range(60):
        async with stores.db.shared() as tx:
            for line in await inbox.many(tx, email):
                if line.subject.startswith("[Test]"):
                    return await inbox.show(tx, line.id)
        await page.wait_for_timeout(500)
    raise AssertionError("no test mail")


async def _send(walk: Walk, say: dict[str, str], variant: Variant, stores: Services) -> int:
    """Step 8. Returns the campaign's number."""
    await walk.stop("review")
    await walk.write(say["typed"], "4811")
    await walk.press(walk.button(say["send"]))
    await walk.says(say["wrong"])
    await walk.stop("wrong-number")
    await walk.write(say["typed"], "4 812")
    async with walk.page.expect_request(lambda asked: asked.url.endswith("/sends")) as pressed:
        await walk.press(walk.button(say["send"]))
    await walk.page.wait_for_url(re.compile(r"/campaigns/\d+$"))
    campaign = walk.page.url
    await walk.says(say["hold"])
    await walk.stop("hold")
    await _press_again(walk.page, await pressed.value, campaign)
    leave = walk.button(say["leave"])
    if variant.scripts:
        await _keeps_focus(walk, campaign)
    await walk.press(leave)
    await _reached(walk, f"^{say['sent']}$")
    await walk.shows(say["balance"])
    await walk.stop("sent")
    return int(campaign.rpartition("/")[2])


async def _press_again(page: Page, pressed: Request, campaign: str) -> None:
    """What a second press of the same form sends: its one-time id gives the first result again."""
    headers = {"Content-Type": pressed.headers["content-type"], "Origin": campaign.partition("/app/")[0]}
    again = await page.context.request.post(
        pressed.url, data=pressed.post_data_buffer or b"", headers=headers
    )
    assert again.status == 200
    assert again.url == campaign


async def _keeps_focus(walk: Walk, campaign: str) -> None:
    """The page asks again every two seconds; the button that has the focus keeps it."""
    await walk.button(WORDS["fr"]["leave"]).or_(walk.button(WORDS["en"]["leave"])).focus()
    for _ in range(2):
        async with walk.page.expect_response(campaign):
            pass
        await walk.page.wait_for_timeout(200)
        assert await walk.page.evaluate("document.activeElement.tagName") == "BUTTON"


async def _mails(stores: Services, account_id: int, campaign_id: int) -> list[bytes]:
    async with stores.db.shared() as tx:
        rows = await tx.rows(
            "SELECT raw FROM inbox_mails WHERE feedback_id LIKE $1 AND subject NOT LIKE '[Test]%'",
            f"c{campaign_id}:a{account_id}:%",
        )
    return [raw for (raw,) in rows]


def _assert_can_leave(raw: bytes) -> str:
    """One unsubscribe link, in the header and in both parts; returns the recipient."""
    # the plain policy: the other one takes four times as long for 4,812 mails
    mail = message_from_bytes(raw)
    links = {
        part.get_content_type(): set(_UNSUBSCRIBE.findall(part.get_payload(decode=True)))
        for part in mail.walk()
        if part.get_content_maintype() == "text"
    }
    assert links.keys() == {"text/html", "text/plain"}
    assert len(links["text/html"]) == 1
    assert links["text/html"] == links["text/plain"]
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    [link] = links["text/html"]
    assert f"<{link.decode()}>" in mail["List-Unsubscribe"]
    return str(mail["To"])


@pytest.mark.req("F-01", "F-04", "A-028")
@pytest.mark.parametrize("variant", WALKED, ids=str)
async def test_first_campaign_from_a_spreadsheet(
    product: Product, visit: Visit, stores: Services, variant: Variant
) -> None:
    say = WORDS[variant.language]
    email = f"zoe-{variant}@fleurs.test"
    account_id, link = await product.account("Les Fleurs de Zoé", email, language=variant.language)
    page = await visit(
        language=variant.language, theme=variant.theme, width=variant.width, scripts=variant.scripts
    )
    await page.goto(link)
    await page.locator("main form button").first.click()
    await page.wait_for_url(re.compile(r"/app/\d+"))
    mirror = None if variant.scripts else await visit(theme=variant.theme, width=variant.width)
    walk = Walk(page, f"w1-{variant}", mirror)
    await _introduce(walk, say)
    await _import(walk, say, stores, account_id)
    await _write(walk, say, variant, email)
    test_link = await _test(walk, say, stores, email)
    campaign_id = await _send(walk, say, variant, stores)
    assert walk.presses <= MOST_PRESSES, walk.presses

    people = [_assert_can_leave(raw) for raw in await _mails(stores, account_id, campaign_id)]
    assert len(people) == len(set(people)) == 4_812
    other = await visit(language=variant.language, scripts=False)
    await other.goto(test_link)
    assert await other.get_by_text(say["inert"].partition(":")[0].strip()).count()
