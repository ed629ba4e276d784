"""Custom fields: a label people read, an immutable key that templates and programs use (S14), a type."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from pydantic import Field as Limits

from lists import csv_mapping, field_values
from lists.field_values import FieldType, Value, ValueFault
from mailer.accounts import audit
from mailer.core import forbidden_data
from mailer.core.addresses import trim
from mailer.core.db import AccountTx
from mailer.core.errors import Fault, Invalid, conflict, fault
from mailer.core.text import N_
from mailer.web.request import Input

MAX_FIELDS = 100
Label = Annotated[str, Limits(min_length=1, max_length=80)]


class NewField(Input):
    """`key` "": made from the label."""

    label: Label
    type: FieldType = FieldType.TEXT
    key: Annotated[str, Limits(max_length=40, pattern=r"^([a-z][a-z0-9_]*)?$")] = ""


class FieldChange(Input):
    """Key and type stay: templates and stored values rest on them."""

    label: Label


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    id: int
    key: str
    label: str
    type: FieldType
    created_at: datetime


async def many(tx: AccountTx) -> list[Field]:
    """All of the account, in the order they were made."""
    found = await tx.many(
        Field, "SELECT id, key, label, type, created_at FROM fields WHERE account_id = $1 ORDER BY id"
    )
    return [
        Field(id=one.id, key=one.key, label=one.label, type=FieldType(one.type), created_at=one.created_at)
        for one in found
    ]


async def show(tx: AccountTx, field_id: int) -> Field:
    """Raises NotFound."""
    return await tx.one(
        Field,
        "SELECT id, key, label, type, created_at FROM fields WHERE account_id = $1 AND id = $2",
        field_id,
    )


async def create(tx: AccountTx, new: NewField) -> Field:
    """Raises Invalid for a reserved name or the 101st field, Conflict for a key that is there."""
    _need_allowed_name(new.label)
    key = new.key or csv_mapping.slug(new.label)
    _need_allowed_name(key, at="key" if new.key else "label")
    if key in csv_mapping.RESERVED:
        raise fault("key", csv_mapping.RESERVED_NAME, code="reserved", label=key)
    count: int = await tx.value("SELECT count(*) FROM fields WHERE account_id = $1")
    if count >= MAX_FIELDS:
        raise fault("label", N_("An account has at most {limit} fields."), code="too_many", limit=MAX_FIELDS)
    with conflict(
        "fields_key", "label", N_("A field with the name {key} is there already. Choose another."), key=key
    ):
        field_id: int = await tx.value(
            "INSERT INTO fields (account_id, key, label, type) VALUES ($1, $2, $3, $4) RETURNING id",
            key,
            new.label,
            new.type,
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


def _need_allowed_name(name: str, *, at: str = "label") -> None:
    """A-025, A-027: a field that asks for what may not be kept is not made."""
    if kind := forbidden_data.of_name(name) or forbidden_data.of_value(name):
        raise fault(at, forbidden_data.NAME_REFUSED[kind], code=kind)


async def used_by(tx: AccountTx, key: str) -> int:
    """How many contacts have a value in this field."""
    count: int = await tx.value("SELECT count(*) FROM contacts WHERE account_id = $1 AND fields ? $2", key)
    return count


async def delete(tx: AccountTx, field_id: int) -> int:
    """Takes the field and its values away. Returns how many contacts had one. Raises NotFound."""
    field = await show(tx, field_id)
    await tx.run("DELETE FROM fields WHERE account_id = $1 AND id = $2", field_id)
    cleared = await tx.run(
        """
        UPDATE contacts
        SET fields = fields - $2, updated_at = now()
        WHERE account_id = $1 AND fields ? $2
        """,
        field.key,
    )
    await audit.write(tx, "deleted", "field", field_id, count=cleared)
    return cleared


def values(known: list[Field], given: Mapping[str, object]) -> dict[str, Value | None]:
    """Input of a form (texts) or of JSON (typed) → values by key; None takes a value away.

    Raises Invalid with every fault, each at `fields.<key>`. Names outside the account's fields are refused
    (E-10).
    """
    types = {field.key: field.type for field in known}
    found: dict[str, Value | None] = {}
    faults = []
    for key, value in given.items():
        if key not in types:
            faults.append(Fault(f"fields.{key}", N_("This field is not known."), "unknown_field"))
            continue
        try:
            found[key] = _value(value, types[key])
            if kind := forbidden_data.of_value(field_values.write(found[key]), name=key):
                faults.append(Fault(f"fields.{key}", forbidden_data.VALUE_REFUSED[kind], kind))
        except ValueFault as error:
            faults.append(Fault(f"fields.{key}", error.message, error.code))
    if faults:
        raise Invalid(*faults)
    return found


def _value(value: object, kind: FieldType) -> Value | None:
    match value:
        case None:
            return None
        case bool():
            text = "true" if value else "false"
        case int() | float():
            text = field_values.write(value)
        case list():
            if kind is not FieldType.LIST or not all(isinstance(item, str) for item in value):
                raise ValueFault("type", N_("This must be text."))
            text = field_values.write([str(item) for item in value])
        case _:
            text = trim(str(value))
    return field_values.read(text, kind) if text else None
