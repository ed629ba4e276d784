"""One message as bytes: the headers of the checklist (requirements 0.3) and two parts, text first.

What a campaign shares is prepared once as a Skeleton; a recipient fills in To, Subject, date, ids and bodies.
DKIM comes with the signer.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime
from enum import StrEnum
from functools import lru_cache
from hashlib import blake2b

from mailer.core import addresses
from sending import bodies, header_text, merge
from sending.bodies import Transfer
from sending.render import Rendered

CRLF = "\r\n"
# an address of the commonest kind: a dot-atom of RFC 5322 §3.2.3 at a domain of letters, digits and hyphens
_KNOWN = re.compile(r"[\w!#$%&'*+/=?^`{|}~-]+(?:\.[\w!#$%&'*+/=?^`{|}~-]+)*@[a-z0-9.-]+", re.ASCII)
_ID_LEFT = re.compile(r"[A-Za-z0-9._+-]{1,200}")
_DOMAIN = re.compile(r"[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*")
_LABEL = re.compile(r"[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*")
_FEEDBACK = re.compile(r"[A-Za-z0-9._-]+(:[A-Za-z0-9._-]+){0,3}")
_URL = re.compile(r"https?://[!-;=?-~]{1,900}")
_MAILTO = re.compile(r"mailto:[a-z0-9+]{1,64}@[A-Za-z0-9.-]{1,253}\?subject=[A-Za-z0-9_-]{1,200}")
_HEADER_BREAK = re.compile(rb"\r\n(?![ \t])")


class MailClass(StrEnum):
    """Marketing mail can be stopped and says so; service mail carries no List-* (A-101, D-47)."""

    MARKETING = "marketing"
    SERVICE = "service"
    SYSTEM = "system"


@dataclass(frozen=True, slots=True, kw_only=True)
class ListHeaders:
    """A marketing message's list: its public name and a stable id label (RFC 2919)."""

    name: str
    label: str
    domain: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CampaignHeaders:
    """What all messages of a campaign share."""

    mail_class: MailClass
    from_name: str
    from_email: str
    reply_to: str
    message_id_domain: str
    feedback_id: str = ""
    # lines by which an SMTP provider tells the campaign in its events; it may take them off, so none is
    # signed
    marks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageHeaders:
    """One message's headers. `message_id` is the part left of the @; `sent_at` is aware.

    `mailing_list` and `unsubscribe_url` are required for marketing, and refused otherwise. `envelope` is
    `envelope_address(to_email)` where that is known, so that it need not be read again for each mail.
    `unsubscribe_mail`: a mailto: beside the web address, where somebody takes such mails (S17).
    """

    campaign: CampaignHeaders
    to_email: str
    message_id: str
    sent_at: datetime
    to_name: str = ""
    mailing_list: ListHeaders | None = None
    unsubscribe_url: str | None = None
    envelope: str = ""
    unsubscribe_mail: str = ""


@dataclass(frozen=True, slots=True)
class Part:
    """A body as it stands in the message, its last line ended."""

    transfer: Transfer
    data: bytes


@dataclass(frozen=True, slots=True)
class Skeleton:
    """Header lines that do not differ between a campaign's recipients."""

    campaign: CampaignHeaders
    shared: str
    boundary: str

    def fill(self, headers: MessageHeaders, rendered: Rendered) -> bytes:
        """The message, CRLF throughout, ready for DATA. Raises ValueError for a value no header may carry."""
        return self.assemble(headers, rendered.subject, text=_part(rendered.text), html=_part(rendered.html))

    def assemble(self, headers: MessageHeaders, subject: str, *, text: Part, html: Part) -> bytes:
        """The same of parts that are encoded already. Raises ValueError."""
        _check_class(headers)
        head = CRLF.join(
            (
                f"Date: {_date(int(headers.sent_at.timestamp()))}",
                self.shared,
                _mailbox("To", headers.to_name, headers.to_email, headers.envelope),
                header_text.unstructured("Subject", subject),
                _message_id(headers),
                *_list_lines(headers),
                "MIME-Version: 1.0",
                f'Content-Type: multipart/alternative;\r\n boundary="{self.boundary}"',
                "",
                "",
            )
        )
        return b"".join(
            (
                head.encode(),
                _part_head(self.boundary, "plain", text.transfer),
                text.data,
                _part_head(self.boundary, "html", html.transfer),
                html.data,
                f"\r\n--{self.boundary}--\r\n".encode(),
            )
        )


def prepare(campaign: CampaignHeaders) -> Skeleton:
    """The shared lines of a campaign. Raises ValueError."""
    lines = [_mailbox("From", campaign.from_name, campaign.from_email)]
    if campaign.reply_to:
        lines.append(_mailbox("Reply-To", "", campaign.reply_to))
    if campaign.feedback_id:
        if not _FEEDBACK.fullmatch(campaign.feedback_id) or len(campaign.feedback_id) > 200:
            raise ValueError("Feedback-ID holds something other than up to four plain words")
        lines.append(f"Feedback-ID: {campaign.feedback_id}")
    lines += campaign.marks
    if campaign.mail_class is MailClass.SYSTEM:
        lines.append("Auto-Submitted: auto-generated")  # RFC 3834 §5
    if not _DOMAIN.fullmatch(campaign.message_id_domain):
        raise ValueError("the domain of Message-ID is not a domain")
    shared = CRLF.join(lines)
    # “=_” is in neither encoding (RFC 2045 §6.7, rule 1), so no body holds the boundary (D-05)
    return Skeleton(campaign, shared, "=_" + blake2b(shared.encode(), digest_size=12).hexdigest())


def build(headers: MessageHeaders, rendered: Rendered) -> bytes:
    """One message on its own. Raises ValueError."""
    return prepare(headers.campaign).fill(headers, rendered)


def envelope_address(email: str) -> str:
    """The address for MAIL and RCPT: local part as typed, domain in A-labels (D-08). Raises ValueError."""
    header_text.checked(email, "an address")
    parsed = addresses.parse(email)
    local = parsed.email.rpartition("@")[0]
    return f"{local}@{parsed.key.rpartition('@')[2]}"


def needs_smtputf8(email: str) -> bool:
    """True when only a server with SMTPUTF8 can take it: its local part is not ASCII (RFC 6531 §3.4)."""
    return not email.rpartition("@")[0].isascii()


def header_names(message: bytes) -> list[str]:
    """Names of the header fields in order, for checks."""
    head = message.partition(b"\r\n\r\n")[0]
    return [line.partition(b":")[0].decode("ascii") for line in _HEADER_BREAK.split(head)]


def _check_class(headers: MessageHeaders) -> None:
    marketing = headers.campaign.mail_class is MailClass.MARKETING
    given = headers.mailing_list is not None and headers.unsubscribe_url is not None
    if marketing and not given:
        raise ValueError("a marketing message needs its list and its unsubscribe address")
    if not marketing and (headers.mailing_list is not None or headers.unsubscribe_url is not None):
        raise ValueError("only marketing messages carry List-* headers")
    if headers.sent_at.tzinfo is None:
        raise ValueError("sent_at has no time zone")


def _mailbox(field: str, name: str, email: str, envelope: str = "") -> str:
    address = envelope if _KNOWN.fullmatch(envelope) else envelope_address(email)
    if not name.strip():
        return f"{field}: {address}" if len(field) + 2 + len(address) <= 78 else f"{field}:\r\n {address}"
    shown = header_text.phrase(name, used=len(field) + 2)
    line = f"{field}: {shown}"
    fits = len(line.rpartition(CRLF)[2]) + len(address) + 3 <= header_text.LINE
    return f"{line}{' ' if fits else CRLF + ' '}<{address}>"


@lru_cache(4)
def _date(seconds: int) -> str:
    return format_datetime(datetime.fromtimestamp(seconds, UTC))


def _message_id(headers: MessageHeaders) -> str:
    if not _ID_LEFT.fullmatch(headers.message_id):
        raise ValueError("Message-ID holds something other than plain characters")
    return f"Message-ID: <{headers.message_id}@{headers.campaign.message_id_domain}>"


def _list_lines(headers: MessageHeaders) -> list[str]:
    if headers.mailing_list is None or headers.unsubscribe_url is None:
        return []
    if not _URL.fullmatch(headers.unsubscribe_url):
        raise ValueError("the unsubscribe address is not a plain web address")
    ways = f"<{headers.unsubscribe_url}>"
    if headers.unsubscribe_mail:
        if not _MAILTO.fullmatch(headers.unsubscribe_mail):
            raise ValueError("the unsubscribe mail address is not plain")
        # RFC 2369 §2: the first is preferred, and one click is the surer way
        ways = f"{ways},{CRLF} <{headers.unsubscribe_mail}>"
    # RFC 8058 §3.1: both headers, and the second exactly so.
    return [
        _list_id(headers.mailing_list),
        f"List-Unsubscribe: {ways}",
        "List-Unsubscribe-Post: List-Unsubscribe=One-Click",
    ]


@lru_cache(256)
def _list_id(one: ListHeaders) -> str:
    list_id = f"{one.label}.{one.domain}"
    if not _LABEL.fullmatch(one.label) or not _DOMAIN.fullmatch(one.domain) or len(list_id) > 253:
        raise ValueError("List-Id is not a label under a domain of at most 255 octets")
    name = header_text.phrase(one.name, used=len("List-Id: ")) + f"{CRLF} " if one.name.strip() else ""
    return f"List-Id: {name}<{list_id}>"


def _part(text: str) -> Part:
    plain = merge.normalise(text)
    transfer = bodies.shorter(plain)
    return Part(transfer, bodies.transferred(plain, transfer))


@lru_cache(64)
def _part_head(boundary: str, subtype: str, transfer: Transfer) -> bytes:
    start = "" if subtype == "plain" else CRLF
    return (
        f"{start}--{boundary}\r\nContent-Type: text/{subtype}; charset=utf-8\r\n"
        f"Content-Transfer-Encoding: {transfer}\r\n\r\n"
    ).encode()
