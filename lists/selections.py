"""Bulk actions on frozen contacts: what is confirmed is what happens, never a filter read again (ui 2.3).

    freeze ─▶ frozen ─▶ confirm ─▶ done                up to 1,000 contacts at once
                              └──▶ running ─▶ done     more: job "lists.act_on_selection", 1,000 a transaction

There is no bulk "subscribe again": adding respects every refusal.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Annotated, Any, Literal

from pydantic import Field

from lists import contact_search, contacts, legal_bases, mailing_lists, subscriptions, tags
from lists.consents import Evidence, method_of
from lists.contact_search import Filter
from lists.contacts import NEEDS_BASIS, NEEDS_SOURCE, Id
from lists.legal_bases import BasisEvidence, LegalBasis
from lists.tags import MaybeTag
from mailer.accounts import audit
from mailer.core import work
from mailer.core.db import AccountTx
from mailer.core.errors import Fault, Invalid, NotFound
from mailer.core.text import N_
from mailer.web.request import Input

JOB = "lists.act_on_selection"
STEP = 1000
TYPED_FROM = 100  # ui 3.5: from here the number has to be written
MAX = 1_000_000
# "export": the frozen contacts are what an export holds (`exports.ask`); there is nothing to confirm
Action = Literal["delete", "unsubscribe", "add", "remove", "tag", "untag", "export"]


class Wish(Input):
    """What the table sends. `all`: the whole filter, less what was `shown` and is no longer in `ids`."""

    action: Action
    ids: list[Id] = []
    shown: list[Id] = []
    all: bool = False
    q: Annotated[str, Field(max_length=320)] = ""
    list_id: Id | None = None
    status: contact_search.State = ""
    tag_id: Id | None = None


class Confirmation(BasisEvidence):
    """`list_id` None: everything (only for unsubscribing). `typed`: the number, from 100 contacts on.

    `tag`: the name of one to put on, made on the way; `tag_id`: one to take off.
    """

    list_id: Id | None = None
    tag: MaybeTag = ""
    tag_id: Id | None = None
    legal_basis: LegalBasis | Literal[""] = ""
    source: Annotated[str, Field(max_length=500)] = ""
    typed: Annotated[str, Field(max_length=40)] = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """`changed`: contacts that really changed; `refused`: opt-outs that were respected."""

    id: int
    action: str
    state: str
    filter: dict[str, Any]
    list_id: int | None
    tag_id: int | None
    legal_basis: str
    source: str
    basis_date: date | None
    basis_about: str
    size: int
    changed: int
    refused: int
    position: int
    created_by: int | None
    created_at: datetime
    finished_at: datetime | None


async def freeze(tx: AccountTx, wish: Wish) -> int:
    """Returns the selection's id. Raises Invalid at `ids` when nothing is chosen."""
    wanted = Filter(q=wish.q, list_id=wish.list_id, status=wish.status, tag_id=wish.tag_id)
    if wish.all:
        without = set(wish.shown) - set(wish.ids)
        chosen = [one for one in await contact_search.ids(tx, wanted, limit=MAX) if one not in without]
    else:
        chosen = wish.ids
        wanted = Filter(list_id=wish.list_id, tag_id=wish.tag_id)
    return await freeze_ids(tx, wish.action, chosen, wanted=wanted)


async def freeze_ids(
    tx: AccountTx, action: Action, contact_ids: Sequence[int], *, wanted: Filter, list_id: int | None = None
) -> int:
    """The contacts among these ids that are there. Raises Invalid at `ids` when there are none."""
    selection_id = await begin(tx, action, wanted=wanted, list_id=list_id)
    size = await tx.run(
        """
        INSERT INTO selection_contacts (account_id, selection_id, contact_id)
        SELECT DISTINCT $1::bigint, $2::bigint, id
        FROM contacts
        WHERE account_id = $1 AND id = ANY($3::bigint[])
        """,
        selection_id,
        list(contact_ids),
    )
    if not size:
        raise Invalid(Fault("ids", N_("Choose at least one contact."), "empty"))
    await frozen(tx, selection_id, size)
    return selection_id


async def begin(tx: AccountTx, action: Action, *, wanted: Filter, list_id: int | None = None) -> int:
    """A selection that is still empty; what nobody confirmed since yesterday goes."""
    await tx.run(
        """
        DELETE FROM selections
        WHERE account_id = $1 AND state <> 'running' AND created_at < now() - interval '1 day'
        """
    )
    selection_id: int = await tx.value(
        """
        INSERT INTO selections (account_id, action, filter, list_id, created_by)
        VALUES ($1, $2, $3, $4, $5)
        RETURNING id
        """,
        action,
        wanted.model_dump(),
        list_id,
        tx.actor.id,
    )
    return selection_id


async def frozen(tx: AccountTx, selection_id: int, size: int) -> None:
    """So many are in it."""
    await tx.run("UPDATE selections SET size = $3 WHERE account_id = $1 AND id = $2", selection_id, size)


async def show(tx: AccountTx, selection_id: int) -> Selection:
    """Raises NotFound."""
    return await tx.one(
        Selection,
        """
        SELECT id, action, state, filter, list_id, tag_id, legal_basis, source, basis_date, basis_about, size,
               changed, refused, position, created_by, created_at, finished_at
        FROM selections
        WHERE account_id = $1 AND id = $2
        """,
        selection_id,
    )


async def sample(tx: AccountTx, selection_id: int, limit: int = 5) -> list[str]:
    """A few addresses, so that the page shows whom it is about."""
    found = await tx.rows(
        """
        SELECT c.email
        FROM selection_contacts sc
        JOIN contacts c ON c.account_id = $1 AND c.id = sc.contact_id
        WHERE sc.account_id = $1 AND sc.selection_id = $2
        ORDER BY sc.contact_id
        LIMIT $3
        """,
        selection_id,
        limit,
    )
    return [email for (email,) in found]


async def confirm(tx: AccountTx, selection_id: int, given: Confirmation) -> Selection:
    """Acts, or starts the job for more than 1,000. A second confirmation changes nothing.

    Raises Invalid at `typed`, `list_id`, `legal_basis`, `source`; NotFound.
    """
    selection = await show(tx, selection_id)
    if selection.state != "frozen" or selection.action == "export":
        return selection
    await _check(tx, selection, given)
    tag_id = given.tag_id
    if selection.action == "tag":
        tag_id = (await tags.named(tx, given.tag)).id
    started = await tx.run(
        """
        UPDATE selections
        SET state = 'running', list_id = $3, legal_basis = $4, source = $5, basis_date = $6, basis_about = $7,
            tag_id = $8
        WHERE account_id = $1 AND id = $2 AND state = 'frozen'
        """,
        selection_id,
        given.list_id,
        given.legal_basis,
        given.source,
        given.date_for(given.legal_basis),
        given.about_for(given.legal_basis),
        tag_id,
    )
    if not started:
        return await show(tx, selection_id)
    if selection.size > STEP:
        await work.add(tx, JOB, selection_id)
    else:
        await step(tx, selection_id)
    return await show(tx, selection_id)


async def _check(tx: AccountTx, selection: Selection, given: Confirmation) -> None:
    faults = []
    digits = "".join(filter(str.isdecimal, given.typed))
    dangerous = selection.action in ("delete", "unsubscribe") and selection.size >= TYPED_FROM
    if dangerous and digits != str(selection.size):
        message = N_("Write the number of contacts: {size}.")
        faults.append(Fault("typed", message, "typed", {"size": selection.size}))
    if given.list_id is None and selection.action in ("add", "remove"):
        faults.append(Fault("list_id", N_("Choose a list."), "missing"))
    if selection.action == "tag" and not given.tag:
        faults.append(Fault("tag", N_("Write the tag."), "missing"))
    if selection.action == "untag" and given.tag_id is None:
        faults.append(Fault("tag_id", N_("Choose a tag."), "missing"))
    if selection.action == "add" and not given.legal_basis:
        faults.append(Fault("legal_basis", NEEDS_BASIS, "missing"))
    if selection.action == "add" and not given.source:
        faults.append(Fault("source", NEEDS_SOURCE, "missing"))
    if selection.action == "add":
        faults += legal_bases.faults(given.legal_basis, given)
    if given.list_id is not None:
        try:
            await mailing_lists.show(tx, given.list_id)
        except NotFound:
            faults.append(Fault("list_id", N_("There is no such list."), "unknown_list"))
    if faults:
        raise Invalid(*faults)


async def step(tx: AccountTx, selection_id: int) -> bool:
    """The next 1,000 contacts; True when all are done. Position and change are committed together."""
    found = await tx.first(
        Selection,
        """
        SELECT id, action, state, filter, list_id, tag_id, legal_basis, source, basis_date, basis_about, size,
               changed, refused, position, created_by, created_at, finished_at
        FROM selections
        WHERE account_id = $1 AND id = $2 AND state = 'running'
        FOR UPDATE
        """,
        selection_id,
    )
    if found is None:
        return True
    rows = await tx.rows(
        """
        SELECT contact_id
        FROM selection_contacts
        WHERE account_id = $1 AND selection_id = $2 AND contact_id > $3
        ORDER BY contact_id
        LIMIT $4
        """,
        selection_id,
        found.position,
        STEP,
    )
    chosen = [row[0] for row in rows]
    changed, refused = await _act(tx, found, chosen)
    await tx.run(
        """
        UPDATE selections
        SET changed = changed + $3, refused = refused + $4, position = greatest(position, $5::bigint)
        WHERE account_id = $1 AND id = $2
        """,
        selection_id,
        changed,
        refused,
        max(chosen, default=0),
    )
    if len(chosen) == STEP:
        return False
    await _finish(tx, selection_id)
    return True


async def _act(tx: AccountTx, selection: Selection, chosen: Sequence[int]) -> tuple[int, int]:
    match selection.action:
        case "delete":
            return await contacts.delete(tx, chosen), 0
        case "unsubscribe":
            return await subscriptions.unsubscribe_contacts(tx, chosen, selection.list_id), 0
        case "tag":
            return await tags.put(tx, chosen, selection.tag_id or 0), 0
        case "untag":
            return await tags.take(tx, chosen, selection.tag_id or 0), 0
        case "remove":
            return await subscriptions.remove(tx, chosen, selection.list_id or 0), 0
    evidence = Evidence(
        method=method_of(tx),
        legal_basis=selection.legal_basis,
        source=selection.source,
        basis_date=selection.basis_date,
        basis_about=selection.basis_about,
        source_id=selection.id,
    )
    try:
        added = await subscriptions.add(tx, chosen, selection.list_id or 0, evidence=evidence)
    except NotFound:
        # the list was deleted meanwhile: there is nothing left to add to
        return 0, 0
    return added.added, added.refused


async def _finish(tx: AccountTx, selection_id: int) -> None:
    await tx.run(
        "UPDATE selections SET state = 'done', finished_at = now() WHERE account_id = $1 AND id = $2",
        selection_id,
    )
    await tx.run("DELETE FROM selection_contacts WHERE account_id = $1 AND selection_id = $2", selection_id)
    done = await show(tx, selection_id)
    verbs = {
        "delete": "deleted",
        "unsubscribe": "unsubscribed",
        "add": "subscribed",
        "remove": "removed",
        "tag": "tagged",
        "untag": "untagged",
    }
    await audit.write(tx, verbs[done.action], "selection", selection_id, count=done.changed)
