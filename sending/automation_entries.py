"""Who takes part. Subscriptions and tags take people in by themselves (migration 0150); a program's
event does
here; dates, segments and clicks are searched for, range by range of contacts, with the place in the same
transaction.

    search ─▶ the next range ─▶ journeys, ON CONFLICT nothing: whoever is in stays where they are
"""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta, tzinfo

from lists import segments
from lists.segment_tree import Tree
from mailer.accounts import identity
from mailer.core.db import AccountTx
from mailer.core.errors import NotFound, fault
from mailer.core.text import N_
from mailer.web import i18n
from sending import automation_conditions, automations
from sending.automations import Automation

RANGE = 20_000
EVERY = timedelta(minutes=10)
END = 2**63 - 1


async def begin(tx: AccountTx, automation: Automation) -> None:
    """At the start: the first search is due."""
    await tx.run(
        "UPDATE automations SET position = 0, searched_at = NULL WHERE account_id = $1 AND id = $2",
        automation.id,
    )


async def next_search(tx: AccountTx, automation: Automation, now: datetime) -> datetime | None:
    """When the next search begins; None: nothing is searched for."""
    if automation.trigger not in ("date", "segment", "clicked"):
        return None
    searched: datetime | None = await tx.value(
        "SELECT searched_at FROM automations WHERE account_id = $1 AND id = $2", automation.id
    )
    if automation.trigger == "date":
        zone = i18n.zone((await identity.of(tx)).time_zone)
        return _next_day(automation, searched, now, zone)
    return now if searched is None else searched + EVERY


def _next_day(automation: Automation, searched: datetime | None, now: datetime, zone: tzinfo) -> datetime:
    """The hour of the trigger on the first day that was not searched yet; never an earlier day than today."""
    today = now.astimezone(zone).date()
    day = today
    if searched is not None and searched.astimezone(zone).date() >= today:
        day = today + timedelta(days=1)
    return datetime.combine(day, time(automation.waits_for.hour), zone).astimezone(UTC)


async def search(tx: AccountTx, automation: Automation, now: datetime) -> bool:
    """The next range of a search that is under way or due. True: there is more to look at."""
    [(position,)] = await tx.rows(
        "SELECT position FROM automations WHERE account_id = $1 AND id = $2", automation.id
    )
    if position == 0:
        due = await next_search(tx, automation, now)
        if due is None or due > now:
            return False
    last = await segments.next_range(tx, after=position, size=RANGE)
    if last is not None:
        await _range(tx, automation, (position, last), now)
    await tx.run(
        """
        UPDATE automations
        SET position = coalesce($3, 0),
            searched_at = CASE WHEN $3::bigint IS NULL THEN $4 ELSE searched_at END
        WHERE account_id = $1 AND id = $2
        """,
        automation.id,
        last,
        now,
    )
    return last is not None


async def _range(tx: AccountTx, automation: Automation, span: tuple[int, int], now: datetime) -> None:
    match automation.trigger:
        case "segment":
            await _segment(tx, automation, span, now)
        case "date":
            await _date(tx, automation, span, now)
        case "clicked":
            await _clicked(tx, automation, span, now)


async def _segment(tx: AccountTx, automation: Automation, span: tuple[int, int], now: datetime) -> None:
    rule = await tx.value(
        "SELECT tree FROM segments WHERE account_id = $1 AND id = $2 AND deleted_at IS NULL",
        automation.trigger_of,
    )
    if rule is None:
        return
    rows = await tx.rows(
        """
        SELECT c.id
        FROM contacts c
        JOIN subscriptions s ON s.account_id = $1 AND s.list_id = $5 AND s.contact_id = c.id
            AND s.status = 'active' AND s.contact_id > $3 AND s.contact_id <= $4
        WHERE c.account_id = $1 AND c.id > $3 AND c.id <= $4
          AND NOT EXISTS (SELECT FROM automation_journeys j
                          WHERE j.account_id = $1 AND j.automation_id = $2 AND j.contact_id = c.id)
        """,
        automation.id,
        *span,
        automation.list_id,
    )
    try:
        found = await automation_conditions.among(tx, Tree.model_validate(rule), [one for (one,) in rows])
    except automation_conditions.Broken:
        return
    await enter(tx, automation, sorted(found), "", now)


async def _date(tx: AccountTx, automation: Automation, span: tuple[int, int], now: datetime) -> None:
    """Whose day is today: so many days before or after it. 29 February is kept on 28 in other years."""
    wanted = automation.waits_for
    zone = i18n.zone((await identity.of(tx)).time_zone)
    day = now.astimezone(zone).date() - timedelta(days=wanted.days)
    texts = [day.isoformat()]
    if wanted.yearly:
        texts = [f"{day:%m-%d}"]
        if (day.month, day.day) == (2, 28) and (day + timedelta(days=1)).month == 3:
            texts.append("02-29")
    rows = await tx.rows(
        """
        SELECT c.id
        FROM contacts c
        WHERE c.account_id = $1 AND c.id > $2 AND c.id <= $3 AND jsonb_typeof(c.fields -> $4::text) = 'string'
          AND CASE WHEN $6 THEN substring(c.fields ->> $4::text FROM 6 FOR 5) ELSE c.fields ->> $4::text END
              = ANY ($5::text[])
        ORDER BY c.id
        """,
        *span,
        wanted.field,
        texts,
        wanted.yearly,
    )
    await enter(tx, automation, [one for (one,) in rows], _occasion(day, yearly=wanted.yearly), now)


def _occasion(day: date, *, yearly: bool) -> str:
    return str(day.year) if yearly else day.isoformat()


async def _clicked(tx: AccountTx, automation: Automation, span: tuple[int, int], now: datetime) -> None:
    """Who clicked since the start, as a person, and still accepts the measure (B-31)."""
    rows = await tx.rows(
        """
        SELECT DISTINCT e.contact_id
        FROM events e
        JOIN contacts c ON c.account_id = $1 AND c.id = e.contact_id AND c.clicks = 'granted'
        LEFT JOIN links l ON l.account_id = $1 AND l.id = e.link_id
        WHERE e.account_id = $1 AND e.campaign_id = $4 AND e.contact_id > $2 AND e.contact_id <= $3
          AND e.kind = 'click' AND e.verdict <> 'machine' AND e.at >= $6
          AND ($5 = '' OR strpos(lower(l.url), lower($5)) > 0)
        """,
        *span,
        automation.trigger_of,
        automation.waits_for.link,
        automation.started_at or now,
    )
    await enter(tx, automation, sorted(one for (one,) in rows), "", now)


async def enter(
    tx: AccountTx, automation: Automation, contact_ids: Sequence[int], occasion: str, now: datetime
) -> int:
    """Those who are subscribed to its list and not in it, nor were on this occasion. Returns how many."""
    return await tx.run(
        """
        INSERT INTO automation_journeys (account_id, automation_id, contact_id, occasion, entered_at,
                    arrived_at,
                                         due_at)
        SELECT $1, $2, s.contact_id, $4, $5, $5, $5
        FROM subscriptions s
        JOIN automations a ON a.account_id = $1 AND a.id = $2
        JOIN contacts c ON c.account_id = $1 AND c.id = s.contact_id AND c.restricted_at IS NULL
        WHERE s.account_id = $1 AND s.list_id = a.list_id AND s.contact_id = ANY ($3::bigint[])
          AND s.status = 'active'
          AND NOT EXISTS (SELECT FROM suppressions x
                          WHERE x.account_id = $1 AND x.address_hash = c.address_hash AND stops(x, s.list_id))
        ON CONFLICT DO NOTHING
        """,
        automation.id,
        list(contact_ids),
        occasion,
        now,
    )


async def happened(tx: AccountTx, name: str, contact_id: int, *, key: str, now: datetime) -> int:
    """A program's event: the person is taken into what waits for it. Returns how many automatic campaigns.

    `key`: what this event is, for those in which a person may take part again; each key once. Raises
    NotFound.
    """
    if not await tx.value("SELECT 1 FROM contacts WHERE account_id = $1 AND id = $2", contact_id):
        raise NotFound
    rows = await tx.rows(
        """
        SELECT id, again FROM automations
        WHERE account_id = $1 AND trigger = 'event' AND setting ->> 'event' = $2
          AND status IN ('running', 'paused')
        ORDER BY id
        """,
        name,
    )
    taken = 0
    for automation_id, again in rows:
        automation = await automations.show(tx, automation_id)
        if again and not key:
            raise fault("key", N_("Give the event a key: this automatic campaign can be entered again."))
        taken += await enter(tx, automation, [contact_id], key if again else "", now)
        await automations.wake(tx, automation_id)
    return taken
