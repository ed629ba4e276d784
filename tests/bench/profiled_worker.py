"""A process under cProfile (the thread of its event loop): python -m tests.bench.profiled_worker FILE [web]"""

import cProfile
import sys

import mailer.serve  # noqa: F401 (its imports are not what is measured)
from mailer.cli import main

if __name__ == "__main__":
    profile = cProfile.Profile()
    try:
        profile.runcall(main, sys.argv[2:] or ["worker"])
    finally:
        profile.dump_stats(sys.argv[1])
