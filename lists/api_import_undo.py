"""JSON for programs: undoing an import within seven days."""

from dataclasses import dataclass
from datetime import datetime

from aiohttp import web

from lists import import_undo, imports
from lists.imports import Import, State
from mailer.accounts import access
from mailer.web.openapi import operation
from mailer.web.request import id_in_path
from mailer.web.response import json


@dataclass(frozen=True, slots=True, kw_only=True)
class UndoShown:
    """`state`: done while it can be undone, then undoing, undone. `erased`: made by the import and untouched;
    `restored`: as before it; `kept`: changed since, or mail to them is on its way. `exact` false: of a large
    import only the first part is counted beforehand."""

    state: State
    erased: int
    restored: int
    kept: int
    exact: bool
    until: datetime | None
    undone_at: datetime | None


def _shown(job: Import) -> UndoShown:
    counts = {name: job.undo_counts.get(name, 0) for name in ("erased", "restored", "kept")}
    return UndoShown(
        state=job.state, exact=job.state == State.UNDONE, until=None, undone_at=job.undone_at, **counts
    )


@operation(
    "What undoing an import would change, or has changed",
    returns=UndoShown,
    scope="imports:read",
    errors=(409,),
)
async def show(request: web.Request) -> web.Response:
    async with access.api_tx(request) as tx:
        job = await imports.show(tx, id_in_path(request))
        if job.state in (State.UNDOING, State.UNDONE):
            return json(_shown(job))
        found = await import_undo.preview(tx, job.id)
    return json(
        UndoShown(
            state=job.state,
            erased=found.outcome.erased,
            restored=found.outcome.restored,
            kept=found.outcome.kept,
            exact=found.exact,
            until=found.until,
            undone_at=None,
        )
    )


@operation(
    "Undo an import, in the background", returns=UndoShown, status=202, scope="imports:write", errors=(409,)
)
async def start(request: web.Request) -> web.Response:
    async with access.api_tx(request) as tx:
        import_id = id_in_path(request)
        await import_undo.start(tx, import_id)
        return json(_shown(await imports.show(tx, import_id)), status=202)


ROUTES = [
    web.get("/imports/{id}/undo", show),
    web.post("/imports/{id}/undo", start),
]
