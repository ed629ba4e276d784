"""From nothing to an account, and back in after a lost password. No answer tells whether an address is known.

address ──▶ user, unconfirmed ──▶ mail ──▶ link (GET shows, POST does) ──▶ password, account, session

Whoever types an address chooses nothing for it: password, country and wishes come with the link, from its
owner. A password chosen before would be a stranger's, waiting for the owner to confirm.
"""

from dataclasses import dataclass
from typing import Literal

from mailer.accounts import accounts, one_time_links, users
from mailer.accounts.users import User
from mailer.core import addresses, outbox
from mailer.core.addresses import Address
from mailer.core.db import SharedTx

Mode = Literal["open", "approval", "closed"]


@dataclass(frozen=True, slots=True, kw_only=True)
class NewPerson:
    """What the owner of the address gave, checked. `news`: the unticked box was ticked (A-010)."""

    password_hash: str
    country: str
    language: str
    news: bool


async def ask(tx: SharedTx, who: Address, *, language: str, public_url: str, ip: str | None) -> None:
    """Writes one mail in every case (B-10): a link to go on, or word that the address is known.

    `ip`: where it was asked, for the owner of the address to judge.
    """
    known = await users.by_address(tx, who.key)
    if known is not None and known.email_confirmed_at is not None:
        await outbox.write(
            tx,
            "already_registered",
            known.email,
            language=known.language,
            details={"name": known.first_name, "link": f"{public_url}/app/sign-in", "ip": ip or ""},
        )
        return
    user_id = known.id if known is not None else await users.create(tx, who, language=language)
    await _send_confirmation(tx, user_id, who, language=language, public_url=public_url, ip=ip)


async def _send_confirmation(
    tx: SharedTx, user_id: int, who: Address, *, language: str, public_url: str, ip: str | None
) -> None:
    token = await one_time_links.create(tx, user_id, "confirm_email")
    details = {"link": f"{public_url}/app/confirm/{token}", "name": "", "ip": ip or ""}
    await outbox.write(tx, "confirm_email", who.email, language=language, details=details)


def _first_name_of(address_key: str, language: str) -> str:
    """The organisation's domain; a mailbox provider's says nothing about its customer."""
    domain = addresses.domain_of(address_key)
    if addresses.is_free_mail(domain):
        return "Mon compte" if language == "fr" else "My account"
    return domain[:120]


async def confirm(tx: SharedTx, token: str, new: NewPerson, *, mode: Mode) -> User:
    """The address is theirs, and so is what they choose with it; the account is made. Raises Gone."""
    link = await one_time_links.use(tx, "confirm_email", token)
    user = await users.by_id(tx, link.user_id)
    if user.email_confirmed_at is None:
        await users.join(tx, user.id, country=new.country, language=new.language)
        await users.change_preferences(tx, user.id, users.Preferences(news=new.news))
        if not await accounts.of_person(tx, user.id):
            name = _first_name_of(user.address_key, new.language)
            status = "pending" if mode == "approval" else "active"
            await accounts.create(tx, name, owner_id=user.id, language=new.language, status=status)
    await users.set_password(tx, user, new.password_hash)
    return await users.by_id(tx, user.id)


async def ask_reset(tx: SharedTx, who: Address, *, public_url: str, ip: str | None) -> None:
    """A link, when the address is known; no trace for the asker otherwise (B-11).

    Who never confirmed has no password yet: they get the link of sign-up again.
    """
    user = await users.by_address(tx, who.key)
    if user is None or user.disabled:
        return
    if user.email_confirmed_at is None:
        await _send_confirmation(tx, user.id, who, language=user.language, public_url=public_url, ip=ip)
        return
    token = await one_time_links.create(tx, user.id, "reset_password")
    await outbox.write(
        tx,
        "reset_password",
        user.email,
        language=user.language,
        details={"link": f"{public_url}/app/reset/{token}", "name": user.first_name},
    )


async def reset(tx: SharedTx, token: str, password_hash: str) -> User:
    """Every session ends. Raises Gone."""
    link = await one_time_links.use(tx, "reset_password", token)
    user = await users.by_id(tx, link.user_id)
    await users.set_password(tx, user, password_hash)
    return await users.by_id(tx, user.id)


async def sign_in_link(tx: SharedTx, user_id: int, *, public_url: str) -> str:
    """A whole address, to be printed or mailed; works once, for an hour."""
    token = await one_time_links.create(tx, user_id, "sign_in")
    return f"{public_url}/app/sign-in-link/{token}"
