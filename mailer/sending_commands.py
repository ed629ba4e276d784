"""`mailer sending status | hold | erase-again | resume`: an operator's part after a database was put back."""

import argparse
import json
from pathlib import Path

from mailer.core import restores
from mailer.core.errors import Conflict, Fault
from mailer.core.restores import Installation
from mailer.core.services import open_services
from mailer.core.settings import Settings
from mailer.core.text import N_
from retention_jobs import jobs_backups

REASONS = {
    "behind": "the database is behind what Valkey or a data folder knows: it was put back",
    "copy": "the database was restored from a backup",
    "operator": "an operator asked for it",
}


async def run(settings: Settings, args: argparse.Namespace) -> int:
    """Raises Conflict when nothing is held and it should be resumed."""
    async with open_services(settings, pool_size=2) as services:
        match args.act:
            case "hold":
                found = await restores.hold(services)
            case "erase-again":
                if await jobs_backups.from_places(services, [Path(args.folder)]) is None:
                    raise Conflict(Fault("status", N_("Sending is not held."), "state"))
                async with services.db.shared() as tx:
                    found = await restores.show(tx)
            case "resume":
                found = await restores.resume(services, begun=args.begun)
            case _:
                await restores.may_send(services)
                async with services.db.shared() as tx:
                    found = await restores.show(tx)
    print(json.dumps(_figures(found)) if args.json else "\n".join(_told(found)))
    return 0


def _figures(found: Installation) -> dict[str, object]:
    return {
        "held": found.held,
        "reason": found.held_reason,
        "since": found.held_since.isoformat() if found.held_since else None,
        "database_of": found.marked_at.isoformat(),
        "known_until": found.known_at.isoformat() if found.known_at else None,
        "campaigns_waiting": found.waiting,
        "campaigns_begun": found.begun,
        "unsubscribes_put_back": found.replayed,
        "erasures_put_back": found.erased_again,
    }


def _told(found: Installation) -> list[str]:
    if not found.held:
        return ["Sending is not held."]
    known = f"{found.known_at:%Y-%m-%d %H:%M:%S} UTC" if found.known_at else "unknown"
    back = "not looked for yet" if found.replayed is None else str(found.replayed)
    return [
        f"Sending is held since {found.held_since:%Y-%m-%d %H:%M:%S} UTC: {REASONS[found.held_reason]}.",
        f"The database is as it was at   {found.marked_at:%Y-%m-%d %H:%M:%S} UTC",
        f"Known outside of it until      {known}",
        f"Campaigns that wait            {found.waiting}",
        f"Campaigns that had begun       {found.begun}",
        f"Unsubscribes put back          {back}",
        f"Erasures and refusals redone   {_erased(found)}",
        "",
        "Not known: what left between the two times, changes and imports of that time, and whatever the",
        "journal beside the backups and the queue did not keep. Enter what you know of them, then confirm",
        "with `mailer sending resume`. With --begun, campaigns that had begun go on too: whoever got them",
        "since gets them twice.",
    ]


def _erased(found: Installation) -> str:
    if found.erased_again is not None:
        return str(found.erased_again)
    return "not looked for yet: start a worker, or `mailer sending erase-again FOLDER`"
