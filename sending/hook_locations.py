"""Which mail of ours a provider's event speaks of: by our mark, else by the Message-ID, and by the address.

The account is that of the webhook, so no event reaches another's; the contact must have, or have had, the
address. Mail of other programs that leaves through the same provider is found by neither.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from mailer.core import addresses, clock, keys
from mailer.core.db import AccountTx
from mailer.core.services import Services
from sending import personal, profiles, transactional_content
from sending.feedback import Reason
from sending.feedback_effects import Located
from sending.hook_events import Event

# a report comes within days; an account's mails to one person in that time are few
_BACK = timedelta(days=60)
_MOST_MAILS = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """`contact_id`: of the contact that has the address now, 0 when there is none. `doubtful`: its delivery's
    reply was lost."""

    event: Event
    located: Located
    contact_id: int
    profile: str
    doubtful: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class _Person:
    """`ids`: under which deliveries stand, those merged into the contact too."""

    n: int
    contact_id: int
    ids: list[int]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Delivery:
    n: int
    campaign_id: int
    contact_id: int
    list_id: int
    profile: str
    status: str


async def locate(tx: AccountTx, services: Services, events: Sequence[Event]) -> list[Found]:
    """What is not ours is left out."""
    key = await keys.hash_key(tx, services.sealer)
    read = [(one, address) for one in events if (address := _address(one.finding.recipient)) is not None]
    hashes = [keys.address_hash(key, address) for _, address in read]
    people = await _people(tx, [address for _, address in read], hashes)
    marked = [
        (n, event.campaign_id, contact_id)
        for n, (event, _) in enumerate(read)
        if event.campaign_id
        for contact_id in people[n].ids
    ]
    deliveries = {one.n: one for one in await _deliveries(tx, marked)}
    found = []
    for n, (event, _) in enumerate(read):
        delivery, message_id = deliveries.get(n), event.message_id
        unmarked = not (event.campaign_id or message_id) and event.finding.message_id
        if delivery is None and unmarked and event.finding.reason is not Reason.DELIVERED:
            delivery = await _by_message_id(tx, key, event.finding.message_id, people[n])
            if delivery is None:
                message_id = await _message(tx, key, event.finding.message_id, hashes[n])
                event = replace(event, message_id=message_id)
        if event.campaign_id and delivery is None and people[n].contact_id:
            # the mark names a campaign that never wrote to this person
            continue
        if delivery is None and not (message_id or event.campaign_id):
            continue
        found.append(_found(tx.account_id, event, delivery, person=people[n], check=hashes[n]))
    return found


def _address(recipient: str) -> str | None:
    try:
        return addresses.parse(recipient).key
    except addresses.AddressError:
        return None


def _found(
    account_id: int, event: Event, delivery: _Delivery | None, *, person: _Person, check: bytes
) -> Found:
    """Without a delivery: of a transactional message, or of a contact that is gone, whose no still holds."""
    domain = addresses.domain_of(event.finding.recipient.lower())
    located = Located(
        account_id=account_id,
        campaign_id=delivery.campaign_id if delivery else event.campaign_id,
        contact_id=delivery.contact_id if delivery else 0,
        list_id=delivery.list_id if delivery else 0,
        finding=event.finding,
        message_id=0 if delivery else event.message_id,
        check=check,
    )
    return Found(
        event=event,
        located=located,
        contact_id=person.contact_id,
        profile=delivery.profile if delivery else profiles.of_domain(domain) or profiles.DEFAULT,
        doubtful=delivery is not None and delivery.status == "in_doubt",
    )


async def _people(tx: AccountTx, address_keys: list[str], hashes: list[bytes]) -> list[_Person]:
    """In the order of the addresses."""
    return await tx.many(
        _Person,
        """
        SELECT g.n::int - 1 AS n, coalesce(c.id, 0) AS contact_id,
               array_remove(array_agg(DISTINCT i.id), NULL) AS ids
        FROM unnest($2::text[], $3::bytea[]) WITH ORDINALITY AS g (address_key, address_hash, n)
        LEFT JOIN contacts c ON c.account_id = $1 AND c.address_key = g.address_key
        LEFT JOIN LATERAL (
            SELECT c.id
            UNION
            SELECT m.merged_id FROM contact_merges m WHERE m.account_id = $1 AND m.kept_id = c.id
            UNION
            SELECT m.merged_id FROM contact_merges m
            WHERE m.account_id = $1 AND m.merged_hash = g.address_hash
            UNION
            SELECT m.kept_id FROM contact_merges m
            WHERE m.account_id = $1 AND m.merged_hash = g.address_hash
        ) AS i ON true
        GROUP BY g.n, c.id
        ORDER BY g.n
        """,
        address_keys,
        hashes,
    )


async def _deliveries(tx: AccountTx, wanted: Sequence[tuple[int, int, int]]) -> list[_Delivery]:
    """Of (n, campaign, contact)."""
    return await tx.many(
        _Delivery,
        """
        SELECT w.n, d.campaign_id, d.contact_id, d.list_id, d.profile, d.status
        FROM unnest($2::int[], $3::bigint[], $4::bigint[]) AS w (n, campaign_id, contact_id)
        JOIN campaigns c ON c.account_id = $1 AND c.id = w.campaign_id
        JOIN deliveries d ON d.account_id = $1 AND d.campaign_id = w.campaign_id
             AND d.contact_id = w.contact_id AND d.month = c.month
        WHERE d.first_at IS NOT NULL
        """,
        [n for n, _, _ in wanted],
        [campaign_id for _, campaign_id, _ in wanted],
        [contact_id for _, _, contact_id in wanted],
    )


async def _by_message_id(tx: AccountTx, key: bytes, message_id: str, person: _Person) -> _Delivery | None:
    """Of a mail without a mark: the id is the keyed hash of campaign and contact."""
    left, _, _ = message_id.partition("@")
    if len(left) != 32 or not person.ids:
        return None
    recent = await tx.many(
        _Delivery,
        """
        SELECT 0 AS n, campaign_id, contact_id, list_id, profile, status
        FROM deliveries
        WHERE account_id = $1 AND contact_id = ANY ($2::bigint[]) AND month >= $3 AND first_at IS NOT NULL
        ORDER BY month DESC, campaign_id DESC
        LIMIT $4
        """,
        person.ids,
        (clock.now() - _BACK).date().replace(day=1),
        _MOST_MAILS,
    )
    return next(
        (one for one in recent if personal.message_id_of(key, one.campaign_id, one.contact_id) == left),
        None,
    )


async def _message(tx: AccountTx, key: bytes, message_id: str, address_hash: bytes) -> int:
    """A transactional message to this address; 0 when it is none of ours."""
    left, _, _ = message_id.partition("@")
    rows = await tx.rows(
        """
        SELECT id FROM messages
        WHERE account_id = $1 AND address_hash = $2 AND first_at >= $3
        ORDER BY id DESC
        LIMIT $4
        """,
        address_hash,
        clock.now() - _BACK,
        _MOST_MAILS,
    )
    return next((row for (row,) in rows if transactional_content.message_id_of(key, row) == left), 0)
