"""A plan from the browser without script, and by API."""

from datetime import timedelta

import pytest

from mailer.core import clock
from tests.make import Make
from tests.recurring.conftest import PARIS, Begin

FORM = {
    "every": "week",
    "weekdays": "1",
    "month": "day",
    "month_day": "1",
    "last_weekday": "5",
    "at": "09:30",
}


async def test_a_draft_is_repeated_looked_at_paused_and_let_be(begin: Begin, make: Make) -> None:
    trial = await begin()
    owner = await make.signed_in(trial.ready.account.owner_id)
    place = f"{trial.ready.page}/recurrence"
    assert f'href="{place}"' in (await owner.get(f"{trial.ready.page}/review")).text
    assert "Save the plan and start it" in (await owner.get(place)).text
    assert (await owner.post(place, FORM | {"every": "month", "month": "last"})).location == place
    shown = (await owner.get(place)).text
    assert "each month: the last Friday, at 09:30 (Paris)" in shown
    assert shown.split("<ol>")[-1].count("<li>") == 5
    plan = await trial.show()
    assert plan.next_at
    assert plan.next_at.astimezone(PARIS).isoweekday() == 5
    assert (
        "This draft is the model of a recurring campaign."
        in (await owner.get(f"{trial.ready.page}/review")).text
    )
    await trial.at(plan.next_at)
    [edition] = await trial.editions()
    # the session knows nothing of the months between
    clock.shift(timedelta(0))
    shown = (await owner.get(place)).text
    assert f'href="{trial.ready.account.app}/campaigns/{edition.campaign_id}"' in shown
    assert "Sent as a campaign" in shown
    page = await owner.get(f"{trial.ready.account.app}/campaigns/{edition.campaign_id}")
    assert "Edition 1 of a recurring campaign:" in page.text
    everything = await owner.get(f"{trial.ready.account.app}/recurring-campaigns")
    assert f'href="{place}"' in everything.text
    assert (await owner.post(f"{place}/pauses")).location == place
    assert "Resume" in (await owner.get(place)).text
    await owner.post(f"{place}/resumptions")
    assert (await trial.show()).status == "active"
    asked = (await owner.get(f"{place}/removals")).text
    assert "Those that were made stay among the campaigns" in asked
    assert (await trial.show()).status == "active"
    await owner.post(f"{place}/removals")
    assert "Save the plan and start it" in (await owner.get(place)).text


async def test_why_the_checks_stopped_a_plan_stands_on_its_page(begin: Begin, make: Make) -> None:
    trial = await begin()
    plan = await trial.plan()
    async with trial.post.tx() as tx:
        await tx.run("UPDATE senders SET status = 'revoked' WHERE account_id = $1")
    await trial.at(plan.next_at or clock.now())
    owner = await make.signed_in(trial.ready.account.owner_id)
    place = f"{trial.ready.page}/recurrence"
    shown = (await owner.get(place)).text
    assert "The checks stopped the last edition, and the plan with it." in shown
    assert "lettre@pain.test was withdrawn. Choose another sender." in shown
    assert f'href="{trial.ready.page}/setup"' in shown
    await owner.post(f"{place}/resumptions")
    assert "was withdrawn. Choose another sender." in (await owner.get(place)).text
    assert (await trial.show()).status == "paused"


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"every": "week", "weekdays": ""}, "weekdays"),
        ({"every": "week", "weekdays": "8"}, "weekdays"),
        ({"every": "month", "month_day": "32"}, "month_day"),
        ({"every": "month", "month_day": ""}, "month_day"),
        ({"at": ""}, "at"),
        ({"at": "25:00"}, "at"),
        ({"ends_on": "hier"}, "ends_on"),
        ({"ends_on": "2020-01-01"}, "ends_on"),
    ],
)
async def test_a_plan_at_fault_is_refused_at_its_field(
    begin: Begin, make: Make, wrong: dict[str, str], field: str
) -> None:
    trial = await begin(people=1)
    owner = await make.signed_in(trial.ready.account.owner_id)
    answer = await owner.post(f"{trial.ready.page}/recurrence", FORM | wrong)
    assert answer.status == 422
    assert f'id="{field}-error"' in answer.text


async def test_a_plan_that_somebody_else_changed_is_not_overwritten(begin: Begin, make: Make) -> None:
    trial = await begin()
    plan = await trial.plan()
    owner = await make.signed_in(trial.ready.account.owner_id)
    place = f"{trial.ready.page}/recurrence"
    assert (await owner.post(place, FORM | {"version": str(plan.version)})).status == 303
    assert (await owner.post(place, FORM | {"version": str(plan.version)})).status == 409


async def test_only_people_who_may_send_start_a_plan(begin: Begin, make: Make) -> None:
    trial = await begin()
    user_id, _ = await make.user(trial.ready.account.id, "editor", can_send=False)
    editor = await make.signed_in(user_id)
    place = f"{trial.ready.page}/recurrence"
    assert "Only people who may send can do this" in (await editor.get(place)).text
    assert (await editor.post(place, FORM)).status == 403


async def test_a_program_repeats_a_draft(begin: Begin, make: Make) -> None:
    trial = await begin()
    key = await make.program(trial.ready.account.id, ["campaigns:read", "campaigns:send"])
    place = f"/api/v1/campaigns/{trial.campaign_id}/recurrence"
    assert (await key.get(place)).status == 404
    plan = {"every": "week", "weekdays": [1, 4], "at": "09:30", "skip_unchanged": True}
    made = (await key.ask("PUT", place, json=plan)).json()
    assert (made["status"], made["at"], made["weekdays"], made["time_zone"]) == (
        "active",
        "09:30",
        [1, 4],
        "Europe/Paris",
    )
    assert len(made["upcoming"]) == 5
    assert made["upcoming"][0] == made["next_at"]
    wrong = await key.ask("PUT", place, json=plan | {"every": "day"})
    assert (wrong.status, wrong.json()["errors"][0]["field"]) == (422, "weekdays")
    next_at = (await trial.show()).next_at
    assert next_at
    await trial.at(next_at)
    await trial.at((await trial.show()).next_at or next_at)
    first = (await key.get(f"{place}/editions?limit=1")).json()
    assert [one["result"] for one in first["items"]] == ["unchanged"]
    second = (await key.get(f"{place}/editions?limit=1&cursor={first['next_cursor']}")).json()
    assert [(one["result"], one["number"]) for one in second["items"]] == [("scheduled", 1)]
    assert second["next_cursor"] is None
    assert (await key.get(f"{place}/editions?cursor=x")).status == 422
    assert [one["campaign_id"] for one in (await key.get("/api/v1/recurrences")).json()["items"]] == [
        trial.campaign_id
    ]
    assert (await key.post(f"{place}/pauses")).json()["status"] == "paused"
    assert (await key.post(f"{place}/resumptions")).json()["status"] == "active"
    assert (await key.ask("DELETE", place)).status == 204
    assert (await key.get(place)).status == 404
