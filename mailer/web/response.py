"""Answers: page, JSON, redirect, problem."""

from collections.abc import Mapping
from dataclasses import asdict, is_dataclass
from datetime import date, datetime
from typing import Any

import orjson
from aiohttp import web

from mailer.core.errors import Fault
from mailer.core.paging import Page
from mailer.web import i18n, templating
from mailer.web.request import ID


def page(
    request: web.Request, template: str, context: Mapping[str, object] | None = None, *, status: int = 200
) -> web.Response:
    """HTML from a template of ours. Personal data may be on it: never stored by a cache (E-06)."""
    text = templating.render(request, template, context or {})
    return web.Response(
        text=text, content_type="text/html", status=status, headers={"Cache-Control": "no-store"}
    )


def redirect(location: str) -> web.Response:
    """303 to one of our own paths."""
    return web.Response(status=303, headers={"Location": location})


def jsonable(value: object) -> Any:
    """Structs to what JSON knows: instants in UTC with Z, bytes left out (S19)."""
    if isinstance(value, Page):
        return {"items": [jsonable(item) for item in value.items], "next_cursor": value.next_cursor}
    if is_dataclass(value) and not isinstance(value, type):
        return {key: jsonable(item) for key, item in asdict(value).items()}
    if isinstance(value, Mapping):
        return {str(key): jsonable(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [jsonable(item) for item in value]
    if isinstance(value, datetime):
        return value.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    if isinstance(value, date):
        return value.isoformat()
    if hasattr(value, "model_dump"):
        return jsonable(value.model_dump())
    return value


def json(value: object, *, status: int = 200, headers: Mapping[str, str] | None = None) -> web.Response:
    return web.Response(
        body=orjson.dumps(jsonable(value), default=str),
        content_type="application/json",
        status=status,
        headers={"Cache-Control": "no-store", **(headers or {})},
    )


def fault_json(fault: Fault) -> dict[str, object]:
    found: dict[str, object] = {
        "field": fault.field,
        "code": fault.code,
        "message": i18n.translate(fault.message, **fault.params),
    }
    return found | {key: value for key in ("row", "column") if (value := getattr(fault, key)) is not None}


def problem(
    request: web.Request, status: int, title: str, *, detail: str = "", **more: object
) -> web.Response:
    """RFC 9457; `instance` is the request's number."""
    body: dict[str, object] = {"type": "about:blank", "title": title, "status": status, **more}
    if detail:
        body["detail"] = detail
    body["instance"] = f"urn:request:{request.get(ID, '')}"
    return web.Response(
        body=orjson.dumps(jsonable(body)),
        content_type="application/problem+json",
        status=status,
        headers={"Cache-Control": "no-store"},
    )
