"""Parts of a campaign's report: providers, comparison, segment, tables as CSV; each figure from known rows."""

import csv
import html
import io
import re
from datetime import timedelta

import pytest

from mailer.core import clock, jobs, work
from mailer.core.db import AccountTx
from mailer.core.services import Services
from mailer.worker import JOBS
from retention_jobs import purge, totals
from tests.clicks.conftest import sent_campaign
from tests.make import Account, Make
from tests.reports.test_report import fill
from tracking import campaign_figures, comparison, providers, report_tables, reports
from tracking.providers import ProviderAnswer


@pytest.fixture
async def acc(make: Make) -> Account:
    return await make.account()


def words_of(text: str) -> str:
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", text)).split())


def rows_of(text: str) -> list[tuple[str, ...]]:
    return [tuple(row) for row in csv.reader(io.StringIO(text.lstrip("\N{ZERO WIDTH NO-BREAK SPACE}")))]


async def at_orange(tx: AccountTx, campaign_id: int) -> None:
    """All that wait, and one that came at the second try, are Orange's."""
    await tx.run(
        """
        UPDATE deliveries
        SET profile = 'orange', first_at = now(), smtp_code = 450,
            smtp_reply = '4.3.0 OFR_103 Too many connections'
        WHERE account_id = $1 AND campaign_id = $2 AND status = 'queued'
        """,
        campaign_id,
    )
    await tx.run(
        """
        UPDATE deliveries SET profile = 'orange', attempts = 2
        WHERE account_id = $1 AND campaign_id = $2
          AND contact_id = (SELECT min(contact_id) FROM deliveries
                            WHERE account_id = $1 AND campaign_id = $2 AND status = 'delivered')
        """,
        campaign_id,
    )


async def plain(tx: AccountTx, make: Make, *, delivered: int, hard: int) -> int:
    """One more campaign, of which nothing was measured."""
    list_id = await make.mailing_list(tx)
    campaign_id, _ = await sent_campaign(tx)
    for n in range(delivered + hard):
        contact_id = await make.contact(tx)
        await tx.run(
            """
            INSERT INTO deliveries (account_id, campaign_id, contact_id, month, list_id, status, reason,
                                    first_at, final_at)
            SELECT $1::bigint, id, $3::bigint, month, $4::bigint, $5, $6, now(), now()
            FROM campaigns
            WHERE account_id = $1 AND id = $2
            """,
            campaign_id,
            contact_id,
            list_id,
            "delivered" if n < delivered else "bounced",
            "" if n < delivered else "hard",
        )
    return campaign_id


@pytest.mark.req("D-67")
async def test_each_provider_has_its_figures_and_its_answer(
    services: Services, make: Make, acc: Account
) -> None:
    async with services.db.account(acc.id) as tx:
        campaign_id = await fill(tx, make)
        await at_orange(tx, campaign_id)
        found = await providers.many(tx, campaign_id, live=False)
    assert [(one.provider, one.audience, one.delivered) for one in found] == [
        ("default", 28, 17),
        ("orange", 2, 1),
    ]
    default, orange = found
    assert (default.bounced_hard, default.bounced_soft, default.blocked) == (2, 1, 1)
    assert (default.waiting, default.delayed, default.other) == (1, 0, 6)
    assert (orange.waiting, orange.delayed, orange.other) == (1, 2, 0)
    assert orange.answers == [
        ProviderAnswer(status="queued", code=450, reply="4.3.0 OFR_103 Too many connections", count=1)
    ]
    for one in found:
        told = one.delivered + one.bounced_hard + one.bounced_soft + one.blocked + one.waiting + one.other
        assert told == one.audience


async def test_the_page_says_what_a_provider_answers_and_leads_to_its_people(
    services: Services, make: Make, acc: Account
) -> None:
    async with services.db.account(acc.id) as tx:
        campaign_id = await fill(tx, make)
        await at_orange(tx, campaign_id)
    person = await make.signed_in(acc.owner_id)
    base = f"{acc.app}/campaigns/{campaign_id}"
    page = await person.get(f"{base}/report")
    assert page.status == 200
    words = words_of(page.text)
    assert "Orange, Wanadoo 2 1 2 0 0 0 1 / 2 delayed: too many messages or connections at once" in words
    assert f'href="{base}/deliveries?provider=orange&amp;status=deferred"' in page.text
    assert f'href="{acc.app}/domains"' in page.text
    people = await person.get(f"{base}/deliveries?provider=orange&status=deferred")
    assert people.status == 200


@pytest.mark.req("A-011")
async def test_the_median_is_of_the_other_campaigns(services: Services, make: Make, acc: Account) -> None:
    async with services.db.account(acc.id) as tx:
        campaign_id = await fill(tx, make)
        for hard in (1, 2, 9):
            await plain(tx, make, delivered=20 - hard, hard=hard)
        await plain(tx, make, delivered=2, hard=2)  # four people say nothing
        found = {one.figure: one for one in await comparison.of(tx, await reports.summary(tx, campaign_id))}
    assert (found["bounced_hard"].rate, found["bounced_hard"].median) == (round(2 / 22, 6), 0.1)
    assert (found["bounced_hard"].campaigns, found["delivered"].median) == (3, 0.9)
    # the others measured nobody: that is no 0 %
    assert (found["clicked"].rate, found["clicked"].median, found["clicked"].campaigns) == (0.1, None, 0)


async def test_a_first_campaign_is_compared_with_nothing(
    services: Services, make: Make, acc: Account
) -> None:
    async with services.db.account(acc.id) as tx:
        campaign_id = await fill(tx, make)
    person = await make.signed_in(acc.owner_id)
    page = await person.get(f"{acc.app}/campaigns/{campaign_id}/report")
    assert "Comparisons appear after two sends." in page.text


async def test_large_campaigns_are_counted_by_the_job(services: Services, make: Make, acc: Account) -> None:
    async with services.db.account(acc.id) as tx:
        campaign_id = await fill(tx, make)
        large = await plain(tx, make, delivered=19, hard=1)
        await tx.run("UPDATE campaigns SET audience = 1000000 WHERE account_id = $1 AND id = $2", large)
        assert await comparison.of(tx, await reports.summary(tx, campaign_id)) == []
        await work.add(tx, "tracking.count_campaigns", 0)
    async with services.db.shared() as tx:
        turn = await tx.value(
            "SELECT turn FROM work WHERE account_id = $1 AND job = 'tracking.count_campaigns'", acc.id
        )
    task = work.Task(acc.id, "tracking.count_campaigns", 0, 0, turn)
    assert await jobs.run_turn(services, JOBS, task)
    async with services.db.account(acc.id) as tx:
        [found] = await campaign_figures.latest(tx, limit=5, but=campaign_id)
        assert (found.campaign_id, found.audience, found.delivered, found.bounced_hard) == (large, 20, 19, 1)
        assert len(await comparison.of(tx, await reports.summary(tx, campaign_id))) == 6
        # counted just now: not due again
        assert await campaign_figures.refresh(tx, most_recipients=campaign_figures.MANY) == 0


@pytest.mark.req("E-52", "A-011")
async def test_every_table_of_the_page_is_a_csv(services: Services, make: Make, acc: Account) -> None:
    async with services.db.account(acc.id) as tx:
        campaign_id = await fill(tx, make)
        await plain(tx, make, delivered=18, hard=2)
        await at_orange(tx, campaign_id)
        await tx.run(
            """
            UPDATE deliveries SET smtp_reply = '=HYPERLINK("http://evil.test")'
            WHERE account_id = $1 AND profile = 'orange' AND status = 'queued'
            """
        )
    person = await make.signed_in(acc.owner_id)
    base = f"{acc.app}/campaigns/{campaign_id}/report"
    page = await person.get(base)
    names = re.findall(rf'href="{re.escape(base)}/([a-z-]+)\.csv"', page.text)
    assert names == [
        "balance",
        "rates",
        "opens-and-clicks",
        "links",
        "providers",
        "bounces",
        "unsubscribes",
        "comparison",
        "over-time",
    ]
    tables = {name: rows_of((await person.get(f"{base}/{name}.csv")).text) for name in names}
    assert ("audience", "", "Audience", "", "30") in tables["balance"]
    assert ("Delivered", "18", "22", "0.818182") in tables["rates"]
    assert ("Recipients who opened", "2", "1", "1", "10") in tables["opens-and-clicks"]
    assert ("1", "https://shop.example/a", "Link 0", "1", "1", "1", "4", "") in tables["links"]
    assert tables["providers"][2][0] == "Orange, Wanadoo"
    assert tables["providers"][2][-1] == '\'=HYPERLINK("http://evil.test")'
    assert tables["bounces"][1] == ("refused for good, no reason known", "", "2", "2", "0", "0", "550 5.1.1")
    assert ("too_many", "too many e-mails", "1") in tables["unsubscribes"]
    assert ("Hard bounces", "0.090909", "0.1", "1") in tables["comparison"]
    assert sum(int(row[1]) for row in tables["over-time"][1:]) == 4
    assert (await person.get(f"{base}/nothing.csv")).status == 404


@pytest.mark.req("A-011", "D-32")
async def test_bounces_have_the_reason_of_the_contact_page_once(
    services: Services, make: Make, acc: Account
) -> None:
    said = [
        # reason, code, reply, the field's word
        ("hard", 550, "Account has been disabled", "suspended"),
        ("hard", 550, "5.1.1 no such user", "user unknown"),
        ("block", 550, "5.1.1 unknown", "user unknown"),
        ("hard", 553, "unknown", "user unknown"),
        ("soft", 552, "mailbox is full", "mailbox full"),
        ("soft", 452, "4.2.2 over quota", "mailbox full"),
        ("block", 554, "5.7.1 looks like spam", "spam"),
        ("soft", 550, "5.0.0 no", "undefined"),
        ("soft", None, "", ""),
    ]
    async with services.db.account(acc.id) as tx:
        campaign_id = await plain(tx, make, delivered=1, hard=len(said))
        await tx.run(
            """
            UPDATE deliveries d
            SET reason = s.kind, smtp_code = s.code, smtp_reply = s.reply, bounce_reason = s.word
            FROM (SELECT contact_id, row_number() OVER (ORDER BY contact_id) AS n FROM deliveries
                  WHERE account_id = $1 AND campaign_id = $2 AND status = 'bounced') b
            JOIN unnest($3::text[], $4::smallint[], $5::text[], $6::text[]) WITH ORDINALITY
                AS s (kind, code, reply, word, n) USING (n)
            WHERE d.account_id = $1 AND d.campaign_id = $2 AND d.contact_id = b.contact_id
            """,
            campaign_id,
            *zip(*said, strict=True),
        )
        contacts = await tx.rows(
            """
            SELECT contact_id FROM deliveries WHERE account_id = $1 AND status = 'bounced' ORDER BY contact_id
            """
        )
    person = await make.signed_in(acc.owner_id)
    base = f"{acc.app}/campaigns/{campaign_id}/report"
    rows = rows_of((await person.get(f"{base}/bounces.csv")).text)[1:]
    assert rows == [
        ("address does not exist", "user unknown", "3", "2", "0", "1", "550 5.1.1; 553"),
        ("refused for now, no reason known", "", "2", "0", "2", "0", "550 5.0.0"),
        ("mailbox full", "mailbox full", "2", "0", "2", "0", "452 4.2.2; 552"),
        ("refused: taken for spam", "spam", "1", "0", "0", "1", "554 5.7.1"),
        ("mailbox closed", "suspended", "1", "1", "0", "0", "550"),
    ]
    page = words_of((await person.get(base)).text)
    told = "address does not exist 2 codes 550 5.1.1 (2) 553 (1) hard bounce (2), block (1) 3"
    assert told in page
    # the same words as on the page of the contact
    assert "mailbox closed" in words_of((await person.get(f"{acc.app}/contacts/{contacts[0][0]}")).text)
    program = await make.program(acc.id)
    found = (await program.get(f"/api/v1/campaigns/{campaign_id}/report")).json()["bounces"]
    assert found[0] == {
        "bounce_reason": "user unknown",
        "hard": 2,
        "soft": 0,
        "block": 1,
        "count": 3,
        "codes": [
            {"code": 550, "enhanced": "5.1.1", "count": 2},
            {"code": 553, "enhanced": "", "count": 1},
        ],
    }
    assert [one["bounce_reason"] for one in found] == [row[1] for row in rows]


@pytest.mark.req("A-004", "A-064")
async def test_figures_say_until_when_they_are_kept(services: Services, make: Make, acc: Account) -> None:
    async with services.db.account(acc.id) as tx:
        campaign_id = await fill(tx, make)
        await plain(tx, make, delivered=18, hard=2)
        await comparison.of(tx, await reports.summary(tx, campaign_id))
        await tx.run(
            "UPDATE campaigns SET started_at = '2026-11-22 12:00+00' WHERE account_id = $1 AND id = $2",
            campaign_id,
        )
    person = await make.signed_in(acc.owner_id)
    page = await person.get(f"{acc.app}/campaigns/{campaign_id}/report")
    # balance, rates, opens and clicks, links, providers, bounces, unsubscribes, over time
    assert page.text.count("By person until 22 Dec 2027") == 8


async def test_parts_by_api(services: Services, make: Make, acc: Account) -> None:
    async with services.db.account(acc.id) as tx:
        campaign_id = await fill(tx, make)
        await plain(tx, make, delivered=18, hard=2)
        await at_orange(tx, campaign_id)
    program = await make.program(acc.id)
    base = f"/api/v1/campaigns/{campaign_id}/report"
    found = (await program.get(f"{base}/providers")).json()["items"]
    assert [(one["provider"], one["delivered"]) for one in found] == [("default", 17), ("orange", 1)]
    moments = (await program.get(f"{base}/timeline?zone=Europe/Paris")).json()
    assert (moments["unit"], sum(one["clicks"] for one in moments["moments"])) == ("hour", 4)
    refused = await program.get(f"{base}/timeline?zone=Europe/Nowhere")
    assert (refused.status, refused.json()["errors"][0]["field"]) == (422, "zone")
    compared = (await program.get(f"{base}/comparison")).json()["items"]
    assert compared[1] == {"figure": "bounced_hard", "rate": 0.090909, "median": 0.1, "campaigns": 1}


@pytest.mark.req("A-064", "G-2")
async def test_tables_of_totals_hold_no_cell_under_ten(services: Services, make: Make, acc: Account) -> None:
    async with services.db.account(acc.id) as tx:
        campaign_id = await fill(tx, make)
        await totals.keep(tx, True)
        await purge.deliveries(tx, clock.now() + timedelta(days=400))
    person = await make.signed_in(acc.owner_id)
    base = f"{acc.app}/campaigns/{campaign_id}/report"
    page = await person.get(base)
    assert page.status == 200
    # of thirty people, 18 were delivered and 10 of those measured; all else is under ten
    for name in report_tables.NAMES:
        answer = await person.get(f"{base}/{name}.csv")
        assert answer.status == 200, name
        for row in rows_of(answer.text)[1:]:
            small = [cell for cell in row[1:] if cell.isdigit() and 0 < int(cell) < 10]
            assert name == "links" or small == [], (name, row)
    rates = {row[0]: row[1:] for row in rows_of((await person.get(f"{base}/rates.csv")).text)}
    assert rates["Delivered"][0] == "18"
    assert rates["Measured opens (people)"] == ("", "10", "")
    links = rows_of((await person.get(f"{base}/links.csv")).text)
    assert [row[3:] for row in links[1:]] == [("", "", "", "", "")] * 3
    assert "By person until" not in page.text
    program = await make.program(acc.id)
    for part in ("providers", "comparison"):
        found = (await program.get(f"/api/v1/campaigns/{campaign_id}/report/{part}")).json()
        assert found == {"items": []}
    assert (await program.get(f"/api/v1/campaigns/{campaign_id}/report/timeline")).json()["moments"] == []
