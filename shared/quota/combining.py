"""Commits of one process's threads that wait for each other anyway go together.

While one commit is under way, those that come meanwhile gather; the next one carries them all. Each keeps its own
conditions and its own answer: if the whole is refused because one condition did not hold, each is sent alone.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from shared.quota.steps import ABSENT, Commit, Written

Answer = tuple[Written, ...] | None
Send = Callable[[Sequence[Commit]], list[tuple[Written, ...]] | None]
"""Sends commits as one; None when a condition of one of them did not hold."""

MOST = 32
"""Commits that go together; far below Firestore's limits for one request."""


@dataclass(eq=False)
class _Waiting:
    """One thread's commit. woken: it has its answer, or it is its turn to send."""

    commit: Commit
    woken: threading.Event = field(default_factory=threading.Event)
    answer: Answer = None
    error: Exception | None = None
    done: bool = False


class Combined:
    """Sends commits, several at a time when several wait."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._lock = threading.Lock()
        self._queue: list[_Waiting] = []
        self._busy = False

    def commit(self, commit: Commit) -> Answer:
        """As if sent alone. Raises what sending raised."""
        if not all(write.only_if in (None, ABSENT) for write in commit.writes):
            return self._alone(commit)  # likely to meet somebody: others must not suffer for it
        mine = _Waiting(commit)
        with self._lock:
            waits, self._busy = self._busy, True
            self._queue.append(mine)
        if waits:
            mine.woken.wait()
        if not mine.done:
            self._lead()
        if mine.error is not None:
            raise mine.error
        return mine.answer

    def _lead(self) -> None:
        with self._lock:
            together = _compatible(self._queue)
            self._queue = [one for one in self._queue if one not in together]
        try:
            self._answer(together)
        finally:
            with self._lock:
                following = self._queue[0] if self._queue else None
                self._busy = following is not None
            for one in together:
                one.done = True
                one.woken.set()
            if following is not None:
                following.woken.set()

    def _answer(self, together: list[_Waiting]) -> None:
        try:
            answers: Any = self._send([one.commit for one in together])
        except Exception as error:  # noqa: BLE001 - each thread raises it as its own
            for one in together:
                one.error = error
            return
        if answers is not None:
            for one, answer in zip(together, answers, strict=True):
                one.answer = answer
        elif len(together) > 1:
            for one in together:
                self._answer([one])

    def _alone(self, commit: Commit) -> Answer:
        answers = self._send([commit])
        return answers[0] if answers is not None else None


def _compatible(queue: Sequence[_Waiting]) -> list[_Waiting]:
    """The first that waits, and those that can go with it: Firestore creates a document once in a request."""
    created: set[str] = set()
    touched: set[str] = set()
    together = []
    for one in queue[:MOST]:
        paths = {write.path for write in one.commit.writes}
        new = {write.path for write in one.commit.writes if write.only_if is not None}
        if new & touched or paths & created:
            continue
        created |= new
        touched |= paths
        together.append(one)
    return together
