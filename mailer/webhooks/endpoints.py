"""Endpoints: where programs of others are told what happens, and what of it (E-63).

on ⇄ off          by a person
on → disabled     by Mailer: it answered 410, or nothing for the whole plan (E-64); a person turns it on again
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from mailer.accounts import audit
from mailer.core import clock, restores
from mailer.core.db import AccountTx
from mailer.core.errors import Conflict, Fault, Invalid
from mailer.core.sealing import Sealer
from mailer.core.text import N_
from mailer.web.outgoing import Wall, check_url
from mailer.web.request import Input
from mailer.webhooks import signatures
from mailer.webhooks.catalogue import KINDS

MOST = 20  # of an account
ROTATION = timedelta(hours=24)


Url = Annotated[str, StringConstraints(strip_whitespace=True, max_length=2000)]
Name = Annotated[str, StringConstraints(strip_whitespace=True, max_length=120)]
Events = Annotated[list[Annotated[str, StringConstraints(max_length=100)]], Field(max_length=100)]


class NewEndpoint(Input):
    """`events`: names of the catalogue (deploy/docs/webhooks.md)."""

    url: Url
    name: Name = ""
    events: Events


class EndpointChanges(Input):
    """What is left out stays. `status` on also turns on again what was disabled."""

    url: Url | None = None
    name: Name | None = None
    events: Events | None = None
    status: Literal["on", "off"] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """`status` is on, off (by a person) or disabled: then `disabled_reason` is gone (410) or failing.

    `failing_since`: no request has succeeded since. `old_secret_until`: both secrets sign until then.
    """

    id: int
    url: str
    name: str
    events: list[str]
    status: str
    disabled_reason: str
    disabled_at: datetime | None
    failing_since: datetime | None
    last_attempt_at: datetime | None
    last_success_at: datetime | None
    old_secret_until: datetime | None
    created_at: datetime

    @property
    def label(self) -> str:
        return self.name or self.url


async def many(tx: AccountTx) -> list[Endpoint]:
    return await tx.many(
        Endpoint,
        """
        SELECT id, url, name, events, status, disabled_reason, disabled_at, failing_since, last_attempt_at,
               last_success_at, old_secret_until, created_at
        FROM webhook_endpoints
        WHERE account_id = $1
        ORDER BY id
        """,
    )


async def show(tx: AccountTx, endpoint_id: int) -> Endpoint:
    """Raises NotFound."""
    return await tx.one(
        Endpoint,
        """
        SELECT id, url, name, events, status, disabled_reason, disabled_at, failing_since, last_attempt_at,
               last_success_at, old_secret_until, created_at
        FROM webhook_endpoints
        WHERE account_id = $1 AND id = $2
        """,
        endpoint_id,
    )


def page(account_id: int, endpoint_id: int) -> str:
    return f"/app/{account_id}/integrations/webhooks/{endpoint_id}"


def purpose(account_id: int) -> str:
    """Bound to each sealed secret."""
    return f"webhook {account_id}"


def _check(wall: Wall, url: str | None, events: list[str] | None) -> list[str] | None:
    """The events in the catalogue's order, each once. Raises Invalid with the faults of both."""
    faults: list[Fault] = []
    if url is not None:
        try:
            check_url(url, wall)
        except Invalid as error:
            faults += error.faults
    if unknown := sorted(set(events or ()) - set(KINDS)):
        name = ", ".join(unknown)[:200]
        faults.append(Fault("events", N_("Unknown event: {name}."), "event", {"name": name}))
    if events is not None and not events:
        faults.append(Fault("events", N_("Choose at least one event.")))
    if faults:
        raise Invalid(*faults)
    return None if events is None else [name for name in KINDS if name in events]


async def create(tx: AccountTx, sealer: Sealer, wall: Wall, new: NewEndpoint) -> tuple[Endpoint, str]:
    """The secret is never shown again. Raises Invalid; Conflict when there are too many."""
    events = _check(wall, new.url, new.events)
    # one after the other, so that two at once do not make one too many; and the feed begins once
    await tx.run("SELECT pg_advisory_xact_lock(hashtextextended('webhooks', $1))")
    if await tx.value("SELECT count(*) FROM webhook_endpoints WHERE account_id = $1") >= MOST:
        raise Conflict(Fault("url", N_("An account has {most} webhooks at most."), "many", {"most": MOST}))
    await _begin_feed(tx)
    secret = signatures.new_secret()
    endpoint_id: int = await tx.value(
        """
        INSERT INTO webhook_endpoints (account_id, url, name, events, sealed_secret)
        VALUES ($1, $2, $3, $4, $5)
        RETURNING id
        """,
        new.url,
        new.name,
        events,
        sealer.seal(secret.encode(), purpose(tx.account_id)),
    )
    await audit.write(tx, "created", "webhook", endpoint_id)
    return await show(tx, endpoint_id), secret


async def _begin_feed(tx: AccountTx) -> None:
    """From now on, unless somebody is listening already: what nobody wanted is not read."""
    if await tx.value("SELECT 1 FROM webhook_endpoints WHERE account_id = $1 AND status <> 'off' LIMIT 1"):
        return
    await tx.run(
        """
        INSERT INTO webhook_feeds (account_id, lineage, xid, id)
        VALUES ($1, $2, pg_snapshot_xmin(pg_current_snapshot())::text::bigint - 1, 9223372036854775807)
        ON CONFLICT (account_id) DO UPDATE
        SET lineage = excluded.lineage, xid = excluded.xid, id = excluded.id
        """,
        await restores.lineage(tx.shared()),
    )


async def change(tx: AccountTx, wall: Wall, endpoint_id: int, changes: EndpointChanges) -> Endpoint:
    """Raises NotFound and Invalid. Turned on again, it is told what happens from then on."""
    before = await show(tx, endpoint_id)
    events = _check(wall, changes.url if changes.url != before.url else None, changes.events)
    await tx.run(
        """
        UPDATE webhook_endpoints
        SET url = coalesce($3, url), name = coalesce($4, name), events = coalesce($5, events)
        WHERE account_id = $1 AND id = $2
        """,
        endpoint_id,
        changes.url,
        changes.name,
        events,
    )
    if changes.status is not None and changes.status != before.status:
        await _turn(tx, before, on=changes.status == "on")
    await audit.write(tx, "changed", "webhook", endpoint_id)
    return await show(tx, endpoint_id)


async def _turn(tx: AccountTx, before: Endpoint, *, on: bool) -> None:
    """What came while it was disabled waits for a replay. What came while it was off is not kept at all."""
    if not on:
        await miss(tx, before.id)
    else:
        await tx.run("SELECT pg_advisory_xact_lock(hashtextextended('webhooks', $1))")
        await _begin_feed(tx)
    await tx.run(
        """
        UPDATE webhook_endpoints
        SET status = CASE WHEN $3 THEN 'on' ELSE 'off' END, disabled_reason = '', disabled_at = NULL,
            since = CASE WHEN status = 'off' THEN now() ELSE since END,
            failures = 0, failing_since = NULL, held_until = NULL
        WHERE account_id = $1 AND id = $2
        """,
        before.id,
        on,
    )


async def miss(tx: AccountTx, endpoint_id: int) -> None:
    """What waits is not sent any more, unless it is replayed."""
    await tx.run(
        """
        UPDATE webhook_deliveries SET status = 'missed', next_at = NULL
        WHERE account_id = $1 AND endpoint_id = $2 AND status = 'waiting'
        """,
        endpoint_id,
    )


async def delete(tx: AccountTx, endpoint_id: int) -> None:
    """With its log and its secret. Raises NotFound."""
    await show(tx, endpoint_id)
    await tx.run("DELETE FROM webhook_endpoints WHERE account_id = $1 AND id = $2", endpoint_id)
    await audit.write(tx, "deleted", "webhook", endpoint_id)


async def rotate(tx: AccountTx, sealer: Sealer, endpoint_id: int) -> str:
    """The new secret, never shown again; for a day each request carries both signatures. Raises NotFound."""
    await show(tx, endpoint_id)
    secret = signatures.new_secret()
    await tx.run(
        """
        UPDATE webhook_endpoints
        SET sealed_old_secret = sealed_secret, old_secret_until = $4, sealed_secret = $3
        WHERE account_id = $1 AND id = $2
        """,
        endpoint_id,
        sealer.seal(secret.encode(), purpose(tx.account_id)),
        clock.now() + ROTATION,
    )
    await audit.write(tx, "rotated", "webhook", endpoint_id)
    return secret


async def disabled(tx: AccountTx) -> Sequence[Endpoint]:
    return [one for one in await many(tx) if one.status == "disabled"]
