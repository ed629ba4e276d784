"""Invitations to an account: by mail, for seven days, once, for the invited address alone (ui 2.4).

Whoever invites gets the same answer whether the address signs in here already or not (B-10). An invitation is
worth what its maker may give at the moment it is accepted.
"""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from pydantic import Field

from mailer.accounts import audit, team, users
from mailer.accounts.team import RANKS, RoleName
from mailer.core import clock, outbox
from mailer.core.db import AccountTx, SharedTx
from mailer.core.errors import Forbidden, Gone, NotFound, fault
from mailer.core.text import N_
from mailer.web.request import Input

DAYS = 7
MOST_OPEN = 100


class NewInvitation(Input):
    email: str = Field(min_length=1, max_length=400)
    role: RoleName
    can_send: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Invitation:
    """A row of the page; `expired` ones can be sent again for a month."""

    id: int
    email: str
    role: str
    can_send: bool
    invited_by: str
    sent_at: datetime
    expires_at: datetime
    expired: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """Behind a link that still works."""

    id: int
    account_id: int
    account_name: str
    email: str
    address_key: str
    role: str
    can_send: bool
    invited_by: str


def _hash(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()


async def many(tx: AccountTx) -> list[Invitation]:
    return await tx.many(
        Invitation,
        """
        SELECT i.id, i.email, i.role, i.can_send,
               coalesce(nullif(trim(u.first_name || ' ' || u.last_name), ''), u.email) AS invited_by,
               i.sent_at, i.expires_at, i.expires_at <= $2 AS expired
        FROM invitations i
        JOIN users u ON u.id = i.invited_by
        WHERE i.account_id = $1
        ORDER BY i.sent_at DESC, i.id DESC
        LIMIT 200
        """,
        clock.now(),
    )


async def invite(tx: AccountTx, by: int, new: NewInvitation, *, public_url: str) -> int:
    """Writes the mail; a second one to the same address replaces the first. Returns its id.

    Raises Forbidden beyond one's own rights, Invalid at `email`, `can_send`.
    """
    await team.lock(tx)
    who = users.address(new.email)
    team.check_gift(await team.place(tx, by), new.role, new.can_send)
    if new.role == "analyst" and new.can_send:
        raise fault("can_send", N_("An analyst reads and sends nothing: choose another role."))
    there = await tx.value(
        """
        SELECT EXISTS (SELECT FROM memberships m
                       JOIN users u ON u.id = m.user_id
                       WHERE m.account_id = $1 AND u.address_key = $2)
        """,
        who.key,
    )
    if there:
        raise fault("email", N_("This person is in the team already."))
    held = await tx.value(
        "SELECT count(*) FROM invitations WHERE account_id = $1 AND address_key <> $2", who.key
    )
    if held >= MOST_OPEN:
        raise fault("email", N_("{n} invitations are open. Revoke some first."), n=MOST_OPEN)
    token, now = secrets.token_urlsafe(32), clock.now()
    invitation_id: int = await tx.value(
        """
        INSERT INTO invitations (account_id, email, address_key, role, can_send, token_hash, invited_by,
                                 sent_at, expires_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
        ON CONFLICT ON CONSTRAINT invitations_address DO UPDATE
        SET email = excluded.email, role = excluded.role, can_send = excluded.can_send,
            token_hash = excluded.token_hash, invited_by = excluded.invited_by, sent_at = excluded.sent_at,
            expires_at = excluded.expires_at
        RETURNING id
        """,
        who.email,
        who.key,
        new.role,
        new.can_send,
        _hash(token),
        by,
        now,
        now + timedelta(days=DAYS),
    )
    await audit.write(tx, "created", "invitation", invitation_id)
    await _mail(tx, invitation_id, token, public_url=public_url)
    return invitation_id


async def _mail(tx: AccountTx, invitation_id: int, token: str, *, public_url: str) -> None:
    """In the account's language: nothing is known of the reader, or nothing may be told."""
    rows = await tx.rows(
        """
        SELECT i.email, i.role, i.can_send, i.expires_at, a.name, a.language,
               coalesce(nullif(trim(u.first_name || ' ' || u.last_name), ''), u.email)
        FROM invitations i
        JOIN accounts a ON a.id = i.account_id
        JOIN users u ON u.id = i.invited_by
        WHERE i.account_id = $1 AND i.id = $2
        """,
        invitation_id,
    )
    email, role, can_send, expires_at, account, language, inviter = rows[0]
    details = {
        "account": account,
        "inviter": inviter,
        "role": role,
        "can_send": can_send,
        "until": expires_at.date().isoformat(),
        "link": f"{public_url}/app/invitations/{token}",
    }
    await outbox.write(tx, "invitation", email, language=language, details=details)


@dataclass(frozen=True, slots=True)
class _Row:
    email: str
    role: RoleName
    can_send: bool


async def _of(tx: AccountTx, by: int, invitation_id: int) -> _Row:
    """For whoever could have made it. Raises NotFound, Forbidden."""
    await team.lock(tx)
    row = await tx.one(
        _Row,
        "SELECT email, role, can_send FROM invitations WHERE account_id = $1 AND id = $2",
        invitation_id,
    )
    team.check_gift(await team.place(tx, by), row.role, row.can_send)
    return row


async def send_again(tx: AccountTx, by: int, invitation_id: int, *, public_url: str) -> str:
    """Another link and seven more days; the link of before works no more. Returns the address."""
    row = await _of(tx, by, invitation_id)
    token, now = secrets.token_urlsafe(32), clock.now()
    await tx.run(
        """
        UPDATE invitations SET token_hash = $3, invited_by = $4, sent_at = $5, expires_at = $6
        WHERE account_id = $1 AND id = $2
        """,
        invitation_id,
        _hash(token),
        by,
        now,
        now + timedelta(days=DAYS),
    )
    await audit.write(tx, "sent_again", "invitation", invitation_id)
    await _mail(tx, invitation_id, token, public_url=public_url)
    return row.email


async def revoke(tx: AccountTx, by: int, invitation_id: int) -> None:
    await _of(tx, by, invitation_id)
    if not await tx.run("DELETE FROM invitations WHERE account_id = $1 AND id = $2", invitation_id):
        raise NotFound
    await audit.write(tx, "revoked", "invitation", invitation_id)


# ---------------------------------------------------------------- from the other side


async def look(tx: SharedTx, token: str) -> Found:
    """Uses nothing up. Raises Gone: unknown, used, revoked, over, or its maker may not give that any more."""
    found = await tx.first(
        Found,
        """
        SELECT i.id, i.account_id, a.name AS account_name, i.email, i.address_key, i.role, i.can_send,
               coalesce(nullif(trim(u.first_name || ' ' || u.last_name), ''), u.email) AS invited_by
        FROM invitations i
        JOIN accounts a ON a.id = i.account_id
        JOIN memberships m ON m.account_id = i.account_id AND m.user_id = i.invited_by
        JOIN users u ON u.id = i.invited_by
        WHERE i.token_hash = $1 AND i.expires_at > $2 AND a.status IN ('pending', 'active') AND NOT u.disabled
          AND (m.role = 'owner'
               OR (m.role = 'manager' AND i.role <> 'owner' AND (m.can_send OR NOT i.can_send)))
        """,
        _hash(token),
        clock.now(),
    )
    if found is None:
        raise Gone
    return found


async def accept(tx: AccountTx, token: str, user_id: int) -> None:
    """Once, by the person with the invited address. Raises Gone, Forbidden.

    Who is in the account already keeps the role they have, unless this one is more.
    """
    await team.lock(tx)
    found = await look(tx.shared(), token)
    user = await users.by_id(tx.shared(), user_id)
    if user.address_key != found.address_key or user.disabled:
        raise Forbidden(N_("This invitation is for another address."))
    await tx.run("DELETE FROM invitations WHERE account_id = $1 AND id = $2", found.id)
    held = await tx.value("SELECT role FROM memberships WHERE account_id = $1 AND user_id = $2", user_id)
    if held is None or RANKS[held] < RANKS[found.role]:
        await tx.run(
            """
            INSERT INTO memberships (account_id, user_id, role, can_send) VALUES ($1, $2, $3, $4)
            ON CONFLICT (account_id, user_id) DO UPDATE SET role = excluded.role, can_send = excluded.can_send
            """,
            user_id,
            found.role,
            found.can_send,
        )
    await audit.write(tx, "accepted", "invitation", found.id)
