"""Events judged again: their neighbours say more than before, or the rules are new (D-91)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from mailer.core.db import AccountTx
from tracking import verdicts
from tracking.counts import Change
from tracking.verdicts import Signals
from tracking.window import Seen


@dataclass(frozen=True, slots=True)
class Stored:
    """An event as it is in the table."""

    id: str
    at: datetime
    campaign_id: int
    contact_id: int
    kind: str
    link_id: int | None
    verdict: str
    signals: dict[str, Any]


async def amend(tx: AccountTx, seen: Sequence[Seen]) -> list[Change]:
    """What more is known now of hits that were stored before."""
    if not seen:
        return []
    derived = {one.hit.id: one for one in seen}
    at = [one.hit.at for one in seen]
    found = await tx.many(
        Stored,
        """
        SELECT id, at, campaign_id, contact_id, kind, link_id, verdict, signals
        FROM events
        WHERE account_id = $1 AND id = ANY ($2::text[]) AND kind IN ('open', 'click')
          AND at BETWEEN to_timestamp($3 / 1000.0) AND to_timestamp($4 / 1000.0)
        """,
        list(derived),
        float(min(at)),
        float(max(at)),
    )
    return await write(tx, [(one, _more(verdicts.read(one.signals), derived[one.id])) for one in found])


def _more(known: Signals, one: Seen) -> Signals:
    """Figures only grow: a process that has seen less takes nothing away."""
    return known._replace(
        burst=max(known.burst, one.burst),
        networks=max(known.networks, one.networks),
        crowd=max(known.crowd, one.crowd),
        leave=known.leave or one.leave,
        post=known.post or one.post,
    )


async def write(tx: AccountTx, judged: Sequence[tuple[Stored, Signals]]) -> list[Change]:
    """Verdict, signals and rules; returns what has another verdict now. Under `counts.hold`."""
    if not judged:
        return []
    new = [verdicts.verdict(signals) for _, signals in judged]
    await tx.run(
        """
        UPDATE events AS e
        SET verdict = j.verdict, signals = e.signals || j.signals::jsonb
        FROM unnest($2::text[], $3::timestamptz[], $4::text[], $5::text[]) AS j (id, at, verdict, signals)
        WHERE e.account_id = $1 AND e.id = j.id AND e.at = j.at
        """,
        [one.id for one, _ in judged],
        [one.at for one, _ in judged],
        new,
        [verdicts.write(signals) for _, signals in judged],
    )
    return [
        Change(
            one.campaign_id,
            one.contact_id,
            one.kind,
            one.link_id or 0,
            round(one.at.timestamp() * 1000),
            one.verdict,
            verdict,
        )
        for (one, _), verdict in zip(judged, new, strict=True)
        if one.verdict != verdict
    ]


async def take_back(tx: AccountTx, changes: Sequence[Change]) -> None:
    """A click that is no person's any more was no sign of life: the act before it is the last one (B-27).

    Only while it is the last: other acts of the person stand. Where the act before was a click that lost its
    person too, nothing is known but the clicks that are left.
    """
    lost = [one for one in changes if one.kind == "click" and one.old == "person"]
    if not lost:
        return
    await tx.run(
        """
        UPDATE contacts AS c
        SET last_act_at = greatest(
                (SELECT max(e.at) FROM events e
                 WHERE e.account_id = $1 AND e.contact_id = c.id
                   AND e.kind = 'click' AND e.verdict = 'person'),
                CASE WHEN NOT EXISTS (
                         SELECT FROM events e
                         WHERE e.account_id = $1 AND e.contact_id = c.id AND e.at = c.acted_before
                           AND e.kind = 'click' AND e.verdict <> 'person')
                     THEN c.acted_before END)
        FROM (SELECT DISTINCT contact_id, to_timestamp(at / 1000.0) AS at
              FROM unnest($2::bigint[], $3::bigint[]) AS a (contact_id, at)) l
        WHERE c.account_id = $1 AND c.id = l.contact_id AND c.last_act_at = l.at
        """,
        [one.contact_id for one in lost],
        [one.at for one in lost],
    )
