"""Images: re-encoded, described, served for ever under names that tell nothing."""

import io
import re

import pytest
from aiohttp import FormData
from PIL import Image

from mailer.core.services import Services
from tests.make import Make


def photograph(width: int = 900) -> bytes:
    """A JPEG with a place and a camera in its EXIF."""
    exif = Image.Exif()
    exif[0x010F] = "SecretCamera"
    exif.get_ifd(0x8825)[2] = (48.0, 51.0, 24.0)
    out = io.BytesIO()
    Image.new("RGB", (width, 300), (180, 80, 20)).save(out, "JPEG", exif=exif)
    return out.getvalue()


async def upload(person, app: str, data: bytes, **fields: str):
    form = FormData()
    for name, value in {"csrf": person.csrf, "alt": "Un pain rond", "label": "", **fields}.items():
        form.add_field(name, value)
    form.add_field("file", io.BytesIO(data), filename="jean-dupont.jpg", content_type="image/jpeg")
    return await person.ask("POST", f"{app}/media", data=form)


@pytest.mark.req("A-081", "A-088", "E-51", "E-06")
async def test_an_upload_leaves_nothing_of_its_name_or_place(
    make: Make, services: Services, http, server
) -> None:
    account = await make.account()
    owner = await make.signed_in(account.owner_id)
    answer = await upload(owner, account.app, photograph())
    assert answer.location == f"{account.app}/media"
    async with services.db.account(account.id) as tx:
        assert await tx.value("SELECT count(*) FROM files WHERE account_id = $1 AND expires_at IS NULL") == 2
        ((name, thumbnail, alt),) = await tx.rows(
            "SELECT name, thumbnail_name, alt FROM images WHERE account_id = $1"
        )
        stored = await tx.rows("SELECT name, media_type FROM files WHERE account_id = $1")
    assert alt == "Un pain rond"
    assert re.fullmatch(rf"{account.id}-[0-9a-f]{{40}}\.jpg", name)
    assert re.fullmatch(rf"{account.id}-[0-9a-f]{{40}}\.webp", thumbnail)
    assert name.split("-")[1][:8] != thumbnail.split("-")[1][:8]
    assert "dupont" not in repr(stored)
    for shown, kind in ((name, "image/jpeg"), (thumbnail, "image/webp")):
        async with http.get(f"{server}/t/img/{shown}") as got:
            data = await got.read()
            headers = got.headers
        assert headers["Content-Type"] == kind
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert "immutable" in headers["Cache-Control"]
        assert headers["Content-Security-Policy"] == "default-src 'none'; sandbox"
        assert headers["Content-Disposition"] == "inline"
        # begun by the handler itself, with the headers of every answer
        assert headers["Referrer-Policy"] == "no-referrer"
        assert "aiohttp" not in headers["Server"]
        assert b"SecretCamera" not in data
        picture = Image.open(io.BytesIO(data))
        assert not picture.getexif()
        assert max(picture.size) == (900 if shown == name else 320)
    listed = await owner.get(f"{account.app}/media")
    assert thumbnail in listed.text
    assert "dupont" not in listed.text


@pytest.mark.req("A-081")
async def test_names_cannot_be_guessed_or_borrowed(make: Make, services: Services, client) -> None:
    account, other = await make.account(), await make.account()
    owner = await make.signed_in(account.owner_id)
    await upload(owner, account.app, photograph())
    async with services.db.account(account.id) as tx:
        name = await tx.value("SELECT name FROM images WHERE account_id = $1")
    assert (await client.ask("HEAD", f"/t/img/{name}")).status == 200
    for wrong in (
        name.replace(f"{account.id}-", f"{other.id}-"),
        name.replace(".jpg", ".png"),
        name.replace("-", "-0", 1)[:-1],
        "../../secret",
        f"{account.id}-{'0' * 40}.jpg",
    ):
        assert (await client.get(f"/t/img/{wrong}")).status == 404, wrong


@pytest.mark.req("E-51")
@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "Choose an image."),
        (b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>", "Gmail and Outlook show no SVG"),
        (b"\x89PNG\r\n\x1a\n" + b"broken" * 20, "damaged"),
        (photograph() + b"<script>alert(1)</script>", "web page or a program"),
        (b"\xff\xd8\xff" + b"x" * 10_000_001, "larger than 10 MB"),
    ],
    ids=["empty", "svg", "broken", "polyglot", "large"],
)
async def test_what_is_no_clean_image_is_refused_and_not_stored(
    make: Make, services: Services, data: bytes, words: str
) -> None:
    account = await make.account()
    owner = await make.signed_in(account.owner_id)
    answer = await upload(owner, account.app, data)
    assert answer.status == 422
    assert words in answer.text
    assert 'value="Un pain rond"' in answer.text
    async with services.db.account(account.id) as tx:
        assert await tx.value("SELECT count(*) FROM files WHERE account_id = $1") == 0


async def test_a_description_or_the_choice_of_none_is_asked(make: Make, services: Services) -> None:
    account = await make.account()
    owner = await make.signed_in(account.owner_id)
    none = await upload(owner, account.app, photograph(), alt="")
    assert none.status == 422
    assert "Describe the image, or say that it only decorates." in none.text
    assert (await upload(owner, account.app, photograph(), alt="", decorative="true")).status == 303
    image = re.search(r"/media/(\d+)", (await owner.get(f"{account.app}/media")).text)[1]
    page = f"{account.app}/media/{image}"
    assert (await owner.post(page, {"alt": "", "label": "x"})).status == 422
    assert (await owner.post(page, {"alt": "Un pain", "label": "x"})).status == 303
    async with services.db.account(account.id) as tx:
        assert await tx.rows("SELECT label, alt FROM images WHERE account_id = $1") == [("x", "Un pain")]


async def test_an_image_in_use_goes_only_when_that_is_said_and_with_its_bytes(
    make: Make, services: Services
) -> None:
    account = await make.account()
    owner = await make.signed_in(account.owner_id)
    await upload(owner, account.app, photograph())
    async with services.db.account(account.id) as tx:
        name = await tx.value("SELECT name FROM images WHERE account_id = $1")
        await tx.run(
            "INSERT INTO designs (account_id, name, kind, source) VALUES ($1, 'Seigle', 'mjml', $2)", name
        )
    image = re.search(r"/media/(\d+)", (await owner.get(f"{account.app}/media")).text)[1]
    page = f"{account.app}/media/{image}"
    assert "Seigle" in (await owner.get(page)).text
    asked = await owner.get(f"{page}/deletion")
    assert "1 place uses it, and would show a gap:" in asked.text
    assert "Seigle" in asked.text
    kept = await owner.post(f"{page}/deletion")
    assert kept.status == 409
    assert "Say that the image may disappear" in kept.text
    assert (await owner.post(f"{page}/deletion", {"anyway": "true"})).status == 303
    async with services.db.account(account.id) as tx:
        assert await tx.value("SELECT count(*) FROM files WHERE account_id = $1") == 0
        assert await tx.value("SELECT count(*) FROM file_chunks WHERE account_id = $1") == 0


async def test_a_campaign_on_its_way_keeps_its_images(make: Make, services: Services) -> None:
    account = await make.account()
    owner = await make.signed_in(account.owner_id)
    await upload(owner, account.app, photograph())
    async with services.db.account(account.id) as tx:
        image, name = (await tx.rows("SELECT id, name FROM images WHERE account_id = $1"))[0]
        await tx.run(
            """
            INSERT INTO campaigns (account_id, name, status, content_kind, source)
            VALUES ($1, 'Seigle', 'sending', 'mjml', $2)
            """,
            name,
        )
    page = f"{account.app}/media/{image}/deletion"
    assert "it cannot be deleted now" in (await owner.get(page)).text
    assert (await owner.post(page, {"anyway": "true"})).status == 409


async def test_an_analyst_uploads_nothing(make: Make) -> None:
    account = await make.account()
    user_id, _ = await make.user(account.id, "analyst")
    analyst = await make.signed_in(user_id)
    assert (await upload(analyst, account.app, photograph())).status == 403
