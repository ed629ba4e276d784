"""Segments: people by rule, always as things are now. They narrow an audience and authorise nobody (S4).

rule ─ estimate ─▶ a number at once: exact for a small account, else from a sample of 1 %
     └ ask_count ─▶ job "lists.count_segment": ranges of contacts, place and sum saved with each
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Annotated, Any

from pydantic import StringConstraints

from lists import segment_known, segment_sql
from lists.segment_known import Known
from lists.segment_sql import Person
from lists.segment_tree import Tree
from mailer.accounts import audit
from mailer.core import work
from mailer.core.db import AccountTx
from mailer.core.errors import Conflict, Fault, Invalid, NotFound, conflict
from mailer.core.paging import Page, decode, page
from mailer.core.text import N_
from mailer.web.request import Input

JOB = "lists.count_segment"
STEP = 50_000
COUNT_STEP = 1_000_000  # nothing is written: a few seconds, and parallel workers read each table once
SMALL = 20_000  # counted exactly at once
EXAMPLES = 10
MAX_SEGMENTS = 1000
Name = Annotated[str, StringConstraints(min_length=1, max_length=120)]
TAKEN = N_("A segment with the name “{name}” is there already. Choose another.")
IN_USE = N_("This segment is used by: {names}. Take it out there first.")


class NewSegment(Input):
    name: Name
    tree: Tree


class SegmentChange(Input):
    """What is None stays. `version`: refuses with 409 when somebody changed the segment since it was read."""

    name: Name | None = None
    tree: Tree | None = None
    version: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """`contacts`: the exact number at `counted_at`, of the rule as it was then. `counting`: a task counts."""

    id: int
    name: str
    tree: dict[str, Any]
    version: int
    contacts: int | None
    counted_at: datetime | None
    current: bool
    counting: bool
    created_at: datetime
    updated_at: datetime

    @property
    def rule(self) -> Tree:
        """As it was saved: limits that came later are not asked for again."""
        return Tree.model_validate(self.tree)


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """`exact`: nothing was left out. Otherwise ± `margin` in 19 cases of 20; `people` are some of them."""

    contacts: int
    exact: bool
    margin: int
    people: Sequence[Person]


@dataclass(frozen=True, slots=True)
class Use:
    """A campaign that goes to a segment or leaves it out."""

    segment_id: int
    campaign_id: int
    name: str
    status: str


async def create(tx: AccountTx, new: NewSegment) -> Segment:
    """Raises Invalid at the tree's places, and Conflict at `name`."""
    await _check(tx, new.tree)
    number: int = await tx.value("SELECT count(*) FROM segments WHERE account_id = $1 AND deleted_at IS NULL")
    if number >= MAX_SEGMENTS:
        message = N_("An account has at most {limit} segments.")
        raise Invalid(Fault("name", message, "too_many", {"limit": MAX_SEGMENTS}))
    with conflict("segments_name", "name", TAKEN, name=new.name):
        segment_id: int = await tx.value(
            """
            INSERT INTO segments (account_id, name, tree, created_by)
            VALUES ($1, $2, $3, $4)
            RETURNING id
            """,
            new.name,
            new.tree.model_dump(mode="json"),
            tx.actor.id if tx.actor.kind == "user" else None,
        )
    await audit.write(tx, "created", "segment", segment_id)
    await ask_count(tx, segment_id)
    return await show(tx, segment_id)


async def change(tx: AccountTx, segment_id: int, change: SegmentChange) -> Segment:
    """Raises NotFound, Invalid at the tree's places, and Conflict at `name` or `version`."""
    if change.tree is not None:
        await _check(tx, change.tree)
    with conflict("segments_name", "name", TAKEN, name=change.name):
        changed = await tx.run(
            """
            UPDATE segments
            SET name = coalesce($3, name), tree = coalesce($4, tree), version = version + 1,
                counted_version = CASE WHEN $4::jsonb IS NULL AND counted_version = version THEN version + 1
                                       ELSE counted_version END,
                updated_at = now()
            WHERE account_id = $1 AND id = $2 AND deleted_at IS NULL AND version = coalesce($5, version)
            """,
            segment_id,
            change.name,
            None if change.tree is None else change.tree.model_dump(mode="json"),
            change.version,
        )
    found = await show(tx, segment_id)
    if not changed:
        message = N_("Somebody changed this segment meanwhile. Look at it again, then save.")
        raise Conflict(Fault("version", message, "version"))
    await audit.write(tx, "changed", "segment", segment_id)
    if change.tree is None:
        return found
    await ask_count(tx, segment_id)
    return await show(tx, segment_id)


async def _check(tx: AccountTx, tree: Tree) -> None:
    faults = segment_known.faults(tree, await segment_known.load(tx, tree))
    if faults:
        raise Invalid(*in_tree(faults))


def in_tree(faults: Sequence[Fault]) -> list[Fault]:
    """As a body names its places: tree.rules.0.value."""
    return [replace(one, field=f"tree.{one.field}") for one in faults]


async def show(tx: AccountTx, segment_id: int) -> Segment:
    """Raises NotFound, also for one that was deleted."""
    return await tx.one(
        Segment,
        """
        SELECT id, name, tree, version, contacts, counted_at,
               coalesce(counted_version = version, false) AS current, count_version IS NOT NULL AS counting,
               created_at, updated_at
        FROM segments
        WHERE account_id = $1 AND id = $2 AND deleted_at IS NULL
        """,
        segment_id,
    )


async def many(tx: AccountTx, *, cursor: str | None = None, limit: int = 50) -> Page[Segment]:
    """By name."""
    after = decode(cursor, (str,))
    found = await tx.many(
        Segment,
        """
        SELECT id, name, tree, version, contacts, counted_at,
               coalesce(counted_version = version, false) AS current, count_version IS NOT NULL AS counting,
               created_at, updated_at
        FROM segments
        WHERE account_id = $1 AND deleted_at IS NULL AND ($2::text IS NULL OR name > $2)
        ORDER BY name
        LIMIT $3
        """,
        after[0] if after else None,
        limit + 1,
    )
    return page(found, limit, key=lambda one: (one.name,))


async def names(tx: AccountTx) -> list[tuple[int, str]]:
    """For selects: id and name, by name."""
    rows = await tx.rows(
        "SELECT id, name FROM segments WHERE account_id = $1 AND deleted_at IS NULL ORDER BY name"
    )
    return [(segment_id, name) for segment_id, name in rows]


async def uses(tx: AccountTx, segment_ids: Sequence[int]) -> list[Use]:
    """Campaigns that are not over, the newest first."""
    return await tx.many(
        Use,
        """
        SELECT s.segment_id, c.id AS campaign_id, c.name, c.status
        FROM campaign_segments s
        JOIN campaigns c ON c.account_id = $1 AND c.id = s.campaign_id
        WHERE s.account_id = $1 AND s.segment_id = ANY ($2::bigint[])
          AND c.status NOT IN ('sent', 'cancelled')
        ORDER BY c.id DESC
        """,
        list(segment_ids),
    )


async def delete(tx: AccountTx, segment_id: int) -> None:
    """Raises NotFound, and Conflict at `segment` with the campaigns that use it."""
    # locked, so that a campaign that chooses it meanwhile waits, and then does not find it
    if not await tx.value(
        "SELECT 1 FROM segments WHERE account_id = $1 AND id = $2 AND deleted_at IS NULL FOR UPDATE",
        segment_id,
    ):
        raise NotFound
    used = await uses(tx, [segment_id])
    if used:
        names = ", ".join(f"“{one.name}”" for one in used[:5]) + (" …" if len(used) > 5 else "")
        raise Conflict(Fault("segment", IN_USE, "in_use", {"names": names}))
    await tx.run(
        """
        UPDATE segments
        SET deleted_at = now(), count_version = NULL
        WHERE account_id = $1 AND id = $2
        """,
        segment_id,
    )
    await audit.write(tx, "deleted", "segment", segment_id)


async def is_small(tx: AccountTx) -> bool:
    """Few enough contacts to look at each of them while a page waits."""
    n: int = await tx.value(
        "SELECT count(*) FROM (SELECT FROM contacts WHERE account_id = $1 LIMIT $2) AS first", SMALL + 1
    )
    return n <= SMALL


async def estimate(tx: AccountTx, tree: Tree, known: Known) -> Estimate:
    """A number at once, and some of the people. The tree has no faults."""
    small = await is_small(tx)
    shown = await segment_sql.people(tx, tree, known, sampled=not small, limit=EXAMPLES)
    if small:
        return Estimate(contacts=await segment_sql.count(tx, tree, known), exact=True, margin=0, people=shown)
    found = await segment_sql.count_sample(tx, tree, known)
    # of a sample of 1 in 100, the number found varies by about its square root; "none" means few
    margin = round(2 * segment_sql.ONE_IN * max(found, 1) ** 0.5)
    return Estimate(contacts=found * segment_sql.ONE_IN, exact=False, margin=margin, people=shown)


async def ask_count(tx: AccountTx, segment_id: int) -> None:
    """Counts a small account's segment now, and a larger one's as a task. Raises NotFound."""
    started = await tx.run(
        """
        UPDATE segments
        SET count_version = version, count_position = 0, count_found = 0
        WHERE account_id = $1 AND id = $2 AND deleted_at IS NULL
        """,
        segment_id,
    )
    if not started:
        raise NotFound
    if not await is_small(tx):
        await work.add(tx, JOB, segment_id)
        return
    while not await count_on(tx, segment_id):
        pass


@dataclass(frozen=True, slots=True, kw_only=True)
class _Count:
    tree: dict[str, Any]
    version: int
    count_version: int
    count_position: int
    count_found: int


async def count_on(tx: AccountTx, segment_id: int) -> bool:
    """The next range of contacts; True when the number is there, or nobody wants it any more."""
    at = await tx.first(
        _Count,
        """
        SELECT tree, version, count_version, count_position, count_found
        FROM segments
        WHERE account_id = $1 AND id = $2 AND deleted_at IS NULL AND count_version IS NOT NULL
        FOR NO KEY UPDATE
        """,
        segment_id,
    )
    if at is None:
        return True
    tree = Tree.model_validate(at.tree)
    known = await segment_known.load(tx, tree)
    if segment_known.faults(tree, known):
        await tx.run("UPDATE segments SET count_version = NULL WHERE account_id = $1 AND id = $2", segment_id)
        return True
    # the rule changed meanwhile: from the beginning
    position, found = (at.count_position, at.count_found) if at.count_version == at.version else (0, 0)
    last = await next_range(tx, after=position, size=COUNT_STEP)
    if last is None:
        await _counted(tx, segment_id, found)
        return True
    found += await segment_sql.count(tx, tree, known, after=position, last=last)
    await tx.run(
        """
        UPDATE segments
        SET count_version = version, count_position = $3, count_found = $4
        WHERE account_id = $1 AND id = $2
        """,
        segment_id,
        last,
        found,
    )
    return False


async def next_range(tx: AccountTx, *, after: int, size: int = STEP) -> int | None:
    """The last of the next `size` contacts behind contact `after`; None: there are no more."""
    last: int | None = await tx.value(
        """
        SELECT max(id)
        FROM (SELECT id FROM contacts WHERE account_id = $1 AND id > $2 ORDER BY id LIMIT $3) AS next
        """,
        after,
        size,
    )
    return last


async def _counted(tx: AccountTx, segment_id: int, contacts: int) -> None:
    await tx.run(
        """
        UPDATE segments
        SET contacts = $3, counted_at = now(), counted_version = version, count_version = NULL,
            count_position = 0, count_found = 0
        WHERE account_id = $1 AND id = $2
        """,
        segment_id,
        contacts,
    )
