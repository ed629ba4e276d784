"""What SMTP replies say of addresses, noted in the transaction that records the outcomes (D-33).

Of campaigns and of transactional messages alike. Only of what bounced or was given up after days, in two or
three more statements for a group that has one. Measured: 8 µs a group of 64 without one, 0.8 ms of our
processor with one.
"""

from collections.abc import Sequence
from datetime import date

from mailer.core import addresses, clock
from mailer.core.db import AccountTx
from sending import bounce_rules, feedback_counts, profiles, replies, soft_bounces
from sending.feedback import Kind
from sending.feedback_counts import Told
from sending.outcomes import Outcome
from sending.soft_bounces import SoftBounce


async def note(tx: AccountTx, campaign_id: int, month: date, done: Sequence[Outcome]) -> None:
    """`done`: outcomes that were recorded just now; what is no bounce is left out."""
    returned = {one.contact_id: one for one in done if _returned(one)}
    if not returned:
        return
    found = await _profiles(tx, campaign_id, month, list(returned))
    await _count(
        tx,
        [(contact_id, profile, returned[contact_id]) for contact_id, profile in found],
        campaign_id=campaign_id,
    )


async def note_messages(tx: AccountTx, done: Sequence[Outcome]) -> None:
    """The same of transactional messages, whose id stands in place of the contact's.

    One that its caller let expire says nothing: that may be two minutes, and greylisting takes longer. An
    address that is no contact's has no score; its hard bounces are kept with the suppressions.
    """
    returned = {one.contact_id: one for one in done if one.status == "bounced"}
    if returned:
        found = await _contacts(tx, list(returned))
        await _count(tx, [(contact, profile, returned[message]) for message, contact, profile in found])


async def _count(
    tx: AccountTx, found: Sequence[tuple[int, str, Outcome]], *, campaign_id: int | None = None
) -> None:
    """(Contact, provider, what was replied); contact 0: nobody's score, but counted by day."""
    at = clock.now()
    told, soft = [], []
    for contact_id, profile, one in found:
        kind, reason, _ = bounce_rules.classify(
            one.code, replies.enhanced(one.reply), one.reply, profile=profile
        )
        if one.status == "bounced":
            # what the delivery was recorded as counts, whatever a newer rule would say
            kind = Kind(one.reason)
        told.append(Told(kind=kind, reason=reason, profile=profile, at=at))
        if kind is Kind.SOFT and contact_id:
            soft.append(SoftBounce(contact_id=contact_id, reason=reason, at=at))
    if soft:
        await soft_bounces.add(tx, soft, campaign_id=campaign_id)
    await feedback_counts.add(tx, told, "smtp")


def _returned(one: Outcome) -> bool:
    """Without a code the server was not reached: that says nothing about the address."""
    expired = (one.status, one.reason) == ("failed", "expired")
    return one.status == "bounced" or (expired and one.code >= 400)


async def _profiles(
    tx: AccountTx, campaign_id: int, month: date, contact_ids: list[int]
) -> list[tuple[int, str]]:
    return await tx.rows(
        """
        SELECT contact_id, profile
        FROM deliveries
        WHERE account_id = $1 AND campaign_id = $2 AND month = $3 AND contact_id = ANY ($4::bigint[])
        """,
        campaign_id,
        month,
        contact_ids,
    )


async def _contacts(tx: AccountTx, message_ids: list[int]) -> list[tuple[int, int, str]]:
    """(Message, contact, provider): by the address that was written to, whatever became of the contact."""
    rows = await tx.rows(
        """
        SELECT DISTINCT ON (m.id) m.id, coalesce(c.id, 0), coalesce(c.address_key, '')
        FROM messages m
        LEFT JOIN contacts c ON c.account_id = m.account_id AND c.address_hash = m.address_hash
        WHERE m.account_id = $1 AND m.id = ANY ($2::bigint[])
        ORDER BY m.id, c.id
        """,
        message_ids,
    )
    return [(message, contact, _profile(key)) for message, contact, key in rows]


def _profile(address_key: str) -> str:
    return profiles.of_domain(addresses.domain_of(address_key)) or profiles.DEFAULT
