"""The yardstick of `track`: aiohttp and one handler that knows no token, with the same answers: PORT"""

import asyncio
import sys

import uvloop
from aiohttp import web

from tracking.public import PIXEL, SHORT

TARGET = "https://ateliers-du-port.example/programme/2026/page-{}?source=lettre"


async def click(request: web.Request) -> web.Response:
    return web.Response(status=302, headers={**SHORT, "Location": TARGET.format(0)})


async def opened(request: web.Request) -> web.Response:
    return web.Response(body=PIXEL, content_type="image/gif", headers=SHORT)


async def main(port: int) -> None:
    app = web.Application()
    app.add_routes([web.get("/t/c/{token}", click), web.get("/t/o/{token}", opened)])
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port, backlog=1024).start()
    print("ready", flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    uvloop.run(main(int(sys.argv[1])))
