"""Designs, files, starters and the brand kit for programs."""

import io

import pytest
from aiohttp import FormData

from tests.campaigns.conftest import MJML
from tests.campaigns.test_design_files import HTML, packed
from tests.make import Make
from tests.media.test_media_pages import photograph


async def test_a_program_keeps_designs(make: Make) -> None:
    account = await make.account()
    program = await make.program(account.id)
    made = await program.post("/api/v1/designs", json={"name": "Pain", "mjml": MJML, "subject": "Le pain"})
    assert made.status == 201, made.text
    design = made.json()
    assert (design["mjml"], design["letter"], design["subject"], design["version"]) == (
        MJML,
        None,
        "Le pain",
        1,
    )
    path = f"/api/v1/designs/{design['id']}"
    begun = await program.post("/api/v1/designs", json={"name": "Fête", "starter": "event", "language": "fr"})
    assert "Au programme" in begun.json()["mjml"]
    letter = {"blocks": [{"kind": "paragraph", "text": "Bonjour"}], "footer": True}
    kept = await program.post("/api/v1/designs", json={"name": "Lettre", "letter": letter, "preheader": "x"})
    assert (kept.json()["letter"], kept.json()["preheader"]) == (letter, "x")
    first = (await program.get("/api/v1/designs?limit=2")).json()
    assert [one["name"] for one in first["items"]] == ["Lettre", "Fête"]
    assert "mjml" not in first["items"][0]
    rest = (await program.get(f"/api/v1/designs?limit=2&cursor={first['next_cursor']}")).json()
    assert [one["name"] for one in rest["items"]] == ["Pain"]
    changed = await program.ask("PATCH", path, json={"name": "Seigle", "mjml": MJML + "\n", "version": 1})
    assert (changed.json()["name"], changed.json()["version"]) == ("Seigle", 2)
    assert (await program.ask("PATCH", path, json={"mjml": MJML, "version": 1})).status == 409
    assert (await program.ask("PATCH", path, json={"letter": letter})).status == 422
    assert (await program.ask("PATCH", path, json={"archived": True})).json()["archived_at"]
    assert len((await program.get("/api/v1/designs?archived=true")).json()["items"]) == 1
    saved = await program.get(f"{path}/file")
    assert (saved.text, saved.headers["Content-Type"]) == (MJML + "\n", "application/octet-stream")
    assert (await program.ask("DELETE", path)).status == 204
    assert (await program.get(path)).status == 404


@pytest.mark.parametrize(
    ("body", "field", "code"),
    [
        ({"name": "x"}, "mjml", "missing"),
        ({"name": "x", "starter": "nothing"}, "starter", "unknown"),
        ({"name": "x", "starter": "event", "mjml": MJML}, "starter", "both"),
        ({"name": "x", "mjml": "<mjml>\n<p>"}, "mjml", "misplaced"),
        ({"name": "x", "mjml": MJML.replace("Le pain", "{{ brand.nothing }}")}, "mjml", "unknown_field"),
        ({"mjml": MJML}, "name", "missing"),
    ],
)
async def test_a_body_that_is_no_design_is_told_by_field_and_line(
    make: Make, body: dict[str, str], field: str, code: str
) -> None:
    account = await make.account()
    program = await make.program(account.id)
    answer = await program.post("/api/v1/designs", json=body)
    assert answer.status == 422
    assert (field, code) in [(one["field"], one["code"]) for one in answer.json()["errors"]]


@pytest.mark.req("E-51")
async def test_a_program_imports_a_file_and_reads_what_was_changed(make: Make) -> None:
    account = await make.account()
    program = await make.program(account.id)
    form = FormData()
    form.add_field("name", "Promo")
    data = packed({"index.html": HTML, "images/pain chaud.jpg": photograph()})
    form.add_field("file", io.BytesIO(data), filename="a.zip", content_type="application/zip")
    answer = await program.ask("POST", "/api/v1/design-files", data=form)
    assert answer.status == 201, answer.text
    told = answer.json()
    assert told["design"]["name"] == "Promo"
    assert (told["changed"][0]["line"], told["changed"][0]["code"]) == (3, "style")
    assert {one["code"] for one in told["changed"]} == {
        "style",
        "active",
        "tracker",
        "form",
        "foreign",
        "missing",
    }
    assert (await program.get(f"/api/v1/designs/{told['design']['id']}/file")).headers["Content-Type"] == (
        "application/zip"
    )
    assert (await program.ask("POST", "/api/v1/design-files", json={})).status in (415, 422)


async def test_a_program_sets_the_brand_kit_and_lists_starters(make: Make) -> None:
    account = await make.account()
    program = await make.program(account.id)
    kit = (await program.get("/api/v1/brand-kit")).json()
    assert kit["color"] == "#0b5394"
    saved = await program.ask("PUT", "/api/v1/brand-kit", json={**kit, "color": "#ABC"})
    assert saved.json()["color"] == "#aabbcc"
    refused = await program.ask("PUT", "/api/v1/brand-kit", json={**kit, "text": "#cccccc"})
    assert refused.status == 422
    assert refused.json()["errors"][0]["code"] == "contrast"
    keys = [one["key"] for one in (await program.get("/api/v1/design-starters")).json()]
    assert (len(keys), keys[0]) == (8, "newsletter")


async def test_a_key_without_the_scope_writes_no_design(make: Make) -> None:
    account = await make.account()
    reader = await make.program(account.id, scopes=["designs:read"])
    assert (await reader.get("/api/v1/designs")).status == 200
    assert (await reader.post("/api/v1/designs", json={"name": "x", "mjml": MJML})).status == 403
    assert (await reader.ask("PUT", "/api/v1/brand-kit", json={})).status == 403
    sender = await make.program(account.id, scopes=["campaigns:write"])
    assert (await sender.get("/api/v1/designs")).status == 403
