"""Protocols taken one step at a time."""

from __future__ import annotations

from collections.abc import Collection

from shared.cloud.steps import Commit, Steps
from tests.stands.firestore_in_memory import FirestoreInMemory


class Actor:
    """One protocol, taken step by step. resend: the numbers of its commits that are sent twice, the first answer
    being lost."""

    def __init__(self, store: FirestoreInMemory, steps: Steps[object], resend: Collection[int] = ()) -> None:
        self.store, self.steps, self.resend = store, steps, resend
        self.step: object = next(steps)
        self.taken: list[object] = []
        self.ended, self.result = False, None

    def go(self) -> None:
        """Carry its next step out."""
        if self.ended:
            return
        answer = self.store.answer(self.step)
        if isinstance(self.step, Commit) and sum(isinstance(step, Commit) for step in self.taken) in self.resend:
            answer = self.store.answer(self.step)
        self.taken.append(self.step)
        try:
            self.step = self.steps.send(answer)
        except StopIteration as done:
            self.ended, self.result = True, done.value

    def finish(self) -> object:
        while not self.ended:
            self.go()
        return self.result
