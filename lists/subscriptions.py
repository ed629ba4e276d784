"""Who is on which list: pending, active, unsubscribed.

    team    add ──────────▶ active        with a recorded basis and source; never over a refusal
    person  unsubscribe ──▶ unsubscribed  + suppression of the list      stop_everything: + suppression of all
    person  confirmations.ask ─ mail ─▶ confirmations.confirm ──▶ active the only way back, to one list (B-28)

The person's acts go by the keyed hash of the address, so that a link still works when contact, list and
campaign are gone (S9). Whatever waits to be sent is stopped by these rows alone: sending reads them again
before each first SMTP byte (S1).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from lists import consents, legal_bases, suppressions
from lists.consents import Evidence, Method
from lists.suppressions import Reason
from mailer.accounts import audit
from mailer.core.db import AccountTx
from mailer.core.errors import NotFound
from mailer.core.tokens import RecipientToken

_BY_THE_PERSON = frozenset(
    {Method.FORM, Method.LINK, Method.ONE_CLICK, Method.PREFERENCES, Method.CONFIRMATION, Method.MAIL}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Left:
    """`already`: the person had left this list before, at `since`."""

    since: datetime
    already: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Added:
    """They add up to the contacts named. `refused`: their opt-out stands, their data may only be kept, or the
    basis cannot be for their address.
    """

    added: int
    already: int
    refused: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscription:
    """One list of one contact. `stopped`: a suppression holds mail back, whatever `status` says."""

    list_id: int
    list_name: str
    public_name: str
    purpose: str
    frequency: str
    shown_in_preferences: bool
    status: str
    legal_basis: str
    created_at: datetime
    status_at: datetime
    stopped: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """The contact behind a link, as it is now."""

    contact_id: int
    email: str
    language: str
    opens: str
    clicks: str


@dataclass(frozen=True, slots=True)
class _Found:
    id: int
    address_hash: bytes
    address_key: str = ""
    limited: bool = False


async def person(tx: AccountTx, who: RecipientToken) -> Person | None:
    """The contact that has the link's address now, or None when it is gone."""
    return await tx.first(
        Person,
        """
        SELECT id AS contact_id, email, language, opens, clicks
        FROM contacts
        WHERE account_id = $1 AND address_hash = $2
        """,
        who.address_hash,
    )


async def of_contact(tx: AccountTx, contact_id: int) -> list[Subscription]:
    """All lists of a contact that still exist, by name."""
    return await tx.many(
        Subscription,
        """
        SELECT s.list_id, l.name AS list_name, l.public_name, l.purpose, l.frequency, l.shown_in_preferences,
               s.status, s.legal_basis, s.created_at, s.status_at,
               EXISTS (SELECT FROM suppressions u
                       WHERE u.account_id = $1 AND u.address_hash = c.address_hash
                         AND stops(u, s.list_id)) AS stopped
        FROM subscriptions s
        JOIN contacts c ON c.account_id = $1 AND c.id = s.contact_id
        JOIN mailing_lists l ON l.account_id = $1 AND l.id = s.list_id AND l.deleted_at IS NULL
        WHERE s.account_id = $1 AND s.contact_id = $2
        ORDER BY l.name
        """,
        contact_id,
    )


# ---------------------------------------------------------------- the person's own acts


async def unsubscribe(tx: AccountTx, who: RecipientToken, *, method: Method) -> Left:
    """Leaves the link's list (D-43, D-45). Idempotent. `who.list_id` 0 leaves everything."""
    return await _leave(tx, who, who.list_id or None, method)


async def stop_everything(
    tx: AccountTx, who: RecipientToken, *, method: Method, reason: Reason = Reason.UNSUBSCRIBED
) -> Left:
    """Leaves all lists, and those not yet made (C-16). Idempotent; `reason` is that of a new refusal."""
    return await _leave(tx, who, None, method, reason)


async def left_since(tx: AccountTx, who: RecipientToken) -> datetime | None:
    """Since when nothing of the link's list reaches this address, or None."""
    since: datetime | None = await tx.value(
        """
        SELECT min(since)
        FROM suppressions
        WHERE account_id = $1 AND address_hash = $2 AND stops(suppressions, $3) AND reason <> 'bounced'
        """,
        who.address_hash,
        who.list_id,
    )
    return since


async def _leave(
    tx: AccountTx,
    who: RecipientToken,
    list_id: int | None,
    method: Method,
    reason: Reason = Reason.UNSUBSCRIBED,
) -> Left:
    found = await _locked(tx, who)
    people = found or [_Found(who.contact_id, who.address_hash)]
    if who.address_hash not in {one.address_hash for one in people}:
        # the address was changed since the mail: the no holds for both
        people.append(_Found(who.contact_id, who.address_hash))
    new = await _withdraw(
        tx,
        people,
        list_id,
        evidence=Evidence(method=method),
        reason=reason,
        campaign_id=who.campaign_id or None,
    )
    if found and method in _BY_THE_PERSON:
        await tx.run(
            "UPDATE contacts SET last_act_at = now() WHERE account_id = $1 AND id = ANY($2::bigint[])",
            [one.id for one in found],
        )
    since: datetime = await tx.value(
        """
        SELECT since FROM suppressions
        WHERE account_id = $1 AND address_hash = $2 AND list_id IS NOT DISTINCT FROM $3
        """,
        who.address_hash,
        list_id,
    )
    return Left(since=since, already=new == 0)


async def _locked(tx: AccountTx, who: RecipientToken) -> list[_Found]:
    """Whom a refusal reaches: that address, the contact that had it, and the one it was merged into."""
    found = await _lock_reached(tx, who)
    if all(one.id != who.contact_id for one in found):
        # a merge of this moment: while this waited for it, its statement still saw what was before
        found = await _lock_reached(tx, who)
    return found


async def _lock_reached(tx: AccountTx, who: RecipientToken) -> list[_Found]:
    return await tx.many(
        _Found,
        """
        SELECT id, address_hash
        FROM contacts
        WHERE account_id = $1 AND (address_hash = $2 OR id = $3 OR id = ANY (ARRAY(
            -- merged into another since the mail
            SELECT kept_id FROM contact_merges m
            WHERE m.account_id = $1 AND (m.merged_id = $3 OR m.merged_hash = $2)
        )))
        ORDER BY id
        FOR NO KEY UPDATE
        """,
        who.address_hash,
        who.contact_id,
    )


async def _withdraw(
    tx: AccountTx,
    people: Sequence[_Found],
    list_id: int | None,
    *,
    evidence: Evidence,
    reason: Reason = Reason.UNSUBSCRIBED,
    campaign_id: int | None = None,
) -> int:
    """Suppressions, ledger and subscriptions of many at once. Returns how many refusals are new."""
    people = await _whole(tx, people)
    new = await tx.run(
        """
        WITH people AS (
            SELECT contact_id, address_hash
            FROM unnest($2::bigint[], $3::bytea[]) AS p (contact_id, address_hash)
        ), stopped AS (
            INSERT INTO suppressions (account_id, address_hash, list_id, reason, campaign_id)
            SELECT DISTINCT ON (address_hash) $1::bigint, address_hash, $4::bigint, $9::text, $5::bigint
            FROM people
            ON CONFLICT ON CONSTRAINT suppressions_scope DO UPDATE
            SET reason = excluded.reason, since = now(), expires_at = NULL,
                campaign_id = excluded.campaign_id, returned_to = '{}'
            WHERE suppressions.expires_at <= now() OR suppressions.reason IN ('bounced', 'added')
               OR suppressions.returned_to <> '{}'
            RETURNING address_hash
        )
        INSERT INTO consents (account_id, contact_id, address_hash, purpose, list_id, act, method, source,
                              actor_id)
        SELECT $1::bigint, contact_id, address_hash, 'mail', $4::bigint, 'withdrawn', $6, $7, $8::bigint
        FROM people
        JOIN stopped USING (address_hash)
        """,
        [one.id for one in people],
        [one.address_hash for one in people],
        list_id,
        campaign_id,
        evidence.method,
        evidence.source,
        tx.actor.id,
        reason,
    )
    if list_id is not None:
        await suppressions.close_returns(tx, [one.address_hash for one in people], list_id)
    await tx.run(
        """
        UPDATE subscriptions
        SET status = 'unsubscribed', status_at = now()
        WHERE account_id = $1 AND contact_id = ANY($2::bigint[]) AND ($3::bigint IS NULL OR list_id = $3)
          AND status <> 'unsubscribed'
        """,
        [one.id for one in people],
        list_id,
    )
    return new


async def _whole(tx: AccountTx, people: Sequence[_Found]) -> list[_Found]:
    """With every other address that was merged with theirs, and the contacts that stayed."""
    more = await tx.many(
        _Found,
        """
        WITH kept AS (
            SELECT unnest($2::bigint[]) AS id
            UNION
            SELECT kept_id FROM contact_merges WHERE account_id = $1 AND merged_hash = ANY ($3::bytea[])
        ), tied AS (
            SELECT m.kept_id AS id, m.merged_hash AS address_hash
            FROM kept
            JOIN contact_merges m ON m.account_id = $1 AND m.kept_id = kept.id
        )
        SELECT id, address_hash FROM tied
        UNION
        SELECT c.id, c.address_hash FROM tied JOIN contacts c ON c.account_id = $1 AND c.id = tied.id
        """,
        [one.id for one in people],
        [one.address_hash for one in people],
    )
    known = {(one.id, one.address_hash) for one in people}
    return [*people, *(one for one in more if (one.id, one.address_hash) not in known)]


# ---------------------------------------------------------------- acts of the team


async def add(tx: AccountTx, contact_ids: Sequence[int], list_id: int, *, evidence: Evidence) -> Added:
    """Adds contacts to a list with a recorded basis and source (C-01). Never lifts a refusal, sends no mail.

    A suppressed address enters as unsubscribed; one that waits for its confirmation goes on waiting; one that
    the basis cannot be for is refused (B-23). Raises NotFound when the list is no more.
    """
    if not await tx.value(
        "SELECT true FROM mailing_lists WHERE account_id = $1 AND id = $2 AND deleted_at IS NULL", list_id
    ):
        raise NotFound
    # locked first: an unsubscription that runs at the same moment is seen by the statement below
    people = await _lock(tx, contact_ids)
    locked = [
        one.id
        for one in people
        if not one.limited and legal_bases.fits(evidence.legal_basis, one.address_key)
    ]
    row = await tx.rows(
        """
        WITH new AS (
            INSERT INTO subscriptions (account_id, list_id, contact_id, status, legal_basis)
            SELECT $1::bigint, $2::bigint, c.id,
                   CASE WHEN EXISTS (SELECT FROM suppressions u
                                     WHERE u.account_id = $1 AND u.address_hash = c.address_hash
                                       AND stops(u, $2))
                        THEN 'unsubscribed' ELSE 'active' END,
                   $4
            FROM contacts c
            WHERE c.account_id = $1 AND c.id = ANY($3::bigint[])
            ON CONFLICT DO NOTHING
            RETURNING contact_id, status
        )
        SELECT ARRAY(SELECT contact_id FROM new WHERE status = 'active'),
               (SELECT count(*) FROM new WHERE status = 'unsubscribed')
               + (SELECT count(*) FROM subscriptions s
                  WHERE s.account_id = $1 AND s.list_id = $2 AND s.contact_id = ANY($3::bigint[])
                    AND s.status = 'unsubscribed')
        """,
        list_id,
        locked,
        evidence.legal_basis,
    )
    added, refused = row[0]
    await consents.grant(tx, added, list_id, evidence=evidence)
    return Added(
        added=len(added),
        refused=refused + len(people) - len(locked),
        already=len(locked) - len(added) - refused,
    )


async def _lock(tx: AccountTx, contact_ids: Sequence[int]) -> list[_Found]:
    return await tx.many(
        _Found,
        """
        SELECT id, address_hash, address_key, restricted_at IS NOT NULL AS limited
        FROM contacts
        WHERE account_id = $1 AND id = ANY($2::bigint[])
        ORDER BY id
        FOR NO KEY UPDATE
        """,
        list(contact_ids),
    )


async def unsubscribe_contacts(
    tx: AccountTx, contact_ids: Sequence[int], list_id: int | None, *, source: str = ""
) -> int:
    """The team ends subscriptions of one list, or everything. Returns how many refusals are new."""
    people = await _lock(tx, contact_ids)
    if not people:
        return 0
    evidence = Evidence(method=consents.method_of(tx), source=source)
    new = await _withdraw(tx, people, list_id, evidence=evidence)
    if len(people) == 1:
        await audit.write(tx, "unsubscribed", "contact", people[0].id)
    return new


async def withdraw(
    tx: AccountTx, people: Sequence[tuple[int, bytes]], list_id: int | None, *, evidence: Evidence
) -> int:
    """`unsubscribe_contacts` by the hash of addresses, also of such as are no contact (0). Locks nothing."""
    return await _withdraw(tx, [_Found(*one) for one in people], list_id, evidence=evidence)


async def remove(tx: AccountTx, contact_ids: Sequence[int], list_id: int) -> int:
    """Takes contacts off a list. A refusal stays where it is, and so does whoever's use is limited (C-13).

    Returns how many were taken off.
    """
    return await tx.run(
        """
        DELETE FROM subscriptions s
        WHERE s.account_id = $1 AND s.list_id = $2 AND s.contact_id = ANY($3::bigint[])
          AND s.status <> 'unsubscribed'
          AND NOT EXISTS (SELECT FROM contacts c
                          WHERE c.account_id = $1 AND c.id = s.contact_id AND c.restricted_at IS NOT NULL)
        """,
        list_id,
        list(contact_ids),
    )
