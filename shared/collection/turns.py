"""One turn of collecting: what a task does about some channels, and what of it is handed on.

A turn ends early rather than wait: for a rate limit, for YouTube, for a service of ours, for the end of its units.
Whom it did not come to are another turn's, queued for when that may run. Of reports, all channels' first type is
listed before anybody's second, in the order of the setting: when nobody is left, all are handed on to the next.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from shared import ids
from shared.fields import Fields
from shared.settings import REPORT_TYPES

TURNS_MAX = 200  # of one run's channels; then a later run finds them due
UNITS_MAX = 1_000_000
REPORTS, METADATA = "collect_reports", "collect_metadata"
_ALSO = {REPORTS: ("report_types", "tries", "listed"), METADATA: ("units",)}


@dataclass(frozen=True, kw_only=True)
class Turn:
    """What one task collects. function: which does; run: what it belongs to; number: how many turns that makes.

    Of reports: report_types, of which the first is listed now, the others after it. tries: how often in a row
    these channels met trouble. listed: channels that wait for these to be listed before the next report type is.
    Of metadata: units, what is left of the run's.
    """

    function: str = REPORTS
    channels: tuple[str, ...]
    run: str = ""
    number: int = 1
    report_types: tuple[str, ...] = ()
    tries: int = 0
    listed: tuple[str, ...] = ()
    units: int = 0

    @property
    def name(self) -> str:
        """The task's name: the same for whoever hands on the same."""
        kind = "".join(f" {report_type}" for report_type in self.report_types[:1])
        return f"{self.function} {self.run}{kind} turn {self.number} from {self.channels[0]}"

    def as_json(self) -> dict[str, Any]:
        also = {name: getattr(self, name) for name in _ALSO[self.function]}
        told = {"channels": self.channels, "run": self.run, "turn": self.number, **also}
        return {name: list(value) if isinstance(value, tuple) else value for name, value in told.items() if value}

    def rest(
        self, channels: Sequence[str], *, tries: int = 0, listed: Sequence[str] = (), spent: int = 0
    ) -> Turn | None:
        """The same for those that this turn has not finished; None when there are none, or turns or units enough.

        spent: units. Who spent none and came to nobody hands on nothing.
        """
        idle = not spent and len(channels) == len(self.channels)
        if not channels or self.number >= TURNS_MAX or (self.units and (idle or self.units <= spent)):
            return None
        left, more = self.units - spent, self.number + 1
        return replace(self, channels=tuple(channels), number=more, tries=tries, listed=tuple(listed), units=left)

    def following(self, channels: Sequence[str]) -> Turn | None:
        """The next report type, for these; None after the last."""
        if not channels or len(self.report_types) == 1:
            return None
        return Turn(channels=tuple(channels), report_types=self.report_types[1:], run=self.run)


def asked_for(body: object, function: str = REPORTS) -> Turn:
    """The turn that a request asks for. Channels alone are a run of their own, of everything: `whole`.

    Raises InvalidRequest.
    """
    asked = Fields(body, "channels", "run", "turn", *_ALSO[function])
    chosen = asked.texts("report_types")
    if not set(chosen) <= set(REPORT_TYPES):
        raise asked.wrong("report_types", f"are some of {', '.join(REPORT_TYPES)}")
    return Turn(
        function=function,
        channels=tuple(asked.ids("channels", ids.CHANNEL)),
        run=asked.line("run", most=40) if asked.has("run") else "",
        number=asked.whole("turn", most=TURNS_MAX) if asked.has("turn") else 1,
        report_types=tuple(chosen),
        tries=asked.whole("tries", most=TURNS_MAX) if asked.has("tries") else 0,
        listed=tuple(asked.ids("listed", ids.CHANNEL)),
        units=asked.whole("units", most=UNITS_MAX) if asked.has("units") else 0,
    )


def whole(turn: Turn, now: datetime, *, report_types: Sequence[str] = (), units: int = 0) -> Turn:
    """The turn with what was not asked for: all report types or units, and a run of its own."""
    run = turn.run or f"{now:%Y-%m-%dT%H:%M:%S}"
    return replace(turn, run=run, report_types=turn.report_types or tuple(report_types), units=turn.units or units)
