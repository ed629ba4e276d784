"""The Python client of the API: contacts, lists, imports, exports, campaigns, messages and webhooks.

    with Client("https://mail.example.org", key) as mailer:
        done = mailer.import_file("clients.csv", list_ids=[3], legal_basis="consent",
                                  source="Salon 2026", attested_by="Ana Lopez").wait()

`AsyncClient` is the same with `await`. A request is tried again by itself when the connection breaks, the
service is away or says to wait; each POST carries an Idempotency-Key, so that nothing is done twice.
"""

from mailer.client.asynchronous import AsyncClient
from mailer.client.errors import (
    ApiError,
    Conflict,
    ConnectionFailed,
    Forbidden,
    Gone,
    Invalid,
    MailerError,
    NotFound,
    RowError,
    RunFailed,
    ServiceFailed,
    TooManyRequests,
    Unauthorized,
)
from mailer.client.records import (
    Accepted,
    Batch,
    BatchRow,
    Campaign,
    Change,
    Changes,
    Contact,
    Delivery,
    Export,
    Import,
    MailingList,
    Message,
    Subscription,
    Webhook,
    WebhookAttempt,
)
from mailer.client.synchronous import Client
from mailer.client.webhooks import WebhookInvalid, verify_webhook

__all__ = [
    "Accepted",
    "ApiError",
    "AsyncClient",
    "Batch",
    "BatchRow",
    "Campaign",
    "Change",
    "Changes",
    "Client",
    "Conflict",
    "ConnectionFailed",
    "Contact",
    "Delivery",
    "Export",
    "Forbidden",
    "Gone",
    "Import",
    "Invalid",
    "MailerError",
    "MailingList",
    "Message",
    "NotFound",
    "RowError",
    "RunFailed",
    "ServiceFailed",
    "Subscription",
    "TooManyRequests",
    "Unauthorized",
    "Webhook",
    "WebhookAttempt",
    "WebhookInvalid",
    "verify_webhook",
]
