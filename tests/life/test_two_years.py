"""An account lives two years: it sends, is read, forgets on time, closes, and three months later nothing is left."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from aiohttp import web

from mailer import restore_command, worker
from mailer.accounts import account_life
from mailer.core import backup_files, backups, clock, jobs, work
from mailer.core.clock import months_after
from mailer.core.services import Services
from mailer.core.settings import Settings
from mailer.core.tokens import CampaignToken, Purpose
from mailer.webhooks import collect
from retention_jobs import jobs as retention
from retention_jobs import jobs_backups, verify
from tests.backups.test_restore_drill import TEND, backed_up, copy, plan
from tests.clicks.conftest import BROWSER
from tests.client import Client
from tests.delivery.conftest import EVERY, MJML, People, Post
from tests.life import traces
from tests.webhooks.receiver import Receiver

# in every address, in subject and merged values, in a custom field, in the recipient of a test, in an imported and
# an exported file, in a subscription by a form, in a webhook's answer, and in a request about somebody's data
CANARY = "zqcanariqz"
# where the scan has to see it at first: of two years later it proves nothing otherwise
SEEN = {
    "contacts", "campaigns", "test_sends", "seeds", "file_chunks", "outbox", "rights_requests", "webhook_attempts",
}  # fmt: skip
SIX_DAYS = {"test_sends", "file_chunks", "webhook_attempts"}
DAY = timedelta(days=1)


class Life:
    """The account's retention as workers run it, on a day of the test's choice."""

    def __init__(self, post: Post) -> None:
        self.post = post
        self.born = clock.now()

    async def reach(self, when: timedelta) -> None:
        """A pass on each of the last two days before, and one at that moment."""
        for at in (when - 2 * DAY, when - DAY, when):
            if at >= timedelta(0):
                clock.shift(at)
                await self.a_pass()

    async def a_pass(self) -> None:
        """The platform's sweep, then this account's rules."""
        services = self.post.services
        await retention.sweep(services, work.Task(work.PLATFORM, "retention_jobs.sweep", 0, 0, 0))
        for _ in range(20):
            due = [
                task
                for task in await work.due(services.db, EVERY)
                if task.job.startswith("retention_jobs.")
                and (
                    task.account_id == self.post.account.id
                    or (task.job, task.ref_id) == (retention.ERASE_ACCOUNT, self.post.account.id)
                )
            ]
            if not due:
                return
            for task in due:
                await jobs.run_turn(services, worker.JOBS, task)

    async def rings(self, services: Services) -> None:
        """What an erased contact rings is heard within seconds, the last of an erased account's too."""
        await collect.pulse(services, work.Task(work.PLATFORM, collect.PULSE, 0, 0, 0))
        for task in await work.due(services.db, EVERY):
            if (task.account_id, task.job) == (self.post.account.id, collect.COLLECT):
                await jobs.run_turn(services, worker.JOBS, task)

    async def verdict(self) -> verify.Verdict:
        return await verify.of_account(self.post.services.db, self.post.account.id, clock.now())


@pytest.fixture
def life(post: Post) -> Iterator[Life]:
    yield Life(post)
    clock.shift(timedelta(0))


async def found_in_tables(services: Services, text: str, account_id: int) -> Mapping[str, int]:
    """Rows of any table that hold it, as text or inside bytes; a tenant's rows are looked at as the tenant."""
    hexadecimal = text.encode().hex()
    found = {}
    async with services.db.connection() as connection:
        tables = await connection.fetch(
            """
            SELECT relname, has_table_privilege(oid, 'SELECT') FROM pg_class
            WHERE relkind IN ('r', 'p') AND NOT relispartition AND relnamespace = 'public'::regnamespace
            """
        )
        for name, readable in tables:
            async with connection.transaction():
                await connection.execute(f"SET LOCAL app.account_id = '{account_id}'")
                if not readable:
                    await connection.execute("SET LOCAL ROLE mailer_eraser")
                rows = await connection.fetchval(
                    f"SELECT count(*) FROM {name} x WHERE x::text LIKE $1 OR x::text LIKE $2",
                    f"%{text}%",
                    f"%{hexadecimal}%",
                )
            if rows:
                found[name] = rows
    return found


async def rows_of(services: Services, account_id: int) -> Mapping[str, int]:
    """Rows that carry the account's number, in any table."""
    found = {}
    async with services.db.account(account_id) as tx:
        tables = await tx.rows(
            """
            SELECT c.relname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
            WHERE c.relkind IN ('r', 'p') AND a.attname = 'account_id' AND NOT c.relispartition
              AND c.relnamespace = 'public'::regnamespace AND $1 > 0
            """
        )
        for (name,) in tables:
            if rows := await tx.value(f"SELECT count(*) FROM {name} WHERE account_id = $1"):
                found[name] = rows
    return found


async def found_in_valkey(services: Services, *texts: str) -> list[bytes]:
    """Keys whose name or value holds one of them."""
    found = []
    async for key in services.redis.scan_iter(count=1000):
        # the serialised value, whatever its type is
        value = (await services.redis.dump(key)) or b""
        if any(text.encode() in key + value for text in texts):
            found.append(key)
    return found


def found_in_files(folder: Path, text: str) -> list[Path]:
    return [
        path
        for path in folder.rglob("*")
        if path.is_file() and path.suffix != ".sock" and text.encode() in path.read_bytes()
    ]


async def _read(post: Post, client: Client, campaign: int, names: list[str]) -> None:
    """Somebody who accepted it opens and clicks."""
    async with post.tx() as tx:
        ids = dict(await tx.rows("SELECT email, id FROM contacts WHERE account_id = $1"))
        link = await tx.value(
            "SELECT min(id) FROM links WHERE account_id = $1 AND campaign_id = $2", campaign
        )
    for name in names:
        token = CampaignToken(post.account.id, campaign, ids[name], link)
        click = post.services.tokens.campaign(Purpose.CLICK, token)
        assert (await client.get(f"/t/c/{click}", headers=BROWSER)).status == 302
    async with post.services.db.shared() as tx:
        await tx.run("DELETE FROM work WHERE job = 'tracking.flush'")
        await work.ensure(tx, "tracking.flush")
        turn = await tx.value("SELECT turn FROM work WHERE job = 'tracking.flush'")
    await jobs.run_turn(post.services, worker.JOBS, work.Task(0, "tracking.flush", 0, 0, turn))


async def _counts(post: Post, campaign: int) -> tuple[int, int, int]:
    """Rows of people, events and frozen content of a campaign."""
    async with post.tx() as tx:
        [found] = await tx.rows(
            """
            SELECT (SELECT count(*)::int FROM deliveries WHERE account_id = $1 AND campaign_id = $2),
                   (SELECT count(*)::int FROM events WHERE account_id = $1 AND campaign_id = $2),
                   (SELECT count(*)::int FROM revisions WHERE account_id = $1 AND campaign_id = $2)
            """,
            campaign,
        )
    return found[0], found[1], found[2]


async def _close(post: Post) -> None:
    """As the owner's page does; what it shows and asks stands in the tests of closing."""
    now = clock.now()
    async with post.services.db.shared() as tx:
        await tx.run(
            "UPDATE accounts SET status = 'closed', closed_at = $2, erase_at = $3 WHERE id = $1",
            post.account.id,
            now,
            account_life.erased_when_closed(now),
        )


@pytest.mark.req("A-001", "A-003", "A-004", "A-005", "A-063", "A-093", "B-66")
async def test_an_account_lives_two_years_and_leaves_nothing(
    post: Post,
    people: People,
    visitor: Client,
    receiver: Receiver,
    life: Life,
    superuser: str,
    elsewhere: Settings,
    tmp_path: Path,
) -> None:
    with traces.whole_log() as log:
        await _live(post, people, visitor, receiver, life, superuser, elsewhere, tmp_path)
    told = log.getvalue()
    for event in ("campaign prepared", "sending is held"):
        assert f'"event":"{event}"' in told, "not all was logged"
    assert CANARY not in told


async def _answer(_: web.Request) -> web.Response:
    return web.Response(text=f"known as {CANARY}")


async def _leave_traces(post: Post, client: Client, receiver: Receiver, campaign: int, ana: str) -> None:
    """In every store that holds what people are or said."""
    receiver.reply = _answer
    hook = await traces.webhook(post, receiver)
    await traces.mail_for_looks(post, campaign, f"essai@{CANARY}.test")
    await traces.files(post, f"import@{CANARY}.test")
    await traces.sign_up(post, client, f"form@{CANARY}.test")
    await traces.request(post, client, ana, f"Je m’appelle {CANARY}")
    await hook.tell()
    # requests name nobody; the answer of a program is its own, and is kept
    assert {"contact.created", "rights_request.created"} <= {one.json["type"] for one in receiver.heard}
    assert not any(CANARY.encode() in one.body for one in receiver.heard)


async def _live(
    post: Post,
    people: People,
    visitor: Client,
    receiver: Receiver,
    life: Life,
    superuser: str,
    elsewhere: Settings,
    tmp_path: Path,
) -> None:
    services = post.services
    names = [f"ana.{n}@{CANARY}.test" for n in range(20)]
    listed = await people(*names, tracked=True)
    subject = f"Du pain {CANARY} pour {{{{ contact.first_name }}}}"
    await traces.custom_field(post, names[0], f"ville {CANARY}")
    source = MJML.replace("Voir le pain", "Voir le pain de {{ contact.ville | default('Lyon') }}")
    campaign = await post.campaign([listed], subject=subject, source=source)
    async with post.tx() as tx:
        # its author wants no design of it
        await tx.run("UPDATE campaigns SET keep_source = false WHERE account_id = $1 AND id = $2", campaign)
    await post.run()
    assert set((await post.states(campaign)).values()) == {("delivered", "")}
    await _read(post, visitor, campaign, names[:8])
    assert (await _counts(post, campaign))[0:2] == (20, 8)
    await life.a_pass()
    assert (await life.verdict()).good
    await _leave_traces(post, visitor, receiver, campaign, names[0])
    seen = await found_in_tables(services, CANARY, post.account.id)
    assert seen.keys() >= SEEN, "the scan finds nothing"
    contacts = (await rows_of(services, post.account.id))["contacts"]

    # day 5: all is there; day 6: what was said is gone, with the key of that day
    await life.reach(5 * DAY)
    assert (await _counts(post, campaign))[2] == 1
    await life.reach(6 * DAY + timedelta(minutes=20))
    assert (await life.verdict()).good
    assert await _counts(post, campaign) == (20, 8, 0)
    async with post.tx() as tx:
        assert await tx.value("SELECT count(*) FROM content_keys WHERE account_id = $1") == 0
        assert (
            await tx.value("SELECT subject FROM campaigns WHERE account_id = $1 AND id = $2", campaign) == ""
        )
    held = await found_in_tables(services, f"pain {CANARY}", post.account.id)
    assert held == {}, "the subject stands somewhere"
    assert SIX_DAYS.isdisjoint(await found_in_tables(services, CANARY, post.account.id))

    # twelve months: who opened is known; the thirteenth: only what identifies nobody
    await life.reach(months_after(life.born, 12) - life.born)
    assert (await life.verdict()).good
    assert await _counts(post, campaign) == (20, 8, 0)
    await life.reach(months_after(life.born, 13) - life.born + timedelta(hours=1))
    assert (await life.verdict()).good
    assert await _counts(post, campaign) == (0, 0, 0)

    # it goes on for its second year, then closes; reading is possible until the day it was told, and no longer
    await life.reach(months_after(life.born, 21) - life.born)
    assert (await life.verdict()).good
    await _close(post)
    erased = account_life.erased_when_closed(clock.now()) - life.born
    gone = months_after(clock.now(), 3) - life.born
    await life.reach(erased - DAY)
    assert (await life.verdict()).good
    assert (await rows_of(services, post.account.id))["contacts"] == contacts == 22
    # the last backup in which it is
    taken = await backed_up(services, superuser, tmp_path / "backups")
    clock.shift(erased + timedelta(hours=1))
    await life.a_pass()
    await life.rings(services)

    # a scan of every table, of Valkey and of the files
    assert await found_in_tables(services, CANARY, post.account.id) == {}
    left = set(await rows_of(services, post.account.id))
    assert left <= {"erased_accounts", "erasure_journal", "account_certificates"}, left
    assert await found_in_valkey(services, CANARY) == []
    assert found_in_files(services.settings.data_dir, CANARY) == []
    assert (await verify.of_platform(services.db, clock.now())).faults == []

    # that backup is restored while it lies, and holds nothing of the account either
    backups.remember(services.settings.data_dir, taken.path.parent)
    await jobs_backups.tend(services, TEND)
    # what that run wrote bears the day of the database's clock, two years ago, and goes with the next one
    await life.a_pass()
    assert (await verify.of_platform(services.db, clock.now())).overdue == {}
    clock.shift(erased + 29 * DAY)
    await restore_command.restore(plan(elsewhere, superuser, taken.path), clock.now())
    async with copy(elsewhere) as db:
        restored = replace(services, db=db, settings=elsewhere)
        assert await found_in_tables(restored, CANARY, post.account.id) == {}
        await life.rings(restored)
        assert set(await rows_of(restored, post.account.id)) <= {"erased_accounts", "erasure_journal"}
        async with db.shared() as tx:
            assert await tx.value("SELECT count(*) FROM accounts WHERE id = $1", post.account.id) == 0

    # three months after the closing no backup of its time is there any more
    assert [one.name for one in backup_files.many(taken.path.parent)] == [taken.path.name]
    clock.shift(gone)
    await jobs_backups.tend(services, TEND)
    assert backup_files.many(taken.path.parent) == []
    assert found_in_files(taken.path.parent, CANARY) == []
