"""Data that may not be kept here: is a value, or what a column is called, such? A-025, A-026, A-027. Pure.

    chunk of a column ─▶ one search over all of it ─▶ the few cells it points at ─▶ check digits
                         (no digit run, no word: done)

Numbers count by their check digits, so that telephone, SIRET and order numbers pass; the rates of both errors
are measured in tests/contacts/test_forbidden_rates.py. What was found is named by its kind only: a value
never leaves these functions.
"""

import re
import unicodedata
from collections.abc import Sequence
from enum import StrEnum
from functools import lru_cache

from mailer.core import forbidden_words
from mailer.core.text import N_


class Kind(StrEnum):
    NIR = "nir"
    CARD = "card"
    IBAN = "iban"
    TAX = "tax"
    IDENTITY = "identity"
    HEALTH = "health"


# of a column, a field or a question
NAME_REFUSED = {
    Kind.NIR: N_("Social security numbers may not be kept here."),
    Kind.CARD: N_("Bank card numbers may not be kept here."),
    Kind.IBAN: N_("Bank account numbers may not be kept here."),
    Kind.TAX: N_("Personal tax numbers may not be kept here."),
    Kind.IDENTITY: N_("Numbers of identity papers may not be kept here."),
    Kind.HEALTH: N_("Data about health may not be kept here."),
}
VALUE_REFUSED = {
    Kind.NIR: N_("This looks like a social security number, which may not be kept here. Remove it."),
    Kind.CARD: N_("This looks like a bank card number, which may not be kept here. Remove it."),
    Kind.IBAN: N_("This looks like a bank account number, which may not be kept here. Remove it."),
    Kind.TAX: N_("This looks like a personal tax number, which may not be kept here. Remove it."),
    Kind.IDENTITY: N_(
        "This looks like the number of an identity paper, which may not be kept here. Remove it."
    ),
    Kind.HEALTH: N_("This looks like data about health, which may not be kept here. Remove it."),
}


def folded(text: str) -> str:
    """`N° de Sécu` → `n de secu`: lower case, no accents, words by one blank."""
    plain = unicodedata.normalize("NFKD", text[:2000]).casefold().replace("œ", "oe").replace("æ", "ae")
    return " ".join("".join(c if c.isalnum() else " " for c in plain if not unicodedata.combining(c)).split())


def _phrases(joined: str) -> re.Pattern[str]:
    phrases = (" ".join(phrase.split()) for phrase in joined.split("|"))
    return re.compile(r"\b(?:" + "|".join(re.escape(p).replace(r"\*", r"\w*") for p in phrases if p) + r")\b")


_NAMES = {Kind(kind): _phrases(joined) for kind, joined in forbidden_words.NAMES.items()}
_NOT_NAMES = {Kind(kind): _phrases(joined) for kind, joined in forbidden_words.NOT_NAMES.items()}
_TELEPHONE = _phrases("tel|tel *|telephone*|mobile*|portable*|phone*|gsm|fax|cellphone")


@lru_cache(maxsize=4096)
def of_name(name: str) -> Kind | None:
    """What a heading, a field or a question asks for, when that is forbidden."""
    words = folded(re.sub(r"(?<=[a-zà-ÿ])(?=[A-Z])", " ", name))  # numeroSecu
    for kind, pattern in _NAMES.items():
        if pattern.search(words) and not (kind in _NOT_NAMES and _NOT_NAMES[kind].search(words)):
            return kind
    return None


_DIGIT = re.compile(r"\d")
_LETTERS = re.compile("[A-Za-z\u00c0-\uffff]{3}")
# separators inside a number
_GAP = r"[ .\-\u00a0\u2009\u202f]?"
# A chunk is first looked at as shapes: digits 0, letters A, anything else x, separators gone. That and `in`
# cost nanoseconds a cell; a regular expression over the text took ten times as long.
_SHAPES = bytes(
    48 if 48 <= c < 58 else 65 if 65 <= c < 91 or 97 <= c < 123 else 10 if c == 10 else 120
    for c in range(256)
)
_GAPS = b" .-\xa0"
# 13 digits; the country and key of an IBAN; a Corsican NIR; the middle of a codice fiscale
_HINTS = (b"0" * 13, b"AA00", b"0A00000000", b"00A00A000A")
_HINT = re.compile(rb"0{13}|AA00[0A]{11}|0A0{8}|00A00A000A")
# what only its dashes and dots tell from a telephone number
_WRITTEN = re.compile(r"\d{3}-\d\d-\d{4}|\d\d\.\d\d\.\d\d-\d{3}[.\- ]\d\d")

_HEALTH_WORDS = frozenset(forbidden_words.HEALTH_WORDS.split())
_HEALTH_PHRASES = _phrases(forbidden_words.HEALTH_PHRASES)
_HEALTH_HINTS = tuple(forbidden_words.HEALTH_HINTS.split())


def screen(cells: Sequence[str], *, name: str = "", words: bool = True) -> dict[int, Kind]:
    """Which cells of a column are forbidden: index → kind. `name`: its heading; `words`: health, too?"""
    text = "\n".join(cells)
    if text.count("\n") != len(cells) - 1:
        cells = [cell.replace("\n", " ") for cell in cells]
        text = "\n".join(cells)
    found: dict[int, Kind] = {}
    suspects = _suspects(text, cells)
    if suspects:
        telephone = _TELEPHONE.search(folded(name)) is not None
        found = {i: kind for i in suspects if (kind := _number(cells[i], telephone=telephone))}
    if words:
        found |= _sick(text, cells)
    return found


def of_value(value: str, *, name: str = "", words: bool = True) -> Kind | None:
    """One value by itself."""
    return screen([value], name=name, words=words).get(0)


def _suspects(text: str, cells: Sequence[str]) -> list[int]:
    """The cells that may hold a number of ours."""
    if not _DIGIT.search(text):
        return []
    if not text.isascii():
        text = text.replace("\u202f", " ").replace("\u2009", " ")
    shapes = text.encode("latin-1", "replace").translate(_SHAPES, _GAPS)
    found = []
    if any(hint in shapes for hint in _HINTS):
        found = [i for i, shape in enumerate(shapes.split(b"\n")) if _HINT.search(shape)]
    if "-" in text and _WRITTEN.search(text):
        found += [i for i, cell in enumerate(cells) if _WRITTEN.search(cell)]
    return found


def _sick(text: str, cells: Sequence[str]) -> dict[int, Kind]:
    if not _LETTERS.search(text):
        return {}
    # a town or a trade stands in thousands of rows: each is looked at once
    different = set(cells)
    lower = "\n".join(different).lower()
    hints = [hint for hint in _HEALTH_HINTS if hint in lower]
    if not hints:
        return {}
    sick = {cell for cell in different if any(hint in cell.lower() for hint in hints) and _is_health(cell)}
    return {i: Kind.HEALTH for i, cell in enumerate(cells) if cell in sick} if sick else {}


def _is_health(cell: str) -> bool:
    words = folded(cell)
    return not _HEALTH_WORDS.isdisjoint(words.split()) or _HEALTH_PHRASES.search(words) is not None


def _number(cell: str, *, telephone: bool) -> Kind | None:
    """`telephone`: the column says so; then what its check digits leave to chance does not count."""
    if cell.isdecimal() and len(cell) not in (13, 15):  # a column of SIRET: most of what comes here
        return Kind.CARD if not telephone and len(cell) <= 19 and _is_card_number(cell) else None
    if _is_nir(cell):
        return Kind.NIR
    if _is_iban(cell):
        return Kind.IBAN
    if not telephone:
        if _is_card(cell):
            return Kind.CARD
        if _is_tax(cell):
            return Kind.TAX
    return Kind.IDENTITY if _is_identity(cell) else None


# ---------------------------------------------------------------- NIR

# sex, year, month (also 20 to 42 and 50 to 99 of people whose papers are incomplete), department, commune,
# order, key (INSEE: 97 − n mod 97; Corsica: 2A → 19, 2B → 18)
_NIR = re.compile(
    rf"(?<!\d)([1-478]){_GAP}(\d\d){_GAP}(0[1-9]|1[0-2]|[2-9]\d){_GAP}(\d\d|2[ABab]){_GAP}(\d{{3}}){_GAP}"
    rf"(\d{{3}}){_GAP}/?{_GAP}(\d\d)(?!\d)"
)
# without its key only in the groups people write it in
_NIR_GROUPS = re.compile(r"(?<![\d.\- ])[12] \d\d (?:0[1-9]|1[0-2]) (?:\d\d|2[ABab]) \d{3} \d{3}(?![\d ])")


def _is_nir(text: str) -> bool:
    start = 0
    while hit := _NIR.search(text, start):
        number = int("".join(hit.groups()[:-1]).upper().replace("2A", "19").replace("2B", "18"))
        if int(hit[7]) == 97 - number % 97:
            return True
        start = hit.start() + 1
    return _NIR_GROUPS.search(text) is not None


# ---------------------------------------------------------------- cards

_RUN = re.compile(rf"(?<![\d+])\d(?:{_GAP}\d){{12,}}(?!\d)")
# first digits and lengths: Visa, Mastercard (two), American Express, Diners, JCB, Discover, UnionPay, Maestro
_BRANDS = re.compile(
    r"4(?:\d{12}|\d{15}|\d{18})|5[1-5]\d{14}|2(?:22[1-9]|2[3-9]\d|[3-6]\d\d|7[01]\d|720)\d{12}|3[47]\d{13}"
    r"|3(?:0[0-5]|[689]\d)\d{11}(?:\d{2}|\d{5})?|35(?:2[89]|[3-8]\d)\d{12,15}"
    r"|6(?:011|4[4-9]\d|5\d\d)\d{12,15}|62\d{14,17}|(?:5[0678]\d\d|6304|6390|67\d\d)\d{12,15}"
)
_CARD_GROUPS = frozenset(
    [(4, 4, 4, 4), (4, 4, 4, 4, 3), (4, 6, 5), (4, 6, 4), (4, 4, 4, 1), (4, 3, 3, 3), (4, 4, 4, 2), (4, 4, 5),
     (4, 5, 6), (8, 8), (4, 4, 4, 3)]
)  # fmt: skip
_GERMAN_MOBILE = re.compile(r"49(?:15|16|17)\d{9}")


def _is_card(text: str) -> bool:
    for run in _RUN.finditer(text):
        groups = [group for group in re.split(r"\D", run[0]) if group]
        whole = "".join(groups)
        if _GERMAN_MOBILE.fullmatch(run[0]):
            continue
        if len(whole) <= 19 and _is_card_number(whole):
            return True
        # a date or a cryptogram behind the number belongs to the run: 4970 1012 3456 7890 12 27
        for first in range(len(groups)):
            for last in range(first + 1, min(first + 5, len(groups)) + 1):
                part = groups[first:last]
                sizes = tuple(map(len, part))
                single = len(part) == 1 and 15 <= sizes[0] <= 16
                if (single or sizes in _CARD_GROUPS) and _is_card_number("".join(part)):
                    return True
    return False


def _is_card_number(digits: str) -> bool:
    if not _BRANDS.fullmatch(digits) or not _luhn(digits):
        return False
    # A SIRET is Luhn-valid as a whole and in its first nine; most of its last five are below 1000. Of
    # the cards with 14 digits one in a thousand looks like that.
    return not (len(digits) == 14 and digits[9:11] == "00" and _luhn(digits[:9]))


_DOUBLED = (0, 2, 4, 6, 8, 1, 3, 5, 7, 9)


def _luhn(digits: str) -> bool:
    """ISO/IEC 7812-1 annex B."""
    return (sum(map(int, digits[-1::-2])) + sum(_DOUBLED[int(digit)] for digit in digits[-2::-2])) % 10 == 0


# ---------------------------------------------------------------- accounts

# ISO 13616 registry: country → length
_IBAN_LENGTHS = {
    country: length
    for length, countries in {
        15: "NO", 16: "BE", 18: "DK FO FI GL NL SD FK", 19: "MK SI", 20: "AT BA EE KZ XK LT LU MN",
        21: "CR HR LV LI CH", 22: "BH BG GE DE IE ME RS GB VA", 23: "GI IQ IL TL AE OM SO",
        24: "AD CZ MD PK RO SA SK ES SE TN VG DZ", 25: "LY PT ST", 26: "IS TR", 27: "FR MC MR IT SM BI DJ",
        28: "AL AZ CY DO GT HU LB PL SV NI", 29: "BR EG PS QA UA", 30: "JO KW MU YE", 31: "MT SC", 32: "LC",
        33: "RU",
    }.items()
    for country in countries.split()
}  # fmt: skip
_IBAN = re.compile(rf"(?<![A-Z0-9])([A-Z]{{2}}){_GAP}\d{_GAP}\d(?:{_GAP}[A-Z0-9]){{11,30}}")


def _is_iban(text: str) -> bool:
    upper = text.upper()
    start = 0
    while hit := _IBAN.search(upper, start):
        length = _IBAN_LENGTHS.get(hit[1])
        plain = "".join(filter(str.isalnum, hit[0]))
        if length and len(plain) >= length and plain.isascii():
            moved = plain[4:length] + plain[:4]
            # ISO 7064 mod 97-10
            if int("".join(str(int(c, 36)) for c in moved)) % 97 == 1:
                return True
        start = hit.start() + 1
    return False


# ---------------------------------------------------------------- taxes, papers

# SPI: 13 digits, the last three are the first ten modulo 511
_SPI = re.compile(rf"(?<![\d+])[0-3]\d{_GAP}\d\d{_GAP}\d{{3}}{_GAP}\d{{3}}{_GAP}\d{{3}}(?!\d)")
_CODICE_FISCALE = re.compile(r"(?<![A-Z0-9])[A-Z]{6}\d\d[A-EHLMPRST]\d\d[A-Z]\d{3}[A-Z](?![A-Z0-9])")
_ODD = dict(
    zip(
        "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ",
        [1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8,
         12, 14, 16, 10, 22, 25, 24, 23],
        strict=True,
    )
)  # fmt: skip


def _is_tax(text: str) -> bool:
    for hit in _SPI.finditer(text):
        digits = "".join(filter(str.isdecimal, hit[0]))
        if int(digits[:10]) % 511 == int(digits[10:]):
            return True
    return any(_is_codice_fiscale(hit[0]) for hit in _CODICE_FISCALE.finditer(text.upper()))


def _is_codice_fiscale(code: str) -> bool:
    even = sum(int(c) if c.isdecimal() else ord(c) - 65 for c in code[1:15:2])
    return (even + sum(_ODD[c] for c in code[0:15:2])) % 26 == ord(code[15]) - 65


# an American SSN as it is written; a Belgian national number by its date and key (mod 97)
_SSN = re.compile(r"(?<![\d\-])(?!000|666|9)\d{3}-(?!00)\d\d-(?!0000)\d{4}(?![\d\-])")
_BELGIAN = re.compile(
    r"(?<!\d)\d\d[.]?(?:0[1-9]|1[0-2])[.]?(?:0[1-9]|[12]\d|3[01])[\- ]?\d{3}[.\- ]?\d\d(?!\d)"
)


def _is_identity(text: str) -> bool:
    if _SSN.search(text):
        return True
    for hit in _BELGIAN.finditer(text):
        # eleven digits in one piece are a telephone number more often: 33612345678
        if hit[0].isdecimal():
            continue
        digits = "".join(filter(str.isdecimal, hit[0]))
        number, key = int(digits[:9]), int(digits[9:])
        if key in (97 - number % 97, 97 - (2_000_000_000 + number) % 97):
            return True
    return False
