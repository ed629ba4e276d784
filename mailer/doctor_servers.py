"""The doctor's look at PostgreSQL, at the queue and its workers, and at the SMTP server."""

import asyncio
import smtplib
import ssl
import time
from urllib.parse import parse_qs, urlsplit

from redis.asyncio import Redis
from redis.exceptions import AuthenticationError, RedisError, ResponseError

from mailer.core import migrate, restores, sealed_columns, work
from mailer.core.db import Database, open_database
from mailer.core.errors import Unavailable
from mailer.core.sealing import Sealer
from mailer.core.settings import Settings, is_loopback
from mailer.finding import Finding, look, ok, wrong
from mailer.worker import PARALLEL, QUEUE
from sending import smtp_url
from sending.smtp_url import Server

SECONDS = 10
WEB_CONNECTIONS, WORKER_CONNECTIONS = 10, PARALLEL + 4
LATE_SECONDS, STUCK_SECONDS = 60, 600
HEALTH_KEY = f"{QUEUE}:health-check"


async def database(settings: Settings) -> list[Finding]:
    """Reachable, bound by row-level security, migrated, with room for all; and the work it keeps."""
    try:
        async with asyncio.timeout(SECONDS), open_database(settings.database_url, size=1) as db:
            try:
                await migrate.check_role(db)
            except migrate.MigrationRefused as error:
                return [wrong("Database", str(error), "Until then nothing may start.")]
            findings = [await _server(db), *_encrypted("Database", settings.database_url)]
            findings += [await _room(db, settings), *await _clock(db)]
            pending = await migrate.pending(db)
            if pending:
                text = f"{len(pending)} migrations are missing, {pending[0]} first"
                return [*findings, wrong("Schema", text, "Run `mailer migrate` before the new code serves.")]
            findings += [ok("Schema", "up to date"), await _oldest_work(db)]
            return [*findings, await _restored(db, settings), *await _sealed(db, settings)]
    except Unavailable as error:
        text = str(error)
    except (TimeoutError, OSError) as error:
        text = f"no answer within {SECONDS} s ({type(error).__name__})"
    remedy = "Is it started? Does MAILER_DATABASE_URL name its host, role and password?"
    if settings.embedded:
        remedy = "Stop what is left of `mailer run` and start it again; its log is in the data folder."
    return [wrong("Database", text, remedy)]


async def _server(db: Database) -> Finding:
    async with db.shared() as tx:
        version = await tx.value("SHOW server_version")
        role = await tx.value("SELECT current_user::text")
    return ok("Database", f"PostgreSQL {version}, role {role}, bound by row-level security")


def _encrypted(subject: str, url: str) -> list[Finding]:
    """A remark when personal data might cross a network in the clear."""
    parts = urlsplit(url)
    asked = parse_qs(parts.query)
    host = parts.hostname or asked.get("host", [""])[0]
    if not host or host.startswith("/") or is_loopback(host) or parts.scheme in ("unix", "rediss"):
        return []
    if asked.get("sslmode", [""])[0] in ("require", "verify-ca", "verify-full"):
        return []
    remedy = "Add ?sslmode=verify-full to its URL" if subject == "Database" else "Use rediss:// in its URL"
    return [
        look(
            subject,
            f"the way to {host} may be unencrypted",
            f"{remedy}, unless it stays inside one machine or a private network of containers.",
        )
    ]


async def _room(db: Database, settings: Settings) -> Finding:
    async with db.shared() as tx:
        limit = int(await tx.value("SHOW max_connections"))
    needed = settings.processes * WEB_CONNECTIONS + settings.worker_processes * WORKER_CONNECTIONS + 4
    text = f"{limit} connections allowed; this installation's processes take {needed} at most"
    if needed > limit:
        remedy = "Raise max_connections, or lower MAILER_WEB_PROCESSES or MAILER_WORKERS."
        return look("Connections", text, remedy)
    return ok("Connections", text)


async def _clock(db: Database) -> list[Finding]:
    async with db.shared() as tx:
        theirs = float(await tx.value("SELECT extract(epoch FROM clock_timestamp())"))
    apart = abs(theirs - time.time())
    if apart < 2:
        return []
    text = f"this machine and the database are {apart:.0f} s apart"
    return [look("Clock", text, "Let both follow the same time server (NTP).")]


async def _oldest_work(db: Database) -> Finding:
    seconds = await work.oldest_seconds(db)
    if seconds < LATE_SECONDS:
        return ok("Work", "nothing waits longer than it should")
    text = f"the oldest due piece has waited {seconds:.0f} s"
    remedy = "Look at the workers' log; start more of them (MAILER_WORKERS) when they are busy."
    return wrong("Work", text, remedy) if seconds > STUCK_SECONDS else look("Work", text, remedy)


async def _restored(db: Database, settings: Settings) -> Finding:
    """Is sending held after a restore, and would one be noticed?"""
    async with db.shared() as tx:
        found = await restores.show(tx)
    if found.held:
        text = f"sending is held since {found.held_since:%Y-%m-%d %H:%M} UTC: the database was put back"
        return wrong("Restore", text, "Read `mailer sending status`, then deploy/docs/operating.md.")
    client = Redis.from_url(settings.redis_url, socket_timeout=SECONDS, socket_connect_timeout=SECONDS)
    try:
        known = await restores.outside(client, settings.data_dir, found.id)
    finally:
        await client.aclose()
    missing = [place for place, mark in known.items() if not mark.number]
    if not missing:
        return ok("Restore", f"sending is not held; {' and '.join(known)} would notice a database put back")
    if not found.mark:
        return ok("Restore", "sending is not held; no worker has run yet")
    text = f"{' and '.join(missing)} would not notice a database that was put back"
    if len(missing) < len(known):
        return ok("Restore", f"sending is not held; {text}, the other place would")
    return look("Restore", text, "Start a worker here. After a restore without one: `mailer sending hold`.")


async def _sealed(db: Database, settings: Settings) -> list[Finding]:
    """Whether old secrets are still needed; looked at only where there are some."""
    if not settings.old_keys:
        return []
    try:
        async with asyncio.timeout(SECONDS / 2):
            left = await sealed_columns.count(db, Sealer(settings.key, settings.old_keys))
    except TimeoutError:
        return [look("Keys", "too much to count here", "Call `mailer keys status`.")]
    lost = sum(tally.lost for tally in left.values())
    old = sum(tally.old for tally in left.values())
    if lost:
        text = f"{lost} values are sealed under a secret that is not here"
        return [wrong("Keys", text, "Add it to MAILER_OLD_SECRET_KEYS: `mailer keys status` names them.")]
    if old:
        text = f"{old} values are still sealed under an old secret"
        return [look("Keys", text, "Restart every process with the new one, then `mailer keys rotate`.")]
    text = "nothing is sealed under an old secret: MAILER_OLD_SECRET_KEYS may be removed"
    return [look("Keys", text, "Keep the old secret elsewhere until the backups made under it are gone.")]


async def queue(settings: Settings) -> list[Finding]:
    """Valkey or Redis: answers, keeps what it is told, never evicts; and workers that report."""
    client = Redis.from_url(settings.redis_url, socket_timeout=SECONDS, socket_connect_timeout=SECONDS)
    try:
        information = await client.info()
        findings = [_keeps(information), *_encrypted("Queue", settings.redis_url)]
        policy = information.get("maxmemory_policy", "noeviction")
        if policy != "noeviction" and information.get("maxmemory"):
            text = f"full memory makes it forget entries ({policy}): clicks would be lost"
            findings.append(wrong("Queue", text, "Set maxmemory-policy noeviction."))
        alive = await client.get(HEALTH_KEY)
        return [*findings, _workers(alive is not None)]
    except AuthenticationError:
        return [wrong("Queue", "it refuses the password", "Correct MAILER_REDIS_URL.")]
    except ResponseError as error:
        return [wrong("Queue", f"it answers: {error}", "Give its user the rights +@all on mailer:*.")]
    except (RedisError, OSError, TimeoutError) as error:
        text = f"cannot be reached ({type(error).__name__})"
        return [wrong("Queue", text, "Is it started? Does MAILER_REDIS_URL name its host and port?")]
    finally:
        await client.aclose()


def _keeps(information: dict[str, object]) -> Finding:
    version = information.get("valkey_version") or information.get("redis_version", "")
    if information.get("aof_enabled"):
        return ok("Queue", f"Valkey or Redis {version}, keeps a log of every change")
    return look(
        "Queue",
        f"Valkey or Redis {version} keeps no log: opens and clicks of the last second die with it",
        "Set appendonly yes and appendfsync always. Campaigns are safe: PostgreSQL remembers them.",
    )


def _workers(alive: bool) -> Finding:
    if alive:
        return ok("Workers", "at least one reported within the last minute")
    text = "none reported within the last minute: imports and campaigns stand still"
    return wrong("Workers", text, "Start `mailer worker`, or read its log when it is started.")


async def smtp(settings: Settings) -> list[Finding]:
    """Connect, greet, TLS, sign in; no mail is sent."""
    server = smtp_url.server(settings)
    if server is None:
        return [
            wrong("SMTP", "there is no server to hand mail to", "Set MAILER_SMTP_URL or use `mailer run`.")
        ]
    name = f"{server.host}:{server.port}"
    try:
        size, tls = await asyncio.to_thread(_greet, server, settings.mail_domain)
    except smtplib.SMTPAuthenticationError as error:
        return [
            wrong("SMTP", f"{name} refuses the sign-in ({error.smtp_code})", "Correct the user or password.")
        ]
    except smtplib.SMTPNotSupportedError:
        text = f"{name} does not offer what MAILER_SMTP_URL asks for (STARTTLS or sign-in)"
        return [wrong("SMTP", text, "Change tls=…, or ask whoever runs that server.")]
    except ssl.SSLError as error:
        text = f"{name}: TLS failed ({error.reason or error})"
        return [wrong("SMTP", text, "Use the name in its certificate, and the port that fits tls=….")]
    except (smtplib.SMTPException, OSError) as error:
        text = f"{name} cannot be reached or does not greet ({type(error).__name__})"
        return [wrong("SMTP", text, "Is it started, and does a firewall close the port (25 often)?")]
    limit = f"messages up to {size // 1_000_000} MB" if size else "no size limit announced"
    if settings.inbox:
        return [ok("SMTP", f"the local inbox at {name} takes all mail: nothing leaves for the Internet")]
    if not tls and not is_loopback(server.host):
        text = f"{name} answers, without TLS: {limit}"
        return [
            look("SMTP", text, "Mail crosses the network in the clear: use tls=starttls or tls=implicit.")
        ]
    return [ok("SMTP", f"{name} answers{f', {tls}' if tls else ''}, {limit}")]


def _greet(server: Server, hostname: str) -> tuple[int, str]:
    """Announced size in octets (0: none) and TLS version ("": none). Raises smtplib's and OS errors."""
    context = ssl.create_default_context()
    if server.tls == "opportunistic":  # RFC 7435 §3: taken when offered, whoever answers
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    client: smtplib.SMTP
    if server.tls == "implicit":
        client = smtplib.SMTP_SSL(
            server.host, server.port, local_hostname=hostname, timeout=SECONDS, context=context
        )
    else:
        client = smtplib.SMTP(server.host, server.port, local_hostname=hostname, timeout=SECONDS)
    with client:
        client.ehlo()
        if server.tls == "starttls" or (server.tls == "opportunistic" and client.has_extn("starttls")):
            client.starttls(context=context)
            client.ehlo()
        if server.username:
            client.login(server.username, server.password)
        announced = client.esmtp_features.get("size", "").strip()
        version = client.sock.version() if isinstance(client.sock, ssl.SSLSocket) else ""
        return int(announced) if announced.isdigit() else 0, version or ""
