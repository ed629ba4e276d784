"""A person changes their own address: the old mailbox asked for it, the new one confirms it (C-11).

    correction with a new address, confirmed from the old mailbox ─▶ mail to the new one; the request is open
    its link is pressed within a day ─▶ the contact has the new address, the request is answered

Nothing is stored of it but the request: the link says which address takes the place of which. It works once,
since the old one is another's afterwards, or nobody's.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from lists import contacts, rights_mails, rights_requests, rights_words
from lists.contacts import ContactChange
from lists.rights_mails import Notice
from lists.rights_requests import Request
from lists.rights_words import Right
from mailer.accounts import identity
from mailer.core import outbox
from mailer.core.addresses import Address, parse
from mailer.core.db import AccountTx
from mailer.core.errors import NotFound
from mailer.core.links import Links
from mailer.core.sealing import Sealer
from mailer.core.tokens import Purpose, Tokens
from mailer.web import i18n

LIVES = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Wish:
    """What a link says. `before`: the fingerprint of the address that is to be replaced."""

    account_id: int
    request_id: int
    expires_at: int
    before: bytes
    email: str

    def written(self) -> str:
        return f"{self.expires_at} {self.before.hex()} {self.email}"


def read(tokens: Tokens, token: str) -> Wish:
    """Raises NotFound for a damaged or foreign link."""
    account_id, request_id, text = tokens.read_noted(Purpose.RIGHTS_ADDRESS, token)
    expires_at, before, email = text.split(" ", 2)
    return Wish(account_id, request_id, int(expires_at), bytes.fromhex(before), email)


async def ask(tx: AccountTx, links: Links, request: Request, address: Address, *, now: datetime) -> None:
    """The mail to the new mailbox: whose it is, and nothing of what is stored."""
    before: bytes = await tx.value(
        "SELECT address_hash FROM contacts WHERE account_id = $1 AND id = $2", request.contact_id
    )
    until = now + LIVES
    wish = Wish(tx.account_id, request.id, int(until.timestamp()), before, address.email)
    account = await identity.of(tx)
    with i18n.speaking(request.language):
        details = {
            "sender": account.legal_name or account.account_name,
            "address": account.postal_address,
            "contact": account.contact_email,
            "reference": request.id,
            "until": i18n.moment(until, account.time_zone),
            "link": links.rights_address(tx.account_id, request.id, wish.written()),
        }
    await outbox.write(tx, "rights_address", address.email, language=request.language, details=details)


async def waiting(tx: AccountTx, sealer: Sealer, wish: Wish, *, now: datetime) -> Request | None:
    """The request that the link answers, done or not; None: its time is over, or the address is another."""
    try:
        request = await rights_requests.show(tx, sealer, wish.request_id)
    except NotFound:
        return None
    if request.state != "open":
        return request
    if now.timestamp() >= wish.expires_at or request.contact_id is None:
        return None
    still = await tx.value(
        "SELECT 1 FROM contacts WHERE account_id = $1 AND id = $2 AND address_hash = $3",
        request.contact_id,
        wish.before,
    )
    return request if still else None


async def confirm(
    tx: AccountTx, sealer: Sealer, wish: Wish, *, now: datetime, page_url: str
) -> Request | None:
    """The new mailbox confirms. Refusals of both addresses hold; consents stay the person's.

    None as `waiting`. Raises Conflict when another contact has it already: the request stays open, and the
    team may merge the two.
    """
    request = await waiting(tx, sealer, wish, now=now)
    if request is None or request.state != "open" or request.contact_id is None:
        return request
    await contacts.change(tx, sealer, request.contact_id, ContactChange(email=parse(wish.email).email))
    answer = rights_words.letter(Right.CORRECT, request.language)
    await rights_requests.finish(tx, request.id, refused=False, answer=answer, now=now, by_instruction=True)
    notice = Notice(request_id=request.id, kind=Right.CORRECT, due_on=request.due_on, public_url=page_url)
    await rights_mails.told(tx, notice, done=True)
    return await rights_requests.show(tx, sealer, request.id)
