"""What a contact's data may do in each part: nothing but be read."""

from collections.abc import Callable
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from selectolax.lexbor import LexborHTMLParser

from sending import merge_filters, render

HOSTILE = '<b>"&\r\nBcc: x\0'


def html_of(source: str, someone: render.Recipient) -> str:
    return render.compile_parts(subject="s", preheader="", html=source, text="t").render(someone).html


@pytest.mark.req("E-22", "D-09")
def test_a_hostile_name_stays_a_name_everywhere(
    wrap: Callable, compiled: Callable, recipient: Callable
) -> None:
    made = compiled(
        wrap(
            "<mj-text>{{ contact.first_name }}</mj-text>"
            '<mj-text><a href="https://x.fr/?n={{ contact.first_name }}">a</a></mj-text>'
            '<mj-image src="https://x.fr/{{ contact.first_name }}.png" alt="{{ contact.first_name }}" />'
        )
    )
    program = render.compile_revision(
        made, subject="A {{ contact.first_name }}", preheader="{{ contact.first_name }}"
    )
    out = program.render(recipient({"first_name": HOSTILE}))
    assert out.subject == 'A <b>"& Bcc: x'
    assert out.preheader == '<b>"& Bcc: x'
    tree = LexborHTMLParser(out.html)
    assert tree.css("b") == []
    assert tree.css_first("a").attributes["href"] == "https://x.fr/?n=%3Cb%3E%22%26%0D%0ABcc%3A%20x%00"
    assert tree.css_first("img").attributes["src"] == "https://x.fr/%3Cb%3E%22%26%0D%0ABcc%3A%20x%00.png"
    assert '<b>"&' in out.text
    assert "\0" not in out.html + out.text
    assert "\r" not in out.html + out.text


@pytest.mark.req("E-22")
@pytest.mark.parametrize(
    ("value", "href"),
    [
        ("javascript:alert(1)", ""),
        (" JaVa\tScript:alert(1)", ""),
        ("data:text/html,x", ""),
        ("//evil.fr", ""),
        ("https://", ""),
        ("https://ok.fr/a b", "https://ok.fr/ab"),
        ('https://ok.fr/"onclick="x', "https://ok.fr/%22onclick=%22x"),
        ("mailto:a@b.fr", "mailto:a@b.fr"),
    ],
)
def test_an_address_from_a_field_is_a_link_or_nothing(
    wrap: Callable, compiled: Callable, recipient: Callable, value: str, href: str
) -> None:
    made = compiled(wrap('<mj-text><a href="{{ contact.site }}">a</a></mj-text>'))
    out = render.compile_revision(made, subject="s").render(recipient({"site": value}))
    assert LexborHTMLParser(out.html).css_first("a").attributes["href"] == href


@pytest.mark.parametrize(
    ("source", "value", "fr", "en"),
    [
        ("{{ contact.city | default('là') }}", "", "là", "là"),
        ("{{ contact.city | default('là') | upper }}", None, "LÀ", "LÀ"),
        ("{{ contact.city | capitalize }}", "mcDonald", "McDonald", "McDonald"),
        ("{{ contact.city | truncate(10) }}", "un deux trois", "un deux…", "un deux…"),
        ("{{ contact.city | number }}", 12480, "12\u202f480", "12,480"),
        ("{{ contact.city | number(2) }}", "12480.5", "12\u202f480,50", "12,480.50"),
        ("{{ contact.city | number }}", "beaucoup", "beaucoup", "beaucoup"),
        ("{{ contact.city | number }}", "1e999999", "1e999999", "1e999999"),
        ("{{ contact.city | date }}", date(2026, 11, 24), "24 novembre 2026", "24 November 2026"),
        ("{{ contact.city | date('short') }}", "2026-11-24", "24/11/2026", "24/11/2026"),
        ("{{ contact.city | date }}", "demain", "demain", "demain"),
        ("{{ contact.city }}", True, "oui", "yes"),
        ("{{ contact.city }}", ["a", "b"], "a, b", "a, b"),
        ("{{ contact.items }}", None, "", ""),
        ("{% if contact.city > 9 %}o{% else %}n{% endif %}", "10", "o", "o"),
        ("{% if contact.city > 9 %}o{% else %}n{% endif %}", None, "n", "n"),
        ("{% if contact.city == true %}o{% else %}n{% endif %}", True, "o", "o"),
        ("{% if 'b' in contact.city %}o{% else %}n{% endif %}", ["a", "b"], "o", "o"),
        ("{% if contact.city not in ['a'] %}o{% else %}n{% endif %}", "a", "n", "n"),
        ("{% for x in contact.city %}[{{ x }}]{% endfor %}", "seul", "[seul]", "[seul]"),
        (
            "{% for x in contact.city %}{{ loop.index }}{% endfor %}",
            ["x"] * 500,
            *["".join(map(str, range(1, 101)))] * 2,
        ),
    ],
)
def test_filters_and_conditions(
    recipient: Callable, source: str, value: merge_filters.Value, fr: str, en: str
) -> None:
    for language, expected in (("fr", fr), ("en", en)):
        assert html_of(source, recipient({"city": value, "language": language})) == expected


VALUES = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=40),
    st.lists(st.text(max_size=5), max_size=4), st.dates(), st.datetimes(), st.decimals(),
)  # fmt: skip
PROGRAMS = [
    "{{ contact.city | number(2) | truncate(9) | upper }}",
    "{{ contact.city | date('full') | lower | default(contact.vip) }}",
    "{% if contact.city < contact.vip %}{{ contact.city | capitalize }}{% endif %}",
    "{% if contact.city in contact.vip or contact.city != contact.vip %}x{% endif %}",
    "{% for x in contact.city %}{{ x | number }}{{ loop.last }}{% endfor %}",
]


@given(one=VALUES, other=VALUES, source=st.sampled_from(PROGRAMS))
@settings(max_examples=120, deadline=None)
def test_no_value_breaks_a_program(one: merge_filters.Value, other: merge_filters.Value, source: str) -> None:
    env_program = render.compile_parts(subject=source, preheader=source, html=source, text=source)
    out = env_program.render(someone({"city": one, "vip": other}))
    assert "\n" not in out.subject
    assert "<" not in out.html


def someone(contact: dict[str, merge_filters.Value]) -> render.Recipient:
    urls = render.Urls(unsubscribe="u", preferences="p", tracking="t", rights="r", web_version="w")
    sender = render.SenderNames(name="S", email="s@x.fr")
    account = render.AccountNames(name="A", address="b", email="c@x.fr")
    return render.Recipient(contact=contact, urls=urls, list_name="L", sender=sender, account=account)


@pytest.mark.req("E-21")
def test_a_part_that_grows_too_large_fails_as_such(recipient: Callable) -> None:
    program = render.compile_parts(
        subject="s",
        preheader="",
        html="{% for x in contact.interests %}" + "y" * 20_000 + "{% endfor %}",
        text="t",
    )
    with pytest.raises(render.RenderFailed) as failed:
        program.render(recipient({"interests": ["x"] * 100}))
    assert failed.value.reason == "size"


@pytest.mark.req("S9")
def test_a_personal_target_that_does_not_fit_is_left_out(
    wrap: Callable, compiled: Callable, recipient: Callable
) -> None:
    made = compiled(wrap('<mj-text><a href="https://x.fr/{{ contact.city }}">a</a></mj-text>'))
    program = render.compile_revision(made, subject="s")
    assert program.personal_targets(recipient({"city": "y" * 2_000})) == {}
    assert program.personal_targets(recipient({"city": "y"})) == {0: "https://x.fr/y"}
