"""One turn of collecting: some channels, whose reports of one type are listed, and what of it is handed on.

A turn ends early rather than wait: for a rate limit, for YouTube, for a service of ours. Whom it did not come to
are another turn's, queued for when that may run; when nobody is left, all are handed on to the next report type.
So all channels' first type is listed before anybody's second, in the order of the setting.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from shared import ids
from shared.fields import Fields
from shared.settings import REPORT_TYPES

TURNS_MAX = 200  # of one run's channels; then the hourly run finds them overdue


@dataclass(frozen=True, kw_only=True)
class Turn:
    """What one task collects.

    report_types: the first is listed now, the others after it. run: the run that it belongs to; number: how many
    turns that makes. tries: how often in a row these channels met trouble. listed: channels that wait for these to
    be listed before the next report type is.
    """

    channels: tuple[str, ...]
    report_types: tuple[str, ...]
    run: str
    number: int = 1
    tries: int = 0
    listed: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The task's name: the same for whoever hands on the same."""
        return f"collect_reports {self.run} {self.report_types[0]} turn {self.number} from {self.channels[0]}"

    def as_json(self) -> dict[str, Any]:
        """What its task is told."""
        told = {"channels": list(self.channels), "report_types": list(self.report_types), "run": self.run}
        also = {"tries": self.tries, "listed": list(self.listed)}
        return {**told, "turn": self.number, **{name: value for name, value in also.items() if value}}

    def rest(self, channels: Sequence[str], *, tries: int, listed: Sequence[str] = ()) -> Turn | None:
        """The same for those that this turn has not finished; None when there are none, or turns enough."""
        if not channels or self.number >= TURNS_MAX:
            return None
        waiting = tuple(listed)
        return replace(self, channels=tuple(channels), number=self.number + 1, tries=tries, listed=waiting)

    def following(self, channels: Sequence[str]) -> Turn | None:
        """The next report type, for these; None after the last."""
        if not channels or len(self.report_types) == 1:
            return None
        return Turn(channels=tuple(channels), report_types=self.report_types[1:], run=self.run)


def asked_for(body: object) -> Turn:
    """The turn that a request asks for. Channels alone are a run of their own, of all report types: `whole`.

    Raises InvalidRequest.
    """
    asked = Fields(body, "channels", "report_types", "run", "turn", "tries", "listed")
    chosen = asked.texts("report_types")
    if not set(chosen) <= set(REPORT_TYPES):
        raise asked.wrong("report_types", f"are some of {', '.join(REPORT_TYPES)}")
    return Turn(
        channels=tuple(asked.ids("channels", ids.CHANNEL)),
        report_types=tuple(chosen),
        run=asked.line("run", most=40) if asked.has("run") else "",
        number=asked.whole("turn", most=TURNS_MAX) if asked.has("turn") else 1,
        tries=asked.whole("tries", most=TURNS_MAX) if asked.has("tries") else 0,
        listed=tuple(asked.ids("listed", ids.CHANNEL)),
    )


def whole(turn: Turn, report_types: Sequence[str], now: datetime) -> Turn:
    """The turn with what was not asked for: all report types that are collected, and a run of its own."""
    run = turn.run or f"{now:%Y-%m-%dT%H:%M:%S}"
    return replace(turn, run=run, report_types=turn.report_types or tuple(report_types))
