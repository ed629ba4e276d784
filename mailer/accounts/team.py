"""The people of an account: who they are, what they may do, how they go (A-120, ui 2.4).

    owner    everything, closing included          manager   everything but owners, closing, the agreement
    editor   contacts and campaigns                analyst   reads
    and apart from these: the right to send

Nobody gives more than they have, or touches who stands as high, but an owner. Each change locks the account's
row first, so that of two last owners who leave at once one stays.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from mailer.accounts import audit, second_factors, sessions, users
from mailer.core import clock, outbox
from mailer.core.db import AccountTx
from mailer.core.errors import Conflict, Fault, Forbidden, NotFound, fault
from mailer.core.text import N_

RoleName = Literal["owner", "manager", "editor", "analyst"]
RANKS: Mapping[str, int] = {"analyst": 1, "editor": 2, "manager": 3, "owner": 4}
REVIEW_MONTHS = 12
_ABOVE = N_("Only somebody with more rights than this person can do that. Ask an owner of the account.")
LAST_OWNER = N_("This is the last owner of the account. Make somebody else an owner first.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """One person's rights in the account."""

    user_id: int
    role: str
    can_send: bool

    @property
    def rank(self) -> int:
        return RANKS[self.role]

    def may_touch(self, other: "Place") -> bool:
        """An owner everybody; a manager those below."""
        return self.role == "owner" or (self.role == "manager" and other.rank < self.rank)

    def may_give(self, role: str, can_send: bool) -> bool:
        """An owner everything; a manager what they have themselves."""
        if self.role == "owner":
            return True
        return self.role == "manager" and RANKS[role] <= self.rank and (self.can_send or not can_send)


@dataclass(frozen=True, slots=True, kw_only=True)
class Teammate:
    """A row of the page."""

    user_id: int
    email: str
    name: str
    role: str
    can_send: bool
    since: datetime
    second_factor: bool
    last_sign_in: datetime | None
    is_operator: bool
    elsewhere: bool

    @property
    def place(self) -> Place:
        return Place(user_id=self.user_id, role=self.role, can_send=self.can_send)


async def many(tx: AccountTx) -> list[Teammate]:
    """Owners first. An account has people, not crowds: all of them."""
    return await tx.many(
        Teammate,
        """
        SELECT u.id AS user_id, u.email, trim(u.first_name || ' ' || u.last_name) AS name, m.role, m.can_send,
               m.created_at AS since, f.since IS NOT NULL AS second_factor, u.is_operator,
               (SELECT max(s.at) FROM sign_ins s
                WHERE s.user_id = u.id AND s.succeeded
                  AND s.method NOT IN ('step', 'second')) AS last_sign_in,
               EXISTS (SELECT FROM memberships o WHERE o.user_id = u.id AND o.account_id <> $1) AS elsewhere
        FROM memberships m
        JOIN users u ON u.id = m.user_id
        LEFT JOIN second_factors f ON f.user_id = u.id
        WHERE m.account_id = $1
        ORDER BY array_position(ARRAY['owner', 'manager', 'editor', 'analyst'], m.role), m.created_at, u.id
        LIMIT 1000
        """,
    )


async def one(tx: AccountTx, user_id: int) -> Teammate:
    """Raises NotFound for whoever is not in this account."""
    found = next((person for person in await many(tx) if person.user_id == user_id), None)
    if found is None:
        raise NotFound
    return found


async def lock(tx: AccountTx) -> None:
    """One change of the team after the other."""
    await tx.value("SELECT 1 FROM accounts WHERE id = $1 FOR NO KEY UPDATE")


async def place(tx: AccountTx, user_id: int) -> Place:
    """As it is under the lock: rights that were taken a moment ago count no more. Raises NotFound."""
    return await tx.one(
        Place,
        "SELECT user_id, role, can_send FROM memberships WHERE account_id = $1 AND user_id = $2",
        user_id,
    )


async def _another_owner(tx: AccountTx, user_id: int) -> bool:
    return bool(
        await tx.value(
            """
            SELECT EXISTS (SELECT FROM memberships m
                           JOIN users u ON u.id = m.user_id
                           WHERE m.account_id = $1 AND m.role = 'owner' AND m.user_id <> $2
                             AND NOT u.disabled)
            """,
            user_id,
        )
    )


async def change(tx: AccountTx, by: int, user_id: int, *, role: RoleName, can_send: bool) -> None:
    """Another role, or the right to send. Their sessions end: a new one begins with the new rights (E-30).

    Raises NotFound, Forbidden, Invalid at `can_send`, Conflict at `role` for the last owner.
    """
    await lock(tx)
    me, them = await place(tx, by), await place(tx, user_id)
    if not me.may_touch(them):
        raise Forbidden(_ABOVE)
    check_gift(me, role, can_send and not them.can_send)
    if role == "analyst" and can_send:
        raise fault("can_send", N_("An analyst reads and sends nothing: choose another role."))
    if them.role == "owner" and role != "owner" and not await _another_owner(tx, user_id):
        raise Conflict(Fault("role", LAST_OWNER, "last_owner"))
    if (them.role, them.can_send) == (role, can_send):
        return
    await tx.run(
        "UPDATE memberships SET role = $3, can_send = $4 WHERE account_id = $1 AND user_id = $2",
        user_id,
        role,
        can_send,
    )
    await audit.write(tx, "changed", "member", user_id)
    await _withdraw_beyond(tx, user_id)
    if user_id != by:
        await sessions.end_all(tx.shared(), user_id)
        await _tell(tx, user_id, "changed", role=role, can_send=can_send)


def check_gift(me: Place, role: str, can_send: bool) -> None:
    """Raises Forbidden for whoever would give more than they have."""
    if not me.may_give(role, can_send):
        raise Forbidden(N_("Nobody can give more rights than they have. Ask an owner of the account."))


async def remove(tx: AccountTx, by: int, user_id: int) -> None:
    """Out of this account, at once; by themselves too. Raises NotFound, Forbidden, Conflict at `role`.

    Their keys stay: they belong to the account. Their invitations do not.
    """
    await lock(tx)
    me, them = await place(tx, by), await place(tx, user_id)
    if user_id != by and not me.may_touch(them):
        raise Forbidden(_ABOVE)
    if them.role == "owner" and not await _another_owner(tx, user_id):
        raise Conflict(Fault("role", LAST_OWNER, "last_owner"))
    await tx.run("DELETE FROM memberships WHERE account_id = $1 AND user_id = $2", user_id)
    await tx.run("DELETE FROM invitations WHERE account_id = $1 AND invited_by = $2", user_id)
    await audit.write(tx, "left" if user_id == by else "dismissed", "member", user_id)
    if user_id != by:
        await sessions.end_all(tx.shared(), user_id)
        await _tell(tx, user_id, "removed")


async def _withdraw_beyond(tx: AccountTx, user_id: int) -> None:
    """Open invitations of somebody who may not give that much any more."""
    me = await place(tx, user_id)
    rows = await tx.rows(
        "SELECT id, role, can_send FROM invitations WHERE account_id = $1 AND invited_by = $2", user_id
    )
    beyond = [number for number, role, can_send in rows if not me.may_give(role, can_send)]
    if beyond:
        await tx.run("DELETE FROM invitations WHERE account_id = $1 AND id = ANY ($2::bigint[])", beyond)


async def reset_second_factor(tx: AccountTx, by: int, user_id: int) -> None:
    """For somebody who lost phone and codes, by another owner. Raises NotFound, Forbidden, Conflict.

    Who works in another account as well, or operates the service, asks the operator: what is weakened here
    would be weaker there.
    """
    await lock(tx)
    me, them = await place(tx, by), await one(tx, user_id)
    if me.role != "owner" or by == user_id or them.elsewhere or them.is_operator:
        raise Forbidden(
            N_("The operator of this service can reset the double authentication of this person.")
        )
    if not await second_factors.reset(tx.shared(), user_id):
        raise Conflict(Fault("role", N_("This person has no double authentication."), "off"))
    await audit.write(tx, "reset", "second_factor", user_id)


async def require_new_password(tx: AccountTx, by: int, user_id: int) -> None:
    """Somebody else may know that of this person: void at once, by another owner (B-14).

    Who works in another account as well, or operates the service, is the operator's: they would be out there
    too. Until then an owner can take them out of this account. Raises NotFound, Forbidden.
    """
    await lock(tx)
    me, them = await place(tx, by), await one(tx, user_id)
    if me.role != "owner" or them.elsewhere or them.is_operator:
        raise Forbidden(N_("The operator of this service can require a new password of this person."))
    if by == user_id:
        raise Forbidden(N_("Choose a new password for yourself in your profile."))
    name = await tx.value("SELECT name FROM accounts WHERE id = $1")
    await users.void_password(tx.shared(), user_id, "owner", account=name)
    await audit.write(tx, "voided", "password", user_id)


async def second_factor_required(tx: AccountTx) -> bool:
    return bool(await tx.value("SELECT second_factor_required FROM accounts WHERE id = $1"))


async def require_second_factor(tx: AccountTx, by: int, *, required: bool) -> None:
    """Of everybody here. Raises Conflict for an owner who has none: they would shut themselves out."""
    if required and not await second_factors.is_on(tx.shared(), by):
        raise Conflict(
            Fault("required", N_("Set up your own double authentication first, in your profile."), "off")
        )
    changed = await tx.run(
        "UPDATE accounts SET second_factor_required = $2 WHERE id = $1 AND second_factor_required <> $2",
        required,
    )
    if changed:
        await audit.write(tx, "changed", "second_factor_rule")


async def _tell(
    tx: AccountTx,
    user_id: int,
    what: Literal["changed", "removed"],
    *,
    role: str = "",
    can_send: bool = False,
) -> None:
    rows = await tx.rows(
        """
        SELECT u.email, u.language, u.first_name, a.name
        FROM users u
        CROSS JOIN accounts a
        WHERE a.id = $1 AND u.id = $2
        """,
        user_id,
    )
    for email, language, first_name, account in rows:
        await outbox.write(
            tx,
            "role_changed",
            email,
            language=language,
            details={
                "name": first_name,
                "account": account,
                "what": what,
                "role": role,
                "can_send": can_send,
            },
        )


# ---------------------------------------------------------------- the yearly look


@dataclass(frozen=True, slots=True, kw_only=True)
class Review:
    """When somebody last said that everybody here should be; `due`: a year ago, and there are others."""

    reviewed_at: datetime
    due: bool


async def review(tx: AccountTx) -> Review:
    return await tx.one(
        Review,
        """
        SELECT team_reviewed_at AS reviewed_at,
               team_reviewed_at <= $2 AND (SELECT count(*) > 1 FROM memberships WHERE account_id = $1) AS due
        FROM accounts
        WHERE id = $1
        """,
        clock.months_before(clock.now(), REVIEW_MONTHS),
    )


async def note_review(tx: AccountTx) -> None:
    await tx.run("UPDATE accounts SET team_reviewed_at = $2 WHERE id = $1", clock.now())
    await audit.write(tx, "reviewed", "team")
