"""The life of an A/B test once its audience is frozen: the sample, the wait, the decision, and the rest.

    draw, chunk by chunk of the audience ─▶ begin ─▶ job "sending.ab_test": look ─▶ decide ─▶ let go ─▶ done

Whoever is not in the sample waits in the queue, due at HELD_UNTIL: an hour that no claim reaches. A decision
is one conditional UPDATE, and letting the rest go walks contacts by id with its place in the same
transaction: killed anywhere, the next turn goes on there, and pressed twice it happens once.
"""

import secrets
from dataclasses import asdict
from datetime import UTC, date, datetime, timedelta

import structlog

from mailer.accounts import audit
from mailer.core import clock, jobs, work
from mailer.core.db import AccountTx
from mailer.core.errors import Conflict, Fault, Gone
from mailer.core.services import Services
from mailer.core.text import N_
from mailer.core.work import Task
from sending import ab_figures, ab_tests, ab_variants, ab_verdict, campaigns, lanes, revisions
from sending.ab_tests import AbTest
from sending.ab_verdict import Verdict

log = structlog.get_logger()
JOB = "sending.ab_test"
HELD_UNTIL = datetime(9000, 1, 1, tzinfo=UTC)
CHUNK = 10_000
LOOK = timedelta(minutes=1)
# counting is a walk over the campaign: what ends early is not looked at each minute
EARLY_LOOK = timedelta(minutes=10)


async def draw(tx: AccountTx, campaign_id: int, *, month: date, after: int, last: int) -> None:
    """Who of the audience behind contact `after`, up to `last`, gets which variant; the others are held.

    In the transaction that froze them. The sample is a share of each range, in an order that the seed alone
    decides, and variants take turns: groups differ by one at most, whatever the order of contacts tells.
    """
    await tx.run(
        """
        UPDATE ab_tests SET seed = $3
        WHERE account_id = $1 AND campaign_id = $2 AND seed IS NULL
        """,
        campaign_id,
        secrets.randbits(62),
    )
    await tx.run(
        """
        WITH test AS (
            SELECT t.seed, t.share, c.audience::bigint AS frozen,
                   1 + (SELECT count(*) FROM ab_variants v
                        WHERE v.account_id = $1 AND v.campaign_id = $2) AS variants
            FROM ab_tests t
            JOIN campaigns c ON c.account_id = t.account_id AND c.id = t.campaign_id
            WHERE t.account_id = $1 AND t.campaign_id = $2
        ), fresh AS (
            SELECT d.contact_id, count(*) OVER () AS many,
                   row_number() OVER (ORDER BY hashint8extended(d.contact_id, t.seed), d.contact_id) AS n
            FROM test t
            CROSS JOIN deliveries d
            WHERE d.account_id = $1 AND d.campaign_id = $2 AND d.month = $3
              AND d.contact_id > $4 AND d.contact_id <= $5
        ), placed AS (
            -- `frozen` counts this range already; shares are rounded over all ranges, not in each
            SELECT f.contact_id, (t.frozen - f.many) * t.share / 100 AS before,
                   f.n <= t.frozen * t.share / 100 - (t.frozen - f.many) * t.share / 100 AS drawn,
                   f.n, t.variants
            FROM fresh f CROSS JOIN test t
        )
        UPDATE deliveries d
        SET variant = CASE WHEN p.drawn THEN 1 + (p.before + p.n - 1) % p.variants ELSE 0 END,
            -- how much earlier than others somebody is due (D-81) is kept in the hours before
            next_at = CASE WHEN p.drawn THEN d.next_at ELSE $6::timestamptz - (now() - d.next_at) END
        FROM placed p
        WHERE d.account_id = $1 AND d.campaign_id = $2 AND d.month = $3 AND d.contact_id = p.contact_id
          AND d.status = 'queued' AND d.first_at IS NULL
        """,
        campaign_id,
        month,
        after,
        last,
        HELD_UNTIL,
    )


async def begin(tx: AccountTx, campaign_id: int) -> None:
    """With the first lanes, when a test was drawn."""
    if await tx.run(
        """
        UPDATE ab_tests SET state = 'running'
        WHERE account_id = $1 AND campaign_id = $2 AND state = 'draft'
        """,
        campaign_id,
    ):
        await work.add(tx, JOB, campaign_id)


async def undo(tx: AccountTx, campaign_id: int) -> None:
    """A campaign of which nothing left is a draft again: the next audience is drawn anew."""
    await tx.run(
        """
        UPDATE ab_tests
        SET state = 'draft', seed = NULL, counted_from = NULL, ends_at = NULL, winner = NULL,
            decided_at = NULL, decided_by = NULL, figures = '[]', released_to = 0
        WHERE account_id = $1 AND campaign_id = $2
        """,
        campaign_id,
    )
    await work.cancel(tx, JOB, campaign_id)


async def look(services: Services, task: Task) -> datetime | None:
    """The job: `ref_id` is the campaign."""
    async with services.db.account(task.account_id) as tx:
        status = await tx.value(
            "SELECT status FROM campaigns WHERE account_id = $1 AND id = $2 FOR NO KEY UPDATE", task.ref_id
        )
        test = await ab_tests.of(tx, task.ref_id)
        if status is None or test is None or test.state in ("draft", "done") or status == "cancelled":
            return None
        if test.state == "decided":
            return await _let_go(tx, services, task.ref_id, status)
        if status not in ("sending", "sent"):
            # paused: nothing is decided behind the back of whoever stopped it
            return clock.now() + LOOK
        if status == "sending":
            # what waits can be sent as long as it waits (S13)
            try:
                await revisions.reseal(tx, services, task.ref_id)
            except Gone:
                await lanes.pause(tx, task.ref_id, "content_gone")
                return clock.now() + LOOK
        return await _judge(tx, test)


async def _judge(tx: AccountTx, test: AbTest) -> datetime:
    """Looks whether it is time, and decides then. Returns when to look again."""
    now = clock.now()
    if test.counted_from is None or test.ends_at is None:
        if not await _tried(tx, test.campaign_id):
            return now + LOOK
        ends_at = now + timedelta(hours=test.hours)
        await tx.run(
            """
            UPDATE ab_tests SET counted_from = $3, ends_at = $4
            WHERE account_id = $1 AND campaign_id = $2 AND counted_from IS NULL
            """,
            test.campaign_id,
            now,
            ends_at,
        )
        return min(ends_at, now + EARLY_LOOK)
    if test.state == "asking":
        # nothing to do but to keep the content readable
        return now + timedelta(hours=1)
    over = now >= test.ends_at
    if not over and (not test.early or test.winner_by == "hand"):
        # the first mails of a day are under a new key: it looks each hour at least
        return min(test.ends_at, now + timedelta(hours=1))
    found = await verdict(tx, test, level=ab_verdict.LEVEL if over else ab_verdict.EARLY_LEVEL)
    if found.winner is not None and test.winner_by != "hand":
        await _decide(tx, test.campaign_id, found.winner, "result")
        return jobs.again()
    if not over:
        return min(test.ends_at, now + EARLY_LOOK)
    if test.unclear == "first" and test.winner_by != "hand":
        await _decide(tx, test.campaign_id, 1, "unclear")
        return jobs.again()
    await tx.run(
        """
        UPDATE ab_tests SET state = 'asking'
        WHERE account_id = $1 AND campaign_id = $2 AND state = 'running'
        """,
        test.campaign_id,
    )
    return now + timedelta(hours=1)


async def verdict(tx: AccountTx, test: AbTest, *, level: float = ab_verdict.LEVEL) -> Verdict:
    """What the figures say as of now; variants that nobody was drawn for count as unmeasured."""
    found = {one.number: one for one in await ab_figures.count(tx, test.campaign_id)}
    numbers = await ab_variants.numbers(tx, test.campaign_id)
    tallies = [
        found[number].tally(test.winner_by)
        if number in found
        else ab_verdict.Tally(number=number, base=0, people=0)
        for number in numbers
    ]
    return ab_verdict.judge(tallies, level=level)


async def decide(tx: AccountTx, campaign_id: int, number: int) -> AbTest:
    """By hand, at any time while it runs. Raises NotFound, Conflict, and Invalid at `variant`."""
    await campaigns.show(tx, campaign_id)
    status = await tx.value(
        "SELECT status FROM campaigns WHERE account_id = $1 AND id = $2 FOR NO KEY UPDATE", campaign_id
    )
    test = await ab_tests.of(tx, campaign_id)
    if test is None or test.state == "draft":
        raise _state(N_("This campaign compares no variants now."))
    if number not in await ab_variants.numbers(tx, campaign_id):
        raise ab_tests.unknown_variant("variant")
    if test.state in ("decided", "done"):
        raise _state(N_("This test was decided already."))
    if status == "cancelled":
        raise _state(N_("This campaign was cancelled: nothing more leaves."))
    await _decide(tx, campaign_id, number, "hand")
    await work.add(tx, JOB, campaign_id)
    await audit.write(tx, "decided", "campaign", campaign_id, count=number)
    found = await ab_tests.of(tx, campaign_id)
    assert found is not None
    return found


async def _decide(tx: AccountTx, campaign_id: int, number: int, by: str) -> None:
    figures = await ab_figures.count(tx, campaign_id)
    await tx.run(
        """
        UPDATE ab_tests
        SET state = 'decided', winner = $3, decided_by = $4, decided_at = $5, figures = $6
        WHERE account_id = $1 AND campaign_id = $2 AND state IN ('running', 'asking')
        """,
        campaign_id,
        number,
        by,
        clock.now(),
        [asdict(one) for one in figures],
    )
    log.info("a/b test decided", campaign=campaign_id, variant=number, by=by)


async def _tried(tx: AccountTx, campaign_id: int) -> bool:
    """Has every mail of the test left, or failed to? Providers that stopped taking any are not waited for."""
    return not await tx.value(
        """
        SELECT EXISTS (
            SELECT FROM campaigns c
            JOIN deliveries d ON d.account_id = c.account_id AND d.campaign_id = c.id AND d.month = c.month
            WHERE c.account_id = $1 AND c.id = $2 AND d.variant > 0
              AND (d.status IN ('claimed', 'handing') OR d.status = 'queued' AND d.first_at IS NULL)
              AND NOT EXISTS (SELECT FROM provider_stops s
                              WHERE s.account_id = $1 AND s.campaign_id = $2 AND s.profile = d.profile))
        """,
        campaign_id,
    )


async def _let_go(tx: AccountTx, services: Services, campaign_id: int, status: str) -> datetime | None:
    """The next some thousands of the rest are due; with the last of them the lanes are rung."""
    found: int | None = await tx.value(
        """
        WITH here AS (
            SELECT c.month, t.released_to
            FROM ab_tests t
            JOIN campaigns c ON c.account_id = t.account_id AND c.id = t.campaign_id
            WHERE t.account_id = $1 AND t.campaign_id = $2
        ), next AS MATERIALIZED (
            SELECT d.contact_id
            FROM here h
            JOIN deliveries d ON d.account_id = $1 AND d.campaign_id = $2 AND d.month = h.month
                AND d.contact_id > h.released_to
            WHERE d.variant = 0 AND d.status = 'queued'
            ORDER BY d.contact_id
            LIMIT $3
        ), gone AS (
            UPDATE deliveries d
            SET next_at = now() - ($4::timestamptz - d.next_at)
            FROM here h, next n
            WHERE d.account_id = $1 AND d.campaign_id = $2 AND d.month = h.month
              AND d.contact_id = n.contact_id AND d.status = 'queued' AND d.variant = 0
              AND d.next_at > $4::timestamptz - interval '1 year'
        )
        SELECT max(contact_id) FROM next
        """,
        campaign_id,
        CHUNK,
        HELD_UNTIL,
    )
    await tx.run(
        """
        UPDATE ab_tests
        SET released_to = coalesce($3, released_to),
            state = CASE WHEN $3::bigint IS NULL THEN 'done' ELSE state END
        WHERE account_id = $1 AND campaign_id = $2
        """,
        campaign_id,
        found,
    )
    if status == "sending":
        await lanes.start(tx, campaign_id, services.settings.worker_processes)
    return None if found is None else jobs.again()


def _state(message: str) -> Conflict:
    return Conflict(Fault("status", message, "status"))
