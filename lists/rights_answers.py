"""Answering a request: once more time, with reasons; then done or refused, by a letter (C-05)."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from lists import rights_mails, rights_requests, rights_words
from lists.rights_mails import Reader
from lists.rights_requests import Request
from lists.rights_settings import ALWAYS
from mailer.accounts import audit
from mailer.core.db import AccountTx
from mailer.core.errors import Conflict, Fault, Invalid
from mailer.core.sealing import Sealer
from mailer.core.text import N_
from mailer.web.request import Input

TOO_LATE = N_("The first month is over: it can no longer be extended.")
TWICE = N_("This request was extended already.")
NO_REASON = N_("Say why more time is needed: the person reads it.")
NO_ANSWER = N_("Write the answer.")
ABSOLUTE = N_("A refusal of marketing or of measurement cannot be refused.")
GAPS = N_("Something is still to be completed in the letter.")
NO_ADDRESS = N_("No address to write to is known: answer by another way, and say so here.")
_Long = Annotated[str, AfterValidator(str.strip), Field(max_length=10_000)]


class Extension(Input):
    """`reason` is sent to the person, word for word."""

    reason: Annotated[str, AfterValidator(str.strip), Field(max_length=1000)] = ""


class Answering(Input):
    """`by`: mail sends `answer` to the person; other: they were told in another way."""

    outcome: Literal["done", "refused"] = "done"
    answer: _Long = ""
    by: Literal["mail", "other"] = "mail"


def reader(request: Request) -> Reader | None:
    """None when no address is known any more."""
    if request.email is None:
        return None
    return Reader(email=request.email, language=request.language, request_id=request.id, kind=request.right)


async def extend(
    tx: AccountTx, sealer: Sealer, request_id: int, wanted: Extension, *, now: datetime
) -> Request:
    """By two months, within the first, and the person is told why (GDPR 12(3)).

    Raises NotFound, Invalid at `reason`, Conflict at `request`.
    """
    request = await rights_requests.lock(tx, sealer, request_id)
    if request.extended_at is not None:
        raise Conflict(Fault("request", TWICE, "extended"))
    if await rights_requests.local_day(tx, now) > request.due_on:
        raise Conflict(Fault("request", TOO_LATE, "too_late"))
    if not wanted.reason:
        raise Invalid(Fault("reason", NO_REASON, "missing"))
    received = await rights_requests.local_day(tx, request.received_at)
    until = rights_requests.extended_until(received)
    await tx.run(
        """
        UPDATE rights_requests
        SET due_on = $3, extended_at = $4, extension_reason = $5, reminded = ''
        WHERE account_id = $1 AND id = $2
        """,
        request_id,
        until,
        now,
        wanted.reason,
    )
    person = reader(request)
    if person is not None:
        await rights_mails.extended(tx, person, due_on=until, reason=wanted.reason)
    await audit.write(tx, "extended", "rights_request", request_id)
    return await rights_requests.show(tx, sealer, request_id)


async def answer(
    tx: AccountTx, sealer: Sealer, request_id: int, given: Answering, *, now: datetime
) -> Request:
    """Raises NotFound, Invalid at `answer` or `by`, Conflict at `request` when it was answered already."""
    request = await rights_requests.lock(tx, sealer, request_id)
    faults = []
    if not given.answer:
        faults.append(Fault("answer", NO_ANSWER, "missing"))
    elif rights_words.has_gap(given.answer):
        faults.append(Fault("answer", GAPS, "gap"))
    person = reader(request)
    if given.by == "mail" and person is None:
        faults.append(Fault("by", NO_ADDRESS, "no_address"))
    if faults:
        raise Invalid(*faults)
    refused = given.outcome == "refused"
    if refused and request.right in ALWAYS:
        raise Invalid(Fault("answer", ABSOLUTE, "absolute"))
    if given.by == "mail" and person is not None:
        await rights_mails.answer(tx, person, given.answer, refused=refused)
    await rights_requests.finish(tx, request_id, refused=refused, answer=given.answer, now=now)
    return await rights_requests.show(tx, sealer, request_id)
