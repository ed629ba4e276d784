"""Campaign parameters on the author's links (S22): added to the text of an address, which stays as it was
written but for them. What is there already is kept and never doubled; fragments keep their place.

Only web links are touched, of the domains that the author chose, and never ours. In an address with merge
tags the parameters stand in the literal text around them, so that every recipient gets the same ones.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from html import escape, unescape
from typing import Literal
from urllib.parse import parse_qsl, quote, urlsplit

from mailer.core.addresses import AddressError, domain_of, parse
from sending.inert import Slots

Rule = Literal["all", "only", "except"]
_WEB = re.compile(r"\s*https?://", re.IGNORECASE)
# stands for a merge tag while an address is looked at: allowed anywhere in one, and in no author's text
_HOLE = "\ue0ff"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tagging:
    """`params`: names and plain values. `rule`: every domain, `only` these and theirs below, or all `except`.

    `own`: hosts of this installation.
    """

    params: Mapping[str, str] = field(default_factory=dict)
    rule: Rule = "all"
    domains: Sequence[str] = ()
    own: frozenset[str] = frozenset()

    def added(self, url: str) -> str:
        """What `url` lacks, as it stands in a query: "utm_source=x&utm_medium=email", or ""."""
        if not self.params or not _WEB.match(url):
            return ""
        try:
            parts = urlsplit(url.strip())
            host = parts.hostname or ""
        except ValueError:
            return ""
        if not host or _HOLE in parts.netloc or not self._wanted(plain_host(host)):
            return ""
        present = {name.lower() for name, _ in parse_qsl(parts.query, keep_blank_values=True)}
        missing = [(name, value) for name, value in self.params.items() if value and name not in present]
        return "&".join(f"{name}={quote(value, safe='')}" for name, value in missing)

    def _wanted(self, host: str) -> bool:
        if host in self.own:
            return False
        named = any(host == domain or host.endswith(f".{domain}") for domain in self.domains)
        return self.rule == "all" or named == (self.rule == "only")


NONE = Tagging()


def tagged(url: str, tagging: Tagging) -> str:
    """A plain address with its parameters; unchanged when there is nothing to add."""
    return _put(url, tagging.added(url))


def tagged_template(raw: str, slots: Slots, tagging: Tagging) -> str:
    """The same for the value of an attribute with tokens of merge tags.

    Conditions and loops leave the address as it is: what they hold may be a part of anything.
    """
    if any(slot.kind != "output" for slot in slots.inside(raw)):
        return raw
    url = unescape(raw)
    added = tagging.added(slots.pattern.sub(_HOLE, url))
    return escape(_put(url, added)) if added else raw


def _put(url: str, added: str) -> str:
    if not added:
        return url
    # trailing white space of an attribute stays behind the address
    text = url.rstrip()
    end = url[len(text) :]
    address, mark, fragment = text.partition("#")
    _, asked, query = address.partition("?")
    between = "?" if not asked else "" if not query or query.endswith("&") else "&"
    return f"{address}{between}{added}{mark}{fragment}{end}"


@lru_cache(maxsize=4096)
def plain_host(host: str) -> str:
    """A-labels in lower case, without the dot at the end; as it is when it is no name (an IP address)."""
    name = host.lower().rstrip(".")
    try:
        return domain_of(parse(f"x@{name}").key)
    except AddressError:
        return name
