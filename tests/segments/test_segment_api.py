"""Segments as a program uses them."""

import pytest

from sending import campaigns
from sending.campaigns import NewCampaign
from tests.make import Make

pytestmark = pytest.mark.req("S19")
TREE = {"rules": [{"subject": "domain", "operator": "is", "value": "pain.test"}]}


async def test_a_segment_from_creation_to_a_campaign_and_deletion(make: Make) -> None:
    account = await make.account()
    program = await make.program(account.id)
    async with make.services.db.account(account.id) as tx:
        list_id = await make.mailing_list(tx)
        await make.contact(tx, "ana@pain.test", list_id=list_id)
        await make.contact(tx, "eve@sel.test", list_id=list_id)
        campaign = await campaigns.create(tx, NewCampaign(name="Lettre"))
    made = await program.post("/api/v1/segments", json={"name": "Du pain", "tree": TREE})
    assert made.status == 201, made.text
    segment = made.json()
    assert (segment["contacts"], segment["usable"], segment["current"]) == (1, True, True)
    assert segment["tree"]["match"] == "all"
    assert (await program.post("/api/v1/segments", json={"name": "Du pain", "tree": TREE})).status == 409
    asked = await program.post("/api/v1/segment-estimates", json={"tree": TREE})
    assert asked.status == 200
    assert [one["email"] for one in asked.json()["examples"]] == ["ana@pain.test"]
    changed = await program.ask(
        "PATCH",
        f"/api/v1/campaigns/{campaign.id}",
        json={"list_ids": [list_id], "segment_ids": [segment["id"]]},
    )
    assert changed.status == 200, changed.text
    assert changed.json()["segment_ids"] == [segment["id"]]
    kept = await program.ask("PATCH", f"/api/v1/campaigns/{campaign.id}", json={"exclude_list_ids": []})
    assert (kept.json()["segment_ids"], kept.json()["list_ids"]) == ([segment["id"]], [list_id])
    place = f"/api/v1/segments/{segment['id']}"
    refused = await program.ask("DELETE", place)
    assert refused.status == 409
    assert refused.json()["errors"][0]["code"] == "in_use"
    freed = await program.ask("PATCH", f"/api/v1/campaigns/{campaign.id}", json={"segment_ids": []})
    assert freed.json()["segment_ids"] == []
    assert (await program.post(f"{place}/counts")).status == 202
    assert (await program.ask("PATCH", place, json={"name": "Pain", "version": 1})).status == 200
    assert (await program.ask("PATCH", place, json={"name": "Sel", "version": 1})).status == 409
    assert [one["name"] for one in (await program.get("/api/v1/segments")).json()["items"]] == ["Pain"]
    assert (await program.ask("DELETE", place)).status == 204
    assert (await program.get(place)).status == 404


@pytest.mark.req("E-02", "E-10")
@pytest.mark.parametrize(
    ("rule", "field"),
    [
        ({"subject": "email", "operator": "is", "value": ""}, "tree.rules.0.value"),
        ({"subject": "email", "operator": "like", "value": "%"}, "tree.rules.0.operator"),
        ({"subject": "email", "of": "x", "operator": "empty"}, "tree.rules.0.of"),
        ({"subject": "field", "of": "a' OR 1=1", "operator": "empty"}, "tree.rules.0.of"),
        ({"subject": "list", "of": 4_000_000, "operator": "subscribed"}, "tree.rules.0.of"),
        ({"subject": "list", "operator": "subscribed_over", "value": -1}, "tree.rules.0.value"),
        ({"subject": "list", "operator": "subscribed_over", "value": 10**9}, "tree.rules.0.value"),
        ({"subject": "list", "operator": "subscribed_over", "value": True}, "tree.rules.0.value"),
        ({"subject": "added", "operator": "between", "value": ["2026-01-01"]}, "tree.rules.0.value"),
        ({"subject": "added", "operator": "is", "value": "2026-02-30"}, "tree.rules.0.value"),
        ({"subject": "added", "operator": "is", "value": "0001-01-01"}, "tree.rules.0.value"),
        ({"subject": "opens", "operator": "is", "value": "all"}, "tree.rules.0.value"),
        ({"subject": "campaign", "operator": "clicked"}, "tree.rules.0.of"),
        ({"subject": "campaign", "of": 7, "last": 3, "operator": "clicked"}, "tree.rules.0.of"),
        ({"subject": "tag", "of": "7", "operator": "has"}, "tree.rules.0.of"),
    ],
)
async def test_what_does_not_fit_is_refused_at_its_place(
    make: Make, rule: dict[str, object], field: str
) -> None:
    program = await make.program((await make.account()).id)
    for path, more in (("segments", {"name": "A"}), ("segment-estimates", {})):
        answer = await program.post(f"/api/v1/{path}", json={"tree": {"rules": [rule]}} | more)
        assert answer.status == 422, answer.text
        assert [one["field"] for one in answer.json()["errors"]] == [field]


async def test_somebody_elses_segment_narrows_nothing_of_ones_own(make: Make) -> None:
    mine, theirs = await make.account(), await make.account()
    made = await (await make.program(theirs.id)).post("/api/v1/segments", json={"name": "A", "tree": TREE})
    async with make.services.db.account(mine.id) as tx:
        campaign = await campaigns.create(tx, NewCampaign(name="Lettre"))
    answer = await (await make.program(mine.id)).ask(
        "PATCH", f"/api/v1/campaigns/{campaign.id}", json={"segment_ids": [made.json()["id"]]}
    )
    assert answer.status == 422
    assert answer.json()["errors"][0]["field"] == "segment_ids"
