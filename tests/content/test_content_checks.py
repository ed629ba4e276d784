"""Nothing leaves without a way out that each recipient sees, and without the sender's identity."""

from collections.abc import Callable

import pytest

from sending import content_checks, subject_checks
from sending.footer import add_footer
from sending.problems import Severity

IDENTITY = "<mj-text>{{ account.name }}, {{ account.address }}</mj-text>"
URL = 'href="{{ unsubscribe_url }}"'
LINK = '<a href="{{ unsubscribe_url }}">Me désabonner</a>'


WORDS = f"<mj-text>{'Du pain tous les jours. ' * 6}</mj-text>"


def codes(compiled: Callable, source: str, subject: str = "Des nouvelles du port") -> set[tuple[str, str]]:
    made = compiled(source)
    problems = content_checks.check_sendable(made.html, made.text, subject=subject)
    assert all(problem.words() for problem in problems)
    return {(problem.code, problem.severity.value) for problem in problems}


@pytest.mark.req("A-008", "B-24", "A-062")
def test_the_standard_footer_passes_every_check(wrap: Callable, compiled: Callable) -> None:
    source = add_footer(wrap("<mj-text>Bonjour</mj-text>"), language="fr")
    made = compiled(source)
    problems = content_checks.check_sendable(made.html, made.text, subject="Des nouvelles")
    assert problems == []
    assert content_checks.in_order(problems) == list(content_checks.IN_ORDER.values())


@pytest.mark.req("A-025", "A-026")
@pytest.mark.parametrize(
    ("body", "blocked"),
    [
        ("Votre carte 4970 1012 3456 7893", True),
        ("N° 1 85 05 78 006 084 91", True),
        ("Votre carte 4970 10** **** 7893", False),
        ("Nos dons : FR76 3000 6000 0112 3456 7890 189", False),
        ("SIRET 732 829 320 00074, tél. 01 23 45 67 89, 2026", False),
        ('<a href="https://x.fr/4970101234567893">Voir</a>', False),
    ],
)
def test_a_message_holds_no_card_and_no_social_security_number(
    wrap: Callable, compiled: Callable, body: str, blocked: bool
) -> None:
    source = add_footer(wrap(f"<mj-text>{body}</mj-text>"), language="fr")
    assert (("forbidden", "error") in codes(compiled, source)) == blocked
    plain = add_footer(wrap("<mj-text>Bonjour</mj-text>"), language="fr")
    if blocked:
        assert ("forbidden", "error") in codes(compiled, plain, subject=body)


HIDDEN = {
    "missing": "<mj-text>x</mj-text>",
    "display": f'<mj-text><span style="display:none">{LINK}</span></mj-text>',
    "display important": f'<mj-text><div style="DISPLAY : none !important">{LINK}</div></mj-text>',
    "visibility": f'<mj-text><p style="visibility:hidden">{LINK}</p></mj-text>',
    "opacity": f'<mj-text><p style="opacity:0.01">{LINK}</p></mj-text>',
    "font 0": f'<mj-text><p style="font-size:0">{LINK}</p></mj-text>',
    "font 1": f'<mj-text font-size="1px">{LINK}</mj-text>',
    "font in points": f'<mj-text font-size="1pt">{LINK}</mj-text>',
    "white on white": '<mj-text><a style="color:#fff" href="{{ unsubscribe_url }}">Stop</a></mj-text>',
    "nearly white": '<mj-text><a style="color:#fdfdfd" href="{{ unsubscribe_url }}">Stop</a></mj-text>',
    "black on black": f'<mj-text><a style="color:rgb(9,9,9);background:#090909" {URL}>No</a></mj-text>',
    "span hides": f'<mj-text><a {URL}><span style="font-size:0">Stop</span></a></mj-text>',
    "empty": '<mj-text><a href="{{ unsubscribe_url }}"></a></mj-text>',
    "image of a dot": '<mj-image src="https://x.fr/a.png" alt="Stop" width="1px" height="1px" '
    'href="{{ unsubscribe_url }}" />',
    "one dot": '<mj-text><a href="{{ unsubscribe_url }}">.</a></mj-text>',
    "invisible characters": '<mj-text><a href="{{ unsubscribe_url }}">&#8203;&nbsp;&zwj;</a></mj-text>',
    "moved away": f'<mj-text><p style="position:absolute;left:-9999px">{LINK}</p></mj-text>',
    "indented away": f'<mj-text><p style="text-indent:-9999px">{LINK}</p></mj-text>',
    "clipped": f'<mj-text><p style="max-height:0;overflow:hidden">{LINK}</p></mj-text>',
    "attribute": f"<mj-text><p hidden>{LINK}</p></mj-text>",
    "comment": f"<mj-text>x <!-- {LINK} --></mj-text>",
    "outlook only": f"<mj-raw><!--[if mso]>{LINK}<![endif]--></mj-raw>",
    "for some": f"<mj-text>{{% if contact.vip %}}{LINK}{{% endif %}}</mj-text>",
    "for one branch": f"<mj-text>{{% if contact.vip %}}{LINK}{{% else %}}x{{% endif %}}</mj-text>",
    "per item": f"<mj-text>{{% for x in contact.interests %}}{LINK}{{% endfor %}}</mj-text>",
    "in a title": '<mj-text><p title="{{ unsubscribe_url }}">x</p></mj-text>',
    "condition only": "<mj-text>{% if unsubscribe_url %}x{% endif %}</mj-text>",
    "broken": '<mj-text><a href="{{ unsubscribe_url | truncate(5) }}">Stop</a></mj-text>',
}


@pytest.mark.req("A-008", "D-60", "D-93")
@pytest.mark.parametrize("inner", HIDDEN.values(), ids=HIDDEN.keys())
def test_a_hidden_way_out_blocks(wrap: Callable, compiled: Callable, inner: str) -> None:
    assert ("unsubscribe", "error") in codes(compiled, wrap(inner + IDENTITY))


@pytest.mark.req("A-008", "D-60")
@pytest.mark.parametrize(
    "css", [".out { display: none; }", "@media (max-width: 480px) { .out a { display: none !important; } }"]
)
def test_a_style_sheet_cannot_hide_it_either(wrap: Callable, compiled: Callable, css: str) -> None:
    source = wrap(f'<mj-text css-class="out">{LINK}</mj-text>{IDENTITY}').replace(
        "<mjml>", f"<mjml><mj-head><mj-style>{css}</mj-style></mj-head>"
    )
    assert ("unsubscribe", "error") in codes(compiled, source)


VISIBLE = {
    "plain": f"<mj-text>{LINK}</mj-text>",
    "button": '<mj-button href="{{ unsubscribe_url }}">Stop</mj-button>',
    "both branches": f"<mj-text>{{% if contact.vip %}}{LINK}{{% else %}}<p>{LINK}</p>{{% endif %}}</mj-text>",
    "light": f'<mj-button background-color="#000" color="#fff" {URL}>No</mj-button>',
    "described image": f'<mj-image src="https://x.fr/stop.png" alt="Se désabonner" {URL} />',
    "a merged word": '<mj-text><a href="{{ unsubscribe_url }}">{{ list.name }}</a></mj-text>',
    "hidden one beside": f'<mj-text><p style="display:none">{LINK}</p>{LINK}</mj-text>',
}


@pytest.mark.req("A-008")
@pytest.mark.parametrize("inner", VISIBLE.values(), ids=VISIBLE.keys())
def test_a_visible_way_out_passes(wrap: Callable, compiled: Callable, inner: str) -> None:
    # a hidden one beside it blocks nothing; that it is hidden is told
    assert codes(compiled, wrap(WORDS + inner + IDENTITY)) <= {("hidden", "warning")}


@pytest.mark.req("A-008")
def test_both_parts_are_asked(wrap: Callable, compiled: Callable) -> None:
    made = compiled(wrap(f"<mj-text>{LINK}</mj-text>{IDENTITY}"))
    problems = content_checks.check_sendable(made.html, "{{ account.name }} {{ account.email }}", subject="s")
    assert [problem.words() for problem in problems] == [
        "The unsubscribe link is missing from the plain text. Add it: sending is blocked without it."
    ]


@pytest.mark.req("B-24", "A-062")
@pytest.mark.parametrize(
    "inner",
    [
        "",
        "<mj-text>{{ account.name }}</mj-text>",
        "<mj-text>{{ account.address }}</mj-text>",
        '<mj-text><p style="display:none">{{ account.name }}, {{ account.address }}</p></mj-text>',
        "<mj-text>{% if contact.vip %}{{ account.name }}, {{ account.address }}{% endif %}</mj-text>",
    ],
)
def test_a_sender_without_identity_is_blocked(wrap: Callable, compiled: Callable, inner: str) -> None:
    assert codes(compiled, wrap(f"<mj-text>{LINK}</mj-text>{inner}")) == {("identity", "error")}


@pytest.mark.req("B-24", "D-60")
@pytest.mark.parametrize(
    "subject", ["", "  ", "Re: votre commande", "FWD : x", "re[2]: x", "TR: x", "x" * 151]
)
def test_a_subject_is_written_and_honest(subject: str) -> None:
    assert [problem.code for problem in subject_checks.check_subject(subject)] == ["subject"]


@pytest.mark.parametrize(
    "subject", ["Rentrée : les ateliers", "Refonte du site", "Trois idées", "🥖 Le pain"]
)
def test_ordinary_subjects_pass(subject: str) -> None:
    assert subject_checks.check_subject(subject) == []


@pytest.mark.parametrize(
    ("inner", "expected"),
    [
        ('<mj-text><a href="javascript:alert(1)">x</a></mj-text>', {("links", "error")}),
        ('<mj-text><a href="www.exemple.fr">x</a></mj-text>', {("links", "error")}),
        ('<mj-text><a href="http://exemple.fr">x</a></mj-text>', {("links", "warning")}),
        ('<mj-text><a href="">x</a></mj-text>', {("links", "warning")}),
        ('<mj-text><a href="{{ contact.site }}">x</a></mj-text>', set()),
        ('<mj-image src="https://x.fr/a.png" />', {("images", "error")}),
        ('<mj-image src="data:image/png;base64,AA" alt="x" />', {("images", "error")}),
        ('<mj-image src="https://x.fr/{{ contact.city }}.png" alt="" />', set()),
        ("<mj-text><script>x</script></mj-text>", {("active", "error")}),
        ('<mj-text><p onclick="x">x</p></mj-text>', {("active", "error")}),
        ('<mj-raw><iframe src="https://x.fr"></iframe></mj-raw>', {("active", "error")}),
    ],
)
@pytest.mark.req("E-03", "F-11", "F-12")
def test_what_to_look_at_before_sending(
    wrap: Callable, compiled: Callable, inner: str, expected: set[tuple[str, str]]
) -> None:
    assert codes(compiled, wrap(f"{inner}{WORDS}<mj-text>{LINK}</mj-text>{IDENTITY}")) == expected


def test_a_name_written_out_counts_as_identity(wrap: Callable, compiled: Callable) -> None:
    made = compiled(wrap(f"<mj-text>Atelier Dupont, 1 rue du Port {LINK}</mj-text>"))
    assert content_checks.check_sendable(made.html, made.text, subject="s", identity="Atelier Dupont") == []
    (problem,) = content_checks.check_sendable(made.html, made.text, subject="s", identity="Autre")
    assert problem.severity is Severity.ERROR
