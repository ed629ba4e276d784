"""A campaign that was sent an hour ago to people who said yes to being measured."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime

import pytest

from mailer import worker
from mailer.core import jobs, work
from mailer.core.db import AccountTx
from mailer.core.links import Links
from mailer.core.services import Services
from mailer.core.tokens import CampaignToken
from tests.make import Make
from tracking import buffer

BROWSER = {"User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"}
URLS = ("https://shop.example/a", "https://shop.example/b?x=1&y=2", "https://shop.example/c")


@dataclass
class Sent:
    """`contacts`: ids; the mails were handed over an hour ago."""

    account_id: int
    campaign_id: int
    list_id: int
    contacts: list[int]
    link_ids: list[int]
    links: Links
    services: Services

    def click(self, contact: int = 0, link: int = 0) -> str:
        what = CampaignToken(self.account_id, self.campaign_id, self.contacts[contact], self.link_ids[link])
        return self.links.click(what).removeprefix(self.links.base)

    def open(self, contact: int = 0) -> str:
        what = CampaignToken(self.account_id, self.campaign_id, self.contacts[contact])
        return self.links.open(what).removeprefix(self.links.base)

    async def events(self) -> list[tuple[str, str, int, int | None]]:
        async with self.services.db.account(self.account_id) as tx:
            return await tx.rows(
                "SELECT kind, verdict, contact_id, link_id FROM events WHERE account_id = $1 ORDER BY at, id"
            )


async def sent_campaign(tx: AccountTx, *, links: tuple[str, ...] = URLS) -> tuple[int, list[int]]:
    """A sent campaign of this month, without deliveries. Returns its id and its links' ids."""
    campaign_id = await tx.value(
        """
        INSERT INTO campaigns (account_id, name, status, month, audience, started_at, finished_at)
        VALUES ($1, 'November', 'sent', date_trunc('month', now() AT TIME ZONE 'UTC')::date, 0,
                now() - interval '1 hour', now() - interval '55 minutes')
        RETURNING id
        """
    )
    link_ids = [
        await tx.value(
            """
            INSERT INTO links (account_id, campaign_id, position, url, label)
            VALUES ($1, $2, $3, $4, $5) RETURNING id
            """,
            campaign_id,
            n,
            url,
            f"Link {n}",
        )
        for n, url in enumerate(links)
    ]
    return campaign_id, link_ids


async def delivered(
    tx: AccountTx,
    campaign_id: int,
    contact_id: int,
    list_id: int,
    *,
    tracked: bool = True,
    status: str = "delivered",
    reason: str = "",
) -> None:
    await tx.run(
        """
        INSERT INTO deliveries (account_id, campaign_id, contact_id, month, list_id, status, reason, first_at, final_at,
                                opens, clicks)
        SELECT $1::bigint, id, $3::bigint, month, $4::bigint, $6, $7, now() - interval '1 hour',
               CASE WHEN $6 <> 'queued' THEN now() - interval '1 hour' END, $5::boolean, $5::boolean
        FROM campaigns
        WHERE account_id = $1 AND id = $2
        """,
        campaign_id,
        contact_id,
        list_id,
        tracked,
        status,
        reason,
    )


@pytest.fixture
async def sent(make: Make, services: Services, settings) -> Sent:
    acc = await make.account()
    async with services.db.account(acc.id) as tx:
        list_id = await make.mailing_list(tx)
        campaign_id, link_ids = await sent_campaign(tx)
        contacts = [await make.contact(tx, list_id=list_id, tracked=True) for _ in range(3)]
        for contact_id in contacts:
            await delivered(tx, campaign_id, contact_id, list_id)
    links = Links(services.tokens, settings.track_url)
    return Sent(acc.id, campaign_id, list_id, contacts, link_ids, links, services)


Flush = Callable[[], Awaitable[None]]


@pytest.fixture
def flush(services: Services) -> Flush:
    """One turn of the flush, as the worker runs it."""

    async def run() -> None:
        async with services.db.shared() as tx:
            await tx.run("DELETE FROM work WHERE job = 'tracking.flush'")
            await work.ensure(tx, "tracking.flush")
            turn = await tx.value("SELECT turn FROM work WHERE job = 'tracking.flush'")
        assert await jobs.run_turn(services, worker.JOBS, work.Task(0, "tracking.flush", 0, 0, turn))
        async with services.db.shared() as tx:
            assert await tx.value("SELECT last_error FROM work WHERE job = 'tracking.flush'") == ""

    return run


@pytest.fixture
def patient(services: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a busy machine, too, hits go into the stream and not into the file, which knows no network."""
    monkeypatch.setattr(buffer, "APPEND_SECONDS", 30.0)
    # whatever an earlier test found away
    monkeypatch.setattr(buffer._state(services), "away_until", 0.0)


def millis(at: datetime) -> int:
    return int(at.timestamp() * 1000)
