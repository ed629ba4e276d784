"""The segments that narrow a campaign's audience or are left out of it (S4).

A segment's people are written down for the campaign, range by range of contacts, and the view `audience`
joins them. So counting reads what freezing reads, and each says why somebody is left out.

    draft:        settle ─▶ a small account: at once; a larger one: job "sending.mark_segments"
    preparation:  mark, in the transaction that freezes the same range
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from lists import segment_known, segment_sql, segments
from lists.segment_sql import Place
from lists.segment_tree import Tree
from mailer.core import clock, work
from mailer.core.db import AccountTx
from mailer.core.errors import fault
from mailer.core.jobs import again
from mailer.core.services import Services
from mailer.core.text import N_
from mailer.core.work import Task

JOB = "sending.mark_segments"
TURN_SECONDS = 20.0
# how old a draft's figures may be: looking again costs a small account nothing, a large one some seconds
FRESH = timedelta(minutes=1)
FRESH_LARGE = timedelta(hours=1)


class Broken(Exception):
    """A segment of the campaign cannot be used: something that it speaks of was deleted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentUse:
    """A segment that a campaign includes or excludes."""

    segment_id: int
    name: str
    use: str
    position: int
    tree: dict[str, Any]
    updated_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class _State:
    status: str
    segments_position: int
    segments_at: datetime | None


async def many(tx: AccountTx, campaign_id: int) -> list[SegmentUse]:
    """In the campaign's order."""
    return await tx.many(
        SegmentUse,
        """
        SELECT u.segment_id, s.name, u.use, u.position, s.tree, s.updated_at
        FROM campaign_segments u
        JOIN segments s ON s.account_id = u.account_id AND s.id = u.segment_id
        WHERE u.account_id = $1 AND u.campaign_id = $2
        ORDER BY u.position, u.segment_id
        """,
        campaign_id,
    )


async def choose(tx: AccountTx, campaign_id: int, *, include: Sequence[int], exclude: Sequence[int]) -> None:
    """For a draft, after its lists were chosen in the same transaction (`campaign_lists.choose`).

    Raises Invalid for a segment of nobody's, or in both.
    """
    if set(include) & set(exclude):
        message = N_("A segment is both included and excluded. Choose one.")
        raise fault("exclude_segments", message, code="both")
    ids = list(dict.fromkeys([*include, *exclude]))
    # locked, so that none is deleted meanwhile
    known = await tx.rows(
        """
        SELECT id
        FROM segments
        WHERE account_id = $1 AND id = ANY ($2::bigint[]) AND deleted_at IS NULL
        FOR KEY SHARE
        """,
        ids,
    )
    if len(known) != len(ids):
        message = N_("One of these segments does not exist any more. Choose again.")
        raise fault("include_segments", message, code="unknown")
    before = [(one.segment_id, one.use) for one in await many(tx, campaign_id)]
    after = [(one, "exclude" if one in exclude else "include") for one in ids]
    if before == after:
        return
    await tx.run("DELETE FROM campaign_segments WHERE account_id = $1 AND campaign_id = $2", campaign_id)
    await tx.run(
        """
        INSERT INTO campaign_segments (account_id, campaign_id, segment_id, use, position)
        SELECT $1, $2, segment_id, use, n
        FROM unnest($3::bigint[], $4::text[]) WITH ORDINALITY AS given (segment_id, use, n)
        """,
        campaign_id,
        [one for one, _ in after],
        [use for _, use in after],
    )
    await _from_the_beginning(tx, campaign_id)


async def settle(tx: AccountTx, campaign_id: int) -> bool:
    """Has a draft's segments looked at anew when that is long ago. True: its figures can be read."""
    state = await _state(tx, campaign_id)
    used = await many(tx, campaign_id)
    if state is None or state.status != "draft" or not used:
        return True
    if await broken(tx, used):
        return False
    small = await segments.is_small(tx)
    oldest = max(clock.now() - (FRESH if small else FRESH_LARGE), *(one.updated_at for one in used))
    if state.segments_at is not None and state.segments_at >= oldest:
        return True
    if state.segments_at is not None:
        await _from_the_beginning(tx, campaign_id)
    if not small:
        await work.add(tx, JOB, campaign_id)
        return False
    while not await mark_on(tx, campaign_id):
        pass
    return True


async def broken(tx: AccountTx, used: Sequence[SegmentUse]) -> list[str]:
    """Names of the segments that cannot be used."""
    trees = [Tree.model_validate(one.tree) for one in used]
    known = await segment_known.load(tx, *trees)
    pairs = zip(used, trees, strict=True)
    return [one.name for one, tree in pairs if segment_known.faults(tree, known)]


async def mark(tx: AccountTx, campaign_id: int, *, after: int, last: int) -> None:
    """Who of the contacts in this range is in which segment, as of now. Raises Broken."""
    used = await many(tx, campaign_id)
    if not used:
        return
    trees = [Tree.model_validate(one.tree) for one in used]
    known = await segment_known.load(tx, *trees)
    if any(segment_known.faults(tree, known) for tree in trees):
        raise Broken
    await tx.run(
        """
        DELETE FROM segment_members
        WHERE account_id = $1 AND campaign_id = $2 AND contact_id > $3 AND contact_id <= $4
        """,
        campaign_id,
        after,
        last,
    )
    for one, tree in zip(used, trees, strict=True):
        place = Place(campaign_id=campaign_id, segment_id=one.segment_id, after=after, last=last)
        await segment_sql.write_members(tx, tree, known, place)
        if one.use == "exclude":
            await segment_sql.write_objectors(tx, place)


async def mark_on(tx: AccountTx, campaign_id: int) -> bool:
    """The next range of a draft; True when all are done, or nobody waits for it any more."""
    state = await _state(tx, campaign_id)
    if state is None or state.status != "draft" or state.segments_at is not None:
        return True
    last = await segments.next_range(tx, after=state.segments_position)
    if last is not None:
        try:
            await mark(tx, campaign_id, after=state.segments_position, last=last)
        except Broken:
            return True
    await tx.run(
        """
        UPDATE campaigns
        SET segments_position = coalesce($3, segments_position),
            segments_at = CASE WHEN $3::bigint IS NULL THEN now() END
        WHERE account_id = $1 AND id = $2
        """,
        campaign_id,
        last,
    )
    return last is None


async def mark_segments(services: Services, task: Task) -> datetime | None:
    """The job: `ref_id` is the campaign. Each range with its place in one transaction."""
    until = time.monotonic() + TURN_SECONDS
    while time.monotonic() < until:
        async with services.db.account(task.account_id) as tx:
            if await mark_on(tx, task.ref_id):
                return None
    return again()


async def _state(tx: AccountTx, campaign_id: int) -> _State | None:
    return await tx.first(
        _State,
        """
        SELECT status, segments_position, segments_at
        FROM campaigns
        WHERE account_id = $1 AND id = $2
        FOR NO KEY UPDATE
        """,
        campaign_id,
    )


async def _from_the_beginning(tx: AccountTx, campaign_id: int) -> None:
    await tx.run(
        """
        UPDATE campaigns
        SET segments_position = 0, segments_at = NULL
        WHERE account_id = $1 AND id = $2
        """,
        campaign_id,
    )


async def copy(tx: AccountTx, campaign_id: int, *, to: int) -> None:
    """The segments of one campaign for another draft, less those that were deleted."""
    await tx.run(
        """
        INSERT INTO campaign_segments (account_id, campaign_id, segment_id, use, position)
        SELECT u.account_id, $3, u.segment_id, u.use, u.position
        FROM campaign_segments u
        JOIN segments s ON s.account_id = u.account_id AND s.id = u.segment_id
        WHERE u.account_id = $1 AND u.campaign_id = $2 AND s.deleted_at IS NULL
        """,
        campaign_id,
        to,
    )


async def drop(tx: AccountTx, campaign_id: int) -> None:
    """No segment any more."""
    await tx.run("DELETE FROM campaign_segments WHERE account_id = $1 AND campaign_id = $2", campaign_id)
