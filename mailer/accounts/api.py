"""JSON for programs of this room: the account itself and its agreement (S19)."""

from dataclasses import dataclass
from datetime import datetime

from aiohttp import web
from pydantic import Field

from mailer.accounts import access, accounts, agreements
from mailer.accounts.accounts import Account, AccountChanges
from mailer.core.db import AccountTx
from mailer.web.openapi import operation
from mailer.web.request import Input, read, services
from mailer.web.response import json


class NewAcceptance(Input):
    """`person`: who accepts, by name. `version`: the one that was read."""

    version: str = Field(min_length=1, max_length=20)
    person: str = Field(min_length=1, max_length=200)


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountShown:
    """`status`: active, pending, suspended (`status_reason`: why), closed (`erase_at`: when everything goes).

    `awaits`: whose word a pending account waits for, `operator` or `owner`; null otherwise. `identified`:
    recipients can be told who writes. `agreement_version`: the one accepted, when it counts now, or null.
    `responsibilities_version`: the one acknowledged, or null.

    `per_day`, `per_month`: mails the operator allows, or null.
    """

    id: int
    name: str
    status: str
    status_reason: str
    awaits: str | None
    language: str
    time_zone: str
    legal_name: str
    postal_address: str
    country: str
    contact_email: str
    website: str
    registration: str
    keep_sources: bool
    per_day: int | None
    per_month: int | None
    identified: bool
    agreement_version: str | None
    responsibilities_version: str | None
    created_at: datetime
    closed_at: datetime | None
    erase_at: datetime | None


async def _shown(tx: AccountTx, account: Account) -> AccountShown:
    acceptance, duties = await agreements.latest(tx), await agreements.acknowledged(tx)
    return AccountShown(
        id=account.id,
        name=account.name,
        status=account.status,
        status_reason=account.status_reason,
        awaits=account.awaits if account.status == "pending" else None,
        language=account.language,
        time_zone=account.time_zone,
        legal_name=account.legal_name,
        postal_address=account.postal_address,
        country=account.country,
        contact_email=account.contact_email,
        website=account.website,
        registration=account.registration,
        keep_sources=account.keep_sources,
        per_day=account.per_day,
        per_month=account.per_month,
        identified=account.identified,
        agreement_version=acceptance.version if acceptance else None,
        responsibilities_version=duties.version if duties else None,
        created_at=account.created_at,
        closed_at=account.closed_at,
        erase_at=account.erase_at,
    )


@operation("The account of this key", returns=AccountShown, scope="account:read")
async def show(request: web.Request) -> web.StreamResponse:
    async with access.api_tx(request) as tx:
        return json(await _shown(tx, await accounts.show(tx)))


@operation(
    "Change the account; what is left out stays",
    body=AccountChanges,
    returns=AccountShown,
    scope="account:write",
)
async def change(request: web.Request) -> web.StreamResponse:
    changes = await read(request, AccountChanges)
    async with access.api_tx(request) as tx:
        return json(await _shown(tx, await accounts.change(tx, changes)))


class NewAcknowledgement(Input):
    """`person`: who takes them on, by name. `version`: of the responsibilities that were read."""

    version: str = Field(min_length=1, max_length=20)
    person: str = Field(min_length=1, max_length=200)


@operation(
    "Accept the data processing agreement",
    body=NewAcceptance,
    returns=agreements.Acceptance,
    status=201,
    scope="account:write",
)
async def accept(request: web.Request) -> web.StreamResponse:
    new = await read(request, NewAcceptance)
    async with access.api_tx(request) as tx:
        made = await agreements.accept(
            tx,
            new.version,
            person=new.person,
            user_id=None,
            operator=services(request).settings.operator,
        )
    return json(made, status=201)


@operation(
    "Acknowledge the controller's responsibilities, before the first send",
    body=NewAcknowledgement,
    returns=agreements.Acceptance,
    status=201,
    scope="account:write",
)
async def acknowledge(request: web.Request) -> web.StreamResponse:
    new = await read(request, NewAcknowledgement)
    async with access.api_tx(request) as tx:
        made = await agreements.acknowledge(
            tx,
            new.version,
            person=new.person,
            user_id=None,
            operator=services(request).settings.operator,
        )
    return json(made, status=201)


ROUTES: list[web.RouteDef] = [
    web.get("/account", show),
    web.patch("/account", change),
    web.post("/agreements/acceptances", accept),
    web.post("/agreements/acknowledgements", acknowledge),
]
