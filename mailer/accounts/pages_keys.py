"""Keys: programs that act for the account (E-35)."""

from datetime import timedelta
from typing import Literal

from aiohttp import web
from pydantic import Field

from mailer.accounts import access, api_keys, audit, webhook_state
from mailer.accounts.access import Role
from mailer.core import clock
from mailer.core.errors import Invalid, NotFound, fault
from mailer.core.text import N_
from mailer.web import i18n
from mailer.web.forms import Form, again
from mailer.web.request import Input, id_in_path, read, services
from mailer.web.response import page, redirect

# in words, for the page; the API knows them by name
SCOPE_WORDS: dict[str, str] = {
    "account:read": N_("Read the account's settings"),
    "account:write": N_("Change the account's settings, accept the agreement"),
    "lists:read": N_("Read lists"),
    "lists:write": N_("Create, change and delete lists"),
    "contacts:read": N_("Read contacts and their history"),
    "contacts:write": N_("Create, change and delete contacts"),
    "fields:read": N_("Read custom fields"),
    "fields:write": N_("Create and delete custom fields"),
    "forms:read": N_("Read sign-up forms"),
    "forms:write": N_("Create, publish and delete sign-up forms"),
    "imports:read": N_("Follow imports"),
    "imports:write": N_("Import contacts"),
    "exports:read": N_("Download exports"),
    "exports:write": N_("Ask for exports"),
    "senders:read": N_("Read senders"),
    "senders:write": N_("Add and confirm senders"),
    "segments:read": N_("Read segments, and count them"),
    "segments:write": N_("Make, change and delete segments"),
    "tags:read": N_("Read tags"),
    "tags:write": N_("Make, rename and delete tags, and put them on contacts"),
    "smtp-servers:read": N_("Read the account's SMTP servers, without passwords"),
    "smtp-servers:write": N_("Change the account's SMTP servers: all its mail passes there"),
    "domains:read": N_("Read sending domains"),
    "domains:write": N_("Add and check sending domains"),
    "campaigns:read": N_("Read campaigns and reports"),
    "campaigns:write": N_("Write campaigns"),
    "campaigns:send": N_("Send, pause and cancel campaigns"),
    "images:read": N_("Read images and where they are used"),
    "images:write": N_("Add, describe and delete images"),
    "designs:read": N_("Read designs and the brand kit"),
    "designs:write": N_("Write, import and delete designs, and change the brand kit"),
    "messages:read": N_("Follow transactional messages"),
    "messages:write": N_("Send transactional messages"),
    "suppressions:read": N_("Read the suppression list"),
    "suppressions:write": N_("Add to the suppression list"),
    "requests:read": N_("Read requests about people's data"),
    "requests:write": N_("Record and answer requests about people's data"),
    "webhooks:read": N_("Read webhooks and their log, without secrets"),
    "webhooks:write": N_("Add, change and replay webhooks, and make their secrets"),
}
# what a person may give only who could do it by hand: an owner, and whoever may send
OWNER_SCOPES = frozenset({"account:write"})
SENDING_SCOPES = frozenset({"campaigns:send", "messages:write"})


class NewKey(Input):
    name: str = Field(min_length=1, max_length=120)
    scopes: list[str] = Field(default_factory=list, max_length=60)
    # of days; 0: until it is revoked
    days: Literal["0", "30", "90", "365"] = "0"


async def _keys_page(request: web.Request, form: Form, *, status: int = 200) -> web.Response:
    async with access.account_tx(request, Role.MANAGER) as tx:
        found = await api_keys.many(tx.shared(), tx.account_id)
        webhooks = await webhook_state.show(tx)
    owner = access.member(request).role >= Role.OWNER
    offered = [scope for scope in api_keys.SCOPES if owner or scope not in OWNER_SCOPES]
    return page(
        request,
        "accounts/keys.html",
        {
            "keys": found,
            "webhooks": webhooks,
            "form": form,
            "words": SCOPE_WORDS,
            "scopes": api_keys.SCOPES,
            "options": [(scope, i18n.translate(SCOPE_WORDS[scope]), scope) for scope in offered],
        },
        status=status,
    )


async def keys(request: web.Request) -> web.StreamResponse:
    access.need_fresh_password(request)
    return await _keys_page(request, Form())


async def create(request: web.Request) -> web.StreamResponse:
    """Answers with the page that shows the key, this once: it is stored nowhere."""
    access.need_fresh_password(request)
    try:
        new = await read(request, NewKey)
        _check_giver(access.member(request), set(new.scopes))
        async with access.account_tx(request, Role.MANAGER) as tx:
            key_id, key = await api_keys.create(
                tx.shared(),
                tx.account_id,
                new.name,
                scopes=new.scopes,
                created_by=access.person(request).user_id,
                expires_at=clock.now() + timedelta(days=int(new.days)) if new.days != "0" else None,
            )
            await audit.write(tx, "created", "api_key", key_id)
    except Invalid as error:
        return await _keys_page(request, await again(request, error, many=["scopes"]), status=422)
    url = services(request).settings.public_url
    curl = f'curl -H "Authorization: Bearer {key}" {url}/api/v1/account'
    return page(request, "accounts/key_created.html", {"name": new.name, "key": key, "curl": curl})


def _check_giver(giver: access.Member, scopes: set[str]) -> None:
    """Nobody gives a program more than they have. Raises Invalid at `scopes`."""
    if scopes & SENDING_SCOPES and not giver.can_send:
        raise fault("scopes", N_("Only people who may send can give a key the right to send."))
    if scopes & OWNER_SCOPES and giver.role < Role.OWNER:
        raise fault(
            "scopes",
            N_("Only an owner can let a key change the account's settings and accept the agreement."),
        )


async def revoke(request: web.Request) -> web.StreamResponse:
    access.need_fresh_password(request)
    async with access.account_tx(request, Role.MANAGER) as tx:
        key_id = id_in_path(request)
        if not await api_keys.revoke(tx.shared(), tx.account_id, key_id):
            raise NotFound
        await audit.write(tx, "revoked", "api_key", key_id)
    await access.flash(request, N_("Key revoked. Programs that use it are refused from now on."))
    return redirect(f"/app/{access.member(request).account_id}/integrations")


ROUTES: list[web.RouteDef] = [
    web.get("/{a}/integrations", keys),
    web.post("/{a}/integrations", create),
    web.post("/{a}/integrations/{id}/revocations", revoke),
]
