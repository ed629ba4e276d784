"""From an invitation to a sign-in by recovery code, in French and without a script."""

import base64
import re
import secrets

import pytest

from mailer.accounts import sign_up, totp
from mailer.core import clock
from mailer.core.services import Services
from tests.browser.conftest import Visit
from tests.browser.visitor import assert_fits, assert_quiet, picture
from tests.make import Make

pytestmark = pytest.mark.browser
PASSWORD = "une péniche 7 bleue"


def code_of(secret: bytes, ahead: int = 0) -> str:
    return totp.code(secret, totp.step_of(clock.now().timestamp()) + ahead)


@pytest.mark.req("A-120", "E-32")
async def test_an_invited_person_joins_and_signs_in_with_a_code(
    services: Services, make: Make, server: str, visit: Visit
) -> None:
    account = await make.account()
    async with services.db.shared() as tx:
        link = await sign_up.sign_in_link(tx, account.owner_id, public_url=server)
    owner = await visit(scripts=False)
    await owner.goto(link)
    await owner.get_by_role("button", name="Se connecter").click()
    await owner.goto(f"{server}{account.app}/team")
    await owner.get_by_role("link", name="Inviter").click()
    email = f"zoe.{secrets.token_hex(4)}@nouveau.test"
    await owner.get_by_label("Adresse e-mail").fill(email)
    await owner.get_by_role("radio", name="Rédaction").check()
    await owner.get_by_role("button", name="Inviter").click()
    await owner.wait_for_url(f"{server}{account.app}/team")
    assert await owner.get_by_role("rowheader", name=email).count() == 1
    await assert_fits(owner)
    assert_quiet(owner)
    await picture(owner, "team-fr")
    async with services.db.shared() as tx:
        details = await tx.value("SELECT details FROM outbox WHERE recipient = $1", email)
    page = await visit(scripts=False)
    await page.goto(server + "/app/" + details["link"].partition("/app/")[2])
    await picture(page, "invitation-fr")
    await page.get_by_label("Mot de passe", exact=True).fill(PASSWORD)
    await page.locator("#adult_business").check()
    await page.get_by_role("button", name="Accepter l’invitation").click()
    await page.wait_for_url(f"{server}{account.app}")
    await page.goto(f"{server}/app/me")
    await page.get_by_role("link", name="Activer la double authentification").click()
    await page.get_by_role("button", name="Commencer").click()
    assert await page.get_by_role("img", name=re.compile("Code QR")).count() == 1
    await assert_fits(page)
    await picture(page, "second-factor-fr")
    secret = base64.b32decode((await page.locator("main code").inner_text()).replace(" ", ""))
    await page.get_by_label("Code de votre application").fill(code_of(secret))
    await page.get_by_role("button", name="L’activer").click()
    codes = (await page.locator("#codes").inner_text()).split()
    assert len(codes) == 10
    await page.get_by_role("link", name="Je les ai rangés").click()
    # by the app, with the code of the next half minute: the one of now was used
    for field, given in (
        ("Code de votre application", lambda: code_of(secret, 1)),
        ("Code de secours", lambda: codes[0]),
    ):
        await page.context.clear_cookies()
        await page.goto(f"{server}/app/sign-in")
        await page.get_by_label("Adresse e-mail").fill(email)
        await page.get_by_label("Mot de passe", exact=True).fill(PASSWORD)
        await page.get_by_role("button", name="Se connecter").click()
        await page.wait_for_url(re.compile("/app/sign-in/code"))
        if field == "Code de secours":
            await page.get_by_role("link", name="utiliser un code de secours").click()
        await page.get_by_label(field).fill(given())
        await picture(page, "sign-in-code-fr")
        await page.get_by_role("button", name="Se connecter").click()
        await page.wait_for_url(f"{server}{account.app}")
        assert_quiet(page)
