"""What is kept of opens when nobody is followed: a campaign's counter, or one day of a contact (B-33, B-34).

    load   one image for all recipients ─▶ open_counts: how often, persons and machines apart
    day    an image of one recipient    ─▶ last_open_days: the later day stays, nothing else ever stood there

Neither writes an event. A hit of a day has lost its time and its agent before it goes into the stream.
"""

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, date, timedelta

from mailer.core import clock
from mailer.core.db import AccountTx
from tracking.bots import Agent
from tracking.buffer import Hit, new_id

KINDS = ("load", "day")
OLDEST = timedelta(days=30)
AHEAD = timedelta(days=1)
_DAY_MS = 24 * 3600 * 1000
Results = Counter[tuple[str, str]]


def day_of(hit: Hit) -> Hit | None:
    """Midnight of its day (UTC), without the agent; None for what says nothing of a person.

    The picture proxies of Gmail and Yahoo load when the mail is shown: a day of theirs is a person's. Where
    a rate is counted they are machines (`_count`): they load once for several looks, or again by themselves.
    """
    if hit.head or hit.agent not in (Agent.BROWSER, Agent.PROXY):
        return None
    at = hit.at - hit.at % _DAY_MS
    # an id tells its time as well
    return hit._replace(id=new_id(at), at=at, agent="", link_id=0)


async def store(tx: AccountTx, hits: Sequence[Hit]) -> Results:
    """All hits are of this account; those of other kinds are somebody else's."""
    now = clock.now()
    recent = [hit for hit in hits if now - OLDEST <= hit.time <= now + AHEAD]
    results = await _count(tx, [hit for hit in recent if hit.kind == "load"])
    results += await _note_days(tx, [hit for hit in recent if hit.kind == "day"])
    old = Counter((hit.kind, "out_of_time") for hit in hits if hit.kind in KINDS)
    old.subtract((hit.kind, "out_of_time") for hit in recent if hit.kind in KINDS)
    return results + old


async def _count(tx: AccountTx, hits: Sequence[Hit]) -> Results:
    """Only for campaigns that hold the one image, while the account measures that way."""
    if not hits:
        return Counter()
    machine = [hit.head or hit.agent != Agent.BROWSER for hit in hits]
    counted = await tx.value(
        """
        WITH given AS (
            SELECT h.id, h.day, h.campaign_id, h.machine
            FROM unnest($2::text[], $3::date[], $4::bigint[], $5::boolean[])
                AS h (id, day, campaign_id, machine)
            JOIN campaigns c ON c.account_id = $1 AND c.id = h.campaign_id AND c.opens_mode = 'aggregate'
                            AND c.details_erased_at IS NULL
            JOIN measurement_settings s ON s.account_id = $1 AND s.opens = 'aggregate'
        ), fresh AS (
            INSERT INTO counted_loads (account_id, day, id)
            SELECT $1, day, id FROM given
            ON CONFLICT DO NOTHING
            RETURNING day, id
        ), added AS (
            INSERT INTO open_counts AS o (account_id, campaign_id, loads, machine_loads)
            SELECT $1, g.campaign_id, count(*) FILTER (WHERE NOT g.machine), count(*) FILTER (WHERE g.machine)
            FROM given g
            JOIN fresh f ON f.day = g.day AND f.id = g.id
            GROUP BY g.campaign_id
            ON CONFLICT (account_id, campaign_id) DO UPDATE
            SET loads = o.loads + excluded.loads, machine_loads = o.machine_loads + excluded.machine_loads
        )
        SELECT count(*)::int FROM fresh
        """,
        [hit.id for hit in hits],
        [_day(hit) for hit in hits],
        [hit.campaign_id for hit in hits],
        machine,
    )
    return Counter({("load", "stored"): counted, ("load", "not_measured"): len(hits) - counted})


async def _note_days(tx: AccountTx, hits: Sequence[Hit]) -> Results:
    """Of contacts who got a mail with that image and did not refuse, while the account measures that way."""
    if not hits:
        return Counter()
    rows = await tx.rows(
        """
        SELECT c.id, max(h.day)
        FROM unnest($2::bigint[], $3::bigint[], $4::date[]) AS h (campaign_id, contact_id, day)
        JOIN campaigns g ON g.account_id = $1 AND g.id = h.campaign_id AND g.opens_mode = 'last_day'
        JOIN measurement_settings s ON s.account_id = $1 AND s.opens = 'last_day'
        JOIN deliveries d ON d.account_id = $1 AND d.campaign_id = g.id AND d.month = g.month
                         AND d.contact_id = h.contact_id AND d.first_at IS NOT NULL
        JOIN contacts c ON c.account_id = $1 AND c.id = h.contact_id AND c.opens <> 'denied'
        WHERE c.account_id = $1
        GROUP BY c.id
        ORDER BY c.id
        """,
        [hit.campaign_id for hit in hits],
        [hit.contact_id for hit in hits],
        [_day(hit) for hit in hits],
    )
    ids, days = [row[0] for row in rows], [row[1] for row in rows]
    # two statements: what is there cannot be read here, and need not be
    await tx.run(
        """
        UPDATE last_open_days l
        SET day = h.day
        FROM unnest($2::bigint[], $3::date[]) AS h (contact_id, day)
        WHERE l.account_id = $1 AND l.contact_id = h.contact_id
        """,
        ids,
        days,
    )
    await tx.run(
        """
        INSERT INTO last_open_days (account_id, contact_id, day)
        SELECT $1, h.contact_id, h.day
        FROM unnest($2::bigint[], $3::date[]) AS h (contact_id, day)
        ON CONFLICT DO NOTHING
        """,
        ids,
        days,
    )
    return Counter({("day", "stored"): len(ids), ("day", "not_measured"): len(hits) - len(ids)})


def _day(hit: Hit) -> date:
    return hit.time.astimezone(UTC).date()
