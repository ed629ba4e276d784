"""The local inbox: its listener, and its pages."""

import asyncio
import json
import os
import re
import socket
import sys
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from aiohttp import ClientSession, DummyCookieJar
from aiohttp.test_utils import TestServer

from mailer.app import make_app
from mailer.core.services import Services
from mailer.core.settings import RUN_FILE, Settings
from sending import inbox, inbox_server
from sending.smtp import Mail, Pool
from sending.smtp_url import Server
from tests.client import Client
from tests.make import Make

RAW = (
    b"From: Atelier <a@pain.test>\r\nTo: ana@example.test\r\nSubject: =?utf-8?q?D=C3=A9j=C3=A0_demain?=\r\n"
    b"Feedback-ID: c12:a7:newsletter:mailer\r\nMIME-Version: 1.0\r\n"
    b'Content-Type: multipart/alternative; boundary="x"\r\n\r\n'
    b"--x\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n.Bonjour texte\r\n"
    b"--x\r\nContent-Type: text/html; charset=utf-8\r\n\r\n"
    b"<html><head></head><body><p>Bonjour HTML</p><script>alert(1)</script></body></html>\r\n--x--\r\n"
)


@pytest.fixture
async def pool(services: Services) -> AsyncIterator[Pool]:
    """A client of a running listener."""
    settings = services.settings.model_copy(update={"inbox": "127.0.0.1:0"})
    async with inbox_server.listening(settings, services.db) as port:
        opened = Pool(Server("127.0.0.1", port), "client.test")
        yield opened
        await opened.close()


async def test_what_is_handed_over_is_kept_as_it_came(pool: Pool, services: Services) -> None:
    reply = await pool.hand_over(Mail("bounces@mailer.test", "zoé.kept@exemple.test", RAW))
    assert (reply.stage, reply.code) == ("end", 250)
    async with services.db.shared() as tx:
        [line] = await inbox.many(tx, "ZOÉ.kept")
        mail = await inbox.show(tx, line.id)
    assert (line.subject, line.campaign) == ("Déjà demain", (7, 12))
    assert (mail.mail_from, mail.raw) == ("bounces@mailer.test", RAW)


@pytest.mark.parametrize(
    ("recipient", "code", "words"),
    [("bounce.ana@example.test", 550, "5.1.1"), ("full@example.test", 452, "4.2.2")],
)
async def test_two_kinds_of_addresses_are_refused(
    pool: Pool, services: Services, recipient: str, code: int, words: str
) -> None:
    reply = await pool.hand_over(Mail("bounces@mailer.test", recipient, RAW))
    assert (reply.stage, reply.code) == ("rcpt", code)
    assert reply.text.startswith(words)
    async with services.db.shared() as tx:
        assert await inbox.many(tx, recipient) == []


@pytest.mark.parametrize("language", ["fr", "en"])
async def test_the_pages_list_search_show_and_empty(services: Services, make: Make, language: str) -> None:
    account = await make.account()
    person = await make.signed_in(account.owner_id, language=language)
    async with services.db.shared() as tx:
        await inbox.store(tx, mail_from="b@x.test", recipients=[f"lea-{language}@example.test"], raw=RAW)
    assert (await person.get("/inbox")).location == "/app/inbox"
    listed = await person.get(f"/app/inbox?q=LEA-{language}&lang={language}")
    assert listed.status == 200
    [mail_id] = set(re.findall(r'href="/app/inbox/(\d+)"', listed.text))
    shown = await person.get(f"/app/inbox/{mail_id}?lang={language}")
    assert shown.status == 200
    for text in ("Déjà demain", ".Bonjour texte", "Feedback-ID", "=?utf-8?q?D=C3=A9j=C3=A0_demain?="):
        assert text in shown.text
    assert "<script>alert" not in shown.text
    source = await person.get(f"/app/inbox/{mail_id}/source")
    assert source.text.encode() == RAW
    empty = await person.post("/app/inbox/deletions")
    assert empty.location == "/app/inbox"
    async with services.db.shared() as tx:
        assert await inbox.total(tx) == 0
    assert (await person.get(f"/app/inbox/{mail_id}")).status == 404


@pytest.mark.req("E-06")
async def test_a_mails_html_runs_nothing(services: Services, make: Make) -> None:
    account = await make.account()
    person = await make.signed_in(account.owner_id)
    async with services.db.shared() as tx:
        await inbox.store(tx, mail_from="", recipients=["script@example.test"], raw=RAW)
        [line] = await inbox.many(tx, "script@example.test")
    frame = await person.get(f"/app/inbox/{line.id}/html")
    policy = frame.headers["Content-Security-Policy"]
    assert "sandbox allow-popups" in policy
    assert "allow-scripts" not in policy
    assert "default-src 'none'" in policy
    assert "script-src" not in policy
    assert '<base target="_blank">' in frame.text


async def test_visitors_sign_in_first(client: Client) -> None:
    answer = await client.get("/app/inbox")
    assert (answer.status, answer.location) == (303, "/app/sign-in?next=/app/inbox")


@pytest.mark.req("S18")
@pytest.mark.parametrize(
    ("change", "operator", "status"),
    [
        ({}, False, 200),
        ({"embedded": False}, False, 404),
        ({"embedded": False}, True, 200),
        ({"smtp_url": "smtp://relay.test"}, True, 404),
        ({"public_url": "https://mailer.test"}, True, 404),
    ],
)
async def test_it_exists_on_a_development_machine_only(
    settings: Settings, services: Services, make: Make, change: dict[str, object], operator: bool, status: int
) -> None:
    account = await make.account()
    if operator:
        async with services.db.shared() as tx:
            await tx.run("UPDATE users SET is_operator = true WHERE id = $1", account.owner_id)
    changed = settings.model_copy(update=change)
    async with TestServer(make_app(changed, services=replace(services, settings=changed))) as server:
        async with ClientSession(cookie_jar=DummyCookieJar()) as session:
            owner = await make.signed_in(account.owner_id)
            person = Client(session, str(server.make_url("")).rstrip("/"), owner.cookie)
            assert (await person.get("/app/inbox")).status == status
            assert (await person.get("/app/inbox/999999999")).status == 404


async def test_the_command_listens_until_it_is_stopped(settings: Settings, tmp_path: Path) -> None:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port = found.getsockname()[1]
    addresses = {
        "database_url": settings.database_url,
        "redis_url": settings.redis_url,
        "inbox": f"127.0.0.1:{port}",
    }
    (tmp_path / RUN_FILE).write_text(json.dumps(addresses))
    environ = {"PATH": os.environ["PATH"], "MAILER_DATA_DIR": str(tmp_path)}
    process = await asyncio.create_subprocess_exec(sys.executable, "-m", "mailer", "inbox", env=environ)
    pool = Pool(Server("127.0.0.1", port), "client.test")
    try:
        async with asyncio.timeout(60):
            while (reply := await pool.hand_over(Mail("b@x.test", "cli@example.test", RAW))).unreached:
                await asyncio.sleep(0.1)
        assert reply.code == 250
        process.terminate()
        assert await process.wait() == 0
    finally:
        await pool.close()
        if process.returncode is None:
            process.kill()
            await process.wait()
