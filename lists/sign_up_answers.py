"""What somebody sent with a sign-up form → checked answers, or every fault at its field. Pure.

The age rule is judged here and forgotten: neither the statement's box nor a date of birth that the rule asks
for goes any further (A-060).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from lists import field_values
from lists.contacts import one_line
from lists.field_values import FieldType, Value, ValueFault
from lists.signup_forms import IN_FRANCE, NAMES, YOUNGEST
from lists.signup_words import Frozen, FrozenField
from mailer.core import addresses
from mailer.core.addresses import AddressError, trim
from mailer.core.errors import Fault, Invalid
from mailer.core.text import N_

Posted = Mapping[str, Sequence[str]]
MAX_TEXT = 1000
TOO_YOUNG = N_("This form is for people of {age} and older. Nothing of what you typed was kept.")
FILL_IN = N_("Fill in “{label}”.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """`opens`, `clicks` None: no yes was given: no answer (B-39). `guardian`: agreed for a younger person."""

    email: str
    first_name: str
    last_name: str
    fields: Mapping[str, Value]
    list_ids: Sequence[int]
    opens: bool | None
    clicks: bool | None
    guardian: bool


def first(posted: Posted, name: str) -> str:
    found = posted.get(name)
    return trim(found[0]) if found else ""


def ticked(posted: Posted, name: str) -> bool:
    return first(posted, name) == "yes"


def check(form: Frozen, posted: Posted, *, today: date) -> Answers:
    """Raises Invalid with every fault. Names that the form does not ask for are not looked at."""
    faults: list[Fault] = []
    email = _email(posted, faults)
    given = {one.key: _value(one, posted, faults) for one in form.fields}
    guardian = bool(form.guardian_text) and ticked(posted, "guardian")
    faults += _age(form, posted, given, guardian=guardian, today=today)
    wanted = set(posted.get("list", ()))
    list_ids = [one.list_id for one in form.purposes if str(one.list_id) in wanted]
    if not list_ids:
        faults.append(Fault("list", N_("Tick what you would like to receive."), "missing"))
    if faults:
        raise Invalid(*faults)
    return Answers(
        email=email,
        first_name=str(given.get("first_name") or ""),
        last_name=str(given.get("last_name") or ""),
        fields={key: value for key, value in given.items() if key not in NAMES and value is not None},
        list_ids=list_ids,
        opens=True if form.opens and ticked(posted, "opens") else None,
        clicks=True if form.clicks and ticked(posted, "clicks") else None,
        guardian=guardian,
    )


def _email(posted: Posted, faults: list[Fault]) -> str:
    try:
        return addresses.parse(first(posted, "email")[:MAX_TEXT]).email
    except AddressError as error:
        faults.append(Fault("email", error.message, error.code, error.params))
        return ""


def _value(field: FrozenField, posted: Posted, faults: list[Fault]) -> Value | None:
    name = field.input_name
    text = first(posted, name)
    if not text:
        if field.required:
            faults.append(Fault(name, FILL_IN, "missing", {"label": field.label}))
        return None
    limit = 200 if field.key in NAMES else MAX_TEXT
    if len(text) > limit:
        faults.append(Fault(name, N_("At most {max_length} characters."), "too_long", {"max_length": limit}))
        return None
    try:
        if field.key in NAMES:
            return field_values.read(one_line(text), FieldType.TEXT)
        return field_values.read(text, field.type)
    except ValueFault as error:
        faults.append(Fault(name, error.message, error.code))
        return None


def years(born: date, today: date) -> int:
    """Whole years of age; who was born on 29 February grows older on 1 March."""
    return today.year - born.year - ((today.month, today.day) < (born.month, born.day))


def _age(
    form: Frozen, posted: Posted, given: Mapping[str, Value | None], *, guardian: bool, today: date
) -> list[Fault]:
    """A-060: below 13 never; below 15 a parent agrees as well, or nobody gets in."""
    faults: list[Fault] = []
    births: list[tuple[str, date]] = []
    if form.age_rule == "statement" and not guardian and not ticked(posted, "age"):
        faults.append(Fault("age", N_("Tick this to go on: “{text}”"), "missing", {"text": form.age_text}))
    if form.age_rule == "birth_date":
        text = first(posted, "birth_date")
        if not text:
            faults.append(Fault("birth_date", FILL_IN, "missing", {"label": form.age_text}))
        else:
            try:
                births.append(("birth_date", date.fromisoformat(field_values.day(text))))
            except ValueFault as error:
                faults.append(Fault("birth_date", error.message, error.code))
    births += [
        (one.input_name, date.fromisoformat(str(value)))
        for one in form.fields
        if one.birth and (value := given.get(one.key)) is not None
    ]
    for name, born in births:
        age = years(born, today)
        limit = form.minimum_age if form.asks_age else IN_FRANCE
        if age < YOUNGEST or (age < limit and not guardian):
            faults.append(Fault(name, TOO_YOUNG, "too_young", {"age": YOUNGEST if guardian else limit}))
        elif born > today or age > 130:
            faults.append(Fault(name, field_values.NOT_A_DATE, "date"))
    return faults
