"""The listener in front of strangers: only our own addresses, everything bounded, nothing lost (D-30, D-36)."""

import asyncio
import ssl
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from mailer.core import clock, keys
from mailer.core.errors import Unavailable
from mailer.core.rate import Limit
from retention_jobs import platform, purge
from sending import inbound, inbound_server, inbound_strays, return_paths
from sending.inbound_server import Door
from tests.feedback.conftest import Desk, connected
from tests.feedback.returned import LETTER, report
from tests.running.processes import free_port

OURS = "mailer.localhost"


def path(desk: Desk, contact: int = 5) -> str:
    account = desk.post.account.id
    paths = return_paths.of_campaign(desk.services.tokens, OURS, account_id=account, campaign_id=1)
    return paths.path(paths.token(contact, bytes(16)))


@pytest.mark.req("D-30", "D-20")
async def test_only_our_own_addresses_are_taken(desk: Desk) -> None:
    token = path(desk).partition("@")[0]
    for to in (
        "somebody@elsewhere.test",
        f"somebody@{OURS}",
        f"{token}@elsewhere.test",
        f"{token[:-4]}aaaa@{OURS}",
        f"bounces+{'a' * 48}@{OURS}",
        f"unsub+{'7' * 48}@{OURS}",
        f"{token}%elsewhere.test@{OURS}",
        f"@elsewhere.test:{token}@{OURS}x",
        "nobody",
    ):
        reply = await desk.arrives(to, LETTER, "x@y.test")
        assert reply.startswith("55"), (to, reply)
    for to in (f"{token}@{OURS}", f"{token.upper()}@{OURS.upper()}", f"postmaster@{OURS}", f"abuse@{OURS}"):
        assert (await desk.arrives(to, LETTER, "x@y.test")).startswith("250"), to
    # RFC 5321 §4.1.1.3
    assert (await desk.arrives("Postmaster", LETTER)).startswith("250")


@pytest.mark.req("D-20")
async def test_nothing_that_comes_in_is_answered_by_mail(desk: Desk) -> None:
    """RFC 5321 §4.5.5, RFC 3834 §2: two machines that answer one another never stop."""
    ana = f"ana@loop-{desk.post.account.id}.test"
    _, sent = await desk.sent(ana)
    senders = ("", ana, f"mailer-daemon@loop-{desk.post.account.id}.test")
    for to in (sent[ana].mail_from, f"postmaster@{OURS}", f"abuse@{OURS}"):
        for sender in senders:
            for raw in (LETTER, report(ana)):
                assert (await desk.arrives(to, raw, sender)).startswith("250")
    await desk.read()
    await desk.post.run(system=True)
    # the bounce had its effect, the letter lies in the tray
    assert {state for state, _, _ in await desk.mails()} == {"done", "open"}
    to_them = [mail for mail in desk.post.sink.accepted if mail.recipient in senders]
    assert to_them == [sent[ana]]
    async with desk.services.db.shared() as tx:
        assert await tx.value("SELECT count(*) FROM outbox WHERE recipient = ANY ($1)", list(senders)) == 0


@pytest.mark.req("D-30")
async def test_an_expired_return_path_is_refused(desk: Desk) -> None:
    to = path(desk)
    clock.shift(timedelta(days=31))
    assert (await desk.arrives(to, report("a@b.test"))).startswith("550 5.1.1")
    assert await desk.mails() == []


async def test_a_refused_recipient_leaves_the_others(desk: Desk) -> None:
    client = await desk.client()
    await client.say("MAIL FROM:<>")
    assert (await client.say("RCPT TO:<x@elsewhere.test>")).startswith("550")
    assert (await client.say(f"RCPT TO:<{path(desk)}>")).startswith("250")
    assert (await client.say("DATA")).startswith("354")
    assert (await client.say(LETTER + b".")).startswith("250")
    assert len(await desk.mails()) == 1


@pytest.mark.req("A-001", "S12")
async def test_a_mail_is_sealed_where_it_lies_and_goes_after_six_days(desk: Desk) -> None:
    secret = b"\r\nUn secret que personne ne doit lire: 4f1c9b\r\n"
    await desk.arrives(path(desk), LETTER + secret, "zoe@people.test")
    await desk.arrives(f"abuse@{OURS}", LETTER + secret, "zoe@people.test")
    async with desk.services.db.shared() as tx:
        strays = await tx.rows("SELECT id, content FROM stray_mails ORDER BY id DESC LIMIT 1")
    async with desk.post.tx() as tx:
        rows = await tx.rows("SELECT content, key_day FROM inbound_mails WHERE account_id = $1")
        [(content, day)] = rows
        assert b"secret" not in content + strays[0][1]
        assert b"zoe@" not in content
        plain = await keys.open_content(tx, desk.services.sealer, day=day, sealed=content)
        found = inbound.load(plain)
        assert (found.mail_from, found.returned_to, found.raw) == (
            "zoe@people.test",
            path(desk),
            LETTER + secret,
        )
    later = clock.now() + timedelta(days=6, minutes=1)
    for now, left in ((clock.now() + timedelta(days=5), 1), (later, 0)):
        async with desk.post.tx() as tx:
            await purge.content(tx, now)
            assert await tx.value("SELECT count(*) FROM inbound_mails WHERE account_id = $1") == left
            # the key that seals it stays as long
            kept = "SELECT count(*) FROM content_keys WHERE account_id = $1 AND day = $2"
            assert await tx.value(kept, day) == left
    async with desk.services.db.shared() as tx:
        await platform.purge(tx, later)
        assert await tx.value("SELECT count(*) FROM stray_mails WHERE id = $1", strays[0][0]) == 0


async def test_dots_line_ends_and_octets_arrive_as_they_were_sent(desk: Desk) -> None:
    raw = b"Subject: \xc3\xa9\r\n\r\n.dot\r\n..two\r\n.\x80\xff bare\nline\rfeed " + b"x" * 200_000 + b"\r\n"
    assert (await desk.arrives(path(desk), raw)).startswith("250")
    async with desk.post.tx() as tx:
        [(content, day)] = await tx.rows("SELECT content, key_day FROM inbound_mails WHERE account_id = $1")
        plain = await keys.open_content(tx, desk.services.sealer, day=day, sealed=content)
    assert inbound.load(plain).raw == raw


@pytest.mark.req("E-13")
async def test_a_bare_line_feed_ends_no_mail(desk: Desk) -> None:
    """Nobody smuggles a second mail through a server in front (RFC 5321 §2.3.8)."""
    inside = f"\n.\nMAIL FROM:<a@b.test>\nRCPT TO:<{path(desk, 6)}>\nDATA\nSubject: x\n\nx\n.\n\r\n".encode()
    assert (await desk.arrives(path(desk), LETTER + inside)).startswith("250")
    assert len(await desk.mails()) == 1


async def test_what_is_too_large_is_refused_and_what_is_large_is_cut(desk: Desk) -> None:
    client = await desk.client()
    declared = await client.say(f"MAIL FROM:<> SIZE={inbound_server.MAX_MESSAGE + 1}")
    assert declared.startswith("552")
    line = b"x" * 998 + b"\r\n"
    big = report("gone@taken.test") + line * (inbound_server.MAX_MESSAGE // len(line) + 1)
    assert (await desk.arrives(path(desk), big)).startswith("552")
    assert await desk.mails() == []
    ten = report("gone@taken.test") + line * 10_000
    assert (await desk.arrives(path(desk), ten)).startswith("250")
    async with desk.post.tx() as tx:
        size, kept = (await tx.rows("SELECT size, length(content) FROM inbound_mails WHERE account_id = $1"))[
            0
        ]
    assert size == len(ten)
    assert kept < inbound.KEPT_OCTETS + 1000
    # a line that never ends is gathered nowhere
    assert (await desk.arrives(path(desk, 7), b"y" * inbound_server.MAX_MESSAGE + b"\r\n")).startswith("552")


async def test_one_return_path_takes_a_handful_of_mails_an_hour(desk: Desk) -> None:
    client, to = await desk.client(), path(desk)
    replies = [
        await client.send(to if n % 2 else to.upper(), f"Subject: {n}\r\n\r\nx\r\n".encode())
        for n in range(inbound_server.OF_ONE_ADDRESS.count + 1)
    ]
    assert {reply[:3] for reply in replies[:-1]} == {"250"}
    assert replies[-1].startswith("450 4.2.1")
    assert (await client.send(path(desk, 6), LETTER)).startswith("250")


async def test_mail_of_no_account_fills_no_disk(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    async with desk.services.db.shared() as tx:
        await tx.run("DELETE FROM stray_mails")
    monkeypatch.setattr(inbound, "MOST_STRAYS", 2)
    for n in range(2):
        assert (await desk.arrives(f"postmaster@{OURS}", LETTER + b"%d\r\n" % n)).startswith("250")
    # not read yet: each of them may be a complaint
    assert (await desk.arrives(f"postmaster@{OURS}", LETTER + b"more\r\n")).startswith("452 4.3.1")
    assert (await desk.arrives(path(desk), LETTER)).startswith("250")
    assert len(await strays(desk)) == 2
    await desk.read()
    before = await strays(desk)
    assert (await desk.arrives(f"abuse@{OURS}", LETTER + b"more\r\n")).startswith("250")
    after = await strays(desk)
    # the oldest that waits for a person made room; the same mail again takes none
    assert (len(before), len(after), before[1:] == after[:1]) == (2, 2, True)
    await desk.read()
    assert (await desk.arrives(f"abuse@{OURS}", LETTER + b"more\r\n")).startswith("250")
    assert await strays(desk) == after


async def strays(desk: Desk) -> list[int]:
    async with desk.services.db.shared() as tx:
        return [found for (found,) in await tx.rows("SELECT id FROM stray_mails ORDER BY id")]


async def test_one_network_fills_no_tray_of_role_addresses(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inbound_server, "OF_ONE_NETWORK", Limit(f"test-{desk.post.account.id}", 3, 3_600))
    client = await desk.client()
    replies = [
        await client.send(f"{to}@{OURS}", f"Subject: {n}\r\n\r\nx\r\n".encode())
        for n, to in enumerate(("postmaster", "abuse", "abuse", "postmaster"))
    ]
    assert [reply[:9] for reply in replies] == ["250 2.0.0"] * 3 + ["450 4.2.1"]
    # what is for an account has its own limit
    assert (await client.send(path(desk), LETTER)).startswith("250")


def test_a_network_is_what_one_operator_has() -> None:
    assert {inbound_server.network(f"192.0.2.{n}") for n in (1, 200)} == {"192.0.2.0/24"}
    assert inbound_server.network("::ffff:192.0.2.9") == "192.0.2.0/24"
    assert {inbound_server.network(f"2001:db8:1:{n}::1") for n in (1, 9)} == {"2001:db8:1::/48"}


async def test_who_knows_one_token_fills_no_accounts_tray(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inbound_strays, "OF_ONE_PERSON", Limit(f"handed-{desk.post.account.id}", 2, 3_600))
    client, named = await desk.client(), path(desk).encode()
    for n in range(4):
        letter = b"Subject: %d\r\n\r\n%s\r\n" % (n, named)
        assert (await client.send(f"abuse@{OURS}", letter)).startswith("250")
    other = b"Subject: other\r\n\r\n%s\r\n" % path(desk, 6).encode()
    assert (await client.send(f"abuse@{OURS}", other)).startswith("250")
    await desk.read()
    assert len(await desk.mails()) == 3


async def test_a_mail_that_goes_in_circles_is_refused(desk: Desk) -> None:
    hops = b"Received: from a by b; today\r\n" * (inbound_server.MOST_HOPS + 1)
    assert (await desk.arrives(path(desk), hops + LETTER)).startswith("554 5.4.6")
    assert (await desk.arrives(path(desk), hops[30:] + LETTER)).startswith("250")


async def test_commands_and_nonsense_have_an_end(desk: Desk) -> None:
    client = await desk.client()
    replies = [await client.say("NOOP") for _ in range(inbound_server.COMMANDS["*"] + 1)]
    assert replies[-1].startswith("421")
    assert await client.reader.read() == b""
    client = await desk.client()
    assert (await client.say("A" * 100_000)).startswith("500")
    assert (await client.say("AUTH PLAIN AGEAYg==")).startswith("5")
    assert (await client.say("VRFY postmaster")).startswith("252")
    assert "AUTH" not in await client.say("EHLO again.test")


async def test_a_client_that_drips_is_cut_off(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inbound_server, "PATIENCE_SECONDS", 0.5)
    client = await desk.client()
    for line in ("MAIL FROM:<>", f"RCPT TO:<{path(desk)}>", "DATA"):
        await client.say(line)
    async with asyncio.timeout(20):
        try:
            while not client.reader.at_eof():
                client.writer.write(b"x\r\n")
                await client.writer.drain()
                await asyncio.sleep(0.05)
        except ConnectionError:
            pass
    assert await desk.mails() == []


async def test_too_many_connections_are_told_to_come_later(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inbound_server, "MOST_CONNECTIONS", 2)
    first, _ = await desk.client(), await desk.client()
    reader, writer = await asyncio.open_connection("127.0.0.1", desk.port)
    assert (await reader.readline()).startswith(b"421 4.7.0")
    writer.close()
    assert (await first.say("QUIT")).startswith("221")
    async with asyncio.timeout(20):
        while True:
            reader, writer = await asyncio.open_connection("127.0.0.1", desk.port)
            line = await reader.readline()
            writer.close()
            if line.startswith(b"220"):
                break
            await asyncio.sleep(0.05)


def test_one_network_neighbour_does_not_take_every_place() -> None:
    door = Door()
    assert [door.enter("198.51.100.7") for _ in range(21)] == [True] * 20 + [False]
    assert door.enter("198.51.100.8")
    door.leave("198.51.100.7")
    assert door.enter("198.51.100.7")


async def test_without_the_database_a_mail_is_put_off(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """The real store, with no connection to be had."""

    class Away:
        def shared(self) -> object:
            raise Unavailable("no database connection")

    away = replace(desk.services, db=Away())  # type: ignore[arg-type]  # as a database that is gone
    client = await desk.client()
    settings = away.settings.model_copy(update={"inbound_listen": f"127.0.0.1:{free_port()}"})
    async with inbound_server.listening(replace(away, settings=settings)) as opened:
        other = await connected(opened)
        assert (await other.send(path(desk), LETTER)).startswith("451 4.3.0")
        # and the connection goes on
        assert (await other.say("NOOP")).startswith("250")
        await other.close()
    assert (await client.send(path(desk), LETTER)).startswith("250")


async def test_starttls_with_the_operators_certificate(desk: Desk, tmp_path: Path) -> None:
    chain, key = _certificate(tmp_path)
    operator = desk.services.settings.operator.model_copy(
        update={"inbound_certificate": chain, "inbound_key": key}
    )
    port = free_port()
    settings = desk.services.settings.model_copy(
        update={"operator": operator, "inbound_listen": f"127.0.0.1:{port}"}
    )
    async with inbound_server.listening(replace(desk.services, settings=settings)):
        client = await connected(port)
        assert "STARTTLS" in await client.say("EHLO mx.taken.test")
        assert (await client.say("STARTTLS")).startswith("220")
        trust = ssl.create_default_context(cafile=str(chain))
        await client.writer.start_tls(trust, server_hostname=OURS)
        assert (await client.say("EHLO mx.taken.test")).startswith("250")
        assert (await client.send(path(desk), LETTER)).startswith("250")
        await client.close()
    assert "STARTTLS" not in await (await desk.client()).say("EHLO mx.taken.test")


def _certificate(folder: Path) -> tuple[Path, Path]:
    secret = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, OURS)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(secret.public_key())
        .serial_number(7)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(OURS)]), critical=False)
        .sign(secret, hashes.SHA256())
    )
    chain, key = folder / "chain.pem", folder / "key.pem"
    chain.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    key.write_bytes(
        secret.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return chain, key
