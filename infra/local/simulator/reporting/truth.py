"""The truth, for whoever wants to compare: control addresses that no Google has.

They also change what a comparison needs changed: states, how files are written, when issuing stops, ends of jobs.
"""

from __future__ import annotations

from dataclasses import asdict, replace
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from infra.local.simulator.control import control_route
from infra.local.simulator.fields import Asked, day, flag, instant, number, one_of, optional, text
from infra.local.simulator.reporting.jobs import Jobs
from infra.local.simulator.reporting.jobs import instant as told_instant
from infra.local.simulator.world import issues
from infra.local.simulator.world.files import PLAIN, Dialect, told
from infra.local.simulator.world.issues import Job
from infra.local.simulator.world.model import STATES, Account, Channel
from infra.local.simulator.world.report_types import REPORT_TYPES, ReportType
from shared.clock import pacific_day

if TYPE_CHECKING:
    from infra.local.simulator.state import Simulator

DEFAULT_TYPE = "channel_basic_a3"
MOST_DAYS = 400
"""Days that one question about the truth may span: a year and a month, each of them computed anew."""


def _show_world(simulator: Simulator, _asked: Asked) -> dict[str, Any]:
    world = simulator.world
    return {"seed": world.seed, "accounts": [_account(account) for account in world.accounts]}


def _account(account: Account) -> dict[str, Any]:
    return {
        "id": account.id,
        "email": account.email,
        "name": account.name,
        "state": account.state,
        "channels": [
            {
                "id": channel.id,
                "title": channel.title,
                "handle": channel.handle,
                "monetised": channel.monetised,
                "state": channel.state,
            }
            for channel in account.channels
        ],
    }


def _change_world(simulator: Simulator, asked: Asked) -> dict[str, Any]:
    """Suspend, close or reopen an account or a channel; let a channel into the Partner Programme or out."""
    world = simulator.world
    subject = world.account(asked["email"]) if "email" in asked else world.channel(asked["channel_id"])
    if subject is None:
        raise ValueError("there is no such account or channel")
    subject.state = asked.get("state", subject.state)
    if "monetised" in asked:
        if not isinstance(subject, Channel):
            raise ValueError("only a channel is monetised")
        subject.monetised = asked["monetised"]
    return {"state": subject.state}


def _channel_truth(simulator: Simulator, asked: Asked) -> dict[str, Any]:
    """A channel's days: what the newest issued report says of each, and what is finally true."""
    kind, (first, last) = _kind(asked), span(asked)
    channel = simulator.world.channel(asked["channel_id"])
    if channel is None:
        raise ValueError("there is no such channel")
    jobs = simulator.room(Jobs)
    reported = _reported(jobs, jobs.of_type(channel.id, kind.id), first, last)
    over = min(last, pacific_day(simulator.clock()) - timedelta(days=1))
    final = {
        day.isoformat(): told(simulator.world.channel_day(channel.id, day))
        for day in (first + timedelta(days=number) for number in range((over - first).days + 1))
    }
    return {"channel_id": channel.id, "report_type": kind.id, **reported, "final": final}


def _daily_truth(simulator: Simulator, asked: Asked) -> dict[str, Any]:
    """Every channel with a job of a type, day by day, as the newest issued reports say."""
    kind, (first, last) = _kind(asked), span(asked)
    jobs = simulator.room(Jobs)
    by_channel: dict[str, list[Job]] = {}
    for job in jobs.with_type(kind.id):
        by_channel.setdefault(job.channel_id, []).append(job)
    channels = {channel: _reported(jobs, theirs, first, last) for channel, theirs in by_channel.items()}
    return {"report_type": kind.id, "channels": channels}


def _reported(jobs: Jobs, of: list[Job], first: date, last: date) -> dict[str, Any]:
    """What the jobs of a channel and report type have issued, the newest issue of a day counting."""
    wanted = range(first.toordinal(), last.toordinal() + 1)
    makers = {issue: job for job in of for issue in jobs.issued(job) if issue.ordinal in wanted}
    listed = [issue for issue in makers if issue.listed(jobs.issuing)]
    days = {}
    for ordinal, issue in sorted(issues.newest(list(makers)).items()):
        summary = jobs.summary(makers[issue], issue)
        days[date.fromordinal(ordinal).isoformat()] = {
            "report_id": issue.id,
            "create_time": told_instant(issue.created, fraction=True),
            "preliminary": issue.draft is not None,
            "listed": issue.listed(jobs.issuing),
            "rows": summary.rows,
            "totals": summary.totals,
            "column_sums": summary.column_sums,
        }
    return {
        "listed": len(listed),
        "superseded": len(listed) - len({issue.ordinal for issue in listed}),
        "days": days,
    }


def _show_reporting(simulator: Simulator, _asked: Asked) -> dict[str, Any]:
    jobs = simulator.room(Jobs)
    held = None if jobs.held_at is None else told_instant(jobs.held_at)
    return {"dialect": asdict(jobs.dialect), "jobs": len(jobs.all()), "held_at": held}


def _speak(simulator: Simulator, asked: Asked) -> dict[str, Any]:
    """Change the dialect of the files; `{}` makes it plain again."""
    jobs = simulator.room(Jobs)
    jobs.dialect = replace(PLAIN, **asked)
    return _show_reporting(simulator, asked)


def _hold(simulator: Simulator, asked: Asked) -> dict[str, Any]:
    """{"at": RFC 3339}, or {} for now: show no file issued later; {"at": null} goes on."""
    jobs = simulator.room(Jobs)
    at = asked["at"] if "at" in asked else simulator.clock()
    jobs.held_at = None if at is None else at.timestamp()
    return _show_reporting(simulator, asked)


def _end_jobs(simulator: Simulator, asked: Asked) -> dict[str, Any]:
    """Let YouTube end jobs, with their reports: at once, or at an instant that they tell as their expireTime."""
    return {"ended": _expiring(simulator, asked, deleted=True)}


def _expire_jobs(simulator: Simulator, asked: Asked) -> dict[str, Any]:
    """Let jobs expire likewise: they go on answering with the reports that they have made."""
    return {"expired": _expiring(simulator, asked, deleted=False)}


def _expiring(simulator: Simulator, asked: Asked, *, deleted: bool) -> int:
    jobs = simulator.room(Jobs)
    at = asked["at"].timestamp() if "at" in asked else jobs.now
    chosen = [
        job
        for job in jobs.all()
        if asked.get("report_type") in {None, job.report_type}
        and asked.get("channel_id") in {None, job.channel_id}
    ]
    for job in chosen:
        job.expires, job.deleted = at, deleted
    return len(chosen)


def _retire(simulator: Simulator, asked: Asked) -> dict[str, Any]:
    """Let YouTube retire a report type, now or at an instant that it then tells as its deprecateTime."""
    jobs = simulator.room(Jobs)
    at = asked["at"].timestamp() if "at" in asked else jobs.now
    jobs.retire(asked["report_type"], at)
    return {"retired": told_instant(at)}


def _offer(simulator: Simulator, asked: Asked) -> dict[str, Any]:
    """Let YouTube offer one more report type, `like` another: a version that is newer, or a type that is new."""
    simulator.room(Jobs).offer(asked["report_type"], asked["like"])
    return {"offered": asked["report_type"]}


def _make_odd(simulator: Simulator, asked: Asked) -> dict[str, Any]:
    """A channel's day whose report is listed so many `hours` late, or, without them, is never issued."""
    if simulator.world.channel(asked["channel_id"]) is None:
        raise ValueError("there is no such channel")
    ordinal, hours = asked["day"].toordinal(), asked.get("hours")
    simulator.room(Jobs).make_odd(asked["channel_id"], _kind(asked).id, ordinal, hours)
    return {"day": asked["day"].isoformat(), "hours": hours}


def _kind(asked: Asked) -> ReportType:
    return REPORT_TYPES[asked.get("report_type", DEFAULT_TYPE)]


def span(asked: Asked) -> tuple[date, date]:
    """The days that are asked about, `from` and `to`. Raises ValueError for none, and for too many."""
    first, last = asked["from"], asked["to"]
    if not 0 <= (last - first).days < MOST_DAYS:
        raise ValueError(f"from {first} to {last}: expected 1 to {MOST_DAYS} days, the earlier one first")
    return first, last


COLUMNS = sorted({column for kind in REPORT_TYPES.values() for column in kind.header})
_WHICH_JOBS = {"report_type": one_of(REPORT_TYPES), "channel_id": text, "at": instant}
_SPAN = {"from": day, "to": day, "report_type": one_of(REPORT_TYPES)}

ROUTES = [
    control_route("GET", "/control/world", _show_world),
    control_route(
        "POST",
        "/control/world",
        _change_world,
        fields={"email": text, "channel_id": text, "state": one_of(STATES), "monetised": flag},
    ),
    control_route("GET", "/control/truth", _channel_truth, fields={"channel_id": text, **_SPAN}),
    control_route("GET", "/control/truth/daily", _daily_truth, fields=_SPAN),
    control_route("GET", "/control/reporting", _show_reporting),
    control_route(
        "POST",
        "/control/reporting",
        _speak,
        fields={
            "date_format": one_of(Dialect.DATE_FORMATS),
            "added_column": optional(text),
            "missing_column": optional(one_of(COLUMNS)),
            "new_value": optional(text),
        },
    ),
    control_route("POST", "/control/reporting/hold", _hold, fields={"at": optional(instant)}),
    control_route(
        "POST",
        "/control/reporting/jobs/end",
        _end_jobs,
        fields=_WHICH_JOBS,
    ),
    control_route("POST", "/control/reporting/jobs/expire", _expire_jobs, fields=_WHICH_JOBS),
    control_route(
        "POST", "/control/reporting/retire", _retire, fields={"report_type": one_of(REPORT_TYPES), "at": instant}
    ),
    control_route(
        "POST", "/control/reporting/offer", _offer, fields={"report_type": text, "like": one_of(REPORT_TYPES)}
    ),
    control_route(
        "POST",
        "/control/reporting/days",
        _make_odd,
        fields={
            "channel_id": text,
            "report_type": one_of(REPORT_TYPES),
            "day": day,
            "hours": number(0, MOST_DAYS * 24),
        },
    ),
]
