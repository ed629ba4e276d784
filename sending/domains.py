"""Sending domains of an account, and the gate: mail leaves from one only when it is proved (D-54, S17).

The DNS decides who may send, for each account by itself: an account is believed when the record of *its own*
key stands in the domain's DNS. So a domain need not be claimed, nobody can take one from somebody else, and
one account never learns of another. Two that both have their keys there both may.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, Literal

from pydantic import StringConstraints

from mailer.accounts import audit
from mailer.core import addresses, clock, work
from mailer.core.addresses import AddressError
from mailer.core.db import AccountTx
from mailer.core.errors import Conflict, Fault, TooMany, fault
from mailer.core.services import Services
from mailer.core.text import N_
from mailer.web.request import Input
from sending import dkim, dkim_keys, servers

CHECK = "sending.check_domain"
MOST = 200
State = Literal["verified", "waiting", "broken"]


class NewDomain(Input):
    name: Annotated[str, StringConstraints(min_length=1, max_length=320)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Domain:
    """`verified_at`: since when mail may leave from it. `dmarc`: the policy that applies, "" without one.

    `relay`: the SMTP server that was proved to sign for it. `findings`: what the last look saw, as stored.
    """

    id: int
    name: str
    zone: str
    dmarc: str
    dmarc_missed_at: datetime | None
    findings: list[Mapping[str, object]] = field(repr=False)
    asked_at: datetime
    checked_at: datetime | None
    answered_at: datetime | None
    verified_at: datetime | None
    broken_at: datetime | None
    relay: str
    relay_signer: str
    relay_at: datetime | None
    created_by: int | None
    created_at: datetime

    @property
    def state(self) -> State:
        if self.verified_at is not None:
            return "verified"
        return "waiting" if self.broken_at is None else "broken"


def read_name(text: str) -> str:
    """A typed domain, or an address at it, as lower-case A-labels. Raises Invalid."""
    name = text.strip().removeprefix("https://").removeprefix("http://").strip("/.").rpartition("@")[2]
    try:
        found = addresses.domain_of(addresses.parse(f"postmaster@{name}").key)
    except AddressError:
        raise fault("name", N_("“{name}” is no domain. Write it like example.com."), name=name[:80]) from None
    if addresses.is_free_mail(found):
        message = N_(
            "A {domain} address cannot be the sender: {domain} would refuse the message. "
            "Use an address of your own domain."
        )
        raise fault("name", message, code="free_mail", domain=found)
    return found


async def create(tx: AccountTx, services: Services, new: NewDomain) -> Domain:
    """Raises Invalid, and Conflict when the account has it already."""
    name = read_name(new.name)
    made = await ensure(tx, name)
    if made is None:
        raise Conflict(Fault("name", N_("{name} is among your domains already."), "conflict", {"name": name}))
    await dkim_keys.add(tx, services, domain_id=made, name=name)
    await audit.write(tx, "created", "domain", made)
    return await show(tx, made)


async def ensure(tx: AccountTx, name: str) -> int | None:
    """The row of a domain; its keys come with its first look. Returns its id, None when it was there."""
    if await tx.value("SELECT count(*) FROM domains WHERE account_id = $1") >= MOST:
        raise fault("name", N_("An account has {n} domains at most."), code="most", n=MOST)
    made: int | None = await tx.value(
        """
        INSERT INTO domains (account_id, name, created_by)
        VALUES ($1, $2, $3)
        ON CONFLICT DO NOTHING
        RETURNING id
        """,
        name,
        tx.actor.id if tx.actor.kind == "user" else None,
    )
    if made is not None:
        await work.add(tx, CHECK, made)
    return made


async def many(tx: AccountTx) -> list[Domain]:
    """All of the account, those that need somebody first."""
    return await tx.many(
        Domain,
        """
        SELECT id, name, zone, dmarc, dmarc_missed_at, findings, asked_at, checked_at, answered_at,
               verified_at, broken_at, relay, relay_signer, relay_at, created_by, created_at
        FROM domains
        WHERE account_id = $1
        ORDER BY verified_at IS NOT NULL, broken_at IS NULL, name
        LIMIT 500
        """,
    )


async def show(tx: AccountTx, domain_id: int) -> Domain:
    """Raises NotFound."""
    return await tx.one(
        Domain,
        """
        SELECT id, name, zone, dmarc, dmarc_missed_at, findings, asked_at, checked_at, answered_at,
               verified_at, broken_at, relay, relay_signer, relay_at, created_by, created_at
        FROM domains
        WHERE account_id = $1 AND id = $2
        """,
        domain_id,
    )


async def named(tx: AccountTx, name: str) -> Domain | None:
    return await tx.first(
        Domain,
        """
        SELECT id, name, zone, dmarc, dmarc_missed_at, findings, asked_at, checked_at, answered_at,
               verified_at, broken_at, relay, relay_signer, relay_at, created_by, created_at
        FROM domains
        WHERE account_id = $1 AND name = $2
        """,
        name,
    )


async def ask(tx: AccountTx, domain_id: int, *, seconds: int) -> bool:
    """A look at the DNS soon. False when one was asked for less than `seconds` ago. Raises NotFound."""
    await show(tx, domain_id)
    asked = await tx.run(
        """
        UPDATE domains
        SET asked_at = $4
        WHERE account_id = $1 AND id = $2 AND asked_at <= $4::timestamptz - make_interval(secs => $3)
        """,
        domain_id,
        seconds,
        clock.now(),
    )
    if asked:
        await work.add(tx, CHECK, domain_id)
    return bool(asked)


async def rotate(tx: AccountTx, services: Services, domain_id: int) -> list[dkim_keys.DomainKey]:
    """New keys beside those that sign; they take over when their records are seen. Returns all keys.

    Raises NotFound, TooMany while keys of less than an hour wait, Conflict while any wait.
    """
    domain = await show(tx, domain_id)
    keys = await dkim_keys.of(tx, domain_id)
    if any(key.state == "pending" and key.algorithm == "rsa-sha256" for key in keys):
        message = N_("New keys are waiting for their DNS records already.")
        raise Conflict(Fault("state", message, "waiting"))
    if sum(key.state in ("retiring", "retired") for key in keys) >= 12:
        raise TooMany(86_400, N_("These keys were changed several times this month. Wait some days."))
    await dkim_keys.add(tx, services, domain_id=domain_id, name=domain.name)
    await work.add(tx, CHECK, domain_id)
    await audit.write(tx, "rotated", "domain", domain_id)
    return await dkim_keys.of(tx, domain_id)


def is_real(services: Services) -> bool:
    """Does mail leave for the Internet? Not into the local inbox (S17)."""
    return not servers.stays_here(services.settings)


async def relay_name(tx: AccountTx, services: Services) -> str:
    """The account's SMTP server as a proof is bound to it: another server proves for itself."""
    found = await servers.of(tx, services)
    return f"{found[0].host}:{found[0].port}" if found else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """`code`: "" when mail may leave, else dkim, dmarc or broken. `domain` None: nobody has looked yet."""

    name: str
    code: Literal["", "dkim", "dmarc", "broken"]
    domain: Domain | None

    @property
    def open(self) -> bool:
        return not self.code


async def gate(tx: AccountTx, services: Services, name: str) -> Gate:
    """May mail leave from this domain through this installation's SMTP server (D-54)?

    Reads what the last look at the DNS wrote down: it never waits for the network.
    """
    domain = await named(tx, name)
    if not is_real(services) or domain is None:
        return Gate(name=name, code="dkim" if is_real(services) else "", domain=domain)
    signed = dkim_keys.signs(await dkim_keys.of(tx, domain.id)) or relay_signs(
        await relay_name(tx, services), domain
    )
    if signed and domain.dmarc:
        return Gate(name=name, code="", domain=domain)
    if domain.broken_at is not None:
        return Gate(name=name, code="broken", domain=domain)
    return Gate(name=name, code="dmarc" if signed else "dkim", domain=domain)


def relay_signs(relay: str, domain: Domain) -> bool:
    """Has this server (`relay_name`) proved that it signs for the domain?"""
    return domain.relay_at is not None and domain.relay == relay


async def stop(tx: AccountTx, name: str, reason: str) -> None:
    """Every campaign that leaves from this domain now is paused, and the DNS is looked at once more.

    `reason`: a key of lanes.PAUSE_REASONS.
    """
    await tx.run(
        """
        UPDATE campaigns c
        SET status = 'paused', pause_reason = $3, updated_at = now()
        FROM senders s
        WHERE c.account_id = $1 AND c.status IN ('preparing', 'sending')
          AND s.account_id = c.account_id AND s.id = c.sender_id
          AND substring(s.address_key FROM '[^@]*$') = $2
        """,
        name,
        reason,
    )
    domain = await named(tx, name)
    if domain is not None and reason == "unauthenticated":
        await work.add(tx, CHECK, domain.id)
        await audit.write(tx, "halted", "domain", domain.id)


async def signing_keys(tx: AccountTx, services: Services, domain: str) -> tuple[dkim.Key, ...]:
    """Once a turn: the keys that sign for this From domain (A-labels). Raises Unsealable."""
    return await dkim_keys.signing(tx, services, domain)
