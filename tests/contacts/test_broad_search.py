"""A prefix that very many have is walked by contact, not gathered: the same people, in the same order."""

import pytest

from lists import contact_search
from lists.contact_search import Filter
from mailer.core.services import Services
from tests.make import Make


async def test_a_broad_search_finds_the_same_people_page_by_page(
    services: Services, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    account = await make.account()
    async with services.db.account(account.id) as tx:
        for n in range(13):
            await make.contact(tx, f"{'delta' if n % 3 else 'autre'}.{n}@example.test")
        wanted = Filter(q="delta")
        expected = await contact_search.ids(tx, wanted)
        assert len(expected) == 8
        monkeypatch.setattr(contact_search, "EXACT_TO", 5)
        assert await contact_search.count(tx, wanted) == 6
        found, cursor = [], None
        while True:
            part = await contact_search.many(tx, wanted, cursor=cursor, limit=3)
            found += [row.id for row in part.items]
            cursor = part.next_cursor
            if cursor is None:
                break
    assert found == expected
