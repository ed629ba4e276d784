"""Forgetting on time, with a clock of our own: the day before it is there, the day after it is gone."""

from datetime import UTC, datetime, timedelta

import pytest

from mailer.core import keys, work
from mailer.core.clock import months_after, months_before
from mailer.core.services import Services
from mailer.core.work import Task
from retention_jobs import (
    closed_accounts,
    event_rows,
    jobs,
    platform,
    purge,
    totals,
    unconfirmed_rows,
)
from retention_jobs.policies import CONTENT, SHOWN
from tests.make import Make
from tests.test_architecture import GLOBAL
from tracking import reports

NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
CANARY = "canary-7f3a"


@pytest.mark.req("A-004", "A-023")
@pytest.mark.parametrize(
    ("now", "months", "before"),
    [
        ((2026, 3, 31), 1, (2026, 2, 28)),
        ((2028, 3, 31), 1, (2028, 2, 29)),
        ((2025, 3, 29), 13, (2024, 2, 29)),
        ((2026, 3, 29), 13, (2025, 2, 28)),
        ((2026, 1, 15), 13, (2024, 12, 15)),
        ((2026, 12, 31), 13, (2025, 11, 30)),
    ],
)
def test_calendar_months(now: tuple[int, int, int], months: int, before: tuple[int, int, int]) -> None:
    assert months_before(datetime(*now, tzinfo=UTC), months) == datetime(*before, tzinfo=UTC)


def test_every_rule_is_on_the_page() -> None:
    assert {one.rule for one in SHOWN.values() if one.rule} == {*purge.RULES, "inactive"}


async def _campaign(
    services: Services, make: Make, *, final_at: datetime, keep: bool = True
) -> tuple[int, int, int]:
    """A sent campaign with one delivery and a sealed revision; account, campaign, contact."""
    account = await make.account()
    async with services.db.account(account.id) as tx:
        list_id = await make.mailing_list(tx)
        contact_id = await make.contact(tx, list_id=list_id)
        month = final_at.date().replace(day=1)
        await tx.shared().run("CALL make_month($1)", month)
        campaign_id: int = await tx.value(
            """
            INSERT INTO campaigns (account_id, name, status, subject, source, content_kind, keep_source, month,
                                   finished_at)
            VALUES ($1, 'Novembre', 'sent', $2, $2, 'mjml', $3, $4, $5)
            RETURNING id
            """,
            CANARY,
            keep,
            month,
            final_at,
        )
        sealed = await keys.seal_content(tx, services.sealer, day=final_at.date(), plain=CANARY.encode())
        await tx.run(
            "INSERT INTO revisions (account_id, campaign_id, key_day, sealed) VALUES ($1, $2, $3, $4)",
            campaign_id,
            final_at.date(),
            sealed,
        )
        await tx.run(
            """
            INSERT INTO deliveries (account_id, campaign_id, contact_id, month, list_id, status, first_at, final_at)
            VALUES ($1, $2, $3, $4, $5, 'delivered', $6, $6)
            """,
            campaign_id,
            contact_id,
            month,
            list_id,
            final_at,
        )
    return account.id, campaign_id, contact_id


@pytest.mark.req("A-001", "A-003", "E-37")
async def test_sent_content_is_gone_at_six_days_with_its_key(services: Services, make: Make) -> None:
    account_id, campaign_id, _ = await _campaign(services, make, final_at=NOW, keep=False)
    async with services.db.account(account_id) as tx:
        copy = await tx.rows("SELECT key_day, sealed FROM revisions WHERE account_id = $1")
        assert await purge.content(tx, NOW + CONTENT - timedelta(minutes=1)) == 0
        assert (
            await keys.open_content(tx, services.sealer, day=copy[0][0], sealed=copy[0][1]) == CANARY.encode()
        )
        assert await purge.content(tx, NOW + CONTENT) == 1
        left = await tx.value(
            """
            SELECT count(*) FROM campaigns
            WHERE account_id = $1 AND (subject <> '' OR source <> '' OR content_erased_at IS NULL)
            """
        )
        assert left == 0
        assert await tx.value("SELECT count(*) FROM designs WHERE account_id = $1") == 0
        # what a backup kept of the row opens no more
        with pytest.raises(keys.ContentGone):
            await keys.open_content(tx, services.sealer, day=copy[0][0], sealed=copy[0][1])
        assert (
            await tx.value("SELECT name FROM campaigns WHERE account_id = $1 AND id = $2", campaign_id)
            == "Novembre"
        )


async def test_a_kept_source_becomes_a_design(services: Services, make: Make) -> None:
    account_id, _, _ = await _campaign(services, make, final_at=NOW)
    async with services.db.account(account_id) as tx:
        await purge.content(tx, NOW + CONTENT)
        assert await tx.value("SELECT source FROM designs WHERE account_id = $1") == CANARY


@pytest.mark.req("A-001")
async def test_content_stays_while_a_delivery_is_open(services: Services, make: Make) -> None:
    account_id, campaign_id, contact_id = await _campaign(services, make, final_at=NOW)
    async with services.db.account(account_id) as tx:
        await tx.run("DELETE FROM deliveries WHERE account_id = $1 AND campaign_id = $2", campaign_id)
        await tx.run(
            """
            INSERT INTO deliveries (account_id, campaign_id, contact_id, month, list_id)
            SELECT $1, id, $3, month, 1 FROM campaigns WHERE account_id = $1 AND id = $2
            """,
            campaign_id,
            contact_id,
        )
        assert await purge.content(tx, NOW + timedelta(days=30)) == 0


@pytest.mark.req("A-001")
async def test_what_a_paused_campaign_sent_is_forgotten_as_well(services: Services, make: Make) -> None:
    account_id, campaign_id, _ = await _campaign(services, make, final_at=NOW)
    async with services.db.account(account_id) as tx:
        for status in ("sending", "paused"):
            await tx.run(
                "UPDATE campaigns SET status = $3, finished_at = NULL WHERE account_id = $1 AND id = $2",
                campaign_id,
                status,
            )
        waiting = await make.contact(tx)
        await tx.run(
            """
            INSERT INTO deliveries (account_id, campaign_id, contact_id, month, list_id)
            SELECT account_id, campaign_id, $3, month, list_id FROM deliveries
            WHERE account_id = $1 AND campaign_id = $2
            """,
            campaign_id,
            waiting,
        )
        assert await purge.content(tx, NOW + CONTENT - timedelta(minutes=1)) == 0
        assert await purge.content(tx, NOW + CONTENT) == 1
        assert await tx.value("SELECT count(*) FROM content_keys WHERE account_id = $1") == 0
        # the author's own text is no sent content: the campaign can be duplicated
        assert await tx.value("SELECT source FROM campaigns WHERE account_id = $1") == CANARY


@pytest.mark.req("A-004")
async def test_events_and_deliveries_go_at_thirteen_calendar_months(services: Services, make: Make) -> None:
    at = datetime(2025, 1, 31, 12, 0, tzinfo=UTC)
    account_id, campaign_id, contact_id = await _campaign(services, make, final_at=at)
    async with services.db.account(account_id) as tx:
        await tx.run(
            "INSERT INTO events (account_id, id, at, campaign_id, contact_id, kind) VALUES ($1, '1-0', $2, $3, $4, 'open')",
            at,
            campaign_id,
            contact_id,
        )
        # 31 January + 13 months is 28 February: that day at noon it is not older yet
        for now, gone in (
            (datetime(2026, 2, 28, 12, 0, tzinfo=UTC), 0),
            (datetime(2026, 3, 1, tzinfo=UTC), 1),
        ):
            assert await event_rows.purge(tx, now) == gone
            assert await purge.deliveries(tx, now) == gone


async def _message(services: Services, make: Make, account_id: int, *, final_at: datetime) -> tuple[int, int]:
    """A delivered message to a contact; its id and the contact's."""
    async with services.db.account(account_id) as tx:
        contact_id = await make.contact(tx)
        sealed = await keys.seal_content(tx, services.sealer, day=final_at.date(), plain=CANARY.encode())
        sender_id = await tx.value(
            """
            INSERT INTO senders (account_id, email, address_key, name)
            VALUES ($1, 'a@b.test', 'a@b.test', 'A')
            ON CONFLICT (account_id, address_key) DO UPDATE SET name = 'A'
            RETURNING id
            """
        )
        message_id = await tx.value(
            """
            INSERT INTO messages (account_id, sender_id, contact_id, address_hash, key_hash, body_hash, status,
                                  key_day, envelope, content, created_at, final_at, expires_at)
            VALUES ($1, $2, $3, decode(repeat('00', 16), 'hex'), decode(md5(($3::bigint)::text), 'hex'), 'b', 'delivered',
                    $4, $5, $5, $6, $6, $6)
            RETURNING id
            """,
            sender_id,
            contact_id,
            final_at.date(),
            sealed,
            final_at,
        )
    return message_id, contact_id


@pytest.mark.req("A-001", "A-004", "E-61")
async def test_a_transactional_message_is_forgotten_in_steps(services: Services, make: Make) -> None:
    account = await make.account()
    message_id, _ = await _message(services, make, account.id, final_at=NOW)
    row = "SELECT key_hash, content, address_hash FROM messages WHERE account_id = $1 AND id = $2"
    async with services.db.account(account.id) as tx:
        assert await purge.content(tx, NOW + timedelta(hours=23)) == 0
        assert (await tx.rows(row, message_id))[0][0] is not None
        assert await purge.content(tx, NOW + CONTENT - timedelta(minutes=1)) == 0
        [(key_hash, content, _)] = await tx.rows(row, message_id)
        assert key_hash is None
        assert await keys.open_content(tx, services.sealer, day=NOW.date(), sealed=content) == CANARY.encode()
        assert await purge.content(tx, NOW + CONTENT) == 1
        [(_, erased, address)] = await tx.rows(row, message_id)
        assert (erased, address) == (None, bytes(16))
        with pytest.raises(keys.ContentGone):
            await keys.open_content(tx, services.sealer, day=NOW.date(), sealed=content)
        end = months_after(NOW, 13)
        assert await purge.deliveries(tx, end) == 0
        assert await purge.deliveries(tx, end + timedelta(seconds=1)) == 1


@pytest.mark.req("A-001")
async def test_what_a_deleted_contact_got_is_forgotten_at_once(services: Services, make: Make) -> None:
    account = await make.account()
    message_id, contact_id = await _message(services, make, account.id, final_at=NOW)
    kept, _ = await _message(services, make, account.id, final_at=NOW + timedelta(seconds=1))
    async with services.db.account(account.id) as tx:
        await tx.run("UPDATE messages SET key_hash = NULL, body_hash = NULL WHERE account_id = $1")
        await tx.run("DELETE FROM contacts WHERE account_id = $1 AND id = $2", contact_id)
        assert await purge.content(tx, NOW + timedelta(minutes=15)) == 1
        left = dict(
            await tx.rows(
                "SELECT id, content IS NULL AND address_hash IS NULL FROM messages WHERE account_id = $1"
            )
        )
    assert left == {message_id: True, kept: False}


@pytest.mark.req("A-064")
async def test_totals_of_ten_and_more_outlive_the_rows(services: Services, make: Make) -> None:
    at = datetime(2025, 2, 3, 12, 0, tzinfo=UTC)
    account_id, campaign_id, _ = await _campaign(services, make, final_at=at)
    async with services.db.account(account_id) as tx:
        await tx.run(
            """
            INSERT INTO deliveries (account_id, campaign_id, contact_id, month, list_id, status, reason, first_at,
                                    final_at)
            SELECT $1, $2, 1000000 + n, $3, 1, CASE WHEN n <= 11 THEN 'delivered' ELSE 'bounced' END,
                   CASE WHEN n <= 11 THEN '' ELSE 'hard' END, $4, $4
            FROM generate_series(1, 14) n
            """,
            campaign_id,
            at.date().replace(day=1),
            at,
        )
        await totals.keep(tx, True)
        assert await purge.deliveries(tx, datetime(2026, 4, 1, tzinfo=UTC)) == 15
        kept = await tx.value("SELECT totals FROM campaigns WHERE account_id = $1 AND id = $2", campaign_id)
        assert kept == {"delivered": 12}
        report = await reports.summary(tx, campaign_id)
        assert (report.balance.audience, report.balance.delivered, report.opens.base) == (12, 12, 0)


@pytest.mark.req("A-001", "B-60")
async def test_files_staging_and_journal(services: Services, make: Make) -> None:
    account = await make.account()
    async with services.db.account(account.id) as tx:
        await tx.run(
            "INSERT INTO files (account_id, kind, name, media_type, complete, created_at) VALUES ($1, 'upload', 'a', 'b', true, $2)",
            NOW,
        )
        import_id = await tx.value(
            "INSERT INTO imports (account_id, file_name, sample, created_at) VALUES ($1, 'a.csv', $2, $3) RETURNING id",
            [["a@b.test"]],
            NOW,
        )
        await tx.run(
            """
            INSERT INTO import_parts (account_id, import_id, last_line, lines, emails, address_keys,
                                      address_hashes, first_names, first_name_keys, last_names,
                                      last_name_keys, languages, fields)
            VALUES ($1, $2, 2, '{2}', '{a@b.test}', '{a@b.test}', '{\\x00}', '{A}', '{a}', '{B}', '{b}',
                    '{fr}', '{"{}"}')
            """,
            import_id,
        )
        await tx.run(
            "INSERT INTO audit (account_id, actor, action, object, at) VALUES ($1, 'job', 'x', 'y', $2)", NOW
        )
        assert await purge.files(tx, NOW + timedelta(days=5, hours=23)) == 0
        assert await purge.files(tx, NOW + CONTENT) == 2
        assert await tx.value("SELECT sample FROM imports WHERE account_id = $1") == []
        assert await purge.log(tx, datetime(2027, 11, 22, 8, 0, tzinfo=UTC)) == 0
        assert await purge.log(tx, datetime(2027, 11, 22, 10, 0, tzinfo=UTC)) == 1


@pytest.mark.req("B-26")
async def test_a_request_nobody_confirmed_goes_after_thirty_days(services: Services, make: Make) -> None:
    account = await make.account()
    async with services.db.account(account.id) as tx:
        list_id = await make.mailing_list(tx)
        contact_id = await make.contact(tx, list_id=list_id)
        await tx.run("UPDATE contacts SET source = 'form', created_at = $2 WHERE account_id = $1", NOW)
        await tx.run(
            "UPDATE subscriptions SET status = 'pending', status_at = $3 WHERE account_id = $1 AND contact_id = $2",
            contact_id,
            NOW,
        )
        assert await unconfirmed_rows.purge(tx, NOW + timedelta(days=29)) == 0
        assert await unconfirmed_rows.purge(tx, NOW + timedelta(days=31)) == 1
        assert await tx.value("SELECT count(*) FROM contacts WHERE account_id = $1") == 0


@pytest.mark.req("A-005", "A-092", "A-093")
async def test_a_closed_account_is_erased_at_three_months_and_not_before(
    services: Services, make: Make
) -> None:
    account_id, _, _ = await _campaign(services, make, final_at=NOW)
    await _message(services, make, account_id, final_at=NOW)
    neighbour, _, _ = await _campaign(services, make, final_at=NOW)
    erase_at = months_after(NOW, 3)
    async with services.db.shared() as tx:
        await tx.run(
            "UPDATE accounts SET status = 'closed', closed_at = $2, erase_at = $3 WHERE id = $1",
            account_id,
            NOW,
            erase_at,
        )
    async with services.db.account(account_id) as tx:
        await tx.run("INSERT INTO audit (account_id, actor, action, object) VALUES ($1, 'job', 'x', 'y')")
        await tx.run(
            """
            INSERT INTO consents (account_id, contact_id, address_hash, purpose, act, method)
            VALUES ($1, 1, '\\x00', 'mail', 'granted', 'api')
            """
        )
    assert account_id not in await closed_accounts.due(services.db, erase_at - timedelta(minutes=1))
    assert await closed_accounts.erase(services.db, account_id, erase_at - timedelta(minutes=1)) == {}
    assert account_id in await closed_accounts.due(services.db, erase_at)
    found = await closed_accounts.erase(services.db, account_id, erase_at)
    assert (found["contacts"], found["messages"]) == (2, 1)
    # its number, the day and counts, until the platform's next record takes them over; its number
    # alone for 35 days, so that no backup of before brings it back
    assert await _rows_of(services, account_id) == {"erased_accounts": 1, "erasure_journal": 1}
    assert (await _rows_of(services, neighbour))["contacts"] == 1


async def test_a_reactivated_account_is_not_erased(services: Services, make: Make) -> None:
    account = await make.account()
    assert await closed_accounts.erase(services.db, account.id, NOW + timedelta(days=400)) == {}


async def _rows_of(services: Services, account_id: int) -> dict[str, int]:
    """Rows of an account in every table that has an account_id, asked of the catalogue."""
    found = {}
    async with services.db.account(account_id) as tx:
        tables = await tx.rows(
            """
            SELECT table_name FROM information_schema.columns
            WHERE column_name = 'account_id' AND table_schema = 'public' AND table_name !~ '_20[0-9]{2}_' AND $1 > 0
            """
        )
        for (table,) in tables:
            n = await tx.value(f"SELECT count(*) FROM {table} WHERE account_id = $1")
            if n:
                found[table] = n
    return found


async def test_no_tenants_table_is_forgotten_at_closing(services: Services) -> None:
    async with services.db.connection() as connection:
        rows = await connection.fetch(
            """
            SELECT c.relname AS name FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
            WHERE c.relkind IN ('r', 'p') AND a.attname = 'account_id' AND NOT c.relispartition
              AND c.relnamespace = 'public'::regnamespace
            """
        )
    tables = {row["name"] for row in rows} - GLOBAL - {"consents", "wordings", "audit"}
    # the proofs of the account go with the ledger, the end of their chain is taken over (erased_accounts)
    tables -= {"retention_proofs", "retention_chains"}
    assert tables - set(closed_accounts._STATEMENTS) == set()


@pytest.mark.req("A-001", "A-007")
async def test_system_mail_and_inbox_keep_six_days(services: Services) -> None:
    async with services.db.shared() as tx:
        await tx.run(
            "INSERT INTO outbox (kind, recipient, created_at) VALUES ('sign_in', 'old@x.test', $1)", NOW
        )
        await tx.run(
            "INSERT INTO inbox_mails (mail_from, recipient, raw, received_at) VALUES ('a@b.test', 'old@x.test', '', $1)",
            NOW,
        )
        await platform.purge(tx, NOW + CONTENT)
        assert await tx.value("SELECT count(*) FROM outbox WHERE recipient = 'old@x.test'") == 0
        assert await tx.value("SELECT count(*) FROM inbox_mails WHERE recipient = 'old@x.test'") == 0


async def test_the_sweep_reaches_every_account_and_notes_its_pass(services: Services, make: Make) -> None:
    account = await make.account()
    again = await jobs.sweep(services, Task(0, "retention_jobs.sweep", 0, 0, 1))
    assert again is not None
    found = await work.due(services.db, sweeps=1_000_000)
    due = [task for task in found if task.job == "retention_jobs.account_pass"]
    task = next(task for task in due if task.account_id == account.id)
    assert await jobs.account_pass(services, task) is None
    async with services.db.account(account.id) as tx:
        rows = await tx.rows("SELECT rule FROM retention_passes WHERE account_id = $1")
    assert {rule for (rule,) in rows} == set(purge.RULES)


async def test_the_page_tells_periods_and_last_run(services: Services, make: Make) -> None:
    account = await make.account()
    owner = await make.signed_in(account.owner_id)
    first = await owner.get(f"{account.app}/privacy/retention")
    assert "Not yet" in first.text
    await jobs.account_pass(services, Task(account.id, "retention_jobs.account_pass", 0, 0, 1))
    second = await owner.get(f"{account.app}/privacy/retention")
    assert second.status == 200
    assert "On time" in second.text
    assert "13 months" in second.text
