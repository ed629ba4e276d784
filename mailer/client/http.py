"""One request, tried until it is answered: time limits, waits, Idempotency-Key. Only here is HTTP spoken."""

import asyncio
import contextlib
import json
import random
import uuid
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import aiohttp

from mailer.client import errors
from mailer.client.errors import ApiError, ConnectionFailed

RETRIED = frozenset({429, 502, 503, 504})
LONGEST_WAIT = 300.0  # seconds: whoever is told to wait longer is told so at once
Body = Callable[[], Any]  # made anew for each try: a file is read from its beginning


class Http:
    """`tries` in all; the waits between them begin at `first_wait` seconds and double, with jitter."""

    def __init__(self, url: str, key: str, *, timeout: float, tries: int, first_wait: float) -> None:
        self._url, self._tries, self._first_wait = url.rstrip("/"), tries, first_wait
        self._headers = {"Authorization": f"Bearer {key}", "Accept-Language": "en"}
        # no limit in all: a file may take hours; none of its pieces may
        self._timeout = aiohttp.ClientTimeout(total=None, sock_connect=15, sock_read=timeout)
        self._session: aiohttp.ClientSession | None = None

    async def open(self) -> None:
        if self._session is None:
            self._session = aiohttp.ClientSession(timeout=self._timeout, headers=self._headers)

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def json(
        self,
        method: str,
        path: str,
        *,
        body: object = None,
        params: Mapping[str, object] | None = None,
        key: str | None = None,
    ) -> Any:
        """The answer's JSON, None when it is empty. `key`: the caller's own Idempotency-Key."""
        made: Body | None = None
        if body is not None:
            made = partial(_json_payload, json.dumps(body, default=_plain).encode())
        async with self.request(method, path, body=made, params=params, key=key) as answer:
            text = await answer.read()
        return json.loads(text) if text else None

    async def delete(self, path: str) -> None:
        """No error when it is gone: it may have been this request's first try, whose answer was lost."""
        with contextlib.suppress(errors.NotFound):
            await self.json("DELETE", path)

    @asynccontextmanager
    async def request(
        self,
        method: str,
        path: str,
        *,
        body: Body | None = None,
        params: Mapping[str, object] | None = None,
        key: str | None = None,
        headers: Mapping[str, str] | None = None,
        stream: bool = False,
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """A successful answer; `stream`: its body is still to read, and nothing is tried again from there.

        Raises ApiError, ConnectionFailed.
        """
        await self.open()
        sent = dict(headers or {})
        if method == "POST":
            # one key for all tries: a request whose answer was lost is not done twice
            sent["Idempotency-Key"] = key or str(uuid.uuid4())
        query = {name: _param(value) for name, value in (params or {}).items() if value not in (None, "")}
        for attempt in range(self._tries):
            last = attempt + 1 >= self._tries
            try:
                answer = await self._once(method, path, body, (query, sent))
                if not stream and answer.status < 400:
                    await answer.read()
            except (aiohttp.ClientConnectionError, aiohttp.ClientPayloadError, TimeoutError) as error:
                if last:
                    raise ConnectionFailed(f"{self._url}: {error or type(error).__name__}") from error
                await asyncio.sleep(self._wait(attempt))
                continue
            if answer.status < 400:
                try:
                    yield answer
                finally:
                    answer.close()
                return
            problem = await _problem(answer)
            if last or not _passing(problem) or (problem.retry_after or 0) > LONGEST_WAIT:
                raise problem
            await asyncio.sleep(max(problem.retry_after or 0, self._wait(attempt)))

    async def _once(
        self, method: str, path: str, body: Body | None, extras: tuple[dict[str, str], dict[str, str]]
    ) -> aiohttp.ClientResponse:
        assert self._session is not None
        place = path if path.startswith("/api/") else f"/api/v1{path}"
        params, headers = extras
        return await self._session.request(
            method,
            self._url + place,
            data=body() if body is not None else None,
            params=params,
            headers=headers,
            allow_redirects=False,
        )

    def _wait(self, attempt: int) -> float:
        # full jitter, so that many clients do not come back together
        longest = min(30.0, self._first_wait * 2.0**attempt)
        return random.uniform(0.5, 1.0) * longest  # noqa: S311  # no secret


def _json_payload(data: bytes) -> aiohttp.BytesPayload:
    return aiohttp.BytesPayload(data, content_type="application/json")


def _passing(problem: ApiError) -> bool:
    busy = problem.status == 409 and any(one.code == "busy" for one in problem.errors)
    return problem.status in RETRIED or busy


async def _problem(answer: aiohttp.ClientResponse) -> ApiError:
    told: object = None
    with contextlib.suppress(aiohttp.ClientError, ValueError, TimeoutError):
        told = json.loads(await answer.read())
    answer.close()
    wait = answer.headers.get("Retry-After", "")
    return errors.of_answer(answer.status, told, float(wait) if wait.isdigit() else None)


def _param(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value.isoformat()) if hasattr(value, "isoformat") else str(value)


def _plain(value: object) -> str:
    """Dates and times in a body."""
    if hasattr(value, "isoformat"):
        return str(value.isoformat())
    raise TypeError(f"{type(value).__name__} is no JSON")
