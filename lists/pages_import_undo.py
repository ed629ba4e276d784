"""Undoing an import: how many first, the number written by hand, progress, result; and starting again."""

from aiohttp import web

from lists import import_columns, import_undo, import_upload, imports
from lists.csv_detect import Detected, Unreadable
from lists.imports import Import, State
from lists.pages_import_runs import live
from lists.pages_imports import home, place
from mailer.accounts import access
from mailer.accounts.access import Role
from mailer.core.errors import Conflict, Invalid, fault
from mailer.web import forms, response
from mailer.web.forms import Form
from mailer.web.request import Input, id_in_path, read, services


class Typed(Input):
    typed: str = ""


async def undo(request: web.Request) -> web.Response:
    return await _page(request, Form())


async def _page(request: web.Request, form: Form) -> web.Response:
    async with access.account_tx(request) as tx:
        job = await imports.show(tx, id_in_path(request))
        preview, refused = None, None
        try:
            if job.state == State.DONE:
                preview = await import_undo.preview(tx, job.id)
        except Conflict as error:
            refused = error.faults[0]
    if job.state not in (State.DONE, State.UNDOING, State.UNDONE):
        return response.redirect(home(request) + place(job))
    context = {
        "job": job,
        "form": form,
        "preview": preview,
        "refused": refused,
        "typed_from": import_undo.TYPED_FROM,
        "live": live(job),
        "base": home(request) + f"/imports/{job.id}",
        "restartable": bool(job.size),
    }
    return response.page(request, "lists/imports/undo.html", context, status=422 if form.faults else 200)


async def start(request: web.Request) -> web.Response:
    """*Undo the import of {n} rows*."""
    try:
        asked = await read(request, Typed)
        async with access.account_tx(request, Role.EDITOR) as tx:
            await import_undo.start(tx, id_in_path(request), typed=asked.typed)
    except Conflict:
        return response.redirect(f"{home(request)}/imports/{id_in_path(request)}/undo")
    except Invalid as error:
        return await _page(request, await forms.again(request, error))
    return response.redirect(f"{home(request)}/imports/{id_in_path(request)}/undo")


async def restart(request: web.Request) -> web.Response:
    """*Start again with this file*: the columns page opens with the earlier choice."""
    async with access.account_tx(request, Role.EDITOR) as tx:
        job = await imports.show(tx, id_in_path(request))
    detected = await _look(request, job)
    async with access.account_tx(request, Role.EDITOR) as tx:
        new_id = await import_columns.start_again(tx, job.id, detected)
    return response.redirect(f"{home(request)}/imports/{new_id}/mapping")


async def _look(request: web.Request, job: Import) -> Detected:
    try:
        return await import_upload.look(
            services(request).db,
            access.member(request).account_id,
            job.original_file_id or job.file_id or 0,
            encoding=job.encoding,
            delimiter=job.delimiter,
            sheet=job.sheet,
        )
    except Unreadable as error:
        raise fault("file", error.message, code=error.code) from error


ROUTES = [
    web.get("/{a}/imports/{id}/undo", undo),
    web.post("/{a}/imports/{id}/undo", start),
    web.post("/{a}/imports/{id}/restarts", restart),
]
