"""The installation's mailbox of reports: where the MX of the mail domain leads to a mailbox elsewhere (D-30).

Set by `mailer mailbox set`, a row instead of a setting (S10), so that its password is sealed and a
change needs no restart. It is read like an account's.
"""

import re
from dataclasses import dataclass
from datetime import datetime

from mailer.core import clock, work
from mailer.core.db import SharedTx
from mailer.core.sealing import Sealer, Unsealable
from mailer.core.services import Services
from sending.imap import Access, Tls
from sending.report_mailboxes import Place

JOB = "sending.poll_operator_mailbox"
# more than one mail of ours does not lie in a report
_MOST_ACCOUNTS = 3
_FEEDBACK_ID = re.compile(
    rb"^[> \t]*Feedback-ID:\s*[cdm]\d{1,18}:a([1-9]\d{0,17}):", re.IGNORECASE | re.MULTILINE
)


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatorMailbox:
    """`last_error`: a word of report_mailboxes.ERRORS, or ""."""

    host: str
    port: int
    tls: Tls
    username: str
    folder: str
    done_folder: str
    taken: int
    left_alone: int
    checked_at: datetime | None
    last_error: str
    failed_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Row:
    host: str
    port: int
    tls: Tls
    username: str
    sealed_password: bytes
    folder: str
    done_folder: str
    uid_validity: int
    last_uid: int
    failures: int


async def find(tx: SharedTx) -> OperatorMailbox | None:
    return await tx.first(
        OperatorMailbox,
        """
        SELECT host, port, tls, username, folder, done_folder, taken, left_alone, checked_at, last_error,
               failed_at
        FROM operator_mailbox
        """,
    )


async def save(tx: SharedTx, sealer: Sealer, given: Access) -> None:
    """In place of the one that was there; it is read from its beginning, at once."""
    await tx.run("DELETE FROM operator_mailbox")
    await tx.run(
        """
        INSERT INTO operator_mailbox (host, port, tls, username, sealed_password, folder, done_folder)
        VALUES ($1, $2, $3, $4, $5, $6, $7)
        """,
        given.host,
        given.port,
        given.tls,
        given.username,
        sealer.seal(given.password.encode(), _purpose(given.host, given.port, given.username)),
        given.folder,
        given.done_folder,
    )
    await work.add(tx, "sending.poll_operator_mailbox", 0)


async def remove(tx: SharedTx) -> bool:
    """With its password. False when there was none."""
    return bool(await tx.run("DELETE FROM operator_mailbox"))


async def opened(tx: SharedTx, sealer: Sealer) -> tuple[Access | None, Place] | None:
    """To poll it; None when there is none, no Access when nobody can read its password any more."""
    row = await tx.first(
        _Row,
        """
        SELECT host, port, tls, username, sealed_password, folder, done_folder, uid_validity, last_uid,
               failures
        FROM operator_mailbox
        """,
    )
    if row is None:
        return None
    place = Place(id=0, uid_validity=row.uid_validity, last_uid=row.last_uid, failures=row.failures)
    try:
        password = sealer.open(row.sealed_password, _purpose(row.host, row.port, row.username)).decode()
    except Unsealable:
        return None, place
    return Access(row.host, row.port, row.tls, row.username, password, row.folder, row.done_folder), place


async def note_read(tx: SharedTx, place: Place, *, taken: int, left_alone: int) -> None:
    """How far it was read now, in a state that is in order."""
    await tx.run(
        """
        UPDATE operator_mailbox
        SET uid_validity = $1, last_uid = $2, taken = taken + $3, left_alone = left_alone + $4,
            checked_at = $5, failures = 0, last_error = '', failed_at = NULL
        """,
        place.uid_validity,
        place.last_uid,
        taken,
        left_alone,
        clock.now(),
    )


async def note_error(tx: SharedTx, error: str) -> None:
    await tx.run(
        """
        UPDATE operator_mailbox
        SET failures = least(failures + 1, 100), last_error = $1, checked_at = $2,
            failed_at = CASE WHEN last_error = $1 THEN failed_at ELSE $2 END
        """,
        error,
        clock.now(),
    )


async def accounts_in(services: Services, raw: bytes) -> list[int]:
    """Accounts whose mail lies in this report, as it says; the proof is its Message-ID."""
    found = []
    for account_id in list(dict.fromkeys(int(one) for one in _FEEDBACK_ID.findall(raw)))[:_MOST_ACCOUNTS]:
        async with services.db.account(account_id) as tx:
            if await tx.value("SELECT id FROM accounts WHERE id = $1"):
                found.append(account_id)
    return found


def _purpose(host: str, port: int, username: str) -> str:
    return f"operator imap password {host} {port} {username}"
