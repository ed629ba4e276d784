"""A certificate of erasure in words: its page shows what its file holds."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from mailer.core.text import N_
from retention_jobs.certificate_classes import CLASSES

KEPT = {
    "certificate": N_("This certificate, without personal data"),
    "former_people": N_("Of each member, what makes the sign-in say that the account was erased: no address"),
    "held_people": N_("Data of people under a legal hold, a copy apart"),
}
BASES = (
    N_("GDPR, art. 5(2) and 28(3)(g)"),
    N_("GDPR, art. 6(1)(f) and 32: log of sign-ins"),
)
# days as people read them; the file has them in UTC
ZONE = "Europe/Paris"


@dataclass(frozen=True, slots=True)
class Erased:
    """A line: the class in words (a msgid), rows, and the tables they lay in."""

    words: str
    rows: int
    tables: str


@dataclass(frozen=True, slots=True)
class Kept:
    """A line of what stays: in words (a msgid), by which law, until when."""

    words: str
    rows: int
    legal_basis: str
    until: datetime


def classes(told: Mapping[str, Any]) -> list[Erased]:
    """Every class, also those of which there was nothing."""
    deleted = told["deleted"]
    return [
        Erased(words, sum(deleted.get(name, {}).values()), ", ".join(sorted(deleted.get(name, {}))))
        for name, words in CLASSES.items()
    ]


def moments(told: Mapping[str, Any]) -> dict[str, datetime | None]:
    return {
        name: datetime.fromisoformat(told[name]) if told[name] else None
        for name in ("opened_at", "closed_at", "erased_at", "retrieval_waived_at")
    }


def kept(told: Mapping[str, Any]) -> list[Kept]:
    return [
        Kept(
            KEPT.get(one["what"], one["what"]),
            one["rows"],
            one["legal_basis"],
            datetime.fromisoformat(one["until"]),
        )
        for one in told["kept"]
    ]
