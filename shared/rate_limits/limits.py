"""What a rate limit is, and one in a dry run: when the calls of a plan could go, without counting any of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from fnmatch import fnmatchcase

MAX_CALLS = 2_000
"""The most calls that a limit may allow in its window, because each is remembered: 16 kB a document."""


@dataclass(frozen=True, kw_only=True)
class RateLimit:
    """At most `calls` in any `window` seconds, for each user or for the project.

    methods: patterns of the methods whose calls count here. per: "user", "project" or both.
    """

    name: str
    methods: tuple[str, ...]
    per: tuple[str, ...]
    calls: int
    window: int

    def covers(self, method: str) -> bool:
        """Whether calls of a method count here."""
        return any(fnmatchcase(method, pattern) for pattern in self.methods)

    @property
    def length(self) -> timedelta:
        """The window as a duration."""
        return timedelta(seconds=self.window)


@dataclass(kw_only=True, eq=False)
class DryRunLog:
    """One user's or the project's calls under a limit: those admitted so far, and those that a plan would add."""

    title: str
    calls: int
    window: timedelta
    stamps: list[datetime] = field(default_factory=list)

    def free_at(self, at: datetime, count: int) -> datetime:
        """When `count` more calls may go: `at`, or when enough of those before it have left the window."""
        live = sorted(stamp for stamp in self.stamps if at - self.window < stamp <= at)
        over = len(live) + min(count, self.calls) - self.calls
        return at if over <= 0 else live[over - 1] + self.window
