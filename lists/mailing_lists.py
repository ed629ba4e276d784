"""Mailing lists: what people subscribed to. Deleting hides a list; what people refused stays (B-28)."""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Annotated, Literal

from pydantic import Field

from mailer.accounts import audit
from mailer.core import kept_counts
from mailer.core.db import AccountTx
from mailer.core.errors import Conflict, Fault, NotFound, conflict
from mailer.core.kept_counts import Counted
from mailer.core.paging import Page, decode, page
from mailer.core.text import N_
from mailer.web.request import Input

Name = Annotated[str, Field(min_length=1, max_length=120)]
Kind = Literal["newsletter", "promotion", "service"]
NAME_TAKEN = N_("A list is already called “{name}”. Choose another name.")
IN_USE = N_("The campaign “{campaign}” is planned or under way for this list. Cancel it first.")


class NewMailingList(Input):
    """`public_name`, `purpose` and `frequency` are what recipients read; "" takes `name` for the first."""

    name: Name
    public_name: Annotated[str, Field(max_length=120)] = ""
    purpose: Annotated[str, Field(max_length=500)] = ""
    frequency: Annotated[str, Field(max_length=120)] = ""
    kind: Kind = "newsletter"
    double_opt_in: bool = True
    shown_in_preferences: bool = True


class MailingListChange(Input):
    """What is None stays as it is."""

    name: Name | None = None
    public_name: Name | None = None
    purpose: Annotated[str, Field(max_length=500)] | None = None
    frequency: Annotated[str, Field(max_length=120)] | None = None
    kind: Kind | None = None
    double_opt_in: bool | None = None
    shown_in_preferences: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Row:
    """`sent_at` is the start of the last campaign."""

    id: int
    name: str
    public_name: str
    purpose: str
    frequency: str
    kind: str
    double_opt_in: bool
    shown_in_preferences: bool
    created_at: datetime
    sent_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class MailingList(_Row):
    """`unsubscribed` counts the last 90 days. `counted_at` of a large list; None: just now."""

    active: int
    pending: int
    unsubscribed: int
    counted_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """For selects."""

    id: int
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaving:
    """Before a list is deleted: its contacts, and those of them in no other list."""

    contacts: int
    alone: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Week:
    """`left`: unsubscribed in that week and still so."""

    begins: date
    joined: int
    left: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """Of all contacts of a list: what keeps mail from them, and what measurement they allow."""

    bounced: int
    complained: int
    opens_granted: int
    clicks_granted: int


async def create(tx: AccountTx, new: NewMailingList) -> MailingList:
    """Raises Conflict at `name`."""
    with conflict("mailing_lists_name", "name", NAME_TAKEN, name=new.name):
        list_id: int = await tx.value(
            """
            INSERT INTO mailing_lists (account_id, name, public_name, purpose, frequency, kind, double_opt_in,
                                       shown_in_preferences)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
            RETURNING id
            """,
            new.name,
            new.public_name or new.name,
            new.purpose,
            new.frequency,
            new.kind,
            new.double_opt_in,
            new.shown_in_preferences,
        )
    await audit.write(tx, "created", "mailing_list", list_id)
    return await show(tx, list_id)


async def show(tx: AccountTx, list_id: int) -> MailingList:
    """Raises NotFound, also for a deleted list."""
    found = await tx.one(
        _Row,
        """
        SELECT l.id, l.name, l.public_name, l.purpose, l.frequency, l.kind, l.double_opt_in,
               l.shown_in_preferences, l.created_at, m.sent_at
        FROM mailing_lists l
        CROSS JOIN LATERAL (
            SELECT max(c.started_at) AS sent_at
            FROM campaign_lists cl
            JOIN campaigns c ON c.account_id = $1 AND c.id = cl.campaign_id
            WHERE cl.account_id = $1 AND cl.list_id = l.id AND cl.use = 'include'
        ) m
        WHERE l.account_id = $1 AND l.id = $2 AND l.deleted_at IS NULL
        """,
        list_id,
    )
    return (await _counted(tx, [found]))[0]


async def many(
    tx: AccountTx, *, name: str = "", cursor: str | None = None, limit: int = 50
) -> Page[MailingList]:
    """By name. `name`: only those whose name holds this text."""
    after = decode(cursor, (str,))
    rows = await tx.many(
        _Row,
        """
        SELECT l.id, l.name, l.public_name, l.purpose, l.frequency, l.kind, l.double_opt_in,
               l.shown_in_preferences, l.created_at, m.sent_at
        FROM mailing_lists l
        CROSS JOIN LATERAL (
            SELECT max(c.started_at) AS sent_at
            FROM campaign_lists cl
            JOIN campaigns c ON c.account_id = $1 AND c.id = cl.campaign_id
            WHERE cl.account_id = $1 AND cl.list_id = l.id AND cl.use = 'include'
        ) m
        WHERE l.account_id = $1 AND l.deleted_at IS NULL AND l.name > $2
          AND ($3 = '' OR strpos(lower(l.name), lower($3)) > 0)
        ORDER BY l.name
        LIMIT $4
        """,
        after[0] if after else "",
        name,
        limit + 1,
    )
    return page(await _counted(tx, rows), limit, key=lambda row: (row.name,))


async def _counted(tx: AccountTx, rows: Sequence[_Row]) -> list[MailingList]:
    """With how many people each has; of a large list as of some seconds ago."""
    wanted = [row.id for row in rows]
    known = await kept_counts.of_each(tx, "people of a list", wanted)
    fresh = [list_id for list_id in wanted if list_id not in known]
    counted = {list_id: Counted([0, 0, 0], 0) for list_id in fresh}
    if fresh:
        found = await tx.rows(
            """
            SELECT list_id, count(*), count(*) FILTER (WHERE status = 'active'),
                   count(*) FILTER (WHERE status = 'pending'),
                   count(*) FILTER (WHERE status = 'unsubscribed' AND status_at > now() - interval '90 days')
            FROM subscriptions
            WHERE account_id = $1 AND list_id = ANY ($2::bigint[])
            GROUP BY list_id
            """,
            fresh,
        )
        counted |= {list_id: Counted(figures, size) for list_id, size, *figures in found}
        await kept_counts.keep(tx, "people of a list", counted)
    people = known | counted
    return [
        MailingList(
            **{field.name: getattr(row, field.name) for field in dataclasses.fields(row)},
            **dict(zip(("active", "pending", "unsubscribed"), people[row.id].value, strict=True)),
            counted_at=people[row.id].at,
        )
        for row in rows
    ]


async def names(tx: AccountTx) -> list[Named]:
    """All lists by name, for selects."""
    return await tx.many(
        Named,
        """
        SELECT id, name
        FROM mailing_lists
        WHERE account_id = $1 AND deleted_at IS NULL
        ORDER BY name
        LIMIT 1000
        """,
    )


async def change(tx: AccountTx, list_id: int, change: MailingListChange) -> MailingList:
    """Raises NotFound, Conflict at `name`."""
    with conflict("mailing_lists_name", "name", NAME_TAKEN, name=change.name or ""):
        touched = await tx.run(
            """
            UPDATE mailing_lists
            SET name = coalesce($3, name), public_name = coalesce($4, public_name),
                purpose = coalesce($5, purpose), frequency = coalesce($6, frequency),
                kind = coalesce($7, kind), double_opt_in = coalesce($8, double_opt_in),
                shown_in_preferences = coalesce($9, shown_in_preferences)
            WHERE account_id = $1 AND id = $2 AND deleted_at IS NULL
            """,
            list_id,
            change.name,
            change.public_name,
            change.purpose,
            change.frequency,
            change.kind,
            change.double_opt_in,
            change.shown_in_preferences,
        )
    if not touched:
        raise NotFound
    await audit.write(tx, "changed", "mailing_list", list_id)
    return await show(tx, list_id)


async def leaving(tx: AccountTx, list_id: int) -> Leaving:
    """What deleting would mean."""
    return await tx.one(
        Leaving,
        """
        SELECT count(*) AS contacts,
               count(*) FILTER (WHERE NOT EXISTS (
                   SELECT FROM subscriptions o
                   JOIN mailing_lists l ON l.account_id = $1 AND l.id = o.list_id AND l.deleted_at IS NULL
                   WHERE o.account_id = $1 AND o.contact_id = s.contact_id AND o.list_id <> $2
               )) AS alone
        FROM subscriptions s
        WHERE s.account_id = $1 AND s.list_id = $2
        """,
        list_id,
    )


async def alone(tx: AccountTx, list_id: int) -> list[int]:
    """The contacts that are in this list and no other."""
    found = await tx.rows(
        """
        SELECT s.contact_id
        FROM subscriptions s
        WHERE s.account_id = $1 AND s.list_id = $2 AND NOT EXISTS (
            SELECT FROM subscriptions o
            JOIN mailing_lists l ON l.account_id = $1 AND l.id = o.list_id AND l.deleted_at IS NULL
            WHERE o.account_id = $1 AND o.contact_id = s.contact_id AND o.list_id <> $2)
        """,
        list_id,
    )
    return [row[0] for row in found]


async def growth(tx: AccountTx, list_id: int, people: int) -> list[Week]:
    """Arrivals and departures by week, the oldest first; weeks begin on Monday, in UTC.

    `people`: about how many the list has, for a large one is not counted at each view.
    """

    async def count() -> Counted:
        weeks = await _growth(tx, list_id, 90)
        return Counted([[week.begins.isoformat(), week.joined, week.left] for week in weeks], people)

    found = await kept_counts.of(tx, "growth of a list", list_id, count)
    return [
        Week(begins=date.fromisoformat(begins), joined=joined, left=left)
        for begins, joined, left in found.value
    ]


async def _growth(tx: AccountTx, list_id: int, days: int) -> list[Week]:
    return await tx.many(
        Week,
        """
        SELECT w.week::date AS begins,
               (SELECT count(*) FROM subscriptions s
                WHERE s.account_id = $1 AND s.list_id = $2 AND s.created_at >= w.week
                  AND s.created_at < w.week + interval '7 days') AS joined,
               (SELECT count(*) FROM subscriptions s
                WHERE s.account_id = $1 AND s.list_id = $2 AND s.status = 'unsubscribed'
                  AND s.status_at >= w.week AND s.status_at < w.week + interval '7 days') AS left
        FROM generate_series(date_trunc('week', now() - make_interval(days => $3)), now(), interval '7 days')
             AS w (week)
        ORDER BY 1
        """,
        list_id,
        days,
    )


async def health(tx: AccountTx, list_id: int, people: int) -> Health:
    """`people` as for `growth`."""

    async def count() -> Counted:
        return Counted(dataclasses.asdict(await _health(tx, list_id)), people)

    return Health(**(await kept_counts.of(tx, "health of a list", list_id, count)).value)


async def _health(tx: AccountTx, list_id: int) -> Health:
    return await tx.one(
        Health,
        """
        SELECT count(*) FILTER (WHERE u.reason = 'bounced') AS bounced,
               count(*) FILTER (WHERE u.reason = 'complained') AS complained,
               count(*) FILTER (WHERE c.opens = 'granted') AS opens_granted,
               count(*) FILTER (WHERE c.clicks = 'granted') AS clicks_granted
        FROM subscriptions s
        JOIN contacts c ON c.account_id = $1 AND c.id = s.contact_id
        LEFT JOIN suppressions u
               ON u.account_id = $1 AND u.address_hash = c.address_hash AND u.list_id IS NULL
        WHERE s.account_id = $1 AND s.list_id = $2
        """,
        list_id,
    )


async def delete(tx: AccountTx, list_id: int) -> None:
    """Hides the list; contacts, refusals and what was sent stay.

    Raises NotFound, and Conflict at `list` while a campaign that is planned or under way writes to it.
    """
    waiting = await tx.value(
        """
        SELECT c.name
        FROM campaign_lists cl
        JOIN campaigns c ON c.account_id = $1 AND c.id = cl.campaign_id
        WHERE cl.account_id = $1 AND cl.list_id = $2
          AND c.status IN ('scheduled', 'preparing', 'sending', 'paused')
        UNION ALL
        SELECT name FROM automations
        WHERE account_id = $1 AND list_id = $2 AND status IN ('running', 'paused')
        LIMIT 1
        """,
        list_id,
    )
    if waiting is not None:
        raise Conflict(Fault("list", IN_USE, "in_use", {"campaign": waiting}))
    if not await tx.run(
        """
        UPDATE mailing_lists
        SET deleted_at = now()
        WHERE account_id = $1 AND id = $2 AND deleted_at IS NULL
        """,
        list_id,
    ):
        raise NotFound
    await audit.write(tx, "deleted", "mailing_list", list_id)
