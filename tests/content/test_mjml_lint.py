"""MJML is read before the compiler reads it: faults have a line and say what to do."""

from collections.abc import Callable

import pytest

from sending import mjml_lint
from sending.problems import Severity


def told(source: str) -> list[str]:
    return [problem.words() for problem in mjml_lint.lint(source)]


@pytest.mark.parametrize(
    ("inner", "words"),
    [
        (
            "<mj-column></mj-column>",
            "Line 5: `mj-column` must be inside `mj-section`. Move it or add a section.",
        ),
        (
            "<mj-text>\n<mj-button href='x'>a</mj-button></mj-text>",
            "Line 6: `mj-button` must be inside `mj-column`. Move it or add a column.",
        ),
        ("<mj-txt>a</mj-txt>", "Line 5: the tag `mj-txt` does not exist. Did you mean `mj-text`?"),
        ("<p>a</p>", "Line 5: `p` cannot stand directly in `mj-column`. Put it in `mj-text`."),
        ("\nBonjour", "Line 6: text cannot stand directly in `mj-column`. Put it in `mj-text`."),
        (
            "<mj-text>\n<p>a</mj-text>",
            "Line 6: `p` is still open where `</mj-text>` stands on line 6. Close it.",
        ),
        ("<mj-text>a</p></mj-text>", "Line 5: `</p>` closes nothing. Remove it, or open `p` before."),
        (
            "<mj-text font-size=14px>a</mj-text>",
            'Line 5: the value of `font-size` needs quotes: font-size="…".',
        ),
        (
            "<mj-text>a < b</mj-text>",
            "Line 5: a lone “<” breaks the source. Write “&lt;” for the sign itself.",
        ),
        (
            "<mj-include path='x' />",
            "Line 5: `mj-include` is not available here. Put its content in the source itself.",
        ),
        (
            '<mj-raw\nposition="x"\ncss-class="a">x</mj-raw>',
            "Line 7: `mj-raw` takes one attribute at most. Remove `css-class`.",
        ),
        ("<!-- a", "Line 5: this comment is never closed. Write “-->” where it ends."),
        (
            "<mj-text><a href='x>a</a></mj-text>",
            "Line 5: the tag “a” is not finished. Check its quotes and its “>”.",
        ),
        (
            '<mj-text><p style="color:{{ contact.city }}">a</p></mj-text>',
            "Line 5: a merge tag cannot stand in `style`. Move it into the text or a link.",
        ),
        (
            "<mj-text><p {% if contact.vip %}class='a'{% endif %}>a</p></mj-text>",
            "Line 5: “{% if contact.vip %}” must stand inside the quotes of an attribute.",
        ),
        (
            "<mj-social>{% if contact.vip %}{% endif %}</mj-social>",
            "Line 5: “{% if contact.vip %}” cannot stand directly in `mj-social`. Move it inside a text.",
        ),
        (
            "{{ contact.city }}",
            "Line 5: “{{ contact.city }}” cannot stand directly in `mj-column`. Move it inside a text.",
        ),
    ],
)
def test_a_fault_has_its_line_and_a_remedy(wrap: Callable[[str], str], inner: str, words: str) -> None:
    assert words in told(wrap(inner))


@pytest.mark.parametrize(
    "inner",
    [
        "<mj-text>a <br> <b>b</b> &amp; {{ contact.city | default('a>b') }}</mj-text>",
        "{% if contact.vip %}<mj-text>a</mj-text>{% endif %}",
        "<mj-table>{% for x in contact.interests %}<tr><td nowrap>{{ x }}</td></tr>{% endfor %}</mj-table>",
        "<mj-image src='https://x.fr/{{ contact.city }}.png' alt='' /><mj-divider /><mj-spacer />",
        "<!-- a note --><mj-raw><!--[if mso]><p>x</p><![endif]--></mj-raw>",
        "<mj-social><mj-social-element name='facebook' href='https://x.fr'>a</mj-social-element></mj-social>",
    ],
)
def test_good_sources_pass(wrap: Callable[[str], str], inner: str) -> None:
    assert told(wrap(inner)) == []


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("", "Line 1: the source has no `mj-body`. Add one in `mjml`."),
        (
            "<mjml><mj-head><mj-attributes>\n<mj-class color='red' /></mj-attributes></mj-head></mjml>",
            'Line 2: `mj-class` needs a name. Add name="…".',
        ),
        ("<html></html>", "Line 1: the source must begin with `<mjml>`, not with `html`."),
        (
            "<!doctype html>",
            "Line 1: a declaration cannot stand here. Remove it; the source begins with “<mjml>”.",
        ),
        (
            "<mjml><mj-body></mj-body>\n<mj-body></mj-body></mjml>",
            "Line 2: `mj-body` stands here a second time.",
        ),
    ],
)
def test_the_frame_of_a_source(source: str, words: str) -> None:
    assert words in told(source)


def test_an_unknown_attribute_only_warns(wrap: Callable[[str], str]) -> None:
    (problem,) = mjml_lint.lint(wrap('<mj-text colr="red">a</mj-text>'))
    assert problem.severity is Severity.WARNING
    assert (problem.line, problem.column) == (5, 10)
    assert problem.words() == "Line 5: `mj-text` has no attribute `colr`. Did you mean `color`?"


def test_a_tower_of_tags_never_reaches_the_compiler() -> None:
    """Some thousand open tags overflow the compiler's stack and end the process."""
    source = "<mjml><mj-body>" + "<mj-section>" * 20_000
    assert (
        told(source)[-1] == "Line 1: tags stand more than 60 deep. Flatten this part."
        or len(told(source)) == 50
    )
    inside = "<mjml><mj-body><mj-section><mj-column><mj-text>" + "<b>" * 20_000
    assert "Line 1: tags stand more than 60 deep. Flatten this part." in told(inside)


@pytest.mark.req("F-11")
def test_an_image_without_description_is_named(wrap: Callable[[str], str]) -> None:
    assert told(wrap("<mj-image src='https://x.fr/a.png' />")) == [
        'Line 5: this image has no description. Add alt="…", or alt="" for decoration.'
    ]
