"""`export`: contacts to CSV through the product's own export, against one COPY of the same columns by hand.

The clock is PostgreSQL's: from the first part's transaction to the last one's. The yardstick is the statement
that somebody who knows the tables would write, its lines thrown away as they arrive: it guards no cell, saves
no position and stores nothing.
"""

import asyncio
import hashlib
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from statistics import median

import asyncpg

from lists import exports
from lists.exports import Export, NewExport
from mailer.core import files
from mailer.core.db import Database
from tests.bench import children, scene
from tests.bench.outcome import Options, Result, Void, say
from tests.bench.scene import Scene, Worker

CONTACTS = 1_000_000
SHORTER = 10
MOST_GROWTH = 1.1
SLOWEST = 1_000.0  # contacts a second: an export slower than this is given up
# what CSV holds of a contact with the three fields of `scene`, but for `status`, which costs the COPY nothing so
SAME_COLUMNS = """
    SELECT c.email, c.first_name, c.last_name, c.language, c.fields ->> 'ville', c.fields ->> 'visite',
           c.fields ->> 'points', s.subscribed, s.awaiting, s.unsubscribed, s.legal_basis, u.suppressed,
           c.opens, c.clicks, c.source, c.created_at, c.last_act_at
    FROM contacts c
    LEFT JOIN (
        SELECT s.contact_id,
               string_agg(l.name, '|' ORDER BY l.name) FILTER (WHERE s.status = 'active') AS subscribed,
               string_agg(l.name, '|' ORDER BY l.name) FILTER (WHERE s.status = 'pending') AS awaiting,
               string_agg(l.name, '|' ORDER BY l.name) FILTER (WHERE s.status = 'unsubscribed')
                   AS unsubscribed,
               string_agg(l.name || ': ' || s.legal_basis, '|' ORDER BY l.name)
                   FILTER (WHERE s.legal_basis <> '') AS legal_basis
        FROM subscriptions s
        JOIN mailing_lists l ON l.account_id = s.account_id AND l.id = s.list_id
        WHERE s.account_id = {account}
        GROUP BY s.contact_id
    ) AS s ON s.contact_id = c.id
    LEFT JOIN (
        SELECT u.address_hash,
               string_agg(coalesce(l.name || ': ', '') || u.reason, '|' ORDER BY u.id) AS suppressed
        FROM suppressions u
        LEFT JOIN mailing_lists l ON l.account_id = u.account_id AND l.id = u.list_id
        WHERE u.account_id = {account}
        GROUP BY u.address_hash
    ) AS u ON u.address_hash = c.address_hash
    WHERE c.account_id = {account}
    ORDER BY c.id
    """
# and without what stands beside the contact
OWN_COLUMNS = """
    SELECT c.email, c.first_name, c.last_name, c.language, c.fields ->> 'ville', c.fields ->> 'visite',
           c.fields ->> 'points', c.opens, c.clicks, c.source, c.created_at, c.last_act_at
    FROM contacts c
    WHERE c.account_id = {account}
    ORDER BY c.id
    """
OWN_NAMES = (
    "email first_name last_name language ville visite points opens clicks source created_at last_act_at"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """`cpu`: processor time a contact, of everything that took part."""

    rows: int
    seconds: float
    cpu: float
    worker: Worker | None = None

    @property
    def rate(self) -> float:
        return self.rows / self.seconds


async def run(options: Options) -> Result:
    count = options.scaled(CONTACTS, SHORTER * 20)
    ours, yardstick, cpu, own, memory = [], [], [], [], 0
    async with scene.opened(count) as place:
        few = await _beside(place, count)
        for n in range(options.runs):
            made = await _export(place, NewExport(), count, lose=options.lose)
            copied = await _copied(place, SAME_COLUMNS, count)
            alone = await _export(place, NewExport(columns=OWN_NAMES.split()), count)
            bare = await _copied(place, OWN_COLUMNS, count)
            ours.append(made.rate)
            yardstick.append(copied.rate)
            cpu.append(copied.cpu / made.cpu)
            own.append((alone.rate / bare.rate, bare.cpu / alone.cpu))
            memory = max(memory, made.worker.memory if made.worker else 0)
            told(n, made, copied)
        short = await _export(place, NewExport(list_id=few), count // SHORTER)
    say(f"  by processor time, which other programs of the machine disturb less: {median(cpu):.4f}")
    rates, costs = zip(*own, strict=True)
    say(
        f"  the contact's own columns only, against a COPY of these: {median(rates):.4f},"
        f" by processor time {median(costs):.4f}"
    )
    assert short.worker is not None
    growth = memory / short.worker.memory
    say(
        f"  a worker's peak memory: {memory / 2**20:,.0f} MB, {growth:.3f} × that of a tenth of the contacts;"
        f" goal ≤ {MOST_GROWTH}: {'reached' if growth <= MOST_GROWTH else 'missed'}"
    )
    return Result(bench="export", ours=ours, yardstick=yardstick, unit="contacts/s", goal=0.30)


def told(n: int, made: Run, copied: Run) -> None:
    say(
        f"  run {n + 1}: {made.rate / copied.rate:.4f} ({made.rate:,.0f} to {copied.rate:,.0f} contacts/s);"
        f" a contact costs {made.cpu * 1e6:.1f} µs, by COPY {copied.cpu * 1e6:.1f} µs of processor time"
    )


async def _beside(place: Scene, count: int) -> int:
    """Everybody is on one list, a third on a second, a tenth on a third; a few have left. The third's id."""
    async with place.post.tx() as tx:
        lists = [
            await place.post.make.mailing_list(tx, name) for name in ("Lettre", "Ateliers", "Un sur dix")
        ]
        for list_id, every in zip(lists, (1, 3, SHORTER), strict=True):
            await tx.run(
                """
                INSERT INTO subscriptions (account_id, list_id, contact_id, status, legal_basis)
                SELECT $1, $2, id, CASE WHEN id % 20 = 1 THEN 'unsubscribed' ELSE 'active' END, 'consent'
                FROM contacts
                WHERE account_id = $1 AND (id - (SELECT min(id) FROM contacts WHERE account_id = $1)) % $3 = 0
                """,
                list_id,
                every,
            )
        await tx.run(
            """
            INSERT INTO suppressions (account_id, address_hash, list_id, reason)
            SELECT $1, address_hash, $2, 'unsubscribed' FROM contacts WHERE account_id = $1 AND id % 20 = 1
            """,
            lists[0],
        )
    async with place.services.db.connection() as connection:
        # as autovacuum would have done by the time that somebody exports
        await connection.execute("VACUUM (ANALYZE) contacts, subscriptions, suppressions")
    return lists[2]


async def _export(place: Scene, new: NewExport, count: int, *, lose: int = 0) -> Run:
    """By a fresh worker. Raises Void unless each contact has one line."""
    async with place.workers(1) as [worker]:
        before, database = children.cpu_seconds(worker.pid), place.database_cpu()
        async with place.post.tx() as tx:
            asked = await exports.ask(tx, new)
        done = await _done(place, asked.id, count)
        used = Worker(children.cpu_seconds(worker.pid) - before, children.peak_memory(worker))
        database = place.database_cpu() - database
    await _check(place, done, count, lose=lose)
    assert done.started_at is not None
    assert done.finished_at is not None
    seconds = (done.finished_at - done.started_at).total_seconds()
    return Run(rows=count, seconds=seconds, cpu=(used.cpu + database) / count, worker=used)


async def _done(place: Scene, export_id: int, count: int) -> Export:
    until = time.monotonic() + scene.START_SECONDS + count / SLOWEST
    while time.monotonic() < until:
        async with place.post.tx() as tx:
            found = await exports.show(tx, export_id)
        if found.state == "done":
            return found
        await asyncio.sleep(0.1)
    raise Void("the export did not end in time")


async def _check(place: Scene, done: Export, count: int, *, lose: int) -> None:
    """Each address of the table stands once in the file, and nothing else does; then the file goes."""
    lines, digest = -lose, 0
    rest = b""
    async for data in files.read(place.services.db, place.account.id, done.file_id or 0):
        *whole, rest = (rest + data).split(b"\r\n")
        for line in whole:
            lines += 1
            if lines > 1 - lose:
                digest ^= _fingerprint(line.split(b",", 1)[0])
    async with place.post.tx() as tx:
        emails = await tx.rows(
            """
            SELECT c.email FROM contacts c
            WHERE c.account_id = $1 AND ($2::bigint IS NULL OR EXISTS (
                SELECT FROM subscriptions s
                WHERE s.account_id = $1 AND s.list_id = $2 AND s.contact_id = c.id))
            """,
            done.list_id,
        )
        for (email,) in emails:
            digest ^= _fingerprint(email.encode())
        await files.delete(tx, done.file_id or 0)
    if (lines - 1, done.rows, rest, digest) != (count, count, b"", 0):
        raise Void(f"of {count} contacts {lines - 1} have a line of their own")


def _fingerprint(email: bytes) -> int:
    return int.from_bytes(hashlib.blake2b(email, digest_size=8).digest())


async def _copied(place: Scene, sql: str, count: int) -> Run:
    """COPY (SELECT …) TO STDOUT, in this process."""
    lines = 0

    async def throw_away(data: bytes) -> None:
        nonlocal lines
        lines += data.count(b"\n")

    async with _inside(place.services.db, place.account.id) as connection:
        own, database = time.process_time(), place.database_cpu()
        began = time.monotonic()
        await connection.copy_from_query(
            sql.format(account=place.account.id), output=throw_away, format="csv", timeout=3600
        )
        seconds = time.monotonic() - began
        cpu = time.process_time() - own + place.database_cpu() - database
    if lines != count:
        raise Void(f"COPY gave {lines} lines for {count} contacts")
    return Run(rows=count, seconds=seconds, cpu=cpu / count)


@asynccontextmanager
async def _inside(db: Database, account_id: int) -> AsyncIterator[asyncpg.Connection]:
    async with db.connection() as connection, connection.transaction():
        await connection.execute(f"SET LOCAL app.account_id = '{account_id:d}'")
        yield connection
