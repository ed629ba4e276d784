"""The builder: rows moved by buttons, published when nothing is missing, previewed on the recipients' address."""

import re

import pytest

from lists import form_builder, signup_forms
from tests.client import Client
from tests.forms.scene import PRIVACY, Scene
from tests.make import Make


async def _person(scene: Scene) -> Client:
    return await scene.make.signed_in(scene.account.owner_id)


def _fields(text: str) -> dict[str, list[str]]:
    """What a browser would send of the builder as it stands, without a button."""
    start = text.index("data-autosave")
    form = text[start : text.index("</form>", start)]
    found: dict[str, list[str]] = {}
    for tag in re.findall(r"<input[^>]*>", form):
        name, value = re.search(r'name="([^"]*)"', tag), re.search(r'value="([^"]*)"', tag)
        ticks = 'type="checkbox"' in tag or 'type="radio"' in tag
        if name and (not ticks or " checked" in tag):
            found.setdefault(name[1], []).append(value[1] if value else "on")
    for name, options in re.findall(r'<select id="[^"]*" name="([^"]*)".*?>(.*?)</select>', form, re.S):
        chosen = re.search(r'value="([^"]*)" selected', options) or re.search(r'value="([^"]*)"', options)
        found[name] = [chosen[1]] if chosen else [""]
    for name, value in re.findall(r'<textarea id="[^"]*" name="([^"]*)"[^>]*>(.*?)</textarea>', form, re.S):
        found[name] = [value]
    found.pop("csrf", None)
    return found


async def _press(person: Client, page: str, do: str, **changes: object) -> tuple[int, str]:
    """The builder as it stands with these changes and this button; the page that follows."""
    shown = await person.get(page)
    sent = {**_fields(shown.text), **changes, "do": do}
    answer = await person.post(page, sent)
    if answer.status != 303:
        return answer.status, answer.text
    return answer.status, (await person.get(answer.location.partition("#")[0])).text


@pytest.mark.req("A-111")
async def test_from_nothing_to_a_published_form(make: Make, client: Client) -> None:
    account = await make.account()
    async with make.services.db.account(account.id) as tx:
        list_id = await make.mailing_list(tx, "Recettes")
    person = await make.signed_in(account.owner_id)
    index = f"{account.app}/forms"
    assert "A form gives you a ready page" in (await person.get(index)).text
    made = await person.post(index, {"name": "Site", "list_id": str(list_id)})
    assert made.status == 303
    page = made.location
    status, text = await _press(person, page, "publish")
    assert status == 422
    assert "Say what becomes of the data, or give the address of your privacy policy." in text
    status, text = await _press(person, page, "publish", privacy_url=PRIVACY)
    assert status == 303
    assert "Published: version 1" in text
    public = re.search(r'href="[^"]*(/t/form/[^"]+)"', text)
    assert public is not None
    assert (await client.get(public[1])).status == 200
    assert "&lt;form action=" in text
    # published words stay while the draft goes on
    status, text = await _press(person, page, "save", title="Nos recettes")
    assert "The draft says other things than what is published." in text
    assert "Nos recettes" not in (await client.get(public[1])).text
    await person.post(f"{page}/publications")
    assert "Nos recettes" in (await client.get(public[1])).text
    await person.post(f"{page}/withdrawals")
    assert (await client.get(public[1])).status == 410
    listed = (await person.get(index)).text
    assert "Not published" in listed
    assert (await person.post(f"{page}/deletion")).status == 303
    assert (await person.get(page)).status == 404


async def test_fields_and_boxes_are_added_moved_and_taken_out_without_script(scene: Scene) -> None:
    person = await _person(scene)
    page = f"{scene.account.app}/forms/{scene.form.id}"
    await _press(person, page, "fields.add", **{"fields.new": "last_name"})
    await _press(person, page, "fields.up.1")
    await _press(person, page, "purposes.down.0", **{"purposes.1.text": "Oui aux promotions"})
    await _press(person, page, "save", **{"fields.0.required": "true", "fields.0.label": "Votre nom"})
    async with scene.tx() as tx:
        draft = (await signup_forms.show(tx, scene.form.id)).content
    assert [(one.key, one.label, one.required) for one in draft.fields] == [
        ("last_name", "Votre nom", True),
        ("first_name", "", False),
    ]
    assert [(one.list_id, one.text) for one in draft.purposes] == [
        (scene.list_ids[1], "Oui aux promotions"),
        (scene.list_ids[0], ""),
    ]
    await _press(person, page, "fields.remove.0")
    await _press(person, page, "purposes.remove.1")
    async with scene.tx() as tx:
        draft = (await signup_forms.show(tx, scene.form.id)).content
    assert [one.key for one in draft.fields] == ["first_name"]
    assert [one.list_id for one in draft.purposes] == [scene.list_ids[1]]


async def test_what_is_wrong_comes_back_as_it_was_typed(scene: Scene) -> None:
    person = await _person(scene)
    page = f"{scene.account.app}/forms/{scene.form.id}"
    status, text = await _press(person, page, "save", redirect_url="http://pain.test", title="Kept here")
    assert status == 422
    assert "Write the whole address, beginning with https://" in text
    assert 'value="http://pain.test"' in text
    assert 'value="Kept here"' in text
    assert '<a href="#redirect_url">' in text


async def test_two_people_at_one_form_do_not_overwrite_each_other(scene: Scene) -> None:
    person = await _person(scene)
    page = f"{scene.account.app}/forms/{scene.form.id}"
    sent = _fields((await person.get(page)).text)
    script = {"X-Autosave": "1"}
    first = await person.post(page, {**sent, "title": "One"}, headers=script)
    assert first.json()["version"] == int(sent["version"][0]) + 1
    second = await person.post(page, {**sent, "title": "Two"}, headers=script)
    assert second.status == 409
    third = await person.post(page, {**sent, "title": "Two", "do": "save"})
    assert third.status == 409
    assert 'value="Two"' in third.text
    async with scene.tx() as tx:
        assert (await signup_forms.show(tx, scene.form.id)).content.title == "One"


@pytest.mark.req("E-04", "B-20")
async def test_the_preview_shows_the_draft_and_can_send_nothing(scene: Scene) -> None:
    person = await _person(scene)
    page = f"{scene.account.app}/forms/{scene.form.id}"
    await _press(person, page, "save", title="Only a draft", accent="#0A5BB0")
    frame = await person.get(f"{page}/frame")
    path = frame.location.removeprefix(scene.services.settings.track_url)
    shown = await scene.client.get(path)
    assert "Only a draft" in shown.text
    assert " checked" not in shown.text
    policy = shown.headers["Content-Security-Policy"]
    assert policy.endswith("; sandbox")
    nonce = re.search(r"'nonce-([^']+)'", policy)
    assert nonce is not None
    assert f'<style nonce="{nonce[1]}">' in shown.text
    assert "background: #0a5bb0; color: #ffffff" in shown.text
    assert (await scene.client.get(path[:-3] + "AAA")).status == 404


@pytest.mark.req("E-50")
async def test_whoever_may_only_read_sees_the_form_and_changes_nothing(scene: Scene) -> None:
    reader_id, _ = await scene.make.user(scene.account.id, "analyst")
    reader = await scene.make.signed_in(reader_id)
    page = f"{scene.account.app}/forms/{scene.form.id}"
    shown = await reader.get(page)
    assert shown.status == 200
    assert 'name="title"' not in shown.text
    for path in (page, f"{page}/publications", f"{page}/withdrawals", f"{page}/deletion"):
        assert (await reader.post(path, {"name": "x", "do": "save"})).status == 403


async def test_figures_are_kept_and_shown(scene: Scene) -> None:
    for n in range(12):
        await scene.send(f"p{n}@sign-up.test")
    for n in range(3):
        await scene.client.post(await scene.confirm_path(n))
    person = await _person(scene)
    text = (await person.get(f"{scene.account.app}/forms")).text
    cells = re.findall(r'<td[^>]* class="num">([^<]+)<', text)
    assert cells == ["12", "3", "25.0%"]


@pytest.mark.parametrize(
    "wish", ["fields.up.0", "fields.down.1", "fields.remove.9", "fields.up", "fields.add", "x", ""]
)
def test_a_button_that_has_nothing_to_do_changes_nothing(wish: str) -> None:
    values = {"fields": [{"key": "a"}, {"key": "b"}], "purposes": []}
    form_builder.act(values, {}, wish)
    assert values == {"fields": [{"key": "a"}, {"key": "b"}], "purposes": []}


@pytest.mark.req("B-25")
async def test_each_version_shows_its_words(scene: Scene) -> None:
    first = scene.list_ids[0]
    await scene.publish(purposes=[{"list_id": first, "text": "Quite other words."}], thanks="See you.")
    person = await _person(scene)
    page = f"{scene.account.app}/forms/{scene.form.id}"
    old, new = [(await person.get(f"{page}/versions/{n}")).text for n in (1, 2)]
    assert "I would like to receive “Recettes” from Atelier du Pain by e-mail." in old
    assert "Quite other words." not in old
    assert "Quite other words." in new
    assert f'href="{page}/versions/1"' in (await person.get(page)).text
    assert (await person.get(f"{page}/versions/3")).status == 404
