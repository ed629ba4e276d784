"""After 13 months a campaign keeps what its opens and clicks add up to, of ten people and more (G-2, A-064)."""

import asyncio
import re
from collections import Counter
from datetime import UTC, date, datetime, timedelta

import pytest

from mailer.core.db import AccountTx
from mailer.core.services import Services
from retention_jobs import event_rows, purge, totals
from tests.clicks.conftest import sent_campaign
from tests.make import Account, Make
from tests.reports.test_report import counted
from tracking import reports
from tracking.figures import Verdicts

# a month whose day 31 the month of the boundary does not have
SENT = datetime(2025, 1, 31, 12, 0, tzinfo=UTC)
LAST_DAY = datetime(2026, 2, 28, 12, 0, tzinfo=UTC)
GONE = datetime(2026, 3, 1, 0, 0, tzinfo=UTC)
# how many people did what, from the first recipient on: (kind, link, verdict, people, times each)
ACTS = [
    ("open", None, "person", 20, 2),
    ("open", None, "machine", 32, 1),
    ("click", 0, "person", 12, 1),
    ("click", 1, "person", 9, 3),
    ("click", 0, "unknown", 14, 1),
    ("unsubscribe", None, "person", 11, 1),
    ("complaint", None, "person", 9, 1),
]


async def _fill(tx: AccountTx, *, people: int = 40, at: datetime = SENT) -> int:
    """All delivered to people who accept both measurements."""
    campaign_id, links = await sent_campaign(tx)
    month = at.date().replace(day=1)
    await tx.shared().run("CALL make_month($1)", month)
    await tx.run(
        """
        UPDATE campaigns SET month = $3, started_at = $4, finished_at = $4, status = 'sent'
        WHERE account_id = $1 AND id = $2
        """,
        campaign_id,
        month,
        at,
    )
    await tx.run(
        """
        INSERT INTO deliveries (account_id, campaign_id, contact_id, month, list_id, status, first_at, final_at,
                                opens, clicks)
        SELECT $1, $2, n, $3, 1, 'delivered', $4, $4, true, true
        FROM generate_series(1, $5::int) n
        """,
        campaign_id,
        month,
        at,
        people,
    )
    for number, (kind, link, verdict, count, times) in enumerate(ACTS):
        await tx.run(
            """
            INSERT INTO events (account_id, id, at, campaign_id, contact_id, kind, link_id, verdict)
            SELECT $1, concat_ws('-', $2::bigint, $3::int, n, t), $4, $2, n, $5, $6, $7
            FROM generate_series(1, $8::int) n, generate_series(1, $9::int) t
            """,
            campaign_id,
            number,
            at,
            kind,
            None if link is None else links[link],
            verdict,
            min(count, people),
            times,
        )
    await counted(tx, campaign_id)
    return campaign_id


@pytest.fixture
async def acc(make: Make, services: Services) -> Account:
    account = await make.account()
    async with services.db.account(account.id) as tx:
        await totals.keep(tx, True)
    return account


@pytest.mark.req("A-004", "A-064", "A-094", "S6")
async def test_totals_of_opens_and_clicks_outlive_their_rows_to_the_day(
    services: Services, acc: Account
) -> None:
    async with services.db.account(acc.id) as tx:
        campaign = await _fill(tx)
        before = await reports.summary(tx, campaign)
        # 31 January + 13 months is 28 February: at that hour nothing is older yet
        assert await event_rows.purge(tx, LAST_DAY) == 0
        assert await purge.deliveries(tx, LAST_DAY) == 0
        assert await reports.summary(tx, campaign) == before
        assert await event_rows.purge(tx, GONE) == sum(count * times for *_, count, times in ACTS)
        assert await purge.deliveries(tx, GONE) == 40
        after = await reports.summary(tx, campaign)
        [stays] = await tx.rows("SELECT totals, measured FROM campaigns WHERE account_id = $1")
    # numbers, no word and no fingerprint that an address could be tried against
    assert stays[0]
    assert {type(one) for one in leaves(stays)} == {int}
    assert after.campaign.details_erased_at == GONE
    assert (after.opens.base, after.clicks.base) == (before.opens.base, before.clicks.base) == (40, 40)
    assert after.opens.unique == before.opens.unique == Verdicts(people=20, machines=12)
    assert after.opens.total == before.opens.total == Verdicts(people=40, machines=32)
    # two people were told apart from a machine by time alone: under ten, not kept
    assert before.clicks.unique == Verdicts(people=12, unknown=2)
    assert after.clicks.unique == Verdicts(people=12)
    assert after.clicks.total == before.clicks.total == Verdicts(people=39, unknown=14)
    # 27 clicks of nine people are nine people's
    assert before.links[1].unique == Verdicts(people=9)
    assert before.links[1].total == Verdicts(people=27)
    assert [one.url for one in after.links] == [one.url for one in before.links]
    assert [one.unique.people for one in after.links[:2]] == [12, 0]
    assert after.links[1].total == Verdicts()
    assert (before.unsubscribed, before.complained) == (11, 9)
    assert (after.unsubscribed, after.complained, after.unsubscribe_reasons) == (11, 0, [])
    assert after.rates.opened == before.rates.opened == 0.5
    assert after.rates.clicked == before.rates.clicked == 0.3
    assert after.rates.complained is None


@pytest.mark.req("S6")
@pytest.mark.parametrize("first", ["events", "deliveries"])
async def test_whichever_rows_go_first_all_figures_are_of_that_moment(
    services: Services, acc: Account, first: str
) -> None:
    """A last click of somebody's is younger than the boundary: it is in the totals, and not counted twice."""
    async with services.db.account(acc.id) as tx:
        campaign = await _fill(tx)
        await tx.shared().run("CALL make_month($1)", date(2025, 2, 1))
        await tx.run(
            "UPDATE events SET at = at + interval '20 days' WHERE account_id = $1 AND contact_id = 12 AND kind = 'click'"
        )
        order = [event_rows.purge, purge.deliveries]
        for rule in order if first == "events" else reversed(order):
            await rule(tx, GONE)
        assert await tx.value("SELECT count(*) FROM events WHERE account_id = $1") > 0
        at_once = await reports.summary(tx, campaign)
        assert at_once.clicks.unique.people == 12
        # the rest goes weeks later and changes nothing
        for rule in order:
            await rule(tx, GONE + timedelta(days=40))
        assert await tx.value("SELECT count(*) FROM events WHERE account_id = $1") == 0
        assert await reports.summary(tx, campaign) == at_once


async def test_batches_and_passes_at_once_double_nothing(
    services: Services, acc: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(purge, "BATCH", 7)
    monkeypatch.setattr(event_rows, "LIMIT", 7)
    monkeypatch.setattr(event_rows, "STEP", timedelta(minutes=1))
    async with services.db.account(acc.id) as tx:
        campaigns = [await _fill(tx) for _ in range(2)]

    async def one_pass() -> int:
        deleted = 0
        while True:
            async with services.db.account(acc.id) as tx:
                n = await event_rows.purge(tx, GONE)
            deleted += n
            if not n:
                return deleted

    found = await asyncio.gather(*(one_pass() for _ in range(3)))
    assert sum(found) == 2 * sum(count * times for *_, count, times in ACTS)
    async with services.db.account(acc.id) as tx:
        for campaign in campaigns:
            report = await reports.summary(tx, campaign)
            assert report.opens.total == Verdicts(people=40, machines=32)
            assert report.clicks.unique == Verdicts(people=12)


class _Crash(Exception):
    pass


async def test_a_crash_undoes_deletion_and_totals_together(services: Services, acc: Account) -> None:
    async with services.db.account(acc.id) as tx:
        campaign = await _fill(tx)
        before = await reports.summary(tx, campaign)

    async def die_after_deleting() -> None:
        async with services.db.account(acc.id) as tx:
            assert await event_rows.purge(tx, GONE)
            raise _Crash

    with pytest.raises(_Crash):
        await die_after_deleting()
    async with services.db.account(acc.id) as tx:
        assert await reports.summary(tx, campaign) == before
        await event_rows.purge(tx, GONE)
        assert (await reports.summary(tx, campaign)).opens.total == before.opens.total


def leaves(found: object) -> list[object]:
    if isinstance(found, dict | list | tuple):
        inside = found.values() if isinstance(found, dict) else found
        return [leaf for one in inside for leaf in leaves(one)]
    return [found]


@pytest.mark.req("A-064")
async def test_of_fewer_than_ten_people_nothing_stays(services: Services, make: Make, acc: Account) -> None:
    async with services.db.account(acc.id) as tx:
        campaign = await _fill(tx, people=9)
        await event_rows.purge(tx, GONE)
        await purge.deliveries(tx, GONE)
        assert await tx.rows("SELECT totals, measured FROM campaigns WHERE account_id = $1") == [({}, {})]
        report = await reports.summary(tx, campaign)
    assert (report.opens.base, report.clicks.base) == (0, 0)
    assert set(vars_of(report.rates)) == {None}


def vars_of(rates: reports.Rates) -> list[float | None]:
    return [getattr(rates, name) for name in rates.__dataclass_fields__]


@pytest.mark.req("A-011", "A-064")
async def test_page_export_and_api_tell_the_day_and_what_is_not_kept(
    services: Services, make: Make, acc: Account
) -> None:
    async with services.db.account(acc.id) as tx:
        campaign = await _fill(tx)
        await event_rows.purge(tx, GONE)
        await purge.deliveries(tx, GONE)
    person = await make.signed_in(acc.owner_id)
    base = f"{acc.app}/campaigns/{campaign}"
    page = await person.get(f"{base}/report?lang=en")
    words = " ".join(re.sub(r"<[^>]+>", " ", page.text).split())
    assert "was erased on 1 Mar 2026. Figures of 10 people and more remain" in words
    assert "will be erased" not in words
    assert "Recipients who opened 20 12 under 10" in words
    assert "Recipients who clicked 12 under 10 under 10" in words
    assert "Clicks in all 39 under 10 14" in words
    assert "11 people unsubscribed." in words
    assert "Complaints under 10 –" in words
    french = await person.get(f"{base}/report?lang=fr")
    assert "ont été effacés le 1 mars 2026" in french.text.replace("1er", "1")
    table = (await person.get(f"{base}/report.csv")).text
    assert "2026" in table.splitlines()[-1]
    assert "Complaints" not in table
    program = await make.program(acc.id)
    answer = (await program.get(f"/api/v1/campaigns/{campaign}/report")).json()
    assert answer["campaign"]["details_erased_at"] == "2026-03-01T00:00:00.000Z"
    assert answer["clicks"]["base"] == 40
    assert answer["links"][0]["unique"] == {"people": 12, "machines": 0, "unknown": 0}
    assert Counter(answer["rates"].values())[None] == 2
