"""The SMTP server signs by itself: believed when a test mail that came through it shows it (S17).

The owner pastes the source of a test mail as a mailbox received it. It must be a mail of ours (its one-click
address is sealed by us for this account), from an address of the domain, with a signature that verifies
against the DNS, for the domain or its organisation (D-54), and that covers both List-Unsubscribe fields
(D-41). The proof holds for that SMTP server only.
"""

import re
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.headerregistry import Address
from typing import Annotated

from pydantic import StringConstraints

from mailer.accounts import audit
from mailer.core import clock
from mailer.core.addresses import AddressError, domain_of, parse
from mailer.core.errors import Invalid, NotFound, Unavailable, fault
from mailer.core.services import Services
from mailer.core.text import N_
from mailer.core.tokens import Purpose
from mailer.web.request import Input
from sending import dkim_verify, dmarc, domain_checks, domains, lookups
from sending.dkim_verify import Signature
from sending.domains import Domain
from sending.lookups import DnsAway

_TEST_LINK = re.compile(r"/t/test/([A-Za-z0-9_-]{10,2400})")
_COVERED = {"list-unsubscribe", "list-unsubscribe-post"}


class Source(Input):
    """A mail as it was received, with all its headers."""

    source: Annotated[str, StringConstraints(min_length=1, max_length=400_000)]


@dataclass(frozen=True, slots=True)
class _Mail:
    raw: bytes
    author: str
    unsubscribe: str


async def prove(services: Services, account_id: int, domain_id: int, given: Source) -> Domain:
    """Raises NotFound, Unavailable (DNS away), and Invalid that says what the mail does not show."""
    async with services.db.account(account_id) as tx:
        domain = await domains.show(tx, domain_id)
    if not domains.is_real(services):
        raise _wrong(N_("Mail goes to the local inbox here: no server signs it."))
    mail = _read(given.source)
    if mail.author != domain.name:
        raise _wrong(N_("The From address of this message is not at {domain}."), domain=domain.name)
    if not _ours(services, mail, account_id):
        raise _wrong(
            N_("This is no test of yours. Send a test of a campaign from this domain and paste its source.")
        )
    try:
        signer = await _signer(mail, domain)
    except DnsAway:
        raise Unavailable(
            str(N_("The DNS did not answer. This says nothing about your record; we ask again."))
        ) from None
    async with services.db.account(account_id) as tx:
        await tx.run(
            """
            UPDATE domains
            SET relay = $3, relay_signer = $4, relay_at = $5
            WHERE account_id = $1 AND id = $2
            """,
            domain_id,
            await domains.relay_name(tx, services),
            signer,
            clock.now(),
        )
        await audit.write(tx, "proved", "domain", domain_id)
    return await domain_checks.check(services, account_id, domain_id)


def _wrong(message: str, **params: object) -> Invalid:
    return fault("source", message, code="proof", **params)


def _read(source: str) -> _Mail:
    raw = source.lstrip().replace("\r\n", "\n").replace("\n", "\r\n").encode()
    head = message_from_bytes(raw.partition(b"\r\n\r\n")[0] + b"\r\n\r\n", policy=policy.default)
    try:
        found: tuple[Address, ...] = head["From"].addresses
        author = domain_of(parse(found[0].addr_spec).key) if len(found) == 1 else ""
    except (AttributeError, AddressError, ValueError):
        author = ""
    if not author or len(head.get_all("From", [])) != 1:
        raise _wrong(
            N_("Paste the whole source of the message, with its headers: “Show original” in many mailboxes.")
        )
    return _Mail(raw, author, str(head.get("List-Unsubscribe", "")))


def _ours(services: Services, mail: _Mail, account_id: int) -> bool:
    found = _TEST_LINK.search(re.sub(r"\s", "", mail.unsubscribe))
    if found is None:
        return False
    try:
        return services.tokens.read_campaign(Purpose.TEST, found[1]).account_id == account_id
    except NotFound:
        return False


async def _signer(mail: _Mail, domain: Domain) -> str:
    """The d= that counts. Raises Invalid and DnsAway."""
    ask = lookups.system()
    held = await dkim_verify.verify(mail.raw, ask)
    if not held:
        raise _wrong(
            N_("No DKIM signature of this message holds. The server does not sign, or the text was changed.")
        )
    known = await dmarc.look(ask, domain.name)
    aligned = [one for one in held if await dmarc.aligned(ask, known, one.domain)]
    if not aligned:
        message = N_("The server signs for {signer}, not for {domain}: providers do not take that as proof.")
        raise _wrong(message, signer=held[0].domain, domain=domain.name)
    return _covering(aligned)


def _covering(aligned: list[Signature]) -> str:
    for one in aligned:
        if one.names >= _COVERED:
            return one.domain
    message = N_(
        "The signature leaves List-Unsubscribe out. "
        "Have the server sign it: one-click unsubscribing needs it."
    )
    raise _wrong(message)
