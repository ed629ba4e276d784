"""Erasing one person: of a refusal, and of the wish itself, the address's fingerprint stays (B-28, C-12)."""

from enum import StrEnum

from lists import contacts, legal_holds, restrictions, suppressions
from lists.suppressions import Reason
from mailer.core import clock
from mailer.core.db import AccountTx
from mailer.core.errors import NotFound
from mailer.web.request import Input


class By(StrEnum):
    """Who wants it: then the address is never written to again, or it is only tidied up."""

    PERSON = "person"
    TEAM = "team"


class Erasure(Input):
    """`asked_by` person: a fingerprint of the address stays, so that no import brings the person back."""

    asked_by: By = By.TEAM


async def erase(tx: AccountTx, contact_id: int, wanted: Erasure) -> None:
    """Raises NotFound; Conflict at `contact` when its use is limited (C-13), or a law holds it."""
    await legal_holds.require_unheld(tx, contact_id, clock.now())
    await restrictions.require_free(tx, [contact_id])
    hashed = await tx.value("SELECT address_hash FROM contacts WHERE account_id = $1 AND id = $2", contact_id)
    if hashed is None:
        raise NotFound
    if wanted.asked_by is By.PERSON:
        await suppressions.add(tx, hashed, reason=Reason.OBJECTED)
    await contacts.delete(tx, [contact_id])
