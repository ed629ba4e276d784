"""The local inbox's pages (S18): they exist on a development machine only."""

from typing import Annotated

from aiohttp import web
from pydantic import StringConstraints

from mailer.accounts import access
from mailer.core.errors import NotFound
from mailer.core.text import N_
from mailer.web import response
from mailer.web.request import Input, id_in_path, query, services
from sending import inbox

BASE = "/app/inbox"
# nothing runs in a mail; its links open beside it, and its pictures come from where the author put them
_FRAME_POLICY = (
    "default-src 'none'; img-src * data:; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none';"
    " frame-ancestors 'self'; sandbox allow-popups allow-popups-to-escape-sandbox"
)


class Search(Input):
    """`before`: the last mail of the page before."""

    q: Annotated[str, StringConstraints(max_length=200)] = ""
    before: int | None = None


def _guard(request: web.Request) -> None:
    """Raises NotFound where there is no inbox, or not for this person."""
    settings = services(request).settings
    person = access.person(request)
    if not settings.inbox_shown or not (settings.embedded or person.is_operator):
        raise NotFound


async def way_in(_: web.Request) -> web.Response:
    return response.redirect(BASE)


async def index(request: web.Request) -> web.Response:
    _guard(request)
    search = query(request, Search)
    async with services(request).db.shared() as tx:
        found = await inbox.many(tx, search.q, before=search.before, limit=inbox.PAGE + 1)
        total = await inbox.total(tx)
    more = len(found) > inbox.PAGE
    mails = found[: inbox.PAGE]
    context = {"mails": mails, "search": search, "total": total, "more": mails[-1].id if more else None}
    return response.page(request, "sending/inbox/index.html", context)


async def show(request: web.Request) -> web.Response:
    _guard(request)
    async with services(request).db.shared() as tx:
        mail = await inbox.show(tx, id_in_path(request))
    context = {"mail": mail, "parts": inbox.parts(mail.raw), "campaign": inbox.campaign_of(mail.feedback_id)}
    return response.page(request, "sending/inbox/show.html", context)


async def html(request: web.Request) -> web.Response:
    """The mail's own HTML, for the sandboxed frame."""
    _guard(request)
    async with services(request).db.shared() as tx:
        mail = await inbox.show(tx, id_in_path(request))
    text = inbox.parts(mail.raw).html
    if not text:
        raise NotFound
    head = '<base target="_blank">'
    shown = text.replace("<head>", f"<head>{head}", 1) if "<head>" in text else head + text
    return web.Response(
        text=shown,
        content_type="text/html",
        headers={"Content-Security-Policy": _FRAME_POLICY, "Cache-Control": "no-store"},
    )


async def source(request: web.Request) -> web.Response:
    """The mail as it came, to keep as a file."""
    _guard(request)
    async with services(request).db.shared() as tx:
        mail = await inbox.show(tx, id_in_path(request))
    return web.Response(
        body=mail.raw,
        content_type="message/rfc822",
        headers={
            "Content-Disposition": f'attachment; filename="mail-{mail.id}.eml"',
            "Cache-Control": "no-store",
        },
    )


async def clear(request: web.Request) -> web.Response:
    _guard(request)
    async with services(request).db.shared() as tx:
        n = await inbox.clear(tx)
    await access.flash(request, N_("The inbox was emptied: {n} messages."), n=n)
    return response.redirect(BASE)


INBOX_ROUTES: list[web.RouteDef] = [
    web.get("/inbox", index),
    web.post("/inbox/deletions", clear),
    web.get("/inbox/{id}", show),
    web.get("/inbox/{id}/html", html),
    web.get("/inbox/{id}/source", source),
]
# the address that people remember
ROOT_ROUTES: list[web.RouteDef] = [web.get("/inbox", way_in)]
