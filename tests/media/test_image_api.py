"""The library of images for programs."""

import io

import orjson
import pytest
from aiohttp import FormData

from tests.client import Client
from tests.make import Make
from tests.media.test_image_library import picture


async def add(program: Client, data: bytes, **options: object):
    form = FormData()
    form.add_field("options", orjson.dumps(options).decode(), content_type="application/json")
    form.add_field("file", io.BytesIO(data), filename="jean.jpg", content_type="image/jpeg")
    return await program.ask("POST", "/api/v1/images", data=form)


@pytest.mark.req("E-51")
async def test_a_program_adds_finds_changes_and_deletes_images(make: Make, services, http, server) -> None:
    account = await make.account()
    program = await make.program(account.id, ["images:read", "images:write"])
    added = await add(program, picture(2400, 800), alt="Un pain", folder="Fournil")
    assert added.status == 201
    image = added.json()
    assert (image["width"], image["height"], image["shown_width"]) == (1200, 400, 600)
    assert added.headers["Location"] == f"/api/v1/images/{image['id']}"
    whole = (await add(program, picture(1500, 500), decorative=True, fit=False)).json()
    assert (whole["width"], whole["decorative"], whole["described"]) == (1500, True, True)
    async with http.get(server + "/t/img/" + image["url"].rpartition("/")[2]) as got:
        assert (got.status, got.headers["Content-Type"]) == (200, "image/jpeg")
    listed = (await program.get("/api/v1/images?limit=1")).json()
    assert listed["items"] == [whole]
    more = (await program.get(f"/api/v1/images?limit=1&cursor={listed['next_cursor']}")).json()
    assert more == {"items": [image], "next_cursor": None}
    assert (await program.get("/api/v1/images?q=fournil")).json()["items"] == [image]
    path = f"/api/v1/images/{image['id']}"
    changed = await program.ask("PATCH", path, json={"alt": "Deux pains", "kept": True})
    assert changed.json() == image | {"alt": "Deux pains", "kept": True}
    assert (await program.ask("PATCH", path, json={"alt": ""})).status == 422
    async with services.db.account(account.id) as tx:
        await tx.run(
            "INSERT INTO designs (account_id, name, kind, source) VALUES ($1, 'M', 'mjml', $2)",
            image["url"],
        )
    (use,) = (await program.get(f"{path}/uses")).json()["items"]
    assert (use["kind"], use["name"], use["state"]) == ("design", "M", "")
    refused = await program.ask("DELETE", path)
    assert (refused.status, refused.json()["errors"][0]["field"]) == (409, "anyway")
    assert (await program.ask("DELETE", f"{path}?anyway=true")).status == 204
    assert (await program.get(path)).status == 404


@pytest.mark.req("E-51")
async def test_a_program_is_told_what_is_wrong_and_where(make: Make, services) -> None:
    account = await make.account()
    program = await make.program(account.id)
    for data, options, field, code in (
        (picture(), {}, "alt", "missing"),
        (picture(), {"alt": "a", "x": 1}, "x", "extra_forbidden"),
        (b"<svg/>", {"alt": "a"}, "file", "svg"),
        (b"", {"alt": "a"}, "file", "missing"),
        (b"\xff\xd8\xff" + bytes(10_000_000), {"alt": "a"}, "file", "too_large"),
    ):
        answer = await add(program, data, **options)
        (problem,) = answer.json()["errors"]
        assert (answer.status, problem["field"], problem["code"]) == (422, field, code)
    assert (await program.ask("POST", "/api/v1/images", json={})).status == 415
    reader = await make.program(account.id, ["images:read"])
    assert (await add(reader, picture(), alt="a")).status == 403
    async with services.db.account(account.id) as tx:
        assert await tx.value("SELECT count(*) FROM files WHERE account_id = $1") == 0
