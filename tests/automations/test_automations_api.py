"""A program makes the welcome series, starts it, and tells of events."""

import pytest

from sending import campaigns
from tests.automations.conftest import WELCOME, Begin


@pytest.mark.req("E-61")
async def test_a_program_makes_and_starts_a_series(begin: Begin) -> None:
    series = await begin()
    post = series.post
    api = await post.make.program(post.account.id)
    made = await api.post(
        "/api/v1/automations",
        json={"name": "Par programme", "list_id": series.list_id, "trigger": {"kind": "subscribed"}},
    )
    assert made.status == 201
    here = f"/api/v1/automations/{made.json()['id']}"
    for step in ({"kind": "send", "subject": "Un"}, {"kind": "wait", "wait": {"amount": 2, "unit": "days"}}):
        answer = await api.post(f"{here}/steps", json=step)
        assert answer.status == 201, answer.json()
    send, wait = answer.json()["steps"]
    assert (send["kind"], wait["setting"]["amount"]) == ("send", 2)
    refused = await api.post(f"{here}/starts")
    assert refused.status == 422
    async with post.tx() as tx:
        await campaigns.write_content(tx, send["mail_id"], "mjml", WELCOME)
    started = await api.post(f"{here}/starts")
    assert (started.status, started.json()["status"]) == (200, "running")
    assert (await api.post(f"{here}/pauses")).json()["pause_reason"] == "person"
    assert (await api.post(f"{here}/resumptions")).json()["status"] == "running"
    listed = (await api.get("/api/v1/automations?limit=1")).json()
    assert [one["id"] for one in listed["items"]] == [made.json()["id"]]
    older = (await api.get(f"/api/v1/automations?limit=1&cursor={listed['next_cursor']}")).json()
    assert [one["id"] for one in older["items"]] == [series.id]
    assert (await api.post(f"{here}/ends")).json()["status"] == "ended"


async def test_faults_name_their_place(begin: Begin) -> None:
    series = await begin()
    api = await series.post.make.program(series.post.account.id)
    bad = await api.post(
        "/api/v1/automations", json={"name": "x", "list_id": series.list_id, "trigger": {"kind": "tagged"}}
    )
    assert bad.status == 422
    here = f"/api/v1/automations/{series.id}"
    bad = await api.post(f"{here}/steps", json={"kind": "condition"})
    assert (bad.status, bad.json()["errors"][0]["code"]) == (422, "missing")
    bad = await api.post("/api/v1/events", json={"name": "order.paid", "email": "nobody@api.test"})
    assert (bad.status, bad.json()["errors"][0]["field"]) == (422, "email")
    bad = await api.post("/api/v1/events", json={"name": "order.paid"})
    assert (bad.status, bad.json()["errors"][0]["field"]) == (422, "contact_id")


async def test_an_event_by_address_takes_the_contact_in(begin: Begin) -> None:
    series = await begin(trigger={"kind": "event", "event": "order.paid"})
    await series.mail("Merci")
    await series.start()
    await series.subscribe("ana@api.test")
    api = await series.post.make.program(series.post.account.id)
    told = await api.post("/api/v1/events", json={"name": "order.paid", "email": "Ana@API.test"})
    assert (told.status, told.json()) == (202, {"taken_in": 1})
    await series.turn()
    assert series.got("ana@api.test") == ["Merci"]


async def test_a_program_without_the_scope_starts_nothing(begin: Begin) -> None:
    series = await begin()
    api = await series.post.make.program(series.post.account.id, ["campaigns:read", "campaigns:write"])
    assert (await api.post(f"/api/v1/automations/{series.id}/starts")).status == 403
