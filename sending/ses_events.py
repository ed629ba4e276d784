"""Events of Amazon SES, in a message of Amazon SNS: a domain's notifications, or a configuration set's.

`mail.headers` holds our mark, or the Feedback-ID of mails that left before there was a webhook; it comes with
every event of a configuration set, and with notifications once “include original headers” is on.
"""

from collections.abc import Callable, Iterator

from sending import feedback_hooks, hook_events
from sending.feedback import Finding, Kind, Reason
from sending.hook_events import Category, Event, Members

# bounceType and bounceSubType
_PERMANENT = {
    "General": (Kind.HARD, Reason.USER_UNKNOWN),
    "NoEmail": (Kind.HARD, Reason.USER_UNKNOWN),
    "Suppressed": (Kind.HARD, Reason.USER_UNKNOWN),
    "OnAccountSuppressionList": (Kind.HARD, Reason.USER_UNKNOWN),
    "UnsubscribedRecipient": (Kind.UNSUBSCRIBE, Reason.UNSUBSCRIBE),
}
_TRANSIENT = {
    "General": (Kind.SOFT, Reason.UNDEFINED),
    "MailboxFull": (Kind.SOFT, Reason.MAILBOX_FULL),
    "MessageTooLarge": (Kind.BLOCK, Reason.TOO_LARGE),
    "ContentRejected": (Kind.BLOCK, Reason.CONTENT),
    "AttachmentRejected": (Kind.BLOCK, Reason.CONTENT),
    "CustomTimeoutExceeded": (Kind.SOFT, Reason.EXPIRED),
}


def read(message: str, account_id: int) -> list[Event]:
    """Raises Refused for what is no JSON; kinds that say nothing about a recipient are left out."""
    told = hook_events.members(hook_events.read_json(message))
    kind = hook_events.text(told, "notificationType") or hook_events.text(told, "eventType")
    reader = _READERS.get(kind)
    if reader is None:
        return []
    mail = hook_events.members(told.get("mail"))
    headers = {
        hook_events.text(one, "name").lower(): hook_events.text(one, "value")
        for one in hook_events.items(mail.get("headers"))
    }
    message_id = hook_events.message_id(headers.get("message-id", ""))
    mark = headers.get("x-mailer-ref") or headers.get("feedback-id", "")
    campaign_id, transactional = feedback_hooks.read_mark(mark, account_id)
    about = hook_events.members(told.get(kind.lower()))
    at = hook_events.instant(about, "timestamp")
    return [
        Event(
            key=hook_events.key_of(
                "ses",
                kind,
                hook_events.text(about, "feedbackId") or hook_events.text(mail, "messageId"),
                found.recipient,
            ),
            at=at,
            finding=found,
            campaign_id=campaign_id,
            message_id=transactional,
        )
        for found in reader(about, mail, message_id)
    ]


def _bounce(about: Members, mail: Members, message_id: str) -> Iterator[Finding]:
    kind, sub = hook_events.text(about, "bounceType"), hook_events.text(about, "bounceSubType")
    known = {"Permanent": _PERMANENT, "Transient": _TRANSIENT}.get(kind, {})
    meant, reason = known.get(sub, (Kind.SOFT, Reason.UNDEFINED))
    category = Category(kind=meant, reason=reason, name=f"ses {kind}/{sub}")
    for one in hook_events.items(about.get("bouncedRecipients")):
        yield hook_events.finding(
            category,
            hook_events.text(one, "emailAddress", 320),
            hook_events.text(one, "diagnosticCode"),
            enhanced=hook_events.text(one, "status"),
            message_id=message_id,
        )


def _complaint(about: Members, mail: Members, message_id: str) -> Iterator[Finding]:
    # “not-spam” says the contrary. A subtype tells that SES held the mail back for an earlier complaint: that
    # one holds for us, too
    feedback = hook_events.text(about, "complaintFeedbackType")
    if feedback == "not-spam":
        return
    category = Category(
        kind=Kind.COMPLAINT, reason=Reason.COMPLAINT, name=f"ses complaint {feedback}".rstrip()
    )
    for one in hook_events.items(about.get("complainedRecipients")):
        yield hook_events.finding(
            category, hook_events.text(one, "emailAddress", 320), "", message_id=message_id
        )


def _delivery(about: Members, mail: Members, message_id: str) -> Iterator[Finding]:
    given = about.get("recipients")
    for one in given if isinstance(given, list) else []:
        if isinstance(one, str):
            yield hook_events.delivered(one[:320], "ses delivery", message_id=message_id)


def _subscription(about: Members, mail: Members, message_id: str) -> Iterator[Finding]:
    """A press on Amazon's own unsubscribe link, where a contact list is used."""
    status = hook_events.members(about.get("newTopicPreferences"))
    if status.get("unsubscribeAll") is not True:
        return
    category = Category(kind=Kind.UNSUBSCRIBE, reason=Reason.UNSUBSCRIBE, name="ses subscription")
    given = mail.get("destination")
    for one in given if isinstance(given, list) else []:
        if isinstance(one, str):
            yield hook_events.finding(category, one[:320], "", message_id=message_id)


_READERS: dict[str, Callable[[Members, Members, str], Iterator[Finding]]] = {
    "Bounce": _bounce,
    "Complaint": _complaint,
    "Delivery": _delivery,
    "Subscription": _subscription,
}
