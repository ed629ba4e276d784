"""Addresses that deserve a second look: offices, mailboxes for minutes, slips of the keyboard. D-84."""

from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path

from mailer.core.addresses import is_role, meant_domain
from mailer.core.text import N_


class Flag(StrEnum):
    ROLE = "role"
    DISPOSABLE = "disposable"
    TYPO = "typo"


LEFT_OUT: Mapping[Flag, str] = {
    Flag.ROLE: N_(
        "“{address}” belongs to an office, not to a person; you chose to leave such addresses out."
    ),
    Flag.DISPOSABLE: N_("“{address}” is a mailbox for minutes; you chose to leave such addresses out."),
    Flag.TYPO: N_(
        "“{address}” looks mistyped: “{meant}” was probably meant. You chose to leave such addresses out."
    ),
}

_DISPOSABLE = frozenset(
    line
    for line in (Path(__file__).parent / "data" / "disposable_domains.txt").read_text("ascii").splitlines()
    if line and not line.startswith("#")
)


def is_disposable(domain: str) -> bool:
    """Does this domain (lower case), or the one it is part of, give mailboxes for minutes?"""
    return domain in _DISPOSABLE or domain.partition(".")[2] in _DISPOSABLE


def flag(key: str) -> Flag | None:
    """The first reason to look again at an address (its key), or None."""
    local, _, domain = key.rpartition("@")
    if domain in _DISPOSABLE or is_disposable(domain):
        return Flag.DISPOSABLE
    if meant_domain(domain):
        return Flag.TYPO
    return Flag.ROLE if is_role(local) else None
