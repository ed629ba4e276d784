"""A run of an account: a batch of each rule at once, what has more by itself, and no rule held up by another."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from mailer.core import clock
from mailer.core.db import AccountTx
from mailer.core.sealing import Sealer, Unsealable
from mailer.core.services import Services
from mailer.core.work import Task
from retention_jobs import event_rows, jobs, purge
from tests.make import Account, Make

# of every rule's something: a file, a repeated call, an event
LEFT = """
    SELECT (SELECT count(*) FROM files WHERE account_id = $1),
           (SELECT count(*) FROM idempotency_keys WHERE account_id = $1),
           (SELECT count(*) FROM events WHERE account_id = $1)
"""


async def _put(tx: AccountTx, events: int = 1) -> None:
    old = clock.now() - timedelta(days=420)
    await tx.shared().run("CALL make_month($1)", old.date().replace(day=1))
    await tx.run(
        """
        INSERT INTO files (account_id, kind, name, media_type, complete, created_at)
        VALUES ($1, 'upload', 'a.csv', 'text/csv', true, $2)
        """,
        old,
    )
    await tx.run(
        """
        INSERT INTO idempotency_keys (account_id, key_hash, body_hash, created_at, status, answer)
        VALUES ($1, sha256('a'), sha256('b'), $2, 201, '')
        """,
        old,
    )
    await tx.run(
        """
        INSERT INTO events (account_id, id, at, campaign_id, contact_id, kind, verdict)
        SELECT $1, 'old-' || n, $2::timestamptz - make_interval(secs => n), 1, 1, 'open', 'person'
        FROM generate_series(1, $3::int) n
        """,
        old,
        events,
    )


def _task(account: Account) -> Task:
    return Task(account.id, "retention_jobs.account_pass", 0, 0, 1)


async def _passes(services: Services, account: Account) -> dict[str, int]:
    async with services.db.account(account.id) as tx:
        return dict(await tx.rows("SELECT rule, deleted FROM retention_passes WHERE account_id = $1"))


@pytest.mark.req("A-001")
async def test_what_is_more_than_a_batch_goes_in_one_run_too(
    services: Services, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    account = await make.account()
    async with services.db.account(account.id) as tx:
        await _put(tx, events=70)
    monkeypatch.setattr(purge, "BATCH", 10)
    monkeypatch.setattr(event_rows, "LIMIT", 10)
    monkeypatch.setattr(event_rows, "STEP", timedelta(seconds=3))
    assert await jobs.account_pass(services, _task(account)) is None
    async with services.db.account(account.id) as tx:
        assert await tx.rows(LEFT) == [(0, 0, 0)]
        [(deleted,)] = await tx.rows("SELECT record FROM retention_proofs WHERE account_id = $1")
    found = await _passes(services, account)
    assert (found["events"], set(found)) == (70, set(purge.RULES))
    assert '"events":70' in deleted


@pytest.mark.req("A-001", "A-004")
async def test_a_rule_that_fails_holds_up_no_other_and_is_told(
    services: Services, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    account = await make.account()
    async with services.db.account(account.id) as tx:
        await _put(tx)

    async def broken(tx: AccountTx, now: datetime) -> int:
        await event_rows.purge(tx, now)
        await tx.run("SELECT 1 / 0 WHERE $1 > 0")
        return 0

    monkeypatch.setattr(purge, "RULES", {**purge.RULES, "events": broken})
    with pytest.raises(Exception, match="division by zero"):
        await jobs.account_pass(services, _task(account))
    async with services.db.account(account.id) as tx:
        # what the broken rule did is undone, all the rest is done and recorded
        assert await tx.rows(LEFT) == [(0, 0, 1)]
        assert await tx.value("SELECT count(*) FROM retention_proofs WHERE account_id = $1") == 1
    assert set(await _passes(services, account)) == set(purge.RULES) - {"events"}


@pytest.mark.req("A-001")
async def test_what_cannot_be_signed_is_deleted_all_the_same(services: Services, make: Make) -> None:
    account = await make.account()
    async with services.db.account(account.id) as tx:
        await _put(tx)
    await jobs.account_pass(services, _task(account))
    async with services.db.account(account.id) as tx:
        await _put(tx)
    other_secret = replace(services, sealer=Sealer(b"another secret of thirty-two octets"))
    with pytest.raises(Unsealable):
        await jobs.account_pass(other_secret, _task(account))
    async with services.db.account(account.id) as tx:
        assert await tx.rows(LEFT) == [(0, 0, 0)]
        assert await tx.value("SELECT count(*) FROM retention_proofs WHERE account_id = $1") == 1
    # the next run that can sign tells it
    await jobs.account_pass(services, _task(account))
    async with services.db.account(account.id) as tx:
        last = await tx.value(
            "SELECT record FROM retention_proofs WHERE account_id = $1 ORDER BY n DESC LIMIT 1"
        )
    assert '"events":1' in last
