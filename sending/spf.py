"""SPF as a domain publishes it: exactly one record, at most ten lookups and two that find nothing (RFC 7208).

Every branch is counted, whoever sends: a receiver may have to walk them all (§4.6.4).
"""

import re
from dataclasses import dataclass

from sending.lookups import Lookups

MOST_LOOKUPS = 10
MOST_VOID = 2
_STOP = 2 * MOST_LOOKUPS  # enough to say “too many”: a record that includes itself has no end
_TERM = re.compile(r"([+?~-]?)(include|a|mx|ptr|exists|ip4|ip6|all)(?:[:/](.*))?", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Spf:
    """What was found at `domain`. `records`: all that begin as SPF does; only one may.

    `end` is the qualifier of `all`, "" without one; `broken` names a part that is wrong.
    """

    domain: str
    records: tuple[str, ...]
    lookups: int = 0
    void: int = 0
    end: str = ""
    broken: str = ""

    @property
    def code(self) -> str:
        """ok, or what is wrong, the worst first."""
        if len(self.records) != 1:
            return "missing" if not self.records else "several"
        if self.broken:
            return "broken"
        if self.lookups > MOST_LOOKUPS:
            return "too_many"
        if self.void > MOST_VOID:
            return "void"
        return {"+": "open", "": "no_end", "?": "no_end"}.get(self.end, "ok")


@dataclass(slots=True)
class _Count:
    lookups: int = 0
    void: int = 0
    broken: str = ""


def records(texts: list[str]) -> tuple[str, ...]:
    """§4.5: the version stands alone before a space or the end."""
    return tuple(text for text in texts if text.lower().split(" ", 1)[0] == "v=spf1")


async def look(ask: Lookups, domain: str) -> Spf:
    """Raises DnsAway."""
    found = records(await ask.texts(domain))
    if len(found) != 1:
        return Spf(domain=domain, records=found)
    count = _Count()
    end = await _walk(ask, domain, found[0], count)
    return Spf(
        domain=domain,
        records=found,
        lookups=count.lookups,
        void=count.void,
        end=end,
        broken=count.broken,
    )


async def _walk(ask: Lookups, domain: str, record: str, count: _Count) -> str:
    """Counts the lookups of a record and of those it leads to. Returns its qualifier of `all`."""
    end, onward = "", ""
    for term in record.split()[1:]:
        if "=" in term and not term.lower().startswith(("include:", "exists:", "a:", "mx:", "ptr:")):
            name, _, value = term.partition("=")
            if name.lower() == "redirect":
                onward = value
            continue
        parts = _TERM.fullmatch(term)
        if parts is None:
            count.broken = count.broken or term
            continue
        qualifier, kind = parts[1] or "+", parts[2].lower()
        if kind == "all":
            end = qualifier
            break  # §5.1: what comes after is never reached
        target = (parts[3] or "").partition("/")[0] if term.partition(parts[2])[2].startswith(":") else ""
        await _mechanism(ask, kind, target or domain, count)
        if count.lookups > _STOP:
            return end
    if onward and not end:  # §6.1: `redirect` counts, and only without `all`
        return await _enter(ask, onward, count)
    return end


async def _mechanism(ask: Lookups, kind: str, target: str, count: _Count) -> None:
    if kind in ("ip4", "ip6"):
        return
    if kind == "include":
        await _enter(ask, target, count)
        return
    count.lookups += 1
    if "%" in target or kind in ("ptr", "exists"):
        return  # depends on who sends: counted, and not to be asked for
    if kind == "mx":
        found = await ask.exchanges(target)
    else:
        found = await ask.addresses(target)
    count.void += not found


async def _enter(ask: Lookups, target: str, count: _Count) -> str:
    count.lookups += 1
    if "%" in target or count.lookups > _STOP:
        return ""
    texts = await ask.texts(target)
    found = records(texts)
    count.void += not texts
    if len(found) != 1:
        # §5.2: an include without a record of its own is an error for everybody
        count.broken = count.broken or target
        return ""
    return await _walk(ask, target, found[0], count)
