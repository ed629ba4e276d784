"""One look at the DNS of a sending domain: each record found, not yet visible or different, and the remedy.

Only looks; `domain_checks` draws the consequences. `mailer doctor` asks the same about its own domain.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from sending import dkim, dmarc, lookups, spf
from sending.dkim_keys import DomainKey
from sending.dmarc import Dmarc
from sending.lookups import DnsAway, Lookups
from sending.spf import Spf

State = Literal["found", "waiting", "different", "away"]
Kind = Literal["dkim", "dkim_ed25519", "dmarc", "mx", "spf", "ptr"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """`code` is one of domain_words.FIXES."""

    code: str
    params: Mapping[str, str | int] = field(default_factory=dict)


_AWAY = Note(code="away")


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What stands under `name`. `found`: as it was read; the first note says what to do when not "found"."""

    kind: Kind
    name: str
    state: State
    found: tuple[str, ...] = ()
    notes: tuple[Note, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What to look at. `server`: the host of the SMTP server, "" when it is the local inbox."""

    domain: str
    keys: Sequence[DomainKey]
    return_domain: str
    server: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """`seen`, `asked`: ids of keys. `dmarc` None: the DNS did not answer about it. `zone` "": not known."""

    findings: tuple[Finding, ...]
    seen: frozenset[int]
    asked: frozenset[int]
    dmarc: Dmarc | None
    zone: str


async def look(ask: Lookups, wanted: Asked) -> Look:
    """Never raises: what nobody answers is a finding. All questions are on their way at once."""
    zone = await _zone(ask, wanted.domain)
    live = [key for key in wanted.keys if key.state != "retired"]
    found, policy, *rest = await asyncio.gather(
        asyncio.gather(*(_key(ask, wanted.domain, zone, key) for key in live)),
        _dmarc(ask, wanted.domain),
        _mx(ask, wanted.domain),
        _spf(ask, wanted.return_domain) if wanted.server else _nothing(),
        _ptr(ask, wanted.server) if wanted.server else _nothing(),
    )
    pairs = list(zip(live, found, strict=True))
    finding, known = policy
    return Look(
        findings=(*found, finding, *(one for one in rest if one is not None)),
        seen=frozenset(key.id for key, one in pairs if one.state == "found"),
        asked=frozenset(key.id for key, one in pairs if one.state != "away"),
        dmarc=known,
        zone=zone,
    )


def nobody(wanted: Asked) -> Look:
    """There is no resolver to ask."""
    names = [(_kind(key), key_name(wanted.domain, key.selector)) for key in wanted.keys]
    names += [("dmarc", f"_dmarc.{wanted.domain}"), ("mx", wanted.domain)]
    found = tuple(Finding(kind=kind, name=name, state="away", notes=(_AWAY,)) for kind, name in names)
    return Look(findings=found, seen=frozenset(), asked=frozenset(), dmarc=None, zone="")


async def _nothing() -> None:
    return None


def _kind(key: DomainKey) -> Kind:
    return "dkim" if key.algorithm == "rsa-sha256" else "dkim_ed25519"


async def _zone(ask: Lookups, domain: str) -> str:
    try:
        return await ask.zone(domain)
    except DnsAway:
        return ""


def key_name(domain: str, selector: str) -> str:
    return f"{selector}._domainkey.{domain}"


async def _key(ask: Lookups, domain: str, zone: str, key: DomainKey) -> Finding:
    name = key_name(domain, key.selector)
    kind = _kind(key)
    try:
        texts = await ask.texts(name)
        if not texts and zone and await ask.texts(f"{name}.{zone}"):
            note = Note(code="dkim_name_twice", params={"name": f"{name}.{zone}"})
            return Finding(kind=kind, name=name, state="different", notes=(note,))
    except DnsAway:
        return Finding(kind=kind, name=name, state="away", notes=(_AWAY,))
    if not texts:
        gone = key.active_at is not None and key.state in ("active", "pending")
        note = Note(code="dkim_gone" if gone else "dkim_missing")
        return Finding(kind=kind, name=name, state="waiting", notes=(note,))
    fault = _wrong(texts, key.record)
    if fault is None:
        return Finding(kind=kind, name=name, state="found", found=tuple(texts))
    return Finding(kind=kind, name=name, state="different", found=tuple(texts), notes=(fault,))


def _wrong(texts: Sequence[str], record: str) -> Note | None:
    """RFC 6376 §3.6.2.2: one record, and its p= is the key. None when it is right."""
    if len(texts) > 1:
        return Note(code="dkim_several")
    ours, theirs = dkim.public_part(record), dkim.public_part(texts[0])
    tags = dkim.tag_list(texts[0]) or {}
    same_kind = tags.get("k", "rsa") == (dkim.tag_list(record) or {}).get("k", "rsa")
    if theirs == ours and same_kind and tags.get("h", "sha256").find("sha256") >= 0:
        return None
    if "p" in tags and not tags["p"]:
        return Note(code="dkim_revoked")
    expected = record.partition("p=")[2]
    value = "".join(tags.get("p", "").split())
    if value and expected.startswith(value) and value != expected:
        return Note(code="dkim_cut", params={"n": len(texts[0])})
    return Note(code="dkim_other" if theirs is not None else "dkim_unreadable")


async def _dmarc(ask: Lookups, domain: str) -> tuple[Finding, Dmarc | None]:
    try:
        known = await dmarc.look(ask, domain)
    except DnsAway:
        return Finding(kind="dmarc", name=f"_dmarc.{domain}", state="away", notes=(_AWAY,)), None
    if known.record is not None:
        finding = Finding(
            kind="dmarc",
            name=f"_dmarc.{known.record.domain}",
            state="found",
            found=(known.record.text,),
            notes=tuple(policy_notes(known)),
        )
        return finding, known
    name = f"_dmarc.{domain}"
    if known.twice:
        note = Note(code="dmarc_twice", params={"name": f"_dmarc.{known.twice[0]}"})
        return Finding(kind="dmarc", name=name, state="different", notes=(note,)), known
    if known.unreadable:
        note = Note(code="dmarc_unreadable")
        finding = Finding(kind="dmarc", name=name, state="different", found=known.unreadable, notes=(note,))
        return finding, known
    return Finding(kind="dmarc", name=name, state="waiting", notes=(Note(code="dmarc_missing"),)), known


def policy_notes(known: Dmarc) -> list[Note]:
    """What the record means, then what to change in it."""
    record, policy = known.record, known.policy
    if record is None or policy is None:
        return []
    notes = [Note(code=f"dmarc_{policy}")]
    if record.testing and known.stated != policy:
        params = {"stated": str(known.stated), "policy": policy}
        notes.append(Note(code="dmarc_testing", params=params))
    if record.removed:
        notes.append(Note(code="dmarc_removed", params={"tags": ", ".join(record.removed)}))
    if not record.reports:
        notes.append(Note(code="dmarc_no_reports"))
    return notes


async def _mx(ask: Lookups, domain: str) -> Finding:
    try:
        hosts = await ask.exchanges(domain)
        addressed = bool(hosts) or bool(await ask.addresses(domain))
    except DnsAway:
        return Finding(kind="mx", name=domain, state="away", notes=(_AWAY,))
    if hosts == [""]:
        return Finding(
            kind="mx", name=domain, state="different", found=("0 .",), notes=(Note(code="mx_null"),)
        )
    if hosts:
        return Finding(kind="mx", name=domain, state="found", found=tuple(hosts))
    note = Note(code="mx_implicit" if addressed else "mx_missing")
    return Finding(kind="mx", name=domain, state="waiting", notes=(note,))


async def _spf(ask: Lookups, domain: str) -> Finding:
    try:
        return spf_finding(await spf.look(ask, domain))
    except DnsAway:
        return Finding(kind="spf", name=domain, state="away", notes=(_AWAY,))


def spf_finding(known: Spf) -> Finding:
    params: Mapping[str, str | int] = {
        "name": known.domain,
        "n": {"several": len(known.records), "void": known.void}.get(known.code, known.lookups),
        "part": known.broken,
    }
    if known.code == "ok":
        note = Note(code="spf_lookups", params={"n": known.lookups})
        return Finding(kind="spf", name=known.domain, state="found", found=known.records, notes=(note,))
    state: State = "waiting" if known.code == "missing" else "different"
    note = Note(code=f"spf_{known.code}", params=params)
    return Finding(kind="spf", name=known.domain, state=state, found=known.records, notes=(note,))


async def _ptr(ask: Lookups, host: str) -> Finding | None:
    """FCrDNS of the server that takes our mail. None when its address is private: others see another."""
    try:
        public = [one for one in await ask.addresses(host) if lookups.is_public(one)]
        for address in public:
            names = await ask.pointers(address)
            if not names:
                note = Note(code="ptr_missing", params={"address": address})
                return Finding(kind="ptr", name=host, state="waiting", found=(address,), notes=(note,))
            back = [await ask.addresses(name) for name in names[:10]]
            if not any(address in found for found in back):
                note = Note(code="ptr_differs", params={"address": address, "name": names[0]})
                return Finding(kind="ptr", name=host, state="different", found=tuple(names), notes=(note,))
    except DnsAway:
        return Finding(kind="ptr", name=host, state="away", notes=(_AWAY,))
    return Finding(kind="ptr", name=host, state="found", found=tuple(public)) if public else None
