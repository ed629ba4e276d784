"""Routes and pydantic types → OpenAPI 3.1. An API handler says what it takes and gives by `@operation`.

    @operation("Create a list", body=NewMailingList, returns=MailingList, status=201, scope="lists:write")
    async def create(request): …

The key check reads the same declaration (`scope`), so that the document cannot promise less than is asked.
"""

import re
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import Any

from aiohttp import web
from pydantic import BaseModel, TypeAdapter
from pydantic.json_schema import GenerateJsonSchema

from mailer import __version__
from mailer.core.paging import Page

# E-61, E-62: the same words at each operation
_KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "For 24 hours the same key and body get the same answer; with another body it is a 422.",
    "schema": {"type": "string", "pattern": "^[!#-~]{1,255}$"},
}
_RATE = {
    "RateLimit-Policy": {"description": "quota `q` in a window of `w` seconds", "schema": {"type": "string"}},
    "RateLimit": {"description": "`r` left, full again in `t` seconds", "schema": {"type": "string"}},
}
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
_REF = "#/components/schemas/{model}"


@dataclass(frozen=True, slots=True)
class Operation:
    """`returns` None: an empty answer. `scope` None: any key. `anonymous`: no key at all.

    `keyed` False: a POST that only looks at something, so that Idempotency-Key says nothing (E-61).
    `max_bytes`: of a JSON body.
    """

    summary: str
    scope: str | None = None
    body: Any = None
    query: type[BaseModel] | None = None
    returns: Any = None
    status: int = 200
    multipart: bool = False
    anonymous: bool = False
    media_type: str = "application/json"
    errors: tuple[int, ...] = ()
    keyed: bool = True
    max_bytes: int = 5_000_000


_operations: dict[Handler, Operation] = {}


def operation(summary: str, **more: Any) -> Callable[[Handler], Handler]:
    def declare(handler: Handler) -> Handler:
        _operations[handler] = Operation(summary, **more)
        return handler

    return declare


def operation_of(handler: object) -> Operation | None:
    return _operations.get(handler)  # type: ignore[call-overload,no-any-return]


class Problem(BaseModel):
    """RFC 9457. `errors` lists every fault of the input."""

    type: str
    title: str
    status: int
    instance: str
    detail: str = ""
    code: str = ""
    errors: list[dict[str, Any]] = []


def _adapters(routes: Iterable[web.RouteDef]) -> dict[tuple[int, str], TypeAdapter[Any]]:
    found: dict[tuple[int, str], TypeAdapter[Any]] = {(0, "problem"): TypeAdapter(Problem)}
    for n, route in enumerate(routes, 1):
        known = operation_of(route.handler)
        if known is None:
            continue
        for part in ("body", "returns", "query"):
            if getattr(known, part) is not None:
                found[(n, part)] = TypeAdapter(getattr(known, part))
    return found


def document(routes: list[web.RouteDef], prefix: str) -> dict[str, Any]:
    """The whole OpenAPI document of these routes."""
    adapters = _adapters(routes)
    inputs = [
        (key, "validation" if key[1] in ("body", "query") else "serialization", adapter)
        for key, adapter in adapters.items()
    ]
    schemas, definitions = TypeAdapter.json_schemas(
        inputs,  # type: ignore[arg-type]  # keys are ours
        ref_template=_REF,
        schema_generator=GenerateJsonSchema,
    )
    by_key = {key: schema for (key, _), schema in schemas.items()}
    paths: dict[str, dict[str, Any]] = {}
    for n, route in enumerate(routes, 1):
        known = operation_of(route.handler)
        if known is None:
            continue
        path = prefix + re.sub(r"\{(\w+):[^}]*\}", r"{\1}", route.path)
        query = _resolved(by_key.get((n, "query"), {}), definitions.get("$defs", {}))
        paths.setdefault(path, {})[route.method.lower()] = _describe(
            known, path, by_key | {(n, "query"): query}, (n, route.method)
        )
    return {
        "openapi": "3.1.0",
        "info": {"title": "Mailer API", "version": __version__},
        "paths": paths,
        "components": {
            "schemas": definitions.get("$defs", {}),
            "securitySchemes": {"key": {"type": "http", "scheme": "bearer"}},
        },
        "security": [{"key": []}],
    }


def _resolved(schema: dict[str, Any], definitions: dict[str, Any]) -> dict[str, Any]:
    """A struct that several operations take stands among the components; its fields are needed here."""
    name = schema.get("$ref", "").rpartition("/")[2]
    found: dict[str, Any] = definitions[name] if name else schema
    return found


def _describe(known: Operation, path: str, schemas: dict[Any, Any], route: tuple[int, str]) -> dict[str, Any]:
    (n, method), errors = route, known.errors
    parameters: list[dict[str, Any]] = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "integer", "minimum": 1}}
        for name in re.findall(r"\{(\w+)\}", path)
    ]
    query = schemas.get((n, "query"))
    if query:
        required = query.get("required", ())
        parameters += [
            {"name": name, "in": "query", "required": name in required, "schema": schema}
            for name, schema in query["properties"].items()
        ]
    if method == "POST" and known.keyed and not known.anonymous:
        parameters.append(_KEY)
        errors = (*errors, 409)
    answer: dict[str, Any] = {"description": known.summary, "headers": _RATE}
    if known.returns is not None:
        answer["content"] = {known.media_type: {"schema": schemas[(n, "returns")]}}
    elif known.media_type != "application/json":
        answer["content"] = {known.media_type: {"schema": {"type": "string"}}}
    codes = {400, 404, 422, *errors} | (set() if known.anonymous else {401, 403, 429})
    if known.body is not None:
        codes |= {413, 415}
    problem = {"application/problem+json": {"schema": schemas[(0, "problem")]}}
    described: dict[str, Any] = {
        "summary": known.summary,
        "parameters": parameters,
        "responses": {str(known.status): answer}
        | {str(code): {"description": "Problem", "content": problem} for code in sorted(codes)},
    }
    if known.body is not None:
        media = "multipart/form-data" if known.multipart else "application/json"
        described["requestBody"] = {"required": True, "content": {media: {"schema": schemas[(n, "body")]}}}
    if known.scope:
        described["description"] = f"Scope: `{known.scope}`"
    if known.anonymous:
        described["security"] = []
    return described


def page_of(item: type) -> Any:
    """The type of a page, for `returns`."""
    return Page[item]  # type: ignore[valid-type]
