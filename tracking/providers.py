"""A campaign by mailbox provider: what came of its messages there, and what the provider answered (D-67).

The sending room knows providers and what their replies mean; the roof hands it over as `Words`.
"""

from collections.abc import Callable
from dataclasses import dataclass

from pydantic import TypeAdapter

from mailer.core import kept_counts
from mailer.core.db import AccountTx
from mailer.core.kept_counts import Counted

MOST_ANSWERS = 3


@dataclass(frozen=True, slots=True)
class Words:
    """`name`: of a profile, in the language of the request. `said`: profile, code, reply → a msgid.

    `bounced`: a delivery's `bounce_reason` → a msgid, as on the contact's page; "" when it tells nothing.
    """

    name: Callable[[str], str]
    said: Callable[[str, int, str], str]
    bounced: Callable[[str], str]


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderAnswer:
    """What was answered to `count` messages that are not delivered; `reply` is one of these answers."""

    status: str
    code: int | None
    reply: str
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderFigures:
    """`delayed`: took more than one try, or wait for their next; they are in one of the other figures too."""

    provider: str
    audience: int
    delivered: int
    bounced_hard: int
    bounced_soft: int
    blocked: int
    waiting: int
    delayed: int
    other: int
    answers: list[ProviderAnswer]


_STORED = TypeAdapter(list[ProviderFigures])


async def many(tx: AccountTx, campaign_id: int, *, live: bool) -> list[ProviderFigures]:
    """The largest first; of a large campaign as of some seconds ago. Empty once details are erased."""

    async def count() -> Counted:
        found = await _many(tx, campaign_id)
        return Counted(_STORED.dump_python(found, mode="json"), sum(one.audience for one in found))

    kept = await kept_counts.of(tx, "providers", campaign_id, count, most_seconds=20.0 if live else 120.0)
    return _STORED.validate_python(kept.value)


async def _many(tx: AccountTx, campaign_id: int) -> list[ProviderFigures]:
    rows = await tx.rows(
        """
        SELECT d.profile, count(*)::int,
               (count(*) FILTER (WHERE d.status = 'delivered'))::int,
               (count(*) FILTER (WHERE d.status = 'bounced' AND d.reason = 'hard'))::int,
               (count(*) FILTER (WHERE d.status = 'bounced' AND d.reason = 'soft'))::int,
               (count(*) FILTER (WHERE d.status = 'bounced' AND d.reason = 'block'))::int,
               (count(*) FILTER (WHERE d.status IN ('queued', 'claimed', 'handing')))::int,
               (count(*) FILTER (WHERE d.attempts > 1 OR d.status = 'queued' AND d.first_at IS NOT NULL))::int
        FROM campaigns c
        JOIN deliveries d ON d.account_id = $1 AND d.campaign_id = c.id AND d.month = c.month
        WHERE c.account_id = $1 AND c.id = $2
        GROUP BY d.profile
        ORDER BY count(*) DESC, d.profile
        """,
        campaign_id,
    )
    answers = await _answers(tx, campaign_id)
    return [
        ProviderFigures(
            provider=provider,
            audience=audience,
            delivered=delivered,
            bounced_hard=hard,
            bounced_soft=soft,
            blocked=blocked,
            waiting=waiting,
            delayed=delayed,
            other=audience - delivered - hard - soft - blocked - waiting,
            answers=answers.get(provider, []),
        )
        for provider, audience, delivered, hard, soft, blocked, waiting, delayed in rows
    ]


async def _answers(tx: AccountTx, campaign_id: int) -> dict[str, list[ProviderAnswer]]:
    rows = await tx.rows(
        r"""
        -- by code, for the text of each answer differs; what is not delivered stands apart in an index
        SELECT profile, status, code, reply, count
        FROM (
            SELECT d.profile, d.status, d.smtp_code::int AS code, min(d.smtp_reply) AS reply,
                   count(*)::int AS count,
                   row_number() OVER (PARTITION BY d.profile ORDER BY count(*) DESC, min(d.smtp_reply)) AS n
            FROM campaigns c
            JOIN deliveries d ON d.account_id = $1 AND d.campaign_id = c.id AND d.month = c.month
            WHERE c.account_id = $1 AND c.id = $2 AND d.status IN ('queued', 'bounced', 'failed')
              AND d.smtp_reply <> ''
            GROUP BY d.profile, d.status, d.smtp_code,
                     substring(d.smtp_reply FROM '\m([245]\.\d{1,3}\.\d{1,3})\M')
        ) said
        WHERE n <= $3
        ORDER BY profile, n
        """,
        campaign_id,
        MOST_ANSWERS,
    )
    found: dict[str, list[ProviderAnswer]] = {}
    for profile, status, code, reply, count in rows:
        answer = ProviderAnswer(status=status, code=code, reply=reply, count=count)
        found.setdefault(profile, []).append(answer)
    return found
