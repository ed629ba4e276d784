"""`mailer doctor`: says in plain words what is wrong, and what to do about it.

    settings → data folder → database → queue → workers → SMTP, inbound → DNS → 0, or 1 when it is wrong

It changes nothing, sends no mail, and waits for no part longer than some seconds.
"""

import asyncio
import ipaddress
import os
import shutil
import socket
import stat
from collections.abc import Awaitable, Callable, Mapping
from urllib.parse import urlsplit

from mailer import doctor_backups
from mailer.core import clock
from mailer.core.settings import Settings, SettingsError, environment, is_loopback, load, run_file
from mailer.doctor_inbound import inbound
from mailer.doctor_servers import database, queue, smtp
from mailer.finding import Finding, Mark, look, ok, report, wrong
from mailer.web import proxies
from sending import dmarc, lookups, smtp_url, spf
from sending.dmarc import Dmarc
from sending.lookups import DnsAway, Lookups, Resolver
from sending.spf import Spf

DNS_SECONDS = 5.0
LEAST_FREE_BYTES = 2_000_000_000
# load() asks for them; they are only checked for being there
_UNREACHED = {"database_url": "postgresql:///", "redis_url": "redis://"}
Check = Callable[[], Awaitable[list[Finding]]]


async def run(environ: Mapping[str, str]) -> int:
    """Prints all findings; 1 when one of them is wrong."""
    findings = await examine(environ)
    print(report(findings))
    return 1 if any(finding.mark is Mark.WRONG for finding in findings) else 0


async def examine(environ: Mapping[str, str], resolver: Resolver | None = None) -> list[Finding]:
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
        lambda: inbound(settings),
        lambda: doctor_backups.look_at(settings, clock.now()),
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


async def names(settings: Settings, resolver: Resolver | None = None) -> list[Finding]:
    """DNS of the public host and of MAILER_MAIL_DOMAIN: the same questions as for an account's domains."""
    host, domain = urlsplit(settings.public_url).hostname or "", settings.mail_domain
    findings = [await _host(host)]
    if is_loopback(domain):
        return [*findings, ok("Mail domain", f"{domain} is a local name: DNS has nothing to say about it")]
    try:
        ask = Lookups(resolver, DNS_SECONDS) if resolver else lookups.system(DNS_SECONDS)
        return [
            *findings,
            *await _receives(ask, domain),
            _spf(await spf.look(ask, domain)),
            _dmarc(await dmarc.look(ask, domain)),
        ]
    except DnsAway as error:
        return [
            *findings,
            look(
                "DNS",
                f"no answer about {domain}: {error}",
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


async def _receives(ask: Lookups, domain: str) -> list[Finding]:
    servers = await ask.exchanges(domain)
    if servers and servers != [""]:
        return [ok("MX", f"mail for {domain} goes to {', '.join(servers)}")]
    if not servers and await ask.addresses(domain):
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


def _spf(found: Spf) -> Finding:
    """RFC 7208: one record, few lookups, with an end that says what to do with others (D-53)."""
    domain, text = found.domain, " ".join(found.records)
    match found.code:
        case "ok":
            return ok("SPF", f"{text} ({found.lookups} of {spf.MOST_LOOKUPS} lookups)")
        case "missing":
            remedy = f"Add a TXT record to {domain}: v=spf1 a:<your SMTP server> -all (your provider has it)."
            return wrong("SPF", f"{domain} does not say which servers may send for it", remedy)
        case "several":
            count = len(found.records)
            said = f"{domain} has {count} SPF records, which counts as none (RFC 7208 §4.5)"
            return wrong("SPF", said, "Merge them into one.")
        case "broken":
            return wrong("SPF", f"{text}: “{found.broken}” cannot be read or found", "Correct that part.")
        case "too_many":
            said = f"{text} needs {found.lookups} lookups; receivers stop at {spf.MOST_LOOKUPS}"
            return wrong("SPF", said, "Take out what you no longer use.")
        case "void":
            said = f"{found.void} parts of {text} lead nowhere; receivers stop after {spf.MOST_VOID}"
            return wrong("SPF", said, "Take them out.")
        case "open":
            return wrong("SPF", f"{text} lets everybody send", "End it with -all or ~all.")
        case _:
            return look("SPF", f"{text} says nothing about other servers", "End it with -all or ~all.")


def _dmarc(found: Dmarc) -> Finding:
    """The domain's own record, else that of its organisation (RFC 9989 §4.10; D-55)."""
    domain, record = found.domain, found.record
    if record is not None:
        said = f"{record.text} (at {record.domain})"
        if record.removed:
            return look("DMARC", said, f"Take out {', '.join(record.removed)}: RFC 9989 no longer has them.")
        return ok("DMARC", said)
    if found.twice:
        said = f"_dmarc.{found.twice[0]} has 2 records or more, which counts as none"
        return wrong("DMARC", said, "Keep one.")
    if found.unreadable:
        return wrong("DMARC", f"{found.unreadable[0]} cannot be read", "It begins with v=DMARC1; p=none;")
    return wrong(
        "DMARC",
        f"{domain} has no DMARC record: large providers refuse or hide its mail",
        f"Add a TXT record to _dmarc.{domain}: v=DMARC1; p=none; rua=mailto:<an address you read>",
    )
