"""The retention page: each class of data, how long it is kept, its oldest row, the proof that it is so."""

from dataclasses import dataclass
from datetime import datetime

from aiohttp import web

from lists import legal_holds
from mailer.accounts import access
from mailer.accounts.access import Role
from mailer.core import clock
from mailer.core.db import AccountTx
from mailer.core.text import N_
from mailer.web import forms
from mailer.web.request import Input, query, read, services
from mailer.web.response import page, redirect
from retention_jobs import chain, pages_impact, pages_inactive, pages_privacy_policy, proofs, totals, verify
from retention_jobs.ages import ALLOWED, Found
from retention_jobs.data_class import DataClass
from retention_jobs.jobs import PERIOD
from retention_jobs.policies import SHOWN
from retention_jobs.verify import RECORD, Pass, Verdict

# what verify says of a chain, for people
FAULTS = {
    "missing_before": N_("Record {n}: the one before it is missing, or the order was changed."),
    "altered": N_("Record {n} was altered after it was written."),
    "signature": N_("Record {n} is not signed by a key of this installation."),
    "moved": N_("Record {n} says another number, account or time than where it stands."),
    "not_chained": N_("Record {n} does not follow the one before it."),
    "end_missing": N_("The last records are missing."),
}


@dataclass(frozen=True, slots=True)
class Row:
    """`late_since`: since when its rule or its oldest row is late. `timed`: something is erased by age."""

    name: str
    kind: DataClass
    last: Pass | None
    oldest: datetime | None
    next_at: datetime | None
    late_since: datetime | None


class RetentionQuery(Input):
    verified: bool = False


class Wanted(Input):
    keep_totals: bool = False


def rows(verdict: Verdict, ran: dict[str, Pass]) -> list[Row]:
    """A line of the page for each class that it shows."""
    found = {one.name: one for one in verdict.found}
    return [_row(name, kind, verdict, found.get(name), ran.get(kind.rule)) for name, kind in SHOWN.items()]


def _row(name: str, kind: DataClass, verdict: Verdict, found: Found | None, last: Pass | None) -> Row:
    late: list[datetime] = []
    if kind.rule in verdict.late:
        late.append((verdict.late[kind.rule] or verdict.at) + ALLOWED)
    if found and found.overdue and found.oldest:
        late.append(found.oldest + (verdict.at - found.before))
    return Row(
        name=name,
        kind=kind,
        last=last,
        oldest=found.oldest if found else None,
        next_at=max(last.last_run_at + PERIOD, verdict.at) if last else None,
        late_since=min([*late, verdict.at]) if late else None,
    )


async def retention(request: web.Request) -> web.Response:
    """With `verified` the whole chain is read as well."""
    asked = query(request, RetentionQuery)
    now = clock.now()
    async with access.account_tx(request) as tx:
        verdict = await verify.glance(tx, now)
        context = await _context(tx, verdict)
        context["owner"] = access.member(request).role >= Role.OWNER
        account_id = tx.account_id
    context |= {"whole": None, "faults": [], "no_record": False}
    if asked.verified:
        whole = await verify.of_account(services(request).db, account_id, now)
        faults = [(FAULTS[one.code], one.n) for one in whole.faults[:20]]
        context |= {"whole": whole, "faults": faults, "no_record": RECORD in whole.late}
    return page(request, "retention_jobs/retention.html", context)


async def _context(tx: AccountTx, verdict: Verdict) -> dict[str, object]:
    found = rows(verdict, await verify.passes(tx))
    created: datetime = await tx.shared().value(
        "SELECT created_at FROM accounts WHERE id = $1", tx.account_id
    )
    return {
        "rows": found,
        "late": [row for row in found if row.late_since],
        "ran": any(row.last for row in found),
        "first_at": max(created, verdict.at) + PERIOD,
        "proof": await proofs.last(tx),
        "form": forms.filled({"keep_totals": "true" if await totals.kept(tx) else ""}),
        "keeps": await totals.kept(tx),
        "holds": await legal_holds.in_force(tx, verdict.at),
    }


async def check(request: web.Request) -> web.Response:
    """*Verify now*: a page of its own to come back to."""
    account_id = access.member(request).account_id
    return redirect(f"/app/{account_id}/privacy/retention?verified=true#verified")


async def choose(request: web.Request) -> web.Response:
    wanted = await read(request, Wanted)
    async with access.account_tx(request, Role.OWNER) as tx:
        await totals.keep(tx, wanted.keep_totals)
        account_id = tx.account_id
    await access.flash(request, N_("Choice saved. It holds from the next run on."))
    return redirect(f"/app/{account_id}/privacy/retention")


async def download(request: web.Request) -> web.StreamResponse:
    """The chain as JSON lines, page by page, so that its length costs no memory."""
    account_id = access.member(request).account_id
    answer = web.StreamResponse(
        headers={
            "Content-Type": "application/x-ndjson",
            "Content-Disposition": f'attachment; filename="retention-proof-{account_id}.ndjson"',
            "Cache-Control": "no-store",
        }
    )
    n = 0
    while True:
        async with access.account_tx(request) as tx:
            found = await proofs.after(tx, n)
        if not answer.prepared:
            await answer.prepare(request)
        await answer.write(b"".join(chain.line(one) for one in found))
        if len(found) < proofs.READ:
            break
        n = found[-1].n
    await answer.write_eof()
    return answer


ROUTES: list[web.RouteDef] = [
    web.get("/{a}/privacy/retention", retention),
    web.post("/{a}/privacy/retention", choose),
    web.post("/{a}/privacy/retention/verifications", check),
    web.get("/{a}/privacy/retention/proof.ndjson", download),
    *pages_inactive.ROUTES,
    *pages_privacy_policy.ROUTES,
    *pages_impact.ROUTES,
]
