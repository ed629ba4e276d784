"""Sign-up forms by API: built, published once nothing is missing, shown word for word, taken offline."""

import re

import pytest

from lists.public_form_guard import TRAP
from tests.client import Client
from tests.forms.scene import ADA, PRIVACY, Scene, make_scene
from tests.make import Make

pytestmark = pytest.mark.req("S19")
BASE = "/api/v1/forms"


async def _program(scene: Scene) -> Client:
    return await scene.make.program(scene.account.id)


@pytest.mark.req("A-111", "A-062")
async def test_publishing_is_refused_with_everything_that_is_missing(make: Make) -> None:
    account = await make.account(agreed=False, identity=False)
    program = await make.program(account.id)
    wish = {"name": "Site", "double_opt_in": False, "redirect_url": "https://evil.test/"}
    made = await program.post(BASE, json=wish)
    assert made.status == 201, made.text
    form_id = made.json()["id"]
    expected = [
        ("identity", "missing"),
        ("agreement", "missing"),
        ("purposes", "missing"),
        ("privacy_url", "missing"),
        ("single_reason", "missing"),
        ("redirect_url", "foreign"),
    ]
    assert [(one["field"], one["code"]) for one in made.json()["missing"]] == expected
    refused = await program.post(f"{BASE}/{form_id}/publications", json={})
    assert refused.status == 422
    assert [(one["field"], one["code"]) for one in refused.json()["errors"]] == expected
    shown = (await program.get(f"{BASE}/{form_id}")).json()
    assert (shown["version"], shown["html"]) == (None, None)
    key = shown["url"].rpartition("/")[2]
    assert (await program.get(f"/t/form/{key}")).status == 410


@pytest.mark.req("A-111")
async def test_a_form_is_created_published_changed_and_deleted(scene: Scene) -> None:
    program = await _program(scene)
    wish = {
        "name": "Kiosk", "language": "en", "privacy_text": "Kept until you leave.",
        "purposes": [{"list_id": scene.list_ids[1], "text": "Yes to offers."}],
    }  # fmt: skip
    made = (await program.post(BASE, json=wish)).json()
    path = f"{BASE}/{made['id']}"
    assert (await program.post(BASE, json=wish)).status == 409
    first = await program.post(f"{path}/publications", json={})
    again = await program.post(f"{path}/publications", json={})
    # the same words make no new version
    assert (first.status, first.json()["version"], again.json()["version"]) == (201, 1, 1)
    await program.ask("PATCH", path, json={"title": "Offers"})
    public = first.json()["url"].removeprefix(scene.services.settings.track_url)
    assert "Offers" not in (await scene.client.get(public)).text
    assert (await program.post(f"{path}/publications", json={})).json()["version"] == 2
    assert "Offers" in (await scene.client.get(public)).text
    versions = (await program.get(f"{path}/publications")).json()["items"]
    assert [one["version"] for one in versions] == [2, 1]
    words = (await program.get(f"{path}/publications/1")).json()["words"]
    assert words["purposes"] == [
        {"list_id": scene.list_ids[1], "list_name": "Promotions", "text": "Yes to offers."}
    ]
    assert (await program.get(f"{path}/publications/3")).status == 404
    closed = await program.ask("DELETE", f"{path}/publications")
    assert closed.json()["version"] is None
    assert (await scene.client.get(public)).status == 410
    assert (await program.post(f"{path}/publications", json={})).json()["version"] == 2
    lines = (await program.get(BASE)).json()["items"]
    assert [(one["name"], one["lists"], one["version"]) for one in lines] == [
        ("Kiosk", ["Promotions"], 2),
        ("Site", ["Recettes", "Promotions"], 1),
    ]
    assert (await program.ask("DELETE", path)).status == 204
    assert (await program.get(path)).status == 404
    assert (await scene.client.get(public)).status == 410


@pytest.mark.req("B-25")
async def test_a_deleted_form_leaves_its_proofs_and_confirms_what_was_asked(scene: Scene) -> None:
    await scene.send(first_name="Ada")
    program = await _program(scene)
    assert (await program.ask("DELETE", f"{BASE}/{scene.form.id}")).status == 204
    assert (await scene.client.post(await scene.confirm_path())).status == 303
    assert (await scene.contact())["first_name"] == "Ada"
    assert [row[:5] for row in await scene.ledger()] == [
        ("asked", "mail", "form", scene.form.id, 1),
        ("confirmed", "mail", "confirmation", scene.form.id, 1),
    ]


@pytest.mark.req("B-20", "C-04")
@pytest.mark.parametrize(
    ("change", "field", "code"),
    [
        ({"purposes": [{"list_id": 0}]}, "purposes.0.list_id", "greater_than_equal"),
        ({"purposes": [{"list_id": 1, "ticked": True}]}, "purposes.0.ticked", "extra_forbidden"),
        ({"purposes": [{"list_id": 1, "required": True}]}, "purposes.0.required", "extra_forbidden"),
        ({"fields": [{"key": "first_name"}, {"key": "first_name"}]}, "fields.1.key", "twice"),
        ({"fields": [{"key": "<b>"}]}, "fields.0.key", "string_pattern_mismatch"),
        ({"fields": [{"key": "a"}] * 10_000}, "fields", "too_long"),
        ({"minimum_age": 12}, "minimum_age", "greater_than_equal"),
        ({"accent": "#ffff00"}, "accent", "contrast"),
        ({"accent": "red"}, "accent", "string_pattern_mismatch"),
        ({"redirect_url": "http://pain.test/"}, "redirect_url", "https"),
        ({"redirect_url": "https://pain.test@evil.test/"}, "redirect_url", "https"),
        ({"redirect_url": "https://pain.test\\@evil.test/"}, "redirect_url", "https"),
        ({"redirect_url": "javascript:alert(1)"}, "redirect_url", "https"),
        ({"privacy_url": "https://pain.test/\r\nX: y"}, "privacy_url", "https"),
        ({"name": ""}, "name", "string_too_short"),
        ({"title": "a\0b"}, "title", "character"),
    ],
)
async def test_what_no_form_may_be_is_refused_at_its_member(
    scene: Scene, change: dict[str, object], field: str, code: str
) -> None:
    program = await _program(scene)
    answer = await program.ask("PATCH", f"{BASE}/{scene.form.id}", json=change)
    assert answer.status == 422, answer.text
    assert (field, code) in [(one["field"], one["code"]) for one in answer.json()["errors"]]


@pytest.mark.req("B-20", "B-26", "A-060")
@pytest.mark.parametrize(
    ("change", "field", "code"),
    [
        ({"purposes": [{"list_id": 999_999}]}, "purposes.0.list_id", "unknown_list"),
        ({"fields": [{"key": "gone"}]}, "fields.0.key", "unknown_field"),
        ({"double_opt_in": False, "single_reason": "On paper as well."}, "double_opt_in", "double_opt_in"),
        ({"redirect_url": "https://evil.test/"}, "redirect_url", "foreign"),
        ({"redirect_url": "https://test/"}, "redirect_url", "foreign"),
        ({"privacy_url": ""}, "privacy_url", "missing"),
    ],
)
async def test_what_cannot_be_published_yet_is_stored_and_named(
    scene: Scene, change: dict[str, object], field: str, code: str
) -> None:
    program = await _program(scene)
    stored = await program.ask("PATCH", f"{BASE}/{scene.form.id}", json=change)
    assert stored.status == 200, stored.text
    refused = await program.post(f"{BASE}/{scene.form.id}/publications", json={})
    assert refused.status == 422
    assert [(one["field"], one["code"]) for one in refused.json()["errors"]] == [(field, code)]


@pytest.mark.req("B-20")
@pytest.mark.parametrize(
    "text", ["I accept the terms and offers", "J’accepte les CGU", "Oui aux conditions générales"]
)
async def test_a_box_that_speaks_of_terms_is_not_published(scene: Scene, text: str) -> None:
    program = await _program(scene)
    purposes = [{"list_id": scene.list_ids[0], "text": text}]
    await program.ask("PATCH", f"{BASE}/{scene.form.id}", json={"purposes": purposes})
    refused = await program.post(f"{BASE}/{scene.form.id}/publications", json={})
    assert [one["code"] for one in refused.json()["errors"]] == ["terms"]


@pytest.mark.req("A-111", "E-14", "B-20")
async def test_the_html_for_other_sites_signs_people_up(scene: Scene) -> None:
    await scene.publish(ask_clicks=True)
    program = await _program(scene)
    html = (await program.get(f"{BASE}/{scene.form.id}")).json()["html"]
    assert "<script" not in html
    assert "style" not in html
    assert " checked" not in html
    assert "Atelier du Pain, 1 rue des Tests" in html
    assert PRIVACY in html
    action = re.search(r'<form action="([^"]+)" method="post"', html)
    assert action is not None
    names = re.findall(r'name="(\w+)"', html)
    assert names == ["version", "email", "first_name", "list", "list", "clicks", TRAP]
    sent = {"version": "2", "email": ADA, "list": str(scene.list_ids[0]), "clicks": "yes", TRAP: ""}
    path = action[1].removeprefix(scene.services.settings.track_url)
    answer = await scene.client.post(path, sent, headers={"Origin": "https://www.pain.test"})
    assert answer.status == 303
    await scene.client.post(await scene.confirm_path())
    assert (await scene.contact())["clicks"] == "granted"


@pytest.mark.req("E-35")
async def test_scopes_hold(scene: Scene) -> None:
    reader = await scene.make.program(scene.account.id, ["forms:read"])
    assert (await reader.get(BASE)).status == 200
    assert (await reader.post(BASE, json={"name": "x"})).status == 403
    assert (await reader.post(f"{BASE}/{scene.form.id}/publications", json={})).status == 403
    other = await scene.make.program(scene.account.id, ["lists:write"])
    assert (await other.get(BASE)).status == 403


@pytest.mark.req("E-50")
async def test_somebody_elses_form_is_nothing(scene: Scene, make: Make, client: Client) -> None:
    stranger = await _program(await make_scene(make, client))
    path = f"{BASE}/{scene.form.id}"
    asked = [
        ("GET", path),
        ("DELETE", path),
        ("POST", f"{path}/publications"),
        ("GET", f"{path}/publications/1"),
    ]
    for method, place in asked:
        more = {"json": {}} if method == "POST" else {}
        assert (await stranger.ask(method, place, **more)).status == 404
    assert (await scene.client.get(scene.path)).status == 200
