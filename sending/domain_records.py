"""The rows of a domain's page and of the API: each record, what it should hold, and what was found there."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

from sending.dkim_keys import DomainKey
from sending.domain_dns import Kind, State, key_name
from sending.domains import Domain

PIECE = 255  # RFC 1035 §3.3: a string of a TXT record holds no more


@dataclass(frozen=True, slots=True, kw_only=True)
class Remark:
    """`code` is one of domain_words.FIXES."""

    code: str
    params: Mapping[str, str | int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One row. `value` "": nothing to copy, it depends on others.

    `host`: the name without the domain, as most hosts ask for it. `pieces`: the value as name servers' files
    hold it. `key`: state of the DKIM key, "" for other records; `keep_until`: of one that is going.
    """

    kind: Kind
    type: Literal["TXT", "MX", "PTR"]
    name: str
    host: str
    value: str
    pieces: str
    state: State | Literal["unknown"]
    found: list[str]
    remarks: list[Remark]
    required: bool
    key: str
    keep_until: datetime | None


@dataclass(frozen=True, slots=True)
class _Seen:
    """The stored findings of a domain, by kind and name."""

    by_name: Mapping[tuple[str, str], Mapping[str, object]]

    def of(self, kind: str, name: str) -> Mapping[str, object]:
        return self.by_name.get((kind, name), {})

    def first(self, kind: str) -> Mapping[str, object]:
        return next((one for (of, _), one in self.by_name.items() if of == kind), {})


def rows(
    domain: Domain, keys: Sequence[DomainKey], *, reports_to: str, relayed: bool = False
) -> list[Record]:
    """In the order of the page. `reports_to`: for DMARC reports; `relayed`: the SMTP server signs."""
    seen = _Seen({(str(one["kind"]), str(one["name"])): one for one in domain.findings})
    made = [_key(domain, key, seen, relayed=relayed) for key in keys if key.state != "retired"]
    made.append(_dmarc(domain, seen, reports_to))
    made.append(_row(domain, "mx", domain.name, seen.first("mx"), type_="MX"))
    for kind in ("spf", "ptr"):
        found = seen.first(kind)
        if found:
            name = str(found["name"])
            made.append(_row(domain, kind, name, found, type_="TXT" if kind == "spf" else "PTR"))
    return made


def _key(domain: Domain, key: DomainKey, seen: _Seen, *, relayed: bool) -> Record:
    kind: Kind = "dkim" if key.algorithm == "rsa-sha256" else "dkim_ed25519"
    name = key_name(domain.name, key.selector)
    required = kind == "dkim" and key.state in ("active", "pending") and not relayed
    return replace(
        _row(domain, kind, name, seen.of(kind, name), value=key.record, key=key), required=required
    )


def _dmarc(domain: Domain, seen: _Seen, reports_to: str) -> Record:
    found = seen.first("dmarc")
    name = str(found["name"]) if found.get("state") == "found" else f"_dmarc.{domain.name}"
    value = "" if found.get("state") == "found" else f"v=DMARC1; p=none; rua=mailto:{reports_to}"
    return _row(domain, "dmarc", name, found, value=value)


def _row(
    domain: Domain,
    kind: Kind,
    name: str,
    found: Mapping[str, object],
    *,
    value: str = "",
    type_: Literal["TXT", "MX", "PTR"] = "TXT",
    key: DomainKey | None = None,
) -> Record:
    return Record(
        kind=kind,
        type=type_,
        name=name,
        host=host(name, domain.zone or domain.name),
        value=value,
        pieces=pieces(value),
        state=found.get("state", "unknown"),  # type: ignore[arg-type]  # as domain_dns wrote it
        found=[str(one) for one in _list(found, "found")],
        remarks=[Remark(code=str(note["code"]), params=note["params"]) for note in _list(found, "notes")],
        required=kind == "dmarc",
        key=key.state if key else "",
        keep_until=key.retire_at if key else None,
    )


def _list(found: Mapping[str, object], name: str) -> list:  # type: ignore[type-arg]  # JSON
    held = found.get(name, [])
    return list(held) if isinstance(held, list) else []


def host(name: str, zone: str) -> str:
    """The name inside its zone; "@" for the zone itself."""
    if name == zone:
        return "@"
    return name.removesuffix("." + zone)


def pieces(value: str) -> str:
    """In quotes, cut into strings of at most 255 characters (D-52)."""
    parts = re.findall(rf".{{1,{PIECE}}}", value)
    return " ".join(f'"{part}"' for part in parts)
