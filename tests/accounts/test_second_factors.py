"""The second factor over HTTP: set up, sign in with a code, recover, and where it is required."""

import asyncio
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from aiohttp import web

from mailer.accounts import audit, commands, passwords, second_factors, totp, users
from mailer.app import make_app, started
from mailer.core import clock
from mailer.core.errors import Invalid
from mailer.core.services import Services
from mailer.core.settings import Settings
from tests.client import Client
from tests.make import Make

PASSWORD = "une péniche 7 bleue"
WRONG = "not right, or was used before"


def later(**passed: float) -> None:
    clock.shift(clock.offset() + timedelta(**passed))


def code_of(secret: bytes) -> str:
    """What the person's app shows now."""
    return totp.code(secret, totp.step_of(clock.now().timestamp()))


def secret_in(page: str) -> bytes:
    import base64

    found = re.search(r"<code>([A-Z2-7 ]+)</code>", page)
    assert found is not None
    return base64.b32decode(found[1].replace(" ", ""))


async def person(services: Services, make: Make) -> tuple[Client, int, str]:
    account = await make.account()
    hashed = await passwords.hash_new(PASSWORD)
    async with services.db.shared() as tx:
        await users.set_password(tx, await users.by_id(tx, account.owner_id), hashed)
    return await make.signed_in(account.owner_id), account.owner_id, account.owner_email


async def set_up(client: Client) -> tuple[bytes, list[str]]:
    """Through the pages: the secret that the app holds, and the recovery codes."""
    assert (await client.post("/app/me/second-factor/starts")).status == 303
    secret = secret_in((await client.get("/app/me/second-factor")).text)
    shown = await client.post("/app/me/second-factor", {"code": code_of(secret)})
    assert shown.status == 200, shown.text
    codes = re.search(r'<pre id="codes"[^>]*>([^<]+)</pre>', shown.text)
    assert codes is not None
    return secret, codes[1].split()


async def half_in(visitor: Client, email: str) -> Client:
    """After the password: a browser that holds the cookie of the step between."""
    visitor.cookie = ""
    visitor.headers.pop("Cookie", None)
    async with visitor.http.post(
        visitor.base + "/app/sign-in",
        data={"email": email, "password": PASSWORD, "next": "/app/me"},
        headers={"Origin": visitor.base},
        allow_redirects=False,
    ) as answer:
        assert answer.status == 303
        assert answer.headers["Location"] == "/app/sign-in/code?next=%2Fapp%2Fme"
        cookies = answer.headers.getall("Set-Cookie")
    assert not [cookie for cookie in cookies if cookie.startswith("__Host-session=")]
    (step,) = [cookie for cookie in cookies if cookie.startswith("__Host-step=")]
    assert "HttpOnly" in step
    visitor.headers["Cookie"] = step.partition(";")[0]
    return visitor


async def give(visitor: Client, **form: str) -> Any:
    visitor.cookie = ""
    return await visitor.post("/app/sign-in/code", {"next": "/app/me", **form})


@asynccontextmanager
async def mailing_outside(services: Services, settings: Settings) -> AsyncIterator[str]:
    """The same product as one that hands its mail to an SMTP server; its address."""
    changed = settings.model_copy(update={"smtp_url": "smtp://127.0.0.1:9", "inbox": ""})
    runner = await started(
        make_app(changed, services=replace(services, settings=changed)), changed, shutdown_timeout=1
    )
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    host, port = runner.addresses[0]
    try:
        yield f"http://{host}:{port}"
    finally:
        await runner.cleanup()


@pytest.mark.req("E-32")
@pytest.mark.parametrize(
    ("seconds", "expected"),
    [(59, "287082"), (1111111109, "081804"), (1234567890, "005924"), (20000000000, "353130")],
)
def test_codes_are_those_of_the_standard(seconds: int, expected: str) -> None:
    """RFC 6238, appendix B, the last six of its eight digits."""
    assert totp.code(b"12345678901234567890", totp.step_of(seconds)) == expected


@pytest.mark.req("E-32")
def test_a_code_may_come_one_step_early_or_late_and_only_once() -> None:
    secret = totp.new_secret()
    here = totp.step_of(9_000)
    for apart, found in ((-2, None), (-1, here - 1), (0, here), (1, here + 1), (2, None)):
        assert totp.matching_step(secret, totp.code(secret, here + apart), now=9_000, after=0) == found
    assert totp.matching_step(secret, totp.code(secret, here), now=9_000, after=here) is None


@pytest.mark.req("E-32", "E-37")
async def test_signing_in_takes_the_password_and_then_a_code(
    services: Services, make: Make, visitor: Client, mails: Callable[..., Any]
) -> None:
    client, user_id, email = await person(services, make)
    secret, codes = await set_up(client)
    assert len(codes) == len(set(codes)) == 10
    async with services.db.shared() as tx:
        (stored,) = await tx.rows(
            """
            SELECT f.sealed, (SELECT array_agg(code_hash) FROM recovery_codes WHERE user_id = $1)
            FROM second_factors f WHERE user_id = $1
            """,
            user_id,
        )
    assert secret not in stored[0]
    assert all(code.encode() not in b"".join(stored[1]) for code in codes)
    assert [kind for kind, _ in await mails(email)] == ["second_factor"]
    await half_in(visitor, email)
    page = await visitor.get("/app/sign-in/code?next=%2Fapp%2Fme")
    assert 'autocomplete="one-time-code"' in page.text
    # the code that turned it on counts no more
    assert WRONG in (await give(visitor, code=code_of(secret))).text
    assert WRONG in (await give(visitor, code="000000")).text
    later(seconds=30)
    there = await give(visitor, code=f" {code_of(secret)[:3]} {code_of(secret)[3:]} ")
    assert (there.status, there.location) == (303, "/app/me")
    visitor.headers.pop("Cookie")
    shown = (await visitor.get("/app/me")).text
    assert "Signed in with a code" in shown
    assert "Wrong code" in shown
    assert "127." in shown
    assert "•••" in shown


@pytest.mark.req("E-32")
async def test_two_presses_with_one_code_open_one_session(
    services: Services, make: Make, visitor: Client
) -> None:
    client, user_id, email = await person(services, make)
    secret, _ = await set_up(client)
    later(seconds=30)
    await half_in(visitor, email)
    code = code_of(secret)
    answers = await asyncio.gather(*(give(visitor, code=code) for _ in range(4)))
    assert sorted(answer.location for answer in answers if answer.location == "/app/me") == ["/app/me"]
    async with services.db.shared() as tx:
        strong = await tx.value(
            "SELECT count(*) FROM sessions WHERE user_id = $1 AND second_factor_at IS NOT NULL", user_id
        )
    # that of the profile, which turned it on, and the new one
    assert strong == 2


@pytest.mark.req("B-11", "E-32")
async def test_a_mailed_link_does_not_stand_for_the_code(
    services: Services, make: Make, visitor: Client, mails: Callable[..., Any]
) -> None:
    client, _, email = await person(services, make)
    await set_up(client)
    await visitor.post("/app/reset", {"email": email})
    link = "/app/reset/" + (await mails(email))[-1][1]["link"].rpartition("/")[2]
    answer = await visitor.post(link, {"password": "une autre péniche 8"})
    assert answer.location.startswith("/app/sign-in/code")
    assert visitor.cookie == ""


@pytest.mark.req("E-32", "B-02")
async def test_codes_are_slowed_down_and_a_right_password_does_not_help(
    services: Services, make: Make, visitor: Client
) -> None:
    client, _, email = await person(services, make)
    secret, _ = await set_up(client)
    later(seconds=30)
    for _ in range(5):
        await half_in(visitor, email)
        assert (await give(visitor, code="000000")).status == 422
    refused = await give(visitor, code=code_of(secret))
    assert refused.status == 429
    assert int(refused.headers["Retry-After"]) > 0
    later(seconds=62)
    assert (await give(visitor, code=code_of(secret))).status == 303


@pytest.mark.req("E-32")
async def test_a_step_lasts_ten_minutes_and_no_longer_than_the_password(
    services: Services, make: Make, visitor: Client
) -> None:
    client, user_id, email = await person(services, make)
    secret, _ = await set_up(client)
    await half_in(visitor, email)
    later(minutes=11)
    assert (await give(visitor, code=code_of(secret))).location == "/app/sign-in"
    await half_in(visitor, email)
    async with services.db.shared() as tx:
        user = await users.by_id(tx, user_id)
        await users.set_password(tx, user, user.password_hash or "")
    assert (await give(visitor, code=code_of(secret))).location == "/app/sign-in"


@pytest.mark.req("E-32")
async def test_a_recovery_code_works_once_and_new_ones_end_the_old(
    services: Services, make: Make, visitor: Client, mails: Callable[..., Any]
) -> None:
    client, user_id, email = await person(services, make)
    _, codes = await set_up(client)
    await half_in(visitor, email)
    assert (await give(visitor, recovery_code=codes[0].upper().replace("-", " "))).status == 303
    kind, details = (await mails(email))[-1]
    assert (kind, details["what"], details["left"]) == ("second_factor", "recovery", 9)
    visitor.headers.clear()
    await half_in(visitor, email)
    assert (await give(visitor, recovery_code=codes[0])).status == 422
    shown = await client.post("/app/me/second-factor/recovery-codes")
    assert shown.status == 200
    assert codes[1] not in shown.text
    assert (await give(visitor, recovery_code=codes[1])).status == 422
    async with services.db.shared() as tx:
        assert (await second_factors.show(tx, user_id)).left == 10


@pytest.mark.req("E-30", "E-32")
async def test_turning_it_on_ends_other_sessions_and_off_needs_a_fresh_word(
    services: Services, make: Make
) -> None:
    client, user_id, _ = await person(services, make)
    other = await make.signed_in(user_id)
    secret, _ = await set_up(client)
    assert (await other.get("/app/me")).status == 303
    later(minutes=11)
    refused = await client.get("/app/me/second-factor/removal")
    assert (refused.status, "/app/me/confirmations" in refused.text) == (403, True)
    # a code does as well as the password
    assert (await client.post("/app/me/confirmations", {"code": "000000", "next": ""})).status == 422
    there = await client.post("/app/me/confirmations", {"code": code_of(secret), "next": "/app/me"})
    assert there.location == "/app/me"
    assert (await client.post("/app/me/second-factor/removal")).status == 303
    async with services.db.shared() as tx:
        assert not await second_factors.is_on(tx, user_id)
        assert await tx.value("SELECT count(*) FROM recovery_codes WHERE user_id = $1", user_id) == 0


@pytest.mark.req("E-32")
async def test_another_phone_takes_over_only_with_its_first_code(services: Services, make: Make) -> None:
    client, user_id, _ = await person(services, make)
    secret, _ = await set_up(client)
    await client.post("/app/me/second-factor/starts")
    new = secret_in((await client.get("/app/me/second-factor")).text)
    assert new != secret
    later(seconds=60)
    async with services.db.shared() as tx:
        assert not await second_factors.check(tx, services.sealer, user_id, code_of(new))
        assert await second_factors.check(tx, services.sealer, user_id, code_of(secret))
    assert (await client.post("/app/me/second-factor", {"code": code_of(new)})).status == 200
    later(seconds=60)
    async with services.db.shared() as tx:
        assert not await second_factors.check(tx, services.sealer, user_id, code_of(secret))
        assert await second_factors.check(tx, services.sealer, user_id, code_of(new))


@pytest.mark.req("E-32")
async def test_an_account_may_ask_it_of_everybody(services: Services, make: Make) -> None:
    account = await make.account()
    editor_id, _ = await make.user(account.id, "editor")
    editor = await make.signed_in(editor_id)
    async with services.db.shared() as tx:
        await tx.run("UPDATE accounts SET second_factor_required = true WHERE id = $1", account.id)
    sent = await editor.get(f"{account.app}/contacts")
    assert sent.location == f"/app/me/second-factor?next=%2Fapp%2F{account.id}%2Fcontacts"
    assert (await editor.get("/app/me")).status == 200
    program = await make.program(account.id)
    assert (await program.get("/api/v1/account")).status == 200
    await set_up(editor)
    assert (await editor.get(f"{account.app}/contacts")).status == 200
    assert (await editor.post("/app/me/second-factor/removal")).status == 403


@pytest.mark.req("E-32")
async def test_an_operator_gives_a_code_before_anything_else(
    services: Services, settings: Settings, make: Make
) -> None:
    """On a machine that mails to the outside; on a development machine they are not asked."""
    account = await make.account()
    client = await make.signed_in(account.owner_id)
    async with services.db.shared() as tx:
        await tx.run("UPDATE users SET is_operator = true WHERE id = $1", account.owner_id)
    assert (await client.get("/app/operator/restore")).status == 200
    async with mailing_outside(services, settings) as client.base:
        for path in ("/app/operator/restore", f"{account.app}/contacts"):
            assert (await client.get(path)).location.startswith("/app/me/second-factor?next=")
        await set_up(client)
        assert (await client.get("/app/operator/restore")).status == 200
        assert (await client.post("/app/me/second-factor/removal")).status == 403


@pytest.mark.req("E-32")
async def test_owners_are_asked_once_before_their_first_send_to_the_outside(
    services: Services, settings: Settings, make: Make
) -> None:
    account = await make.account()
    owner = await make.signed_in(account.owner_id)
    editor_id, _ = await make.user(account.id, "editor", can_send=True)
    editor = await make.signed_in(editor_id)
    async with services.db.account(account.id) as tx:
        number = await tx.value("INSERT INTO campaigns (account_id, name) VALUES ($1, 'Un') RETURNING id")
    review = f"{account.app}/campaigns/{number}/review"
    # the local inbox catches everything: nothing to ask
    assert (await owner.get(review)).status == 200
    reminder = "your password alone opens this account"
    assert reminder not in (await owner.get(account.app)).text
    async with mailing_outside(services, settings) as base:
        owner.base = editor.base = base
        assert (await editor.get(review)).status == 200
        asked = await owner.get(review)
        assert asked.location.startswith("/app/me/second-factor/question?next=")
        assert "Protect your account" in (await owner.get(asked.location)).text
        assert (await owner.post("/app/me/second-factor/question", {"next": review})).location == review
        assert (await owner.get(review)).status == 200
        # put off, not done: home goes on reminding them, and nobody else
        assert reminder in (await owner.get(account.app)).text
        assert reminder not in (await editor.get(account.app)).text
        await set_up(owner)
        assert reminder not in (await owner.get(account.app)).text


@pytest.mark.req("E-32", "B-60")
async def test_the_operator_resets_it_on_the_command_line(
    services: Services, make: Make, mails: Callable[..., Any]
) -> None:
    client, user_id, email = await person(services, make)
    await set_up(client)
    async with services.db.shared() as tx:
        account_id = await tx.value("SELECT account_id FROM memberships WHERE user_id = $1", user_id)
    assert await commands.reset_second_factor(services, email.upper()) == {"id": user_id, "accounts": 1}
    assert (await client.get("/app/me")).status == 303
    assert (await mails(email))[-1][1]["what"] == "reset"
    async with services.db.account(account_id) as account_tx:
        (line,) = await audit.latest(account_tx)
    assert (line.actor, line.action, line.object_id) == ("operator", "reset", user_id)
    with pytest.raises(Invalid):
        await commands.reset_second_factor(services, email)


@pytest.mark.req("B-13")
async def test_a_sign_in_from_an_unknown_device_is_told(
    services: Services, make: Make, visitor: Client, mails: Callable[..., Any]
) -> None:
    _, _, email = await person(services, make)
    firefox = {"User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"}
    form = {"email": email, "password": PASSWORD, "next": ""}
    device = ""
    for known, told in ((False, 0), (False, 1), (True, 1)):
        headers = {"Origin": visitor.base, **firefox, **({"Cookie": device} if known else {})}
        async with visitor.http.post(
            visitor.base + "/app/sign-in", data=form, headers=headers, allow_redirects=False
        ) as answer:
            assert answer.status == 303
            device = next(
                cookie.partition(";")[0]
                for cookie in answer.headers.getall("Set-Cookie")
                if cookie.startswith("__Host-device")
            )
        new = [details for kind, details in await mails(email) if kind == "new_device"]
        assert len(new) == told
    assert new[0]["program"] == "Firefox, Linux"
    assert new[0]["place"].endswith(".•••")
