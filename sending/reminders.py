"""A campaign sent again to those who did not click it: a draft of its own, narrowed by a segment of its own.

    sent campaign ─ begin ─▶ draft: same lists, content, sender; another subject; segment “did not click it”

The segment holds who was delivered, accepted that clicks are measured, still accepts it, and did not click as
a person or as somebody who may be one. Of the others nobody can say that they did not: they are left out, and
the page says how many. Lists still authorise (S4), and who left meanwhile gets nothing, as in every audience.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from lists import segments
from lists.segment_tree import Condition, Subject, Tree
from lists.segments import NewSegment
from mailer.accounts import audit
from mailer.core import clock
from mailer.core.db import AccountTx
from mailer.core.errors import Conflict, Fault, NotFound
from mailer.core.text import N_
from sending import ab_variants, campaign_segments, campaigns
from sending.campaigns import Campaign, Changes, Status

AFTER = timedelta(hours=24)
"""A reminder comes later than that: most people who click do so within a day."""


@dataclass(frozen=True, slots=True, kw_only=True)
class People:
    """Of a sent campaign: delivered = not_measured + clicked + silent; a reminder is for the `silent`."""

    delivered: int
    not_measured: int
    clicked: int
    silent: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Relative:
    """The campaign that another reminds of, or its reminder."""

    id: int
    name: str
    earlier: bool


async def people(tx: AccountTx, campaign_id: int) -> People:
    """As of now, before the lists and refusals are looked at."""
    return await tx.one(
        People,
        """
        WITH clicked AS MATERIALIZED (
            SELECT DISTINCT contact_id
            FROM events
            WHERE account_id = $1 AND campaign_id = $2 AND kind = 'click' AND verdict <> 'machine'
        )
        SELECT count(*)::int AS delivered,
               (count(*) FILTER (WHERE NOT d.clicks OR p.clicks IS DISTINCT FROM 'granted'))::int
                   AS not_measured,
               (count(*) FILTER (WHERE d.clicks AND p.clicks = 'granted' AND k.contact_id IS NOT NULL))::int
                   AS clicked,
               (count(*) FILTER (WHERE d.clicks AND p.clicks = 'granted' AND k.contact_id IS NULL))::int
                   AS silent
        FROM campaigns c
        JOIN deliveries d ON d.account_id = c.account_id AND d.campaign_id = c.id AND d.month = c.month
        LEFT JOIN contacts p ON p.account_id = d.account_id AND p.id = d.contact_id
        LEFT JOIN clicked k ON k.contact_id = d.contact_id
        WHERE c.account_id = $1 AND c.id = $2 AND d.status = 'delivered'
        """,
        campaign_id,
    )


def earliest(campaign: Campaign) -> datetime | None:
    """From when on a reminder can be made; None: never."""
    if campaign.status != Status.SENT or campaign.finished_at is None or campaign.reminder_of is not None:
        return None
    return None if campaign.kind == "service" else campaign.finished_at + AFTER


async def begin(tx: AccountTx, campaign_id: int, *, name: str, subject: str) -> Campaign:
    """The draft of a reminder. Its text is there while the first one's is kept.

    Raises NotFound, Invalid at `subject`, and Conflict: not sent, too early, a reminder itself, nothing
    measured, nobody left, or made before.
    """
    found = await tx.rows(
        "SELECT details_erased_at FROM campaigns WHERE account_id = $1 AND id = $2 FOR NO KEY UPDATE",
        campaign_id,
    )
    if not found:
        raise NotFound
    campaign = await campaigns.show(tx, campaign_id)
    await _check(tx, campaign, erased=found[0][0] is not None)
    made = await campaigns.duplicate(tx, campaign_id, name)
    await ab_variants.keep_one(tx, made.id, of=campaign_id)
    await campaign_segments.drop(tx, made.id)
    silent = Condition(subject=Subject.CAMPAIGN, of=campaign_id, operator="not_clicked")
    label = f"{campaign.name[:100]} ({campaign_id})"
    segment = await _segment(tx, label, Tree(rules=[silent]))
    await campaign_segments.choose(tx, made.id, include=[segment], exclude=[])
    await tx.run(
        "UPDATE campaigns SET reminder_of = $3 WHERE account_id = $1 AND id = $2", made.id, campaign_id
    )
    await campaigns.change(tx, made.id, Changes(subject=subject))
    await audit.write(tx, "reminded", "campaign", campaign_id)
    return await campaigns.show(tx, made.id)


async def _check(tx: AccountTx, campaign: Campaign, *, erased: bool) -> None:
    """Raises Conflict."""
    if campaign.reminder_of is not None:
        raise _state(N_("This campaign is a reminder itself: nobody is reminded twice."))
    if campaign.status != Status.SENT:
        raise _state(N_("Only a campaign that was sent to the end can be sent again."))
    if erased or campaign.kind == "service":
        raise _state(N_("Nothing of this campaign is measured: nobody knows who did not click."))
    day = earliest(campaign)
    if day is None or clock.now() < day:
        hours = int(AFTER.total_seconds() // 3600)
        raise _state(N_("It is too early: many click later. Wait {hours} hours from its end."), hours=hours)
    if await tx.value("SELECT 1 FROM campaigns WHERE account_id = $1 AND reminder_of = $2", campaign.id):
        raise _state(N_("The reminder of this campaign was made already."))
    if not (await people(tx, campaign.id)).silent:
        raise _state(N_("Nobody is left: of those whose clicks are measured, everybody clicked."))


async def _segment(tx: AccountTx, label: str, tree: Tree) -> int:
    """The account's segment of that name; a reminder whose draft was deleted left it behind."""
    there: int | None = await tx.value(
        "SELECT id FROM segments WHERE account_id = $1 AND name = $2 AND tree = $3 AND deleted_at IS NULL",
        label,
        tree.model_dump(mode="json"),
    )
    return there or (await segments.create(tx, NewSegment(name=label, tree=tree))).id


async def segment_missing(tx: AccountTx, campaign: Campaign) -> bool:
    """Whether a reminder is narrowed no more to those who did not click what it reminds of."""
    if campaign.reminder_of is None:
        return False
    silent = Condition(subject=Subject.CAMPAIGN, of=campaign.reminder_of, operator="not_clicked")
    included = [
        Tree.model_validate(one.tree)
        for one in await campaign_segments.many(tx, campaign.id)
        if one.use == "include"
    ]
    # whoever is in one of them gets it, so each has to ask for it
    return not included or not all(
        silent in tree.rules and (tree.match == "all" or len(tree.rules) == 1) for tree in included
    )


async def relatives(tx: AccountTx, campaign_id: int) -> list[Relative]:
    """The earlier one first."""
    return await tx.many(
        Relative,
        """
        SELECT o.id, o.name, o.id = c.reminder_of AS earlier
        FROM campaigns c
        JOIN campaigns o ON o.account_id = c.account_id AND (o.id = c.reminder_of OR o.reminder_of = c.id)
        WHERE c.account_id = $1 AND c.id = $2
        ORDER BY o.id
        """,
        campaign_id,
    )


def _state(message: str, **params: Any) -> Conflict:
    return Conflict(Fault("status", message, "status", params))
