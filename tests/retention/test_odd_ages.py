"""What verify counts by statements of its own: late to the second, and never what a law holds."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import pytest

from lists import legal_holds
from lists.legal_holds import NewHold
from mailer.core.db import AccountTx, SharedTx
from mailer.core.services import Services
from retention_jobs import ages, purge
from retention_jobs.ages import ALLOWED
from retention_jobs.classes import OF_ACCOUNTS
from tests.make import Account, Make

# long gone, so that nothing of another test is older
THEN = datetime(2001, 6, 15, 12, 0, tzinfo=UTC)
NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
SECOND = timedelta(seconds=1)
DAY = timedelta(days=1)


class _Undone(Exception):
    pass


@asynccontextmanager
async def undone(services: Services) -> AsyncIterator[SharedTx]:
    try:
        async with services.db.shared() as tx:
            yield tx
            raise _Undone
    except _Undone:
        pass


async def late_closed(tx: SharedTx) -> int:
    [found] = [one for one in await ages.of_platform(tx, THEN) if one.name == "closed"]
    return found.overdue


async def late(tx: AccountTx, name: str, now: datetime = NOW) -> int:
    [found] = [one for one in await ages.of_account(tx, now) if one.name == name]
    return found.overdue


async def close(
    tx: SharedTx, account: Account, closed_at: datetime, erase_at: datetime, held: datetime | None = None
) -> None:
    await tx.run(
        """
        UPDATE accounts SET status = 'closed', closed_at = $2, erase_at = $3, held_until = $4
        WHERE id = $1
        """,
        account.id,
        closed_at,
        erase_at,
        held,
    )


@pytest.mark.req("A-005")
async def test_a_closed_account_is_late_to_the_second_and_not_before_the_day_it_was_told(
    services: Services, make: Make
) -> None:
    account = await make.account()
    free = THEN - ALLOWED
    boundary = OF_ACCOUNTS["closed"].before(free)
    async with undone(services) as tx:
        await close(tx, account, boundary, free - DAY)
        assert await late_closed(tx) == 0
        await close(tx, account, boundary - SECOND, free - DAY)
        assert await late_closed(tx) == 1
        await close(tx, account, boundary - DAY, free)
        assert await late_closed(tx) == 0
        await close(tx, account, boundary - DAY, free - SECOND)
        assert await late_closed(tx) == 1


@pytest.mark.req("A-005")
async def test_a_closed_account_that_a_law_holds_is_not_late_until_its_hold_ends(
    services: Services, make: Make
) -> None:
    account = await make.account()
    free = THEN - ALLOWED
    closed_at = OF_ACCOUNTS["closed"].before(free) - 30 * DAY
    async with undone(services) as tx:
        for until, overdue in (
            (THEN + 300 * DAY, 0),
            (free, 0),
            (free - SECOND, 1),
            (None, 1),
        ):
            await close(tx, account, closed_at, free - 30 * DAY, until)
            assert await late_closed(tx) == overdue, until


async def _message(tx: AccountTx, contact_id: int, at: datetime) -> None:
    sender = await tx.value(
        """
        INSERT INTO senders (account_id, email, address_key, name)
        VALUES ($1, 'a@b.test', 'a@b.test', 'A')
        ON CONFLICT (account_id, address_key) DO UPDATE SET name = 'A'
        RETURNING id
        """
    )
    await tx.run(
        """
        INSERT INTO messages (account_id, sender_id, contact_id, address_hash, status, first_at, final_at,
                              expires_at, envelope, content, key_day)
        VALUES ($1, $2, $3, '\\x00000000000000000000000000000000', 'delivered', $4, $4, $4, 'e', 'c',
                ($4::timestamptz AT TIME ZONE 'UTC')::date)
        """,
        sender,
        contact_id,
        at,
    )


@pytest.mark.req("A-001", "A-005")
async def test_a_message_of_somebody_whom_a_law_holds_is_not_late(services: Services, make: Make) -> None:
    account = await make.account()
    boundary = OF_ACCOUNTS["content"].before(NOW - ALLOWED)
    async with services.db.account(account.id) as tx:
        held, free = await make.contact(tx), await make.contact(tx)
        await _message(tx, held, boundary)
        assert await late(tx, "content") == 0
        await tx.run("UPDATE messages SET final_at = $2 WHERE account_id = $1", boundary - SECOND)
        assert await late(tx, "content") == 1
        new = NewHold(
            contact_id=held, article="CPC, art. 145", reason="Litige", ends_on=(NOW + 9 * DAY).date()
        )
        hold_id = await legal_holds.place(tx, new, by="tests", now=NOW)
        # what the rule leaves is not late, nor is its key
        await purge.content(tx, NOW)
        assert await late(tx, "content") == 0
        # somebody else's is, behind an older one that is held
        await _message(tx, free, boundary - SECOND)
        assert await late(tx, "content") == 1
        ended = (await legal_holds.many(tx))[0].ends_at
        assert await late(tx, "content", ended + ALLOWED - SECOND) == 1
        assert await late(tx, "content", ended + ALLOWED) == 2
        await legal_holds.lift(tx, hold_id, now=NOW)
        assert await late(tx, "content") == 2
        await purge.content(tx, NOW)
        assert await late(tx, "content") == 0
