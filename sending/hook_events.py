"""A provider's call as events: one a recipient, in the form that reports by mail have, too (D-31).

What the provider's own category says is a bound: an address is invalid only where the provider says so as
well, and where it gives no words that a rule knows, its category decides.
"""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import orjson

from mailer.core import clock
from mailer.core.addresses import domain_of
from sending import bounce_rules, profiles, replies
from sending.feedback import Finding, Kind, Reason

# beyond the longest time over which one of the three tries a call again (SendGrid: 24 hours)
REPLAY = timedelta(hours=48)
_AHEAD = timedelta(minutes=15)
# a batch of SendGrid's holds some hundred
MOST_EVENTS = 10_000
_CODE = re.compile(r"(?<![\d.])([245]\d\d)(?![\d.])")
_ENHANCED = re.compile(r"(?<![\d.])([245]\.\d{1,3}\.\d{1,3})(?![\d.])")
_EARLIEST = datetime(2020, 1, 1, tzinfo=UTC)
Members = Mapping[str, object]


class Refused(Exception):
    """The call is not believed, or nobody can read it. `why`: a word of feedback_hooks.ERRORS."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """`key`: the same whenever it is told again. `campaign_id`, `message_id` (a transactional message) as our
    mark says, both 0 without it."""

    key: bytes
    at: datetime
    finding: Finding
    campaign_id: int = 0
    message_id: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Category:
    """What the provider itself says of a bounce, under its name there."""

    kind: Kind
    reason: Reason
    name: str


def finding(
    category: Category, recipient: str, words: str, *, enhanced: str = "", message_id: str = ""
) -> Finding:
    """`words`: the receiving server's, with its codes."""
    code = int(found[1]) if (found := _CODE.search(words)) else 0
    status = enhanced if _ENHANCED.fullmatch(enhanced) else ""
    if not status and (told := _ENHANCED.search(words)):
        status = told[1]
    kind, reason, rule = _judged(category, recipient, (code, status, words))
    return Finding(
        kind=kind,
        reason=reason,
        rule=rule,
        recipient=recipient,
        code=code,
        enhanced=status,
        text=replies.shown(words),
        message_id=message_id,
    )


def _judged(category: Category, recipient: str, said: tuple[int, str, str]) -> tuple[Kind, Reason, str]:
    code, enhanced, words = said
    if category.kind not in (Kind.HARD, Kind.SOFT, Kind.BLOCK) or not (code or enhanced or words):
        return category.kind, category.reason, category.name
    profile = profiles.of_domain(domain_of(recipient.lower())) or profiles.DEFAULT
    # what a provider calls final was tried for days
    ask = bounce_rules.final if category.kind is Kind.HARD else bounce_rules.classify
    kind, reason, rule = ask(code, enhanced, words, profile=profile)
    known = kind in (Kind.HARD, Kind.SOFT, Kind.BLOCK) and reason is not Reason.UNDEFINED
    if not known or (kind is Kind.HARD and category.kind is not Kind.HARD):
        return category.kind, category.reason, category.name
    return kind, reason, f"{category.name}, {rule}"


def delivered(recipient: str, name: str, *, message_id: str = "") -> Finding:
    """The mailbox's own server has taken it: no failure of any kind, and the end of what failed before."""
    return Finding(
        kind=Kind.UNKNOWN,
        reason=Reason.DELIVERED,
        rule=name,
        recipient=recipient,
        message_id=message_id,
    )


def key_of(*parts: object) -> bytes:
    """Of what the provider names an event by, and its recipient."""
    return hashlib.blake2b("\0".join(map(str, parts)).encode(), digest_size=16).digest()


def check_fresh(at: datetime) -> None:
    """Of a signed time. Raises Refused."""
    if not clock.now() - REPLAY <= at <= clock.now() + _AHEAD:
        raise Refused("late")


def read_json(body: bytes | str) -> object:
    """Raises Refused."""
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        raise Refused("unreadable") from None


def members(value: object) -> Members:
    """An object's members; of anything else none."""
    return value if isinstance(value, dict) else {}


def items(value: object) -> list[Members]:
    """The objects of a list; what is none is left out."""
    given = value if isinstance(value, list) else []
    return [one for one in given[:MOST_EVENTS] if isinstance(one, dict)]


def text(of: Members, name: str, most: int = 2000) -> str:
    """A member that is a text or a number, as text without NUL; else ""."""
    found = of.get(name)
    plain = str(found) if isinstance(found, str | int) and not isinstance(found, bool) else ""
    return plain.replace("\0", "")[:most]


def instant(of: Members, name: str) -> datetime:
    """RFC 3339 or Unix seconds; now for what is missing, unreadable, or no time that mails of ours are of."""
    found = of.get(name)
    at = None
    try:
        if isinstance(found, str) and not found.isdigit():
            at = datetime.fromisoformat(found)
        elif isinstance(found, str | int) and not isinstance(found, bool):
            at = datetime.fromtimestamp(int(found), UTC)
    except (ValueError, OverflowError, OSError):
        at = None
    now = clock.now()
    if at is None or at.tzinfo is None or not _EARLIEST <= at <= now + _AHEAD:
        return now
    return at.astimezone(UTC)


def message_id(bracketed: str) -> str:
    return bracketed.strip().strip("<>")[:500]
