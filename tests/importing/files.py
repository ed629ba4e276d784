"""Sample files: the French Excel one of the walk, and others on demand."""

import itertools

from lists import csv_write

NAMES = ("Zoé", "Jérôme", "Anaïs", "François", "Œdipe", "Noël", "Chloé", "Gaël")
TOWNS = ("Saint-Étienne", "Orléans", "L’Haÿ-les-Roses", "Besançon")
# what people really leave in a column of addresses: every one has its own reason
BAD = (
    "",
    "jean",
    "jean@",
    "@exemple.test",
    "jean@exemple",
    "a b@exemple.test",
    "a@b.test;c@d.test",
    "jean@@exemple.test",
)


def excel_fr(rows: int = 4_849, bad: int = 37, *, prefix: str = "client") -> bytes:
    """`;`, cp1252, CR LF, as Excel saves it in France. Every 131st row is bad until there are `bad` of them."""
    lines = [["E-mail", "Prénom", "Nom", "Ville", "Achats"]]
    faults = itertools.cycle(BAD)
    left = bad
    for n in range(1, rows + 1):
        email = f"{prefix}.{n}@exemple.test"
        if n % 131 == 0 and left:
            email, left = next(faults), left - 1
        lines.append([email, NAMES[n % 8], f"Dupré {n}", TOWNS[n % 4], f"{n},5"])
    assert left == 0, "too few rows for so many faults"
    return table(lines)


def table(rows: list[list[str]], *, delimiter: str = ";", encoding: str = "cp1252") -> bytes:
    return csv_write.encode(rows, delimiter=delimiter).decode().encode(encoding)


def people(*emails: str, encoding: str = "utf-8") -> bytes:
    """A small file: address and first name."""
    rows = [[email, f"Prénom {n}"] for n, email in enumerate(emails, 1)]
    return table([["E-mail", "Prénom"], *rows], encoding=encoding)
