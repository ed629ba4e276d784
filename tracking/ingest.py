"""A batch of hits of one account → events. Each step may drop a hit for a reason that is counted.

    hits → facts (delivery, consent now) → STEPS → judge → insert, once → bursts → last act of the person

Hits of people who were not measured in that mail, or who withdrew since, leave no trace (B-35, B-41).
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from mailer.core import clock, metrics, work
from mailer.core.db import AccountTx
from tracking.bots import RULES, Agent
from tracking.buffer import Hit

OLDEST = timedelta(days=30)  # a file that was forgotten longer than this says nothing any more
AHEAD = timedelta(minutes=10)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """What is known of a recipient of a campaign. States None: the contact is gone."""

    campaign_id: int
    contact_id: int
    opens: bool
    clicks: bool
    handed_at: datetime | None
    in_doubt: bool
    opens_state: str | None
    clicks_state: str | None
    opens_mode: str
    clicks_mode: str


@dataclass(frozen=True, slots=True)
class Judged:
    hit: Hit
    verdict: str
    delay: str

    @property
    def key(self) -> tuple[int, int]:
        return self.hit.campaign_id, self.hit.contact_id


Step = Callable[[Hit, Fact | None], str]


def never_sent(hit: Hit, fact: Fact | None) -> str:
    return "" if fact else "never_sent"


def not_measured(hit: Hit, fact: Fact | None) -> str:
    """Was this mail measured? A token of ours in a mail that was not is nobody's consent."""
    if fact is None:
        return ""
    return "" if (fact.opens if hit.kind == "open" else fact.clicks) else "not_measured"


def withdrawn(hit: Hit, fact: Fact | None) -> str:
    """B-41: a no reaches mails that are out already."""
    if fact is None:
        return ""
    state = fact.opens_state if hit.kind == "open" else fact.clicks_state
    return "" if state == "granted" else "gone" if state is None else "withdrawn"


def switched_off(hit: Hit, fact: Fact | None) -> str:
    """A mode that the account has left records nothing more, of mails that are out as well."""
    if fact is None:
        return ""
    mode = fact.opens_mode if hit.kind == "open" else fact.clicks_mode
    return "" if mode == "individual" else "switched_off"


def out_of_time(hit: Hit, fact: Fact | None) -> str:
    now = clock.now()
    return "" if now - OLDEST <= hit.time <= now + AHEAD else "out_of_time"


STEPS: tuple[Step, ...] = (never_sent, not_measured, switched_off, withdrawn, out_of_time)


async def store(tx: AccountTx, hits: Sequence[Hit]) -> Counter[tuple[str, str]]:
    """All hits are of this account. Returns (kind, result) → how many; one that is there is "again"."""
    facts = {(fact.campaign_id, fact.contact_id): fact for fact in await _facts(tx, hits)}
    results: Counter[tuple[str, str]] = Counter()
    kept: list[Judged] = []
    for hit in {hit.id: hit for hit in hits}.values():
        fact = facts.get((hit.campaign_id, hit.contact_id))
        reason = next((why for step in STEPS if (why := step(hit, fact))), "")
        if reason or fact is None:
            results[(hit.kind, reason)] += 1
        else:
            kept.append(judge(hit, fact))
    for kind in ("open", "click"):
        chosen = [one for one in kept if one.hit.kind == kind]
        if chosen:
            stored = await _insert(tx, chosen)
            results[(kind, "stored")] += stored
            results[(kind, "again")] += len(chosen) - stored
    # a mail that was opened has arrived; the deliveries are sending's, and it is asked by name
    for campaign_id in {one.hit.campaign_id for one in kept if facts[one.key].in_doubt}:
        await work.add(tx, "sending.resolve_doubt", campaign_id)
    clicks = [one for one in kept if one.hit.kind == "click"]
    if clicks:
        await _mark_bursts(tx, clicks)
        await _note_acts(tx, clicks)
    return results


def count(results: Counter[tuple[str, str]]) -> None:
    """After the commit."""
    for (kind, result), n in results.items():
        metrics.EVENTS.labels(kind, result).inc(n)


def judge(hit: Hit, fact: Fact) -> Judged:
    """D-90, D-92: what says that it is a machine, or comes as fast as one, is not taken for a person."""
    delay = _delay(hit.time - fact.handed_at) if fact.handed_at else "later"
    if hit.head or hit.agent != Agent.BROWSER:
        return Judged(hit, "machine", delay)
    return Judged(hit, "unknown" if delay in ("at_once", "minute") else "person", delay)


def _delay(after: timedelta) -> str:
    """Class of the time since our SMTP server took the mail (S21)."""
    for name, limit in (("at_once", 5), ("minute", 60), ("hour", 3600)):
        if after.total_seconds() < limit:
            return name
    return "later"


async def make_months(tx: AccountTx, hits: Sequence[Hit]) -> None:
    """Partitions for the hits' months; they are there but for a clock that is far off."""
    for month in sorted({_month(hit.time) for hit in hits if not out_of_time(hit, None)}):
        await tx.shared().run("CALL make_month($1)", month)


def _month(at: datetime) -> date:
    return at.astimezone(UTC).date().replace(day=1)


async def _facts(tx: AccountTx, hits: Sequence[Hit]) -> list[Fact]:
    return await tx.many(
        Fact,
        """
        SELECT w.campaign_id, w.contact_id, d.opens, d.clicks, coalesce(d.final_at, d.first_at) AS handed_at,
               d.status = 'in_doubt' AS in_doubt,
               c.opens AS opens_state, c.clicks AS clicks_state,
               coalesce(s.opens, 'individual') AS opens_mode, coalesce(s.clicks, 'individual') AS clicks_mode
        FROM (SELECT DISTINCT campaign_id, contact_id
              FROM unnest($2::bigint[], $3::bigint[]) AS hit (campaign_id, contact_id)) w
        JOIN campaigns m ON m.account_id = $1 AND m.id = w.campaign_id
        JOIN deliveries d ON d.account_id = $1 AND d.campaign_id = w.campaign_id
                         AND d.contact_id = w.contact_id AND d.month = m.month
        LEFT JOIN contacts c ON c.account_id = $1 AND c.id = w.contact_id
        LEFT JOIN measurement_settings s ON s.account_id = $1
        """,
        [hit.campaign_id for hit in hits],
        [hit.contact_id for hit in hits],
    )


async def _insert(tx: AccountTx, judged: Sequence[Judged]) -> int:
    return await tx.run(
        """
        INSERT INTO events (account_id, id, at, campaign_id, contact_id, kind, link_id, verdict, signals)
        SELECT $1::bigint, h.id, h.at, h.campaign_id, h.contact_id, h.kind, nullif(h.link_id, 0), h.verdict,
               jsonb_build_object('agent', h.agent, 'delay', h.delay, 'head', h.head, 'rules', $11::int)
        FROM unnest($2::text[], $3::timestamptz[], $4::bigint[], $5::bigint[], $6::text[], $7::bigint[],
                    $8::text[], $9::text[], $10::text[], $12::boolean[])
            AS h (id, at, campaign_id, contact_id, kind, link_id, verdict, agent, delay, head)
        ON CONFLICT DO NOTHING
        """,
        [one.hit.id for one in judged],
        [one.hit.time for one in judged],
        [one.hit.campaign_id for one in judged],
        [one.hit.contact_id for one in judged],
        [one.hit.kind for one in judged],
        [one.hit.link_id for one in judged],
        [one.verdict for one in judged],
        [one.hit.agent for one in judged],
        [one.delay for one in judged],
        RULES,
        [one.hit.head for one in judged],
    )


async def _mark_bursts(tx: AccountTx, clicks: Sequence[Judged]) -> None:
    """D-92: three links or more within ten seconds are a scanner, also across batches."""
    times = [one.hit.time for one in clicks]
    bursts = await tx.rows(
        """
        -- each new click as the end of a window of ten seconds; LATERAL: one index range a click,
        -- however the planner guesses
        SELECT w.ids, w.links
        FROM events n
        CROSS JOIN LATERAL (
            SELECT array_agg(e.id) AS ids, count(DISTINCT e.link_id)::int AS links
            FROM events e
            WHERE e.account_id = $1 AND e.contact_id = n.contact_id
              AND e.at BETWEEN n.at - interval '10 seconds' AND n.at
              AND e.campaign_id = n.campaign_id AND e.kind = 'click'
        ) w
        WHERE n.account_id = $1 AND n.id = ANY($2::text[]) AND n.at BETWEEN $3 AND $4 AND w.links >= 3
        """,
        [one.hit.id for one in clicks],
        min(times),
        max(times),
    )
    links: dict[str, int] = {}
    for ids, found in bursts:
        for event_id in ids:
            links[event_id] = max(found, links.get(event_id, 0))
    if not links:
        return
    await tx.run(
        """
        UPDATE events AS e
        SET verdict = 'machine', signals = e.signals || jsonb_build_object('burst', b.links)
        FROM unnest($2::text[], $3::int[]) AS b (id, links)
        WHERE e.account_id = $1 AND e.id = b.id AND e.kind = 'click'
          AND e.at BETWEEN $4::timestamptz - interval '10 seconds' AND $5
        """,
        list(links),
        list(links.values()),
        min(times),
        max(times),
    )


async def _note_acts(tx: AccountTx, clicks: Sequence[Judged]) -> None:
    """B-27: a person's click is a sign of life; an open is not."""
    times = [one.hit.time for one in clicks]
    await tx.run(
        """
        UPDATE contacts AS c
        SET last_act_at = e.at
        FROM (SELECT contact_id, max(at) AS at
              FROM events
              WHERE account_id = $1 AND id = ANY($2::text[]) AND at BETWEEN $3 AND $4 AND verdict = 'person'
              GROUP BY contact_id) e
        WHERE c.account_id = $1 AND c.id = e.contact_id AND (c.last_act_at IS NULL OR c.last_act_at < e.at)
        """,
        [one.hit.id for one in clicks],
        min(times),
        max(times),
    )
