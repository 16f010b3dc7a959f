"""The truth, for whoever wants to compare: control addresses that no Google has.

They also change what a comparison needs changed: states, how files are written, when issuing stops, ends of jobs.
"""

from __future__ import annotations

from dataclasses import asdict, replace
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from infra.local.simulator.control import control_route
from infra.local.simulator.fields import Asked, day, flag, instant, one_of, optional, text
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
    kind, (first, last) = _kind(asked), _span(asked)
    channel = simulator.world.channel(asked["channel_id"])
    if channel is None:
        raise ValueError("there is no such channel")
    jobs = simulator.room(Jobs)
    job = jobs.find(channel.id, kind.id)
    reported = _reported(jobs, job, first, last) if job else {"listed": 0, "superseded": 0, "days": {}}
    over = min(last, pacific_day(simulator.clock()) - timedelta(days=1))
    final = {
        day.isoformat(): told(simulator.world.channel_day(channel.id, day))
        for day in (first + timedelta(days=number) for number in range((over - first).days + 1))
    }
    return {"channel_id": channel.id, "report_type": kind.id, **reported, "final": final}


def _daily_truth(simulator: Simulator, asked: Asked) -> dict[str, Any]:
    """Every channel with a job of a type, day by day, as the newest issued reports say."""
    kind, (first, last) = _kind(asked), _span(asked)
    jobs = simulator.room(Jobs)
    channels = {job.channel_id: _reported(jobs, job, first, last) for job in jobs.with_type(kind.id)}
    return {"report_type": kind.id, "channels": channels}


def _reported(jobs: Jobs, job: Job, first: date, last: date) -> dict[str, Any]:
    wanted = range(first.toordinal(), last.toordinal() + 1)
    found = [issue for issue in jobs.issued(job) if issue.ordinal in wanted]
    listed = [issue for issue in found if issue.listed(jobs.issuing)]
    days = {}
    for ordinal, issue in sorted(issues.newest(found).items()):
        summary = jobs.summary(job, issue)
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
        "job_id": job.id,
        "listed": len(listed),
        "superseded": sum(issue.replaced is not None for issue in listed),
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
    """Let YouTube end jobs: at once, or at an instant that the jobs then tell as their expireTime."""
    jobs = simulator.room(Jobs)
    at = asked["at"].timestamp() if "at" in asked else jobs.now
    chosen = [
        job
        for job in jobs.all()
        if asked.get("report_type") in {None, job.report_type}
        and asked.get("channel_id") in {None, job.channel_id}
    ]
    for job in chosen:
        job.expires = at
    return {"ended": len(chosen)}


def _kind(asked: Asked) -> ReportType:
    return REPORT_TYPES[asked.get("report_type", DEFAULT_TYPE)]


def _span(asked: Asked) -> tuple[date, date]:
    first, last = asked["from"], asked["to"]
    if not 0 <= (last - first).days < MOST_DAYS:
        raise ValueError(f"from {first} to {last}: expected 1 to {MOST_DAYS} days, the earlier one first")
    return first, last


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
            "missing_column": optional(text),
            "new_value": optional(text),
        },
    ),
    control_route("POST", "/control/reporting/hold", _hold, fields={"at": optional(instant)}),
    control_route(
        "POST",
        "/control/reporting/jobs/end",
        _end_jobs,
        fields={"report_type": one_of(REPORT_TYPES), "channel_id": text, "at": instant},
    ),
]
