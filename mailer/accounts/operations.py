"""What the operator's pages tell of the installation and its accounts: counters, nobody's data (A-017)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from redis.asyncio import Redis
from redis.exceptions import RedisError

from mailer.accounts import audit
from mailer.accounts.breach_jobs import OPERATOR, owners
from mailer.core import outbox, paging
from mailer.core.db import AccountTx, SharedTx
from mailer.core.errors import NotFound

# the workers' own marks, one for each of their queues; a test compares the names (mailer/worker.py)
QUEUES = ("mailer:tick", "mailer:queue", "mailer:urgent", "mailer:waits", "mailer:background")
LATE = timedelta(minutes=1)
RETENTION_LATE = timedelta(hours=1)
DAYS = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """Work of one kind. `background`: sweeps, which wait for room; what they leave late is told by rule.
    `error`: the last one, type and place only (B-61)."""

    job: str
    background: bool
    due: int
    oldest: datetime | None
    failing: int
    error: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Pause:
    """A provider that asked this SMTP server to wait."""

    server: str
    profile: str
    until: datetime
    reply: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LateRule:
    rule: str
    last_run_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """`failed`: system mails of the last day that nobody took."""

    accounts: int
    pending: int
    suspended: int
    closed: int
    breaches: int
    requests: int
    failed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """`workers`: by queue, did one report within the last minute? None: the queue server is away."""

    work: list[Waiting]
    pauses: list[Pause]
    late: list[LateRule]
    counts: Counts
    workers: dict[str, bool] | None

    @property
    def oldest(self) -> datetime | None:
        return min((one.oldest for one in self.work if one.oldest and not one.background), default=None)

    @property
    def failing(self) -> list[Waiting]:
        return [one for one in self.work if one.failing]

    def well(self, now: datetime) -> bool:
        """Is everything on time?"""
        alive = self.workers is not None and all(self.workers.values())
        late = self.oldest is not None and self.oldest < now - LATE
        return alive and not (late or self.failing or self.pauses or self.late or self.counts.failed)


async def health(tx: SharedTx, redis: Redis, now: datetime) -> Health:
    return Health(
        work=await tx.many(
            Waiting,
            """
            SELECT job, background, count(*) FILTER (WHERE run_at <= $1 AND leased_until IS NULL)::int AS due,
                   min(run_at) FILTER (WHERE run_at <= $1 AND leased_until IS NULL) AS oldest,
                   count(*) FILTER (WHERE attempts > 0)::int AS failing,
                   coalesce(max(last_error) FILTER (WHERE attempts > 0), '') AS error
            FROM work
            WHERE (run_at <= $1 AND leased_until IS NULL) OR attempts > 0
            GROUP BY job, background
            ORDER BY background, oldest NULLS LAST, job
            LIMIT 100
            """,
            now,
        ),
        pauses=await tx.many(
            Pause,
            """
            SELECT server, profile, until, reply
            FROM provider_pauses
            WHERE until > $1
            ORDER BY until
            LIMIT 100
            """,
            now,
        ),
        late=await tx.many(
            LateRule,
            "SELECT rule, last_run_at FROM retention_runs WHERE last_run_at < $1 ORDER BY last_run_at, rule",
            now - RETENTION_LATE,
        ),
        counts=await tx.one(
            Counts,
            """
            SELECT count(*)::int AS accounts,
                   count(*) FILTER (WHERE status = 'pending')::int AS pending,
                   count(*) FILTER (WHERE status = 'suspended')::int AS suspended,
                   count(*) FILTER (WHERE status = 'closed')::int AS closed,
                   (SELECT count(*)::int FROM breaches WHERE closed_at IS NULL) AS breaches,
                   (SELECT count(*)::int FROM authority_requests WHERE answer = 'open') AS requests,
                   (SELECT count(*)::int FROM outbox WHERE failed_at > $1) AS failed
            FROM accounts
            """,
            now - timedelta(days=1),
        ),
        workers=await _workers(redis),
    )


async def _workers(redis: Redis) -> dict[str, bool] | None:
    try:
        return {queue: bool(await redis.exists(f"{queue}:health-check")) for queue in QUEUES}
    except (RedisError, OSError):
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountRow:
    id: int
    name: str
    status: str
    status_reason: str
    created_at: datetime
    per_day: int | None
    per_month: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """Of the last 30 days, and what is held now."""

    begun: int
    hard: int
    blocked: int
    complaints: int
    held: int


async def accounts(
    tx: SharedTx, cursor: str = "", *, name: str = "", status: str = "", limit: int = 25
) -> paging.Page[tuple[AccountRow, Figures]]:
    """The newest first, with their counters; `name`: how it begins. Raises Invalid for a damaged cursor."""
    before = paging.decode(cursor, (int,))
    rows = await tx.many(
        AccountRow,
        """
        SELECT id, name, status, status_reason, created_at, per_day, per_month
        FROM accounts
        WHERE ($1::bigint IS NULL OR id < $1) AND ($2 = '' OR starts_with(lower(name), lower($2)))
          AND ($3 = '' OR status = $3)
        ORDER BY id DESC
        LIMIT $4
        """,
        before[0] if before else None,
        name,
        status,
        limit + 1,
    )
    page = paging.page(rows, limit, key=lambda row: (row.id,))
    return paging.Page(
        [(row, await _figures(await tx.enter(row.id))) for row in page.items], page.next_cursor
    )


async def _figures(tx: AccountTx) -> Figures:
    """From tables that count already: no row about a person is read."""
    return await tx.one(
        Figures,
        """
        SELECT (SELECT coalesce(sum(begun), 0)::bigint FROM day_counts
                WHERE account_id = $1 AND day > current_date - $2::int) AS begun,
               coalesce(sum(n) FILTER (WHERE kind = 'hard'), 0)::bigint AS hard,
               coalesce(sum(n) FILTER (WHERE kind = 'block'), 0)::bigint AS blocked,
               coalesce(sum(n) FILTER (WHERE kind = 'complaint'), 0)::bigint AS complaints,
               (SELECT count(*) FROM campaigns
                WHERE account_id = $1 AND status = 'paused'
                  AND pause_reason IN ('bounces', 'complaints', 'refused')) AS held
        FROM feedback_counts
        WHERE account_id = $1 AND day > current_date - $2::int
        """,
        DAYS,
    )


async def waiting(tx: SharedTx) -> Sequence[AccountRow]:
    """Accounts that an operator has to let in, the oldest first."""
    return await tx.many(
        AccountRow,
        """
        SELECT id, name, status, status_reason, created_at, per_day, per_month
        FROM accounts
        WHERE status = 'pending'
        ORDER BY id
        LIMIT 100
        """,
    )


async def decide(tx: SharedTx, account_id: int, reason: str, *, public_url: str) -> None:
    """`reason` "": it may send from now on; else it is suspended. Raises NotFound when it does not wait."""
    touched = await tx.run(
        """
        UPDATE accounts SET status = CASE WHEN $2 = '' THEN 'active' ELSE 'suspended' END, status_reason = $2
        WHERE id = $1 AND status = 'pending'
        """,
        account_id,
        reason,
    )
    if not touched:
        raise NotFound
    inside = await tx.enter(account_id)
    inside.actor = OPERATOR
    await audit.write(inside, "refused" if reason else "approved", "account", account_id)
    await tell(inside, "", reason, f"{public_url}/app/{account_id}")


async def tell(tx: AccountTx, campaign: str, reason: str, link: str) -> None:
    """Its owners what was decided: of a campaign, or "" of the account. `reason` "": it goes on."""
    account = await tx.value("SELECT name FROM accounts WHERE id = $1")
    for person in await owners(tx):
        details = {
            "name": person.first_name,
            "account": account,
            "campaign": campaign,
            "reason": reason,
            "link": link,
        }
        await outbox.write(tx, "hold_decided", person.email, language=person.language, details=details)
