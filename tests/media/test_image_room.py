"""How much an account may keep of images: asked before the work, and again when an image is made of it."""

import io
import zipfile

import pytest
from aiohttp import FormData

from mailer.accounts import accounts, commands
from mailer.core.errors import Invalid
from mailer.core.services import Services
from sending import design_import, image_library, image_room, images
from sending.images import Words
from tests.make import Account, Make
from tests.media.test_image_library import picture, put, send_files


async def _limit(services: Services, account: Account, most: int | None) -> None:
    async with services.db.account(account.id) as tx:
        await accounts.limit_images(tx, most)


async def _used(services: Services, account: Account) -> int:
    async with services.db.account(account.id) as tx:
        return (await image_room.of(tx)).used


@pytest.mark.req("A-081")
async def test_a_file_for_which_there_is_no_room_is_named_and_leaves_nothing_behind(
    make: Make, services: Services
) -> None:
    account = await make.account()
    owner = await make.signed_in(account.owner_id)
    await put(services, account, Words(alt="Un pain"))
    one = await _used(services, account)
    assert one > 0
    await _limit(services, account, 2 * one)
    answer = await send_files(owner, f"{account.app}/media", ("a.jpg", picture()), ("b.jpg", picture()))
    assert answer.status == 422
    assert "b.jpg: Your account may keep 0 MB of images, and 0 MB are left." in answer.text
    assert "a.jpg:" not in answer.text
    async with services.db.account(account.id) as tx:
        assert len(await image_library.many(tx, image_library.Looking())) == 2
    assert await _used(services, account) == 2 * one
    page = (await owner.get(f"{account.app}/media")).text
    assert "Little room is left" in page
    await _limit(services, account, None)
    assert (await send_files(owner, f"{account.app}/media", ("b.jpg", picture()), alt="B")).status == 303
    assert "Little room is left" not in (await owner.get(f"{account.app}/media")).text


async def test_uploads_at_the_same_moment_do_not_pass_the_limit_together(
    make: Make, services: Services
) -> None:
    account = await make.account()
    made = [await images.store(services.db, account.id, await images.clean(picture())) for _ in range(2)]
    one = await _used(services, account) // 2
    # both found room before either was stored
    await _limit(services, account, 2 * one - 1)
    async with services.db.account(account.id) as tx:
        with pytest.raises(Invalid) as refused:
            await images.add(tx, made[0], Words(alt="A"))
    assert [(fault.field, fault.code) for fault in refused.value.faults] == [("file", "quota")]


@pytest.mark.req("E-51")
async def test_a_program_and_a_design_s_file_meet_the_same_limit(make: Make, services: Services) -> None:
    account = await make.account()
    await _limit(services, account, 1_000)
    program = await make.program(account.id, ["images:write"])
    form = FormData()
    form.add_field("file", picture(), filename="pain.jpg", content_type="image/jpeg")
    form.add_field("options", '{"alt": "Un pain"}', content_type="application/json")
    answer = await program.ask("POST", "/api/v1/images", data=form)
    assert (answer.status, [(one["field"], one["code"]) for one in answer.json()["errors"]]) == (
        422,
        [("file", "quota")],
    )
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("index.html", '<html><body><img src="img/pain.jpg" alt="Pain"></body></html>')
        archive.writestr("img/pain.jpg", picture())
    file = ("modele.zip", packed.getvalue())
    with pytest.raises(Invalid) as refused:
        await design_import.take(services, account.id, file, name="", language="fr")
    [fault] = refused.value.faults
    assert (fault.field, fault.code, fault.params["file"]) == ("file", "quota", "img/pain.jpg")
    assert await _used(services, account) == 0


async def test_the_operator_sets_it_by_a_command(make: Make, services: Services) -> None:
    account = await make.account()
    async with services.db.account(account.id) as tx:
        assert (await image_room.of(tx)).most == 2_000_000_000
    assert await commands.limit_images(services, account.id, 5) == {"id": account.id, "images_mb": 5}
    async with services.db.account(account.id) as tx:
        assert (await image_room.of(tx)).most == 5_000_000
    # the limits of mails are set without touching it
    await commands.limit_account(services, account.id, per_day=1, per_month=None)
    async with services.db.account(account.id) as tx:
        assert (await image_room.of(tx)).most == 5_000_000
    await commands.limit_images(services, account.id, None)
    async with services.db.account(account.id) as tx:
        assert (await image_room.of(tx)).most is None
    with pytest.raises(Invalid):
        await commands.limit_images(services, account.id, -1)


async def test_what_an_account_keeps_is_read_from_an_index_alone(make: Make, services: Services) -> None:
    account = await make.account()
    async with services.db.account(account.id) as tx:
        await tx.run(
            """
            INSERT INTO files (account_id, kind, name, media_type, size)
            SELECT $1, CASE WHEN n % 10 = 0 THEN 'image' ELSE 'export' END, 'f', 'image/png', 1
            FROM generate_series(1, 20000) AS n
            """
        )
        await tx.run_plain("SET LOCAL enable_seqscan = off")
        plan = "\n".join(
            line
            for (line,) in await tx.rows(
                "EXPLAIN SELECT sum(size) FROM files WHERE account_id = $1 AND kind = 'image'"
            )
        )
        assert "files_of_images" in plan
        assert (await image_room.of(tx)).used == 2000
