"""A campaign's figures for the people of a segment, as the segment is when somebody looks.

A small account is counted exactly. Of a large one the sample of one contact in 100 is looked at, and every
figure is an estimate that says so: a hundred times what the sample has.
"""

from dataclasses import dataclass

from lists import segment_known, segment_sql, segments
from mailer.core.db import AccountTx
from mailer.core.errors import fault
from mailer.core.text import N_


@dataclass(frozen=True, slots=True, kw_only=True)
class _Counted:
    audience: int
    delivered: int
    bounced: int
    opens_base: int
    opened: int
    clicks_base: int
    clicked: int
    unsubscribed: int
    complained: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentFigures:
    """People. `exact`: nothing was left out; otherwise each is an estimate from one contact in 100."""

    segment_id: int
    name: str
    exact: bool
    audience: int
    delivered: int
    bounced: int
    opens_base: int
    opened: int
    clicks_base: int
    clicked: int
    unsubscribed: int
    complained: int


async def of(tx: AccountTx, campaign_id: int, segment_id: int) -> SegmentFigures:
    """Raises NotFound for the segment, and Invalid when it speaks of something that was deleted."""
    found = await segments.show(tx, segment_id)
    known = await segment_known.load(tx, found.rule)
    if segment_known.faults(found.rule, known):
        message = N_("This segment speaks of something that was deleted. Correct it, then look again.")
        raise fault("segment_id", message, code="broken")
    exact = await segments.is_small(tx)
    if exact:
        members = await segment_sql.ids(tx, found.rule, known, after=0, last=segment_sql.EVERYBODY)
    else:
        members = await segment_sql.sampled_ids(tx, found.rule, known)
    counted = await _count(tx, campaign_id, members)
    times = 1 if exact else segment_sql.ONE_IN
    return SegmentFigures(
        segment_id=found.id,
        name=found.name,
        exact=exact,
        audience=counted.audience * times,
        delivered=counted.delivered * times,
        bounced=counted.bounced * times,
        opens_base=counted.opens_base * times,
        opened=counted.opened * times,
        clicks_base=counted.clicks_base * times,
        clicked=counted.clicked * times,
        unsubscribed=counted.unsubscribed * times,
        complained=counted.complained * times,
    )


async def _count(tx: AccountTx, campaign_id: int, members: list[int]) -> _Counted:
    return await tx.one(
        _Counted,
        """
        -- LATERAL: one index range a person, whatever the campaign has of events
        SELECT count(*)::int AS audience,
               (count(*) FILTER (WHERE d.status = 'delivered'))::int AS delivered,
               (count(*) FILTER (WHERE d.status = 'bounced'))::int AS bounced,
               (count(*) FILTER (WHERE d.status = 'delivered' AND d.opens))::int AS opens_base,
               (count(*) FILTER (WHERE did.opened))::int AS opened,
               (count(*) FILTER (WHERE d.status = 'delivered' AND d.clicks))::int AS clicks_base,
               (count(*) FILTER (WHERE did.clicked))::int AS clicked,
               (count(*) FILTER (WHERE did.unsubscribed))::int AS unsubscribed,
               (count(*) FILTER (WHERE did.complained))::int AS complained
        FROM campaigns c
        CROSS JOIN unnest($3::bigint[]) AS m (contact_id)
        JOIN deliveries d ON d.account_id = $1 AND d.campaign_id = c.id AND d.contact_id = m.contact_id
                         AND d.month = c.month
        CROSS JOIN LATERAL (
            SELECT bool_or(e.kind = 'open' AND e.verdict = 'person') AS opened,
                   bool_or(e.kind = 'click' AND e.verdict = 'person') AS clicked,
                   bool_or(e.kind = 'unsubscribe') AS unsubscribed,
                   bool_or(e.kind = 'complaint') AS complained
            FROM events e
            WHERE e.account_id = $1 AND e.contact_id = m.contact_id AND e.campaign_id = c.id
              AND e.at >= (c.month - 31)::timestamptz
        ) did
        WHERE c.account_id = $1 AND c.id = $2
        """,
        campaign_id,
        members,
    )
