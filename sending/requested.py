"""Who asked for a mail, where the exempt measurement of opens needs to know it (B-33): a consent to the list.

Mail to customers and business contacts was not asked for: they are measured by consent or not at all.
"""

from collections.abc import Sequence
from dataclasses import replace

from mailer.core.services import Services
from sending.claims import Claimed
from sending.personal import Maker


async def mark(services: Services, maker: Maker, claimed: Sequence[Claimed]) -> Sequence[Claimed]:
    """The same rows. One statement for some 200 people, and none in the other modes."""
    people = [one.person for one in claimed if one.person is not None]
    if not people or not maker.asks_who_asked:
        return claimed
    async with services.db.account(maker.account_id) as tx:
        rows = await tx.rows(
            """
            SELECT s.contact_id
            FROM unnest($2::bigint[], $3::bigint[]) AS p (list_id, contact_id)
            JOIN subscriptions s ON s.account_id = $1 AND s.list_id = p.list_id
                                AND s.contact_id = p.contact_id
            WHERE s.account_id = $1 AND s.status = 'active' AND s.legal_basis = 'consent'
            """,
            [person.list_id for person in people],
            [person.contact_id for person in people],
        )
    asked = {contact_id for (contact_id,) in rows}
    return [
        replace(one, person=replace(one.person, requested=True))
        if one.person is not None and one.contact_id in asked
        else one
        for one in claimed
    ]
