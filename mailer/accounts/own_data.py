"""What is kept about a person who signs in, whole (A-006): the classes of A-041 to A-044."""

from dataclasses import asdict, dataclass
from datetime import datetime

from mailer.accounts import second_factors, sessions, sign_ins, users
from mailer.core.db import SharedTx

# what proves who somebody is stays here
_NEVER_SHOWN = ("password_hash", "void_password_hash", "address_key")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Membership:
    account_id: int
    account_name: str
    role: str
    can_send: bool
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class _Invitation:
    account_name: str
    role: str
    can_send: bool
    sent_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class _Mail:
    kind: str
    created_at: datetime
    sent_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Reading:
    kind: str
    name: str
    at: datetime


async def collect(tx: SharedTx, user_id: int) -> dict[str, object]:
    """Ready for JSON; instants in UTC. Sign-ins of twelve months, mails of six days."""
    user = await users.by_id(tx, user_id)
    memberships = await tx.many(
        _Membership,
        """
        SELECT a.id AS account_id, a.name AS account_name, m.role, m.can_send, m.created_at
        FROM memberships m
        JOIN accounts a ON a.id = m.account_id
        WHERE m.user_id = $1
        ORDER BY m.created_at
        """,
        user_id,
    )
    readings = await tx.many(
        _Reading,
        """
        SELECT a.kind, coalesce(p.kind || ' ' || p.version, s.name) AS name, r.at
        FROM announcement_readings r
        JOIN announcements a ON a.id = r.announcement_id
        LEFT JOIN policy_versions p ON a.kind = 'policy' AND p.id = a.ref_id
        LEFT JOIN sub_processors s ON a.kind = 'sub_processor' AND s.id = a.ref_id
        WHERE r.user_id = $1
        ORDER BY r.at
        """,
        user_id,
    )
    invitations = await _invitations(tx, user.address_key)
    mails = await tx.many(
        _Mail,
        "SELECT kind, created_at, sent_at FROM outbox WHERE recipient = $1 ORDER BY id",
        user.email,
    )
    return {
        "profile": {name: value for name, value in asdict(user).items() if name not in _NEVER_SHOWN},
        "accounts": [asdict(row) for row in memberships],
        "sessions": [asdict(row) for row in await sessions.many(tx, user_id)],
        "sign_ins": [asdict(row) for row in await sign_ins.last(tx, user_id, 10_000)],
        "subscriptions": {
            "news": {"since": user.news_wanted_at, "wording": user.news_wording},
            "partners": {"since": user.partners_wanted_at, "wording": user.partners_wording},
        },
        "announcements_seen": [asdict(row) for row in readings],
        "second_factor": asdict(await second_factors.show(tx, user_id)),
        "invitations": [asdict(row) for row in invitations],
        "messages": [asdict(row) for row in mails],
        # A-043 names these classes; this service keeps none of them
        "orders": [],
        "complaints": [],
        "incidents": [],
    }


async def _invitations(tx: SharedTx, address_key: str) -> list[_Invitation]:
    return await tx.many(
        _Invitation,
        """
        SELECT a.name AS account_name, i.role, i.can_send, i.sent_at, i.expires_at
        FROM invitations i
        JOIN accounts a ON a.id = i.account_id
        WHERE i.address_key = $1
        ORDER BY i.sent_at
        """,
        address_key,
    )
