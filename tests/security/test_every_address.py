"""Every address of people and programs, as their owner and as a member who may only look."""

import inspect
import re

import pytest

from mailer.app import API_ROUTES, APP_ROUTES
from mailer.core.services import Services
from tests.security.conftest import House
from tests.test_tenancy import _paths

ENDLESS = "/report/events"
# shown inside a page of ours, in a sandbox: the styles of a mail are its own (E-04)
# that somebody took data along (B-60); the keys of a domain that has none; that duplicates are looked for
MADE_BY_LOOKING = {"audit", "dkim_keys", "duplicate_searches"}
FRAMES = re.compile(r"/(frame|html)$")
INLINE = re.compile(
    r"<script(?![^>]*\ssrc=)[^>]*>|<[^>]+\son\w+\s*=|<[^>]+\sstyle\s*=|<style(?![^>]*nonce)|(?:href|src|action)\s*=\s*.?\s*javascript:",
    re.IGNORECASE,
)
FOREIGN = re.compile(
    r"<(?:script|img|link|iframe|form|source|video)\b[^>]*\s(?:src|href|action)=\"(?:https?:)?//", re.I
)


@pytest.mark.req("E-06", "E-08", "E-01", "A-028")
async def test_every_page_is_free_of_inline_code_is_not_stored_and_changes_nothing(
    house: House, services: Services
) -> None:
    owner = await house.member("owner", can_send=True)
    before = await house.rows(services)
    wrong: list[str] = []
    shown = 0
    for _, path in [pair for pair in _paths(APP_ROUTES) if pair[0] == "GET"]:
        place = "/app" + house.filled(path)
        if path.endswith(ENDLESS):
            continue
        answer = await owner.get(place)
        kind = answer.headers.get("Content-Type", "")
        policy = answer.headers["Content-Security-Policy"]
        shown += answer.status == 200
        if answer.status >= 500:
            wrong.append(f"{path}: {answer.status}")
        if answer.status < 300 and "no-store" not in answer.headers.get("Cache-Control", ""):
            wrong.append(f"{path}: may be stored")
        if answer.headers.get("X-Content-Type-Options") != "nosniff" or "frame-ancestors" not in policy:
            wrong.append(f"{path}: headers")
        if kind.startswith("text/html") and not FRAMES.search(path):
            # the sketch of the visual editor writes styles, and only there: decision 27
            told = (
                policy.replace("style-src 'self' 'unsafe-inline';", "")
                if path.endswith("/visual")
                else policy
            )
            wrong += [f"{path}: {policy}"] if "unsafe" in told else []
            wrong += [
                f"{path}: {found[0][:120]}"
                for pattern in (INLINE, FOREIGN)
                if (found := pattern.search(answer.text))
            ]
    assert wrong == []
    assert shown > 60
    after = await house.rows(services)
    assert {table for table, rows in after.items() if rows != before[table]} <= MADE_BY_LOOKING


@pytest.mark.req("E-50", "E-10")
async def test_a_member_who_may_only_look_changes_nothing(house: House, services: Services) -> None:
    analyst = await house.member("analyst")
    before = await house.rows(services)
    met: dict[str, int] = {}
    for method, path in _paths(APP_ROUTES):
        if method != "GET" and path.startswith("/{a}"):
            answer = await analyst.post(
                "/app" + house.filled(path), {"name": "Other", "role": "owner", "value": "1"}
            )
            met[path] = answer.status
    assert len(met) > 80
    after = await house.rows(services)
    assert {table for table, rows in after.items() if rows != before[table]} == set()
    # 422 and 303: the form was looked at first, and had a fault
    odd = {path for path, status in met.items() if status not in (403, 404, 422, 303)}
    # they look at what is sent along, and keep nothing
    assert odd <= {
        r"/{a}/campaigns/{id:\d+}/content/checks",
        r"/{a}/designs/{id:\d+}/edit/checks",
        r"/{a}/campaigns/{id:\d+}/lint",
        r"/{a}/designs/{id:\d+}/lint",
    }


@pytest.mark.req("E-50")
def test_every_page_that_changes_something_names_the_role_it_needs() -> None:
    bare = []
    for route in APP_ROUTES:
        if route.method == "GET" or not route.path.startswith("/{a}"):
            continue
        source = inspect.getsource(route.handler)
        module = inspect.getmodule(route.handler)
        for name in re.findall(r"await (_?\w+)\(", source):
            helper = getattr(module, name, None)
            if inspect.iscoroutinefunction(helper) and helper.__module__ == route.handler.__module__:
                source += inspect.getsource(helper)
        if not re.search(
            r"account_tx\(\s*request, Role\.|sender_tx\(|role < Role\.|_tx\(request, Role\.|need_role\(request, Role\.|_managing\(",
            source,
        ):
            bare.append(route.path)
    assert sorted(bare) == sorted(
        [
            # somebody's own: that they have read it
            r"/{a}/privacy/announcements/{id:\d+}/readings",
            # what a source would say, without storing it
            r"/{a}/campaigns/{id:\d+}/content/checks",
            r"/{a}/designs/{id:\d+}/edit/checks",
            r"/{a}/campaigns/{id:\d+}/lint",
            r"/{a}/designs/{id:\d+}/lint",
            # looks, and leads back
            "/{a}/privacy/retention/verifications",
        ]
    )


@pytest.mark.req("E-50", "E-35")
async def test_a_key_without_the_scope_gets_nothing(house: House, services: Services) -> None:
    program = await house.make.program(house.account_id, ["exports:read"])
    before = await house.rows(services)
    met: dict[str, int] = {}
    for method, path in _paths(API_ROUTES):
        if "/exports" in path:
            continue
        more = {} if method in ("GET", "DELETE") else {"json": {}}
        answer = await program.ask(method, "/api/v1" + house.filled(path), **more)
        met[f"{method} {path}"] = answer.status
        assert answer.headers["Content-Type"] == "application/problem+json" or answer.status < 300
    after = await house.rows(services)
    assert {table for table, rows in after.items() if rows != before[table]} == set()
    assert {path: status for path, status in met.items() if status != 403} == {}
