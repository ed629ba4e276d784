"""Other processes as tests see them: by /proc, with nothing of the product's own code."""

import asyncio
import os
import socket
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ENVIRONMENT = {"PATH": "/usr/bin:/bin", "PYTHONPATH": os.pathsep.join([str(ROOT), *sys.path[1:]])}


def alive(folder: Path) -> dict[int, str]:
    """Processes that work inside `folder` or were told that it is their data folder: id → command line."""
    place = folder.resolve()
    told = f"MAILER_DATA_DIR={folder}".encode()
    found = {}
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        try:
            inside = (entry / "cwd").readlink().is_relative_to(place)
            if inside or told in (entry / "environ").read_bytes().split(b"\0"):
                found[int(entry.name)] = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode()
        except OSError:
            continue
    return found


async def gone(folder: Path) -> dict[int, str]:
    """Waits until nothing of `folder` is alive; what is left after 30 s."""
    for _ in range(300):
        if not alive(folder):
            return {}
        await asyncio.sleep(0.1)
    return alive(folder)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        number: int = probe.getsockname()[1]
        return number
