"""Both walls of tenancy: the catalogue, and every route as Charlie, who is a stranger."""

import re

import asyncpg
import pytest

from mailer.app import API_ROUTES, APP_ROUTES
from mailer.core.services import Services
from tests.make import Make
from tests.test_architecture import GLOBAL

# GET and POST of these are for everybody
ANONYMOUS = re.compile(r"^/(sign-in|sign-up|reset|confirm|sign-in-link|invitations)\b")
_CATALOGUE = """
    SELECT c.relname AS name, c.relrowsecurity AND c.relforcerowsecurity AS walled, c.relkind AS kind,
           EXISTS (SELECT 1 FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'account_id') AS keyed,
           (SELECT count(*) FROM pg_policy p WHERE p.polrelid = c.oid) AS policies
    FROM pg_class c
    JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p')
    """
_KEYS = """
    SELECT c.relname AS name, k.conname AS key, k.contype AS type,
           (SELECT array_agg(a.attname::text) FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum = ANY (k.conkey)) AS columns
    FROM pg_constraint k
    JOIN pg_class c ON c.oid = k.conrelid
    JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = 'public' AND k.contype IN ('p', 'u', 'f')
    """


@pytest.mark.req("E-50")
async def test_every_table_is_global_by_name_or_walled(services: Services) -> None:
    async with services.db.connection() as connection:
        rows = await connection.fetch(_CATALOGUE)
    assert len(rows) > 30
    wrong = [
        row["name"]
        for row in rows
        if row["name"] not in GLOBAL and not (row["walled"] and row["keyed"] and row["policies"] == 1)
    ]
    assert wrong == []


@pytest.mark.req("E-50")
async def test_every_key_of_a_tenants_table_holds_the_account(services: Services) -> None:
    async with services.db.connection() as connection:
        rows = await connection.fetch(_KEYS)
    wrong = [
        f"{row['name']}.{row['key']}"
        for row in rows
        if row["name"] not in GLOBAL and "account_id" not in row["columns"]
    ]
    assert wrong == []


@pytest.mark.req("E-50")
async def test_a_statement_without_an_account_fails_and_sees_nothing(services: Services, make: Make) -> None:
    account = await make.account()
    async with services.db.account(account.id) as tx:
        await make.contact(tx)
    async with services.db.connection() as connection:
        with pytest.raises((asyncpg.UndefinedObjectError, asyncpg.InvalidTextRepresentationError)):
            await connection.fetch("SELECT id FROM contacts")
    other = await make.account()
    async with services.db.account(other.id) as tx:
        assert await tx.value("SELECT count(*) FROM contacts WHERE account_id <> $1") == 0


def _paths(routes: list[object]) -> list[tuple[str, str]]:
    return sorted({(route.method, route.path) for route in routes})  # type: ignore[attr-defined]


@pytest.mark.req("E-50", "A-017")
@pytest.mark.parametrize(("method", "path"), _paths(APP_ROUTES))
async def test_a_stranger_meets_404_on_every_page(make: Make, method: str, path: str) -> None:
    if "{a}" not in path:
        return
    account = await make.account()
    charlie_id, _ = await make.user((await make.account()).id)
    charlie = await make.signed_in(charlie_id)
    answer = await charlie.ask(
        method,
        "/app" + _filled(path.replace("{a}", str(account.id))),
        **({} if method == "GET" else {"data": {"csrf": charlie.csrf}}),
    )
    assert answer.status == 404


@pytest.mark.req("E-50", "E-30")
@pytest.mark.parametrize(("method", "path"), _paths(APP_ROUTES))
async def test_nobody_gets_in_without_a_session(make: Make, client, method: str, path: str) -> None:  # type: ignore[no-untyped-def]
    if ANONYMOUS.match(path):
        return
    account = await make.account()
    answer = await client.ask(
        method,
        "/app" + _filled(path.replace("{a}", str(account.id))),
        **({} if method == "GET" else {"data": {}}),
    )
    assert answer.status in (303, 401, 403)
    if answer.status == 303:
        assert answer.location.startswith("/app/sign-in")


@pytest.mark.req("E-50", "A-017")
@pytest.mark.parametrize(("method", "path"), _paths(API_ROUTES))
async def test_a_stranger_meets_404_on_every_id_of_the_api(make: Make, method: str, path: str) -> None:
    charlie = await make.program((await make.account()).id)
    if "{" not in path:
        return
    ids = await _ids(make)
    more = {} if method in ("GET", "DELETE") else {"json": _bodies(path)}
    answer = await charlie.ask(method, "/api/v1" + _filled(path, ids), **more)
    assert answer.status in (404, 422), answer.text
    if answer.status == 422:  # the body was looked at first: then with the owner's own key the id is found
        assert "errors" in answer.json()


# an address that names an id and touches nothing of it: a filtered list, a source that is only looked at, a
# form without a value, a wish that is refused with a note on the next page
_TOUCHES_NOTHING = {
    ("GET", "/{a}/lists/{id}/contacts"),
    ("POST", r"/{a}/campaigns/{id:\d+}/content/checks"),
    ("POST", r"/{a}/designs/{id:\d+}/edit/checks"),
    ("POST", r"/{a}/designs/{id:\d+}/name"),
    ("POST", r"/{a}/campaigns/{id:\d+}/deliveries/{contact:\d+}/resends"),
}
_ROWS = """
    SELECT md5(string_agg(t::text, '' ORDER BY t::text)) FROM (
        SELECT to_jsonb(x) FROM campaigns x WHERE account_id = $1
        UNION ALL SELECT to_jsonb(x) FROM contacts x WHERE account_id = $1
        UNION ALL SELECT to_jsonb(x) FROM mailing_lists x WHERE account_id = $1
        UNION ALL SELECT to_jsonb(x) FROM subscriptions x WHERE account_id = $1
        UNION ALL SELECT to_jsonb(x) FROM senders x WHERE account_id = $1
        UNION ALL SELECT to_jsonb(x) FROM domains x WHERE account_id = $1
        UNION ALL SELECT to_jsonb(x) FROM dkim_keys x WHERE account_id = $1
        UNION ALL SELECT to_jsonb(x) FROM smtp_servers x WHERE account_id = $1
        UNION ALL SELECT to_jsonb(x) FROM designs x WHERE account_id = $1
        UNION ALL SELECT to_jsonb(x) FROM messages x WHERE account_id = $1
        UNION ALL SELECT to_jsonb(x) FROM fields x WHERE account_id = $1
        UNION ALL SELECT to_jsonb(x) FROM imports x WHERE account_id = $1
        UNION ALL SELECT to_jsonb(x) FROM segments x WHERE account_id = $1
        UNION ALL SELECT to_jsonb(x) FROM tags x WHERE account_id = $1
        UNION ALL SELECT to_jsonb(x) FROM contact_tags x WHERE account_id = $1
        UNION ALL SELECT to_jsonb(x) FROM exports x WHERE account_id = $1
        UNION ALL SELECT to_jsonb(x) FROM signup_forms x WHERE account_id = $1
        UNION ALL SELECT to_jsonb(x) FROM rights_requests x WHERE account_id = $1
    ) t
    """


@pytest.mark.req("E-50", "A-017")
async def test_somebody_elses_ids_are_nothing_in_ones_own_account(make: Make) -> None:
    ids = await _ids(make)
    async with make.services.db.account(ids["account"]) as tx:
        before = await tx.value(_ROWS)
    charlies = await make.account()
    charlie = await make.signed_in(charlies.owner_id)
    met = {}
    for method, path in _paths(APP_ROUTES):
        noun, _, rest = path.removeprefix("/{a}/").partition("/")
        if path.startswith("/{a}/") and "{" in rest and (method, path) not in _TOUCHES_NOTHING:
            noun = "smtp-servers" if rest.startswith("servers/") else noun
            noun = "requests" if rest.startswith("requests/") else noun
            number = str(ids.get(noun, ids["campaigns"]))
            place = charlies.app + re.sub(r"\{\w+(:[^}]*)?\}", number, path.removeprefix("/{a}"))
            data = {} if method == "GET" else {"data": {"csrf": charlie.csrf}}
            met[(method, path)] = (await charlie.ask(method, place, **data)).status
    assert len(met) > 50
    # 422: the form was looked at first
    assert {
        key: status for key, status in met.items() if status != 404 and (key[0], status) != ("POST", 422)
    } == {}
    async with make.services.db.account(ids["account"]) as tx:
        assert await tx.value(_ROWS) == before


@pytest.mark.req("E-35")
@pytest.mark.parametrize(("method", "path"), _paths(API_ROUTES))
async def test_no_key_no_answer(client, method: str, path: str) -> None:  # type: ignore[no-untyped-def]
    assert (await client.ask(method, "/api/v1" + _filled(path))).status == 401


def _filled(path: str, ids: dict[str, int] | None = None) -> str:
    noun = path.strip("/").split("/")[0]
    # one of several words is the first of them, anything else a number
    path = re.sub(r"\{\w+:([a-z]+)(\|[a-z]+)+\}", r"\1", path)
    return re.sub(r"\{(\w+)(:[^}]*)?\}", lambda _: str((ids or {}).get(noun, 1)), path)


def _bodies(path: str) -> dict[str, object]:
    return {}


async def _ids(make: Make) -> dict[str, int]:
    """One row of each kind in somebody else's account."""
    account = await make.account()
    async with make.services.db.account(account.id) as tx:
        list_id = await make.mailing_list(tx)
        contact_id = await make.contact(tx, list_id=list_id)
        campaign_id: int = await tx.value(
            "INSERT INTO campaigns (account_id, name) VALUES ($1, 'Theirs') RETURNING id"
        )
        sender_id: int = await tx.value(
            "INSERT INTO senders (account_id, email, address_key, name) VALUES ($1, 'a@b.test', 'a@b.test', 'A') RETURNING id"
        )
        design_id: int = await tx.value(
            "INSERT INTO designs (account_id, name, kind, source) VALUES ($1, 'A', 'mjml', 'x') RETURNING id"
        )
        domain_id: int = await tx.value(
            "INSERT INTO domains (account_id, name) VALUES ($1, 'theirs.test') RETURNING id"
        )
        server_id: int = await tx.value(
            "INSERT INTO smtp_servers (account_id, position, host, port, tls) VALUES ($1, 'main', 'a.test', 25, 'opportunistic') RETURNING id"
        )
        field_id: int = await tx.value(
            "INSERT INTO fields (account_id, key, label, type) VALUES ($1, 'k', 'K', 'text') RETURNING id"
        )
        import_id: int = await tx.value(
            "INSERT INTO imports (account_id, file_name) VALUES ($1, 'a.csv') RETURNING id"
        )
        export_id: int = await tx.value(
            "INSERT INTO exports (account_id, what, format) VALUES ($1, 'contacts', 'csv') RETURNING id"
        )
        form_id: int = await tx.value(
            """
            INSERT INTO signup_forms (account_id, name, public_key, draft)
            VALUES ($1, 'Theirs', 'aaaaaaaaaaaaaaaa', '{}')
            RETURNING id
            """
        )
        segment_id: int = await tx.value(
            """
            INSERT INTO segments (account_id, name, tree)
            VALUES ($1, 'Theirs', '{"match": "all", "rules": [{"subject": "email", "operator": "filled"}]}')
            RETURNING id
            """
        )
        tag_id: int = await tx.value(
            "INSERT INTO tags (account_id, name, name_key) VALUES ($1, 'vip', 'vip') RETURNING id"
        )
        request_id: int = await tx.value(
            """
            INSERT INTO rights_requests (account_id, kind, channel, contact_id, received_at, due_on)
            VALUES ($1, 'erase', 'post', $2, now(), current_date + 30)
            RETURNING id
            """,
            contact_id,
        )
        message_id: int = await tx.value(
            """
            INSERT INTO messages (account_id, sender_id, status, final_at, expires_at)
            VALUES ($1, $2, 'in_doubt', now(), now())
            RETURNING id
            """,
            sender_id,
        )
    return {
        "account": account.id,
        "messages": message_id,
        "designs": design_id,
        "lists": list_id,
        "contacts": contact_id,
        "campaigns": campaign_id,
        "senders": sender_id,
        "domains": domain_id,
        "smtp-servers": server_id,
        "fields": field_id,
        "imports": import_id,
        "exports": export_id,
        "forms": form_id,
        "segments": segment_id,
        "tags": tag_id,
        "requests": request_id,
    }
