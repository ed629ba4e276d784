"""What carries out a request: at once by the standing instruction, or by a press of the team.

confirmed ─┬─ at once ─▶ act ─▶ done          the account is told in both cases
           └─ forwarded ─▶ open ─▶ tools ─▶ answer
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from lists import (
    consents,
    contacts,
    erasures,
    legal_holds,
    restrictions,
    rights_addresses,
    rights_asks,
    rights_mails,
    rights_requests,
    rights_settings,
    rights_words,
    subscriptions,
    suppressions,
)
from lists.consents import Answer, Evidence, Method
from lists.contacts import ContactChange, PersonName
from lists.erasures import By, Erasure
from lists.restrictions import Ground, Lifting, NewRestriction
from lists.rights_answers import NO_ADDRESS, reader
from lists.rights_asks import Ask
from lists.rights_mails import Notice
from lists.rights_requests import NewRequest, Person, Request
from lists.rights_words import Right
from lists.suppressions import Reason
from mailer.core import outbox
from mailer.core.addresses import AddressError, parse
from mailer.core.db import AccountTx
from mailer.core.errors import Conflict, Fault, Invalid
from mailer.core.links import Links
from mailer.core.sealing import Sealer
from mailer.core.text import N_
from mailer.core.tokens import RecipientToken
from mailer.web import i18n
from mailer.web.request import Input

COPY_LIVES = timedelta(days=6)
NOTHING_WRITTEN = N_("Write what is to be corrected.")
NO_GROUND = N_("Choose why.")
GONE = N_("No contact has this address any more.")


class Given(Input):
    """What a person adds: names, an address or words for a correction, a ground for a restriction."""

    first_name: PersonName = ""
    last_name: PersonName = ""
    new_email: Annotated[str, Field(max_length=1000)] = ""
    details: Annotated[str, AfterValidator(str.strip), Field(max_length=2000)] = ""
    ground: Ground | Literal[""] = ""


@dataclass(frozen=True, slots=True)
class Desk:
    """What acts need besides the transaction. `page_url`: the public URL of the pages of the team."""

    sealer: Sealer
    links: Links
    page_url: str


@dataclass(frozen=True, slots=True)
class _Contact:
    id: int
    email: str
    address_hash: bytes


async def confirm(tx: AccountTx, desk: Desk, ask: Ask, given: Given, *, now: datetime) -> Request:
    """The owner of the mailbox confirms: a request from here on, carried out at once or forwarded.

    Idempotent. Raises Invalid for what is missing; then nothing is stored.
    """
    if ask.request_id is not None:
        return await rights_requests.show(tx, desk.sealer, ask.request_id)
    kind = Right(ask.kind)
    _check(kind, given)
    typed = desk.sealer.open(ask.sealed_address, rights_asks.purpose(tx.account_id)).decode()
    contact = await _contact_of(tx, ask.address_hash)
    person = Person(
        contact_id=contact.id if contact else None, address=parse(typed), language=ask.language or "fr"
    )
    new = NewRequest(kind=kind, channel="page", person=person, details=_told(given), received_at=ask.asked_at)
    request_id = await rights_requests.insert(tx, desk.sealer, new)
    await rights_asks.settle(tx, ask.id, request_id)
    request = await rights_requests.show(tx, desk.sealer, request_id)
    done = False
    if kind in await rights_settings.at_once(tx):
        done = await _carry_out(tx, desk, request, given, ask.address_hash, now=now)
    if done:
        answer = (
            "" if kind in (Right.ACCESS, Right.PORTABILITY) else rights_words.letter(kind, person.language)
        )
        await rights_requests.finish(
            tx, request_id, refused=False, answer=answer, now=now, by_instruction=True
        )
    notice = Notice(request_id=request_id, kind=kind, due_on=request.due_on, public_url=desk.page_url)
    await rights_mails.told(tx, notice, done=done)
    return await rights_requests.show(tx, desk.sealer, request_id)


def _check(kind: Right, given: Given) -> None:
    if kind is Right.CORRECT:
        faults = contacts.name_faults(first_name=given.first_name, last_name=given.last_name)
        if not (given.first_name or given.last_name or given.new_email or given.details):
            faults.append(Fault("details", NOTHING_WRITTEN, "missing"))
        faults += _address_faults(given.new_email)
        if faults:
            raise Invalid(*faults)
    if kind is Right.RESTRICT and not given.ground:
        raise Invalid(Fault("ground", NO_GROUND, "missing"))


def _address_faults(typed: str) -> list[Fault]:
    try:
        if typed:
            parse(typed)
    except AddressError as error:
        return [Fault("new_email", error.message, error.code, error.params)]
    return []


def _told(given: Given) -> str:
    """In the person's language, for the team."""
    parts = [
        (i18n.translate("First name"), given.first_name),
        (i18n.translate("Last name"), given.last_name),
        (i18n.translate("New e-mail address"), given.new_email),
        (i18n.translate("Why"), i18n.translate(dict(rights_words.GROUNDS).get(given.ground, ""))),
        ("", given.details),
    ]
    return "\n".join(f"{name}{i18n.translate(':')} {text}" if name else text for name, text in parts if text)


async def _contact_of(tx: AccountTx, hashed: bytes) -> _Contact | None:
    return await tx.first(
        _Contact,
        "SELECT id, email, address_hash FROM contacts WHERE account_id = $1 AND address_hash = $2",
        hashed,
    )


async def _carry_out(
    tx: AccountTx, desk: Desk, request: Request, given: Given, hashed: bytes, *, now: datetime
) -> bool:
    """False: it cannot be done without the team, and is forwarded."""
    contact_id = request.contact_id
    match request.right:
        case Right.OBJECT:
            await object_to_mail(tx, contact_id, hashed)
        case Right.TRACKING:
            await refuse_measurement(tx, contact_id, hashed)
        case Right.ERASE:
            return await _erase_at_once(tx, request, hashed, now)
        case _ if contact_id is None:
            return False
        case Right.ACCESS | Right.PORTABILITY:
            await _send_copy(tx, desk, request, now)
        case Right.RESTRICT:
            if not await _is_limited(tx, contact_id):
                await restrictions.limit(tx, contact_id, NewRestriction(ground=Ground(given.ground)))
        case Right.CORRECT:
            # words need somebody who reads them; only the team lifts a limit (C-13)
            if given.details or await _is_limited(tx, contact_id):
                return False
            change = ContactChange(first_name=given.first_name or None, last_name=given.last_name or None)
            await contacts.change(tx, desk.sealer, contact_id, change)
            if given.new_email:
                # theirs when that mailbox says so
                await rights_addresses.ask(tx, desk.links, request, parse(given.new_email), now=now)
                return False
    return True


async def _is_limited(tx: AccountTx, contact_id: int) -> bool:
    return bool(
        await tx.value(
            "SELECT restricted_at IS NOT NULL FROM contacts WHERE account_id = $1 AND id = $2", contact_id
        )
    )


async def object_to_mail(tx: AccountTx, contact_id: int | None, hashed: bytes) -> None:
    """C-16: no mail, no measurement, no weighing; whether or not a contact has the address."""
    await suppressions.add(tx, hashed, reason=Reason.OBJECTED)
    who = RecipientToken(tx.account_id, 0, contact_id or 0, hashed)
    await subscriptions.stop_everything(tx, who, method=Method.LINK)
    if contact_id is not None:
        await refuse_measurement(tx, contact_id, hashed)


async def refuse_measurement(tx: AccountTx, contact_id: int | None, hashed: bytes) -> None:
    who = RecipientToken(tx.account_id, 0, contact_id or 0, hashed)
    wording = i18n.translate(rights_words.CHOICES[Right.TRACKING])
    evidence = Evidence(method=Method.LINK, wording=wording)
    await consents.choose(tx, who, Answer(opens=False, clicks=False), evidence=evidence)


async def _erase_at_once(tx: AccountTx, request: Request, hashed: bytes, now: datetime) -> bool:
    """Whom a law holds is told nothing of it, since that may be forbidden: the controller answers. What an
    erasure says of mail is heard all the same."""
    if request.contact_id is None:
        await suppressions.add(tx, hashed, reason=Reason.OBJECTED)
        return True
    held = await legal_holds.is_held(tx, request.contact_id, now)
    if held or await _is_limited(tx, request.contact_id):
        await object_to_mail(tx, request.contact_id, hashed)
        return False
    await _erase(tx, request.contact_id, request.email)
    return True


async def _erase(tx: AccountTx, contact_id: int, email: str | None) -> None:
    """The one erasure there is (B-66). The register keeps no words of earlier letters to this person, and
    nothing says any more which mails left for them."""
    if email is not None:
        await outbox.forget(tx, email)
    await tx.run(
        """
        UPDATE rights_requests
        SET answer = '', details = '', sealed_address = NULL
        WHERE account_id = $1 AND contact_id = $2 AND state <> 'open'
        """,
        contact_id,
    )
    await erasures.erase(tx, contact_id, Erasure(asked_by=By.PERSON))


async def _send_copy(tx: AccountTx, desk: Desk, request: Request, now: datetime) -> None:
    """To the address that is stored, never to one that was only typed or told."""
    person = reader(request)
    if person is None:
        raise Conflict(Fault("request", NO_ADDRESS, "no_address"))
    until = now + COPY_LIVES
    link = desk.links.rights_file(tx.account_id, request.id, expires=int(until.timestamp()))
    await rights_mails.copy(tx, person, link, until=until)
    await rights_requests.note_copy(tx, request.id, now)


# ---------------------------------------------------------------- tools of the team


async def send_copy(tx: AccountTx, desk: Desk, request_id: int, *, now: datetime) -> None:
    """Raises NotFound, Conflict at `request` when it is answered or nobody is left to send it to."""
    request = await rights_requests.lock(tx, desk.sealer, request_id)
    if request.contact_id is None:
        raise Conflict(Fault("request", GONE, "gone"))
    await _send_copy(tx, desk, request, now)


async def stop_mail(tx: AccountTx, desk: Desk, request_id: int) -> None:
    """The objection is recorded, as if the person had pressed it themselves. Raises NotFound, Conflict."""
    request = await rights_requests.lock(tx, desk.sealer, request_id)
    await object_to_mail(tx, request.contact_id, await _hash_of(tx, request))


async def stop_measuring(tx: AccountTx, desk: Desk, request_id: int) -> None:
    """Raises NotFound, Conflict."""
    request = await rights_requests.lock(tx, desk.sealer, request_id)
    await refuse_measurement(tx, request.contact_id, await _hash_of(tx, request))


async def erase(tx: AccountTx, desk: Desk, request_id: int) -> None:
    """Raises NotFound; Conflict when it is answered, nobody is there, or the person had its use limited."""
    request = await rights_requests.lock(tx, desk.sealer, request_id)
    hashed = await _hash_of(tx, request)
    if request.contact_id is None:
        await suppressions.add(tx, hashed, reason=Reason.OBJECTED)
        return
    await _keep_address(tx, desk, request)
    await _erase(tx, request.contact_id, request.email)


async def restrict(tx: AccountTx, desk: Desk, request_id: int, new: NewRestriction) -> None:
    """Raises NotFound; Conflict when it is answered, nobody is there, or the use is limited already."""
    await restrictions.limit(tx, await _contact_to_act_on(tx, desk, request_id), new)


async def lift(tx: AccountTx, desk: Desk, request_id: int, lifting: Lifting) -> None:
    """Raises NotFound; Conflict as `restrict`, or when the use is not limited."""
    await restrictions.lift(tx, await _contact_to_act_on(tx, desk, request_id), lifting)


async def correct(tx: AccountTx, desk: Desk, request_id: int, change: ContactChange) -> None:
    """Raises NotFound, Invalid, Conflict, as `contacts.change`."""
    await contacts.change(tx, desk.sealer, await _contact_to_act_on(tx, desk, request_id), change)


async def _contact_to_act_on(tx: AccountTx, desk: Desk, request_id: int) -> int:
    request = await rights_requests.lock(tx, desk.sealer, request_id)
    if request.contact_id is None:
        raise Conflict(Fault("request", GONE, "gone"))
    return request.contact_id


async def _keep_address(tx: AccountTx, desk: Desk, request: Request) -> None:
    """Until the answer has left: the contact's own address goes with the contact."""
    if request.email is not None:
        await tx.run(
            "UPDATE rights_requests SET sealed_address = $3 WHERE account_id = $1 AND id = $2",
            request.id,
            desk.sealer.seal(request.email.encode(), rights_asks.purpose(tx.account_id)),
        )


async def _hash_of(tx: AccountTx, request: Request) -> bytes:
    """The contact's own address now, else the one that was written from."""
    found: bytes | None = await tx.value(
        """
        SELECT coalesce(c.address_hash, r.address_hash)
        FROM rights_requests r
        LEFT JOIN contacts c ON c.account_id = $1 AND c.id = r.contact_id
        WHERE r.account_id = $1 AND r.id = $2
        """,
        request.id,
    )
    if found is None:
        raise Conflict(Fault("request", GONE, "gone"))
    return found
