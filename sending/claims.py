"""Claims: rows pass from the queue to a lane and into hand-over, never to two lanes (S1, D-22, D-45).

    settle ─▶ claim ≤ 200 ─▶ render ─▶ step ─▶ hand over ─▶ step ─▶ … ─▶ release
                                        └ outcomes of the group before, and the next group to "handing"

`step` is one statement: whoever unsubscribed, was suppressed or deleted before it commits gets no mail, and a
worker that dies leaves at most one group in doubt. `mark` stands in deliveries.turn: it names one turn for
ever, since a row of work begins at turn 1 again after a pause.
"""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

from mailer.core.db import AccountTx
from sending import bounce_reasons, outcomes, profiles, smtp_bounces
from sending.merge_filters import Value
from sending.outcomes import Outcome
from sending.personal import Person
from tracking.decision import Tracking

BATCH = 200
EVERYBODY = ((profiles.DEFAULT, BATCH),)


@dataclass(frozen=True, slots=True)
class Turn:
    """One turn of one lane of one campaign."""

    campaign_id: int
    month: date
    lane: int
    mark: int = field(default_factory=lambda: secrets.randbelow(2**31))


@dataclass(frozen=True, slots=True, kw_only=True)
class Claimed:
    """A row of ours. `person` None: the contact was deleted. `variant`: see `ab_makers`."""

    contact_id: int
    attempts: int
    first_at: datetime | None
    person: Person | None
    profile: str = profiles.DEFAULT
    variant: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Ready:
    """A claimed row whose mail is made, and by which address and consents."""

    contact_id: int
    person: Person
    tracking: Tracking


@dataclass(frozen=True, slots=True, kw_only=True)
class _Row:
    contact_id: int
    list_id: int
    attempts: int
    first_at: datetime | None
    profile: str
    variant: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _Contact:
    id: int
    email: str
    address_key: str
    address_hash: bytes
    first_name: str
    last_name: str
    language: str
    fields: Mapping[str, Value]
    opens: str
    clicks: str


async def settle(tx: AccountTx, turn: Turn) -> int:
    """What an earlier turn of this lane left: claimed rows are queued again, those in hand-over are in doubt.

    Called when a turn begins, before it claims, so every row of the lane is left over. Returns the doubtful.
    """
    await tx.run(
        """
        UPDATE deliveries
        SET status = 'queued', lane = NULL, turn = NULL
        WHERE account_id = $1 AND campaign_id = $2 AND month = $3 AND lane = $4 AND status = 'claimed'
        """,
        turn.campaign_id,
        turn.month,
        turn.lane,
    )
    return await tx.run(
        """
        UPDATE deliveries
        SET status = 'in_doubt', final_at = now(), smtp_reply = 'the worker stopped before the reply'
        WHERE account_id = $1 AND campaign_id = $2 AND month = $3 AND lane = $4 AND status = 'handing'
        """,
        turn.campaign_id,
        turn.month,
        turn.lane,
    )


async def claim(
    tx: AccountTx, turn: Turn, wanted: Sequence[tuple[str, int]] = EVERYBODY, limit: int = BATCH
) -> list[Claimed]:
    """The next rows that are due, with their contacts: so many of each profile, in order, `limit` in all.

    Two statements: in one, the planner takes the rows for as many as the campaign has and reads all contacts.
    """
    rows = await tx.many(
        _Row,
        """
        WITH picked AS MATERIALIZED (
            SELECT q.contact_id
            FROM unnest($7::text[], $8::int[]) AS w (profile, n)
            CROSS JOIN LATERAL (
                SELECT contact_id
                FROM deliveries
                WHERE account_id = $1 AND campaign_id = $2 AND month = $3 AND status = 'queued'
                  AND profile = w.profile AND next_at <= now()
                ORDER BY next_at
                LIMIT w.n
                FOR UPDATE SKIP LOCKED
            ) AS q
            LIMIT $6
        )
        UPDATE deliveries d
        SET status = 'claimed', lane = $4, turn = $5
        WHERE d.account_id = $1 AND d.campaign_id = $2 AND d.month = $3
          AND d.contact_id = ANY (ARRAY(SELECT contact_id FROM picked)) AND d.status = 'queued'
        RETURNING d.contact_id, d.list_id, d.attempts, d.first_at, d.profile, d.variant
        """,
        turn.campaign_id,
        turn.month,
        turn.lane,
        turn.mark,
        limit,
        [profile for profile, _ in wanted],
        [n for _, n in wanted],
    )
    contacts = await tx.many(
        _Contact,
        """
        SELECT id, email, address_key, address_hash, first_name, last_name, language, fields, opens, clicks
        FROM contacts
        WHERE account_id = $1 AND id = ANY ($2::bigint[])
        """,
        [row.contact_id for row in rows],
    )
    known = {contact.id: contact for contact in contacts}
    return [_claimed(row, known.get(row.contact_id)) for row in rows]


def _claimed(row: _Row, contact: _Contact | None) -> Claimed:
    person = None
    if contact is not None:
        person = Person(
            contact_id=contact.id,
            list_id=row.list_id,
            email=contact.email,
            address_key=contact.address_key,
            address_hash=contact.address_hash,
            first_name=contact.first_name,
            last_name=contact.last_name,
            language=contact.language,
            fields=contact.fields,
            opens=contact.opens,
            clicks=contact.clicks,
        )
    return Claimed(
        contact_id=row.contact_id,
        attempts=row.attempts,
        first_at=row.first_at,
        person=person,
        profile=row.profile,
        variant=row.variant,
    )


_STEP = """
    WITH recorded AS (
        UPDATE deliveries d
        SET status = CASE WHEN o.status = 'queued' AND c.status IN ('cancelled', 'sent') THEN 'cancelled'
                          ELSE o.status END,
            reason = o.reason, smtp_code = nullif(o.code, 0), smtp_reply = o.reply,
            attempts = d.attempts + o.tried::int,
            next_at = CASE WHEN o.status = 'queued' THEN now() + o.wait ELSE d.next_at END,
            final_at = CASE WHEN o.status = 'queued' AND c.status NOT IN ('cancelled', 'sent') THEN NULL
                            ELSE now() END,
            lane = NULL, turn = NULL
        FROM unnest($6::bigint[], $7::text[], $8::text[], $9::int[], $10::text[], $11::interval[],
                    $12::bool[], $19::bool[])
                AS o (contact_id, status, reason, code, reply, wait, tried, refused),
            campaigns c
        WHERE d.account_id = $1 AND d.campaign_id = $2 AND d.month = $3 AND d.contact_id = o.contact_id
          AND d.status IN ('handing', 'in_doubt') AND d.lane = $4 AND d.turn = $5
          AND c.account_id = d.account_id AND c.id = d.campaign_id
        RETURNING d.contact_id, d.status, d.reason, d.profile, o.refused
    ), counted AS (
        -- D-80: what a campaign is judged by
        INSERT INTO evidence AS e (account_id, campaign_id, lane, profile, delivered, hard, other, refused)
        SELECT $1, $2, $4, r.profile, count(*) FILTER (WHERE r.status = 'delivered'),
               count(*) FILTER (WHERE r.status = 'bounced' AND r.reason = 'hard'),
               count(*) FILTER (WHERE r.status = 'bounced' AND r.reason <> 'hard'),
               count(*) FILTER (WHERE r.refused)
        FROM recorded r
        GROUP BY r.profile
        ON CONFLICT (account_id, campaign_id, lane, profile) DO UPDATE
        SET delivered = e.delivered + excluded.delivered, hard = e.hard + excluded.hard,
            other = e.other + excluded.other, refused = e.refused + excluded.refused
    ), judged AS MATERIALIZED (
        SELECT r.contact_id, r.opens, r.clicks,
               CASE WHEN c.id IS NULL THEN 'deleted'
                    WHEN c.restricted_at IS NOT NULL THEN 'restricted'
                    WHEN s.status = 'pending' THEN 'pending'
                    WHEN s.status IS DISTINCT FROM 'active' THEN 'unsubscribed'
                    WHEN EXISTS (
                        SELECT FROM suppressions x
                        WHERE x.account_id = $1 AND x.address_hash = c.address_hash AND stops(x, d.list_id)
                    ) THEN 'suppressed'
                    WHEN g.kind <> 'service'
                        AND s.legal_basis NOT IN ('consent', 'existing_customer', 'b2b_interest')
                        THEN 'service'
                    WHEN (c.email, c.opens, c.clicks) <> (r.email, r.opens_state, r.clicks_state)
                        THEN 'changed'
                    ELSE ''
               END AS reason
        FROM unnest($13::bigint[], $14::text[], $15::text[], $16::text[], $17::bool[], $18::bool[])
            AS r (contact_id, email, opens_state, clicks_state, opens, clicks)
        JOIN campaigns g ON g.account_id = $1 AND g.id = $2 AND g.status = 'sending'
        JOIN accounts a ON a.id = $1 AND a.status = 'active'
        -- LIMIT tells the planner that there is one of each: else it reads whole tables for 64 people
        JOIN LATERAL (
            SELECT list_id FROM deliveries
            WHERE account_id = $1 AND campaign_id = $2 AND month = $3 AND contact_id = r.contact_id
            LIMIT 1
        ) AS d ON true
        LEFT JOIN LATERAL (
            SELECT id, email, opens, clicks, address_hash, restricted_at FROM contacts
            WHERE account_id = $1 AND id = r.contact_id
            LIMIT 1
        ) AS c ON true
        LEFT JOIN LATERAL (
            SELECT status, legal_basis FROM subscriptions
            WHERE account_id = $1 AND list_id = d.list_id AND contact_id = r.contact_id
            LIMIT 1
        ) AS s ON true
    ), begun AS (
        UPDATE deliveries d
        SET status = CASE j.reason WHEN '' THEN 'handing' WHEN 'changed' THEN 'queued' ELSE 'skipped' END,
            reason = CASE WHEN j.reason = 'changed' THEN '' ELSE j.reason END,
            first_at = CASE WHEN j.reason = '' THEN coalesce(d.first_at, now()) ELSE d.first_at END,
            final_at = CASE WHEN j.reason IN ('', 'changed') THEN NULL ELSE now() END,
            lane = CASE j.reason WHEN '' THEN d.lane END, turn = CASE j.reason WHEN '' THEN d.turn END,
            opens = j.opens AND j.reason = '', clicks = j.clicks AND j.reason = ''
        FROM judged j
        WHERE d.account_id = $1 AND d.campaign_id = $2 AND d.month = $3 AND d.contact_id = j.contact_id
          AND d.status = 'claimed' AND d.lane = $4 AND d.turn = $5
        RETURNING d.contact_id, d.status, d.reason
    )
    SELECT true AS ended, contact_id, status, reason FROM recorded
    UNION ALL
    SELECT false, contact_id, status, reason FROM begun
"""


async def step(tx: AccountTx, turn: Turn, done: Sequence[Outcome], ready: Sequence[Ready]) -> set[int]:
    """Records the group that ended and begins the next. Returns the contacts that may be handed over now.

    Of `ready`, whoever fell out meanwhile becomes skipped with its reason; whose address or consents changed
    since the mail was made goes back to the queue; nothing moves when the campaign does not run any more.
    """
    rows = await tx.rows(
        _STEP,
        turn.campaign_id,
        turn.month,
        turn.lane,
        turn.mark,
        [one.contact_id for one in done],
        [one.status for one in done],
        [one.reason for one in done],
        [one.code for one in done],
        [one.reply for one in done],
        [one.wait for one in done],
        [one.tried for one in done],
        [one.contact_id for one in ready],
        [one.person.email for one in ready],
        [one.person.opens for one in ready],
        [one.person.clicks for one in ready],
        [one.tracking.opens for one in ready],
        [one.tracking.clicks for one in ready],
        [one.refused for one in done],
    )
    await bounce_reasons.note(tx, turn.campaign_id, turn.month, done)
    recorded = {contact for ended, contact, _, _ in rows if ended}
    await smtp_bounces.note(
        tx, turn.campaign_id, turn.month, [one for one in done if one.contact_id in recorded]
    )
    return await _read(tx, turn, rows)


async def _read(tx: AccountTx, turn: Turn, rows: Sequence[tuple[bool, int, str, str]]) -> set[int]:
    hard = [
        contact
        for ended, contact, status, reason in rows
        if ended and (status, reason) == ("bounced", "hard")
    ]
    if hard:
        await outcomes.suppress_bounced(tx, turn.campaign_id, hard)
    for _, _, status, _ in rows:
        if status not in ("handing", "queued"):
            outcomes.count(status)
    return {contact for ended, contact, status, _ in rows if not ended and status == "handing"}


async def fail(tx: AccountTx, turn: Turn, failed: Sequence[tuple[int, str, str]]) -> None:
    """Claimed rows whose mail cannot be made: (contact, reason render, size or address, why)."""
    touched = await tx.run(
        """
        UPDATE deliveries d
        SET status = 'failed', reason = f.reason, smtp_reply = f.reply, final_at = now(),
            lane = NULL, turn = NULL
        FROM unnest($6::bigint[], $7::text[], $8::text[]) AS f (contact_id, reason, reply)
        WHERE d.account_id = $1 AND d.campaign_id = $2 AND d.month = $3 AND d.contact_id = f.contact_id
          AND d.status = 'claimed' AND d.lane = $4 AND d.turn = $5
        """,
        turn.campaign_id,
        turn.month,
        turn.lane,
        turn.mark,
        [contact for contact, _, _ in failed],
        [reason for _, reason, _ in failed],
        [reply[:300] for _, _, reply in failed],
    )
    outcomes.count("failed", touched)


async def skip_deleted(tx: AccountTx, turn: Turn, contact_ids: Sequence[int]) -> None:
    """Claimed rows whose contact is gone."""
    touched = await tx.run(
        """
        UPDATE deliveries
        SET status = 'skipped', reason = 'deleted', final_at = now(), lane = NULL, turn = NULL
        WHERE account_id = $1 AND campaign_id = $2 AND month = $3 AND contact_id = ANY ($6::bigint[])
          AND status = 'claimed' AND lane = $4 AND turn = $5
        """,
        turn.campaign_id,
        turn.month,
        turn.lane,
        turn.mark,
        list(contact_ids),
    )
    outcomes.count("skipped", touched)


async def release(tx: AccountTx, turn: Turn) -> int:
    """Claimed rows of this turn go back to the queue: nothing of them was sent."""
    return await tx.run(
        """
        UPDATE deliveries
        SET status = 'queued', lane = NULL, turn = NULL
        WHERE account_id = $1 AND campaign_id = $2 AND month = $3 AND lane = $4 AND turn = $5
          AND status = 'claimed'
        """,
        turn.campaign_id,
        turn.month,
        turn.lane,
        turn.mark,
    )


async def take_back(tx: AccountTx, turn: Turn, contact_ids: Sequence[int]) -> None:
    """Rows that a statement without an answer may have moved to "handing", and that were not handed over."""
    await tx.run(
        """
        UPDATE deliveries
        SET status = 'queued', lane = NULL, turn = NULL
        WHERE account_id = $1 AND campaign_id = $2 AND month = $3 AND contact_id = ANY ($6::bigint[])
          AND lane = $4 AND turn = $5 AND status = 'handing'
        """,
        turn.campaign_id,
        turn.month,
        turn.lane,
        turn.mark,
        list(contact_ids),
    )
