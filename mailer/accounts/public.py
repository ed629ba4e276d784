"""Pages for everybody: who runs this service, what is kept, whom to write to, and each version of it."""

from dataclasses import dataclass
from datetime import date

from aiohttp import web

from mailer.accounts import (
    authority_years,
    cookies,
    legal,
    policies,
    policy_changes,
    prose,
    sub_processors,
)
from mailer.accounts.legal import Document
from mailer.accounts.policies import Version
from mailer.accounts.sub_processors import Register
from mailer.core import clock
from mailer.core.db import SharedTx
from mailer.core.errors import NotFound
from mailer.core.operator import Operator
from mailer.web import i18n
from mailer.web.request import id_in_path, services
from mailer.web.response import page


@dataclass(frozen=True, slots=True)
class Listed:
    """A version among those of its kind. `state`: ahead, in_force, past."""

    version: Version
    state: str


async def _document(request: web.Request, name: str) -> tuple[Document, str, Version | None]:
    """The page as it counts today: what stands above it, its text ("" for a template), what is announced."""
    if name not in legal.PAGES:
        raise NotFound
    shown = legal.PAGES[name]
    operator, today = services(request).settings.operator, clock.now().date()
    kind = next((kind for kind in policies.KINDS if kind == name), None)
    if kind is None:
        return shown, "", None
    async with services(request).db.shared() as tx:
        version = await policies.in_force(tx, kind, operator, today)
        text = await policies.text_of(tx, version, i18n.language(), operator)
        next_one = next((one for one in await policies.ahead(tx, today) if one.kind == kind), None)
    return Document(shown.title, version.version, version.effective_on), text, next_one


async def document(request: web.Request) -> web.StreamResponse:
    name = request.match_info["page"]
    shown, text, next_one = await _document(request, name)
    context: dict[str, object] = {
        "name": name,
        "document": shown,
        "text": prose.html(text) if text else "",
        "template": legal.template(name),
        "next_one": next_one,
        "versioned": name in policies.KINDS,
        "versions": await _versions(request) if name == "versions" else [],
        "register": await _register(request) if name == "sub-processors" else None,
        "cookies": cookies.REGISTER,
        **legal.facts(services(request).settings),
    }
    if name == "authority-requests":
        async with services(request).db.shared() as tx:
            context["years"] = await authority_years.years(tx)
    return page(request, "accounts/legal.html", context)


async def _versions(request: web.Request) -> list[tuple[str, list[Listed]]]:
    """(kind, its versions), for the page of all of them (A-040)."""
    operator, today = services(request).settings.operator, clock.now().date()
    async with services(request).db.shared() as tx:
        return [(kind, listed(await policies.many(tx, kind, operator), today)) for kind in policies.KINDS]


async def _register(request: web.Request) -> Register:
    async with services(request).db.shared() as tx:
        return await sub_processors.register(tx, services(request).settings.operator, clock.now())


def listed(versions: list[Version], today: date) -> list[Listed]:
    """Newest day first, as `policies.many` gives them."""
    current = next((one for one in versions if one.effective_on <= today), None)
    return [
        Listed(one, "in_force" if one is current else "ahead" if one.effective_on > today else "past")
        for one in versions
    ]


async def as_file(request: web.Request) -> web.StreamResponse:
    """The text in force, to keep."""
    name = request.match_info["page"]
    shown, text, _ = await _document(request, name)
    if not text and name in ("sub-processors", "versions", "cookies"):
        raise NotFound  # lists of the day, no text to keep
    text = text or legal.shipped_text(name, i18n.language(), services(request).settings.operator)
    return file(request, name=f"{name}-{shown.version}", title=i18n.translate(shown.title), text=text)


def file(request: web.Request, *, name: str, title: str, text: str) -> web.Response:
    """`text` as the path's {format}: txt or html."""
    kind = request.match_info["format"]
    body = prose.document(title, i18n.language(), text) if kind == "html" else text
    return web.Response(
        text=body,
        content_type="text/html" if kind == "html" else "text/plain",
        headers={
            "Cache-Control": "no-store",
            "Content-Disposition": f'attachment; filename="{name}-{i18n.language()}.{kind}"',
        },
    )


async def _one(request: web.Request, tx: SharedTx) -> tuple[Version, str, Operator]:
    operator = services(request).settings.operator
    version = await policies.show(tx, id_in_path(request))
    return version, await policies.text_of(tx, version, i18n.language(), operator), operator


async def version(request: web.Request) -> web.StreamResponse:
    async with services(request).db.shared() as tx:
        found, text, _ = await _one(request, tx)
    context = {"version": found, "text": prose.html(text), "today": clock.now().date()}
    return page(request, "accounts/legal_version.html", context)


async def version_file(request: web.Request) -> web.StreamResponse:
    async with services(request).db.shared() as tx:
        found, text, _ = await _one(request, tx)
    return file(request, name=f"{found.kind}-{found.version}", title=i18n.translate(found.title), text=text)


async def changes(request: web.Request) -> web.StreamResponse:
    """What a version changes, against the one before it."""
    async with services(request).db.shared() as tx:
        found, text, operator = await _one(request, tx)
        before = await policies.before(tx, found, operator)
        old = await policies.text_of(tx, before, i18n.language(), operator) if before else ""
    context = {
        "version": found,
        "before": before,
        "lines": policy_changes.between(old, text) if before else [],
        "today": clock.now().date(),
    }
    return page(request, "accounts/legal_changes.html", context)


ROUTES: list[web.RouteDef] = [
    web.get(r"/legal/versions/{id:\d+}", version),
    web.get(r"/legal/versions/{id:\d+}.{format:txt|html}", version_file),
    web.get(r"/legal/versions/{id:\d+}/changes", changes),
    web.get(r"/legal/{page:[a-z-]+}.{format:txt|html}", as_file),
    web.get("/legal/{page}", document),
]
