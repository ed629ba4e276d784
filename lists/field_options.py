"""Options of a choice: what people read, and what values hold: templates, exports and programs read words.

Renaming one therefore renames it in the values as well (`field_changes`).
"""

from collections.abc import Sequence
from typing import Annotated

from pydantic import BeforeValidator
from pydantic import Field as Limits

from lists import field_changes, fields
from lists.field_changes import Act, FieldChanged
from lists.field_values import CHOOSING
from lists.fields import MAX_OPTIONS, OPTION_TAKEN, Field, Option, option_lines
from mailer.accounts import audit
from mailer.core.db import AccountTx
from mailer.core.errors import NotFound, fault
from mailer.core.text import N_
from mailer.web.request import Input

LAST = N_("A choice needs an option. Delete the field, or add another option first.")


class NewOptions(Input):
    """Options to add behind those that are there."""

    options: Annotated[
        list[Option], BeforeValidator(option_lines), Limits(min_length=1, max_length=MAX_OPTIONS)
    ]


class OptionChange(Input):
    """The option as it is, and as it shall be."""

    option: Option
    label: Option


class OptionNamed(Input):
    option: Option


async def add(tx: AccountTx, field_id: int, new: NewOptions) -> Field:
    """Raises NotFound, Invalid at `options`."""
    field = await _locked(tx, field_id)
    fields.check_options([*field.options, *new.options])
    return await _store(tx, field, [*field.options, *new.options])


async def used_by(tx: AccountTx, key: str, option: str) -> int:
    """How many contacts have this option. Looks at all contacts."""
    count: int = await tx.value(
        "SELECT count(*) FROM contacts WHERE account_id = $1 AND fields -> $2 ? $3", key, option
    )
    return count


async def rename(tx: AccountTx, field_id: int, change: OptionChange) -> FieldChanged:
    """In the field at once, in the values as fast as it goes. Raises NotFound, Invalid, Conflict."""
    field = await _with(tx, field_id, change.option)
    renamed = [change.label if one == change.option else one for one in field.options]
    if change.label.casefold() in {one.casefold() for one in field.options if one != change.option}:
        raise fault("label", OPTION_TAKEN, code="conflict", option=change.label)
    fields.check_options(renamed, at="label")
    await _store(tx, field, renamed)
    total = await used_by(tx, field.key, change.option)
    return await field_changes.start(
        tx, field.key, Act.RENAME_OPTION, option=(change.option, change.label), total=total
    )


async def delete(tx: AccountTx, field_id: int, named: OptionNamed) -> FieldChanged:
    """Contacts that have it lose it. Raises NotFound, Invalid for the last one, Conflict."""
    field = await _with(tx, field_id, named.option)
    kept = [one for one in field.options if one != named.option]
    if not kept:
        raise fault("option", LAST, code="last")
    await _store(tx, field, kept)
    total = await used_by(tx, field.key, named.option)
    return await field_changes.start(tx, field.key, Act.DELETE_OPTION, option=(named.option, ""), total=total)


async def _with(tx: AccountTx, field_id: int, option: str) -> Field:
    await field_changes.need_no_import(tx)
    field = await _locked(tx, field_id)
    if option not in field.options:
        raise NotFound
    return field


async def _locked(tx: AccountTx, field_id: int) -> Field:
    """Two people who change options at once do so one after the other."""
    await tx.value("SELECT id FROM fields WHERE account_id = $1 AND id = $2 FOR UPDATE", field_id)
    field = await fields.show(tx, field_id)
    if field.type not in CHOOSING:
        raise NotFound
    return field


async def _store(tx: AccountTx, field: Field, options: Sequence[str]) -> Field:
    await tx.run("UPDATE fields SET options = $3 WHERE account_id = $1 AND id = $2", field.id, list(options))
    await audit.write(tx, "changed", "field", field.id)
    return await fields.show(tx, field.id)
