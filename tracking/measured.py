"""Opens and clicks of a campaign, by who made them: read from what ingest counted, never from the events.

Each recipient counts once, as the best that is known of it: person, unknown, machine (tracking.counts).
"""

from mailer.core.db import AccountTx
from tracking.figures import LinkFigures, Measured, Verdicts


async def recipients(tx: AccountTx, campaign_id: int, bases: tuple[int, int]) -> tuple[Measured, Measured]:
    rows = await tx.rows(
        """
        SELECT kind, verdict, people::int, hits::int
        FROM event_counts
        WHERE account_id = $1 AND campaign_id = $2 AND link_id = 0
        """,
        campaign_id,
    )
    opens, clicks = (_both([row[1:] for row in rows if row[0] == kind]) for kind in ("open", "click"))
    return (
        Measured(base=bases[0], unique=opens[0], total=opens[1]),
        Measured(base=bases[1], unique=clicks[0], total=clicks[1]),
    )


def _both(cells: list[tuple[str, int, int]]) -> tuple[Verdicts, Verdicts]:
    """Of recipients, then of hits."""
    people = {verdict: n for verdict, n, _ in cells}
    hits = {verdict: n for verdict, _, n in cells}
    return _verdicts(people), _verdicts(hits)


def _verdicts(found: dict[str, int]) -> Verdicts:
    return Verdicts(
        people=found.get("person", 0), machines=found.get("machine", 0), unknown=found.get("unknown", 0)
    )


async def links(tx: AccountTx, campaign_id: int) -> list[LinkFigures]:
    """All links of the campaign, also those that nobody followed, in the order of the mail.

    Variants of an A/B test that share their links have one figure for each; else one variant follows another.
    """
    rows = await tx.rows(
        """
        SELECT l.id, l.position::int, l.url, l.label,
               CASE WHEN t.about = 'content' OR max(l.variant) OVER () > 1 THEN l.variant::int END,
               n.verdict, n.people::int, n.hits::int
        FROM links l
        LEFT JOIN ab_tests t ON t.account_id = $1 AND t.campaign_id = $2
        LEFT JOIN event_counts n ON n.account_id = $1 AND n.campaign_id = $2 AND n.kind = 'click'
                                AND n.link_id = l.id
        WHERE l.account_id = $1 AND l.campaign_id = $2
        ORDER BY l.variant, l.position, l.id
        """,
        campaign_id,
    )
    cells: dict[tuple[int, int, str, str, int | None], list[tuple[str, int, int]]] = {}
    for *link, verdict, people, hits in rows:
        found = cells.setdefault(tuple(link), [])
        if verdict is not None:
            found.append((verdict, people, hits))
    return [
        LinkFigures(
            link_id=link_id,
            position=position,
            url=url,
            label=label,
            unique=unique,
            total=total,
            variant=variant,
        )
        for (link_id, position, url, label, variant), counted in cells.items()
        for unique, total in [_both(counted)]
    ]
