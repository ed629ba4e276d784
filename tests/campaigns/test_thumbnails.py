"""Pictures of designs: drawn by the worker from what the author wrote, again when that or the kit changes."""

import io

import pytest
from PIL import Image

from mailer.core import work
from mailer.core.services import Services
from mailer.core.work import Task
from sending import brand_kits, designs, mail_drawing, starters, thumbnail_queue, thumbnails
from sending.brand_kits import Kit
from sending.designs import NewDesign
from tests.make import Make
from tests.media.test_media_pages import photograph, upload

NAMES = {"account.name": "Boulangerie du Port", "contact.first_name": "Ana"}


def mail(inside: str, *, ground: str = "#ffffff") -> str:
    return (
        f'<mjml><mj-body background-color="{ground}"><mj-section padding="0"><mj-column>{inside}'
        "</mj-column></mj-section></mj-body></mjml>"
    )


def drawn(source: str, **pictures: bytes) -> Image.Image:
    data = mail_drawing.draw(source, pictures=pictures, names=NAMES)
    picture = Image.open(io.BytesIO(data))
    assert (picture.format, picture.width) == ("WEBP", 400)
    return picture.convert("RGB")


def near(picture: Image.Image, at: tuple[int, int], color: str, *, slack: int = 24) -> bool:
    """Of a picture that is 400 wide, for a mail of 600: both in pixels of the mail."""
    found = picture.getpixel((at[0] * 2 // 3, at[1] * 2 // 3))
    wanted = (int(color[1:3], 16), int(color[3:5], 16), int(color[5:7], 16))
    return all(abs(one - other) <= slack for one, other in zip(found, wanted, strict=True))


def ink(picture: Image.Image, box: tuple[int, int, int, int]) -> int:
    """Dark pixels in a part of the mail."""
    part = picture.crop(tuple(side * 2 // 3 for side in box)).convert("L")
    return sum(part.histogram()[:160])


def test_colours_columns_and_buttons_stand_where_the_mail_has_them() -> None:
    columns = (
        '<mjml><mj-body background-color="#112233"><mj-section padding="0" background-color="#ffffff">'
        '<mj-column width="25%" background-color="#cc0000"><mj-spacer height="200px" /></mj-column>'
        '<mj-column width="75%"><mj-button background-color="#00aa00" padding="50px 0 0" width="300px" align="left">'
        "Lire</mj-button></mj-column></mj-section></mj-body></mjml>"
    )
    picture = drawn(columns)
    assert near(picture, (75, 100), "#cc0000")
    assert near(picture, (160, 70), "#00aa00")
    assert near(picture, (500, 150), "#ffffff")
    # below the section the page's own ground
    assert near(picture, (300, 280), "#112233")


def test_words_break_at_the_width_and_stand_as_they_are_aligned() -> None:
    left = drawn(mail('<mj-text padding="0" font-size="30px">Pain</mj-text>'))
    right = drawn(mail('<mj-text padding="0" font-size="30px" align="right">Pain</mj-text>'))
    assert ink(left, (0, 0, 100, 45)) > 100 > ink(left, (500, 0, 600, 45))
    assert ink(right, (500, 0, 600, 45)) > 100 > ink(right, (0, 0, 100, 45))
    long = drawn(mail(f'<mj-text padding="0" font-size="20px">{"mot " * 100}</mj-text>'))
    assert ink(long, (0, 100, 600, 130)) > 100
    # an accent is more than its letter
    plain, marked = (
        drawn(mail(f'<mj-text font-size="60px">{word}</mj-text>')) for word in ("E E E", "É É É")
    )
    assert ink(marked, (0, 0, 600, 100)) > ink(plain, (0, 0, 600, 100))


def test_own_images_are_shown_and_foreign_ones_are_fields_with_their_words() -> None:
    red = io.BytesIO()
    Image.new("RGB", (300, 150), "#cc0000").save(red, "PNG")
    source = mail('<mj-image padding="0" src="a" alt="Pain" />')
    assert near(drawn(source, a=red.getvalue()), (300, 100), "#cc0000")
    foreign = drawn(source)
    assert near(foreign, (500, 100), "#dfe3e8")
    assert ink(foreign, (0, 100, 200, 200)) > 20
    inside = drawn(mail('<mj-raw><p>a</p><img src="a" width="600" alt="x"></mj-raw>'), a=red.getvalue())
    assert near(inside, (300, 150), "#cc0000")
    assert near(drawn(source, a=b"\x89PNG\r\n\x1a\nbroken"), (500, 100), "#dfe3e8")


@pytest.mark.req("E-51")
@pytest.mark.parametrize(
    "source",
    [
        "",
        "<mjml>",
        "<" * 5_000,
        "{%" * 50_000 + "{{" * 50_000,
        mail("<mj-text>" + "<b>" * 5_000 + "</mj-text>"),
        mail("<mj-column>" * 5_000),
        mail(f'<mj-text font-size="{"9" * 400}px" padding="-1px 999999999px" color="red;">x</mj-text>'),
        mail('<mj-image src="a" width="0px" height="99999999px" /><mj-divider border-width="1e9px" />' * 500),
        "<mjml><mj-head><mj-style>" + "a{" * 20_000 + "</mj-style></mj-head><mj-body></mj-body></mjml>",
        '<mjml><mj-body width="0"><mj-section><mj-column width="0%"><mj-text>a</mj-text></mj-column></mj-section></mj-body></mjml>',
        mail("<mj-social><mj-social-element></mj-social-element></mj-social><mj-carousel></mj-carousel>"),
        mail("<mj-text>&#0;\u202e\ud7ff\U0001f600 \x07</mj-text>"),
    ],
    ids=[
        "empty",
        "open",
        "angles",
        "braces",
        "deep",
        "columns",
        "sizes",
        "heights",
        "style",
        "narrow",
        "bare",
        "odd",
    ],
)
@pytest.mark.timeout(60)
def test_whatever_somebody_wrote_gives_a_small_picture(source: str) -> None:
    assert len(mail_drawing.draw(source, pictures={}, names=NAMES)) < 100_000


def test_starters_differ_from_each_other_at_a_glance() -> None:
    pictures = {
        mail_drawing.draw(starters.source(key, "fr"), pictures={}, names=NAMES) for key in starters.KEYS
    }
    assert len(pictures) == len(starters.KEYS)


def task(account_id: int) -> Task:
    return Task(account_id, thumbnail_queue.JOB, 0, 0, 0)


async def test_the_job_draws_what_is_missing_and_what_changed(make: Make, services: Services) -> None:
    account = await make.account()
    owner = await make.signed_in(account.owner_id)
    made = await owner.post(f"{account.app}/designs", {"name": "Été", "kind": "starter-event"})
    page = made.location.removesuffix("/edit")
    assert (await owner.get(f"{page}/thumbnail")).status == 404
    assert "The picture is being drawn." in (await owner.get(f"{account.app}/designs")).text
    async with services.db.shared() as tx:
        due = await tx.rows("SELECT account_id FROM work WHERE job = $1", thumbnail_queue.JOB)
    assert (account.id,) in due
    assert await thumbnails.draw_designs(services, task(account.id)) is None
    first = await owner.ask("GET", f"{page}/thumbnail")
    assert first.status == 200
    assert first.headers["Content-Type"] == "image/webp"
    listed = await owner.get(f"{account.app}/designs")
    assert f"{page}/thumbnail?v=1000" in listed.text
    assert 'alt="Été"' in listed.text
    assert "Show as pictures" in (await owner.get(f"{account.app}/designs?view=table")).text
    async with services.db.account(account.id) as tx:
        before = await thumbnails.find(tx, int(page.split("/")[-1]))
        await brand_kits.put(tx, Kit(color="#7a1f1f"))
    assert await thumbnails.draw_designs(services, task(account.id)) is None
    async with services.db.account(account.id) as tx:
        after = await thumbnails.find(tx, int(page.split("/")[-1]))
        assert after != before
        await tx.run("UPDATE designs SET source = 'x', version = 7 WHERE account_id = $1")
    assert await thumbnails.draw_designs(services, task(account.id)) is None
    assert f"{page}/thumbnail?v=7001" in (await owner.get(f"{account.app}/designs")).text
    assert (await owner.ask("GET", f"{account.app}/designs/starters/shop")).status == 200
    assert (await owner.get(f"{account.app}/designs/starters/nothing")).status == 404
    assert (await owner.post(f"{page}/deletion")).status == 303
    async with services.db.account(account.id) as tx:
        assert await tx.value("SELECT count(*) FROM design_thumbnails WHERE account_id = $1") == 0


async def test_a_design_shows_the_accounts_own_image_and_nobody_elses(make: Make, services: Services) -> None:
    account, other = await make.account(), await make.account()
    for one in (account, other):
        await upload(await make.signed_in(one.owner_id), one.app, photograph())
    async with services.db.account(other.id) as tx:
        theirs = await tx.value("SELECT name FROM images WHERE account_id = $1")
    async with services.db.account(account.id) as tx:
        own = await tx.value("SELECT name FROM images WHERE account_id = $1")
        for name in (own, theirs):
            source = mail(f'<mj-image padding="0" src="{services.settings.track_url}/t/img/{name}" alt="" />')
            await designs.create(tx, NewDesign(name=name, kind="mjml"), source)
    assert await thumbnails.draw_designs(services, task(account.id)) is None
    async with services.db.account(account.id) as tx:
        rows = await tx.rows(
            """
            SELECT d.name, t.picture
            FROM designs d
            JOIN design_thumbnails t ON t.account_id = d.account_id AND t.design_id = d.id
            WHERE d.account_id = $1
            """
        )
    pictures = {name: Image.open(io.BytesIO(data)).convert("RGB") for name, data in rows}
    # the photograph of the test is orange
    assert near(pictures[own], (300, 100), "#b45014")
    assert near(pictures[theirs], (300, 100), "#dfe3e8")


async def test_work_is_asked_for_once_however_often_an_editor_saves(make: Make, services: Services) -> None:
    account = await make.account()
    async with services.db.account(account.id) as tx:
        design = await designs.create(tx, NewDesign(name="x", kind="mjml"), "<mjml></mjml>")
        for n in range(5):
            await designs.write(tx, design.id, f"<mjml>{n}</mjml>")
        waiting = await tx.shared().value(
            "SELECT count(*) FROM work WHERE account_id = $1 AND job = $2", account.id, thumbnail_queue.JOB
        )
        assert waiting == 1
        assert await work.cancel(tx, thumbnail_queue.JOB, 0) == 1
