"""Reports of the account: campaigns compared, limits, age of the last gesture, a list's health, home."""

import html
import re

import pytest

from mailer.core.db import AccountTx
from mailer.core.services import Services
from sending import evidence
from tests.make import Account, Make
from tests.reports.test_report import fill
from tests.reports.test_report_parts import plain, rows_of, words_of
from tracking import account_reports, campaign_figures, reports


@pytest.fixture
async def acc(make: Make) -> Account:
    return await make.account()


async def many(tx: AccountTx, make: Make, count: int) -> list[int]:
    """Campaigns that began a day apart, the oldest first."""
    found = [await plain(tx, make, delivered=18, hard=2) for _ in range(count)]
    for days, campaign_id in enumerate(reversed(found)):
        await tx.run(
            """
            UPDATE campaigns SET started_at = now() - make_interval(days => $3), name = 'Envoi ' || $2::bigint
            WHERE account_id = $1 AND id = $2
            """,
            campaign_id,
            days,
        )
    return found


def test_the_limits_on_the_page_are_those_that_act() -> None:
    assert account_reports.HARD_PAUSE == evidence.HARD_AFTER
    assert evidence.HARD_FIRST == 0.05
    assert evidence.FIRST == 500
    assert account_reports.COMPLAINTS_WARN == evidence.COMPLAINTS_WARN
    assert account_reports.COMPLAINTS_PAUSE == evidence.COMPLAINTS_PAUSE
    assert account_reports.UNSUBSCRIBES_WARN == evidence.UNSUBSCRIBES_WARN


@pytest.mark.req("A-011", "F-06")
async def test_campaigns_are_compared_after_two_sends(services: Services, make: Make, acc: Account) -> None:
    person = await make.signed_in(acc.owner_id)
    assert "Comparisons appear after two sends." in (await person.get(f"{acc.app}/reports")).text
    async with services.db.account(acc.id) as tx:
        await fill(tx, make)
    one = await person.get(f"{acc.app}/reports")
    assert "Comparisons appear after two sends." in one.text
    assert "November" in one.text
    async with services.db.account(acc.id) as tx:
        await many(tx, make, 2)
    page = await person.get(f"{acc.app}/reports")
    words = words_of(page.text)
    assert "Comparisons appear" not in words
    assert "Delivered" in words
    assert re.search(r"Envoi \d+ \d+ \w+ 2026 20 90\.0% 10\.0% Not measured Not measured 0\.0% 0\.0%", words)
    # a limit is a line with a name, and what was not measured a gap
    assert "Pause (%)" in words
    assert '<td data-value="2.0">2</td>' in page.text
    assert '<td data-value="">–</td>' in page.text
    assert "the limit is 2.0%" in words


@pytest.mark.req("S8")
async def test_the_campaigns_come_page_by_page(services: Services, make: Make, acc: Account) -> None:
    async with services.db.account(acc.id) as tx:
        made = await many(tx, make, 5)
    program = await make.program(acc.id)
    seen, cursor = [], ""
    while cursor is not None:
        answer = (await program.get(f"/api/v1/reports/campaigns?limit=2&cursor={cursor}")).json()
        seen += [one["campaign_id"] for one in answer["items"]]
        cursor = answer["next_cursor"]
    assert seen == made[::-1]
    assert (await program.get("/api/v1/reports/campaigns?cursor=damaged")).status == 422
    person = await make.signed_in(acc.owner_id)
    assert (await person.get(f"{acc.app}/reports?cursor=damaged")).status == 422


@pytest.mark.req("E-52")
async def test_campaigns_and_ages_as_csv(services: Services, make: Make, acc: Account) -> None:
    async with services.db.account(acc.id) as tx:
        [made] = await many(tx, make, 1)
        await tx.run("UPDATE campaigns SET name = '+33' WHERE account_id = $1")
    person = await make.signed_in(acc.owner_id)
    [head, row] = rows_of((await person.get(f"{acc.app}/reports/campaigns.csv")).text)
    found = dict(zip(head, row, strict=True))
    assert (found["campaign_id"], found["name"], found["delivered"], found["delivered_base"]) == (
        str(made),
        "'+33",
        "18",
        "20",
    )
    assert (found["clicked"], found["clicked_base"]) == ("", "0")
    ages = rows_of((await person.get(f"{acc.app}/reports/last-gestures.csv")).text)
    assert ages[-1] == ("never", "never since they were added", "20")


@pytest.mark.req("B-27")
async def test_contacts_by_the_age_of_their_last_gesture(
    services: Services, make: Make, acc: Account
) -> None:
    spans = ("1 day", "40 days", "100 days", "200 days", "2 years", "4 years", "5 years", None)
    async with services.db.account(acc.id) as tx:
        for span in spans:
            contact_id = await make.contact(tx)
            await tx.run(
                "UPDATE contacts SET last_act_at = now() - $3::text::interval WHERE account_id = $1 AND id = $2",
                contact_id,
                span,
            )
        found = await account_reports.ages(tx)
    assert [one.contacts for one in found.counts] == [1, 1, 1, 1, 1, 2, 1]
    assert found.total == len(spans)
    program = await make.program(acc.id)
    answer = (await program.get("/api/v1/reports/last-gestures")).json()
    assert answer["counts"][5] == {"age": "older", "contacts": 2}


async def test_the_health_of_a_list(services: Services, make: Make, acc: Account) -> None:
    async with services.db.account(acc.id) as tx:
        list_id = await make.mailing_list(tx)
        contacts = [await make.contact(tx, list_id=list_id) for _ in range(12)]
        for n, act in enumerate(("2 years", "1 month")):
            await tx.run(
                "UPDATE contacts SET last_act_at = now() - $3::text::interval WHERE account_id = $1 AND id = $2",
                contacts[n],
                act,
            )
        await tx.run(
            "UPDATE contacts SET created_at = now() - interval '3 years' WHERE account_id = $1 AND id = $2",
            contacts[2],
        )
        for n, reason in ((3, "bounced"), (4, "bounced"), (5, "complained")):
            await tx.run(
                """
                INSERT INTO suppressions (account_id, address_hash, reason)
                SELECT $1, address_hash, $3 FROM contacts WHERE account_id = $1 AND id = $2
                """,
                contacts[n],
                reason,
            )
        campaign_id = await plain(tx, make, delivered=18, hard=2)
        await tx.run(
            "INSERT INTO campaign_lists (account_id, campaign_id, list_id, use, position) VALUES ($1, $2, $3, 'include', 0)",
            campaign_id,
            list_id,
        )
        await campaign_figures.keep(tx, await reports.summary(tx, campaign_id))
    person = await make.signed_in(acc.owner_id)
    page = await person.get(f"{acc.app}/lists/{list_id}/health")
    words = words_of(page.text)
    assert "12 active subscriptions. 2 of them (16.7%) have done nothing for a year or more." in words
    assert "addresses rejected for good: 2, complaints: 1." in words
    assert "within a year 1 8.3%" in words
    assert "none yet, added within a year 9 75.0%" in words
    assert "a year ago or more 1 8.3% never, added a year ago or more 1 8.3%" in words
    assert re.search(r"November \d+ \w+ 2026 18 10\.0% 0\.0% 0\.0%", words)
    assert f'href="{acc.app}/lists/{list_id}/health" aria-current="page"' in page.text


async def test_home_tells_what_the_last_campaigns_came_to(
    services: Services, make: Make, acc: Account
) -> None:
    async with services.db.account(acc.id) as tx:
        campaign_id = await fill(tx, make)
    person = await make.signed_in(acc.owner_id)
    before = await person.get(acc.app)
    assert "18 delivered," not in before.text
    async with services.db.shared() as tx:
        assert await tx.value(
            "SELECT count(*) FROM work WHERE account_id = $1 AND job = 'tracking.count_campaigns'", acc.id
        )
    async with services.db.account(acc.id) as tx:
        await campaign_figures.keep(tx, await reports.summary(tx, campaign_id))
    words = words_of(html.unescape((await person.get(acc.app)).text))
    assert "18 delivered, 1 person clicked of the 10 measured, 2 unsubscribes since." in words


@pytest.mark.req("A-064")
async def test_what_was_kept_to_compare_goes_with_the_details(
    services: Services, make: Make, acc: Account
) -> None:
    from datetime import timedelta

    from mailer.core import clock
    from retention_jobs import purge

    async with services.db.account(acc.id) as tx:
        campaign_id = await fill(tx, make)
        await campaign_figures.keep(tx, await reports.summary(tx, campaign_id))
        later = clock.now() + timedelta(days=400)
        await purge.deliveries(tx, later)
        assert await tx.value("SELECT count(*) FROM campaign_figures WHERE account_id = $1") == 0
        assert await campaign_figures.latest(tx, limit=10) == []
        assert await campaign_figures.refresh(tx) == 0
