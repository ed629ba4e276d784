"""That a person left, as an event of the campaign whose link was used, and the reason if one was given.

The refusal itself stands in suppressions and in the ledger; this is what reports count (13 months, S6).
"""

from datetime import datetime
from enum import StrEnum

from lists.consents import Method
from mailer.core.db import AccountTx
from mailer.core.tokens import RecipientToken


class Reason(StrEnum):
    """What the page offers (ui 4.5); never asked for before leaving."""

    TOO_MANY = "too_many"
    NOT_INTERESTING = "not_interesting"
    NEVER_ASKED = "never_asked"
    OTHER = "other"


async def record(tx: AccountTx, who: RecipientToken, at: datetime, *, method: Method) -> None:
    """One event for one departure. `at` is the time of the refusal, so that a repetition meets the key.

    A refusal of an earlier address may be years old: its month is gone, and leaving must not fail for that.
    """
    await tx.run(
        """
        INSERT INTO events (account_id, id, at, campaign_id, contact_id, kind, verdict, signals)
        VALUES ($1, $2, greatest($3, now() - interval '1 hour'), $4, $5, 'unsubscribe', 'person',
                jsonb_build_object('method', $6::text))
        ON CONFLICT DO NOTHING
        """,
        f"left-{who.contact_id}-{who.list_id}-{who.campaign_id}",
        at,
        who.campaign_id,
        who.contact_id,
        method.value,
    )


async def give_reason(tx: AccountTx, who: RecipientToken, reason: Reason) -> bool:
    """Adds the reason to the person's last departure; False when there is none."""
    return bool(
        await tx.run(
            """
            UPDATE events
            SET signals = signals || jsonb_build_object('reason', $3::text)
            WHERE account_id = $1 AND contact_id = $2 AND kind = 'unsubscribe'
              AND at = (SELECT max(at) FROM events
                        WHERE account_id = $1 AND contact_id = $2 AND kind = 'unsubscribe')
            """,
            who.contact_id,
            reason.value,
        )
    )


async def given_reason(tx: AccountTx, who: RecipientToken) -> Reason | None:
    """Of the last departure."""
    text = await tx.value(
        """
        SELECT signals ->> 'reason'
        FROM events
        WHERE account_id = $1 AND contact_id = $2 AND kind = 'unsubscribe'
        ORDER BY at DESC
        LIMIT 1
        """,
        who.contact_id,
    )
    return Reason(text) if text in set(Reason) else None
