"""`mailer hold place | lift | list | open`: what a law asks to keep, by who operates the service (A-005)."""

import argparse
import dataclasses

import orjson

from lists import legal_holds
from lists.legal_holds import NewHold
from mailer.accounts import accounts
from mailer.core import clock
from mailer.core.actor import Actor
from mailer.core.errors import Forbidden, Invalid, NotFound
from mailer.core.services import Services, open_services
from mailer.core.settings import Settings
from mailer.core.text import N_
from mailer.web import response
from retention_jobs import held_people

_COMMAND_LINE = Actor("operator", name="command line")


async def run(settings: Settings, args: argparse.Namespace) -> int:
    """Prints JSON. Raises Forbidden with what is wrong, NotFound."""
    async with open_services(settings, pool_size=2) as services:
        try:
            found = await _dispatch(services, args)
        except Invalid as error:
            raise Forbidden("; ".join(f"{one.field}: {one.message}" for one in error.faults)) from error
        except NotFound as error:
            raise Forbidden(N_("There is no such account, or no such hold.")) from error
    print(orjson.dumps(response.jsonable(found), option=orjson.OPT_INDENT_2).decode())
    return 0


async def _dispatch(services: Services, args: argparse.Namespace) -> object:
    if args.act == "open":
        async with services.db.shared() as shared:
            return await held_people.data(shared, args.held)
    if args.account is None:
        async with services.db.shared() as shared:
            return [dataclasses.asdict(one) for one in await held_people.many(shared)]
    async with services.db.account(args.account, actor=_COMMAND_LINE) as tx:
        await accounts.show(tx)
        if args.act == "place":
            new = NewHold(
                contact_id=args.contact, article=args.article, reason=args.reason, ends_on=args.until
            )
            hold_id = await legal_holds.place(tx, new, by=_COMMAND_LINE.name, now=clock.now())
            return {"id": hold_id}
        if args.act == "lift":
            await legal_holds.lift(tx, args.hold, now=clock.now())
        return [dataclasses.asdict(one) for one in await legal_holds.many(tx)]
