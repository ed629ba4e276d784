"""Which role each page needs, and which scope each operation of the API: a new route has to join the table.

`routes_by_role.txt` holds a line a route. What the source asks for is read from it, function by function; then
somebody who has a little less tries each route over HTTP.
"""

import ast
import inspect
import re
import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from mailer.app import API_ROUTES, APP_ROUTES
from mailer.core.services import Services
from mailer.web.openapi import operation_of
from tests.client import Client
from tests.make import Make

TABLE = Path(__file__).parent / "routes_by_role.txt"
# who tries what needs the first
BELOW = {"editor": "analyst", "send": "editor", "manager": "editor", "owner": "manager"}


def _asked(function: Callable[..., Any], seen: set[Callable[..., Any]]) -> Iterator[str]:
    """Roles in the order of the source, through the functions of pages that it calls."""
    if function in seen:
        return
    seen.add(function)
    module = sys.modules[function.__module__]
    for node in ast.walk(ast.parse(textwrap.dedent(inspect.getsource(function)))):
        if not isinstance(node, ast.Call):
            continue
        name = ast.unparse(node.func)
        if name.endswith(("account_tx", "need_role")):
            given = [ast.unparse(argument) for argument in node.args[1:2]]
            yield given[0].rpartition(".")[2].lower() if given else "analyst"
        elif name.endswith("sender_tx"):
            yield "send"
        else:
            called = _function(module, name)
            if called is not None:
                yield from _asked(called, seen)


def _function(module: ModuleType, name: str) -> Callable[..., Any] | None:
    found: Any = module
    for part in name.split("."):
        found = getattr(found, part, None)
    of_pages = inspect.isfunction(found) and re.search(r"\.pages", found.__module__)
    return inspect.unwrap(found) if of_pages else None


def _role(handler: Any) -> str:
    """The first that is asked for: what follows it shows the form again."""
    return next(_asked(inspect.unwrap(handler), set()), "analyst")


def _routes() -> dict[str, str]:
    pages = {
        f"{route.method} {route.path}": _role(route.handler)  # type: ignore[attr-defined]
        for route in APP_ROUTES
        if "{a}" in route.path  # type: ignore[attr-defined]
    }
    for route in API_ROUTES:
        known = operation_of(route.handler)  # type: ignore[attr-defined]
        scope = known.scope if known is not None and not known.anonymous else "nobody asks"
        pages[f"{route.method} /api/v1{route.path}"] = scope or "any key"  # type: ignore[attr-defined]
    return pages


def _table() -> dict[str, str]:
    lines = [line.split("  ") for line in TABLE.read_text().splitlines() if line and not line.startswith("#")]
    return {route.strip(): role for role, route in lines}


@pytest.mark.req("A-120", "E-50")
def test_every_route_stands_in_the_table_with_what_it_asks_for() -> None:
    """A new one joins by its line: decide which role it needs, and whether the source says so."""
    found, known = _routes(), _table()
    assert len(found) > 250
    assert sorted(f"{role}  {route}" for route, role in found.items() if known.get(route) != role) == []
    assert sorted(set(known) - set(found)) == []


@pytest.mark.req("A-120")
def test_the_limits_that_were_promised() -> None:
    table = _table()
    changes = {route: role for route, role in table.items() if route.startswith("POST /{a}")}
    assert [route for route, role in changes.items() if role == "analyst"] == [
        # looks at a text that is sent along, and keeps nothing
        r"POST /{a}/campaigns/{id:\d+}/content/checks",
        r"POST /{a}/campaigns/{id:\d+}/lint",
        r"POST /{a}/designs/{id:\d+}/edit/checks",
        r"POST /{a}/designs/{id:\d+}/lint",
        # that one has read it oneself
        r"POST /{a}/privacy/announcements/{id:\d+}/readings",
        # looks, and leads back
        "POST /{a}/privacy/retention/verifications",
    ]
    assert changes["POST /{a}/settings/account/closing"] == "owner"
    assert changes["POST /{a}/privacy/agreements"] == "owner"
    assert changes[r"POST /{a}/campaigns/{id:\d+}/sends"] == "send"
    keys = [role for route, role in changes.items() if "/integrations" in route]
    assert set(keys) == {"manager"}


@pytest.mark.req("A-120", "E-50")
async def test_who_has_a_little_less_is_refused_everywhere(services: Services, make: Make) -> None:
    account = await make.account()
    people: dict[str, Client] = {}
    for role in ("analyst", "editor", "manager"):
        user_id, _ = await make.user(account.id, role)
        people[role] = await make.signed_in(user_id)
    let_in, refused = [], 0
    for route, role in _table().items():
        method, path = route.split(" ")
        if role not in BELOW or not path.startswith("/{a}"):
            continue
        place = f"/app{re.sub(r'{(?!a})[^}]*}', '1', path).replace('{a}', str(account.id))}"
        client = people[BELOW[role]]
        form = {} if method == "GET" else {"data": {"csrf": client.csrf}}
        answer = await client.ask(method, place, **form)
        refused += answer.status == 403
        # 422, 404: form or row were looked at before the role; nothing was done, as the journal says
        if answer.status not in (403, 404, 422):
            let_in.append((route, answer.status, answer.location))
    # nothing was ticked: a note on the next page
    assert let_in == [("POST /{a}/contacts/selections", 303, f"{account.app}/contacts")]
    assert refused > 120
    async with services.db.account(account.id) as tx:
        assert await tx.value("SELECT count(*) FROM audit WHERE account_id = $1") == 0
