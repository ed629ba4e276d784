"""Old events by new rules: the verdict changes, the hit does not, and the counts follow (D-91)."""

from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest

from mailer import worker
from mailer.core import clock, jobs, work
from mailer.core.services import Services
from tests.clicks.conftest import Sent
from tests.clicks.test_counts import counted, kept, some_hits
from tracking import ingest, rejudge, verdicts
from tracking.buffer import Hit
from tracking.window import Window


def forget() -> None:
    verdicts.verdict.cache_clear()
    verdicts.write.cache_clear()


@pytest.fixture
def stricter(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], None]]:
    """Puts rules in force for which everybody is in a hurry who comes within an hour."""

    def change() -> None:
        forget()
        monkeypatch.setattr(verdicts, "DELAYS", {"at_once": 5, "minute": 5, "hour": 5})
        monkeypatch.setattr(verdicts, "RULES", 99)

    yield change
    monkeypatch.undo()
    forget()


async def rows(services: Services, sent: Sent) -> dict[str, tuple[object, ...]]:
    async with services.db.account(sent.account_id) as tx:
        found = await tx.rows(
            """
            SELECT id, verdict, (signals ->> 'rules')::int, at, campaign_id, contact_id, kind, link_id,
                   (signals - 'rules')::text
            FROM events WHERE account_id = $1
            """
        )
    return {row[0]: row[1:] for row in found}


@pytest.mark.req("D-91")
async def test_new_rules_change_the_verdict_and_nothing_else(
    sent: Sent, services: Services, stricter: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    async with services.db.account(sent.account_id) as tx:
        window = Window()
        await ingest.store(tx, window.add(some_hits(sent)), window)
        await tx.run(
            """
            INSERT INTO events (account_id, id, at, campaign_id, contact_id, kind, verdict)
            VALUES ($1, 'left', now(), $2, $3, 'unsubscribe', 'person')
            """,
            sent.campaign_id,
            sent.contacts[0],
        )
    before = await rows(services, sent)
    stricter()
    monkeypatch.setattr(rejudge, "STEP", 7)
    steps, more = 0, True
    while more:
        async with services.db.account(sent.account_id) as tx:
            more = await rejudge.step(tx, rules=99)
            assert await kept(tx, sent.campaign_id) == await counted(tx, sent.campaign_id)
        steps += 1
    assert steps > 3
    after = await rows(services, sent)
    assert {key: row[2:] for key, row in after.items()} == {key: row[2:] for key, row in before.items()}
    assert {row[1] for key, row in after.items() if key != "left"} == {99}
    assert after["left"] == before["left"]
    changed = [key for key in after if after[key][0] != before[key][0]]
    assert changed
    assert {after[key][0] for key in changed} == {"machine"}
    async with services.db.account(sent.account_id) as tx:
        assert not await rejudge.step(tx, rules=99), "they are judged once"
        assert await tx.value("SELECT changed FROM judgements WHERE account_id = $1") == len(changed)


async def test_a_walk_that_is_killed_goes_on_where_it_was(
    sent: Sent, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with services.db.account(sent.account_id) as tx:
        window = Window()
        await ingest.store(tx, window.add(some_hits(sent)), window)
        await tx.run("UPDATE events SET signals = signals || '{\"rules\": 1}' WHERE account_id = $1")
    monkeypatch.setattr(rejudge, "STEP", 5)

    async def killed() -> None:
        async with services.db.account(sent.account_id) as tx:
            await rejudge.step(tx)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await killed()
    async with services.db.account(sent.account_id) as tx:
        assert await rejudge.step(tx)
        assert await tx.value("SELECT after_id FROM judgements WHERE account_id = $1") != ""
    async with services.db.shared() as tx:
        await tx.run("DELETE FROM work WHERE job LIKE 'tracking.judge%'")
        await work.ensure(tx, "tracking.judge_all")
        turn = await tx.value("SELECT turn FROM work WHERE job = 'tracking.judge_all'")
    assert await jobs.run_turn(services, worker.JOBS, work.Task(0, "tracking.judge_all", 0, 0, turn))
    found = await work.due(services.db, sweeps=1_000_000)
    due = [one for one in found if one.job == "tracking.judge_anew"]
    [task] = [one for one in due if one.account_id == sent.account_id]
    assert await jobs.run_turn(services, worker.JOBS, task)
    async with services.db.account(sent.account_id) as tx:
        assert await tx.value("SELECT done_at IS NOT NULL FROM judgements WHERE account_id = $1")
        assert await kept(tx, sent.campaign_id) == await counted(tx, sent.campaign_id)
    assert {row[1] for row in (await rows(services, sent)).values()} == {verdicts.RULES}


@pytest.mark.req("B-27", "D-91")
async def test_an_act_that_new_rules_take_for_a_machines_is_taken_back(
    sent: Sent, services: Services, stricter: Callable[[], None]
) -> None:
    """Two clicks soon after the mail came, one later: what a person did before them is their last act."""
    before = clock.now() - timedelta(days=700)
    mailed = clock.now() - timedelta(hours=1)
    ana, bob, _ = sent.contacts
    async with services.db.account(sent.account_id) as tx:
        await tx.run("UPDATE contacts SET last_act_at = $2 WHERE account_id = $1", before)
    for n, minutes in enumerate((12, 25)):
        at = round((mailed + timedelta(minutes=minutes)).timestamp() * 1000)
        async with services.db.account(sent.account_id) as tx:
            window = Window()
            hits = [
                Hit(
                    f"soon-{sent.account_id}-{n}-{who}",
                    at,
                    "click",
                    sent.account_id,
                    sent.campaign_id,
                    who,
                    sent.link_ids[0],
                    "browser",
                    False,
                )
                for who in (ana, bob)
            ]
            await ingest.store(tx, window.add(hits), window)
    async with services.db.account(sent.account_id) as tx:
        assert (
            await tx.value("SELECT count(*) FROM contacts WHERE account_id = $1 AND last_act_at > $2", mailed)
            == 2
        )
        # Bob has done something else since
        now = clock.now()
        await tx.run("UPDATE contacts SET last_act_at = $2 WHERE account_id = $1 AND id = $3", now, bob)
    stricter()
    async with services.db.account(sent.account_id) as tx:
        await rejudge.step(tx, rules=99)
        found = dict(await tx.rows("SELECT id, last_act_at FROM contacts WHERE account_id = $1"))
    # of Ana nothing but machines' clicks is known: what was before the first of them is not kept
    assert (found[bob], found[ana]) == (now, None)
