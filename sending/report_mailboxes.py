"""A mailbox of the account that reports come to, read over IMAP each minute (D-30).

For accounts whose own SMTP server, or whose feedback loops, send reports to a mailbox instead of to us. The
password is sealed (A-082), bound to account, host, port and user name: whoever changes one of these gives it
again.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Literal

from pydantic import StringConstraints

from mailer.accounts import audit
from mailer.core import clock, work
from mailer.core.db import AccountTx
from mailer.core.errors import Fault, Invalid, NotFound, fault
from mailer.core.fence import OutOfBounds
from mailer.core.sealing import Sealer, Unsealable
from mailer.core.services import Services
from mailer.core.text import N_
from mailer.web.request import Input
from sending import fence, servers
from sending.imap import PORTS, Access

JOB = "sending.poll_mailbox"
Folder = Annotated[str, StringConstraints(max_length=200)]
# what went wrong last, each with its words
ERRORS = {
    "sign_in": N_("The server does not take the user name and password."),
    "folder": N_("There is no such folder in the mailbox."),
    "done_folder": N_("There is no folder of that name to move mails to."),
    "tls": N_("The connection could not be encrypted, or its certificate does not belong to that name."),
    "private": N_("Its address belongs to a private network."),
    "away": N_("The server could not be reached, or it broke off."),
    "odd": N_("The server answered with something that is no IMAP."),
    "sealed": N_("The password cannot be read any more. Give it again."),
}
FIELDS = {"sign_in": "username", "folder": "folder", "done_folder": "done_folder", "tls": "tls"}


class NewMailbox(Input):
    """`password` empty: it stays, where host, port and user name do. `done_folder` empty: mails that were
    understood stay in place, marked as read."""

    host: servers.Host
    port: servers.Port = 993
    tls: Literal["implicit", "starttls"] = "implicit"
    username: Annotated[str, StringConstraints(min_length=1, max_length=320)]
    password: servers.Password = ""
    folder: Folder = "INBOX"
    done_folder: Folder = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportMailbox:
    """`taken`: mails that spoke of ours; `left_alone`: others, not touched. `last_error`: of ERRORS."""

    id: int
    host: str
    port: int
    tls: str
    username: str
    folder: str
    done_folder: str
    taken: int
    left_alone: int
    checked_at: datetime | None
    last_error: str
    failed_at: datetime | None
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """How far it was read, and how often in a row that failed."""

    id: int
    uid_validity: int
    last_uid: int
    failures: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _Row:
    id: int
    host: str
    port: int
    tls: Literal["implicit", "starttls"]
    username: str
    sealed_password: bytes
    folder: str
    done_folder: str
    uid_validity: int
    last_uid: int
    failures: int


async def look_up(services: Services, host: str, port: int) -> None:
    """Before it is saved. Raises Invalid when the fence keeps it out, or no machine has that name."""
    if port not in PORTS:
        raise fault("port", N_("IMAP is spoken on port 993 or 143."), code="port")
    try:
        await fence.resolve(servers.read_host(host), port, fence.of(services.settings, PORTS))
    except OutOfBounds:
        raise fault("host", ERRORS["private"], code="private") from None
    except OSError:
        message = N_("There is no machine named {host}. Check the spelling.")
        raise fault("host", message, code="unknown", host=host) from None


async def find(tx: AccountTx) -> ReportMailbox | None:
    """The account's, if it has one."""
    return await tx.first(
        ReportMailbox,
        """
        SELECT id, host, port, tls, username, folder, done_folder, taken, left_alone, checked_at, last_error,
               failed_at, created_at
        FROM report_mailboxes
        WHERE account_id = $1
        """,
    )


async def show(tx: AccountTx) -> ReportMailbox:
    """Raises NotFound."""
    found = await find(tx)
    if found is None:
        raise NotFound
    return found


async def access(tx: AccountTx, sealer: Sealer, new: NewMailbox) -> Access:
    """With the password that is kept where none is given. Raises Invalid."""
    host = servers.read_host(new.host)
    if (new.port == PORTS[0]) != (new.tls == "implicit"):
        raise fault("tls", N_("Port 993 goes with TLS from the start, port 143 with STARTTLS."), code="tls")
    password = new.password
    if not password:
        before = await _row(tx)
        if before is None:
            raise Invalid(Fault("password", N_("Fill in this field."), "missing"))
        if (host, new.port, new.username) != (before.host, before.port, before.username):
            message = N_("Give the password again: it was given for {user} at {host}, port {port}, only.")
            params = {"user": before.username, "host": before.host, "port": before.port}
            raise Invalid(Fault("password", message, "again", params))
        try:
            password = _open(sealer, tx.account_id, before)
        except Unsealable:
            raise fault("password", ERRORS["sealed"], code="again") from None
    return Access(host, new.port, new.tls, new.username, password, new.folder or "INBOX", new.done_folder)


async def save(tx: AccountTx, sealer: Sealer, given: Access) -> ReportMailbox:
    """Makes or changes it; another mailbox or folder is read from its beginning. It is polled at once."""
    mailbox_id: int = await tx.value(
        """
        INSERT INTO report_mailboxes AS m (account_id, host, port, tls, username, sealed_password, folder,
                                           done_folder)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
        ON CONFLICT ON CONSTRAINT report_mailboxes_one DO UPDATE
        SET host = excluded.host, port = excluded.port, tls = excluded.tls, username = excluded.username,
            sealed_password = excluded.sealed_password, folder = excluded.folder,
            done_folder = excluded.done_folder, failures = 0, last_error = '', failed_at = NULL,
            last_uid = CASE WHEN (m.host, m.username, m.folder)
                                 = (excluded.host, excluded.username, excluded.folder)
                            THEN m.last_uid ELSE 0 END
        RETURNING id
        """,
        given.host,
        given.port,
        given.tls,
        given.username,
        sealer.seal(given.password.encode(), _purpose(tx.account_id, given.host, given.port, given.username)),
        given.folder,
        given.done_folder,
    )
    await work.add(tx, "sending.poll_mailbox", mailbox_id)
    await audit.write(tx, "changed", "report_mailbox", mailbox_id)
    return await show(tx)


async def delete(tx: AccountTx) -> None:
    """With its password; the mails stay where they are. Raises NotFound."""
    found = await show(tx)
    await tx.run("DELETE FROM report_mailboxes WHERE account_id = $1 AND id = $2", found.id)
    await audit.write(tx, "deleted", "report_mailbox", found.id)


async def opened(tx: AccountTx, sealer: Sealer, mailbox_id: int) -> tuple[Access | None, Place] | None:
    """To poll it; None when it is gone, no Access when nobody can read its password any more."""
    row = await _row(tx)
    if row is None or row.id != mailbox_id:
        return None
    place = Place(id=row.id, uid_validity=row.uid_validity, last_uid=row.last_uid, failures=row.failures)
    try:
        password = _open(sealer, tx.account_id, row)
    except Unsealable:
        return None, place
    return Access(row.host, row.port, row.tls, row.username, password, row.folder, row.done_folder), place


async def _row(tx: AccountTx) -> _Row | None:
    return await tx.first(
        _Row,
        """
        SELECT id, host, port, tls, username, sealed_password, folder, done_folder, uid_validity, last_uid,
               failures
        FROM report_mailboxes
        WHERE account_id = $1
        """,
    )


async def note_read(tx: AccountTx, place: Place, *, taken: int = 0, left_alone: int = 0) -> None:
    """How far it was read now, in a state that is in order."""
    await tx.run(
        """
        UPDATE report_mailboxes
        SET uid_validity = $3, last_uid = $4, taken = taken + $5, left_alone = left_alone + $6,
            checked_at = $7, failures = 0, last_error = '', failed_at = NULL
        WHERE account_id = $1 AND id = $2
        """,
        place.id,
        place.uid_validity,
        place.last_uid,
        taken,
        left_alone,
        clock.now(),
    )


async def note_error(tx: AccountTx, place: Place, error: str) -> None:
    await tx.run(
        """
        UPDATE report_mailboxes
        SET failures = least(failures + 1, 100), last_error = $3, checked_at = $4,
            failed_at = CASE WHEN last_error = $3 THEN failed_at ELSE $4 END
        WHERE account_id = $1 AND id = $2
        """,
        place.id,
        error,
        clock.now(),
    )


def _open(sealer: Sealer, account_id: int, row: _Row) -> str:
    """Raises Unsealable."""
    purpose = _purpose(account_id, row.host, row.port, row.username)
    return sealer.open(row.sealed_password, purpose).decode()


def _purpose(account_id: int, host: str, port: int, username: str) -> str:
    return f"imap password {account_id} {host} {port} {username}"
