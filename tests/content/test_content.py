"""From a source to two templates and the author's links."""

import re
from collections.abc import Callable

import pytest
from selectolax.lexbor import LexborHTMLParser

from sending import content, links_in_mail, render
from sending.footer import add_footer
from sending.problems import Problem
from sending.utm import Tagging


def rendered(
    compiled: content.Compiled, recipient: render.Recipient, subject: str = "Objet"
) -> render.Rendered:
    return render.compile_revision(compiled, subject=subject).render(recipient)


def hrefs(html: str) -> list[str]:
    return [node.attributes["href"] or "" for node in LexborHTMLParser(html).css("a")]


LINKS = """<mj-text><a href="https://ex.fr/?a=1&b=2&amp;copy=3#x">un</a>
<a href="https://ex.fr/{{ contact.city }}?n={{ contact.first_name | upper }}&x=1">deux</a>
{% for one in contact.interests %}<a href="https://ex.fr/i/{{ one }}">{{ one }}</a>{% endfor %}
<a href="mailto:a@ex.fr">écrire</a> <a href="{{ unsubscribe_url }}">Me désabonner</a>
<a href="{{ contact.site }}">site</a></mj-text><mj-button href="https://ex.fr/é">trois</mj-button>"""


def test_merge_tags_survive_the_compiler(wrap: Callable, compiled: Callable, recipient: Callable) -> None:
    source = wrap(
        "{% if contact.points > 5 %}<mj-text>{{ contact.city | default(\"<a> & 'b'\") }}</mj-text>"
        "{% endif %}"
        "<mj-table>{% for x in contact.interests %}"
        "<tr><td>{{ x }}</td><td>ok</td></tr>{% endfor %}</mj-table>"
    )
    made = compiled(source)
    shown = rendered(made, recipient({"points": 7, "interests": ["voile", "pain & vin"]}))
    assert "&lt;a&gt; &amp; &#39;b&#39;" in shown.html
    rows = [node.text(deep=True) for node in LexborHTMLParser(shown.html).css("tr:has(> td + td)")]
    assert rows == ["voileok", "pain & vinok"]
    assert shown.html.count("<tbody>") == shown.html.count("</tbody>")
    assert "voile | ok\npain & vin | ok\n" in shown.text
    hidden = rendered(made, recipient({"points": 5}))
    assert "&lt;a&gt;" not in hidden.html


@pytest.mark.req("E-20")
def test_entities_do_not_become_merge_tags(wrap: Callable, compiled: Callable, recipient: Callable) -> None:
    source = wrap(
        "<mj-text>&#123;&#123; 7*7 }} &#123;% set x=1 %} &#123;{{ contact.city }} {&#35; z</mj-text>"
    )
    shown = rendered(compiled(source), recipient({"city": "Brest"}))
    assert "{{ 7*7 }} {% set x=1 %} {Brest {# z" in shown.html
    assert "{{ 7*7 }} {% set x=1 %} {Brest {# z" in shown.text


@pytest.mark.req("B-35")
def test_untracked_contacts_get_the_authors_addresses(
    wrap: Callable, compiled: Callable, recipient: Callable
) -> None:
    someone = recipient({"city": "Brest", "interests": ["a b"], "site": "https://zoe.fr/?a=1&b=2"})
    shown = rendered(compiled(wrap(LINKS)), someone)
    assert hrefs(shown.html) == [
        "https://ex.fr/?a=1&b=2&copy=3#x",
        "https://ex.fr/Brest?n=ZO%C3%89&x=1",
        "https://ex.fr/i/a%20b",
        "mailto:a@ex.fr",
        someone.urls.unsubscribe,
        "https://zoe.fr/?a=1&b=2",
        "https://ex.fr/é",
    ]
    assert "<img" not in shown.html
    for url in hrefs(shown.html):
        assert f"({url.removeprefix('mailto:')})" in shown.text


@pytest.mark.req("B-35")
def test_tracked_contacts_get_other_addresses_but_keep_ours(
    wrap: Callable, compiled: Callable, recipient: Callable
) -> None:
    made = compiled(wrap(LINKS))
    assert [(one.position, one.label, one.personal) for one in made.links] == [
        (0, "un", False), (1, "deux", True), (2, "site", True), (3, "trois", False),
    ]  # fmt: skip
    assert made.links[0].url == "https://ex.fr/?a=1&b=2&copy=3#x"
    program = render.compile_revision(made, subject="s")
    someone = recipient({"city": "Brest", "interests": ["x"], "site": "javascript:alert(1)"})
    assert program.personal_targets(someone) == {1: "https://ex.fr/Brest?n=ZO%C3%89&x=1"}
    tracked = {0: "https://t.test/0?a=1&b=2", 1: "https://t.test/1", 3: "https://t.test/3"}
    shown = program.render(
        recipient(dict(someone.contact), tracked_links=tracked, open_pixel_url="https://t.test/o")
    )
    assert hrefs(shown.html) == [
        "https://t.test/0?a=1&b=2", "https://t.test/1", "https://ex.fr/i/x", "mailto:a@ex.fr",
        someone.urls.unsubscribe, "", "https://t.test/3",
    ]  # fmt: skip
    assert [node.attributes["src"] for node in LexborHTMLParser(shown.html).css("img")] == [
        "https://t.test/o"
    ]
    assert "un (https://t.test/0?a=1&b=2)" in shown.text
    assert "ex.fr/?a" not in shown.html + shown.text


@pytest.mark.req("B-35")
def test_utm_becomes_part_of_the_authors_address(
    wrap: Callable, compiled: Callable, recipient: Callable
) -> None:
    source = wrap(
        '<mj-text><a href="https://ex.fr/?utm_source=x#f">a</a><a href="https://ex.fr/b">b</a></mj-text>'
    )
    made = compiled(source, tagging=Tagging(params={"utm_source": "lettre", "utm_campaign": "mai juin"}))
    urls = [
        "https://ex.fr/?utm_source=x&utm_campaign=mai%20juin#f",
        "https://ex.fr/b?utm_source=lettre&utm_campaign=mai%20juin",
    ]
    assert [one.url for one in made.links] == urls
    assert hrefs(rendered(made, recipient()).html) == urls


def test_finished_html_tells_its_links() -> None:
    html = '<p><a href="https://a.fr/?x=1&amp;y=2"><img alt="Logo"></a> <a href="#top">x</a>'
    html += '<a href="http://b.fr">b <b>c</b></a></p>'
    assert [(one.url, one.label) for one in links_in_mail.extract_links(html)] == [
        ("https://a.fr/?x=1&y=2", "Logo"), ("http://b.fr", "b c"),
    ]  # fmt: skip


@pytest.mark.req("F-11")
def test_language_direction_and_title_are_there(
    wrap: Callable, compiled: Callable, recipient: Callable
) -> None:
    shown = rendered(compiled(wrap("<mj-text>x</mj-text>"), language="fr"), recipient(), "L'été <b>")
    tree = LexborHTMLParser(shown.html)
    assert tree.css_first("html").attributes["lang"] == "fr"
    assert tree.css_first("html").attributes["dir"] == "ltr"
    assert tree.css_first("body div[role=article]").attributes["lang"] == "fr"
    assert tree.css_first("title").text() == "L'été <b>"
    written = wrap("<mj-text>x</mj-text>").replace(
        "<mjml>",
        '<mjml lang="en" dir="ltr"><mj-head><mj-title>Ours</mj-title><mj-preview>Old</mj-preview></mj-head>',
    )
    made = compiled(written)
    tree = LexborHTMLParser(rendered(made, recipient()).html)
    assert (tree.css_first("html").attributes["lang"], tree.css_first("title").text()) == ("en", "Ours")
    program = render.compile_revision(made, subject="s", preheader="Pour {{ contact.first_name }}")
    out = program.render(recipient())
    assert out.preheader == "Pour Zoé"
    assert "Pour Zoé" in out.html
    assert "Old" not in out.html
    assert "Old" in rendered(made, recipient()).html
    assert "Zoé" not in out.text


def test_nothing_foreign_is_loaded(wrap: Callable, compiled: Callable) -> None:
    source = wrap(
        '<mj-text font-family="Roboto">x</mj-text><mj-social><mj-social-element name="facebook" href="https://x.fr">f'
        "</mj-social-element></mj-social>"
    ).replace("<mjml>", '<mjml><mj-head><mj-font name="Roboto" href="https://fonts.test/r" /></mj-head>')
    made = compiled(source)
    assert "fonts." not in made.html
    assert set(re.findall(r'src="(https?://[^"/]+)', made.html)) == {"https://mail.test"}


def test_styles_are_inlined_and_media_queries_kept(wrap: Callable, compiled: Callable) -> None:
    source = wrap('<mj-text css-class="note"><p>x</p></mj-text>').replace(
        "<mjml>",
        '<mjml><mj-head><mj-style inline="inline">.note p { color: #123456; }</mj-style>'
        "<mj-style>@media (max-width: 400px) { .note p { font-size: 20px; } }</mj-style></mj-head>",
    )
    html = compiled(source).html
    assert '<p style="color: #123456' in html
    assert "@media (max-width: 400px)" in html
    assert "<!--[if mso" in html
    assert "data-css-inline" not in html


def test_comments_of_the_author_do_not_travel(
    wrap: Callable, compiled: Callable, recipient: Callable
) -> None:
    source = wrap(
        "<!-- secret --><!-- {% if contact.vip %} --><mj-text>vip</mj-text><!-- {% endif %} -->{# note #}"
    )
    made = compiled(source)
    assert "secret" not in made.html
    assert "note" not in made.html
    assert "vip</div>" in rendered(made, recipient({"vip": True})).html
    assert "vip</div>" not in rendered(made, recipient({"vip": False})).html


def test_all_faults_come_back_in_reading_order(wrap: Callable) -> None:
    source = wrap(
        "<mj-text>{{ contact.prenom }}</mj-text>\n<mj-txt></mj-txt>\n<mj-text>{{ contact.city }}</mj-text>"
    )
    problems = content.compile_mjml(source, icon_origin="https://x/", fields=frozenset())
    assert isinstance(problems, list)
    assert [(one.line, one.code) for one in problems] == [
        (5, "unknown_field"), (6, "unknown_tag"), (7, "unknown_field"),
    ]  # fmt: skip


def test_the_footer_is_complete_in_both_languages(
    wrap: Callable, compiled: Callable, recipient: Callable
) -> None:
    for language, word, why in (
        ("fr", "Me désabonner", "dans la liste"),
        ("en", "Unsubscribe", "on the list"),
    ):
        source = add_footer(wrap("<mj-text>x</mj-text>"), language=language)
        assert isinstance(source, str)
        someone = recipient()
        shown = rendered(compiled(source), someone)
        for part in (shown.html, shown.text):
            assert word in part
            assert why in part
            assert "Lettre du mois" in part
            assert "Atelier Dupont" in part
            assert someone.account.address in part
        assert {someone.urls.unsubscribe, someone.urls.preferences} <= set(hrefs(shown.html))
    assert isinstance(add_footer("<mjml></mjml>", language="fr"), Problem)


def test_attributes_keep_their_letters(wrap: Callable, compiled: Callable) -> None:
    """No-break spaces, joined emoji, backslashes, line ends: mrml wrote `\\u{a0}` into the description."""
    words = "Pièces\u00a0: l'été «\u00a0neuf\u00a0»\u202f! C:\\tour 👩\u200d🍳\nfin"
    found = compiled(wrap(f'<mj-image src="https://example.com/a.png" alt="{words}" />'))
    image = LexborHTMLParser(found.html).css("img")[0]
    assert image.attributes["alt"] == words
    assert "u{" not in found.html + found.text
