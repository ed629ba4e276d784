"""What becomes of delivery, contact and campaign when something comes back about a mail (D-32 to D-36, S1).

    hard         delivered → bounced(hard)   the address is suppressed at once
    soft, block  delivered → bounced         the address stays
    late         nothing: the mail is still on its way, and what becomes of it is told later
    complaint    the delivery stays          everything is stopped, an event, never a state (S1)
    unsubscribe  the delivery stays          the list is left, as by one click
    auto_reply   nothing, it is counted      unknown: a person looks at it

A report that comes twice changes nothing: the step of the delivery is taken once, its event written with it.
A bounce that comes before the worker wrote down the acceptance waits (`EARLY`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import assert_never

from lists import complaints, departures, subscriptions, suppressions
from lists.consents import Method
from mailer.core import addresses, keys, metrics
from mailer.core.db import AccountTx
from mailer.core.services import Services
from mailer.core.tokens import RecipientToken
from sending import evidence, outcomes, replies, transactional_queue
from sending.feedback import Finding, Kind, Reason

BOUNCES = frozenset({Kind.HARD, Kind.SOFT, Kind.BLOCK})
# a lane of its own in `evidence`, so that no sending lane waits for it
_LANE = -1
# what a later report may still change: a mail that was put off may fail for good after all
_RANK = {"soft": 0, "block": 1, "hard": 2}


class Result(StrEnum):
    DONE = "done"
    UNMATCHED = "unmatched"
    EARLY = "early"


@dataclass(frozen=True, slots=True, kw_only=True)
class Located:
    """A finding and the mail it speaks of. `campaign_id` 0: the transactional message `message_id`.

    `contact_id` and `list_id` 0: as the delivery says. `check`: the first octets of the hash of the address
    that the mail went to, "" when not known: a contact may have another address since.
    """

    account_id: int
    campaign_id: int
    contact_id: int
    list_id: int
    finding: Finding
    message_id: int = 0
    check: bytes = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Delivery:
    """`address_hash` None: the contact is gone. `counts`: it left since the campaign's evidence began."""

    list_id: int
    status: str
    reason: str
    profile: str
    address_hash: bytes | None
    counts: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class _Message:
    status: str
    reason: str
    contact_id: int | None
    address_hash: bytes | None
    first_at: datetime | None


async def apply(services: Services, findings: Sequence[Located]) -> list[Result]:
    """Each in a transaction of its own, for webhooks and mailboxes: and they ask again when it is EARLY."""
    found = []
    for one in findings:
        async with services.db.account(one.account_id) as tx:
            found.append(await settle(tx, services, one))
    return found


async def settle(tx: AccountTx, services: Services, one: Located) -> Result:
    """One finding, whole or not at all. Counted for the operators when it was dealt with."""
    match one.finding.kind:
        case _ if one.finding.reason is Reason.DELIVERED:
            result = await _arrived(tx, one)
        case Kind.HARD | Kind.SOFT | Kind.BLOCK if not one.finding.final:
            result = Result.DONE
        case Kind.HARD | Kind.SOFT | Kind.BLOCK if one.campaign_id:
            result = await _bounced(tx, services, one)
        case Kind.HARD | Kind.SOFT | Kind.BLOCK:
            result = await _message_bounced(tx, one)
        case Kind.COMPLAINT | Kind.UNSUBSCRIBE:
            result = await _refused(tx, services, one)
        case Kind.AUTO_REPLY:
            result = Result.DONE
        case Kind.UNKNOWN:
            result = Result.UNMATCHED
        case unreachable:
            assert_never(unreachable)
    if result is Result.DONE:
        metrics.FEEDBACK.labels(one.finding.kind.value).inc()
    return result


# ---------------------------------------------------------------- bounces


async def _bounced(tx: AccountTx, services: Services, one: Located) -> Result:
    found = await _delivery(tx, one)
    if found is None:
        return Result.UNMATCHED
    if found.status == "handing":
        return Result.EARLY
    kind = one.finding.kind.value
    if kind == Kind.HARD:
        await _suppress(tx, services, one, found.address_hash)
    worse = found.status == "bounced" and _RANK[kind] > _RANK[found.reason]
    if found.status in ("delivered", "in_doubt") or worse:
        await _step(tx, one)
        if found.counts:
            await _count(tx, one, found)
            await evidence.judge(tx, one.campaign_id)
        if not worse:
            outcomes.count("bounced")
    return Result.DONE


async def _delivery(tx: AccountTx, one: Located) -> _Delivery | None:
    return await tx.first(
        _Delivery,
        """
        SELECT d.list_id, d.status, d.reason, d.profile, k.address_hash,
               coalesce(d.final_at, d.first_at, now()) > c.judged_from AS counts
        FROM campaigns c
        JOIN deliveries d ON d.account_id = c.account_id AND d.campaign_id = c.id AND d.month = c.month
        LEFT JOIN contacts k ON k.account_id = d.account_id AND k.id = d.contact_id
        WHERE c.account_id = $1 AND c.id = $2 AND d.contact_id = $3
        FOR NO KEY UPDATE OF d
        """,
        one.campaign_id,
        one.contact_id,
    )


async def _step(tx: AccountTx, one: Located) -> None:
    """`final_at` stays: the content's six days count from the attempt, not from the report (S12)."""
    finding = one.finding
    await tx.run(
        """
        UPDATE deliveries d
        SET status = 'bounced', reason = $4, bounce_reason = $5, smtp_code = nullif($6, 0), smtp_reply = $7,
            lane = NULL, turn = NULL
        FROM campaigns c
        WHERE d.account_id = $1 AND d.campaign_id = $2 AND d.contact_id = $3
          AND c.account_id = d.account_id AND c.id = d.campaign_id AND d.month = c.month
        """,
        one.campaign_id,
        one.contact_id,
        finding.kind.value,
        finding.reason.value,
        finding.code,
        said(finding),
    )
    await tx.run(
        """
        INSERT INTO events (account_id, id, at, campaign_id, contact_id, kind, verdict, signals)
        VALUES ($1, $2, now(), $3, $4, 'bounce', 'machine',
                jsonb_build_object('kind', $5::text, 'reason', $6::text))
        ON CONFLICT DO NOTHING
        """,
        f"bounce-{one.contact_id}-{one.campaign_id}-{finding.kind}",
        one.campaign_id,
        one.contact_id,
        finding.kind.value,
        finding.reason.value,
    )


def said(finding: Finding) -> str:
    """The server's words with its code, as those of a reply are kept; nobody's address."""
    text = finding.text
    if finding.enhanced and finding.enhanced not in text:
        text = f"{finding.enhanced} {text}"
    return replies.shown(text)


async def _suppress(tx: AccountTx, services: Services, one: Located, current: bytes | None) -> None:
    """The address that the mail went to: the contact's, unless it was changed since."""
    hashed = current
    if one.finding.recipient and (current is None or not current.startswith(one.check)):
        try:
            key = await keys.hash_key(tx, services.sealer)
            told = keys.address_hash(key, addresses.parse(one.finding.recipient).key)
        except addresses.AddressError:
            told = b""
        # a stranger's address is no proof against ours
        hashed = told if one.check and told.startswith(one.check) else None
    elif current is not None and not current.startswith(one.check):
        hashed = None
    if hashed is not None:
        reason = suppressions.Reason.BOUNCED
        await suppressions.add(tx, hashed, reason=reason, campaign_id=one.campaign_id or None)


async def _count(tx: AccountTx, one: Located, before: _Delivery) -> None:
    """D-80: what was counted as delivered counts as bounced from now on."""
    hard = one.finding.kind is Kind.HARD
    await tx.run(
        """
        INSERT INTO evidence AS e (account_id, campaign_id, lane, profile, delivered, hard, other)
        VALUES ($1, $2, $3, $4, $5, $6, $7)
        ON CONFLICT (account_id, campaign_id, lane, profile) DO UPDATE
        SET delivered = e.delivered + excluded.delivered, hard = e.hard + excluded.hard,
            other = e.other + excluded.other
        """,
        one.campaign_id,
        _LANE,
        before.profile,
        -(before.status == "delivered"),
        int(hard),
        int(not hard) - (before.status == "bounced"),
    )


async def _message_bounced(tx: AccountTx, one: Located) -> Result:
    finding, found = one.finding, await _message(tx, one.message_id)
    if found is None:
        return Result.UNMATCHED
    if found.status == "handing":
        return Result.EARLY
    if finding.kind is Kind.HARD and found.address_hash is not None:
        await suppressions.add(tx, found.address_hash, reason=suppressions.Reason.BOUNCED)
    worse = found.status == "bounced" and _RANK[finding.kind.value] > _RANK[found.reason]
    touched = await tx.run(
        """
        UPDATE messages
        SET status = 'bounced', reason = $3, bounce_reason = $4, smtp_code = nullif($5, 0), smtp_reply = $6,
            turn = NULL
        WHERE account_id = $1 AND id = $2 AND (status IN ('delivered', 'in_doubt') OR $7)
        """,
        one.message_id,
        finding.kind.value,
        finding.reason.value,
        finding.code,
        said(finding),
        worse,
    )
    transactional_queue.count("bounced", 0 if worse else touched)
    return Result.DONE


async def _message(tx: AccountTx, message_id: int) -> _Message | None:
    return await tx.first(
        _Message,
        """
        SELECT status, reason, contact_id, address_hash, first_at
        FROM messages
        WHERE account_id = $1 AND id = $2
        FOR NO KEY UPDATE
        """,
        message_id,
    )


# ---------------------------------------------------------------- what the person says


async def _refused(tx: AccountTx, services: Services, one: Located) -> Result:
    who = await _who(tx, services, one)
    if who is None:
        return Result.UNMATCHED
    await refuse(tx, who, one.finding.kind, message_id=0 if one.campaign_id else one.message_id)
    return Result.DONE


async def refuse(tx: AccountTx, who: RecipientToken, kind: Kind, *, message_id: int = 0) -> None:
    """A complaint stops everything, an unsubscribe the list of the mail. Idempotent."""
    if kind is Kind.COMPLAINT:
        if await complaints.record(tx, who, message_id=message_id) and who.campaign_id:
            await evidence.judge(tx, who.campaign_id)
        return
    left = await subscriptions.unsubscribe(tx, who, method=Method.MAIL)
    if not left.already and who.campaign_id:
        await departures.record(tx, who, left.since, method=Method.MAIL)


async def _who(tx: AccountTx, services: Services, one: Located) -> RecipientToken | None:
    """The person behind the mail; None when nobody is left to be found."""
    if one.campaign_id:
        found = await _delivery(tx, one)
        list_id = one.list_id or (found.list_id if found else 0)
        hashed = found.address_hash if found else await _hash_of(tx, one.contact_id)
        contact_id = one.contact_id
    else:
        message = await _message(tx, one.message_id)
        list_id = one.list_id
        hashed = message.address_hash if message else None
        contact_id = (message.contact_id or 0) if message else 0
    if hashed is None and one.finding.recipient and one.check:
        # the contact is gone; its fingerprint still stops the address
        try:
            key = await keys.hash_key(tx, services.sealer)
            hashed = keys.address_hash(key, addresses.parse(one.finding.recipient).key)
        except addresses.AddressError:
            return None
        hashed = hashed if hashed.startswith(one.check) else None
    if hashed is None:
        return None
    return RecipientToken(tx.account_id, list_id, contact_id, hashed, one.campaign_id)


async def _hash_of(tx: AccountTx, contact_id: int) -> bytes | None:
    found: bytes | None = await tx.value(
        "SELECT address_hash FROM contacts WHERE account_id = $1 AND id = $2", contact_id
    )
    return found


async def _arrived(tx: AccountTx, one: Located) -> Result:
    """A report of success resolves a doubt."""
    resolved = await tx.run(
        """
        UPDATE deliveries d
        SET status = 'delivered', lane = NULL, turn = NULL,
            smtp_reply = 'the reply was lost; a report says that the mail arrived'
        FROM campaigns c
        WHERE d.account_id = $1 AND d.campaign_id = $2 AND d.contact_id = $3 AND d.status = 'in_doubt'
          AND c.account_id = d.account_id AND c.id = d.campaign_id AND d.month = c.month
        """,
        one.campaign_id,
        one.contact_id,
    )
    if resolved:
        outcomes.count("delivered", resolved)
    return Result.DONE
