"""Campaign parameters on links: the author's address with what it lacked, and nothing else (S22)."""

import re
from urllib.parse import parse_qsl, urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sending import content, links_in_mail, utm
from sending.footer import add_footer
from sending.inert import Slot, Slots
from sending.render import AccountNames, Recipient, SenderNames, Urls, compile_revision
from sending.utm import Tagging

LETTER = Tagging(params={"utm_source": "lettre", "utm_medium": "email"})
HOSTS = st.sampled_from(
    ["ex.fr", "boutique.ex.fr", "münchen.de", "xn--mnchen-3ya.de", "ex.fr:8443", "1.2.3.4"]
)
TEXT = st.text(st.sampled_from("aé-._~%2F+&=;/?:@!$'()*, {}"), max_size=12)
PLAIN = st.text(st.sampled_from("aé-._~+=;/:@!$'()* "), max_size=12)


@st.composite
def urls(draw: st.DrawFn) -> str:
    path = draw(st.sampled_from(["", "/"])) + draw(PLAIN)
    path = path if not path or path.startswith("/") else f"/{path}"
    query = draw(st.none() | TEXT)
    fragment = draw(st.none() | TEXT)
    return (
        f"{draw(st.sampled_from(['https', 'http', 'HTTPS']))}://{draw(HOSTS)}{path}"
        + ("" if query is None else "?" + query.replace("#", ""))
        + ("" if fragment is None else "#" + fragment)
    )


VALUES = st.text(min_size=1, max_size=20).filter(lambda text: text.isprintable() and "\ud800" not in text)


@pytest.mark.req("S22")
@settings(deadline=None)
@given(
    urls(), st.dictionaries(st.sampled_from(["utm_source", "utm_medium", "utm_campaign"]), VALUES, min_size=1)
)
def test_everything_the_author_wrote_stays_where_it_was(url: str, params: dict[str, str]) -> None:
    made = utm.tagged(url, Tagging(params=params))
    before, after = urlsplit(url.strip()), urlsplit(made.strip())
    assert (before.scheme, before.netloc, before.path) == (after.scheme, after.netloc, after.path)
    assert before.fragment == after.fragment
    assert after.query.startswith(before.query)
    address, _, _ = url.rstrip().partition("#")
    assert made.startswith(address)
    # what an analytics program reads is what was asked for, once
    read = parse_qsl(after.query, keep_blank_values=True)
    for name, value in params.items():
        found = [one for key, one in read if key == name]
        assert found == [value]
    assert re.fullmatch(r"[!-~]*", made[len(address) : len(made) - len(url) + len(address)])


@settings(deadline=None)
@given(urls())
def test_adding_twice_adds_once(url: str) -> None:
    once = utm.tagged(url, LETTER)
    assert utm.tagged(once, LETTER) == once


@settings(deadline=None)
@given(st.text(max_size=40))
def test_no_text_breaks_it(text: str) -> None:
    made = utm.tagged(text, LETTER)
    if not text.strip().lower().startswith(("http://", "https://")):
        assert made == text


@pytest.mark.parametrize(
    ("url", "made"),
    [
        ("https://ex.fr", "https://ex.fr?utm_source=lettre&utm_medium=email"),
        ("https://ex.fr/a?", "https://ex.fr/a?utm_source=lettre&utm_medium=email"),
        ("https://ex.fr/a?b=1&", "https://ex.fr/a?b=1&utm_source=lettre&utm_medium=email"),
        ("https://ex.fr/a?UTM_Source=x#y", "https://ex.fr/a?UTM_Source=x&utm_medium=email#y"),
        ("https://ex.fr/a?utm_source=#y", "https://ex.fr/a?utm_source=&utm_medium=email#y"),
        (
            "https://ex.fr/%C3%A9%20?q=%26#!/a?b",
            "https://ex.fr/%C3%A9%20?q=%26&utm_source=lettre&utm_medium=email#!/a?b",
        ),
        ("https://[::1/", "https://[::1/"),
        ("mailto:a@ex.fr?subject=x", "mailto:a@ex.fr?subject=x"),
        ("tel:+33123", "tel:+33123"),
        ("#top", "#top"),
        ("/relative", "/relative"),
        ("javascript:alert(1)//https://ex.fr", "javascript:alert(1)//https://ex.fr"),
    ],
)
def test_known_addresses(url: str, made: str) -> None:
    assert utm.tagged(url, LETTER) == made


@pytest.mark.parametrize(
    ("rule", "domains", "url", "wanted"),
    [
        ("only", ["ex.fr"], "https://ex.fr/", True),
        ("only", ["ex.fr"], "https://Shop.EX.fr./", True),
        ("only", ["ex.fr"], "https://notex.fr/", False),
        ("only", ["ex.fr"], "https://ex.fr.evil.com/", False),
        ("only", ["ex.fr"], "https://ex.fr@evil.com/", False),
        ("except", ["ex.fr"], "https://www.ex.fr/", False),
        ("except", ["ex.fr"], "https://other.fr/", True),
        ("only", ["xn--mnchen-3ya.de"], "https://münchen.de/", True),
        ("all", [], "https://mail.ours.fr/t/x", False),
    ],
)
def test_only_links_of_the_chosen_domains_and_never_ours(
    rule: utm.Rule, domains: list[str], url: str, wanted: bool
) -> None:
    tagging = Tagging(params=LETTER.params, rule=rule, domains=domains, own=frozenset({"mail.ours.fr"}))
    assert ("utm_source" in utm.tagged(url, tagging)) is wanted


def hrefs(source: str, **fields: str) -> list[str]:
    made = content.compile_mjml(
        str(
            add_footer(
                f"<mjml><mj-body><mj-section><mj-column><mj-text>{source}</mj-text></mj-column></mj-section></mj-body></mjml>",
                language="fr",
            )
        ),
        icon_origin="https://mail.ours.fr/static/",
        fields=frozenset({"city", "site"}),
        tagging=LETTER,
    )
    assert isinstance(made, content.Compiled)
    who = Recipient(
        contact={"email": "a@ex.fr", "first_name": "", "last_name": "", "language": "fr", **fields},
        urls=Urls(
            unsubscribe="https://mail.ours.fr/t/u/1", preferences="", tracking="", rights="", web_version=""
        ),
        list_name="Pain",
        sender=SenderNames(name="Pain", email="p@ex.fr"),
        account=AccountNames(name="Pain", address="1 rue", email="p@ex.fr"),
        language="fr",
    )
    html = compile_revision(made, subject="Pain").render(who).html
    return [link.url for link in links_in_mail.extract_links(html)]


@pytest.mark.parametrize(
    ("written", "read"),
    [
        (
            "https://ex.fr/{{ contact.city }}#x",
            "https://ex.fr/Saint-%C3%89tienne%20%26%20Co?utm_source=lettre&utm_medium=email#x",
        ),
        (
            "https://ex.fr/?v={{ contact.city }}&amp;b=1",
            "https://ex.fr/?v=Saint-%C3%89tienne%20%26%20Co&b=1&utm_source=lettre&utm_medium=email",
        ),
        (
            "https://ex.fr/?utm_source={{ contact.city }}",
            "https://ex.fr/?utm_source=Saint-%C3%89tienne%20%26%20Co&utm_medium=email",
        ),
        ("https://{{ contact.city }}.ex.fr/", None),
        ("{{ contact.site }}", "https://site.fr/a#b"),
        ("https://ex.fr/a&amp;b?c=%7B%7B", "https://ex.fr/a&b?c=%7B%7B&utm_source=lettre&utm_medium=email"),
    ],
)
def test_addresses_with_merge_tags_get_the_same_parameters(written: str, read: str | None) -> None:
    found = hrefs(f'<a href="{written}">x</a>', city="Saint-Étienne & Co", site="https://site.fr/a#b")
    if read is None:
        assert not any("utm_source" in url for url in found)
    else:
        assert found[0] == read
    assert not any("utm_" in url for url in found if "mail.ours.fr" in url)


def test_conditions_in_an_address_leave_it_as_it_is() -> None:
    slots = Slots("xmt")
    token = slots.add(Slot("{% if contact.city %}", "{% if contact.city %}", "block"))
    raw = f"https://ex.fr/{token}#a"
    assert utm.tagged_template(raw, slots, LETTER) == raw
