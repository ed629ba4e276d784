"""`mailer doctor`: says in plain words what is wrong, and what to do about it.

    settings → data folder → database → queue → workers → SMTP → DNS → 0, or 1 when something is wrong

It changes nothing, sends no mail, and waits for no part longer than some seconds. The doorway of dnspython.
"""

import asyncio
import ipaddress
import os
import shutil
import socket
import stat
from collections.abc import Awaitable, Callable, Mapping
from urllib.parse import urlsplit

import dns.asyncresolver
import dns.exception
import dns.resolver

from mailer.core.settings import Settings, SettingsError, environment, is_loopback, load, run_file
from mailer.doctor_servers import database, queue, smtp
from mailer.finding import Finding, Mark, look, ok, report, wrong
from mailer.web import proxies
from sending import smtp_url

DNS_SECONDS = 5.0
LEAST_FREE_BYTES = 2_000_000_000
DMARC_STEPS = 8  # RFC 9989 §4.10: the tree walk asks at most eight times
# load() asks for them; they are only checked for being there
_UNREACHED = {"database_url": "postgresql:///", "redis_url": "redis://"}
Check = Callable[[], Awaitable[list[Finding]]]


async def run(environ: Mapping[str, str]) -> int:
    """Prints all findings; 1 when one of them is wrong."""
    findings = await examine(environ)
    print(report(findings))
    return 1 if any(finding.mark is Mark.WRONG for finding in findings) else 0


async def examine(
    environ: Mapping[str, str], resolver: dns.asyncresolver.Resolver | None = None
) -> list[Finding]:
    """Everything that can be looked at; what cannot be reached is a finding, never an exception."""
    try:
        given = environment(environ)
        running = bool(run_file(given.data_dir)) or bool(given.database_url and given.redis_url)
        settings = load(environ, servers=None if running else _UNREACHED)
        smtp_url.server(settings)
        proxies.networks(settings)
    except SettingsError as error:
        return [wrong("Settings", str(error), "Correct this first; the other checks need it.")]
    findings = [*_settings(settings), *_data_folder(settings)]
    if not running:
        findings.append(
            wrong(
                "Servers",
                f"no `mailer run` is active in {settings.data_dir}, and no server is set",
                "Start `mailer run`, or set MAILER_DATABASE_URL and MAILER_REDIS_URL.",
            )
        )
        return [*findings, *await names(settings, resolver)]
    parts: list[Check] = [
        lambda: database(settings),
        lambda: queue(settings),
        lambda: smtp(settings),
        lambda: names(settings, resolver),
    ]
    for found in await asyncio.gather(*(part() for part in parts)):
        findings += found
    return findings


def _settings(settings: Settings) -> list[Finding]:
    kind = "embedded servers" if settings.embedded else "servers of your own"
    findings = [ok("Settings", f"complete: {kind}, people come to {settings.public_url}")]
    if settings.local and not settings.embedded:
        findings.append(
            look(
                "Public address",
                f"{settings.public_url} is this machine only: links in mails lead nowhere for others",
                "Set MAILER_PUBLIC_URL to the https address that people use.",
            )
        )
    if not settings.local and settings.embedded:
        findings.append(
            look(
                "Database",
                "a public installation runs on the embedded servers: one machine, backups by hand",
                "Read deploy/docs/operating.md on backups, or set MAILER_DATABASE_URL and MAILER_REDIS_URL.",
            )
        )
    if settings.secure and is_loopback(settings.host) and not settings.trusted_proxies:
        findings.append(
            look(
                "Proxy",
                "https ends at a proxy, but none is trusted: every visitor has the proxy's address,"
                " and they share one rate limit",
                "Set MAILER_TRUSTED_PROXIES to the proxy's address, for example 127.0.0.1.",
            )
        )
    return findings


def _data_folder(settings: Settings) -> list[Finding]:
    folder = settings.data_dir
    if not folder.is_dir():
        return [
            wrong(
                "Data folder", f"{folder} does not exist", "Create it, or set MAILER_DATA_DIR to another one."
            )
        ]
    if not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
        return [
            wrong(
                "Data folder",
                f"{folder} cannot be written by this user",
                "Give it to the user that runs Mailer: chown -R.",
            )
        ]
    findings = []
    key = folder / "secret.key"
    if key.exists() and stat.S_IMODE(key.stat().st_mode) & 0o077:
        findings.append(
            wrong("Secret key", f"{key} can be read by other users", f"Close it: chmod 600 {key}")
        )
    free = shutil.disk_usage(folder).free
    if free < LEAST_FREE_BYTES:
        findings.append(
            look(
                "Disk",
                f"{free // 1_000_000} MB are left in {folder}",
                "Free at least 2 GB for imports and logs.",
            )
        )
    return findings or [ok("Data folder", f"{folder}, {free // 1_000_000_000} GB free")]


async def names(settings: Settings, resolver: dns.asyncresolver.Resolver | None = None) -> list[Finding]:
    """DNS of the public host and of MAILER_MAIL_DOMAIN."""
    host, domain = urlsplit(settings.public_url).hostname or "", settings.mail_domain
    findings = [await _host(host)]
    if is_loopback(domain):
        return [*findings, ok("Mail domain", f"{domain} is a local name: DNS has nothing to say about it")]
    asked = resolver or dns.asyncresolver.Resolver()
    asked.lifetime = asked.timeout = DNS_SECONDS
    try:
        return [
            *findings,
            *await _receives(asked, domain),
            _spf(await _texts(asked, domain), domain),
            await _dmarc(asked, domain),
        ]
    except (dns.exception.DNSException, OSError) as error:
        return [
            *findings,
            look(
                "DNS",
                f"no answer about {domain}: {type(error).__name__}",
                "Check the resolver in /etc/resolv.conf, then run this again.",
            ),
        ]


async def _host(host: str) -> Finding:
    """As the operating system finds it, files of names included."""
    if is_loopback(host):
        return ok("Public address", f"{host} is this machine")
    try:
        async with asyncio.timeout(DNS_SECONDS):
            found = await asyncio.get_running_loop().getaddrinfo(host, 443, type=socket.SOCK_STREAM)
    except (OSError, TimeoutError):
        return wrong(
            "Public address",
            f"the name {host} leads to no address",
            "Add an A record (and AAAA) for it, or correct MAILER_PUBLIC_URL.",
        )
    addresses = sorted({str(entry[4][0]) for entry in found})
    if all(ipaddress.ip_address(address).is_private for address in addresses):
        return look(
            "Public address",
            f"{host} is {', '.join(addresses)}: a private address",
            "Fine inside a company; recipients outside cannot open links.",
        )
    return ok("Public address", f"{host} is {', '.join(addresses)}")


async def _answers(resolver: dns.asyncresolver.Resolver, name: str, kind: str) -> list[str]:
    """Empty when the name or the record does not exist; raises DNSException when nobody answers."""
    try:
        found = await resolver.resolve(name, kind, search=False)
    except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
        return []
    return [record.to_text() for record in found]


async def _texts(resolver: dns.asyncresolver.Resolver, name: str) -> list[str]:
    """TXT records, each with its strings joined (RFC 7208 §3.3)."""
    return ["".join(text.split('"')[1::2]) for text in await _answers(resolver, name, "TXT")]


async def _receives(resolver: dns.asyncresolver.Resolver, domain: str) -> list[Finding]:
    servers = [line.split()[-1] for line in await _answers(resolver, domain, "MX")]
    if servers and servers != ["."]:
        return [ok("MX", f"mail for {domain} goes to {', '.join(sorted(servers))}")]
    if not servers and (await _answers(resolver, domain, "A") or await _answers(resolver, domain, "AAAA")):
        return [
            look(
                "MX",
                f"{domain} has an address but no MX record: bounces go to that machine",
                f"Add an MX record for {domain} that names the server which takes its mail.",
            )
        ]
    return [
        wrong(
            "MX",
            f"{domain} takes no mail: bounces come back nowhere, and many servers refuse such a sender",
            f"Add an MX record for {domain}, or set MAILER_MAIL_DOMAIN to a domain that has one.",
        )
    ]


def _spf(texts: list[str], domain: str) -> Finding:
    """RFC 7208: exactly one record, with an end that says what to do with others."""
    records = [text for text in texts if text.lower().split(" ")[0] == "v=spf1"]
    if not records:
        return wrong(
            "SPF",
            f"{domain} does not say which servers may send for it",
            f"Add a TXT record to {domain}: v=spf1 a:<your SMTP server> -all (your provider has the text).",
        )
    if len(records) > 1:
        return wrong(
            "SPF",
            f"{domain} has {len(records)} SPF records, which counts as none (RFC 7208 §4.5)",
            "Merge them into one.",
        )
    last = records[0].lower().split()[-1]
    if last in ("+all", "all"):
        return wrong("SPF", f"{records[0]} lets everybody send", "End it with -all or ~all.")
    if last not in ("-all", "~all") and "redirect=" not in records[0].lower():
        return look("SPF", f"{records[0]} says nothing about other servers", "End it with -all or ~all.")
    return ok("SPF", records[0])


async def _dmarc(resolver: dns.asyncresolver.Resolver, domain: str) -> Finding:
    """The domain's own record, else the nearest one above (RFC 9989 §4.10)."""
    labels = domain.strip(".").split(".")
    if len(labels) > DMARC_STEPS:
        labels = [domain.strip("."), *labels[-(DMARC_STEPS - 1) :]]
    for start in range(max(1, len(labels) - 1)):
        name = ".".join(labels[start:])
        texts = await _texts(resolver, f"_dmarc.{name}")
        records = [text for text in texts if text.replace(" ", "").upper().startswith("V=DMARC1")]
        if len(records) > 1:
            return wrong(
                "DMARC", f"_dmarc.{name} has {len(records)} records, which counts as none", "Keep one."
            )
        if records:
            return ok("DMARC", f"{records[0]} (at {name})")
    return wrong(
        "DMARC",
        f"{domain} has no DMARC record: large providers refuse or hide its mail",
        f"Add a TXT record to _dmarc.{domain}: v=DMARC1; p=none; rua=mailto:<an address you read>",
    )
