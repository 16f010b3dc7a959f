"""Waits for what comes by itself: as long as a slow and busy machine may take, and no longer."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

PATIENCE = 240.0
"""Seconds. Nothing takes so long; a test that waits less tells of its machine."""
Found = TypeVar("Found")


def eventually(find: Callable[[], Found], why: Callable[[], object] = str, *, every: float = 0.05) -> Found:
    """The first answer that is true. why: what to say when none comes. every: seconds between questions."""
    ends = time.monotonic() + PATIENCE
    while not (found := find()):
        assert time.monotonic() < ends, why()
        time.sleep(every)
    return found
