"""The brand kit: in every draft at once, in no frozen revision, readable or refused."""

import re

import pytest

from mailer.core.services import Services
from sending import brand, brand_kits, campaigns, colours, designs, preview, revisions
from sending.brand import Brand
from sending.brand_kits import Kit
from sending.designs import NewDesign
from sending.preview import Kind, Subject
from tests.campaigns.conftest import MJML
from tests.campaigns.test_designs import Build
from tests.make import Make
from tests.media.test_media_pages import photograph, upload

BRANDED = """<mjml>
  <mj-head><mj-style>h1 { color: {{ brand.color }}; }</mj-style></mj-head>
  <mj-body background-color="{{ brand.surround }}">
    <mj-section>
      <mj-column>
        <mj-image src="{{ brand.logo }}" alt="{{ account.name }}" align="left" width="{{ brand.logo_width }}" />
        <mj-text font-family="{{ brand.font }}"><h1>Pain</h1>{{ brand.footer }}</mj-text>
      </mj-column>
    </mj-section>
  </mj-body>
</mjml>
"""


async def _shown(make: Make, account_id: int, design_id: int) -> str:
    async with make.services.db.account(account_id) as tx:
        shown = await preview.show(tx, make.services, Subject(kind=Kind.DESIGN, id=design_id))
    assert shown.rendered is not None, [one.words() for one in shown.problems]
    assert shown.problems == ()
    return shown.rendered.html


async def test_a_saved_kit_shows_in_each_draft_with_its_logo(make: Make) -> None:
    account = await make.account()
    owner = await make.signed_in(account.owner_id)
    async with make.services.db.account(account.id) as tx:
        design = await designs.create(tx, NewDesign(name="Pain", kind="mjml"), BRANDED)
    before = await _shown(make, account.id, design.id)
    assert "#0b5394" in before
    assert "<img" not in before
    await upload(owner, account.app, photograph())
    page = f"{account.app}/brand"
    image_id = re.search(r'<option value="(\d+)">Un pain rond', (await owner.get(page)).text)[1]
    kit = {
        "logo_image_id": image_id, "color": "#7A1F1F", "link": "#7a1f1f", "text": "#222222",
        "background": "#fff", "surround": "#fdf6ee", "font": "georgia", "heading_font": "trebuchet",
        "footer": "Ouvert le dimanche\n{{ contact.email }} <b>",
    }  # fmt: skip
    assert (await owner.post(page, kit)).status == 303
    after = await _shown(make, account.id, design.id)
    for part in ("#7a1f1f", "#fdf6ee", "Georgia, Times New Roman, serif", "Ouvert le dimanche<br>"):
        assert part in after, part
    # the kit's words are words: neither a merge field nor markup
    assert "{{ contact.email }} &lt;b&gt;" in after
    assert re.search(r'<img[^>]*src="[^"]*/t/img/\d+-[0-9a-f]{40}\.jpg"', after)
    # 900 × 300 pixels fit into 200 × 80
    assert 'width="200"' in after
    assert f'<option value="{image_id}" selected' in (await owner.get(page)).text


async def test_a_frozen_revision_keeps_the_kit_of_its_day(ready: Build, services: Services) -> None:
    found = await ready(source=BRANDED)
    async with services.db.account(found.account.id) as tx:
        await revisions.compile(tx, services, found.campaign.id)
        await brand_kits.put(tx, Kit(color="#7a1f1f"))
        frozen = await revisions.open(tx, services, found.campaign.id)
        draft = await revisions.draft(tx, services.settings, found.campaign.id)
    assert "#0b5394" in frozen.html
    assert "#7a1f1f" not in frozen.html
    assert "#7a1f1f" in draft.html


@pytest.mark.req("F-11")
async def test_colours_that_cannot_be_read_are_refused_with_one_that_can(make: Make) -> None:
    account = await make.account()
    owner = await make.signed_in(account.owner_id)
    page = f"{account.app}/brand"
    pale = {**Kit().model_dump(exclude={"logo_image_id"}), "text": "#999999"}
    answer = await owner.post(page, pale)
    assert answer.status == 422
    told = re.search(r"#999999 on #f3f4f6 has a contrast of 2.5 to 1; 4.5 is needed. (#\w{6}) would do.",
                     answer.text)  # fmt: skip
    assert told, answer.text
    assert (await owner.post(page, {**pale, "text": told[1]})).status == 303
    far = {**pale, "background": "#ffffff", "surround": "#444444"}
    assert "no colour can be read on both" in (await owner.post(page, far)).text
    assert (await owner.post(page, {**pale, "text": "red"})).status == 422
    assert (await owner.post(page, {**pale, "text": told[1], "font": "comic"})).status == 422


async def test_a_logo_of_another_account_is_none_of_ones_own(make: Make) -> None:
    account, other = await make.account(), await make.account()
    theirs = await make.signed_in(other.owner_id)
    await upload(theirs, other.app, photograph())
    async with make.services.db.account(other.id) as tx:
        image_id = await tx.value("SELECT id FROM images WHERE account_id = $1")
    owner = await make.signed_in(account.owner_id)
    given = {**Kit().model_dump(exclude={"logo_image_id"}), "logo_image_id": image_id}
    assert (await owner.post(f"{account.app}/brand", given)).status == 422


async def test_an_analyst_reads_the_kit_and_changes_nothing(make: Make) -> None:
    account = await make.account()
    user_id, _ = await make.user(account.id, "analyst")
    analyst = await make.signed_in(user_id)
    assert (await analyst.get(f"{account.app}/brand")).status == 200
    given = Kit().model_dump(exclude={"logo_image_id"})
    assert (await analyst.post(f"{account.app}/brand", given)).status == 403


async def test_a_wrong_name_or_a_condition_on_the_kit_is_told_at_its_line(make: Make) -> None:
    account = await make.account()
    owner = await make.signed_in(account.owner_id)
    async with make.services.db.account(account.id) as tx:
        design = await designs.create(tx, NewDesign(name="Pain", kind="mjml"), MJML)
    source = BRANDED.replace("brand.footer", "brand.foter").replace(
        "{{ brand.font }}", "{{ brand.font | upper }}"
    )
    checks = f"{account.app}/designs/{design.id}/edit/checks"
    told = (await owner.post(checks, {"source": source})).json()["problems"]
    assert [(one["line"], one["message"]) for one in told if "brand" in one["message"]] == [
        (7, "A value of the brand kit stands alone, such as {{ brand.color }}."),
        (7, "The field “brand.foter” does not exist. Did you mean “brand.footer”?"),
    ]


@pytest.mark.req("F-11")
def test_each_colour_that_follows_from_another_can_be_read() -> None:
    for kit in (
        brand.DEFAULT,
        Brand(color="#ffd400", link="#0000ee", text="#000000", background="#ffff00", surround="#ffffff"),
        Brand(color="#777777", link="#9ecbff", text="#ffffff", background="#000000", surround="#111111"),
    ):
        values = kit.values()
        for ink, ground in (
            ("on_color", "color"), ("muted", "background"), ("muted", "surround"),
            ("dark_text", "dark_background"), ("dark_link", "dark_background"),
        ):  # fmt: skip
            assert colours.contrast(values[ink], values[ground]) >= 4.5, (ink, ground, values)
    assert colours.contrast("#000000", "#ffffff") == pytest.approx(21)
    assert colours.contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


async def test_a_letter_wears_the_kit_too(ready: Build, services: Services) -> None:
    found = await ready()
    async with services.db.account(found.account.id) as tx:
        text = '{"blocks": [{"kind": "heading", "text": "Pain"}], "footer": true}'
        await campaigns.write_content(tx, found.campaign.id, "letter", text)
        await brand_kits.put(tx, Kit(text="#33001a", heading_font="georgia", footer="À bientôt"))
        made = await revisions.draft(tx, services.settings, found.campaign.id)
    for part in ("#33001a", "Georgia", "À bientôt"):
        assert part in made.html
    assert "À bientôt" in made.text
