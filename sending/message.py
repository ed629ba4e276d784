"""One message as bytes: the headers of the checklist (requirements 0.3) and two parts, text first.

What a campaign shares is prepared once as a Skeleton; a recipient fills in To, Subject, date, ids and bodies.
DKIM comes with the signer, `mailto:` in List-Unsubscribe with the inbound listener (S17).
"""

import binascii
import re
from base64 import encodebytes
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime
from enum import StrEnum
from hashlib import blake2b

from mailer.core import addresses
from sending import header_text
from sending.render import Rendered

CRLF = "\r\n"
_ID_LEFT = re.compile(r"[A-Za-z0-9._+-]{1,200}")
_DOMAIN = re.compile(r"[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*")
_LABEL = re.compile(r"[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*")
_FEEDBACK = re.compile(r"[A-Za-z0-9._-]+(:[A-Za-z0-9._-]+){0,3}")
_URL = re.compile(r"https?://[!-;=?-~]{1,900}")
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


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageHeaders:
    """One message's headers. `message_id` is the part left of the @; `sent_at` is aware.

    `mailing_list` and `unsubscribe_url` are required for marketing, and refused otherwise.
    """

    campaign: CampaignHeaders
    to_email: str
    message_id: str
    sent_at: datetime
    to_name: str = ""
    mailing_list: ListHeaders | None = None
    unsubscribe_url: str | None = None


@dataclass(frozen=True, slots=True)
class Skeleton:
    """Header lines that do not differ between a campaign's recipients."""

    campaign: CampaignHeaders
    shared: str

    def fill(self, headers: MessageHeaders, rendered: Rendered) -> bytes:
        """The message, CRLF throughout, ready for DATA. Raises ValueError for a value no header may carry."""
        _check_class(headers)
        lines = [
            "Date: " + format_datetime(headers.sent_at.astimezone(UTC)),
            self.shared,
            _mailbox("To", headers.to_name, headers.to_email),
            header_text.unstructured("Subject", rendered.subject),
            _message_id(headers),
            *_list_lines(headers),
        ]
        boundary = _boundary(headers)
        lines.append("MIME-Version: 1.0")
        lines.append(f'Content-Type: multipart/alternative;\r\n boundary="{boundary}"')
        head = CRLF.join(lines).encode()
        parts = [_part("plain", rendered.text), _part("html", rendered.html)]
        mark = boundary.encode()
        body = b"".join(b"--" + mark + b"\r\n" + part + b"\r\n" for part in parts)
        return head + b"\r\n\r\n" + body + b"--" + mark + b"--\r\n"


def prepare(campaign: CampaignHeaders) -> Skeleton:
    """The shared lines of a campaign. Raises ValueError."""
    lines = [_mailbox("From", campaign.from_name, campaign.from_email)]
    if campaign.reply_to:
        lines.append(_mailbox("Reply-To", "", campaign.reply_to))
    if campaign.feedback_id:
        if not _FEEDBACK.fullmatch(campaign.feedback_id) or len(campaign.feedback_id) > 200:
            raise ValueError("Feedback-ID holds something other than up to four plain words")
        lines.append(f"Feedback-ID: {campaign.feedback_id}")
    if campaign.mail_class is MailClass.SYSTEM:
        lines.append("Auto-Submitted: auto-generated")  # RFC 3834 §5
    if not _DOMAIN.fullmatch(campaign.message_id_domain):
        raise ValueError("the domain of Message-ID is not a domain")
    return Skeleton(campaign, CRLF.join(lines))


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


def _mailbox(field: str, name: str, email: str) -> str:
    address = envelope_address(email)
    if not name.strip():
        return f"{field}: {address}" if len(field) + 2 + len(address) <= 78 else f"{field}:\r\n {address}"
    shown = header_text.phrase(name, used=len(field) + 2)
    line = f"{field}: {shown}"
    fits = len(line.rpartition(CRLF)[2]) + len(address) + 3 <= header_text.LINE
    return f"{line}{' ' if fits else CRLF + ' '}<{address}>"


def _message_id(headers: MessageHeaders) -> str:
    if not _ID_LEFT.fullmatch(headers.message_id):
        raise ValueError("Message-ID holds something other than plain characters")
    return f"Message-ID: <{headers.message_id}@{headers.campaign.message_id_domain}>"


def _list_lines(headers: MessageHeaders) -> list[str]:
    if headers.mailing_list is None or headers.unsubscribe_url is None:
        return []
    one = headers.mailing_list
    list_id = f"{one.label}.{one.domain}"
    if not _LABEL.fullmatch(one.label) or not _DOMAIN.fullmatch(one.domain) or len(list_id) > 253:
        raise ValueError("List-Id is not a label under a domain of at most 255 octets")
    if not _URL.fullmatch(headers.unsubscribe_url):
        raise ValueError("the unsubscribe address is not a plain web address")
    name = header_text.phrase(one.name, used=len("List-Id: ")) + f"{CRLF} " if one.name.strip() else ""
    # RFC 8058 §3.1: both headers, and the second exactly so.
    return [
        f"List-Id: {name}<{list_id}>",
        f"List-Unsubscribe: <{headers.unsubscribe_url}>",
        "List-Unsubscribe-Post: List-Unsubscribe=One-Click",
    ]


def _part(subtype: str, text: str) -> bytes:
    data = (text if text.endswith("\n") else text + "\n").replace("\r\n", "\n").replace("\r", "\n").encode()
    # Without CR in the input both encoders end lines with LF alone; a CR of ours is added to each.
    quoted = binascii.b2a_qp(data, istext=True)
    transfer, body = "quoted-printable", quoted
    if len(quoted) > len(data) * 1.37:
        # Base64 would turn LF into bytes of the text, where CRLF is the line end (RFC 2046 §4.1.1).
        transfer, body = "base64", encodebytes(data.replace(b"\n", b"\r\n"))
    head = f"Content-Type: text/{subtype}; charset=utf-8\r\nContent-Transfer-Encoding: {transfer}\r\n\r\n"
    return head.encode() + body.replace(b"\n", b"\r\n")


def _boundary(headers: MessageHeaders) -> str:
    # “=_” is in neither encoding (RFC 2045 §6.7, rule 1), so no body holds the boundary (D-05).
    seed = f"{headers.message_id}@{headers.campaign.message_id_domain}"
    return "=_" + blake2b(seed.encode(), digest_size=12).hexdigest()
