"""What an answer means: for the delivery, for its endpoint, and for the people who rely on it (E-64)."""

from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlsplit

from mailer.accounts import audit, identity
from mailer.core import outbox
from mailer.core.db import AccountTx
from mailer.core.services import Services
from mailer.web.outgoing import Answer, Outcome
from mailer.webhooks import endpoints, plan


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """`at`: when the request left. `test`: tried once, and no sign of the endpoint's health when it fails."""

    endpoint_id: int
    event_id: int
    test: bool
    answer: Answer
    at: datetime

    @property
    def accepted(self) -> bool:
        return self.answer.outcome is Outcome.ACCEPTED


@dataclass(frozen=True, slots=True, kw_only=True)
class _Endpoint:
    url: str
    name: str
    status: str
    failures: int
    failing_since: datetime | None
    last_success_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Delivery:
    attempts: int
    begun_at: datetime


async def settle(tx: AccountTx, services: Services, told: Settled) -> bool:
    """Writes the attempt down, and what follows. True when the endpoint may get the next one at once."""
    endpoint = await _lock(tx, told.endpoint_id)
    if endpoint is None:
        return False  # deleted meanwhile
    delivery = await _note(tx, told)
    if delivery is None:
        return True  # its event is past its six days
    if told.accepted:
        await _succeeded(tx, told)
        return True
    await _move_on(tx, told, endpoint, delivery)
    if told.test:
        return endpoint.status == "on"
    return await _failed(tx, services, told, endpoint, delivery)


async def _lock(tx: AccountTx, endpoint_id: int) -> _Endpoint | None:
    return await tx.first(
        _Endpoint,
        """
        SELECT url, name, status, failures, failing_since, last_success_at
        FROM webhook_endpoints
        WHERE account_id = $1 AND id = $2
        FOR NO KEY UPDATE
        """,
        endpoint_id,
    )


async def _note(tx: AccountTx, told: Settled) -> _Delivery | None:
    answer = told.answer
    return await tx.first(
        _Delivery,
        """
        WITH tried AS (
            UPDATE webhook_deliveries
            SET attempts = attempts + 1, begun_at = coalesce(begun_at, $4)
            WHERE account_id = $1 AND endpoint_id = $2 AND event_id = $3
            RETURNING attempts, begun_at
        ), noted AS (
            INSERT INTO webhook_attempts (account_id, endpoint_id, event_id, at, number, outcome, http_status,
                                          milliseconds, answer)
            SELECT $1, $2, $3, $4, attempts, $5, $6, $7, $8 FROM tried
        )
        SELECT attempts::int AS attempts, begun_at FROM tried
        """,
        told.endpoint_id,
        told.event_id,
        told.at,
        answer.outcome,
        answer.status,
        answer.milliseconds,
        answer.text,
    )


async def _succeeded(tx: AccountTx, told: Settled) -> None:
    await tx.run(
        """
        UPDATE webhook_deliveries SET status = 'delivered', next_at = NULL
        WHERE account_id = $1 AND endpoint_id = $2 AND event_id = $3
        """,
        told.endpoint_id,
        told.event_id,
    )
    await tx.run(
        """
        UPDATE webhook_endpoints
        SET failures = 0, failing_since = NULL, held_until = NULL, last_attempt_at = $3, last_success_at = $3
        WHERE account_id = $1 AND id = $2
        """,
        told.endpoint_id,
        told.at,
    )


async def _move_on(tx: AccountTx, told: Settled, endpoint: _Endpoint, delivery: _Delivery) -> None:
    """The delivery waits for its next try; or it has failed; or is missed, the endpoint being off by now."""
    following = None if told.test else plan.next_at(delivery.attempts, told.answer, told.at)
    waits = following is not None and endpoint.status == "on"
    ended = "missed" if following is not None else "failed"
    await tx.run(
        """
        UPDATE webhook_deliveries SET status = $4, next_at = $5
        WHERE account_id = $1 AND endpoint_id = $2 AND event_id = $3
        """,
        told.endpoint_id,
        told.event_id,
        "waiting" if waits else ended,
        following if waits else None,
    )


async def _failed(
    tx: AccountTx, services: Services, told: Settled, endpoint: _Endpoint, delivery: _Delivery
) -> bool:
    held = plan.hold_until(endpoint.failures + 1, told.answer, told.at)
    await tx.run(
        """
        UPDATE webhook_endpoints
        SET failures = failures + 1, failing_since = coalesce(failing_since, $3), held_until = $4,
            last_attempt_at = $3
        WHERE account_id = $1 AND id = $2
        """,
        told.endpoint_id,
        told.at,
        held,
    )
    if endpoint.status != "on":
        return False
    if told.answer.outcome is Outcome.GONE:
        await _disable(tx, services, told, endpoint, "gone")
        return False
    if _is_lost(told, endpoint, delivery):
        await _disable(tx, services, told, endpoint, "failing")
        return False
    return held is None


def _is_lost(told: Settled, endpoint: _Endpoint, delivery: _Delivery) -> bool:
    """The plan is over, and nothing else was taken meanwhile: an endpoint that refuses one event and takes
    the others works. Or it fails for as long as a plan lasts, while events wait for their first try."""
    since = endpoint.failing_since or told.at
    if told.at - since >= plan.PATIENCE:
        return True
    works = endpoint.last_success_at is not None and endpoint.last_success_at >= delivery.begun_at
    return delivery.attempts >= plan.TRIES and not works


async def _disable(
    tx: AccountTx, services: Services, told: Settled, endpoint: _Endpoint, reason: str
) -> None:
    await tx.run(
        """
        UPDATE webhook_endpoints
        SET status = 'disabled', disabled_reason = $3, disabled_at = $4, held_until = NULL
        WHERE account_id = $1 AND id = $2
        """,
        told.endpoint_id,
        reason,
        told.at,
    )
    await endpoints.miss(tx, told.endpoint_id)
    await audit.write(tx, "disabled", "webhook", told.endpoint_id)
    who = await identity.of(tx)
    recipient = next(iter(await identity.team(tx)), who.contact_email)
    if not recipient:
        return
    details = {
        # the path may hold a key of theirs
        "webhook": endpoint.name or urlsplit(endpoint.url).hostname or "",
        "gone": reason == "gone",
        "link": f"{services.settings.public_url}{endpoints.page(tx.account_id, told.endpoint_id)}",
        "account": who.account_name,
    }
    await outbox.write(tx, "webhook_disabled", recipient, language=who.language, details=details)
