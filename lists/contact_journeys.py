"""Automatic campaigns of one person: where they stand, and how it ended. Written by `sending`."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from lists import contact_merges
from mailer.core.db import AccountTx
from mailer.core.text import N_

# how it ended → what people read
OUTCOMES: Mapping[str, str] = {
    "done": N_("came to the end"),
    "left": N_("left at a step"),
    "unsubscribed": N_("unsubscribed"),
    "suppressed": N_("on the suppression list"),
    "restricted": N_("processing restricted"),
    "pending": N_("confirmation awaited"),
    "service": N_("here for service mails only"),
    "segment": N_("not in the audience"),
    "excluded": N_("not in the audience"),
    "ended": N_("the automatic campaign was ended"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Journey:
    """`outcome` "": on the way, at the step with this kind, due then; `mails`: sent to them in it."""

    automation_id: int
    name: str
    status: str
    occasion: str
    step: str
    entered_at: datetime
    due_at: datetime | None
    ended_at: datetime | None
    outcome: str
    mails: int


async def many(tx: AccountTx, contact_id: int, *, limit: int = 25) -> list[Journey]:
    """The newest first."""
    return await tx.many(
        Journey,
        """
        SELECT j.automation_id, a.name, a.status, j.occasion, coalesce(s.kind, '') AS step, j.entered_at,
               CASE WHEN j.ended_at IS NULL THEN j.due_at END AS due_at, j.ended_at, j.outcome,
               (SELECT count(*)::int FROM automation_mails m
                WHERE m.account_id = $1 AND m.contact_id = j.contact_id AND m.automation_id = j.automation_id
                  AND m.occasion = j.occasion) AS mails
        FROM automation_journeys j
        JOIN automations a ON a.account_id = j.account_id AND a.id = j.automation_id
        LEFT JOIN automation_steps s ON s.account_id = j.account_id AND s.id = j.step_id
        WHERE j.account_id = $1 AND j.contact_id = ANY ($2::bigint[])
        ORDER BY j.entered_at DESC, j.automation_id DESC
        LIMIT $3
        """,
        await contact_merges.ids(tx, contact_id),
        limit,
    )


async def carry(tx: AccountTx, other_id: int, kept_id: int) -> None:
    """Of a contact that is merged into another: what one of the two had, nobody gets again.

    Called before its subscriptions are carried, so that they do not take the person in a second time.
    """
    await tx.run(
        """
        UPDATE automation_journeys j SET contact_id = $3
        WHERE j.account_id = $1 AND j.contact_id = $2
          AND NOT EXISTS (SELECT FROM automation_journeys k
                          WHERE k.account_id = $1 AND k.automation_id = j.automation_id AND k.contact_id = $3)
        """,
        other_id,
        kept_id,
    )
    await tx.run(
        """
        INSERT INTO automation_mails (account_id, step_id, contact_id, occasion, automation_id,
                    campaign_id, at)
        SELECT account_id, step_id, $3, occasion, automation_id, campaign_id, at
        FROM automation_mails
        WHERE account_id = $1 AND contact_id = $2
        ON CONFLICT DO NOTHING
        """,
        other_id,
        kept_id,
    )
    await tx.run(
        "UPDATE automation_passages SET contact_id = $3 WHERE account_id = $1 AND contact_id = $2",
        other_id,
        kept_id,
    )
