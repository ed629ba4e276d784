"""Why a person got a campaign's mail, or did not, in one sentence (ui 2.4)."""

from datetime import datetime
from typing import Protocol

from lists import bounce_words
from mailer.core.text import N_
from mailer.web import i18n

SKIPPED = {
    "unsubscribed": N_("Not sent: unsubscribed before its turn."),
    "suppressed": N_("Not sent: the address is on the suppression list."),
    "service": N_("Not sent: this contact is here for service mails only."),
    "deleted": N_("Not sent: the contact was deleted before its turn."),
    "restricted": N_("Not sent: use limited at the person's request."),
    "pending": N_("Not sent: subscription still awaiting confirmation."),
}
BOUNCED = {
    "hard": N_("Rejected for good {at}: the address does not exist or refuses mail."),
    "soft": N_("Rejected {at}: a passing fault, the address is kept."),
    "block": N_("Blocked {at}: the provider refused this mail, the address is good."),
}
# where the server's answer is known in words
BOUNCED_BECAUSE = {
    "hard": N_("Rejected for good {at}: {reason}."),
    "soft": N_("Rejected {at}: {reason}. The address is kept."),
    "block": N_("Blocked {at}: {reason}. The address is good."),
}
FAILED = {
    "render": N_("Not sent: the content could not be filled in for this contact."),
    "size": N_("Not sent: the message is too large for the mailbox."),
    "address": N_("Not sent: the server does not accept this address."),
    "expired": N_("Not sent: no server took it for almost five days."),
}


class Decided(Protocol):
    """A delivery. `since`: of the subscription that authorised it; `next_at`: of the next try.

    `bounce_reason`: one of the field's usual words, or "".
    """

    @property
    def status(self) -> str: ...
    @property
    def reason(self) -> str: ...
    @property
    def at(self) -> datetime | None: ...
    @property
    def next_at(self) -> datetime | None: ...
    @property
    def list_name(self) -> str | None: ...
    @property
    def since(self) -> datetime | None: ...
    @property
    def bounce_reason(self) -> str: ...


def why(delivery: Decided, zone: str) -> str:
    at = i18n.moment(delivery.at, zone) if delivery.at else ""
    match delivery.status:
        case "delivered" if delivery.list_name and delivery.since:
            since = i18n.day(delivery.since, zone)
            text = N_("Delivered {at}: subscribed to “{list}” since {since}.")
            return i18n.translate(text, at=at, list=delivery.list_name, since=since)
        case "delivered":
            return i18n.translate("Delivered {at}.", at=at)
        case "bounced" if because := bounce_words.known(delivery.bounce_reason):
            text = BOUNCED_BECAUSE.get(delivery.reason, BOUNCED_BECAUSE["soft"])
            return i18n.translate(text, at=at, reason=i18n.translate(because))
        case "bounced":
            return i18n.translate(BOUNCED.get(delivery.reason, BOUNCED["soft"]), at=at)
        case "failed":
            return i18n.translate(FAILED.get(delivery.reason, FAILED["expired"]))
        case "skipped":
            return i18n.translate(SKIPPED.get(delivery.reason, SKIPPED["suppressed"]))
        case "cancelled":
            return i18n.translate("Not sent: campaign cancelled before its turn.")
        case "in_doubt":
            return i18n.translate("In doubt: the connection broke during hand-over. It may have arrived.")
        case "deferred" if delivery.next_at:
            text = N_("Not accepted yet: the server asked to wait. Next try {at}.")
            return i18n.translate(text, at=i18n.moment(delivery.next_at, zone))
    return i18n.translate("Waiting to be sent.")
