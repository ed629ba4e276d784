"""What waits for the owner of an address: a sign-up as it was typed, until its confirmation (B-26, C-01)."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from lists import confirmations, consents, contacts, fields, measurement_asks, signup_versions
from lists.consents import Answer, Evidence, Method
from lists.signup_words import Frozen
from mailer.core.db import AccountTx
from mailer.core.errors import Gone, NotFound
from mailer.core.tokens import RecipientToken


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What waits for the owner of the address.

    `lists`: names of its lists that still exist; `active`: they all reach the address already.
    """

    id: int
    form_id: int
    version: int
    contact_id: int
    address_hash: bytes
    list_ids: list[int]
    lists: list[str]
    given: dict[str, Any]
    asked_at: datetime
    confirmed_at: datetime | None
    email: str
    active: bool


def read(words: Frozen, list_id: int, *, guardian: bool) -> str:
    """What stood at the box that was ticked, and what was said beside it."""
    box = next((one.text for one in words.purposes if one.list_id == list_id), "")
    parts = (box, words.guardian_text if guardian else "", words.change_of_mind)
    return "\n".join(part for part in parts if part)


async def waiting(tx: AccountTx, request_id: int) -> Request | None:
    """None when its 30 days are over, or the contact or the address is gone."""
    return await tx.first(
        Request,
        """
        SELECT r.id, r.form_id, r.version, r.contact_id, r.address_hash, r.list_ids, r.given, r.asked_at,
               r.confirmed_at, c.email,
               ARRAY(SELECT l.public_name
                     FROM mailing_lists l
                     WHERE l.account_id = $1 AND l.id = ANY(r.list_ids) AND l.deleted_at IS NULL
                     ORDER BY array_position(r.list_ids, l.id)) AS lists,
               (SELECT count(*)
                FROM subscriptions s
                WHERE s.account_id = $1 AND s.contact_id = r.contact_id AND s.list_id = ANY(r.list_ids)
                  AND s.status = 'active') = cardinality(r.list_ids) AS active
        FROM signup_requests r
        JOIN contacts c ON c.account_id = $1 AND c.id = r.contact_id AND c.address_hash = r.address_hash
        WHERE r.account_id = $1 AND r.id = $2 AND r.asked_at > now() - make_interval(days => $3)
        """,
        request_id,
        confirmations.CONFIRM_DAYS,
    )


async def _request(tx: AccountTx, request_id: int) -> Request:
    found = await waiting(tx, request_id)
    if found is None:
        raise Gone
    return found


async def confirm(tx: AccountTx, request_id: int, *, said: str) -> None:
    """The act of whoever has the mailbox; `said`: what stood beside the button. Idempotent.

    Raises Gone when it is over, or the person left every one of its lists again since.
    """
    found = await _request(tx, request_id)
    await tx.run("SELECT FROM contacts WHERE account_id = $1 AND id = $2 FOR NO KEY UPDATE", found.contact_id)
    found = await _request(tx, request_id)
    if found.confirmed_at is not None:
        return
    words = await signup_versions.of_version(tx, found.form_id, found.version)
    done = 0
    for list_id in found.list_ids:
        wording = read(words, list_id, guardian=bool(found.given.get("guardian")))
        who = RecipientToken(tx.account_id, list_id, found.contact_id, found.address_hash)
        try:
            await confirmations.confirm(tx, who, proof=_evidence(found, f"{wording}\n{said}"))
        except (Gone, NotFound):
            # left again meanwhile, or the list is no more: its other lists are confirmed all the same
            continue
        done += 1
    if not done:
        raise Gone
    await _settle(tx, found, words)


async def settle(tx: AccountTx, request_id: int) -> None:
    """Of a request that needs no confirmation. Raises Gone."""
    found = await _request(tx, request_id)
    await _settle(tx, found, await signup_versions.of_version(tx, found.form_id, found.version))


def _evidence(found: Request, wording: str) -> Evidence:
    return Evidence(
        method=Method.CONFIRMATION,
        legal_basis="consent",
        source=str(found.given.get("page", "")),
        wording=wording,
        source_id=found.form_id,
        source_version=found.version,
    )


async def _settle(tx: AccountTx, found: Request, words: Frozen) -> None:
    """What was typed becomes the contact's own, and the request is emptied."""
    await _fill(tx, found)
    who = RecipientToken(tx.account_id, 0, found.contact_id, found.address_hash)
    for purpose, text in measurement_asks.asked_by(words):
        proof = replace(_evidence(found, text), method=Method.FORM)
        if found.given.get(purpose) is True:
            answer = Answer(**{purpose: True})
            await consents.choose(tx, who, answer, evidence=proof)
        else:
            # B-39: a box that was shown and left empty was a question
            await consents.write(tx, who, "asked", purpose=purpose, evidence=proof)
    await tx.run(
        """
        UPDATE signup_requests
        SET confirmed_at = now(), given = '{}'
        WHERE account_id = $1 AND id = $2
        """,
        found.id,
    )
    await tx.run(
        "UPDATE signup_forms SET confirmed = confirmed + 1 WHERE account_id = $1 AND id = $2", found.form_id
    )


async def _fill(tx: AccountTx, found: Request) -> None:
    """Only what was given; fields that the account has deleted meanwhile are left out."""
    known = {one.key for one in await fields.many(tx)}
    first, last = str(found.given.get("first_name", "")), str(found.given.get("last_name", ""))
    await tx.run(
        """
        UPDATE contacts
        SET first_name = coalesce(nullif($3, ''), first_name),
            first_name_key = coalesce(nullif($4, ''), first_name_key),
            last_name = coalesce(nullif($5, ''), last_name),
            last_name_key = coalesce(nullif($6, ''), last_name_key),
            fields = fields || $7::jsonb, updated_at = now(), last_act_at = now()
        WHERE account_id = $1 AND id = $2
        """,
        found.contact_id,
        first,
        contacts.search_key(first),
        last,
        contacts.search_key(last),
        {key: value for key, value in found.given.get("fields", {}).items() if key in known},
    )
