"""`mailer hold place | lift | list | open`: what a law asks to keep, by who operates the service (A-005)."""

import argparse
import dataclasses
from datetime import date

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


def add_to(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    acts = commands.add_parser("hold", help="legal holds").add_subparsers(dest="act", required=True)
    place = acts.add_parser("place", help="keep a contact, or a whole account, until a day")
    place.add_argument("--contact", type=int, help="left out: the whole account")
    place.add_argument("--article", required=True, help="of law")
    place.add_argument("--reason", required=True)
    place.add_argument("--until", required=True, type=date.fromisoformat, metavar="YYYY-MM-DD")
    lift = acts.add_parser("lift", help="end one before its day")
    lift.add_argument("--hold", type=int, required=True)
    listed = acts.add_parser("list", help="of an account; without one: what is left of erased accounts")
    for parser, needed in ((place, True), (lift, True), (listed, False)):
        parser.add_argument("--account", type=int, required=needed)
    opened = acts.add_parser("open", help="the data of a person whose account is erased, as JSON")
    opened.add_argument("--held", type=int, required=True, help="a number that `hold list` gives")


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
