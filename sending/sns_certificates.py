"""Certificates that Amazon SNS signs with: whose they are, and which authority vouches for them.

    SigningCertURL ─▶ PEM, over TLS ─▶ its issuer, where it names one ─▶ an authority of this system ─▶ kept

Amazon serves the certificate alone. Who issued it stands in it (RFC 5280 §4.2.2.1), at an address without
TLS: what is fetched there proves itself by the chain, or is worth nothing.
"""

import re
import ssl
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.x509.oid import AuthorityInformationAccessOID, NameOID
from cryptography.x509.verification import PolicyBuilder, Store, VerificationError

from mailer.core import clock
from mailer.core.errors import Unavailable
from mailer.core.settings import Settings
from sending import fence, pinned_https
from sending.hook_events import Refused

PATH = re.compile(r"/SimpleNotificationService-[A-Za-z0-9]{1,128}\.pem")
_KEPT = 16
# Amazon's have two authorities between certificate and root
_MOST_ISSUERS = 3
_PEM = re.compile(rb"-----BEGIN CERTIFICATE-----[^-]{1,20000}-----END CERTIFICATE-----")
# the parts of Amazon's cloud, and the names their hosts end with
_SUFFIXES = {
    "aws": "amazonaws.com",
    "aws-us-gov": "amazonaws.com",
    "aws-cn": "amazonaws.com.cn",
    "aws-eusc": "amazonaws.eu",
}
# asked before Amazon is: how often is for the caller to say
Ask = Callable[[], Awaitable[object]]


class Unreachable(Unavailable):
    """Amazon does not answer now. `why`: a word of feedback_hooks.ERRORS."""

    def __init__(self, why: str, error: Exception) -> None:
        super().__init__(f"Amazon's {why}: {type(error).__name__}")
        self.why = why


# certificates of this process by address, the least used forgotten first
_certificates: OrderedDict[str, x509.Certificate] = OrderedDict()


def host_of(topic: str) -> str:
    """Where the topic lives: only this host speaks for it."""
    region, suffix = _place(topic)
    return f"sns.{region}.{suffix}"


def names_of(topic: str) -> set[str]:
    """To whom a certificate that signs for the topic is issued: most regions share one, those that an account
    has to switch on (Milan, Zürich), China and the sovereign cloud have their own."""
    region, suffix = _place(topic)
    shared = "sns-us-gov-west-1" if region.startswith("us-gov-") else "sns"
    return {f"{one}.{suffix}" for one in (shared, f"sns.{region}", f"sns-signing.{region}", f"sns-{region}")}


def _place(topic: str) -> tuple[str, str]:
    _, partition, _, region, *_ = topic.split(":")
    return region, _SUFFIXES[partition]


async def get(url: str, topic: str, settings: Settings, ask: Ask) -> RSAPublicKey:
    """The key of a certificate that is valid now. `url`: at the topic's host. Raises Refused, Unreachable."""
    found = _certificates.get(url)
    if found is None:
        await ask()
        found = await _fetch(url, topic, settings)
        _certificates[url] = found
        while len(_certificates) > _KEPT:
            _certificates.popitem(last=False)
    _certificates.move_to_end(url)
    key = found.public_key()
    in_time = found.not_valid_before_utc <= clock.now() <= found.not_valid_after_utc
    if not in_time or not isinstance(key, RSAPublicKey):
        raise Refused("signature")
    return key


async def _fetch(url: str, topic: str, settings: Settings) -> x509.Certificate:
    try:
        pem = await pinned_https.get(url, fence.of(settings, (pinned_https.PORT,)))
        leaf, *issuers = _read(pem)
    except (OSError, ValueError) as error:
        raise Unreachable("certificate", error) from error
    name = _name(leaf, names_of(topic))
    roots = _roots()
    while not _is_vouched(leaf, name, issuers, roots):
        above = _issuer_url(issuers[-1] if issuers else leaf)
        if not above or len(issuers) >= _MOST_ISSUERS:
            raise Refused("signature")
        try:
            given = await pinned_https.get_open(above, fence.of(settings, (pinned_https.OPEN_PORT,)))
            issuers.append(x509.load_der_x509_certificate(given))
        except (OSError, ValueError) as error:
            raise Unreachable("certificate", error) from error
    return leaf


def _read(pem: bytes) -> list[x509.Certificate]:
    """Raises ValueError for what holds none."""
    found = [x509.load_pem_x509_certificate(one) for one in _PEM.findall(pem)]
    if not found:
        raise ValueError("no certificate")
    return found


def _name(leaf: x509.Certificate, wanted: set[str]) -> str:
    """Which of Amazon's names it is issued to. Raises Refused for another's."""
    try:
        names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName)
        given = set(names.value.get_values_for_type(x509.DNSName))
    except (x509.ExtensionNotFound, ValueError):
        given = set()
    given &= wanted
    common = {str(one.value) for one in leaf.subject.get_attributes_for_oid(NameOID.COMMON_NAME)}
    if not given or not common <= wanted:
        raise Refused("signature")
    return min(given)


def _is_vouched(
    leaf: x509.Certificate,
    name: str,
    issuers: Sequence[x509.Certificate],
    roots: Sequence[x509.Certificate],
) -> bool:
    """A chain of valid certificates leads to an authority that this system trusts."""
    if not roots:
        return False
    policy = PolicyBuilder().store(Store(list(roots))).time(clock.now())
    try:
        policy.build_server_verifier(x509.DNSName(name)).verify(leaf, list(issuers))
    except VerificationError:
        return False
    return True


def _issuer_url(one: x509.Certificate) -> str:
    """Where its issuer's certificate is; "" when it names no plain address."""
    try:
        access = one.extensions.get_extension_for_class(x509.AuthorityInformationAccess).value
    except (x509.ExtensionNotFound, ValueError):
        return ""
    for told in access:
        place = told.access_location
        if told.access_method == AuthorityInformationAccessOID.CA_ISSUERS and isinstance(
            place, x509.UniformResourceIdentifier
        ):
            parts = urlsplit(place.value)
            plain = parts.scheme == "http" and parts.netloc == (parts.hostname or "") and not parts.query
            if plain and parts.path.isascii() and parts.path.isprintable() and " " not in parts.path:
                return place.value
    return ""


def _roots() -> list[x509.Certificate]:
    """The authorities that this system trusts, as TLS does: a file of all, or a folder of files."""
    paths = ssl.get_default_verify_paths()
    if paths.cafile:
        files = {Path(paths.cafile)}
    else:
        folder = Path(paths.capath or paths.openssl_capath)
        files = {one.resolve() for one in folder.iterdir() if one.is_file()} if folder.is_dir() else set()
    found = []
    for pem in {one for path in files for one in _PEM.findall(path.read_bytes())}:
        try:
            found.append(x509.load_pem_x509_certificate(pem))
        except ValueError:
            continue  # one old root with a fault in it is no reason to trust none
    return found
