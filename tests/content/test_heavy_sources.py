"""Sources that would keep the machine busy are refused before the compiler sees them (E-21)."""

import pytest

from sending import content, css_weight, merge, mjml_lint


def _codes(inner: str, head: str = "") -> list[str]:
    source = f"<mjml>{head}<mj-body><mj-section><mj-column>{inner}</mj-column></mj-section></mj-body></mjml>"
    made = content.compile_mjml(source, icon_origin="https://mail.test/", fields=frozenset({"city"}))
    return [one.code for one in made] if isinstance(made, list) else []


def _styled(css: str, elements: int) -> list[str]:
    return _codes(
        f"<mj-text>{'<b>x</b>' * elements}</mj-text>", f"<mj-head><mj-style>{css}</mj-style></mj-head>"
    )


@pytest.mark.req("E-20", "E-21")
@pytest.mark.parametrize(
    ("inner", "code"),
    [
        ("<mj-text>x</mj-text>" * (mjml_lint.MAX_ELEMENTS + 1), "too_many_elements"),
        ("<mj-table><tr><td>x</td></tr></mj-table>" * 3_000, "too_many_elements"),
        (
            "<mj-text>" + "<p " + " ".join(f'data-{n}="1"' for n in range(10_000)) + ">x</p></mj-text>",
            "too_many_attributes",
        ),
        ("<mj-text>" + "<div>" * 80_000 + "</mj-text>", "too_deep"),
        # one tag of many words, and many braces: what the lexer has to look at
        ("<mj-text>{{ " + "(" * 400_000 + "</mj-text>", "syntax"),
        ("<mj-text>" + "{" * 400_000 + "</mj-text>", "syntax"),
    ],
)  # fmt: skip
def test_a_source_that_is_too_much_is_refused_with_its_reason(inner: str, code: str) -> None:
    assert code in _codes(inner)


@pytest.mark.req("E-21")
@pytest.mark.parametrize(
    "css",
    [
        "".join(f"* :not(.a{n}) ~ * b {{color:red}}" for n in range(200)),
        "".join(f".a{n} b i, .b{n} > u {{color:red}}" for n in range(500)),
        "b { " + "color:red;" * 30_000 + " }",
        "/* open " + "*/ b ~ b {}" * 200,
    ],
    ids=["neighbours", "many", "long", "after a comment"],
)
def test_styles_that_would_be_tried_for_minutes_are_refused(css: str) -> None:
    assert _styled(css, 2_500) == ["styles_too_heavy"]


@pytest.mark.req("E-21")
def test_what_authors_write_passes() -> None:
    css = "".join(
        f".card-{n} td, .card-{n} a:hover {{ color: #{n:06x}; padding: 0 12px; }}" for n in range(40)
    )
    assert _styled(css + "@media (max-width: 480px) { .card { width: 100% !important; } }", 600) == []
    tags = "{{ contact.city | default('Paris') }} " * merge.MAX_TAGS
    assert _codes(f"<mj-text>{tags}</mj-text>") == []


@pytest.mark.req("E-21")
def test_a_style_weighs_what_it_costs() -> None:
    assert css_weight.weight("") == 0
    assert css_weight.weight("a { color: red }") == 1
    assert css_weight.weight("a, b i { color: red } /* c {} */ @media print { d { color: red } }") == 4
    assert css_weight.weight("a:hover {}") == css_weight.weight("a + b {}") // 2
