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


async def _campaign(tx: AccountTx) -> int:
    found: int = await tx.value(
        """
        INSERT INTO campaigns (account_id, name, status, content_erased_at, details_erased_at, month)
        VALUES ($1, 'N', 'cancelled', $2, $2, '2025-01-01')
        RETURNING id
        """,
        NOW,
    )
    return found


# what stays behind while its campaign says that it is gone; $2: the campaign
LEFT = {
    "subject": ("content", "UPDATE campaigns SET subject = 'x' WHERE account_id = $1 AND id = $2"),
    "preheader": ("content", "UPDATE campaigns SET preheader = 'x' WHERE account_id = $1 AND id = $2"),
    "source": ("content", "UPDATE campaigns SET source = 'x' WHERE account_id = $1 AND id = $2"),
    "draft_versions": (
        "content",
        """
        INSERT INTO draft_versions (account_id, campaign_id, number, kind, source)
        VALUES ($1, $2, 1, 'letter', 'x')
        """,
    ),
    "ab_variants": (
        "content",
        """
        WITH test AS (
            INSERT INTO ab_tests (account_id, campaign_id, about, share, winner_by, hours)
            VALUES ($1, $2, 'subject', 20, 'clicks', 4)
        )
        INSERT INTO ab_variants (account_id, campaign_id, number, subject) VALUES ($1, $2, 2, 'x')
        """,
    ),
    "segment_members": (
        "content",
        "INSERT INTO segment_members (account_id, campaign_id, contact_id, segment_id) VALUES ($1, $2, 1, 1)",
    ),
    "event_counts": (
        "events",
        """
        INSERT INTO event_counts (account_id, campaign_id, month, kind, verdict, hits, people)
        VALUES ($1, $2, '2025-01-01', 'open', 'person', 1, 1)
        """,
    ),
    "event_hours": (
        "events",
        """
        INSERT INTO event_hours (account_id, campaign_id, hour, kind, verdict, hits)
        VALUES ($1, $2, '2025-01-01', 'open', 'person', 1)
        """,
    ),
    "open_counts": ("events", "INSERT INTO open_counts (account_id, campaign_id, loads) VALUES ($1, $2, 1)"),
    "campaign_figures": (
        "deliveries",
        """
        INSERT INTO campaign_figures (account_id, campaign_id, audience, sent, delivered, bounced_hard,
                                      bounced_other, opens_base, opened, clicks_base, clicked, unsubscribed,
                                      complained)
        VALUES ($1, $2, 1, 1, 1, 0, 0, 1, 1, 1, 1, 0, 0)
        """,
    ),
    "evidence": (
        "deliveries",
        "INSERT INTO evidence (account_id, campaign_id, lane, profile) VALUES ($1, $2, 0, 'p')",
    ),
}


@pytest.mark.req("A-001", "A-004")
@pytest.mark.parametrize("left", list(LEFT))
async def test_what_a_campaign_keeps_though_it_says_it_is_gone_is_late_after_an_hour(
    services: Services, make: Make, left: str
) -> None:
    name, sql = LEFT[left]
    account = await make.account()
    async with services.db.account(account.id) as tx:
        campaign_id = await _campaign(tx)
        assert await late(tx, name, NOW + DAY) == 0
        await tx.run(sql, campaign_id)
        assert await late(tx, name, NOW + ALLOWED) == 0
        assert await late(tx, name, NOW + ALLOWED + SECOND) == 1
        assert [one for one in await ages.of_account(tx, NOW + DAY) if one.overdue and one.name != name] == []


@pytest.mark.req("A-004")
async def test_counted_loads_and_the_evidence_of_a_send_go_with_its_details(
    services: Services, make: Make
) -> None:
    account = await make.account()
    async with services.db.account(account.id) as tx:
        campaign_id = await _campaign(tx)
        for left in ("open_counts", "evidence"):
            await tx.run(LEFT[left][1], campaign_id)
        await purge.deliveries(tx, NOW)
        assert (await late(tx, "events", NOW + DAY), await late(tx, "deliveries", NOW + DAY)) == (0, 0)


@pytest.mark.req("C-63")
async def test_a_notice_is_late_to_the_second_and_not_beside_the_file_of_its_breach(
    services: Services, make: Make
) -> None:
    account = await make.account()
    boundary = OF_ACCOUNTS["registers"].before(NOW - ALLOWED)
    notice = """
        INSERT INTO notices (account_id, kind, ref_id, number, at, facts) VALUES ($1, $2, $3, 1, $4, '{}')
        """
    async with services.db.account(account.id) as tx:
        await tx.run(notice, "authority", 1, boundary)
        await tx.run(notice, "breach", 2, boundary - SECOND)
        await tx.run(
            "INSERT INTO account_breaches (account_id, breach_id, aware_at, facts) VALUES ($1, 2, $2, '{}')",
            boundary,
        )
        assert await late(tx, "registers") == 0
        await tx.run("UPDATE account_breaches SET breach_id = 3 WHERE account_id = $1")
        assert await late(tx, "registers") == 1
        await purge.RULES["registers"](tx, NOW)
        assert await late(tx, "registers") == 0
