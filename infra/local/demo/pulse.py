"""The demo's pulse: says every few seconds how far it is, and remembers the most memory that its parts took."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from types import TracebackType

import httpx
from google.api_core.exceptions import GoogleAPIError

from infra.local import status
from infra.local.supervisor import Say, Watched

EVERY = 5.0  # seconds

SILENCE = (OSError, httpx.HTTPError, GoogleAPIError)
"""What it looks like when a part does not answer, or not in time."""

SoFar = Callable[[], str]


class Pulse:
    """Beats in a thread of its own while its block lasts. peak: MiB by part at the beat when they took most."""

    def __init__(self, say: Say, *, every: float = EVERY) -> None:
        self._say = say
        self._every = every
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._beat, daemon=True)
        self._parts: Collection[Watched] = ()
        self._telling: tuple[float, SoFar] | None = None
        self.peak: dict[str, int] = {}

    def __enter__(self) -> Pulse:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopped.set()
        self._thread.join()

    def watch(self, parts: Collection[Watched]) -> None:
        """From now on measure these parts."""
        self._parts = parts

    @contextmanager
    def telling(self, so_far: SoFar = lambda: "") -> Iterator[None]:
        """While the block lasts, say at each beat how long it has taken and what `so_far` answers."""
        self._telling = (time.monotonic(), so_far)
        try:
            yield
        finally:
            self._telling = None
            self.measure()

    def measure(self) -> None:
        """Measure now; the greatest sum stays."""
        taken = {row.name: row.memory // status.MIB for row in status.rows(self._parts) if row.memory}
        if sum(taken.values()) > sum(self.peak.values()):
            self.peak = taken

    def _beat(self) -> None:
        while not self._stopped.wait(self._every):
            self.measure()
            telling = self._telling
            if telling is None:
                continue
            began, so_far = telling
            if time.monotonic() - began < self._every / 2:
                continue  # it has only just been announced
            try:
                said = so_far()
            except SILENCE:
                said = "no answer yet"
            if self._telling is telling:  # else it has ended meanwhile
                self._say(f"  {time.monotonic() - began:.0f} s so far{said and ': ' + said}")
