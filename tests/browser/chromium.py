"""The Chromium that tests drive: an installed one, or the one that `make test` unpacked into .cache."""

import os
from pathlib import Path

UNPACKED = Path(__file__).resolve().parents[2] / ".cache" / "chromium"
INSTALLED = Path("/usr/bin/chromium")


def executable_path() -> str:
    """Path of the program. Raises FileNotFoundError when `make test` has not fetched it."""
    for program in (UNPACKED / "chromium", INSTALLED):
        if program.is_file():
            return str(program)
    raise FileNotFoundError("No Chromium: run `make .cache/chromium/.ok`.")


def launch_args() -> list[str]:
    """Arguments that let it run without root's sandbox, without a display, and without calling anybody."""
    return [
        "--no-sandbox",
        "--no-zygote",
        "--disable-gpu",
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--disable-dev-shm-usage",
        "--font-render-hinting=none",
    ]


def environment() -> dict[str, str]:
    """Environment of the program: the unpacked one brings its own libraries and fonts."""
    if executable_path() == str(INSTALLED):
        return dict(os.environ)
    return os.environ | {
        "LD_LIBRARY_PATH": str(UNPACKED / "lib"),
        "FONTCONFIG_PATH": str(UNPACKED),
        "HOME": str(UNPACKED),
    }
