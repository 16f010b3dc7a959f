"""What a rate limit is."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
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
