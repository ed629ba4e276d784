"""Starting an import: its statement and options are checked, then its file; and what was counted is run."""

from collections.abc import Sequence
from datetime import timedelta

from lists import fields, import_columns, import_tags, legal_bases, mailing_lists, merge
from lists.csv_mapping import BUILT_IN
from lists.fields import NewField
from lists.imports import (
    FIELDS_CHANGED,
    LEAVING,
    LIST_GONE,
    Choices,
    Column,
    Mode,
    State,
    need_open,
    show,
)
from lists.legal_bases import FUTURE
from lists.mailing_lists import NewMailingList
from mailer.accounts import agreements, audit
from mailer.core import clock, work
from mailer.core.db import AccountTx
from mailer.core.errors import Conflict, Fault, Invalid
from mailer.core.text import N_

NO_LIST = N_("Choose a list, or write the name of a new one.")
NO_LIST_LEFT = N_("Choose the lists that these contacts leave.")
NEW_LIST = N_("Nobody is on a new list yet. Leave its name empty.")
NO_SUCH_LIST = N_("This list does not exist any more. Choose another.")
LIST_TAKEN = N_("A list is already called “{name}”. Choose another name.")
NO_BASIS = N_(
    "Say where these contacts come from and on what basis you write to them. Without it they cannot be"
    " sent anything."
)
NO_SOURCE = N_("Write where these addresses were collected.")
NO_STATEMENT = N_("Write the name of the person who makes this statement.")
DATES = N_("The first day is after the last. Swap them.")


async def check_choices(tx: AccountTx, choices: Choices) -> None:
    """Raises Invalid with every fault."""
    faults = []
    leaving = choices.mode in LEAVING
    if leaving and choices.new_list:
        faults.append(Fault("new_list", NEW_LIST, "no_new_list"))
    elif not choices.list_ids and not choices.new_list and choices.mode in (Mode.ADD, Mode.ADD_AND_UPDATE):
        faults.append(Fault("list_ids", NO_LIST, "missing"))
    elif not choices.list_ids and choices.mode == Mode.REMOVE:
        faults.append(Fault("list_ids", NO_LIST_LEFT, "missing"))
    if await _alive(tx, choices.list_ids) != len(set(choices.list_ids)):
        faults.append(Fault("list_ids", NO_SUCH_LIST, "no_such_list"))
    if choices.new_list and await _list_named(tx, choices.new_list) is not None:
        faults.append(Fault("new_list", LIST_TAKEN, "conflict", {"name": choices.new_list}))
    for name, message in (
        ("legal_basis", NO_BASIS),
        ("source", NO_SOURCE),
        ("attested_by", NO_STATEMENT),
    ):
        # of those who come in; to let somebody go no statement is asked for
        if not leaving and not getattr(choices, name):
            faults.append(Fault(name, message, "missing"))
    faults += await import_tags.faults(tx, choices)
    # nor is it looked at when it was filled in before the mode was changed
    if not leaving:
        faults += _evidence_faults(choices)
    if faults:
        raise Invalid(*faults)


def _evidence_faults(choices: Choices) -> list[Fault]:
    faults = legal_bases.faults(choices.legal_basis, choices)
    first, last = choices.collected_from, choices.collected_to
    if first and last and first > last:
        faults.append(Fault("collected_to", DATES, "dates"))
    # a day later than anywhere on earth
    for name, day in (("collected_from", first), ("collected_to", last)):
        if day and day > (clock.now() + timedelta(hours=14)).date():
            faults.append(Fault(name, FUTURE, "future"))
    return faults


async def _alive(tx: AccountTx, list_ids: Sequence[int]) -> int:
    found: int = await tx.value(
        """
        SELECT count(*) FROM mailing_lists
        WHERE account_id = $1 AND id = ANY ($2::bigint[]) AND deleted_at IS NULL
        """,
        list(set(list_ids)),
    )
    return found


async def _list_named(tx: AccountTx, name: str) -> int | None:
    found: int | None = await tx.value(
        "SELECT id FROM mailing_lists WHERE account_id = $1 AND name = $2 AND deleted_at IS NULL", name
    )
    return found


async def check(tx: AccountTx, import_id: int, choices: Choices, *, dry_run: bool = True) -> None:
    """Starts reading and counting; nothing reaches `contacts`. `dry_run` false: imports once counted."""
    job = await show(tx, import_id)
    need_open(job)
    if not job.mapping:
        raise Conflict(Fault("mapping", N_("First say where the columns go."), "state"))
    await agreements.require(tx)
    await check_choices(tx, choices)
    options = choices.model_dump(mode="json", include=set(Choices.model_fields)) | {"dry_run": dry_run}
    await tx.run(
        """
        UPDATE imports
        SET state = 'checking', options = $3, legal_basis = $4, origin = $5, collected_from = $6,
            collected_to = $7, attested_by = $8, attested_at = now(), attempt = attempt + 1,
            bytes_read = first_offset, lines_read = first_line, rows_read = 0, merged_to_line = 0,
            counts = '{}', examples = '{}', guard = '{}', failure = '', rejects_file_id = NULL,
            resumed_at_line = NULL,
            started_at = now()
        WHERE account_id = $1 AND id = $2
        """,
        import_id,
        options,
        choices.legal_basis,
        choices.source,
        choices.collected_from,
        choices.collected_to,
        choices.attested_by,
    )
    await work.add(tx, "lists.check_import", import_id)
    await audit.write(tx, "checked", "import", import_id)


NOT_CHECKED = N_("Count this import first, then import it.")


async def run(tx: AccountTx, import_id: int) -> None:
    """Starts the import that was counted: makes its fields and its list. Raises Conflict."""
    job = await show(tx, import_id)
    if job.state in (State.RUNNING, State.DONE):
        return  # pressed twice
    if job.state != State.CHECKED:
        raise Conflict(Fault("state", NOT_CHECKED, "state", {"state": str(job.state)}))
    await agreements.require(tx)
    await merge.lock(tx)
    if job.choices.mode not in LEAVING:
        await _make_fields(tx, job.columns)
    choices = job.choices
    if await _alive(tx, choices.list_ids) != len(set(choices.list_ids)):
        raise Conflict(Fault("list_ids", LIST_GONE, "no_such_list"))
    list_ids = list(dict.fromkeys(choices.list_ids))
    if choices.new_list:
        list_ids = list(dict.fromkeys([*list_ids, await _list_id(tx, choices.new_list)]))
    started = await tx.run(
        """
        UPDATE imports
        SET state = 'running', options = $3, attempt = attempt + 1, merged_to_line = 0,
            counts = counts - '{created,updated,unsubscribed,removed,unchanged,refused,set_aside}'::text[],
            resumed_at_line = NULL, started_at = now()
        WHERE account_id = $1 AND id = $2 AND state = 'checked' AND attempt = $4
        """,
        import_id,
        job.options
        | {"list_ids": list_ids, "new_list": "", "tag_ids": await import_tags.make(tx, choices.tags)},
        job.attempt,
    )
    if not started:
        raise Conflict(Fault("state", NOT_CHECKED, "state"))
    await work.add(tx, "lists.run_import", import_id)
    await audit.write(tx, "started", "import", import_id)


async def _make_fields(tx: AccountTx, columns: Sequence[Column]) -> None:
    """New ones are made; all must have the types that the rows were checked with."""
    known = await import_columns.field_guesses(tx)
    options = {field.key: set(field.options) for field in await fields.many(tx)}
    for column in columns:
        if not column.target or column.target in BUILT_IN:
            continue
        if column.target not in known and column.new:
            await fields.create(tx, NewField(key=column.target, label=column.label, type=column.type))
        elif (
            column.target not in known
            or known[column.target][1] != column.type
            or not options[column.target].issuperset(column.options)
        ):
            raise Conflict(Fault("mapping", FIELDS_CHANGED, "fields_changed"))


async def _list_id(tx: AccountTx, name: str) -> int:
    """The list of this name, made when it is not there: two imports may name the same new one."""
    found = await _list_named(tx, name)
    return found or (await mailing_lists.create(tx, NewMailingList(name=name))).id
