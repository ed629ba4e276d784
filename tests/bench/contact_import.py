"""`import`: a file through the product's own import, against COPY and one statement for each table.

Each run has servers of its own: both begin with empty tables. The clock runs from the request to count and
import the uploaded file to the end of the import; the yardstick's from its first COPY to its commit.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from datetime import datetime
from statistics import median

import orjson

from lists import csv_mapping, import_columns, import_start, import_upload, imports
from lists.imports import Choices, Column, Import
from mailer.core import keys
from tests.bench import children, scene
from tests.bench.outcome import Options, Result, Void, say
from tests.bench.scene import FIRST_NAMES, LAST_NAMES, START_SECONDS, Scene

ROWS = 1_000_000
SLOWEST = 500.0  # rows a second: a run slower than this is given up
HEADING = "E-mail;Prénom;Nom;Ville;Dernière visite;Points"
TOWNS = ("Angers", "Besançon", "", "Orléans", "Saint-Étienne", "Nîmes", "Évreux")
# every thousandth row has no address, another one an address that stood higher up
BAD, DOUBLE = 7, 11
COPIED = 10_000


@dataclass(frozen=True, slots=True)
class Loaded:
    """`worker`, `database`: processor time; `peak`: bytes, the importing worker's largest size."""

    rows: int
    seconds: float
    worker: float
    database: float
    peak: int = 0

    @property
    def rate(self) -> float:
        return self.rows / self.seconds

    @property
    def cpu(self) -> float:
        return self.worker + self.database

    @property
    def costs(self) -> str:
        return f"{self.worker / self.rows * 1e6:.0f} + {self.database / self.rows * 1e6:.0f} µs"


async def run(options: Options) -> Result:
    count = options.scaled(ROWS, 2_000)
    ours, yardstick, cpu, peaks = [], [], [], []
    for n in range(options.runs):
        async with scene.opened(0) as place:
            imported = await by_import(place, count)
            bare = await by_copy(place, count)
        ours.append(imported.rate)
        yardstick.append(bare.rate)
        cpu.append(bare.cpu / imported.cpu)
        peaks.append(imported.peak)
        say(
            f"  run {n + 1}: {imported.rate / bare.rate:.4f} ({imported.rate:,.0f} to {bare.rate:,.0f});"
            f" a row costs the worker and PostgreSQL {imported.costs}, the yardstick {bare.costs}"
        )
    say(f"  by processor time, which other programs of the machine disturb less: {median(cpu):.4f}")
    say(f"  peak memory of the worker: {median(peaks) / 1e6:,.0f} MB")
    return Result(bench="import", ours=ours, yardstick=yardstick, unit="rows/s", goal=0.35)


def lines(count: int) -> Iterator[str]:
    """The file, line by line, with its heading."""
    yield HEADING
    for n in range(count):
        email = "n’écrivez pas" if n % 1000 == BAD else scene.email_of(n - 1 if n % 1000 == DOUBLE else n)
        first, last = FIRST_NAMES[n % len(FIRST_NAMES)], LAST_NAMES[n % len(LAST_NAMES)]
        day = f"{n % 28 + 1:02d}/{n % 12 + 1:02d}/2026"
        points = str(n * 37 % 2_000 / 2).replace(".", ",")
        yield f"{email};{first};{last};{TOWNS[n % len(TOWNS)]};{day};{points}"


async def pieces(count: int) -> AsyncIterator[bytes]:
    held: list[str] = []
    for line in lines(count):
        held.append(line)
        if len(held) == COPIED:
            yield ("\r\n".join(held) + "\r\n").encode()
            held.clear()
    yield ("\r\n".join(held) + "\r\n").encode()


def faults(count: int) -> tuple[int, int]:
    """How many rows are in error, how many are doubles."""
    return (count - BAD + 999) // 1000, (count - DOUBLE + 999) // 1000


async def by_import(place: Scene, count: int, *, program: tuple[str, ...] = ()) -> Loaded:
    """By a fresh worker. Raises Void unless every row is accounted for."""
    import_id = await _uploaded(place, count)
    async with place.importer(program) as [worker]:
        spent, database = children.cpu_seconds(worker.pid), place.database_cpu()
        async with place.post.tx() as tx:
            began: datetime = await tx.value("SELECT clock_timestamp() WHERE $1::bigint > 0")
            choices = Choices(
                new_list="Clients", legal_basis="consent", source="Salon de Paris", attested_by="Odile Owner"
            )
            await import_start.check(tx, import_id, choices, dry_run=False)
        async with asyncio.timeout(START_SECONDS + count / SLOWEST):
            done = await _done(place, import_id)
        spent, database = children.cpu_seconds(worker.pid) - spent, place.database_cpu() - database
        peak = children.peak_memory(worker)
    bad, doubles = faults(count)
    expected = {"rows": count, "created": count - bad - doubles, "errors": bad, "doubles": doubles}
    if done.counts != expected:
        raise Void(f"the import counts {done.counts}, expected {expected}")
    await _written(place, expected["created"])
    assert done.finished_at is not None
    return Loaded(count, (done.finished_at - began).total_seconds(), spent, database, peak)


async def _uploaded(place: Scene, count: int) -> int:
    """Stored and mapped, not yet counted."""
    found = await import_upload.receive(
        place.services.db, place.account.id, pieces(count), name="clients.csv"
    )
    async with place.post.tx() as tx:
        import_id = await imports.create(
            tx, file_id=found.file_id, file_name=found.file_name, detected=found.detected, language="fr"
        )
        known = await import_columns.field_guesses(tx)
        guesses = csv_mapping.guess(found.detected.header, found.detected.sample, known)
        await import_columns.map_columns(
            tx, import_id, [Column(target=one.target, type=one.type) for one in guesses]
        )
    return import_id


async def _done(place: Scene, import_id: int) -> Import:
    while True:
        async with place.post.tx() as tx:
            job = await imports.show(tx, import_id)
        if job.state == "done":
            return job
        if job.state == "failed":
            raise Void(f"the import failed: {job.failure}")
        await asyncio.sleep(0.1)


async def _written(place: Scene, expected: int) -> None:
    async with place.post.tx() as tx:
        [found] = await tx.rows(
            """
            SELECT (SELECT count(*) FROM contacts WHERE account_id = $1),
                   (SELECT count(*) FROM subscriptions WHERE account_id = $1 AND status = 'active'),
                   (SELECT count(*) FROM consents WHERE account_id = $1)
            """
        )
    if set(found) != {expected}:
        raise Void(f"{expected} contacts were to come in; contacts, subscriptions and consents are {found}")


async def by_copy(place: Scene, count: int) -> Loaded:
    """The same rows, already clean, into an account of its own."""
    account = await place.post.make.account()
    async with place.services.db.account(account.id) as tx:
        list_id = await place.post.make.mailing_list(tx)
        records = list(_records(count, await keys.hash_key(tx, place.services.sealer)))
    began, spent, database = time.monotonic(), time.process_time(), place.database_cpu()
    async with place.services.db.connection() as connection, connection.transaction():
        await connection.execute(f"SET LOCAL app.account_id = '{account.id:d}'")
        await connection.execute(STAGING)
        await connection.copy_records_to_table("staging", records=records)
        await connection.execute(UPSERT, account.id, list_id, timeout=600)
    seconds = time.monotonic() - began
    return Loaded(count, seconds, time.process_time() - spent, place.database_cpu() - database)


def _records(count: int, key: bytes) -> Iterator[tuple[object, ...]]:
    for n in range(count):
        email = scene.email_of(n)
        first, last = FIRST_NAMES[n % len(FIRST_NAMES)], LAST_NAMES[n % len(LAST_NAMES)]
        fields = {"ville": TOWNS[n % len(TOWNS)], "visite": "2026-12-31", "points": n * 37 % 2_000 / 2}
        found = keys.address_hash(key, email)
        yield email, email, found, first, last, first.lower(), last.lower(), orjson.dumps(fields).decode()


STAGING = """
    CREATE TEMPORARY TABLE staging (
        email text, address_key text, address_hash bytea, first_name text, last_name text, first_key text,
        last_key text, fields text
    ) ON COMMIT DROP
    """
UPSERT = """
    WITH added AS (
        INSERT INTO contacts (account_id, email, address_key, address_hash, first_name, last_name,
                              first_name_key, last_name_key, fields, source)
        SELECT $1, email, address_key, address_hash, first_name, last_name, first_key, last_key,
               fields::jsonb, 'import'
        FROM staging
        ON CONFLICT (account_id, address_key) DO UPDATE
        SET first_name = excluded.first_name, last_name = excluded.last_name, fields = excluded.fields
        RETURNING id, address_hash
    ), subscribed AS (
        INSERT INTO subscriptions (account_id, list_id, contact_id, status, legal_basis)
        SELECT $1, $2, id, 'active', 'consent' FROM added
        ON CONFLICT (account_id, list_id, contact_id) DO NOTHING
    )
    INSERT INTO consents (account_id, contact_id, address_hash, purpose, list_id, act, method, legal_basis,
                          wording, source)
    SELECT $1, id, address_hash, 'mail', $2, 'granted', 'import', 'consent', 'Odile Owner', 'Salon de Paris'
    FROM added
    """
