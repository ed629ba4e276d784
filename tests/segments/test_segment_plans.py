"""What a page asks about a large account reaches indexes, under row-level security."""

import contextlib
from collections.abc import AsyncIterator

import pytest

from lists import contact_search, segment_known, segment_sql
from lists.segment_tree import Tree
from mailer.core.db import AccountTx
from mailer.core.services import Services
from mailer.web.request import check
from tests.make import Make
from tests.statements import statements


@pytest.fixture
async def crowd(services: Services, make: Make) -> AsyncIterator[AccountTx]:
    """40,000 contacts on a list, some with a tag; undone at the end."""
    account = await make.account()
    with contextlib.suppress(ZeroDivisionError):
        async with services.db.account(account.id) as tx:
            list_id = await make.mailing_list(tx)
            await tx.run(
                """
                INSERT INTO contacts (account_id, email, address_key, address_hash, fields)
                SELECT $1, md5(n::text) || '@example.test', md5(n::text) || '@example.test',
                       decode(md5(n::text), 'hex'), jsonb_build_object('city', md5((n % 50)::text))
                FROM generate_series(1, 40000) AS n
                """
            )
            await tx.run(
                """
                INSERT INTO subscriptions (account_id, list_id, contact_id, status, legal_basis)
                SELECT $1, $2, id, 'active', 'consent' FROM contacts WHERE account_id = $1
                """,
                list_id,
            )
            await tx.run("INSERT INTO tags (account_id, name, name_key) VALUES ($1, 'vip', 'vip')")
            await tx.run(
                """
                INSERT INTO contact_tags (account_id, contact_id, tag_id)
                SELECT $1, c.id, t.id FROM contacts c JOIN tags t ON t.account_id = $1
                WHERE c.account_id = $1 AND c.id % 10 = 0
                """
            )
            await tx.shared().run("ANALYZE contacts, subscriptions, tags, contact_tags")
            yield tx
            raise ZeroDivisionError


async def plan(tx: AccountTx, sql: str, *args: object) -> str:
    return "\n".join(line for (line,) in await tx.rows(f"EXPLAIN {sql}", *args))


async def planned(tx: AccountTx, monkeypatch: pytest.MonkeyPatch, call: str) -> str:
    """The plan of the statement that this function of segment_sql runs."""
    tree = check(Tree, {"rules": [{"subject": "list", "operator": "subscribed_over", "value": 3}]})
    known = await segment_known.load(tx, tree)
    seen: list[tuple[object, ...]] = []

    async def note(self: AccountTx, *given: object) -> int:
        seen.append(given)
        return 0

    with monkeypatch.context() as patch:
        patch.setattr(AccountTx, "value", note)
        if call == "sample":
            await segment_sql.count_sample(tx, tree, known)
        else:
            first = await tx.rows("SELECT min(id), min(id) + 500 FROM contacts WHERE account_id = $1")
            await segment_sql.count(tx, tree, known, after=first[0][0], last=first[0][1])
    [(sql, *args)] = seen
    return await plan(tx, str(sql), *args)


@pytest.mark.req("S8")
async def test_an_estimate_reads_the_index_of_the_sample(
    crowd: AccountTx, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = await planned(crowd, monkeypatch, "sample")
    assert "contacts_sample" in found
    assert "Seq Scan on contacts" not in found


@pytest.mark.req("S8")
async def test_a_range_costs_what_its_contacts_cost(
    crowd: AccountTx, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = await planned(crowd, monkeypatch, "range")
    assert "Seq Scan on contacts" not in found
    assert "Seq Scan on subscriptions" not in found


@pytest.mark.req("S8")
async def test_the_contacts_of_a_tag_are_found_by_its_index(crowd: AccountTx) -> None:
    search = next(
        one.sql
        for one in statements()
        if one.path == "lists/contact_search.py" and "FROM contact_tags m" in (one.sql or "")
    )
    tag_id = await crowd.value("SELECT id FROM tags WHERE account_id = $1")
    assert len(await contact_search.ids(crowd, contact_search.Filter(tag_id=tag_id))) == 50
    found = await plan(crowd, search or "", tag_id, None, "", 2**63 - 1, 51)
    assert "contact_tags_tag" in found
    assert "Sort" not in found
