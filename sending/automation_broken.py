"""What an automatic campaign speaks of and is not there any more: of its trigger, of its steps.

Deleting a tag, segment, list, field or draft rings (migration 0166); the next turn looks, and stops.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from lists import segment_known
from lists.segment_tree import Tree
from mailer.core.db import AccountTx
from sending.automation_steps import Plan, Step
from sending.automations import Automation


@dataclass(frozen=True, slots=True)
class Broken:
    """`code`: a key of automation_runs.REASONS. `step_id` None: the trigger."""

    code: str
    step_id: int | None = None


async def many(tx: AccountTx, automation: Automation, plan: Plan) -> Sequence[Broken]:
    """The trigger first, then steps as they are read."""
    found = []
    if code := await _trigger(tx, automation):
        found.append(Broken(code))
    for _, step in plan.lines():
        if step.kind == "condition" and await _condition(tx, step):
            found.append(Broken("condition", step.id))
        elif step.kind in ("tag", "untag") and not await _tag(tx, int(step.setting["tag_id"])):
            found.append(Broken("tag", step.id))
    return found


async def _trigger(tx: AccountTx, automation: Automation) -> str:
    wanted = automation.waits_for
    there: object = True
    match wanted.kind:
        case "tagged":
            there = await _tag(tx, wanted.of or 0)
        case "clicked":
            there = await tx.value("SELECT 1 FROM campaigns WHERE account_id = $1 AND id = $2", wanted.of)
        case "date":
            there = await tx.value(
                "SELECT 1 FROM fields WHERE account_id = $1 AND key = $2 AND type = 'date'", wanted.field
            )
        case "segment":
            tree = await _segment(tx, wanted.of or 0)
            if tree is not None and await _speaks_of_nothing(tx, tree):
                return "trigger_segment"
            there = tree
    return "" if there else "trigger"


async def _condition(tx: AccountTx, step: Step) -> bool:
    if "clicked" in step.setting:
        return False  # the mail cannot be taken out while a condition asks about it
    tree = await _segment(tx, int(step.setting["segment_id"])) if "segment_id" in step.setting else step.rule
    return tree is None or await _speaks_of_nothing(tx, tree)


async def _tag(tx: AccountTx, tag_id: int) -> bool:
    return bool(await tx.value("SELECT 1 FROM tags WHERE account_id = $1 AND id = $2", tag_id))


async def _segment(tx: AccountTx, segment_id: int) -> Tree | None:
    rule = await tx.value(
        "SELECT tree FROM segments WHERE account_id = $1 AND id = $2 AND deleted_at IS NULL", segment_id
    )
    return None if rule is None else Tree.model_validate(rule)


async def _speaks_of_nothing(tx: AccountTx, tree: Tree) -> bool:
    return bool(segment_known.faults(tree, await segment_known.load(tx, tree)))
