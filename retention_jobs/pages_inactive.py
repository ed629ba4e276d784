"""People of whom nothing was heard for three years: who, until when, and what the account wants (B-27)."""

from typing import Annotated, Literal

from aiohttp import web
from pydantic import Field

from mailer.accounts import access
from mailer.accounts.access import Role
from mailer.core.text import N_
from mailer.web import forms, i18n, response
from mailer.web.request import Input, query, read
from retention_jobs import inactive

CHOICES = (
    (
        "ask",
        N_("Ask each of them once, then delete whoever does not answer"),
        N_("One mail with a link. 30 days later whoever gave no sign is deleted."),
    ),
    ("delete", N_("Delete them"), N_("No mail leaves. They are deleted on the day that you are told.")),
)


class InactiveQuery(Input):
    cursor: Annotated[str, Field(max_length=200)] = ""


class Chosen(Input):
    choice: Literal["ask", "delete"]


async def index(request: web.Request) -> web.Response:
    asked = query(request, InactiveQuery)
    async with access.account_tx(request) as tx:
        state = await inactive.state(tx)
        found = await inactive.many(tx, cursor=asked.cursor or None)
    context = {
        "state": state,
        "found": found,
        "asked": asked,
        "choices": [(value, i18n.translate(name), i18n.translate(text)) for value, name, text in CHOICES],
        "form": forms.filled({"choice": state.choice}),
        "owner": access.member(request).role >= Role.OWNER,
    }
    return response.page(request, "retention_jobs/inactive.html", context)


async def choose(request: web.Request) -> web.Response:
    wanted = await read(request, Chosen)
    async with access.account_tx(request, Role.OWNER) as tx:
        await inactive.choose(tx, wanted.choice)
        account_id = tx.account_id
    await access.flash(request, N_("Choice saved. It holds for those who wait as well."))
    return response.redirect(f"/app/{account_id}/privacy/inactive")


ROUTES: list[web.RouteDef] = [
    web.get("/{a}/privacy/inactive", index),
    web.post("/{a}/privacy/inactive", choose),
]
