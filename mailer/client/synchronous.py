"""The same client without await: an event loop in a thread of its own, and one line for each method."""

import asyncio
import os
import threading
from collections.abc import AsyncIterator, Coroutine, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Self, TypeVar

from mailer.client.asynchronous import AsyncClient
from mailer.client.records import (
    Accepted,
    Batch,
    Campaign,
    Changes,
    Contact,
    Delivery,
    Export,
    Import,
    MailingList,
    Message,
    Webhook,
    WebhookAttempt,
)
from mailer.client.resources import (
    AsyncCampaigns,
    AsyncContacts,
    AsyncLists,
    AsyncMessages,
    AsyncWebhooks,
)
from mailer.client.runs import AsyncExportRun, AsyncImportRun, Progress

T = TypeVar("T")


class Loop:
    """Runs coroutines of one client; safe from several threads."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="mailer-client", daemon=True)
        self._thread.start()

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        future = asyncio.run_coroutine_threadsafe(coroutine, self._loop)
        try:
            return future.result()
        except BaseException:
            future.cancel()  # Ctrl-C ends the request too
            raise

    def each(self, items: AsyncIterator[T]) -> Iterator[T]:
        while True:
            try:
                yield self.run(_next(items))
            except StopAsyncIteration:
                return

    def close(self) -> None:
        if self._loop.is_closed():
            return
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


async def _next(items: AsyncIterator[T]) -> T:
    return await anext(items)


class Contacts:
    def __init__(self, loop: Loop, inner: AsyncContacts) -> None:
        self._loop, self._inner = loop, inner

    def list(
        self,
        *,
        q: str = "",
        list_id: int | None = None,
        status: str = "",
        updated_since: datetime | None = None,
    ) -> Iterator[Contact]:
        found = self._inner.list(q=q, list_id=list_id, status=status, updated_since=updated_since)
        return self._loop.each(found)

    def get(self, id: int) -> Contact:  # noqa: A002  # the API's own word
        return self._loop.run(self._inner.get(id))

    def find(self, email: str) -> Contact | None:
        return self._loop.run(self._inner.find(email))

    def create(self, email: str, *, idempotency_key: str | None = None, **values: object) -> Contact:
        return self._loop.run(self._inner.create(email, idempotency_key=idempotency_key, **values))

    def update(self, id: int, **values: object) -> Contact:  # noqa: A002
        return self._loop.run(self._inner.update(id, **values))

    def delete(self, id: int) -> None:  # noqa: A002
        self._loop.run(self._inner.delete(id))

    def unsubscribe(self, id: int, *, list_id: int | None = None, source: str = "") -> Contact:  # noqa: A002
        return self._loop.run(self._inner.unsubscribe(id, list_id=list_id, source=source))

    def batch(self, contacts: Sequence[Mapping[str, object]], **options: Any) -> Batch:
        """`lists`, `legal_basis`, `source`, `mode`, `idempotency_key`."""
        return self._loop.run(self._inner.batch(contacts, **options))

    def upsert(
        self, contacts: Iterable[Mapping[str, object]], *, rows: int = 10_000, **options: Any
    ) -> Iterator[Batch]:
        return self._loop.each(self._inner.upsert(contacts, rows=rows, **options))

    def changes(self, since: str | None = None, *, limit: int = 1000, with_contacts: bool = False) -> Changes:
        return self._loop.run(self._inner.changes(since, limit=limit, with_contacts=with_contacts))


class Lists:
    def __init__(self, loop: Loop, inner: AsyncLists) -> None:
        self._loop, self._inner = loop, inner

    def list(self) -> Iterator[MailingList]:
        return self._loop.each(self._inner.list())

    def get(self, id: int) -> MailingList:  # noqa: A002
        return self._loop.run(self._inner.get(id))

    def create(self, name: str, *, idempotency_key: str | None = None, **values: object) -> MailingList:
        return self._loop.run(self._inner.create(name, idempotency_key=idempotency_key, **values))

    def update(self, id: int, **values: object) -> MailingList:  # noqa: A002
        return self._loop.run(self._inner.update(id, **values))

    def delete(self, id: int) -> None:  # noqa: A002
        self._loop.run(self._inner.delete(id))


class Campaigns:
    def __init__(self, loop: Loop, inner: AsyncCampaigns) -> None:
        self._loop, self._inner = loop, inner

    def list(self, *, status: str = "") -> Iterator[Campaign]:
        return self._loop.each(self._inner.list(status=status))

    def get(self, id: int) -> Campaign:  # noqa: A002
        return self._loop.run(self._inner.get(id))

    def create(self, name: str, *, idempotency_key: str | None = None, **values: object) -> Campaign:
        return self._loop.run(self._inner.create(name, idempotency_key=idempotency_key, **values))

    def update(self, id: int, **values: object) -> Campaign:  # noqa: A002
        return self._loop.run(self._inner.update(id, **values))

    def checks(self, id: int) -> dict[str, Any]:  # noqa: A002
        return self._loop.run(self._inner.checks(id))

    def send(self, id: int, *, idempotency_key: str | None = None, **values: object) -> None:  # noqa: A002
        self._loop.run(self._inner.send(id, idempotency_key=idempotency_key, **values))

    def pause(self, id: int) -> None:  # noqa: A002
        self._loop.run(self._inner.pause(id))

    def resume(self, id: int, *, acknowledged: bool = False) -> None:  # noqa: A002
        self._loop.run(self._inner.resume(id, acknowledged=acknowledged))

    def cancel(self, id: int) -> None:  # noqa: A002
        self._loop.run(self._inner.cancel(id))

    def report(self, id: int) -> dict[str, Any]:  # noqa: A002
        return self._loop.run(self._inner.report(id))

    def deliveries(self, id: int, **filters: str) -> Iterator[Delivery]:  # noqa: A002
        """`status`, `reason`, `provider`."""
        return self._loop.each(self._inner.deliveries(id, **filters))


class Messages:
    def __init__(self, loop: Loop, inner: AsyncMessages) -> None:
        self._loop, self._inner = loop, inner

    def list(self, *, status: str = "", to: str = "") -> Iterator[Message]:
        return self._loop.each(self._inner.list(status=status, to=to))

    def get(self, id: int) -> Message:  # noqa: A002
        return self._loop.run(self._inner.get(id))

    def send(
        self, to: str, *, sender_id: int, name: str = "", idempotency_key: str | None = None, **values: object
    ) -> Accepted:
        sent = self._inner.send(to, sender_id=sender_id, name=name, idempotency_key=idempotency_key, **values)
        return self._loop.run(sent)


class Webhooks:
    def __init__(self, loop: Loop, inner: AsyncWebhooks) -> None:
        self._loop, self._inner = loop, inner

    def list(self) -> Iterator[Webhook]:
        return self._loop.each(self._inner.list())

    def get(self, id: int) -> Webhook:  # noqa: A002
        return self._loop.run(self._inner.get(id))

    def create(
        self, url: str, events: Sequence[str], *, name: str = "", idempotency_key: str | None = None
    ) -> Webhook:
        """Its `secret` is in this answer only."""
        made = self._inner.create(url, events, name=name, idempotency_key=idempotency_key)
        return self._loop.run(made)

    def update(self, id: int, **values: object) -> Webhook:  # noqa: A002
        return self._loop.run(self._inner.update(id, **values))

    def delete(self, id: int) -> None:  # noqa: A002
        self._loop.run(self._inner.delete(id))

    def rotate(self, id: int, *, idempotency_key: str | None = None) -> str:  # noqa: A002
        return self._loop.run(self._inner.rotate(id, idempotency_key=idempotency_key))

    def test(self, id: int) -> str:  # noqa: A002
        return self._loop.run(self._inner.test(id))

    def attempts(self, id: int) -> Iterator[WebhookAttempt]:  # noqa: A002
        return self._loop.each(self._inner.attempts(id))

    def replay(self, id: int, **options: Any) -> int:  # noqa: A002
        """`message_id`, or `since` with `only`."""
        return self._loop.run(self._inner.replay(id, **options))


class ImportRun:
    def __init__(self, loop: Loop, inner: AsyncImportRun) -> None:
        self._loop, self._inner = loop, inner

    @property
    def id(self) -> int:
        return self._inner.id

    @property
    def now(self) -> Import:
        return self._inner.now

    def refresh(self) -> Import:
        return self._loop.run(self._inner.refresh())

    def wait(self, progress: Progress | None = None, *, timeout: float | None = None) -> Import:
        return self._loop.run(self._inner.wait(progress, timeout=timeout))

    def run(self) -> None:
        self._loop.run(self._inner.run())

    def cancel(self) -> None:
        self._loop.run(self._inner.cancel())

    def save_rejects(self, path: str | os.PathLike[str]) -> bool:
        return self._loop.run(self._inner.save_rejects(path))


class ExportRun:
    def __init__(self, loop: Loop, inner: AsyncExportRun) -> None:
        self._loop, self._inner = loop, inner

    @property
    def id(self) -> int:
        return self._inner.id

    @property
    def now(self) -> Export:
        return self._inner.now

    def refresh(self) -> Export:
        return self._loop.run(self._inner.refresh())

    def wait(self, progress: Progress | None = None, *, timeout: float | None = None) -> Export:
        return self._loop.run(self._inner.wait(progress, timeout=timeout))

    def save(self, path: str | os.PathLike[str], progress: Progress | None = None) -> Path:
        return self._loop.run(self._inner.save(path, progress))


class Client:
    """As AsyncClient. Close it, or use it with `with`."""

    def __init__(
        self, url: str, key: str, *, timeout: float = 120, tries: int = 6, first_wait: float = 0.5
    ) -> None:
        self._loop = Loop()
        self._inner = AsyncClient(url, key, timeout=timeout, tries=tries, first_wait=first_wait)
        self.contacts = Contacts(self._loop, self._inner.contacts)
        self.lists = Lists(self._loop, self._inner.lists)
        self.campaigns = Campaigns(self._loop, self._inner.campaigns)
        self.messages = Messages(self._loop, self._inner.messages)
        self.webhooks = Webhooks(self._loop, self._inner.webhooks)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._loop.run(self._inner.close())
        self._loop.close()

    def import_file(self, path: str | os.PathLike[str], **options: Any) -> ImportRun:
        """`list_ids`, `dry_run`, `new_list`, `mode`, `legal_basis`, `source`, `attested_by`, `mapping` …"""
        return ImportRun(self._loop, self._loop.run(self._inner.import_file(path, **options)))

    def export(self, what: str = "contacts", **options: Any) -> ExportRun:
        """Contacts, suppressions or deliveries. `options`: `list_id`, `format`, `delimiter` …"""
        return ExportRun(self._loop, self._loop.run(self._inner.export(what, **options)))

    def imports(self) -> Iterator[Import]:
        return self._loop.each(self._inner.imports())

    def exports(self) -> Iterator[Export]:
        return self._loop.each(self._inner.exports())

    def import_run(self, id: int) -> ImportRun:  # noqa: A002
        return ImportRun(self._loop, self._loop.run(self._inner.import_run(id)))

    def export_run(self, id: int) -> ExportRun:  # noqa: A002
        return ExportRun(self._loop, self._loop.run(self._inner.export_run(id)))
