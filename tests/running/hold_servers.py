"""Runs the embedded servers on a folder until its input ends; prints their addresses: hold_servers.py FOLDER"""

import asyncio
import json
import sys
from dataclasses import asdict
from pathlib import Path

from mailer.core import embedded


async def main() -> None:
    async with embedded.run(Path(sys.argv[1])) as endpoints:
        print(json.dumps(asdict(endpoints)), flush=True)
        await asyncio.to_thread(sys.stdin.read)


asyncio.run(main())
