"""Whose desk a request stands on: the account's, or the operator's while nobody there can answer (A-091).

    /app/{a}/privacy/requests/{id}                    a member of the account
    /app/operator/rights-requests/{account}/{id}      an operator with an open access, purpose legal (A-018)

The same pages and tools serve both; what an operator sees or does is a line of the account's journal.
"""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from aiohttp import web

from lists.pages_lists import home
from mailer.accounts import access, answering, audit, members
from mailer.accounts.access import Role
from mailer.accounts.members import Member
from mailer.core.actor import Actor
from mailer.core.db import AccountTx
from mailer.core.errors import Forbidden
from mailer.core.text import N_
from mailer.web.request import ID, client_ip, id_in_path, services

BASE = "/app/operator/rights-requests"
ITSELF = N_("The account answers its requests itself.")
NO_ACCESS = N_("This needs an open access to the account, for a legal requirement. Open the request first.")


def is_operators(request: web.Request) -> bool:
    return "account" in request.match_info


def account_place(request: web.Request) -> str:
    """Where the account's own pages stand."""
    return f"/app/{id_in_path(request, 'account')}" if is_operators(request) else home(request)


def index_place(request: web.Request) -> str:
    return BASE if is_operators(request) else f"{home(request)}/privacy/requests"


def place(request: web.Request) -> str:
    if is_operators(request):
        return f"{BASE}/{id_in_path(request, 'account')}/{id_in_path(request)}"
    return f"{home(request)}/privacy/requests/{id_in_path(request)}"


async def standing(request: web.Request) -> Member | None:
    """The open access of this operator to the account, where its purpose allows to see people."""
    who = access.need_operator(request)
    async with services(request).db.shared() as tx:
        found = await members.staff(tx, id_in_path(request, "account"), who.user_id)
    return found if found is not None and found.staff_purpose == "legal" else None


def desk_account_tx(request: web.Request, role: Role) -> AbstractAsyncContextManager[AccountTx]:
    """Raises NotFound, Forbidden."""
    if is_operators(request):
        return _operators_tx(request)
    return access.account_tx(request, role, even_closed=True)


@asynccontextmanager
async def _operators_tx(request: web.Request) -> AsyncIterator[AccountTx]:
    found = await standing(request)
    if found is None:
        raise Forbidden(NO_ACCESS)
    actor = Actor("operator", found.staff_id, client_ip(request), request[ID])
    async with services(request).db.account(found.account_id, actor=actor) as tx:
        if not await answering.by_operator(tx):
            raise Forbidden(ITSELF)
        if request.method in ("GET", "HEAD"):
            await audit.write(tx, "viewed", "rights_request", id_in_path(request))
        yield tx
