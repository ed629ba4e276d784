"""Contacts with only the members that were asked for: `fields=id,email,lists`."""

from datetime import datetime

from typing_extensions import TypedDict

from lists.contact_views import ContactShown, SubscriptionShown
from lists.field_values import Value
from mailer.core.errors import Fault, Invalid
from mailer.core.paging import Page
from mailer.core.text import N_

NAMES = tuple(ContactShown.__dataclass_fields__)


class ContactPart(TypedDict, total=False):
    """A contact when `fields` was given: these members, no others."""

    id: int
    email: str
    first_name: str
    last_name: str
    language: str
    fields: dict[str, Value]
    lists: list[SubscriptionShown]
    tags: list[str]
    suppressed: str | None
    returned_to: list[int]
    opens: str
    clicks: str
    source: str
    import_id: int | None
    created_at: datetime
    updated_at: datetime
    last_act_at: datetime | None
    restricted_at: datetime | None


def names(text: str) -> list[str]:
    """Comma-separated names, each once; [] for all. Raises Invalid at `fields`."""
    found = list(dict.fromkeys(name.strip() for name in text.split(","))) if text.strip() else []
    unknown = [name for name in found if name not in NAMES]
    if unknown:
        params = {"names": ", ".join(NAMES)}
        raise Invalid(Fault("fields", N_("Choose among: {names}."), "unknown_field", params))
    return found


def part(contact: ContactShown, wanted: list[str]) -> dict[str, object]:
    return {name: getattr(contact, name) for name in wanted or NAMES}


def parts(found: Page[ContactShown], wanted: list[str]) -> Page[dict[str, object]]:
    return Page([part(one, wanted) for one in found.items], found.next_cursor)
