"""A mail composed from pieces encoded ahead says the same as one built whole, whatever the contact holds."""

import re
from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sending import content, message, render
from sending.merge_filters import Value
from sending.message import CampaignHeaders, ListHeaders, MailClass, MessageHeaders, Part
from tests.content.test_message import check_wire, parsed, unix

SOURCE = """
<mj-text>Bonjour {{ contact.first_name | default("vous") }},</mj-text>
<mj-text>{% if contact.vip %}Merci ! 🥖 {{ contact.city }}{% endif %}</mj-text>
<mj-text>{% for one in contact.interests %}- {{ one }}{% endfor %}</mj-text>
<mj-text>{{ "." }}{{ contact.city | upper }} = {{ contact.points | number }} ; né le {{ contact.born | date }}</mj-text>
<mj-button href="https://boutique.test/?a=1&amp;b={{ contact.city }}">Voir {{ contact.first_name }}</mj-button>
<mj-button href="https://boutique.test/pain">Voir le pain</mj-button>
<mj-raw><pre>
.  deux  blancs	et une tabulation
..
</pre></mj-raw>
<mj-text>{% for one in contact.interests %}{{ one }} <a href="{{ preferences_url }}">Choisir</a>{% endfor %}</mj-text>
<mj-text>{% if contact.vip %}<a href="https://boutique.test/%C3%A9t%C3%A9?a=1&amp;b=2">100 % été</a>{% endif %}</mj-text>
<mj-text>{% if account.name %}{{ account.name }}{% endif %}, {{ account.address }} {{ sender.name | upper }}
<a href="{{ unsubscribe_url }}">Se désabonner</a> {{ unsubscribe_url }}</mj-text>
"""
LOOPLESS = """
<mj-text>Bonjour {{ contact.first_name | default("vous") }}
  {% if contact.vip %}{% if contact.city %} de {{ contact.city }}{% else %}, d'on ne sait où{% endif %}
  {% elif contact.first_name %}{{ contact.first_name | upper }} {% else %}100 % inconnu{% endif %},</mj-text>
<mj-text>{{ contact.city }}</mj-text>
<mj-text>{{ "." }}{{ contact.city | upper }} = {{ contact.points | number }} ; né le {{ contact.born | date }}</mj-text>
<mj-text>{{ contact.first_name }} {{ contact.city | truncate(5) }}   {{ contact.interests }} .</mj-text>
<mj-button href="https://boutique.test/?a=1&amp;b={{ contact.city }}">Voir {{ contact.first_name }}</mj-button>
<mj-button href="{{ contact.city }}">Voir le pain</mj-button>
<mj-text>{% if contact.vip %}<a href="https://boutique.test/{{ contact.city }}?a=1&amp;b=2">100 % été</a>{% endif %}</mj-text>
<mj-text>{% if account.name %}{{ account.name }}{% endif %}, {{ account.address }} {{ sender.name | upper }}
<a href="{{ unsubscribe_url }}">Se désabonner</a> {{ unsubscribe_url }}{{ contact.last_name }}</mj-text>
"""
ANY = st.text(st.characters(exclude_categories=("Cs",)), max_size=60)
NASTY = st.sampled_from(
    [
        "",
        " ",
        ".",
        "..",
        "a\r\nBcc: x@y.test",
        "\0",
        "x\ry",
        "\n.\n",
        "=",
        "=\r\n",
        "😀" * 30,
        "é" * 80,
        "a" * 998,
        "--",
    ]
)
VALUE = st.one_of(ANY, NASTY)
CAMPAIGN = CampaignHeaders(
    mail_class=MailClass.MARKETING,
    from_name="Atelier Dupont",
    from_email="lettre@exemple.fr",
    reply_to="",
    message_id_domain="mail.exemple.fr",
)
ACCOUNT = render.AccountNames(
    name="L'Atelier <Dupont>", address="1 rue du Four\n75001 Paris  (à 100 % à l'étage)", email="a@b.test"
)
WAYS = ("quoted-printable", "base64")


@pytest.fixture(params=[SOURCE, LOOPLESS], ids=["loops", "loopless"])
def program(
    request: pytest.FixtureRequest, wrap: Callable[[str], str], compiled: Callable[..., content.Compiled]
) -> render.Program:
    made = compiled(wrap(request.param))
    return render.compile_parts(
        subject="🥖 Du pain {{ contact.first_name }}",
        preheader="Pour {{ contact.city }}",
        html=made.html,
        text=made.text,
        links=made.links,
        constants={"account": asdict(ACCOUNT)},
    )


@pytest.mark.req("D-01", "D-04", "D-05", "D-06", "D-09", "E-22", "E-23")
@given(
    first=VALUE, city=VALUE, interests=st.lists(VALUE, max_size=3), vip=st.booleans(), tracked=st.booleans()
)
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_both_ways_of_composing_say_the_same(
    program: render.Program,
    recipient: Callable[..., render.Recipient],
    first: str,
    city: str,
    interests: list[str],
    vip: bool,
    tracked: bool,
) -> None:
    contact: dict[str, Value] = {
        "first_name": first, "city": city, "interests": interests, "vip": vip, "points": 12480.5, "born": None
    }  # fmt: skip
    links = {n: f"https://mail.test/t/c/{'x' * 40}{n}" for n in range(3)} if tracked else None
    someone = recipient(
        contact,
        account=ACCOUNT,
        tracked_links=links,
        open_pixel_url="https://mail.test/t/o/a" if tracked else None,
    )
    headers = MessageHeaders(
        campaign=CAMPAIGN,
        to_email="zoe@exemple.fr",
        to_name=render.header_line(first, 120),
        message_id="k3.99",
        sent_at=datetime(2026, 11, 24, 9, 30, tzinfo=UTC),
        mailing_list=ListHeaders(name="Lettre", label="l7.a12", domain="mail.exemple.fr"),
        unsubscribe_url="https://mail.exemple.fr/t/u/AbC",
    )
    rendered, encoded = program.render(someone), program.encode(someone)
    skeleton = message.prepare(CAMPAIGN)
    whole = skeleton.fill(headers, rendered)
    composed = skeleton.assemble(
        headers,
        encoded.subject,
        text=Part(program.text_body.transfer, encoded.text),
        html=Part(program.html_body.transfer, encoded.html),
    )
    check_wire(composed)
    assert not re.search(rb"\r\n\.", composed)
    one, other = parsed(whole), parsed(composed)
    assert one.items() == other.items()
    for mine, theirs in zip(one.iter_parts(), other.iter_parts(), strict=True):
        assert unix(mine) == unix(theirs)
        assert mine["Content-Type"] == theirs["Content-Type"]
        assert {mine["Content-Transfer-Encoding"], theirs["Content-Transfer-Encoding"]} <= set(WAYS)


def test_our_addresses_are_holes_in_known_text(program: render.Program) -> None:
    """Else each mail would have them escaped, encoded and joined twice."""
    wanted = (
        {"unsubscribe_url"} if program.html_shapes else {"_t1", "_t2", "unsubscribe_url", "preferences_url"}
    )
    assert wanted <= set(program.shown)


def test_parts_without_loops_are_made_by_shape(
    program: render.Program, recipient: Callable[..., render.Recipient]
) -> None:
    has = program.html_shapes is not None
    assert has == (program.text_shapes is not None)
    if not has or program.html_shapes is None or program.text_shapes is None:
        return
    people = [{"first_name": first, "city": city, "vip": bool(vip), "points": 1, "interests": ["a"]}
              for first in ("", "Zoé") for city in ("", "Brest") for vip in (0, 1)]  # fmt: skip
    for contact in people * 2:
        program.encode(recipient(contact, account=ACCOUNT))
    assert len(program.html_shapes) == 4
    assert len(program.text_shapes) == 8
    program.encode(recipient(people[-1] | {"city": "Brest "}, account=ACCOUNT))
    assert len(program.text_shapes) == 8


def test_what_no_mail_shows_is_not_made(program: render.Program) -> None:
    assert "unsubscribe_url" in program.names
    assert not program.names & {"web_version_url", "tracking_url", "rights_url"}
