"""Quoted-printable in pieces: read back it is the text, and each line is fit for the wire."""

import binascii
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sending import bodies, plain_text, quoted

TEXT = st.text(st.characters(exclude_categories=("Cc", "Cs"), include_characters="\n\t"), max_size=200)
PLAIN = st.text(st.sampled_from("ab .=-_/:?é\n\t<>"), max_size=200)
NAMES = st.text(st.sampled_from("ab. é字\xa0=-"), max_size=80)
PIECES = st.lists(st.one_of(TEXT, PLAIN, NAMES), max_size=12)


def read(data: bytes) -> str:
    return binascii.a2b_qp(data).decode().replace("\r\n", "\n")


@pytest.mark.req("D-01", "D-04")
@given(pieces=PIECES, ahead=st.sets(st.integers(0, 11)))
@settings(max_examples=300, deadline=None)
def test_joined_pieces_are_the_text(pieces: list[str], ahead: set[int]) -> None:
    known = {id(pieces[n]): quoted.encode(pieces[n]) for n in ahead if n < len(pieces) and pieces[n]}
    made = quoted.join(pieces, known)
    assert read(made) == "".join(pieces)
    lines = made.split(b"\r\n")
    assert max(len(line) for line in lines) <= 76
    assert re.search(rb"(?<!\r)\n|\r(?!\n)|[^\r\n -~]", made) is None
    # nothing left for dot-stuffing, for DKIM's relaxed form, or for a gateway that trims lines
    assert not [line for line in lines if line.startswith(b".") or line.endswith(b" ") or b"  " in line]


@given(pieces=PIECES)
@settings(max_examples=300, deadline=None)
def test_tidying_pieces_is_tidying_the_text(pieces: list[str]) -> None:
    known = {id(one): plain_text.part(one) for one in pieces[::2]}
    assert "".join(plain_text.tidied(pieces, known)) == plain_text.tidy("".join(pieces))


@pytest.mark.parametrize(
    ("text", "way"), [("Bonjour, ça va ?\n" * 20, "quoted-printable"), ("日本語の手紙\n" * 20, "base64")]
)
def test_the_shorter_way_is_taken(text: str, way: str) -> None:
    assert bodies.shorter(text) == way
    other = "base64" if way == "quoted-printable" else "quoted-printable"
    assert len(bodies.transferred(text, way)) < len(bodies.transferred(text, other))  # type: ignore[arg-type]
