"""Headings and words of tables, compared without capitals, accents and signs. Pure."""

import unicodedata


def words(text: str) -> str:
    """`Adresse_E-mail` → `adresse e mail`: lower case, without accents, words by one space."""
    folded = unicodedata.normalize("NFKD", text).casefold().replace("œ", "oe").replace("æ", "ae")
    plain = "".join(c if c.isascii() and c.isalnum() else " " for c in folded if not unicodedata.combining(c))
    return " ".join(plain.split())
