"""People who sign in, with the fields of A-041 and no others."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from pydantic import Field

from mailer.accounts import one_time_links, sessions, sign_in_steps, vat_numbers
from mailer.core import addresses, clock, outbox
from mailer.core.addresses import Address, AddressError
from mailer.core.db import SharedTx
from mailer.core.errors import Fault, Invalid, SignInNeeded, conflict, fault
from mailer.core.text import N_
from mailer.web.request import Input

# of the sentences beside the two boxes; raise it when their words change
WORDING = "2026-11"


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """A person. `password_hash` None: no password was chosen yet, or it was made void."""

    id: int
    email: str
    address_key: str
    password_hash: str | None
    void_password_hash: str | None
    must_change_password: bool
    title: str
    first_name: str
    last_name: str
    country: str
    vat_number: str
    postal_address: str
    telephone: str
    domain_name: str
    language: str
    theme: str
    is_operator: bool
    disabled: bool
    email_confirmed_at: datetime | None
    news_wanted_at: datetime | None
    partners_wanted_at: datetime | None
    news_wording: str
    partners_wording: str
    adult_business_at: datetime | None
    created_at: datetime


class Profile(Input):
    """What a person may change about themselves without another step."""

    title: str = Field("", max_length=60)
    first_name: str = Field("", max_length=100)
    last_name: str = Field("", max_length=100)
    country: str = Field(pattern=r"^[A-Z]{2}$")
    vat_number: str = Field("", max_length=20)
    postal_address: str = Field("", max_length=500)
    telephone: str = Field("", max_length=40)
    domain_name: str = Field("", max_length=253)
    language: Literal["fr", "en"] = "fr"
    theme: Literal["auto", "light", "dark"] = "auto"


class Preferences(Input):
    """A-044: two wishes, each asked apart, neither ticked before."""

    news: bool = False
    partners: bool = False


def address(text: str, field: str = "email") -> Address:
    """The typed address; raises Invalid at `field`."""
    try:
        return addresses.parse(text)
    except AddressError as error:
        raise Invalid(Fault(field, error.message, error.code, error.params)) from error


async def by_id(tx: SharedTx, user_id: int) -> User:
    """Raises NotFound."""
    return await tx.one(
        User,
        """
        SELECT id, email, address_key, password_hash, void_password_hash, must_change_password, title,
               first_name, last_name, country, vat_number, postal_address, telephone, domain_name, language,
               theme, is_operator, disabled, email_confirmed_at, news_wanted_at, partners_wanted_at,
               news_wording, partners_wording, adult_business_at, created_at
        FROM users
        WHERE id = $1
        """,
        user_id,
    )


async def by_address(tx: SharedTx, address_key: str) -> User | None:
    return await tx.first(
        User,
        """
        SELECT id, email, address_key, password_hash, void_password_hash, must_change_password, title,
               first_name, last_name, country, vat_number, postal_address, telephone, domain_name, language,
               theme, is_operator, disabled, email_confirmed_at, news_wanted_at, partners_wanted_at,
               news_wording, partners_wording, adult_business_at, created_at
        FROM users
        WHERE address_key = $1
        """,
        address_key,
    )


async def create(
    tx: SharedTx, who: Address, *, language: str, country: str = "FR", confirmed: bool = False
) -> int:
    """A person without a password. Raises Conflict at `email` when there is one already."""
    with conflict("users_address_key", "email", N_("Somebody already signs in with this address.")):
        user_id: int = await tx.value(
            """
            INSERT INTO users (email, address_key, language, country, email_confirmed_at)
            VALUES ($1, $2, $3, $4, CASE WHEN $5 THEN now() END)
            RETURNING id
            """,
            who.email,
            who.key,
            language,
            country,
            confirmed,
        )
    return user_id


async def make_operator(tx: SharedTx, user_id: int) -> None:
    """Sessions end: a right was given, so a new sign-in is due (E-30).

    A password chosen before is replaced then: nobody knows whether it is strong enough (B-05).
    """
    await tx.run(
        """
        UPDATE users
        SET is_operator = true,
            must_change_password = must_change_password OR (NOT is_operator AND password_hash IS NOT NULL)
        WHERE id = $1
        """,
        user_id,
    )
    await sessions.end_all(tx, user_id)


async def join(tx: SharedTx, user_id: int, *, country: str, language: str) -> None:
    """The owner of the address used its link and said that they are an adult and a professional (A-041)."""
    await tx.run(
        """
        UPDATE users
        SET email_confirmed_at = now(), adult_business_at = now(), country = $2, language = $3
        WHERE id = $1
        """,
        user_id,
        country,
        language,
    )


async def vouch(tx: SharedTx, user_id: int) -> None:
    """The operator says that the address is theirs."""
    await tx.run(
        "UPDATE users SET email_confirmed_at = coalesce(email_confirmed_at, now()) WHERE id = $1", user_id
    )


async def change_profile(tx: SharedTx, user_id: int, new: Profile) -> None:
    """Raises Invalid at `vat_number`, `country`."""
    vat_number = vat_numbers.normal(new.vat_number)
    if vat_number and not vat_numbers.well_formed(vat_number):
        raise fault(
            "vat_number",
            N_("“{number}” is not a VAT number of the EU. Write it with its country, like FR40303265045."),
            number=new.vat_number,
        )
    await tx.run(
        """
        UPDATE users
        SET title = $2, first_name = $3, last_name = $4, country = $5, vat_number = $6, postal_address = $7,
            telephone = $8, domain_name = $9, language = $10, theme = $11
        WHERE id = $1
        """,
        user_id,
        new.title,
        new.first_name,
        new.last_name,
        new.country,
        vat_number,
        new.postal_address,
        new.telephone,
        new.domain_name,
        new.language,
        new.theme,
    )


async def change_preferences(tx: SharedTx, user_id: int, wishes: Preferences) -> None:
    """Each wish with the moment it was said; taking one back leaves the other (A-044)."""
    await tx.run(
        """
        UPDATE users
        SET news_wording = CASE WHEN NOT $2 THEN '' WHEN news_wanted_at IS NULL THEN $4 ELSE news_wording END,
            partners_wording =
                CASE WHEN NOT $3 THEN '' WHEN partners_wanted_at IS NULL THEN $4 ELSE partners_wording END,
            news_wanted_at = CASE WHEN $2 THEN coalesce(news_wanted_at, now()) END,
            partners_wanted_at = CASE WHEN $3 THEN coalesce(partners_wanted_at, now()) END
        WHERE id = $1
        """,
        user_id,
        wishes.news,
        wishes.partners,
        WORDING,
    )


async def set_password(
    tx: SharedTx, user: User, password_hash: str, *, keep_session: int | None = None
) -> None:
    """Every other session and every open link ends; the person is told by mail (B-11, B-14)."""
    await tx.run(
        """
        UPDATE users SET password_hash = $2, void_password_hash = NULL, must_change_password = false
        WHERE id = $1
        """,
        user.id,
        password_hash,
    )
    await sessions.end_all(tx, user.id, but=keep_session)
    await sign_in_steps.end_all(tx, user.id)
    await one_time_links.end_all(tx, user.id)
    if user.password_hash is not None or user.void_password_hash is not None:
        await outbox.write(
            tx, "password_changed", user.email, language=user.language, details={"name": user.first_name}
        )


async def void_password(
    tx: SharedTx, user_id: int, by: Literal["owner", "operator"], *, account: str = ""
) -> None:
    """Somebody else may know it: it lets nobody in any more, and who is in is out; the person is told (B-14).

    Whoever signs in, or changes something with the old password, waits for the row and is refused; what was
    begun before is waited for, and ends here. Links come first, in the order of a reset, and last, for those
    that were made meanwhile.
    """
    await one_time_links.end_all(tx, user_id)
    await tx.run(
        """
        UPDATE users
        SET void_password_hash = coalesce(password_hash, void_password_hash), password_hash = NULL,
            must_change_password = true
        WHERE id = $1
        """,
        user_id,
    )
    await sign_in_steps.end_all(tx, user_id)
    await sessions.end_all(tx, user_id)
    await one_time_links.end_all(tx, user_id)
    user = await by_id(tx, user_id)
    details = {"name": user.first_name, "by": by, "account": account}
    await outbox.write(tx, "password_void", user.email, language=user.language, details=details)


async def is_as_known(tx: SharedTx, user: User) -> bool:
    """False when the password was changed, or made void, since `user` was read. Until the end nobody does."""
    found = await tx.value(
        "SELECT id FROM users WHERE id = $1 AND password_hash IS NOT DISTINCT FROM $2 FOR SHARE",
        user.id,
        user.password_hash,
    )
    return found is not None


async def in_session(tx: SharedTx, user_id: int, session_id: int) -> User:
    """For what a stolen session would be used for. Raises SignInNeeded when it was ended meanwhile.

    Until the end nobody changes this person, or ends their sessions with a password.
    """
    await tx.value("SELECT id FROM users WHERE id = $1 FOR NO KEY UPDATE", user_id)
    if not await sessions.exists(tx, user_id, session_id):
        raise SignInNeeded
    return await by_id(tx, user_id)


async def want_new_password(tx: SharedTx, user_id: int) -> None:
    """This person sees the page of a new password and no other before they chose one (B-05, B-08)."""
    await tx.run("UPDATE users SET must_change_password = true WHERE id = $1", user_id)


async def tell_new_device(tx: SharedTx, user: User, *, program: str, place: str) -> None:
    """Somebody signed in where this person never had: they know whether it was they (B-14)."""
    await outbox.write(
        tx,
        "new_device",
        user.email,
        language=user.language,
        details={
            "name": user.first_name,
            "program": program,
            "place": place,
            "day": clock.now().date().isoformat(),
            "time": f"{clock.now():%H:%M}",
        },
    )


async def renew_hash(tx: SharedTx, user_id: int, old: str, new: str) -> None:
    """The same password, hashed with today's parameters (E-36)."""
    await tx.run(
        "UPDATE users SET password_hash = $3 WHERE id = $1 AND password_hash = $2", user_id, old, new
    )


async def ask_new_address(tx: SharedTx, user: User, text: str, *, public_url: str) -> Address:
    """A link to the new address; nothing changes before it is used. Raises Invalid at `email`.

    An address that somebody else signs in with gets no link, and the answer is the same (B-10).
    """
    new = address(text)
    if new.key == user.address_key:
        raise fault("email", N_("This is the address you already use."))
    taken = await by_address(tx, new.key)
    if taken is None:
        token = await one_time_links.create(
            tx, user.id, "change_email", details={"email": new.email, "key": new.key}
        )
        await outbox.write(
            tx,
            "change_email",
            new.email,
            language=user.language,
            details={"link": f"{public_url}/app/confirm-address/{token}", "name": user.first_name},
        )
    return new


async def take_new_address(tx: SharedTx, token: str) -> None:
    """The link was used at the new address: the change happens and the old address is told. Raises Gone."""
    link = await one_time_links.use(tx, "change_email", token)
    user = await by_id(tx, link.user_id)
    with conflict("users_address_key", "email", N_("Somebody already signs in with this address.")):
        await tx.run(
            "UPDATE users SET email = $2, address_key = $3, email_confirmed_at = now() WHERE id = $1",
            user.id,
            link.details["email"],
            link.details["key"],
        )
    await one_time_links.end_all(tx, user.id)
    await sessions.end_all(tx, user.id)
    await outbox.write(
        tx,
        "email_changed",
        user.email,
        language=user.language,
        details={"name": user.first_name, "new_address": addresses.mask(link.details["email"])},
    )
