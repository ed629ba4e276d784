"""Profiles of mailbox providers: how many at once, how fast, and what their replies mean (D-60 to D-74, S16).

The data is data/profiles.toml. A profile that somebody's row names and the data knows no more is the default.
"""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any, Literal

DEFAULT = "default"
PER_CONNECTION = 100  # D-70: what a large provider allows a connection
Tables = Mapping[str, Mapping[str, Any]]
Meaning = Literal["slow", "pause", "policy", "auth", "bad_address"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One way of replying. `after`: times within an hour before it acts; `connections` 0: unchanged."""

    key: str
    pattern: re.Pattern[str]
    means: Meaning
    codes: str = ""
    after: int = 1
    seconds: int = 0
    connections: int = 0

    @property
    def refuses(self) -> bool:
        """Says of us that we may not, and nothing of the address."""
        return self.means in ("policy", "auth")


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """`connections` 0 and `per_second` 0: no limit."""

    key: str
    name: str
    mx: tuple[str, ...] = ()
    domains: frozenset[str] = frozenset()
    connections: int = 0
    per_connection: int = PER_CONNECTION
    per_second: float = 0.0
    rules: tuple[Rule, ...] = ()

    @property
    def limited(self) -> bool:
        return bool(self.connections or self.per_second)


def named(key: str) -> Profile:
    """The profile of that name, the default for an unknown one."""
    known = every()
    return known.get(key) or known[DEFAULT]


def of_domain(domain: str) -> str | None:
    """The profile of a provider's own domain, without DNS; None when MX decides."""
    return _own_domains().get(domain)


def of_mx(host: str) -> str:
    """An MX host → profile, by the longest suffix of whole labels (D-67)."""
    labels = host.lower().rstrip(".").split(".")
    suffixes = _suffixes()
    for start in range(len(labels)):
        found = suffixes.get(".".join(labels[start:]))
        if found:
            return found
    return DEFAULT


def read(profile: str, code: int, text: str) -> Rule | None:
    """What a reply of this provider says beyond its code: its own rules first, then everybody's."""
    if code < 400:
        return None
    for rule in named(profile).rules:
        if (not rule.codes or str(code)[0] in rule.codes) and rule.pattern.search(text):
            return rule
    return None


@cache
def every() -> Mapping[str, Profile]:
    """All profiles by key."""
    return _made(tables())


def tables() -> Tables:
    """The data as it is written."""
    return tomllib.loads(resources.files("sending").joinpath("data", "profiles.toml").read_text("utf-8"))


def parse(text: str) -> Mapping[str, Profile]:
    """Data of the same kind → profiles. Raises KeyError, TypeError or re.error for data at fault."""
    return _made(tomllib.loads(text))


def _made(tables: Tables) -> Mapping[str, Profile]:
    common = _rules(DEFAULT, tables[DEFAULT])
    return {
        key: Profile(
            key=key,
            name=table["name"],
            mx=tuple(table.get("mx", ())),
            domains=frozenset(table.get("domains", ())),
            connections=table.get("connections", 0),
            per_connection=table.get("per_connection", PER_CONNECTION),
            per_second=table.get("per_second", table.get("per_hour", 0) / 3600),
            rules=common if key == DEFAULT else _rules(key, table) + common,
        )
        for key, table in tables.items()
    }


def _rules(key: str, table: Mapping[str, Any]) -> tuple[Rule, ...]:
    return tuple(
        Rule(
            key=f"{key}.{n}",
            pattern=re.compile(given["pattern"], re.IGNORECASE),
            means=given["means"],
            codes=given.get("codes", ""),
            after=given.get("after", 1),
            seconds=given.get("seconds", 0),
            connections=given.get("connections", 0),
        )
        for n, given in enumerate(table.get("replies", ()))
    )


@cache
def _own_domains() -> Mapping[str, str]:
    return {domain: profile.key for profile in every().values() for domain in profile.domains}


@cache
def _suffixes() -> Mapping[str, str]:
    return {suffix: profile.key for profile in every().values() for suffix in profile.mx}
