"""Passwords: the rule, the hash, and how many are hashed at once. The only import of argon2 and zxcvbn.

The rule of A-038 counts about 50 bits, which the CNIL accepts only with a throttle (B-02, B-04): there is no
switch that turns the throttle of `sign_ins.py` off.
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


def _near(password: str, words: list[str]) -> bool:
    """The word of the context is all there is, but for digits and signs around it."""
    lowered = password.lower()
    readings = (lowered, *(lowered.translate(table) for table in _LEET))
    cores = {"".join(c for c in text if c.isalpha()) for text in readings}
    return any(word in core and len(core) - len(word) < 4 for word in words for core in cores)


def _guesses(password: str, words: list[str]) -> int:
    from zxcvbn import zxcvbn

    return int(zxcvbn(password[:_LOOKED_AT], user_inputs=words)["guesses"])


def fault(password: str, context: tuple[str, ...] = ()) -> str | None:
    """What is wrong with it, as a msgid, or None (A-038, E-33). `context`: names and addresses at hand.

    Special is whatever is neither letter nor digit, space and Unicode included.
    """
    text = normal(password)
    if len(text) > LONGEST:
        return TOO_LONG
    if not _meets_rule(text):
        return RULE
    words = _words(context)
    if _near(text, words):
        return NEAR
    # a list's word with a digit and a sign: `Password1!` takes 18,316 guesses, `abcd12!x` over a million
    if _guesses(text, words) < _FEWEST_GUESSES:
        return COMMON
    return None


async def hash_new(password: str, *, field: str = "password", context: tuple[str, ...] = ()) -> str:
    """The hash to store. Raises Invalid at `field`. Takes about 100 ms: hold no transaction meanwhile."""
    found = await asyncio.to_thread(fault, password, context)
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
