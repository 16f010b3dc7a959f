"""A rate limit in a dry run: when the calls of a plan could go, without counting any of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta


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
