"""What became of tasks: the emulator's memory for people and tests, not part of the emulated service."""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any

_KEPT = 20_000  # ended tasks that are remembered one by one; the counts go on


class End(StrEnum):
    """How a task left its queue."""

    FINISHED = "finished"  # a 2xx answer
    DROPPED = "dropped"  # attempts exhausted, or too old
    DELETED = "deleted"  # somebody deleted it
    PURGED = "purged"  # its queue was purged or deleted


@dataclass(frozen=True, kw_only=True)
class Ended:
    """One task's story: its attempts, and the last answer (HTTP status, or None and a reason)."""

    queue: str
    task: str
    end: End
    at: float
    attempts: int
    last_status: int | None
    last_reason: str
    url: str

    def as_json(self) -> dict[str, Any]:
        """The record as the control endpoint shows it."""
        return asdict(self)


@dataclass
class Journal:
    """Every ended task, the newest ones in full; and how many attempts were made per queue."""

    ended: deque[Ended] = field(default_factory=lambda: deque(maxlen=_KEPT))
    counts: Counter[tuple[str, End]] = field(default_factory=Counter)
    dispatches: Counter[str] = field(default_factory=Counter)

    def record(self, story: Ended) -> None:
        """Remember how a task ended."""
        self.ended.append(story)
        self.counts[story.queue, story.end] += 1

    def of(self, end: End, queue: str | None = None) -> list[Ended]:
        """The remembered tasks that ended so, oldest first; of one queue if it is named."""
        return [story for story in self.ended if story.end == end and queue in {None, story.queue}]

    def totals(self, queue: str) -> dict[str, int]:
        """How many tasks of a queue ended in each way, and the dispatches made."""
        return {**{str(end): self.counts[queue, end] for end in End}, "dispatches": self.dispatches[queue]}
