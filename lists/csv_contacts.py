"""A record of the file → a contact to store, or the reason why not. Pure."""

import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from lists import field_values, opt_outs
from lists.csv_mapping import BUILT_IN, STATUS, ColumnMapping
from lists.csv_rows import Record
from lists.field_values import FieldType, Value
from mailer.core import addresses, errors
from mailer.core.addresses import trim
from mailer.core.text import N_


class ContactRow(NamedTuple):
    """A checked row. None: the file says nothing about it (no such column, or an empty cell)."""

    line: int
    email: str
    key: str
    first_name: str | None
    last_name: str | None
    language: str | None
    fields: dict[str, Value]
    opt_out: str = ""  # one of opt_outs.OptOut: then nothing else of the row counts


class Reject(NamedTuple):
    """A row that goes to the error file. `value` is masked; `message` is a msgid with {params}."""

    line: int
    column_name: str
    code: str
    value: str
    message: str
    params: Mapping[str, str | int]


NO_SUCH_FIELD = N_("The field “{target}” does not exist any more. Choose where its column goes.")
MAX_NAME = 200  # characters, as in the table
_LANGUAGES = {
    **dict.fromkeys(("fr", "fra", "fre", "français", "francais", "french"), "fr"),
    **dict.fromkeys(("en", "eng", "english", "anglais"), "en"),
}
_REJECTS = {
    "columns": N_("This row has {count} cells, the heading has {expected}. Quote cells with the separator."),
    "language": N_("This language is not offered. Write fr or en."),
    "name_too_long": N_("This name has {count} characters; {limit} at most."),
    "character": field_values.UNREADABLE,
}


class Checker:
    """Checks records of one file: `checker(record)` → what to store, or the first reason not to.

    `field_types`: the account's fields, key → type; `options` of the choices. Invalid when the mapping
    names a field that is not there.
    Doubles in the file are the merge's affair.
    """

    def __init__(
        self,
        mapping: ColumnMapping,
        field_types: Mapping[str, FieldType],
        options: Mapping[str, Sequence[str]] | None = None,
    ) -> None:
        unknown = [target for _, target in mapping.others if target not in (*BUILT_IN, *field_types)]
        if unknown:
            raise errors.fault("mapping", NO_SUCH_FIELD, code="no_such_field", target=unknown[0])
        self._mapping, self._width, self._email = mapping, len(mapping.targets), mapping.email
        self._built_in = [
            (column, BUILT_IN.index(target) - 1, _language if target == "language" else _name)
            for column, target in mapping.others
            if target in BUILT_IN and target != STATUS
        ]
        self._states = [
            (column, opt_outs.reader(mapping.heading(column)))
            for column, target in mapping.others
            if target == STATUS
        ]
        self._fields = [
            (
                column,
                target,
                field_values.reader(
                    field_types[target],
                    decimal_comma=mapping.decimal_comma,
                    options=(options or {}).get(target, ()),
                ),
            )
            for column, target in mapping.others
            if target not in BUILT_IN
        ]

    def __call__(self, record: Record) -> ContactRow | Reject:
        cells = record.cells
        count = len(cells)
        if count > self._width and any(cells[self._width :]):
            params = {"count": count, "expected": self._width}
            return Reject(record.line, "", "columns", "", _REJECTS["columns"], params)
        column = self._email
        text = cells[column] if column < count else ""
        try:
            address = addresses.parse(text)
        except addresses.AddressError as error:
            return self._reject(record, column, addresses.trim(text), error)
        if self._states and (said := self._opt_out(record)):
            if isinstance(said, Reject):
                return said
            return ContactRow(record.line, *address, None, None, None, {}, said)
        names: list[str | None] = [None, None, None]  # in the order of BUILT_IN
        values: dict[str, Value] = {}
        try:
            for column, place, read_name in self._built_in:
                if column < count and (text := trim(cells[column])):
                    names[place] = read_name(text)
            for column, target, read_value in self._fields:
                if column < count and (text := trim(cells[column])):
                    values[target] = read_value(text)
        except field_values.ValueFault as error:
            return self._reject(record, column, text, error)
        first_name, last_name, language = names
        return ContactRow(record.line, *address, first_name, last_name, language, values)

    def _opt_out(self, record: Record) -> opt_outs.OptOut | Reject | None:
        """A no in any column counts, also beside a word that nobody knows."""
        said: opt_outs.OptOut | None = None
        unknown: Reject | None = None
        for column, read_state in self._states:
            if column < len(record.cells) and (text := trim(record.cells[column])):
                try:
                    said = opt_outs.strongest(said, read_state(text))
                except field_values.ValueFault as error:
                    unknown = unknown or self._reject(record, column, text, error)
        # who is to be taken off is, whatever else the row says of them
        return said or (None if self._mapping.leaving else unknown)

    def _reject(
        self, record: Record, column: int, text: str, error: addresses.AddressError | field_values.ValueFault
    ) -> Reject:
        masked = addresses.mask(text[:100]) if text else ""
        params: dict[str, str | int] = {"count": len(text), "limit": MAX_NAME, "address": masked}
        if isinstance(error, field_values.ValueFault):
            params |= error.params
        return Reject(record.line, self._mapping.heading(column), error.code, masked, error.message, params)


def to_contact(
    record: Record, mapping: ColumnMapping, field_types: Mapping[str, FieldType]
) -> ContactRow | Reject:
    """One record by itself; a loop makes one `Checker`."""
    return Checker(mapping, field_types)(record)


def _language(text: str) -> str:
    """`fr_FR`, `Français`, `english` → a language as the table has it."""
    code = _LANGUAGES.get(re.split("[-_ ]", text.casefold(), maxsplit=1)[0])
    if code is None:
        raise field_values.ValueFault("language", _REJECTS["language"])
    return code


def _name(text: str) -> str:
    """A name on one line with single blanks."""
    if not text.isprintable():
        text = " ".join(text.split())  # no-break spaces and line ends of spreadsheets
        if any(ord(character) < 32 or 127 <= ord(character) < 160 for character in text):
            raise field_values.ValueFault("character", _REJECTS["character"])
    if len(text) > MAX_NAME:
        raise field_values.ValueFault("name_too_long", _REJECTS["name_too_long"])
    return text
