"""Proof of erasure: a chain that shows every alteration, and a count that believes no note."""

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest

from mailer import command_options, retention_commands
from mailer.core import clock, work
from mailer.core.db import AccountTx
from mailer.core.proof_keys import public_keys
from mailer.core.services import Services
from mailer.core.work import Task
from mailer.retention_commands import figures, told
from retention_jobs import chain, closed_accounts, jobs_watch, platform_proofs, proofs, purge, verify
from retention_jobs.chain import Head, Proof
from retention_jobs.verify import Verdict
from tests.make import Account, Make

NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
QUARTER = timedelta(minutes=15)


@pytest.fixture
async def account(make: Make, services: Services) -> Account:
    """As old as its tests need: nothing ran before."""
    made = await make.account()
    async with services.db.shared() as tx:
        await tx.run("UPDATE accounts SET created_at = $2 WHERE id = $1", made.id, NOW)
    return made


async def _run(services: Services, account_id: int, now: datetime) -> Proof | None:
    """What the job does, with a clock of ours."""
    async with services.db.account(account_id) as tx:
        for rule, erase in purge.RULES.items():
            await purge.note(tx, now, {rule: await erase(tx, now)})
        await purge.note(tx, now, {"inactive": 0})
        return await proofs.write(tx, services.sealer, now)


async def _test_send(tx: AccountTx, at: datetime) -> None:
    campaign = await tx.value("INSERT INTO campaigns (account_id, name) VALUES ($1, 'N') RETURNING id")
    await tx.run(
        "INSERT INTO test_sends (account_id, campaign_id, recipient, created_at) VALUES ($1, $2, 'a@b.test', $3)",
        campaign,
        at,
    )


async def _verdict(services: Services, account: Account, now: datetime) -> Verdict:
    return await verify.of_account(services.db, account.id, now)


@dataclass(frozen=True)
class Monitor:
    """Calls `mailer retention verify --account … --json` as cron does."""

    services: Services
    account: Account
    capsys: pytest.CaptureFixture[str]

    async def sees(self, now: datetime) -> tuple[int, dict[str, Any]]:
        """Exit status and answer at that moment."""
        clock.shift(now - (clock.now() - clock.offset()))
        self.capsys.readouterr()
        args = command_options.build().parse_args(
            ["retention", "verify", "--account", str(self.account.id), "--json"]
        )
        status = await retention_commands.run(self.services.settings, args)
        clock.shift(timedelta())
        return status, orjson.loads(self.capsys.readouterr().out)


@pytest.fixture
def monitor(services: Services, account: Account, capsys: pytest.CaptureFixture[str]) -> Monitor:
    return Monitor(services, account, capsys)


async def _days(services: Services, account: Account, count: int) -> datetime:
    """A record a day; the moment of the last."""
    for n in range(count):
        assert await _run(services, account.id, NOW + timedelta(days=n)) is not None
    return NOW + timedelta(days=count - 1)


@pytest.mark.req("A-001", "S11")
async def test_a_run_says_what_it_erased_and_what_is_left_and_names_nobody(
    services: Services, account: Account
) -> None:
    async with services.db.account(account.id) as tx:
        await _test_send(tx, NOW - timedelta(days=7))
        await _test_send(tx, NOW - timedelta(days=2))
    proof = await _run(services, account.id, NOW)
    assert proof is not None
    record = orjson.loads(proof.record)
    assert (record["account"], record["n"], record["previous"]) == (account.id, 1, "0" * 64)
    assert record["deleted"]["content"] == 1
    [content] = [one for one in record["classes"] if one["class"] == "content"]
    assert (content["before"], content["overdue"]) == ("2026-11-16T09:00:00Z", 0)
    assert content["oldest"] == "2026-11-20T09:00:00Z"
    assert "@" not in proof.record
    assert chain.canonical(record) == proof.record
    verdict = await _verdict(services, account, NOW + QUARTER)
    assert (verdict.good, verdict.records) == (True, 1)
    assert told(verdict)[0].startswith(f"Account {account.id}: on time.")


@pytest.mark.req("A-001", "S11")
async def test_deleted_and_overdue_together_are_what_was_late_before(
    services: Services, account: Account
) -> None:
    """What a run does not come to is told by its record, beside what it erased."""
    late = NOW - timedelta(days=6, hours=2)
    async with services.db.account(account.id) as tx:
        for _ in range(3):
            await _test_send(tx, late)
        last = await tx.value("SELECT max(id) FROM test_sends WHERE account_id = $1")
    before = dict((await _verdict(services, account, NOW)).overdue)

    async def date(at: datetime) -> None:
        await tx.run("UPDATE test_sends SET created_at = $3 WHERE account_id = $1 AND id = $2", last, at)

    async with services.db.account(account.id) as tx:
        await date(NOW)
        for rule, erase in purge.RULES.items():
            await purge.note(tx, NOW, {rule: await erase(tx, NOW)})
        await date(late)
        proof = await proofs.write(tx, services.sealer, NOW)
    assert proof is not None
    record = orjson.loads(proof.record)
    left = {one["class"]: one["overdue"] for one in record["classes"] if one["overdue"]}
    assert (before, record["deleted"]["content"], left) == ({"content": 3}, 2, {"content": 1})


async def test_runs_that_erase_nothing_leave_one_record_a_day(services: Services, account: Account) -> None:
    assert await _run(services, account.id, NOW) is not None
    assert await _run(services, account.id, NOW + QUARTER) is None
    async with services.db.account(account.id) as tx:
        await _test_send(tx, NOW - timedelta(days=6))
    assert await _run(services, account.id, NOW + 2 * QUARTER) is not None
    assert await _run(services, account.id, NOW + timedelta(days=1)) is not None
    assert (await _verdict(services, account, NOW + timedelta(days=1))).records == 3


async def test_what_a_killed_run_erased_is_told_by_the_next(services: Services, account: Account) -> None:
    async with services.db.account(account.id) as tx:
        await _test_send(tx, NOW - timedelta(days=7))
        await purge.note(tx, NOW, {"content": await purge.content(tx, NOW)})
    # killed here: deletion and count are committed, no record is
    proof = await _run(services, account.id, NOW + QUARTER)
    assert proof is not None
    assert orjson.loads(proof.record)["deleted"]["content"] == 1


async def test_two_workers_do_not_fork_the_chain(services: Services, account: Account) -> None:
    async def one(n: int) -> None:
        async with services.db.account(account.id) as tx:
            await purge.note(tx, NOW, {"content": 1})
            await proofs.write(tx, services.sealer, NOW + timedelta(seconds=n))

    await asyncio.gather(*(one(n) for n in range(6)))
    async with services.db.account(account.id) as tx:
        found = await proofs.after(tx, 0)
    assert [proof.n for proof in found] == list(range(1, len(found) + 1))
    assert sum(orjson.loads(proof.record)["deleted"]["content"] for proof in found) == 6
    assert (await _verdict(services, account, NOW)).faults == []


@pytest.mark.req("A-004")
async def test_verify_turns_red_when_the_job_stops_for_a_day(
    services: Services, account: Account, monitor: Monitor
) -> None:
    last = await _days(services, account, 2)
    status, told_green = await monitor.sees(last + QUARTER)
    assert (status, told_green["ok"], told_green["late"]) == (0, True, {})
    status, told_red = await monitor.sees(last + timedelta(days=1))
    assert (status, told_red["ok"]) == (1, False)
    assert told_red["late"]["content"] == chain.instant(last)
    assert (told_red["faults"], [one for one in told_red["classes"] if one["overdue"]]) == ([], [])
    assert (await _verdict(services, account, last + timedelta(minutes=59))).good
    verdict = await _verdict(services, account, last + timedelta(days=1))
    assert set(verdict.late) == {*purge.RULES, "inactive"}
    assert not verdict.good
    assert figures(verdict)["ok"] is False
    assert any("did not run since" in line for line in told(verdict))
    later = await _verdict(services, account, last + timedelta(hours=27))
    assert verify.RECORD in later.late


async def test_an_account_that_never_had_a_run_is_late_after_an_hour(
    services: Services, account: Account
) -> None:
    assert (await _verdict(services, account, NOW + timedelta(minutes=59))).good
    assert (await _verdict(services, account, NOW + timedelta(minutes=61))).late["events"] is None


@pytest.mark.req("A-004")
async def test_verify_turns_red_when_a_row_is_dated_back(
    services: Services, account: Account, monitor: Monitor
) -> None:
    at = NOW - timedelta(days=2)
    async with services.db.account(account.id) as tx:
        await tx.shared().run("CALL make_month('2025-10-01')")
        await tx.run(
            """
            INSERT INTO events (account_id, id, at, campaign_id, contact_id, kind)
            VALUES ($1, '1-0', $2, 1, 1, 'click')
            """,
            at,
        )
    last = await _days(services, account, 1)
    assert (await _verdict(services, account, last)).good
    assert (await monitor.sees(last))[0] == 0
    async with services.db.account(account.id) as tx:
        await tx.run("UPDATE events SET at = '2025-10-20 12:00Z' WHERE account_id = $1")
    status, answer = await monitor.sees(last)
    assert (status, answer["ok"], answer["late"], answer["faults"]) == (1, False, {}, [])
    assert {one["class"]: one["overdue"] for one in answer["classes"] if one["overdue"]} == {"events": 1}
    verdict = await _verdict(services, account, last)
    assert dict(verdict.overdue) == {"events": 1}
    assert verify.late_since(verdict) == datetime(2026, 11, 20, 13, 0, tzinfo=UTC)
    assert any(line.startswith("  events: 1 row past") for line in told(verdict))


async def _tamper(services: Services, account: Account, *statements: str) -> Verdict:
    """As somebody would who owns the database: past its permissions."""
    last = await _days(services, account, 4)
    async with services.db.connection() as connection, connection.transaction():
        await connection.execute("GRANT UPDATE, DELETE ON retention_proofs TO CURRENT_USER")
        await connection.execute(f"SET LOCAL app.account_id = '{account.id}'")
        for statement in statements:
            await connection.execute(statement)
        await connection.execute("REVOKE UPDATE, DELETE ON retention_proofs FROM CURRENT_USER")
    verdict = await _verdict(services, account, last)
    assert not verdict.good
    assert len(told(verdict)) > 1
    return verdict


def _codes(verdict: Verdict) -> list[tuple[int, str]]:
    return [(fault.n, fault.code) for fault in verdict.faults]


@pytest.mark.req("A-093")
async def test_an_altered_record_shows(services: Services, account: Account, monitor: Monitor) -> None:
    verdict = await _tamper(
        services,
        account,
        "UPDATE retention_proofs SET record = replace(record, '\"events\":0', '\"events\":9') WHERE n = 2",
    )
    assert _codes(verdict) == [(2, "altered")]
    status, answer = await monitor.sees(NOW + timedelta(days=3))
    assert (status, answer["ok"], answer["late"]) == (1, False, {})
    assert answer["faults"] == [{"n": 2, "code": "altered"}]


async def test_an_altered_record_with_a_hash_that_fits_shows(services: Services, account: Account) -> None:
    verdict = await _tamper(
        services,
        account,
        "UPDATE retention_proofs SET record = replace(record, '\"events\":0', '\"events\":9') WHERE n = 2",
        "UPDATE retention_proofs SET hash = sha256(convert_to(record, 'UTF8')) WHERE n = 2",
    )
    assert _codes(verdict) == [(2, "signature"), (3, "not_chained")]


@pytest.mark.req("A-093")
@pytest.mark.parametrize(
    ("n", "expected"),
    [(1, (2, "missing_before")), (2, (3, "missing_before")), (4, (0, "end_missing"))],
)
async def test_a_removed_record_shows(
    services: Services, account: Account, n: int, expected: tuple[int, str]
) -> None:
    verdict = await _tamper(services, account, f"DELETE FROM retention_proofs WHERE n = {n}")
    assert expected in _codes(verdict)


async def test_a_chain_that_was_thrown_away_shows(services: Services, account: Account) -> None:
    verdict = await _tamper(services, account, "DELETE FROM retention_proofs", "DELETE FROM retention_chains")
    assert verify.RECORD in verdict.late


@pytest.mark.req("A-093")
async def test_records_in_another_order_show(services: Services, account: Account) -> None:
    verdict = await _tamper(
        services,
        account,
        "UPDATE retention_proofs SET n = 20 WHERE n = 2",
        "UPDATE retention_proofs SET n = 2 WHERE n = 3",
        "UPDATE retention_proofs SET n = 3 WHERE n = 20",
    )
    assert [n for n, _ in _codes(verdict)] == [2, 3, 4]


@pytest.mark.req("S11")
@pytest.mark.parametrize("act", ["UPDATE {} SET n = n", "DELETE FROM {}", "TRUNCATE {}"])
@pytest.mark.parametrize("table", ["retention_proofs", "platform_proofs"])
async def test_records_can_be_added_and_read_only(services: Services, act: str, table: str) -> None:
    import asyncpg

    async with services.db.connection() as connection, connection.transaction():
        await connection.execute("SET LOCAL app.account_id = '1'")
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            async with connection.transaction():
                await connection.execute(act.format(table))


@pytest.mark.req("A-093", "A-005")
async def test_an_erased_account_leaves_its_number_and_the_end_of_its_chain(
    services: Services, account: Account
) -> None:
    last = await _days(services, account, 2)
    async with services.db.account(account.id) as tx:
        end = await proofs.head(tx)
        await tx.shared().run(
            "UPDATE accounts SET status = 'closed', closed_at = $2, erase_at = $2 WHERE id = $1",
            account.id,
            last,
        )
    assert isinstance(end, Head)
    await closed_accounts.erase(services.db, account.id, last)
    async with services.db.shared() as tx:
        proof = await platform_proofs.write(tx, services.sealer, last)
        assert proof is not None
        [erased] = [one for one in orjson.loads(proof.record)["erased"] if one["account"] == account.id]
        keys = await public_keys(tx)
        checker = chain.Checker(keys, work.PLATFORM)
        async for page in platform_proofs.whole(tx):
            checker.read(page)
        checker.end(await platform_proofs.head(tx))
    assert (erased["chain_n"], erased["chain_hash"]) == (2, end.hash.hex())
    assert erased["rows"]["retention_passes"] == len(purge.RULES) + 1
    assert checker.faults == []
    async with services.db.account(account.id) as account_tx:
        assert await proofs.after(account_tx, 0) == []


@pytest.mark.req("A-004")
async def test_the_operator_is_told_once_when_it_is_late_and_once_when_it_is_over(
    services: Services, account: Account, make: Make
) -> None:
    """By the real clock: the account never had a run, and was made in the past."""
    operator, email = await make.user(None)
    mails = "SELECT kind FROM outbox WHERE recipient = $1 ORDER BY id"
    async with services.db.shared() as tx:
        await tx.run("UPDATE users SET is_operator = true WHERE id = $1", operator)
        # other tests' accounts and runs are no concern of this one
        await tx.run("DELETE FROM retention_watch")
        await tx.run("DELETE FROM retention_alarm")
        await tx.run("DELETE FROM retention_runs")
    watch, check = Task(0, "retention_jobs.watch", 0, 0, 1), Task(account.id, jobs_watch.CHECK, 0, 0, 1)
    await jobs_watch.check(services, check)
    for _ in range(2):
        await jobs_watch.watch(services, watch)
    async with services.db.shared() as tx:
        assert [kind for (kind,) in await tx.rows(mails, email)] == ["retention_late"]
        assert await jobs_watch.late_since(tx, account.id) is not None
        await tx.run("UPDATE accounts SET created_at = now() WHERE id = $1", account.id)
    await jobs_watch.check(services, check)
    for _ in range(2):
        await jobs_watch.watch(services, watch)
    async with services.db.shared() as tx:
        assert [kind for (kind,) in await tx.rows(mails, email)] == ["retention_late", "retention_well"]
        await tx.run("UPDATE users SET is_operator = false WHERE id = $1", operator)
