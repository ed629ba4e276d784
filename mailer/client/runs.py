"""Imports and exports: begun by a request, done in the background, waited for here."""

import asyncio
import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import aiohttp

from mailer.client.errors import ApiError, ConnectionFailed, RunFailed
from mailer.client.http import Http
from mailer.client.records import Export, Import, build

Progress = Callable[[Any], None]
_FIRST_LOOK, _LOOKS = 0.2, 2.0  # seconds between two looks at a run: they grow
_RESUMES = 20


def upload(path: Path, options: Mapping[str, object]) -> aiohttp.FormData:
    """The form of an import; the file is streamed."""
    form = aiohttp.FormData()
    form.add_field("options", json.dumps(options, default=str))
    form.add_field("file", path.open("rb"), filename=path.name, content_type="application/octet-stream")
    return form


class AsyncImportRun:
    """An import under way. `now` is what was last seen of it."""

    def __init__(self, http: Http, now: Import, *, dry_run: bool = False) -> None:
        self._http, self.now, self._dry_run = http, now, dry_run

    @property
    def id(self) -> int:
        return self.now.id

    async def refresh(self) -> Import:
        self.now = build(Import, await self._http.json("GET", f"/imports/{self.id}"))
        return self.now

    async def wait(self, progress: Progress | None = None, *, timeout: float | None = None) -> Import:
        """The import once it is over; of a dry run once it is counted. `progress` gets each look at it.

        Raises RunFailed, and TimeoutError after `timeout` seconds, while the import goes on by itself.
        """
        async with asyncio.timeout(timeout):
            pause = _FIRST_LOOK
            while not self.now.over and not (self._dry_run and self.now.state == "checked"):
                await asyncio.sleep(pause)
                pause = min(_LOOKS, pause * 1.5)
                await self.refresh()
                if progress is not None:
                    progress(self.now)
        if self.now.state == "failed":
            raise RunFailed(self.now.failure or "The import failed.")
        return self.now

    async def run(self) -> None:
        """Imports what a dry run counted."""
        self._dry_run = False
        self.now = build(Import, await self._http.json("POST", f"/imports/{self.id}/runs"))

    async def cancel(self) -> None:
        """As long as it does not run yet."""
        await self._http.json("POST", f"/imports/{self.id}/cancellations")

    async def save_rejects(self, path: str | os.PathLike[str]) -> bool:
        """The rows in error, with their reasons, as a table. False when there are none."""
        if self.now.rejects_url is None:
            return False
        await download(self._http, self.now.rejects_url, Path(path))
        return True


class AsyncExportRun:
    """An export under way. `now` is what was last seen of it."""

    def __init__(self, http: Http, now: Export) -> None:
        self._http, self.now = http, now

    @property
    def id(self) -> int:
        return self.now.id

    async def refresh(self) -> Export:
        self.now = build(Export, await self._http.json("GET", f"/exports/{self.id}"))
        return self.now

    async def wait(self, progress: Progress | None = None, *, timeout: float | None = None) -> Export:
        """The export once its file is there. Raises RunFailed, TimeoutError."""
        async with asyncio.timeout(timeout):
            pause = _FIRST_LOOK
            while self.now.state not in ("done", "failed"):
                await asyncio.sleep(pause)
                pause = min(_LOOKS, pause * 1.5)
                await self.refresh()
                if progress is not None:
                    progress(self.now)
        if self.now.state == "failed" or self.now.file_url is None:
            raise RunFailed("The export failed, or its file has expired.")
        return self.now

    async def save(self, path: str | os.PathLike[str], progress: Progress | None = None) -> Path:
        """Waits, and streams the file to `path`; a connection that breaks is taken up where it broke."""
        ready = await self.wait(progress)
        return await download(self._http, str(ready.file_url), Path(path))


async def download(http: Http, place: str, path: Path) -> Path:
    """Into `path` by way of `path.part`, so that a file with the right name is whole."""
    part = path.with_name(path.name + ".part")
    written, resumes = 0, 0
    with part.open("wb") as file:
        while True:
            headers = {"Range": f"bytes={written}-"} if written else {}
            try:
                async with http.request("GET", place, headers=headers, stream=True) as answer:
                    if written and answer.status != 206:
                        file.seek(0)
                        file.truncate()
                        written = 0
                    async for piece in answer.content.iter_chunked(256 * 1024):
                        file.write(piece)
                        written += len(piece)
                break
            except (aiohttp.ClientConnectionError, aiohttp.ClientPayloadError, TimeoutError) as error:
                resumes += 1
                if resumes > _RESUMES:
                    raise ConnectionFailed(f"The download broke off {resumes} times.") from error
            except ApiError as error:
                if error.status == 416 and written:  # it broke behind the last octet
                    break
                raise
    part.replace(path)
    return path
