"""Mails for both editors: one for each component of MJML, and others put together by chance from a seed."""

from random import Random

BUTTON = '<mj-button href="https://pain.test/?a=1&amp;b={{ contact.first_name }}">Voir</mj-button>'
TEXT = '<mj-text><p>Bonjour {{ contact.first_name | default("l\'ami") }},<br />à bientôt&nbsp;!</p></mj-text>'

IN_COLUMN = {
    "accordion": """<mj-accordion border="none">
  <mj-accordion-element><mj-accordion-title>Quand ?</mj-accordion-title>
    <mj-accordion-text><p>Lundi</p></mj-accordion-text></mj-accordion-element>
</mj-accordion>""",
    "button": BUTTON,
    "carousel": """<mj-carousel><mj-carousel-image src="https://pain.test/1.png" alt="Un" />
  <mj-carousel-image src="https://pain.test/2.png" alt="Deux" /></mj-carousel>""",
    "divider": "<mj-divider border-width='1px'  border-color = \"#d0d4d9\"/>",
    "image": '<mj-image src="https://pain.test/{{ list.name }}.png" alt="Un pain &quot;rond&quot;" width="200px"></mj-image>',
    "navbar": """<mj-navbar base-url="https://pain.test" hamburger="hamburger">
  <mj-navbar-link href="/pain" color="#0b5394">Pains</mj-navbar-link>
  <mj-navbar-link href="/gateau">Gâteaux</mj-navbar-link></mj-navbar>""",
    "raw": '<mj-raw><!-- à garder --><div class="x">{% if contact.first_name > "m" %}Z{% endif %}</div></mj-raw>',
    "social": """<mj-social font-size="15px" icon-size="30px" mode="horizontal">
  <mj-social-element name="facebook" href="https://facebook.com/pain">Facebook</mj-social-element>
  <mj-social-element name="instagram" alt="Instagram" /></mj-social>""",
    "spacer": '<mj-spacer height="30px" />',
    "table": """<mj-table cellpadding="4">
  <tr><th align="left">Pain</th><th>Prix</th></tr>
  {% for word in contact.interests %}<tr><td>{{ word }}</td><td>2&nbsp;€</td></tr>{% endfor %}
</mj-table>""",
    "text": TEXT,
    "text with a condition": """<mj-text  align='left'>
  <h2>Titre</h2>{% if contact.first_name > "m" and contact.last_name != 'x' %}<p>Un</p>{% else %}<p>Deux</p>{% endif %}
  <ul><li><strong>a</strong></li><li>b &lt; c &amp; d</li></ul>
</mj-text>""",
    "text with a link": """<mj-text><a href="{{ unsubscribe_url }}" style="color:#0b5394">Me désabonner</a>
  <span style="font-size:12px">{{ account.address }}</span></mj-text>""",
    "text with a picture": '<mj-text>Un <img src="https://pain.test/a.png" alt="Ici" width="20"> ici</mj-text>',
}

IN_BODY = {
    "group": """<mj-section><mj-group><mj-column width="40%"><mj-text>Un</mj-text></mj-column>
  <mj-column><mj-text>Deux</mj-text></mj-column></mj-group></mj-section>""",
    "hero": """<mj-hero mode="fixed-height" height="300px" background-url="https://pain.test/fond.jpg"
    background-color="#2a3448" padding="40px 0"><mj-text color="#ffffff">Le seigle</mj-text>
  <mj-button href="https://pain.test/">Voir</mj-button></mj-hero>""",
    "section": '<mj-section full-width="full-width" background-color="#f6f7f9"><mj-column></mj-column></mj-section>',
    "wrapper": f"""<mj-wrapper border="1px solid #000000" padding="20px">
  <mj-section><mj-column>{TEXT}</mj-column></mj-section>
  <!-- entre deux -->
  <mj-section><mj-column><mj-text>B</mj-text></mj-column></mj-section></mj-wrapper>""",
    "a condition around a section": """{% if contact.first_name %}
  <mj-section><mj-column><mj-text>{{ contact.first_name }}</mj-text></mj-column></mj-section>
  {% endif %}""",
    "a comment": "<!-- à ne pas perdre : <mj-section> -->",
    "raw in the body": "<mj-raw><p>Brut</p></mj-raw>",
}

HEAD = """
  <mj-head>
    <mj-title>Pain</mj-title>
    <mj-preview>Le pain {{ contact.first_name }}</mj-preview>
    <mj-attributes>
      <mj-all font-family="Arial, sans-serif" />
      <mj-text font-size="16px" line-height="1.5" />
      <mj-class name="grand" font-size="22px" />
    </mj-attributes>
    <mj-breakpoint width="480px" />
    <mj-style>h2 > a { color: #0b5394; } @media (min-width: 1px) { p { margin: 0 } }</mj-style>
  </mj-head>"""


def mail(body: str, head: str = HEAD) -> str:
    return (
        f'<mjml lang="fr">{head}\n  <mj-body background-color="#ffffff">\n    {body}\n  </mj-body>\n</mjml>\n'
    )


def by_component() -> dict[str, str]:
    """One mail for each component that the documentation of MJML lists, and for what stands between them."""
    found = {
        name: mail(f"<mj-section><mj-column>{part}</mj-column></mj-section>")
        for name, part in IN_COLUMN.items()
    }
    return found | {name: mail(f"{part}\n    {IN_BODY['group']}") for name, part in IN_BODY.items()}


def by_chance(seed: int) -> str:
    """The same mail for the same seed."""
    chance = Random(seed)
    gap = ["", " ", "\n", "\n      ", "\n\n\t"]

    def column() -> str:
        parts = chance.choices(list(IN_COLUMN.values()), k=chance.randint(0, 4))
        comment = chance.choice(["", "", "<!-- ici -->"])
        inside = "".join(f"{chance.choice(gap)}{part}" for part in [*parts, comment])
        width = chance.choice(["", ' width="50%"', " css-class='a  b'", ' padding = "0"'])
        return f"<mj-column{width}>{inside}{chance.choice(gap)}</mj-column>"

    def section() -> str:
        if chance.random() < 0.4:
            return chance.choice(list(IN_BODY.values()))
        columns = "".join(f"{chance.choice(gap)}{column()}" for _ in range(chance.randint(1, 3)))
        space = chance.choice(["", ' padding="0"', "\n  background-color='#fafafa'"])
        return f"<mj-section{space}>{columns}{chance.choice(gap)}</mj-section>"

    body = "".join(f"{chance.choice(gap)}{section()}" for _ in range(chance.randint(1, 4)))
    return mail(body, chance.choice([HEAD, "", "\n<mj-head></mj-head>"]))
