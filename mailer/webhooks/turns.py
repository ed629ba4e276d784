"""A turn of one endpoint: what is due goes out, four at a time, and each answer is written down.

    endpoint → due deliveries, oldest event first → request → attempt, delivery, endpoint in a transaction

No transaction is open while the other side has the word. A worker that is killed leaves its deliveries
waiting, and the next turn sends them again, under the same `webhook-id`.
"""

import asyncio
import time
from collections import deque
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import orjson

from mailer.core import clock, jobs, metrics, restores
from mailer.core.db import AccountTx
from mailer.core.services import Services
from mailer.core.work import Task
from mailer.web.outgoing import Answer, Caller, Wall, calling, wall_of
from mailer.webhooks import endpoints, settling, signatures
from mailer.webhooks.catalogue import TEST

SEND = "webhooks.send"
SECONDS = 15.0
# at once, for one endpoint: more would mix up the order of what happened
IN_FLIGHT = 4
BATCH = 100
# of a test event: before all that waits
AT_ONCE = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Target:
    url: str
    status: str
    failures: int
    held_until: datetime | None
    sealed_secret: bytes
    sealed_old_secret: bytes | None
    old_secret_until: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """A delivery with its event."""

    event_id: int
    uid: str
    type: str
    at: datetime
    data: dict[str, Any]

    @property
    def is_test(self) -> bool:
        return self.type == TEST


@dataclass(slots=True)
class _Turn:
    """What the requests of one turn share. `url` and `secrets` are as the turn found them."""

    services: Services
    task: Task
    caller: Caller
    url: str
    secrets: list[str]
    ends_at: float
    stopped: bool = False

    async def send(self, due: Due) -> None:
        body = payload(due.type, due.at, due.data)
        now = clock.now()
        headers = signatures.headers(due.uid, now, body, self.secrets)
        answer = await self.caller.post(self.url, body, {**headers, "Content-Type": "application/json"})
        metrics.WEBHOOKS.labels(answer.outcome.value).inc()
        async with self.services.db.account(self.task.account_id) as tx:
            goes_on = await settling.settle(tx, self.services, self._settled(due, answer, now))
        self.stopped = self.stopped or not goes_on

    def _settled(self, due: Due, answer: Answer, now: datetime) -> settling.Settled:
        return settling.Settled(
            endpoint_id=self.task.ref_id, event_id=due.event_id, test=due.is_test, answer=answer, at=now
        )

    async def work_off(self, waiting: deque[Due]) -> None:
        while waiting and not self.stopped and time.monotonic() < self.ends_at:
            await self.send(waiting.popleft())


def payload(type_: str, at: datetime, data: dict[str, Any]) -> bytes:
    """The body, octet by octet the same at each try: its parts never change, and neither does their order."""
    told = {"type": type_, "timestamp": at.astimezone(UTC).isoformat().replace("+00:00", "Z"), "data": data}
    return orjson.dumps(told, option=orjson.OPT_SORT_KEYS)


async def send(services: Services, task: Task) -> datetime | None:
    """The job "webhooks.send": `ref_id` is the endpoint."""
    return await send_through(services, task, wall_of(services.settings))


async def send_through(services: Services, task: Task, wall: Wall) -> datetime | None:
    if not await restores.may_send(services, every=restores.SENDING_SECONDS):
        # a database that was put back, or a copy of it, tells nobody what others were told already
        return jobs.in_(minutes=1)
    async with services.db.account(task.account_id) as tx:
        target = await _target(tx, task.ref_id)
        if target is None:
            return None
        waiting = deque(await _tests(tx, task.ref_id))
        held = target.held_until is not None and target.held_until > clock.now()
        if target.status == "on" and not held:
            waiting += await _due(tx, task.ref_id)
        if not waiting:
            return await _next(tx, task.ref_id, target)
    async with calling(wall, connections=IN_FLIGHT) as caller:
        turn = _Turn(
            services, task, caller, target.url, _secrets(services, task, target), time.monotonic() + SECONDS
        )
        if target.failures:
            # one knocks before the others are let go
            await turn.send(waiting.popleft())
        async with asyncio.TaskGroup() as group:
            for _ in range(IN_FLIGHT):
                group.create_task(turn.work_off(waiting))
    return jobs.again()


def _secrets(services: Services, task: Task, target: _Target) -> list[str]:
    sealed = [target.sealed_secret]
    if target.sealed_old_secret and target.old_secret_until and target.old_secret_until > clock.now():
        sealed.append(target.sealed_old_secret)
    purpose = endpoints.purpose(task.account_id)
    return [services.sealer.open(one, purpose).decode() for one in sealed]


async def _target(tx: AccountTx, endpoint_id: int) -> _Target | None:
    return await tx.first(
        _Target,
        """
        SELECT url, status, failures, held_until, sealed_secret, sealed_old_secret, old_secret_until
        FROM webhook_endpoints
        WHERE account_id = $1 AND id = $2
        """,
        endpoint_id,
    )


async def _tests(tx: AccountTx, endpoint_id: int) -> list[Due]:
    return await tx.many(
        Due,
        """
        SELECT e.id AS event_id, e.uid, e.type, e.at, e.data
        FROM webhook_deliveries d
        JOIN webhook_events e ON e.account_id = $1 AND e.id = d.event_id
        WHERE d.account_id = $1 AND d.endpoint_id = $2 AND d.status = 'waiting' AND d.next_at = $3
        ORDER BY e.id
        LIMIT 10
        """,
        endpoint_id,
        AT_ONCE,
    )


async def _due(tx: AccountTx, endpoint_id: int) -> list[Due]:
    return await tx.many(
        Due,
        """
        -- the batch first: a join of all that waits with all that happened is for nobody
        WITH due AS MATERIALIZED (
            SELECT event_id
            FROM webhook_deliveries
            WHERE account_id = $1 AND endpoint_id = $2 AND status = 'waiting' AND next_at > $4
              AND next_at <= $3
            ORDER BY event_id
            LIMIT $5
        )
        SELECT e.id AS event_id, e.uid, e.type, e.at, e.data
        FROM due d
        JOIN webhook_events e ON e.account_id = $1 AND e.id = d.event_id
        ORDER BY e.id
        """,
        endpoint_id,
        clock.now(),
        AT_ONCE,
        BATCH,
    )


async def _next(tx: AccountTx, endpoint_id: int, target: _Target) -> datetime | None:
    """When there is something to do again; None while nothing waits."""
    if target.status != "on":
        return None
    first: datetime | None = await tx.value(
        """
        SELECT min(next_at) FROM webhook_deliveries
        WHERE account_id = $1 AND endpoint_id = $2 AND status = 'waiting'
        """,
        endpoint_id,
    )
    if first is None or target.held_until is None:
        return first
    return max(first, target.held_until)
