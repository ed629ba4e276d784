"""A person told the mailbox provider that a mail is spam: everything stops at once (D-34, S5).

The refusal stands in suppressions and in the ledger, as any other; the complaint itself is an event of the
campaign, which its evidence counts (D-80), or of no campaign when it is about a transactional message. One a
person and mail, however often it is reported.
"""

from lists import subscriptions
from lists.consents import Method
from lists.suppressions import Reason
from mailer.accounts import audit
from mailer.core.db import AccountTx
from mailer.core.tokens import RecipientToken


async def record(tx: AccountTx, who: RecipientToken, *, message_id: int = 0) -> bool:
    """False when this person complained about this mail before: then nothing changes.

    `message_id`: of a transactional message, `who.campaign_id` 0 with it. `who.list_id` says nothing here,
    for a complaint is about everything.
    """
    # contacts are locked in there: two reports of one complaint stand in a row
    left = await subscriptions.stop_everything(tx, who, method=Method.COMPLAINT, reason=Reason.COMPLAINED)
    if not left.already:
        await audit.write(tx, "complained", "contact", who.contact_id)
    if message_id:
        return await _of_message(tx, who, message_id)
    return await _event(tx, who) if who.campaign_id else not left.already


async def _event(tx: AccountTx, who: RecipientToken) -> bool:
    return bool(
        await tx.run(
            """
            INSERT INTO events (account_id, id, at, campaign_id, contact_id, kind, verdict)
            SELECT $1, $4, now(), $2, $3, 'complaint', 'person'
            WHERE NOT EXISTS (
                SELECT FROM events
                WHERE account_id = $1 AND campaign_id = $2 AND contact_id = $3 AND kind = 'complaint')
            """,
            who.campaign_id,
            who.contact_id,
            f"complaint-{who.contact_id}-{who.campaign_id}",
        )
    )


async def _of_message(tx: AccountTx, who: RecipientToken, message_id: int) -> bool:
    """Of no campaign; contact 0 of whoever is none: the account's programs are told all the same."""
    return bool(
        await tx.run(
            """
            INSERT INTO events (account_id, id, at, campaign_id, contact_id, kind, verdict, signals)
            SELECT $1, $4, now(), 0, $2, 'complaint', 'person', jsonb_build_object('message_id', $3::bigint)
            WHERE NOT EXISTS (
                SELECT FROM events
                WHERE account_id = $1 AND campaign_id = 0 AND contact_id = $2 AND kind = 'complaint'
                  AND id = $4)
            """,
            who.contact_id,
            message_id,
            f"complaint-{who.contact_id}-m{message_id}",
        )
    )
