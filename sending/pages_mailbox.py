"""The page of the mailbox that reports come to: where it is, and what stands in the way."""

from aiohttp import web

from mailer.accounts import access
from mailer.accounts.access import Role
from mailer.core.errors import Invalid
from mailer.core.rate import Limit
from mailer.core.text import N_
from mailer.web import forms, i18n, response
from mailer.web.forms import Form
from mailer.web.request import rates, read, services
from sending import mailbox_polls, report_mailboxes
from sending.report_mailboxes import NewMailbox, ReportMailbox

# of an account; else saving would be a way to look for machines
TRIES = Limit("imap_tests", 20, 600)
TLS_WORDS = {
    "implicit": N_("TLS from the start (port 993)"),
    "starttls": N_("STARTTLS (port 143)"),
}


def _home(request: web.Request) -> str:
    return f"/app/{access.member(request).account_id}/senders/mailbox"


async def show(request: web.Request) -> web.Response:
    async with access.account_tx(request, Role.MANAGER) as tx:
        found = await report_mailboxes.find(tx)
    empty = {"host": "", "port": 993, "tls": "implicit", "username": "", "folder": "INBOX", "done_folder": ""}
    return _show(request, found, forms.filled(found or empty))


def _show(
    request: web.Request, found: ReportMailbox | None, form: Form, *, status: int = 200
) -> web.Response:
    context = {
        "mailbox": found,
        "form": form,
        "options": [(value, i18n.translate(words)) for value, words in TLS_WORDS.items()],
        "ports": [("993", "993"), ("143", "143")],
        "problem": i18n.translate(report_mailboxes.ERRORS[found.last_error])
        if found and found.last_error in report_mailboxes.ERRORS
        else "",
    }
    return response.page(request, "sending/mailbox/show.html", context, status=status)


async def save(request: web.Request) -> web.Response:
    """Signed in to before it is saved; no transaction is open meanwhile."""
    access.need_fresh_password(request)
    held = services(request)
    async with access.account_tx(request, Role.MANAGER) as tx:
        before = await report_mailboxes.find(tx)
    try:
        new = await read(request, NewMailbox)
        await report_mailboxes.look_up(held, new.host, new.port)
        async with access.account_tx(request, Role.MANAGER) as tx:
            given = await report_mailboxes.access(tx, held.sealer, new)
        await rates(request).take(TRIES, str(tx.account_id))
        await mailbox_polls.check(held, given)
        async with access.account_tx(request, Role.MANAGER) as tx:
            await report_mailboxes.save(tx, held.sealer, given)
    except Invalid as error:
        return _show(request, before, await forms.again(request, error), status=error.status)
    await access.flash(request, N_("Saved. The mailbox is read each minute."))
    return response.redirect(_home(request))


async def ask_delete(request: web.Request) -> web.Response:
    async with access.account_tx(request, Role.MANAGER) as tx:
        found = await report_mailboxes.show(tx)
    return response.page(request, "sending/mailbox/delete.html", {"mailbox": found, "form": Form()})


async def delete(request: web.Request) -> web.Response:
    access.need_fresh_password(request)
    async with access.account_tx(request, Role.MANAGER) as tx:
        await report_mailboxes.delete(tx)
    await access.flash(request, N_("The mailbox is read no more. Its mails stay where they are."))
    return response.redirect(f"/app/{access.member(request).account_id}/senders/servers")


ROUTES: list[web.RouteDef] = [
    web.get("/{a}/senders/mailbox", show),
    web.post("/{a}/senders/mailbox", save),
    web.get("/{a}/senders/mailbox/deletion", ask_delete),
    web.post("/{a}/senders/mailbox/deletion", delete),
]
