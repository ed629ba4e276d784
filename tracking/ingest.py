"""A batch of hits of one account → events. Each step may drop a hit for a reason that is counted.

    hits → facts (delivery, consent now) → STEPS → neighbours → verdict → insert, once
         → earlier hits that look different now → counts → last act of the person

Hits of people who were not measured in that mail, or who withdrew since, leave no trace (B-35, B-41).
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import NamedTuple

from mailer.core import clock, metrics, work
from mailer.core.db import AccountTx, numbers, words
from tracking import counts, judging, verdicts
from tracking.buffer import Hit
from tracking.counts import Change
from tracking.verdicts import CROWD, Signals
from tracking.window import Seen, Window, mark_crowds

OLDEST = timedelta(days=30)  # a file that was forgotten longer than this says nothing any more
AHEAD = timedelta(minutes=10)
SIGN_EVERY = timedelta(minutes=10)
STORED = ("open", "click")
LARGE = 100
"""Hits from which on it pays to plan for what is there, instead of for the day a plan was made."""


class Fact(NamedTuple):
    """What is known of a recipient of a campaign. States None: the contact is gone."""

    campaign_id: int
    contact_id: int
    opens: bool
    clicks: bool
    first_at: datetime | None
    handed_at: datetime | None
    in_doubt: bool
    opens_state: str | None
    clicks_state: str | None
    opens_mode: str
    clicks_mode: str


@dataclass(frozen=True, slots=True)
class Judged:
    hit: Hit
    signals: Signals
    verdict: str


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


def out_of_time(now: datetime) -> Step:
    oldest, latest = (now - OLDEST).timestamp() * 1000, (now + AHEAD).timestamp() * 1000

    def step(hit: Hit, fact: Fact | None) -> str:
        return "" if oldest <= hit.at <= latest else "out_of_time"

    return step


STEPS: tuple[Step, ...] = (never_sent, not_measured, switched_off, withdrawn)


async def store(tx: AccountTx, batch: Sequence[Seen], window: Window) -> Counter[tuple[str, str]]:
    """All are of this account and in the window. Returns (kind, result) → how many; "again": was there."""
    await counts.hold(tx)
    facts = {(fact.campaign_id, fact.contact_id): fact for fact in await _facts(tx, batch)}
    results: Counter[tuple[str, str]] = Counter()
    kept = _kept(list({one.hit.id: one for one in batch}.values()), facts, results)
    if not kept:
        return results
    earlier = window.neighbours(kept)
    earlier += await _crowds(tx, window, kept)
    judged = [
        judge(one, facts[one.hit.campaign_id, one.hit.contact_id]) for one in kept if one.hit.kind in STORED
    ]
    changes = await _insert(tx, judged)
    if len(judged) >= LARGE:
        await _meet(tx, judged)
    for kind, stored in Counter(change.kind for change in changes).items():
        results[kind, "stored"] += stored
    for kind, asked in Counter(one.hit.kind for one in judged).items():
        results[kind, "again"] += asked - results[kind, "stored"]
    changes += await judging.amend(tx, earlier)
    # neighbours in a crowd are of other mails, and those may be older
    others = [one for one in earlier if (one.hit.campaign_id, one.hit.contact_id) not in facts]
    known_facts = [*facts.values(), *(await _facts(tx, others) if others else [])]
    await counts.apply(tx, changes, since=_since(known_facts, earlier))
    # a mail that was opened has arrived; the deliveries are sending's, and it is asked by name
    known = [(one.hit.campaign_id, one.hit.contact_id) for one in judged]
    for campaign_id in {key[0] for key in known if facts[key].in_doubt}:
        await work.add(tx, "sending.resolve_doubt", campaign_id)
    await judging.take_back(tx, changes)
    await _note_acts(tx, changes)
    return results


def _kept(
    batch: Sequence[Seen], facts: dict[tuple[int, int], Fact], results: Counter[tuple[str, str]]
) -> list[Seen]:
    kept = []
    steps = (*STEPS, out_of_time(clock.now()))
    for one in batch:
        hit = one.hit
        fact = facts.get((hit.campaign_id, hit.contact_id))
        reason = "flood" if one.flood else _dropped(hit, fact, steps)
        if reason:
            results[hit.kind, reason] += 1
        else:
            kept.append(one)
    return kept


def _dropped(hit: Hit, fact: Fact | None, steps: Sequence[Step]) -> str:
    """Why; "": it is kept."""
    for step in steps:
        why = step(hit, fact)
        if why:
            return why
    return ""


def count(results: Counter[tuple[str, str]]) -> None:
    """After the commit."""
    for (kind, result), n in results.items():
        metrics.EVENTS.labels(kind, result).inc(n)


def judge(one: Seen, fact: Fact) -> Judged:
    delay = _delay(one.hit.at / 1000 - fact.handed_at.timestamp()) if fact.handed_at else "later"
    burst, networks, crowd, leave, post = one.derived()
    signals = Signals(one.hit.agent, delay, one.hit.head, burst, networks, crowd, leave, post)
    return Judged(one.hit, signals, verdicts.verdict(signals))


def _delay(seconds: float) -> str:
    for name, limit in verdicts.SECONDS.items():
        if seconds < limit:
            return name
    return "later"


def _since(facts: Sequence[Fact], earlier: Sequence[Seen]) -> datetime:
    """No event of these recipients is older: a mail is not opened before it is sent, but clocks differ."""
    first = [fact.first_at for fact in facts if fact.first_at is not None]
    first += [one.hit.time for one in earlier]
    return min([*first, clock.now() - OLDEST]) - timedelta(days=1)


async def _crowds(tx: AccountTx, window: Window, kept: Sequence[Seen]) -> list[Seen]:
    """D-92: one network asks for people of many mail domains. Returns earlier hits that change."""
    found = window.crowds(kept, CROWD)
    if not found:
        return []
    rows = await tx.rows(
        """
        SELECT id, split_part(address_key, '@', 2)
        FROM contacts
        WHERE account_id = $1 AND id = ANY ($2::text::bigint[]) AND (opens = 'granted' OR clicks = 'granted')
        """,
        numbers({one.hit.contact_id for there in found for one in there}),
    )
    domains = dict(rows)
    own = {one.hit.id for one in kept}
    return [one for there in found for one in mark_crowds(there, domains, CROWD) if one.hit.id not in own]


_months: set[date] = set()


async def _make_months(tx: AccountTx, judged: Sequence[Judged]) -> None:
    """Partitions for the hits' months; they are there but for a clock that is far off."""
    for month in sorted({_month(one.hit.at // 3_600_000) for one in judged} - _months):
        await tx.shared().run("CALL make_month($1)", month)
        # no older one is dropped: hits are of the last 30 days
        _months.add(month)


async def _meet(tx: AccountTx, judged: Sequence[Judged]) -> None:
    """Of a month's first hits the planner knows nothing, and would read all of them for each person."""
    for month in {_month(one.hit.at // 3_600_000) for one in judged}:
        await tx.run("CALL meet_month($1, $2)", month)
    await tx.plan_afresh()


@lru_cache(maxsize=4096)
def _month(hour: int) -> date:
    return datetime.fromtimestamp(hour * 3600, UTC).date().replace(day=1)


async def _facts(tx: AccountTx, batch: Sequence[Seen]) -> list[Fact]:
    asked = {(one.hit.campaign_id, one.hit.contact_id) for one in batch}
    rows = await tx.rows(
        """
        SELECT w.campaign_id, w.contact_id, d.opens, d.clicks, d.first_at,
               coalesce(d.final_at, d.first_at) AS handed_at, d.status = 'in_doubt' AS in_doubt,
               c.opens AS opens_state, c.clicks AS clicks_state,
               coalesce(s.opens, 'individual') AS opens_mode, coalesce(s.clicks, 'individual') AS clicks_mode
        FROM unnest($2::text::bigint[], $3::text::bigint[]) AS w (campaign_id, contact_id)
        JOIN campaigns m ON m.account_id = $1 AND m.id = w.campaign_id
        JOIN deliveries d ON d.account_id = $1 AND d.campaign_id = w.campaign_id
                         AND d.contact_id = w.contact_id AND d.month = m.month
        LEFT JOIN contacts c ON c.account_id = $1 AND c.id = w.contact_id
        LEFT JOIN measurement_settings s ON s.account_id = $1
        """,
        numbers([campaign_id for campaign_id, _ in asked]),
        numbers([contact_id for _, contact_id in asked]),
    )
    return [Fact(*row) for row in rows]


async def _insert(tx: AccountTx, judged: Sequence[Judged]) -> list[Change]:
    """Those that were not there; a replay meets the key of its event (S6)."""
    if not judged:
        return []
    await _make_months(tx, judged)
    # few differ: each is told once
    order = {signals: n for n, signals in enumerate({one.signals for one in judged}, 1)}
    rows = await tx.rows(
        """
        INSERT INTO events (account_id, id, at, campaign_id, contact_id, kind, link_id, verdict, signals)
        SELECT $1::bigint, h.id, to_timestamp(h.at / 1000.0), h.campaign_id, h.contact_id, h.kind,
               nullif(h.link_id, 0), h.verdict, s.signals
        FROM unnest($2::text::text[], $3::text::bigint[], $4::text::bigint[], $5::text::bigint[],
                    $6::text::text[], $7::text::bigint[], $8::text::text[], $9::text::int[])
            AS h (id, at, campaign_id, contact_id, kind, link_id, verdict, n)
        JOIN unnest($10::text[]::jsonb[]) WITH ORDINALITY AS s (signals, n) ON s.n = h.n
        ON CONFLICT DO NOTHING
        RETURNING id
        """,
        words([one.hit.id for one in judged]),
        numbers([one.hit.at for one in judged]),
        numbers([one.hit.campaign_id for one in judged]),
        numbers([one.hit.contact_id for one in judged]),
        words([one.hit.kind for one in judged]),
        numbers([one.hit.link_id for one in judged]),
        words([one.verdict for one in judged]),
        numbers([order[one.signals] for one in judged]),
        [verdicts.write(signals) for signals in order],
    )
    new = {event_id for (event_id,) in rows}
    return [
        Change(
            one.hit.campaign_id,
            one.hit.contact_id,
            one.hit.kind,
            one.hit.link_id,
            one.hit.at,
            "",
            one.verdict,
        )
        for one in judged
        if one.hit.id in new
    ]


async def _note_acts(tx: AccountTx, changes: Sequence[Change]) -> None:
    """B-27: a person's click is a sign of life, an open is not. More within SIGN_EVERY add nothing."""
    acts: dict[int, int] = {}
    for one in changes:
        if one.kind == "click" and one.new == "person":
            acts[one.contact_id] = max(one.at, acts.get(one.contact_id, 0))
    if not acts:
        return
    await tx.run(
        """
        UPDATE contacts AS c
        SET last_act_at = to_timestamp(a.at / 1000.0), acted_before = c.last_act_at
        FROM unnest($2::bigint[], $3::bigint[]) AS a (contact_id, at)
        WHERE c.account_id = $1 AND c.id = a.contact_id
          AND (c.last_act_at IS NULL OR c.last_act_at < to_timestamp(a.at / 1000.0) - $4::interval)
        """,
        list(acts),
        list(acts.values()),
        SIGN_EVERY,
    )
