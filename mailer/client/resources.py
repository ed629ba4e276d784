"""What the API has, a class each; every method is one request, or pages of them."""

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from datetime import datetime
from itertools import islice
from typing import Any, Generic, TypeVar

from mailer.client.http import Http
from mailer.client.records import (
    Accepted,
    Batch,
    Campaign,
    Changes,
    Contact,
    Delivery,
    MailingList,
    Message,
    Webhook,
    WebhookAttempt,
    build,
)

T = TypeVar("T")
BATCH_ROWS = 10_000  # of one request


class Resource(Generic[T]):
    """A collection at `path`."""

    path: str
    record: type[T]

    def __init__(self, http: Http) -> None:
        self._http = http

    async def get(self, id: int) -> T:  # noqa: A002  # the API's own word
        """Raises NotFound."""
        return build(self.record, await self._http.json("GET", f"{self.path}/{id}"))

    def _pages(self, params: Mapping[str, object]) -> AsyncIterator[T]:
        return pages(self._http, self.record, self.path, params)


async def pages(http: Http, record: type[T], path: str, params: Mapping[str, object]) -> AsyncIterator[T]:
    """All of them, a page at a time: the next is asked for when it is needed."""
    cursor: str | None = None
    while True:
        page = await http.json("GET", path, params={"limit": 100, **params, "cursor": cursor})
        for item in page["items"]:
            yield build(record, item)
        cursor = page["next_cursor"]
        if cursor is None:
            return


class AsyncContacts(Resource[Contact]):
    path, record = "/contacts", Contact

    def list(
        self,
        *,
        q: str = "",
        list_id: int | None = None,
        status: str = "",
        updated_since: datetime | None = None,
    ) -> AsyncIterator[Contact]:
        """`q`: the beginning of an address or a name.

        `status`: active, pending, unsubscribed, none, suppressed.
        """
        params = {"q": q, "list_id": list_id, "status": status, "updated_since": updated_since}
        return self._pages(params)

    async def find(self, email: str) -> Contact | None:
        """The contact with exactly this address."""
        page = await self._http.json("GET", "/contacts", params={"email": email})
        return next((build(Contact, item) for item in page["items"]), None)

    async def create(self, email: str, *, idempotency_key: str | None = None, **values: object) -> Contact:
        """`first_name`, `last_name`, `language`, `fields`; `lists` with `legal_basis` and `source`.

        Raises Conflict when the address is there.
        """
        body = {"email": email, **values}
        return build(Contact, await self._http.json("POST", "/contacts", body=body, key=idempotency_key))

    async def update(self, id: int, **values: object) -> Contact:  # noqa: A002
        """What is not named stays."""
        return build(Contact, await self._http.json("PATCH", f"/contacts/{id}", body=values))

    async def delete(self, id: int) -> None:  # noqa: A002
        """No error when it is gone already."""
        await self._http.delete(f"/contacts/{id}")

    async def unsubscribe(self, id: int, *, list_id: int | None = None, source: str = "") -> Contact:  # noqa: A002
        """From one list, or from everything."""
        body = {"list_id": list_id, "source": source}
        return build(Contact, await self._http.json("POST", f"/contacts/{id}/unsubscriptions", body=body))

    async def batch(
        self,
        contacts: Sequence[Mapping[str, object]],
        *,
        lists: Sequence[int] = (),
        legal_basis: str | None = None,
        source: str = "",
        mode: str = "add_and_update",
        idempotency_key: str | None = None,
        **evidence: object,
    ) -> Batch:
        """Up to 10,000 in one request, with a result for each row.

        `evidence`: what the basis rests on (`customer_since`, `products`, `could_refuse`; `informed_on`),
        days as "2026-03-12".
        """
        body = {
            "contacts": list(contacts),
            "lists": list(lists),
            "legal_basis": legal_basis,
            "source": source,
            "mode": mode,
            **evidence,
        }
        told = await self._http.json("POST", "/contacts/batches", body=body, key=idempotency_key)
        return build(Batch, told)

    async def upsert(
        self, contacts: Iterable[Mapping[str, object]], *, rows: int = BATCH_ROWS, **options: Any
    ) -> AsyncIterator[Batch]:
        """Any number, as batches of `rows`; `options` as for `batch`. Rows count from 1 in each."""
        given = iter(contacts)
        while part := list(islice(given, rows)):
            yield await self.batch(part, **options)

    async def changes(
        self, since: str | None = None, *, limit: int = 1000, with_contacts: bool = False
    ) -> Changes:
        """Without `since`: no items, and the cursor to begin from. Raises Gone after 30 days."""
        params = {"since": since, "limit": limit, "with_contacts": with_contacts}
        return build(Changes, await self._http.json("GET", "/contacts/changes", params=params))


class AsyncLists(Resource[MailingList]):
    path, record = "/lists", MailingList

    def list(self) -> AsyncIterator[MailingList]:
        return self._pages({})

    async def create(self, name: str, *, idempotency_key: str | None = None, **values: object) -> MailingList:
        """`public_name`, `purpose`, `frequency`, `kind`, `double_opt_in`, `shown_in_preferences`."""
        body = {"name": name, **values}
        return build(MailingList, await self._http.json("POST", "/lists", body=body, key=idempotency_key))

    async def update(self, id: int, **values: object) -> MailingList:  # noqa: A002
        return build(MailingList, await self._http.json("PATCH", f"/lists/{id}", body=values))

    async def delete(self, id: int) -> None:  # noqa: A002
        """Its contacts and their refusals stay."""
        await self._http.delete(f"/lists/{id}")


class AsyncCampaigns(Resource[Campaign]):
    path, record = "/campaigns", Campaign

    def list(self, *, status: str = "") -> AsyncIterator[Campaign]:
        return self._pages({"status": status})

    async def create(self, name: str, *, idempotency_key: str | None = None, **values: object) -> Campaign:
        """`subject`, `list_ids`, `sender_id`, `mjml` …: as in the API's reference."""
        body = {"name": name, **values}
        return build(Campaign, await self._http.json("POST", "/campaigns", body=body, key=idempotency_key))

    async def update(self, id: int, **values: object) -> Campaign:  # noqa: A002
        return build(Campaign, await self._http.json("PATCH", f"/campaigns/{id}", body=values))

    async def checks(self, id: int) -> dict[str, Any]:  # noqa: A002
        """What would block the send, and what to look at."""
        return dict(await self._http.json("GET", f"/campaigns/{id}/checks"))

    async def send(self, id: int, *, idempotency_key: str | None = None, **values: object) -> None:  # noqa: A002
        """`expected`: refuse when the audience has another size; `at`: a time, at once without."""
        await self._http.json("POST", f"/campaigns/{id}/sends", body=values, key=idempotency_key)

    async def pause(self, id: int) -> None:  # noqa: A002
        await self._http.json("POST", f"/campaigns/{id}/pauses")

    async def resume(self, id: int, *, acknowledged: bool = False) -> None:  # noqa: A002
        """`acknowledged`: a pause by a limit (`pause_reason` bounces or complaints) asks for it."""
        body = {"acknowledged": True} if acknowledged else None
        await self._http.json("POST", f"/campaigns/{id}/resumptions", body=body)

    async def cancel(self, id: int) -> None:  # noqa: A002
        await self._http.json("POST", f"/campaigns/{id}/cancellations")

    async def report(self, id: int) -> dict[str, Any]:  # noqa: A002
        return dict(await self._http.json("GET", f"/campaigns/{id}/report"))

    def deliveries(
        self,
        id: int,  # noqa: A002
        *,
        status: str = "",
        reason: str = "",
        provider: str = "",
    ) -> AsyncIterator[Delivery]:
        """Who got it, who did not and why, by contact."""
        asked = {"status": status, "reason": reason, "provider": provider}
        return pages(self._http, Delivery, f"/campaigns/{id}/deliveries", asked)


class AsyncMessages(Resource[Message]):
    path, record = "/messages", Message

    def list(self, *, status: str = "", to: str = "") -> AsyncIterator[Message]:
        return self._pages({"status": status, "to": to})

    async def send(
        self, to: str, *, sender_id: int, name: str = "", idempotency_key: str | None = None, **values: object
    ) -> Accepted:
        """One mail to one person. Content: `template`, `mjml`, `html` or `text`, with `subject` and `values`.

        Give an `idempotency_key` of your own, an order's number, when your program may ask again.
        """
        person = {"email": to, "name": name} if name else {"email": to}
        body = {"to": person, "sender_id": sender_id, **values}
        return build(Accepted, await self._http.json("POST", "/messages", body=body, key=idempotency_key))


class AsyncWebhooks(Resource[Webhook]):
    path, record = "/webhooks", Webhook

    def list(self) -> AsyncIterator[Webhook]:
        return self._pages({})

    async def create(
        self, url: str, events: Sequence[str], *, name: str = "", idempotency_key: str | None = None
    ) -> Webhook:
        """Its `secret` is in this answer only: keep it for `verify_webhook`."""
        body = {"url": url, "events": list(events), "name": name}
        return build(Webhook, await self._http.json("POST", "/webhooks", body=body, key=idempotency_key))

    async def update(self, id: int, **values: object) -> Webhook:  # noqa: A002
        """`url`, `name`, `events`; `status` on or off."""
        return build(Webhook, await self._http.json("PATCH", f"/webhooks/{id}", body=values))

    async def delete(self, id: int) -> None:  # noqa: A002
        """With its log. No error when it is gone already."""
        await self._http.delete(f"/webhooks/{id}")

    async def rotate(self, id: int, *, idempotency_key: str | None = None) -> str:  # noqa: A002
        """The new secret. For 24 hours requests carry the signatures of both."""
        told = await self._http.json("POST", f"/webhooks/{id}/secrets", key=idempotency_key)
        return str(told["secret"])

    async def test(self, id: int) -> str:  # noqa: A002
        """Sends a test event; gives its `webhook-id`."""
        return str((await self._http.json("POST", f"/webhooks/{id}/tests"))["message_id"])

    async def attempts(self, id: int) -> AsyncIterator[WebhookAttempt]:  # noqa: A002
        """The requests of six days, the newest first."""
        cursor: str | None = None
        while True:
            page = await self._http.json("GET", f"/webhooks/{id}/attempts", params={"cursor": cursor})
            for item in page["items"]:
                yield build(WebhookAttempt, item)
            cursor = page["next_cursor"]
            if cursor is None:
                return

    async def replay(
        self,
        id: int,  # noqa: A002
        *,
        message_id: str | None = None,
        since: datetime | None = None,
        only: str = "undelivered",
    ) -> int:
        """One message, or all `since` a time: `only` undelivered, or all. Gives their number."""
        body = {"message_id": message_id, "since": since, "only": only}
        return int((await self._http.json("POST", f"/webhooks/{id}/replays", body=body))["count"])
