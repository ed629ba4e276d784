"""The local inbox of a development machine (S18): what would have left, kept six days at most."""

import email
import email.policy
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from email.message import EmailMessage
from email.parser import BytesHeaderParser

from mailer.core.db import SharedTx

PAGE = 50
_CAMPAIGN = re.compile(r"c(\d+):a(\d+):")


@dataclass(frozen=True, slots=True, kw_only=True)
class InboxLine:
    """A row of the list."""

    id: int
    received_at: datetime
    recipient: str
    subject: str
    feedback_id: str

    @property
    def campaign(self) -> tuple[int, int] | None:
        """Account and campaign, read from Feedback-ID."""
        return campaign_of(self.feedback_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class InboxMail:
    """One mail as it came."""

    id: int
    received_at: datetime
    mail_from: str
    recipient: str
    subject: str
    feedback_id: str
    raw: bytes


@dataclass(frozen=True, slots=True)
class Parts:
    """A mail taken apart. `headers` in order, decoded; `source` is the raw text."""

    headers: Sequence[tuple[str, str]]
    html: str
    text: str
    source: str


def campaign_of(feedback_id: str) -> tuple[int, int] | None:
    """Account and campaign of a Feedback-ID of ours."""
    found = _CAMPAIGN.match(feedback_id)
    return (int(found[2]), int(found[1])) if found else None


def read(raw: bytes) -> EmailMessage:
    """Never fails: a mail that is broken is shown as far as it can be read."""
    found = email.message_from_bytes(raw, policy=email.policy.default)
    assert isinstance(found, EmailMessage)
    return found


def parts(raw: bytes) -> Parts:
    """For the pages."""
    message = read(raw)
    return Parts(
        [(name, str(value)) for name, value in message.items()],
        _body(message, "html"),
        _body(message, "plain"),
        raw.decode("utf-8", "replace"),
    )


def _body(message: EmailMessage, kind: str) -> str:
    part = message.get_body((kind,))
    if part is None:
        return ""
    data = part.get_payload(decode=True)
    charset = part.get_content_charset() or "utf-8"
    try:
        return data.decode(charset, "replace") if isinstance(data, bytes) else ""
    except LookupError:
        return data.decode("utf-8", "replace") if isinstance(data, bytes) else ""


async def store(tx: SharedTx, *, mail_from: str, recipients: Sequence[str], raw: bytes) -> None:
    """One row a recipient. A development inbox may lose its last moment in a crash: no wait for the disk."""
    message = BytesHeaderParser(policy=email.policy.default).parsebytes(raw)
    await tx.run_plain("SET LOCAL synchronous_commit = off")
    await tx.run(
        """
        INSERT INTO inbox_mails (mail_from, recipient, subject, feedback_id, raw)
        SELECT $1, recipient, $3, $4, $5
        FROM unnest($2::text[]) AS given (recipient)
        """,
        mail_from,
        list(recipients),
        _plain(message.get("Subject", "")),
        _plain(message.get("Feedback-ID", "")),
        raw,
    )


def _plain(value: object) -> str:
    # PostgreSQL's text holds no NUL and no half of a surrogate pair
    return str(value).replace("\0", "").encode("utf-8", "replace").decode()[:998]


async def many(tx: SharedTx, q: str = "", *, before: int | None = None, limit: int = PAGE) -> list[InboxLine]:
    """The newest first; `q` is looked for in recipient and subject, `before` is the last page's last id."""
    return await tx.many(
        InboxLine,
        """
        SELECT id, received_at, recipient, subject, feedback_id
        FROM inbox_mails
        WHERE ($1 = '' OR strpos(lower(recipient || ' ' || subject), lower($1)) > 0)
          AND ($2::bigint IS NULL OR id < $2)
        ORDER BY id DESC
        LIMIT $3
        """,
        q,
        before,
        limit,
    )


async def total(tx: SharedTx) -> int:
    return int(await tx.value("SELECT count(*) FROM inbox_mails"))


async def show(tx: SharedTx, mail_id: int) -> InboxMail:
    """Raises NotFound."""
    return await tx.one(
        InboxMail,
        """
        SELECT id, received_at, mail_from, recipient, subject, feedback_id, raw
        FROM inbox_mails
        WHERE id = $1
        """,
        mail_id,
    )


async def clear(tx: SharedTx) -> int:
    """Empties it. Returns the number of mails."""
    return await tx.run("DELETE FROM inbox_mails")
