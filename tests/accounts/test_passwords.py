"""The rule, its lists, and the hash."""

import re
import unicodedata

import pytest

from mailer.accounts import passwords
from mailer.core.errors import Invalid

CONTEXT = ("jean.durand@exemple.fr", "Jean", "Durand")


@pytest.mark.req("A-038")
@pytest.mark.parametrize(
    "password",
    [
        "abcd12!x",
        "rue 7 nord",
        "ré7 nordé",
        "漢字漢字 12a",
        "une péniche bleue 7 et un très long chemin " * 3,
    ],
)
def test_eight_characters_with_letter_digit_and_another_are_enough(password: str) -> None:
    assert passwords.fault(password, CONTEXT) is None


@pytest.mark.req("A-038")
@pytest.mark.parametrize("password", ["abcdefg1", "1234567!", "abc12!x", "abcdefg!", "        "])
def test_anything_less_is_refused(password: str) -> None:
    assert passwords.fault(password) == passwords.RULE


@pytest.mark.req("A-038")
def test_letters_of_other_scripts_are_letters_and_not_special() -> None:
    assert passwords.fault("北京上海广州12") == passwords.RULE
    assert passwords.fault("北京上海广州1!") is None


@pytest.mark.req("E-33")
@pytest.mark.parametrize("password", ["Password1!", "P@ssw0rd1!", "Qwerty123!", "azerty12!", "Iloveyou1!"])
def test_public_lists_are_refused_though_they_meet_the_rule(password: str) -> None:
    assert passwords.fault(password) == passwords.COMMON


@pytest.mark.req("E-33")
@pytest.mark.parametrize(
    "password", ["Durand2026!", "mailer-2026", "M@iler2026!", "jean.durand1!", "D0r4nd exemple1"]
)
def test_words_at_hand_are_refused(password: str) -> None:
    expected = None if password.startswith("D0r4nd") else passwords.NEAR
    assert passwords.fault(password, CONTEXT) == expected


@pytest.mark.req("E-33")
async def test_128_characters_count_to_the_last_and_the_form_of_accents_does_not() -> None:
    long = ("un été 7 à la mer avec des huîtres " * 4)[:127] + "z"
    stored = await passwords.hash_new(long)
    assert await passwords.matches(stored, long)
    assert not await passwords.matches(stored, long[:-1] + "y")
    assert await passwords.matches(stored, unicodedata.normalize("NFD", long))


@pytest.mark.req("E-36", "B-06")
async def test_the_hash_is_argon2id_with_64_mib_and_a_salt_of_its_own() -> None:
    one, two = await passwords.hash_new("une péniche 7"), await passwords.hash_new("une péniche 7")
    assert re.match(r"\$argon2id\$v=19\$m=65536,t=3,p=4\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$", one)
    assert one != two
    assert not passwords.is_old(one)
    assert passwords.is_old("$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHRzb21lc2FsdA$" + "A" * 43)


@pytest.mark.req("E-40")
async def test_nobody_and_a_damaged_hash_match_nothing() -> None:
    assert not await passwords.matches(None, "nobody has this password")
    assert not await passwords.matches("not a hash", "x")


async def test_a_bad_password_is_a_fault_at_its_field() -> None:
    with pytest.raises(Invalid) as caught:
        await passwords.hash_new("Password1!", field="new")
    assert [(fault.field, fault.code) for fault in caught.value.faults] == [("new", "password")]
