"""The door over HTTP: sign in, throttle, sessions, one-time links."""

import re
from datetime import timedelta

import pytest

from mailer.accounts import one_time_links, passwords, sessions, sign_up, users
from mailer.accounts.sign_ins import wait_seconds
from mailer.core import clock
from mailer.core.services import Services
from tests.client import Answer, Client
from tests.make import Make

PASSWORD = "une péniche 7 bleue"


async def person(services: Services, make: Make, password: str = PASSWORD) -> tuple[int, str]:
    account = await make.account()
    hashed = await passwords.hash_new(password)
    async with services.db.shared() as tx:
        user = await users.by_id(tx, account.owner_id)
        await users.set_password(tx, user, hashed)
    return account.owner_id, account.owner_email


def later(**passed: float) -> None:
    clock.shift(clock.offset() + timedelta(**passed))


async def try_in(client: Client, email: str, password: str, **more: object) -> Answer:
    client.cookie = ""
    return await client.post("/app/sign-in", {"email": email, "password": password, "next": ""}, **more)


@pytest.mark.req("E-07", "E-30", "B-63")
async def test_signing_in_gives_a_new_host_cookie(services: Services, make: Make, visitor: Client) -> None:
    _, email = await person(services, make)
    visitor.cookie = "fixed-by-an-attacker"
    answer = await visitor.post(
        "/app/sign-in", {"email": f" {email.upper()} ", "password": PASSWORD, "next": ""}
    )
    assert (answer.status, answer.location) == (303, "/app/accounts")
    assert len(visitor.cookie) >= 40
    async with visitor.http.post(
        visitor.base + "/app/sign-in",
        data={"email": email, "password": PASSWORD, "next": "https://evil.test/"},
        headers={"Origin": visitor.base},
        allow_redirects=False,
    ) as raw:
        assert raw.headers["Location"] == "/app/accounts"
        for cookie in raw.headers.getall("Set-Cookie"):
            assert cookie.startswith("__Host-")
            for flag in ("Secure", "HttpOnly", "SameSite=Lax", "Path=/"):
                assert flag in cookie
            assert "Domain" not in cookie
    home = await visitor.get("/app/accounts")
    assert home.status == 303
    assert re.fullmatch(r"/app/\d+", home.location)


@pytest.mark.req("B-10", "E-40")
async def test_unknown_address_and_wrong_password_get_the_same_answer(
    services: Services, make: Make, visitor: Client
) -> None:
    _, email = await person(services, make)
    wrong = await try_in(visitor, email, "wrong 1 password")
    unknown = await try_in(visitor, "nobody@nowhere.test", "wrong 1 password")
    assert wrong.status == unknown.status == 422
    without_ids = [
        re.sub(r'value="[^"]*"', "", answer.text.replace(email, "X").replace("nobody@nowhere.test", "X"))
        for answer in (wrong, unknown)
    ]
    assert without_ids[0] == without_ids[1]
    assert "Wrong address or password" in wrong.text


@pytest.mark.req("B-02", "B-04")
async def test_sixth_try_within_a_minute_is_refused_even_with_the_right_password(
    services: Services, make: Make, visitor: Client
) -> None:
    _, email = await person(services, make)
    for _ in range(5):
        assert (await try_in(visitor, email, "wrong 1 password")).status == 422
    refused = await try_in(visitor, email, PASSWORD)
    assert refused.status == 429
    assert 1 <= int(refused.headers["Retry-After"]) <= 61
    assert "Try again in 1 min" in refused.text
    later(seconds=62)
    assert (await try_in(visitor, email, PASSWORD)).status == 303


@pytest.mark.req("B-02", "B-10")
async def test_unknown_addresses_are_slowed_down_alike(visitor: Client) -> None:
    for n in range(6):
        answer = await try_in(visitor, "nobody.at.all@nowhere.test", "wrong 1 password")
        assert answer.status == (422 if n < 5 else 429)


@pytest.mark.req("B-02")
async def test_a_place_that_tries_many_addresses_is_slowed_down(
    services: Services, make: Make, visitor: Client
) -> None:
    _, email = await person(services, make)
    for n in range(5):
        assert (await try_in(visitor, f"nobody{n}@nowhere.test", "wrong 1 password")).status == 422
    assert (await try_in(visitor, email, PASSWORD)).status == 429


@pytest.mark.req("B-02")
def test_the_wait_doubles_and_the_day_has_an_end() -> None:
    assert wait_seconds(4, 4, since_latest=0, since_oldest=9) == 0
    waits = [wait_seconds(n, n, since_latest=0, since_oldest=9) for n in range(5, 9)]
    assert waits == [61, 122, 244, 488]
    assert wait_seconds(0, 25, since_latest=7200, since_oldest=80_000) == 6400
    assert wait_seconds(5, 24, since_latest=61, since_oldest=80_000) == 0


@pytest.mark.req("B-02")
async def test_twenty_sixth_failure_of_a_day_is_refused(
    services: Services, make: Make, visitor: Client
) -> None:
    user_id, email = await person(services, make)
    assert (await try_in(visitor, email, "wrong 1 password")).status == 422
    async with services.db.shared() as tx:
        await tx.run(
            """
            INSERT INTO sign_ins (user_id, at, succeeded, address_hash)
            SELECT user_id, at - make_interval(hours => n / 2), n = 3, address_hash
            FROM sign_ins, generate_series(2, 26) n
            WHERE user_id = $1 AND NOT succeeded
            """,
            user_id,
        )
    # 25 failures, a success among them: the row is broken, the day is not
    assert (await try_in(visitor, email, PASSWORD)).status == 429
    later(hours=12)
    assert (await try_in(visitor, email, PASSWORD)).status == 303


@pytest.mark.req("E-34")
async def test_strangers_failures_do_not_lock_out_the_owners_device(
    services: Services, make: Make, visitor: Client, client: Client
) -> None:
    _, email = await person(services, make)
    data = {"email": email, "password": PASSWORD, "next": ""}
    async with visitor.http.post(
        visitor.base + "/app/sign-in", data=data, headers={"Origin": visitor.base}, allow_redirects=False
    ) as first:
        device = next(c for c in first.headers.getall("Set-Cookie") if c.startswith("__Host-device="))
    for _ in range(5):
        await try_in(visitor, email, "wrong 1 password")
    assert (await try_in(visitor, email, PASSWORD)).status == 429
    headers = {"Origin": visitor.base, "Cookie": device.split(";")[0]}
    async with visitor.http.post(
        visitor.base + "/app/sign-in", data=data, headers=headers, allow_redirects=False
    ) as again:
        assert again.status == 303


@pytest.mark.req("E-36")
async def test_an_older_hash_is_renewed_at_sign_in(services: Services, make: Make, visitor: Client) -> None:
    from argon2 import PasswordHasher

    user_id, email = await person(services, make)
    weak = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1).hash(PASSWORD)
    async with services.db.shared() as tx:
        await tx.run("UPDATE users SET password_hash = $2 WHERE id = $1", user_id, weak)
    assert (await try_in(visitor, email, PASSWORD)).status == 303
    async with services.db.shared() as tx:
        stored = await tx.value("SELECT password_hash FROM users WHERE id = $1", user_id)
    assert stored.startswith("$argon2id$v=19$m=65536,t=3,p=4$")


@pytest.mark.req("E-30")
async def test_sessions_end_after_thirty_idle_minutes_and_eight_hours(services: Services, make: Make) -> None:
    account = await make.account()
    one = await make.signed_in(account.owner_id)
    later(minutes=29)
    assert (await one.get(account.app)).status == 200
    later(minutes=31)
    assert (await one.get(account.app)).status == 303
    two = await make.signed_in(account.owner_id)
    for _ in range(19):
        later(minutes=25)
        assert (await two.get(account.app)).status == 200
    later(minutes=6)
    assert (await two.get(account.app)).status == 303


@pytest.mark.req("E-30")
async def test_an_operators_session_is_shorter(services: Services, make: Make) -> None:
    account = await make.account()
    async with services.db.shared() as tx:
        await users.make_operator(tx, account.owner_id)
    operator = await make.signed_in(account.owner_id)
    later(minutes=14)
    assert (await operator.get(account.app)).status == 200
    later(minutes=16)
    assert (await operator.get(account.app)).status == 303


@pytest.mark.req("E-30")
async def test_signing_out_ends_the_session_on_the_server(services: Services, make: Make) -> None:
    account = await make.account()
    one = await make.signed_in(account.owner_id)
    cookie = one.cookie
    answer = await one.post("/app/sign-out")
    assert answer.location == "/app/sign-in"
    async with services.db.shared() as tx:
        assert await sessions.find(tx, cookie) is None


@pytest.mark.req("E-08")
async def test_a_form_of_another_site_does_not_sign_anybody_in_or_out(
    services: Services, make: Make, visitor: Client
) -> None:
    _, email = await person(services, make)
    foreign = {"Origin": "https://evil.test"}
    assert (await try_in(visitor, email, PASSWORD, headers=foreign)).status == 403
    account = await make.account()
    one = await make.signed_in(account.owner_id)
    assert (await one.post("/app/sign-out", headers=foreign)).status == 403
    one.csrf = "00"
    assert (await one.post("/app/sign-out")).status == 403
    assert (await one.get(account.app)).status == 200


@pytest.mark.req("B-08")
async def test_a_password_given_by_somebody_else_must_be_changed_first(
    services: Services, make: Make, visitor: Client
) -> None:
    user_id, email = await person(services, make)
    async with services.db.shared() as tx:
        await tx.run("UPDATE users SET must_change_password = true WHERE id = $1", user_id)
    assert (await try_in(visitor, email, PASSWORD)).status == 303
    for path in ("/app/accounts", "/app/me"):
        assert (await visitor.get(path)).location == "/app/me/password"
    async with services.db.shared() as tx:
        found = await sessions.find(tx, visitor.cookie)
    assert found is not None
    visitor.csrf = found.csrf.hex()
    new = {"current_password": PASSWORD, "password": "une autre péniche 8"}
    assert (await visitor.post("/app/me/password", new)).status == 303
    assert (await visitor.get("/app/me")).status == 200
    assert (await try_in(visitor, email, PASSWORD)).status == 422


@pytest.mark.req("B-12", "S18")
async def test_a_sign_in_link_is_shown_by_get_and_used_once_by_post(
    services: Services, make: Make, visitor: Client
) -> None:
    account = await make.account()
    async with services.db.shared() as tx:
        link = await sign_up.sign_in_link(tx, account.owner_id, public_url="")
    for _ in range(3):
        shown = await visitor.get(link)
        assert shown.status == 200
    assert account.owner_email in shown.text
    used = await visitor.post(link)
    assert (used.status, used.location) == (303, "/app/accounts")
    assert (await visitor.get("/app/accounts")).location == account.app
    visitor.cookie = ""
    for again in (await visitor.get(link), await visitor.post(link)):
        assert again.status == 410
        assert "This link has expired" in again.text


@pytest.mark.req("B-11")
async def test_a_new_link_kills_the_old_one_and_an_hour_ends_it(
    services: Services, make: Make, visitor: Client
) -> None:
    account = await make.account()
    async with services.db.shared() as tx:
        old = await sign_up.sign_in_link(tx, account.owner_id, public_url="")
        new = await sign_up.sign_in_link(tx, account.owner_id, public_url="")
        stored = await tx.rows("SELECT token_hash FROM one_time_links WHERE user_id = $1", account.owner_id)
    assert all(new.rpartition("/")[2].encode() not in bytes(row[0]) for row in stored)
    assert (await visitor.get(old)).status == 410
    assert (await visitor.get(new)).status == 200
    later(minutes=one_time_links.MINUTES + 1)
    assert (await visitor.post(new)).status == 410


@pytest.mark.req("E-30")
async def test_a_disabled_person_is_out_at_once(services: Services, make: Make) -> None:
    account = await make.account()
    one = await make.signed_in(account.owner_id)
    async with services.db.shared() as tx:
        await tx.run("UPDATE users SET disabled = true WHERE id = $1", account.owner_id)
    assert (await one.get(account.app)).status == 303


@pytest.mark.req("B-09")
async def test_password_managers_are_welcome(client: Client) -> None:
    shown = await client.get("/app/sign-in")
    assert 'autocomplete="username"' in shown.text
    assert 'autocomplete="current-password"' in shown.text
    assert "onpaste" not in shown.text


async def test_the_way_in_leads_back_to_where_one_was(
    services: Services, make: Make, visitor: Client
) -> None:
    _, email = await person(services, make)
    away = await visitor.get("/app/me?lang=fr")
    assert away.location == "/app/sign-in?next=/app/me%3Flang%3Dfr"
    shown = await visitor.get(away.location)
    assert 'name="next" value="/app/me?lang=fr"' in shown.text
    answer = await visitor.post(
        "/app/sign-in", {"email": email, "password": PASSWORD, "next": "/app/me?lang=fr"}
    )
    assert answer.location == "/app/me?lang=fr"
