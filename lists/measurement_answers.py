"""Answers about measurement that were given elsewhere, taken over with what proves them (B-36, B-37).

    consent    the person ticked or pressed somewhere: the words, the place and the day
    informed   an address from before 14 April 2026; its owner was told by 14 July how to object, and did not

A yes without its proof is refused; a no needs none. A no that is as new as the yes, or newer, stays.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Annotated, Literal

from pydantic import Field

from lists import consents, contacts, wordings
from lists.legal_bases import FUTURE
from mailer.accounts import agreements, audit
from mailer.core import clock
from mailer.core.db import AccountTx
from mailer.core.errors import Fault, Invalid
from mailer.core.text import N_
from mailer.web.request import Input

# CNIL, deliberation 2026-042: published, and the end of the time to inform those known before
PUBLISHED = date(2026, 4, 14)
INFORMED_BY = date(2026, 7, 14)
MAX_ROWS = 10_000
Word = Literal["granted", "denied"]
Purpose = Literal["opens", "clicks"]


class GivenAnswer(Input):
    """`answered_on`: of a consent. `collected_on`: of an address whose owner was informed."""

    email: Annotated[str, Field(max_length=1000)]
    opens: Word | None = None
    clicks: Word | None = None
    answered_on: date | None = None
    collected_on: date | None = None


class NewAnswers(Input):
    """`wording`: what people read; `source`: where. `informed_on`: when the information left."""

    basis: Literal["consent", "informed"] = "consent"
    wording: Annotated[str, Field(max_length=10_000)] = ""
    source: Annotated[str, Field(max_length=500)] = ""
    informed_on: date | None = None
    answers: Annotated[list[GivenAnswer], Field(min_length=1, max_length=MAX_ROWS)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """recorded, unchanged; refused: a no of this person stays; unknown: no contact; restricted: C-13."""

    row: int
    id: int | None
    result: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Known:
    id: int
    address_key: str
    address_hash: bytes
    opens: str
    clicks: str
    restricted: bool
    objected: bool
    opens_denied: date | None
    clicks_denied: date | None


@dataclass(frozen=True, slots=True)
class _Line:
    contact: _Known
    purpose: Purpose
    word: Word
    day: date | None
    about: str


async def apply(tx: AccountTx, new: NewAnswers) -> list[Result]:
    """What became of each row. Raises Invalid with every fault, by row; Forbidden "agreement"."""
    await agreements.require(tx)
    keys = _checked(new)
    known = {one.address_key: one for one in await _known(tx, keys)}
    lines: list[_Line] = []
    results = []
    for number, (key, answer) in enumerate(zip(keys, new.answers, strict=True), 1):
        contact = known.get(key)
        if contact is None:
            results.append(Result(row=number, id=None, result="unknown"))
            continue
        found, result = _of_row(new, answer, contact)
        lines += found
        results.append(Result(row=number, id=contact.id, result=result))
    if lines:
        await _write(tx, new, lines)
        await audit.write(tx, "imported", "measurement_answers", count=len({one.contact.id for one in lines}))
    return results


def _checked(new: NewAnswers) -> list[str]:
    """The rows' addresses. Raises Invalid."""
    today, faults = clock.now().date(), []
    yes = any("granted" in (one.opens, one.clicks) for one in new.answers)
    if yes and not new.wording.strip():
        message = N_("Give the words that people read: without them a yes proves nothing.")
        faults.append(Fault("wording", message, "missing"))
    if yes and not new.source.strip():
        message = N_("Say where people answered: the form, the page or the mail.")
        faults.append(Fault("source", message, "missing"))
    if new.basis == "informed":
        faults += _informed(new, today)
    keys: list[str] = []
    seen: set[str] = set()
    for number, answer in enumerate(new.answers, 1):
        try:
            key = contacts.read_address(answer.email).key
        except Invalid as error:
            faults += [replace(one, row=number) for one in error.faults]
            key = ""
        if key and key in seen:
            message = N_("This address stands in the request twice.")
            faults.append(Fault("email", message, "double", row=number))
        seen.add(key)
        keys.append(key)
        faults += [replace(one, row=number) for one in _of_answer(new, answer, today)]
    if faults:
        raise Invalid(*faults[:200])
    return keys


def _informed(new: NewAnswers, today: date) -> list[Fault]:
    if new.informed_on is None:
        message = N_("Say on which day these people were informed.")
        return [Fault("informed_on", message, "missing")]
    if not PUBLISHED <= new.informed_on <= min(INFORMED_BY, today):
        message = N_(
            "Only an information between 14 April and 14 July 2026 lets measurement go on. Ask for consent."
        )
        return [Fault("informed_on", message, "too_late")]
    return []


def _of_answer(new: NewAnswers, answer: GivenAnswer, today: date) -> list[Fault]:
    if answer.opens is None and answer.clicks is None:
        return [Fault("opens", N_("Give an answer for opens, clicks or both."), "missing")]
    if "granted" not in (answer.opens, answer.clicks):
        return []
    name = "answered_on" if new.basis == "consent" else "collected_on"
    day = answer.answered_on if new.basis == "consent" else answer.collected_on
    if day is None:
        message = N_("Say on which day: of the answer for a consent, of the collection for people informed.")
        return [Fault(name, message, "missing")]
    if day > today:
        return [Fault(name, FUTURE, "future")]
    if new.basis == "informed" and day >= PUBLISHED:
        message = N_("Collected since 14 April 2026: information is not enough. Ask for consent.")
        return [Fault(name, message, "too_late")]
    return []


async def _known(tx: AccountTx, keys: Sequence[str]) -> list[_Known]:
    """Locked in order, so that two requests at once wait for each other."""
    return await tx.many(
        _Known,
        """
        WITH met AS MATERIALIZED (
            SELECT id, address_key, address_hash, opens, clicks, restricted_at
            FROM contacts
            WHERE account_id = $1 AND address_key = ANY ($2::text[])
            ORDER BY id
            FOR NO KEY UPDATE
        )
        SELECT c.id, c.address_key, c.address_hash, c.opens, c.clicks,
               c.restricted_at IS NOT NULL AS restricted,
               EXISTS (SELECT FROM suppressions s
                       WHERE s.account_id = $1 AND s.address_hash = c.address_hash AND s.list_id IS NULL
                         AND s.reason = 'objected'
                         AND (s.expires_at IS NULL OR s.expires_at > now())) AS objected,
               d.opens::date AS opens_denied, d.clicks::date AS clicks_denied
        FROM met c
        CROSS JOIN LATERAL (
            SELECT max(p.at) FILTER (WHERE p.purpose = 'opens') AS opens,
                   max(p.at) FILTER (WHERE p.purpose = 'clicks') AS clicks
            FROM consents p
            WHERE p.account_id = $1 AND p.address_hash = c.address_hash AND p.purpose <> 'mail'
              AND p.act = 'denied'
        ) d
        """,
        list(keys),
    )


def _of_row(new: NewAnswers, answer: GivenAnswer, contact: _Known) -> tuple[list[_Line], str]:
    if contact.restricted:
        return [], "restricted"
    cases: tuple[tuple[Purpose, Word | None, str, date | None], ...] = (
        ("opens", answer.opens, contact.opens, contact.opens_denied),
        ("clicks", answer.clicks, contact.clicks, contact.clicks_denied),
    )
    lines, refused = [], False
    day = new.informed_on if new.basis == "informed" else answer.answered_on
    about = f"collected on {answer.collected_on}" if new.basis == "informed" and answer.collected_on else ""
    for purpose, word, state, denied in cases:
        if word is None or word == state:
            continue
        if word == "granted" and (contact.objected or _stays(new, answer, state, denied)):
            refused = True
            continue
        lines.append(_Line(contact, purpose, word, day, about))
    return lines, "refused" if refused else "recorded" if lines else "unchanged"


def _stays(new: NewAnswers, answer: GivenAnswer, state: str, denied: date | None) -> bool:
    """Does the person's no hold against this yes? Only a consent given after it undoes it."""
    if state != "denied" and denied is None:
        return False
    return new.basis == "informed" or denied is None or not answer.answered_on or answer.answered_on <= denied


async def _write(tx: AccountTx, new: NewAnswers, lines: Sequence[_Line]) -> None:
    method = consents.method_of(tx)
    await tx.run(
        """
        INSERT INTO consents (account_id, contact_id, address_hash, purpose, act, method, legal_basis,
                              wording_id, source, basis_date, basis_about, actor_id)
        SELECT $1, l.contact_id, l.address_hash, l.purpose, l.word, $7, $8, $9, $10, l.day, l.about, $11
        FROM unnest($2::bigint[], $3::bytea[], $4::text[], $5::text[], $6::date[], $12::text[])
            AS l (contact_id, address_hash, purpose, word, day, about)
        """,
        [one.contact.id for one in lines],
        [one.contact.address_hash for one in lines],
        [one.purpose for one in lines],
        [one.word for one in lines],
        [one.day for one in lines],
        method,
        new.basis,
        await wordings.keep(tx, f"{method} measurement", new.wording.strip()),
        new.source.strip(),
        tx.actor.id,
        [one.about for one in lines],
    )
    await tx.run(
        """
        UPDATE contacts c
        SET opens = coalesce(l.opens, c.opens), clicks = coalesce(l.clicks, c.clicks), updated_at = now()
        FROM (SELECT contact_id, max(word) FILTER (WHERE purpose = 'opens') AS opens,
                     max(word) FILTER (WHERE purpose = 'clicks') AS clicks
              FROM unnest($2::bigint[], $3::text[], $4::text[]) AS g (contact_id, purpose, word)
              GROUP BY contact_id) l
        WHERE c.account_id = $1 AND c.id = l.contact_id
        """,
        [one.contact.id for one in lines],
        [one.purpose for one in lines],
        [one.word for one in lines],
    )
