"""DMARC by RFC 9989: a tree walk of at most eight questions, no list of public suffixes; what a record says.

a.b.exemple.fr → _dmarc.a.b.exemple.fr, _dmarc.b.exemple.fr, _dmarc.exemple.fr, _dmarc.fr
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from sending import dkim
from sending.lookups import Lookups

Policy = Literal["none", "quarantine", "reject"]
MOST_QUERIES = 8  # §4.10
_POLICIES: tuple[Policy, ...] = ("none", "quarantine", "reject")
_WEAKER: Mapping[Policy, Policy] = {"reject": "quarantine", "quarantine": "none", "none": "none"}
REMOVED = ("pct", "rf", "ri")  # RFC 7489 had them; §C says not to write them any more


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One valid record, and the name it was found for. `psd`: y, n or u."""

    domain: str
    text: str
    tags: Mapping[str, str]

    @property
    def policy(self) -> Policy:
        """§4.7: a record without a policy that can be read, yet with somewhere to report to, says none."""
        return _policy(self.tags.get("p", "")) or "none"

    @property
    def subdomains(self) -> Policy:
        return _policy(self.tags.get("sp", "")) or self.policy

    @property
    def nonexistent(self) -> Policy:
        return _policy(self.tags.get("np", "")) or self.subdomains

    @property
    def testing(self) -> bool:
        return self.tags.get("t", "n").lower() == "y"

    @property
    def psd(self) -> str:
        found = self.tags.get("psd", "u").lower()
        return found if found in ("y", "n") else "u"

    @property
    def strict(self) -> bool:
        """Must d= be the very domain of From? (adkim)"""
        return self.tags.get("adkim", "r").lower() == "s"

    @property
    def reports(self) -> str:
        return self.tags.get("rua", "")

    @property
    def removed(self) -> tuple[str, ...]:
        return tuple(name for name in REMOVED if name in self.tags)


@dataclass(frozen=True, slots=True, kw_only=True)
class Dmarc:
    """What applies to mail from `domain`.

    `twice`: names with two records, which count as none. `unreadable`: records that begin as DMARC only.
    """

    domain: str
    record: Record | None
    organisation: str
    queries: int
    twice: tuple[str, ...] = ()
    unreadable: tuple[str, ...] = ()

    @property
    def stated(self) -> Policy | None:
        """What the record asks for; None without a record."""
        if self.record is None:
            return None
        return self.record.policy if self.record.domain == self.domain else self.record.subdomains

    @property
    def policy(self) -> Policy | None:
        """What receivers do: one step less while the record is being tested (t=y)."""
        if self.record is None or self.stated is None:
            return None
        return _WEAKER[self.stated] if self.record.testing else self.stated


def read(domain: str, text: str) -> Record | None:
    """None for what is no DMARC record. Tags that nobody knows are left aside (§4.7)."""
    tags = dkim.tag_list(text)
    if tags is None or next(iter(tags), "") != "v" or tags["v"] != "DMARC1":
        return None
    tags = {name.lower(): value for name, value in tags.items()}
    if _policy(tags.get("p", "")) is None and not tags.get("rua"):
        return None
    return Record(domain=domain, text=text, tags=tags)


async def look(ask: Lookups, domain: str) -> Dmarc:
    """Raises DnsAway."""
    found: list[Record] = []
    twice: list[str] = []
    unreadable: list[str] = []
    queries = 0
    for name in path(domain):
        queries += 1
        texts = [text for text in await ask.texts(f"_dmarc.{name}") if _begins(text)]
        if len(texts) > 1:
            twice.append(name)
            continue
        one = read(name, texts[0]) if texts else None
        if texts and one is None:
            unreadable.append(texts[0])
        if one is not None:
            found.append(one)
            if one.psd in ("y", "n"):
                break
    organisation = _organisation(domain, found)
    by_name = {one.domain: one for one in found}
    # §4.10.1: its own, the organisation's, that of the public suffix above
    suffix = next((one for one in found if one.psd == "y"), None)
    record = by_name.get(domain) or by_name.get(organisation) or suffix
    return Dmarc(
        domain=domain,
        record=record,
        organisation=organisation,
        queries=queries,
        twice=tuple(twice),
        unreadable=tuple(unreadable),
    )


def path(domain: str) -> list[str]:
    """The names that are asked for, from the domain up to its last label (§4.10)."""
    labels = domain.strip(".").split(".")
    names = [labels]
    while len(names[-1]) > 1:
        last = names[-1]
        names.append(last[-(MOST_QUERIES - 1) :] if len(last) >= MOST_QUERIES else last[1:])
    return [".".join(name) for name in names]


def _organisation(domain: str, found: list[Record]) -> str:
    """§4.10.2."""
    for one in found:
        if one.psd == "n":
            return one.domain
        if one.psd == "y" and one.domain != domain:
            below = domain.removesuffix(one.domain).strip(".").split(".")
            return f"{below[-1]}.{one.domain}"
    return min((one.domain for one in found), key=lambda name: name.count("."), default=domain)


async def aligned(ask: Lookups, author: Dmarc, signer: str) -> bool:
    """Do `d=` and From belong together (§4.4)? Raises DnsAway."""
    if signer == author.domain:
        return True
    if author.record is not None and author.record.strict:
        return False
    related = signer.endswith("." + author.domain) or author.domain.endswith("." + signer)
    if not related and author.organisation == author.domain:
        return False
    return (await look(ask, signer)).organisation == author.organisation


def _begins(text: str) -> bool:
    name, equals, value = text.partition(";")[0].partition("=")
    return bool(equals) and name.strip() == "v" and value.strip() == "DMARC1"


def _policy(text: str) -> Policy | None:
    return next((policy for policy in _POLICIES if policy == text.lower()), None)
