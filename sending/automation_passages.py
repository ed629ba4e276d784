"""Which steps people passed, and when: lines of their timeline (C-10), written with the step itself.

A mail is a delivery and needs no line of its own; that somebody entered or left stands in the journey.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from mailer.core.db import AccountTx
from sending.automation_steps import Step

KINDS = ("wait", "condition", "tag", "untag")


@dataclass(frozen=True, slots=True)
class Passage:
    """Of one person and step. `said`: which way a condition went."""

    contact_id: int
    step: Step
    said: Literal["", "yes", "no"] = ""


async def write(tx: AccountTx, automation_id: int, passed: Sequence[Passage], now: datetime) -> None:
    """In the transaction that moves these people on."""
    passed = [one for one in passed if one.step.kind in KINDS]
    if not passed:
        return
    await tx.run(
        """
        INSERT INTO automation_passages (account_id, contact_id, at, automation_id, kind, said, tag_id)
        SELECT $1, p.contact_id, $3, $2, p.kind, p.said, p.tag_id
        FROM unnest($4::bigint[], $5::text[], $6::text[], $7::bigint[]) AS p (contact_id, kind, said, tag_id)
        """,
        automation_id,
        now,
        [one.contact_id for one in passed],
        [one.step.kind for one in passed],
        [one.said for one in passed],
        [_tag(one.step) for one in passed],
    )


def _tag(step: Step) -> int | None:
    return int(step.setting["tag_id"]) if step.kind in ("tag", "untag") else None
