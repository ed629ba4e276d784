"""Addresses outside the three faces: health, security.txt, static files, the way in."""

from datetime import timedelta

from aiohttp import web

from mailer.core import clock
from mailer.core.db import is_away
from mailer.core.errors import MailerError
from mailer.web.request import services
from mailer.web.response import json, redirect
from mailer.web.templating import ROOT

STATIC = ROOT / "mailer/web/static"


async def way_in(_: web.Request) -> web.StreamResponse:
    return redirect("/app/accounts")


async def healthz(_: web.Request) -> web.Response:
    """The process answers."""
    return json({"status": "ok"})


async def readyz(request: web.Request) -> web.Response:
    """Database and queue answer too; 503 names what does not."""
    held = services(request)
    found = {"database": "ok", "queue": "ok"}
    try:
        async with held.db.shared() as tx:
            await tx.value("SELECT 1")
    except Exception as error:
        if not is_away(error) and not isinstance(error, MailerError):
            raise
        found["database"] = "away"
    try:
        await held.redis.ping()
    except Exception:
        found["queue"] = "away"
    ready = set(found.values()) == {"ok"}
    return json({"status": "ok" if ready else "not ready", **found}, status=200 if ready else 503)


async def security_txt(request: web.Request) -> web.Response:
    """RFC 9116 (E-65)."""
    settings = services(request).settings
    # §2.5.5: less than a year ahead. A fixed day, so that the text is the same all month long
    expires = (clock.now().replace(day=1) + timedelta(days=180)).strftime("%Y-%m-%dT00:00:00Z")
    lines = (
        f"Contact: mailto:{settings.operator.abuse}",
        f"Expires: {expires}",
        "Preferred-Languages: fr, en",
        f"Canonical: {settings.public_url}/.well-known/security.txt",
    )
    return web.Response(text="\n".join(lines) + "\n", content_type="text/plain", charset="utf-8")


async def robots(_: web.Request) -> web.Response:
    return web.Response(text="User-agent: *\nDisallow: /\n", content_type="text/plain")


async def _cache_for_ever(request: web.Request, answer: web.StreamResponse) -> None:
    if request.path.startswith("/static/dist/"):
        answer.headers["Cache-Control"] = "public, max-age=31536000, immutable"


def add_static(app: web.Application) -> None:
    """Our own built files; nothing a tenant uploaded."""
    STATIC.joinpath("dist").mkdir(parents=True, exist_ok=True)
    app.router.add_static("/static", STATIC, show_index=False, append_version=False)
    app.on_response_prepare.append(_cache_for_ever)


HEALTH = [
    web.get("/healthz", healthz),
    web.get("/readyz", readyz),
    web.get("/robots.txt", robots),
]
ROUTES = [
    *HEALTH,
    web.get("/", way_in),
    web.get("/.well-known/security.txt", security_txt),
]
