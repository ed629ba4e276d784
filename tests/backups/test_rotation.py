"""The secret key is changed: everything is sealed again under the new one, and the old one may go."""

import json
import secrets
from collections.abc import AsyncIterator

import pytest

from lists import rights_asks
from mailer import command_options, doctor_servers, keys_command
from mailer.accounts import kept_forms, second_factors
from mailer.accounts.kept_forms import KeptForm
from mailer.core import clock, keys, proof_keys, sealed_columns, sealing
from mailer.core.db import AccountTx
from mailer.core.sealed_columns import COLUMNS
from mailer.core.sealing import Sealer, Unsealable
from mailer.core.services import Services
from mailer.core.tokens import load_tokens
from mailer.finding import Mark
from mailer.web.outgoing import Wall
from mailer.webhooks import endpoints
from mailer.webhooks.endpoints import NewEndpoint
from sending import dkim_keys, feedback_hooks, inbound, operator_mailbox, report_mailboxes, servers
from sending.feedback_hooks import NewHook
from sending.imap import Access
from sending.servers import NewServer
from tests.make import Account, Make

# bytes of the database that no key of the operator's seals, and why
UNSEALED = {
    "hash": "a keyed fingerprint, or the hash of a token that nobody keeps",
    "digest": "a fingerprint",
    "sha256": "the fingerprint of a file",
    "key": "a fingerprint of a report",
    "headings": "the fingerprint of a table's headings",
    "device": "a keyed fingerprint",
    "csrf": "a token of a session, which is the browser's secret and no key",
    "public_key": "public",
    "file_chunks.bytes": "files of their account: images, imports, exports; days",
    "signature": "Ed25519, for everybody to verify",
    "former_people.proof": "opens by address and password together",
    "french": "the fingerprint of a text",
    "english": "the fingerprint of a text",
    "inbox_mails.raw": "the local inbox, in no backup",
    "design_thumbnails.picture": "drawn from a design, which is in the open too, with words of a sample",
    "recurrences.last_content": "the fingerprint of an edition",
}
BY_DAYS = {"revisions.sealed", "messages.envelope", "messages.content", "inbound_mails.content"}


@pytest.mark.req("E-37", "A-082")
async def test_every_column_of_bytes_is_sealed_or_says_why_not(services: Services) -> None:
    async with services.db.connection() as connection:
        rows = await connection.fetch(
            """
            SELECT c.relname AS table, a.attname AS column
            FROM pg_attribute a
            JOIN pg_class c ON c.oid = a.attrelid AND c.relkind IN ('r', 'p') AND NOT c.relispartition
            WHERE c.relnamespace = 'public'::regnamespace AND a.attnum > 0 AND NOT a.attisdropped
              AND a.atttypid IN ('bytea'::regtype, 'bytea[]'::regtype)
            """
        )
    found = {f"{row['table']}.{row['column']}" for row in rows}
    sealed = {column.title for column in COLUMNS} | BY_DAYS
    assert sealed <= found
    unknown = {
        name
        for name in found - sealed
        if name not in UNSEALED and not name.partition(".")[2].removesuffix("es").endswith(tuple(UNSEALED))
    }
    assert unknown == set()


@pytest.fixture
async def after(services: Services) -> AsyncIterator[Sealer]:
    """As the processes seal after the change; the database of the other tests is put back."""
    key = secrets.token_bytes(32)
    yield Sealer(key, (services.settings.key,))
    async for _ in sealed_columns.again(services.db, Sealer(services.settings.key, (key,))):
        pass


async def _everything(services: Services, account: Account) -> bytes:
    """One value in each column, by whoever seals it. Returns the account's key of addresses."""
    sealer = services.sealer
    async with services.db.account(account.id) as tx:
        address_key = await keys.hash_key(tx, sealer)
        await keys.seal_content(tx, sealer, day=clock.now().date(), plain=b"x")
        await tx.run(
            "INSERT INTO content_keys (account_id, day, sealed) VALUES ($1, '2020-01-01', $2)",
            sealer.seal(b"k" * 32, f"content {account.id} 2020-01-01"),
        )
        domain = await tx.value(
            "INSERT INTO domains (account_id, name) VALUES ($1, 'rotate.test') RETURNING id"
        )
        await dkim_keys.add(tx, services, domain_id=domain, name="rotate.test")
        server = await servers.create(
            tx, sealer, NewServer(host="smtp.rotate.test", username="u", password="p{}")
        )
        mailbox = Access("imap.rotate.test", 993, "implicit", "u{0}", "p", "INBOX", "")
        await report_mailboxes.save(tx, sealer, mailbox)
        await feedback_hooks.create(tx, sealer, server.id, NewHook(provider="postmark"))
        new = NewEndpoint(url="https://hook.rotate.test/", events=["contact.created"])
        made, _ = await endpoints.create(tx, sealer, Wall(local=True), new)
        await endpoints.rotate(tx, sealer, made.id)
        await tx.run(
            """
            INSERT INTO idempotency_keys (account_id, key_hash, body_hash, status, answer)
            VALUES ($1, $2, $2, 200, $3)
            """,
            secrets.token_bytes(32),
            sealer.seal(b"x", f"answer {account.id}"),
        )
        await tx.run(
            """
            INSERT INTO rights_asks (account_id, kind, address_hash, sealed_address)
            VALUES ($1, 'access', substr(sha256(''), 1, 16), $2)
            """,
            sealer.seal(b"x", rights_asks.purpose(account.id)),
        )
        await tx.run(
            """
            INSERT INTO rights_requests (account_id, kind, channel, received_at, due_on, sealed_address)
            VALUES ($1, 'access', 'post', now(), now()::date, $2)
            """,
            sealer.seal(b"x", rights_asks.purpose(account.id)),
        )
        shared = tx.shared()
        await shared.run(
            """
            INSERT INTO second_factors (user_id, sealed, since, pending, pending_at)
            VALUES ($1, $2, now(), $2, now())
            """,
            account.owner_id,
            sealer.seal(b"x", second_factors._purpose(account.owner_id)),
        )
        await operator_mailbox.save(shared, sealer, mailbox)
        await proof_keys.sign(shared, sealer, b"x")
        form = KeptForm(user_id=account.owner_id, action="/app", page="/app", values={}, files=False)
        await kept_forms.keep(shared, sealer, form)
        stray = inbound.Envelope("a@rotate.test", "postmaster@rotate.test", secrets.token_bytes(8))
        await inbound.store_stray(shared, sealer, stray, size=8)
    return address_key


async def _held(tx: AccountTx, column: sealed_columns.Column) -> list[dict[str, object]]:
    where = "account_id = $1" if column.walled else "$1 > 0"
    records = await tx._connection.fetch(
        f"SELECT * FROM {column.table} WHERE {where} AND {column.name} IS NOT NULL", tx.account_id
    )
    return [dict(record) for record in records]


@pytest.mark.req("E-37", "A-082", "C-60")
async def test_a_new_secret_opens_everything_after_a_rotation_and_the_old_one_nothing(
    services: Services, make: Make, after: Sealer
) -> None:
    account = await make.account()
    address_key = await _everything(services, account)
    async for _ in sealed_columns.again(services.db, after):
        pass
    alone = Sealer(after.secret)
    async with services.db.account(account.id) as tx:
        for column in COLUMNS:
            rows = await _held(tx, column)
            assert rows, f"nothing in {column.title}: the test has to put a value there"
            for row in rows:
                sealed = row[column.name]
                assert isinstance(sealed, bytes)
                if column.table != "content_keys" or row["day"].year == 2020:  # type: ignore[attr-defined]
                    alone.open(sealed, column.purpose.format_map(row))
                with pytest.raises(Unsealable):
                    services.sealer.open(sealed, column.purpose.format_map(row))
        keys._hash_keys.pop(account.id, None)
        assert await keys.hash_key(tx, alone) == address_key
        sealed = await keys.seal_content(tx, alone, day=clock.now().date(), plain=b"canary")
        assert await keys.open_content(tx, alone, day=clock.now().date(), sealed=sealed) == b"canary"
    await load_tokens(services.db, alone)
    assert [rows async for _, rows in sealed_columns.again(services.db, after)] == []


@pytest.mark.req("E-37")
async def test_a_rotation_that_was_cut_short_goes_on_and_a_damaged_value_stops_nothing(
    services: Services, make: Make, after: Sealer
) -> None:
    accounts = [await make.account() for _ in range(3)]
    for account in accounts:
        async with services.db.account(account.id) as tx:
            await keys.hash_key(tx, services.sealer)
    async with services.db.account(accounts[0].id) as tx:
        await tx.run("UPDATE account_keys SET sealed = substr(sealed, 1, 20) WHERE account_id = $1")
    async for title, _ in sealed_columns.again(services.db, after):
        if title == "account_keys.sealed":
            break
    left = await sealed_columns.count(services.db, after)
    async for _ in sealed_columns.again(services.db, after):
        pass
    assert left["account_keys.sealed"].old > 1
    assert (await sealed_columns.count(services.db, after))["account_keys.sealed"].old == 1
    async with services.db.account(accounts[0].id) as tx:
        await tx.run("DELETE FROM account_keys WHERE account_id = $1")
    keys._hash_keys.pop(accounts[0].id, None)


@pytest.mark.req("E-37")
async def test_the_command_and_the_doctor_say_whether_the_old_secret_may_go(
    services: Services, make: Make, after: Sealer, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = services.settings.model_copy(
        update={"key": after.secret, "old_keys": (services.settings.key,)}
    )

    async def said(*words: str) -> tuple[int, str]:
        status = await keys_command.run(settings, command_options.build().parse_args(["keys", *words]))
        return status, capsys.readouterr().out

    account = await make.account()
    async with services.db.account(account.id) as tx:
        await keys.hash_key(tx, services.sealer)
    status, told = await said("status")
    assert (status, "account_keys.sealed: " in told, "mailer keys rotate" in told) == (1, True, True)
    [finding] = await doctor_servers._sealed(services.db, settings)
    assert (finding.mark, "still sealed" in finding.text) == (Mark.LOOK, True)
    status, told = await said("rotate", "--json")
    answer = json.loads(told)
    assert answer["sealed_again"]["account_keys.sealed"] >= 1
    assert "account_keys.sealed" not in answer["left"]
    stranger = settings.model_copy(update={"key": secrets.token_bytes(32), "old_keys": (b"o" * 32,)})
    [finding] = await doctor_servers._sealed(services.db, stranger)
    assert (finding.mark, "not here" in finding.text) == (Mark.WRONG, True)
    assert await doctor_servers._sealed(services.db, services.settings) == []


@pytest.mark.req("S13")
async def test_a_key_of_a_day_from_before_there_was_a_master_goes_under_it(
    services: Services, make: Make
) -> None:
    account, day = await make.account(), clock.now().date()
    sealer = services.sealer
    async with services.db.account(account.id) as tx:
        under_secret = sealer.seal(b"k" * 32, f"content {account.id} {day.isoformat()}")
        await tx.run(
            "INSERT INTO content_keys (account_id, day, sealed) VALUES ($1, $2, $3)", day, under_secret
        )
        before = sealing.encrypt(b"k" * 32, b"canary", "content")
        assert await keys.open_content(tx, sealer, day=day, sealed=before) == b"canary"
        after = await keys.seal_content(tx, sealer, day=day, plain=b"canary")
        opened = await keys.open_many(tx, sealer, [(day, before), (day, after), (None, None)])
        assert opened == [b"canary", b"canary", None]
        stored = await tx.value("SELECT sealed FROM content_keys WHERE account_id = $1 AND day = $2", day)
        assert not sealer.knows(stored)
        # the account's key is gone: so is every day
        await tx.run("DELETE FROM content_masters WHERE account_id = $1")
        with pytest.raises(Unsealable):
            await keys.open_content(tx, sealer, day=day, sealed=after)
