"""Amazon SNS as it is seen from outside: an authority, a host that serves certificates, messages with signatures."""

import asyncio
import base64
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import orjson
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.x509.oid import AuthorityInformationAccessOID, NameOID

HOST = "sns.eu-west-3.amazonaws.com"
TOPIC = "arn:aws:sns:eu-west-3:123456789012:mailer"
CERTIFICATE_URL = f"https://{HOST}/SimpleNotificationService-0123456789abcdef.pem"
TRUST_HOST = "crt.trust.test"
CONFIRM_URL = f"https://{HOST}/?Action=ConfirmSubscription&TopicArn={TOPIC}&Token=2336412f37"


def name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def certificate(
    subject: str,
    key: rsa.RSAPrivateKey,
    issuer: tuple[str, rsa.RSAPrivateKey] | None = None,
    *,
    days: tuple[int, int] = (-1, 1),
    issued_at: str = "",
    authority: bool = False,
) -> x509.Certificate:
    """Signed by the issuer, or by itself as an authority. `issued_at`: where it says that its issuer is."""
    now = datetime.now(UTC)
    signer, signing = issuer or (subject, key)
    made = (
        x509.CertificateBuilder()
        .subject_name(name(subject))
        .issuer_name(name(signer))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now + timedelta(days=days[0]))
        .not_valid_after(now + timedelta(days=days[1]))
        .add_extension(x509.BasicConstraints(ca=authority or issuer is None, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(signing.public_key()), critical=False
        )
    )
    if issued_at:
        access = x509.AccessDescription(
            AuthorityInformationAccessOID.CA_ISSUERS, x509.UniformResourceIdentifier(issued_at)
        )
        made = made.add_extension(x509.AuthorityInformationAccess([access]), critical=False)
    if authority or issuer is None:
        usage = x509.KeyUsage(False, False, False, False, False, True, True, False, False)
        made = made.add_extension(usage, critical=True)
    else:
        made = made.add_extension(x509.SubjectAlternativeName([x509.DNSName(subject)]), critical=False)
    return made.sign(signing, hashes.SHA256())


def new_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def pem(one: x509.Certificate) -> bytes:
    return one.public_bytes(serialization.Encoding.PEM)


@dataclass
class Amazon:
    """`asked`: the targets that were fetched. `status`: of the answers. `issuers`: certificates by their path, on
    the port without TLS. `trusted`: the authority of all."""

    signing: rsa.RSAPrivateKey
    signer: x509.Certificate
    trusted: tuple[str, rsa.RSAPrivateKey]
    port: int = 0
    open_port: int = 0
    issuers: dict[str, bytes] = field(default_factory=dict)
    status: int = 200
    asked: list[str] = field(default_factory=list)

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        self.asked.append(head.split(b" ")[1].decode())
        body = self.issuers.get(self.asked[-1], b"<ConfirmSubscriptionResponse/>")
        body = pem(self.signer) if self.asked[-1].endswith(".pem") else body
        # in two chunks, as its front end may do
        writer.write(
            b"HTTP/1.1 %d x\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n" % self.status
        )
        for part in (body[:10], body[10:]):
            writer.write(b"%x\r\n%b\r\n" % (len(part), part))
        writer.write(b"0\r\n\r\n")
        await writer.drain()
        writer.close()

    def message(self, content: object, *, version: str = "2", **changes: str) -> bytes:
        """A notification, its signature made over what AWS documents, one line a name and one a value."""
        members = {
            "Type": "Notification",
            "MessageId": "22b80b92-fdea-4c2c-8f9d-bdfb0c7bf324",
            "TopicArn": TOPIC,
            "Message": content if isinstance(content, str) else orjson.dumps(content).decode(),
            "Timestamp": datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        } | changes
        members.pop("SigningCertURL", None)
        order = ["Message", "MessageId", "Timestamp", "TopicArn", "Type"]
        if "Subject" in members:
            order.insert(2, "Subject")
        if "Token" in members:
            order[2:3] = ["SubscribeURL", "Timestamp", "Token"]
        lines = [text for key in order for text in (key, members[key])]
        digest = {"1": hashes.SHA1(), "2": hashes.SHA256()}[version]
        signature = self.signing.sign("\n".join([*lines, ""]).encode(), padding.PKCS1v15(), digest)
        members |= {
            "SignatureVersion": version,
            "Signature": base64.b64encode(signature).decode(),
            "SigningCertURL": changes.get("SigningCertURL", CERTIFICATE_URL),
        }
        return orjson.dumps(members)

    def confirmation(self, **changes: str) -> bytes:
        more = {"Type": "SubscriptionConfirmation", "Token": "2336412f37", "SubscribeURL": CONFIRM_URL}
        return self.message("You have chosen to subscribe", **(more | changes))


@asynccontextmanager
async def serving(folder: Path, subject: str = "sns.amazonaws.com") -> AsyncIterator[tuple[Amazon, Path]]:
    """With the file of the authority that a client has to trust."""
    authority, front, signing = new_key(), new_key(), new_key()
    issuer = ("Test Authority", authority)
    trusted = folder / "authority.pem"
    trusted.write_bytes(pem(certificate("Test Authority", authority)))
    chain = folder / "front.pem"
    chain.write_bytes(
        front.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        + pem(certificate(HOST, front, issuer))
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain)
    amazon = Amazon(signing, certificate(subject, signing, issuer), issuer)
    server = await asyncio.start_server(amazon.answer, "127.0.0.1", 0, ssl=context)
    plain = await asyncio.start_server(amazon.answer, "127.0.0.1", 0)
    amazon.port = server.sockets[0].getsockname()[1]
    amazon.open_port = plain.sockets[0].getsockname()[1]
    async with server, plain:
        yield amazon, trusted
