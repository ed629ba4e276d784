"""Everything that happened with one contact and those merged into it, the newest first.

Consents, deliveries, gestures, changes, automatic campaigns: five sources, one order, by keyset; each line
tells when it goes.
"""

from datetime import UTC, datetime
from typing import Literal

from lists import contact_merges, contact_moments
from lists.contact_moments import Moment
from mailer.core.db import AccountTx
from mailer.core.errors import fault
from mailer.core.paging import Page, decode, page
from mailer.core.text import N_

Kind = Literal["", "consent", "delivery", "event", "change", "journey"]
FAR = datetime.max.replace(tzinfo=UTC)


async def many(
    tx: AccountTx, contact_id: int, *, kind: Kind = "", cursor: str | None = None, limit: int = 50
) -> Page[Moment]:
    """`kind` "": all; "journey": with the steps. Raises Invalid for a damaged cursor."""
    place = _place(cursor)
    known = await contact_merges.ids(tx, contact_id)
    rows = [] if kind == "journey" else await _main(tx, known, kind, place, limit + 1)
    if kind in ("", "journey"):
        rows = [*rows, *await contact_moments.of_automations(tx, known, place, limit + 1)]
        rows.sort(key=lambda row: (row.at, row.ref), reverse=True)
    return page(rows[: limit + 1], limit, key=lambda row: (row.at.isoformat(), row.ref))


async def _main(
    tx: AccountTx, contact_ids: list[int], kind: Kind, place: tuple[datetime, str], limit: int
) -> list[Moment]:
    return await tx.many(
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
        contact_ids,
        kind,
        *place,
        limit,
    )


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
