"""The retention page: each class of data, how long it is kept, when the rule last ran."""

from dataclasses import dataclass
from datetime import datetime

from aiohttp import web

from lists import legal_holds
from mailer.accounts import access
from mailer.core.db import AccountTx
from mailer.web.response import page
from retention_jobs import pages_inactive
from retention_jobs.jobs import LATE_AFTER, PERIOD
from retention_jobs.policies import POLICIES, Policy


@dataclass(frozen=True, slots=True)
class Pass:
    rule: str
    last_run_at: datetime
    deleted: int


@dataclass(frozen=True, slots=True)
class Row:
    """`late`: the rule should have run since."""

    policy: Policy
    last: Pass | None
    next_at: datetime | None
    late: bool


async def passes(tx: AccountTx) -> list[Pass]:
    return await tx.many(
        Pass, "SELECT rule, last_run_at, deleted FROM retention_passes WHERE account_id = $1"
    )


async def retention(request: web.Request) -> web.Response:
    from mailer.core import clock

    async with access.account_tx(request) as tx:
        found = {entry.rule: entry for entry in await passes(tx)}
        holds = await legal_holds.in_force(tx, clock.now())
    now = clock.now()
    rows = [
        Row(
            policy,
            last := found.get(policy.rule),
            last.last_run_at + PERIOD if last else None,
            last is not None and now - last.last_run_at > LATE_AFTER,
        )
        for policy in POLICIES
    ]
    return page(request, "retention_jobs/retention.html", {"rows": rows, "holds": holds})


ROUTES: list[web.RouteDef] = [web.get("/{a}/privacy/retention", retention), *pages_inactive.ROUTES]
