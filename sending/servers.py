"""SMTP servers of an account: a main one and a spare. Without any, mail leaves through the operator's.

The password is sealed (A-082), bound to the account and to the host, port and user name it was given for:
whoever changes one of these gives it again, so that nobody sends it to a machine of his own. Nothing shows
it.
"""

import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Literal

import structlog
from pydantic import Field, StringConstraints

from mailer.accounts import audit
from mailer.core.db import AccountTx
from mailer.core.errors import Conflict, Fault, Invalid, conflict, fault
from mailer.core.fence import OutOfBounds
from mailer.core.sealing import Sealer, Unsealable
from mailer.core.services import Services
from mailer.core.settings import Settings
from mailer.core.text import N_
from mailer.web.request import Input
from sending import fence, smtp_url
from sending.smtp_url import Server

log = structlog.get_logger()
Position = Literal["main", "spare"]
OwnTls = Literal["starttls", "implicit", "opportunistic"]
Host = Annotated[str, StringConstraints(min_length=1, max_length=253)]
Port = Annotated[int, Field(ge=1, le=65535)]
Username = Annotated[str, StringConstraints(max_length=320)]
# blanks at its ends may be part of it
Password = Annotated[str, StringConstraints(max_length=1000, strip_whitespace=False)]
Connections = Annotated[int, Field(ge=1, le=20)]
MessagesEach = Annotated[int, Field(ge=1, le=1000)]
_LABEL = re.compile(r"(?!-)[a-z0-9-]{1,63}(?<!-)")


class NewServer(Input):
    """`position` None: the first that is free. `connections`: at once, shared by a machine's workers."""

    host: Host
    port: Port = 587
    tls: OwnTls = "starttls"
    username: Username = ""
    password: Password = Field(default="", repr=False)
    connections: Connections = 5
    messages_each: MessagesEach = 100
    position: Position | None = None


class ServerChanges(Input):
    """What is left out stays. An empty `password` is left out; it goes when `username` is emptied."""

    host: Host | None = None
    port: Port | None = None
    tls: OwnTls | None = None
    username: Username | None = None
    password: Password = Field(default="", repr=False)
    connections: Connections | None = None
    messages_each: MessagesEach | None = None
    position: Position | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SmtpServer:
    """`last_error`: of the last test or hand-over, empty when that went well; since `failed_at`."""

    id: int
    position: str
    host: str
    port: int
    tls: str
    username: str
    has_password: bool
    connections: int
    messages_each: int
    tested_at: datetime | None
    last_error: str
    failed_at: datetime | None
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sealed:
    id: int
    host: str
    port: int
    tls: OwnTls
    username: str
    sealed_password: bytes | None
    connections: int
    messages_each: int


async def look_up(services: Services, host: str, port: int) -> None:
    """Before a server is saved. Raises Invalid when the fence keeps it out, or no machine has that name."""
    bounds = fence.of(services.settings)
    name = read_host(host)
    if not bounds.lets_port(port):
        ports = ", ".join(map(str, fence.PORTS))
        raise fault("port", N_("Mail is handed over on one of the ports {ports}."), code="port", ports=ports)
    try:
        await fence.resolve(name, port, bounds)
    except OutOfBounds:
        message = N_("{host} belongs to a private network. Your server needs an address on the Internet.")
        raise fault("host", message, code="private", host=name) from None
    except OSError:
        message = N_("There is no machine named {host}. Check the spelling.")
        raise fault("host", message, code="unknown", host=name) from None


async def create(tx: AccountTx, sealer: Sealer, new: NewServer) -> SmtpServer:
    """Used from the next turn on. Raises Invalid, and Conflict when there is one in this place."""
    _check(new)
    host = read_host(new.host)
    taken = {row.position for row in await many(tx)}
    position = new.position or ("main" if "main" not in taken else "spare")
    message = N_("There is one already in this place: change that one, or delete it.")
    if position in taken:
        raise Conflict(Fault("position", message, "conflict"))
    with conflict("smtp_servers_position", "position", message):
        made = await tx.one(
            SmtpServer,
            """
            INSERT INTO smtp_servers (account_id, position, host, port, tls, username, sealed_password,
                                      connections, messages_each)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
            RETURNING id, position, host, port, tls, username, sealed_password IS NOT NULL AS has_password,
                      connections, messages_each, tested_at, last_error, failed_at, created_at
            """,
            position,
            host,
            new.port,
            new.tls,
            new.username,
            sealer.seal(new.password.encode(), _purpose(tx.account_id, host, new.port, new.username))
            if new.username
            else None,
            new.connections,
            new.messages_each,
        )
    await audit.write(tx, "created", "smtp_server", made.id)
    return made


async def many(tx: AccountTx) -> list[SmtpServer]:
    """The main one first."""
    return await tx.many(
        SmtpServer,
        """
        SELECT id, position, host, port, tls, username, sealed_password IS NOT NULL AS has_password,
               connections, messages_each, tested_at, last_error, failed_at, created_at
        FROM smtp_servers
        WHERE account_id = $1
        ORDER BY position
        """,
    )


async def show(tx: AccountTx, server_id: int) -> SmtpServer:
    """Raises NotFound."""
    return await tx.one(
        SmtpServer,
        """
        SELECT id, position, host, port, tls, username, sealed_password IS NOT NULL AS has_password,
               connections, messages_each, tested_at, last_error, failed_at, created_at
        FROM smtp_servers
        WHERE account_id = $1 AND id = $2
        """,
        server_id,
    )


async def change(tx: AccountTx, sealer: Sealer, server_id: int, changes: ServerChanges) -> SmtpServer:
    """What its tests said is forgotten, unless it is reached as before. Raises NotFound and Invalid."""
    before = await _sealed(tx, server_id)
    given = changes.model_dump(exclude_none=True, exclude={"position"})
    new = NewServer(
        **{
            "host": before.host,
            "port": before.port,
            "tls": before.tls,
            "username": before.username,
            "connections": before.connections,
            "messages_each": before.messages_each,
        }
        | given
    )
    host = read_host(new.host)
    kept = before.sealed_password if new.username and not new.password else None
    if kept is not None and (host, new.port, new.username) != (before.host, before.port, before.username):
        message = N_("Give the password again: it was given for {user} at {host}, port {port}, only.")
        raise fault(
            "password", message, code="again", user=before.username, host=before.host, port=before.port
        )
    _check(new, kept=kept is not None)
    if new.username and kept is None:
        kept = sealer.seal(new.password.encode(), _purpose(tx.account_id, host, new.port, new.username))
    if changes.position is not None:
        await _place(tx, server_id, changes.position)
    changed = await tx.one(
        SmtpServer,
        """
        UPDATE smtp_servers
        SET host = $3, port = $4, tls = $5, username = $6, sealed_password = $7, connections = $8,
            messages_each = $9, tested_at = CASE WHEN $10 THEN tested_at END,
            steps = CASE WHEN $10 THEN steps ELSE '[]' END,
            last_error = CASE WHEN $10 THEN last_error ELSE '' END,
            failed_at = CASE WHEN $10 THEN failed_at END
        WHERE account_id = $1 AND id = $2
        RETURNING id, position, host, port, tls, username, sealed_password IS NOT NULL AS has_password,
                  connections, messages_each, tested_at, last_error, failed_at, created_at
        """,
        server_id,
        host,
        new.port,
        new.tls,
        new.username,
        kept,
        new.connections,
        new.messages_each,
        not new.password
        and (host, new.port, new.tls, new.username)
        == (before.host, before.port, before.tls, before.username),
    )
    await audit.write(tx, "changed", "smtp_server", server_id)
    return changed


async def _place(tx: AccountTx, server_id: int, position: Position) -> None:
    """To this place; the other server, if there is one, takes the other."""
    await tx.run(
        """
        UPDATE smtp_servers
        SET position = CASE WHEN (id = $2) = ($3 = 'main') THEN 'main' ELSE 'spare' END
        WHERE account_id = $1
        """,
        server_id,
        position,
    )


async def delete(tx: AccountTx, server_id: int) -> None:
    """With its password. Raises NotFound."""
    await show(tx, server_id)
    await tx.run("DELETE FROM smtp_servers WHERE account_id = $1 AND id = $2", server_id)
    await audit.write(tx, "deleted", "smtp_server", server_id)


def stays_here(settings: Settings) -> bool:
    """Does the local inbox catch all mail?"""
    return bool(settings.inbox) or settings.inbox_shown


async def of(tx: AccountTx, services: Services) -> list[Server]:
    """Where the account's mail is handed to, in the order of trying; empty when there is nothing.

    The account's own servers, without the operator's behind them: who brings a server wants its mail there.
    Where the local inbox catches all mail (S18) it catches that of such an account too: a demonstration mails
    nobody.
    """
    operators = smtp_url.server(services.settings)
    if stays_here(services.settings):
        return [operators] if operators is not None else []
    own = await tx.many(
        _Sealed,
        """
        SELECT id, host, port, tls, username, sealed_password, connections, messages_each
        FROM smtp_servers
        WHERE account_id = $1
        ORDER BY position
        """,
    )
    if not own:
        return [operators] if operators is not None else []
    found = []
    for row in own:
        try:
            found.append(_opened(row, tx.account_id, services))
        except Unsealable:
            log.error("an SMTP password cannot be opened: was the secret key changed?", server=row.id)
    return found


async def one(tx: AccountTx, services: Services, server_id: int) -> Server:
    """For a test. Raises NotFound, and Invalid when its password cannot be opened any more."""
    try:
        return _opened(await _sealed(tx, server_id), tx.account_id, services)
    except Unsealable:
        raise fault(
            "password", N_("The password cannot be read any more. Give it again."), code="again"
        ) from None


async def note(tx: AccountTx, found: Mapping[int, str]) -> None:
    """What a turn met: row → why the server was not reached, "" when it was."""
    if not found:
        return
    await tx.run(
        """
        UPDATE smtp_servers s
        SET last_error = met.text, failed_at = CASE WHEN met.text <> '' THEN now() END
        FROM unnest($2::bigint[], $3::text[]) AS met (id, text)
        WHERE s.account_id = $1 AND s.id = met.id AND s.last_error <> met.text
        """,
        list(found),
        [text[:500] for text in found.values()],
    )


async def _sealed(tx: AccountTx, server_id: int) -> _Sealed:
    return await tx.one(
        _Sealed,
        """
        SELECT id, host, port, tls, username, sealed_password, connections, messages_each
        FROM smtp_servers
        WHERE account_id = $1 AND id = $2
        FOR UPDATE
        """,
        server_id,
    )


def _opened(row: _Sealed, account_id: int, services: Services) -> Server:
    """Raises Unsealable."""
    password = ""
    if row.sealed_password is not None:
        purpose = _purpose(account_id, row.host, row.port, row.username)
        password = services.sealer.open(row.sealed_password, purpose).decode()
    return Server(
        row.host,
        row.port,
        row.tls,
        row.username,
        password,
        # the workers of a machine share them: a provider counts what comes from one address
        connections=max(1, row.connections // services.settings.worker_processes),
        messages_each=row.messages_each,
        fence=fence.of(services.settings),
        row=row.id,
    )


def _purpose(account_id: int, host: str, port: int, username: str) -> str:
    return f"smtp password {account_id} {host} {port} {username}"


def _check(new: NewServer, *, kept: bool = False) -> None:
    faults = []
    if new.username and not new.password and not kept:
        faults.append(Fault("password", N_("Fill in this field."), "missing"))
    if new.password and not new.username:
        faults.append(Fault("username", N_("A password needs a user name."), "missing"))
    if new.username and new.tls == "opportunistic":
        message = N_("With a password the connection must be encrypted: choose one of the other two.")
        faults.append(Fault("tls", message, "tls"))
    if faults:
        raise Invalid(*faults)


def read_host(text: str) -> str:
    """A name in lower-case A-labels, or an address. Raises Invalid."""
    name = text.strip().rstrip(".").lower()
    try:
        return str(ipaddress.ip_address(name.strip("[]")))
    except ValueError:
        pass
    try:
        name = name.encode("idna").decode("ascii") if not name.isascii() else name
    except UnicodeError:
        name = ""
    labels = name.split(".")
    # a last label of digits would be read as an address, in one of its odd forms (0x7f.1, 2130706433)
    if not all(_LABEL.fullmatch(label) for label in labels) or re.match(r"\d|0x", labels[-1]):
        raise fault("host", N_("Write only the name, like smtp.example.com."), code="host")
    return name
