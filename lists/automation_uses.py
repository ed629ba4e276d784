"""Automatic campaigns that speak of a tag, segment, list, field or campaign: told before it is deleted.

Deleting pauses those that run (migration 0166, sending/automation_broken.py).
"""

from dataclasses import dataclass
from typing import Literal

from mailer.core.db import AccountTx

Subject = Literal["tag", "segment", "list", "field", "campaign"]


@dataclass(frozen=True, slots=True)
class AutomationUse:
    id: int
    name: str
    status: str


async def of(tx: AccountTx, subject: Subject, ref: int | str) -> list[AutomationUse]:
    """By trigger, step, or through a segment that one of them asks; by name. `ref`: id, or a field's key.

    Those that ended speak of nothing any more.
    """
    return await tx.many(
        AutomationUse,
        """
        SELECT DISTINCT a.id, a.name, a.status
        FROM automations a
        LEFT JOIN automation_steps s ON s.account_id = $1 AND s.automation_id = a.id
        WHERE a.account_id = $1 AND a.status <> 'ended' AND (
            (a.trigger, $2) IN (('tagged', 'tag'), ('segment', 'segment'), ('clicked', 'campaign'))
                AND a.trigger_of::text = $3
            OR $2 = 'list' AND a.list_id::text = $3
            OR $2 = 'field' AND a.trigger = 'date' AND a.setting ->> 'field' = $3
            OR $2 = 'segment' AND s.setting ->> 'segment_id' = $3
            OR $2 = 'tag' AND s.setting ->> 'tag_id' = $3
            OR s.setting -> 'rule' ->> 'subject' = $2 AND s.setting -> 'rule' ->> 'of' = $3
            OR EXISTS (
                SELECT FROM segments g
                WHERE g.account_id = $1 AND g.deleted_at IS NULL
                  AND (a.trigger = 'segment' AND g.id = a.trigger_of
                       OR g.id::text = s.setting ->> 'segment_id')
                  AND jsonb_path_exists(
                      g.tree, '$.** ? (@.subject == $subject && @.of == $of)',
                      jsonb_build_object('subject', $2::text, 'of', CASE
                          WHEN $2 = 'field' THEN to_jsonb($3::text) ELSE $3::jsonb END))))
        ORDER BY a.name, a.id
        """,
        subject,
        str(ref),
    )
