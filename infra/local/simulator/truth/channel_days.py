"""The truth about a channel's days: what `youtube_metrics` ought to say of each.

A day of which a report was issued says what the newest issue says; any other, what Analytics tells. Money is told
by Analytics alone, and restated as the figures of one video after another become final: so it is told in steps,
each from an instant on.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from infra.local.simulator.analytics.money import CREATORS_SHARE, earned, final_at
from infra.local.simulator.reporting.jobs import Jobs, instant
from infra.local.simulator.state import Simulator
from infra.local.simulator.truth.cells import (
    ANALYTICS,
    ANALYTICS_SCOPE,
    MONETARY_SCOPE,
    REPORT,
    Cell,
    Reason,
    allowed,
    counting,
    first_reported,
    told,
    unissued,
    untold,
)
from infra.local.simulator.world.issues import available_at
from infra.local.simulator.world.model import Channel
from infra.local.simulator.world.tally import video_day

BASIC, REACH = "channel_basic_a3", "channel_reach_basic_a1"
COUNTED = ("views", "engaged_views", "watch_time_minutes", "subscribers_gained", "subscribers_lost")
_CENT = 1e-9


@dataclass(frozen=True)
class Day:
    """One day of one channel. basic, reach: what its newest issued report adds up to, or why there is none.

    A cell that Analytics tells has `unasked`: why it is empty for whoever does not ask Analytics.
    """

    simulator: Simulator
    channel: Channel
    scopes: frozenset[str]
    ordinal: int
    basic: Mapping[str, float] | Reason
    reach: Mapping[str, float] | Reason

    @property
    def date(self) -> date:
        """Its date."""
        return date.fromordinal(self.ordinal)

    @property
    def analytics(self) -> Reason | None:
        """Why Analytics does not tell the day; None when it does."""
        if ANALYTICS_SCOPE not in self.scopes:
            return Reason.NOT_PERMITTED
        counted = available_at(self.channel, self.ordinal) <= self.simulator.clock().timestamp()
        return None if counted else Reason.NOT_YET

    def cells(self) -> dict[str, Cell]:
        """Every column."""
        return {**self._counts(), "estimated_revenue": self._revenue(), **self._reach()}

    def _counts(self) -> dict[str, Cell]:
        if not isinstance(self.basic, Reason):
            counts = {name: told(self.basic[name], REPORT) for name in COUNTED}
            average = told(self.basic["average_view_duration_seconds"], REPORT)
            engaged = self.basic["engaged_views"]
            return {**counts, "average_view_duration": average if engaged else untold(Reason.NO_ENGAGED_VIEWS)}
        if self.analytics is not None:
            return dict.fromkeys((*COUNTED, "average_view_duration"), untold(self.basic))
        true = self.simulator.world.channel_day(self.channel.id, self.date)
        numbers: dict[str, float] = {
            **{name: getattr(true, name) for name in COUNTED if name != "watch_time_minutes"},
            # Whole minutes and seconds, unlike those of reports.
            "watch_time_minutes": int(true.watch_minutes),
            "average_view_duration": int(true.average_seconds),
        }
        return {name: told(value, ANALYTICS, unasked=self.basic.value) for name, value in numbers.items()}

    def _reach(self) -> dict[str, Cell]:
        if isinstance(self.reach, Reason):
            return dict.fromkeys(("impressions", "click_through_rate"), untold(self.reach))
        shown = self.reach["video_thumbnail_impressions"]
        rate = told(self.reach["video_thumbnail_impressions_ctr"], REPORT)
        return {
            "impressions": told(shown, REPORT),
            "click_through_rate": rate if shown else untold(Reason.NO_IMPRESSIONS),
        }

    def _revenue(self) -> Cell:
        if MONETARY_SCOPE not in self.scopes:
            return untold(Reason.NOT_PERMITTED)
        if not self.channel.monetised:
            return untold(Reason.NOT_MONETISED)
        if self.analytics is not None:
            return untold(self.analytics)
        return told(self._revenue_steps(), ANALYTICS, unasked=Reason.NOT_YET.value)

    def _revenue_steps(self) -> list[tuple[str, float]]:
        """(from when, US dollars): what Analytics says from the day's first appearance to its final figures."""
        videos = self.simulator.world.all_videos_of(self.channel.id, self.date)
        days = [day for video in videos if (day := video_day(video, self.ordinal)).views]
        first = available_at(self.channel, self.ordinal)
        changes = sorted({at for day in days if (at := final_at(day)) > first})
        steps: list[tuple[str, float]] = []
        for at in (first, *changes):
            money = [earned(day, day.whole(), at) for day in days]
            dollars = sum(each.gross * CREATORS_SHARE + each.premium for each in money)
            if not steps or abs(steps[-1][1] - dollars) > _CENT:
                steps.append((instant(at, fraction=True), dollars))
        return steps


def channel_days(simulator: Simulator, channel: Channel, first: date, last: date) -> dict[str, Any]:
    """Each day's cells, by date: days that have ended, and not from before the channel was founded."""
    jobs, now = simulator.room(Jobs), simulator.clock()
    scopes = allowed(simulator, channel)
    issued = {kind: counting(jobs, channel, kind) for kind in (BASIC, REACH)}
    begins = {kind: first_reported(jobs, channel, kind) for kind in issued}

    def reported(kind: str, ordinal: int) -> Mapping[str, float] | Reason:
        if ordinal in issued[kind]:
            return jobs.summary(*issued[kind][ordinal]).totals
        return unissued(ordinal, begins[kind], now.timestamp())

    found = {}
    for number in range((last - first).days + 1):
        day = first + timedelta(days=number)
        ordinal = day.toordinal()
        found[day.isoformat()] = Day(
            simulator, channel, scopes, ordinal, reported(BASIC, ordinal), reported(REACH, ordinal)
        ).cells()
    return found
