"""`pages`: what a page costs when there is much behind it, against the same page of a small account.

A web process of the product, asked over HTTP by somebody who is signed in. Two accounts in one database: one
with 1,000 contacts, one with 1,000,000, each with a campaign that went to all of them, and with ten events a
contact over the months before: 10,000,000 of them in the large one.
"""

import asyncio
import socket
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass

from aiohttp import ClientSession

from tests.bench import children, page_events, scene
from tests.bench.outcome import Options, Result, Void, say
from tests.bench.scene import Scene
from tests.client import Client
from tests.make import Make

SMALL, LARGE = 1_000, 1_000_000
ASKED = 40
"""Times each page in a run, by turns."""
SHARE = 0.95
CHUNK = 100_000

PAGES: Mapping[str, str] = {
    "dashboard": "",
    "contact list": "/contacts",
    "a list": "/lists/{list_id}",
    "people of a list": "/contacts?list_id={list_id}",
    "prefix of an address": "/contacts?q=lecteur.77",
    "prefix of a name": "/contacts?q=delau",
    "health of a list": "/lists/{list_id}/health",
    "campaign report": "/campaigns/{campaign_id}/report",
    "reports": "/reports",
}


@dataclass(frozen=True, slots=True)
class Place:
    """An account as the pages know it."""

    client: Client
    paths: Mapping[str, str]

    async def seconds(self, page: str) -> float:
        began = time.perf_counter()
        answer = await self.client.get(self.paths[page])
        spent = time.perf_counter() - began
        if answer.status != 200:
            raise Void(f"{self.paths[page]} answered {answer.status}")
        return spent


async def run(options: Options) -> Result:
    count = options.scaled(LARGE, least=SMALL * 2)
    small, large = [], []
    async with scene.opened(SMALL) as stage, _web(stage) as base, ClientSession() as http:
        make = Make(stage.services, http, base)
        little = await _place(stage, make)
        stage.account = stage.post.account = await make.account()
        await stage.fill(count)
        much = await _place(stage, make)
        async with stage.services.db.connection() as connection:
            await connection.execute("VACUUM ANALYZE")
        for n in range(options.runs):
            figures = {page: await _percentile(page, little, much) for page in PAGES}
            worst = max(figures, key=lambda page: figures[page][1] / figures[page][0])
            small.append(figures[worst][0] * 1000)
            large.append(figures[worst][1] * 1000)
            say(f"  run {n + 1}: {count:,} contacts against {SMALL:,}, p95 of {ASKED}")
            for page, (few, many) in figures.items():
                say(f"    {many / few:6.2f} ×  {few * 1000:7.1f} ms → {many * 1000:7.1f} ms  {page}")
    return Result(bench="pages", ours=large, yardstick=small, unit="ms", goal=3.0, less=True)


async def _percentile(page: str, little: Place, much: Place) -> tuple[float, float]:
    """p95 of both, asked in turn, so that what else runs meets both."""
    few, many = [], []
    for place in (little, much):
        await place.seconds(page)
    for _ in range(ASKED):
        few.append(await little.seconds(page))
        many.append(await much.seconds(page))
    at = int(ASKED * SHARE) - 1
    return sorted(few)[at], sorted(many)[at]


async def _place(stage: Scene, make: Make) -> Place:
    """A list of all contacts of the account, and a campaign that reached them."""
    account = stage.account
    async with stage.post.tx() as tx:
        list_id = await make.mailing_list(tx)
        last: int = await tx.value("SELECT max(id) FROM contacts WHERE account_id = $1")
        await tx.run(
            """
            INSERT INTO subscriptions (account_id, list_id, contact_id, status, legal_basis)
            SELECT $1, $2, id, 'active', 'consent' FROM contacts WHERE account_id = $1
            """,
            list_id,
        )
        campaign_id: int = await tx.value(
            """
            INSERT INTO campaigns (account_id, name, status, month, prepared_at, started_at, finished_at, subject)
            VALUES ($1, 'Lettre', 'sent', date_trunc('month', now())::date, now(), now(), now(), 'Lettre')
            RETURNING id
            """
        )
    for after in range(0, last, CHUNK):
        async with stage.post.tx() as tx:
            await tx.run(
                """
                INSERT INTO deliveries (account_id, campaign_id, contact_id, month, list_id, status, reason, first_at,
                                        final_at, opens, clicks)
                SELECT $1, $2, id, date_trunc('month', now())::date, $3,
                       CASE WHEN id % 50 = 0 THEN 'bounced' ELSE 'delivered' END,
                       CASE WHEN id % 50 = 0 THEN 'hard' ELSE '' END, now(), now(), true, true
                FROM contacts
                WHERE account_id = $1 AND id > $4 AND id <= $4 + $5
                """,
                campaign_id,
                list_id,
                after,
                CHUNK,
            )
    async with stage.post.tx() as tx:
        await tx.run(
            """
            UPDATE campaigns
            SET audience = (SELECT count(*) FROM contacts WHERE account_id = $1)
            WHERE account_id = $1 AND id = $2
            """,
            campaign_id,
        )
    await page_events.a_year(stage.post, campaign_id, last, CHUNK)
    await page_events.summed_up(stage.services, account.id)
    places = {"list_id": list_id, "campaign_id": campaign_id}
    paths = {page: account.app + path.format(**places) for page, path in PAGES.items()}
    return Place(await make.signed_in(account.owner_id), paths)


@asynccontextmanager
async def _web(stage: Scene) -> AsyncIterator[str]:
    """A web process; its address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = scene.environment(stage.folder) | {
        "MAILER_LISTEN": f"127.0.0.1:{port}",
        "MAILER_PUBLIC_URL": f"http://127.0.0.1:{port}",
        "MAILER_LOG_LEVEL": "warning",
    }
    errors = stage.folder / "web.log"
    async with children.python("-m", "mailer", "web", environment=environment, errors=errors):
        base = f"http://127.0.0.1:{port}"
        async with ClientSession() as http, asyncio.timeout(scene.START_SECONDS):
            while True:
                try:
                    async with http.get(f"{base}/healthz"):
                        break
                except OSError:
                    await asyncio.sleep(0.1)
        yield base
