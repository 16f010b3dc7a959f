"""The truth, for whoever wants to compare: control addresses that no Google has.

GET  /control/world                   every account with its channels
POST /control/world                   {"email" or "channel_id", "state"?, "monetised"?}: change a state
GET  /control/truth                   ?channel_id=&from=&to=[&report_type=]: a channel, day by day
GET  /control/truth/daily             ?from=&to=[&report_type=]: every channel that has such a job
GET  /control/reporting               the dialect of the files, and the number of jobs
POST /control/reporting               {"date_format"?, "added_column"?, "missing_column"?, "new_value"?}
POST /control/reporting/jobs/end      {"report_type"?, "channel_id"?, "at"?}: YouTube ends jobs by itself
"""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from infra.local.simulator.reporting.jobs import Jobs, instant
from infra.local.simulator.world import issues
from infra.local.simulator.world.files import PLAIN, Dialect, told
from infra.local.simulator.world.issues import Job
from infra.local.simulator.world.report_types import REPORT_TYPES
from shared.clock import pacific_day, parse_instant

if TYPE_CHECKING:
    from infra.local.simulator.state import Simulator

DEFAULT_TYPE = "channel_basic_a3"


async def world(request: Request) -> JSONResponse:
    """Every account with its channels."""
    return JSONResponse(
        {
            "seed": _simulator(request).world.seed,
            "accounts": [
                {
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
                for account in _simulator(request).world.accounts
            ],
        }
    )


async def change_world(request: Request) -> JSONResponse:
    """Suspend, close or reopen an account or a channel; let a channel into the Partner Programme or out."""
    wish, there = await _body(request), _simulator(request).world
    subject = there.account(wish["email"]) if "email" in wish else there.channel(wish.get("channel_id", ""))
    if subject is None:
        return _refusal("no such account or channel", 404)
    if wish.get("state", "ok") not in {"ok", "suspended", "closed"}:
        return _refusal("state is one of ok, suspended, closed")
    subject.state = wish.get("state", subject.state)
    if "monetised" in wish and "email" not in wish:
        subject.monetised = bool(wish["monetised"])  # type: ignore[union-attr]
    return JSONResponse({})


async def channel_truth(request: Request) -> JSONResponse:
    """A channel's days: what the newest issued report says of each, and what is finally true."""
    simulator, wish = _simulator(request), request.query_params
    channel = simulator.world.channel(wish.get("channel_id", ""))
    kind = REPORT_TYPES.get(wish.get("report_type", DEFAULT_TYPE))
    days = _days(wish.get("from"), wish.get("to"))
    if channel is None or kind is None or days is None:
        return _refusal("needs a known channel_id, from and to as YYYY-MM-DD, and a known report_type")
    jobs = simulator.room(Jobs)
    job = jobs.find(channel.id, kind.id)
    told_of = _reported(jobs, job, *days) if job else {"listed": 0, "superseded": 0, "days": {}}
    last = min(days[1], pacific_day(simulator.clock()) - timedelta(days=1))
    final = {
        day.isoformat(): told(simulator.world.channel_day(channel.id, day))
        for day in (days[0] + timedelta(days=number) for number in range((last - days[0]).days + 1))
    }
    return JSONResponse({"channel_id": channel.id, "report_type": kind.id, **told_of, "final": final})


async def daily_truth(request: Request) -> JSONResponse:
    """Every channel with a job of a type, day by day, as the newest issued reports say."""
    wish = request.query_params
    kind = REPORT_TYPES.get(wish.get("report_type", DEFAULT_TYPE))
    days = _days(wish.get("from"), wish.get("to"))
    if kind is None or days is None:
        return _refusal("needs from and to as YYYY-MM-DD, and a known report_type")
    jobs = _simulator(request).room(Jobs)
    channels = {job.channel_id: _reported(jobs, job, *days) for job in jobs.with_type(kind.id)}
    return JSONResponse({"report_type": kind.id, "channels": channels})


def _reported(jobs: Jobs, job: Job, first: date, last: date) -> dict[str, Any]:
    wanted = range(first.toordinal(), last.toordinal() + 1)
    found = [issue for issue in jobs.issued(job) if issue.ordinal in wanted]
    listed = [issue for issue in found if issue.listed(jobs.now)]
    days = {}
    for ordinal, issue in sorted(issues.newest(found).items()):
        summary = jobs.summary(job, issue)
        days[date.fromordinal(ordinal).isoformat()] = {
            "report_id": issue.id,
            "create_time": instant(issue.created, fraction=True),
            "preliminary": issue.draft is not None,
            "listed": issue.listed(jobs.now),
            "rows": summary.rows,
            "totals": summary.totals,
        }
    return {
        "job_id": job.id,
        "listed": len(listed),
        "superseded": sum(issue.replaced is not None for issue in listed),
        "days": days,
    }


async def reporting(request: Request) -> JSONResponse:
    """The dialect of the files, and the number of jobs."""
    jobs = _simulator(request).room(Jobs)
    return JSONResponse({"dialect": asdict(jobs.dialect), "jobs": jobs.count})


async def speak(request: Request) -> JSONResponse:
    """Change the dialect of the files; `{}` makes it plain again."""
    wish, jobs = await _body(request), _simulator(request).room(Jobs)
    if not wish.keys() <= asdict(PLAIN).keys() or wish.get("date_format", "YYYYMMDD") not in Dialect.DATE_FORMATS:
        return _refusal(
            f"knows {', '.join(asdict(PLAIN))}; date_format is one of {', '.join(Dialect.DATE_FORMATS)}"
        )
    jobs.dialect = replace(PLAIN, **wish)
    return JSONResponse(asdict(jobs.dialect))


async def end_jobs(request: Request) -> JSONResponse:
    """Let YouTube end jobs: at once, or at an instant that the jobs then tell as their expireTime."""
    wish, jobs = await _body(request), _simulator(request).room(Jobs)
    at = parse_instant(wish["at"]).timestamp() if wish.get("at") else jobs.now
    chosen = [
        job
        for job in jobs.all()
        if wish.get("report_type") in {None, job.report_type} and wish.get("channel_id") in {None, job.channel_id}
    ]
    for job in chosen:
        job.expires = at
    return JSONResponse({"ended": len(chosen)})


ROUTES = [
    Route("/control/world", world, methods=["GET"]),
    Route("/control/world", change_world, methods=["POST"]),
    Route("/control/truth", channel_truth, methods=["GET"]),
    Route("/control/truth/daily", daily_truth, methods=["GET"]),
    Route("/control/reporting", reporting, methods=["GET"]),
    Route("/control/reporting", speak, methods=["POST"]),
    Route("/control/reporting/jobs/end", end_jobs, methods=["POST"]),
]


def _simulator(request: Request) -> Simulator:
    found: Simulator = request.app.state.simulator
    return found


async def _body(request: Request) -> dict[str, Any]:
    raw = await request.body()
    wish: dict[str, Any] = json.loads(raw) if raw.strip() else {}
    return wish


def _days(first: str | None, last: str | None) -> tuple[date, date] | None:
    try:
        return date.fromisoformat(first or ""), date.fromisoformat(last or "")
    except ValueError:
        return None


def _refusal(message: str, status: int = 400) -> JSONResponse:
    return JSONResponse({"error": message}, status_code=status)
