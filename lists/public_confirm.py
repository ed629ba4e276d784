"""/t/confirm/{token}: double opt-in and the way back. GET shows, POST confirms (B-26: safe from scanners)."""

from aiohttp import web

from lists import confirmations, recipients
from lists.public_visit import Visit, back, count_change, shown, visit
from mailer.core.errors import Gone
from mailer.core.tokens import Purpose
from mailer.web import i18n
from mailer.web.request import client_ip


async def page(request: web.Request) -> web.Response:
    async with visit(request, Purpose.CONFIRM) as found:
        if found.person is None or found.listed is None or found.listed.gone:
            return shown(request, found, "confirm_over.html", context={}, status=410)
        active = await recipients.is_active(found.tx, found.who)
        return shown(request, found, "confirmed.html" if active else "confirm.html", context={})


async def act(request: web.Request) -> web.Response:
    try:
        async with visit(request, Purpose.CONFIRM) as found:
            if found.person is not None and found.listed is not None and not found.listed.gone:
                await count_change(request, found.who)
                await confirmations.confirm(
                    found.tx, found.who, wording=_wording(found), ip=client_ip(request)
                )
    except Gone:
        async with visit(request, Purpose.CONFIRM) as found:
            return shown(request, found, "confirm_over.html", context={}, status=410)
    return back(request)


def _wording(found: Visit) -> str:
    """What the person read, for the proof (B-25)."""
    name = found.listed.name if found.listed else ""
    return " ".join(
        (
            i18n.translate("You are not on “{list}” yet.", list=name),
            i18n.translate("Confirm my subscription"),
        )
    )


ROUTES: list[web.RouteDef] = [
    web.get("/confirm/{token}", page),
    web.post("/confirm/{token}", act),
]
