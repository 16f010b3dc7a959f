"""Ends what a killed supervisor leaves behind.

Runs beside the supervisor, reading the process groups that it starts ("+123") and ends ("-123") from a pipe. The
pipe's end is the supervisor's end, however it came: whatever still runs then is ended too. (The kernel's own
PR_SET_PDEATHSIG follows the thread that started a child, not the process, so it does not fit a supervisor that
starts its parts from threads.)
"""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Iterable


def groups_left(lines: Iterable[str]) -> set[int]:
    """The process groups started and not ended, once the lines end."""
    running: set[int] = set()
    for line in lines:
        sign, pid = line[:1], int(line[1:])
        (running.add if sign == "+" else running.discard)(pid)
    return running


def end(groups: Iterable[int], *, patience: float = 2) -> None:
    """End process groups: politely, then for certain."""
    left = set(groups)
    for signum in (signal.SIGTERM, signal.SIGKILL):
        left = {group for group in left if _signal(group, signum)}
        deadline = time.monotonic() + patience
        while left and time.monotonic() < deadline:
            time.sleep(0.05)
            left = {group for group in left if _signal(group, 0)}


def _signal(group: int, signum: int) -> bool:
    try:
        os.killpg(group, signum)
    except ProcessLookupError:
        return False
    return True


if __name__ == "__main__":
    end(groups_left(sys.stdin))
