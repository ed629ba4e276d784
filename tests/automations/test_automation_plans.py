"""An automatic campaign in a large account: a batch reads what its people cost, whatever the account holds.

PostgreSQL counts what a transaction reads, in triggers too: no plan is looked at that would not be run.
"""

import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta

import pytest

from lists import segments, tags
from lists.segment_tree import Condition, Subject, Tree
from lists.segments import NewSegment
from mailer.core import clock
from mailer.core.db import AccountTx
from sending import automation_entries, automation_runs, automation_steps, automation_turns, automations
from sending.automation_steps import StepInput
from sending.automations import Automation, NewAutomation, Trigger
from tests.automations.conftest import Begin, Series
from tests.statements import statements

PEOPLE = 20_000
BATCH = 100
LARGE = ("automation_journeys", "contact_tags", "contacts", "subscriptions", "suppressions")
# of each table, for each person of a batch: its triggers, the audience and the checks read some of them again
READS = 20
NOON = datetime(2027, 5, 14, 10, tzinfo=UTC)
SEVENTH = Tree(rules=[Condition(subject=Subject.EMAIL, operator="ends", value="7@crowd.test")])


@pytest.fixture
async def crowd(begin: Begin) -> AsyncIterator[tuple[Series, AccountTx]]:
    """20,000 subscribed to the list, each with a date and a tag, as many refusals of others. Undone at the end."""
    series = await begin()
    await series.mail("Bonjour")
    with contextlib.suppress(ZeroDivisionError):
        async with series.post.tx() as tx:
            await tx.run(
                """
                INSERT INTO contacts (account_id, email, address_key, address_hash, fields)
                SELECT $1, n || '@crowd.test', n || '@crowd.test', decode(md5('crowd' || n), 'hex'),
                       jsonb_build_object('born', '1980-05-' || CASE n % 10 WHEN 4 THEN 14 ELSE 15 END)
                FROM generate_series(1, $2::int) AS n
                """,
                PEOPLE,
            )
            await tx.run(
                """
                INSERT INTO subscriptions (account_id, list_id, contact_id, status, legal_basis)
                SELECT $1, $2, id, 'active', 'consent' FROM contacts WHERE account_id = $1
                """,
                series.list_id,
            )
            await tx.run(
                """
                INSERT INTO suppressions (account_id, address_hash, reason)
                SELECT $1, decode(md5('gone' || n), 'hex'), 'unsubscribed' FROM generate_series(1, $2::int) AS n
                """,
                PEOPLE,
            )
            tag = await tags.named(tx, "ancien")
            await tx.run(
                """
                INSERT INTO contact_tags (account_id, contact_id, tag_id)
                SELECT $1, id, $2 FROM contacts WHERE account_id = $1
                """,
                tag.id,
            )
            await tx.run(
                "INSERT INTO fields (account_id, key, label, type) VALUES ($1, 'born', 'Né le', 'date')"
            )
            yield series, tx
            raise ZeroDivisionError


async def _analyze(tx: AccountTx) -> None:
    await tx.shared().run(f"ANALYZE {', '.join(LARGE)}")


async def _read(tx: AccountTx) -> dict[str, int]:
    """Rows of each table that this transaction has read so far."""
    return dict(
        await tx.shared().rows(
            """
            SELECT relname, seq_tup_read + idx_tup_fetch FROM pg_stat_xact_user_tables
            WHERE relname = ANY ($1::text[])
            """,
            list(LARGE),
        )
    )


async def _costs(tx: AccountTx, act: Callable[[], Awaitable[object]]) -> dict[str, int]:
    """What it reads of each table; both with the plans for these values and with those kept for any."""
    most: dict[str, int] = {}
    for mode in ("force_custom_plan", "force_generic_plan"):
        await tx.shared().run("SELECT set_config('plan_cache_mode', $1, true)", mode)
        before = await _read(tx)
        await act()
        after = await _read(tx)
        most = {table: max(most.get(table, 0), after[table] - before[table]) for table in after}
    return most


def _too_much(costs: dict[str, int], people: int) -> dict[str, int]:
    return {table: n for table, n in costs.items() if n > READS * people}


async def _taken_in(tx: AccountTx, automation: Automation) -> int:
    found: int = await tx.value(
        "SELECT count(*) FROM automation_journeys WHERE account_id = $1 AND automation_id = $2", automation.id
    )
    return found


async def _searches(tx: AccountTx, automation: Automation) -> None:
    """Two ranges of contacts, one behind the other; one in ten of them is taken in."""

    async def search() -> None:
        assert await automation_entries.search(tx, automation, NOON)

    assert _too_much(await _costs(tx, search), BATCH) == {}, automation.trigger
    assert await _taken_in(tx, automation) == 2 * BATCH // 10
    position, reached = (
        await tx.rows(
            """
            SELECT position, (SELECT count(*) FROM contacts WHERE account_id = $1 AND id <= position)
            FROM automations
            WHERE account_id = $1 AND id = $2
            """,
            automation.id,
        )
    )[0]
    assert (position > 0, reached) == (True, 2 * BATCH)


@pytest.mark.req("S8")
async def test_taking_people_in_reads_those_who_are_looked_at_and_no_others(
    crowd: tuple[Series, AccountTx], monkeypatch: pytest.MonkeyPatch
) -> None:
    series, tx = crowd
    monkeypatch.setattr(automation_entries, "RANGE", BATCH)
    segment = await segments.create(tx, NewSegment(name="Sept", tree=SEVENTH))
    tag = await tags.named(tx, "client")
    by_segment, by_date, by_tag = [
        await automations.create(tx, NewAutomation(name="Foule", list_id=series.list_id, trigger=one))
        for one in (
            Trigger(kind="segment", of=segment.id),
            Trigger(kind="date", field="born", hour=9),
            Trigger(kind="tagged", of=tag.id),
        )
    ]
    await tx.run("UPDATE automations SET status = 'running' WHERE account_id = $1 AND id = $2", by_tag.id)
    await _analyze(tx)
    await _searches(tx, by_segment)
    await _searches(tx, by_date)
    ids = iter(await tx.rows("SELECT id FROM contacts WHERE account_id = $1 ORDER BY id LIMIT 10"))

    async def put() -> None:
        assert await tags.put(tx, [next(ids)[0] for _ in range(5)], tag.id) == 5

    assert _too_much(await _costs(tx, put), 5) == {}
    assert await _taken_in(tx, by_tag) == 10


async def _steps(series: Series, tx: AccountTx) -> Automation:
    """One of each kind, running."""
    segment = await segments.create(tx, NewSegment(name="Sept", tree=SEVENTH))
    for given in (
        {"kind": "wait", "wait": {"amount": 1, "unit": "days"}},
        {"kind": "tag", "tag": "suivi"},
        {"kind": "condition", "segment_id": segment.id},
        {"kind": "leave"},
    ):
        plan = await automation_steps.plan(tx, series.id)
        last = plan.branch(None, "")[-1]
        place = automation_steps.Place(after=last.id)
        await automation_steps.add(tx, series.id, StepInput.model_validate(given), place)
    await automation_runs.start(tx, series.post.services, series.id)
    return await automations.show(tx, series.id)


@pytest.mark.req("S8")
async def test_a_batch_of_due_people_costs_what_they_cost(
    crowd: tuple[Series, AccountTx], monkeypatch: pytest.MonkeyPatch
) -> None:
    series, tx = crowd
    monkeypatch.setattr(automation_turns, "BATCH", BATCH)
    found = await _steps(series, tx)
    now = clock.now()
    # every other one is due, and at each step stand as many
    await tx.run(
        """
        INSERT INTO automation_journeys (account_id, automation_id, contact_id, step_id, entered_at, arrived_at, due_at)
        SELECT $1, $2, c.id, s.ids[1 + c.id % cardinality(s.ids)], $3::timestamptz, $3::timestamptz,
               $3::timestamptz + CASE WHEN c.id % 2 = 0 THEN interval '1 second' ELSE interval '3 days' END
        FROM contacts c,
             (SELECT array_agg(id ORDER BY id) AS ids FROM automation_steps
              WHERE account_id = $1 AND automation_id = $2) AS s
        WHERE c.account_id = $1
        """,
        found.id,
        now - timedelta(days=2),
    )
    await _analyze(tx)
    [domains] = [
        one.sql
        for one in statements()
        if one.path == "sending/automation_turns.py" and "'[^@]*$'" in (one.sql or "")
    ]

    async def batch() -> None:
        await tx.rows(domains or "", found.id, now, BATCH)
        assert await automation_turns._gone(tx, found) is None
        assert await automation_turns._batch(tx, series.post.services, found, now)
        assert await automation_turns._next(tx, found, now) is not None

    assert _too_much(await _costs(tx, batch), BATCH) == {}
    sent = "SELECT count(*) FROM automation_mails WHERE account_id = $1 AND automation_id = $2"
    assert await tx.value(sent, found.id) > 0
