"""A person told the mailbox provider that a mail is spam: everything stops at once (D-34, S5).

The refusal stands in suppressions and in the ledger, as any other; the complaint itself is an event of the
campaign, which its evidence counts (D-80). One a person and campaign, however often it is reported.
"""

from lists import subscriptions, suppressions
from lists.consents import Method
from mailer.accounts import audit
from mailer.core.db import AccountTx
from mailer.core.tokens import RecipientToken


async def record(tx: AccountTx, who: RecipientToken) -> bool:
    """False when this person complained about this campaign before: then nothing changes.

    `who.list_id` says nothing here, for a complaint is about everything.
    """
    # contacts are locked in there: two reports of one complaint stand in a row
    left = await subscriptions.stop_everything(tx, who, method=Method.COMPLAINT)
    hashes = await suppressions.of_person(tx, [who.address_hash])
    await tx.run(
        """
        UPDATE suppressions SET reason = 'complained'
        WHERE account_id = $1 AND address_hash = ANY ($2::bytea[]) AND list_id IS NULL
          AND reason = 'unsubscribed' AND since = now()
        """,
        hashes,
    )
    if not left.already:
        await audit.write(tx, "complained", "contact", who.contact_id)
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
