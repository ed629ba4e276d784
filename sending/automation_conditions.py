"""For whom of the people at a condition it holds, as things are now: a segment, a rule, a click."""

from collections.abc import Sequence

from lists import segment_known, segment_sql
from lists.segment_tree import Tree
from mailer.core.db import AccountTx
from sending.automation_mails import Traveller
from sending.automation_steps import Step


class Broken(Exception):
    """What the condition asks about was deleted."""


async def holds_for(tx: AccountTx, step: Step, people: Sequence[Traveller]) -> set[int]:
    """Contacts. Raises Broken."""
    if "clicked" in step.setting:
        return await _clicked(tx, int(step.setting["clicked"]), people)
    if "segment_id" in step.setting:
        rule = await tx.value(
            "SELECT tree FROM segments WHERE account_id = $1 AND id = $2 AND deleted_at IS NULL",
            int(step.setting["segment_id"]),
        )
        if rule is None:
            raise Broken
        tree = Tree.model_validate(rule)
    else:
        tree = step.rule
    return await among(tx, tree, [one.contact_id for one in people])


async def among(tx: AccountTx, tree: Tree, contact_ids: Sequence[int]) -> set[int]:
    """Who of these is in a segment. Raises Broken."""
    known = await segment_known.load(tx, tree)
    if segment_known.faults(tree, known):
        raise Broken
    return set(await segment_sql.among(tx, tree, known, contact_ids))


async def _clicked(tx: AccountTx, step_id: int, people: Sequence[Traveller]) -> set[int]:
    """Who clicked the mail of that step on this occasion: as a person, and still accepting the measure
    (B-31)."""
    rows = await tx.rows(
        """
        SELECT DISTINCT m.contact_id
        FROM unnest($3::bigint[], $4::text[]) AS g (contact_id, occasion)
        JOIN automation_mails m ON m.account_id = $1 AND m.step_id = $2 AND m.contact_id = g.contact_id
            AND m.occasion = g.occasion
        JOIN contacts c ON c.account_id = $1 AND c.id = m.contact_id AND c.clicks = 'granted'
        JOIN events e ON e.account_id = $1 AND e.campaign_id = m.campaign_id AND e.contact_id = m.contact_id
            AND e.kind = 'click' AND e.verdict <> 'machine'
        """,
        step_id,
        [one.contact_id for one in people],
        [one.occasion for one in people],
    )
    return {contact_id for (contact_id,) in rows}
