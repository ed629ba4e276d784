"""What becomes of contact and campaign when something comes back about a mail (D-32 to D-36, S1).

    hard         the address is suppressed at once
    soft, block  the address stays; soft bounces add up in feedback_notes
    complaint    everything is stopped
    unsubscribe  the list is left

A report that comes twice changes nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from lists import subscriptions, suppressions
from lists.consents import Method
from mailer.core import addresses, keys
from mailer.core.db import AccountTx
from mailer.core.services import Services
from mailer.core.tokens import RecipientToken
from sending.feedback import Finding, Kind, Reason


class Result(StrEnum):
    """`early`: the mail's own outcome is not written down yet; to be told again."""

    DONE = "done"
    UNMATCHED = "unmatched"
    EARLY = "early"


@dataclass(frozen=True, slots=True, kw_only=True)
class Located:
    """A finding and the mail it speaks of. `campaign_id` 0: the transactional message `message_id`.

    `contact_id` and `list_id` 0: as the delivery says. `check`: the first octets of the hash of the address
    that the mail went to, "" when not known: a contact may have another address since. `final`: False for a
    notice that a mail is late, and still on its way.
    """

    account_id: int
    campaign_id: int
    contact_id: int
    list_id: int
    finding: Finding
    message_id: int = 0
    check: bytes = b""
    final: bool = True


async def apply(services: Services, findings: Sequence[Located]) -> list[Result]:
    """Each in a transaction of its own."""
    found = []
    for one in findings:
        async with services.db.account(one.account_id) as tx:
            found.append(await settle(tx, services, one))
    return found


async def settle(tx: AccountTx, services: Services, one: Located) -> Result:
    """One finding, whole or not at all."""
    match one.finding.kind:
        case Kind.HARD if one.final:
            return await _suppress(tx, services, one, suppressions.Reason.BOUNCED)
        case Kind.COMPLAINT:
            return await _suppress(tx, services, one, suppressions.Reason.COMPLAINED)
        case Kind.UNSUBSCRIBE:
            return await _leave(tx, services, one)
        case Kind.UNKNOWN if one.finding.reason is not Reason.DELIVERED:
            return Result.UNMATCHED
    return Result.DONE


async def _suppress(tx: AccountTx, services: Services, one: Located, reason: suppressions.Reason) -> Result:
    hashed = await _hash(tx, services, one)
    if hashed is None:
        return Result.UNMATCHED
    await suppressions.add(tx, hashed, reason=reason, campaign_id=one.campaign_id or None)
    return Result.DONE


async def _leave(tx: AccountTx, services: Services, one: Located) -> Result:
    hashed = await _hash(tx, services, one)
    if hashed is None:
        return Result.UNMATCHED
    who = RecipientToken(tx.account_id, one.list_id, one.contact_id, hashed, one.campaign_id)
    await subscriptions.unsubscribe(tx, who, method=Method.LINK)
    return Result.DONE


async def _hash(tx: AccountTx, services: Services, one: Located) -> bytes | None:
    """Of the address that the mail went to; a stranger's is no proof against ours."""
    try:
        address = addresses.parse(one.finding.recipient)
    except addresses.AddressError:
        return None
    hashed = keys.address_hash(await keys.hash_key(tx, services.sealer), address.key)
    return hashed if hashed.startswith(one.check) else None
