"""The hits of the last ten minutes, of which signals are derived that no single hit shows (D-92).

    hits ─▶ of each recipient: links within 10 s, networks within 2 min, the page to unsubscribe within 60 s
        └─▶ of each network: whom it asked for within 10 min

In memory of the process that flushes, never on disk. Another process builds the same from the stream, which
keeps what was stored for as long: a hashed network exists nowhere else (S21).
"""

from bisect import insort
from collections import Counter, OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from tracking.bots import Agent
from tracking.buffer import Hit

SECONDS = 600
MAX_KEPT = 100_000
"""Hits; beyond that the oldest are forgotten sooner, and memory stays flat."""
BURST_MS, NETWORKS_MS, LEAVE_MS, ALL_MS = 10_000, 120_000, 60_000, SECONDS * 1000
MOST_OF_NETWORK = 2000
FLOOD = 200
"""Hits of one recipient in the window: more than that are no reading, and are not stored."""

Recipient = tuple[int, int, int]
Network = tuple[int, str]
_K = TypeVar("_K", Recipient, Network)


@dataclass(slots=True, eq=False)
class Seen:
    """A hit with what its neighbours say about it; the figures only grow. `flood`: one too many."""

    hit: Hit
    burst: int = 0
    networks: int = 0
    crowd: int = 0
    leave: bool = False
    post: bool = False
    flood: bool = False

    @property
    def recipient(self) -> Recipient:
        return self.hit.account_id, self.hit.campaign_id, self.hit.contact_id

    def derived(self) -> tuple[int, int, int, bool, bool]:
        return self.burst, self.networks, self.crowd, self.leave, self.post


class Window:
    def __init__(self) -> None:
        self._seen: OrderedDict[str, Seen] = OrderedDict()
        self._recipients: dict[Recipient, list[Seen]] = {}
        self._networks: dict[Network, list[Seen]] = {}
        self.last_id = ""
        """Of the stream: the entry up to which everything was seen."""

    def add(self, hits: Iterable[Hit]) -> list[Seen]:
        """In the order of arrival; one that is there already is that one."""
        hits = list(hits)
        if hits:
            # what any of them may have for a neighbour stays
            self._forget(min(hit.at for hit in hits) - ALL_MS)
        return [self._seen.get(hit.id) or self._new(hit) for hit in hits]

    def _new(self, hit: Hit) -> Seen:
        one = Seen(hit)
        self._seen[hit.id] = one
        of_recipient = self._recipients.setdefault(one.recipient, [])
        if len(of_recipient) >= FLOOD:
            one.flood = True
            return one
        if of_recipient and of_recipient[-1].hit.at > hit.at:
            insort(of_recipient, one, key=_at)
        else:
            of_recipient.append(one)
        if hit.network:
            self._networks.setdefault((hit.account_id, hit.network), []).append(one)
        return one

    def clear(self) -> None:
        """What a failed transaction was judged by is built anew from the stream."""
        self.__init__()  # type: ignore[misc]

    def neighbours(self, batch: Sequence[Seen]) -> list[Seen]:
        """Derives signals of the batch's recipients; returns earlier hits of theirs that change."""
        own = {one.hit.id for one in batch}
        changed = []
        for recipient in {one.recipient for one in batch}:
            of_recipient = self._recipients.get(recipient, [])
            if len(of_recipient) < 2 or _alike(of_recipient):
                continue
            before = [one.derived() for one in of_recipient]
            _bursts(of_recipient)
            _many_networks(of_recipient)
            _pages(of_recipient)
            changed += [
                one
                for one, derived in zip(of_recipient, before, strict=True)
                if one.derived() != derived and one.hit.id not in own
            ]
        return changed

    def crowds(self, batch: Sequence[Seen], least: int) -> list[list[Seen]]:
        """Hits of networks of the batch that asked for so many recipients of an account, by time."""
        found = []
        for network in {(one.hit.account_id, one.hit.network) for one in batch if one.hit.network}:
            there = self._networks.get(network, [])
            if len(there) >= least and len({one.hit.contact_id for one in there}) >= least:
                found.append(sorted(there[-MOST_OF_NETWORK:], key=_at))
        return found

    def _forget(self, before: int) -> None:
        while self._seen:
            oldest = next(iter(self._seen.values()))
            if oldest.hit.at >= before and len(self._seen) <= MAX_KEPT:
                return
            self._seen.popitem(last=False)
            if not oldest.flood:
                _drop(self._recipients, oldest.recipient, oldest)
                if oldest.hit.network:
                    _drop(self._networks, (oldest.hit.account_id, oldest.hit.network), oldest)


def mark_crowds(hits: Sequence[Seen], domains: Mapping[int, str], least: int) -> list[Seen]:
    """`hits` of one network, in the order of time; contact → mail domain. Returns those that are marked now.

    Marked with `least` however many they are: a figure that grew would be written again and again.
    """
    changed = []
    inside: Counter[str] = Counter()
    start = marked = 0
    for end, last in enumerate(hits):
        inside[domains.get(last.hit.contact_id, "")] += 1
        while last.hit.at - hits[start].hit.at > ALL_MS:
            inside[domains.get(hits[start].hit.contact_id, "")] -= 1
            start += 1
        if sum(1 for domain, n in inside.items() if n and domain) >= least:
            changed += [one for one in hits[max(start, marked) : end + 1] if not one.crowd]
            marked = end + 1
    for one in changed:
        one.crowd = least
    return changed


def _drop(index: dict[_K, list[Seen]], key: _K, one: Seen) -> None:
    there = index[key]
    there.remove(one)  # the oldest stands in front
    if not there:
        del index[key]


def _at(one: Seen) -> int:
    return one.hit.at


def _alike(hits: Sequence[Seen]) -> bool:
    """One link, one network, none of our pages: most people, and nothing to derive."""
    link, network = 0, ""
    for one in hits:
        hit = one.hit
        if hit.kind == "click":
            if hit.link_id != link and hit.link_id:
                if link:
                    return False
                link = hit.link_id
        elif hit.kind != "open":
            return False
        if hit.network != network and hit.network:
            if network:
                return False
            network = hit.network
    return True


def _bursts(hits: Sequence[Seen]) -> None:
    """Different links in a window of ten seconds that the click lies in."""
    clicks = [one for one in hits if one.hit.kind == "click" and one.hit.link_id]
    start = 0
    for end, last in enumerate(clicks):
        while last.hit.at - clicks[start].hit.at > BURST_MS:
            start += 1
        links = len({one.hit.link_id for one in clicks[start : end + 1]})
        if links > 1:
            for one in clicks[start : end + 1]:
                one.burst = max(one.burst, links)


def _many_networks(hits: Sequence[Seen]) -> None:
    """Of those that do not say themselves that they are machines: they are no reason to doubt a person."""
    named = [one for one in hits if one.hit.network and one.hit.agent == Agent.BROWSER and not one.hit.head]
    if len({one.hit.network for one in named}) < 2:
        return
    start = 0
    for end, last in enumerate(named):
        while last.hit.at - named[start].hit.at > NETWORKS_MS:
            start += 1
        networks = len({one.hit.network for one in named[start : end + 1]})
        if networks > 1:
            for one in named[start : end + 1]:
                one.networks = max(one.networks, networks)


def _pages(hits: Sequence[Seen]) -> None:
    """A look at the page to unsubscribe beside a click; a form sent from where the hit came."""
    visits = [one.hit.at for one in hits if one.hit.kind == "visit"]
    posts = [one.hit for one in hits if one.hit.kind == "post"]
    if not visits and not posts:
        return
    for one in hits:
        at = one.hit.at
        if one.hit.kind == "click" and any(abs(at - other) <= LEAVE_MS for other in visits):
            one.leave = True
        if one.hit.network and any(at <= other.at and one.hit.network == other.network for other in posts):
            one.post = True
