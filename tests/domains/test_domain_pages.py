"""The pages and the API of sending domains."""

import html
import re
from urllib.parse import unquote

import pytest

from mailer.core.services import Services
from tests.dns_server import Zone
from tests.domains.conftest import Place, make_place
from tests.make import Make


async def asked(place: Place) -> int:
    async with place.services.db.shared() as tx:
        return int(
            await tx.value(
                """
                SELECT count(*) FROM work
                WHERE account_id = $1 AND job = 'sending.check_domain' AND ref_id = $2 AND run_at <= now()
                """,
                place.account.id,
                place.id,
            )
        )


async def test_a_domain_is_added_and_its_records_can_be_copied(make: Make, zone: Zone) -> None:
    account = await make.account()
    owner = await make.signed_in(account.owner_id)
    assert "Add the domain of your sender" in (await owner.get(f"{account.app}/domains")).text
    answer = await owner.post(f"{account.app}/domains", {"name": "Boulangerie.Test"})
    assert answer.status == 303
    page = (await owner.get(answer.location)).text
    assert page.count('data-copy="#host-') == page.count('data-copy="#name-') == 3
    assert page.count('data-copy="#value-') == 3
    assert re.search(r'<pre id="name-1"[^>]*>m\w{8}r\._domainkey\.boulangerie\.test</pre>', page)
    assert re.search(r'<pre id="value-1"[^>]*>v=DKIM1; k=rsa; p=', page)
    assert re.search(r'<pre id="pieces-1"[^>]*>&#34;v=DKIM1', page)
    assert "v=DMARC1; p=none; rua=mailto:postmaster@boulangerie.test" in page
    assert 'hx-trigger="every 30s"' in page
    letter = unquote(html.unescape(re.search(r'href="mailto:\?([^"]+)"', page)[1]))
    assert "_dmarc.boulangerie.test" in letter
    assert "v=DKIM1; k=ed25519; p=" in letter
    assert "Boulangerie" not in (await owner.get(f"{account.app}/domains")).text
    assert "boulangerie.test" in (await owner.get(f"{account.app}/domains")).text


@pytest.mark.parametrize(("name", "words"), [("gmail.com", "gmail.com"), ("pain", "is no domain"), ("", "")])
async def test_a_domain_that_cannot_be_used_is_refused_beside_the_field(
    make: Make, name: str, words: str
) -> None:
    account = await make.account()
    owner = await make.signed_in(account.owner_id)
    answer = await owner.post(f"{account.app}/domains", {"name": name})
    assert answer.status == 422
    assert words in answer.text
    assert 'id="name-error"' in answer.text


async def test_the_page_says_the_good_state_first_and_each_record_by_itself(place: Place, make: Make) -> None:
    owner = await make.signed_in(place.account.owner_id)
    page = f"{place.account.app}/domains/{place.id}"
    assert "Copy the records below" in (await owner.get(page)).text
    await place.publish()
    place.zone.text(f"_dmarc.{place.name}", "v=DMARC1; p=none; pct=50")
    key = await place.key("pending", "ed25519-sha256")
    place.zone.text(f"{key.selector}._domainkey.{place.name}", "v=DKIM1; k=ed25519; p=AAAA")
    await place.look()
    text = html.unescape((await owner.get(page)).text)
    assert text.index("Domain verified on") < text.index("Signature (DKIM)")
    assert text.count("Different") == 1
    assert "v=DKIM1; k=ed25519; p=AAAA" in text
    assert "pct: these parts are no longer read" in text
    assert "Add rua=mailto:" in text
    assert "providers watch and report" in text
    place.zone.failing = True
    await place.look()
    place.zone.failing = False
    text = (await owner.get(page)).text
    assert "It did not answer" in text
    assert "Not visible yet" not in text
    assert "Domain verified on" in text


async def test_the_open_page_asks_for_a_look_at_most_each_thirty_seconds(place: Place, make: Make) -> None:
    from datetime import timedelta

    from mailer.core import clock

    owner = await make.signed_in(place.account.owner_id)
    page = f"{place.account.app}/domains/{place.id}"
    async with place.services.db.shared() as tx:
        await tx.run("DELETE FROM work WHERE account_id = $1", place.account.id)
    await owner.get(page)
    assert await asked(place) == 0, "somebody looked a moment ago"
    clock.shift(timedelta(seconds=31))
    await owner.get(page)
    assert await asked(place) == 1


async def test_looking_now_and_new_keys_from_the_page(place: Place, make: Make) -> None:
    from datetime import timedelta

    from mailer.core import clock

    owner = await make.signed_in(place.account.owner_id)
    page = f"{place.account.app}/domains/{place.id}"
    assert "Make new keys" not in (await owner.get(page)).text
    await place.publish()
    clock.shift(timedelta(seconds=10))
    assert (await owner.post(f"{page}/checks")).location == page
    assert "Domain verified on" in (await owner.get(page)).text
    assert "Make new keys" in (await owner.get(page)).text
    assert (await owner.post(f"{page}/rotations")).status == 303
    text = (await owner.get(page)).text
    assert "New keys are made" in text
    assert "new key" in text
    await place.publish()
    await place.look()
    text = (await owner.get(page)).text
    assert "former key" in text
    assert "Leave this record until" in text


async def test_a_reader_cannot_change_a_domain(place: Place, make: Make) -> None:
    reader_id, _ = await make.user(place.account.id, "analyst")
    reader = await make.signed_in(reader_id)
    page = f"{place.account.app}/domains/{place.id}"
    assert (await reader.get(page)).status == 200
    for path, form in (
        (f"{place.account.app}/domains", {"name": "autre.test"}),
        (f"{page}/rotations", {}),
        (f"{page}/proofs", {"source": "x"}),
    ):
        assert (await reader.post(path, form)).status == 403


async def test_the_home_page_and_the_sender_show_the_domain(place: Place, make: Make) -> None:
    owner = await make.signed_in(place.account.owner_id)
    form = {"email": f"lettre@{place.name}", "name": "Pain", "reply_to": ""}
    await owner.post(f"{place.account.app}/senders", form)
    listed = await owner.get(f"{place.account.app}/senders")
    sender = re.search(r"/senders/(\d+)", listed.text)[1]
    shown = (await owner.get(f"{place.account.app}/senders/{sender}")).text
    assert f"{place.account.app}/domains/{place.id}" in shown
    assert f"{place.account.app}/domains" in (await owner.get(place.account.app)).text


# API


async def test_programs_add_check_and_renew(make: Make, zone: Zone) -> None:
    from datetime import timedelta

    from mailer.core import clock

    account = await make.account()
    program = await make.program(account.id)
    made = await program.post("/api/v1/domains", json={"name": "api-pain.test"})
    assert made.status == 201, made.text
    body = made.json()
    place = f"/api/v1/domains/{body['domain']['id']}"
    assert body["domain"]["state"] == "waiting"
    assert "sealed" not in made.text
    assert {(one["kind"], one["state"]) for one in body["records"]} == {
        ("dkim", "unknown"), ("dkim_ed25519", "unknown"), ("dmarc", "unknown"), ("mx", "unknown"),
    }  # fmt: skip
    assert (await program.post("/api/v1/domains", json={"name": "api-pain.test"})).status == 409
    assert (await program.post("/api/v1/domains", json={"name": "gmail.com"})).status == 422
    assert (await program.post(f"{place}/checks")).status == 429
    for record in body["records"]:
        if record["value"]:
            zone.text(record["name"], record["value"])
    clock.shift(timedelta(seconds=10))
    checked = await program.post(f"{place}/checks")
    assert checked.status == 200, checked.text
    assert checked.json()["domain"]["state"] == "verified"
    assert [one["name"] for one in (await program.get("/api/v1/domains")).json()["items"]] == [
        "api-pain.test"
    ]
    renewed = await program.post(f"{place}/rotations")
    assert renewed.status == 201
    assert sorted(key["state"] for key in renewed.json()["keys"]) == [
        "active",
        "active",
        "pending",
        "pending",
    ]
    assert (await program.post(f"{place}/rotations")).status == 409
    assert (await program.post(f"{place}/proofs", json={"source": "x"})).status == 422
    reader = await make.program(account.id, scopes=["domains:read"])
    assert (await reader.get(place)).status == 200
    assert (await reader.post(f"{place}/rotations")).status == 403


@pytest.mark.req("E-50")
async def test_a_domain_of_another_account_is_not_there(
    place: Place, make: Make, services: Services, zone: Zone
) -> None:
    other = await make_place(services, zone, make)
    program = await make.program(other.account.id)
    stranger = await make.signed_in(other.account.owner_id)
    for verb, path in (("GET", ""), ("POST", "/checks"), ("POST", "/rotations"), ("POST", "/proofs")):
        body = {"json": {"source": "x"}} if path == "/proofs" else {}
        assert (await program.ask(verb, f"/api/v1/domains/{place.id}{path}", **body)).status == 404
        data = {} if verb == "GET" else {"data": {"csrf": stranger.csrf, "source": "x"}}
        assert (
            await stranger.ask(verb, f"{other.account.app}/domains/{place.id}{path}", **data)
        ).status == 404
