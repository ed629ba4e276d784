"""Erasing again, in a restored copy, what was erased after the backup; refusing again (A-063, A-103).

    core/erasure_journal.py ─▶ accounts first ─▶ refusals ─▶ contacts

Nothing here asks whether an entry is news: all of it may be done twice.
"""

import asyncio
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import chain, islice
from pathlib import Path

from lists import erasing, subscriptions, suppressions
from lists.consents import Evidence, Method
from lists.suppressions import Reason, Stop
from mailer.core import erasure_journal
from mailer.core.db import AccountTx, Database
from mailer.core.erasure_journal import Entry
from mailer.core.sealing import Sealer
from retention_jobs import closed_accounts

CHUNK = 1_000
# entries bear the time of their transaction's begin; a turn of 11 minutes is the longest that there is
APART = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Again:
    """How much was news to the copy. `accounts`: erased, closed, suspended or opened again."""

    contacts: int = 0
    refusals: int = 0
    accounts: int = 0

    @property
    def total(self) -> int:
        return self.contacts + self.refusals + self.accounts


def since(entries: Iterable[Entry], *, at: datetime, xmin: int | None = None) -> Iterator[Entry]:
    """Those that a backup of then does not know: by transaction; by time where transactions count anew."""
    return (one for one in entries if (xmin is not None and one.xid >= xmin) or one.at >= at - APART)


async def accounts(db: Database, last: dict[int, dict[str, str | None]], now: datetime) -> int:
    """What each account was in the end; `last` is the detail of its last entry."""
    changed = 0
    for account_id, state in last.items():
        erased = state["status"] == "erased"
        async with db.shared() as tx:
            touched = await tx.run(
                """
                UPDATE accounts
                SET status = $2, closed_at = $3::text::timestamptz, erase_at = $4::text::timestamptz,
                    reopen_as = $5, held_until = CASE WHEN NOT $6 THEN held_until END
                WHERE id = $1 AND (status, erase_at) IS DISTINCT FROM ($2, $4::text::timestamptz)
                """,
                account_id,
                "closed" if erased else state["status"],
                now.isoformat() if erased else state["closed_at"],
                now.isoformat() if erased else state["erase_at"],
                "active" if erased else state["reopen_as"],
                # a law that held it when the backup was made no longer did when it was erased
                erased,
            )
        if erased:
            await closed_accounts.erase(db, account_id, now)
        changed += touched
    return changed


async def run(db: Database, read: Callable[[], Iterator[Entry]], now: datetime) -> Again:
    """`read` gives the entries anew each time: accounts first, so that nothing is done for those that go."""
    states = await asyncio.to_thread(lambda: last_states(sorted(_of_accounts(read()), key=_order)))
    changed = await accounts(db, states, now)
    contacts, refusals = await people(db, read())
    return Again(contacts, refusals, changed)


def from_places(places: Sequence[Path], sealer: Sealer, installation: str) -> Callable[[], Iterator[Entry]]:
    """What the journals in these folders say, one after the other."""
    return lambda: chain.from_iterable(erasure_journal.read(place, sealer, installation) for place in places)


def _of_accounts(entries: Iterable[Entry]) -> Iterator[Entry]:
    return (one for one in entries if one.kind == "account")


def _order(one: Entry) -> tuple[datetime, int, int]:
    return one.at, one.xid, one.id


def last_states(entries: Iterable[Entry]) -> dict[int, dict[str, str | None]]:
    return {one.account_id: one.detail for one in entries}


async def people(db: Database, entries: Iterable[Entry]) -> tuple[int, int]:
    """Contacts deleted again, refusals stored again; a thousand entries a transaction and account."""
    walk = iter(entries)
    contacts = refusals = 0
    while chunk := list(islice(walk, CHUNK)):
        for account_id in sorted({one.account_id for one in chunk}):
            ours = [one for one in chunk if one.account_id == account_id]
            async with db.account(account_id) as tx:
                if not await tx.value("SELECT true FROM accounts WHERE id = $1"):
                    continue
                refusals += await _refuse(tx, [one.detail for one in ours if one.kind == "suppression"])
                gone = [one.ref_id for one in ours if one.kind == "contact" and one.ref_id is not None]
                contacts += await _delete(tx, gone)
    return contacts, refusals


async def _delete(tx: AccountTx, contact_ids: list[int]) -> int:
    """Also those whose use was limited when the backup was made: whoever erased them knew what came later."""
    return await erasing.erase(tx, contact_ids, erasing.Why.AGAIN)


async def _refuse(tx: AccountTx, rows: list[dict[str, object]]) -> int:
    stops: dict[Stop, list[bytes]] = {}
    for row in rows:
        expires = row["expires_at"]
        stop = Stop(
            reason=Reason(str(row["reason"])),
            list_id=row["list_id"],  # type: ignore[arg-type]  # a number of our own journal
            expires_at=datetime.fromisoformat(expires) if isinstance(expires, str) else None,
        )
        stops.setdefault(stop, []).append(bytes.fromhex(str(row["hash"])))
    news = 0
    for stop, hashes in stops.items():
        news += len(await suppressions.add_many(tx, hashes, stop))
        if stop.reason in (Reason.UNSUBSCRIBED, Reason.OBJECTED):
            await _end_subscriptions(tx, hashes, stop.list_id)
    return news


async def _end_subscriptions(tx: AccountTx, hashes: list[bytes], list_id: int | None) -> None:
    """The person's page tells what holds."""
    found = await tx.rows(
        "SELECT id, address_hash FROM contacts WHERE account_id = $1 AND address_hash = ANY ($2::bytea[])",
        hashes,
    )
    if found:
        await subscriptions.withdraw(
            tx, [(one, hashed) for one, hashed in found], list_id, evidence=Evidence(method=Method.LINK)
        )
