"""One cell of the truth: a value and who tells it, or the reason why nobody can."""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum
from typing import Any

from infra.local.simulator.reporting.jobs import Jobs
from infra.local.simulator.state import Simulator
from infra.local.simulator.world.growth import midnight, ordinal_at
from infra.local.simulator.world.issues import HISTORY_DAYS, Issue, Job
from infra.local.simulator.world.model import Channel

ANALYTICS_SCOPE = "https://www.googleapis.com/auth/yt-analytics.readonly"
MONETARY_SCOPE = "https://www.googleapis.com/auth/yt-analytics-monetary.readonly"
DUE = timedelta(hours=72)
"""How long after a day's end its report can come, and nobody knows yet whether it will."""


class Reason(StrEnum):
    """Why a cell has no value."""

    NOT_YET = "notYet"  # YouTube still has time to tell
    NEVER_ISSUED = "neverIssued"  # the time has passed, and YouTube has issued no report
    BEFORE_REPORTS = "beforeReports"  # older than the history of the channel's first reporting job
    NOT_REPORTED = "notReported"  # no issued report has a row about the video
    NOT_MONETISED = "notMonetised"
    NOT_PERMITTED = "notPermitted"  # nobody has allowed it, or YouTube has closed the channel or the account
    NO_IMPRESSIONS = "noImpressions"
    NO_ENGAGED_VIEWS = "noEngagedViews"
    TOO_FEW_VIEWS = "tooFewViews"  # for a retention curve
    GONE = "gone"  # the video is deleted


REPORT, ANALYTICS, DATA = "report", "analytics", "data"
Cell = dict[str, Any]


def told(value: Any, by: str, **more: Any) -> Cell:
    """A value, and the API that tells it."""
    return {"value": value, "by": by, **more}


def untold(reason: Reason) -> Cell:
    """No value, and why."""
    return {"reason": reason.value}


def allowed(simulator: Simulator, channel: Channel) -> frozenset[str]:
    """The scopes with which a channel's owner lets somebody read it now; none while YouTube lets nobody."""
    owner = simulator.world.owner(channel.id)
    if owner is None or {channel.state, owner.state} != {"ok"}:
        return frozenset()
    grants = simulator.grants
    scopes = (grants.granted(owner.id, channel.id, client) for client in grants.clients)
    return frozenset[str]().union(*scopes)


def counting(jobs: Jobs, channel: Channel, report_type: str) -> dict[int, tuple[Job, Issue]]:
    """The newest issued report of each day (by ordinal), with the job that made it."""
    found = [(job, issue) for job in jobs.of_type(channel.id, report_type) for issue in jobs.issued(job)]
    return {issue.ordinal: (job, issue) for job, issue in sorted(found, key=lambda each: each[1].created)}


def first_reported(jobs: Jobs, channel: Channel, report_type: str) -> int | None:
    """The first day (by ordinal) of which a report could come: of another type's where this one has no job."""
    of = jobs.of_type(channel.id, report_type) or jobs.of(channel.id)
    return min((ordinal_at(job.created) - HISTORY_DAYS for job in of), default=None)


def unissued(ordinal: int, first: int | None, now: float) -> Reason:
    """Why a day has no report."""
    if first is not None and ordinal < first:
        return Reason.BEFORE_REPORTS
    due = midnight(ordinal + 1) + DUE.total_seconds()
    return Reason.NOT_YET if now < due else Reason.NEVER_ISSUED
