"""A letter of form fields becomes MJML that compiles, whatever was typed."""

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from selectolax.lexbor import LexborHTMLParser

from sending import content, content_checks, letter, render
from sending.letter import Button, Divider, Heading, Image, Letter, Paragraph

LETTER = Letter(
    language="fr",
    blocks=[
        Heading(text="Bonjour {{ contact.first_name | default('à vous') }} & <co>"),
        Paragraph(
            text='Un **mot** fort, [notre site](https://ex.fr/?a=1&b=2).\n2 < 3 "oui"\n\nAutre paragraphe.'
        ),
        Image(src="https://ex.fr/a.png", alt='Le "port"', href="https://ex.fr/port", width=300),
        Heading(text="Ensuite"),
        Button(text="Lire la suite", href="https://ex.fr/suite"),
        Divider(),
    ],
)


@pytest.mark.req("F-11", "A-008")
def test_a_letter_is_ready_to_send(compiled: Callable, recipient: Callable) -> None:
    made = compiled(letter.to_mjml(LETTER))
    assert made.remarks == ()
    assert content_checks.check_sendable(made.html, made.text, subject="Des nouvelles") == []
    out = render.compile_revision(made, subject="s").render(recipient({"first_name": ""}))
    tree = LexborHTMLParser(out.html)
    assert tree.css_first("h1").text() == "Bonjour à vous & <co>"
    assert [node.text() for node in tree.css("h2")] == ["Ensuite"]
    assert tree.css_first("strong").text() == "mot"
    assert [one.url for one in made.links] == [
        "https://ex.fr/?a=1&b=2", "https://ex.fr/port", "https://ex.fr/suite",
    ]  # fmt: skip
    assert tree.css_first("img").attributes["alt"] == 'Le "port"'
    assert "line-height: 1.5" in tree.css_first("p").parent.attributes["style"].replace(":1.5", ": 1.5")
    assert 'Un mot fort, notre site (https://ex.fr/?a=1&b=2).\n2 < 3 "oui"\n\nAutre paragraphe.' in out.text


TYPED = st.text(
    st.characters(exclude_categories=("Cc", "Cs"), include_characters="\n"), min_size=1, max_size=120
)


@given(text=TYPED.filter(lambda one: one.strip() and "{" not in one))
@settings(max_examples=150, deadline=None)
def test_whatever_is_typed_is_text(text: str) -> None:
    made = content.compile_mjml(
        letter.to_mjml(
            Letter(blocks=[Heading(text=text[:100].strip() or "x"), Paragraph(text=text)], footer=False)
        ),
        icon_origin="https://x.fr/",
    )
    assert isinstance(made, content.Compiled)
    assert LexborHTMLParser(made.html).css("script, style + script, iframe, p p") == []


@pytest.mark.parametrize(
    "href", ["javascript:alert(1)", 'https://x.fr/"><b>', "exemple.fr", "data:text/html,x", ""]
)
def test_a_button_leads_to_a_web_page_or_a_mailbox(href: str) -> None:
    with pytest.raises(ValidationError):
        Button(text="x", href=href)


def test_faults_in_merge_tags_are_told_with_a_line() -> None:
    for text in ("{{ contact.prenom }}", "{% if", "{{ contact.first_name"):
        problems = content.compile_mjml(
            letter.to_mjml(Letter(blocks=[Paragraph(text=text)])), icon_origin="https://x.fr/"
        )
        assert isinstance(problems, list)
        assert problems[0].line > 10
