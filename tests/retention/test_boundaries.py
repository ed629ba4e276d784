"""For every class with a period: a second too old is gone, a second younger is there (A-001 … A-007)."""

from collections.abc import Awaitable, Callable
from datetime import UTC, date, datetime, timedelta

import pytest

from mailer.core import proof_keys
from mailer.core.db import AccountTx, SharedTx
from mailer.core.services import Services
from retention_jobs import ages, platform, purge
from retention_jobs.classes import CLASSES, OF_ACCOUNTS, OF_PLATFORM
from tests.make import Make

NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
SECOND = timedelta(seconds=1)
Put = Callable[[AccountTx, datetime], Awaitable[object]]


def _put(sql: str, *more: object) -> Put:
    """`$2` is when it began; its account is `$1`."""

    async def put(tx: AccountTx, at: datetime) -> object:
        return await tx.run(sql, at, *more)

    return put


async def _import(tx: AccountTx, at: datetime) -> int:
    found: int = await tx.value(
        """
        INSERT INTO imports (account_id, file_name, created_at, finished_at) VALUES ($1, 'a.csv', $2, $2)
        RETURNING id
        """,
        at,
    )
    return found


async def _rejects(tx: AccountTx, at: datetime) -> None:
    await tx.run(
        """
        INSERT INTO import_rejects (account_id, import_id, line, n, column_name, value, code, message)
        VALUES ($1, $2, 1, 1, 'email', 'x', 'c', 'm')
        """,
        await _import(tx, at),
    )


async def _changed(tx: AccountTx, at: datetime) -> None:
    await tx.run(
        "INSERT INTO import_changes (account_id, import_id, part, contact_ids) VALUES ($1, $2, 1, '{1}')",
        await _import(tx, at),
    )


async def _contact(tx: AccountTx, at: datetime) -> int:
    found: int = await tx.value(
        """
        INSERT INTO contacts (account_id, email, address_key, address_hash)
        VALUES ($1, $2, $2, substr(sha256(convert_to($2, 'UTF8')), 1, 16))
        RETURNING id
        """,
        f"{at.timestamp()}@x.test",
    )
    return found


async def _soft_bounce(tx: AccountTx, at: datetime) -> None:
    await tx.run(
        """
        INSERT INTO soft_bounces (account_id, contact_id, day, address_hash, reason, at)
        VALUES ($1, $3, ($2::timestamptz)::date, decode(repeat('00', 16), 'hex'), 'r', $2)
        """,
        at,
        await _contact(tx, at),
    )


async def _passage(tx: AccountTx, at: datetime) -> None:
    await tx.run(
        """
        INSERT INTO automation_passages (account_id, contact_id, at, automation_id, kind)
        VALUES ($1, $3, $2, 1, 'wait')
        """,
        at,
        await _contact(tx, at),
    )


async def _image(tx: AccountTx, at: datetime) -> None:
    file_id = await tx.value(
        """
        INSERT INTO files (account_id, kind, name, media_type, complete)
        VALUES ($1, 'image', 'image', 'image/png', true)
        RETURNING id
        """
    )
    await tx.run(
        """
        INSERT INTO images (account_id, name, file_id, media_type, width, height, size, shown_width, used_until)
        VALUES ($1, ($2::timestamptz)::text, $3, 'image/png', 1, 1, 1, 1, $2)
        """,
        at,
        file_id,
    )


async def _consent_ip(tx: AccountTx, at: datetime) -> None:
    contact = await _contact(tx, at)
    consent = await tx.value(
        """
        INSERT INTO consents (account_id, contact_id, address_hash, purpose, act, method)
        VALUES ($1, $2, decode(repeat('00', 16), 'hex'), 'mail', 'granted', 'form')
        RETURNING id
        """,
        contact,
    )
    await tx.run(
        """
        INSERT INTO consent_ips (account_id, consent_id, contact_id, ip, at)
        VALUES ($1, $3, $4, '192.0.2.1', $2)
        """,
        at,
        consent,
        contact,
    )


async def _pending(tx: AccountTx, at: datetime) -> None:
    make_list = """
        INSERT INTO mailing_lists (account_id, name, public_name, purpose, frequency)
        VALUES ($1, $2, 'L', 'p', 'f') RETURNING id
    """
    contact = await _contact(tx, at)
    await tx.run(
        """
        INSERT INTO subscriptions (account_id, list_id, contact_id, status, legal_basis, status_at)
        VALUES ($1, $3, $4, 'pending', 'consent', $2)
        """,
        at,
        await tx.value(make_list, f"L {at.timestamp()}"),
        contact,
    )


async def _open_day(tx: AccountTx, at: datetime) -> None:
    contact = await _contact(tx, at)
    await tx.run(
        "INSERT INTO last_open_days (account_id, contact_id, day) VALUES ($1, $2, $3)", contact, at.date()
    )


async def _test_send(tx: AccountTx, at: datetime) -> None:
    campaign = await tx.value("INSERT INTO campaigns (account_id, name) VALUES ($1, 'N') RETURNING id")
    await tx.run(
        "INSERT INTO test_sends (account_id, campaign_id, recipient, created_at) VALUES ($1, $2, 'a', $3)",
        campaign,
        at,
    )


async def _event(tx: AccountTx, at: datetime) -> None:
    await tx.shared().run("CALL make_month($1)", date(at.year, at.month, 1))
    await tx.run(
        "INSERT INTO events (account_id, id, at, campaign_id, contact_id, kind) VALUES ($1, $3, $2, 1, 1, 'click')",
        at,
        str(at.timestamp()),
    )


async def _delivery(tx: AccountTx, at: datetime) -> None:
    month = date(at.year, at.month, 1)
    await tx.shared().run("CALL make_month($1)", month)
    await tx.run(
        """
        INSERT INTO deliveries (account_id, campaign_id, contact_id, month, list_id, status, first_at, final_at)
        VALUES ($1, 1, $4, $3, 1, 'delivered', $2, $2)
        """,
        at,
        month,
        int(at.timestamp()),
    )


# class → the table in which the row stands, and how one that began at a given moment is put there
ROWS: dict[str, tuple[str, Put]] = {
    "content": ("test_sends", _test_send),
    "replies": (
        "inbound_mails",
        _put(
            """
            INSERT INTO inbound_mails (account_id, received_at, digest, size, state)
            VALUES ($1, $2, substr(sha256(convert_to(($2::timestamptz)::text, 'UTF8')), 1, 16), 1, 'open')
            """
        ),
    ),
    "repeats": (
        "idempotency_keys",
        _put(
            """
            INSERT INTO idempotency_keys (account_id, key_hash, body_hash, created_at, status, answer)
            VALUES ($1, sha256(convert_to(($2::timestamptz)::text, 'UTF8')), sha256(''), $2, 201, '')
            """
        ),
    ),
    "files": ("import_rejects", _rejects),
    "undo": ("import_changes", _changed),
    "events": ("events", _event),
    "open_days": ("last_open_days", _open_day),
    "loads": (
        "counted_loads",
        _put("INSERT INTO counted_loads (account_id, day, id) VALUES ($1, $2::date, 'i')"),
    ),
    "deliveries": ("deliveries", _delivery),
    "steps": ("automation_passages", _passage),
    "feedback": ("soft_bounces", _soft_bounce),
    "reports": (
        "feedback_seen",
        _put(
            """
            INSERT INTO feedback_seen (account_id, key, at)
            VALUES ($1, substr(sha256(convert_to(($2::timestamptz)::text, 'UTF8')), 1, 16), $2)
            """
        ),
    ),
    "feedback_days": (
        "feedback_counts",
        _put(
            """
            INSERT INTO feedback_counts (account_id, day, kind, reason, profile, source, n)
            VALUES ($1, $2::date, 'hard', 'r', 'p', 'smtp', 1)
            """
        ),
    ),
    "images": ("images", _image),
    "unconfirmed": ("subscriptions", _pending),
    "proofs": ("consent_ips", _consent_ip),
    "webhooks": (
        "webhook_events",
        _put("INSERT INTO webhook_events (account_id, type, at, data) VALUES ($1, 'x', $2, '{}')"),
    ),
    "rights_asked": (
        "rights_asks",
        _put(
            """
            INSERT INTO rights_asks (account_id, kind, address_hash, sealed_address, asked_at)
            VALUES ($1, 'access', substr(sha256(''), 1, 16), '', $2)
            """
        ),
    ),
    "rights_shown": (
        "rights_asks",
        _put(
            """
            INSERT INTO rights_asks (account_id, kind, address_hash, sealed_address, asked_at, request_id)
            VALUES ($1, 'access', substr(sha256(''), 1, 16), '', $2, 1)
            """
        ),
    ),
    "rights": (
        "rights_requests",
        _put(
            """
            INSERT INTO rights_requests (account_id, kind, channel, received_at, due_on, state, finished_at)
            VALUES ($1, 'access', 'post', $2, $2::timestamptz::date, 'done', $2)
            """
        ),
    ),
    "registers": (
        "account_breaches",
        _put(
            """
            INSERT INTO account_breaches (account_id, aware_at, facts, closed_at) VALUES ($1, $2, '{}', $2)
            """
        ),
    ),
    "changes": (
        "contact_changes",
        _put(
            """
            INSERT INTO contact_changes (account_id, xid, contact_id, at, kind)
            VALUES ($1, extract(epoch FROM $2::timestamptz)::bigint, 1, $2, 'created')
            """
        ),
    ),
    "log": (
        "audit",
        _put("INSERT INTO audit (account_id, actor, action, object, at) VALUES ($1, 'job', 'x', 'y', $2)"),
    ),
    "key_uses": (
        "api_keys",
        _put(
            """
            INSERT INTO api_keys (account_id, name, prefix, key_hash, scopes, last_used_at, last_used_ip,
                                  revoked_at)
            VALUES ($1, 'Caisse', 'p', sha256(convert_to(($1::bigint)::text || ($2::timestamptz)::text, 'UTF8')), '{}',
                    $2, '192.0.2.1', $2)
            """
        ),
    ),
}
# where a column goes and its row stays
HELD = {"key_uses": "last_used_ip IS NOT NULL"}
# counted by the day: the day before the boundary's is over, the boundary's own is not
BY_DAY = {"open_days", "loads", "feedback_days"}
# `inactive` is told, asked and counted by its own job: tests/retention/test_inactive.py
APART = {"inactive"}


def test_every_class_of_accounts_with_a_rule_is_here() -> None:
    timed = {name for name, one in OF_ACCOUNTS.items() if one.period and one.rule}
    assert set(ROWS) == timed - APART


@pytest.mark.req("A-001", "A-004", "A-007", "B-25", "B-26", "B-60", "E-61", "E-64")
@pytest.mark.parametrize("name", list(ROWS))
async def test_a_second_too_old_goes_and_a_second_younger_stays(
    services: Services, make: Make, name: str
) -> None:
    table, put = ROWS[name]
    kind = CLASSES[name]
    boundary = kind.before(NOW)
    apart = timedelta(days=1) if name in BY_DAY else SECOND
    account = await make.account()
    async with services.db.account(account.id) as tx:
        count = f"SELECT count(*) FROM {table} WHERE account_id = $1 AND {HELD.get(name, 'true')}"
        if name == "open_days":
            await put(tx, boundary - apart)
            await put(tx, boundary if name in BY_DAY else boundary + apart)
            assert await purge.RULES[kind.rule](tx, NOW) == 1
            assert await purge.RULES[kind.rule](tx, NOW) == 0
            return
        # in order: the feed of changes is written in it
        await put(tx, boundary - apart)
        [found] = [
            one for one in await ages.of_account(tx, NOW + 2 * ages.ALLOWED + apart) if one.name == name
        ]
        assert found.overdue == 1
        await put(tx, boundary if name in BY_DAY else boundary + apart)
        before = await tx.value(count)
        await purge.RULES[kind.rule](tx, NOW)
        assert (before, await tx.value(count)) == (2, 1)
        [found] = [one for one in await ages.of_account(tx, NOW) if one.name == name]
        assert found.overdue == 0
        assert found.oldest is not None
        assert found.oldest >= found.before - (timedelta(days=1) if name in BY_DAY else timedelta())


PLATFORM_ROWS = {
    "system mail": "INSERT INTO outbox (kind, recipient, created_at) VALUES ('sign_in', 'b@x.test', $1)",
    "local inbox": "INSERT INTO inbox_mails (mail_from, recipient, raw, received_at) VALUES ('a', 'b', '', $1)",
    "mails to the operator": """
        INSERT INTO stray_mails (received_at, digest, size, content)
        VALUES ($1, substr(sha256(convert_to(($1::timestamptz)::text, 'UTF8')), 1, 16), 1, '')
        """,
    "sign-ins": "INSERT INTO sign_ins (at, succeeded) VALUES ($1, false)",
    "mail servers of domains": """
        INSERT INTO mx_domains (domain, profile, looked_up_at, expires_at)
        VALUES (($1::timestamptz)::text, 'p', $1, $1)
        """,
    "pauses of providers": """
        INSERT INTO provider_pauses (server, profile, until) VALUES (($1::timestamptz)::text, 'p', $1)
        """,
    "journal of erasures": """
        INSERT INTO erasure_journal (account_id, kind, ref_id, at) VALUES (1, 'contact', 1, $1)
        """,
    "accesses of the operator": """
        INSERT INTO staff_accesses (account_id, operator_id, purpose, ticket, minutes, asked_at)
        SELECT min(id), 1, 'support', 't', 1, $1 FROM accounts
        """,
    "register of breaches": """
        INSERT INTO breaches (role, aware_at, facts, closed_at) VALUES ('processor', $1, '{}', $1)
        """,
    "register of authorities' requests": """
        INSERT INTO authority_requests (received_at, facts, country, answer, answered_at)
        VALUES ($1, '{}', 'FR', 'refused', $1)
        """,
    "people of erased accounts": """
        INSERT INTO former_people (bucket, salted, proof, erased_at) VALUES (1, '', sha256(''), $1)
        """,
    "certificates of erasure": """
        INSERT INTO account_certificates (account_id, begun_at, erased_at, record, key_id, signature, link_hash,
                                          legal_basis, expires_at)
        SELECT -extract(epoch FROM $1::timestamptz)::bigint, $1, $1, '{}', max(id),
               sha256('') || sha256(''), sha256(''), '', $1
        FROM proof_keys
        """,
    "people held by law": """
        INSERT INTO held_people (account_id, contact_id, data, legal_basis, expires_at) VALUES (1, 1, '{}', '', $1)
        """,
    "codes awaited": """
        INSERT INTO sign_in_steps (token_hash, user_id, created_at, expires_at)
        SELECT sha256(convert_to(($1::timestamptz)::text, 'UTF8')), min(id), $1, $1 FROM users
        """,
    "invitations": """
        INSERT INTO invitations (account_id, email, address_key, role, token_hash, invited_by, sent_at, expires_at)
        SELECT min(a.id), ($1::timestamptz)::text, ($1::timestamptz)::text, 'editor',
               sha256(convert_to(($1::timestamptz)::text, 'UTF8')), min(u.id), $1, $1
        FROM accounts a CROSS JOIN users u
        """,
    "unconfirmed people": """
        INSERT INTO users (email, address_key, created_at) VALUES (($1::timestamptz)::text, ($1::timestamptz)::text, $1)
        """,
    "people without an account": """
        INSERT INTO users (email, address_key, created_at, email_confirmed_at)
        VALUES ('former ' || ($1::timestamptz)::text, 'former ' || ($1::timestamptz)::text, $1, $1)
        """,
    "sessions": """
        INSERT INTO sessions (token_hash, user_id, csrf, seen_at)
        SELECT sha256(convert_to(($1::timestamptz)::text, 'UTF8')), min(id), '', $1 FROM users
        """,
    "one-time links": """
        INSERT INTO one_time_links (token_hash, user_id, purpose, expires_at)
        SELECT sha256(convert_to(($1::timestamptz)::text, 'UTF8')), min(id), 'sign_in', $1 FROM users
        """,
    "kept forms": """
        INSERT INTO kept_forms (token_hash, user_id, sealed, expires_at, created_at)
        SELECT sha256(convert_to(($1::timestamptz)::text, 'UTF8')), min(id), '', $1, $1 FROM users
        """,
}


@pytest.mark.req("A-001", "A-007", "A-042", "B-26")
async def test_what_belongs_to_no_account_goes_to_the_second_too(services: Services, make: Make) -> None:
    """In a time long gone, so that no other test's rows are near; undone at the end."""
    assert (
        set(PLATFORM_ROWS) == set(platform.RULES) == {name for name, one in OF_PLATFORM.items() if one.period}
    )
    await make.account()
    then = datetime(2001, 6, 15, 12, 0, tzinfo=UTC)
    assert OF_PLATFORM["sign-ins"].before(then) == then.replace(year=2000)

    class _Undone(Exception):
        pass

    async def story(tx: SharedTx) -> None:
        await proof_keys.add(tx, services.sealer)
        # what is older than that time is not ours
        await platform.purge(tx, then)
        for name, sql in PLATFORM_ROWS.items():
            boundary = OF_PLATFORM[name].before(then)
            await tx.run(sql, boundary - SECOND)
            await tx.run(sql, boundary + SECOND)
        assert await platform.purge(tx, then) == dict.fromkeys(PLATFORM_ROWS, 1)
        found = {one.name: one for one in await ages.of_platform(tx, then)}
        for name in PLATFORM_ROWS:
            assert (found[name].oldest, found[name].overdue) == (OF_PLATFORM[name].before(then) + SECOND, 0)
        raise _Undone

    with pytest.raises(_Undone):
        async with services.db.shared() as tx:
            await story(tx)
