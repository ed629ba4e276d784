"""The visual editor's page: what it hands to its script, where it sends people, and the blocks it offers."""

import html
import re
from collections.abc import Awaitable, Callable

import orjson
import pytest

from mailer.web import i18n
from sending import brand_kits, campaigns, content, designs, visual_blocks
from sending.brand_kits import Kit
from tests.campaigns.conftest import MJML, Ready
from tests.make import Make

Build = Callable[..., Awaitable[Ready]]
ICONS = "https://mail.example/static/social/"


def source_of(text: str) -> str:
    return html.unescape(re.search(r'<textarea name="source" hidden>\n(.*?)</textarea>', text, re.S)[1])


async def test_a_campaign_opens_with_its_source_as_it_is_stored(ready: Build, make: Make) -> None:
    found = await ready(source=MJML.replace("<mj-text>", '<mj-text  align = "left" >'))
    owner = await make.signed_in(found.account.owner_id)
    page = await owner.get(f"{found.page}/content/visual")
    async with make.services.db.account(found.account.id) as tx:
        stored = (await campaigns.show(tx, found.campaign.id)).source
    assert source_of(page.text) == stored
    assert f'action="{found.page}/content"' in page.text
    assert f'name="version" value="{found.campaign.version}"' in page.text
    assert "First name: for example Ana" in page.text
    code = await owner.get(f"{found.page}/content")
    assert f'href="{found.page}/content/visual"' in code.text


async def test_what_it_stores_is_stored_as_the_code_editor_does(ready: Build, make: Make) -> None:
    found = await ready()
    owner = await make.signed_in(found.account.owner_id)
    action = f"{found.page}/content"
    sent = {"source": MJML, "version": str(found.campaign.version)}
    assert (await owner.post(action, sent)).location == f"{found.page}/checks"
    late = await owner.post(action, sent)
    assert late.status == 409
    assert "Saved by somebody else meanwhile" in late.text


@pytest.mark.req("E-06")
async def test_styles_written_by_a_script_are_allowed_on_this_page_alone(ready: Build, make: Make) -> None:
    found = await ready()
    owner = await make.signed_in(found.account.owner_id)

    async def policy(path: str) -> dict[str, list[str]]:
        answer = await owner.get(path)
        parts = (one.split() for one in answer.headers["Content-Security-Policy"].split(";"))
        return {name: values for name, *values in parts}

    visual, code = await policy(f"{found.page}/content/visual"), await policy(f"{found.page}/content")
    assert visual["style-src"] == ["'self'", "'unsafe-inline'"]
    assert not [value for value in code["style-src"] if "unsafe" in value]
    assert visual["script-src"] == ["'self'"]
    assert {name: values for name, values in visual.items() if name != "style-src"} == {
        name: values for name, values in code.items() if name != "style-src"
    }


async def test_a_source_with_faults_goes_to_the_code_editor_with_the_reason(ready: Build, make: Make) -> None:
    found = await ready(source="<mjml><mj-body><mj-section><mj-column></mj-section></mj-body></mjml>")
    owner = await make.signed_in(found.account.owner_id)
    page = await owner.get(f"{found.page}/content/visual")
    assert "This source opens in the code editor only" in page.text
    assert "mj-column" in page.text
    assert "data-visual-page" not in page.text


async def test_an_image_that_was_not_chosen_yet_is_written_on_here(ready: Build, make: Make) -> None:
    unfinished = MJML.replace("<mj-text>", "<mj-image />\n<mj-text>", 1)
    found = await ready(source=unfinished)
    owner = await make.signed_in(found.account.owner_id)
    page = await owner.get(f"{found.page}/content/visual")
    assert source_of(page.text) == unfinished
    assert "data-visual-page" in page.text


async def test_the_sketch_is_given_the_values_of_the_brand_kit(ready: Build, make: Make) -> None:
    found = await ready()
    owner = await make.signed_in(found.account.owner_id)
    async with make.services.db.account(found.account.id) as tx:
        await brand_kits.put(tx, Kit(color="#7a1f1f"))
    page = await owner.get(f"{found.page}/content/visual")
    given = orjson.loads(html.unescape(re.search(r'data-brand="([^"]*)"', page.text)[1]))
    assert given["color"] == "#7a1f1f"
    assert given["footer"] == given["logo"] == ""


def test_a_network_of_the_palette_opens_the_page_that_is_written_in_it() -> None:
    """MJML's plain names of some networks share the page with others."""
    [social] = [one for one in visual_blocks.parts() if one.name == "social"]
    filled = social.source.replace(" />", ' href="https://pain.test/page" />')
    made = content.compile_mjml(
        f"<mjml><mj-body><mj-section><mj-column>{filled}</mj-column></mj-section></mj-body></mjml>",
        icon_origin=ICONS,
    )
    assert isinstance(made, content.Compiled)
    assert [link.url for link in made.links] == ["https://pain.test/page"] * 4


async def test_a_letter_and_a_campaign_that_left_are_not_for_it(ready: Build, make: Make) -> None:
    found = await ready()
    owner = await make.signed_in(found.account.owner_id)
    begun = await owner.post(f"{found.page}/starts", {"begin": "letter"})
    assert begun.location == f"{found.page}/content"
    assert (await owner.get(f"{found.page}/content/visual")).location == f"{found.page}/content"
    begun = await owner.post(f"{found.page}/starts", {"begin": "visual"})
    assert begun.location == f"{found.page}/content/visual"
    begun_with = source_of((await owner.get(begun.location)).text)
    assert isinstance(content.compile_mjml(begun_with, icon_origin=ICONS), content.Compiled)
    assert "{{ unsubscribe_url }}" in begun_with
    async with make.services.db.account(found.account.id) as tx:
        await tx.run(
            "UPDATE campaigns SET status = 'scheduled', scheduled_at = now() WHERE account_id = $1 AND id = $2",
            found.campaign.id,
        )
    assert (await owner.get(f"{found.page}/content/visual")).location == found.page


async def test_a_design_opens_too_and_a_letter_of_designs_does_not(ready: Build, make: Make) -> None:
    found = await ready()
    owner = await make.signed_in(found.account.owner_id)
    async with make.services.db.account(found.account.id) as tx:
        design = await designs.keep(tx, found.campaign.id, "Hebdo")
    page = f"{found.account.app}/designs/{design.id}/edit"
    shown = await owner.get(f"{page}/visual")
    assert source_of(shown.text) == design.source
    assert f'action="{page}"' in shown.text
    made = await owner.post(f"{found.account.app}/designs", {"name": "Lettre", "kind": "letter"})
    assert (await owner.get(f"{made.location}/visual")).location == made.location


# an image and where a button leads are its author's to choose, and the checks ask for them
ASKED_FOR = {"no_src", "no_alt", "no_href"}


@pytest.mark.parametrize("language", ["fr", "en"])
def test_each_block_can_be_compiled_where_it_is_put(language: str) -> None:
    with i18n.speaking(language):
        parts = [*visual_blocks.parts(), visual_blocks.unsubscribe(language)]
        sections = visual_blocks.sections(language)
    for block in parts:
        assert _missing(f"<mj-section><mj-column>{block.source}</mj-column></mj-section>") <= ASKED_FOR
    for block in sections:
        assert _missing(block.source) <= ASKED_FOR, block.name


def _missing(section: str) -> set[str]:
    made = content.compile_mjml(f"<mjml><mj-body>{section}</mj-body></mjml>", icon_origin=ICONS)
    return {problem.code for problem in (made if isinstance(made, list) else made.remarks)}
