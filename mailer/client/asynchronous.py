"""The client for programs that await."""

import os
from collections.abc import AsyncIterator, Sequence
from functools import partial
from pathlib import Path
from typing import Self

from mailer.client.http import Http
from mailer.client.records import Export, Import, build
from mailer.client.resources import (
    AsyncCampaigns,
    AsyncContacts,
    AsyncLists,
    AsyncMessages,
    AsyncWebhooks,
    Resource,
)
from mailer.client.runs import AsyncExportRun, AsyncImportRun, upload


class _Imports(Resource[Import]):
    path, record = "/imports", Import


class _Exports(Resource[Export]):
    path, record = "/exports", Export


class AsyncClient:
    """`url` without /api/v1. `timeout`: seconds without an octet. `tries`: of each request, in all."""

    def __init__(
        self, url: str, key: str, *, timeout: float = 120, tries: int = 6, first_wait: float = 0.5
    ) -> None:
        self._http = Http(url, key, timeout=timeout, tries=tries, first_wait=first_wait)
        self.contacts = AsyncContacts(self._http)
        self.lists = AsyncLists(self._http)
        self.campaigns = AsyncCampaigns(self._http)
        self.messages = AsyncMessages(self._http)
        self.webhooks = AsyncWebhooks(self._http)
        self._imports, self._exports = _Imports(self._http), _Exports(self._http)

    async def __aenter__(self) -> Self:
        await self._http.open()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._http.close()

    async def close(self) -> None:
        await self._http.close()

    async def import_file(
        self,
        path: str | os.PathLike[str],
        *,
        list_ids: Sequence[int] = (),
        dry_run: bool = False,
        idempotency_key: str | None = None,
        **options: object,
    ) -> AsyncImportRun:
        """Sends a table; it is imported in the background.

        `options`: `new_list`, `mode`, `legal_basis`, `source`, `attested_by`, `mapping` (heading →
        `{"to": "first_name"}`), and whatever else the API's import takes.
        """
        told = {"list_ids": list(list_ids), "dry_run": dry_run, **options}
        form = partial(upload, Path(path), told)
        async with self._http.request("POST", "/imports", body=form, key=idempotency_key) as answer:
            return AsyncImportRun(self._http, build(Import, await answer.json()), dry_run=dry_run)

    async def export(
        self, what: str = "contacts", *, idempotency_key: str | None = None, **options: object
    ) -> AsyncExportRun:
        """Asks for contacts, suppressions or deliveries. `options`: `list_id`, `format`, `delimiter` …"""
        told = await self._http.json("POST", "/exports", body={"what": what, **options}, key=idempotency_key)
        return AsyncExportRun(self._http, build(Export, told))

    def imports(self) -> AsyncIterator[Import]:
        """All of them, the newest first."""
        return self._imports._pages({})

    def exports(self) -> AsyncIterator[Export]:
        """All of them, the newest first."""
        return self._exports._pages({})

    async def import_run(self, id: int) -> AsyncImportRun:  # noqa: A002
        """An import that was begun elsewhere."""
        return AsyncImportRun(self._http, await self._imports.get(id))

    async def export_run(self, id: int) -> AsyncExportRun:  # noqa: A002
        """An export that was begun elsewhere."""
        return AsyncExportRun(self._http, await self._exports.get(id))
