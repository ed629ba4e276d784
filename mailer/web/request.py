"""Reading requests: services, bodies into structs, ids, addresses of clients."""

import asyncio
from collections.abc import Mapping
from typing import Any, TypeVar

import orjson
from aiohttp import web
from multidict import MultiMapping
from pydantic import BaseModel, ConfigDict, ValidationError

from mailer.core.errors import Fault, Invalid, MailerError, NotFound
from mailer.core.rate import Left, Rates
from mailer.core.services import Services
from mailer.core.text import N_
from mailer.web.openapi import operation_of

SERVICES = web.AppKey("services", Services)
RATES = web.AppKey("rates", Rates)
# what the middlewares know of one request
ID = web.RequestKey("id", str)
NONCE = web.RequestKey("nonce", str)
CSRF = web.RequestKey("csrf", str)
FLASH = web.RequestKey("flash", object)
SHELL = web.RequestKey("shell", object)
BODY = web.RequestKey("body", bytes)  # what was asked, whatever its spelling: for Idempotency-Key
LEFT = web.RequestKey("left", Left)  # of the key's rate
MAX_JSON = 5_000_000
MAX_DEPTH = 40  # nothing of ours nests deeper; beyond some hundred levels Python's own stack ends
T = TypeVar("T", bound=BaseModel)


class Input(BaseModel):
    """What crosses the edge: frozen, unknown members refused (S19, E-10), text trimmed."""

    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True)


class WrongMediaType(MailerError):
    """The body is not of a type that this address reads."""

    status = 415


# pydantic's error types in our words (ui 4.3); others fall back to the last line
MESSAGES: Mapping[str, str] = {
    "missing": N_("Fill in this field."),
    "string_too_short": N_("Fill in this field."),
    "string_too_long": N_("At most {max_length} characters."),
    "string_type": N_("This must be text."),
    "string_pattern_mismatch": N_("This is not in the expected form."),
    "int_parsing": N_("This must be a whole number."),
    "int_type": N_("This must be a whole number."),
    "bool_parsing": N_("This must be yes or no."),
    "bool_type": N_("This must be true or false."),
    "list_type": N_("This must be a list."),
    "dict_type": N_("This must be an object."),
    "too_long": N_("At most {max_length} items."),
    "too_short": N_("At least {min_length} items."),
    "greater_than_equal": N_("This must be at least {ge}."),
    "less_than_equal": N_("This must be at most {le}."),
    "literal_error": N_("Choose one of: {expected}."),
    "enum": N_("Choose one of: {expected}."),
    "extra_forbidden": N_("This member is not known."),
    "date_from_datetime_parsing": N_("Write the date like 2026-11-24."),
    "date_parsing": N_("Write the date like 2026-11-24."),
    "datetime_parsing": N_("Write the time like 2026-11-24T09:30:00Z."),
    "datetime_from_date_parsing": N_("Write the time like 2026-11-24T09:30:00Z."),
    "timezone_aware": N_("The time needs a zone, for example Z."),
    "": N_("This is not in the expected form."),
}

# what is missing, by its field: several links that read the same would lead nowhere (ui 4.3)
MISSING: Mapping[str, str] = {
    "contact_email": N_("Write the address for your contacts' questions."),
    "email": N_("Write the e-mail address."),
    "label": N_("Write the label."),
    "legal_name": N_("Write the name of the organisation."),
    "name": N_("Write the name."),
    "new_password": N_("Write the password."),
    "password": N_("Write the password."),
    "postal_address": N_("Write the postal address."),
    "source": N_("Write where this comes from."),
}


def services(request: web.Request) -> Services:
    return request.config_dict[SERVICES]


def rates(request: web.Request) -> Rates:
    return request.config_dict[RATES]


def client_ip(request: web.Request) -> str | None:
    """The peer, or what a trusted proxy says of it (E-11); None when unknown."""
    return request.remote


def id_in_path(request: web.Request, name: str = "id") -> int:
    """A positive number in the path; anything else is NotFound."""
    text = request.match_info.get(name, "")
    if not text.isascii() or not text.isdigit() or len(text) > 18:
        raise NotFound
    return int(text)


def faults_of(error: ValidationError) -> Invalid:
    """All of pydantic's errors as faults in our words."""
    faults: list[Fault] = []
    for entry in error.errors():
        context: dict[str, Any] = entry.get("ctx", {})
        cause = context.get("error")
        if isinstance(cause, Invalid):
            faults.extend(cause.faults)
            continue
        place = [part for part in entry["loc"] if part not in ("function-after", "function-before")]
        name = ".".join(str(part) for part in place) or "body"
        message = MESSAGES.get(entry["type"], MESSAGES[""])
        if message == MESSAGES["missing"]:
            message = MISSING.get(name, message)
        row = next((part + 1 for part in place if isinstance(part, int)), None)
        params = {key: value for key, value in context.items() if isinstance(value, str | int | float)}
        faults.append(Fault(name, message, entry["type"], params, row))
    return Invalid(*faults)


def _with_nul(values: object, name: str = "", depth: int = 0) -> list[str]:
    """Names of the texts that hold a NUL, which PostgreSQL stores in neither text nor jsonb.

    Raises Invalid at `body` for what nests deeper than MAX_DEPTH.
    """
    if depth > MAX_DEPTH:
        raise Invalid(Fault("body", MESSAGES[""], "depth"))
    if isinstance(values, str):
        return [name or "body"] if "\0" in values else []
    pairs = values.items() if isinstance(values, Mapping) else ()
    if isinstance(values, list):
        pairs = enumerate(values)  # type: ignore[assignment]
    return [
        found
        for key, value in pairs
        for found in [
            *_with_nul(str(key), "body"),
            *_with_nul(value, f"{name}.{key}" if name else str(key), depth + 1),
        ]
    ]


def check(cls: type[T], values: object) -> T:
    """A struct from plain values; raises Invalid with every fault."""
    if found := _with_nul(values):
        raise Invalid(*(Fault(name, MESSAGES[""], "character") for name in found))
    try:
        return cls.model_validate(values)
    except ValidationError as error:
        raise faults_of(error) from None


async def body_json(request: web.Request) -> object:
    """Raises WrongMediaType and Invalid at `body`."""
    # E-08: a form of another site cannot send this media type
    if request.content_type != "application/json":
        raise WrongMediaType
    known = operation_of(request.match_info.handler)
    data = await raw_body(request, known.max_bytes if known else MAX_JSON)
    try:
        return orjson.loads(data)
    except orjson.JSONDecodeError as error:
        raise Invalid(
            Fault(
                "body",
                N_("This is not JSON: line {line}, column {column}."),
                "json_invalid",
                {"line": error.lineno, "column": error.colno},
            )
        ) from None


async def raw_body(request: web.Request, limit: int) -> bytes:
    """The whole body, unpacked. aiohttp's own bound is that of forms. Raises HTTPRequestEntityTooLarge."""
    size, data = request.content_length or 0, bytearray()
    if size <= limit:
        async for piece in request.content.iter_any():
            data += piece
            if (size := len(data)) > limit:
                break
        else:
            return bytes(data)
    raise web.HTTPRequestEntityTooLarge(max_size=limit, actual_size=size)


async def read(request: web.Request, cls: type[T]) -> T:
    """The body as a struct, from JSON in the API and from a form elsewhere. Raises Invalid."""
    if request.content_type == "application/json" or request.path.startswith("/api/"):
        found = check(cls, await body_json(request))
        request[BODY] = orjson.dumps(found.model_dump(), option=orjson.OPT_SORT_KEYS, default=str)
        return found
    if request.content_type not in ("application/x-www-form-urlencoded", "multipart/form-data"):
        raise WrongMediaType
    return check(cls, form_values(cls, await request.post()))


def query(request: web.Request, cls: type[T]) -> T:
    """The query string as a struct; unknown names are refused in the API and forgotten on pages."""
    known = request.query
    values: dict[str, object] = {
        name: known.getall(name) if is_many(cls, name) else known[name]
        for name in known
        if name in cls.model_fields
    }
    if request.path.startswith("/api/"):
        values |= {name: known[name] for name in known if name not in cls.model_fields}
    return check(cls, values)


def is_many(cls: type[BaseModel], name: str) -> bool:
    """True for fields that a form sends several times: list, tuple, set."""
    field = cls.model_fields.get(name)
    origin = getattr(field.annotation, "__origin__", None) if field else None
    return origin in (list, tuple, set, frozenset)


def form_values(cls: type[BaseModel], form: MultiMapping[Any]) -> dict[str, object]:
    """A form's fields by name; lists where the struct has them; the form's own hidden fields left out."""
    values: dict[str, object] = {}
    for name in dict.fromkeys(form):
        if name in ("csrf", "form_id"):
            continue
        values[name] = form.getall(name) if is_many(cls, name) else form[name]
    # an unticked box is not sent at all
    for name, field in cls.model_fields.items():
        if name not in values and field.annotation is bool:
            values[name] = False
        if name not in values and is_many(cls, name):
            values[name] = []
    return values


async def in_thread(function: Any, *args: Any) -> Any:
    """For work over 20 ms that holds no transaction."""
    return await asyncio.to_thread(function, *args)
