"""Old events by new rules (D-91): a walk through an account's events in their key's order.

From the signals kept with each event; the hit itself stays as it was. Each step is one transaction with its
counts and its place, so that a killed walk goes on where it was; events that come meanwhile are judged by
the new rules anyway.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from mailer.core import clock
from mailer.core.db import AccountTx
from tracking import counts, judging, verdicts
from tracking.judging import Stored
from tracking.verdicts import RULES

STEP = 2000
LONGEST = timedelta(days=430)
"""No event is older: they are kept for 13 months."""


@dataclass(frozen=True, slots=True)
class Walk:
    after_id: str
    after_at: datetime
    done_at: datetime | None


async def step(tx: AccountTx, *, rules: int = RULES) -> bool:
    """False when all events are judged by these rules."""
    await counts.hold(tx)
    walk = await _walk(tx, rules)
    if walk.done_at is not None:
        return False
    found = await tx.many(
        Stored,
        """
        SELECT id, at, campaign_id, contact_id, kind, link_id, verdict, signals
        FROM events
        WHERE account_id = $1 AND (at, id) > ($3, $2)
        ORDER BY at, id
        LIMIT $4
        """,
        walk.after_id,
        walk.after_at,
        STEP,
    )
    old = [one for one in found if one.kind in ("open", "click") and one.signals.get("rules") != rules]
    changes = await judging.write(tx, [(one, verdicts.read(one.signals)) for one in old])
    await counts.apply(tx, changes, since=clock.now() - LONGEST)
    await judging.take_back(tx, changes)
    last = found[-1] if found else None
    await tx.run(
        """
        UPDATE judgements
        SET after_id = $2, after_at = $3, changed = changed + $4,
            done_at = CASE WHEN $5 THEN now() END
        WHERE account_id = $1
        """,
        last.id if last else walk.after_id,
        last.at if last else walk.after_at,
        len(changes),
        len(found) < STEP,
    )
    return len(found) == STEP


async def _walk(tx: AccountTx, rules: int) -> Walk:
    """Begun anew when the rules are others than those of the last one."""
    await tx.run(
        """
        INSERT INTO judgements (account_id, rules) VALUES ($1, $2)
        ON CONFLICT (account_id) DO UPDATE
        SET rules = excluded.rules, after_id = '', after_at = 'epoch', changed = 0, done_at = NULL
        WHERE judgements.rules <> excluded.rules
        """,
        rules,
    )
    return await tx.one(
        Walk,
        "SELECT after_id, after_at, done_at FROM judgements WHERE account_id = $1",
    )
