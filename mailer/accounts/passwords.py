"""Passwords: the rule, the hash, and how many are hashed at once. The only import of argon2 and zxcvbn.

everybody   8 characters with letter, digit and another (A-038): about 50 bits, which the CNIL accepts only
            with a throttle (B-02, B-04): there is no switch that turns that of `sign_ins.py` off
operators   80 bits by itself (B-01, B-05): 12 characters of four kinds, 14 of three, or 7 words, in the
            place of the rule for everybody
"""

import asyncio
import base64
import unicodedata
from functools import cache

from argon2 import PasswordHasher, extract_parameters
from argon2.exceptions import HashingError, InvalidHashError, VerificationError
from argon2.low_level import Type, hash_secret

from mailer.core.errors import Fault, Invalid
from mailer.core.text import N_

SHORTEST = 8
LONGEST = 512
# zxcvbn's own bound: past it the search is slow and the password long enough
_LOOKED_AT = 72
_FEWEST_GUESSES = 1_000_000
# zxcvbn's highest score: safe even from whoever has the hash
_FEWEST_GUESSES_OF_OPERATORS = 10_000_000_000
_SHORTEST_OF_FOUR_KINDS, _SHORTEST_OF_THREE_KINDS = 12, 14
_WORDS_OF_A_PHRASE, _LETTERS_OF_A_WORD = 7, 3
# RFC 9106 §4, second recommended option: 3 passes, 4 lanes, 64 MiB, 128-bit salt, 256-bit tag (E-36)
_HASHER = PasswordHasher(
    time_cost=3, memory_cost=64 * 1024, parallelism=4, hash_len=32, salt_len=16, type=Type.ID
)
# 64 MiB each: a flood of sign-ins waits in line and does not eat the machine
_AT_ONCE = 2
_PRODUCT_WORDS = ("mailer", "emailing", "newsletter", "infolettre", "motdepasse")
_LEET = tuple(str.maketrans("0134578@$", f"o{one}eastbas") for one in "il")

RULE = N_("At least 8 characters, with a letter, a digit and another character. Spaces are allowed.")
TOO_LONG = N_("At most 512 characters.")
COMMON = N_("This password is in public lists. Choose a longer or rarer one.")
NEAR = N_("This password is too close to your name, your address or ours. Choose another one.")
VOID = N_("This is the password that somebody else may know. Choose another one.")
OPERATORS_RULE = N_(
    "At least 12 characters with a capital, a small letter, a digit and another character; "
    "or 14 with three of these; or 7 different words of 3 letters or more."
)
OPERATORS_SHORT = N_(
    "Too short for an operator: 12 characters with a capital, a small letter, a digit and another character, "
    "or 14 with three of these."
)
OPERATORS_KINDS = N_(
    "An operator’s password needs at least 14 characters of three of these kinds: capitals, small letters, "
    "digits, others. Or 7 different words of 3 letters or more."
)
OPERATORS_MISS = {
    "capital": N_("An operator’s password of fewer than 14 characters needs a capital too."),
    "small": N_("An operator’s password of fewer than 14 characters needs a small letter too."),
    "digit": N_("An operator’s password of fewer than 14 characters needs a digit too."),
    "other": N_("An operator’s password of fewer than 14 characters needs a sign or a space too."),
}
OPERATORS_EASY = N_("Too easy to guess for an operator: common words or patterns. Choose a rarer password.")


@cache
def _places() -> asyncio.Semaphore:
    return asyncio.Semaphore(_AT_ONCE)


def normal(password: str) -> str:
    """NFC: the same keys on another keyboard give the same password (E-33)."""
    return unicodedata.normalize("NFC", password)


def _words(context: tuple[str, ...]) -> list[str]:
    """Product, person and tenant in lower-case words of four letters and more (E-33)."""
    found = list(_PRODUCT_WORDS)
    for text in context:
        parts = "".join(c if c.isalpha() else " " for c in text.lower().partition("@")[0]).split()
        domain = "".join(c if c.isalpha() else " " for c in text.lower().partition("@")[2]).split()
        found += [word for word in (*parts, *domain, "".join(parts)) if len(word) >= 4]
    return found


def _meets_rule(password: str) -> bool:
    return (
        len(password) >= SHORTEST
        and any(c.isalpha() for c in password)
        and any(c.isdigit() for c in password)
        and any(not c.isalnum() for c in password)
    )


def _kind(character: str) -> str:
    """Letters without capitals, such as 漢, are small ones."""
    if character.isalpha():
        return "capital" if character.isupper() else "small"
    return "digit" if character.isalnum() else "other"


def _is_phrase(password: str) -> bool:
    words = "".join(c if c.isalpha() else " " for c in password.lower()).split()
    return len({word for word in words if len(word) >= _LETTERS_OF_A_WORD}) >= _WORDS_OF_A_PHRASE


def _operators_fault(password: str) -> str | None:
    """What it lacks of 80 bits: one of the three forms of the CNIL's case 1 is enough."""
    kinds = {_kind(c) for c in password}
    shortest = {4: _SHORTEST_OF_FOUR_KINDS, 3: _SHORTEST_OF_THREE_KINDS}.get(len(kinds))
    if _is_phrase(password) or (shortest is not None and len(password) >= shortest):
        return None
    if shortest is None:
        return OPERATORS_KINDS
    if len(password) < _SHORTEST_OF_FOUR_KINDS:
        return OPERATORS_SHORT
    return next(words for kind, words in OPERATORS_MISS.items() if kind not in kinds)


def rule(*, operator: bool) -> str:
    """What a form says beside the field, as a msgid."""
    return OPERATORS_RULE if operator else RULE


def _near(password: str, words: list[str]) -> bool:
    """The word of the context is all there is, but for digits and signs around it."""
    lowered = password.lower()
    readings = (lowered, *(lowered.translate(table) for table in _LEET))
    cores = {"".join(c for c in text if c.isalpha()) for text in readings}
    return any(word in core and len(core) - len(word) < 4 for word in words for core in cores)


def _guesses(password: str, words: list[str]) -> int:
    from zxcvbn import zxcvbn

    return int(zxcvbn(password[:_LOOKED_AT], user_inputs=words)["guesses"])


def fault(password: str, context: tuple[str, ...] = (), *, operator: bool = False) -> str | None:
    """What is wrong with it, as a msgid, or None (A-038, B-05, E-33). `context`: names and addresses at hand.

    Special is whatever is neither letter nor digit, space and Unicode included.
    """
    text = normal(password)
    if len(text) > LONGEST:
        return TOO_LONG
    if operator and (lacking := _operators_fault(text)) is not None:
        return lacking
    if not operator and not _meets_rule(text):
        return RULE
    words = _words(context)
    if _near(text, words):
        return NEAR
    # a list's word with a digit and a sign: `Password1!` takes 18,316 guesses, `abcd12!x` over a million
    guesses = _guesses(text, words)
    if guesses < _FEWEST_GUESSES:
        return COMMON
    if operator and guesses < _FEWEST_GUESSES_OF_OPERATORS:
        return OPERATORS_EASY
    return None


async def is_enough_for_operator(password: str) -> bool:
    """Of the password that an operator signs in with: it may be older than their right, or than the rule."""
    return await asyncio.to_thread(fault, password, operator=True) is None


async def hash_new(
    password: str,
    *,
    field: str = "password",
    context: tuple[str, ...] = (),
    operator: bool = False,
    void: str | None = None,
) -> str:
    """The hash to store. Raises Invalid at `field`. Takes about 100 ms: hold no transaction meanwhile.

    `void`: the hash of a password that must not come back.
    """
    found = await asyncio.to_thread(fault, password, context, operator=operator)
    if found is None and void is not None and await matches(void, password):
        found = VOID
    if found is not None:
        raise Invalid(Fault(field, found, "password"))
    async with _places():
        return await asyncio.to_thread(_HASHER.hash, normal(password))


@cache
def _nobody() -> str:
    return _HASHER.hash("nobody has this password")


def _verify(stored: str | None, password: str) -> bool:
    try:
        # E-40: an unknown person costs the same work as a known one
        return _HASHER.verify(stored or _nobody(), password) and stored is not None
    except (VerificationError, InvalidHashError):
        return False


async def matches(stored: str | None, password: str) -> bool:
    """`stored` None: nobody, or a person without a password; takes as long and is False."""
    async with _places():
        return await asyncio.to_thread(_verify, stored, normal(password[: LONGEST + 1]))


def is_old(stored: str) -> bool:
    """True when the hash was made with weaker parameters than today's (E-36)."""
    return _HASHER.check_needs_rehash(stored)


async def rehash(password: str) -> str:
    """The same password with today's parameters; the rule is not asked again."""
    async with _places():
        return await asyncio.to_thread(_HASHER.hash, normal(password))


def salted(stored: str) -> str:
    """Parameters and salt of a hash, without the hash."""
    return stored.rpartition("$")[0]


def _hash_again(salted: str, password: str) -> str | None:
    try:
        parameters = extract_parameters(f"{salted}$AAAA")
        salt = salted.rpartition("$")[2]
        return hash_secret(
            normal(password[: LONGEST + 1]).encode(),
            base64.b64decode(salt + "=" * (-len(salt) % 4)),
            time_cost=parameters.time_cost,
            memory_cost=parameters.memory_cost,
            parallelism=parameters.parallelism,
            hash_len=_HASHER.hash_len,
            type=parameters.type,
            version=parameters.version,
        ).decode()
    except (HashingError, InvalidHashError, ValueError):
        return None


async def hash_again(salted: str, password: str) -> str | None:
    """The hash that this password gives with these parameters and salt; None when they are none."""
    async with _places():
        return await asyncio.to_thread(_hash_again, salted, password)
