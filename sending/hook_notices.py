"""What people are told of a provider's webhook: its subscription is over, and bounces come no more (D-32)."""

from datetime import datetime

from mailer.accounts import audit, identity
from mailer.core import outbox
from mailer.core.db import AccountTx
from mailer.core.services import Services


async def end(tx: AccountTx, services: Services, hook_id: int, at: datetime) -> bool:
    """Of a subscription that Amazon ended at `at`: owners and managers get a mail. False, and nothing
    happens, when it was said before, or has been confirmed anew since."""
    server_id = await tx.value(
        """
        UPDATE feedback_hooks SET last_error = 'unsubscribed', failed_at = now(), confirmed_at = NULL
        WHERE account_id = $1 AND id = $2 AND last_error <> 'unsubscribed'
          AND (confirmed_at IS NULL OR confirmed_at <= $3)
        RETURNING server_id
        """,
        hook_id,
        at,
    )
    if server_id is None:
        return False
    await audit.write(tx, "ended", "feedback_hook", hook_id)
    who = await identity.of(tx)
    place = f"/app/{tx.account_id}/senders/servers/{server_id}/webhook"
    details = {"account": who.account_name, "link": f"{services.settings.public_url}{place}"}
    for reader in await identity.in_charge(tx):
        await outbox.write(tx, "subscription_ended", reader.email, language=reader.language, details=details)
    return True
