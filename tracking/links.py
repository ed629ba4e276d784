"""Where a click leads: the author's address, fixed when the campaign was frozen (E-09).

Nothing in a request but the token decides. Targets never change, so each process keeps what it has seen;
whether an account is suspended is asked again after a minute.
"""

import time
from dataclasses import dataclass, field
from urllib.parse import quote, urlsplit
from weakref import WeakKeyDictionary

from mailer.core.db import Database, is_away
from mailer.core.errors import NotFound, Unavailable
from mailer.core.services import Services
from mailer.core.tokens import CampaignToken

MAX_KEPT = 100_000
STANDING_SECONDS = 60.0
_ASCII = "".join(chr(n) for n in range(0x21, 0x7F) if chr(n) not in '"<>\\^`{|}')


@dataclass(frozen=True, slots=True)
class Target:
    """`held`: the account is suspended, so that a person is asked before going on (E-09)."""

    url: str
    held: bool


@dataclass(slots=True)
class _Kept:
    """Of one process and one database. `standing`: account → suspended, and until when that is believed."""

    urls: dict[tuple[int, int, int], str] = field(default_factory=dict)
    standing: dict[int, tuple[bool, float]] = field(default_factory=dict)


_kept: WeakKeyDictionary[Database, _Kept] = WeakKeyDictionary()


async def target(services: Services, what: CampaignToken) -> Target:
    """Raises NotFound for a link that is no more, Unavailable when it cannot be looked up now (D-95)."""
    kept = _kept.setdefault(services.db, _Kept())
    key = (what.account_id, what.campaign_id, what.link_id)
    url = what.url or kept.urls.get(key, "")
    held, until = kept.standing.get(what.account_id, (False, 0.0))
    if not url or until < time.monotonic():
        try:
            url, held = await _look_up(services, what)
        except Exception as error:
            if not url or not (isinstance(error, Unavailable) or is_away(error)):
                raise
            # D-95: the database is away, the target is known
            return Target(_location(url), held)
        for cache in (kept.urls, kept.standing):
            if len(cache) >= MAX_KEPT:
                cache.clear()
        if not what.url:
            kept.urls[key] = url
        kept.standing[what.account_id] = (held, time.monotonic() + STANDING_SECONDS)
    return Target(_location(url), held)


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
