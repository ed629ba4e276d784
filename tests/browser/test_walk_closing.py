"""Walk W5 of ui.md 5: an owner closes the account, comes back, and then does not (A-005, A-054, A-092, A-093)."""

import argparse
import io
import json
import re
import zipfile
from pathlib import Path

import pytest
from playwright.async_api import Page

from lists import subscriptions
from mailer import certificate_command, worker
from mailer.accounts import account_life, accounts, passwords
from mailer.core import clock, jobs, work
from mailer.core.services import Services
from mailer.core.tokens import Purpose, RecipientToken
from retention_jobs import account_certificate, closed_accounts
from tests.browser.conftest import Visit
from tests.browser.test_campaigns_in_browser import enter
from tests.browser.test_walk_first_campaign import Variant
from tests.browser.walker import Walk
from tests.exporting import exporter
from tests.make import Account, Make

pytestmark = pytest.mark.browser
MOST_PRESSES = 8
PASSWORD = "une péniche 7 bleue"
VARIANTS = [
    Variant("fr", "light", 1280, scripts=False),
    pytest.param(Variant("fr", "dark", 320), marks=pytest.mark.long),
    pytest.param(Variant("en", "dark", 320), marks=pytest.mark.long),
]
WORDS = {
    "fr": {
        "settings": "Réglages",
        "account": "Compte",
        "close": "Fermer le compte",
        "password": "Mot de passe",
        "go_on": "Continuer",
        "today": "S’arrêtent aujourd’hui",
        "never": "Ne revient jamais",
        "export": "Tout exporter",
        "download": "Télécharger",
        "typed": "Pour confirmer, écrivez le nom du compte",
        "closed": "Ce compte est fermé",
        "banner": "Tout son contenu est effacé le",
        "back": "Réactiver le compte",
        "off": "Rien n’est envoyé avant qu’un propriétaire le confirme",
        "confirm": "Confirmer et permettre les envois",
        "leave": "Me désabonner",
        "email": "Adresse e-mail",
        "sign_in": "Se connecter",
        "erased": "Ce compte a été effacé le",
        "good": "La signature est bonne",
    },
    "en": {
        "settings": "Settings",
        "account": "Account",
        "close": "Close the account",
        "password": "Password",
        "go_on": "Go on",
        "today": "Stop today",
        "never": "Never comes back",
        "export": "Export everything",
        "download": "Download",
        "typed": "To confirm, write the name of the account",
        "closed": "This account is closed",
        "banner": "Everything in it is erased on",
        "back": "Reactivate the account",
        "off": "Nothing is sent before an owner confirms it",
        "confirm": "Confirm and allow sending",
        "leave": "Unsubscribe",
        "email": "E-mail address",
        "sign_in": "Sign in",
        "erased": "This account was erased on",
        "good": "The signature is good",
    },
}


async def scene(services: Services, make: Make, account: Account) -> tuple[str, str]:
    """A campaign under way and a reader of it; the account's name and the link of an old mail."""
    stored = await passwords.hash_new(PASSWORD)
    async with services.db.shared() as tx:
        await tx.run("UPDATE users SET password_hash = $2 WHERE id = $1", account.owner_id, stored)
    async with services.db.account(account.id) as tx:
        list_id = await make.mailing_list(tx)
        contact_id = await make.contact(tx, list_id=list_id)
        hashed = await tx.value("SELECT address_hash FROM contacts WHERE account_id = $1")
        await tx.run("INSERT INTO campaigns (account_id, name, status) VALUES ($1, 'Mai', 'sending')")
        name = (await accounts.show(tx)).name
    who = RecipientToken(account.id, list_id, contact_id, hashed)
    return name, f"/t/unsubscribe/{services.tokens.recipient(Purpose.UNSUBSCRIBE, who)}"


async def _password_long_ago(services: Services, account: Account) -> None:
    async with services.db.shared() as tx:
        await tx.run(
            "UPDATE sessions SET confirmed_at = now() - interval '1 hour' WHERE user_id = $1",
            account.owner_id,
        )


async def _stop(services: Services, account: Account) -> str:
    """The worker's part of closing; what the campaign is then."""
    due = await work.due(services.db, 10_000)
    [task] = [one for one in due if (one.account_id, one.job) == (account.id, "sending.stop_account")]
    await jobs.run_turn(services, worker.JOBS, task)
    async with services.db.account(account.id) as tx:
        status: str = await tx.value("SELECT status FROM campaigns WHERE account_id = $1")
    return status


async def _left(page: Page, link: str, say: dict[str, str], services: Services, account: Account) -> None:
    """W4.1: a reader leaves by an old mail, while the account is closed."""
    await page.goto(link)
    await page.get_by_role("button", name=say["leave"]).first.click()
    await page.wait_for_load_state()
    async with services.db.account(account.id) as tx:
        status = await tx.value("SELECT status FROM subscriptions WHERE account_id = $1")
    assert status == "unsubscribed"


async def _close(walk: Walk, say: dict[str, str], name: str) -> None:
    await walk.write(say["typed"], name)
    await walk.go(walk.button(say["close"]), r"/settings/account")
    await walk.says(say["closed"])


async def _exported(walk: Walk, say: dict[str, str], services: Services, account: Account) -> bytes:
    """Everything, from the page itself: asked for, written by a worker, downloaded."""
    await walk.press(walk.button(say["export"]))
    await walk.page.wait_for_load_state()
    async with services.db.account(account.id) as tx:
        export_id = await tx.value("SELECT max(id) FROM exports WHERE account_id = $1")
    await exporter.turns(services, account.id, export_id)
    await walk.page.reload()
    async with walk.page.expect_download() as downloading:
        await walk.press(walk.link(say["download"]))
    return Path(await (await downloading.value).path()).read_bytes()


@pytest.mark.req("A-005", "A-013", "A-054", "A-092", "A-093", "A-104", "F-01")
@pytest.mark.parametrize("variant", VARIANTS, ids=str)
async def test_an_owner_closes_the_account_comes_back_and_closes_it_for_good(
    services: Services, make: Make, server: str, visit: Visit, tmp_path: Path, variant: Variant
) -> None:
    say = WORDS[variant.language]
    account = await make.account(language=variant.language)
    _, colleague = await make.user(account.id, "editor")
    name, link = await scene(services, make, account)
    look = {"language": variant.language, "theme": variant.theme, "width": variant.width}
    page = await visit(**look, scripts=variant.scripts)  # type: ignore[arg-type]
    mirror = None if variant.scripts else await visit(**look)  # type: ignore[arg-type]
    walk = Walk(page, f"w5-{variant}", mirror)
    await enter(services, page, server, account.owner_id, language=variant.language, theme=variant.theme)
    await _password_long_ago(services, account)
    await page.goto(server + account.app)
    if variant.width < 1000:
        await page.locator(".sidebar-menu summary").press("Enter")

    # 1: what stops today, what stays until when, what never comes back
    await walk.go(walk.link(say["settings"]), r"/settings/account")
    await walk.go(walk.link(say["close"]), r"/app/me/confirmations")
    await walk.write(say["password"], PASSWORD)
    await walk.go(walk.button(say["go_on"]), r"/settings/account/closing")
    await walk.shows(say["today"])
    await walk.shows(say["never"])
    await walk.stop("close")

    # 2: everything, then closed; links of old mails go on; the team is told
    archive = zipfile.ZipFile(io.BytesIO(await _exported(walk, say, services, account)))
    assert archive.testzip() is None
    assert "account.ndjson" in {Path(one).name for one in archive.namelist()}
    await _close(walk, say, name)
    await walk.says(say["banner"])
    await walk.stop("closed")
    assert await _stop(services, account) == "paused"
    await _left(await visit(**look, scripts=variant.scripts), server + link, say, services, account)  # type: ignore[arg-type]
    async with services.db.shared() as tx:
        told = await tx.rows(
            "SELECT recipient FROM outbox WHERE kind = 'account_closed' AND recipient = ANY ($1)",
            [account.owner_email, colleague],
        )
    assert len(told) == 2

    # 3: all is back; sending stays off until it is confirmed
    await walk.press(walk.button(say["back"]))
    await walk.says(say["off"])
    await walk.stop("back")
    assert walk.presses <= MOST_PRESSES
    async with services.db.account(account.id) as tx:
        assert (await accounts.show(tx)).status == "pending"
        assert await tx.value("SELECT status FROM campaigns WHERE account_id = $1") == "paused"
        assert await subscriptions.of_contact(
            tx, await tx.value("SELECT id FROM contacts WHERE account_id = $1")
        )
    await walk.press(walk.button(say["confirm"]))
    await page.wait_for_load_state()
    async with services.db.account(account.id) as tx:
        assert (await accounts.show(tx)).status == "active"

    # without it: three months later
    await page.goto(f"{server}{account.app}/settings/account/closing")
    await _close(walk, say, name)
    end = account_life.erased_when_closed(clock.now())
    await closed_accounts.erase(services.db, account.id, end, at_end=account_certificate.issuer(services))
    await page.goto(f"{server}/app/sign-in")
    await walk.write(say["email"], account.owner_email)
    await page.get_by_label(say["password"], exact=True).fill(PASSWORD)
    await walk.press(walk.button(say["sign_in"]))
    await walk.says(say["erased"])
    await walk.stop("erased")
    await _assert_certified(services, account, page, server, tmp_path)
    await walk.shows(say["good"])
    await walk.stop("certificate")


async def _assert_certified(
    services: Services, account: Account, page: Page, server: str, folder: Path
) -> None:
    """The mail to the owner holds the certificate, and the command says that it is good."""
    async with services.db.shared() as tx:
        details = await tx.value(
            "SELECT details FROM outbox WHERE kind = 'account_erased' AND recipient = $1", account.owner_email
        )
    (folder / "certificate.json").write_text(details["certificate"])
    args = argparse.Namespace(file=str(folder / "certificate.json"), public_key=None, json=True)
    assert await certificate_command.run(services.settings, args) == 0
    assert json.loads(json.loads(details["certificate"])["record"])["account"] == account.id
    await page.goto(server + re.sub(r"^https?://[^/]+", "", details["link"]))
