"""The drill: sent, backed up, erased, unsubscribed, closed; restored elsewhere, and all of it still holds."""

import base64
import json
import resource
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from lists import contacts, legal_holds, subscriptions
from lists.consents import Method
from lists.legal_holds import NewHold
from mailer import backup_command, command_options, doctor_backups, restore_command
from mailer.accounts import account_life, accounts
from mailer.core import backup_files, backups, clock, erasure_journal, keys, outbox, restore_target, restores
from mailer.core.backup_files import BackupDamaged
from mailer.core.db import Database, open_database
from mailer.core.errors import MailerError
from mailer.core.restore_target import RestoreRefused
from mailer.core.sealing import Sealer
from mailer.core.services import Services
from mailer.core.settings import Settings
from mailer.core.tokens import RecipientToken
from mailer.core.work import PLATFORM, Task
from mailer.restore_command import Plan
from retention_jobs import closed_accounts, jobs_backups
from sending import revisions
from tests.delivery.conftest import People, Post
from tests.make import Account, Make

TEND = Task(PLATFORM, "retention_jobs.tend_backups", 0, 0, 1)


def quiet(_: str) -> None:
    """Progress is for people."""


async def backed_up(services: Services, admin: str, folder: Path) -> backups.Taken:
    return await backups.take(folder, admin, services.sealer, clock.now(), quiet)


def plan(second: Settings, admin: str, backup: Path, **more: object) -> Plan:
    url = backups.renamed(admin, second.database_url.partition("?")[0].rpartition("/")[2])
    return Plan(backup=backup, settings=second, admin=url, **more)  # type: ignore[arg-type]


@asynccontextmanager
async def copy(second: Settings) -> AsyncIterator[Database]:
    revisions._loaded.clear()
    restores._memories.clear()
    async with open_database(second.database_url, size=4) as db:
        yield db


async def addresses(db: Database, account: Account) -> list[str]:
    async with db.account(account.id) as tx:
        return [
            email
            for (email,) in await tx.rows("SELECT email FROM contacts WHERE account_id = $1 ORDER BY email")
        ]


async def contact(post: Post, email: str) -> tuple[int, bytes]:
    async with post.tx() as tx:
        [row] = await tx.rows(
            "SELECT id, address_hash FROM contacts WHERE account_id = $1 AND email = $2", email
        )
    return row


@pytest.mark.req("A-003", "A-052", "A-063", "A-103", "B-28", "S13", "C-60")
async def test_what_happened_after_the_backup_holds_in_the_restored_copy(
    post: Post, people: People, make: Make, second: Settings, admin: str, tmp_path: Path
) -> None:
    listed = await people("ana@drill.test", "bob@drill.test", "eve@drill.test")
    campaign = await post.campaign([listed])
    await post.run()
    closed, erased = await make.account(), await make.account()
    async with post.services.db.account(erased.id) as tx:
        await make.contact(tx, "canary-erased@drill.test")
        await keys.seal_content(tx, post.services.sealer, day=clock.now().date(), plain=b"canary")
    folder = tmp_path / "backups"
    taken = await backed_up(post.services, admin, folder)

    (ana, _), (bob, bob_hash) = await contact(post, "ana@drill.test"), await contact(post, "bob@drill.test")
    async with post.tx() as tx:
        await contacts.delete(tx, [ana])
        who = RecipientToken(post.account.id, listed, bob, bob_hash)
        await subscriptions.unsubscribe(tx, who, method=Method.LINK)
    async with post.services.db.account(closed.id) as tx:
        await account_life.close(
            tx, (await accounts.show(tx)).name, now=clock.now(), public_url="http://localhost"
        )
    async with post.services.db.account(erased.id) as tx:
        await account_life.close(
            tx, (await accounts.show(tx)).name, now=clock.now(), public_url="http://localhost"
        )
    await closed_accounts.erase(post.services.db, erased.id, clock.now() + timedelta(days=100))
    # the tick of a minute later, and with it the disaster's last word
    backups.remember(post.services.settings.data_dir, folder)
    await jobs_backups.tend(post.services, TEND)

    found = await restore_command.restore(plan(second, admin, taken.path), clock.now())
    assert (found.again.contacts, found.again.accounts) >= (1, 2)
    async with copy(second) as db:
        assert await addresses(db, post.account) == ["bob@drill.test", "eve@drill.test"]
        async with db.account(post.account.id) as tx:
            stopped = (
                "SELECT reason FROM suppressions WHERE account_id = $1 AND address_hash = $2 AND list_id = $3"
            )
            assert await tx.value(stopped, bob_hash, listed) == "unsubscribed"
            status = "SELECT status FROM subscriptions WHERE account_id = $1 AND contact_id = $2"
            assert await tx.value(status, bob) == "unsubscribed"
            there = replace(post.services, db=db)
            assert (await revisions.open(tx, there, campaign)).subject.startswith("Du pain")
        async with db.shared() as tx:
            state = "SELECT status FROM accounts WHERE id = $1"
            assert await tx.value(state, closed.id) == "closed"
            assert await tx.value(state, erased.id) is None
            known = await restores.show(tx)
        assert (known.held, known.held_reason, known.original) == (True, "copy", False)
        assert known.erased_again is not None
        assert known.erased_again >= 4
        async with db.account(erased.id) as tx:
            for table in ("contacts", "content_keys", "content_masters"):
                assert await tx.value(f"SELECT count(*) FROM {table} WHERE account_id = $1") == 0
        # a second campaign waits for an operator, on a machine that knows nothing of the first database
        assert not await restores.may_send(replace(there, settings=second))


@pytest.mark.req("A-005", "A-063", "A-103")
async def test_an_account_that_a_law_held_at_the_backup_is_erased_again_when_it_was_erased_since(
    make: Make, services: Services, second: Settings, admin: str, tmp_path: Path
) -> None:
    account, still = await make.account(), await make.account()
    new = NewHold(
        article="CPP, art. 60-2", reason="Réquisition", ends_on=clock.now().date() + timedelta(days=900)
    )
    holds = {}
    for one in (account, still):
        async with services.db.account(one.id) as tx:
            await make.contact(tx, f"held-{one.id}@drill.test")
            holds[one.id] = await legal_holds.place(tx, new, by="tests", now=clock.now())
    folder = tmp_path / "backups"
    taken = await backed_up(services, admin, folder)
    for one in (account, still):
        async with services.db.account(one.id) as tx:
            if one is account:
                await legal_holds.lift(tx, holds[one.id], now=clock.now())
            await account_life.close(
                tx, (await accounts.show(tx)).name, now=clock.now(), public_url="http://localhost"
            )
    late = clock.now() + timedelta(days=100)
    for one in (account, still):
        await closed_accounts.erase(services.db, one.id, late)
    backups.remember(services.settings.data_dir, folder)
    await jobs_backups.tend(services, TEND)
    await restore_command.restore(plan(second, admin, taken.path), clock.now())
    async with copy(second) as db:
        assert await addresses(db, account) == []
        assert await addresses(db, still) == [f"held-{still.id}@drill.test"]
        async with db.shared() as tx:
            held = "SELECT id, held_until IS NOT NULL FROM accounts WHERE id = ANY ($1::bigint[])"
            assert await tx.rows(held, [account.id, still.id]) == [(still.id, True)]


@pytest.mark.req("A-001", "A-003", "A-103")
async def test_a_restored_copy_shows_nothing_that_is_past_its_six_days(
    post: Post, people: People, make: Make, second: Settings, admin: str, tmp_path: Path
) -> None:
    listed = await people("ana@six.test")
    campaign = await post.campaign([listed], subject="Six jours")
    await post.run()
    held = await make.account()
    put = """
        INSERT INTO webhook_events (account_id, type, at, data) VALUES ($1, 'x', $2, '{}')
        """
    async with post.services.db.account(held.id) as tx:
        await tx.run(put, clock.now())
        ends_on = clock.now().date() + timedelta(days=900)
        new = NewHold(article="CPP, art. 60-2", reason="Réquisition", ends_on=ends_on)
        await legal_holds.place(tx, new, by="tests", now=clock.now())
    async with post.tx() as tx:
        await tx.run(put, clock.now())
        await outbox.write(tx, "sign_in", "ana@six.test", language="fr", details={})
    taken = await backed_up(post.services, admin, tmp_path / "backups")
    seen = """
        SELECT subject, (SELECT count(*) FROM revisions WHERE account_id = $1 AND campaign_id = $2),
               (SELECT count(*) FROM webhook_events WHERE account_id = $1)
        FROM campaigns WHERE account_id = $1 AND id = $2
        """
    for after, left, mails in (
        (timedelta(days=6, minutes=-5), ("Six jours", 1, 1), True),
        (timedelta(days=6, minutes=5), ("", 0, 0), False),
    ):
        again = plan(second, admin, taken.path, replace=True)
        await restore_command.restore(again, clock.now() + after)
        async with copy(second) as db:
            async with db.account(post.account.id) as tx:
                assert await tx.rows(seen, campaign) == [left]
            async with db.account(held.id) as tx:
                assert await tx.value("SELECT count(*) FROM webhook_events WHERE account_id = $1") == 1
            async with db.shared() as tx:
                assert await tx.value("SELECT EXISTS (SELECT FROM outbox)") == mails
                # the proof of it is written by the next run
                assert await tx.value("SELECT count(*) FROM retention_runs WHERE last_run_at > now()") > 0


@pytest.mark.req("A-003", "S13")
async def test_content_of_day_0_cannot_be_read_in_a_copy_restored_on_day_7(
    post: Post, people: People, second: Settings, admin: str, tmp_path: Path
) -> None:
    campaign = await post.campaign([await people("ana@late.test")])
    await post.run()
    folder = tmp_path / "backups"
    taken = await backed_up(post.services, admin, folder)
    day = clock.now().date()
    async with post.tx() as tx:
        [(key_day, sealed)] = await tx.rows(
            "SELECT key_day, sealed FROM revisions WHERE account_id = $1 AND campaign_id = $2", campaign
        )
    kept = folder / backup_files.KEYS / f"{day.isoformat()}.keys"
    assert kept.read_bytes().count(b"\n") >= 1
    midnight = datetime(day.year, day.month, day.day, tzinfo=UTC)
    assert kept not in backup_files.prune(folder, midnight + timedelta(days=7, seconds=-1))
    # nobody pruned: the file lies there still, and is not looked at
    await restore_command.restore(plan(second, admin, taken.path), midnight + timedelta(days=7))
    async with copy(second) as db, db.account(post.account.id) as tx:
        assert len(sealed) > 100
        with pytest.raises(keys.ContentGone):
            await keys.open_content(tx, post.services.sealer, day=key_day, sealed=sealed)
    backups.remember(post.services.settings.data_dir, folder)
    clock.shift(midnight + timedelta(days=6, hours=23) - datetime.now(UTC))
    await jobs_backups.tend(post.services, TEND)
    assert kept.exists()
    clock.shift(midnight + timedelta(days=7, seconds=1) - datetime.now(UTC))
    await jobs_backups.tend(post.services, TEND)
    assert not kept.exists()
    assert taken.path.exists()
    clock.shift(midnight + timedelta(days=32) - datetime.now(UTC))
    await jobs_backups.tend(post.services, TEND)
    assert not taken.path.exists()


@pytest.mark.req("A-003", "A-063")
async def test_the_end_of_an_account_ends_its_content_in_every_backup(
    make: Make, services: Services, admin: str, tmp_path: Path
) -> None:
    account, other = await make.account(), await make.account()
    for one in (account, other):
        async with services.db.account(one.id) as tx:
            await keys.seal_content(tx, services.sealer, day=clock.now().date(), plain=b"canary")
    await backed_up(services, admin, tmp_path)
    async with services.db.shared() as tx:
        installation = (await restores.show(tx)).id
    assert {account.id, other.id} <= backup_files.read_masters(tmp_path, installation).keys()
    async with services.db.account(account.id) as tx:
        await account_life.close(
            tx, (await accounts.show(tx)).name, now=clock.now(), public_url="http://localhost"
        )
    await closed_accounts.erase(services.db, account.id, clock.now() + timedelta(days=100))
    await jobs_backups.forget(services.db, tmp_path, clock.now())
    left = backup_files.read_masters(tmp_path, installation)
    assert (account.id in left, other.id in left) == (False, True)
    # its keys of days may lie there for days: they are sealed under what is gone
    days = backup_files.read_keys(tmp_path, clock.now()).values()
    [sealed] = [found[account.id] for found in days if account.id in found]
    assert not services.sealer.knows(sealed)


@pytest.mark.req("A-063")
async def test_an_empty_database_beside_old_backups_forgets_nobodys_keys(
    services: Services, tmp_path: Path
) -> None:
    backup_files.write_masters(tmp_path, "another installation", [(1, b"sealed")])
    await jobs_backups.forget(services.db, tmp_path, clock.now())
    assert backup_files.read_masters(tmp_path, "another installation") == {1: b"sealed"}


@pytest.mark.req("A-103")
async def test_a_database_in_use_or_not_empty_is_left_alone_unless_told(
    post: Post, people: People, second: Settings, admin: str, tmp_path: Path
) -> None:
    await people("ana@first.test", "bob@first.test")
    taken = await backed_up(post.services, admin, tmp_path / "backups")
    ana, _ = await contact(post, "ana@first.test")
    async with post.tx() as tx:
        await contacts.delete(tx, [ana])
    # left by a run that was killed
    async with open_database(backups.renamed(admin, "postgres"), size=1) as db, db.connection() as connection:
        name = second.database_url.partition("?")[0].rpartition("/")[2]
        await connection.execute(f"CREATE DATABASE {name}_restoring")
    # a journal that nobody can open: rather no copy than one in which somebody erased is back
    stranger = Sealer(b"s" * 32)
    await erasure_journal.copy(post.services.db, stranger, tmp_path / "backups", clock.now())
    first = plan(second, admin, taken.path)
    with pytest.raises(erasure_journal.JournalSealed, match="MAILER_OLD_SECRET_KEYS"):
        await restore_command.restore(first, clock.now())
    async with open_database(second.database_url, size=1) as db, db.connection() as connection:
        assert await connection.fetchval("SELECT to_regclass('contacts')") is None
    shutil.rmtree(tmp_path / "backups" / erasure_journal.FOLDER)
    # no journal was written: the surviving database tells
    first = plan(second, admin, taken.path, survivor=post.services.settings.database_url)
    await restore_command.restore(first, clock.now())
    with pytest.raises(RestoreRefused, match="--replace"):
        await restore_command.restore(first, clock.now())
    again = replace(first, replace=True, survivor="")
    async with copy(second) as db:
        assert await addresses(db, post.account) == ["bob@first.test"]
        # erased in the database that is about to be replaced, and written down nowhere else
        async with db.account(post.account.id) as tx:
            await tx.run("DELETE FROM contacts WHERE account_id = $1")
        with pytest.raises(RestoreRefused, match="stop web processes"):
            await restore_command.restore(again, clock.now())
    await restore_command.restore(again, clock.now())
    async with copy(second) as db:
        assert await addresses(db, post.account) == []


@pytest.mark.req("A-063", "A-103")
async def test_a_copy_that_came_back_by_other_means_erases_again_from_the_journal_at_hand(
    post: Post, people: People, second: Settings, admin: str, tmp_path: Path
) -> None:
    """As after a snapshot, a point in time, or a dump restored by hand."""
    await people("ana@snapshot.test", "bob@snapshot.test")
    data_dir = tmp_path / "data"
    taken = await backed_up(post.services, admin, tmp_path / "backups")
    await restore_command.restore(plan(second, admin, taken.path), clock.now())
    ana, _ = await contact(post, "ana@snapshot.test")
    async with post.tx() as tx:
        await contacts.delete(tx, [ana])
    await erasure_journal.copy(post.services.db, post.services.sealer, data_dir, clock.now())
    async with copy(second) as db:
        settings = second.model_copy(update={"data_dir": data_dir})
        there = replace(post.services, db=db, settings=settings)
        assert await addresses(db, post.account) == ["ana@snapshot.test", "bob@snapshot.test"]
        async with db.shared() as tx:
            await tx.run("UPDATE installation SET held_since = NULL, held_reason = '', erased_again = NULL")
        assert not await restores.may_send(there)
        async with db.shared() as tx:
            assert (await restores.show(tx)).erased_again is None
            asked = await tx.value("SELECT count(*) FROM work WHERE job = $1", restores.ERASE_AGAIN)
        assert asked == 1
        await jobs_backups.erase_again(there, Task(PLATFORM, restores.ERASE_AGAIN, 0, 0, 1))
        assert await addresses(db, post.account) == ["bob@snapshot.test"]
        async with db.shared() as tx:
            assert ((await restores.show(tx)).erased_again or 0) >= 1
        await restores.resume(there, begun=False)
        assert await jobs_backups.from_places(there, [data_dir]) is None


@pytest.mark.req("A-052")
async def test_a_damaged_backup_or_one_under_another_secret_is_not_restored(
    services: Services, second: Settings, admin: str, tmp_path: Path
) -> None:
    taken = await backed_up(services, admin, tmp_path)
    whole = backup_files.verify(taken.path, services.sealer)
    assert whole.files.keys() == {backup_files.DUMP}
    with pytest.raises(BackupDamaged, match="another secret key"):
        backup_files.verify(taken.path, Sealer(b"x" * 32))
    rotated = Sealer(b"x" * 32, (services.settings.key,))
    assert backup_files.verify(taken.path, rotated).name == whole.name
    path = taken.path / backup_files.DUMP
    content = path.read_bytes()
    path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    with pytest.raises(BackupDamaged, match="SHA-256"):
        await restore_command.restore(plan(second, admin, taken.path), clock.now())
    path.write_bytes(content)
    manifest = taken.path / backup_files.MANIFEST
    told = manifest.read_bytes()
    manifest.write_bytes(told.replace(b'"taken_at": "2', b'"taken_at": "1'))
    with pytest.raises(BackupDamaged, match="altered"):
        backup_files.verify(taken.path, services.sealer)
    manifest.write_bytes(told)
    path.write_bytes(content[:-100])
    with pytest.raises(BackupDamaged, match="bytes"):
        backup_files.verify(taken.path, services.sealer)


async def test_a_role_that_row_level_security_binds_takes_no_backup(
    services: Services, tmp_path: Path
) -> None:
    with pytest.raises(backups.BackupRefused, match="BYPASSRLS"):
        await backed_up(services, services.settings.database_url, tmp_path / "backups")
    assert backup_files.many(tmp_path / "backups") == []


@pytest.mark.req("A-063")
async def test_a_journal_goes_on_behind_a_line_that_a_kill_cut_short(
    make: Make, services: Services, tmp_path: Path
) -> None:
    account = await make.account()

    async def erase() -> int:
        async with services.db.account(account.id) as tx:
            one = await make.contact(tx)
            await contacts.delete(tx, [one])
        return one

    async with services.db.shared() as tx:
        installation = (await restores.show(tx)).id

    def told() -> list[int | None]:
        entries = erasure_journal.read(tmp_path, services.sealer, installation)
        return [one.ref_id for one in entries if one.account_id == account.id and one.kind == "contact"]

    first = await erase()
    await erasure_journal.copy(services.db, services.sealer, tmp_path, clock.now())
    assert await erasure_journal.copy(services.db, services.sealer, tmp_path, clock.now()) == 0
    second = await erase()
    await erasure_journal.copy(services.db, services.sealer, tmp_path, clock.now())
    [path] = (tmp_path / erasure_journal.FOLDER).iterdir()
    assert b"@" not in path.read_bytes()
    path.write_bytes(path.read_bytes()[:-30])
    assert told() == [first]
    third = await erase()
    await erasure_journal.copy(services.db, services.sealer, tmp_path, clock.now())
    assert told() == [first, second, third]
    with pytest.raises(erasure_journal.JournalSealed):
        list(erasure_journal.read(tmp_path, Sealer(b"x" * 32), installation))
    assert list(erasure_journal.read(tmp_path, services.sealer, "another installation")) == []
    assert erasure_journal.prune(tmp_path, clock.now() + timedelta(days=35)) == 0
    assert erasure_journal.prune(tmp_path, clock.now() + timedelta(days=36)) == 1


def test_nothing_of_the_target_is_taken_for_sql() -> None:
    assert restore_target._quoted('a"; DROP DATABASE b; --') == '"a""; DROP DATABASE b; --"'


@pytest.mark.req("A-052")
async def test_a_full_disk_leaves_nothing_that_looks_like_a_backup(
    services: Services, admin: str, tmp_path: Path
) -> None:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, before[1]))
    try:
        with pytest.raises(OSError, match="too large"):
            await backed_up(services, admin, tmp_path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert list(tmp_path.iterdir()) == []
    assert backup_files.verify((await backed_up(services, admin, tmp_path)).path, services.sealer)


@pytest.mark.req("A-052")
async def test_the_command_says_what_is_wrong_and_ends_with_1(
    services: Services, admin: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    environ = {
        "MAILER_DATABASE_URL": services.settings.database_url,
        "MAILER_SECRET_KEY": base64.b64encode(services.settings.key).decode(),
        "MAILER_OPERATOR_FILE": str(Path(__file__).parents[2] / "deploy/operator.example.toml"),
        "MAILER_DATA_DIR": str(tmp_path / "data"),
    }

    async def ran(*words: str) -> tuple[int, str]:
        status = await backup_command.run(command_options.build().parse_args(["backup", *words]), environ)
        return status, capsys.readouterr().out

    folder = tmp_path / "backups"
    with pytest.raises(MailerError, match="BYPASSRLS"):
        await ran(str(folder))
    with pytest.raises(BackupDamaged, match="holds no backup"):
        await ran("verify", str(folder))
    (tmp_path / "file").write_text("")
    with pytest.raises(MailerError, match=r"File exists|Not a directory"):
        await ran("--database", admin, str(tmp_path / "file"))
    assert (await ran("verify"))[0] == 2
    status, told = await ran("--json", "--database", admin, str(folder))
    assert (status, Path(json.loads(told)["backup"]).parent) == (0, folder)
    assert (await ran("verify", str(folder)))[1].count("whole") == 1
    assert backups.folders(tmp_path / "data") == [folder]
    assert json.loads((await ran("prune", str(folder), "--json"))[1])["removed"] == []
    assert json.loads((await ran("journal", str(folder), "--json"))[1]) == {"erasures_copied": 0}


@pytest.mark.req("A-052")
async def test_the_doctor_says_when_there_is_no_backup_of_today(
    services: Services, admin: str, tmp_path: Path
) -> None:
    settings = services.settings.model_copy(update={"data_dir": tmp_path / "data"})
    assert await doctor_backups.look_at(settings, clock.now()) == []
    public = settings.model_copy(update={"public_url": "https://mailer.example.org"})

    async def seen(later: timedelta = timedelta(0)) -> tuple[str, str]:
        [finding] = await doctor_backups.look_at(public, clock.now() + later)
        return finding.mark.name, finding.text

    assert await seen() == ("LOOK", "none was taken from this machine")
    folder = tmp_path / "backups"
    taken = await backed_up(services, admin, folder)
    backups.remember(settings.data_dir, folder)
    assert (await seen())[0] == "OK"
    assert (await seen(timedelta(hours=37)))[0] == "LOOK"
    (taken.path / backup_files.MANIFEST).write_text("{")
    assert (await seen())[0] == "WRONG"
