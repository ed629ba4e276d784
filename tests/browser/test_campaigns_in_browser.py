"""The pages of campaigns, senders, designs and images in Chromium: axe, width, console, pictures; without script."""

import io
import re
from collections.abc import Awaitable, Callable

import pytest
from PIL import Image
from playwright.async_api import Page

from mailer.accounts import accounts, sessions
from mailer.core.links import Links
from mailer.core.services import Services
from sending import (
    campaigns,
    designs,
    evidence,
    images,
    seeds,
    sends,
    server_tests,
    servers,
    test_sends,
    warm_ups,
)
from sending.images import Words
from sending.sends import Order
from sending.server_tests import Step
from sending.servers import NewServer
from sending.warm_ups import NewWarmUp
from tests.browser.conftest import Visit
from tests.browser.visitor import assert_accessible, assert_fits, assert_quiet, picture
from tests.campaigns.conftest import Ready, ready
from tests.make import Make

pytestmark = pytest.mark.browser
__all__ = ["ready"]
Build = Callable[..., Awaitable[Ready]]


@pytest.fixture
def site(server: str) -> str:
    """The server under its public name: mails and images name it so."""
    return server.replace("127.0.0.1", "localhost")


async def enter(services: Services, page: Page, server: str, user_id: int, **profile: str) -> None:
    """A session of this person, as after sign-in."""
    async with services.db.shared() as tx:
        await tx.run(
            "UPDATE users SET language = $2, theme = $3 WHERE id = $1",
            user_id,
            profile["language"],
            profile["theme"],
        )
        token = await sessions.start(tx, user_id, ip="127.0.0.1", user_agent="tests")
    # `__Host-` needs Secure, which a loopback address may set without TLS
    host = server.replace("http://", "https://")
    await page.context.add_cookies([{"name": sessions.COOKIE, "value": token, "url": host, "secure": True}])


async def look(page: Page, name: str) -> None:
    await assert_accessible(page)
    await assert_fits(page)
    assert_quiet(page)
    await picture(page, name)


async def furnish(services: Services, found: Ready) -> tuple[int, int, int]:
    """A letter, a design and an image beside the draft; their ids. A test address and a test as well."""
    out = io.BytesIO()
    Image.new("RGB", (600, 300), (200, 120, 40)).save(out, "PNG")
    stored = await images.store(services.db, found.account.id, await images.clean(out.getvalue()))
    async with services.db.account(found.account.id) as tx:
        image = await images.add(tx, stored, Words(alt="Un pain rond", label="Pain"))
        letter = await campaigns.duplicate(tx, found.campaign.id, "Lettre")
        source = '{"blocks":[{"kind":"heading","text":"Pain"},{"kind":"paragraph","text":"Le seigle"}],"footer":true}'
        await campaigns.write_content(tx, letter.id, "letter", source)
        design = await designs.keep(tx, found.campaign.id, "Hebdo")
        await seeds.add(
            tx, seeds.NewSeed(email="boite@ailleurs.test", label="Orange"), Links(services.tokens, "")
        )
        await test_sends.ask_all(tx, found.campaign.id, [found.account.owner_email])
    return letter.id, design.id, image.id


async def smtp_server(services: Services, found: Ready) -> int:
    """An SMTP server whose last test stopped at its return path; its id."""
    async with services.db.account(found.account.id) as tx:
        new = NewServer(host="smtp.un-assez-long-nom-de-fournisseur.test", username="post", password="x")
        made = await servers.create(tx, services.sealer, new)
        words = "It refuses {address} as the return path: have your provider allow this address."
        refused = Step(
            name="sender",
            ok=False,
            words=words,
            params={"address": "bounces@mailer.localhost"},
            code=550,
            reply="5.7.1 sender refused",
        )
        await server_tests.record(
            tx, made.id, [Step(name="greet", ok=True, words="It speaks SMTP."), refused]
        )
    return made.id


@pytest.mark.req("F-01", "F-05", "A-126")
@pytest.mark.long  # test_every_page has them among all pages
@pytest.mark.parametrize(("language", "theme", "width"), [("fr", "light", 1280), ("en", "dark", 320)])
async def test_each_page_is_accessible_and_quiet(
    services: Services, ready: Build, site: str, visit: Visit, language: str, theme: str, width: int
) -> None:
    found = await ready(people=120)
    letter, design, image = await furnish(services, found)
    server = await smtp_server(services, found)
    page = await visit(language=language, theme=theme, width=width)  # type: ignore[arg-type]
    await enter(services, page, site, found.account.owner_id, language=language, theme=theme)
    mark = f"{language}-{theme}-{width}"
    app = found.account.app
    for name, path in (
        ("list", f"{app}/campaigns"),
        ("new", f"{app}/campaigns/new"),
        ("setup", f"{found.page}/setup"),
        ("audience", f"{found.page}/audience"),
        ("start", f"{found.page}/content?start"),
        ("code", f"{found.page}/content"),
        ("letter", f"{app}/campaigns/{letter}/content"),
        ("preview", f"{found.page}/preview"),
        ("checks", f"{found.page}/checks"),
        ("review", f"{found.page}/review"),
        ("review-later", f"{found.page}/review?when=later"),
        ("delete", f"{found.page}/deletion"),
        ("senders", f"{app}/senders"),
        ("sender", f"{app}/senders/{found.sender_id}"),
        ("sender-new", f"{app}/senders/new"),
        ("servers", f"{app}/senders/servers"),
        ("server", f"{app}/senders/servers/{server}"),
        ("server-new", f"{app}/senders/servers/new"),
        ("server-delete", f"{app}/senders/servers/{server}/deletion"),
        ("test-addresses", f"{app}/test-addresses"),
        ("designs", f"{app}/designs"),
        ("design", f"{app}/designs/{design}/edit"),
        ("design-new", f"{app}/designs/new"),
        ("media", f"{app}/media"),
        ("image", f"{app}/media/{image}"),
        ("image-new", f"{app}/media/new"),
    ):
        await page.goto(f"{site}{path}")
        await look(page, f"campaigns-{name}-{mark}")
    async with services.db.account(found.account.id) as tx:
        await sends.schedule(tx, services, found.campaign.id, Order(hold_seconds=60))
    await page.goto(f"{site}{found.page}")
    await look(page, f"campaigns-hold-{mark}")
    async with services.db.account(found.account.id) as tx:
        for status in ("preparing", "sending"):
            await tx.run(
                "UPDATE campaigns SET status = $3, started_at = now() WHERE account_id = $1 AND id = $2",
                found.campaign.id,
                status,
            )
        refusal = "5.7.26 This mail is unauthenticated"
        await evidence.stop(tx, found.campaign.id, "gmail", cause="auth", refused=20, reply=refusal)
        await warm_ups.start(tx, "pain.test", NewWarmUp())
        await accounts.limit(tx, per_day=5000, per_month=None)
    await page.goto(f"{site}{found.page}")
    await look(page, f"campaigns-sending-{mark}")
    await page.goto(f"{site}{app}/senders/{found.sender_id}")
    await look(page, f"campaigns-sender-warm-up-{mark}")
    await page.goto(f"{site}{app}")
    await look(page, f"campaigns-home-allowance-{mark}")
    for name in ("deliveries", "cancellation"):
        await page.goto(f"{site}{found.page}/{name}")
        await look(page, f"campaigns-{name}-{mark}")


async def test_the_audience_counts_itself_and_the_editor_checks_itself(
    services: Services, ready: Build, site: str, visit: Visit
) -> None:
    found = await ready(people=3)
    page = await visit(language="en")
    await enter(services, page, site, found.account.owner_id, language="en", theme="light")
    await page.goto(f"{site}{found.page}/audience")
    await page.locator("input[name=include]").first.uncheck()
    await page.get_by_text("Choose at least one list.").first.wait_for()
    await page.locator("input[name=include]").first.check()
    await page.get_by_text("3 people will get this message.").wait_for()
    assert await page.evaluate("document.activeElement.tagName") != "BODY"
    await page.get_by_role("button", name="Continue").click()
    await page.wait_for_url(f"{site}{found.page}/content")
    editor = page.get_by_role("textbox", name="Source of the message (MJML)")
    await editor.click()
    await page.keyboard.press("Control+End")
    await page.keyboard.type("{{ contact.nope }}")
    await page.get_by_text(re.compile(r"Line \d+:")).first.wait_for()
    await page.get_by_text("Saved at").wait_for()
    assert_quiet(page)


async def test_a_letter_is_written_and_sent_without_script(
    services: Services, make: Make, site: str, visit: Visit
) -> None:
    account = await make.account(language="en")
    async with services.db.account(account.id) as tx:
        list_id = await make.mailing_list(tx)
        await make.contact(tx, list_id=list_id)
    page = await visit(language="en", scripts=False)
    await enter(services, page, site, account.owner_id, language="en", theme="light")
    await page.goto(f"{site}{account.app}/campaigns")
    await page.get_by_role("link", name="Create a campaign").click()
    await page.get_by_label("Subject").fill("The rye")
    await page.get_by_role("button", name="Continue").click()
    await page.get_by_text("1 person will get this message.").wait_for()
    await page.get_by_role("button", name="Continue").click()
    await page.get_by_role("button", name="Simple letter").click()
    await page.get_by_label("Text of the paragraph").fill('Hello {{ contact.first_name | default("") }}')
    await page.get_by_role("button", name="Heading").click()
    await page.get_by_role("button", name="Move up block 2").click()
    await page.get_by_label("Text of the heading").fill("Bread")
    await page.get_by_role("button", name="Continue").click()
    await page.get_by_text("Nothing blocks this campaign.").wait_for()
    await page.get_by_role("button", name="Send me a test").click()
    await page.get_by_text("A test is on its way to").first.wait_for()
    await page.get_by_role("link", name="Continue").click()
    await page.get_by_role("button", name="Send to 1 contact").click()
    await page.get_by_text("Nothing has left yet.").wait_for()
    await page.get_by_role("button", name="Leave now").click()
    await page.get_by_role("heading", name="Campaign of").wait_for()
    async with services.db.account(account.id) as tx:
        assert await tx.value("SELECT status FROM campaigns WHERE account_id = $1") == "scheduled"
        assert await tx.value("SELECT scheduled_at <= now() FROM campaigns WHERE account_id = $1")
