"""What recipients touch of this room: images, web versions, the page of test links, a sender's confirmation.

Also the frames of our own preview: they stand here because the recipients' address has no session (E-04).
"""

from urllib.parse import urlsplit

from aiohttp import web

from mailer.accounts import identity
from mailer.core import files
from mailer.core.actor import RECIPIENT
from mailer.core.db import AccountTx
from mailer.core.errors import Gone, NotFound
from mailer.core.links import Links
from mailer.core.tokens import CampaignToken, Purpose, RecipientToken
from mailer.web import response
from mailer.web.request import services
from sending import images, personal, preview, public_click_map, seeds, senders
from sending.render import RenderFailed

# E-04, E-51: another origin than the pages, nothing runs, nothing is guessed
_IMAGE = {
    "Cache-Control": "public, max-age=31536000, immutable",
    "Content-Disposition": "inline",
    "Content-Security-Policy": "default-src 'none'; sandbox",
    "Cross-Origin-Resource-Policy": "cross-origin",
}
_MAIL_PARTS = "default-src 'none'; img-src https: http: data:; style-src 'unsafe-inline'; base-uri 'none'"


def _links(request: web.Request) -> Links:
    held = services(request)
    return Links(held.tokens, held.settings.track_url)


async def image(request: web.Request) -> web.StreamResponse:
    """Streamed from the store; what a name shows never changes."""
    name = request.match_info["name"]
    account_id = images.account_of(name)
    db = services(request).db
    async with db.account(account_id) as tx:
        file_id, media_type, size = await images.find(tx, name)
    answer = web.StreamResponse(headers=_IMAGE | {"Content-Type": media_type, "Content-Length": str(size)})
    answer.headers["X-Content-Type-Options"] = "nosniff"
    await answer.prepare(request)
    if request.method != "HEAD":
        async for chunk in files.read(db, account_id, file_id):
            await answer.write(chunk)
    await answer.write_eof()
    return answer


async def preview_frame(request: web.Request) -> web.Response:
    """A draft as one person would get it. Only our own pages may frame it, and it may do nothing."""
    held = services(request)
    account_id, what = preview.read_token(_links(request), request.match_info["token"])
    async with held.db.account(account_id, actor=RECIPIENT) as tx:
        shown = await preview.show(tx, held, what)
    if shown.rendered is None:
        context = {"problems": shown.problems}
        answer = response.page(request, "sending/public/preview_problems.html", context)
    else:
        answer = _mail(preview.in_theme(shown.rendered.html, what.theme))
    public = urlsplit(held.settings.public_url)
    ancestors = f"frame-ancestors 'self' {public.scheme}://{public.netloc}"
    answer.headers["Content-Security-Policy"] = f"{_MAIL_PARTS}; {ancestors}; form-action 'none'; sandbox"
    return answer


async def web_version(request: web.Request) -> web.Response:
    """A mail in the browser, for six days after it left (S12)."""
    held = services(request)
    what = held.tokens.read_campaign(Purpose.VIEW, request.match_info["token"])
    async with held.db.account(what.account_id, actor=RECIPIENT) as tx:
        try:
            async with tx.savepoint():
                shown = await personal.render_for(tx, held, what.campaign_id, what.contact_id)
        except (Gone, NotFound, RenderFailed, ValueError):
            return await _gone(request, tx, what)
    answer = _mail(shown.html)
    # a page of its own: its links may open, nothing of it may run or send
    answer.headers["Content-Security-Policy"] = (
        f"{_MAIL_PARTS}; frame-ancestors 'none'; form-action 'none';"
        " sandbox allow-popups allow-popups-to-escape-sandbox"
    )
    return answer


def _mail(html: str) -> web.Response:
    headers = {"Cache-Control": "no-store", "X-Robots-Tag": "noindex"}
    return web.Response(text=html, content_type="text/html", headers=headers)


async def _gone(request: web.Request, tx: AccountTx, what: CampaignToken) -> web.Response:
    """410, with the links that outlive the content while the contact is known."""
    who = await tx.rows(
        """
        SELECT d.list_id, c.address_hash
        FROM deliveries d
        JOIN contacts c ON c.account_id = d.account_id AND c.id = d.contact_id
        WHERE d.account_id = $1 AND d.campaign_id = $2 AND d.contact_id = $3
        """,
        what.campaign_id,
        what.contact_id,
    )
    links = None
    if who:
        list_id, address_hash = who[0]
        token = RecipientToken(what.account_id, list_id, what.contact_id, address_hash, what.campaign_id)
        links = _links(request).all_of(token)
    return response.page(request, "sending/public/gone.html", {"links": links}, status=410)


async def test_link(request: web.Request) -> web.Response:
    """Where every link of ours leads in a test or preview. Changes nothing, by GET or by POST."""
    services(request).tokens.read_campaign(Purpose.TEST, request.match_info["token"])
    return response.page(request, "sending/public/test.html")


async def sender_page(request: web.Request) -> web.Response:
    """GET shows, POST does: mail programs open links by themselves."""
    account_id, sender_id, asked = senders.read_token(_links(request), request.match_info["token"])
    async with services(request).db.account(account_id, actor=RECIPIENT) as tx:
        sender = await senders.show(tx, sender_id)
        if senders.asked_ms(sender) != asked or sender.status == "revoked":
            raise NotFound
        who = await identity.of(tx)
    context = {"sender": sender, "account": who.legal_name or who.account_name, "zone": who.time_zone}
    return response.page(request, "sending/public/sender.html", context)


async def confirm_sender(request: web.Request) -> web.Response:
    account_id, sender_id, asked = senders.read_token(_links(request), request.match_info["token"])
    async with services(request).db.account(account_id, actor=RECIPIENT) as tx:
        await senders.confirm(tx, sender_id, asked=asked)
    return response.redirect(request.path)


async def seed_page(request: web.Request) -> web.Response:
    """GET shows, POST does: mail programs open links by themselves."""
    account_id, seed_id, asked = seeds.read_token(_links(request), request.match_info["token"])
    async with services(request).db.account(account_id, actor=RECIPIENT) as tx:
        seed = await seeds.of_link(tx, seed_id, asked=asked)
        who = await identity.of(tx)
    context = {
        "seed": seed,
        "late": seeds.is_late(seed),
        "account": who.legal_name or who.account_name,
        "zone": who.time_zone,
    }
    return response.page(request, "sending/public/seed.html", context)


async def answer_seed(request: web.Request) -> web.Response:
    account_id, seed_id, asked = seeds.read_token(_links(request), request.match_info["token"])
    answer = (await request.post()).get("answer")
    async with services(request).db.account(account_id, actor=RECIPIENT) as tx:
        if answer == "yes":
            await seeds.confirm(tx, seed_id, asked=asked)
        elif answer == "no":
            await seeds.refuse(tx, seed_id, asked=asked)
    return response.redirect(request.path)


ROUTES: list[web.RouteDef] = [
    web.get("/img/{name}", image),
    web.get("/preview/{token}", preview_frame),
    web.get("/view/{token}", web_version),
    web.get("/test/{token}", test_link),
    web.post("/test/{token}", test_link),
    web.get("/sender/{token}", sender_page),
    web.post("/sender/{token}", confirm_sender),
    web.get("/test-address/{token}", seed_page),
    web.post("/test-address/{token}", answer_seed),
    *public_click_map.ROUTES,
]
