"""A line of a contact's timeline, and those of automatic campaigns: what `contact_timeline` puts in order."""

from dataclasses import dataclass
from datetime import datetime

from mailer.core.clock import months_after
from mailer.core.db import AccountTx

# what retention_jobs/policies.py says; the ledger and a journey have no such end
MONTHS = {"delivery": 13, "event": 13, "change": 12, "step": 13}


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """A line. `kind`: consent, delivery, event, change, journey, step; `word` says what of it; `ref`: its
    place in a tie.

    A journey is entered, or has one of contact_journeys.OUTCOMES; a step was passed on it, and `purpose`
    says which way a condition went. Both name the automatic campaign.
    """

    at: datetime
    kind: str
    word: str
    purpose: str
    name: str | None
    who: str
    source: str
    ref: str
    automation_id: int | None = None
    tag: str | None = None

    @property
    def kept_until(self) -> datetime | None:
        """When this line is deleted; None: it stays, as proof or as long as the contact."""
        return months_after(self.at, MONTHS[self.kind]) if self.kind in MONTHS else None


async def of_automations(
    tx: AccountTx, contact_ids: list[int], place: tuple[datetime, str], limit: int
) -> list[Moment]:
    """Entered, steps passed, left, before `place`, the newest first; mails are lines of deliveries."""
    return await tx.many(
        Moment,
        """
        -- at one instant: entered, then passed, then ended. A person has few journeys: each gets its ref; of
        -- steps there may be many, and `at` alone leads into the index
        WITH journeys AS (
            SELECT j.entered_at, j.ended_at, j.outcome, j.automation_id, a.name,
                   lpad(j.automation_id::text, 19, '0') || lpad(j.contact_id::text, 19, '0')
                       || substr(encode(sha256(convert_to(j.occasion, 'UTF8')), 'hex'), 1, 16) AS key
            FROM automation_journeys j
            JOIN automations a ON a.account_id = j.account_id AND a.id = j.automation_id
            WHERE j.account_id = $1 AND j.contact_id = ANY ($2::bigint[])
        )
        SELECT at, kind, word, purpose, name, who, source, ref, automation_id, tag
        FROM (
            SELECT entered_at AS at, 'journey' AS kind, 'entered' AS word, '' AS purpose, name, '' AS who,
                   '' AS source, ('j0' || key) COLLATE "C" AS ref, automation_id, NULL::text AS tag
            FROM journeys
            UNION ALL
            SELECT ended_at, 'journey', outcome, '', name, '', '', ('j2' || key) COLLATE "C", automation_id,
                   NULL
            FROM journeys
            WHERE ended_at IS NOT NULL
            UNION ALL
            SELECT p.at, 'step', p.kind, p.said, a.name, '', '',
                   'j1' || lpad(p.id::text, 19, '0') COLLATE "C", p.automation_id, t.name
            FROM unnest($2) AS person (id)
            CROSS JOIN LATERAL (
                SELECT at, id, kind, said, automation_id, tag_id
                FROM automation_passages
                WHERE account_id = $1 AND contact_id = person.id AND at <= $3
                  AND (at, 'j1' || lpad(id::text, 19, '0') COLLATE "C") < ($3, $4)
                ORDER BY at DESC, id DESC
                LIMIT $5) AS p
            JOIN automations a ON a.account_id = $1 AND a.id = p.automation_id
            LEFT JOIN tags t ON t.account_id = $1 AND t.id = p.tag_id
        ) AS moments
        WHERE (at, ref) < ($3::timestamptz, $4)
        ORDER BY at DESC, ref DESC
        LIMIT $5
        """,
        contact_ids,
        *place,
        limit,
    )
