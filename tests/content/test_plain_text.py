"""The text part reads like the message."""

import pytest

from sending import plain_text

HTML = """<html><head><title>no</title><style>a{}</style></head><body>
<div style="display:none">preheader</div>
<h1>Bonjour   le <b>monde</b></h1>
<p>Un <a href="https://a.fr/?x=1&amp;y=2">premier lien</a>, un <a href="https://b.fr">https://b.fr</a>
et <a href="mailto:c@d.fr">c@d.fr</a>.<br>Ligne&nbsp;deux</p>
<ul><li>un</li><li>deux<ol><li>a</li><li>b</li></ol></li></ul>
<h2>Prix</h2>
<table><tr><th>Quoi</th><th>Combien</th></tr><tr><td>Pain</td><td>2&nbsp;€</td></tr></table>
<table role="presentation"><tr><td><p>gauche</p></td><td><p>droite</p></td></tr></table>
<img src="x" alt="Une photo"><img src="y" alt="">
<!-- note --><p>fin</p></body></html>"""

TEXT = """Bonjour le monde
================

Un premier lien (https://a.fr/?x=1&y=2), un https://b.fr et c@d.fr.
Ligne\u00a0deux

- un
- deux
  1. a
  2. b

Prix

Quoi | Combien
Pain | 2\u00a0€

gauche

droite

Une photo

fin
"""


@pytest.mark.req("D-05", "F-11")
def test_a_page_becomes_text() -> None:
    assert plain_text.from_html(HTML) == TEXT


def test_tokens_come_through_and_add_no_lines() -> None:
    html = "<body><!--T1--><p>a</p><!--T2--><ul><!--T3--><li>b</li><!--T4--></ul></body>"
    assert plain_text.from_html(html, is_token=lambda comment: comment.startswith("<!--T")) == (
        "<!--T1-->\na\n\n<!--T2-->\n<!--T3-->- b\n<!--T4-->\n"
    )


@pytest.mark.req("D-05", "F-11")
def test_the_parts_of_a_layout_stand_apart() -> None:
    """MJML makes no paragraphs: each text and button is a `div` or a table in a cell of its own."""
    cell = "<tr><td><div>{}</div></td></tr>"
    button = '<tr><td><table role="presentation"><tr><td><a href="https://a.fr">Voir</a></td></tr></table></td></tr>'
    column = (
        '<table role="presentation">' + cell.format("Bonjour,") + cell.format("Le pain.<br>Signé") + button
    )
    html = f'<body><div><table role="presentation"><tr><td>{column}</table></td></tr></table></div></body>'
    assert plain_text.from_html(html) == "Bonjour,\n\nLe pain.\nSigné\n\nVoir (https://a.fr)\n"
