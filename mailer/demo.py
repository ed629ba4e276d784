"""`mailer demo`: the main job once, for real, with made-up contacts, on an installation that is still empty.

    account ─▶ import ─▶ consents ─▶ campaign ─▶ sent ─▶ opens, clicks, one unsubscribe ─▶ figures

The same use cases, jobs, SMTP hand-over and links as for anybody: nothing is written past them. It waits for
the workers, so a `mailer run` has to be active. It never runs where mail could leave for the Internet.
"""

import asyncio
import re
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass

from aiohttp import ClientSession, ClientTimeout, DummyCookieJar

from mailer.accounts import samples, sign_up
from mailer.core.services import open_services
from mailer.core.settings import Settings
from mailer.demo_campaign import OWNER, Place, accept_measurement, import_table, open_account, send, until
from sending import inbox
from tracking import reports
from tracking.reports import Report

# What comes within a minute of the hand-over is not taken for a person: a scanner may have asked (D-92).
MINUTE = 61.0
BROWSER = "Mozilla/5.0 (X11; Linux x86_64; rv:150.0) Gecko/20100101 Firefox/150.0"
# a mailbox provider that loads pictures for everybody, read or not (D-90)
PROXY = "Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)"
# of ten people who accept measurement: one's provider opens, one opens at once, the next later, some click
EARLY_OPEN, PROXY_OPEN, LATE_OPENS, LATE_CLICKS = 9, 8, 6, 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What the product itself reports at the end."""

    imported: int
    rejected: int
    report: Report
    seconds: float


@dataclass(frozen=True, slots=True)
class Mail:
    """One mail as its recipient has it; `opens`, `clicks` are empty when the person is not measured."""

    unsubscribe: str
    opens: list[str]
    clicks: list[str]


@dataclass(slots=True)
class Followed:
    """Links that were followed: at most one open and one click a person, as the report counts them."""

    opened: int = 0
    clicked: int = 0


async def run(settings: Settings) -> int:
    """Prints a one-time sign-in link, then figures; 0 also when nothing is to do. Raises DemoStopped."""
    if not settings.inbox_shown:
        print("No demonstration: it runs only with the local inbox, on a loopback address.")
        return 0
    async with open_services(settings, pool_size=4) as services:
        async with services.db.shared() as tx:
            if not await samples.wanted(tx):
                print("No demonstration: there is an account already.")
                return 0
        place = await open_account(services)
        async with services.db.shared() as tx:
            link = await sign_up.sign_in_link(tx, place.owner_id, public_url=settings.public_url)
        print(
            f"\nDemonstration: one campaign from a spreadsheet to its report, in a minute and a half."
            f"\nSign in as {OWNER} with this link (once, within an hour):\n  {link}",
            flush=True,
        )
        print(told(await perform(place)), flush=True)
    return 0


async def perform(place: Place) -> Figures:
    """The whole walk. Raises DemoStopped when workers do not take part."""
    began = time.monotonic()
    list_id, counts = await import_table(place)
    await accept_measurement(place, list_id)
    campaign_id = await send(place, list_id)
    mails = [mail async for mail in _mails(place, campaign_id)]
    followed = await _read(mails)
    report = await _flushed(place, campaign_id, followed)
    seconds = time.monotonic() - began
    return Figures(
        imported=counts.get("created", 0), rejected=counts.get("errors", 0), report=report, seconds=seconds
    )


async def _mails(place: Place, campaign_id: int) -> AsyncIterator[Mail]:
    """Every mail of the campaign in the local inbox."""
    before: int | None = None
    while True:
        async with place.services.db.shared() as tx:
            lines = await inbox.many(tx, before=before)
        for line in lines:
            if line.campaign == (place.account_id, campaign_id):
                async with place.services.db.shared() as tx:
                    yield _links((await inbox.show(tx, line.id)).raw)
        if not lines:
            return
        before = lines[-1].id


def _links(raw: bytes) -> Mail:
    parts = inbox.parts(raw)
    (header,) = [value for name, value in parts.headers if name.lower() == "list-unsubscribe"]
    (unsubscribe,) = re.findall(r"<(https?://[^>]+)>", header)
    return Mail(
        unsubscribe,
        re.findall(r'src="([^"]+/t/o/[^"]+)"', parts.html),
        re.findall(r'href="([^"]+/t/c/[^"]+)"', parts.html),
    )


async def _read(mails: list[Mail]) -> Followed:
    """Some open, some click, one leaves: by HTTP, with the addresses in their own mails."""
    followed = Followed()
    measured = [mail for mail in mails if mail.opens]
    async with ClientSession(
        cookie_jar=DummyCookieJar(), headers={"User-Agent": BROWSER}, timeout=ClientTimeout(total=20)
    ) as http:
        for mail in [mail for mail in mails if not mail.opens][:1]:
            # RFC 8058 §3.2: the pair in the body, no cookie
            async with http.post(mail.unsubscribe, data={"List-Unsubscribe": "One-Click"}) as answer:
                answer.raise_for_status()
        for mail in measured[PROXY_OPEN::10]:
            await _open(http, mail, followed, agent=PROXY)
        for mail in measured[EARLY_OPEN::10]:
            await _open(http, mail, followed)
        await asyncio.sleep(MINUTE)
        for n, mail in enumerate(measured):
            if n % 10 < LATE_OPENS:
                await _open(http, mail, followed)
            if n % 10 < LATE_CLICKS:
                await _click(http, mail.clicks[n // 10 % len(mail.clicks)], followed)
    return followed


async def _open(http: ClientSession, mail: Mail, followed: Followed, *, agent: str = BROWSER) -> None:
    async with http.get(mail.opens[0], headers={"User-Agent": agent}) as answer:
        followed.opened += answer.status == 200


async def _click(http: ClientSession, address: str, followed: Followed) -> None:
    async with http.get(address, allow_redirects=False) as answer:
        followed.clicked += answer.status == 302


async def _flushed(place: Place, campaign_id: int, followed: Followed) -> Report:
    """The report, once what was followed has arrived in it."""
    found: list[Report] = []

    async def arrived() -> bool:
        async with place.services.db.account(place.account_id) as tx:
            report = await reports.summary(tx, campaign_id)
        found[:] = [report]
        opened, clicked = report.opens.unique.total, report.clicks.unique.total
        return opened >= followed.opened and clicked >= followed.clicked

    await until(arrived, "opens and clicks to arrive in the report")
    return found[0]


def told(figures: Figures) -> str:
    """The table."""
    report, balance = figures.report, figures.report.balance
    opens, clicks = report.opens.unique, report.clicks.unique
    rows = (
        ("imported", figures.imported, ""),
        ("rejected", figures.rejected, "rows, each with its reason"),
        ("sent", balance.sent, "to the local inbox"),
        ("delivered", balance.delivered, ""),
        ("bounced", balance.bounced, "the inbox refuses addresses that begin with bounce"),
        ("opens", opens.people, f"people, of {report.opens.base} who accept that this is measured;"),
        ("", None, f"  besides {opens.machines} by machines, {opens.unknown} too soon to tell"),
        ("clicks", clicks.people, f"people, of {report.clicks.base}"),
        ("unsubscribed", report.unsubscribed, "by one click (RFC 8058)"),
    )
    lines = ["", "Demonstration ended. What the product reports:"]
    lines += [f"  {name:<13}{'' if n is None else n:>5}  {note}".rstrip() for name, n, note in rows]
    lines.append(
        f"  {'time taken':<13}{figures.seconds:>5.0f}  seconds, one minute of them waiting for readers"
    )
    return "\n".join(lines)
