"""The operator's page of policies: every version, and a new one, 30 days ahead (A-039)."""

from datetime import timedelta

from aiohttp import web

from mailer.accounts import access, announcements, policies
from mailer.accounts.policies import KINDS, Kind, NewVersion
from mailer.accounts.public import listed
from mailer.core import clock
from mailer.core.errors import Invalid, NotFound
from mailer.core.text import N_
from mailer.web.forms import Form, again
from mailer.web.request import Input, query, read, services
from mailer.web.response import page, redirect

BASE = "/app/operator/policies"


class PolicyQuery(Input):
    """`kind`: whose text in force fills the form."""

    kind: Kind = "privacy"


def guard(request: web.Request) -> None:
    """Raises NotFound for everybody but operators."""
    if not access.person(request).is_operator:
        raise NotFound


async def _page(request: web.Request, form: Form | None, kind: Kind, *, status: int = 200) -> web.Response:
    operator, today = services(request).settings.operator, clock.now().date()
    async with services(request).db.shared() as tx:
        versions = [(one, listed(await policies.many(tx, one, operator), today)) for one in KINDS]
        told = {
            one.version.id: await announcements.of(tx, "policy", one.version.id)
            for _, found in versions
            for one in found
            if one.state == "ahead"
        }
        current = await policies.in_force(tx, kind, operator, today)
        texts = {
            language: await policies.text_of(tx, current, language, operator) for language in ("fr", "en")
        }
    first = today + timedelta(days=policies.NOTICE_DAYS)
    values = {"kind": kind, "french": texts["fr"], "english": texts["en"], "effective_on": first.isoformat()}
    context = {
        "versions": versions,
        "told": told,
        "form": form or Form(values),
        "kind": kind,
        "first_day": first,
        "base": BASE,
    }
    return page(request, "accounts/operator_policies.html", context, status=status)


async def index(request: web.Request) -> web.StreamResponse:
    guard(request)
    return await _page(request, None, query(request, PolicyQuery).kind)


async def publish(request: web.Request) -> web.StreamResponse:
    guard(request)
    access.need_fresh_password(request)
    try:
        new = await read(request, NewVersion)
        async with services(request).db.shared() as tx:
            await policies.publish(
                tx,
                new,
                services(request).settings.operator,
                now=clock.now(),
                user_id=access.person(request).user_id,
            )
    except Invalid as error:
        form = await again(request, error)
        kind: Kind = next((one for one in KINDS if one == form.value("kind")), "privacy")
        return await _page(request, form, kind, status=error.status)
    await access.flash(request, N_("Published. All owners are told by e-mail."))
    return redirect(BASE)


ROUTES: list[web.RouteDef] = [
    web.get("/operator/policies", index),
    web.post("/operator/policies", publish),
]
