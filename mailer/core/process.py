"""How a process of the product gets along with the others on its machine, and with Python's collector."""

import gc
import os
from contextlib import suppress
from pathlib import Path

NICER = 5


def spare_the_collector() -> None:
    """What is loaded by now stays for ever: the collector need not look at it again with every mail or hit.

    Both are made of strings and short-lived containers, which counting references frees at once. A look at
    everything takes 160 ms (170,000 objects), during which nobody is answered.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)


def give_way() -> None:
    """Answers come before work: on a busy machine a worker gets what the web processes leave it."""
    os.nice(NICER)
    # where Linux weighs sessions against each other, a process' own weight counts inside its session alone
    # (sched(7), "The autogroup feature")
    with suppress(OSError):
        Path("/proc/self/autogroup").write_text(str(NICER))
