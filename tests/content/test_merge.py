"""The merge language: what it says yes to, what it refuses, and in which words."""

from decimal import Decimal
from typing import Any

import pytest
from babel.numbers import format_decimal
from hypothesis import given, settings
from hypothesis import strategies as st
from jinja2 import TemplateSyntaxError

from sending import merge, merge_filters
from sending.render import RenderFailed, compile_parts

FIELDS = frozenset({"city", "interests", "points", "vip"})


def told(source: str, part: merge.Part = "html") -> list[str]:
    return [problem.words() for problem in merge.check(source, fields=FIELDS, part=part)]


@pytest.mark.parametrize(
    "source",
    [
        "Bonjour {{ contact.first_name | default('vous') }}",
        "{{- contact.city | upper -}} {{ contact.points | number(2) }} {{ contact.city | truncate(10) }}",
        "{% if contact.vip %}a{% elif contact.points > 9 and not contact.city %}b{% else %}c{% endif %}",
        "{% if contact.language in ['fr', 'en'] %}x{% endif %}",
        "{% for x in contact.interests %}{{ loop.index }}. {{ x | capitalize }}{% else %}rien{% endfor %}",
        "{{ account.name }} {{ sender.reply_to }} {{ list.name }} {{ rights_url }} {{ subject }} {# note #}",
        "body{color:red} a > b && c",
    ],
)
def test_the_language_is_accepted(source: str) -> None:
    assert told(source) == []


@pytest.mark.req("D-09")
@pytest.mark.parametrize(
    ("source", "words"),
    [
        (
            "\n" * 11 + "{{ contact.prenom }}",
            "Line 12: the field “prenom” does not exist. Did you mean “first_name”?",
        ),
        ("{{ city }}", "Line 1: the field “city” does not exist. Did you mean “contact.city”?"),
        ("{{ contact.citty }}", "Line 1: the field “citty” does not exist. Did you mean “city”?"),
        ("{{ list.title }}", "Line 1: the field “list.title” does not exist. Did you mean “list.name”?"),
        ("{{ qqqq }}", "Line 1: the field “qqqq” does not exist. Choose one from the list of fields."),
        ("{{ contact }}", "Line 1: “contact” needs a field after it, such as contact.first_name."),
        ("a\n{{ contact.city | uper }}", "Line 2: the filter “uper” does not exist. Did you mean “upper”?"),
        (
            "{{ contact.city",
            "Line 1: “{{ contact.city” cannot be read as a merge tag. Check its braces, quotes and its end.",
        ),
        (
            "{% if %}",
            "Line 1: “{% if %}” cannot be read as a merge tag. Check its braces, quotes and its end.",
        ),
        (
            "{% set a = 1 %}",
            "Line 1: “{% set a = 1 %}” does not exist. There are if, elif, else, endif, for and endfor.",
        ),
        (
            "{% for x in contact.interests %}{% for y in contact.interests %}{% endfor %}{% endfor %}",
            "Line 1: a loop cannot stand inside another loop.",
        ),
    ],
)
def test_a_fault_is_told_with_its_line(source: str, words: str) -> None:
    assert words in told(source)


def test_a_subject_holds_no_links() -> None:
    assert told("{{ unsubscribe_url }}", "subject") == [
        "Line 1: “unsubscribe_url” is a link; a subject or preheader cannot hold one."
    ]
    assert told("{{ subject }}", "subject") == ["Line 1: the subject cannot contain itself."]


ATTACKS = [
    "{{ ''.__class__.__mro__[1].__subclasses__() }}",
    "{{ contact.__class__ }}",
    "{{ contact['__class__'] }}",
    "{{ contact.first_name|attr('__class__') }}",
    "{{ contact.first_name|attr('format')(contact) }}",
    "{{ '{0.__class__}'.format(contact) }}",
    "{{ '%s'|format(contact) }}",
    "{{ contact|map(attribute='x') }}",
    "{{ self.__init__.__globals__ }}",
    "{{ cycler.__init__.__globals__.os.popen('id').read() }}",
    "{{ lipsum.__globals__ }}",
    "{{ config }}",
    "{{ request }}",
    "{{ namespace() }}",
    "{{ range(10**9) }}",
    "{% for x in range(10**9) %}x{% endfor %}",
    "{% for x in contact.city * 99999999 %}x{% endfor %}",
    "{{ 'a' * 50000000 }}",
    "{{ 9**9**9 }}",
    "{{ contact.city ~ contact.city }}",
    "{{ [1, 2, 3] }}",
    "{{ {'a': 1} }}",
    "{{ contact.city[0] }}",
    "{{ contact.city if contact.vip }}",
    "{{ contact.city is defined }}",
    "{{ loop.cycle('a') }}",
    "{% include 'x' %}",
    "{% import 'x' as y %}",
    "{% from 'x' import y %}",
    "{% extends 'x' %}",
    "{% macro a() %}{{ a() }}{% endmacro %}",
    "{% block a %}{% endblock %}",
    "{% call a() %}{% endcall %}",
    "{% filter upper %}x{% endfilter %}",
    "{% set x = contact %}",
    "{% raw %}{{ x }}{% endraw %}",
    "{% with a = 1 %}{% endwith %}",
    "{% do x %}",
    "{% autoescape false %}{{ contact.city }}{% endautoescape %}",
    "{{ _t0 }}",
    "{{ contact.city | _url_clean }}",
    "{{ contact.city | safe }}",
    "{{ " + "(" * 200 + "1" + ")" * 200 + " }}",
    "{% if 1 %}" * 40 + "{% endif %}" * 40,
    "{{ contact.city }}" * 2_500,
    "x" * 600_000,
]


@pytest.mark.req("E-20")
@pytest.mark.parametrize("source", ATTACKS, ids=range(len(ATTACKS)))
def test_code_is_refused_before_it_runs(source: str) -> None:
    for part in ("subject", "mjml", "text"):
        assert merge.check(source, fields=FIELDS, part=part)


@pytest.mark.req("E-20")
@pytest.mark.parametrize("source", [one for one in ATTACKS if "__" in one and "{%" not in one])
def test_the_sandbox_is_the_second_wall(source: str, recipient: object) -> None:
    """The same corpus with the check left out: no class, no code and no module comes out."""
    try:
        program = compile_parts(subject="s", preheader="", html=source, text="t")
        out = program.render(recipient()).html  # type: ignore[operator]
    except RenderFailed:
        return
    assert "class" not in out
    assert "function" not in out


@given(st.text(alphabet="{}%#-| .'\"()[]abcxyz_=<>\n\\", max_size=80))
@settings(max_examples=300, deadline=None)
def test_the_check_answers_on_any_text(source: str) -> None:
    problems = merge.check(source, fields=FIELDS, part="html")
    lines = source.count("\n") + 1
    assert all(0 <= problem.line <= lines and problem.words() for problem in problems)
    if not problems:
        compile_parts(subject="", preheader="", html=source, text=source)


@given(
    st.lists(
        st.sampled_from(["{{ a }}", "{%- if x -%}", "{# c #}", " ", "\n", "text", "{", "}", '{{ "}}" }}'])
    )
)
@settings(max_examples=200, deadline=None)
def test_tags_are_found_where_they_stand(pieces: list[str]) -> None:
    source = "".join(pieces)
    try:
        found = merge.tags(source)
    except TemplateSyntaxError:
        return
    assert [source[tag.start : tag.end] for tag in found] == [tag.text for tag in found]
    masked = merge.masked(source, found)
    assert len(masked) == len(source)
    assert [i for i, ch in enumerate(masked) if ch == "\n"] == [
        i for i, ch in enumerate(source) if ch == "\n"
    ]


@given(number=st.one_of(st.integers(-(10**15), 10**15), st.decimals(-(10**9), 10**9, places=2)))
def test_numbers_are_written_as_the_language_does(number: int | Decimal) -> None:
    for language, locale in (("fr", "fr_FR"), ("en", "en_GB")):
        context: Any = {merge_filters.LANGUAGE: language}
        assert merge_filters.number_filter(context, number) == format_decimal(number, locale=locale)
