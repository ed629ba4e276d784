"""Is everything erased on time, and is the proof of it whole? Counted from the database, not from notes.

overdue   rows older than their class may be (`ages`), with an hour's allowance
late      rules that did not run for an hour; a chain that had no record for a day
keys      of Valkey that would stay: without an end, or past their time (`queue_keys`)
faults    records altered, removed, moved, not signed by us, or not chained (`chain.Checker`)
"""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from redis.asyncio import Redis

from mailer.core import proof_keys, work
from mailer.core.db import AccountTx, Database, SharedTx
from mailer.core.errors import NotFound
from mailer.core.proof_keys import PublicKey
from retention_jobs import ages, platform, platform_proofs, proofs, purge, queue_keys
from retention_jobs.ages import ALLOWED, Found
from retention_jobs.chain import Checker, Fault
from retention_jobs.queue_keys import Keys

RECORD_AFTER = timedelta(hours=26)
"""A run of each day has a record, the first of it or one that deleted something."""
RECORD = "record"
PAGE = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """Of an account, or of the platform (`account_id` 0). `late`: rule → when it last ran, None: never.

    `keys`: of Valkey, the platform's alone; empty: it was away, None: not asked.
    """

    account_id: int
    at: datetime
    found: list[Found]
    late: Mapping[str, datetime | None]
    records: int = 0
    last_record_at: datetime | None = None
    faults: list[Fault] = field(default_factory=list)
    keys: list[Keys] | None = None

    @property
    def staying(self) -> list[Keys]:
        return [one for one in self.keys or [] if one.stays]

    @property
    def overdue(self) -> Mapping[str, int]:
        return ages.overdue(self.found)

    @property
    def good(self) -> bool:
        return not (self.overdue or self.late or self.faults or self.staying or self.keys == [])


@dataclass(frozen=True, slots=True)
class _Account:
    status: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Pass:
    """`deleted`: by all runs of the rule together."""

    rule: str
    last_run_at: datetime
    deleted: int


async def everything(db: Database, redis: Redis, now: datetime) -> AsyncIterator[Verdict]:
    """The platform with the keys of Valkey, then each account; each in a transaction of its own."""
    yield replace(await of_platform(db, now), keys=await queue_keys.count(redis, now))
    after = 0
    while True:
        async with db.shared() as tx:
            page = await tx.rows("SELECT id FROM accounts WHERE id > $1 ORDER BY id LIMIT $2", after, PAGE)
        for (account_id,) in page:
            try:
                yield await of_account(db, account_id, now)
            except NotFound:
                # erased since the page was read
                continue
        if len(page) < PAGE:
            return
        after = page[-1][0]


async def of_account(db: Database, account_id: int, now: datetime) -> Verdict:
    """With its whole chain. Raises NotFound."""
    async with db.account(account_id) as tx:
        verdict = await glance(tx, now)
        checker = Checker(await _keys(tx.shared()), account_id)
        async for page in proofs.whole(tx):
            checker.read(page)
        checker.end(await proofs.head(tx))
        return _with(verdict, checker, await _first_run(tx))


async def of_platform(db: Database, now: datetime) -> Verdict:
    async with db.shared() as tx:
        verdict = await glance_at_platform(tx, now)
        checker = Checker(await _keys(tx), work.PLATFORM)
        async for page in platform_proofs.whole(tx):
            checker.read(page)
        checker.end(await platform_proofs.head(tx))
        first: datetime | None = await tx.value("SELECT min(last_run_at) FROM retention_runs")
        return _with(verdict, checker, first)


async def _keys(tx: SharedTx) -> list[PublicKey]:
    return await proof_keys.public_keys(tx)


async def _first_run(tx: AccountTx) -> datetime | None:
    found: datetime | None = await tx.value(
        "SELECT min(last_run_at) FROM retention_passes WHERE account_id = $1 AND rule = ANY ($2::text[])",
        list(purge.RULES),
    )
    return found


def _with(verdict: Verdict, checker: Checker, ran_at: datetime | None) -> Verdict:
    """A run that left no record at all, or none for a day, is late too."""
    late = dict(verdict.late)
    last = checker.last_at
    if (last is None and ran_at is not None) or (last is not None and verdict.at - last > RECORD_AFTER):
        late[RECORD] = last
    return replace(
        verdict,
        late=late,
        records=checker.head.n,
        last_record_at=last,
        faults=checker.faults,
    )


async def passes(tx: AccountTx) -> dict[str, Pass]:
    found = await tx.many(
        Pass, "SELECT rule, last_run_at, deleted FROM retention_passes WHERE account_id = $1"
    )
    return {one.rule: one for one in found}


async def glance(tx: AccountTx, now: datetime) -> Verdict:
    """Ages and runs, without reading the chain. Raises NotFound."""
    account = await tx.shared().one(
        _Account, "SELECT status, created_at FROM accounts WHERE id = $1", tx.account_id
    )
    ran = {name: one.last_run_at for name, one in (await passes(tx)).items()}
    # whoever is suspended or closed asks nobody anything (jobs_inactive)
    rules = [*purge.RULES, *(["inactive"] if account.status == "active" else [])]
    return Verdict(
        account_id=tx.account_id,
        at=now,
        found=await ages.of_account(tx, now),
        late=_late(rules, ran, account.created_at, now),
    )


async def glance_at_platform(tx: SharedTx, now: datetime) -> Verdict:
    """The same for what belongs to no account; one that never swept began when it was migrated."""
    ran = dict(await tx.rows("SELECT rule, last_run_at FROM retention_runs"))
    began: datetime = await tx.value("SELECT max(applied_at) FROM schema_migrations")
    return Verdict(
        account_id=work.PLATFORM,
        at=now,
        found=await ages.of_platform(tx, now),
        late=_late(list(platform.RULES), ran, began, now),
    )


def _late(
    rules: list[str], ran: Mapping[str, datetime], began: datetime, now: datetime
) -> dict[str, datetime | None]:
    return {rule: ran.get(rule) for rule in rules if now - ran.get(rule, began) > ALLOWED}


def late_since(verdict: Verdict) -> datetime | None:
    """Since when something is past its time and its allowance; None when nothing is."""
    since = [at + ALLOWED for at in verdict.late.values() if at]
    since += [
        one.oldest + (verdict.at - one.before) + ALLOWED
        for one in verdict.found
        if one.overdue and one.oldest
    ]
    if since:
        return min(since)
    return None if verdict.good else verdict.at
