"""System mail (sign-in link, confirmation), written in the transaction of the row that causes it.

Rooms that write no mail themselves meet the sender here: a row in `outbox` and one in `work`, by name.
"""

from collections.abc import Mapping
from typing import Literal

from mailer.core import work
from mailer.core.db import AccountTx, SharedTx

JOB = "sending.send_system_mail"
Details = Mapping[str, object]
Kind = Literal[
    "confirm_email",
    "already_registered",
    "reset_password",
    "sign_in",
    "change_email",
    "email_changed",
    "password_changed",
    "password_void",
    "confirm_sender",
    "confirm_seed",
    "confirm_subscription",
    "confirm_sign_up",
    "contacts_inactive",
    "still_there",
    "still_reading",
    "account_closed",
    "account_suspended",
    "account_erased_soon",
    "account_erased",
    "import_done",
    "domain_ready",
    "domain_broken",
    "domain_rotation",
    "webhook_disabled",
    "subscription_ended",
    "retention_late",
    "retention_well",
    "policy_announced",
    "sub_processor_announced",
    "breach_notice",
    "breach_clock",
    "authority_notice",
    "staff_access",
    "hold_decided",
    "rights_confirm",
    "rights_address",
    "rights_answer",
    "rights_copy",
    "rights_extended",
    "rights_told",
    "rights_due",
    "second_factor",
    "new_device",
    "invitation",
    "role_changed",
    "team_review",
]


async def write(
    tx: AccountTx | SharedTx, kind: Kind, recipient: str, *, language: str, details: Details
) -> int:
    """Queues one mail; `details` fill its template (sending/templates/mail/<kind>.*)."""
    shared, account_id = (tx.shared(), tx.account_id) if isinstance(tx, AccountTx) else (tx, work.PLATFORM)
    mail_id: int = await shared.value(
        """
        INSERT INTO outbox (account_id, kind, recipient, language, details)
        VALUES ($1, $2, $3, $4, $5)
        RETURNING id
        """,
        account_id,
        kind,
        recipient,
        language,
        dict(details),
    )
    # the mail is work of the platform, so that a closed account's notice still leaves
    await work.add(shared, JOB, mail_id)
    return mail_id


async def forget(tx: AccountTx, recipient: str) -> int:
    """Mails of this account to somebody who is erased, except those still to leave (C-12)."""
    return await tx.shared().run(
        """
        DELETE FROM outbox
        WHERE account_id = $1 AND recipient = $2 AND (sent_at IS NOT NULL OR failed_at IS NOT NULL)
        """,
        tx.account_id,
        recipient,
    )
