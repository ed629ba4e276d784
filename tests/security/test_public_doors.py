"""Doors without a session or a key: what a token opens, how often one may knock, which cookies are given."""

import re
import secrets
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from aiohttp import ClientSession, DummyCookieJar, TCPConnector
from pydantic import BaseModel

from mailer.accounts import access, cookies, pages_entry, pages_sign_up
from mailer.app import API_ROUTES, APP_ROUTES, PUBLIC_ROUTES
from mailer.core import clock
from mailer.core.services import Services
from mailer.core.settings import Settings
from mailer.core.tokens import CampaignToken
from mailer.web.openapi import operation_of
from tests.client import Client
from tests.make import Make
from tests.recipients.scene import Scene, make_scene
from tests.security.conftest import House
from tests.statements import ROOT, files

# what changes something without a session, and what keeps it from being done a thousand times
LIMITED = {
    "/app/sign-in": "throttle of B-02, in the database",
    "/app/sign-up": "pages_sign_up.SIGN_UPS",
    "/app/reset": "pages_entry.RESETS",
    "/app/reset/{token}": "a link of one use",
    "/app/confirm/{token}": "a link of one use",
    "/app/sign-in-link/{token}": "a link of one use",
    "/app/confirm-address/{token}": "a link of one use",
    "/app/invitations/{token}": "a link of one use",
    "/app/sign-in/code": "throttled as passwords are",
    "/app/sign-out": "ends a session",
    "/t/unsubscribe/{token}": "never refused (D-43)",
    "/t/preferences/{token}": "leaving is never refused; what joins is counted",
    "/t/tracking/{token}": "a refusal is never refused; a yes is counted",
    "/t/confirm/{token}": "counted by recipient",
    "/t/stay/{token}": "counted by recipient",
    "/t/form/{form}": "counted by network, form, account and address",
    "/t/confirm/form/{token}": "counted by request",
    "/t/sender/{token}": "says one thing once",
    "/t/test-address/{token}": "says one thing once",
    "/t/test/{token}": "changes nothing",
    "/t/rights/{token}": "counted by network, account and address",
    "/t/rights/form/{token}": "counted by network, account and address",
    "/t/rights/confirm/{token}": "counted by request",
    "/t/rights/file/{token}": "counted by request",
    "/t/rights/address/{token}": "counted by request",
    "/t/uploads/{token}": "one file of a size that was told",
}


@pytest.mark.req("E-14", "E-67")
def test_every_door_without_a_session_is_known_with_what_limits_it() -> None:
    doors = {
        f"/app{route.path}"
        for route in APP_ROUTES
        if route.method != "GET" and access.is_anonymous(route.handler)
    }
    doors |= {f"/t{route.path}" for route in PUBLIC_ROUTES if route.method != "GET"}
    # signing out needs the session it ends
    assert doors | {"/app/sign-out"} == set(LIMITED)


@pytest.fixture
async def stranger(server: str) -> AsyncIterator[Client]:
    """A visitor with an address of their own on loopback: limits of this test are nobody else's."""
    address = f"127.{1 + secrets.randbelow(250)}.{secrets.randbelow(250)}.{1 + secrets.randbelow(250)}"
    connector = TCPConnector(local_addr=(address, 0))
    async with ClientSession(cookie_jar=DummyCookieJar(), connector=connector) as http:
        yield Client(http, server)


@pytest.mark.req("E-14", "B-10")
@pytest.mark.parametrize(
    ("place", "most"),
    [("/app/reset", pages_entry.RESETS.count), ("/app/sign-up", pages_sign_up.SIGN_UPS.count)],
)
async def test_one_place_cannot_make_us_write_to_the_world(
    stranger: Client, client: Client, place: str, most: int
) -> None:
    met = []
    for _ in range(most + 3):
        asked = await stranger.post(place, {"email": f"victim-{secrets.token_hex(4)}@people.test"})
        met.append(asked.status)
    assert set(met[:most]) == {200}
    assert set(met[most:]) == {429}
    # somebody elsewhere is not hindered
    other = await client.post(place, {"email": f"other-{secrets.token_hex(4)}@people.test"})
    assert other.status == 200


@pytest.fixture
async def scene(make: Make, services: Services, settings: Settings) -> Scene:
    return await make_scene(make, services, settings)


def _tokens(scene: Scene) -> dict[str, str]:
    """Route of its own → a genuine token, each of another purpose."""
    links, who = scene.links, scene.who
    what = CampaignToken(who.account_id, who.campaign_id, who.contact_id, 1)
    soon = int((clock.now() + timedelta(minutes=5)).timestamp())
    made = {
        "/unsubscribe/{token}": links.unsubscribe(who),
        "/preferences/{token}": links.preferences(who),
        "/tracking/{token}": links.tracking(who),
        "/rights/{token}": links.rights(who),
        "/confirm/{token}": links.confirm(who),
        "/stay/{token}": links.stay(who),
        "/view/{token}": links.view(what),
        "/c/{token}": links.click(what),
        "/o/{token}": links.open(what),
        "/d/{token}": links.open_day(what),
        "/test/{token}": links.test(what),
        "/sender/{token}": links.sender(who.account_id, 1, asked=1, expires=soon),
        "/test-address/{token}": links.seed(who.account_id, 1, asked=1, expires=soon),
        "/click-map/{token}": links.click_map(what, expires=soon),
        "/confirm/form/{token}": links.sign_up(who.account_id, 1, expires=soon),
        "/form-preview/{token}": links.form_preview(who.account_id, 1, expires=soon),
    }
    return {route: url.rpartition("/")[2] for route, url in made.items()}


@pytest.mark.req("E-31", "D-42", "E-50")
async def test_a_token_opens_its_own_door_and_no_other(
    client: Client, services: Services, make: Make, scene: Scene
) -> None:
    house = House(make, {"account": scene.account_id})
    before = await house.rows(services)
    opened: list[str] = []
    tokens = _tokens(scene)
    doors = [(route.method, route.path) for route in PUBLIC_ROUTES if route.path.endswith("{token}")]
    for own, token in tokens.items():
        for method, path in doors:
            if path == own:
                continue
            place = "/t" + path.replace("{token}", token)
            answer = await client.ask(method, place, **({} if method == "GET" else {"data": {"do": "leave"}}))
            # requests about data are counted by network before anything is read
            if answer.status == 429 and path.startswith("/rights/"):
                continue
            # a pixel is a pixel for everybody
            if answer.status != 404 and not (path in ("/o/{token}", "/d/{token}") and answer.status == 200):
                opened.append(f"token of {own} at {method} {path}: {answer.status}")
    assert len(tokens) * len(doors) > 300
    assert opened == []
    assert await house.rows(services) == before


# more fields than any form has
_PARTS = "".join(f'--x\r\nContent-Disposition: form-data; name="f{n}"\r\n\r\n1\r\n' for n in range(1_100))
FLOODS = {
    "application/x-www-form-urlencoded": b"a=&" * 5_000,
    "multipart/form-data; boundary=x": f"{_PARTS}--x--\r\n".encode(),
}


@pytest.mark.req("D-43", "E-51")
@pytest.mark.parametrize("media_type", FLOODS)
async def test_a_flood_of_fields_is_refused_but_for_leaving(
    client: Client, services: Services, scene: Scene, media_type: str
) -> None:
    sent = {"data": FLOODS[media_type], "headers": {"Content-Type": media_type}}
    assert (await client.ask("POST", "/app/sign-in", **sent)).status == 413
    assert (await client.ask("POST", scene.path, **sent)).status == 303
    async with services.db.account(scene.account_id) as tx:
        assert await tx.value("SELECT status FROM subscriptions WHERE account_id = $1") == "unsubscribed"


@pytest.mark.req("E-10")
def test_no_form_and_no_body_takes_a_member_that_it_does_not_name() -> None:
    loose = []
    for route in API_ROUTES:
        found = operation_of(route.handler)
        # the parts of a multipart body are read one by one
        for kind in (found.body, found.query) if found and not found.multipart else ():
            for one in (kind, *getattr(kind, "__args__", ())):
                if (
                    isinstance(one, type)
                    and issubclass(one, BaseModel)
                    and one.model_config.get("extra") != "forbid"
                ):
                    loose.append(f"{route.path}: {one.__name__}")
    assert loose == []


@pytest.mark.req("A-029", "A-033", "E-07")
def test_every_cookie_is_in_the_register_of_the_notice_page() -> None:
    """All cookies are set in one place; the page of cookies names each, in both languages."""
    setters = [one for one in files() if ".set_cookie(" in one.read_text() or "Set-Cookie" in one.read_text()]
    assert [str(one.relative_to(ROOT)) for one in setters] == ["mailer/accounts/pages_entry.py"]
    names = set(re.findall(r'"(__Host-[\w-]+)"', "".join(one.read_text() for one in files())))
    assert names == {one.name for one in cookies.REGISTER}


@pytest.mark.req("A-029", "A-032")
async def test_a_visitor_gets_no_cookie(client: Client, scene: Scene) -> None:
    places = ["/", "/app/sign-in", "/app/sign-up", "/app/reset", "/legal/privacy", "/legal/cookies"]
    places += ["/t" + route.replace("{token}", token) for route, token in _tokens(scene).items()]
    for place in places:
        answer = await client.get(place)
        assert "Set-Cookie" not in answer.headers, place
        assert "localStorage" not in answer.text
