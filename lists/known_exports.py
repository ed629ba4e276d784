"""Exports of other products, told by their headings; and what of them is bookkeeping, not asked for. Pure.

Headings as the products write them: Mailchimp (audience export: subscribed, unsubscribed and cleaned files;
its own columns are English in every language), Brevo, Mailjet, listmonk (`cmd/subscribers.go`), Mailtrain
(`server/routes/subscriptions.js`).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from lists.csv_headings import words


@dataclass(frozen=True, slots=True)
class Product:
    """`marks`: sets of headings, each of which is enough. `skip`: bookkeeping."""

    name: str
    marks: tuple[frozenset[str], ...]
    skip: frozenset[str] = field(default=frozenset())


def _set(joined: str) -> frozenset[str]:
    return frozenset(joined.replace("\n", "").split("|"))


PRODUCTS = (
    Product(
        "Mailchimp",
        (_set("leid|euid"), _set("member rating|optin time"), _set("optin time|last changed")),
        _set("""
member rating|optin time|optin ip|confirm time|confirm ip|latitude|longitude|gmtoff|dstoff|
timezone|cc|region|last changed|leid|euid|unsub campaign title|unsub campaign id|unsub reason|
unsub reason other|clean campaign title|clean campaign id
"""),
    ),
    Product(
        "Brevo",
        (_set("email|added time|modified time"), _set("contact id|email"), _set("email|email blacklist")),
        _set("""
contact id|sms blacklist|sms blacklisted|added time|modified time|list ids|listids|created at|
modified at
"""),
    ),
    Product(
        "Mailjet",
        (
            _set("isexcludedfromcampaigns"),
            _set("is excluded from campaigns"),
            _set("contactid|isunsubscribed"),
        ),
        _set("""
id|contactid|contact id|createdat|created at|deliveredcount|delivered count|lastactivityat|
last activity at|lastupdateat|last update at|exclusionfromcampaignsupdatedat|
exclusion from campaigns updated at|unsubscribedby|unsubscribed by|subscribedat
"""),
    ),
    Product(
        "listmonk",
        (_set("uuid|email|name|attributes|status"), _set("uuid|email|name|attribs|status")),
        _set("id|uuid|created at|updated at"),
    ),
    Product("Mailtrain", (_set("cid|status|hash email|email"),), _set("cid|hash email")),
)  # fmt: skip


def recognise(header: Sequence[str]) -> Product | None:
    found = set(map(words, header))
    return next((product for product in PRODUCTS if any(mark <= found for mark in product.marks)), None)
