"""`mailer account take-over`: an exported archive of an account, from anywhere, into one that is here."""

import argparse
import dataclasses
import json
from pathlib import Path

from lists import take_over
from mailer.core.services import open_services
from mailer.core.settings import Settings


async def run(settings: Settings, args: argparse.Namespace) -> int:
    """Raises NotFound for an account that is not there, and what take_over raises."""
    async with open_services(settings, pool_size=2) as services:
        taken = await take_over.run(services.db, services.sealer, args.account, Path(args.archive))
    figures = dataclasses.asdict(taken)
    print(json.dumps(figures) if args.json else "\n".join(f"{name:14} {n}" for name, n in figures.items()))
    return 0
