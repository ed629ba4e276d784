"""Opens and clicks of a campaign, by who made them: of all, and of each link."""

from mailer.core.db import AccountTx
from tracking.figures import LinkFigures, Measured, Verdicts


async def recipients(tx: AccountTx, campaign_id: int, bases: tuple[int, int]) -> tuple[Measured, Measured]:
    """Each recipient counts once, as the best that is known of it: person, unknown, machine."""
    rows = await tx.rows(
        """
        WITH recipients AS (
            SELECT kind, contact_id,
                   count(*) FILTER (WHERE verdict = 'person') AS people,
                   count(*) FILTER (WHERE verdict = 'machine') AS machines,
                   count(*) FILTER (WHERE verdict = 'unknown') AS unknown
            FROM events
            WHERE account_id = $1 AND campaign_id = $2 AND kind IN ('open', 'click')
            GROUP BY kind, contact_id
        )
        SELECT kind,
               (count(*) FILTER (WHERE people > 0))::int,
               (count(*) FILTER (WHERE people = 0 AND unknown = 0))::int,
               (count(*) FILTER (WHERE people = 0 AND unknown > 0))::int,
               sum(people)::int, sum(machines)::int, sum(unknown)::int
        FROM recipients
        GROUP BY kind
        """,
        campaign_id,
    )
    found = {row[0]: _both(row[1:]) for row in rows}
    none = (Verdicts(), Verdicts())
    opens, clicks = found.get("open", none), found.get("click", none)
    return (
        Measured(base=bases[0], unique=opens[0], total=opens[1]),
        Measured(base=bases[1], unique=clicks[0], total=clicks[1]),
    )


def _both(numbers: tuple[int, ...]) -> tuple[Verdicts, Verdicts]:
    """People, machines, unknown of recipients, then of hits."""
    first, second = numbers[:3], numbers[3:]
    return (
        Verdicts(people=first[0], machines=first[1], unknown=first[2]),
        Verdicts(people=second[0], machines=second[1], unknown=second[2]),
    )


async def links(tx: AccountTx, campaign_id: int) -> list[LinkFigures]:
    """All links of the campaign, also those that nobody followed, in the order of the mail."""
    rows = await tx.rows(
        """
        WITH recipients AS (
            SELECT link_id, contact_id,
                   count(*) FILTER (WHERE verdict = 'person') AS people,
                   count(*) FILTER (WHERE verdict = 'machine') AS machines,
                   count(*) FILTER (WHERE verdict = 'unknown') AS unknown
            FROM events
            WHERE account_id = $1 AND campaign_id = $2 AND kind = 'click'
            GROUP BY link_id, contact_id
        )
        SELECT l.id, l.position::int, l.url, l.label,
               (count(*) FILTER (WHERE r.people > 0))::int,
               (count(*) FILTER (WHERE r.people = 0 AND r.unknown = 0))::int,
               (count(*) FILTER (WHERE r.people = 0 AND r.unknown > 0))::int,
               coalesce(sum(r.people), 0)::int, coalesce(sum(r.machines), 0)::int,
               coalesce(sum(r.unknown), 0)::int
        FROM links l
        LEFT JOIN recipients r ON r.link_id = l.id
        WHERE l.account_id = $1 AND l.campaign_id = $2
        GROUP BY l.id, l.position, l.url, l.label
        ORDER BY l.position
        """,
        campaign_id,
    )
    found = []
    for link_id, position, url, label, *numbers in rows:
        unique, total = _both(tuple(numbers))
        found.append(
            LinkFigures(link_id=link_id, position=position, url=url, label=label, unique=unique, total=total)
        )
    return found
