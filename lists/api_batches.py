"""JSON for programs: many contacts in one request, with a result for each (E-66)."""

from collections import Counter
from dataclasses import dataclass
from typing import Any

import orjson
from aiohttp import web

from lists import batches, fields
from lists.batches import NewBatch, Read, Result
from mailer.accounts import access
from mailer.web.openapi import operation
from mailer.web.request import BODY, body_json, in_thread, services
from mailer.web.response import fault_json

MAX_BYTES = 10_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class RowFault:
    """`row` counts from 1. `field` is the row's own: `email`, `fields.town`."""

    row: int
    field: str
    code: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RowResult(Result):
    """`result` error: nothing of the row was kept, and `errors` say why."""

    errors: list[RowFault]


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchCounts:
    """They add up to `rows`."""

    rows: int
    created: int
    updated: int
    unchanged: int
    refused: int
    set_aside: int
    restricted: int
    errors: int


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchShown:
    """`results` stand in the order of the rows."""

    counts: BatchCounts
    results: list[RowResult]


@operation(
    "Add or update up to 10,000 contacts; each row has its result, and a bad one stops no other",
    body=NewBatch,
    returns=BatchShown,
    scope="contacts:write",
    max_bytes=MAX_BYTES,
)
async def create(request: web.Request) -> web.Response:
    values = await body_json(request)
    async with access.api_look(request) as tx:
        known = await fields.many(tx)
    new, found, request[BODY] = await in_thread(_read, values, known)
    async with access.api_tx(request) as tx:
        results = await batches.apply(tx, services(request).sealer, new, found.rows)
    body = await in_thread(_body, found, results)
    return web.Response(body=body, content_type="application/json", headers={"Cache-Control": "no-store"})


def _read(values: object, known: list[fields.Field]) -> tuple[NewBatch, Read, bytes]:
    """Also what was asked, for Idempotency-Key."""
    new, rows = batches.parse(values)
    return new, batches.read(new, rows, known), orjson.dumps(values, option=orjson.OPT_SORT_KEYS)


def _body(found: Read, results: list[Result]) -> bytes:
    """Built in a thread, as plain values: 10,000 structs cost the loop a quarter of a second."""
    rows: list[dict[str, Any]] = [
        {"row": one.row, "id": one.id, "result": one.result, "refused": one.refused, "errors": []}
        for one in results
    ]
    rows += [
        {
            "row": number,
            "id": None,
            "result": "error",
            "refused": [],
            "errors": [fault_json(f) for f in faults],
        }
        for number, faults in found.faults.items()
    ]
    rows.sort(key=lambda row: row["row"])
    counted = Counter(row["result"] for row in rows)
    names = ("created", "updated", "unchanged", "refused", "set_aside", "restricted")
    counts = {"rows": len(rows), **{name: counted[name] for name in names}, "errors": counted["error"]}
    return orjson.dumps({"counts": counts, "results": rows})


ROUTES: list[web.RouteDef] = [web.post("/contacts/batches", create)]
