"""Our signatures, checked by somebody else's verifier; and what breaks them."""

import re
from base64 import b64decode
from dataclasses import replace

import dkim as verifier
import pytest
from cryptography.hazmat.primitives import serialization
from hypothesis import given, settings
from hypothesis import strategies as st

from sending import dkim, message
from sending.dkim import Key
from sending.render import Rendered
from tests.content.test_message import BODY_TEXT, HEADERS, LINE_TEXT, RENDERED

AT = 1_790_000_000
RSA = dkim.read("exemple.fr", "m1r", dkim.generate("rsa-sha256"))
ED = dkim.read("exemple.fr", "m1e", dkim.generate("ed25519-sha256"))
RECORDS = {f"{key.selector}._domainkey.exemple.fr": dkim.record(key) for key in (RSA, ED)}


def answer(name: bytes, **_: object) -> bytes | None:
    found = RECORDS.get(name.decode().rstrip("."))
    return None if found is None else found.encode()


def verdicts(raw: bytes) -> list[bool]:
    """One for each signature, from the top."""
    count = len(re.findall(rb"(?im)^dkim-signature:", raw.partition(b"\r\n\r\n")[0]))
    found = []
    for index in range(count):
        try:
            found.append(verifier.DKIM(raw, minkey=2048).verify(idx=index, dnsfunc=answer))
        except verifier.DKIMException:
            found.append(False)
    return found


def signed(raw: bytes, *keys: Key) -> bytes:
    return dkim.sign(raw, keys or (RSA, ED), at=AT) + raw


MAIL = message.build(HEADERS, RENDERED)


@pytest.mark.req("D-50", "D-51")
def test_both_signatures_verify_and_say_what_they_are() -> None:
    raw = signed(MAIL)
    assert verdicts(raw) == [True, True]
    head = raw.partition(b"\r\nDate:")[0]
    text = re.sub(rb"\r\n[ \t]+", b" ", head)
    first, second = text.split(b"\r\n")
    for line, algorithm in ((first, b"rsa-sha256"), (second, b"ed25519-sha256")):
        assert b"a=" + algorithm + b";" in line
        assert b"c=relaxed/relaxed;" in line
        assert b" t=1790000000;" in line
        assert b" l=" not in line
        listed = re.search(rb"h=([^;]+);", line)[1].replace(b" ", b"").split(b":")
        for name in message.header_names(MAIL):
            assert name.lower().encode() in listed
        for name in (b"from", b"subject", b"to", b"reply-to", b"list-unsubscribe", b"list-unsubscribe-post"):
            assert listed.count(name) == 2, name
    assert max(len(line) for line in head.split(b"\r\n")) <= 78


def test_a_generated_key_has_2048_bits_and_survives_being_kept() -> None:
    again = dkim.read(
        "exemple.fr",
        "m1r",
        RSA.private.private_bytes(
            serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        ),
    )
    assert RSA.private.key_size == 2048
    assert dkim.record(again) == dkim.record(RSA)
    assert len(b64decode(dkim.record(ED).partition("p=")[2])) == 32
    assert "private" not in repr(RSA)


@pytest.mark.req("D-50", "D-04")
@given(subject=LINE_TEXT, html=BODY_TEXT, text=BODY_TEXT, name=LINE_TEXT)
@settings(max_examples=150, deadline=None)
def test_any_message_of_ours_verifies(subject: str, html: str, text: str, name: str) -> None:
    headers = replace(HEADERS, to_name=name)
    raw = message.build(headers, Rendered(subject, "", html, text))
    assert verdicts(signed(raw)) == [True, True]


# a last line of blanks without CRLF is left out: no message on the wire ends so (RFC 5321 §4.1.1.4)
# what may stand in a line: words, dots, blanks of both kinds, bytes above 127
PIECES = st.sampled_from(
    [b"a", b".", b"..", b" ", b"  ", b"\t", b" \t ", b"=20", b"\xc3\xa9", b"\r\n", b"\r\n\r\n", b"-- "]
)
BODIES = st.lists(PIECES, max_size=30).map(b"".join)


@pytest.mark.req("D-50")
@given(body=BODIES, end=st.sampled_from([b"\r\n", b"\r\n\r\n\r\n", b" \r\n\t\r\n", b"end"]))
@settings(max_examples=400, deadline=None)
def test_any_body_verifies(body: bytes, end: bytes) -> None:
    raw = b"From: a@exemple.fr\r\nSubject: s\r\n\r\n" + body + end
    assert verdicts(signed(raw, ED)) == [True]


@pytest.mark.req("D-50")
@pytest.mark.parametrize(
    "body", [b"", b"\r\n", b"\r\n\r\n", b" \r\n \r\n", b"x", b"x \r\n\r\n", b".\r\n..\r\n"]
)
def test_the_canonical_body_is_the_standards(body: bytes) -> None:
    expected = {b"x": b"x\r\n", b"x \r\n\r\n": b"x\r\n", b".\r\n..\r\n": b".\r\n..\r\n"}
    assert dkim.relaxed_body(body) == expected.get(body, b"")


@pytest.mark.req("D-50")
@given(
    value=st.lists(
        st.sampled_from(
            [b"word", b" ", b"  ", b"\t", b"\r\n ", b"\r\n\t", b":", b";", b"=?utf-8?q?=C3=A9?="]
        ),
        max_size=12,
    ).map(b"".join),
)
@settings(max_examples=200, deadline=None)
def test_folded_and_repeated_header_fields_verify(value: bytes) -> None:
    value = re.sub(rb"(\r\n[ \t]*)+(?=\r\n|$)", b"", value)
    raw = b"From: a@exemple.fr\r\nX-One:" + value + b"\r\nX-One: 2\r\nSUBJECT:  s \t t \r\n\r\nx\r\n"
    assert verdicts(signed(raw, RSA)) == [True]


@pytest.mark.req("D-41", "D-50")
@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"List-Unsubscribe: <https://mail.", b"List-Unsubscribe: <https://evil."),
        (b"List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n", b""),
        (b"List-Unsubscribe=One-Click", b"List-Unsubscribe=Two-Click"),
        (b"List-Unsubscribe: ", b"List-Unsubscribe: <https://evil.test/>\r\nList-Unsubscribe: "),
        (b"Date: ", b"List-Unsubscribe: <https://evil.test/>\r\nDate: "),
        (b"Date: ", b"List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\nDate: "),
        (b"Date: ", b"Reply-To: evil@evil.test\r\nDate: "),
        (b"Date: ", b"Subject: other\r\nDate: "),
        (b"Date: ", b"To: other@evil.test\r\nDate: "),
        (b"Date: ", b"Cc: other@evil.test\r\nDate: "),
        (b"Date: ", b"Content-Type: text/plain\r\nDate: "),
        (b"Bonjour", b"Bonsoir"),
        (b"--\r\n", b"--\r\nMore\r\n"),
    ],
)
def test_what_is_altered_or_added_breaks_it(old: bytes, new: bytes) -> None:
    raw = signed(MAIL)
    assert old in raw
    assert verdicts(raw.replace(old, new)) == [False, False]


@pytest.mark.req("D-50")
@pytest.mark.parametrize("first", [b"From: boss@exemple.fr\r\n", b"FROM:boss@exemple.fr\r\n"])
def test_a_second_from_in_front_breaks_it(first: bytes) -> None:
    assert verdicts(first + signed(MAIL)) == [False, False]


@pytest.mark.req("D-50")
def test_what_carriers_add_does_not_break_it() -> None:
    more = b"Return-Path: <b@exemple.fr>\r\nReceived: from a by b;\r\n\tMon, 1 Jan 2026 00:00:00 +0000\r\n"
    assert verdicts(more + signed(MAIL)) == [True, True]


def test_a_mail_without_keys_stays_as_it_is() -> None:
    assert dkim.sign(MAIL, (), at=AT) == b""


def test_the_longest_domain_and_selector_still_fold() -> None:
    domain = ".".join(["a" * 63, "b" * 63, "c" * 63, "d" * 50])
    key = Key(domain, "s" * 63, ED.algorithm, ED.private)
    RECORDS[f"{key.selector}._domainkey.{domain}"] = dkim.record(key)
    raw = signed(MAIL, key)
    assert verdicts(raw) == [True]
    assert max(len(line) for line in raw.split(b"\r\n")) <= 998
