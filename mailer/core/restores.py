"""A database that went back in time would send again what left since: it is held until an operator confirms.

    installation.mark   raised while workers live; with it `marked_at`, the last moment it knows
    outside             the highest mark, noted after its commit: in Valkey, in each machine's data
                        folder, and in each process

A database behind what one of them knows was put back to an earlier state: a backup, a snapshot, a late
replica. So was one without the row of `original`, which a backup leaves out. What nobody knows
says nothing: a new installation, an emptied Valkey, another data folder raise no alarm.
"""

import asyncio
import os
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from weakref import WeakKeyDictionary

import orjson
import structlog
from redis.asyncio import Redis
from redis.exceptions import RedisError

from mailer.core import work
from mailer.core.db import Database, SharedTx, is_away
from mailer.core.errors import Conflict, Fault, Unavailable
from mailer.core.services import Services
from mailer.core.text import N_

log = structlog.get_logger()
MARKS = "mailer:marks"
FILE = "mark.json"
FOLLOW = "sending.follow_hold"
REPLAY = "lists.replay_departures"
ERASE_AGAIN = "retention_jobs.erase_again"
SENDING_SECONDS, IDLE_SECONDS = 1.0, 10.0
_VALKEY_SECONDS = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Installation:
    """`waiting`, `begun`: campaigns held before, and after, their first mail could leave.

    `known_at`: the last moment known outside when sending was held; None: nothing is known.
    `replayed`: unsubscribes since `marked_at` that were put back; None: not looked yet. `erased_again`: as
    that, of erasures and refusals in the journals of backups and data folders; None: nobody has looked.
    """

    id: str
    mark: int
    marked_at: datetime
    held_since: datetime | None
    held_reason: str
    known_mark: int | None
    known_at: datetime | None
    waiting: int
    begun: int
    replayed: int | None
    erased_again: int | None
    resume_begun: bool
    original: bool

    @property
    def held(self) -> bool:
        return self.held_since is not None


@dataclass(frozen=True, slots=True)
class Mark:
    """The highest that a place knows of one installation."""

    number: int = 0
    at: datetime | None = None


@dataclass(slots=True)
class _Memory:
    """Of this process. `looked_at`: monotonic."""

    id: str = ""
    mark: Mark = Mark()
    sends: bool = True
    looked_at: float = float("-inf")


_memories: WeakKeyDictionary[Database, _Memory] = WeakKeyDictionary()


async def show(tx: SharedTx) -> Installation:
    """Raises NotFound for a database that has lost the row."""
    return await tx.one(
        Installation,
        """
        SELECT id::text AS id, mark, marked_at, held_since, held_reason, known_mark, known_at, waiting, begun,
               replayed, erased_again, resume_begun, EXISTS (SELECT FROM original) AS original
        FROM installation
        """,
    )


async def lineage(tx: SharedTx) -> str:
    """Another word once the database was put back or is another cluster's: older positions mean nothing."""
    found: str = await tx.value(
        """
        SELECT left(md5(concat_ws(' ', i.id, i.known_mark, i.known_at, s.system_identifier)), 8)
        FROM installation i
        CROSS JOIN pg_control_system() AS s
        """,
    )
    return found


async def may_send(services: Services, *, every: float = 0.0) -> bool:
    """May mail of accounts leave? Looks and raises the mark, at most once in `every` seconds a process.

    A database that is away changes nothing: whoever asks is about to meet that itself.
    """
    memory = _memories.setdefault(services.db, _Memory())
    if time.monotonic() < memory.looked_at + every:
        return memory.sends
    memory.looked_at = time.monotonic()
    try:
        memory.sends = await _look(services, memory)
    except Exception as error:
        if not isinstance(error, Unavailable) and not is_away(error):
            raise
        log.warning("mark not raised", error=type(error).__name__)
    return memory.sends


async def _look(services: Services, memory: _Memory) -> bool:
    async with services.db.shared() as tx:
        found = await show(tx)
    if found.id != memory.id:
        memory.id, memory.mark = found.id, Mark()
    # what is known outside is read first: it was committed before, so a sound database can only be ahead
    known = max(memory.mark, *await _outside(services, found.id), key=lambda mark: mark.number)
    async with services.db.shared() as tx:
        found = await show(tx)
        reason = "copy" if not found.original else "behind" if known.number > found.mark else ""
        if not found.held and reason:
            await _hold(tx, reason, known)
        if found.held or reason:
            return False
        raised = await tx.first(
            Mark,
            """
            UPDATE installation
            SET mark = mark + 1, marked_at = now()
            WHERE held_since IS NULL
            RETURNING mark AS number, marked_at AS at
            """,
        )
    if raised is None:
        return False
    memory.mark = max(memory.mark, raised, key=lambda mark: mark.number)
    await _note(services, found.id, raised)
    return True


async def _hold(tx: SharedTx, reason: str, known: Mark) -> None:
    touched = await tx.run(
        """
        UPDATE installation
        SET held_since = now(), held_reason = $1, known_mark = nullif($2, 0), known_at = $3, waiting = 0,
            begun = 0, replayed = NULL, erased_again = NULL
        WHERE held_since IS NULL
        """,
        reason,
        known.number,
        known.at,
    )
    if touched:
        log.error("sending is held", reason=reason)
        await work.add(tx, REPLAY, 0)
        await work.add(tx, ERASE_AGAIN, 0)
        await work.ask_each_account(tx, FOLLOW)


async def hold(services: Services) -> Installation:
    """By an operator's word, for what cannot be seen from inside: the whole machine was put back."""
    async with services.db.shared() as tx:
        found = await show(tx)
        known = max(await _outside(services, found.id), key=lambda mark: mark.number)
        await _hold(tx, "operator", known)
        return await show(tx)


async def quarantine(tx: SharedTx, known: Mark, *, erased_again: int) -> None:
    """A copy that `mailer restore` made, before anybody can reach it: held, and erasures put back (A-103)."""
    await tx.run("DELETE FROM original")
    await tx.run("UPDATE installation SET held_since = NULL, held_reason = ''")
    await _hold(tx, "copy", known)
    await tx.run("UPDATE installation SET erased_again = $1", erased_again)


async def resume(services: Services, *, begun: bool) -> Installation:
    """An operator confirms. `begun`: what was under way goes on too; else each account decides about its own.

    Raises Conflict when nothing is held.
    """
    async with services.db.shared() as tx:
        found = await show(tx)
        known = max(await _outside(services, found.id), key=lambda mark: mark.number)
        touched = await tx.run(
            """
            UPDATE installation
            SET held_since = NULL, held_reason = '', resume_begun = $2,
                mark = greatest(mark, known_mark, $1) + 1, marked_at = now()
            WHERE held_since IS NOT NULL
            """,
            known.number,
            begun,
        )
        if not touched:
            raise Conflict(Fault("status", N_("Sending is not held."), "state"))
        await tx.run("INSERT INTO original DEFAULT VALUES ON CONFLICT DO NOTHING")
        await work.ask_each_account(tx, FOLLOW)
        memory = _memories.setdefault(services.db, _Memory())
        memory.looked_at = float("-inf")
        return await show(tx)


async def count_campaigns(tx: SharedTx, *, waiting: int, begun: int) -> None:
    """In the transaction that holds them."""
    await tx.run("UPDATE installation SET waiting = waiting + $1, begun = begun + $2", waiting, begun)


async def count_replayed(tx: SharedTx, replayed: int) -> None:
    await tx.run("UPDATE installation SET replayed = coalesce(replayed, 0) + $1", replayed)


async def count_erased(tx: SharedTx, again: int) -> None:
    await tx.run("UPDATE installation SET erased_again = coalesce(erased_again, 0) + $1", again)


# ---------------------------------------------------------------- what is known outside


async def outside(redis: Redis, folder: Path, installation_id: str) -> dict[str, Mark]:
    """By place; number 0: it knows nothing."""
    return {
        "Valkey": await _valkey(redis, installation_id),
        "the data folder": await asyncio.to_thread(_read, folder, installation_id),
    }


async def _outside(services: Services, installation_id: str) -> list[Mark]:
    return [*(await outside(services.redis, services.settings.data_dir, installation_id)).values()]


async def _valkey(redis: Redis, installation_id: str) -> Mark:
    try:
        async with asyncio.timeout(_VALKEY_SECONDS):
            number, at = await redis.zmscore(MARKS, [installation_id, f"{installation_id}:at"])
    except (RedisError, OSError, TimeoutError):
        return Mark()
    return _mark(number, at)


def _mark(number: object, milliseconds: object) -> Mark:
    if not isinstance(number, int | float) or not isinstance(milliseconds, int | float):
        return Mark()
    return Mark(int(number), datetime.fromtimestamp(milliseconds / 1000, UTC))


def _read(folder: Path, installation_id: str) -> Mark:
    try:
        number, milliseconds = orjson.loads((folder / FILE).read_bytes())[installation_id]
    except (OSError, ValueError, KeyError, TypeError):
        return Mark()
    return _mark(number, milliseconds)


async def _note(services: Services, installation_id: str, mark: Mark) -> None:
    """After the commit. A place that cannot be written knows less: the others are enough."""
    at = int(mark.at.timestamp() * 1000) if mark.at else 0
    try:
        async with asyncio.timeout(_VALKEY_SECONDS):
            # GT: of several processes the one ahead wins
            await services.redis.zadd(
                MARKS, {installation_id: mark.number, f"{installation_id}:at": at}, gt=True
            )
    except (RedisError, OSError, TimeoutError) as error:
        log.warning("mark not noted", place="Valkey", error=type(error).__name__)
    try:
        await asyncio.to_thread(_write, services.settings.data_dir, installation_id, (mark.number, at))
    except OSError as error:
        log.warning("mark not noted", place="data folder", error=type(error).__name__)


def _write(folder: Path, installation_id: str, mark: tuple[int, int]) -> None:
    if _read(folder, installation_id).number >= mark[0]:
        return
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    written = folder / f"{FILE}.{os.getpid()}"
    try:
        written.write_bytes(orjson.dumps({installation_id: mark}))
        written.replace(folder / FILE)
    except OSError:
        written.unlink(missing_ok=True)
        raise
