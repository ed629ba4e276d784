"""What comes to a public form from robots, floods and other people's pages (E-14)."""

from datetime import timedelta

import pytest
from aiohttp import ClientSession

from lists import public_form_guard, sign_ups
from lists.public_form_guard import network
from mailer.core import clock
from mailer.core.rate import Limit
from tests.forms.scene import ADA, Scene


@pytest.mark.req("E-14")
async def test_the_trap_field_stops_a_robot_and_tells_a_person(scene: Scene) -> None:
    answer = await scene.send(website="https://spam.test")
    assert answer.status == 422
    assert "Leave this field empty: only robots fill it in." in answer.text
    assert await scene.contact() == {}


@pytest.mark.req("E-14")
async def test_a_stamp_is_neither_too_fresh_nor_too_old_nor_of_another_form(scene: Scene) -> None:
    hidden = await scene.look()
    tick = {"email": ADA, "list": str(scene.list_ids[0])}
    clock.shift(timedelta(seconds=1))
    fast = await scene.client.post(scene.path, hidden | tick)
    clock.shift(timedelta(hours=25))
    slow = await scene.client.post(scene.path, hidden | tick)
    clock.shift(timedelta(seconds=5))
    forged = await scene.client.post(scene.path, hidden | tick | {"stamp": "A" * 40})
    for answer in (fast, slow, forged):
        assert answer.status == 422
        assert "press the button once more" in answer.text
        # what the person typed and ticked is still there
        assert f'value="{ADA}"' in answer.text
        assert answer.text.count(" checked") == 1
    assert await scene.contact() == {}
    assert (await scene.client.post(scene.path, hidden | tick)).status == 303


@pytest.mark.req("E-14")
async def test_a_post_from_another_site_passes_until_it_becomes_a_flood(scene: Scene) -> None:
    statuses = []
    for n in range(8):
        sent = {"email": f"p{n}@sign-up.test", "list": str(scene.list_ids[0]), "version": "1"}
        answer = await scene.client.post(scene.path, sent, headers={"Origin": "https://pain.test"})
        statuses.append(answer.status)
        assert "Access-Control-Allow-Origin" not in answer.headers
    assert statuses == [303] * 5 + [422] * 3
    # the way on for a person: our page, filled in, with a stamp
    assert 'name="stamp"' in answer.text
    assert 'value="p7@sign-up.test"' in answer.text
    assert len(await scene.mails()) == 5


@pytest.mark.req("E-14")
@pytest.mark.parametrize("name", ["NETWORK", "FORM", "ACCOUNT"])
async def test_each_limit_ends_in_429_and_stores_nothing(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr(public_form_guard, name, Limit(f"form-test-{name}-{scene.account.id}", 2, 600))
    statuses = [(await scene.send(f"p{n}@sign-up.test")).status for n in range(4)]
    assert statuses == [303, 303, 429, 429]
    assert len(await scene.mails()) == 2


@pytest.mark.req("E-14")
async def test_one_address_is_written_to_a_few_times_a_day_by_all_forms(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sign_ups, "ASK_AGAIN_HOURS", 0)
    answers = [await scene.send() for _ in range(8)]
    assert {answer.status for answer in answers} == {303}
    assert len(await scene.mails()) == public_form_guard.ADDRESS.count


@pytest.mark.parametrize(
    ("address", "counted"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:aaaa::1", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:bbbb::9%eth0", "2001:db8:1:2::/64"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("", ""),
        ("unknown", "unknown"),
    ],
)
@pytest.mark.req("E-14")
def test_a_network_is_an_address_or_a_64(address: str, counted: str) -> None:
    assert network(address) == counted


async def test_ten_thousand_fields_are_too_many_and_some_hundred_are_read_past(scene: Scene) -> None:
    hidden = await scene.look()
    true = hidden | {"email": ADA, "list": str(scene.list_ids[0])}
    many = {f"x{n}": "y" for n in range(10_000)}
    assert (await scene.client.post(scene.path, many | true)).status == 413
    some = {f"x{n}": "y" for n in range(500)}
    assert (await scene.client.post(scene.path, some | true)).status == 303
    assert len(await scene.mails()) == 1


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"%",
        b"=&=&=",
        b"email=%00&list=%00",
        b"\xff\xfe",
        b"email=a%0d%0aBcc:x@y.test&list=1",
        b"list=1" * 5000,
    ],
)
async def test_odd_bodies_get_the_form_again(scene: Scene, http: ClientSession, body: bytes) -> None:
    headers = {"Content-Type": "application/x-www-form-urlencoded", "Accept-Language": "en"}
    async with http.post(scene.client.base + scene.path, data=body, headers=headers) as answer:
        assert answer.status == 422
        assert "things to fix" in await answer.text()
    assert await scene.contact() == {}


@pytest.mark.parametrize("kind", ["application/json", "multipart/form-data", "text/plain"])
async def test_other_media_types_are_refused(scene: Scene, kind: str) -> None:
    answer = await scene.client.ask("POST", scene.path, data=b"{}", headers={"Content-Type": kind})
    assert answer.status == 415


@pytest.mark.req("E-20")
@pytest.mark.parametrize(
    "email",
    [
        "ada@sign-up.test\r\nBcc: all@sign-up.test",
        "ada@sign-up.test,bob@sign-up.test",
        "<ada@sign-up.test>",
        "a" * 9000,
    ],
)
async def test_an_address_that_is_more_than_one_is_refused(scene: Scene, email: str) -> None:
    answer = await scene.send(email)
    assert answer.status == 422
    assert await scene.mails() == []


@pytest.mark.req("E-03")
async def test_html_in_answers_and_in_the_form_stays_text(scene: Scene) -> None:
    hostile = '"><script>alert(1)</script>'
    await scene.publish(
        title=hostile, intro=hostile, button=hostile[:60], fields=[{"key": "first_name", "label": hostile}],
        purposes=[{"list_id": scene.list_ids[0], "text": hostile}], privacy_text=hostile, thanks=hostile,
    )  # fmt: skip
    page = await scene.client.get(scene.path)
    again = await scene.send(hostile, first_name=hostile)
    sent = await scene.send()
    asked = await scene.client.get(sent.location)
    confirm = await scene.client.get(await scene.confirm_path())
    assert again.status == 422
    for answer in (page, again, asked, confirm):
        assert "<script" not in answer.text
    assert "&lt;script&gt;" in page.text


@pytest.mark.req("E-13")
async def test_nobody_is_led_to_a_place_that_the_form_does_not_name(scene: Scene) -> None:
    for name in ("redirect", "redirect_url", "next", "thanks"):
        answer = await scene.send(f"{name.replace('_', '-')}@sign-up.test", **{name: "https://evil.test/"})
        assert answer.location.startswith(scene.path + "/asked/")
    # what the page after says is sealed: nobody makes it say theirs
    token = answer.location.rpartition("/")[2]
    assert (await scene.client.get(f"{scene.path}/asked/{token[:-4]}AAAA")).status == 404
    assert (await scene.client.get(f"{scene.path}/asked/call-this-number")).status == 404


@pytest.mark.req("E-06", "E-13")
async def test_a_form_of_the_account_may_lead_to_its_own_site(scene: Scene) -> None:
    async with scene.services.db.shared() as tx:
        await tx.run("UPDATE accounts SET contact_email = 'hi@pain.test' WHERE id = $1", scene.account.id)
    await scene.publish(redirect_url="https://www.pain.test/merci")
    page = await scene.client.get(scene.path)
    assert "form-action 'self' https://www.pain.test;" in page.headers["Content-Security-Policy"]
    assert (await scene.send()).location == "https://www.pain.test/merci"
