"""Files that become designs and designs that become files: safe, whole, told line by line."""

import io
import re
import zipfile
from dataclasses import dataclass

import pytest
from aiohttp import FormData

from mailer.core.errors import Invalid
from sending import content, design_archive, design_import, designs, html_import, mjml_import
from sending.content import Compiled
from sending.designs import Design
from tests.campaigns.conftest import MJML
from tests.client import Answer, Client
from tests.make import Make
from tests.media.test_media_pages import photograph

HTML = """<!DOCTYPE html>
<html><head><title>Promo</title>
<style>@import url(https://x.example/y.css); .a { color: #111111 } @media (max-width: 600px) {#b {width: 100%}}</style>
<script>if (1 < 2) { alert("}") }</script></head>
<body bgcolor="#EEEEEE" onload="go()">
<table class="a"><tr><td>Bonjour *|FNAME|*,<br>
<img src="images/pain%20chaud.jpg?v=1" alt="Un pain">
<img src="https://track.example/o.gif?id=7" width="1" height="1">
<form action="https://f.example"><p>Votre avis</p><input name="a"></form>
<a href=" javascript:alert(1)">un</a> <a href="https://ok.example?a=1&amp;b=2">deux</a> <a href="*|UNSUB|*">stop</a>
<img src="https://cdn.example/big.png" alt=""><img src="nowhere.png" alt="">
</table>
"""
TOLD = [
    "Line 3: the style loads something from elsewhere; that part was removed.",
    "Line 4: `script` was removed: in a mail it runs nothing, and filters dislike it.",
    "Line 5: `onload` was removed: in a mail nothing runs.",
    "Line 8: an invisible image of track.example was removed: it told who opens the message.",
    "Line 9: a form was taken apart: its fields are gone, its words stay.",
    "Line 9: the form field `input` was removed. Link to a page with the form instead.",
    "Line 10: the address in `href` was removed: it runs a program.",
    "Line 11: an image comes from cdn.example, which learns who opens the message.",
    "Line 11: the image “nowhere.png” is not in the file. Add it under Images, then here.",
]
ACTIVE = re.compile(
    r"<script|<form|<input|<iframe|\son\w+=|javascript:|track\.example|@import", re.IGNORECASE
)


def packed(files: dict[str, bytes | str]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return out.getvalue()


async def send(person: Client, app: str, data: bytes, *, file: str = "Été.zip", name: str = "") -> Answer:
    form = FormData()
    for key, value in {"csrf": person.csrf, "name": name}.items():
        form.add_field(key, value)
    form.add_field("file", io.BytesIO(data), filename=file, content_type="application/octet-stream")
    return await person.ask("POST", f"{app}/designs/files", data=form)


@dataclass
class Kept:
    designs: list[Design]
    images: list[tuple[str, str, str]]


async def kept(make: Make, account_id: int) -> Kept:
    async with make.services.db.account(account_id) as tx:
        rows = await tx.rows("SELECT name, label, alt FROM images WHERE account_id = $1 ORDER BY id")
        return Kept(await designs.many(tx), rows)


@pytest.mark.req("E-51", "A-081")
async def test_an_archive_of_html_becomes_a_design_with_images_of_ours(make: Make) -> None:
    account = await make.account()
    owner = await make.signed_in(account.owner_id)
    data = packed({
        "lettre/index.html": HTML, "lettre/images/pain chaud.jpg": photograph(), "lettre/notes.txt": "x",
        "__MACOSX/lettre/._index.html": "x",
    })  # fmt: skip
    answer = await send(owner, account.app, data)
    assert answer.status == 200
    told = [
        one.replace("&#39;", "'") for one in re.findall(r"<li>(Line [^<]+|Files [^<]+)</li>", answer.text)
    ]
    assert told == ["Files that a design does not use were left out: lettre/notes.txt.", *TOLD]
    found = await kept(make, account.id)
    [design] = found.designs
    [(image, label, alt)] = found.images
    assert (design.name, design.kind, label, alt) == ("Été", "mjml", "pain chaud", "Un pain")
    assert re.fullmatch(rf"{account.id}-[0-9a-f]{{40}}\.jpg", image)
    assert f'src="{make.services.settings.track_url}/t/img/{image}"' in design.source
    assert not ACTIVE.search(design.source)
    assert "pain%20chaud" not in design.source
    made = content.compile_mjml(design.source, icon_origin="https://x/")
    assert isinstance(made, Compiled), [one.words() for one in made]
    for part in (
        "Bonjour",
        "{{ contact.first_name",
        "Votre avis",
        "{{ unsubscribe_url }}",
        'style="color: #111111',
    ):
        assert part in made.html, part
    assert [link.url for link in made.links] == ["https://ok.example?a=1&b=2"]


async def test_what_goes_out_comes_in_again_the_same(make: Make) -> None:
    account, other = await make.account(), await make.account()
    owner, theirs = await make.signed_in(account.owner_id), await make.signed_in(other.owner_id)
    source = MJML.replace("<mj-text>", '<mj-image src="pain.jpg" alt="Un pain" /><mj-text>')
    first = await send(
        owner, account.app, packed({"a.mjml": source, "pain.jpg": photograph()}), name="À table !"
    )
    assert first.status == 303, first.text
    [design] = (await kept(make, account.id)).designs
    saved = await owner.ask("GET", f"{account.app}/designs/{design.id}/file")
    assert saved.headers["Content-Disposition"] == 'attachment; filename="a-table.zip"'
    with zipfile.ZipFile(io.BytesIO(saved.body)) as archive:
        assert "index.mjml" in archive.namelist()
        assert "/t/img/" not in archive.read("index.mjml").decode()
    assert (await send(theirs, other.app, saved.body)).status == 303
    again = await kept(make, other.id)
    assert len(again.images) == 1
    names = re.compile(r"\d+-[0-9a-f]{40}")
    assert names.sub("", again.designs[0].source) == names.sub("", design.source)
    # nobody takes the image of another account along
    async with make.services.db.account(other.id) as tx:
        await designs.write(tx, again.designs[0].id, design.source)
    plain = await theirs.ask("GET", f"{other.app}/designs/{again.designs[0].id}/file")
    assert plain.headers["Content-Disposition"] == 'attachment; filename="ete.mjml"'
    assert plain.body.decode() == design.source
    assert (await theirs.get(f"{other.app}/designs/{design.id}/file")).status == 404


async def test_mjml_keeps_its_lines_and_loses_what_runs(make: Make) -> None:
    source = (
        '<?xml version="1.0"?>\n<mjml><mj-body><mj-section background-url="bg.jpg"><mj-column>\n'
        "<mj-text onclick=\"x\">a <script>\nif (a<b) { '>' }\n</script> b <a href='javascript:x'>c</a>\n"
        '<form action="x">mot <input name="q"></form> {{ contact.first_name | default("<") }}</mj-text>\n'
        '<mj-image src="https://t.example/p.gif" width="1px" />\n<mj-raw><iframe src="x">y</iframe></mj-raw>\n'
        "</mj-column></mj-section></mj-body></mjml>\n"
    )
    made = mjml_import.clean(source)
    assert not ACTIVE.search(made.source)
    assert made.source.count("\n") == source.count("\n")
    assert '{{ contact.first_name | default("<") }}' in made.source
    assert "mot" in made.source
    assert [one.line for one in made.told] == [3, 3, 5, 6, 6, 7, 8]
    assert [(use.line, use.address) for use in made.uses] == [(2, "bg.jpg")]
    assert 'background-url="https://x/1"' in mjml_import.exchanged(made.source, {"bg.jpg": "https://x/1"}.get)
    # a source that our editors wrote stays as it is, to the letter
    assert mjml_import.clean(MJML).source == MJML
    assert mjml_import.clean(MJML).told == []


def link_entry() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        entry = zipfile.ZipInfo("a.mjml")
        entry.external_attr = 0o120777 << 16
        archive.writestr(entry, "/etc/passwd")
    return out.getvalue()


def lying() -> bytes:
    """An archive whose directory says that an entry is small."""
    data = bytearray(packed({"a.mjml": MJML, "x.png": b"\0" * 30_000_000}))
    place = data.rindex(b"PK\x01\x02")
    data[place + 24 : place + 28] = (90_000).to_bytes(4, "little")
    return bytes(data)


@pytest.mark.req("E-51")
@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"\x89PNG\r\n\x1a\n\0\0", "not_text"),
        (b"bonjour", "kind"),
        (b"x" * (design_archive.MAX_FILE + 1), "too_large"),
        (b"<mjml>" + b" " * design_archive.MAX_TEXT, "too_large"),
        (photograph() + packed({"a.mjml": MJML}), "polyglot"),
        (packed({"a.mjml": MJML, "../../etc/x.png": "x"}), "name"),
        (packed({"a.mjml": MJML, "/etc/x.png": "x"}), "name"),
        (packed({"a.mjml": MJML, "C:\\x.png": "x"}), "name"),
        (link_entry(), "name"),
        (packed({"a.mjml": MJML, "x.png": b"\0" * 9_000_000}), "bomb"),
        (packed({"a.mjml": MJML, "x.png": b"\0" * 10_000_001}), "bomb"),
        (lying(), "damaged"),
        (packed({"a.mjml": MJML} | {f"{n}.png": "x" for n in range(200)}), "too_many"),
        (packed({"a.mjml": MJML, "b.mjml": MJML}), "several"),
        (packed({"a.txt": "x"}), "no_source"),
        (packed({"a.mjml": MJML})[:-40], "damaged"),
    ],
    ids=["binary", "words", "large", "long", "polyglot", "dots", "root", "drive", "link", "ratio", "entry", "lying",
         "many", "several", "none", "cut"],
)  # fmt: skip
def test_files_that_are_no_design_are_refused(data: bytes, code: str) -> None:
    with pytest.raises(Invalid) as caught:
        design_import.read("lettre.zip", data, language="fr")
    assert [(one.field, one.code) for one in caught.value.faults] == [("file", code)]


@pytest.mark.req("E-51")
async def test_a_refused_file_leaves_nothing_and_a_broken_image_is_told(make: Make) -> None:
    account = await make.account()
    owner = await make.signed_in(account.owner_id)
    assert (await send(owner, account.app, b"")).status == 422
    refused = await send(owner, account.app, b"bonjour", name="Mon modèle")
    assert refused.status == 422
    assert "neither MJML nor HTML" in refused.text
    assert 'value="Mon modèle"' in refused.text
    assert (await kept(make, account.id)) == Kept([], [])
    html = '<p><img src="a.png" alt="x"></p>'
    answer = await send(owner, account.app, packed({"index.html": html, "a.png": b"<svg onload='x'/>"}))
    assert "Line 1: the image “a.png” was left out: too large, damaged or no image." in answer.text
    found = await kept(make, account.id)
    assert (len(found.designs), found.images) == (1, [])
    user_id, _ = await make.user(account.id, "analyst")
    analyst = await make.signed_in(user_id)
    assert (await send(analyst, account.app, MJML.encode())).status == 403


def test_an_image_inside_an_address_is_taken_out_of_it() -> None:
    made = html_import.to_mjml('<p><img src="data:image/png;base64,AAAA" alt="x"></p>', language="fr")
    assert [use.address for use in made.uses] == ["data:image/png;base64,AAAA"]
    assert made.told == []


@pytest.mark.parametrize(
    "html", ["<p>" * 3_000, "<table><tr><td>" * 400, "<p {{ x }}>{% if %}</p>", "<b><i></b></i>"]
)
def test_broken_html_is_made_whole(html: str) -> None:
    made = html_import.to_mjml(html, language="fr")
    assert made.source.count("<mj-raw>") == made.source.count("</mj-raw>") == 1
    assert made.source.endswith("</mjml>\n")


@pytest.mark.req("A-084")
async def test_images_of_a_design_go_with_it_unless_something_else_shows_them(make: Make) -> None:
    account = await make.account()
    owner = await make.signed_in(account.owner_id)
    html = '<p>a <img src="a.jpg" alt="Seul"> <img src="b.jpg" alt="Partagé"></p>'
    data = packed({"index.html": html, "a.jpg": photograph(), "b.jpg": photograph(800)})
    assert (await send(owner, account.app, data, name="Un")).status == 303
    [design] = (await kept(make, account.id)).designs
    page = f"{account.app}/designs/{design.id}"
    shared = re.findall(r"\S+/t/img/[^\"]+", design.source)[1]
    async with make.services.db.account(account.id) as tx:
        await designs.create(tx, designs.NewDesign(name="Deux", kind="mjml"), shared)
    asked = await owner.get(f"{page}/deletion")
    assert "Delete also the image that only this design uses" in asked.text
    assert (await owner.post(f"{page}/deletion", {"images": "true"})).status == 303
    found = await kept(make, account.id)
    assert [one.name for one in found.designs] == ["Deux"]
    assert [alt for _, _, alt in found.images] == ["Partagé"]
    # who wants to keep them does
    assert (await owner.post(f"{account.app}/designs/{found.designs[0].id}/deletion")).status == 303
    assert len((await kept(make, account.id)).images) == 1
