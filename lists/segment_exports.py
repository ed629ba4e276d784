"""A segment's people as a selection that an export holds: who is in it at the moment of asking (A-013)."""

from lists import segment_known, segment_sql, segments, selections
from lists.contact_search import Filter
from mailer.core.db import AccountTx
from mailer.core.errors import Fault, Invalid, NotFound
from mailer.core.text import N_


async def freeze(tx: AccountTx, segment_id: int) -> int:
    """The selection's id. Raises Invalid at `segment_id`: there is none, it is broken, nobody is in it."""
    try:
        tree = (await segments.show(tx, segment_id)).rule
    except NotFound:
        raise _invalid(N_("There is no such segment."), "unknown_segment") from None
    known = await segment_known.load(tx, tree)
    if segment_known.faults(tree, known):
        raise _invalid(N_("This segment speaks of something that was deleted. Correct it first."), "broken")
    selection_id = await selections.begin(tx, "export", wanted=Filter())
    size, last = 0, 0
    # range by range: what one costs does not hang on the size of the account (segment_sql)
    while (end := await segments.next_range(tx, after=last)) is not None:
        size += await segment_sql.freeze(tx, tree, known, selection_id, after=last, last=end)
        last = end
    if not size:
        raise _invalid(N_("Nobody is in this segment now."), "empty")
    await selections.frozen(tx, selection_id, size)
    return selection_id


def _invalid(message: str, code: str) -> Invalid:
    return Invalid(Fault("segment_id", message, code))
