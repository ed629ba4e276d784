"""The journal of an account, filtered, and the same as a table (ui 2.4, B-60)."""

from typing import Any

from aiohttp import web

from mailer.accounts import access, audit, audit_words, journal
from mailer.accounts.access import Role
from mailer.accounts.journal import Asked
from mailer.core.errors import Invalid
from mailer.core.text import N_
from mailer.web import i18n
from mailer.web.forms import Form
from mailer.web.request import query, services
from mailer.web.response import page

_EVERYBODY = ("", N_("Everybody"))


def _sorted(words: dict[str, str]) -> list[tuple[str, str]]:
    return sorted(((key, i18n.translate(text)) for key, text in words.items()), key=lambda pair: pair[1])


def _choices(members: dict[int, str]) -> dict[str, Any]:
    everything = ("", i18n.translate(N_("Everything")))
    people = sorted(((str(user_id), name) for user_id, name in members.items()), key=lambda pair: pair[1])
    kinds = [(kind, i18n.translate(audit_words.ACTORS[kind])) for kind in journal.KINDS]
    return {
        "people": [(_EVERYBODY[0], i18n.translate(_EVERYBODY[1])), *people, *kinds],
        "actions": [everything, *_sorted(audit_words.ACTS)],
        "things": [everything, *_sorted(audit_words.OBJECTS)],
    }


async def log(request: web.Request) -> web.StreamResponse:
    """The journal: ids only, no values, no addresses."""
    status, form = 200, Form(dict(request.query))
    zone = access.member(request).time_zone
    async with access.account_tx(request, Role.MANAGER, even_closed=True) as tx:
        try:
            asked = query(request, Asked)
            found = await journal.many(tx, asked, zone)
        except Invalid as error:
            if any(fault.field == "cursor" for fault in error.faults):
                raise
            # shown at their fields, above everything as it would be without them
            status, form, asked = error.status, Form(dict(request.query), error.faults), Asked()
            found = await journal.many(tx, asked, zone)
        members = await audit.members(tx)
    kept = {name: value for name, value in request.query.items() if name in _FILTERS and value}
    context = {
        "found": found,
        "form": form,
        "asked": asked,
        "kept": request.rel_url.with_query(kept).query_string,
        "first": not asked.cursor,
        "objects": audit_words.OBJECTS,
        "acts": audit_words.ACTS,
        "ways": journal.WAYS,
        **_choices(members),
    }
    return page(request, "accounts/log.html", context, status=status)


_FILTERS = ("who", "action", "object", "since", "until")


async def table(request: web.Request) -> web.StreamResponse:
    """All lines of the filter, however many: streamed, with a line of its own in the journal."""
    asked, place = query(request, Asked), access.member(request)
    async with access.account_tx(request, Role.MANAGER, even_closed=True) as tx:
        journal.check(asked, place.time_zone)
        await audit.write(tx, "exported", "journal")
    answer = web.StreamResponse(
        headers={
            "Content-Type": "text/csv; charset=utf-8",
            "Content-Disposition": 'attachment; filename="journal.csv"',
            "Cache-Control": "no-store",
        }
    )
    await answer.prepare(request)
    async for part in journal.table(services(request).db, place.account_id, asked, place.time_zone):
        await answer.write(part)
    await answer.write_eof()
    return answer


ROUTES: list[web.RouteDef] = [
    web.get("/{a}/settings/log", log),
    web.get("/{a}/settings/log.csv", table),
]
