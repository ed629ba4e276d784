"""The log of an endpoint: every request of six days, what was answered, and the same again (E-64)."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from pydantic import AwareDatetime, model_validator

from mailer.accounts import audit
from mailer.core import clock, paging, work
from mailer.core.db import AccountTx
from mailer.core.errors import Conflict, Fault, NotFound, fault
from mailer.core.paging import Page
from mailer.core.rate import Limit
from mailer.core.text import N_
from mailer.web.request import Input
from mailer.webhooks import endpoints
from mailer.webhooks.catalogue import TEST
from mailer.webhooks.turns import AT_ONCE, SEND, payload

KEPT = timedelta(days=6)  # A-001, with the events themselves (retention_jobs)
TESTS = Limit("webhook test", 30, 600)


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """A request. `message_id`: the `webhook-id` it carried. `number`: which try of its plan.

    `outcome`: accepted (2xx), refused, redirected (3xx is not followed), gone (410), timeout, unreachable,
    tls, not_allowed (a private address), malformed. `answer`: the first 500 characters. `state`: of the
    delivery now: waiting (for its next try, `next_at`), delivered, failed, missed (sent when replayed).
    """

    id: int
    message_id: str
    type: str
    at: datetime
    number: int
    outcome: str
    http_status: int | None
    milliseconds: int
    answer: str
    state: str
    next_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sent:
    type: str
    at: datetime
    data: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Backlog:
    """Deliveries of six days by their state."""

    waiting: int
    failed: int
    missed: int


async def many(tx: AccountTx, endpoint_id: int, *, cursor: str = "", limit: int = 50) -> Page[Attempt]:
    """The newest first. Raises NotFound; Invalid for a damaged cursor."""
    await endpoints.show(tx, endpoint_id)
    before = paging.decode(cursor, (int,))
    rows = await tx.many(
        Attempt,
        """
        SELECT a.id, e.uid AS message_id, e.type, a.at, a.number, a.outcome, a.http_status, a.milliseconds,
               a.answer, d.status AS state, d.next_at
        FROM webhook_attempts a
        JOIN webhook_events e ON e.account_id = $1 AND e.id = a.event_id
        JOIN webhook_deliveries d ON d.account_id = $1 AND d.endpoint_id = $2 AND d.event_id = a.event_id
        WHERE a.account_id = $1 AND a.endpoint_id = $2 AND ($3::bigint IS NULL OR a.id < $3)
        ORDER BY a.id DESC
        LIMIT $4
        """,
        endpoint_id,
        before[0] if before else None,
        limit + 1,
    )
    return paging.page(rows, limit, key=lambda row: (row.id,))


async def show(tx: AccountTx, endpoint_id: int, attempt_id: int) -> tuple[Attempt, str]:
    """With the body that was sent. Raises NotFound."""
    found = await tx.one(
        Attempt,
        """
        SELECT a.id, e.uid AS message_id, e.type, a.at, a.number, a.outcome, a.http_status, a.milliseconds,
               a.answer, d.status AS state, d.next_at
        FROM webhook_attempts a
        JOIN webhook_events e ON e.account_id = $1 AND e.id = a.event_id
        JOIN webhook_deliveries d ON d.account_id = $1 AND d.endpoint_id = $2 AND d.event_id = a.event_id
        WHERE a.account_id = $1 AND a.endpoint_id = $2 AND a.id = $3
        """,
        endpoint_id,
        attempt_id,
    )
    sent = await tx.one(
        _Sent,
        "SELECT type, at, data FROM webhook_events WHERE account_id = $1 AND uid = $2",
        found.message_id,
    )
    return found, payload(sent.type, sent.at, sent.data).decode()


async def backlog(tx: AccountTx, endpoint_id: int) -> Backlog:
    return await tx.one(
        Backlog,
        """
        SELECT count(*) FILTER (WHERE status = 'waiting')::int AS waiting,
               count(*) FILTER (WHERE status = 'failed')::int AS failed,
               count(*) FILTER (WHERE status = 'missed')::int AS missed
        FROM (SELECT status FROM webhook_deliveries
              WHERE account_id = $1 AND endpoint_id = $2 AND status <> 'delivered'
              LIMIT 100000) AS unsettled
        """,
        endpoint_id,
    )


class Replay(Input):
    """One message, or all `since` a time: `only` undelivered, or all of them."""

    message_id: str | None = None
    since: AwareDatetime | None = None
    only: Literal["undelivered", "all"] = "undelivered"

    @model_validator(mode="after")
    def _one_of_both(self) -> "Replay":
        if (self.message_id is None) == (self.since is None):
            raise fault("message_id", N_("Give either message_id or since."))
        return self


@dataclass(frozen=True, slots=True, kw_only=True)
class Replayed:
    """How many deliveries wait now to be sent again, with the `webhook-id` they had."""

    count: int


async def replay(tx: AccountTx, endpoint_id: int, wanted: Replay) -> Replayed:
    """Raises NotFound; Conflict at `status` for an endpoint that is not on."""
    endpoint = await endpoints.show(tx, endpoint_id)
    if endpoint.status != "on":
        raise Conflict(Fault("status", N_("Turn this webhook on first.")))
    if wanted.message_id is not None:
        count = await _again(tx, endpoint_id, wanted.message_id)
    else:
        assert wanted.since is not None
        count = await _all_again(tx, endpoint_id, wanted.since, wanted.only)
    await work.add(tx, SEND, endpoint_id)
    await audit.write(tx, "replayed", "webhook", endpoint_id, count=count)
    return Replayed(count=count)


async def _again(tx: AccountTx, endpoint_id: int, message_id: str) -> int:
    count = await tx.run(
        """
        UPDATE webhook_deliveries d
        SET status = 'waiting', attempts = 0, begun_at = NULL, next_at = $4
        FROM webhook_events e
        WHERE d.account_id = $1 AND d.endpoint_id = $2 AND e.account_id = $1 AND e.uid = $3
          AND d.event_id = e.id
        """,
        endpoint_id,
        message_id,
        clock.now(),
    )
    if not count:
        raise NotFound
    return count


async def _all_again(tx: AccountTx, endpoint_id: int, since: datetime, only: str) -> int:
    return await tx.run(
        """
        UPDATE webhook_deliveries d
        SET status = 'waiting', attempts = 0, begun_at = NULL, next_at = $5
        FROM webhook_events e
        WHERE d.account_id = $1 AND d.endpoint_id = $2 AND e.account_id = $1 AND d.event_id = e.id
          AND e.at >= $3 AND e.type <> $6
          AND CASE WHEN $4 = 'all' THEN d.status <> 'waiting' ELSE d.status IN ('failed', 'missed') END
        """,
        endpoint_id,
        since,
        only,
        clock.now(),
        TEST,
    )


async def test(tx: AccountTx, endpoint_id: int) -> str:
    """A test event goes out at once, to an endpoint in whatever state, and is tried once. Returns its
    `webhook-id`. Raises NotFound."""
    await endpoints.show(tx, endpoint_id)
    uid: str = await tx.value(
        """
        WITH made AS (
            INSERT INTO webhook_events (account_id, type, data, spread)
            VALUES ($1, $3, jsonb_build_object('webhook_id', $2::bigint), true)
            RETURNING id, uid
        ), waiting AS (
            INSERT INTO webhook_deliveries (account_id, endpoint_id, event_id, next_at)
            SELECT $1, $2, id, $4 FROM made
        )
        SELECT uid FROM made
        """,
        endpoint_id,
        TEST,
        AT_ONCE,
    )
    await work.add(tx, SEND, endpoint_id)
    return uid
