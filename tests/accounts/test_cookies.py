"""The page of cookies names those that the product sets, and no others exist (A-029, A-033)."""

import ast
import re
from pathlib import Path

import pytest

from mailer.accounts import cookies, pages_entry, passwords, sessions, users
from mailer.core.services import Services
from tests.client import Client
from tests.make import Make
from tests.statements import ROOT, files

PASSWORD = "une péniche 7 bleue"
KNOWN = {cookie.name for cookie in cookies.REGISTER}


def _calls() -> list[tuple[Path, ast.Call]]:
    return [
        (path, node)
        for path in files()
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and ast.unparse(node.func).split(".")[-1] in ("set_cookie", "_cookie")
    ]


@pytest.mark.req("A-033")
def test_every_cookie_of_the_source_is_in_the_register() -> None:
    set_where = [path for path, node in _calls() if ast.unparse(node.func).endswith(".set_cookie")]
    assert [str(path.relative_to(ROOT)) for path in set_where] == ["mailer/accounts/pages_entry.py"]
    named = {ast.unparse(node.args[1]) for _, node in _calls() if ast.unparse(node.func) == "set_cookie"}
    assert named == {"sessions.COOKIE", "DEVICE_COOKIE", "STEP_COOKIE"}
    for path in files():
        assert "Set-Cookie" not in path.read_text(), path


@pytest.mark.req("A-029")
def test_scripts_write_nothing_into_the_browser() -> None:
    scripts = [path for path in (ROOT / "mailer/web/assets").glob("*.js") if path.name != "htmx.js"]
    assert len(scripts) > 5
    for path in scripts:
        assert not re.search(r"localStorage|sessionStorage|document\.cookie|indexedDB", path.read_text()), (
            path
        )


@pytest.mark.req("A-029", "A-033")
async def test_signing_in_sets_these_cookies_and_pages_set_none(
    services: Services, make: Make, visitor: Client
) -> None:
    account = await make.account()
    async with services.db.shared() as tx:
        user = await users.by_id(tx, account.owner_id)
        await users.set_password(tx, user, await passwords.hash_new(PASSWORD))
    seen: set[str] = set()
    for path in ("/app/sign-in", "/app/sign-up", "/legal/cookies", "/legal/privacy", "/healthz"):
        assert "Set-Cookie" not in (await visitor.get(path)).headers, path
    async with visitor.http.post(
        visitor.base + "/app/sign-in",
        data={"email": account.owner_email, "password": PASSWORD},
        headers={"Origin": visitor.base},
        allow_redirects=False,
    ) as answer:
        assert answer.status == 303
        for line in answer.headers.getall("Set-Cookie"):
            seen.add(line.split("=")[0])
            assert {"HttpOnly", "Secure", "Path=/", "SameSite=Lax"} <= set(line.split("; "))
    # whoever has a second factor gets one more, between password and code
    assert seen == KNOWN - {pages_entry.STEP_COOKIE}
    signed_in = await make.signed_in(account.owner_id)
    for path in (account.app, f"{account.app}/privacy/agreements", "/app/me"):
        assert "Set-Cookie" not in (await signed_in.get(path)).headers, path


@pytest.mark.req("A-033")
@pytest.mark.parametrize("language", ["fr", "en"])
async def test_the_page_names_each_with_its_purpose_and_lifetime(client: Client, language: str) -> None:
    page = (await client.get(f"/legal/cookies?lang={language}")).text
    assert set(re.findall(r"<code>(\S+)</code>", page)) == KNOWN
    assert {"fr": "180 jours", "en": "180 days"}[language] in page
    assert sessions.COOKIE in page
