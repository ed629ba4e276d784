"""The report of a campaign: known events, exact figures, in page, export and API alike."""

import csv
import html
import io
import re
from datetime import UTC, date, datetime, timedelta

import pytest

from mailer.core.db import AccountTx
from mailer.core.services import Services
from tests.clicks.conftest import sent_campaign
from tests.make import Account, Make
from tracking import counts, reports, timeline, verdicts, window
from tracking.bots import Agent
from tracking.counts import Change
from tracking.figures import Verdicts
from tracking.reports import Bounce, BounceCode, Campaign, Count
from tracking.verdicts import Signals

# 30 recipients: status, reason, code, reply, measured
DELIVERIES = [
    *[("delivered", "", 250, "2.0.0 ok", True)] * 10,
    *[("delivered", "", 250, "2.0.0 ok", False)] * 8,
    ("bounced", "hard", 550, "5.1.1 unknown user", True),
    ("bounced", "hard", 550, "5.1.1 no such user", False),
    ("bounced", "soft", 552, "5.2.2 mailbox full", False),
    ("bounced", "block", 554, "blocked by policy", False),
    ("failed", "expired", None, "", False),
    ("skipped", "unsubscribed", None, "", False),
    ("skipped", "unsubscribed", None, "", False),
    ("skipped", "deleted", None, "", False),
    ("cancelled", "", None, "", False),
    ("in_doubt", "", None, "", False),
    ("queued", "", None, "", False),
    ("handing", "", None, "", False),
]
# contact (index), kind, link (index), verdict, minutes after the start
EVENTS = [
    (0, "open", None, "machine", 0),
    (0, "open", None, "person", 5),
    (0, "open", None, "person", 65),
    (1, "open", None, "machine", 0),
    (2, "open", None, "unknown", 0),
    (2, "open", None, "machine", 1),
    (3, "open", None, "person", 130),
    (0, "click", 0, "person", 6),
    (0, "click", 0, "person", 66),
    (0, "click", 1, "person", 7),
    (1, "click", 0, "machine", 0),
    (1, "click", 1, "machine", 0),
    (1, "click", 2, "machine", 0),
    (4, "click", 0, "unknown", 0),
    (5, "unsubscribe", None, "person", 20),
    (6, "unsubscribe", None, "person", 30),
    (7, "complaint", None, "person", 40),
]
START = datetime(2026, 11, 22, 0, 0, tzinfo=UTC)


async def fill(tx: AccountTx, make: Make, *, measured: bool = True) -> int:
    """The known set; returns the campaign's id."""
    start = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - timedelta(hours=4)
    list_id = await make.mailing_list(tx)
    campaign_id, link_ids = await sent_campaign(tx)
    await tx.run("UPDATE campaigns SET started_at = $3 WHERE account_id = $1 AND id = $2", campaign_id, start)
    contacts = []
    for status, reason, code, reply, tracked in DELIVERIES:
        contact_id = await make.contact(tx)
        contacts.append(contact_id)
        await tx.run(
            """
            INSERT INTO deliveries (account_id, campaign_id, contact_id, month, list_id, status, reason, first_at,
                                    final_at, lane, turn, smtp_code, smtp_reply, opens, clicks)
            SELECT $1::bigint, id, $3::bigint, month, $4::bigint, $5, $6, now(),
                   CASE WHEN $5 NOT IN ('queued', 'handing') THEN now() END, CASE $5 WHEN 'handing' THEN 0 END,
                   CASE $5 WHEN 'handing' THEN 1 END, $7::smallint, $8, $9::boolean, $9::boolean
            FROM campaigns
            WHERE account_id = $1 AND id = $2
            """,
            campaign_id,
            contact_id,
            list_id,
            status,
            reason,
            code,
            reply,
            tracked and measured,
        )
    for n, (contact, kind, link, verdict, minutes) in enumerate(EVENTS):
        if not measured and kind in ("open", "click"):
            continue
        signals = {"reason": "too_many"} if (contact, kind) == (5, "unsubscribe") else {}
        await tx.run(
            """
            INSERT INTO events (account_id, id, at, campaign_id, contact_id, kind, link_id, verdict, signals)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
            """,
            f"e{n}",
            start + timedelta(minutes=minutes),
            campaign_id,
            contacts[contact],
            kind,
            link_ids[link] if link is not None else None,
            verdict,
            signals,
        )
    await counted(tx, campaign_id)
    return campaign_id


async def counted(tx: AccountTx, campaign_id: int) -> None:
    """As ingest counts what it writes, for events that a test wrote."""
    rows = await tx.rows(
        """
        SELECT contact_id, kind, coalesce(link_id, 0), at, verdict
        FROM events
        WHERE account_id = $1 AND campaign_id = $2 AND kind IN ('open', 'click')
        """,
        campaign_id,
    )
    changes = [
        Change(campaign_id, contact, kind, link, int(at.timestamp() * 1000), "", verdict)
        for contact, kind, link, at, verdict in rows
    ]
    await counts.hold(tx)
    await counts.apply(tx, changes, since=datetime(2020, 1, 1, tzinfo=UTC))


@pytest.fixture
async def acc(make: Make) -> Account:
    return await make.account()


@pytest.mark.req("A-011", "D-91")
async def test_known_events_give_exact_figures(services: Services, make: Make, acc: Account) -> None:
    async with services.db.account(acc.id) as tx:
        found = await reports.summary(tx, await fill(tx, make))
    balance = found.balance
    assert (balance.audience, balance.sent, balance.delivered, balance.bounced) == (30, 22, 18, 4)
    assert (balance.bounced_hard, balance.bounced_soft, balance.bounced_block) == (2, 1, 1)
    assert (balance.failed, balance.skipped, balance.cancelled, balance.in_doubt) == (1, 3, 1, 1)
    assert (balance.waiting, balance.deferred) == (2, 1)
    assert balance.audience == (
        balance.sent
        + balance.failed
        + balance.skipped
        + balance.cancelled
        + balance.in_doubt
        + balance.waiting
    )
    assert sum(part.count for part in found.outcomes) == balance.audience
    # the bounced contact accepts measurement, but got no message: it is in no base
    assert (found.opens.base, found.clicks.base) == (10, 10)
    assert found.opens.unique == Verdicts(people=2, machines=1, unknown=1)
    assert found.opens.total == Verdicts(people=3, machines=3, unknown=1)
    assert found.clicks.unique == Verdicts(people=1, machines=1, unknown=1)
    assert found.clicks.total == Verdicts(people=3, machines=3, unknown=1)
    assert [(link.position, link.unique, link.total.total) for link in found.links] == [
        (0, Verdicts(people=1, machines=1, unknown=1), 4),
        (1, Verdicts(people=1, machines=1, unknown=0), 2),
        (2, Verdicts(people=0, machines=1, unknown=0), 1),
    ]
    # no reason is noted with these deliveries: the kind has to do
    assert found.bounces == [
        Bounce(hard=2, count=2, codes=[BounceCode(code=550, enhanced="5.1.1", count=2)]),
        Bounce(soft=1, count=1, codes=[BounceCode(code=552, enhanced="5.2.2", count=1)]),
        Bounce(block=1, count=1, codes=[BounceCode(code=554, enhanced="", count=1)]),
    ]
    assert found.unsubscribed == 2
    assert found.unsubscribe_reasons == [Count(reason="", count=1), Count(reason="too_many", count=1)]
    assert found.complained == 1
    rates = found.rates
    assert rates.delivered == round(18 / 22, 6)
    assert (rates.opened, rates.clicked) == (0.2, 0.1)
    assert (rates.unsubscribed, rates.complained) == (round(2 / 18, 6), round(1 / 18, 6))


@pytest.mark.req("A-011", "B-30")
async def test_nothing_measured_is_never_zero_percent(services: Services, make: Make, acc: Account) -> None:
    async with services.db.account(acc.id) as tx:
        campaign_id = await fill(tx, make, measured=False)
    person = await make.signed_in(acc.owner_id)
    page = await person.get(f"{acc.app}/campaigns/{campaign_id}/report")
    assert page.status == 200
    assert "Not measured" in page.text
    assert not re.search(r"(?<!\d)0\.0%", page.text)
    program = await make.program(acc.id)
    answer = (await program.get(f"/api/v1/campaigns/{campaign_id}/report")).json()
    assert (answer["rates"]["opened"], answer["rates"]["clicked"]) == (None, None)
    assert answer["opens"]["base"] == 0


@pytest.mark.req("A-011")
async def test_page_export_and_api_agree(services: Services, make: Make, acc: Account) -> None:
    async with services.db.account(acc.id) as tx:
        campaign_id = await fill(tx, make)
        await tx.run("UPDATE links SET url = '=cmd()' WHERE account_id = $1 AND position = 2")
    person = await make.signed_in(acc.owner_id)
    base = f"{acc.app}/campaigns/{campaign_id}"
    page = await person.get(f"{base}/report")
    words = " ".join(re.sub(r"<[^>]+>", " ", page.text).split())
    assert "22 of 30 messages have left: 18 delivered, 4 bounced." in words
    assert "1 person clicked, of the 10 who accept that clicks are measured." in words
    assert "Recipients who opened 2 1 1" in words
    assert "Opens in all 3 3 1" in words
    assert "Measured opens (people) 2 20.0% of 10 messages delivered to contacts who accept it" in words
    assert "Delivered 18 81.8% of 22 messages sent" in words
    assert "refused for good, no reason known 1 code 550 5.1.1 (2) hard bounce 2" in words
    assert "Unsubscribes by reason" in words
    for target in ("delivered", "bounced&amp;reason=hard", "skipped&amp;reason=unsubscribed", "in_doubt"):
        assert f'href="{base}/deliveries?status={target}"' in page.text
    table = await person.get(f"{base}/report.csv")
    rows = [tuple(row) for row in csv.reader(io.StringIO(table.text.lstrip("\N{ZERO WIDTH NO-BREAK SPACE}")))]
    assert ("Delivered", "", "18", "22", "0.8182") in rows
    assert ("Opens", "people", "2", "10", "0.2000") in rows
    assert ("Bounced", "hard bounce", "2", "30", "0.0667") in rows
    assert not any(cell.startswith("=") for row in rows for cell in row)
    program = await make.program(acc.id)
    answer = (await program.get(f"/api/v1/campaigns/{campaign_id}/report")).json()
    assert answer["balance"]["sent"] == 22
    assert answer["opens"]["unique"] == {"people": 2, "machines": 1, "unknown": 1}
    assert answer["campaign"]["started_at"].endswith("Z")


@pytest.mark.req("A-126")
async def test_the_page_in_french(services: Services, make: Make, acc: Account) -> None:
    async with services.db.account(acc.id) as tx:
        campaign_id = await fill(tx, make)
    person = await make.signed_in(acc.owner_id, language="fr")
    async with services.db.shared() as tx:
        await tx.run("UPDATE users SET language = 'fr' WHERE id = $1", acc.owner_id)
    page = await person.get(f"{acc.app}/campaigns/{campaign_id}/report")
    words = " ".join(re.sub(r"<[^>]+>", " ", page.text).split())
    assert "22 messages sur 30 sont partis" in words
    assert "refus définitif, raison inconnue 1 code 550 5.1.1 (2) rejet définitif 2" in words
    formulas = await person.get(f"{acc.app}/reports/formulas")
    assert "Comment c’est compté" in html.unescape(formulas.text)


@pytest.mark.req("A-011", "D-92")
@pytest.mark.parametrize("language", ["en", "fr"])
async def test_the_formulas_are_those_of_the_verdicts(
    services: Services, make: Make, acc: Account, language: str
) -> None:
    async with services.db.shared() as tx:
        await tx.run("UPDATE users SET language = $2 WHERE id = $1", acc.owner_id, language)
    person = await make.signed_in(acc.owner_id, language=language)
    page = html.unescape((await person.get(f"{acc.app}/reports/formulas")).text)
    judged, hints = (
        re.search(rf">{title}</dt>\s*<dd>(.*?)</dd>", page, re.DOTALL)[1]
        for title in (
            ("How an action is judged", "Points of each hint")
            if language == "en"
            else ("Comment un geste est jugé", "Points de chaque indice")
        )
    )
    assert [int(n) for n in re.findall(r"\d+", judged)] == [verdicts.MACHINE, verdicts.UNKNOWN]

    def weight(**hint: object) -> int:
        return verdicts.score(Signals(Agent.BROWSER, str(hint.pop("delay", "later")), **hint))

    # each hint, at the number that is told and not one below it
    assert weight(burst=verdicts.LINKS - 1) == weight(networks=verdicts.NETWORKS - 1) == 0
    assert weight(burst=verdicts.MANY_LINKS - 1) == weight(burst=verdicts.LINKS)
    assert weight(crowd=verdicts.CROWD - 1) == weight(leave=True, post=True) + verdicts.PROOF == 0
    assert [int(n) for n in re.findall(r"\d+", hints)] == [
        verdicts.SECONDS["at_once"],
        weight(delay="at_once"),
        weight(delay="minute"),
        verdicts.LINKS,
        weight(burst=verdicts.LINKS),
        verdicts.MANY_LINKS,
        weight(burst=verdicts.MANY_LINKS),
        verdicts.NETWORKS,
        weight(networks=verdicts.NETWORKS),
        weight(leave=True),
        verdicts.CROWD,
        weight(crowd=verdicts.CROWD),
        verdicts.PROOF,
    ]
    # said in words
    assert verdicts.SECONDS["minute"] == window.LEAVE_MS / 1000 == 60
    assert (window.BURST_MS, window.NETWORKS_MS, window.ALL_MS) == (10_000, 120_000, 600_000)
    # "no hint makes a machine by itself"
    assert max(verdicts.points().values()) < verdicts.MACHINE


async def test_over_time_fills_its_gaps(services: Services, make: Make, acc: Account) -> None:
    async with services.db.account(acc.id) as tx:
        campaign_id = await fill(tx, make)
        found = await timeline.over_time(tx, campaign_id, zone="Europe/Paris")
        assert (found.unit, [(one.opens, one.clicks, one.unsubscribed) for one in found.moments]) == (
            "hour",
            [(2, 3, 2), (1, 1, 0), (1, 0, 0)],
        )
        assert found.busiest == found.moments[0]
        # four days later it is days, and each day of the calendar is there once
        await tx.run(
            "UPDATE events SET at = at - interval '4 days' WHERE account_id = $1 AND kind = 'unsubscribe'"
        )
        days = await timeline.over_time(tx, campaign_id, zone="Europe/Paris")
    assert days.unit == "day"
    assert len(days.moments) in (5, 6)
    assert sum(one.unsubscribed for one in days.moments) == 2
    assert sum(one.clicks for one in days.moments) == 4


async def test_days_follow_the_calendar_when_clocks_change() -> None:
    moments = [
        timeline.Moment(at=datetime(2026, 10, 23, 22, tzinfo=UTC), opens=1, clicks=0, unsubscribed=0),
        timeline.Moment(at=datetime(2026, 10, 26, 23, tzinfo=UTC), opens=2, clicks=0, unsubscribed=0),
    ]
    from zoneinfo import ZoneInfo

    filled = timeline._filled(moments, "day", ZoneInfo("Europe/Paris"))
    assert [(one.at.day, one.at.hour, one.opens) for one in filled] == [
        (23, 22, 1),
        (24, 22, 0),
        (25, 23, 0),
        (26, 23, 2),
    ]


@pytest.mark.req("A-004")
@pytest.mark.parametrize(
    ("started", "erased"),
    [
        (datetime(2026, 11, 22, tzinfo=UTC), date(2027, 12, 22)),
        (datetime(2026, 1, 31, tzinfo=UTC), date(2027, 2, 28)),
        (datetime(2026, 12, 31, 23, 59, tzinfo=UTC), date(2028, 1, 31)),
        (datetime(2027, 1, 30, tzinfo=UTC), date(2028, 2, 29)),
    ],
)
def test_the_day_of_deletion_is_13_calendar_months_later(started: datetime, erased: date) -> None:
    campaign = Campaign(
        details_erased_at=None,
        id=1,
        name="x",
        kind="newsletter",
        status="sent",
        started_at=started,
        finished_at=started,
    )
    assert reports._erased_on(campaign) == erased


async def test_live_while_sending_and_still_when_it_is_over(
    services: Services, make: Make, acc: Account
) -> None:
    async with services.db.account(acc.id) as tx:
        campaign_id = await fill(tx, make)
    person = await make.signed_in(acc.owner_id)
    path = f"{acc.app}/campaigns/{campaign_id}/report"
    for change, trigger in (
        ("status = 'sending', finished_at = NULL", f'hx-sse:connect="{path}/events"'),
        ("status = 'sent', finished_at = now()", 'hx-trigger="every 30s"'),
        ("finished_at = now() - interval '25 hours'", ""),
    ):
        async with services.db.account(acc.id) as tx:
            await tx._connection.execute(f"UPDATE campaigns SET {change}")
        page = await person.get(path)
        assert page.status == 200
        assert ("hx-trigger" in page.text) == bool(trigger)
        assert ("hx-sse" in page.text) == ("hx-sse" in trigger)
        assert trigger in page.text
        assert (f'<a href="{path}">Refresh</a>' in page.text) == bool(trigger)


async def test_a_draft_and_a_send_that_just_began(services: Services, make: Make, acc: Account) -> None:
    async with services.db.account(acc.id) as tx:
        draft = await tx.value("INSERT INTO campaigns (account_id, name) VALUES ($1, 'Draft') RETURNING id")
        begun, _ = await sent_campaign(tx)
        await tx.run("UPDATE campaigns SET status = 'sending' WHERE account_id = $1 AND id = $2", begun)
    person = await make.signed_in(acc.owner_id)
    assert "has not left yet" in (await person.get(f"{acc.app}/campaigns/{draft}/report")).text
    assert "Sending has just begun." in (await person.get(f"{acc.app}/campaigns/{begun}/report")).text


@pytest.mark.req("E-02", "E-50")
async def test_a_stranger_finds_nothing(services: Services, make: Make, acc: Account) -> None:
    async with services.db.account(acc.id) as tx:
        campaign_id = await fill(tx, make)
    other = await make.account()
    stranger = await make.signed_in(other.owner_id)
    for path in (
        f"campaigns/{campaign_id}/report",
        f"campaigns/{campaign_id}/report.csv",
        "reports/formulas",
    ):
        assert (await stranger.get(f"{acc.app}/{path}")).status == 404
    assert (await stranger.get(f"{other.app}/campaigns/{campaign_id}/report")).status == 404
    program = await make.program(other.id)
    assert (await program.get(f"/api/v1/campaigns/{campaign_id}/report")).status == 404
    narrow = await make.program(acc.id, ["lists:read"])
    assert (await narrow.get(f"/api/v1/campaigns/{campaign_id}/report")).status == 403
