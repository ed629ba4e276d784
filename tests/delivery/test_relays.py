"""Servers of somebody else's: aiosmtpd with TLS and passwords, and our own inbox at the end of a campaign."""

import asyncio
import datetime
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from ipaddress import ip_address
from pathlib import Path

import pytest
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from sending import inbox, inbox_server, smtp
from sending.smtp import Mail, Pool
from sending.smtp_url import Server, Tls
from tests.delivery.conftest import People, Post

MAIL = Mail("bounces@mailer.test", "ana@example.test", b"Subject: Pain\r\n\r\nBonjour\r\n")


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for 127.0.0.1 that nobody has signed but itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .sign(key, SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "server.pem"
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    path.write_bytes(private + made.public_bytes(Encoding.PEM))
    return path


@dataclass
class Kept:
    """aiosmtpd's handler: what came, and whether by TLS and with a password."""

    mails: list[tuple[str, bool, bool]] = field(default_factory=list)

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        secure = server.transport is not None and server.transport.get_extra_info("cipher") is not None
        self.mails.append((envelope.rcpt_tos[0], secure, bool(session.authenticated)))
        return "250 2.0.0 Ok"


def _password(*call: object) -> AuthResult:
    given = call[4]
    assert isinstance(given, LoginPassword)
    # handled=False: aiosmtpd itself says 535
    return AuthResult(success=(given.login, given.password) == (b"post", b"s3cret"), handled=False)


@asynccontextmanager
async def _relay(certificate: Path, tls: Tls, *, auth: bool = False) -> AsyncIterator[tuple[Kept, int]]:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)
    kept, loop = Kept(), asyncio.get_running_loop()

    def session() -> SMTP:
        return SMTP(
            kept,
            hostname="relay.test",
            tls_context=context if tls in ("starttls", "opportunistic") else None,
            require_starttls=tls == "starttls",
            auth_required=auth,
            auth_require_tls=tls != "implicit",
            authenticator=_password if auth else None,
            loop=loop,
        )

    made: Callable[[], SMTP] = session
    server = await loop.create_server(made, "127.0.0.1", 0, ssl=context if tls == "implicit" else None)
    try:
        yield kept, server.sockets[0].getsockname()[1]
    finally:
        server.close()


@pytest.mark.req("D-18")
@pytest.mark.parametrize("tls", ["opportunistic", "starttls", "implicit", "none"])
async def test_each_way_of_encrypting(certificate: Path, tls: Tls, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    async with _relay(certificate, tls) as (kept, port):
        pool = Pool(Server("127.0.0.1", port, tls), "client.test")
        reply = await pool.hand_over(MAIL)
        await pool.close()
    assert reply.code == 250
    assert kept.mails == [("ana@example.test", tls != "none", False)]


@pytest.mark.req("D-18")
@pytest.mark.parametrize(
    ("tls", "taken"), [("opportunistic", True), ("starttls", False), ("implicit", False)]
)
async def test_a_certificate_of_nobodys_is_refused_where_tls_is_demanded(
    certificate: Path, tls: Tls, taken: bool
) -> None:
    async with _relay(certificate, tls) as (kept, port):
        pool = Pool(Server("127.0.0.1", port, tls), "client.test")
        reply = await pool.hand_over(MAIL)
        await pool.close()
    assert (reply.code == 250, reply.stage == "connect") == (taken, not taken)
    assert [secure for _, secure, _ in kept.mails] == ([True] if taken else [])


@pytest.mark.req("D-18")
async def test_without_starttls_nothing_leaves_where_it_is_demanded(certificate: Path) -> None:
    async with _relay(certificate, "none") as (kept, port):
        reply = await Pool(Server("127.0.0.1", port, "starttls"), "client.test").hand_over(MAIL)
    assert (reply.stage, reply.code) == ("connect", 0)
    assert kept.mails == []


@pytest.mark.parametrize(("password", "code"), [("s3cret", 250), ("wrong", 535)])
async def test_the_password_is_given_and_a_wrong_one_is_told(
    certificate: Path, monkeypatch: pytest.MonkeyPatch, password: str, code: int
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    async with _relay(certificate, "starttls", auth=True) as (kept, port):
        pool = Pool(Server("127.0.0.1", port, "starttls", "post", password), "client.test")
        reply = await pool.hand_over(MAIL)
        await pool.close()
    assert reply.code == code
    assert len(kept.mails) == (code == 250)
    assert "s3cret" not in repr(pool.server)


@pytest.mark.req("D-32")
async def test_a_campaign_ends_in_the_local_inbox(post: Post, people: People) -> None:
    tag = f"inbox-{post.account.id}.test"
    listed = await people(f"ana@{tag}", f"zoé@{tag}", f"bounce@{tag}", f"full@{tag}")
    settings = post.services.settings.model_copy(update={"inbox": "127.0.0.1:0"})
    async with inbox_server.listening(settings, post.services.db) as port:
        changed = settings.model_copy(update={"inbox": f"127.0.0.1:{port}"})
        post.services = replace(post.services, settings=changed)
        campaign = await post.campaign([listed])
        await post.run()
        await smtp.close_pools()
    assert await post.states(campaign) == {
        f"ana@{tag}": ("delivered", ""),
        f"zoé@{tag}": ("delivered", ""),
        f"bounce@{tag}": ("bounced", "hard"),
        f"full@{tag}": ("queued", ""),
    }
    async with post.services.db.shared() as tx:
        found = await inbox.many(tx, tag)
    assert {line.recipient: line.subject for line in found} == {
        f"ana@{tag}": "Du pain Ana",
        f"zoé@{tag}": "Du pain Ana",
    }
    assert {line.campaign for line in found} == {(post.account.id, campaign)}
