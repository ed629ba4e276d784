"""Two people on one draft: both read the other's name, and a text that comes too late is kept beside."""

from typing import Annotated

from aiohttp import web
from pydantic import Field

from mailer.accounts import access, identity
from mailer.accounts.access import Role
from mailer.core.db import AccountTx
from mailer.core.errors import Invalid, NotFound
from mailer.core.text import N_
from mailer.web import i18n, response
from mailer.web.request import Input, query, services
from sending import draft_versions, presence
from sending.draft_versions import Draft
from sending.pages_campaigns import Number
from sending.sources import Source


class Shown(Input):
    """`version`: the one that the editor's page was made of, as it asks again."""

    version: Number = None
    variant: Annotated[int, Field(ge=1, le=4)] = 1


async def names(tx: AccountTx, people: list[int | None]) -> dict[int, str]:
    """Of those who are still in the team; others are left nameless."""
    return await identity.names(tx, sorted({one for one in people if one is not None}))


async def presence_context(
    request: web.Request, tx: AccountTx, draft: Draft, version: int
) -> dict[str, object]:
    """For `drafts/parts.html`: names of the others, and whether somebody saved after what this page shows."""
    me = access.person(request).user_id
    others = await presence.seen(services(request), tx.account_id, draft, me)
    known = await identity.names(tx, others)
    nameless = i18n.translate(N_("Somebody of your team"))
    base = request.path.rpartition("/")[0]
    return {
        "others": [known[one] or nameless for one in others if one in known],
        "newer": await _newer(request, tx, draft, version, me),
        "presence_path": f"{base}/presence" + (f"?variant={draft.variant}" if draft.variant > 1 else ""),
        "versions_path": f"{base}/versions" + (f"?variant={draft.variant}" if draft.variant > 1 else ""),
        "poll": presence.POLL_SECONDS,
    }


async def _newer(
    request: web.Request, tx: AccountTx, draft: Draft, version: int, me: int
) -> dict[str, object] | None:
    """Who saved after the version that the asking page knows."""
    if not request.path.endswith("/presence"):
        return None
    known = query(request, Shown).version
    if known is None or known >= version:
        return None
    last = await draft_versions.last_saved_by(tx, draft)
    if last is None or last[0] == me:
        return None
    return {"name": (await names(tx, [last[0]])).get(last[0] or 0, ""), "at": last[1]}


async def aside(request: web.Request, draft: Draft, source: Source) -> dict[str, object]:
    """After a Conflict: keeps the refused text, and tells where both can be compared, and who saved."""
    written_on = str((await request.post()).get("version", ""))
    number = (
        int(written_on) if written_on.isascii() and written_on.isdigit() and len(written_on) < 9 else None
    )
    async with access.account_tx(request, Role.EDITOR) as tx:
        kept = await draft_versions.set_aside(tx, draft, source.kind, source.text, number=number)
        last = await draft_versions.last_saved_by(tx, draft)
        known = await names(tx, [last[0]]) if last else {}
    if kept is None:
        raise NotFound
    noun, of = ("designs", draft.design_id) if draft.design_id else ("campaigns", draft.campaign_id)
    which = f"?variant={draft.variant}" if draft.variant > 1 else ""
    return {
        "compare": f"/app/{access.member(request).account_id}/{noun}/{of}/versions/{kept}{which}",
        "who": known.get(last[0] or 0, "") if last else "",
        "saved_at": last[1] if last else None,
    }


def is_late(error: Invalid) -> bool:
    """Somebody else saved since this page was shown."""
    return any(fault.code == "version" for fault in error.faults)


def told_late(request: web.Request, found: dict[str, object]) -> web.Response:
    """For autosave: nothing was saved over, the text is kept, and where."""
    who = str(found["who"]) or i18n.translate(N_("Somebody of your team"))
    message = i18n.translate(N_("Not saved over: {name} saved meanwhile. Your text is kept."), name=who)
    words = {"message": message, "compare": found["compare"], "link": i18n.translate(N_("Compare both"))}
    return response.json(words, status=409)
