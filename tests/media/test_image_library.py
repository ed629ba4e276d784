"""The library of images: found by words and folder, cut, replaced everywhere, gone when nothing uses it."""

import io
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from aiohttp import FormData
from PIL import Image as Picture

from mailer.core import addresses
from mailer.core.clock import months_before
from mailer.core.db import AccountTx
from mailer.core.errors import Conflict
from mailer.core.services import Services
from retention_jobs import purge
from retention_jobs.classes import period
from sending import campaigns, designs, image_library, image_uses, images, transactional_content
from sending.designs import NewDesign
from sending.image_library import Looking
from sending.images import Image, Words
from sending.transactional_order import NewMessage
from tests.client import Client
from tests.make import Account, Make


def picture(width: int = 900, height: int = 300, form: str = "JPEG") -> bytes:
    out = io.BytesIO()
    image = Picture.new("RGB", (width, height), (0, 0, 200))
    image.paste((200, 0, 0), (width // 2, 0, width, height))
    image.save(out, form)
    return out.getvalue()


async def put(services: Services, account: Account, words: Words, data: bytes | None = None) -> Image:
    stored = await images.store(services.db, account.id, await images.clean(data or picture()))
    async with services.db.account(account.id) as tx:
        return await images.add(tx, stored, words)


async def uses_of(services: Services, account: Account, image: Image) -> list[tuple[str, str]]:
    async with services.db.account(account.id) as tx:
        return [(one.kind, one.name) for one in (await image_uses.of(tx, image)).items]


async def send_files(person: Client, path: str, *files: tuple[str, bytes], accept: str = "", **fields: str):
    form = FormData()
    for name, value in {"csrf": person.csrf, **fields}.items():
        form.add_field(name, value)
    for name, data in files:
        form.add_field("file", io.BytesIO(data), filename=name, content_type="image/jpeg")
    return await person.ask("POST", path, data=form, headers={"Accept": accept} if accept else {})


async def test_words_folders_and_pages_find_images(make: Make, services: Services) -> None:
    account = await make.account()
    owner = await make.signed_in(account.owner_id)
    bread = await put(services, account, Words(label="Pâte levée", alt="Un pain", folder="Recettes"))
    logo = await put(services, account, Words(label="Logo", alt="L’atelier"))
    shown = await owner.get(f"{account.app}/media?q=PATE")
    assert f"/media/{bread.id}" in shown.text
    assert f'/media/{logo.id}"' not in shown.text
    inside = (await owner.get(f"{account.app}/media?folder=Recettes")).text
    assert (f'/media/{bread.id}"' in inside, f'/media/{logo.id}"' in inside) == (True, False)
    outside = (await owner.get(f"{account.app}/media?folder=-")).text
    assert (f'/media/{bread.id}"' in outside, f'/media/{logo.id}"' in outside) == (False, True)
    moved = await owner.post(f"{account.app}/media/folders", {"folder": "Recettes", "to": "Été"})
    assert moved.status == 303
    async with services.db.account(account.id) as tx:
        assert [(one.name, one.images) for one in await image_library.folders(tx)] == [("Été", 1)]
        found = await image_library.many(tx, Looking(q="ete"))
        assert [one.id for one in found] == [bread.id]
        assert await image_library.many(tx, Looking(q="recettes")) == []


@pytest.mark.parametrize("n", [5_000, pytest.param(50_000, marks=pytest.mark.long)])
async def test_a_large_library_is_looked_through_page_by_page(make: Make, services: Services, n: int) -> None:
    account = await make.account()
    first = await put(services, account, Words(alt="Un pain", label="aiguille"))
    async with services.db.account(account.id) as tx:
        await tx.run(
            """
            INSERT INTO images (account_id, name, file_id, label, alt, search, media_type, width, height, size,
                                shown_width, folder)
            SELECT $1, current_account() || '-' || n, (SELECT file_id FROM images WHERE account_id = $1), 'L', 'a',
                   'motif ' || n, 'image/png', 1, 1, 1, 1, 'd' || n % 40
            FROM generate_series(1, $2::int) AS n
            """,
            n,
        )
        plan = "\n".join(
            line
            for (line,) in await tx.rows(
                """
                EXPLAIN SELECT id FROM images
                WHERE account_id = $1 AND id < 9000000000 AND position('aiguille' IN search) > 0
                ORDER BY id DESC LIMIT 51
                """
            )
        )
        assert "images_pkey" in plan
        by_name = "\n".join(
            line
            for (line,) in await tx.rows(
                """
                EXPLAIN SELECT i.id
                FROM unnest($2::text[]) AS wanted (name)
                JOIN images i ON i.account_id = $1 AND (i.name = wanted.name OR i.thumbnail_name = wanted.name)
                """,
                [first.name],
            )
        )
        assert "images_thumbnail" in by_name
        assert [one.id for one in await image_library.many(tx, Looking(q="aiguille"))] == [first.id]
        assert len(await image_library.folders(tx)) == 40
        seen: list[int] = []
        before = None
        while page := (await image_library.many(tx, Looking(q="motif 2", before=before, limit=2000)))[:2000]:
            seen += [one.id for one in page]
            before = page[-1].id
        expected = sum(str(one).startswith("2") for one in range(1, n + 1))
        assert (len(seen), len(set(seen))) == (expected, expected)


@pytest.mark.req("A-081", "E-51")
async def test_several_files_at_once_are_described_on_the_next_page(make: Make, services: Services) -> None:
    account = await make.account()
    owner = await make.signed_in(account.owner_id)
    answer = await send_files(
        owner,
        f"{account.app}/media",
        ("pain.jpg", picture(2400, 900)),
        ("jean.webp", picture(40, 20, "WEBP")),
        fit="true",
        folder="Fournil",
    )
    assert answer.location == f"{account.app}/media/descriptions"
    async with services.db.account(account.id) as tx:
        wide, small = reversed(await image_library.many(tx, Looking()))
    assert (wide.width, wide.height, wide.shown_width, wide.folder) == (1200, 450, 600, "Fournil")
    assert (small.width, small.media_type, small.described) == (40, "image/jpeg", False)
    page = await owner.get(answer.location)
    assert f'name="alt-{wide.id}"' in page.text
    assert "2 images wait for their descriptions." in (await owner.get(f"{account.app}/media")).text
    half = await owner.post(answer.location, {f"alt-{wide.id}": "Un four", f"alt-{small.id}": " "})
    assert half.location == f"{account.app}/media/descriptions"
    done = await owner.post(answer.location, {f"decorative-{small.id}": "true"})
    assert done.location == f"{account.app}/media"
    async with services.db.account(account.id) as tx:
        assert [one.alt for one in await image_library.many(tx, Looking())] == ["", "Un four"]
        assert await image_library.undescribed(tx) == 0


@pytest.mark.req("E-51")
async def test_one_bad_file_among_several_is_named_and_the_others_are_kept(
    make: Make, services: Services
) -> None:
    account = await make.account()
    owner = await make.signed_in(account.owner_id)
    answer = await send_files(
        owner, f"{account.app}/media", ("a.jpg", picture()), ("b.pdf", b"%PDF-1.7"), ("c.jpg", picture())
    )
    assert answer.status == 422
    assert "b.pdf: This file is not an image" in answer.text
    async with services.db.account(account.id) as tx:
        assert len(await image_library.many(tx, Looking())) == 2
    many = await send_files(owner, f"{account.app}/media", *[("a.jpg", picture(20, 20))] * 21)
    assert "More than 20 images at once." in many.text


async def test_a_script_gets_the_same_shape_from_the_list_and_from_an_upload(make: Make) -> None:
    account = await make.account()
    owner = await make.signed_in(account.owner_id)
    added = await send_files(
        owner,
        f"{account.app}/images",
        ("pain.jpg", picture()),
        accept="application/json",
        alt="Un pain",
        folder="F",
    )
    assert added.status == 201
    (item,) = added.json()["items"]
    assert (item["alt"], item["width"], item["height"], item["shown_width"]) == ("Un pain", 900, 300, 600)
    assert re.search(r"/t/img/\d+-[0-9a-f]{40}\.jpg$", item["url"])
    listed = (await owner.get(f"{account.app}/images.json?q=pain&folder=F")).json()
    assert listed == {"items": [item], "next_cursor": None}
    assert (await owner.get(f"{account.app}/images.json?q=seigle")).json()["items"] == []
    refused = await send_files(
        owner, f"{account.app}/images", ("x.svg", b"<svg/>"), ("b.jpg", picture()), accept="application/json"
    )
    assert refused.status == 422
    assert refused.json()["errors"][0] | {"message": ""} == {
        "field": "file",
        "code": "svg",
        "message": "",
        "row": 1,
    }
    assert [one["described"] for one in refused.json()["items"]] == [False]
    assert (await owner.get(f"{account.app}/images.json?after=x")).status == 422


async def test_a_part_becomes_an_image_of_its_own(make: Make, services: Services, http, server) -> None:
    account = await make.account()
    owner = await make.signed_in(account.owner_id)
    first = await put(services, account, Words(alt="Deux couleurs", folder="F"))
    page = f"{account.app}/media/{first.id}/cuts"
    assert 'name="shown"' in (await owner.get(page)).text
    form = {
        "left": "450",
        "top": "",
        "width": "",
        "height": "",
        "shape": "1:1",
        "shown": "100",
        "sharp": "true",
    }
    answer = await owner.post(page, form)
    assert answer.status == 303
    made_id = int(re.search(r"/media/(\d+)\?of=", answer.location)[1])
    async with services.db.account(account.id) as tx:
        made = await images.show(tx, made_id)
        assert (await images.show(tx, first.id)) == first
    assert (made.width, made.height, made.shown_width) == (200, 200, 100)
    assert (made.alt, made.folder) == ("Deux couleurs", "F")
    assert made.name != first.name
    async with http.get(f"{server}/t/img/{made.name}") as got:
        red, _, blue = Picture.open(io.BytesIO(await got.read())).convert("RGB").getpixel((5, 5))
    assert red > 150 > 60 > blue
    assert f"/media/{first.id}/replacement?by={made_id}" in (await owner.get(answer.location)).text
    for wrong, words in (
        ({"left": "900"}, "begins outside the image, which has 900 pixels"),
        ({"left": "800", "width": "200"}, "100 pixels are left there"),
        ({"width": "3"}, "8 pixels at least"),
        ({"shown": "2000"}, "at most 600"),
        ({"left": "x"}, "whole number"),
    ):
        refused = await owner.post(page, form | {"shape": "free"} | wrong)
        assert (refused.status, words in refused.text) == (422, True), wrong


async def _everywhere(tx: AccountTx, name: str) -> tuple[int, int]:
    """A draft of two variants, a design, a campaign that was sent six days ago at most."""
    draft = await campaigns.create(tx, campaigns.NewCampaign(name="Brouillon"))
    await campaigns.write_content(tx, draft.id, "mjml", f'<mj-image src="https://m/t/img/{name}" />')
    await tx.run(
        """
        INSERT INTO ab_tests (account_id, campaign_id, about, share, winner_by, hours)
        VALUES ($1, $2, 'content', 20, 'clicks', 4)
        """,
        draft.id,
    )
    await tx.run(
        """
        INSERT INTO ab_variants (account_id, campaign_id, number, content_kind, source)
        VALUES ($1, $2, 2, 'mjml', $3)
        """,
        draft.id,
        f"B {name} {name}",
    )
    made = await designs.create(tx, NewDesign(name="Modèle", kind="mjml"), f"<mjml>{name}</mjml>")
    await tx.run(
        """
        INSERT INTO campaigns (account_id, name, status, content_kind, source)
        VALUES ($1, 'Envoyée', 'sent', 'mjml', $2)
        """,
        name,
    )
    return draft.id, made.id


async def test_an_image_is_replaced_in_drafts_and_designs_in_one_act(make: Make, services: Services) -> None:
    account = await make.account()
    owner = await make.signed_in(account.owner_id)
    old, new = [await put(services, account, Words(alt=alt)) for alt in ("Vieux", "Neuf")]
    async with services.db.account(account.id) as tx:
        draft, design = await _everywhere(tx, old.name)
    assert await uses_of(services, account, old) == [
        ("campaign", "Envoyée"),
        ("campaign", "Brouillon"),
        ("design", "Modèle"),
    ]
    page = f"{account.app}/media/{old.id}/replacement"
    asked = await owner.get(page)
    assert "It is replaced in 2 drafts and designs." in asked.text
    assert "keep the image they have" in asked.text
    stale = await owner.post(page, {"by": str(new.id), "expected": "1"})
    assert (stale.status, "used in 2 drafts and designs. Look again" in stale.text) == (409, True)
    assert (await owner.post(page, {"expected": "2"})).status == 422
    assert (await owner.post(page, {"by": str(new.id), "expected": "2"})).status == 303
    async with services.db.account(account.id) as tx:
        campaign = await campaigns.show(tx, draft)
        assert campaign.source == f'<mj-image src="https://m/t/img/{new.name}" />'
        # who has the old text open must not write it over this
        with pytest.raises(Conflict):
            await campaigns.write_content(tx, draft, "mjml", "alt", version=campaign.version - 1)
        assert (await designs.show(tx, design)).source == f"<mjml>{new.name}</mjml>"
        variant = await tx.value("SELECT source FROM ab_variants WHERE account_id = $1")
        assert variant == f"B {new.name} {new.name}"
    # and what was written before is still among the versions
    assert await uses_of(services, account, old) == [
        ("campaign", "Envoyée"),
        ("campaign_version", "Brouillon"),
    ]
    assert len(await uses_of(services, account, new)) == 2


async def test_uses_follow_every_change_of_a_source(make: Make, services: Services) -> None:
    account, other = await make.account(), await make.account()
    image = await put(services, account, Words(alt="Un pain"))
    async with services.db.account(account.id) as tx:
        assert await image_library.unused_since(tx, image.id) is not None
        made = await designs.create(tx, NewDesign(name="M", kind="mjml"), f"<a/>{image.thumbnail_name}")
        copy = await designs.duplicate(tx, made.id, "Copie")
        assert await image_library.unused_since(tx, image.id) is None
        assert len((await image_uses.of(tx, image)).items) == 2
        await designs.write(tx, copy.id, "rien")
        kinds = [(one.kind, one.name) for one in (await image_uses.of(tx, image)).items]
        assert kinds == [("design", "M"), ("design_version", "Copie")]
        await designs.delete(tx, copy.id)
        assert [one.name for one in (await image_uses.of(tx, image)).items] == ["M"]
        await designs.delete(tx, made.id)
        assert await image_library.unused_since(tx, image.id) is not None
        form = await tx.value(
            """
            INSERT INTO signup_forms (account_id, name, public_key, draft)
            VALUES ($1, 'F', 'abcdefghijklmnop', jsonb_build_object('logo', $2::text))
            RETURNING id
            """,
            image.name,
        )
        assert [(one.kind, one.id) for one in (await image_uses.of(tx, image)).items] == [("form", form)]
    # the same name in a text of somebody else is nobody's use
    async with services.db.account(other.id) as tx:
        await designs.create(tx, NewDesign(name="M", kind="mjml"), image.name)
        assert await tx.value("SELECT count(*) FROM image_uses WHERE account_id = $1") == 0


async def test_the_migration_finds_what_stands_in_sources_already(
    make: Make, services: Services, repository: Path
) -> None:
    account = await make.account()
    used, unused = [await put(services, account, Words(alt=alt)) for alt in ("used", "unused")]
    async with services.db.account(account.id) as tx:
        await _everywhere(tx, used.name)
        found = (await image_uses.of(tx, used)).items
        await tx.run("UPDATE images SET used_until = now() WHERE account_id = $1")
    text = (repository / "mailer/migrations/0144_image_library.sql").read_text()
    async with services.db.connection() as connection, connection.transaction():
        await connection.execute("TRUNCATE image_uses")  # of every account: it finds them all again
        await connection.execute(text.partition("-- What stands in the sources already.")[2])
    async with services.db.account(account.id) as tx:
        assert (await image_uses.of(tx, used)).items == found != []
        assert await image_library.unused_since(tx, used.id) is None
        assert await image_library.unused_since(tx, unused.id) is not None


@pytest.mark.req("A-084")
async def test_images_that_nothing_used_for_13_months_go_and_others_stay(
    make: Make, services: Services
) -> None:
    account = await make.account()
    now = datetime(2026, 11, 27, 9, tzinfo=UTC)
    _, young, kept, used = [
        await put(services, account, Words(alt=alt)) for alt in ("gone", "young", "kept", "used")
    ]
    stored = await images.store(services.db, account.id, await images.clean(picture()))
    assert period("images").months == image_library.UNUSED_MONTHS
    async with services.db.account(account.id) as tx:
        await designs.create(tx, NewDesign(name="M", kind="mjml"), used.name)
        await images.keep(tx, kept.id, kept=True)
        before = months_before(now, 13)
        await tx.run("UPDATE images SET used_until = $2 WHERE account_id = $1", before - timedelta(seconds=1))
        await tx.run("UPDATE images SET used_until = $3 WHERE account_id = $1 AND id = $2", young.id, before)
        assert await purge.RULES["images"](tx, now) == 1
        left = {one.id for one in await image_library.many(tx, Looking())}
        assert left == {young.id, kept.id, used.id}
        files = "SELECT count(*) FROM files WHERE account_id = $1"
        assert await tx.value(files) == 8  # of three images with thumbnails, and of an upload under way
        # an upload whose process was killed before it became an image
        await purge.RULES["images"](tx, datetime.now(UTC) + timedelta(days=2))
        known = "SELECT count(*) FROM files WHERE account_id = $1 AND id = $2"
        assert await tx.value(known, stored.file_id) == 0


@pytest.mark.req("A-084")
async def test_an_image_that_only_programs_send_counts_as_used(make: Make, services: Services) -> None:
    account = await make.account()
    logo, other = [await put(services, account, Words(alt=alt)) for alt in ("Logo", "Autre")]
    html = f'<p>Votre commande</p><img src="https://m.test/t/img/{logo.name}" alt="Logo">'
    new = NewMessage(to={"email": "a@client.test"}, sender_id=1, subject="Commande", html=html)
    long_ago = datetime.now(UTC) - timedelta(days=300)
    async with services.db.account(account.id) as tx:
        await tx.run("UPDATE images SET used_until = $2 WHERE account_id = $1", long_ago)
        await transactional_content.compose(tx, services.settings, new, addresses.parse("a@client.test"))
        since = await image_library.unused_since(tx, logo.id)
        assert since is not None
        assert since > long_ago + timedelta(days=299)
        assert await image_library.unused_since(tx, other.id) == long_ago


@pytest.mark.req("A-084")
async def test_a_design_takes_with_it_the_images_that_it_alone_uses(make: Make, services: Services) -> None:
    account = await make.account()
    owner = await make.signed_in(account.owner_id)
    alone, shared, kept = [await put(services, account, Words(alt=alt)) for alt in ("a", "s", "k")]
    async with services.db.account(account.id) as tx:
        await images.keep(tx, kept.id, kept=True)
        one = await designs.create(
            tx, NewDesign(name="A", kind="mjml"), f"{alone.name} {shared.name} {kept.name}"
        )
        await designs.create(tx, NewDesign(name="B", kind="mjml"), shared.name)
    page = f"{account.app}/designs/{one.id}/deletion"
    assert "Delete also the image that only this design uses" in (await owner.get(page)).text
    assert (await owner.post(page, {"images": "true"})).status == 303
    async with services.db.account(account.id) as tx:
        assert {one.id for one in await image_library.many(tx, Looking())} == {shared.id, kept.id}


async def test_a_letter_takes_an_image_with_its_description(make: Make, services: Services) -> None:
    account = await make.account()
    owner = await make.signed_in(account.owner_id)
    image = await put(services, account, Words(alt="Un pain rond", label="Pain"))
    async with services.db.account(account.id) as tx:
        draft = await campaigns.create(tx, campaigns.NewCampaign(name="Lettre"))
        letter = '{"blocks":[{"kind":"paragraph","text":"Bonjour"},{"kind":"image","src":"","alt":""}],"footer":true}'
        await campaigns.write_content(tx, draft.id, "letter", letter)
    content = f"{account.app}/campaigns/{draft.id}/content"
    fields = {"b0-kind": "paragraph", "b0-text": "Bonjour", "b1-kind": "image", "footer": "true"}
    asked = await owner.post(content, fields | {"act": "image-1"})
    assert asked.location == f"{account.app}/media/choice?of=campaign&id={draft.id}&variant=1&block=1"
    assert "Pain" in (await owner.get(asked.location)).text
    place = {"of": "campaign", "id": str(draft.id), "variant": "1", "block": "1"}
    chosen = await owner.post(f"{account.app}/media/choice", place | {"image": str(image.id)})
    assert chosen.location == f"{content}#b1"
    page = await owner.get(content)
    assert 'value="Un pain rond"' in page.text
    assert "Images together: " in page.text
    assert "The heaviest: “Pain”" in page.text
    nowhere = place | {"image": str(image.id), "block": "0"}
    assert (await owner.post(f"{account.app}/media/choice", nowhere)).status == 404
    # chosen from the list of a block: described as well; emptied by hand afterwards: left as it is
    async with services.db.account(account.id) as tx:
        await campaigns.write_content(tx, draft.id, "letter", letter)
        source = f"{services.settings.track_url}/t/img/{image.name}"
    for alt in ("Un pain rond", ""):
        await owner.post(content, fields | {"b1-src": source, "b1-alt": "", "act": "save"})
        async with services.db.account(account.id) as tx:
            assert f'"alt":"{alt}"' in (await campaigns.show(tx, draft.id)).source
