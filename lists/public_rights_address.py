"""/t/rights/address: the new mailbox of a person says that it is theirs (C-11).

A look changes nothing (D-44).
"""

from aiohttp import web

from lists import rights_addresses, rights_words
from lists.public_forms import framed
from lists.public_rights_confirm import PRESSES, speak
from lists.public_visit import back, here
from lists.rights_addresses import Wish
from lists.rights_requests import Request
from mailer.accounts import identity
from mailer.core import clock
from mailer.core.actor import RECIPIENT
from mailer.core.db import AccountTx
from mailer.core.errors import Conflict
from mailer.web import response
from mailer.web.request import rates, services


async def _page(request: web.Request, tx: AccountTx, wish: Wish, found: Request | None) -> web.Response:
    speak(request, found.language if found else None)
    controller = await identity.of(tx)
    more: dict[str, object] = {
        "sender": controller.legal_name or controller.account_name,
        "action": here(request),
        "email": wish.email,
    }
    template, status = "rights_address.html", 200
    if found is None:
        template, status = "rights_address_over.html", 410
    elif found.state != "open":
        template = "rights_end.html"
        more |= {"done": found, "words": rights_words.DONE[found.right], "zone": controller.time_zone}
    answer = response.page(
        request, f"lists/recipients/{template}", framed(request, controller, more), status=status
    )
    answer.headers["X-Robots-Tag"] = "noindex, nofollow"
    return answer


async def page(request: web.Request) -> web.Response:
    held = services(request)
    wish = rights_addresses.read(held.tokens, request.match_info["token"])
    async with held.db.account(wish.account_id, actor=RECIPIENT) as tx:
        found = await rights_addresses.waiting(tx, held.sealer, wish, now=clock.now())
        return await _page(request, tx, wish, found)


async def act(request: web.Request) -> web.Response:
    held = services(request)
    wish = rights_addresses.read(held.tokens, request.match_info["token"])
    await rates(request).take(PRESSES, f"address:{wish.account_id}:{wish.request_id}")
    try:
        async with held.db.account(wish.account_id, actor=RECIPIENT) as tx:
            await rights_addresses.confirm(
                tx, held.sealer, wish, now=clock.now(), page_url=held.settings.public_url
            )
    except Conflict:
        # undone: another contact has this address, and the team decides
        async with held.db.account(wish.account_id, actor=RECIPIENT) as tx:
            return await _page(request, tx, wish, None)
    return back(request)


ROUTES: list[web.RouteDef] = [
    web.get("/rights/address/{token}", page),
    web.post("/rights/address/{token}", act),
]
