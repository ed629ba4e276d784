"""What scripts need: `mailer account create`, `approve` and `limits`, `api-key create`, `operator create`.

No password is ever made up or printed (B-08, B-12): a one-time link lets the person choose one.
"""

import argparse
import json
from collections.abc import Sequence

from mailer.accounts import (
    account_life,
    accounts,
    agreements,
    api_keys,
    audit,
    second_factors,
    sign_up,
    users,
)
from mailer.accounts.users import User
from mailer.core import (
    clock,
    outbox,
)
from mailer.core.actor import Actor
from mailer.core.db import AccountTx, SharedTx
from mailer.core.errors import Fault, Forbidden, Invalid, NotFound
from mailer.core.operator import Operator
from mailer.core.services import Services, open_services
from mailer.core.settings import Settings
from mailer.core.text import N_

_COMMAND_LINE = Actor("operator", name="command line")


async def run(settings: Settings, args: argparse.Namespace) -> int:
    """Returns the exit status; raises what the use cases raise."""
    async with open_services(settings, pool_size=2) as services:
        try:
            found = await _dispatch(services, args)
        except Invalid as error:
            raise Forbidden("; ".join(_told(fault) for fault in error.faults)) from error
        except NotFound as error:
            raise Forbidden(N_("There is no such account.")) from error
    if getattr(args, "json", False):
        print(json.dumps(found))
    else:
        for name, value in found.items():
            print(f"{name}: {value}")
    return 0


def _told(fault: Fault) -> str:
    return f"{fault.field}: {fault.message.format_map(dict(fault.params))}"


async def _dispatch(services: Services, args: argparse.Namespace) -> dict[str, object]:
    match (args.command, args.act):
        case ("account", "create"):
            return await create_account(
                services,
                args.name,
                email=args.email,
                language=args.language,
                accept_agreement=args.accept_agreement,
            )
        case ("account", "approve"):
            return await approve_account(services, args.account)
        case ("account", "suspend"):
            return await suspend_account(services, args.account, args.reason)
        case ("account", "resume"):
            return await resume_account(services, args.account)
        case ("account", "limits"):
            limits = await limit_account(
                services, args.account, per_day=_limit(args.per_day), per_month=_limit(args.per_month)
            )
            if args.images_mb is not None:
                limits |= await limit_images(services, args.account, _limit(args.images_mb))
            return limits
        case ("api-key", "create"):
            return await create_key(services, args.account, name=args.name, scopes=_scopes(args))
        case ("operator", "reset-second-factor"):
            return await reset_second_factor(services, args.email)
        case ("operator", "require-new-password"):
            return await require_new_password(services, args.email)
        case _:
            return await create_operator(services, args.email)


async def _person(tx: SharedTx, email: str, language: str) -> int:
    """The person with this address, made when there is none. Whoever runs the command vouches for it."""
    who = users.address(email)
    known = await users.by_address(tx, who.key)
    if known is not None:
        await users.vouch(tx, known.id)
        return known.id
    return await users.create(tx, who, language=language, confirmed=True)


async def create_account(
    services: Services, name: str, *, email: str, language: str = "fr", accept_agreement: bool = False
) -> dict[str, object]:
    """An account, its owner, and a one-time link that is mailed to them too. Raises Invalid."""
    name = name.strip()
    if not 1 <= len(name) <= 120:
        raise Invalid(Fault("name", N_("A name has 1 to 120 characters.")))
    public_url = services.settings.public_url
    async with services.db.shared() as tx:
        user_id = await _person(tx, email, language)
        account_id = await accounts.create(tx, name, owner_id=user_id, language=language)
        link = await sign_up.sign_in_link(tx, user_id, public_url=public_url)
        user = await users.by_id(tx, user_id)
        await outbox.write(
            tx, "sign_in", user.email, language=user.language, details={"link": link, "name": user.first_name}
        )
    async with services.db.account(account_id, actor=_COMMAND_LINE) as account_tx:
        await audit.write(account_tx, "created", "account", account_id)
        if accept_agreement:
            await _accept(account_tx, user.email, user_id, services.settings.operator)
    return {"id": account_id, "owner_id": user_id, "link": link}


async def _accept(tx: AccountTx, person: str, user_id: int, operator: Operator) -> None:
    """The agreement in force and the controller's responsibilities: whoever runs the command says so."""
    [version, *_] = await agreements.offered(tx, operator)
    await agreements.accept(tx, version.version, person=person, user_id=user_id, operator=operator)
    await agreements.acknowledge(
        tx, agreements.RESPONSIBILITIES, person=person, user_id=user_id, operator=operator
    )


async def approve_account(services: Services, account_id: int) -> dict[str, object]:
    """Raises NotFound when no account of this number waits."""
    async with services.db.shared() as tx:
        if not await accounts.approve(tx, account_id):
            raise NotFound
    async with services.db.account(account_id, actor=_COMMAND_LINE) as account_tx:
        await audit.write(account_tx, "approved", "account", account_id)
    return {"id": account_id, "status": "active"}


async def suspend_account(services: Services, account_id: int, reason: str) -> dict[str, object]:
    """The team is told, with the reason. Raises NotFound, Invalid."""
    async with services.db.account(account_id, actor=_COMMAND_LINE) as tx:
        await accounts.show(tx)
        account = await account_life.suspend(
            tx, "operator", reason, now=clock.now(), public_url=services.settings.public_url
        )
    return {"id": account.id, "status": account.status}


async def resume_account(services: Services, account_id: int) -> dict[str, object]:
    """Whoever suspended it; its campaigns stay paused. Raises NotFound, Invalid."""
    async with services.db.account(account_id, actor=_COMMAND_LINE) as tx:
        await accounts.show(tx)
        account = await account_life.lift(tx, "operator")
    return {"id": account.id, "status": account.status}


def _limit(text: str) -> int | None:
    return None if text == "none" else int(text)


async def limit_account(
    services: Services, account_id: int, *, per_day: int | None, per_month: int | None
) -> dict[str, object]:
    """Mails a day and a month; None: no limit. Raises NotFound, Invalid."""
    async with services.db.account(account_id, actor=_COMMAND_LINE) as tx:
        await accounts.show(tx)
        account = await accounts.limit(tx, per_day=per_day, per_month=per_month)
    return {"id": account.id, "per_day": account.per_day, "per_month": account.per_month}


async def limit_images(services: Services, account_id: int, megabytes: int | None) -> dict[str, object]:
    """Of images, with their thumbnails, that it keeps; None: no limit. Raises NotFound, Invalid."""
    async with services.db.account(account_id, actor=_COMMAND_LINE) as tx:
        await accounts.show(tx)
        await accounts.limit_images(tx, None if megabytes is None else megabytes * 1_000_000)
    return {"id": account_id, "images_mb": megabytes}


def _scopes(args: argparse.Namespace) -> Sequence[str]:
    return api_keys.SCOPES if args.all_scopes else args.scope


async def create_key(
    services: Services, account_id: int, *, name: str, scopes: Sequence[str]
) -> dict[str, object]:
    """The key is shown this once. Raises NotFound, Invalid."""
    async with services.db.account(account_id, actor=_COMMAND_LINE) as tx:
        await accounts.show(tx)
        key_id, key = await api_keys.create(tx.shared(), account_id, name, scopes=scopes)
        await audit.write(tx, "created", "api_key", key_id)
    return {"id": key_id, "key": key, "account": account_id}


async def create_operator(services: Services, email: str) -> dict[str, object]:
    """A person who operates the service, and a one-time link (S18). Raises Invalid."""
    async with services.db.shared() as tx:
        user_id = await _person(tx, email, "fr")
        await users.make_operator(tx, user_id)
        link = await sign_up.sign_in_link(tx, user_id, public_url=services.settings.public_url)
    return {"id": user_id, "link": link}


async def reset_second_factor(services: Services, email: str) -> dict[str, object]:
    """Turned off, sessions ended, told by mail; a line in the journal of each of their accounts.

    Raises Invalid at `email`.
    """
    async with services.db.shared() as tx:
        user = await _known(tx, email)
        if not await second_factors.reset(tx, user.id):
            raise Invalid(Fault("email", N_("This person has no double authentication.")))
        places = await accounts.of_person(tx, user.id)
        for place in places:
            await audit.write(await _entered(tx, place.id), "reset", "second_factor", user.id)
    return {"id": user.id, "accounts": len(places)}


async def require_new_password(services: Services, email: str) -> dict[str, object]:
    """Void at once, sessions ended, told by mail; a line in the journal of each of their accounts (B-14).

    Raises Invalid at `email`.
    """
    async with services.db.shared() as tx:
        user = await _known(tx, email)
        await users.void_password(tx, user.id, "operator")
        places = await accounts.of_person(tx, user.id)
        for place in places:
            await audit.write(await _entered(tx, place.id), "voided", "password", user.id)
    return {"id": user.id, "accounts": len(places)}


async def _known(tx: SharedTx, email: str) -> User:
    user = await users.by_address(tx, users.address(email).key)
    if user is None:
        raise Invalid(Fault("email", N_("Nobody signs in with this address.")))
    return user


async def _entered(tx: SharedTx, account_id: int) -> AccountTx:
    """For the journal of an account."""
    account_tx = await tx.enter(account_id)
    account_tx.actor = _COMMAND_LINE
    return account_tx
