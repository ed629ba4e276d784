"""Which column goes where: guesses from headings and samples in French and English, and the choice."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from lists import field_values, known_exports, opt_outs
from lists.csv_headings import words
from lists.field_values import FieldType
from mailer.core import addresses, errors
from mailer.core.text import N_

# no field's key has a dot; several columns may tell it
STATUS = "subscription.status"
BUILT_IN = ("email", "first_name", "last_name", "language", STATUS)

# S14: what a template reaches under these names already, and what a mapping in Jinja answers itself
_RESERVED_WORDS = """
email first_name last_name language id contact sender account list subject fields tags key keys items values
get pop update copy clear unsubscribe_url preferences_url tracking_url rights_url web_version_url
if else for in is not and or true false none self loop
"""
RESERVED = frozenset(_RESERVED_WORDS.split())

NO_EMAIL = N_("No column is mapped to the e-mail address. Choose the one that holds it.")
TWICE = N_("The columns {columns} both go to “{target}”. Choose one.")
RESERVED_NAME = N_("“{label}” is a name the templates already use. Choose another.")
NO_LETTER = N_("“{label}” has no letter. Write a name with at least one.")


@dataclass(frozen=True, slots=True)
class ColumnMapping:
    """`targets[i]`: where column i goes: a built-in name, a field's key, or "" for nowhere.

    Invalid when no column or two columns go to the address, or two to the same field. `leaving`: people are
    taken off, and a word for a state that nobody knows rejects no row.
    """

    header: tuple[str, ...]
    targets: tuple[str, ...]
    decimal_comma: bool = True
    leaving: bool = False
    email: int = field(init=False)
    others: tuple[tuple[int, str], ...] = field(init=False)

    def __post_init__(self) -> None:
        used = [target for target in self.targets if target]
        for target in dict.fromkeys(used):
            if target != STATUS and used.count(target) > 1:
                columns = ", ".join(
                    self.heading(i) for i, other in enumerate(self.targets) if other == target
                )
                raise errors.fault("mapping", TWICE, code="twice", columns=columns, target=target)
        if "email" not in used:
            raise errors.fault("mapping", NO_EMAIL, code="no_email")
        object.__setattr__(self, "email", self.targets.index("email"))
        others = ((i, target) for i, target in enumerate(self.targets) if target and target != "email")
        object.__setattr__(self, "others", tuple(others))

    def heading(self, column: int) -> str:
        """The heading of a column (from 0), or its letter as spreadsheets count when it has none."""
        return (self.header[column] if column < len(self.header) else "") or letter(column)


def letter(column: int) -> str:
    """0 → A, 25 → Z, 26 → AA."""
    name = ""
    column += 1
    while column:
        column, rest = divmod(column - 1, 26)
        name = chr(65 + rest) + name
    return name


def slug(label: str) -> str:
    """A label → the immutable key `[a-z][a-z0-9_]{0,39}`; Invalid when reserved (S14) or letterless."""
    key = re.sub(r"^[0-9 ]+", "", words(label)).replace(" ", "_")[:40].rstrip("_")
    if not key:
        raise errors.fault("label", NO_LETTER, code="no_letter", label=label)
    if key in RESERVED:
        raise errors.fault("label", RESERVED_NAME, code="reserved", label=label)
    return key


def free_key(label: str, taken: Sequence[str] | set[str]) -> str:
    """A key for a heading whatever it is: `slug`, with a number behind when that is reserved or taken."""
    base = re.sub(r"^[0-9 ]+", "", words(label)).replace(" ", "_")[:36].strip("_") or "field"
    numbered = (base if n == 1 else f"{base}_{n}" for n in range(1, len(taken) + len(RESERVED) + 3))
    return next(key for key in numbered if key not in RESERVED and key not in taken)


# headings as `words` leaves them
_HEADINGS = {
    "email": "email|e mail|mail|courriel|adresse email|adresse e mail|adresse mail|adresse courriel|"
    "adresse electronique|adresse de messagerie|email address|e mail address|mail address|emailaddress|"
    "courrier electronique|contact email|user email|votre email",
    "first_name": "prenom|prenoms|first name|firstname|given name|given names|forename|fname|"
    "merge first name",
    "last_name": "nom|nom de famille|last name|lastname|surname|family name|lname|nom usuel|merge last name",
    "language": "langue|language|lang|locale|preferred language|langue preferee",
}
_BY_HEADING = {heading: target for target, joined in _HEADINGS.items() for heading in joined.split("|")}


def built_in(heading: str) -> str | None:
    """Which of ours a heading names, if any."""
    return _BY_HEADING.get(words(heading))


# bookkeeping of other products in whatever table: facts about people that nobody asked us to keep
_BOOKKEEPING_WORDS = """
member rating|optin time|optin ip|confirm time|confirm ip|latitude|longitude|gmtoff|dstoff|timezone|cc|region|
last changed|leid|euid|unsub campaign title|unsub reason|contact id|sms blacklist|added time|modified time
"""
_BOOKKEEPING = frozenset(_BOOKKEEPING_WORDS.replace("\n", "").split("|"))


@dataclass(frozen=True, slots=True)
class Guess:
    """What to propose for a column. `new` when `target` is a field that does not exist yet."""

    column: int
    heading: str
    samples: tuple[str, ...]
    target: str
    new: bool
    type: FieldType


def guess(
    header: Sequence[str], sample: Sequence[Sequence[str]], fields: Mapping[str, tuple[str, FieldType]]
) -> list[Guess]:
    """One guess a column. `fields`: the account's fields, key → (label, type).

    The address is the column whose heading says so, else the one whose cells are addresses. Each target is
    proposed once; bookkeeping of other products and empty columns are proposed to stay out.
    """
    columns = [
        [text for row in sample if i < len(row) and (text := addresses.trim(row[i]))]
        for i in range(len(header))
    ]
    known = {words(label): key for key, (label, _) in fields.items()}
    known |= {words(key): key for key in fields}
    product = known_exports.recognise(header)
    skipped = _BOOKKEEPING | (product.skip if product else frozenset())
    email = _email_column(header, columns)
    used = {"email"} if email is not None else set()
    found = []
    for i, heading in enumerate(header):
        told, cells = words(heading), columns[i]
        target, new, kind = "", False, guess_type(cells)
        # our own JSON has the fields one level down
        named = _BY_HEADING.get(told) or known.get(told) or known.get(told.removeprefix("fields "))
        if i == email:
            target, kind = "email", FieldType.TEXT
        elif named and named != "email" and named not in used:
            target = named
            kind = fields[named][1] if named in fields else FieldType.TEXT
        elif told not in known and opt_outs.says(heading, cells):
            target, kind = STATUS, FieldType.TEXT
        elif told and told not in skipped and cells and named is None:
            target, new = free_key(heading, used | set(fields)), True
        used.add(target)
        found.append(Guess(i, heading or letter(i), tuple(cells[:3]), target, new, kind))
    return found


def _email_column(header: Sequence[str], columns: Sequence[Sequence[str]]) -> int | None:
    shares = [_share(cells, looks_like_address) for cells in columns]
    by_heading = [i for i, heading in enumerate(header) if _BY_HEADING.get(words(heading)) == "email"]
    candidates = by_heading or [i for i, share in enumerate(shares) if share >= 0.5]
    return max(candidates, key=lambda i: (shares[i], -i), default=None)


def looks_like_address(text: str) -> bool:
    try:
        addresses.parse(text)
    except addresses.AddressError:
        return False
    return True


def _share(cells: Sequence[str], test: Callable[[str], bool]) -> float:
    return sum(map(test, cells)) / len(cells) if cells else 0.0


_CLEAR_BOOLEANS = {"oui", "non", "yes", "no", "vrai", "faux", "true", "false"}
_CODE = re.compile(r"[+]?0\d+")  # 0612345678, 01000: digits that name something, whose zero must stay


def guess_type(cells: Sequence[str]) -> FieldType:
    """The narrowest type that every sample cell has; text when there are none."""
    if not cells:
        return FieldType.TEXT
    if {cell.casefold() for cell in cells} <= _CLEAR_BOOLEANS:
        return FieldType.BOOLEAN
    if all(_reads(cell, FieldType.DATE) for cell in cells):
        return FieldType.DATE
    phone_like = any(_CODE.fullmatch(cell.replace(" ", "")) or cell.startswith("+") for cell in cells)
    if not phone_like and all(_reads(cell, FieldType.NUMBER) for cell in cells):
        return FieldType.NUMBER
    return FieldType.LIST if sum("|" in cell for cell in cells) * 2 >= len(cells) else FieldType.TEXT


def _reads(cell: str, kind: FieldType) -> bool:
    try:
        field_values.read(cell, kind)
    except field_values.ValueFault:
        return False
    return True
