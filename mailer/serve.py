"""A web, a track and a worker process: the listeners, and how they end."""

import asyncio
import os
import signal
import sys

import structlog
from aiohttp import web

from mailer.app import make_app, make_track_app, started
from mailer.core import metrics, process
from mailer.core.settings import Settings
from mailer.worker import run_worker

log = structlog.get_logger()


async def _metrics(_: web.Request) -> web.Response:
    return web.Response(body=metrics.exposition(), headers={"Content-Type": metrics.CONTENT_TYPE_LATEST})


async def _open_metrics(settings: Settings) -> web.AppRunner:
    """Every process can answer for all, so they share the port."""
    app = web.Application()
    app.add_routes([web.get("/metrics", _metrics)])
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    host, _, port = settings.metrics_listen.rpartition(":")
    await web.TCPSite(runner, host, int(port), reuse_port=True).start()
    return runner


def _stop_event() -> asyncio.Event:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    return stop


async def serve_web(settings: Settings) -> int:
    """Until SIGTERM or SIGINT: open requests get 20 s to end. 1 when the port is taken."""
    return await _serve(make_app(settings), settings)


async def serve_track(settings: Settings) -> int:
    """As `serve_web`, with what recipients touch and nothing else."""
    return await _serve(make_track_app(settings), settings)


async def _serve(app: web.Application, settings: Settings) -> int:
    stop = _stop_event()
    runner = await started(app, settings, shutdown_timeout=20)
    try:
        await web.TCPSite(runner, settings.host, settings.port, reuse_port=True, backlog=1024).start()
    except OSError as error:
        print(f"mailer: MAILER_LISTEN={settings.listen}: {os.strerror(error.errno or 0)}", file=sys.stderr)
        await runner.cleanup()
        return 1
    process.spare_the_collector()
    figures = None
    try:
        figures = await _open_metrics(settings)
    except OSError as error:
        # another program may hold the metrics port: pages matter more
        log.warning("no metrics", listen=settings.metrics_listen, error=os.strerror(error.errno or 0))
    await stop.wait()
    await runner.cleanup()
    if figures is not None:
        await figures.cleanup()
    return 0


async def serve_worker(settings: Settings) -> int:
    """Until SIGTERM or SIGINT."""
    process.give_way()
    await run_worker(settings)
    return 0
