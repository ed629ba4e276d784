"""What the API answers, as frozen dataclasses. Members that a later version adds are passed over."""

import dataclasses
from collections.abc import Hashable
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from typing import Any, TypeVar, cast, get_type_hints

from mailer.client.errors import RowError

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscription:
    list_id: int
    name: str
    status: str
    legal_basis: str
    since: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Contact:
    """`suppressed`: why nothing may go to this address, or None. `restricted_at`: since when the data may
    only be kept (GDPR art. 18), or None.
    """

    id: int
    email: str
    first_name: str = ""
    last_name: str = ""
    language: str = ""
    fields: dict[str, Any] = field(default_factory=dict)
    lists: list[Subscription] = field(default_factory=list)
    tags: list[str] = field(default_factory=list)
    suppressed: str | None = None
    returned_to: list[int] = field(default_factory=list)
    opens: str = "unknown"
    clicks: str = "unknown"
    source: str = ""
    created_at: datetime | None = None
    updated_at: datetime | None = None
    restricted_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MailingList:
    id: int
    name: str
    public_name: str = ""
    purpose: str = ""
    frequency: str = ""
    kind: str = "newsletter"
    double_opt_in: bool = True
    shown_in_preferences: bool = True
    active: int = 0
    pending: int = 0
    unsubscribed: int = 0
    created_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchRow:
    """`result`: created, updated, unchanged, refused (opt-outs of these lists stay), set_aside,
    restricted (this person's data may only be kept) or error.
    """

    row: int
    id: int | None
    result: str
    refused: list[int]
    errors: list[RowError]


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """`counts` by result; `results` in the order of the rows."""

    counts: dict[str, int]
    results: list[BatchRow]

    @property
    def errors(self) -> list[RowError]:
        return [error for row in self.results for error in row.errors]


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """`kind`: created, updated, deleted, subscription or consent."""

    kind: str
    contact_id: int
    list_id: int | None = None
    status: str = ""
    at: datetime
    contact: Contact | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """Keep `next_cursor` once the items are dealt with, and ask again with it."""

    items: list[Change]
    next_cursor: str
    more: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Import:
    """`counts`: rows, created, updated, unchanged, refused, doubles, errors, set_aside."""

    id: int
    state: str
    failure: str = ""
    file_name: str = ""
    mode: str = ""
    list_ids: list[int] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)
    rejects_url: str | None = None
    created_at: datetime | None = None
    finished_at: datetime | None = None

    @property
    def over(self) -> bool:
        return self.state in ("done", "failed", "cancelled")


@dataclass(frozen=True, slots=True, kw_only=True)
class Export:
    """`rows` of about `total` are written; `file_url` is there until `expires_at`."""

    id: int
    state: str
    what: str = ""
    format: str = ""
    rows: int = 0
    total: int = 0
    file_url: str | None = None
    created_at: datetime | None = None
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Campaign:
    id: int
    name: str
    status: str
    subject: str = ""
    pause_reason: str = ""
    list_ids: list[int] = field(default_factory=list)
    created_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """A message that will be sent."""

    id: int
    status: str
    created_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """`to` and `subject` are None once they were erased."""

    id: int
    status: str
    reason: str = ""
    to: str | None = None
    subject: str | None = None
    attempts: int = 0
    created_at: datetime | None = None
    final_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Webhook:
    """`status`: on, off or disabled (then `disabled_reason`: gone or failing). `secret`: of a new one."""

    id: int
    url: str
    events: list[str]
    name: str = ""
    status: str = "on"
    disabled_reason: str = ""
    disabled_at: datetime | None = None
    failing_since: datetime | None = None
    last_attempt_at: datetime | None = None
    last_success_at: datetime | None = None
    old_secret_until: datetime | None = None
    created_at: datetime | None = None
    secret: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookAttempt:
    """`message_id`: the `webhook-id`. `state`: waiting, delivered, failed or missed."""

    id: int
    message_id: str
    type: str
    at: datetime
    number: int
    outcome: str
    http_status: int | None = None
    milliseconds: int = 0
    answer: str = ""
    state: str = ""
    next_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """What became of a campaign's mail to one person. `email` is "" when the contact is gone.

    `variant`: that an A/B test drew for them, 1 for A; None for everybody else.
    """

    contact_id: int
    email: str
    status: str
    reason: str = ""
    provider: str = ""
    attempts: int = 0
    first_at: datetime | None = None
    next_at: datetime | None = None
    final_at: datetime | None = None
    smtp_code: int | None = None
    smtp_reply: str = ""
    bounce_reason: str = ""
    variant: int | None = None


@cache
def _hints(cls: Hashable) -> dict[str, Any]:
    return get_type_hints(cls)


def build(cls: type[T], data: dict[str, Any]) -> T:
    """JSON → record; nested records and times by the types of the fields."""
    hints = _hints(cast(Hashable, cls))
    known = {name: _value(hints[name], value) for name, value in data.items() if name in hints}
    return cls(**known)


def _value(hint: Any, value: Any) -> Any:
    parts = getattr(hint, "__args__", ())
    if value is None:
        return None
    if hint is datetime or datetime in parts:
        return datetime.fromisoformat(value)
    if isinstance(value, list) and parts and dataclasses.is_dataclass(parts[0]):
        return [build(cast("type[object]", parts[0]), item) for item in value]
    if isinstance(value, dict):
        struct = next((part for part in (hint, *parts) if dataclasses.is_dataclass(part)), None)
        return value if struct is None else build(cast("type[object]", struct), value)
    return value
