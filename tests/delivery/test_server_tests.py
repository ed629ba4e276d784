"""Tests of an account's SMTP server, step by step; its pages and its API."""

import re
from pathlib import Path

import pytest

from mailer.core.services import Services
from sending import server_tests, servers
from sending.fence import Fence
from sending.server_tests import Step, Test
from sending.smtp import Mail
from sending.smtp_url import Server, Tls
from tests.delivery.relay import certificate, relay
from tests.make import Account, Make
from tests.smtp_server import DIE, Sink

__all__ = ["certificate"]
OPEN = Fence(down=True)
SENDER = "bounces@mailer.test"
MAIL = Mail(SENDER, "ana@example.test", b"Subject: Test\r\n\r\nBonjour\r\n")
PASSWORD = "s3cret"


def server(port: int, tls: Tls = "opportunistic", username: str = "", password: str = "") -> Server:
    return Server("127.0.0.1", port, tls, username, password, fence=OPEN)


async def run(to: Server, mail: Mail | None = None) -> list[Step]:
    return await server_tests.run(Test(to, "client.test", SENDER, mail))


def told(steps: list[Step]) -> list[tuple[str, bool]]:
    return [(step.name, step.ok) for step in steps]


@pytest.mark.req("D-18")
@pytest.mark.parametrize("tls", ["starttls", "implicit"])
async def test_every_step_of_a_good_server_succeeds(
    certificate: Path, tls: Tls, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    async with relay(certificate, tls, auth=True) as (kept, port):
        steps = await run(server(port, tls, "post", PASSWORD), MAIL)
    names = ["connect", "greet", "tls", "sign_in", "sender", "recipient", "mail"]
    assert told(steps) == [(name, True) for name in names], steps
    assert steps[2].params["version"].startswith("TLSv1.")
    assert kept.mails == [("ana@example.test", True, True)]


@pytest.mark.req("D-18")
@pytest.mark.parametrize(("tls", "words"), [("starttls", "No encrypted"), ("implicit", "No encrypted")])
async def test_a_certificate_of_nobodys_ends_the_test(certificate: Path, tls: Tls, words: str) -> None:
    async with relay(certificate, tls, auth=True) as (kept, port):
        steps = await run(server(port, tls, "post", PASSWORD), MAIL)
    assert (steps[-1].name, steps[-1].ok) == ("tls", False)
    assert steps[-1].words.startswith(words)
    assert "certificate" in steps[-1].reply.lower()
    assert kept.mails == []


@pytest.mark.req("D-18", "A-082")
async def test_no_password_leaves_where_there_is_no_starttls(certificate: Path) -> None:
    async with Sink() as sink:
        steps = await run(server(sink.port, "starttls", "post", PASSWORD))
    assert told(steps) == [("connect", True), ("tls", False)]
    assert "no STARTTLS" in steps[-1].words
    assert not any("AUTH" in command for command in sink.commands)


@pytest.mark.req("A-082")
async def test_a_wrong_password_is_told_with_the_servers_answer(
    certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    async with relay(certificate, "starttls", auth=True) as (_, port):
        steps = await run(server(port, "starttls", "post", "wrong-one"))
    assert (steps[-1].name, steps[-1].ok, steps[-1].code) == ("sign_in", False, 535)
    assert "wrong-one" not in repr(steps)


@pytest.mark.parametrize(
    ("behaviour", "last", "code"),
    [
        ({"greeting": "554 5.7.1 go away"}, "connect", 554),
        ({"mail": "550 5.7.1 sender refused"}, "sender", 550),
        ({"mail": DIE}, "sender", 0),
        ({"rcpt": {"ana@example.test": "550 5.7.1 relaying denied"}}, "recipient", 550),
        ({"end": "554 5.6.0 no"}, "mail", 554),
    ],
)
async def test_the_step_that_fails_ends_the_test_and_says_why(
    behaviour: dict[str, object], last: str, code: int
) -> None:
    async with Sink(**behaviour) as sink:  # type: ignore[arg-type]
        steps = await run(server(sink.port), MAIL)
    assert (steps[-1].name, steps[-1].ok, steps[-1].code) == (last, False, code)
    assert all(step.ok for step in steps[:-1])
    assert sink.accepted == []


async def test_without_a_recipient_no_mail_is_sent() -> None:
    async with Sink() as sink:
        steps = await run(server(sink.port))
    assert told(steps) == [(name, True) for name in ("connect", "greet", "tls", "sender")]
    assert sink.commands[-2:] == ["RSET", "QUIT"]
    assert sink.accepted == []


async def test_nobody_there_is_told(make: Make) -> None:
    async with Sink() as sink:
        pass
    [step] = await run(server(sink.port))
    assert (step.name, step.ok) == ("connect", False)
    assert step.words.startswith("It was not reached.")


@pytest.mark.req("E-54")
async def test_a_private_address_is_not_connected_to() -> None:
    async with Sink() as sink:
        [step] = await run(Server("127.0.0.1", sink.port, fence=Fence()))
        assert (step.name, step.ok, sink.connections) == ("connect", False, 0)


async def test_a_server_is_added_tested_and_deleted_on_its_pages(make: Make, services: Services) -> None:
    account = await make.account()
    owner = await make.signed_in(account.owner_id)
    home = f"{account.app}/senders/servers"
    assert "SMTP servers of your own" in (await owner.get(f"{account.app}/senders")).text
    assert "there is nothing to do" in (await owner.get(home)).text
    async with Sink() as sink:
        form = {"host": "127.0.0.1", "port": sink.port, "tls": "opportunistic", "username": ""}
        form |= {"password": "", "connections": 3, "messages_each": 50}
        wrong = await owner.post(home, form | {"port": "x", "connections": 21})
        assert wrong.status == 422
        assert "This must be at most 20." in wrong.text
        made = await owner.post(home, form)
        assert made.status == 303
        shown = await owner.get(made.location)
        for words in (
            "The test went well.",
            "Reached 127.0.0.1 on port",
            "as the return path",
            "Main server",
        ):
            assert words in shown.text
        assert (await owner.post(f"{made.location}/tests", {"mail": "1"})).status == 303
        [mail] = sink.to(account.owner_email)
        assert mail.message["Subject"] == "Test of the SMTP server 127.0.0.1"
        assert mail.message["Auto-Submitted"] == "auto-generated"
        sink.mail = "550 5.7.1 sender refused"
        await owner.post(f"{made.location}/tests")
        shown = await owner.get(made.location)
        assert "It does not work" in shown.text
        assert "550 5.7.1 sender refused" in shown.text
        assert "It refuses bounces@mailer.localhost" in shown.text
    assert (await owner.post(f"{made.location}/places")).status == 303
    assert "Spare" in (await owner.get(home)).text
    assert (await owner.get(f"{made.location}/deletion")).status == 200
    assert (await owner.post(f"{made.location}/deletion")).location == home
    assert (await owner.get(made.location)).status == 404
    journal = await owner.get(f"{account.app}/settings/log")
    for act in ("has created", "has tested", "has changed", "has deleted"):
        assert re.search(rf"{act}[^<]*SMTP server|{act}.{{0,200}}SMTP server", journal.text, re.DOTALL)


@pytest.mark.req("A-082")
async def test_no_page_and_no_answer_shows_the_password(make: Make, services: Services) -> None:
    account = await make.account()
    owner = await make.signed_in(account.owner_id)
    program = await make.program(account.id)
    made = await program.post(
        "/api/v1/smtp-servers",
        json={"host": "127.0.0.1", "port": 587, "username": "post", "password": "pl41n-text"},
    )
    assert made.status == 201, made.text
    found = made.json()
    assert (found["position"], found["has_password"], found["port"]) == ("main", True, 587)
    place = f"/api/v1/smtp-servers/{found['id']}"
    page = f"{account.app}/senders/servers/{found['id']}"
    moved = await program.ask("PATCH", place, json={"host": "localhost"})
    assert (moved.status, moved.json()["errors"][0]["field"]) == (422, "password")
    changed = await program.ask("PATCH", place, json={"connections": 1})
    assert (changed.status, changed.json()["connections"]) == (200, 1)
    form = {
        "host": "127.0.0.1",
        "port": "x",
        "tls": "starttls",
        "username": "post",
        "password": "typed-again",
    }
    answers = [
        made,
        changed,
        await program.get("/api/v1/smtp-servers"),
        await program.get(place),
        await program.post(f"{place}/tests", json={}),
        await owner.get(page),
        await owner.post(page, form),
        await owner.get(f"{account.app}/senders/servers"),
    ]
    for answer in answers:
        assert "pl41n-text" not in answer.text
        assert "typed-again" not in answer.text
    async with services.db.account(account.id) as tx:
        row = await tx.value("SELECT to_jsonb(s)::text FROM smtp_servers s WHERE account_id = $1")
        assert "pl41n-text" not in row
        [opened] = [await servers.one(tx, services, found["id"])]
    assert opened.password == "pl41n-text"
    assert (await program.ask("DELETE", place)).status == 204
    assert (await program.get(place)).status == 404


async def test_a_program_tests_a_server_and_mails_the_team_only(make: Make) -> None:
    account = await make.account()
    program = await make.program(account.id)
    async with Sink() as sink:
        new = {"host": "127.0.0.1", "port": sink.port, "tls": "opportunistic"}
        made = (await program.post("/api/v1/smtp-servers", json=new)).json()
        place = f"/api/v1/smtp-servers/{made['id']}/tests"
        stranger = await program.post(place, json={"recipient": "somebody@else.test"})
        assert (stranger.status, stranger.json()["errors"][0]["code"]) == (422, "not_team")
        done = await program.post(place, json={"recipient": account.owner_email})
        assert (done.status, done.json()["ok"]) == (200, True)
        assert done.json()["steps"][-1] | {"message": ""} == {
            "name": "mail",
            "ok": True,
            "code": 250,
            "reply": "2.0.0 Ok",
            "message": "",
        }
        assert sink.recipients == [account.owner_email]
    found = (await program.get(f"/api/v1/smtp-servers/{made['id']}")).json()
    assert (found["last_error"], found["tested_at"] is not None) == ("", True)


@pytest.mark.parametrize("role", ["analyst", "editor"])
async def test_only_managers_and_owners_see_servers(make: Make, role: str) -> None:
    account = await make.account()
    user_id, _ = await make.user(account.id, role)
    member = await make.signed_in(user_id)
    home = f"{account.app}/senders/servers"
    assert "SMTP servers of your own" not in (await member.get(f"{account.app}/senders")).text
    for answer in (
        await member.get(home),
        await member.get(f"{home}/new"),
        await member.post(home, {"host": "nowhere.invalid"}),
    ):
        assert answer.status == 403


async def test_a_program_needs_the_scope_of_servers(make: Make) -> None:
    account: Account = await make.account()
    program = await make.program(account.id, ["senders:write", "senders:read"])
    assert (await program.get("/api/v1/smtp-servers")).status == 403
    assert (await program.post("/api/v1/smtp-servers", json={"host": "a.test"})).status == 403


@pytest.mark.req("E-30")
async def test_whoever_changes_a_server_gave_the_password_a_moment_ago(
    make: Make, services: Services
) -> None:
    account = await make.account()
    owner = await make.signed_in(account.owner_id)
    async with services.db.shared() as tx:
        await tx.run(
            "UPDATE sessions SET confirmed_at = now() - interval '11 minutes' WHERE user_id = $1",
            account.owner_id,
        )
    home = f"{account.app}/senders/servers"
    assert (await owner.get(home)).status == 200
    assert (await owner.post(home, {"host": "127.0.0.1"})).status == 403
    assert "/app/me/confirmations" in (await owner.get(f"{home}/new")).text
