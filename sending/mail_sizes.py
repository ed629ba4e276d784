"""Lengths and colours as MJML's attributes give them; whatever cannot be read falls back."""

import re

NAMED = {
    "white": "#ffffff", "black": "#000000", "gray": "#808080", "grey": "#808080", "red": "#ff0000",
    "navy": "#000080",
}  # fmt: skip
_NUMBER = re.compile(r"-?\d{1,9}(?:\.\d{1,9})?")
_HEX = re.compile(r"#(?:[0-9a-fA-F]{3}|[0-9a-fA-F]{6})")


def pixels(text: str, otherwise: float) -> float:
    found = _NUMBER.match(text.strip())
    return otherwise if found is None or text.strip().endswith("%") else min(max(float(found[0]), 0), 4_000)


def width(text: str, whole: float) -> float:
    found = _NUMBER.match(text.strip())
    if found is None:
        return 0
    number = max(float(found[0]), 0)
    return min(whole * number / 100 if text.strip().endswith("%") else number, whole)


def sides(text: str) -> tuple[float, float, float, float]:
    given = [pixels(one, 0) for one in text.split()[:4]] or [0.0]
    top = given[0]
    right = given[1] if len(given) > 1 else top
    bottom = given[2] if len(given) > 2 else top
    return top, right, bottom, given[3] if len(given) > 3 else right


def factor(text: str, size: float) -> float:
    found = _NUMBER.match(text.strip())
    if found is None:
        return 1.2
    number = float(found[0])
    if text.strip().endswith("%"):
        number /= 100
    elif text.strip().endswith("px"):
        number /= max(size, 1)
    return min(max(number, 1), 3)


def color(text: str) -> str:
    """As #rrggbb, or "" where it is none that a picture can show."""
    text = NAMED.get(text.strip().lower(), text.strip())
    if not _HEX.fullmatch(text):
        return ""
    return text.lower() if len(text) == 7 else "#" + "".join(digit * 2 for digit in text[1:].lower())
