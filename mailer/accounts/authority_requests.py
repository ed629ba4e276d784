"""Requests of authorities for data (A-037): who asks, on what basis, what was checked, what was handed over.

The account is told in the transaction that records the request, unless a law forbids it:
then when the ban ends.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from mailer.accounts import audit, breach_facts
from mailer.accounts.breach_jobs import OPERATOR, owners
from mailer.core import clock, outbox, paging, work
from mailer.core.db import AccountTx, SharedTx
from mailer.core.errors import Conflict, Fault, Invalid, NotFound, fault
from mailer.core.operator import EEA
from mailer.core.services import Services
from mailer.core.text import N_
from mailer.core.work import Task
from mailer.web import i18n
from mailer.web.request import Input

TELL = "accounts.tell_authority_request"
KINDS = {
    "court": N_("Court"),
    "police": N_("Police or public prosecutor"),
    "administration": N_("Administrative authority"),
    "other": N_("Other"),
}
CHECKS = {
    "written": N_("It came in writing"),
    "signed": N_("It is signed, and the sender was verified by another way"),
    "competent": N_("The authority is competent for it"),
    "necessary": N_("Its scope is no wider than its purpose needs"),
}
ANSWERS = {
    "open": N_("To answer"),
    "refused": N_("Refused"),
    "partial": N_("Followed in part"),
    "complied": N_("Followed"),
}
_DAY = Annotated[date | None, BeforeValidator(lambda value: None if value == "" else value)]


class RequestFacts(Input):
    """`agreement`: the international agreement that a request from outside the EU rests on (GDPR 48)."""

    authority: str = Field(min_length=1, max_length=200)
    kind: Literal["court", "police", "administration", "other"]
    reference: str = Field("", max_length=200)
    basis: str = Field(min_length=1, max_length=1000)
    scope: str = Field(min_length=1, max_length=5000)
    checks: list[Literal["written", "signed", "competent", "necessary"]] = []
    agreement: str = Field("", max_length=1000)
    silence_basis: str = Field("", max_length=1000)


class NewRequest(RequestFacts):
    """`silent_until`: the day on which the ban to tell the account ends, by the law in `silence_basis`."""

    country: str = Field("FR", pattern=r"^[A-Z]{2}$")
    received_on: date
    account: Annotated[
        Annotated[int, Field(ge=1, lt=2**63)] | None,
        BeforeValidator(lambda value: None if value == "" else value),
    ] = None
    silent_until: _DAY = None

    @property
    def facts(self) -> RequestFacts:
        return RequestFacts.model_validate(self.model_dump(include=set(RequestFacts.model_fields)))


class Ban(Input):
    """A ban to tell the account: until which day, by which law."""

    silent_until: _DAY = None
    silence_basis: str = Field("", max_length=1000)


class Answer(Input):
    answer: Literal["refused", "partial", "complied"]
    note: str = Field(min_length=1, max_length=5000)


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthorityRequest:
    """`account` "": it was erased, or the request concerns none."""

    id: int
    account_id: int | None
    account: str
    received_at: datetime
    facts: Mapping[str, Any]
    country: str
    answer: str
    answered_at: datetime | None
    answer_note: str
    silent_until: datetime | None
    told_at: datetime | None

    @property
    def known(self) -> RequestFacts:
        return RequestFacts.model_validate(dict(self.facts))

    @property
    def outside(self) -> bool:
        return self.country not in EEA


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


async def record(tx: SharedTx, new: NewRequest, *, by: int, public_url: str) -> int:
    """Raises Invalid at `received_on`, `account`, `silent_until`, `silence_basis`."""
    now = clock.now()
    _check(new, now)
    if new.account is not None and not await tx.value("SELECT 1 FROM accounts WHERE id = $1", new.account):
        raise fault(
            "account", N_("There is no account with this number: {numbers}."), numbers=str(new.account)
        )
    request_id: int = await tx.value(
        """
        INSERT INTO authority_requests (account_id, received_at, facts, country, silent_until, recorded_by)
        VALUES ($1, $2, $3, $4, $5, $6)
        RETURNING id
        """,
        new.account,
        _midnight(new.received_on),
        new.facts.model_dump(mode="json"),
        new.country,
        _midnight(new.silent_until) if new.silent_until else None,
        by,
    )
    await _tell_in_time(tx, await show(tx, request_id), public_url)
    return request_id


def _check(new: NewRequest, now: datetime) -> None:
    faults = []
    if not date(2000, 1, 1) <= new.received_on <= now.date() + timedelta(days=1):
        faults.append(Fault("received_on", N_("This day lies in the future, or too far back.")))
    if new.silent_until or new.silence_basis:
        faults += _ban_faults(new.silent_until, new.silence_basis, now)
    if faults:
        raise Invalid(*faults)


def _ban_faults(until: date | None, basis: str, now: datetime) -> list[Fault]:
    faults = []
    if not basis:
        faults.append(Fault("silence_basis", N_("Name the law that forbids to tell the account.")))
    if until is None:
        faults.append(
            Fault("silent_until", N_("Give the day on which the ban ends, or on which you ask again."))
        )
    elif not now.date() < until <= now.date() + timedelta(days=3660):
        faults.append(Fault("silent_until", N_("Give a day from tomorrow on, within ten years.")))
    return faults


async def _tell_in_time(tx: SharedTx, found: AuthorityRequest, public_url: str) -> None:
    """No ban: in this transaction (A-037). A ban: a row of work for the day it ends."""
    if found.account_id is None or found.told_at is not None:
        return
    if found.silent_until is not None and found.silent_until > clock.now():
        await work.add(tx, TELL, found.id, run_at=found.silent_until - clock.offset())
        return
    await tx.run("UPDATE authority_requests SET told_at = $2 WHERE id = $1", found.id, clock.now())
    inside = await tx.enter(found.account_id)
    inside.actor = OPERATOR
    await _tell(inside, found, public_url)


async def _tell(tx: AccountTx, found: AuthorityRequest, public_url: str) -> None:
    facts = found.known
    await tx.run(
        """
        INSERT INTO notices (account_id, kind, ref_id, number, at, facts)
        VALUES ($1, 'authority', $2, 1, $3, $4)
        ON CONFLICT DO NOTHING
        """,
        found.id,
        clock.now(),
        {
            **facts.model_dump(mode="json"),
            "country": found.country,
            "received_at": found.received_at.isoformat(),
        },
    )
    await audit.write(tx, "told", "authority_request", found.id)
    for person in await owners(tx):
        with i18n.speaking(person.language):
            details = {
                "name": person.first_name,
                "account": found.account,
                "lines": lines(found),
                "link": f"{public_url}/app/{tx.account_id}/privacy/authority-requests",
            }
        await outbox.write(tx, "authority_notice", person.email, language=person.language, details=details)


def lines(found: AuthorityRequest) -> list[tuple[str, str]]:
    """What the account is told: label and text, in the language in use."""
    _, facts = i18n.translate, found.known
    return [
        (_("Authority"), facts.authority),
        (_("Country"), dict(i18n.countries()).get(found.country, found.country)),
        (_("Received on"), i18n.day(found.received_at)),
        (_("Reference"), facts.reference or "–"),
        (_("Legal basis"), facts.basis),
        (_("What it asks for"), facts.scope),
    ]


async def tell_late(services: Services, task: Task) -> datetime | None:
    """The job "accounts.tell_authority_request": the ban has ended, or was prolonged."""
    async with services.db.shared() as tx:
        await tx.value("SELECT 1 FROM authority_requests WHERE id = $1 FOR UPDATE", task.ref_id)
        try:
            found = await show(tx, task.ref_id)
        except NotFound:
            return None
        if found.told_at is None and found.silent_until is not None and found.silent_until > clock.now():
            return found.silent_until
        if not found.account:
            return None
        await _tell_in_time(tx, found, services.settings.public_url)
    return None


async def answer(tx: SharedTx, request_id: int, given: Answer) -> None:
    """Raises NotFound; Conflict when it was answered; Invalid where the law forbids to follow it."""
    found = await show(tx, request_id)
    if found.answer != "open":
        raise Conflict(Fault("answer", N_("This request was answered already."), "state"))
    facts = found.known
    if given.answer != "refused":
        if set(facts.checks) != set(CHECKS):
            raise fault("answer", N_("Not all checks were made: it can only be refused so far."))
        if found.outside and not facts.agreement:
            raise fault(
                "answer",
                N_("From outside the EU only an international agreement allows to follow it (GDPR 48)."),
            )
    await tx.run(
        "UPDATE authority_requests SET answer = $2, answered_at = $3, answer_note = $4 WHERE id = $1",
        request_id,
        given.answer,
        clock.now(),
        given.note,
    )


async def change(tx: SharedTx, request_id: int, new: NewRequest, *, public_url: str) -> None:
    """Checks made since, a ban prolonged or lifted. Raises as `record`, NotFound, Conflict once answered."""
    found = await show(tx, request_id)
    _check(new, clock.now())
    if found.answer != "open":
        raise Conflict(Fault("answer", N_("This request was answered already."), "state"))
    await tx.run(
        """
        UPDATE authority_requests SET facts = $2, country = $3, received_at = $4, silent_until = $5
        WHERE id = $1
        """,
        request_id,
        new.facts.model_dump(mode="json"),
        new.country,
        _midnight(new.received_on),
        _midnight(new.silent_until) if new.silent_until else None,
    )
    await _tell_in_time(tx, await show(tx, request_id), public_url)


async def prolong(tx: SharedTx, request_id: int, ban: Ban) -> None:
    """The ban ends on another day, also once the request was answered.

    Raises NotFound; Invalid at `silent_until`, `silence_basis`; Conflict when there is no ban (left).
    """
    found = await show(tx, request_id)
    if faults := _ban_faults(ban.silent_until, ban.silence_basis, clock.now()):
        raise Invalid(*faults)
    until = _midnight(ban.silent_until or date.max)
    changed = await tx.run(
        """
        UPDATE authority_requests
        SET silent_until = $2, facts = facts || jsonb_build_object('silence_basis', $3::text)
        WHERE id = $1 AND told_at IS NULL AND silent_until IS NOT NULL
        """,
        request_id,
        until,
        ban.silence_basis,
    )
    if not changed:
        raise Conflict(
            Fault("silent_until", N_("No ban is in force: the account was told already."), "state")
        )
    await work.add(tx, TELL, found.id, run_at=until - clock.offset())


async def lift(tx: SharedTx, request_id: int, *, public_url: str) -> None:
    """The ban has ended before its day: the account is told now. Raises NotFound."""
    await show(tx, request_id)
    await tx.run("UPDATE authority_requests SET silent_until = NULL WHERE id = $1", request_id)
    await _tell_in_time(tx, await show(tx, request_id), public_url)


async def show(tx: SharedTx, request_id: int) -> AuthorityRequest:
    """Raises NotFound."""
    return await tx.one(
        AuthorityRequest,
        """
        SELECT r.id, r.account_id, coalesce(a.name, '') AS account, r.received_at, r.facts, r.country,
               r.answer, r.answered_at, r.answer_note, r.silent_until, r.told_at
        FROM authority_requests r
        LEFT JOIN accounts a ON a.id = r.account_id
        WHERE r.id = $1
        """,
        request_id,
    )


async def many(tx: SharedTx, cursor: str = "", limit: int = 50) -> paging.Page[AuthorityRequest]:
    """The newest first. Raises Invalid for a damaged cursor."""
    before = paging.decode(cursor, (int,))
    rows = await tx.many(
        AuthorityRequest,
        """
        SELECT r.id, r.account_id, coalesce(a.name, '') AS account, r.received_at, r.facts, r.country,
               r.answer, r.answered_at, r.answer_note, r.silent_until, r.told_at
        FROM authority_requests r
        LEFT JOIN accounts a ON a.id = r.account_id
        WHERE $1::bigint IS NULL OR r.id < $1
        ORDER BY r.id DESC
        LIMIT $2
        """,
        before[0] if before else None,
        limit + 1,
    )
    return paging.page(rows, limit, key=lambda row: (row.id,))


def refusal(found: AuthorityRequest, operator: str, dpo: str) -> str:
    """A letter to complete, in the language in use; the reasons are those of the register."""
    _, facts, gap = i18n.translate, found.known, breach_facts.gap
    missing = [_(text) for key, text in CHECKS.items() if key not in facts.checks]
    reasons = [found.answer_note] if found.answer_note else []
    if missing:
        lines = "\n".join(f"– {text}" for text in missing)
        reasons.append(_("These conditions are not met or not shown:\n{list}", list=lines))
    if found.outside and not facts.agreement:
        reasons.append(_(_ARTICLE_48))
    return "\n\n".join(
        [
            operator,
            facts.authority,
            _(
                "Your request of {day}, reference {reference}",
                day=i18n.day(found.received_at),
                reference=facts.reference or "–",
            ),
            _("We have examined your request. We cannot follow it as it stands."),
            "\n".join(reasons) or gap(N_("reasons")),
            _(
                "It can be made again with the conditions met, to {address}.",
                address=dpo or gap(N_("address for questions")),
            ),
            gap(N_("place, date, name and signature")),
        ]
    )


_ARTICLE_48 = N_(
    "It comes from outside the European Union and names no international agreement that it rests on"
    " (GDPR, article 48)."
)
