"""Events of any origin, from what they say to what they change.

    not seen yet ─▶ the mails they speak of ─▶ effects ─▶ noted

Effects come first and are the same twice; the note comes last, so that a process that dies in between leaves
them to the next try.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from mailer.core.services import Services
from sending import feedback_effects, feedback_notes, hook_locations, soft_bounces
from sending.feedback_counts import Source
from sending.feedback_effects import Result
from sending.feedback_notes import Noted
from sending.hook_events import Event
from sending.hook_locations import Found


@dataclass(frozen=True, slots=True)
class Acted:
    """`known`: so many were of mails of ours, seen before or now. `whole`: nothing is to be told again."""

    known: int
    whole: bool


async def act(services: Services, account_id: int, events: Sequence[Event], source: Source) -> Acted:
    """In as many transactions as there are effects, and two."""
    async with services.db.account(account_id) as tx:
        new = await feedback_notes.unseen(tx, [one.key for one in events])
        found = await hook_locations.locate(tx, services, [one for one in events if one.key in new])
        arrived = [(one.contact_id, one.event.at) for one in found if _arrived(one) and one.contact_id]
        await soft_bounces.clear(tx, arrived)
    acting = [one for one in found if one.event.finding.final and (one.doubtful or not _arrived(one))]
    results = await feedback_effects.apply(services, [one.located for one in acting])
    noted = [
        _noted(one)
        for one, result in zip(acting, results, strict=True)
        if result is not Result.EARLY and not _arrived(one)
    ]
    async with services.db.account(account_id) as tx:
        await feedback_notes.note(tx, noted, source)
    seen = sum(one.key not in new for one in events)
    return Acted(known=len(found) + seen, whole=Result.EARLY not in results)


def _arrived(one: Found) -> bool:
    return not feedback_notes.acts(one.event.finding)


def _noted(one: Found) -> Noted:
    return Noted(
        key=one.event.key,
        finding=one.event.finding,
        at=one.event.at,
        contact_id=one.contact_id,
        campaign_id=one.located.campaign_id,
        profile=one.profile,
    )
