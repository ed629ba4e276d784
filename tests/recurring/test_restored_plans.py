"""A database that went back in time makes no edition and takes no further step until people have looked."""

from datetime import timedelta

import pytest

from mailer.core import clock, restores
from mailer.core.errors import Conflict
from sending import automation_runs, automations, recurrences
from tests.automations import conftest as of_automations
from tests.automations.conftest import Begin as BeginSeries
from tests.delivery import test_restores as restored
from tests.delivery.conftest import Post, post
from tests.delivery.test_restores import whole
from tests.recurring.conftest import Begin

__all__ = ["post", "whole"]
begin_series = pytest.fixture(name="begin_series")(of_automations.begin.__wrapped__)


async def _put_back(post: Post) -> None:
    """The installation lived on, then its database is as it was; the hold comes to each account."""
    await restored._lived(post.services)
    await restored._put_back(post.services)
    assert not await restores.may_send(post.services)


@pytest.mark.req("A-103")
async def test_no_edition_is_made_of_a_restored_database_before_a_person_resumes(begin: Begin) -> None:
    trial = await begin()
    plan = await trial.plan()
    assert plan.next_at is not None
    await _put_back(trial.post)
    # its time comes before the hold came to this account, and again after
    await trial.at(plan.next_at + timedelta(minutes=1))
    assert await trial.editions() == []
    await restored._follow(trial.post)
    await trial.turn()
    assert await trial.editions() == []
    found = await trial.show()
    assert (found.status, [one["code"] for one in found.pause_faults]) == ("paused", ["restored"])
    owner = await trial.post.make.signed_in(trial.ready.account.owner_id)
    assert "the database was put back" in (await owner.get(f"{trial.ready.page}/recurrence")).text
    # the operator's word is not the account's: who got the edition of this morning is not known
    await restores.resume(trial.post.services, begun=True)
    await restored._follow(trial.post)
    await trial.turn()
    assert await trial.editions() == []
    async with trial.post.tx() as tx:
        resumed = await recurrences.resume(tx, trial.post.services, trial.campaign_id)
    assert resumed.next_at is not None
    assert resumed.next_at > clock.now()
    await trial.at(resumed.next_at)
    [edition] = await trial.editions()
    assert (edition.result, edition.due_at) == ("scheduled", resumed.next_at)


@pytest.mark.req("A-103")
@pytest.mark.parametrize("begun", [False, True])
async def test_no_step_is_taken_in_a_restored_database_before_a_person_resumes(
    begin_series: BeginSeries, begun: bool
) -> None:
    series = await begin_series()
    await series.mail("Un")
    await series.wait(amount=1, unit="days")
    await series.mail("Deux")
    await series.start()
    await series.subscribe("ana@restored.test")
    await series.turn()
    await _put_back(series.post)
    clock.shift(clock.offset() + timedelta(days=2))
    await series.turn()  # among all that is due the hold comes to the account
    await series.turn()
    assert series.got("ana@restored.test") == ["Un"]
    async with series.post.tx() as tx:
        found = await automations.show(tx, series.id)
        assert (found.status, found.pause_reason) == ("paused", "restored_begun")
        with pytest.raises(Conflict):
            await automation_runs.resume(tx, series.post.services, series.id)
    await restores.resume(series.post.services, begun=begun)
    await series.turn()
    assert series.got("ana@restored.test") == ["Un"]
    async with series.post.tx() as tx:
        await automation_runs.resume(tx, series.post.services, series.id)
    await series.turn()
    assert series.got("ana@restored.test") == ["Un", "Deux"]
