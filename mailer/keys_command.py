"""`mailer keys status | rotate`: what is still sealed under an old secret, and sealing it again (E-37)."""

import argparse
import json
import sys

from mailer.core import sealed_columns
from mailer.core.db import open_database
from mailer.core.sealed_columns import Tally
from mailer.core.sealing import Sealer
from mailer.core.settings import Settings


async def run(settings: Settings, args: argparse.Namespace) -> int:
    """1 when something is left, under an old secret or under one that nobody has given."""
    sealer = Sealer(settings.key, settings.old_keys)
    done: dict[str, int] = {}
    async with open_database(settings.database_url, size=2) as db:
        if args.act == "rotate":
            async for title, rows in sealed_columns.again(db, sealer):
                done[title] = done.get(title, 0) + rows
                print(f"{title}: {done[title]} sealed again", file=sys.stderr, flush=True)
        left = await sealed_columns.count(db, sealer)
    if args.json:
        print(json.dumps({"sealed_again": done, "left": {one: [t.old, t.lost] for one, t in left.items()}}))
    else:
        print("\n".join(_told(left)))
    return 1 if left else 0


def _told(left: dict[str, Tally]) -> list[str]:
    old = {title: tally.old for title, tally in left.items() if tally.old}
    lost = {title: tally.lost for title, tally in left.items() if tally.lost}
    said = [f"{title}: {n} under an old secret" for title, n in old.items()]
    said += [f"{title}: {n} under a secret that is not here" for title, n in lost.items()]
    if old:
        said.append("Restart every process with the new MAILER_SECRET_KEY, then call `mailer keys rotate`.")
    if lost:
        said.append("Add the secret of that time to MAILER_OLD_SECRET_KEYS; without it these are lost.")
    if not left:
        said.append(
            "Everything is sealed under MAILER_SECRET_KEY: MAILER_OLD_SECRET_KEYS may be removed."
            " Keep the old secret elsewhere until the backups made under it are gone (30 days)."
        )
    return said
