"""The register of sub-processors: announced 30 days ahead, and objected to until then (A-047, C-51).

    operator's file ──taken over once──▶ register ◀──announce, end── the operator's page

The file is the register of an installation that has no account yet. Afterwards the register leads: what
stands in the file alone is shown to the operator as not announced, and to nobody else.
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Literal

from pydantic import Field

from mailer.accounts import announcements, audit, policies
from mailer.core.db import AccountTx, SharedTx
from mailer.core.errors import Conflict, Fault, Invalid, NotFound, fault
from mailer.core.operator import EEA, Operator
from mailer.core.text import N_
from mailer.web.request import Input

NOTICE_DAYS = policies.NOTICE_DAYS


@dataclass(frozen=True, slots=True, kw_only=True)
class SubProcessor:
    """`id` 0: of the file, which is not taken over yet. `ends_on`: the first day without it.

    `confidentiality`: does its contract bind it to secrecy? None: nobody has said (A-125).
    """

    id: int
    name: str
    service: str
    country: str
    region: str
    safeguards: str
    data: str
    retention: str
    contract_date: str
    confidentiality: bool | None
    replaces: str
    from_file: bool
    announced_at: datetime
    effective_on: date
    ends_on: date | None
    withdrawn_at: datetime | None


@dataclass(frozen=True, slots=True)
class Register:
    current: list[SubProcessor]
    announced: list[SubProcessor]
    past: list[SubProcessor]


@dataclass(frozen=True, slots=True, kw_only=True)
class Objection:
    sub_processor_id: int
    name: str
    account_id: int
    account_name: str
    reason: str
    person: str
    objected_at: datetime
    answer: str
    answered_at: datetime | None


Clause = Literal["", "yes", "no"]
_SAID = {"": None, "yes": True, "no": False}


class Confidentiality(Input):
    confidentiality: Literal["yes", "no"]


class NewSubProcessor(Input):
    """`contract_date`: of the contract that binds it to the same duties (article 28(4))."""

    name: str = Field(min_length=1, max_length=200)
    service: str = Field(min_length=1, max_length=500)
    country: str = Field(pattern=r"^[A-Z]{2}$")
    region: str = Field("", max_length=200)
    safeguards: str = Field("", max_length=1000)
    data: str = Field(min_length=1, max_length=1000)
    retention: str = Field(min_length=1, max_length=500)
    contract_date: date
    confidentiality: Clause = ""
    replaces: str = Field("", max_length=200)
    effective_on: date


async def taken(tx: SharedTx) -> bool:
    return bool(await tx.value("SELECT EXISTS (SELECT FROM sub_processor_registers)"))


async def take(tx: SharedTx, operator: Operator, now: datetime) -> bool:
    """The file as it stands, once there is somebody to announce changes to. False: not yet, or long since."""
    made = await tx.run(
        """
        INSERT INTO sub_processor_registers (taken_at)
        SELECT $1 WHERE EXISTS (SELECT FROM accounts WHERE NOT sample)
        ON CONFLICT (one) DO NOTHING
        """,
        now,
    )
    if not made:
        return False
    for part in operator.sub_processors:
        await tx.run(
            """
            INSERT INTO sub_processors (name, service, country, region, safeguards, data, retention,
                                        contract_date, confidentiality, from_file, announced_at, effective_on)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, true, $10, $11)
            """,
            part.name,
            part.service,
            part.country,
            part.region,
            part.safeguards,
            part.data,
            part.retention,
            part.contract_date,
            part.confidentiality,
            now,
            now.date(),
        )
    return True


async def register(tx: SharedTx, operator: Operator, now: datetime) -> Register:
    if not await taken(tx):
        return Register(_of_file(operator, now), [], [])
    found = await tx.many(
        SubProcessor,
        """
        SELECT id, name, service, country, region, safeguards, data, retention, contract_date,
               confidentiality, replaces, from_file, announced_at, effective_on, ends_on, withdrawn_at
        FROM sub_processors
        ORDER BY lower(name), id
        LIMIT 1000
        """,
    )
    today = now.date()
    past = [one for one in found if one.withdrawn_at or (one.ends_on is not None and one.ends_on <= today)]
    there = [one for one in found if one not in past]
    return Register(
        [one for one in there if one.effective_on <= today],
        [one for one in there if one.effective_on > today],
        past,
    )


def _of_file(operator: Operator, now: datetime) -> list[SubProcessor]:
    return [
        SubProcessor(
            id=0,
            name=part.name,
            service=part.service,
            country=part.country,
            region=part.region,
            safeguards=part.safeguards,
            data=part.data,
            retention=part.retention,
            contract_date=part.contract_date,
            confidentiality=part.confidentiality,
            replaces="",
            from_file=True,
            announced_at=now,
            effective_on=now.date(),
            ends_on=None,
            withdrawn_at=None,
        )
        for part in operator.sub_processors
    ]


async def not_announced(tx: SharedTx, operator: Operator, now: datetime) -> list[str]:
    """Names that stand in the file and neither in the register nor among what is announced."""
    found = await register(tx, operator, now)
    known = {one.name.casefold() for one in (*found.current, *found.announced)}
    return [part.name for part in operator.sub_processors if part.name.casefold() not in known]


async def show(tx: SharedTx, sub_processor_id: int) -> SubProcessor:
    """Raises NotFound."""
    return await tx.one(
        SubProcessor,
        """
        SELECT id, name, service, country, region, safeguards, data, retention, contract_date,
               confidentiality, replaces, from_file, announced_at, effective_on, ends_on, withdrawn_at
        FROM sub_processors
        WHERE id = $1
        """,
        sub_processor_id,
    )


async def announce(
    tx: SharedTx, new: NewSubProcessor, operator: Operator, *, now: datetime, user_id: int | None
) -> SubProcessor:
    """All owners are told by mail. Raises Invalid at `country`, `effective_on`, `contract_date`, `name`."""
    await take(tx, operator, now)
    known = await register(tx, operator, now)
    _check(new, known, now.date())
    sub_processor_id: int = await tx.value(
        """
        INSERT INTO sub_processors (name, service, country, region, safeguards, data, retention,
                                    contract_date, confidentiality, replaces, announced_at, announced_by,
                                    effective_on)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
        RETURNING id
        """,
        new.name,
        new.service,
        new.country,
        new.region,
        new.safeguards,
        new.data,
        new.retention,
        new.contract_date.isoformat(),
        _SAID[new.confidentiality],
        new.replaces,
        now,
        user_id,
        new.effective_on,
    )
    days = announcements.Days(new.effective_on, new.effective_on)
    await announcements.announce(tx, "sub_processor", sub_processor_id, now, days)
    return await show(tx, sub_processor_id)


def _check(new: NewSubProcessor, known: Register, today: date) -> None:
    faults = []
    first = today + timedelta(days=NOTICE_DAYS)
    if new.country not in EEA:
        message = N_("Personal data stays in the EU or the EEA: this country is outside.")
        faults.append(Fault("country", message, "region"))
    if new.effective_on < first:
        message = N_("People are told 30 days ahead: {day} is the first possible day.")
        faults.append(Fault("effective_on", message, "notice", {"day": first.isoformat()}))
    if new.contract_date > new.effective_on:
        message = N_("The contract is signed before it begins to process.")
        faults.append(Fault("contract_date", message, "order"))
    names = {one.name.casefold() for one in (*known.current, *known.announced)}
    if new.name.casefold() in names:
        faults.append(Fault("name", N_("It is in the register, or announced, already."), "known"))
    if faults:
        raise Invalid(*faults)


async def say_confidentiality(tx: SharedTx, sub_processor_id: int, said: Confidentiality) -> SubProcessor:
    """A fact about its contract: nobody has to be told ahead. Raises NotFound."""
    await tx.run(
        "UPDATE sub_processors SET confidentiality = $2 WHERE id = $1",
        sub_processor_id,
        _SAID[said.confidentiality],
    )
    return await show(tx, sub_processor_id)


async def end(tx: SharedTx, sub_processor_id: int, today: date, now: datetime) -> SubProcessor:
    """From today it processes nothing any more; what was announced is given up. The row stays."""
    found = await show(tx, sub_processor_id)
    if found.withdrawn_at is not None or found.ends_on is not None:
        raise Conflict(Fault("id", N_("It has ended already."), "conflict"))
    if found.effective_on > today:
        await tx.run(
            "UPDATE sub_processors SET withdrawn_at = $2 WHERE id = $1 AND withdrawn_at IS NULL",
            found.id,
            now,
        )
        await announcements.withdraw(tx, "sub_processor", found.id, today)
    else:
        await tx.run(
            "UPDATE sub_processors SET ends_on = $2 WHERE id = $1 AND ends_on IS NULL", found.id, today
        )
    return await show(tx, found.id)


async def object_to(
    tx: AccountTx, sub_processor_id: int, reason: str, *, person: str, user_id: int | None, now: datetime
) -> None:
    """Until the day it begins. Raises NotFound, Conflict, Invalid at `reason`."""
    found = await show(tx.shared(), sub_processor_id)
    if found.effective_on <= now.date() or found.withdrawn_at is not None:
        message = N_("The time to object has passed: it began on {day}.")
        raise Conflict(Fault("reason", message, "late", {"day": found.effective_on.isoformat()}))
    if not reason.strip():
        raise fault("reason", N_("Write why you object."))
    made = await tx.shared().run(
        """
        INSERT INTO sub_processor_objections (sub_processor_id, account_id, reason, user_id, person,
                                              objected_at)
        VALUES ($1, $2, $3, $4, $5, $6)
        ON CONFLICT (sub_processor_id, account_id) DO NOTHING
        """,
        found.id,
        tx.account_id,
        reason.strip(),
        user_id,
        person,
        now,
    )
    if not made:
        raise Conflict(Fault("reason", N_("This account has objected already."), "conflict"))
    await audit.write(tx, "objected", "sub_processor", found.id)


async def objections_of(tx: AccountTx) -> list[Objection]:
    return await tx.shared().many(
        Objection,
        """
        SELECT o.sub_processor_id, s.name, o.account_id, a.name AS account_name, o.reason, o.person,
               o.objected_at, o.answer, o.answered_at
        FROM sub_processor_objections o
        JOIN sub_processors s ON s.id = o.sub_processor_id
        JOIN accounts a ON a.id = o.account_id
        WHERE o.account_id = $1
        ORDER BY o.objected_at DESC
        """,
        tx.account_id,
    )


async def objections(tx: SharedTx) -> list[Objection]:
    """Of all accounts, for the operator: those without an answer first."""
    return await tx.many(
        Objection,
        """
        SELECT o.sub_processor_id, s.name, o.account_id, a.name AS account_name, o.reason, o.person,
               o.objected_at, o.answer, o.answered_at
        FROM sub_processor_objections o
        JOIN sub_processors s ON s.id = o.sub_processor_id
        JOIN accounts a ON a.id = o.account_id
        ORDER BY o.answered_at IS NOT NULL, o.objected_at DESC
        LIMIT 500
        """,
    )


async def answer(tx: SharedTx, sub_processor_id: int, account_id: int, text: str, now: datetime) -> None:
    """What the operator says to an objection; the account reads it on its page. Raises NotFound, Invalid."""
    if not text.strip():
        raise fault("answer", N_("Write the answer."))
    done = await tx.run(
        """
        UPDATE sub_processor_objections SET answer = $3, answered_at = $4
        WHERE sub_processor_id = $1 AND account_id = $2
        """,
        sub_processor_id,
        account_id,
        text.strip(),
        now,
    )
    if not done:
        raise NotFound
