"""The mails of the rights desk: to the person who asked, and to those who answer for the account."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal

from lists.rights_words import KINDS, REQUESTS, Right
from mailer.accounts import answering, identity
from mailer.core import clock, outbox
from mailer.core.db import AccountTx
from mailer.web import i18n

Step = Literal["week", "days", "overdue"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """The person: where their mail goes, in which language, about which request."""

    email: str
    language: str
    request_id: int
    kind: Right


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """What those in charge are told: nothing about the person, whom the page shows."""

    request_id: int
    kind: Right
    due_on: date
    public_url: str


def _words(kind: Right, language: str) -> str:
    with i18n.speaking(language):
        return i18n.translate(REQUESTS[kind])


async def _details(tx: AccountTx, reader: Reader) -> dict[str, object]:
    account = await identity.of(tx)
    return {
        "sender": account.legal_name or account.account_name,
        "address": account.postal_address,
        "contact": account.contact_email,
        "request": _words(reader.kind, reader.language),
        "reference": reader.request_id,
    }


async def answer(tx: AccountTx, reader: Reader, text: str, *, refused: bool) -> None:
    """`refused`: with what the person can do against it (C-05)."""
    by_operator = tx.actor.kind == "operator"
    details = await _details(tx, reader) | {"text": text, "refused": refused, "by_operator": by_operator}
    await outbox.write(tx, "rights_answer", reader.email, language=reader.language, details=details)


async def copy(tx: AccountTx, reader: Reader, link: str, *, until: datetime) -> None:
    """The link to the file; what is in it is gathered when it is fetched."""
    zone = (await identity.of(tx)).time_zone
    details = await _details(tx, reader) | {"link": link}
    with i18n.speaking(reader.language):
        details["until"] = i18n.moment(until, zone)
    await outbox.write(tx, "rights_copy", reader.email, language=reader.language, details=details)


async def extended(tx: AccountTx, reader: Reader, *, due_on: date, reason: str) -> None:
    details = await _details(tx, reader) | {"due_on": due_on.isoformat(), "reason": reason}
    await outbox.write(tx, "rights_extended", reader.email, language=reader.language, details=details)


async def told(tx: AccountTx, notice: Notice, *, done: bool) -> None:
    """A request has come; `done`: it was carried out by the standing instruction (A-022, G-4)."""
    await _to_those_in_charge(tx, "rights_told", notice, {"done": done})


async def handed_over(tx: AccountTx, notice: Notice) -> None:
    """What was open already waits for the operator now; the account's own people know it (A-091)."""
    await _to_operators(tx, "rights_told", notice, await _about(tx, notice) | {"done": False, "handed": True})


async def due(tx: AccountTx, notice: Notice, step: Step) -> None:
    await _to_those_in_charge(tx, "rights_due", notice, {"step": step})


async def _to_those_in_charge(
    tx: AccountTx, kind: Literal["rights_told", "rights_due"], notice: Notice, more: dict[str, object]
) -> None:
    """The account's own people, and the operator while the answer is theirs to give (A-091)."""
    details = await _about(tx, notice) | more
    if more.get("done"):
        details["operators"] = ""
    own = f"{notice.public_url}/app/{tx.account_id}/privacy/requests/{notice.request_id}"
    for reader in await identity.in_charge(tx):
        await _write(tx, kind, reader, notice, details | {"link": own, "to_operator": False})
    if details["operators"]:
        await _to_operators(tx, kind, notice, details)


async def _about(tx: AccountTx, notice: Notice) -> dict[str, object]:
    return {
        "account": (await identity.of(tx)).account_name,
        "reference": notice.request_id,
        "due_on": notice.due_on.isoformat(),
        "operators": await answering.by_operator(tx),
    }


async def _to_operators(
    tx: AccountTx, kind: Literal["rights_told", "rights_due"], notice: Notice, details: dict[str, object]
) -> None:
    """With the note that they know, in the same transaction: a worker that dies tells nobody twice."""
    theirs = f"{notice.public_url}/app/operator/rights-requests/{tx.account_id}/{notice.request_id}"
    operators = await answering.operators(tx)
    for reader in operators:
        await _write(tx, kind, reader, notice, details | {"link": theirs, "to_operator": True})
    if not operators:
        return
    await tx.run(
        "UPDATE rights_requests SET operator_told_at = $3 WHERE account_id = $1 AND id = $2",
        notice.request_id,
        clock.now(),
    )


async def _write(
    tx: AccountTx,
    kind: Literal["rights_told", "rights_due"],
    reader: identity.Reader,
    notice: Notice,
    details: dict[str, object],
) -> None:
    with i18n.speaking(reader.language):
        words = {"request": i18n.translate(KINDS[notice.kind])}
    await outbox.write(tx, kind, reader.email, language=reader.language, details=details | words)
