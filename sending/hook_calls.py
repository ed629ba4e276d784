"""A provider's call, from the body as it came to what it changes.

body ─▶ believed? ─▶ events ─▶ feedback_reports
"""

from collections.abc import Mapping
from dataclasses import dataclass

from mailer.core.services import Services
from sending import (
    feedback_hooks,
    feedback_reports,
    hook_notices,
    postmark_events,
    sendgrid_events,
    ses_events,
    sns,
)
from sending.feedback_hooks import Opened
from sending.hook_events import Event, Refused
from sending.sns_certificates import Ask

# in one transaction: a batch of SendGrid's holds some hundred
_AT_ONCE = 500


async def _freely() -> None:
    return None


@dataclass(frozen=True, slots=True)
class Call:
    """`headers`: names in any case. `ask`: called before Amazon is; raises TooMany."""

    account_id: int
    body: bytes
    headers: Mapping[str, str]
    ask: Ask = _freely


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
        part = events[begin : begin + _AT_ONCE]
        whole &= (await feedback_reports.act(services, call.account_id, part, "webhook")).whole
    if events:
        async with services.db.account(call.account_id) as tx:
            await feedback_hooks.note_event(tx, hook.id)
    return whole


async def _amazons(services: Services, hook: Opened, call: Call) -> list[Event]:
    """A subscription is confirmed on the way."""
    if call.headers.get("x-amz-sns-rawdelivery", "").lower() == "true":
        raise Refused("raw")
    message = sns.read(call.body)
    at = await sns.verify(message, hook.topic, services.settings, call.ask)
    match message.kind:
        case "SubscriptionConfirmation":
            await sns.confirm(message, hook.topic, services.settings)
            async with services.db.account(call.account_id) as tx:
                await feedback_hooks.note_confirmed(tx, hook.id)
            return []
        case "UnsubscribeConfirmation":
            async with services.db.account(call.account_id) as tx:
                await hook_notices.end(tx, services, hook.id, at)
            return []
    return ses_events.read(message.text("Message"), call.account_id)
