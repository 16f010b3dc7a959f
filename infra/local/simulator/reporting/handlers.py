"""The methods of the Reporting API, each as Google answers and refuses it.

A token sees the jobs and files of its own channel only; those of others do not exist for it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeVar

from starlette.responses import Response

from infra.local.simulator.caller import own_channel
from infra.local.simulator.errors import GoogleError, bad_request, forbidden
from infra.local.simulator.paging import BadToken, page
from infra.local.simulator.reporting.jobs import Jobs, instant
from infra.local.simulator.timepiece import sent_instant
from infra.local.simulator.world.issues import Issue, Job

if TYPE_CHECKING:
    from infra.local.simulator.dispatch import Answer, Call, Handler
    from infra.local.simulator.state import Simulator

Item = TypeVar("Item")
_PAGE, _PAGE_MOST = 50, 500
_NAME_MOST = 100


def list_report_types(simulator: Simulator, call: Call) -> Answer:
    """`reportTypes.list`: retired ones too, with the time at which they ended."""
    own_channel(simulator, call)
    jobs = simulator.room(Jobs)
    kinds = [
        {"id": kind.id, "name": kind.name}
        | ({"deprecateTime": instant(jobs.retired[kind.id])} if kind.id in jobs.retired else {})
        for kind in jobs.kinds.values()
    ]
    return _paged("reportTypes", kinds, call)


def list_jobs(simulator: Simulator, call: Call) -> Answer:
    """`jobs.list`: an empty message when the channel has none."""
    jobs = simulator.room(Jobs).of(own_channel(simulator, call).id)
    return _paged("jobs", [_job(job) for job in jobs], call)


def create_job(simulator: Simulator, call: Call) -> Answer:
    """`jobs.create`: one job for each report type of a channel."""
    channel_id = own_channel(simulator, call).id
    body = call.body or {}
    jobs, kind = simulator.room(Jobs), body.get("reportTypeId") or ""
    name = body.get("name") or ""
    if not jobs.offered(kind):
        raise bad_request(f"Report type '{body.get('reportTypeId', '')}' is not available.")
    if not 0 < len(name) <= _NAME_MOST:
        raise bad_request(f"A job needs a name of at most {_NAME_MOST} characters.")
    for output in ("id", "createTime", "expireTime", "systemManaged"):
        if body.get(output):
            raise bad_request(f"Field '{output}' cannot be set.")
    job = jobs.create(channel_id, kind, name)
    if job is None:
        raise GoogleError(409, "alreadyExists", "Requested entity already exists")
    return _job(job)


def get_job(simulator: Simulator, call: Call) -> Answer:
    """`jobs.get`."""
    return _job(_own_job(simulator, call))


def delete_job(simulator: Simulator, call: Call) -> Answer:
    """`jobs.delete`: its reports go with it."""
    simulator.room(Jobs).delete(_own_job(simulator, call))
    return {}


def list_reports(simulator: Simulator, call: Call) -> Answer:
    """`jobs.reports.list`: the newest issue first."""
    job = _own_job(simulator, call)
    after, since, before = (
        _time(call.params, name) for name in ("createdAfter", "startTimeAtOrAfter", "startTimeBefore")
    )
    found = [
        issue
        for issue in simulator.room(Jobs).listed(job)
        if (after is None or _moment(issue.created) > after)
        and (since is None or _moment(issue.start) >= since)
        and (before is None or _moment(issue.start) < before)
    ]
    return _paged("reports", found, call, render=lambda issue: _report(simulator, job, issue))


def get_report(simulator: Simulator, call: Call) -> Answer:
    """`jobs.reports.get`."""
    job = _own_job(simulator, call)
    return _report(simulator, job, _listed(simulator, job, call.params["reportId"]))


def download(simulator: Simulator, call: Call) -> Answer:
    """`media.download` of a file by the name that its address carries."""
    channel_id = own_channel(simulator, call).id
    match call.params["resourceName"].split("/"):
        case ["CHANNEL", owner, "jobs", job_id, "reports", report_id]:
            if owner != channel_id:
                raise forbidden("global", "The caller does not have permission")
            job = simulator.room(Jobs).get(channel_id, job_id)
            if job is None:
                raise _not_found()
            issue = _listed(simulator, job, report_id)
        case _:
            raise _not_found()
    text = simulator.room(Jobs).text(job, issue)
    return Response(text.encode(), headers={"content-type": "text/csv; charset=utf-8"})


HANDLERS: Mapping[str, Handler] = {
    "youtubereporting.reportTypes.list": list_report_types,
    "youtubereporting.jobs.list": list_jobs,
    "youtubereporting.jobs.create": create_job,
    "youtubereporting.jobs.get": get_job,
    "youtubereporting.jobs.delete": delete_job,
    "youtubereporting.jobs.reports.list": list_reports,
    "youtubereporting.jobs.reports.get": get_report,
    "youtubereporting.media.download": download,
}


def _own_job(simulator: Simulator, call: Call) -> Job:
    job = simulator.room(Jobs).get(own_channel(simulator, call).id, call.params["jobId"])
    if job is None:
        raise _not_found()
    return job


def _listed(simulator: Simulator, job: Job, report_id: str) -> Issue:
    for issue in simulator.room(Jobs).listed(job):
        if issue.id == report_id:
            return issue
    raise _not_found()


def _job(job: Job) -> dict[str, Any]:
    told: dict[str, Any] = {
        "id": job.id,
        "reportTypeId": job.report_type,
        "name": job.name,
        "createTime": instant(job.created),
    }
    if job.expires is not None:
        told["expireTime"] = instant(job.expires)
    return told


def _report(simulator: Simulator, job: Job, issue: Issue) -> dict[str, Any]:
    place = f"CHANNEL/{job.channel_id}/jobs/{job.id}/reports/{issue.id}"
    told = {
        "id": issue.id,
        "jobId": job.id,
        "startTime": instant(issue.start),
        "endTime": instant(issue.end),
        "createTime": instant(issue.created, fraction=True),
        "downloadUrl": f"{simulator.root}/v1/media/{place}?alt=media",
    }
    if job.expires is not None:
        told["jobExpireTime"] = instant(job.expires)
    return told


def _paged(name: str, items: Sequence[Item], call: Call, render: Any = lambda item: item) -> dict[str, Any]:
    size = call.params.get("pageSize") or _PAGE
    if size < 0:
        raise bad_request("pageSize must not be negative.", location="pageSize")
    asked = (call.method.id, *(str(value) for key, value in sorted(call.params.items()) if key != "pageToken"))
    try:
        found = page(items, of="/".join(asked), size=min(size, _PAGE_MOST), token=call.params.get("pageToken"))
    except BadToken:
        raise GoogleError(400, "invalidPageToken", "Invalid page token.", location="pageToken") from None
    answer: dict[str, Any] = {name: [render(item) for item in found.items]} if found.items else {}
    if found.next_token:
        answer["nextPageToken"] = found.next_token
    return answer


def _time(params: Mapping[str, Any], name: str) -> datetime | None:
    text = params.get(name)
    if not text:
        return None
    try:
        return sent_instant(text)
    except ValueError:
        message = f"Invalid value at '{name}' (type.googleapis.com/google.protobuf.Timestamp), \"{text}\""
        raise bad_request(message, location=name) from None


def _moment(epoch: float) -> datetime:
    return datetime.fromtimestamp(epoch, UTC)


def _not_found() -> GoogleError:
    return GoogleError(404, "notFound", "Requested entity was not found.")
