"""The work table (S3): PostgreSQL remembers what is to be done, arq only runs it.

A row is added in the transaction that causes it. The tick rings what is due; a turn takes the row by a
conditional UPDATE on `turn`, renews its lease while it runs, and then removes or postpones it. When a lease
ends without that, the tick raises `turn`: whoever still holds the old one has lost the row.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from mailer.core import clock
from mailer.core.db import AccountTx, Database, SharedTx

LEASE_SECONDS = 20
PLATFORM = 0  # account_id of work that belongs to no account
BACKGROUND_AT_ONCE = 200
"""Rows of sweeps that a tick rings: some seconds' worth, so that more workers find work, too."""


@dataclass(frozen=True, slots=True)
class Task:
    """One turn of one piece of work.

    `born`: when its row was made, in µs; 0: whichever is there. `background`: a sweep over all accounts asked
    for it, and nobody waits.
    """

    account_id: int
    job: str
    ref_id: int
    lane: int
    turn: int
    attempts: int = 0
    born: int = 0
    background: bool = False

    @property
    def id(self) -> str:
        """arq's job id. arq blocks a killed worker's id for long: hence the turn, and the birth of a row that
        was finished and asked for again, since its turns begin anew."""
        return f"{self.job}:{self.account_id}:{self.ref_id}:{self.lane}:{self.born}:{self.turn}"


async def add(
    tx: AccountTx | SharedTx, job: str, ref_id: int, *, run_at: datetime | None = None, lane: int = 0
) -> None:
    """To be done at `run_at` (now when None). What is there already is brought forward, never put off."""
    shared, account_id = (tx.shared(), tx.account_id) if isinstance(tx, AccountTx) else (tx, PLATFORM)
    await shared.run(
        """
        INSERT INTO work (account_id, job, ref_id, lane, run_at)
        VALUES ($1, $2, $3, $4, coalesce($5, now()))
        ON CONFLICT (account_id, job, ref_id, lane) DO UPDATE
        SET run_at = least(work.run_at, excluded.run_at), attempts = 0, asked = work.leased_until IS NOT NULL,
            background = false
        """,
        account_id,
        job,
        ref_id,
        lane,
        run_at,
    )


async def cancel(tx: AccountTx | SharedTx, job: str, ref_id: int) -> int:
    """Takes away what is not running. Returns the number of rows."""
    shared, account_id = (tx.shared(), tx.account_id) if isinstance(tx, AccountTx) else (tx, PLATFORM)
    return await shared.run(
        """
        DELETE FROM work
        WHERE account_id = $1 AND job = $2 AND ref_id = $3 AND (leased_until IS NULL OR leased_until < now())
        """,
        account_id,
        job,
        ref_id,
    )


async def due(db: Database, limit: int = 500, *, sweeps: int = BACKGROUND_AT_ONCE) -> list[Task]:
    """What to ring now, the oldest first; of sweeps so many.

    Rows whose lease has ended get their next turn first.
    """
    async with db.shared() as tx:
        await tx.run(
            """
            UPDATE work
            SET turn = turn + 1, leased_until = NULL, attempts = attempts + 1,
                last_error = 'the worker that had it is gone'
            WHERE leased_until < now()
            """
        )
        return await tx.many(
            Task,
            """
            SELECT account_id, job, ref_id, lane, turn, attempts,
                   (extract(epoch FROM created_at) * 1000000)::bigint AS born, background
            FROM (VALUES (false, $1::int), (true, $2)) AS kind (of_sweeps, most)
            CROSS JOIN LATERAL (
                SELECT *
                FROM work
                WHERE background = of_sweeps AND run_at <= now() AND leased_until IS NULL
                ORDER BY run_at
                LIMIT most
            ) AS waiting
            """,
            limit,
            sweeps,
        )


async def held(db: Database, ids: Sequence[str]) -> set[str]:
    """Of these ids of turns those that are running: whose row is leased, in that turn."""
    async with db.shared() as tx:
        rows = await tx.rows(
            """
            SELECT id
            FROM unnest($1::text[]) AS id
            CROSS JOIN LATERAL string_to_array(id, ':') AS part
            JOIN work w ON w.job = part[1] AND w.account_id = part[2]::bigint AND w.ref_id = part[3]::bigint
                       AND w.lane = part[4]::int
                       AND (extract(epoch FROM w.created_at) * 1000000)::bigint = part[5]::bigint
                       AND w.turn = part[6]::int
            WHERE w.leased_until > now()
            """,
            list(ids),
        )
    return {name for (name,) in rows}


async def others_wait(db: Database, account_id: int, *, seconds: float = 2.0) -> bool:
    """Is work of somebody else due for so long that no worker seems to have room for it?

    Sweeps are no such work: they have places of their own.
    """
    async with db.shared() as tx:
        return bool(
            await tx.value(
                """
                SELECT EXISTS (
                    SELECT FROM work
                    WHERE NOT background AND run_at <= now() - make_interval(secs => $2)
                      AND leased_until IS NULL AND account_id <> $1)
                """,
                account_id,
                seconds,
            )
        )


async def bring_forward(tx: AccountTx, job: str) -> int:
    """What waits of this job in the account is due now."""
    return await tx.shared().run(
        """
        UPDATE work SET run_at = least(run_at, now()), asked = leased_until IS NOT NULL
        WHERE account_id = $1 AND job = $2
        """,
        tx.account_id,
        job,
    )


async def take(db: Database, task: Task) -> bool:
    """True when the turn is ours: due, not leased, and not raised since the ring."""
    async with db.shared() as tx:
        return _ours(
            await tx.value(
                """
                UPDATE work
                SET leased_until = now() + make_interval(secs => $6), asked = false
                WHERE account_id = $1 AND job = $2 AND ref_id = $3 AND lane = $4 AND turn = $5
                  AND $7::bigint IN (0, extract(epoch FROM created_at) * 1000000)
                  AND run_at <= now() AND leased_until IS NULL
                RETURNING clock_timestamp()
                """,
                task.account_id,
                task.job,
                task.ref_id,
                task.lane,
                task.turn,
                LEASE_SECONDS,
                task.born,
            )
        )


async def renew(db: Database, task: Task) -> bool:
    """False when the row was taken away or given to another: the turn has to stop."""
    async with db.shared() as tx:
        return _ours(
            await tx.value(
                """
                UPDATE work
                SET leased_until = now() + make_interval(secs => $6)
                WHERE account_id = $1 AND job = $2 AND ref_id = $3 AND lane = $4 AND turn = $5
                  AND $7::bigint IN (0, extract(epoch FROM created_at) * 1000000)
                  AND leased_until IS NOT NULL
                RETURNING clock_timestamp()
                """,
                task.account_id,
                task.job,
                task.ref_id,
                task.lane,
                task.turn,
                LEASE_SECONDS,
                task.born,
            )
        )


def _ours(database_time: datetime | None) -> bool:
    """Did the statement touch the row? Its clock is the one that this turn goes by."""
    if database_time is not None:
        clock.follow(database_time)
    return database_time is not None


async def finish(db: Database, task: Task) -> None:
    """Done for good, unless it was asked for again meanwhile."""
    async with db.shared() as tx:
        await tx.run(
            """
            WITH done AS (
                DELETE FROM work
                WHERE account_id = $1 AND job = $2 AND ref_id = $3 AND lane = $4 AND turn = $5
                  AND $6::bigint IN (0, extract(epoch FROM created_at) * 1000000) AND NOT asked
            )
            UPDATE work
            SET turn = turn + 1, leased_until = NULL, run_at = now(), asked = false,
                attempts = 0, last_error = ''
            WHERE account_id = $1 AND job = $2 AND ref_id = $3 AND lane = $4 AND turn = $5
                  AND $6::bigint IN (0, extract(epoch FROM created_at) * 1000000) AND asked
            """,
            task.account_id,
            task.job,
            task.ref_id,
            task.lane,
            task.turn,
            task.born,
        )


async def postpone(db: Database, task: Task, *, run_at: datetime | None, error: str = "") -> float | None:
    """Gives the next turn a time. With `error` the try is counted and the text shown to operators.

    `run_at` None means at once; a time that was asked for meanwhile (`add`) wins when it is earlier. Returns
    the seconds until then, None when the row is somebody else's.
    """
    async with db.shared() as tx:
        seconds: float | None = await tx.value(
            """
            UPDATE work
            SET turn = turn + 1, leased_until = NULL, asked = false,
                run_at = CASE WHEN asked THEN now() ELSE coalesce($6::timestamptz, now()) END,
                attempts = CASE WHEN $7 = '' THEN 0 ELSE attempts + 1 END, last_error = $7
            WHERE account_id = $1 AND job = $2 AND ref_id = $3 AND lane = $4 AND turn = $5
              AND $8::bigint IN (0, extract(epoch FROM created_at) * 1000000)
            RETURNING extract(epoch FROM run_at - now())::float8
            """,
            task.account_id,
            task.job,
            task.ref_id,
            task.lane,
            task.turn,
            run_at,
            error[:500],
            task.born,
        )
    return seconds


async def ensure(tx: SharedTx, job: str) -> None:
    """A row for a job that runs by itself; one that is there keeps its time."""
    await tx.run(
        "INSERT INTO work (account_id, job, ref_id) VALUES ($1, $2, 0) ON CONFLICT DO NOTHING", PLATFORM, job
    )


async def oldest_seconds(db: Database) -> float:
    """How long the oldest due row that somebody may wait for has waited."""
    async with db.shared() as tx:
        return float(
            await tx.value(
                """
                SELECT coalesce(extract(epoch FROM now() - min(run_at)), 0)
                FROM work
                WHERE NOT background AND run_at <= now() AND leased_until IS NULL
                """
            )
        )


async def ask_each_account(tx: SharedTx, job: str) -> int:
    """Like `add` with ref 0, for every account. Returns how many."""
    return await tx.run(
        """
        INSERT INTO work (account_id, job, ref_id)
        SELECT id, $1, 0 FROM accounts
        ON CONFLICT (account_id, job, ref_id, lane) DO UPDATE
        SET run_at = least(work.run_at, excluded.run_at), attempts = 0, asked = work.leased_until IS NOT NULL
        """,
        job,
    )


async def ask_accounts(tx: SharedTx, job: str, account_ids: Sequence[int], *, ref_id: int = 0) -> int:
    """Like `add`, for each of these that is still there. Returns how many."""
    return await tx.run(
        """
        INSERT INTO work (account_id, job, ref_id)
        SELECT id, $1, $3 FROM accounts WHERE id = ANY ($2::bigint[]) ORDER BY id
        ON CONFLICT (account_id, job, ref_id, lane) DO UPDATE
        SET run_at = least(work.run_at, excluded.run_at), attempts = 0, asked = work.leased_until IS NOT NULL
        """,
        job,
        list(account_ids),
        ref_id,
    )


async def add_for_each_account(tx: SharedTx, job: str) -> int:
    """A sweep: one row in the background for every account that has none yet. Returns how many were added."""
    return await tx.run(
        """
        INSERT INTO work (account_id, job, ref_id, background)
        SELECT id, $1, 0, true FROM accounts
        ON CONFLICT DO NOTHING
        """,
        job,
    )
