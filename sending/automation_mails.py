"""The mails of an automatic campaign are campaigns: written as one, and sent as one for each step and day.

    draft ─ publish ─▶ published copy ─ somebody comes to the step ─▶ the day's mailing: frozen, rows of
    deliveries
                                                                        └ "sending" ⇄ "sent" while people come

The draft is the author's and lives on; what was frozen of a day dies six days after that day's last mail
(S12, decision 0025). Consent, refusals, measurement, pace, balance and stop are those of every campaign.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from mailer.core.db import AccountTx
from mailer.core.errors import Invalid
from mailer.core.services import Services
from sending import campaigns, lanes, outcomes, preparation, revisions
from sending.automations import Automation
from sending.campaigns import NewCampaign


@dataclass(frozen=True, slots=True)
class Traveller:
    """Somebody at a step, on this occasion."""

    contact_id: int
    occasion: str


class Stopped(Exception):
    """No mail may leave now: a key of lanes.PAUSE_REASONS, or what a person gave."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


async def draft(tx: AccountTx, automation: Automation, subject: str) -> int:
    """Where the mail of a new step is written. Returns the campaign's id."""
    made = await campaigns.create(tx, NewCampaign(name=automation.name, subject=subject))
    await tx.run(
        """
        INSERT INTO campaign_lists (account_id, campaign_id, list_id, use, position)
        VALUES ($1, $2, $3, 'include', 1)
        """,
        made.id,
        automation.list_id,
    )
    return made.id


async def tie(tx: AccountTx, campaign_id: int, automation_id: int, step_id: int) -> None:
    await tx.run(
        "UPDATE campaigns SET automation_id = $3, step_id = $4 WHERE account_id = $1 AND id = $2",
        campaign_id,
        automation_id,
        step_id,
    )


async def discard(tx: AccountTx, drafts: Sequence[int | None], published: Sequence[int | None]) -> None:
    """What was written for steps that go. What left of it stays, as campaigns that were sent."""
    await tx.run(
        "DELETE FROM campaigns WHERE account_id = $1 AND id = ANY ($2::bigint[]) AND status = 'draft'",
        [one for one in (*drafts, *published) if one is not None],
    )


async def publish(tx: AccountTx, step_id: int) -> None:
    """From now on people who come to the step get what the draft says."""
    rows = await tx.rows(
        """
        SELECT s.automation_id, s.draft_id, s.published_id, c.version, c.name
        FROM automation_steps s
        JOIN campaigns c ON c.account_id = s.account_id AND c.id = s.draft_id
        WHERE s.account_id = $1 AND s.id = $2
        """,
        step_id,
    )
    [(automation_id, draft_id, old, version, name)] = rows
    copy = await campaigns.copy(tx, draft_id, name)
    await tie(tx, copy.id, automation_id, step_id)
    await tx.run(
        """
        UPDATE automation_steps SET published_id = $3, published_version = $4
        WHERE account_id = $1 AND id = $2
        """,
        step_id,
        copy.id,
        version,
    )
    await discard(tx, [], [old])


@dataclass(frozen=True, slots=True, kw_only=True)
class _Mailing:
    id: int
    status: str
    pause_reason: str
    month: date


@dataclass(frozen=True, slots=True)
class Sent:
    """Whom nothing was sent to: `without`, contact → reason; `later`: who had this mail today already."""

    without: Mapping[int, str]
    later: frozenset[int]


async def send(
    tx: AccountTx, services: Services, published_id: int, people: Sequence[Traveller], now: datetime
) -> Sent:
    """Deliveries for these people in the day's mailing.

    Who got this step's mail on this occasion already gets no second one, and goes on; who got it today on
    another occasion gets the next one on another day. Raises Stopped.
    """
    mailing = await _today(tx, services, published_id, now)
    if mailing.status == "paused":
        raise Stopped(mailing.pause_reason or "person")
    later = await _had_today(tx, mailing, people)
    people = [one for one in people if one.contact_id not in later]
    ids = [one.contact_id for one in people]
    judged = await tx.rows(
        """
        SELECT contact_id, reason FROM audience
        WHERE account_id = $1 AND campaign_id = $2 AND contact_id = ANY ($3::bigint[])
        """,
        mailing.id,
        ids,
    )
    reasons: dict[int, str] = dict(judged)
    added = await _add(tx, mailing, [one for one in people if reasons.get(one.contact_id) == ""], now)
    await tx.run(
        """
        UPDATE campaigns
        SET audience = audience + $3, status = 'sending', finished_at = NULL, updated_at = now()
        WHERE account_id = $1 AND id = $2
        """,
        mailing.id,
        added,
    )
    await lanes.start(tx, mailing.id, 1)
    without = {one: reasons.get(one, "unsubscribed") for one in ids if reasons.get(one) != ""}
    return Sent(without, later)


async def _had_today(tx: AccountTx, mailing: _Mailing, people: Sequence[Traveller]) -> frozenset[int]:
    """By another occasion: of one mailing a person gets one mail, whatever asks for two."""
    rows = await tx.rows(
        """
        SELECT g.contact_id
        FROM unnest($4::bigint[], $5::text[]) AS g (contact_id, occasion)
        JOIN deliveries d ON d.account_id = $1 AND d.campaign_id = $2 AND d.month = $3
            AND d.contact_id = g.contact_id
        JOIN campaigns c ON c.account_id = $1 AND c.id = $2
        WHERE NOT EXISTS (SELECT FROM automation_mails m
                          WHERE m.account_id = $1 AND m.step_id = c.step_id
                            AND m.contact_id = g.contact_id AND m.occasion = g.occasion)
        """,
        mailing.id,
        mailing.month,
        [one.contact_id for one in people],
        [one.occasion for one in people],
    )
    return frozenset(contact_id for (contact_id,) in rows)


async def _add(tx: AccountTx, mailing: _Mailing, people: Sequence[Traveller], now: datetime) -> int:
    return await tx.run(
        """
        WITH given AS (
            SELECT contact_id, occasion FROM unnest($4::bigint[], $5::text[]) AS g (contact_id, occasion)
        ), noted AS (
            INSERT INTO automation_mails (account_id, step_id, contact_id, occasion, automation_id,
                        campaign_id, at)
            SELECT $1, c.step_id, g.contact_id, g.occasion, c.automation_id, c.id, $6
            FROM given g
            JOIN campaigns c ON c.account_id = $1 AND c.id = $2
            ON CONFLICT DO NOTHING
            RETURNING contact_id
        )
        INSERT INTO deliveries (account_id, campaign_id, contact_id, month, list_id, profile)
        SELECT $1, $2, a.contact_id, $3, a.list_id, coalesce(m.profile, 'default')
        FROM noted n
        JOIN audience a ON a.account_id = $1 AND a.campaign_id = $2 AND a.contact_id = n.contact_id
            AND a.contact_id = ANY ($4::bigint[])
        JOIN contacts c ON c.account_id = $1 AND c.id = n.contact_id
        LEFT JOIN mx_domains m ON m.domain = substring(c.address_key FROM '[^@]*$')
        ON CONFLICT DO NOTHING
        """,
        mailing.id,
        mailing.month,
        [one.contact_id for one in people],
        [one.occasion for one in people],
        now,
    )


async def _today(tx: AccountTx, services: Services, published_id: int, now: datetime) -> _Mailing:
    """The mailing of this day, made when nobody came before; its row is locked, so that it does not end
    while rows are added (`outcomes.finish` waits, and sees them)."""
    found = await tx.first(
        _Mailing,
        """
        SELECT id, status, pause_reason, month
        FROM campaigns
        WHERE account_id = $1 AND mailing_of = $2 AND mailing_day = $3 AND status <> 'cancelled'
        FOR NO KEY UPDATE
        """,
        published_id,
        now.date(),
    )
    if found is not None:
        return found
    if obstacle := await preparation.obstacle(tx, services, published_id):
        raise Stopped(obstacle)
    source = await campaigns.show(tx, published_id)
    copy = await campaigns.copy(tx, published_id, source.name)
    month = now.date().replace(day=1)
    try:
        await revisions.compile(tx, services, copy.id)
    except Invalid:
        raise Stopped("content") from None
    await tx.run(
        """
        UPDATE campaigns c
        SET automation_id = p.automation_id, step_id = p.step_id, mailing_of = p.id, mailing_day = $4,
            month = $5,
            keep_source = false
        FROM campaigns p
        WHERE c.account_id = $1 AND c.id = $2 AND p.account_id = $1 AND p.id = $3
        """,
        copy.id,
        published_id,
        now.date(),
        month,
    )
    # as every campaign that leaves: each of these steps is one that the database allows (S2)
    for status in ("scheduled", "preparing", "sending"):
        await tx.run(
            """
            UPDATE campaigns
            SET status = $3, scheduled_at = coalesce(scheduled_at, now()), prepared_at = now(),
                started_at = now()
            WHERE account_id = $1 AND id = $2
            """,
            copy.id,
            status,
        )
    return _Mailing(id=copy.id, status="sending", pause_reason="", month=month)


async def renew(tx: AccountTx, services: Services, automation_id: int, now: datetime) -> None:
    """Whose mail waited longer than what was frozen may be kept (S12) gets it in a mailing of today.

    Raises Stopped.
    """
    rows = await tx.rows(
        """
        SELECT c.id, s.published_id
        FROM campaigns c
        JOIN automation_steps s ON s.account_id = c.account_id AND s.id = c.step_id
        WHERE c.account_id = $1 AND c.automation_id = $2 AND c.mailing_of IS NOT NULL
          AND c.status = 'paused' AND s.published_id IS NOT NULL
          AND NOT EXISTS (SELECT FROM revisions r WHERE r.account_id = $1 AND r.campaign_id = c.id)
        """,
        automation_id,
    )
    for campaign_id, published_id in rows:
        await tx.run(
            """
            UPDATE campaigns
            SET status = 'cancelled', pause_reason = '', finished_at = now(), updated_at = now()
            WHERE account_id = $1 AND id = $2
            """,
            campaign_id,
        )
        await outcomes.cancel_open(tx, campaign_id)
        waited = await tx.rows(
            """
            DELETE FROM automation_mails m
            USING campaigns c, deliveries d
            WHERE m.account_id = $1 AND m.campaign_id = $2 AND c.account_id = $1 AND c.id = $2
              AND d.account_id = $1 AND d.campaign_id = $2 AND d.month = c.month
              AND d.contact_id = m.contact_id AND d.status = 'cancelled'
            RETURNING m.contact_id, m.occasion
            """,
            campaign_id,
        )
        await send(tx, services, published_id, [Traveller(*row) for row in waited], now)


async def resume(tx: AccountTx, automation_id: int) -> None:
    """Mailings that stood still go on."""
    rows = await tx.rows(
        """
        UPDATE campaigns SET status = 'sending', pause_reason = '', updated_at = now()
        WHERE account_id = $1 AND automation_id = $2 AND mailing_of IS NOT NULL AND status = 'paused'
        RETURNING id
        """,
        automation_id,
    )
    for (campaign_id,) in rows:
        await lanes.start(tx, campaign_id, 1)


async def stopped(tx: AccountTx, automation_id: int) -> str | None:
    """Why a mailing stands still (bounces, the domain …), "" when a person did it; None: none does."""
    reason: str | None = await tx.value(
        """
        SELECT pause_reason FROM campaigns
        WHERE account_id = $1 AND automation_id = $2 AND mailing_of IS NOT NULL AND status = 'paused'
        ORDER BY id DESC
        LIMIT 1
        """,
        automation_id,
    )
    return reason


async def end(tx: AccountTx, automation_id: int) -> None:
    """What stands still will not leave any more."""
    rows = await tx.rows(
        """
        UPDATE campaigns
        SET status = 'cancelled', pause_reason = '', finished_at = now(), updated_at = now()
        WHERE account_id = $1 AND automation_id = $2 AND mailing_of IS NOT NULL AND status = 'paused'
        RETURNING id
        """,
        automation_id,
    )
    for (campaign_id,) in rows:
        await outcomes.cancel_open(tx, campaign_id)


async def stop(tx: AccountTx, automation_id: int, reason: str) -> None:
    """Mails that have not left yet stay where they are."""
    await tx.run(
        """
        UPDATE campaigns SET status = 'paused', pause_reason = $3, updated_at = now()
        WHERE account_id = $1 AND automation_id = $2 AND mailing_of IS NOT NULL AND status = 'sending'
        """,
        automation_id,
        # the campaign's own words for "somebody did"
        "" if reason == "person" else reason,
    )
