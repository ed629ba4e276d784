"""A provider's call, from the body as it came to what it changes.

    body ─▶ believed? ─▶ events ─▶ not seen yet ─▶ the mails they speak of ─▶ effects ─▶ noted

Effects come first and are the same twice; the note comes last, so that a process that dies in between leaves
the call to the provider's next try.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from mailer.core.services import Services
from sending import (
    feedback_effects,
    feedback_hooks,
    feedback_notes,
    hook_locations,
    postmark_events,
    sendgrid_events,
    ses_events,
    sns,
    soft_bounces,
)
from sending.feedback_effects import Result
from sending.feedback_hooks import Opened
from sending.feedback_notes import Noted
from sending.hook_events import Event, Refused
from sending.hook_locations import Found

# in one transaction: a batch of SendGrid's holds some hundred
_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Call:
    """`headers`: names in any case."""

    account_id: int
    body: bytes
    headers: Mapping[str, str]


async def receive(services: Services, hook: Opened, call: Call) -> bool:
    """False when some of it is to be told again. Raises Refused, and Unavailable while a part is away."""
    match hook.provider:
        case "ses":
            events = await _amazons(services, hook, call)
        case "sendgrid":
            sendgrid_events.verify(hook.secret, call.body, call.headers)
            events = sendgrid_events.read(call.body, call.account_id)
        case _:
            postmark_events.verify(hook.secret, call.headers)
            events = postmark_events.read(call.body, call.account_id)
    whole = True
    for begin in range(0, len(events), _AT_ONCE):
        whole &= await _act(services, call.account_id, events[begin : begin + _AT_ONCE])
    if events:
        async with services.db.account(call.account_id) as tx:
            await feedback_hooks.note_event(tx, hook.id)
    return whole


async def _amazons(services: Services, hook: Opened, call: Call) -> list[Event]:
    """A subscription is confirmed on the way."""
    if call.headers.get("x-amz-sns-rawdelivery", "").lower() == "true":
        raise Refused("raw")
    message = sns.read(call.body)
    await sns.verify(message, hook.topic, services.settings)
    match message.kind:
        case "SubscriptionConfirmation":
            await sns.confirm(message, hook.topic, services.settings)
            async with services.db.account(call.account_id) as tx:
                await feedback_hooks.note_confirmed(tx, hook.id)
            return []
        case "UnsubscribeConfirmation":
            raise Refused("unsubscribed")
    return ses_events.read(message.text("Message"), call.account_id)


async def _act(services: Services, account_id: int, events: Sequence[Event]) -> bool:
    """False when a mail's own outcome is not written down yet."""
    async with services.db.account(account_id) as tx:
        new = await feedback_notes.unseen(tx, [one.key for one in events])
        found = await hook_locations.locate(tx, services, [one for one in events if one.key in new])
        arrived = [(one.contact_id, one.event.at) for one in found if _arrived(one) and one.contact_id]
        await soft_bounces.clear(tx, arrived)
    acting = [one for one in found if one.doubtful or not _arrived(one)]
    results = await feedback_effects.apply(services, [one.located for one in acting])
    noted = [
        _noted(one)
        for one, result in zip(acting, results, strict=True)
        if result is not Result.EARLY and not _arrived(one)
    ]
    async with services.db.account(account_id) as tx:
        await feedback_notes.note(tx, noted, "webhook")
    return Result.EARLY not in results


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
