"""What comes back about a mail, in one form: an SMTP reply, a report by mail or a provider's webhook (D-31).

raw mail ─▶ feedback_mail.explain ┐
webhook  ─▶ its adapter           ├─▶ Finding ─▶ what becomes of delivery, contact and campaign
SMTP reply ─▶ replies.classify    ┘
"""

from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """Only `hard` says that an address is invalid; `block` speaks of us or of the mail (D-32)."""

    HARD = "hard"
    SOFT = "soft"
    BLOCK = "block"
    COMPLAINT = "complaint"
    AUTO_REPLY = "auto_reply"
    UNSUBSCRIBE = "unsubscribe"
    UNKNOWN = "unknown"


class Reason(StrEnum):
    """Why, in the field's usual words."""

    USER_UNKNOWN = "user unknown"
    HOST_UNKNOWN = "host unknown"
    MAILBOX_FULL = "mailbox full"
    SUSPENDED = "suspended"
    HAS_MOVED = "has moved"
    NO_MAIL_ACCEPTED = "no mail accepted"
    ON_HOLD = "on hold"
    EXCEEDED_LIMIT = "exceeded limit"
    NETWORK = "network error"
    EXPIRED = "expired"
    SYSTEM = "system error"
    SYSTEM_FULL = "system full"
    MAILER = "mailer error"
    SYNTAX = "syntax error"
    TOO_LARGE = "too large"
    CONTENT = "content error"
    SPAM = "spam"
    VIRUS = "virus"
    POLICY = "policy"
    SECURITY = "security error"
    BLOCKED = "blocked"
    BAD_REPUTATION = "bad reputation"
    AUTH_FAILURE = "auth failure"
    PTR = "no reverse dns"
    RATE_LIMITED = "rate limited"
    TLS = "tls failed"
    NOT_COMPLIANT = "not compliant"
    REJECTED = "sender rejected"
    FILTERED = "filtered"
    RELAY = "relay denied"
    COMPLAINT = "complaint"
    AUTO_REPLY = "auto reply"
    UNSUBSCRIBE = "unsubscribe"
    DELIVERED = "delivered"
    UNDEFINED = "undefined"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Of one recipient. `recipient` "" where it is not told; `code` 0 and `enhanced` "" where there is none.

    `rule` names what decided; `text` is the server's own words, one line, for a person to read. `returned_to`
    is the address the report came to, from which the delivery is known by its token (D-30); `message_id` is
    that of the mail it speaks of, without angle brackets. `final` False: the mail is late and still on its
    way, so nothing has become of it yet.
    """

    kind: Kind
    reason: Reason
    rule: str
    recipient: str = ""
    code: int = 0
    enhanced: str = ""
    text: str = ""
    returned_to: str = ""
    message_id: str = ""
    final: bool = True
