"""From nothing to an account, and back in after a lost password. No answer tells whether an address is known.

form ──▶ user without confirmed address ──▶ mail ──▶ link (GET shows, POST does) ──▶ account, session
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
    """What the form gave, checked. `news`: the unticked box was ticked (A-010)."""

    address: Address
    password_hash: str
    country: str
    language: str
    news: bool


async def ask(tx: SharedTx, new: NewPerson, *, public_url: str) -> None:
    """Writes one mail in every case (B-10): a link to confirm, or word that the address is known."""
    known = await users.by_address(tx, new.address.key)
    if known is not None and known.email_confirmed_at is not None:
        await outbox.write(
            tx,
            "already_registered",
            known.email,
            language=known.language,
            details={"name": known.first_name, "link": f"{public_url}/app/sign-in"},
        )
        return
    if known is None:
        user_id = await users.create(tx, new.address, language=new.language, country=new.country)
    else:
        user_id = known.id
    # the latest form counts, but for its password: two people may have filled one in each, and the address is
    # only the one's. Whoever opens the mail chooses another.
    await tx.run(
        """
        UPDATE users
        SET password_hash = $2, must_change_password = $2::text IS NULL, country = $3, language = $4,
            adult_business_at = now()
        WHERE id = $1
        """,
        user_id,
        new.password_hash if known is None else None,
        new.country,
        new.language,
    )
    await users.change_preferences(tx, user_id, users.Preferences(news=new.news))
    await send_confirmation(tx, await users.by_id(tx, user_id), public_url=public_url)


async def send_confirmation(tx: SharedTx, user: User, *, public_url: str) -> None:
    token = await one_time_links.create(tx, user.id, "confirm_email")
    await outbox.write(
        tx,
        "confirm_email",
        user.email,
        language=user.language,
        details={"link": f"{public_url}/app/confirm/{token}", "name": user.first_name},
    )


def _first_name_of(address_key: str, language: str) -> str:
    """The organisation's domain; a mailbox provider's says nothing about its customer."""
    domain = addresses.domain_of(address_key)
    if addresses.is_free_mail(domain):
        return "Mon compte" if language == "fr" else "My account"
    return domain[:120]


async def confirm(tx: SharedTx, token: str, *, mode: Mode) -> int:
    """The address is theirs; the account is made. Returns the user's id. Raises Gone."""
    link = await one_time_links.use(tx, "confirm_email", token)
    await _settle(tx, await users.by_id(tx, link.user_id), mode)
    return link.user_id


async def _settle(tx: SharedTx, user: User, mode: Mode) -> None:
    """The first proof of the address brings the account; a later one changes nothing."""
    if user.email_confirmed_at is not None:
        return
    await users.confirm_address(tx, user.id)
    if not await accounts.of_person(tx, user.id):
        name = _first_name_of(user.address_key, user.language)
        status = "pending" if mode == "approval" else "active"
        await accounts.create(tx, name, owner_id=user.id, language=user.language, status=status)


async def ask_reset(tx: SharedTx, who: Address, *, public_url: str) -> None:
    """A link, when the address is known; no trace for the asker otherwise (B-11)."""
    user = await users.by_address(tx, who.key)
    if user is None or user.disabled:
        return
    token = await one_time_links.create(tx, user.id, "reset_password")
    await outbox.write(
        tx,
        "reset_password",
        user.email,
        language=user.language,
        details={"link": f"{public_url}/app/reset/{token}", "name": user.first_name},
    )


async def reset(tx: SharedTx, token: str, password_hash: str, *, mode: Mode) -> User:
    """Every session ends; the link also proves the address. Raises Gone."""
    link = await one_time_links.use(tx, "reset_password", token)
    user = await users.by_id(tx, link.user_id)
    await _settle(tx, user, mode)
    await users.set_password(tx, user, password_hash)
    return user


async def sign_in_link(tx: SharedTx, user_id: int, *, public_url: str) -> str:
    """A whole address, to be printed or mailed; works once, for an hour."""
    token = await one_time_links.create(tx, user_id, "sign_in")
    return f"{public_url}/app/sign-in-link/{token}"
