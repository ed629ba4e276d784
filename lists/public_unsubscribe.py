"""/t/unsubscribe/{token}: GET shows, POST leaves. One click by RFC 8058, or the page's own buttons.

POST List-Unsubscribe=One-Click   200 and one line, no redirect, idempotent (D-43)
POST do=leave | everything        303 here
POST do=return                    303 here; a mail with the way back leaves
POST do=reason                    303 here
"""

from dataclasses import replace
from datetime import timedelta

from aiohttp import web

from lists import confirmations, departures, recipients, subscriptions
from lists.consents import Method
from lists.departures import Reason
from lists.public_visit import Visit, back, count_change, form_of, links, shown, visit
from mailer.core import clock
from mailer.core.errors import Gone, NotFound
from mailer.core.text import N_
from mailer.core.tokens import Purpose
from mailer.web import i18n
from mailer.web.request import services

REASONS = {
    Reason.TOO_MANY: N_("too many e-mails"),
    Reason.NOT_INTERESTING: N_("not interesting"),
    Reason.NEVER_ASKED: N_("I never asked for this"),
    Reason.OTHER: N_("other"),
}


async def page(request: web.Request) -> web.Response:
    async with visit(request, Purpose.UNSUBSCRIBE) as found:
        since = await subscriptions.left_since(found.tx, found.who)
        if since is None:
            return shown(request, found, "unsubscribe.html", context={})
        asked = await recipients.asked_at(found.tx, found.who)
        if asked is not None and asked > since and found.person is not None:
            return shown(request, found, "return_asked.html", context={})
        context = {
            "when": found.words(since),
            "may_return": await _may_return(found),
            "others": await recipients.still_received(found.tx, found.person),
            "reasons": REASONS,
            "reason": await departures.given_reason(found.tx, found.who),
        }
        recent = clock.now() - since < timedelta(minutes=recipients.RECENT_MINUTES)
        return shown(request, found, "unsubscribed.html" if recent else "already.html", context=context)


async def _may_return(found: Visit) -> bool:
    if found.person is None or found.listed is None or found.listed.gone:
        return False
    return await recipients.may_return(found.tx, found.who)


async def act(request: web.Request) -> web.Response:
    form = await form_of(request)
    # RFC 8058 §3.1: the body is exactly this pair; without it a person pressed a button
    if form.get("List-Unsubscribe") == ["One-Click"]:
        return await _one_click(request)
    async with visit(request, Purpose.UNSUBSCRIBE) as found:
        match form.get("do", ["leave"])[0]:
            case "return":
                await count_change(request, found.who)
                await confirmations.ask(found.tx, found.who, links(request), source=_source())
            case "reason":
                await count_change(request, found.who)
                given = form.get("reason", [""])[0]
                if given in set(Reason):
                    await departures.give_reason(found.tx, found.who, Reason(given))
            case "everything":
                await _leave(found, everything=True, method=Method.LINK)
            case _:
                await _leave(found, everything=False, method=Method.LINK)
    return back(request)


def _source() -> str:
    return i18n.translate("Unsubscribe page")


async def _one_click(request: web.Request) -> web.Response:
    """RFC 8058 §3.2: no cookie, no redirect, no page; the sender of the POST is a mailbox provider."""
    services(request).tokens.read_recipient(Purpose.UNSUBSCRIBE, request.match_info["token"])
    try:
        async with visit(request, Purpose.UNSUBSCRIBE) as found:
            await _leave(found, everything=False, method=Method.ONE_CLICK)
    except (NotFound, Gone):
        # the account is erased: nobody is left who could write
        pass
    return web.Response(text=i18n.translate("Unsubscribed.") + "\n", headers={"Cache-Control": "no-store"})


async def _leave(found: Visit, *, everything: bool, method: Method) -> None:
    if everything:
        left = await subscriptions.stop_everything(found.tx, found.who, method=method)
    else:
        left = await subscriptions.unsubscribe(found.tx, found.who, method=method)
    if not left.already:
        found.left.append(replace(found.who, list_id=0) if everything else found.who)
        await departures.record(found.tx, found.who, left.since, method=method)


ROUTES: list[web.RouteDef] = [
    web.get("/unsubscribe/{token}", page),
    web.post("/unsubscribe/{token}", act),
]
