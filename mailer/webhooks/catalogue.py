"""The events: their names, what they say in words, and what they carry. `deploy/docs/webhooks.md` is
tested against this list.

Ids and words of closed sets only: no address, no name, no content (A-001). Who wants more asks the API.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from mailer.core.text import N_

# ids of one event: two lists of 400 stay below 20 kB (E-64)
MOST_IDS = 400
TEST = "webhook.test"


@dataclass(frozen=True, slots=True)
class Kind:
    """`words`: a msgid. `carries`: members of `data`, a name and its JSON type each.

    `many`: one event for all contacts that a transaction changed alike, 400 at most.
    """

    words: str
    carries: Mapping[str, str]
    many: bool = False


_CONTACTS = {"contact_ids": "[integer]"}
_ON_A_LIST = {"contact_ids": "[integer]", "list_id": "integer"}
_CONSENT = {"contact_ids": "[integer]", "purpose": "opens or clicks"}
_CAMPAIGN = {"campaign_id": "integer", "reason": "string"}
_DELIVERY = {
    "campaign_id": "integer",
    "contact_id": "integer",
    "list_id": "integer",
    "reason": "string",
    "smtp_code": "integer or null",
}
_MESSAGE = {
    "message_id": "integer",
    "contact_id": "integer or null",
    "reason": "string",
    "smtp_code": "integer or null",
}

KINDS: Mapping[str, Kind] = {
    "contact.created": Kind(N_("Contacts are created"), _CONTACTS, many=True),
    "contact.updated": Kind(N_("Contacts are changed"), _CONTACTS, many=True),
    "contact.erased": Kind(N_("Contacts are deleted or erased"), _CONTACTS, many=True),
    "subscription.pending": Kind(N_("A subscription waits for its confirmation"), _ON_A_LIST, many=True),
    "subscription.active": Kind(N_("Contacts are subscribed to a list"), _ON_A_LIST, many=True),
    "subscription.unsubscribed": Kind(N_("Contacts unsubscribe from a list"), _ON_A_LIST, many=True),
    "subscription.removed": Kind(N_("Contacts are taken off a list"), _ON_A_LIST, many=True),
    "consent.granted": Kind(N_("Contacts agree to the measuring of opens or clicks"), _CONSENT, many=True),
    "consent.withdrawn": Kind(N_("Contacts refuse the measuring of opens or clicks"), _CONSENT, many=True),
    "campaign.scheduled": Kind(N_("A campaign is scheduled"), _CAMPAIGN),
    "campaign.sending": Kind(N_("A campaign begins to leave, or goes on"), _CAMPAIGN),
    "campaign.paused": Kind(N_("A campaign is paused"), _CAMPAIGN),
    "campaign.sent": Kind(N_("A campaign has left"), _CAMPAIGN),
    "campaign.cancelled": Kind(N_("A campaign is cancelled"), _CAMPAIGN),
    "delivery.bounced": Kind(N_("A campaign's mail is returned"), _DELIVERY),
    "delivery.failed": Kind(N_("A campaign's mail cannot be sent"), _DELIVERY),
    "message.delivered": Kind(N_("A transactional message is delivered"), _MESSAGE),
    "message.bounced": Kind(N_("A transactional message is returned"), _MESSAGE),
    "message.failed": Kind(N_("A transactional message cannot be sent"), _MESSAGE),
    "complaint.received": Kind(
        N_("Somebody reports a mail as spam"),
        {
            "campaign_id": "integer or null",
            "message_id": "integer or null",
            "contact_id": "integer or null",
        },
    ),
    "suppression.added": Kind(
        N_("Addresses join the suppression list"),
        {
            "suppression_ids": "[integer]",
            "contact_ids": "[integer]",
            "reason": "string",
            "list_id": "integer or null",
        },
        many=True,
    ),
    "import.finished": Kind(N_("An import is over"), {"import_id": "integer", "state": "string"}),
    "export.finished": Kind(
        N_("An export is ready"), {"export_id": "integer", "state": "string", "what": "string"}
    ),
    "rights_request.created": Kind(
        N_("A request about a person's data is there"),
        {"request_id": "integer", "contact_id": "integer or null", "what": "string"},
    ),
}
