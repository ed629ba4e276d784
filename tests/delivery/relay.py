"""An SMTP server of somebody else's: aiosmtpd, with TLS and passwords. `certificate` is a fixture."""

import asyncio
import datetime
import ssl
import warnings
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path

import pytest
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from sending.smtp_url import Tls


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
async def relay(certificate: Path, tls: Tls, *, auth: bool = False) -> AsyncIterator[tuple[Kept, int]]:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)
    kept, loop = Kept(), asyncio.get_running_loop()

    def session() -> SMTP:
        with warnings.catch_warnings():
            # it does not know that this connection has TLS from the start
            warnings.filterwarnings("ignore", "Requiring AUTH while not requiring TLS")
            return made()

    def made() -> SMTP:
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

    server = await loop.create_server(session, "127.0.0.1", 0, ssl=context if tls == "implicit" else None)
    try:
        yield kept, server.sockets[0].getsockname()[1]
    finally:
        server.close()
