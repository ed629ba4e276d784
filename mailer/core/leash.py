"""Runs a command that cannot outlive the process that asked for it.

    python -I -S leash.py SIGNAL PARENT USER GROUP COMMAND…

Run by path as a small program of its own (standard library only): the parent may have threads, and Python
code between fork and exec is unsafe there. USER and GROUP are numbers, or -1 for "stay who we are".
"""

import ctypes
import os
import sys
from pathlib import Path

PR_SET_PDEATHSIG = 1


def command(argv: list[str], *, death_signal: int, user: int = -1, group: int = -1) -> list[str]:
    """argv → the same command on a leash: it receives `death_signal` when the calling process dies."""
    numbers = [str(death_signal), str(os.getpid()), str(user), str(group)]
    return [sys.executable, "-I", "-S", str(Path(__file__).resolve()), *numbers, *argv]


def hold(death_signal: int, parent: int) -> None:
    """Ask the kernel for `death_signal` at the parent's death; end now when it is dead already."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, death_signal, 0, 0, 0)
    # prctl(2) says nothing of a parent that died before the call: only getppid() tells.
    if os.getppid() != parent:
        os._exit(0)


def main(argv: list[str]) -> None:
    death_signal, parent, user, group = (int(word) for word in argv[:4])
    if user >= 0:
        os.setgroups([])
        os.setgid(group)
        os.setuid(user)
    # After setuid: a change of credentials clears the setting (prctl(2), PR_SET_PDEATHSIG); execve keeps it.
    hold(death_signal, parent)
    os.execv(argv[4], argv[4:])  # noqa: S606 - no shell is wanted


if __name__ == "__main__":
    main(sys.argv[1:])
