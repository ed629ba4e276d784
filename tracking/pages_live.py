"""The stream of a report while its campaign is under way: HTML in events (WHATWG HTML §9.2).

    data    the figures, when they differ from those that the watcher has (Last-Event-ID)
    :       every 15 seconds, so that no proxy takes the silence for an end
    over    the send has ended, and the page that has its last figures looks again by itself for a day;
            or the reader may not look any longer

A stream ends by itself after ten minutes, and the browser takes it up again: no deploy waits for it.
"""

import asyncio
import contextlib
import hashlib
import time
from dataclasses import replace
from datetime import timedelta

from aiohttp import web

from mailer.accounts import access, sessions
from mailer.core import clock
from mailer.core.db import is_away
from mailer.core.errors import NotFound, Unavailable
from mailer.web import templating
from mailer.web.request import id_in_path, services
from tracking import comparison, live, report_tables, words
from tracking.providers import Words
from tracking.reports import Campaign
from tracking.whole_report import Whole

PROVIDER_WORDS = web.AppKey("provider_words", Words)
CLOSING = web.AppKey("closing", asyncio.Event)
LONGEST_SECONDS = 600.0
AFTER = timedelta(hours=24)
LIVE_SECONDS, AFTER_SECONDS = 2, 30
"""How often figures are told, and asked for after the end."""
HEARTBEAT_SECONDS = 15.0
TICK_SECONDS = 1.0
_HEADERS = {
    "Content-Type": "text/event-stream; charset=utf-8",
    "Cache-Control": "no-store",
    # nginx would gather the events
    "X-Accel-Buffering": "no",
    "X-Content-Type-Options": "nosniff",
}


def figures_context(request: web.Request, found: Whole, campaign_id: int) -> dict[str, object]:
    """What `reports/figures.html` needs."""
    base = f"/app/{access.member(request).account_id}/campaigns/{campaign_id}"
    return {
        "whole": found,
        "base": base,
        "page_path": f"{base}/report",
        "words": words,
        "provider_words": request.config_dict[PROVIDER_WORDS],
        "tables": report_tables.NAMES,
        "figures": comparison.NAMES,
        "refresh": refresh_seconds(found.report.campaign),
        "streamed": found.report.campaign.live,
        "now": clock.now(),
    }


def refresh_seconds(campaign: Campaign) -> int:
    """ui 2.4: while sending and for a day after; 0: no more."""
    if campaign.live and campaign.started_at is not None:
        return LIVE_SECONDS
    ended = campaign.finished_at
    return AFTER_SECONDS if ended is not None and clock.now() - ended < AFTER else 0


async def events(request: web.Request) -> web.StreamResponse:
    place, held = access.member(request), services(request)
    hub = live.hub(held.db)
    if hub.full(place.account_id):
        # WHATWG HTML §9.2.3: this status tells a browser not to come back; the page has a link to refresh it
        return web.Response(status=204)
    with hub.watch(place.account_id, id_in_path(request)) as channel:
        # NotFound before the stream begins: the answer is a page like any other
        await live.look(held.db, channel, zone=place.time_zone)
        answer = web.StreamResponse(headers=_HEADERS)
        await answer.prepare(request)
        with contextlib.suppress(ConnectionResetError):  # nobody listens any more
            await _Stream(request, answer, channel).run()
    return answer


class _Stream:
    """One watcher. `seen` is the id of the figures that it has."""

    def __init__(self, request: web.Request, answer: web.StreamResponse, channel: live.Channel) -> None:
        self._request, self._answer, self._channel = request, answer, channel
        self._seen = request.headers.get("Last-Event-ID", "")
        self._written = self._checked = time.monotonic()

    async def run(self) -> None:
        closing = self._request.config_dict[CLOSING]
        end = time.monotonic() + LONGEST_SECONDS
        while time.monotonic() < end and not closing.is_set():
            if not await self._may_look() or not await self._step():
                await self._say("event: over\ndata: over\n\n")
                return
            if time.monotonic() - self._written >= HEARTBEAT_SECONDS:
                await self._say(": \n\n")
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(closing.wait(), TICK_SECONDS)

    async def _step(self) -> bool:
        """Tells what is new. False: nothing more will come."""
        try:
            found = await live.look(
                services(self._request).db, self._channel, zone=access.member(self._request).time_zone
            )
        except NotFound:
            return False
        except Exception as error:
            if isinstance(error, Unavailable) or is_away(error):
                return True  # the next look may reach the database again
            raise
        name = _mark(found)
        if name != self._seen:
            lines = "".join(f"data: {line}\n" for line in self._rendered(found).splitlines() if line.strip())
            await self._say(f"id: {name}\n{lines}\n")
            self._seen = name
        return found.report.campaign.live

    def _rendered(self, found: Whole) -> str:
        context = figures_context(self._request, found, self._channel.campaign_id)
        return templating.render(self._request, "tracking/reports/figures.html", context)

    async def _may_look(self) -> bool:
        """Signed in still, and a member still: a stream outlives neither (E-30). Asked now and then."""
        if time.monotonic() - self._checked < HEARTBEAT_SECONDS:
            return True
        self._checked = time.monotonic()
        token = self._request.cookies.get(sessions.COOKIE, "")
        try:
            async with services(self._request).db.shared() as tx:
                return await sessions.stands(tx, token, self._channel.account_id)
        except Exception as error:
            if isinstance(error, Unavailable) or is_away(error):
                return True  # without the database there is nothing to look at either
            raise

    async def _say(self, text: str) -> None:
        await self._answer.write(text.encode())
        self._written = time.monotonic()


def _mark(found: Whole) -> str:
    """Of the figures; the time at which they were counted does not make them others."""
    shown = (replace(found.report, counted_at=None), found.providers, found.compared)
    return hashlib.sha256(repr(shown).encode()).hexdigest()[:16]


def prepare(app: web.Application) -> None:
    """Streams end when the process is asked to stop; browsers come back to the next one."""
    app[CLOSING] = closing = asyncio.Event()

    async def close(_: web.Application) -> None:
        closing.set()

    app.on_shutdown.append(close)


ROUTES: list[web.RouteDef] = [web.get(r"/{a}/campaigns/{id:\d+}/report/events", events)]
