"""The mail that asks somebody silent for a sign, with a page where a press is one."""

from collections.abc import Sequence
from datetime import datetime
from typing import Literal, Protocol

from mailer.core import outbox
from mailer.core.db import AccountTx
from mailer.core.links import Links
from mailer.core.tokens import RecipientToken

Mail = Literal["still_there", "still_reading"]


class Silent(Protocol):
    """A contact; `language` "" when it is not known."""

    @property
    def id(self) -> int: ...
    @property
    def email(self) -> str: ...
    @property
    def language(self) -> str: ...
    @property
    def address_hash(self) -> bytes: ...


async def ask(tx: AccountTx, mail: Mail, people: Sequence[Silent], *, until: datetime, links: Links) -> None:
    """One `mail` each, in the person's language, else the account's."""
    account = await tx.rows(
        "SELECT coalesce(nullif(legal_name, ''), name), contact_email, language FROM accounts WHERE id = $1"
    )
    sender, contact, language = account[0]
    for one in people:
        who = RecipientToken(tx.account_id, 0, one.id, one.address_hash)
        await outbox.write(
            tx,
            mail,
            one.email,
            language=one.language or language,
            details={
                "link": links.stay(who),
                "leave": links.unsubscribe(who),
                "sender": sender,
                "contact": contact,
                "until": until.date().isoformat(),
            },
        )
