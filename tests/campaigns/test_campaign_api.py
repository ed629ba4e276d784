"""Campaigns by API alone: the draft, its content with faults by line, the send and its deliveries."""

from collections.abc import Awaitable, Callable

import pytest

from mailer.core.services import Services
from sending import footer
from tests.campaigns.conftest import MJML, Ready, confirmed_sender
from tests.make import Make

Build = Callable[..., Awaitable[Ready]]


async def test_the_api_alone_writes_and_sends(make: Make, services: Services) -> None:
    account = await make.account()
    async with services.db.account(account.id) as tx:
        sender_id = await confirmed_sender(tx)
        list_id = await make.mailing_list(tx)
        await make.contact(tx, list_id=list_id)
    program = await make.program(account.id)
    body = {"name": "Pain", "subject": "Le pain", "list_ids": [list_id], "mjml": MJML, "footer": True}
    made = await program.post("/api/v1/campaigns", json=body)
    assert made.status == 201
    campaign = made.json()
    assert (campaign["status"], campaign["sender_id"], campaign["language"]) == ("draft", sender_id, "fr")
    assert campaign["mjml"] == footer.add_footer(MJML, language="fr")
    path = f"/api/v1/campaigns/{campaign['id']}"
    changed = await program.ask("PATCH", path, json={"subject": "Le seigle", "version": campaign["version"]})
    assert changed.json()["subject"] == "Le seigle"
    assert changed.json()["mjml"] == campaign["mjml"]
    stale = await program.ask("PATCH", path, json={"subject": "Autre", "version": campaign["version"]})
    assert stale.status == 409
    assert (await program.post(f"{path}/sends", json={"expected": 7})).status == 409
    sent = await program.post(f"{path}/sends", json={"at": "2099-01-01T09:00:00Z"})
    assert sent.status == 422
    sent = await program.post(f"{path}/sends", json={"expected": 1})
    assert (sent.status, sent.json()["status"]) == (202, "scheduled")
    assert sent.json()["scheduled_at"].endswith("Z")
    listed = await program.get("/api/v1/campaigns?status=scheduled")
    assert [one["id"] for one in listed.json()["items"]] == [campaign["id"]]
    assert (await program.get(f"{path}/deliveries")).json() == {"items": [], "next_cursor": None}
    cancelled = await program.post(f"{path}/cancellations", json={})
    assert cancelled.json()["status"] == "cancelled"
    assert (await program.post(f"{path}/resumptions", json={})).status == 409
    assert (await program.post(f"{path}/pauses", json={})).status == 409


@pytest.mark.req("E-10", "E-20", "E-21")
async def test_faults_come_back_with_line_and_field(make: Make) -> None:
    account = await make.account()
    program = await make.program(account.id)
    source = MJML.replace("contact.first_name", "contact.prenom").replace("</mj-section>", "")
    answer = await program.post("/api/v1/campaigns", json={"name": "x", "mjml": source})
    assert answer.status == 422
    errors = answer.json()["errors"]
    assert {error["field"] for error in errors} == {"mjml"}
    named = next(error for error in errors if "prenom" in error["message"])
    assert named["row"] == 7
    assert "first_name" in named["message"]
    assert (await program.get("/api/v1/campaigns")).json()["items"] == []
    subject = await program.post("/api/v1/campaigns", json={"name": "x", "subject": "{{ contact.nope }}"})
    assert subject.json()["errors"][0]["field"] == "subject"
    extra = await program.post("/api/v1/campaigns", json={"name": "x", "account_id": 1, "status": "sent"})
    assert {error["field"] for error in extra.json()["errors"]} == {"account_id", "status"}
    both = await program.post(
        "/api/v1/campaigns", json={"name": "x", "mjml": MJML, "letter": {"blocks": [{"kind": "divider"}]}}
    )
    assert both.status == 422
    unknown = await program.post("/api/v1/campaigns", json={"name": "x", "list_ids": [999999999]})
    assert unknown.json()["errors"][0]["field"] == "include"


async def test_a_letter_is_stored_as_it_was_given(make: Make) -> None:
    account = await make.account()
    program = await make.program(account.id)
    letter = {"blocks": [{"kind": "heading", "text": "Pain"}, {"kind": "paragraph", "text": "Le **seigle**"}]}
    made = await program.post("/api/v1/campaigns", json={"name": "x", "letter": letter})
    assert made.status == 201
    assert made.json()["letter"]["blocks"] == letter["blocks"]
    assert made.json()["mjml"] is None
    empty = await program.post("/api/v1/campaigns", json={"name": "x", "letter": {"blocks": []}})
    assert empty.status == 422


async def test_pages_of_campaigns_go_on_where_the_last_ended(make: Make) -> None:
    account = await make.account()
    program = await make.program(account.id)
    made = [(await program.post("/api/v1/campaigns", json={"name": f"n{n}"})).json()["id"] for n in range(5)]
    seen, cursor = [], ""
    while True:
        answer = (await program.get(f"/api/v1/campaigns?limit=2{cursor}")).json()
        seen += [one["id"] for one in answer["items"]]
        if answer["next_cursor"] is None:
            break
        cursor = f"&cursor={answer['next_cursor']}"
    assert seen == made[::-1]
    assert (await program.get("/api/v1/campaigns?cursor=zzz")).status == 422


async def test_somebody_elses_campaign_is_nothing(ready: Build, make: Make) -> None:
    found = await ready()
    stranger = await make.program((await make.account()).id)
    path = f"/api/v1/campaigns/{found.campaign.id}"
    for method, place, body in (
        ("GET", path, None), ("PATCH", path, {}), ("DELETE", path, None), ("POST", f"{path}/sends", {}),
        ("POST", f"{path}/pauses", {}), ("POST", f"{path}/resumptions", {}), ("POST", f"{path}/cancellations", {}),
        ("GET", f"{path}/deliveries", None),
    ):  # fmt: skip
        more = {} if body is None else {"json": body}
        answer = await stranger.ask(method, place, **more)
        assert answer.status == 404, (method, place)
