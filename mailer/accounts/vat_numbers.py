"""VAT numbers of the EU, checked for their form, offline (A-041).

The prefix is that of Directive 2006/112/EC art. 215; the structures are those the Commission lists for VIES.
"""

import re

_FORMS = {
    "AT": r"U\d{8}",
    "BE": r"[01]\d{9}",
    "BG": r"\d{9,10}",
    "CY": r"\d{8}[A-Z]",
    "CZ": r"\d{8,10}",
    "DE": r"\d{9}",
    "DK": r"\d{8}",
    "EE": r"\d{9}",
    "EL": r"\d{9}",
    "ES": r"[A-Z0-9]\d{7}[A-Z0-9]",
    "FI": r"\d{8}",
    "FR": r"[A-HJ-NP-Z0-9]{2}\d{9}",
    "HR": r"\d{11}",
    "HU": r"\d{8}",
    "IE": r"\d[A-Z0-9+*]\d{5}[A-Z]{1,2}",
    "IT": r"\d{11}",
    "LT": r"(?:\d{9}|\d{12})",
    "LU": r"\d{8}",
    "LV": r"\d{11}",
    "MT": r"\d{8}",
    "NL": r"\d{9}B\d{2}",
    "PL": r"\d{10}",
    "PT": r"\d{9}",
    "RO": r"\d{2,10}",
    "SE": r"\d{12}",
    "SI": r"\d{8}",
    "SK": r"\d{10}",
    "XI": r"(?:\d{9}|\d{12}|GD\d{3}|HA\d{3})",
}


def normal(text: str) -> str:
    """Without spaces, dots and dashes, in capitals."""
    return re.sub(r"[\s.\-]", "", text).upper()


def well_formed(text: str) -> bool:
    """A number of an EU country by its form; the French key digits are counted too."""
    form = _FORMS.get(text[:2])
    if form is None or not re.fullmatch(form, text[2:]):
        return False
    return not (text.startswith("FR") and text[2:].isdigit()) or _french_key(text)


def _french_key(text: str) -> bool:
    """Key = (12 + 3 · (SIREN mod 97)) mod 97."""
    return int(text[2:4]) == (12 + 3 * (int(text[4:]) % 97)) % 97
