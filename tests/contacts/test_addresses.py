"""Addresses: one key per mailbox, limits, and agreement of the fast way with the library."""

import email_validator
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from mailer.core import addresses
from mailer.core.addresses import AddressError, parse


def refused(text: str) -> str:
    with pytest.raises(AddressError) as caught:
        parse(text)
    return caught.value.code


@pytest.mark.parametrize(
    ("typed", "email", "key"),
    [
        ("Jean.Dupont@Exemple.FR", "Jean.Dupont@Exemple.FR", "jean.dupont@exemple.fr"),
        ("  jean+promo@exemple.fr\n", "jean+promo@exemple.fr", "jean+promo@exemple.fr"),
        ("\u00a0jean@exemple.fr\u202f", "jean@exemple.fr", "jean@exemple.fr"),
        ("\ufeff\u200bjean@exemple.fr", "jean@exemple.fr", "jean@exemple.fr"),
        ("info@café.fr", "info@café.fr", "info@xn--caf-dma.fr"),
        ("info@XN--CAF-DMA.fr", "info@XN--CAF-DMA.fr", "info@xn--caf-dma.fr"),
        ("Zoé@exemple.fr", "Zoé@exemple.fr", "zoé@exemple.fr"),
        ("Zoe\u0301@exemple.fr", "Zoe\u0301@exemple.fr", "zoé@exemple.fr"),
        ('"Jean Dupont"@exemple.fr', '"Jean Dupont"@exemple.fr', '"jean dupont"@exemple.fr'),
        ('"a@b"@exemple.fr', '"a@b"@exemple.fr', '"a@b"@exemple.fr'),
        ("a@relais.test", "a@relais.test", "a@relais.test"),
        ("a@boite.localhost", "a@boite.localhost", "a@boite.localhost"),
        ("a@www.example", "a@www.example", "a@www.example"),
        ("o'neil_{x}@a-b.example.com", "o'neil_{x}@a-b.example.com", "o'neil_{x}@a-b.example.com"),
    ],
)
@pytest.mark.req("D-03", "D-08")
def test_key_folds_case_and_domain_only(typed: str, email: str, key: str) -> None:
    assert parse(typed) == (email, key)


@pytest.mark.req("D-03")
def test_needless_quotes_name_the_same_mailbox() -> None:
    # RFC 5321 §4.1.2: all quoted forms are equivalent; otherwise quotes would walk around a suppression
    assert parse('"jean"@exemple.fr').key == parse("jean@exemple.fr").key
    assert parse('"je\\an"@exemple.fr').key == "jean@exemple.fr"


@pytest.mark.req("D-03")
def test_dots_and_plus_are_kept() -> None:
    keys = {parse(f"{local}@gmail.com").key for local in ("jeandupont", "jean.dupont", "jeandupont+a")}
    assert len(keys) == 3


@pytest.mark.req("D-08")
def test_envelope_keeps_the_local_part_and_encodes_the_domain() -> None:
    assert parse("Info@Café.fr").envelope == "Info@xn--caf-dma.fr"
    assert parse("Zoé@exemple.fr").envelope == "Zoé@exemple.fr"
    assert parse('"a@B"@exemple.fr').envelope == '"a@B"@exemple.fr'


def domain_of_length(length: int) -> str:
    labels = ["d" * 63] * ((length - 4) // 64) + ["fr"]
    rest = length - len(".".join(labels)) - 1
    return ".".join(["e" * rest, *labels]) if rest > 0 else ".".join(labels)


@pytest.mark.req("D-03")
def test_limits_of_local_part_address_and_label() -> None:
    assert parse("a" * 64 + "@exemple.fr").key.startswith("a" * 64)
    assert refused("a" * 65 + "@exemple.fr") == "too_long"
    assert len(parse("a" * 10 + "@" + domain_of_length(243)).key) == 254
    assert refused("a" * 11 + "@" + domain_of_length(243)) == "too_long"
    assert parse("a@" + "b" * 63 + ".fr")
    assert refused("a@" + "b" * 64 + ".fr") == "too_long"
    assert refused('"' + "a b" * 21 + '"@exemple.fr') == "too_long"  # 63 and its quotes: 65 octets
    assert refused("é" * 33 + "@exemple.fr") == "too_long"  # 66 octets
    assert refused("a" * 100_000 + "@" + "b." * 100_000 + "fr") == "too_long"


@pytest.mark.parametrize(
    ("typed", "code"),
    [
        ("", "empty"),
        ("  \u00a0", "empty"),
        ("jean", "incomplete"),
        ("jean@exemple", "incomplete"),
        ("jean@", "incomplete"),
        ("@exemple.fr", "incomplete"),
        ("jean@localhost", "incomplete"),
        ("Jean Dupont <jean@exemple.fr>", "brackets"),
        ("jean@exemple.fr; anne@exemple.fr", "several"),
        ("jean@exemple.fr,anne@exemple.fr", "several"),
        ("jean@imprimante.local", "reserved"),
        ("jean@a.invalid", "reserved"),
        ("jean dupont@exemple.fr", "characters"),
        ("jean..dupont@exemple.fr", "characters"),
        (".jean@exemple.fr", "characters"),
        ("jean@-exemple.fr", "characters"),
        ("jean@exemple..fr", "characters"),
        ("jean@exemple.f1", "characters"),
        ("jean@[127.0.0.1]", "characters"),
        ("jean@exemple.fr\r\nBcc: x@y.fr", "several"),
        ("je\u202ean@exemple.fr", "characters"),
        ("a@xn--zzzzzz-.fr", "characters"),
    ],
)
@pytest.mark.req("D-03")
def test_refusals_say_what_is_wrong(typed: str, code: str) -> None:
    assert refused(typed) == code


def test_error_keeps_the_address_out_of_its_text() -> None:
    with pytest.raises(AddressError) as caught:
        parse("jean@exemple")
    assert "jean" not in str(caught.value)
    assert caught.value.message.format(**caught.value.params) == (
        "The address “jean@exemple” is incomplete. Write it like name@example.com."
    )


ASCII_LIKE_ADDRESSES = st.builds(
    lambda local, domain: f"{local}@{domain}",
    st.text("abcXYZ019.+-_'!#\"\\ @(é", min_size=0, max_size=12),
    st.lists(st.text("abXZ09-é_", max_size=6), max_size=4).map(".".join),
)


@given(ASCII_LIKE_ADDRESSES | st.emails() | st.text(max_size=30))
@example("a@b--c.fr")
@example("a@ab--c.fr")
@example("a@xn--caf-dma.fr")
@example("a@x.onion")
@example("a@1.2c")
@settings(max_examples=600)
def test_fast_way_agrees_with_the_library(text: str) -> None:
    email = addresses.trim(text)
    try:
        found = email_validator.validate_email(
            email, allow_quoted_local=True, check_deliverability=False, strict=True
        )
    except email_validator.EmailNotValidError:
        refused(text)
        return
    if len(email.rpartition("@")[0].encode()) > 64:
        assert refused(text) == "too_long"
        return
    assert parse(text) == (email, f"{found.local_part}@{found.ascii_domain}".lower())


@given(ASCII_LIKE_ADDRESSES | st.emails())
@settings(max_examples=200)
def test_key_is_its_own_key(text: str) -> None:
    try:
        key = parse(text).key
    except AddressError:
        return
    assert parse(key).key == key


@pytest.mark.req("D-54", "B-23")
def test_free_mail_is_known_by_domain() -> None:
    free = "gmail.com orange.fr laposte.net free.fr outlook.fr hotmail.co.uk yahoo.com.br icloud.com sfr.fr"
    assert all(addresses.is_free_mail(domain) for domain in free.split())
    own = "exemple.fr orange.com live-music.fr notgmail.com mail.gmail.com outlook.exemple.fr"
    assert not any(addresses.is_free_mail(domain) for domain in own.split())


@pytest.mark.req("D-84")
def test_roles_and_typing_slips() -> None:
    assert all(map(addresses.is_role, ["abuse", "Postmaster", "NoReply", "contact", "info+fr"]))
    assert not any(map(addresses.is_role, ["jean", "infotech", "", "anne.contact"]))
    assert addresses.meant_domain("gamil.com") == "gmail.com"
    assert addresses.meant_domain("gmail.com") is None


def test_mask_shows_one_character_and_the_domain() -> None:
    assert addresses.mask("jean@exemple.fr") == "j•••@exemple.fr"
    assert addresses.mask("jean dupont") == "j•••"
    assert addresses.mask("") == "•••"
