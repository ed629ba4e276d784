"""Who writes: the identity that recipients see, and the people of the team (A-062)."""

from collections.abc import Sequence
from dataclasses import dataclass

from mailer.core.db import AccountTx


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """The controller, as recipients read it, and the account's own settings."""

    account_name: str
    legal_name: str
    postal_address: str
    country: str
    contact_email: str
    language: str
    time_zone: str
    keep_sources: bool

    @property
    def complete(self) -> bool:
        """False: nothing may be sent (A-062)."""
        return bool(self.legal_name and self.postal_address and self.contact_email)


async def of(tx: AccountTx) -> Identity:
    """Raises NotFound when the account is gone."""
    return await tx.shared().one(
        Identity,
        """
        SELECT name AS account_name, legal_name, postal_address, country, contact_email, language, time_zone,
               keep_sources
        FROM accounts
        WHERE id = $1
        """,
        tx.account_id,
    )


async def team(tx: AccountTx) -> list[str]:
    """Confirmed addresses of the account's people, by age of their membership."""
    found = await tx.shared().rows(
        """
        SELECT u.email
        FROM memberships m
        JOIN users u ON u.id = m.user_id
        WHERE m.account_id = $1 AND u.email_confirmed_at IS NOT NULL AND NOT u.disabled
        ORDER BY m.created_at, u.id
        """,
        tx.account_id,
    )
    return [email for (email,) in found]


@dataclass(frozen=True, slots=True)
class Reader:
    """Whom a notice goes to, in their language."""

    email: str
    language: str


async def in_charge(tx: AccountTx) -> list[Reader]:
    """Owners and managers, who answer for the account's duties; its own address when nobody is confirmed."""
    found = await tx.shared().many(
        Reader,
        """
        SELECT u.email, u.language
        FROM memberships m
        JOIN users u ON u.id = m.user_id
        WHERE m.account_id = $1 AND m.role IN ('owner', 'manager') AND u.email_confirmed_at IS NOT NULL
          AND NOT u.disabled
        ORDER BY m.created_at, u.id
        """,
        tx.account_id,
    )
    if found:
        return found
    account = await of(tx)
    return [Reader(account.contact_email, account.language)] if account.contact_email else []


async def names(tx: AccountTx, user_ids: Sequence[int]) -> dict[int, str]:
    """Of those who are still members."""
    rows = await tx.shared().rows(
        """
        SELECT u.id, trim(u.first_name || ' ' || u.last_name)
        FROM memberships m
        JOIN users u ON u.id = m.user_id
        WHERE m.account_id = $1 AND u.id = ANY ($2::bigint[])
        """,
        tx.account_id,
        list(user_ids),
    )
    return dict(rows)


async def me(tx: AccountTx) -> str | None:
    """The confirmed address of whoever acts: the person, or who made the key that a program uses."""
    found: str | None = await tx.shared().value(
        """
        SELECT u.email
        FROM users u
        JOIN memberships m ON m.user_id = u.id
        WHERE m.account_id = $1 AND u.email_confirmed_at IS NOT NULL AND NOT u.disabled
          AND u.id = CASE $2
                         WHEN 'user' THEN $3::bigint
                         WHEN 'api_key' THEN (SELECT created_by FROM api_keys
                                              WHERE account_id = $1 AND id = $3)
                     END
        """,
        tx.account_id,
        tx.actor.kind,
        tx.actor.id,
    )
    return found


async def senders_of_mail(tx: AccountTx) -> list[str]:
    """Names of the people who may send, for those who may not (ui 2.2)."""
    found = await tx.shared().rows(
        """
        SELECT coalesce(nullif(trim(u.first_name || ' ' || u.last_name), ''), u.email)
        FROM memberships m
        JOIN users u ON u.id = m.user_id
        WHERE m.account_id = $1 AND m.can_send AND NOT u.disabled
        ORDER BY u.id
        """,
        tx.account_id,
    )
    return [name for (name,) in found]
