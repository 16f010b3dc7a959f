"""Which channels are listed: of one state, of one user, so many at a time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from shared.console.connections import ChannelRow

PAGE = 100
"""Channels of one page. Ten thousand on one page would be nearly seven megabytes."""
ATTENTION = "attention"
"""The filter for channels that need somebody, whatever their state."""


@dataclass(frozen=True)
class Filter:
    """Which channels to list. state: one state or ATTENTION, None for all; after: how many to leave out first."""

    state: str | None = None
    user: str | None = None
    after: int = 0

    def __bool__(self) -> bool:
        return self.state is not None or self.user is not None

    def takes(self, row: ChannelRow) -> bool:
        """Whether a channel is of this state and user."""
        in_state = self.state in {None, row.state} or (self.state == ATTENTION and row.needs_somebody)
        return in_state and self.user in {None, row.user_id}

    @classmethod
    def asked(cls, query: Mapping[str, str]) -> Filter:
        """The filter in an address's query; the form's empty fields ask for nothing."""
        after = query.get("after", "")
        return cls(
            state=query.get("state") or None,
            user=query.get("user") or None,
            after=int(after) if after.isdecimal() and len(after) < 10 else 0,
        )


@dataclass(frozen=True, kw_only=True)
class Page:
    """Where one page stands in the channels that its filter takes. matching: how many those are.

    previous, next: the `after` of the pages beside it; None where there is none.
    """

    filter: Filter
    matching: int
    previous: int | None
    next: int | None


def page_of(rows: Sequence[ChannelRow], only: Filter) -> tuple[tuple[ChannelRow, ...], Page]:
    """The rows of the page that a filter asks for, and where it stands."""
    taken = tuple(row for row in rows if only.takes(row))
    end = only.after + PAGE
    return taken[only.after : end], Page(
        filter=only,
        matching=len(taken),
        previous=max(0, only.after - PAGE) if only.after else None,
        next=end if end < len(taken) else None,
    )
