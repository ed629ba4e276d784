"""The wall: nothing private is reached by any spelling, and nobody on the other side can spend what is ours (E-54)."""

import asyncio
import datetime as dt
import gzip
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from ipaddress import IPv4Network
from pathlib import Path

import pytest
from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from mailer.core.errors import Invalid
from mailer.web import outgoing
from mailer.web.outgoing import Answer, Lookup, Outcome, Wall, calling, check_url
from tests.webhooks.receiver import Receiver, answering

pytestmark = pytest.mark.req("E-54")
OUTSIDE = Wall()
HERE = Wall(local=True)
# the same machine or network, however it is spelled
PRIVATE = [
    "https://127.0.0.1/",
    "https://127.1/",
    "https://127.0.1/",
    "https://0x7f000001/",
    "https://0x7f.0.0.1/",
    "https://2130706433/",
    "https://0177.0.0.1/",
    "https://017700000001/",
    "https://0/",
    "https://0.0.0.0/",
    "https://10.0.0.1/",
    "https://172.16.0.1/",
    "https://192.168.1.1/",
    "https://100.64.0.1/",
    "https://169.254.169.254/latest/meta-data/",
    "https://224.0.0.1/",
    "https://255.255.255.255/",
    "https://[::1]/",
    "https://[::]/",
    "https://[::ffff:10.0.0.1]/",
    "https://[::ffff:a00:1]/",
    "https://[64:ff9b::a00:1]/",
    "https://[fc00::1]/",
    "https://[fe80::1]/",
    "https://[fe80::1%25eth0]/",
    "https://[2002:a00:1::]/",
    "https://localhost/",
    "https://localhost./",
    "https://a.localhost/",
    "https://intranet/",
    "https://db.internal/",
    "https://printer.local/",
]
CROOKED = [
    "http://example.com/",
    "gopher://example.com/",
    "file:///etc/passwd",
    "ftp://example.com/",
    "//example.com/",
    "example.com",
    "https://",
    "https:///x",
    "https://user:secret@example.com/",
    "https://user@example.com/",
    "https://example.com@127.0.0.1/",
    "https://example.com/#part",
    "https://example.com:22/",
    "https://example.com:8443/",
    "https://example.com:99999/",
    "https://example.com\\@127.0.0.1/",
    "https://exa mple.com/",
    "https://example.com/\r\nX: y",
    "https://example.com\t/",
    "https://ex\u00e4mple.com/",
    "https://\u2460\u2461\u2466.0.0.1/",
    "https://[::1/",
]


@pytest.mark.parametrize("url", PRIVATE + CROOKED)
def test_such_an_address_is_refused_at_the_field(url: str) -> None:
    with pytest.raises(Invalid) as refused:
        check_url(url, OUTSIDE)
    assert [fault.field for fault in refused.value.faults] == ["url"]


@pytest.mark.parametrize(
    "url",
    [
        "https://example.com",
        "https://example.com:443/a?b=c",
        "https://xn--exmple-cua.com/",
        "https://8.8.8.8/",
    ],
)
def test_a_public_address_is_taken(url: str) -> None:
    check_url(url, OUTSIDE)


def test_a_development_copy_takes_this_machine_and_still_no_private_network() -> None:
    for url in ("http://localhost:9000/hooks", "http://127.0.0.1:9000/", "https://[::1]:8443/"):
        check_url(url, HERE)
    for url in ("http://10.0.0.1/", "http://169.254.169.254/", "http://192.168.0.2:9000/"):
        with pytest.raises(Invalid):
            check_url(url, HERE)


def says(*answers: list[str]) -> tuple[Lookup, list[str]]:
    """A DNS that gives these, one after the other, then the last for ever; and what it was asked."""
    asked: list[str] = []

    async def lookup(host: str, port: int) -> list[str]:
        asked.append(host)
        return answers[min(len(asked), len(answers)) - 1]

    return lookup, asked


async def post(wall: Wall, url: str) -> Answer:
    async with calling(wall, connections=1) as caller:
        return await caller.post(url, b"{}", {})


@pytest.mark.parametrize(
    "addresses",
    [["10.0.0.1"], ["127.0.0.1"], ["169.254.169.254"], ["::1"], ["8.8.8.8", "10.0.0.1"], ["::ffff:7f00:1"]],
)
async def test_a_name_that_leads_to_a_private_network_is_not_connected_to(
    receiver: Receiver, addresses: list[str]
) -> None:
    lookup, asked = says(addresses)
    wall = Wall(ports=(receiver.port,), lookup=lookup)
    answer = await post(wall, f"https://evil.test:{receiver.port}/hooks")
    assert (answer.outcome, asked, receiver.heard) == (Outcome.NOT_ALLOWED, ["evil.test"], [])


async def test_every_private_spelling_is_refused_again_when_it_is_called(receiver: Receiver) -> None:
    """An address that was stored before a rule was there gets no further, either."""
    for url in PRIVATE:
        assert (await post(OUTSIDE, url)).outcome is Outcome.NOT_ALLOWED, url


async def test_the_socket_itself_refuses_what_got_past_everything_else(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outgoing, "_fault", lambda url, wall: "")
    answer = await post(Wall(ports=(receiver.port,)), receiver.url)
    assert (answer.outcome, receiver.heard) == (Outcome.NOT_ALLOWED, [])


@asynccontextmanager
async def secure(folder: Path, *names: str) -> AsyncIterator[tuple[int, ssl.SSLContext, list[str | None]]]:
    """An HTTPS server with a certificate of these names: port, a context that trusts it, the names asked for."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "tests")])
    now = dt.datetime.now(dt.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(one) for one in names]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = certificate.public_bytes(serialization.Encoding.PEM)
    file = folder / "server.pem"
    file.write_bytes(
        pem
        + key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    asked: list[str | None] = []
    context.sni_callback = lambda _socket, host, _context: asked.append(host)
    trusting = ssl.create_default_context(cadata=pem.decode())
    app = web.Application()

    async def take(_: web.Request) -> web.Response:
        return web.Response(text="secure")

    app.router.add_post("/hooks", take)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context).start()
    yield runner.addresses[0][1], trusting, asked
    await runner.cleanup()


async def test_the_address_that_was_looked_at_is_the_one_connected_to(tmp_path: Path) -> None:
    """DNS rebinding: the second answer would lead elsewhere, and is never asked for; TLS checks the name."""
    async with secure(tmp_path, "hooks.test") as (port, trusting, asked_of_tls):
        lookup, asked = says(["127.0.0.1"], ["10.0.0.1"])
        wall = Wall(networks=(IPv4Network("127.0.0.1/32"),), ports=(port,), lookup=lookup, trusted=trusting)
        answer = await post(wall, f"https://hooks.test:{port}/hooks")
        assert (answer.outcome, answer.text, asked, asked_of_tls) == (
            Outcome.ACCEPTED,
            "secure",
            ["hooks.test"],
            ["hooks.test"],
        )
        # the second connection asks again, and what it hears now is looked at
        assert (await post(wall, f"https://hooks.test:{port}/hooks")).outcome is Outcome.NOT_ALLOWED


async def test_a_certificate_of_another_name_is_not_spoken_to(tmp_path: Path) -> None:
    async with secure(tmp_path, "other.test") as (port, trusting, _):
        lookup, _asked = says(["127.0.0.1"])
        wall = Wall(networks=(IPv4Network("127.0.0.1/32"),), ports=(port,), lookup=lookup, trusted=trusting)
        assert (await post(wall, f"https://hooks.test:{port}/hooks")).outcome is Outcome.TLS
        untrusting = Wall(networks=(IPv4Network("127.0.0.1/32"),), ports=(port,), lookup=lookup)
        assert (await post(untrusting, f"https://other.test:{port}/hooks")).outcome is Outcome.TLS


async def test_a_redirect_to_the_metadata_service_is_not_followed(receiver: Receiver) -> None:
    receiver.status, receiver.headers = 302, {"Location": "http://169.254.169.254/latest/"}
    answer = await post(HERE, receiver.url)
    assert (answer.outcome, answer.status) == (Outcome.REDIRECTED, 302)
    assert len(receiver.heard) == 1


@pytest.fixture
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Limits of a second, so that a test does not wait for the real ones."""
    monkeypatch.setattr(outgoing, "SECONDS", 1.0)
    monkeypatch.setattr(outgoing, "ANSWER_SECONDS", 0.3)


async def test_a_body_without_end_is_read_to_its_bound_only(patience: None, receiver: Receiver) -> None:
    sent = 0

    async def endless(request: web.Request) -> web.StreamResponse:
        nonlocal sent
        answer = web.StreamResponse()
        await answer.prepare(request)
        while True:
            await answer.write(b"x" * 65_536)
            sent += 65_536

    receiver.reply = endless
    answer = await post(HERE, receiver.url)
    assert (answer.outcome, answer.text) == (Outcome.ACCEPTED, "x" * 500)
    assert sent < 20_000_000  # what fits into the buffers of two sockets


async def test_a_body_that_drips_does_not_hold_up_what_is_known_by_then(
    patience: None, receiver: Receiver
) -> None:
    async def drips(request: web.Request) -> web.StreamResponse:
        answer = web.StreamResponse()
        await answer.prepare(request)
        while True:
            await answer.write(b".")
            await asyncio.sleep(0.01)

    receiver.reply = drips
    answer = await post(HERE, receiver.url)
    assert answer.outcome is Outcome.ACCEPTED
    assert set(answer.text) <= {"."}


@pytest.mark.parametrize(
    ("data", "endless", "outcome"),
    [
        (b"", False, {Outcome.UNREACHABLE, Outcome.MALFORMED}),
        (b"\x00\xff not http at all\r\n\r\n", False, {Outcome.MALFORMED}),
        (b"HTTP/1.1 200 OK\r\nX-A: " + b"a" * 100_000 + b"\r\n\r\n", False, {Outcome.MALFORMED}),
        (b"HTTP/1.1 200 OK\r\n" + b"X-A: a\r\n" * 5_000 + b"\r\n", False, {Outcome.MALFORMED}),
        (
            b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 9\r\n\r\nhello",
            False,
            {Outcome.MALFORMED},
        ),
        (b"HTTP/1.1 99999 Odd\r\n\r\n", False, {Outcome.MALFORMED}),
        (b"H", True, {Outcome.TIMEOUT, Outcome.MALFORMED}),
        (b"HTTP/1.1 100 Continue\r\n\r\n", True, {Outcome.TIMEOUT, Outcome.MALFORMED}),
    ],
)
async def test_what_is_no_answer_is_a_failure_in_bounded_time(
    patience: None, data: bytes, endless: bool, outcome: set[Outcome]
) -> None:
    async with asyncio.timeout(20), answering(data, endless=endless) as port:
        assert (await post(HERE, f"http://127.0.0.1:{port}/")).outcome in outcome


async def test_headers_that_drip_meet_the_time_limit(patience: None) -> None:
    hold = asyncio.Event()

    async def slow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\n")
        await hold.wait()
        writer.close()

    server = await asyncio.start_server(slow, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    assert (await post(HERE, f"http://127.0.0.1:{port}/")).outcome is Outcome.TIMEOUT
    hold.set()
    server.close()


async def test_a_gzip_bomb_stays_packed(receiver: Receiver) -> None:
    bomb = gzip.compress(b"\0" * 50_000_000)

    async def explode(_: web.Request) -> web.Response:
        return web.Response(body=bomb, headers={"Content-Encoding": "gzip"})

    receiver.reply = explode
    answer = await post(HERE, receiver.url)
    assert (answer.outcome, answer.text) == (Outcome.ACCEPTED, "")


async def test_what_is_shown_of_an_answer_has_no_control_characters(receiver: Receiver) -> None:
    async def odd(_: web.Request) -> web.Response:
        return web.Response(body=b"a\0b\x1b[31mc\xff\xfe\nd", content_type="text/plain")

    receiver.reply = odd
    assert (await post(HERE, receiver.url)).text == "ab[31mc\ufffd\ufffd\nd"


async def test_cookies_and_names_of_the_environment_play_no_part(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1/")
    receiver.headers = {"Set-Cookie": "a=b"}
    async with calling(HERE, connections=1) as caller:
        for _ in range(2):
            assert (await caller.post(receiver.url, b"{}", {})).outcome is Outcome.ACCEPTED
    assert "cookie" not in receiver.heard[1].headers
