"""One GET behind the fence: a pinned address, TLS with the certificate's name, no redirect (E-54).

For what a provider's signed message points to, at hosts of that provider alone.
"""

import asyncio
import http.client
import socket
import ssl
from urllib.parse import urlsplit

from sending import fence
from sending.fence import Fence

PORT = 443
OPEN_PORT = 80
SECONDS = 10.0
MOST_BYTES = 100_000


class Failed(OSError):
    """No 200 came, or too much of it."""


async def get(url: str, bounds: Fence) -> bytes:
    """The body of a 200. Raises OSError: OutOfBounds, TimeoutError, Failed, ssl.SSLError."""
    return await _get(url, PORT, bounds)


async def get_open(url: str, bounds: Fence) -> bytes:
    """Without TLS: for what is proved by what it is signed with, as a certificate is. Raises as `get`."""
    return await _get(url, OPEN_PORT, bounds)


async def _get(url: str, port: int, bounds: Fence) -> bytes:
    parts = urlsplit(url)
    host = parts.hostname or ""
    target = parts.path + (f"?{parts.query}" if parts.query else "")
    async with asyncio.timeout(SECONDS):
        opened = await fence.connect(host, port, bounds)
        # in a thread: the rest is blocking, each step of it with a limit of its own
        opened.setblocking(True)
        opened.settimeout(SECONDS / 2)
        return await asyncio.to_thread(_exchange, opened, host, target, port == PORT)


def _exchange(opened: socket.socket, host: str, target: str, protected: bool) -> bytes:
    connection = http.client.HTTPConnection(host)
    try:
        connection.sock = opened
        if protected:
            connection.sock = ssl.create_default_context().wrap_socket(opened, server_hostname=host)
        connection.request("GET", target, headers={"Connection": "close", "Accept-Encoding": "identity"})
        answer = connection.getresponse()
        if answer.status != 200:
            raise Failed(f"status {answer.status}")
        body = answer.read(MOST_BYTES + 1)
        if len(body) > MOST_BYTES:
            raise Failed("the answer is too long")
        return body
    except http.client.HTTPException as error:
        raise Failed(type(error).__name__) from None
    finally:
        connection.close()
        opened.close()
