"""Pages of unrecognised replies: an account's, beside its senders, and those to the operator (ui 2.5)."""

from aiohttp import web
from pydantic import Field

from mailer.accounts import access
from mailer.accounts.access import Role
from mailer.core import paging
from mailer.core.errors import NotFound
from mailer.core.text import N_
from mailer.web import response
from mailer.web.request import Input, id_in_path, query, services
from sending import inbound_strays, inbound_text, inbound_tray

OPERATORS = "/app/operator/mail"
HANDLED = N_("Marked as handled. The message goes with its six days.")
GONE = N_("Done. The message is deleted.")


class TrayFilter(Input):
    state: str = Field(default="open", pattern="^(open|handled)$")
    cursor: str = ""


def _place(request: web.Request) -> str:
    return f"/app/{access.member(request).account_id}/senders/replies"


def _before(cursor: str) -> int | None:
    key = paging.decode(cursor, (int,))
    return int(str(key[0])) if key else None


async def index(request: web.Request) -> web.Response:
    asked = query(request, TrayFilter)
    async with access.account_tx(request) as tx:
        found = await inbound_tray.many(
            tx, services(request), asked.state, before=_before(asked.cursor), limit=inbound_tray.PAGE
        )
    page = paging.page(found, inbound_tray.PAGE, key=lambda one: (one.row.id,))
    lines = [(one, inbound_text.shown(one.envelope.raw) if one.envelope else None) for one in page.items]
    context = {
        "place": _place(request),
        "lines": lines,
        "asked": asked,
        "next_cursor": page.next_cursor,
        "listens": bool(services(request).settings.inbound_listen),
    }
    return response.page(request, "sending/tray/index.html", context)


async def show(request: web.Request) -> web.Response:
    async with access.account_tx(request) as tx:
        mail = await inbound_tray.show(tx, services(request), id_in_path(request))
        token = inbound_tray.about(services(request), mail)
        known = token is not None and await tx.value(
            "SELECT EXISTS (SELECT FROM contacts WHERE account_id = $1 AND id = $2)", token.ref_id
        )
    context = {
        "place": _place(request),
        "mail": mail,
        "shown": inbound_text.shown(mail.envelope.raw) if mail.envelope else None,
        "contact_id": token.ref_id if token and known else None,
        "campaign_id": token.campaign_id if token else None,
        "editor": access.member(request).role >= Role.EDITOR,
    }
    return response.page(request, "sending/tray/show.html", context)


async def handle(request: web.Request) -> web.Response:
    async with access.account_tx(request, Role.EDITOR, even_closed=True) as tx:
        await inbound_tray.handle(tx, id_in_path(request))
    await access.flash(request, HANDLED)
    return response.redirect(_place(request))


# ---------------------------------------------------------------- the operator's


def _guard(request: web.Request) -> None:
    """Raises NotFound for everybody but operators."""
    if not access.person(request).is_operator:
        raise NotFound


async def operator_index(request: web.Request) -> web.Response:
    _guard(request)
    before = _before(query(request, TrayFilter).cursor)
    async with services(request).db.shared() as tx:
        found = await inbound_strays.many(tx, before=before, limit=inbound_tray.PAGE + 1)
    page = paging.page(found, inbound_tray.PAGE, key=lambda one: (one.id,))
    opened = [(one, inbound_strays.opened(services(request), one)) for one in page.items]
    context = {
        "place": OPERATORS,
        "lines": [(one, inbound_text.shown(mail.raw) if mail else None) for one, mail in opened],
        "more": page.next_cursor,
        "first": not before,
    }
    return response.page(request, "sending/operator/mail.html", context)


async def operator_show(request: web.Request) -> web.Response:
    _guard(request)
    async with services(request).db.shared() as tx:
        row = await inbound_strays.show(tx, id_in_path(request))
    envelope = inbound_strays.opened(services(request), row)
    context = {
        "place": OPERATORS,
        "row": row,
        "envelope": envelope,
        "shown": inbound_text.shown(envelope.raw) if envelope else None,
    }
    return response.page(request, "sending/operator/mail_show.html", context)


async def operator_handle(request: web.Request) -> web.Response:
    _guard(request)
    async with services(request).db.shared() as tx:
        await inbound_strays.handle(tx, id_in_path(request))
    await access.flash(request, GONE)
    return response.redirect(OPERATORS)


ROUTES: list[web.RouteDef] = [
    web.get("/{a}/senders/replies", index),
    web.get(r"/{a}/senders/replies/{id:\d+}", show),
    web.post(r"/{a}/senders/replies/{id:\d+}/handling", handle),
    web.get("/operator/mail", operator_index),
    web.get(r"/operator/mail/{id:\d+}", operator_show),
    web.post(r"/operator/mail/{id:\d+}/handling", operator_handle),
]
