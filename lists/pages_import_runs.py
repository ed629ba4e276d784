"""The import wizard, second half: counting, importing, the report; live by asking again each second."""

from dataclasses import dataclass

from aiohttp import web
from pydantic import Field

from lists import import_fates, import_report, import_start, import_undo, imports, mailing_lists
from lists.address_flags import Flag
from lists.api_lists import stream
from lists.import_fates import Fate
from lists.import_report import Progress
from lists.imports import LEAVING, Import, State
from lists.pages_imports import home, place, steps
from mailer.accounts import access
from mailer.accounts.access import Role
from mailer.core.addresses import meant_domain
from mailer.core.db import AccountTx
from mailer.core.errors import Fault, Invalid, NotFound
from mailer.core.forbidden_data import NAME_REFUSED
from mailer.core.text import N_
from mailer.web import i18n, response
from mailer.web.request import Input, id_in_path, query
from mailer.web.request import check as check_values

# the rows of both tables in their order (ui 2.4), with what a row means
FATES = {
    Fate.CREATED: N_("Created"),
    Fate.UPDATED: N_("Updated"),
    Fate.UNSUBSCRIBED: N_("Unsubscribed"),
    Fate.REMOVED: N_("Removed from the list"),
    Fate.UNCHANGED: N_("Unchanged"),
    Fate.REFUSED: N_("Refusals respected"),
    "opted_out": N_("Refusals taken over from the file"),
    "doubles": N_("Doubles in the file"),
    "errors": N_("In error"),
    Fate.SET_ASIDE: N_("Set aside: no such contact"),
}


# D-84: why they are worth a look
FLAGS = {
    Flag.ROLE: N_(
        "contact@, info@, noreply@ …: several people or nobody reads them, and complaints come sooner."
    ),
    Flag.DISPOSABLE: N_("Mailboxes that live for minutes: mail to them bounces or stays unread."),
    Flag.TYPO: N_(
        "Like gamil.com for gmail.com: the mail goes to a stranger or a trap. Correct them in your file."
    ),
}
OF_FLAGS: dict[str, str] = {
    Flag.ROLE: N_("Office addresses"),
    Flag.DISPOSABLE: N_("Disposable addresses"),
    Flag.TYPO: N_("Addresses that look mistyped"),
}


class LeaveOuts(Input):
    leave_out: list[Flag] = Field(default=[], max_length=len(Flag))


@dataclass(frozen=True, slots=True)
class Flagged:
    """A box of the check page."""

    name: str
    text: str
    help: str
    left_out: bool


def flagged(job: Import) -> list[Flagged]:
    return [
        Flagged(flag, _counted(flag, n), i18n.translate(text), flag in job.choices.leave_out)
        for flag, text in FLAGS.items()
        if (n := job.counts.get(flag, 0))
    ]


def _counted(flag: Flag, n: int) -> str:
    match flag:
        case Flag.ROLE:
            return i18n.ntranslate("{n} office address", "{n} office addresses", n)
        case Flag.DISPOSABLE:
            return i18n.ntranslate("{n} disposable address", "{n} disposable addresses", n)
        case Flag.TYPO:
            return i18n.ntranslate("{n} address that looks mistyped", "{n} addresses that look mistyped", n)


def closed(job: Import) -> list[tuple[str, str]]:
    """Columns that are not imported, with the reason's msgid."""
    return [(job.header[n], NAME_REFUSED[kind]) for n, kind in job.closed_columns.items()]


class Of(Input):
    """Which count to show examples of."""

    of: str = ""


@dataclass(frozen=True, slots=True)
class Example:
    line: int
    text: str
    why: str


@dataclass(frozen=True, slots=True)
class Live:
    """Progress in words. `said` changes at each quarter only, so that a screen reader is not flooded."""

    progress: Progress
    text: str
    said: str


def live(job: Import) -> Live:
    now = import_report.progress(job)
    if job.to_turn and job.state == State.CHECKING:
        text = i18n.translate(N_("Reading the file: line {n}"), n=job.lines_turned)
        return Live(now, text, i18n.translate(N_("Reading the file")))
    if not now.done:
        text = i18n.translate(N_("It begins in a moment."))
        return Live(now, text, text)
    text = i18n.translate(
        N_("{done} of {total} rows, {rate} a second"), done=now.done, total=now.total, rate=now.per_second
    )
    if now.seconds_left is not None:
        text = i18n.translate(
            N_("{done} of {total} rows, {rate} a second, {left} left"),
            done=now.done,
            total=now.total,
            rate=now.per_second,
            left=duration(now.seconds_left),
        )
    said = i18n.translate(N_("{percent} percent done"), percent=now.quarter)
    return Live(now, text, said)


def duration(seconds: int) -> str:
    """`2 min 10 s`; `1 h 05` (ui 3.8)."""
    minutes, rest = divmod(seconds, 60)
    if minutes >= 60:
        hours, minutes = divmod(minutes, 60)
        return i18n.translate(N_("{h} h {m} min"), h=hours, m=f"{minutes:02d}")
    if minutes:
        return i18n.translate(N_("{m} min {s} s"), m=minutes, s=rest)
    return i18n.translate(N_("{s} s"), s=rest)


def balance(job: Import, base: str = "") -> list[tuple[str, int, str, str]]:
    """Rows for the macro; the parts add up to the rows of the file. `base`: where examples are shown."""
    rows = []
    shown = {*import_fates.possible(job.choices.mode), "doubles", "errors"}
    if job.counts.get("opted_out"):
        shown.add("opted_out")
    for fate, text in FATES.items():
        if fate not in shown:
            continue
        n = job.counts.get(fate, 0)
        href = f"{base}?of={fate}#examples" if base and n and fate != "opted_out" else ""
        rows.append((i18n.translate(text), n, href, ""))
    total = job.counts.get("rows", job.rows_read)
    return [*rows, (i18n.translate(N_("Rows in the file")), total, "", "total")]


async def check(request: web.Request) -> web.Response:
    asked = query(request, Of)
    async with access.account_tx(request) as tx:
        job = await imports.show(tx, id_in_path(request))
        examples = await _examples(tx, job, asked.of) if job.state == State.CHECKED else []
    if job.state not in (State.CHECKING, State.CHECKED, State.FAILED, State.CANCELLED):
        return response.redirect(home(request) + place(job))
    base = home(request) + place(job, "check")
    context = {
        "job": job,
        "base": home(request) + f"/imports/{job.id}",
        "steps": steps(request, job, "check"),
        "live": live(job),
        "balance": balance(job, base),
        "count": import_fates.changes(job.counts),
        "mode": job.choices.mode,
        "refused": job.counts.get(Fate.REFUSED, 0),
        "closed": closed(job),
        "flagged": flagged(job),
        "opted_out": job.counts.get("opted_out", 0),
        "of": FATES.get(asked.of) or OF_FLAGS.get(asked.of, ""),
        "examples": examples,
        "failure": import_report.failure(job),
    }
    return response.page(request, "lists/imports/check.html", context)


async def _examples(tx: AccountTx, job: Import, of: str) -> list[Example]:
    if of in ("errors", "doubles"):
        doubles = of == "doubles"
        found = await (import_report.doubles(tx, job) if doubles else import_report.rejected(tx, job.id))
        return [
            Example(
                row.line,
                ", ".join(part for part in (row.column_name, row.value) if part),
                i18n.translate(row.message, **row.params),
            )
            for row in found
        ]
    if of not in set(Fate) | set(Flag):
        return []
    return [
        Example(row.line, row.email, _meant(row.email) if of == Flag.TYPO else _name(row))
        for row in await import_report.examples(tx, job, of)
    ]


def _name(row: import_report.Example) -> str:
    return f"{row.first_name or ''} {row.last_name or ''}".strip()


def _meant(email: str) -> str:
    meant = meant_domain(email.rpartition("@")[2].lower()) or ""
    return i18n.translate(N_("perhaps {address}"), address=f"{email.rpartition('@')[0]}@{meant}")


async def leave_out(request: web.Request) -> web.Response:
    """The rows are counted again, without the addresses that were ticked (D-84)."""
    sent = check_values(LeaveOuts, {"leave_out": (await request.post()).getall("leave_out", [])})
    async with access.account_tx(request, Role.EDITOR) as tx:
        job = await imports.show(tx, id_in_path(request))
        choices = job.choices.model_copy(update={"leave_out": sent.leave_out})
        await import_start.check(tx, job.id, choices, dry_run=True)
    return response.redirect(home(request) + place(job, "check"))


async def start(request: web.Request) -> web.Response:
    """*Import {n} contacts*. What changed since the check leads back to the options, with its reason."""
    refused: Fault | None = None
    async with access.account_tx(request, Role.EDITOR) as tx:
        job = await imports.show(tx, id_in_path(request))
        try:
            async with tx.savepoint():
                await import_start.run(tx, job.id)
        except Invalid as error:
            refused = error.faults[0]
    if refused is None:
        return response.redirect(home(request) + place(job, "run"))
    if job.state == State.CHECKED:
        await access.flash(request, refused.message, kind="danger", **refused.params)
        return response.redirect(home(request) + place(job, "options"))
    return response.redirect(home(request) + place(job))


async def run(request: web.Request) -> web.Response:
    async with access.account_tx(request) as tx:
        job = await imports.show(tx, id_in_path(request))
    if job.state != State.RUNNING:
        return response.redirect(home(request) + place(job))
    context = {"job": job, "steps": steps(request, job, "run"), "live": live(job)}
    return response.page(request, "lists/imports/run.html", context)


async def report(request: web.Request) -> web.Response:
    async with access.account_tx(request) as tx:
        job = await imports.show(tx, id_in_path(request))
        names = {one.id: one.name for one in await mailing_lists.names(tx)}
        rejects = await import_report.rejects_file(tx, job)
    if job.state != State.DONE:
        return response.redirect(home(request) + place(job))
    context = {
        "job": job,
        "base": home(request) + f"/imports/{job.id}",
        "steps": steps(request, job, "run"),
        "balance": balance(job),
        "lists": [
            (list_id, names[list_id])
            for list_id in job.choices.list_ids
            if list_id in names and job.choices.mode not in LEAVING
        ],
        "created": job.counts.get(Fate.CREATED, 0),
        "refused": job.counts.get(Fate.REFUSED, 0),
        "opted_out": job.counts.get("opted_out", 0),
        "errors": job.counts.get("errors", 0),
        "rows": job.counts.get("rows", 0),
        "rejects": rejects,
        "closed": closed(job),
        "undo_until": import_undo.until(job),
    }
    return response.page(request, "lists/imports/report.html", context)


async def rejects(request: web.Request) -> web.StreamResponse:
    async with access.account_tx(request) as tx:
        file = await import_report.rejects_file(tx, await imports.show(tx, id_in_path(request)))
    if file is None:
        raise NotFound
    return await stream(request, file, account_id=access.member(request).account_id)


async def cancel(request: web.Request) -> web.Response:
    async with access.account_tx(request, Role.EDITOR) as tx:
        await imports.cancel(tx, id_in_path(request))
    await access.flash(request, N_("Import cancelled. Its file is erased and nothing was imported."))
    return response.redirect(f"{home(request)}/imports")


ROUTES = [
    web.get("/{a}/imports/{id}/check", check),
    web.post("/{a}/imports/{id}/leave-outs", leave_out),
    web.post("/{a}/imports/{id}/runs", start),
    web.get("/{a}/imports/{id}/run", run),
    web.get("/{a}/imports/{id}/report", report),
    web.get("/{a}/imports/{id}/rejects", rejects),
    web.post("/{a}/imports/{id}/cancellations", cancel),
]
