"""What SMTP providers call: /hooks/{token}. No session, no cookie; signed, or with a password.

    200 taken · 403 not believed · 404 no such address · 413 too large · 429 too fast · 503 to be told again

All three providers try again after a 429 or 503 for hours, so nothing is lost while a part of ours is away.
"""

from aiohttp import web

from mailer.core.errors import Unavailable
from mailer.core.rate import Limit
from mailer.web.request import client_ip, rates, raw_body, services
from sending import feedback_hooks, hook_calls
from sending.hook_calls import Call
from sending.hook_events import Refused
from sending.sns_certificates import Unreachable

# SNS sends at most 256 kB, SendGrid batches of some hundred events
MOST_BYTES = 3_000_000
CALLS = Limit("hooks", 30_000, 60)
REFUSALS = Limit("hooks_refused", 120, 60)
# of certificates that are not known yet: Amazon changes its own a few times a year
FETCHES = Limit("hooks_fetches", 30, 60)


async def receive(request: web.Request) -> web.Response:
    held = services(request)
    account_id, server_id = feedback_hooks.read_token(held, request.match_info["token"])
    await rates(request).take(CALLS, f"{account_id}.{server_id}")
    async with held.db.account(account_id) as tx:
        hook = await feedback_hooks.opened(tx, held.sealer, server_id)
    who = f"{account_id}.{server_id} {client_ip(request)}"
    body = await raw_body(request, MOST_BYTES)
    call = Call(account_id, body, request.headers, lambda: rates(request).take(FETCHES, who))
    try:
        whole = await hook_calls.receive(held, hook, call)
    except Refused as refused:
        # the limit before the note: a stranger who has the address must not write rows at will
        await rates(request).take(REFUSALS, who)
        async with held.db.account(account_id) as tx:
            await feedback_hooks.note_error(tx, hook.id, refused.why)
        return web.Response(status=403, text=refused.why)
    except Unreachable as away:
        async with held.db.account(account_id) as tx:
            await feedback_hooks.note_error(tx, hook.id, away.why)
        raise
    if not whole:
        raise Unavailable("a mail's outcome is not written down yet")
    return web.Response(status=200, text="ok")


ROUTES: list[web.RouteDef] = [
    web.post("/{token}", receive),
]
