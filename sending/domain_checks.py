"""A look at a domain's DNS and what follows: keys sign or stop, the gate opens or shuts, people are told.

    look (no transaction open) → keys → gate → mail and pauses → when to look again

The job "sending.check_domain" repeats it for as long as the domain is there.
"""

from dataclasses import asdict
from datetime import datetime, timedelta

import structlog

from mailer.accounts import audit, identity
from mailer.core import clock, outbox
from mailer.core.db import AccountTx
from mailer.core.errors import NotFound
from mailer.core.services import Services
from mailer.core.settings import is_loopback
from mailer.core.work import Task
from sending import dkim_keys, domain_dns, domains, lookups, smtp_url
from sending.dkim_keys import PATIENCE
from sending.domain_dns import Asked, Look
from sending.domains import Domain
from sending.lookups import DnsAway

log = structlog.get_logger()


async def check_domain(services: Services, task: Task) -> datetime | None:
    """The job "sending.check_domain": `ref_id` is the domain."""
    try:
        domain = await check(services, task.account_id, task.ref_id)
    except NotFound:
        return None
    return _next(domain)


async def check(services: Services, account_id: int, domain_id: int) -> Domain:
    """Looks and settles. Raises NotFound."""
    async with services.db.account(account_id) as tx:
        domain = await domains.show(tx, domain_id)
        keys = await dkim_keys.of(tx, domain_id)
        if not keys:
            await dkim_keys.add(tx, services, domain_id=domain_id, name=domain.name)
            keys = await dkim_keys.of(tx, domain_id)
    asked = Asked(
        domain=domain.name,
        keys=keys,
        return_domain=services.settings.mail_domain,
        server=_server(services),
    )
    try:
        found = await domain_dns.look(lookups.system(), asked)
    except DnsAway:
        found = domain_dns.nobody(asked)
    async with services.db.account(account_id) as tx:
        await settle(tx, services, domain_id, found)
        return await domains.show(tx, domain_id)


def _server(services: Services) -> str:
    """The SMTP server whose name can be looked up; "" for the local inbox and for this machine."""
    server = smtp_url.server(services.settings)
    if server is None or not domains.is_real(services) or is_loopback(services.settings.mail_domain):
        return ""
    return "" if is_loopback(server.host) else server.host


async def settle(tx: AccountTx, services: Services, domain_id: int, found: Look) -> None:
    """The consequences of one look. Raises NotFound. A second look at the same time waits for this one."""
    await tx.run("SELECT 1 FROM domains WHERE account_id = $1 AND id = $2 FOR UPDATE", domain_id)
    before = await domains.show(tx, domain_id)
    await dkim_keys.settle(tx, domain_id, seen=found.seen, asked=found.asked)
    dmarc, missed_at = _dmarc(before, found)
    answered = bool(found.asked) or found.dmarc is not None
    keys = await dkim_keys.of(tx, domain_id)
    signed = dkim_keys.signs(keys) or domains.relay_signs(await domains.relay_name(tx, services), before)
    good = signed and bool(dmarc)
    await tx.run(
        """
        UPDATE domains
        SET findings = $3, zone = CASE WHEN $4 = '' THEN zone ELSE $4 END, dmarc = $5, dmarc_missed_at = $6,
            checked_at = $7, answered_at = CASE WHEN $8 THEN $7 ELSE answered_at END,
            verified_at = CASE WHEN $9 THEN coalesce(verified_at, $7) END,
            broken_at = CASE WHEN $9 THEN NULL WHEN verified_at IS NOT NULL THEN $7 ELSE broken_at END
        WHERE account_id = $1 AND id = $2
        """,
        domain_id,
        [asdict(one) for one in found.findings],
        found.zone,
        dmarc,
        missed_at,
        clock.now(),
        answered,
        good,
    )
    if good != (before.verified_at is not None):
        await _turned(tx, services, before, good=good)
    if dkim_keys.due(keys):
        await domains.rotate(tx, services, domain_id)
        await _tell(tx, services, before, "domain_rotation")


def _dmarc(before: Domain, found: Look) -> tuple[str, datetime | None]:
    """The policy to believe, and since when it is missed: gone when it is missed twice, apart in time."""
    if found.dmarc is None:
        return before.dmarc, before.dmarc_missed_at
    if found.dmarc.policy is not None:
        return found.dmarc.policy, None
    if not before.dmarc:
        return "", None
    if before.dmarc_missed_at is None:
        return before.dmarc, clock.now()
    over = before.dmarc_missed_at <= clock.now() - PATIENCE
    return ("", None) if over else (before.dmarc, before.dmarc_missed_at)


async def _turned(tx: AccountTx, services: Services, domain: Domain, *, good: bool) -> None:
    """It became good, or what was good is missing: the journal, a mail, and campaigns that must wait."""
    await audit.write(tx, "verified" if good else "broke", "domain", domain.id)
    log.info("domain verified" if good else "domain broken", account=tx.account_id, domain=domain.id)
    await _tell(tx, services, domain, "domain_ready" if good else "domain_broken")
    if not good and domains.is_real(services):
        await domains.stop(tx, domain.name, "domain")


async def _tell(tx: AccountTx, services: Services, domain: Domain, kind: outbox.Kind) -> None:
    """To the team's first person, else to the address of the organisation."""
    who = await identity.of(tx)
    team = await identity.team(tx)
    recipient = next(iter(team), who.contact_email)
    if not recipient:
        return
    link = f"{services.settings.public_url}/app/{tx.account_id}/domains/{domain.id}"
    details = {"domain": domain.name, "link": link, "account": who.account_name}
    await outbox.write(tx, kind, recipient, language=who.language, details=details)


def _next(domain: Domain) -> datetime:
    """Often while somebody waits for it, seldom when all is well."""
    now = clock.now()
    if domain.answered_at is None or domain.answered_at != domain.checked_at or domain.dmarc_missed_at:
        return now + PATIENCE
    if any(one.get("kind") == "dkim" and one.get("state") != "found" for one in domain.findings):
        age = now - domain.created_at
        if domain.verified_at is not None or age < timedelta(days=3):
            return now + PATIENCE + timedelta(minutes=1)
        return now + (timedelta(hours=1) if age < timedelta(days=30) else timedelta(days=1))
    return now + timedelta(hours=6)
