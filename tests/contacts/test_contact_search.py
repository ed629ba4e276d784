"""Search: what it finds, and that indexes are what finds it under row-level security (S8)."""

import contextlib
from collections.abc import AsyncIterator

import pytest

from lists import contact_search, subscriptions, suppressions
from lists.contact_search import Filter
from lists.contacts import ContactChange, change
from mailer.core.db import AccountTx
from mailer.core.services import Services
from tests.make import Make
from tests.statements import statements


@pytest.fixture
async def crowd(services: Services, make: Make) -> AsyncIterator[AccountTx]:
    """20,000 contacts and 2,000 suppressions, known to the planner, and undone at the end."""
    acc = await make.account()
    with contextlib.suppress(ZeroDivisionError):
        async with services.db.account(acc.id) as tx:
            await tx.run(
                """
                INSERT INTO contacts (account_id, email, address_key, address_hash, first_name_key, last_name_key)
                SELECT $1, md5(n::text) || '@example.test', md5(n::text) || '@example.test',
                       decode(md5(n::text), 'hex'), md5('f' || n), md5('l' || n)
                FROM generate_series(1, 20000) AS n
                """
            )
            await tx.run(
                """
                INSERT INTO suppressions (account_id, address_hash, reason)
                SELECT $1, decode(md5(n::text), 'hex'), 'bounced'
                FROM generate_series(1, 2000) AS n
                """
            )
            await tx.shared().run("ANALYZE contacts, suppressions")
            yield tx
            raise ZeroDivisionError


async def plan(tx: AccountTx, sql: str, *args: object) -> str:
    return "\n".join(line for (line,) in await tx.rows(f"EXPLAIN {sql}", *args))


@pytest.mark.req("S8")
async def test_prefix_search_reaches_three_indexes_under_row_level_security(crowd: AccountTx) -> None:
    search = next(
        one.sql
        for one in statements()
        if one.path == "lists/contact_search.py" and "AS MATERIALIZED" in (one.sql or "")
    )
    found = await plan(crowd, search or "", "abc", "abc" + contact_search.LAST, None, "", 2**63 - 1, 51, None)
    for index, column in (
        ("contacts_address_key", "address_key"),
        ("contacts_first_name", "first_name_key"),
        ("contacts_last_name", "last_name_key"),
    ):
        assert f"Bitmap Index Scan on {index}" in found
        # the range is a condition of the index, not a filter over every row of the account
        assert (
            f"({column} >= 'abc'"
            in found.split(f"on {index}", 1)[1].split("Index Cond:", 1)[1].split("->")[0]
        )


@pytest.mark.req("S8")
@pytest.mark.parametrize(
    ("index", "sql"),
    [
        ("contacts_address_key", "SELECT id FROM contacts WHERE account_id = $1 AND address_key = $2::text"),
        ("contacts_hash", "SELECT id FROM contacts WHERE account_id = $1 AND address_hash = $2::bytea"),
        (
            "suppressions_scope",
            "SELECT id FROM suppressions WHERE account_id = $1 AND address_hash = $2::bytea",
        ),
    ],
)
async def test_addresses_and_hashes_are_found_by_index(crowd: AccountTx, index: str, sql: str) -> None:
    found = await plan(crowd, sql, b"x" * 16 if "bytea" in sql else "ana@example.test")
    condition = found.split(index, 1)[1]
    assert "Index Cond" in condition
    assert "address_" in condition.split("Index Cond:", 1)[1].split("\n")[0]


async def emails(tx: AccountTx, **wanted: object) -> list[str]:
    return [row.email for row in (await contact_search.many(tx, Filter(**wanted))).items]


@pytest.mark.req("A-014")
async def test_beginnings_of_address_and_names_are_found_whatever_the_case(
    services: Services, make: Make
) -> None:
    acc = await make.account()
    async with services.db.account(acc.id) as tx:
        first = await make.contact(tx, "Zoe.Martin@example.test")
        names = ContactChange(first_name="Élodie", last_name="De La Tour")
        await change(tx, services.sealer, first, names)
        await make.contact(tx, "other@example.test")
        for q in ("zoe", "ZOE.m", "zoe.martin@example.test", "élo", "ÉLODIE", "e\u0301lodie", "de la  t"):
            assert await emails(tx, q=q) == ["Zoe.Martin@example.test"], q
        for q in ("martin", "tour", "zoe%", "zo_"):
            assert await emails(tx, q=q) == []


@pytest.mark.req("A-014")
async def test_filters_by_list_and_state_mean_the_same_with_and_without_text(
    services: Services, make: Make
) -> None:
    acc = await make.account()
    async with services.db.account(acc.id) as tx:
        one, two = await make.mailing_list(tx), await make.mailing_list(tx)
        await make.contact(tx, "s.active@example.test", list_id=one)
        left = await make.contact(tx, "s.left@example.test", list_id=one)
        await subscriptions.unsubscribe_contacts(tx, [left], one)
        await make.contact(tx, "s.none@example.test")
        await make.contact(tx, "s.stopped@example.test", list_id=two)
        await suppressions.add_by_team(tx, services.sealer, "s.stopped@example.test")
        for text in ({}, {"q": "s."}):
            assert await emails(tx, list_id=one, **text) == ["s.left@example.test", "s.active@example.test"]
            assert await emails(tx, status="active", **text) == ["s.active@example.test"]
            assert await emails(tx, status="suppressed", **text) == ["s.stopped@example.test"]
            assert await emails(tx, status="unsubscribed", list_id=one, **text) == ["s.left@example.test"]
            assert await emails(tx, status="none", **text) == [
                "s.stopped@example.test",
                "s.none@example.test",
                "s.left@example.test",
            ]
            assert await emails(tx, status="active", list_id=two, **text) == []


@pytest.mark.req("D-45", "A-014", "B-28")
async def test_leaving_and_deleting_leave_the_rows_that_sending_looks_at(
    services: Services, make: Make
) -> None:
    """What a claim asks before the first SMTP byte: is there a contact, an active subscription, no suppression?"""
    acc = await make.account()
    sendable = """
        SELECT c.email
        FROM contacts c
        JOIN subscriptions s ON s.account_id = $1 AND s.contact_id = c.id AND s.list_id = $2
        WHERE c.account_id = $1 AND s.status = 'active'
          AND NOT EXISTS (SELECT FROM suppressions u
                          WHERE u.account_id = $1 AND u.address_hash = c.address_hash
                            AND (u.list_id IS NULL OR u.list_id = $2)
                            AND (u.expires_at IS NULL OR u.expires_at > now()))
        ORDER BY c.id
        """
    async with services.db.account(acc.id) as tx:
        listed = await make.mailing_list(tx)
        stays, left, stopped, gone = [
            await make.contact(tx, f"{name}@example.test", list_id=listed)
            for name in ("stays", "left", "stopped", "gone")
        ]
        assert len(await tx.rows(sendable, listed)) == 4
        await subscriptions.unsubscribe_contacts(tx, [left], listed)
        await suppressions.add_by_team(tx, services.sealer, "stopped@example.test")
        await tx.run("DELETE FROM contacts WHERE account_id = $1 AND id = $2", gone)
        assert await tx.rows(sendable, listed) == [("stays@example.test",)]
        assert stays < left < stopped < gone
