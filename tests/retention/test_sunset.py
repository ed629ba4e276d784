"""People who open nothing any more, where only the day of the last open is kept: asked once, then left alone (B-33)."""

from datetime import UTC, date, datetime, timedelta

import pytest

from lists import contacts
from mailer.core.db import AccountTx
from mailer.core.links import Links
from mailer.core.services import Services
from mailer.core.tokens import RecipientToken
from retention_jobs import inactive, sunset
from tests.client import Client
from tests.make import Make
from tests.retention.test_inactive import mails
from tests.statements import statements
from tracking import modes
from tracking.modes import Choice

NOW = datetime(2026, 11, 26, 9, 0, tzinfo=UTC)
BEFORE = datetime(2026, 3, 1, tzinfo=UTC)


def links(services: Services) -> Links:
    return Links(services.tokens, services.settings.track_url)


async def person(
    tx: AccountTx, make: Make, email: str, list_id: int, *, mails: int = 3, day: date | None = None
) -> int:
    """Known since January, got so many mails with the image in autumn, opened last on this day."""
    contact = await make.contact(tx, email, list_id=list_id)
    await tx.run("UPDATE contacts SET created_at = '2026-01-05' WHERE account_id = $1 AND id = $2", contact)
    for n in range(mails):
        at = datetime(2026, 11, 1 + n, 9, tzinfo=UTC)
        campaign = await tx.value(
            """
            INSERT INTO campaigns (account_id, name, status, month, opens_mode)
            VALUES ($1, 'Lettre', 'sent', '2026-11-01', 'last_day') RETURNING id
            """
        )
        await tx.run(
            """
            INSERT INTO deliveries (account_id, campaign_id, contact_id, month, list_id, status, first_at, final_at)
            VALUES ($1, $2, $3, '2026-11-01', $4, 'delivered', $5, $5)
            """,
            campaign,
            contact,
            list_id,
            at,
        )
    if day is not None:
        await tx.run(
            "INSERT INTO last_open_days (account_id, contact_id, day) VALUES ($1, $2, $3)", contact, day
        )
    return contact


async def measured_since(tx: AccountTx, since: datetime, months: int = 6) -> None:
    await modes.change(tx, Choice(opens="last_day", sunset_months=months))
    await tx.run(
        "UPDATE measurement_settings SET opens_since = $2, sunset_next_at = $2 WHERE account_id = $1", since
    )


async def day(services: Services, account_id: int, now: datetime) -> None:
    for _ in range(20):
        async with services.db.account(account_id) as tx:
            if await sunset.turn(tx, now, links(services)):
                return
    raise AssertionError("the day does not end")


async def found(services: Services, account_id: int) -> set[str]:
    async with services.db.account(account_id) as tx:
        rows = await tx.rows(
            """
            SELECT c.email FROM sunset_contacts s JOIN contacts c ON c.account_id = $1 AND c.id = s.contact_id
            WHERE s.account_id = $1
            """
        )
    return {row[0] for row in rows}


async def subscribed(services: Services, account_id: int) -> set[str]:
    async with services.db.account(account_id) as tx:
        rows = await tx.rows(
            """
            SELECT c.email FROM subscriptions s JOIN contacts c ON c.account_id = $1 AND c.id = s.contact_id
            WHERE s.account_id = $1 AND s.status = 'active'
            """
        )
    return {row[0] for row in rows}


@pytest.mark.req("B-33", "D-83")
async def test_who_opens_nothing_is_asked_once_and_then_taken_off_the_lists(
    services: Services, make: Make
) -> None:
    acc = await make.account()
    async with services.db.account(acc.id) as tx:
        await measured_since(tx, BEFORE)
        listed = await make.mailing_list(tx)
        await person(tx, make, "silent@sun.test", listed)
        await person(tx, make, "long-ago@sun.test", listed, day=date(2026, 5, 1))
        await person(tx, make, "lately@sun.test", listed, day=date(2026, 8, 1))
        await person(tx, make, "few-mails@sun.test", listed, mails=2)
        clicked = await person(tx, make, "clicked@sun.test", listed)
        denied = await person(tx, make, "denied@sun.test", listed)
        customer = await person(tx, make, "customer@sun.test", listed)
        await tx.run(
            "UPDATE contacts SET last_act_at = '2026-10-01' WHERE account_id = $1 AND id = $2", clicked
        )
        await tx.run("UPDATE contacts SET opens = 'denied' WHERE account_id = $1 AND id = $2", denied)
        await tx.run(
            """
            UPDATE subscriptions SET legal_basis = 'existing_customer' WHERE account_id = $1 AND contact_id = $2
            """,
            customer,
        )
    everybody = await subscribed(services, acc.id)
    await day(services, acc.id, NOW)
    assert await found(services, acc.id) == {"silent@sun.test", "long-ago@sun.test"}
    assert await mails(services, acc.id, "still_reading") == ["silent@sun.test", "long-ago@sun.test"]
    for later in (1, 29):
        await day(services, acc.id, NOW + timedelta(days=later))
    assert await subscribed(services, acc.id) == everybody
    await day(services, acc.id, NOW + timedelta(days=31))
    assert len(await mails(services, acc.id, "still_reading")) == 2
    gone = everybody - await subscribed(services, acc.id)
    assert gone == {"silent@sun.test", "long-ago@sun.test"}
    async with services.db.account(acc.id) as tx:
        # nobody is deleted, and no refusal is made up: a sign-up brings them back
        assert await tx.value("SELECT count(*) FROM contacts WHERE account_id = $1") == 7
        assert await tx.value("SELECT count(*) FROM suppressions WHERE account_id = $1") == 0
        lines = await tx.rows("SELECT action, object, count FROM audit WHERE account_id = $1 ORDER BY id")
    assert lines[-2:] == [("asked", "silent_contacts", 2), ("removed", "silent_contacts", 2)]
    assert await found(services, acc.id) == set()


@pytest.mark.req("B-33")
async def test_an_open_or_a_press_takes_a_person_off_the_list(
    services: Services, make: Make, client: Client
) -> None:
    acc = await make.account()
    async with services.db.account(acc.id) as tx:
        await measured_since(tx, BEFORE)
        listed = await make.mailing_list(tx)
        opens = await person(tx, make, "opens@sun.test", listed)
        presses = await person(tx, make, "presses@sun.test", listed)
        hashed = await tx.value(
            "SELECT address_hash FROM contacts WHERE account_id = $1 AND id = $2", presses
        )
    await day(services, acc.id, NOW)
    link = (
        links(services)
        .stay(RecipientToken(acc.id, 0, presses, hashed))
        .removeprefix(services.settings.track_url)
    )
    page = await client.get(link)
    assert "If you do nothing, they stop." in page.text
    assert (await client.post(link)).status == 303
    async with services.db.account(acc.id) as tx:
        await tx.run(
            "INSERT INTO last_open_days (account_id, contact_id, day) VALUES ($1, $2, '2026-11-27')", opens
        )
    await day(services, acc.id, NOW + timedelta(days=31))
    assert await subscribed(services, acc.id) == {"opens@sun.test", "presses@sun.test"}


@pytest.mark.req("B-33")
async def test_another_mode_looks_for_nobody_and_forgets_whom_it_found(
    services: Services, make: Make
) -> None:
    acc = await make.account()
    async with services.db.account(acc.id) as tx:
        await measured_since(tx, BEFORE)
        await person(tx, make, "silent@sun.test", await make.mailing_list(tx))
    await day(services, acc.id, NOW)
    assert await found(services, acc.id) == {"silent@sun.test"}
    async with services.db.account(acc.id) as tx:
        await modes.change(tx, Choice(opens="individual"))
    await day(services, acc.id, NOW + timedelta(days=31))
    assert await found(services, acc.id) == set()
    assert await subscribed(services, acc.id) == {"silent@sun.test"}


@pytest.mark.req("B-33", "B-27")
async def test_an_open_never_prolongs_the_three_years(services: Services, make: Make) -> None:
    acc = await make.account()
    async with services.db.account(acc.id) as tx:
        await measured_since(tx, BEFORE)
        contact = await person(tx, make, "old@sun.test", await make.mailing_list(tx), day=date(2026, 11, 20))
        await tx.run(
            "UPDATE contacts SET created_at = '2023-06-01' WHERE account_id = $1 AND id = $2", contact
        )
        while not await inactive.walk(tx, NOW):
            pass
        assert (await inactive.state(tx)).found == 1
        assert not await contacts.is_silent(tx, contact)


@pytest.mark.req("B-33")
def test_only_the_eraser_names_the_day_of_an_open() -> None:
    """Beside the grants of the database: no page, report, segment or export so much as asks."""
    naming = {
        one.path
        for one in statements()
        if "last_open_days" in (one.sql or "") and "DELETE" not in (one.sql or "")
    }
    assert naming == {"retention_jobs/eraser.py", "tracking/tallies.py"}
