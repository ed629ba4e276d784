"""Everything that happened with one contact and those merged into it, the newest first.

Consents, deliveries, gestures, changes: four sources, one order, by keyset; each line tells when it goes.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from lists import contact_merges
from mailer.core.clock import months_after
from mailer.core.db import AccountTx
from mailer.core.errors import fault
from mailer.core.paging import Page, decode, page
from mailer.core.text import N_

Kind = Literal["", "consent", "delivery", "event", "change"]
# what retention_jobs/policies.py says; the ledger has no such end
FAR = datetime.max.replace(tzinfo=UTC)
MONTHS = {"delivery": 13, "event": 13, "change": 12}


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """A line. `kind`: consent, delivery, event, change; `word` says what of it; `ref`: its place in a tie."""

    at: datetime
    kind: str
    word: str
    purpose: str
    name: str | None
    who: str
    source: str
    ref: str

    @property
    def kept_until(self) -> datetime | None:
        """When this line is deleted; None: it is proof, and stays as such."""
        return months_after(self.at, MONTHS[self.kind]) if self.kind in MONTHS else None


async def many(
    tx: AccountTx, contact_id: int, *, kind: Kind = "", cursor: str | None = None, limit: int = 50
) -> Page[Moment]:
    """`kind` "": all. Raises Invalid for a damaged cursor."""
    at, ref = _place(cursor)
    rows = await tx.many(
        Moment,
        """
        -- each source is cut to the limit first, so that one long history does not read the others whole
        SELECT at, kind, word, purpose, name, who, source, ref
        FROM (
            (SELECT g.at, 'consent' AS kind, g.act AS word, g.purpose, l.name, g.method AS who, g.source,
                    'c' || lpad(g.id::text, 19, '0') COLLATE "C" AS ref
             FROM consents g
             LEFT JOIN mailing_lists l ON l.account_id = $1 AND l.id = g.list_id
             WHERE g.account_id = $1 AND g.contact_id = ANY ($2::bigint[]) AND $3 IN ('', 'consent')
               AND (g.at, 'c' || lpad(g.id::text, 19, '0') COLLATE "C") < ($4::timestamptz, $5)
             ORDER BY 1 DESC, 8 DESC
             LIMIT $6)
            UNION ALL
            (SELECT coalesce(d.final_at, d.first_at), 'delivery', d.status, d.reason, c.name, '', '',
                    'd' || lpad(d.campaign_id::text, 19, '0') COLLATE "C"
             FROM deliveries d
             LEFT JOIN campaigns c ON c.account_id = $1 AND c.id = d.campaign_id
             WHERE d.account_id = $1 AND d.contact_id = ANY ($2) AND $3 IN ('', 'delivery')
               AND (coalesce(d.final_at, d.first_at), 'd' || lpad(d.campaign_id::text, 19, '0') COLLATE "C")
                   < ($4::timestamptz, $5)
             ORDER BY 1 DESC, 8 DESC
             LIMIT $6)
            UNION ALL
            (SELECT e.at, 'event', e.kind, e.verdict, c.name, '', '', 'e' || e.id COLLATE "C"
             FROM events e
             LEFT JOIN campaigns c ON c.account_id = $1 AND c.id = e.campaign_id
             WHERE e.account_id = $1 AND e.contact_id = ANY ($2) AND $3 IN ('', 'event')
               AND (e.at, 'e' || e.id COLLATE "C") < ($4::timestamptz, $5)
             ORDER BY 1 DESC, 8 DESC
             LIMIT $6)
            UNION ALL
            (SELECT a.at, 'change', a.action, '', NULL, a.actor, '',
                    'a' || lpad(a.id::text, 19, '0') COLLATE "C"
             FROM audit a
             WHERE a.account_id = $1 AND a.object = 'contact' AND a.object_id = ANY ($2)
               AND $3 IN ('', 'change')
               AND (a.at, 'a' || lpad(a.id::text, 19, '0') COLLATE "C") < ($4::timestamptz, $5)
             ORDER BY 1 DESC, 8 DESC
             LIMIT $6)
        ) AS moments
        ORDER BY at DESC, ref DESC
        LIMIT $6
        """,
        await contact_merges.ids(tx, contact_id),
        kind,
        at,
        ref,
        limit + 1,
    )
    return page(rows, limit, key=lambda row: (row.at.isoformat(), row.ref))


def _place(cursor: str | None) -> tuple[datetime, str]:
    after = decode(cursor, (str, str))
    if after is None:
        return FAR, ""
    try:
        found = datetime.fromisoformat(str(after[0]))
    except ValueError:
        found = None
    if found is None or found.tzinfo is None or "\0" in str(after[1]):
        raise fault("cursor", N_("This cursor is damaged. Start again without it."))
    return found, str(after[1])
