"""Where a click leads: the author's address, fixed when the campaign was frozen (E-09).

Nothing in a request but the token decides. Each process keeps what it has seen and asks again after a
minute, whether the link is still there and whether its account is suspended; while the database is away it
goes by what it knew (D-95).
"""

import time
from dataclasses import dataclass
from urllib.parse import quote, urlsplit
from weakref import WeakKeyDictionary

from mailer.core.db import Database, is_away
from mailer.core.errors import NotFound, Unavailable
from mailer.core.services import Services
from mailer.core.tokens import CampaignToken

MAX_KEPT = 100_000
STANDING_SECONDS = 60.0
ASKING_SECONDS = 5.0
"""While one request asks again, the others go by what is kept."""
_ASCII = "".join(chr(n) for n in range(0x21, 0x7F) if chr(n) not in '"<>\\^`{|}')


@dataclass(frozen=True, slots=True)
class Target:
    """`held`: the account is suspended, so that a person is asked before going on (E-09)."""

    url: str
    held: bool


@dataclass(slots=True)
class _Kept:
    """`until`: the monotonic clock; afterwards it is asked again."""

    target: Target
    until: float


_Key = tuple[int, int, int]
# of one process and one database; for a personal target the account alone is kept, under link 0
_kept: WeakKeyDictionary[Database, dict[_Key, _Kept]] = WeakKeyDictionary()


def _key(what: CampaignToken) -> _Key:
    return (what.account_id, 0, 0) if what.url else (what.account_id, what.campaign_id, what.link_id)


def known(services: Services, what: CampaignToken) -> Target | None:
    """Without a look into the database; None: ask `target`. Raises NotFound for what is no web address."""
    kept = _kept.get(services.db, {}).get(_key(what))
    if kept is None or kept.until < time.monotonic():
        return None
    return Target(_location(what.url), kept.target.held) if what.url else kept.target


async def target(services: Services, what: CampaignToken) -> Target:
    """Raises NotFound for a link that is no more, Unavailable when it cannot be looked up now (D-95)."""
    if (at_hand := known(services, what)) is not None:
        return at_hand
    all_kept = _kept.setdefault(services.db, {})
    key = _key(what)
    kept = all_kept.get(key)
    if kept is not None:
        kept.until = time.monotonic() + ASKING_SECONDS
    try:
        url, held = await _look_up(services, what)
    except NotFound:
        all_kept.pop(key, None)
        raise
    except Exception as error:
        if kept is None or not (isinstance(error, Unavailable) or is_away(error)):
            raise
        # D-95: the database is away, the target is known
        return Target(_location(what.url), kept.target.held) if what.url else kept.target
    found = Target(_location(url), held)
    if len(all_kept) >= MAX_KEPT:
        del all_kept[next(iter(all_kept))]
    all_kept[key] = _Kept(Target("", held) if what.url else found, time.monotonic() + STANDING_SECONDS)
    return found


async def _look_up(services: Services, what: CampaignToken) -> tuple[str, bool]:
    async with services.db.account(what.account_id) as tx:
        status = await tx.value("SELECT status FROM accounts WHERE id = $1")
        url = what.url or await tx.value(
            "SELECT url FROM links WHERE account_id = $1 AND campaign_id = $2 AND id = $3",
            what.campaign_id,
            what.link_id,
        )
    if status is None or not url:
        raise NotFound
    return url, status == "suspended"


def _location(url: str) -> str:
    """Only web addresses leave here, in the characters that a header may hold (RFC 3986 §2)."""
    try:
        parts = urlsplit(url)
        usable = parts.scheme.lower() in ("http", "https") and bool(parts.hostname)
    except ValueError:
        usable = False
    if not usable:
        raise NotFound
    return quote(url, safe=_ASCII)
