"""The desk of the team: pages and API of the register, for those whose role allows it."""

import re

import pytest

from lists import rights_settings
from lists.rights_words import Right
from mailer.core import clock
from tests.client import Client
from tests.rights.desk import Desk
from tests.rights.test_requests import recorded, shown


@pytest.fixture
async def owner(desk: Desk) -> Client:
    return await desk.make.signed_in(desk.account.owner_id)


def place(desk: Desk, rest: str = "") -> str:
    return f"{desk.account.app}/privacy/requests{rest}"


@pytest.mark.req("A-023", "A-090")
async def test_a_request_by_post_is_recorded_answered_and_kept(desk: Desk, owner: Client) -> None:
    empty = await owner.get(place(desk))
    assert (
        "No requests. Those your contacts make from an e-mail arrive here, with their due date." in empty.text
    )
    assert desk.form() in empty.text
    wrong = await owner.post(place(desk), {"kind": "access", "channel": "post"})
    assert (wrong.status, 'href="#email"' in wrong.text) == (422, True)
    today = clock.now().date().isoformat()
    form = {"kind": "access", "channel": "post", "email": desk.email, "received_on": today, "language": "en"}
    made = await owner.post(place(desk), form)
    assert made.status == 303
    page = await owner.get(made.location)
    assert "days left" in page.text
    tools = re.findall(r"<li>.*?</li>", page.text[page.text.index("<ol>") :], re.S)
    assert len(tools) == 7
    assert (await owner.post(f"{made.location}/copies", {})).status == 303
    assert [one.to for one in await desk.mails("rights_copy")] == [desk.email]
    letter = re.search(r'<textarea id="answer".*?>(.*?)</textarea>', page.text, re.S)
    assert letter is not None
    assert letter[1].startswith("You asked for a copy of your data.")
    assert (
        await owner.post(f"{made.location}/answer", {"outcome": "done", "answer": "", "by": "mail"})
    ).status == 422
    answered = await owner.post(
        f"{made.location}/answer", {"outcome": "done", "answer": letter[1], "by": "mail"}
    )
    assert answered.status == 303
    after = await owner.get(made.location)
    assert "By Odile Owner." in after.text
    assert 'action="' + made.location not in after.text
    assert "Odile Owner" in (await owner.get(place(desk) + "?state=done")).text


@pytest.mark.req("A-023")
async def test_home_says_what_waits_and_the_list_of_open_ones_begins_with_the_nearest(
    desk: Desk, owner: Client
) -> None:
    late = await recorded(desk, Right.ERASE)
    soon = await recorded(desk, Right.ACCESS, now=clock.now())
    home = await owner.get(desk.account.app)
    assert home.text.index(f"/privacy/requests/{late}") < home.text.index(f"/privacy/requests/{soon}")
    found = await owner.get(place(desk) + "?state=open")
    numbers = re.findall(r"/privacy/requests/(\d+)\"", found.text)
    assert [int(one) for one in numbers] == [late, soon]


@pytest.mark.req("C-05", "C-12")
async def test_refusing_erasing_and_taking_more_time_have_pages_of_their_own(
    desk: Desk, owner: Client
) -> None:
    request_id = await recorded(desk, Right.ERASE, now=clock.now())
    one = place(desk, f"/{request_id}")
    refusal = await owner.get(f"{one}/refusal")
    assert "[à compléter" in refusal.text
    sent = {"outcome": "refused", "answer": "[à compléter : le motif]", "by": "mail"}
    again = await owner.post(f"{one}/answer", sent)
    assert (again.status, "Something is still to be completed in the letter." in again.text) == (422, True)
    assert (await owner.post(f"{one}/extension", {"reason": " "})).status == 422
    assert (await owner.post(f"{one}/extension", {"reason": "Trop de demandes"})).status == 303
    twice = await owner.post(f"{one}/extension", {"reason": "Encore"})
    assert (twice.status, "This request was extended already." in twice.text) == (409, True)
    assert (await owner.get(f"{one}/erasure")).status == 200
    assert await desk.value("SELECT count(*) FROM contacts WHERE account_id = $1") == 1
    assert (await owner.post(f"{one}/erasure", {})).status == 303
    assert await desk.value("SELECT count(*) FROM contacts WHERE account_id = $1") == 0
    page = await owner.get(one)
    assert desk.email in page.text
    sent = {"outcome": "done", "answer": "C’est fait.", "by": "mail"}
    assert (await owner.post(f"{one}/answer", sent)).status == 303
    assert desk.email not in (await owner.get(one)).text
    closed = await owner.post(f"{one}/objection", {})
    assert (closed.status, "This request has been answered already." in closed.text) == (409, True)


@pytest.mark.req("A-022", "E-50")
async def test_an_owner_sets_the_instruction_and_an_analyst_only_reads(desk: Desk, owner: Client) -> None:
    page = await owner.get(place(desk, "/instruction"))
    assert page.text.count(" checked") == 3
    assert (await owner.post(place(desk, "/instruction"), {"at_once": ["access"]})).status == 303
    async with desk.tx() as tx:
        chosen = await rights_settings.at_once(tx)
    assert chosen == {Right.ACCESS, Right.OBJECT, Right.TRACKING}
    request_id = await recorded(desk)
    analyst_id, _ = await desk.make.user(desk.account.id, "analyst")
    analyst = await desk.make.signed_in(analyst_id)
    assert (await analyst.get(place(desk, f"/{request_id}"))).status == 200
    for path, form in (
        ("/instruction", {"at_once": ["erase"]}),
        (f"/{request_id}/erasure", {}),
        (f"/{request_id}/answer", {"answer": "x"}),
        ("", {"kind": "erase", "channel": "post", "email": desk.email}),
    ):
        assert (await analyst.post(place(desk, path), form)).status == 403
    assert (await shown(desk, request_id)).state == "open"


@pytest.mark.req("A-023", "E-35")
async def test_a_program_records_follows_and_answers(desk: Desk) -> None:
    program = await desk.make.program(desk.account.id, ["requests:read", "requests:write"])
    wanted = {"kind": "erase", "channel": "phone", "email": desk.email, "received_on": "2026-11-02"}
    made = await program.post("/api/v1/requests", json=wanted | {"received_on": None})
    assert made.status == 201
    request = made.json()
    assert (request["state"], request["email"], request["contact_id"]) == ("open", desk.email, desk.ana)
    assert "sealed_address" not in request
    place = f"/api/v1/requests/{request['id']}"
    wrong = await program.post("/api/v1/requests", json={"kind": "everything", "channel": "page"})
    assert {one["field"] for one in wrong.json()["errors"]} == {"kind", "channel"}
    assert (await program.post(f"{place}/copies", json={})).status == 201
    longer = await program.post(f"{place}/extensions", json={"reason": "Many requests"})
    assert longer.json()["due_on"] > request["due_on"]
    done = await program.post(f"{place}/completions", json={"answer": "Done.", "by": "other"})
    assert (done.status, done.json()["state"]) == (201, "done")
    again = await program.post(f"{place}/completions", json={"answer": "Done.", "by": "other"})
    assert (again.status, again.json()["errors"][0]["code"]) == (409, "finished")
    second = (await program.post("/api/v1/requests", json=wanted)).json()["id"]
    third = (await program.post("/api/v1/requests", json=wanted)).json()["id"]
    first = (await program.get("/api/v1/requests?state=open&limit=1")).json()
    rest = (await program.get(f"/api/v1/requests?state=open&limit=1&cursor={first['next_cursor']}")).json()
    assert [one["id"] for one in (*first["items"], *rest["items"])] == [second, third]
    assert rest["next_cursor"] is None
    newest = (await program.get("/api/v1/requests?limit=2")).json()
    assert [one["id"] for one in newest["items"]] == [third, second]
    reader = await desk.make.program(desk.account.id, ["requests:read"])
    assert (await reader.get(place)).status == 200
    assert (await reader.post(f"{place}/completions", json={"answer": "x"})).status == 403
    other = await desk.make.program(desk.account.id, ["contacts:read"])
    assert (await other.get("/api/v1/requests")).status == 403
