"""Pages of sign-up forms: all of them, the builder with its preview, publishing, deleting."""

from typing import Annotated, Any

from aiohttp import web
from pydantic import Field

from lists import (
    fields,
    form_builder,
    mailing_lists,
    signup_forms,
    signup_html,
    signup_versions,
    signup_words,
)
from lists.contacts import Id
from lists.pages_lists import home
from lists.public_visit import form_of, links
from lists.signup_forms import AskedPurpose, Draft, SignupForm
from lists.signup_words import Frozen
from mailer.accounts import access
from mailer.accounts.access import Role
from mailer.core import clock
from mailer.core.db import AccountTx
from mailer.core.errors import Fault, Invalid
from mailer.core.links import Links
from mailer.core.text import N_
from mailer.web import forms, i18n, response
from mailer.web.forms import Form
from mailer.web.request import Input, check, id_in_path, query, services

PREVIEW_MINUTES = 60
AGE_RULES = (
    ("none", N_("No question about age")),
    ("statement", N_("A box to tick: “I am {age} or older”")),
    ("birth_date", N_("Ask for the date of birth; it is not stored")),
)
YOUNGER = (
    ("refuse", N_("Refuse")),
    ("guardian", N_("Accept from 13 when a person with parental authority agrees")),
)


class NewForm(Input):
    """`list_id`: of the first box."""

    name: Annotated[str, Field(min_length=1, max_length=120)]
    list_id: Id | None = None


class FormsQuery(Input):
    cursor: str = ""


def _processor(request: web.Request) -> str:
    return services(request).settings.operator.name


def _base(request: web.Request, form_id: int) -> str:
    return f"{home(request)}/forms/{form_id}"


async def index(request: web.Request) -> web.Response:
    asked = query(request, FormsQuery)
    async with access.account_tx(request) as tx:
        found = await signup_forms.many(tx, cursor=asked.cursor or None)
    return response.page(request, "lists/forms/index.html", {"found": found, "asked": asked})


async def new(request: web.Request) -> web.Response:
    return await _new(request, Form())


async def _new(request: web.Request, form: Form, *, status: int = 200) -> web.Response:
    async with access.account_tx(request, Role.EDITOR) as tx:
        lists = await mailing_lists.names(tx)
    context = {
        "form": form,
        "lists": [("", i18n.translate("Choose later")), *((one.id, one.name) for one in lists)],
    }
    return response.page(request, "lists/forms/new.html", context, status=status)


async def create(request: web.Request) -> web.Response:
    try:
        sent = await request.post()
        given = {name: sent[name] for name in ("name", "list_id") if sent.get(name)}
        wanted = check(NewForm, given)
        purposes = [AskedPurpose(list_id=wanted.list_id)] if wanted.list_id else []
        language: Any = access.member(request).language
        draft = Draft(name=wanted.name, language=language, purposes=purposes)
        async with access.account_tx(request, Role.EDITOR) as tx:
            made = await signup_forms.create(tx, draft)
    except Invalid as error:
        return await _new(request, await forms.again(request, error), status=error.status)
    return response.redirect(_base(request, made.id))


# ---------------------------------------------------------------- the builder


async def show(request: web.Request) -> web.Response:
    async with access.account_tx(request) as tx:
        found = await signup_forms.show(tx, id_in_path(request))
        return await _builder(request, tx, found, found.content.model_dump())


async def _builder(
    request: web.Request,
    tx: AccountTx,
    found: SignupForm,
    values: dict[str, Any],
    *,
    faults: tuple[Fault, ...] = (),
) -> web.Response:
    """`values`: what the form holds, saved or not. `faults`: of what was sent."""
    draft = found.content
    frozen = await signup_words.freeze(tx, draft, processor=_processor(request))
    current = await signup_versions.published(tx, found.public_key)
    lists = await mailing_lists.names(tx)
    known = await fields.many(tx)
    names = {**{key: i18n.translate(text) for key, text in signup_words.USUAL.items()}}
    names |= {one.key: one.label for one in known}
    url = links(request).form(tx.account_id, found.public_key)
    context = {
        "found": found,
        "values": values,
        "form": Form(values, faults),
        "base": _base(request, found.id),
        "missing": [(one.field, forms.text(one)) for one in await signup_versions.missing(tx, draft, frozen)],
        "frozen": frozen,
        "changed": current is not None and current.words != frozen,
        "url": url,
        "html": signup_html.embedded(current, address=url) if current else "",
        "field_names": names,
        "free_fields": _free(names, values["fields"], "key"),
        "list_names": {str(one.id): one.name for one in lists},
        "free_lists": _free({str(one.id): one.name for one in lists}, values["purposes"], "list_id"),
        "age_rules": [(key, i18n.translate(text, age=draft.minimum_age)) for key, text in AGE_RULES],
        "younger": [(key, i18n.translate(text)) for key, text in YOUNGER],
        "ages": [(age, str(age)) for age in range(signup_forms.YOUNGEST, signup_forms.OF_AGE + 1)],
        "mail": _mail(frozen),
        "versions": (await signup_versions.many(tx, found.id)).items[:20],
        "editor": access.member(request).role >= Role.EDITOR,
    }
    status = 200 if not faults else 409 if any(one.code == "revision" for one in faults) else 422
    return response.page(request, "lists/forms/edit.html", context, status=status)


def _mail(words: Frozen) -> list[str]:
    """The mail that asks to confirm, with the words of sending/templates/mail/confirm_sign_up.txt."""
    names = {"list": ", ".join(one.list_name for one in words.purposes), "sender": words.controller}
    with i18n.speaking(words.language):
        return [
            i18n.translate("Confirm your subscription to “{list}”", list=names["list"]),
            i18n.translate("Hello, someone asked that this address receive “{list}” from {sender}.", **names),
            f"{i18n.translate('If it was you, confirm:')} [{i18n.translate('See and confirm')}]",
            i18n.translate(
                "If not, do nothing: no other message will follow and the address will be erased within 30"
                " days."
            ),
        ]


def _free(names: dict[str, str], rows: list[dict[str, Any]], key: str) -> list[tuple[str, str]]:
    """What is not in the form yet, for a select."""
    used = {str(row.get(key)) for row in rows}
    return [(name, text) for name, text in names.items() if name not in used]


async def save(request: web.Request) -> web.Response:
    """Saves the draft; a button may move a row on the way, or publish afterwards."""
    form_id = id_in_path(request)
    posted = await form_of(request)
    wish = (posted.get("do") or ["save"])[0]
    values = form_builder.read(posted)
    place = form_builder.act(values, posted, wish)
    version = (posted.get("version") or [""])[0]
    revision = int(version) if version.isascii() and version.isdigit() and len(version) < 10 else None
    try:
        async with access.account_tx(request, Role.EDITOR) as tx:
            await signup_forms.show(tx, form_id)
            saved = await signup_forms.write(tx, form_id, check(Draft, values), revision=revision)
    except Invalid as error:
        if request.headers.get("X-Autosave"):
            return response.json({}, status=error.status)
        async with access.account_tx(request, Role.EDITOR) as tx:
            found = await signup_forms.show(tx, form_id)
            return await _builder(request, tx, found, values, faults=error.faults)
    if request.headers.get("X-Autosave"):
        return response.json({"version": saved.revision})
    if wish == "publish":
        return await _publish(request, form_id)
    if not place:
        await access.flash(request, N_("Saved."))
    return response.redirect(_base(request, form_id) + (f"#{place}" if place else ""))


async def publish(request: web.Request) -> web.Response:
    return await _publish(request, id_in_path(request))


async def _publish(request: web.Request, form_id: int) -> web.Response:
    try:
        async with access.account_tx(request, Role.EDITOR) as tx:
            await signup_versions.publish(tx, form_id, processor=_processor(request))
    except Invalid as error:
        async with access.account_tx(request, Role.EDITOR) as tx:
            found = await signup_forms.show(tx, form_id)
            return await _builder(request, tx, found, found.content.model_dump(), faults=error.faults)
    await access.flash(request, N_("The form is published: its page is open, and its HTML can be copied."))
    return response.redirect(_base(request, form_id))


async def unpublish(request: web.Request) -> web.Response:
    async with access.account_tx(request, Role.EDITOR) as tx:
        await signup_versions.unpublish(tx, id_in_path(request))
    await access.flash(request, N_("The page is closed. Links that were mailed go on working."))
    return response.redirect(_base(request, id_in_path(request)))


async def frame(request: web.Request) -> web.Response:
    """The preview stands on the recipients' address, for the next hour."""
    async with access.account_tx(request) as tx:
        found = await signup_forms.show(tx, id_in_path(request))
    expires = int(clock.now().timestamp()) + PREVIEW_MINUTES * 60
    account_id = access.member(request).account_id
    # on one origin a path: a reader may have come by another name of this host
    settings = services(request).settings
    base = "" if settings.track_url == settings.public_url else settings.track_url
    there = Links(services(request).tokens, base)
    return response.redirect(there.form_preview(account_id, found.id, expires=expires))


async def version(request: web.Request) -> web.Response:
    """What people read in that version, word for word: a proof of consent names it (B-25)."""
    async with access.account_tx(request) as tx:
        found = await signup_forms.show(tx, id_in_path(request))
        shown = await signup_versions.publication(tx, found.id, id_in_path(request, "version"))
        words = await signup_versions.of_version(tx, found.id, shown.version)
    context = {"found": found, "base": _base(request, found.id), "shown": shown, "words": words}
    return response.page(request, "lists/forms/version.html", context)


async def deletion(request: web.Request) -> web.Response:
    async with access.account_tx(request, Role.EDITOR) as tx:
        found = await signup_forms.show(tx, id_in_path(request))
    context = {"found": found, "form": Form(), "base": _base(request, found.id)}
    return response.page(request, "lists/forms/delete.html", context)


async def delete(request: web.Request) -> web.Response:
    async with access.account_tx(request, Role.EDITOR) as tx:
        await signup_forms.delete(tx, id_in_path(request))
    await access.flash(request, N_("The form is deleted. The proofs of consent keep its words."))
    return response.redirect(f"{home(request)}/forms")


ROUTES: list[web.RouteDef] = [
    web.get("/{a}/forms", index),
    web.post("/{a}/forms", create),
    web.get("/{a}/forms/new", new),
    web.get("/{a}/forms/{id}", show),
    web.post("/{a}/forms/{id}", save),
    web.get("/{a}/forms/{id}/frame", frame),
    web.post("/{a}/forms/{id}/publications", publish),
    web.post("/{a}/forms/{id}/withdrawals", unpublish),
    web.get("/{a}/forms/{id}/versions/{version}", version),
    web.get("/{a}/forms/{id}/deletion", deletion),
    web.post("/{a}/forms/{id}/deletion", delete),
]
