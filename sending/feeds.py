"""The feed of a recurring campaign: read when an edition is due; what is new in it makes the edition.

    look ─▶ outgoing (wall, size, time, redirects) ─▶ feed_reading ─▶ Found, or why not

What an edition took is remembered by a fingerprint of its guid, or of its address where it has none.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

from mailer.core import clock
from mailer.core.db import AccountTx
from mailer.core.errors import Invalid, fault
from mailer.core.services import Services
from mailer.web import outgoing
from sending import feed_reading, feed_words
from sending.feed_reading import Item, NoFeed

# E-54: the feed is asked for as feed readers do
_ACCEPT = "application/atom+xml, application/rss+xml, application/rdf+xml, application/xml, text/xml"
_RETRIES = (timedelta(minutes=5), timedelta(minutes=15), timedelta(hours=1), timedelta(hours=2))
_REMEMBERED = timedelta(days=400)


@dataclass(frozen=True, slots=True, kw_only=True)
class Feed:
    """As it was read last."""

    url: str
    etag: str = ""
    modified: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """`items` None: not modified since. `error`: a key of feed_words.ERRORS, "" when it was read."""

    url: str
    items: Sequence[Item] | None = None
    etag: str = ""
    modified: str = ""
    error: str = ""


async def look(services: Services, feed: Feed) -> Found:
    """Asks its server; no transaction is open meanwhile."""
    headers = {"Accept": _ACCEPT}
    if feed.etag:
        headers["If-None-Match"] = feed.etag
    if feed.modified:
        headers["If-Modified-Since"] = feed.modified
    async with outgoing.calling(outgoing.wall_of(services.settings), connections=1) as caller:
        told = await caller.get(feed.url, headers, most_bytes=feed_reading.MAX_BYTES)
    if told.outcome != outgoing.Outcome.ACCEPTED:
        return Found(url=feed.url, error=told.outcome.value)
    if told.status == 304:
        return Found(url=feed.url, etag=feed.etag, modified=feed.modified)
    try:
        items = feed_reading.read(told.body, told.url)
    except NoFeed as error:
        return Found(url=feed.url, error=str(error))
    return Found(
        url=feed.url, items=items, etag=_header(told.etag, 300), modified=_header(told.modified, 100)
    )


def _header(text: str, limit: int) -> str:
    """Sent back as it came, or not at all."""
    return text if len(text) <= limit and text.isprintable() else ""


async def first_look(services: Services, url: str) -> Found | None:
    """For a plan that is set: None without a feed. Raises Invalid at `feed_url`."""
    if not url:
        return None
    try:
        outgoing.check_url(url, outgoing.wall_of(services.settings))
    except Invalid as error:
        one = error.faults[0]
        raise fault("feed_url", one.message, code=one.code) from None
    found = await look(services, Feed(url=url))
    if found.error:
        raise fault("feed_url", feed_words.ERRORS[found.error], code=found.error)
    return found


async def attach(
    tx: AccountTx, recurrence_id: int, url: str, found: Found | None, *, all_items: bool
) -> None:
    """The plan's feed, as it was just read; `found` None: none, or the same without reading it again.

    Another one than before begins anew: what stands in it now is no news, unless `all_items`.
    """
    before: str = await tx.value(
        "SELECT feed_url FROM recurrences WHERE account_id = $1 AND id = $2", recurrence_id
    )
    if url != before:
        await tx.run("DELETE FROM feed_items WHERE account_id = $1 AND recurrence_id = $2", recurrence_id)
        if found is not None and not all_items:
            await remember(tx, recurrence_id, found.items or (), due_at=None)
    if found is not None or url != before:
        await note(tx, recurrence_id, found or Found(url=url, items=()))


async def note(tx: AccountTx, recurrence_id: int, found: Found) -> timedelta:
    """What came of a reading. Returns how long to wait before the next try, should it have failed."""
    shown = None if found.items is None else [asdict(one) for one in found.items]
    failures: int = await tx.value(
        """
        UPDATE recurrences
        SET feed_url = $3, feed_error = $4, feed_read_at = $5,
            feed_failures = CASE WHEN $4 = '' THEN 0 ELSE feed_failures + 1 END,
            feed_etag = CASE WHEN $4 = '' THEN $6 ELSE feed_etag END,
            feed_modified = CASE WHEN $4 = '' THEN $7 ELSE feed_modified END,
            feed_shown = coalesce($8, feed_shown)
        WHERE account_id = $1 AND id = $2
        RETURNING feed_failures
        """,
        recurrence_id,
        found.url,
        found.error,
        clock.now(),
        found.etag,
        found.modified,
        shown if found.error == "" else None,
    )
    return _RETRIES[min(max(failures or 0, 1), len(_RETRIES)) - 1]


async def fresh(tx: AccountTx, recurrence_id: int) -> list[Item]:
    """What was read last and no edition took, the newest first as feeds have them."""
    shown = await tx.value(
        "SELECT feed_shown FROM recurrences WHERE account_id = $1 AND id = $2", recurrence_id
    )
    items = [Item(**one) for one in shown or []]
    known = await tx.rows(
        """
        UPDATE feed_items
        SET seen_at = now()
        WHERE account_id = $1 AND recurrence_id = $2 AND key = ANY ($3::bytea[])
        RETURNING encode(key, 'hex')
        """,
        recurrence_id,
        [bytes.fromhex(one.key) for one in items],
    )
    taken = {key for (key,) in known}
    return [one for one in items if one.key not in taken]


async def remember(
    tx: AccountTx, recurrence_id: int, items: Sequence[Item], *, due_at: datetime | None
) -> None:
    """These go into no other edition. What has been out of the feed for a year and more is forgotten."""
    await tx.run(
        """
        INSERT INTO feed_items (account_id, recurrence_id, key, due_at)
        SELECT $1, $2, key, $4 FROM unnest($3::bytea[]) AS given (key)
        ON CONFLICT DO NOTHING
        """,
        recurrence_id,
        [bytes.fromhex(one.key) for one in items],
        due_at,
    )
    await tx.run(
        "DELETE FROM feed_items WHERE account_id = $1 AND recurrence_id = $2 AND seen_at < $3",
        recurrence_id,
        clock.now() - _REMEMBERED,
    )


async def forget(tx: AccountTx, recurrence_id: int, due_at: datetime) -> None:
    """An edition was stopped: its items are news still."""
    await tx.run(
        "DELETE FROM feed_items WHERE account_id = $1 AND recurrence_id = $2 AND due_at = $3",
        recurrence_id,
        due_at,
    )
