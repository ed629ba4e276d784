"""Addresses that nobody may write to, as keyed hashes: they outlive contacts and lists (B-28, S5, G-16).

A scope is one list, or everything (`list_id` None). What a person refused is lifted only by the person, a
list at a time, in `confirmations.confirm`; nothing here takes a row away. Who stopped everything, then
came back to a list, has that list in `returned_to` of the row, which goes on stopping every other, those
made later too. The database's function `stops(row, list)` is the one definition of what a row stops;
hand-over asks it too.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from mailer.accounts import audit
from mailer.core import addresses, keys
from mailer.core.db import AccountTx
from mailer.core.errors import fault
from mailer.core.paging import Page, decode, page
from mailer.core.sealing import Sealer
from mailer.core.text import N_

EVER = datetime(1, 1, 2, tzinfo=UTC)
FAR = datetime.max.replace(tzinfo=UTC) - timedelta(days=1)


class Reason(StrEnum):
    """`added`: by a person of the team. The first, third and fourth are refusals by the person."""

    UNSUBSCRIBED = "unsubscribed"
    BOUNCED = "bounced"
    COMPLAINED = "complained"
    OBJECTED = "objected"
    ADDED = "added"


@dataclass(frozen=True, slots=True, kw_only=True)
class Suppression:
    """`contact_id` and `email` None: the contact is gone, the fingerprint stays.

    `list_id` None: everything but the lists of `returned_to`, where the person came back by their own act.
    """

    id: int
    contact_id: int | None
    email: str | None
    list_id: int | None
    list_name: str | None
    reason: Reason
    since: datetime
    expires_at: datetime | None
    returned_to: list[int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stop:
    """What holds mail back, and until when. Only what a team added may end: a refusal has no date (B-28)."""

    reason: Reason
    list_id: int | None = None
    campaign_id: int | None = None
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """`address_hash`: only this address. `reason` "": all. `since`: from then on; `before`: up to then."""

    reason: str = ""
    address_hash: bytes | None = None
    since: datetime | None = None
    before: datetime | None = None


async def hash_of(tx: AccountTx, sealer: Sealer, email: str) -> bytes:
    """The keyed hash of a typed address. Raises addresses.AddressError."""
    return keys.address_hash(await keys.hash_key(tx, sealer), addresses.parse(email).key)


_REFUSALS = frozenset({Reason.UNSUBSCRIBED, Reason.COMPLAINED, Reason.OBJECTED})


async def of_person(tx: AccountTx, hashes: Sequence[bytes]) -> list[bytes]:
    """These addresses, and those that were merged with them (`contact_merges`): a no of one is of all."""
    rows = await tx.rows(
        """
        WITH kept AS (
            SELECT id FROM contacts WHERE account_id = $1 AND address_hash = ANY ($2::bytea[])
            UNION
            SELECT kept_id FROM contact_merges WHERE account_id = $1 AND merged_hash = ANY ($2)
        )
        SELECT unnest($2)
        UNION
        SELECT m.merged_hash FROM kept JOIN contact_merges m ON m.account_id = $1 AND m.kept_id = kept.id
        UNION
        SELECT c.address_hash FROM kept JOIN contacts c ON c.account_id = $1 AND c.id = kept.id
        """,
        list(hashes),
    )
    return [found for (found,) in rows]


async def add(
    tx: AccountTx,
    address_hash: bytes,
    *,
    reason: Reason,
    list_id: int | None = None,
    campaign_id: int | None = None,
) -> bool:
    """True when more is stopped than before. A refusal by the person replaces a bounce or a team's stop."""
    stop = Stop(reason=reason, list_id=list_id, campaign_id=campaign_id)
    return bool(await add_many(tx, [address_hash], stop))


async def add_many(tx: AccountTx, hashes: Sequence[bytes], stop: Stop) -> list[int]:
    """Ids of the rows that stop more than before; a refusal is of all addresses of the person.

    Any reason ends the ways back that a row left open; a bounce or a team's stop leave the refusal its name.
    Of two ends the later one holds, and none is the latest.
    """
    if stop.reason in _REFUSALS:
        hashes = await of_person(tx, hashes)
    rows = await tx.rows(
        """
        INSERT INTO suppressions (account_id, address_hash, list_id, reason, campaign_id, expires_at)
        SELECT DISTINCT $1::bigint, h, $3::bigint, $4, $5::bigint, $6::timestamptz
        FROM unnest($2::bytea[]) AS h
        ORDER BY h
        ON CONFLICT ON CONSTRAINT suppressions_scope DO UPDATE
        SET (reason, since, campaign_id) = (
                SELECT CASE WHEN replaced THEN excluded.reason ELSE suppressions.reason END,
                       CASE WHEN replaced THEN now() ELSE suppressions.since END,
                       CASE WHEN replaced THEN excluded.campaign_id ELSE suppressions.campaign_id END
                FROM (SELECT suppressions.expires_at <= now()
                             OR excluded.reason NOT IN ('bounced', 'added') AS replaced) AS r
            ),
            expires_at = CASE WHEN suppressions.expires_at <= now() THEN excluded.expires_at
                              WHEN excluded.expires_at > suppressions.expires_at THEN excluded.expires_at END,
            returned_to = '{}'
        WHERE suppressions.expires_at <= now() OR suppressions.returned_to <> '{}'
           OR suppressions.expires_at < coalesce(excluded.expires_at, 'infinity')
           OR (suppressions.reason IN ('bounced', 'added')
               AND excluded.reason NOT IN ('bounced', 'added'))
        RETURNING id
        """,
        list(hashes),
        stop.list_id,
        stop.reason,
        stop.campaign_id,
        stop.expires_at,
    )
    return [row[0] for row in rows]


async def add_by_team(tx: AccountTx, sealer: Sealer, email: str, *, reason: Reason = Reason.ADDED) -> bool:
    """As `add_many_by_team`, for one address. True when more is stopped than before."""
    return bool(await add_many_by_team(tx, sealer, [email], reason=reason))


async def add_many_by_team(
    tx: AccountTx,
    sealer: Sealer,
    emails: Sequence[str],
    *,
    reason: Reason = Reason.ADDED,
    expires_at: datetime | None = None,
) -> int:
    """Stops everything to these addresses, also those that are no contacts. Returns how many are new.

    Subscriptions of contacts are ended too, so that lists count what will be sent; not where the stop has an
    end. Raises addresses.AddressError.
    """
    key = await keys.hash_key(tx, sealer)
    hashes = [keys.address_hash(key, addresses.parse(email).key) for email in emails]
    if reason in _REFUSALS:
        hashes = await of_person(tx, hashes)
    new = await add_many(tx, hashes, Stop(reason=reason, expires_at=expires_at))
    if expires_at is None:
        await tx.run(
            """
            UPDATE subscriptions AS s
            SET status = 'unsubscribed', status_at = now()
            FROM contacts c
            WHERE s.account_id = $1 AND c.account_id = $1 AND c.id = s.contact_id
              AND c.address_hash = ANY ($2::bytea[]) AND s.status <> 'unsubscribed'
            """,
            hashes,
        )
    await audit.write_each(tx, "created", "suppression", new)
    return len(new)


async def check(tx: AccountTx, address_hash: bytes, *, list_id: int | None = None) -> Reason | None:
    """Why nothing may go to this address for this list, or None. The widest scope answers first.

    `list_id` None: why nothing may go there at all, ways back aside.
    """
    reason = await tx.value(
        """
        SELECT reason
        FROM suppressions
        WHERE account_id = $1 AND address_hash = $2
          AND (stops(suppressions, $3)
               OR ($3 IS NULL AND list_id IS NULL AND (expires_at IS NULL OR expires_at > now())))
        ORDER BY list_id NULLS FIRST
        LIMIT 1
        """,
        address_hash,
        list_id,
    )
    return None if reason is None else Reason(reason)


async def of_address(tx: AccountTx, address_hash: bytes) -> list[Suppression]:
    """Every row in force of one address, everything first."""
    return await tx.many(
        Suppression,
        """
        SELECT s.id, c.id AS contact_id, c.email, s.list_id, l.name AS list_name, s.reason,
               s.since, s.expires_at, s.returned_to
        FROM suppressions s
        LEFT JOIN contacts c ON c.account_id = $1 AND c.address_hash = s.address_hash
        LEFT JOIN mailing_lists l ON l.account_id = $1 AND l.id = s.list_id
        WHERE s.account_id = $1 AND s.address_hash = $2 AND (s.expires_at IS NULL OR s.expires_at > now())
        ORDER BY s.list_id NULLS FIRST
        """,
        address_hash,
    )


async def many(
    tx: AccountTx, wanted: Filter, *, cursor: str | None = None, limit: int = 50
) -> Page[Suppression]:
    """The newest first. Raises Invalid for a damaged cursor."""
    if wanted.address_hash is not None:
        own = await of_address(tx, wanted.address_hash)
        return Page([row for row in own if not wanted.reason or row.reason == wanted.reason])
    at, below = _place(cursor)
    if wanted.before is not None and wanted.before <= at:
        at, below = wanted.before, 0
    values = (at, below, wanted.since or EVER, limit + 1)
    if wanted.reason:
        rows = await tx.many(Suppression, _OF_REASON, *values, wanted.reason)
    else:
        rows = await tx.many(Suppression, _OF_ALL, *values)
    return page(rows, limit, key=lambda row: (row.since.isoformat(), row.id))


def _place(cursor: str | None) -> tuple[datetime, int]:
    after = decode(cursor, (str, int))
    if after is None:
        return FAR, 0
    try:
        at = datetime.fromisoformat(str(after[0]))
    except ValueError:
        at = None
    if at is None or at.tzinfo is None:
        raise fault("cursor", N_("This cursor is damaged. Start again without it."))
    return at, int(str(after[1]))


# two statements, so that each has its index: one for all would read the list for a rare reason
_OF_ALL = """
    SELECT s.id, c.id AS contact_id, c.email, s.list_id, l.name AS list_name, s.reason,
           s.since, s.expires_at, s.returned_to
    FROM suppressions s
    LEFT JOIN contacts c ON c.account_id = $1 AND c.address_hash = s.address_hash
    LEFT JOIN mailing_lists l ON l.account_id = $1 AND l.id = s.list_id
    WHERE s.account_id = $1 AND (s.since, s.id) < ($2, $3) AND s.since >= $4
      AND (s.expires_at IS NULL OR s.expires_at > now())
    ORDER BY s.since DESC, s.id DESC
    LIMIT $5
"""
_OF_REASON = """
    SELECT s.id, c.id AS contact_id, c.email, s.list_id, l.name AS list_name, s.reason,
           s.since, s.expires_at, s.returned_to
    FROM suppressions s
    LEFT JOIN contacts c ON c.account_id = $1 AND c.address_hash = s.address_hash
    LEFT JOIN mailing_lists l ON l.account_id = $1 AND l.id = s.list_id
    WHERE s.account_id = $1 AND s.reason = $6 AND (s.since, s.id) < ($2, $3) AND s.since >= $4
      AND (s.expires_at IS NULL OR s.expires_at > now())
    ORDER BY s.since DESC, s.id DESC
    LIMIT $5
"""


async def carry(tx: AccountTx, pairs: Sequence[tuple[bytes, bytes]]) -> None:
    """Of each pair (old, new), the new one has each refusal of the person and stop of the team: no bounce.

    Ways back come along where the new address has no stop of its own; otherwise those that both have stay.
    A stop with an end takes the place of none that lasts longer. All pairs are read as they were before; no
    new address may stand in two.
    """
    await tx.run(
        """
        INSERT INTO suppressions (account_id, address_hash, list_id, reason, since, expires_at, campaign_id,
                                  returned_to)
        SELECT s.account_id, p.new, s.list_id, s.reason, s.since, s.expires_at, s.campaign_id, s.returned_to
        FROM unnest($2::bytea[], $3::bytea[]) AS p (old, new)
        JOIN suppressions s ON s.account_id = $1 AND s.address_hash = p.old AND s.reason <> 'bounced'
        ORDER BY p.new, s.list_id
        ON CONFLICT ON CONSTRAINT suppressions_scope DO UPDATE
        SET (reason, since, expires_at) = (
                SELECT CASE WHEN weaker THEN excluded.reason ELSE suppressions.reason END,
                       CASE WHEN weaker THEN excluded.since ELSE suppressions.since END,
                       CASE WHEN weaker THEN excluded.expires_at ELSE suppressions.expires_at END
                FROM (SELECT suppressions.reason = 'bounced'
                             OR suppressions.expires_at < coalesce(excluded.expires_at, 'infinity')
                             AS weaker) AS r
            ),
            returned_to = ARRAY(SELECT unnest(suppressions.returned_to)
                                INTERSECT SELECT unnest(excluded.returned_to))
        WHERE suppressions.reason = 'bounced' OR suppressions.returned_to <> '{}'
           OR suppressions.expires_at < coalesce(excluded.expires_at, 'infinity')
        """,
        *_columns(pairs),
    )


async def carry_strictly(tx: AccountTx, pairs: Sequence[tuple[bytes, bytes]]) -> None:
    """As `carry`, for addresses of one person: a stop ends for neither before it ends for the other."""
    await carry(tx, pairs)
    await tx.run(
        """
        UPDATE suppressions s
        SET reason = f.reason, since = f.since, expires_at = f.expires_at
        FROM unnest($2::bytea[], $3::bytea[]) AS p (old, new), suppressions f
        WHERE s.account_id = $1 AND f.account_id = $1 AND f.address_hash = p.old AND s.address_hash = p.new
          AND s.list_id IS NOT DISTINCT FROM f.list_id AND f.reason <> 'bounced' AND s.expires_at IS NOT NULL
          AND (f.expires_at IS NULL OR f.expires_at > s.expires_at)
        """,
        *_columns(pairs),
    )


def _columns(pairs: Sequence[tuple[bytes, bytes]]) -> tuple[list[bytes], list[bytes]]:
    return [old for old, _ in pairs], [new for _, new in pairs]


async def add_for_lists(tx: AccountTx, hashes: Sequence[bytes], list_ids: Sequence[int]) -> None:
    """A refusal that stood only in a subscription, for addresses whose contact goes. What is there stays."""
    await tx.run(
        """
        INSERT INTO suppressions (account_id, address_hash, list_id, reason)
        SELECT $1, h, l, 'unsubscribed'
        FROM unnest($2::bytea[]) AS h
        CROSS JOIN unnest($3::bigint[]) AS l
        ON CONFLICT ON CONSTRAINT suppressions_scope DO UPDATE
        SET reason = 'unsubscribed', since = now(), expires_at = NULL
        WHERE suppressions.expires_at IS NOT NULL
        """,
        list(hashes),
        list(list_ids),
    )
    for list_id in list_ids:
        await close_returns(tx, hashes, list_id)


async def close_returns(tx: AccountTx, hashes: Sequence[bytes], list_id: int | None = None) -> None:
    """Ends the way back to one list, or to all: the stop of everything speaks for them again."""
    await tx.run(
        """
        UPDATE suppressions
        SET returned_to = CASE WHEN $3::bigint IS NULL THEN '{}' ELSE array_remove(returned_to, $3) END
        WHERE account_id = $1 AND address_hash = ANY($2::bytea[]) AND list_id IS NULL
          AND returned_to <> '{}'
        """,
        list(hashes),
        list_id,
    )


async def suppressed_hashes(tx: AccountTx, hashes: Sequence[bytes], list_id: int) -> set[bytes]:
    """Which of these addresses may not be written to for this list."""
    found = await tx.rows(
        """
        SELECT DISTINCT address_hash
        FROM suppressions
        WHERE account_id = $1 AND address_hash = ANY($2::bytea[]) AND stops(suppressions, $3)
        """,
        list(hashes),
        list_id,
    )
    return {row[0] for row in found}
