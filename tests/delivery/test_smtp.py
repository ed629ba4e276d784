"""Hand-over: where it may end, and what is known then."""

import asyncio
from collections.abc import AsyncIterator
from itertools import permutations

import pytest

from mailer.core.settings import SettingsError
from sending import smtp_url
from sending.smtp import Mail, Pool, Reply, Timeouts
from sending.smtp_url import Server
from tests.smtp_server import DIE, Received, Sink

MESSAGE = b"Subject: Pain\r\n\r\n.Bonjour\r\n..\r\nfin\r\n"


@pytest.fixture
async def sink() -> AsyncIterator[Sink]:
    async with Sink() as opened:
        yield opened


def _pool(sink: Sink, **more: object) -> Pool:
    return Pool(Server("127.0.0.1", sink.port), "client.test", **more)  # type: ignore[arg-type]


async def _hand_over(sink: Sink, recipient: str = "ana@example.test", **more: object) -> Reply:
    pool = _pool(sink, **more)
    try:
        return await pool.hand_over(Mail("bounces@mailer.test", recipient, MESSAGE))
    finally:
        await pool.close()


@pytest.mark.req("D-01")
async def test_the_message_arrives_byte_for_byte(sink: Sink) -> None:
    reply = await _hand_over(sink)
    assert (reply.stage, reply.code, reply.in_doubt, reply.unreached) == ("end", 250, False, False)
    assert sink.accepted[0].raw == MESSAGE
    assert sink.accepted[0].mail_from == "bounces@mailer.test"


async def test_dots_are_stuffed(sink: Sink) -> None:
    pieces = (".", "..", "a", "", ".a", "x" * 900, "a.", "...")
    pool = _pool(sink)
    bodies = [
        ("\r\n".join(["Subject: x", "", *lines]) + "\r\n").encode() for lines in permutations(pieces, 3)
    ]
    for body in bodies:
        await pool.hand_over(Mail("b@mailer.test", "ana@example.test", body))
    await pool.close()
    assert [mail.raw for mail in sink.accepted] == bodies


@pytest.mark.req("D-14", "D-22")
@pytest.mark.parametrize(
    ("script", "stage", "code", "doubt", "unreached"),
    [
        ({"greeting": "554 5.3.2 no service"}, "connect", 554, False, False),
        ({"greeting": "421 4.3.2 later"}, "connect", 421, False, False),
        ({"greeting": DIE}, "connect", 0, False, True),
        ({"mail": "451 4.3.0 later"}, "mail", 451, False, False),
        ({"mail": DIE}, "mail", 0, False, True),
        ({"mail": "421 4.3.0 closing"}, "mail", 421, False, False),
        ({"rcpt": {"ana@example.test": "550 5.1.1 unknown"}}, "rcpt", 550, False, False),
        ({"rcpt": {"ana@example.test": "550-5.1.1 un\r\n550 5.1.1 known"}}, "rcpt", 550, False, False),
        ({"rcpt": {"ana@example.test": DIE}}, "rcpt", 0, False, True),
        ({"rcpt": {"ana@example.test": "what?"}}, "rcpt", 0, False, True),
        ({"data": "451 4.3.0 later"}, "data", 451, False, False),
        ({"data": DIE}, "data", 0, False, True),
        ({"end": "550 5.7.1 spam"}, "end", 550, False, False),
        ({"end": "421 4.3.0 closing"}, "end", 421, False, False),
        ({"end": DIE}, "end", 0, True, False),
        ({"end": "gibberish"}, "end", 0, True, False),
    ],
)
async def test_every_end_is_told(
    script: dict[str, object], stage: str, code: int, doubt: bool, unreached: bool
) -> None:
    async with Sink(**script) as sink:  # type: ignore[arg-type]
        reply = await _hand_over(sink)
    assert (reply.stage, reply.code, reply.in_doubt, reply.unreached) == (stage, code, doubt, unreached)


async def test_nobody_listening_is_unreached() -> None:
    async with Sink() as sink:
        port = sink.port
    reply = await Pool(Server("127.0.0.1", port), "client.test").hand_over(
        Mail("a@b.test", "c@d.test", MESSAGE)
    )
    assert (reply.stage, reply.unreached) == ("connect", True)


@pytest.mark.req("D-12")
def test_we_wait_as_long_as_the_standard_asks() -> None:
    waits = Timeouts()
    assert (waits.banner, waits.mail, waits.rcpt) >= (300, 300, 300)
    assert (waits.data, waits.block, waits.end) >= (120, 180, 600)


@pytest.mark.req("D-12", "D-22")
@pytest.mark.parametrize(
    ("stalled", "stage", "doubt"), [("mail", "mail", False), ("data", "data", False), ("end", "end", True)]
)
async def test_a_stalling_server_is_given_up(stalled: str, stage: str, doubt: bool) -> None:
    waiting = asyncio.Event()

    async def stall(_: Received) -> str:
        await waiting.wait()
        return DIE

    short = Timeouts(banner=1, mail=0.2, rcpt=0.2, data=0.2, block=0.2, end=0.2)
    async with Sink(**{stalled: stall}) as sink:
        reply = await _hand_over(sink, timeouts=short)
        waiting.set()
    assert (reply.stage, reply.code, reply.in_doubt) == (stage, 0, doubt)


async def test_connections_are_shared_and_renewed(sink: Sink) -> None:
    sink.delay = 0.002
    pool = _pool(sink, size=3)
    mails = [Mail("b@mailer.test", f"p{n}@example.test", MESSAGE) for n in range(320)]
    assert {(await one).code for one in asyncio.as_completed([pool.hand_over(mail) for mail in mails])} == {
        250
    }
    await pool.close()
    assert sorted(sink.recipients) == sorted(mail.recipient for mail in mails)
    assert sink.most_open == 3
    assert sink.connections >= 4  # 100 messages each at most


async def test_a_connection_closed_while_idle_is_replaced(sink: Sink) -> None:
    pool = _pool(sink)
    mail = Mail("b@mailer.test", "ana@example.test", MESSAGE)
    assert (await pool.hand_over(mail)).code == 250
    for writer in list(sink._writers):
        writer.transport.abort()
    assert (await pool.hand_over(mail)).code == 250
    await pool.close()
    assert (sink.connections, len(sink.accepted)) == (2, 2)


async def test_a_refused_recipient_does_not_spoil_the_connection(sink: Sink) -> None:
    sink.rcpt = {"nobody@example.test": "550 5.1.1 unknown"}
    pool = _pool(sink, size=1)
    codes = [
        (await pool.hand_over(Mail("b@mailer.test", who, MESSAGE))).code
        for who in ("a@example.test", "nobody@example.test", "b@example.test")
    ]
    await pool.close()
    assert (codes, sink.connections) == ([250, 550, 250], 1)
    assert "RSET" in sink.commands


@pytest.mark.req("D-08")
async def test_an_address_beyond_ascii_needs_the_servers_word() -> None:
    async with Sink(extensions=("8BITMIME",)) as sink:
        reply = await _hand_over(sink, "zoé@exemple.test")
        assert (reply.stage, reply.code) == ("rcpt", 553)
        assert reply.text.startswith("5.6.7")
        assert not [command for command in sink.commands if command.startswith(("MAIL", "DATA"))]
    async with Sink() as sink:
        assert (await _hand_over(sink, "zoé@exemple.test")).code == 250
        assert "SMTPUTF8" in sink.accepted[0].parameters


@pytest.mark.req("D-10")
async def test_a_message_beyond_the_servers_size_is_not_transmitted() -> None:
    async with Sink(extensions=("SIZE 20",)) as sink:
        reply = await _hand_over(sink)
        assert reply.code == 552
        assert reply.text.startswith("5.3.4")
        assert not [command for command in sink.commands if command.startswith("MAIL")]
    async with Sink(extensions=("SIZE",)) as sink:
        assert (await _hand_over(sink)).code == 250


@pytest.mark.req("S10")
@pytest.mark.parametrize(
    ("url", "server"),
    [
        ("smtp://relay.test", Server("relay.test", 25, "opportunistic")),
        ("smtp://relay.test:2525?tls=none", Server("relay.test", 2525, "none")),
        ("smtp://u:p%40ss@relay.test", Server("relay.test", 587, "starttls", "u", "p@ss")),
        ("smtp://u:p@relay.test:465", Server("relay.test", 465, "implicit", "u", "p")),
        ("smtp://relay.test?tls=implicit", Server("relay.test", 465, "implicit")),
        ("smtp://u:p@127.0.0.1:1025?tls=none", Server("127.0.0.1", 1025, "none", "u", "p")),
    ],
)
def test_smtp_urls(url: str, server: Server) -> None:
    assert smtp_url.parse(url) == server


@pytest.mark.parametrize(
    "url",
    [
        "http://relay.test",
        "smtp://",
        "smtp://relay.test:many",
        "smtp://relay.test?tls=maybe",
        "smtp://relay.test?verify=no",
        "smtp://user:secret@relay.test?tls=none",
    ],
)
def test_wrong_smtp_urls_are_refused_without_telling_the_password(url: str) -> None:
    with pytest.raises(SettingsError, match="MAILER_SMTP_URL") as refused:
        smtp_url.parse(url)
    assert "secret" not in str(refused.value)
