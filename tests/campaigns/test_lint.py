"""The linter: each rule at its line, with what to do, in two languages; bounded whatever it is given."""

import time

import pytest

from mailer.core.services import Services
from mailer.web import i18n
from sending import dark_mode, footer, lint, mail_programs, source_marks
from sending.finding import Finding, Kind
from sending.lint import Report
from sending.sources import Source
from tests.campaigns.conftest import MJML
from tests.campaigns.test_content_pages import Build, version
from tests.make import Make

START = """<mjml><mj-head><mj-attributes><mj-text font-size="16px" line-height="1.5" /></mj-attributes>{head}</mj-head>
<mj-body><mj-section><mj-column>
"""
END = """
</mj-column></mj-section></mj-body></mjml>"""
# what is put between stands on line 3, below START's two


def source(inside: str, head: str = "") -> str:
    return START.replace("{head}", head) + inside + END


class _Settings:
    track_url = "https://track.example"


def check(text: str, kind: str = "mjml") -> Report:
    return lint.check(Source(kind, text, "fr"), settings=_Settings(), known=frozenset({"ville"}))  # type: ignore[arg-type]


def found(report: Report, code: str) -> list[Finding]:
    return [one for one in report.findings if one.code == code]


LONG = "Des mots pour remplir une ligne entière de ce message et pour en faire un paragraphe assez long"
# code, kind, line, source, words that the sentence or the fix holds
RULES = [
    ("no_alt", "error", 3, source('<mj-image src="https://a.fr/x.png" />'), "alt"),
    ("no_alt", "error", 4, source('<mj-text><p>Mots</p>\n<img src="https://a.fr/x.png" /></mj-text>'), "alt"),
    ("image_text", "warning", 3, source('<mj-image src="https://a.fr/x.png" alt="IMG_2031.jpg" />'), "IMG_2031"),
    ("image_text", "advice", 3, source('<mj-image src="https://a.fr/x.png" alt="Image de pain" />'), "Image de"),
    ("image_text", "advice", 3, source(f'<mj-image src="https://a.fr/x.png" alt="{"a b " * 40}" />'), "159"),
    ("images", "warning", 3, source('<mj-image src="http://a.fr/x.png" alt="Un pain" />'), "https"),
    ("foreign_gif", "warning", 3, source('<mj-image src="https://a.fr/x.GIF?v=1" alt="Un pain" />'), "under Images"),
    ("contrast", "warning", 3, source('<mj-text color="#aaaaaa">Trop pâle</mj-text>'), "#747474"),
    ("contrast", "warning", 4, source('<mj-text>\n<span style="color:#c90">Jaune</span></mj-text>'), "Jaune"),
    ("contrast", "warning", 3, source("<mj-text><b>Gris</b></mj-text>", "<mj-style>b { color: #bbb; }</mj-style>"), "Gris"),
    ("small_letters", "advice", 3, source('<mj-text font-size="11px">Trois petits mots</mj-text>'), "11"),
    ("tight_lines", "advice", 3, source(f'<mj-text line-height="1.1">{LONG}</mj-text>'), "stand close"),
    ("heading_order", "warning", 4, source("<mj-text><h1>Un</h1>\n<h3>Trois</h3></mj-text>"), "h2"),
    ("heading_order", "warning", 4, source("<mj-text><h1>Un</h1>\n<h1>Encore</h1></mj-text>"), "Encore"),
    ("heading_order", "warning", 3, source("<mj-text><h2></h2><p>Mots</p></mj-text>"), "empty"),
    ("headings", "warning", 0, source(f"<mj-text><p>{(LONG + ' ') * 10}</p></mj-text>"), "heading"),
    (
        "looks_like_heading", "advice", 4,
        source(f'<mj-text><p>{LONG * 4}</p>\n<p style="font-size:24px">Le seigle</p></mj-text>'), "Le seigle",
    ),
    ("link_text", "advice", 3, source('<mj-text><a href="https://a.fr/">cliquez ici</a></mj-text>'), "cliquez ici"),
    (
        "link_text", "advice", 3,
        source('<mj-text><a href="https://a.fr/pain/seigle">https://a.fr/pain/seigle</a></mj-text>'), "letter by letter",
    ),
    (
        "link_underline", "advice", 3,
        source('<mj-text><p>Lisez notre <a href="https://a.fr/" style="text-decoration:none">recette</a> de pain</p></mj-text>'),
        "recette",
    ),
    ("links", "error", 4, source('<mj-text>Mots\n<a href="pain.fr">Pain</a></mj-text>'), "pain.fr"),
    ("links", "warning", 3, source('<mj-button href="http://localhost/">Voir le pain</mj-button>'), "localhost"),
    ("no_href", "warning", 3, source("<mj-button>Voir le pain</mj-button>"), "href"),
    ("no_href", "warning", 3, source('<mj-social><mj-social-element name="web" alt="Site" /></mj-social>'), "href"),
    ("small_button", "advice", 3, source('<mj-button href="https://a.fr/" inner-padding="2px">Voir</mj-button>'), "44"),
    ("hidden", "warning", 3, source('<mj-text><p style="display:none">Des mots que nul ne voit</p></mj-text>'), "nobody"),
    ("active", "error", 3, source("<mj-raw><form></form></mj-raw>"), "form"),
    ("unsubscribe", "error", 0, source("<mj-text>Mots</mj-text>"), "footer"),
    ("identity", "error", 0, source("<mj-text>Mots</mj-text>"), "footer"),
    ("forbidden", "error", 0, source("<mj-text>Carte 4111 1111 1111 1111</mj-text>"), "card"),
    ("weight", "warning", 0, source(f"<mj-text>{'mots ' * 25_000}</mj-text>"), "102"),
    ("weight", "advice", 0, source(f"<mj-text>{'mots ' * 17_500}</mj-text>"), "102"),
    ("unknown_field", "error", 3, source("<mj-text>{{ contact.prenom }}</mj-text>"), "first_name"),
    ("mail_programs", "warning", 3, source("<mj-text><video></video></mj-text>"), "Gmail"),
    ("mail_programs", "warning", 3, source('<mj-text><p style="display:flex">a</p></mj-text>'), "Orange"),
    ("mail_programs", "warning", 3, source('<mj-image alt="" src="https://a.fr/x.svg" />'), "Gmail"),
    ("mail_programs", "advice", 2, source("", "\n<mj-style>p { text-shadow: 1px 1px red; }</mj-style>"), "Outlook"),
    ("mail_programs", "warning", 2, source("", "\n<mj-style>p { color: var(--x); }</mj-style>"), "Gmail") ,
]  # fmt: skip


@pytest.mark.req("F-11", "F-12")
@pytest.mark.parametrize(("code", "kind", "line", "text", "words"), RULES)
def test_each_rule_names_line_kind_and_what_to_do(
    code: str, kind: str, line: int, text: str, words: str
) -> None:
    report = check(text)
    told = [one for one in found(report, code) if (one.line, one.kind) == (line, Kind(kind))]
    assert told, [(one.code, one.line, one.kind) for one in report.findings]
    said = " ".join(i18n.fill(words_of, dict(told[0].params)) for words_of in (told[0].message, told[0].fix))
    assert words in said
    for language in ("fr", "en"):
        with i18n.speaking(language):
            assert "{" not in i18n.translate(told[0].message, **told[0].params)


SOUND = str(
    footer.add_footer(
        source("<mj-text><h1>Le pain</h1>\n<p>Bonjour, voici le seigle.</p></mj-text>"), language="fr"
    )
)


@pytest.mark.req("F-12")
def test_a_sound_source_is_told_nothing() -> None:
    assert [(one.code, one.line, one.message, dict(one.params)) for one in check(SOUND).findings] == []


@pytest.mark.req("F-11")
@pytest.mark.parametrize(
    ("head", "inside", "kind"),
    [
        # the author's dark rule makes it worse
        (
            "<mj-style>@media (prefers-color-scheme: dark) { .x div { color: #eee !important } }</mj-style>",
            '<mj-text css-class="x">Des mots</mj-text>',
            "warning",
        ),
        # knows dark mode, and gives letters a dark colour on no background
        (
            '<mj-raw><meta name="color-scheme" content="light dark" /></mj-raw>',
            "<mj-text>Des mots</mj-text>",
            "warning",
        ),
        # nothing said: programs turn a colour of the middle into another of the middle
        ("", '<mj-text color="#0000ff">Des mots</mj-text>', "advice"),
    ],
)
def test_contrast_is_looked_at_in_dark_too(head: str, inside: str, kind: str) -> None:
    told = found(check(source(inside, head)), "dark_contrast")
    assert [(one.line, one.kind) for one in told] == [(3, Kind(kind))]


def test_a_dark_rule_that_mends_it_is_believed() -> None:
    head = (
        '<mj-raw><meta name="color-scheme" content="light dark" /></mj-raw>'
        "<mj-style>@media (prefers-color-scheme: dark) { .x div { color: #eee !important } }</mj-style>"
    )
    assert found(check(source('<mj-text css-class="x">Des mots</mj-text>', head)), "dark_contrast") == []
    # without !important the element's own style wins
    weak = head.replace(" !important", "")
    assert found(check(source('<mj-text css-class="x">Des mots</mj-text>', weak)), "dark_contrast") != []


def test_black_and_white_turn_into_each_other() -> None:
    assert dark_mode.turned((0, 0, 0)) == (255, 255, 255)
    assert dark_mode.turned((255, 255, 255)) == (0, 0, 0)


def test_a_letter_is_told_by_its_blocks() -> None:
    letter = (
        '{"blocks":[{"kind":"heading","text":"Bonjour"},{"kind":"paragraph","text":"Voir [ici](https://x.fr/a)"},'
        '{"kind":"image","src":"https://track.example/t/img/abc.png","alt":"IMG_1.jpg"}],"footer":true}'
    )
    report = check(letter, "letter")
    assert [(one.code, one.line) for one in report.findings if one.line] == [
        ("link_text", 2),
        ("image_text", 3),
    ]
    assert report.images == {"abc.png": 3}


def test_fields_without_words_for_who_has_none_are_known_by_line() -> None:
    inside = (
        '<mj-text>{{ contact.first_name }}\n{{ contact.last_name | default("vous") }}\n'
        "{% if contact.ville %}{{ contact.ville }}{% endif %}\n{{ contact.email | default('') }}</mj-text>"
    )
    assert check(source(inside)).fields == {"first_name": 3, "email": 6}


def test_marks_change_nothing_of_what_is_written() -> None:
    text = source(
        '<mj-image css-class="a" src="https://a.fr/x.png" alt="" />'
        "<mj-text mj-class=\"m\">{{ contact.email }} <a href='x'>y</a></mj-text>",
        '<mj-attributes><mj-class name="m" css-class="from" /></mj-attributes>',
    )
    marked = source_marks.mark(text)
    assert 'css-class="a line-of-3"' in marked
    assert 'css-class="from line-of-3"' in marked
    assert 'data-line-of="3"' in marked
    assert "{{ contact.email }}" in marked
    assert (
        source_marks.without('<td class="line-of-3"><a data-line-of="4" class="a line-of-5">')
        == '<td><a class="a">'
    )


def test_the_data_on_mail_programs_say_their_day() -> None:
    known = mail_programs.known()
    assert known.as_of is not None
    assert set(known.names) == {"gmail", "outlook", "apple-mail", "orange", "laposte"}
    assert "css-display-flex" in known.features


LONG_TEXTS = {
    "many sections": source("".join(
        f'<mj-text><p style="color:#999">a b c <a href="https://x.fr/{n}">d</a></p></mj-text>' for n in range(300)
    )),
    "many words": source(f"<mj-text>{'mot ' * 60_000}</mj-text>"),
    "deep": source("<mj-text>" + ("<span>" * 50 + "a b c" + "</span>" * 50) * 50 + "</mj-text>"),
    "many rules": source("<mj-text>a</mj-text>", f"<mj-style>{'a{color:red}' * 35_000}</mj-style>"),
    "rules without an end": source(
        "<mj-text>a</mj-text>",
        f"<mj-style>{'@media (prefers-color-scheme: dark){' * 8_000}{'a' * 100_000}</mj-style>",
    ),
    "comments without an end": source("<mj-text>a</mj-text>", f"<mj-style>{'/* ' * 150_000}</mj-style>"),
    "declarations without an end": source("<mj-text>a</mj-text>", f"<mj-style>{'a:' * 200_000}</mj-style>"),
    "at rules without an end": source("<mj-text>a</mj-text>", f"<mj-style>{'@' * 400_000}</mj-style>"),
    "styles": source("<mj-text>" + f'<p style="{"x:y;" * 400}">a b c</p>' * 250 + "</mj-text>"),
    "one style": source(f'<mj-text><p style="{"a" * 400_000}">a b c</p></mj-text>'),
    "fields": source("<mj-text>" + "{{ contact.first_name }} " * 1_900 + "</mj-text>"),
    "a megabyte": "x" * 1_000_000,
}  # fmt: skip


@pytest.mark.req("E-21")
@pytest.mark.parametrize("name", LONG_TEXTS)
def test_hostile_sources_take_bounded_work(name: str) -> None:
    """Of the processor's time, not of the clock's: other tests run beside. A quadratic walk needs minutes."""
    began = time.process_time()
    report = check(LONG_TEXTS[name])
    assert time.process_time() - began < 20
    assert len(report.findings) <= lint.MOST


@pytest.mark.req("F-12")
async def test_the_editor_and_the_visual_one_are_answered(
    ready: Build, make: Make, services: Services
) -> None:
    text = str(footer.add_footer(MJML, language="fr")).replace(' | default("")', "")
    ready_one = await ready(source=text)
    async with services.db.account(ready_one.account.id) as tx:
        await tx.run("UPDATE contacts SET first_name = '' WHERE account_id = $1")
        await tx.run(
            "UPDATE contacts SET first_name = 'Ana' WHERE account_id = $1 AND id = $2", ready_one.people[0]
        )
    owner = await make.signed_in(ready_one.account.owner_id)
    stored = (await owner.get(f"{ready_one.page}/lint")).json()
    [empty] = [one for one in stored["findings"] if one["code"] == "empty_field"]
    line = text.split("\n").index(next(one for one in text.split("\n") if "first_name" in one)) + 1
    assert (empty["line"], empty["kind"]) == (line, "warning")
    assert "2 of 3" in empty["message"]
    assert "default" in empty["fix"]
    bad = source('<mj-image src="https://a.fr/x.png" />')
    sent = (await owner.post(f"{ready_one.page}/lint", {"source": bad})).json()
    assert sent["errors"] >= 1
    assert [one["line"] for one in sent["findings"] if one["code"] == "no_alt"] == [3]
    assert (await owner.post(f"{ready_one.page}/lint", {"source": "x" * 500_001})).status == 422
    assert (await owner.post(f"{ready_one.page}/lint", {})).status == 422
    bad = source(
        '<mj-image src="https://a.fr/x.png" />\n<mj-text font-size="11px">Trois petits mots</mj-text>'
    )
    typed = (await owner.post(f"{ready_one.page}/content/checks", {"source": bad})).json()
    assert {"error", "info"} <= {one["severity"] for one in typed["problems"]}
    async with services.db.account(ready_one.account.id) as tx:
        assert await tx.value("SELECT source FROM campaigns WHERE account_id = $1") == text


@pytest.mark.req("F-12")
async def test_without_script_the_list_follows_the_saving(ready: Build, make: Make) -> None:
    ready_one = await ready()
    owner = await make.signed_in(ready_one.account.owner_id)
    page = f"{ready_one.page}/content"
    shown = await owner.get(page)
    saved = await owner.post(
        page,
        {
            "source": source('<mj-image src="https://a.fr/x.png" />'),
            "act": "check",
            "version": version(shown.text),
        },
    )
    listed = await owner.get(saved.location)
    assert '<a href="#source">Line 3</a>: This image has no description.' in listed.text
    assert "caniemail.com" in listed.text


@pytest.mark.req("F-11", "F-12")
async def test_images_of_ones_own_are_looked_at_where_they_stand(
    ready: Build, make: Make, services: Services
) -> None:
    ready_one = await ready()
    async with services.db.account(ready_one.account.id) as tx:
        file_id = await tx.value(
            """
            INSERT INTO files (account_id, kind, name, media_type, size, complete)
            VALUES ($1, 'image', 'x.png', 'image/png', 400000, true)
            RETURNING id
            """
        )
        await tx.run(
            """
            INSERT INTO images (account_id, name, file_id, alt, label, width, height, size, media_type, shown_width,
                                frames, seconds)
            SELECT $1, name, $2, 'a', 'a', 10, 10, size, 'image/png', 10, 9, seconds
            FROM (VALUES ('heavy.png', 400000, 0), ('ever.gif', 9, -1), ('while.gif', 9, 7.5), ('soon.gif', 9, 5))
                 AS v (name, size, seconds)
            """,
            file_id,
        )
    owner = await make.signed_in(ready_one.account.owner_id)
    base = services.settings.track_url
    names = ("heavy.png", "gone.png", "ever.gif", "while.gif", "soon.gif")
    text = source("\n".join(f'<mj-image alt="Un" src="{base}/t/img/{name}" />' for name in names))
    told = (await owner.post(f"{ready_one.page}/lint", {"source": text})).json()["findings"]
    assert [(one["code"], one["line"]) for one in told if one["code"].startswith(("image_", "foreign_"))] == [
        ("image_weight", 3),
        ("image_gone", 4),
        ("image_moves", 5),
        ("image_moves", 6),
    ]
    said = [one["message"] for one in told if one["code"] == "image_moves"]
    assert "for ever" in said[0]
    assert "7.5 seconds" in said[1]
