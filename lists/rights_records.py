"""A request that came by post, telephone or e-mail, written down by the team or a program (A-023)."""

from datetime import UTC, date, datetime, time
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from lists import contacts, rights_acts, rights_requests
from lists.rights_requests import NewRequest, Person, Request
from lists.rights_words import Right
from mailer.accounts import identity
from mailer.core import keys
from mailer.core.db import AccountTx
from mailer.core.errors import fault
from mailer.core.sealing import Sealer
from mailer.core.text import N_
from mailer.web import i18n
from mailer.web.request import Input

FUTURE = N_("This day is still to come.")
TOO_OLD = N_("This day is more than a year ago.")
NOBODY = N_("Write the address, or say in the details who asked.")


class RecordedRequest(Input):
    """`received_on`: the day the request arrived, today when left out: the time to answer runs from it.

    `email`: the person's address, when it is known; without it `details` says who asked.
    """

    kind: Right
    channel: Literal["mail", "post", "phone", "other"]
    email: Annotated[str, Field(max_length=1000)] = ""
    language: Literal["fr", "en"] = "fr"
    received_on: date | None = None
    details: Annotated[str, AfterValidator(str.strip), Field(max_length=4000)] = ""


async def record(tx: AccountTx, sealer: Sealer, wanted: RecordedRequest, *, now: datetime) -> Request:
    """Raises Invalid at `email`, `details` or `received_on`."""
    if not (wanted.email or wanted.details):
        raise fault("email", NOBODY, code="missing")
    address = contacts.read_address(wanted.email) if wanted.email else None
    contact_id, hashed = None, b""
    if address is not None:
        hashed = keys.address_hash(await keys.hash_key(tx, sealer), address.key)
        contact_id = await tx.value(
            "SELECT id FROM contacts WHERE account_id = $1 AND address_hash = $2", hashed
        )
    person = Person(contact_id=contact_id, address=address, language=wanted.language)
    new = NewRequest(
        kind=wanted.kind,
        channel=wanted.channel,
        person=person,
        details=wanted.details,
        received_at=await _received(tx, wanted.received_on, now),
    )
    request_id = await rights_requests.insert(tx, sealer, new)
    # C-16: heard at once, however it came; the answer follows
    if address is not None and wanted.kind is Right.OBJECT:
        await rights_acts.object_to_mail(tx, contact_id, hashed)
    if address is not None and wanted.kind is Right.TRACKING:
        await rights_acts.refuse_measurement(tx, contact_id, hashed)
    return await rights_requests.show(tx, sealer, request_id)


async def _received(tx: AccountTx, day: date | None, now: datetime) -> datetime:
    """Noon of that day by the account's calendar."""
    today = await rights_requests.local_day(tx, now)
    if day is None or day == today:
        return now
    if day > today:
        raise fault("received_on", FUTURE, code="future")
    if (today - day).days > 366:
        raise fault("received_on", TOO_OLD, code="too_old")
    zone = i18n.zone((await identity.of(tx)).time_zone)
    return datetime.combine(day, time(12), tzinfo=zone).astimezone(UTC)
