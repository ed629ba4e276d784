"""Mails that nobody but a person can understand: replies to a return path, reports in no known form.

They lie sealed and go with the content's six days; "handled" says that somebody dealt with one.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from mailer.accounts import audit
from mailer.core import clock, keys
from mailer.core.db import AccountTx
from mailer.core.errors import NotFound
from mailer.core.services import Services
from mailer.core.tokens import ReturnToken
from sending import inbound, return_paths
from sending.inbound import Envelope

PAGE = 50
KEPT = timedelta(days=6)


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """`content` None: its key is no more."""

    id: int
    received_at: datetime
    size: int
    state: str
    kind: str
    rule: str
    handled_at: datetime | None
    key_day: date | None
    content: bytes | None

    @property
    def erased_on(self) -> datetime:
        return self.received_at + KEPT


@dataclass(frozen=True, slots=True)
class Mail:
    """`envelope` None: it cannot be read any more."""

    row: Row
    envelope: Envelope | None


async def many(
    tx: AccountTx, services: Services, state: str, *, before: int | None = None, limit: int = PAGE
) -> list[Mail]:
    """The newest first, one more than the limit when there are more. `state`: open or handled."""
    rows = await tx.many(
        Row,
        """
        SELECT id, received_at, size, state, kind, rule, handled_at, key_day, content
        FROM inbound_mails
        WHERE account_id = $1 AND state = $2 AND ($3::bigint IS NULL OR id < $3)
        ORDER BY id DESC
        LIMIT $4
        """,
        state,
        before,
        limit + 1,
    )
    return await _opened(tx, services, rows)


async def show(tx: AccountTx, services: Services, mail_id: int) -> Mail:
    """Raises NotFound, also for what was understood."""
    row = await tx.one(
        Row,
        """
        SELECT id, received_at, size, state, kind, rule, handled_at, key_day, content
        FROM inbound_mails
        WHERE account_id = $1 AND id = $2 AND state IN ('open', 'handled')
        """,
        mail_id,
    )
    return (await _opened(tx, services, [row]))[0]


async def waiting(tx: AccountTx) -> int:
    return int(
        await tx.value("SELECT count(*) FROM inbound_mails WHERE account_id = $1 AND state = 'open'") or 0
    )


async def handle(tx: AccountTx, mail_id: int) -> None:
    """Somebody dealt with it. Idempotent. Raises NotFound."""
    state = await tx.value(
        "SELECT state FROM inbound_mails WHERE account_id = $1 AND id = $2 FOR UPDATE", mail_id
    )
    if state not in ("open", "handled"):
        raise NotFound
    if state == "open":
        await tx.run(
            """
            UPDATE inbound_mails SET state = 'handled', handled_at = now(), handled_by = $3
            WHERE account_id = $1 AND id = $2
            """,
            mail_id,
            tx.actor.id,
        )
        await audit.write(tx, "handled", "inbound_mail", mail_id)


async def _opened(tx: AccountTx, services: Services, rows: Sequence[Row]) -> list[Mail]:
    plain = await keys.open_many(tx, services.sealer, [(row.key_day, row.content) for row in rows])
    return [
        Mail(row, inbound.load(found) if found is not None else None)
        for row, found in zip(rows, plain, strict=True)
    ]


def about(services: Services, mail: Mail) -> ReturnToken | None:
    """Which mail it answers, by the address that it came to."""
    if mail.envelope is None:
        return None
    local = mail.envelope.returned_to.rpartition("@")[0]
    try:
        _, token = return_paths.read(services.tokens, local, now=clock.now(), lay_days=KEPT.days)
    except NotFound:
        return None
    return token if token.campaign_id and token.ref_id else None
