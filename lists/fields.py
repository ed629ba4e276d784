"""Custom fields: a label people read, an immutable key that templates and programs use (S14), a type."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Annotated

from pydantic import BeforeValidator
from pydantic import Field as Limits

from lists import csv_mapping, field_changes, field_values
from lists.field_changes import Act, FieldChanged
from lists.field_values import CHOOSING, FieldType, Value, ValueFault
from mailer.accounts import audit
from mailer.core import forbidden_data
from mailer.core.addresses import trim
from mailer.core.db import AccountTx
from mailer.core.errors import Conflict, Fault, Invalid, conflict, fault
from mailer.core.text import N_
from mailer.web.request import Input

MAX_FIELDS = 100
MAX_OPTIONS = 200
OPTION_TAKEN = N_("The option “{option}” is there already.")
NEEDS_OPTIONS = N_("Write the options, one a line.")
NO_OPTIONS = N_("Only a choice has options. Choose another type, or leave them out.")
TOO_MANY_OPTIONS = N_("A choice has at most {limit} options.")
STILL_DELETED = N_(
    "Values of a deleted field with this name are still being erased. Try again in some minutes."
)
Option = Annotated[str, Limits(min_length=1, max_length=100)]


def option_lines(given: object) -> object:
    """A form sends them in one text, a line each."""
    if isinstance(given, str):
        given = [given]
    if isinstance(given, list) and all(isinstance(one, str) for one in given):
        return [" ".join(line.split()) for one in given for line in one.splitlines() if line.strip()]
    return given


Label = Annotated[str, Limits(min_length=1, max_length=80)]


class NewField(Input):
    """`key` "": made from the label. `options`: of a choice, in the order people see them."""

    label: Label
    type: FieldType = FieldType.TEXT
    key: Annotated[str, Limits(max_length=40, pattern=r"^([a-z][a-z0-9_]*)?$")] = ""
    options: Annotated[list[Option], BeforeValidator(option_lines), Limits(max_length=MAX_OPTIONS)] = []


class FieldChange(Input):
    """Key and type stay: templates and stored values rest on them."""

    label: Label


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    id: int
    key: str
    label: str
    type: FieldType
    options: list[str]
    filled: int | None  # contacts with a value, as counted at `filled_at`
    filled_at: datetime | None
    created_at: datetime

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """For a select."""
        return [(option, option) for option in self.options]


async def many(tx: AccountTx) -> list[Field]:
    """All of the account, in the order they were made."""
    found = await tx.many(
        Field,
        """
        SELECT id, key, label, type, options, filled, filled_at, created_at
        FROM fields
        WHERE account_id = $1
        ORDER BY id
        """,
    )
    return [replace(one, type=FieldType(one.type)) for one in found]


async def show(tx: AccountTx, field_id: int) -> Field:
    """Raises NotFound."""
    found = await tx.one(
        Field,
        """
        SELECT id, key, label, type, options, filled, filled_at, created_at
        FROM fields
        WHERE account_id = $1 AND id = $2
        """,
        field_id,
    )
    return replace(found, type=FieldType(found.type))


async def create(tx: AccountTx, new: NewField) -> Field:
    """Raises Invalid for a reserved name or the 101st field, Conflict for a key that is there."""
    _need_allowed_name(new.label)
    key = new.key or csv_mapping.slug(new.label)
    _need_allowed_name(key, at="key" if new.key else "label")
    if key in csv_mapping.RESERVED:
        raise fault("key", csv_mapping.RESERVED_NAME, code="reserved", label=key)
    if new.options and new.type not in CHOOSING:
        raise fault("options", NO_OPTIONS, code="no_options")
    if new.type in CHOOSING:
        check_options(new.options)
    if await field_changes.is_being_deleted(tx, key):
        raise Conflict(Fault("label", STILL_DELETED, "being_deleted"))
    count: int = await tx.value("SELECT count(*) FROM fields WHERE account_id = $1")
    if count >= MAX_FIELDS:
        raise fault("label", N_("An account has at most {limit} fields."), code="too_many", limit=MAX_FIELDS)
    with conflict(
        "fields_key", "label", N_("A field with the name {key} is there already. Choose another."), key=key
    ):
        field_id: int = await tx.value(
            """
            INSERT INTO fields (account_id, key, label, type, options) VALUES ($1, $2, $3, $4, $5)
            RETURNING id
            """,
            key,
            new.label,
            new.type,
            new.options,
        )
    await audit.write(tx, "created", "field", field_id)
    return await show(tx, field_id)


async def change(tx: AccountTx, field_id: int, change: FieldChange) -> Field:
    """Raises NotFound, Invalid."""
    _need_allowed_name(change.label)
    if not await tx.run(
        "UPDATE fields SET label = $3 WHERE account_id = $1 AND id = $2", field_id, change.label
    ):
        await show(tx, field_id)
    await audit.write(tx, "changed", "field", field_id)
    return await show(tx, field_id)


def check_options(options: Sequence[str], *, at: str = "options") -> None:
    """Raises Invalid: none, one twice however it is cased, too many, or one that may not be kept."""
    if not options:
        raise fault(at, NEEDS_OPTIONS, code="missing")
    if len(options) > MAX_OPTIONS:
        raise fault(at, TOO_MANY_OPTIONS, code="too_many", limit=MAX_OPTIONS)
    seen: set[str] = set()
    for option in options:
        if option.casefold() in seen:
            raise fault(at, OPTION_TAKEN, code="conflict", option=option)
        seen.add(option.casefold())
        _need_allowed_name(option, at=at)


def _need_allowed_name(name: str, *, at: str = "label") -> None:
    """A-025, A-027: a field that asks for what may not be kept is not made."""
    if kind := forbidden_data.of_name(name) or forbidden_data.of_value(name):
        raise fault(at, forbidden_data.NAME_REFUSED[kind], code=kind)


async def used_by(tx: AccountTx, key: str) -> int:
    """How many contacts have a value in this field."""
    count: int = await tx.value("SELECT count(*) FROM contacts WHERE account_id = $1 AND fields ? $2", key)
    return count


async def delete(tx: AccountTx, field_id: int) -> FieldChanged:
    """The field goes at once, its values in parts. Raises NotFound, Conflict while an import runs."""
    field = await show(tx, field_id)
    await field_changes.need_no_import(tx)
    used = await used_by(tx, field.key)
    await tx.run("DELETE FROM fields WHERE account_id = $1 AND id = $2", field_id)
    change = await field_changes.start(tx, field.key, Act.DELETE_FIELD, total=used)
    await audit.write(tx, "deleted", "field", field_id, count=used)
    return change


def values(
    known: list[Field], given: Mapping[str, object], *, decimal_comma: bool = True
) -> dict[str, Value | None]:
    """Input of a form (texts) or of JSON (typed) → values by key; None takes a value away.

    Raises Invalid with every fault, each at `fields.<key>`. Names outside the account's fields are refused
    (E-10).
    """
    by_key = {field.key: field for field in known}
    found: dict[str, Value | None] = {}
    faults = []
    for key, value in given.items():
        if key not in by_key:
            faults.append(Fault(f"fields.{key}", N_("This field is not known."), "unknown_field"))
            continue
        try:
            found[key] = _value(value, by_key[key], decimal_comma=decimal_comma)
            if kind := forbidden_data.of_value(field_values.write(found[key]), name=key):
                faults.append(Fault(f"fields.{key}", forbidden_data.VALUE_REFUSED[kind], kind))
        except ValueFault as error:
            faults.append(Fault(f"fields.{key}", error.message, error.code, error.params))
    if faults:
        raise Invalid(*faults)
    return found


def _value(value: object, field: Field, *, decimal_comma: bool) -> Value | None:
    match value:
        case None:
            return None
        case bool():
            text = "true" if value else "false"
        case int() | float():
            # as JSON has it, with a point
            text, decimal_comma = field_values.write(value), True
        case list():
            if field.type not in (FieldType.LIST, FieldType.CHOICES) or not all(
                isinstance(item, str) for item in value
            ):
                raise ValueFault("type", N_("This must be text."))
            text = field_values.write([str(item) for item in value])
        case _:
            text = trim(str(value))
    if not text:
        return None
    return field_values.read(text, field.type, decimal_comma=decimal_comma, options=field.options)
