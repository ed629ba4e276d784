"""A worker under cProfile, its event loop's thread by processor time: python -m tests.bench.profiled_worker FILE"""

import cProfile
import sys
import time

import mailer.serve  # noqa: F401 (not to be measured)
from mailer.cli import main

if __name__ == "__main__":
    profile = cProfile.Profile(time.thread_time)
    try:
        profile.runcall(main, ["worker"])
    finally:
        profile.dump_stats(sys.argv[1])
