"""The Reporting API, typed: which reports exist, jobs that make them, reports, and their files.

Costs no unit of the Data API, but has a daily quota of its own. A job makes one file for each Pacific day, with 30
days of history at first; YouTube issues a day again when it corrects it, so reports are listed by creation time.
Source: discovery document of youtubereporting v1.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Protocol, TypeVar

from shared.clock import format_instant, pacific_midnight, parse_instant, parse_optional
from shared.errors import Conflict, CorruptData
from shared.monitoring.log import log
from shared.youtube.client import Caller, Outcome
from shared.youtube.faults import classify, damaged, no_answer
from shared.youtube.items import item_of, needed, said
from shared.youtube.transport import bearer, foreign, opened

LIST = "youtubereporting.jobs.reports.list"
DOWNLOAD = "youtubereporting.media.download"
_PAGE = 500  # reports or jobs a page
_CHUNK = 65_536
_ERROR_MAX = 65_536
T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class ReportType:
    """A kind of report. deprecated_at: when YouTube stops making it, None for one that stays."""

    id: str = needed("id")
    deprecated_at: datetime | None = said("deprecateTime", parse_optional)


@dataclass(frozen=True, kw_only=True)
class Job:
    """What makes one report type's reports, day after day. expires_at: when YouTube stops it, None for never."""

    id: str = needed("id")
    report_type: str = needed("reportTypeId")
    created_at: datetime = needed("createTime", parse_instant)
    expires_at: datetime | None = said("expireTime", parse_optional)


@dataclass(frozen=True, kw_only=True)
class Report:
    """One file: data of [start, end), made at created_at; a newer one for the same start replaces it whole."""

    id: str = needed("id")
    job_id: str = needed("jobId")
    start: datetime = needed("startTime", parse_instant)
    end: datetime = needed("endTime", parse_instant)
    created_at: datetime = needed("createTime", parse_instant)
    job_expires_at: datetime | None = said("jobExpireTime", parse_optional)
    download_url: str = needed("downloadUrl")


def report_types(caller: Caller) -> tuple[ReportType, ...]:
    """Every report type that the channel can have today."""
    items = caller.listing("youtubereporting.reportTypes.list", "reportTypes", pageSize=_PAGE)
    return tuple(_readable(ReportType, items))


def list_jobs(caller: Caller) -> tuple[Job, ...]:
    """The channel's jobs; empty when there are none."""
    return tuple(_readable(Job, caller.listing("youtubereporting.jobs.list", "jobs", pageSize=_PAGE)))


def create_job(caller: Caller, report_type: str) -> Job:
    """Create the job for a report type; when YouTube says that there is one already, the newest.

    Raises CorruptData for an answer that is no job.
    """
    body = {"reportTypeId": report_type, "name": report_type}
    try:
        answer = caller.call("youtubereporting.jobs.create", body=body)
    except Conflict:
        of_type = (job for job in list_jobs(caller) if job.report_type == report_type)
        existing = max(of_type, key=lambda job: job.created_at, default=None)
        if existing is None:
            raise
        return existing
    made = next(_readable(Job, [answer]), None)
    if made is None:
        raise CorruptData("YouTube's answer to a new reporting job is none.")
    return made


def list_reports(
    caller: Caller, job_id: str, *, created_after: datetime | None = None, days: tuple[date, date] | None = None
) -> tuple[Report, ...]:
    """A job's reports, oldest creation first; those made after `created_after`, or of days (both included)."""
    asked: dict[str, Any] = {"jobId": job_id, "pageSize": _PAGE}
    if created_after is not None:
        asked["createdAfter"] = format_instant(created_after)
    if days is not None:
        asked["startTimeAtOrAfter"] = format_instant(pacific_midnight(days[0]))
        asked["startTimeBefore"] = format_instant(pacific_midnight(days[1] + timedelta(days=1)))
    reports = _readable(Report, caller.listing(LIST, "reports", **asked))
    return tuple(sorted(reports, key=lambda report: (report.created_at, report.id)))


class Into(Protocol):
    """What a file is written to, as its bytes come. restart: forgets all of them."""

    def write(self, chunk: bytes, /) -> int: ...

    def restart(self) -> None: ...


def download(caller: Caller, url: str, into: Into) -> int:
    """Write a report's CSV to `into`, unpacked on the way, in constant memory; how many bytes of it there are.

    The length and, for a packed answer, its checksum are verified: a file that was cut short or damaged raises
    Unavailable (reason damagedDownload), and `into` is restarted. Raises CorruptData for an address that is
    not the Reporting API's: the access token goes nowhere else.
    """
    if foreign(url, caller.settings.reporting_root):
        words = "A report's download address is not the Reporting API's."
        raise CorruptData(words, reason="foreignDownloadAddress")

    def send(token: str) -> Outcome[int]:
        outcome = _fetch(url, token, into, caller)
        if outcome.fault is not None:
            into.restart()
        return outcome

    return caller.spend(DOWNLOAD, send)


def _fetch(url: str, token: str, into: Into, caller: Caller) -> Outcome[int]:
    from urllib3.exceptions import HTTPError

    status, received, written = None, 0, 0
    headers = {**bearer(token), "accept-encoding": "gzip"}
    try:
        with opened("GET", url, headers=headers) as answer:
            status = answer.status
            if status != 200:
                body = answer.read(_ERROR_MAX, decode_content=True)
                return Outcome(status, len(body), fault=classify(status, answer.headers, body, clock=caller.clock))
            unpack = _unpacker(answer.headers.get("content-encoding", "identity"))
            for chunk in answer.stream(_CHUNK, decode_content=False):
                received += len(chunk)
                written += into.write(unpack.decompress(chunk) if unpack else chunk)
            if unpack and (not unpack.eof or unpack.unused_data):
                raise ValueError("the packed answer has no proper end")  # noqa: TRY301 - as what zlib raises
    except (HTTPError, OSError, ValueError, zlib.error) as error:
        # Before the answer began it is an ordinary lost connection; after, a damaged download.
        damage = damaged("damagedDownload", status=status, detail=type(error).__name__)
        return Outcome(status, received, fault=no_answer(error) if status is None else damage)
    return Outcome(status, received, written)


def _unpacker(encoding: str) -> Any:
    """What undoes a content encoding; None where there is none. Raises ValueError for an unknown one."""
    if encoding not in {"gzip", "identity", ""}:
        raise ValueError(f"content encoding {encoding!r}")
    # 16 asks zlib for gzip's own frame, whose checksum and length it then verifies.
    return zlib.decompressobj(16 + zlib.MAX_WBITS) if encoding == "gzip" else None


def _readable(kind: type[T], items: Iterable[Mapping[str, Any]]) -> Iterator[T]:
    """The items that can be read. One that cannot is told and left out; the day of such a report stays missing."""
    for item in items:
        try:
            yield item_of(kind, item, strict=True)
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            log("ERROR", "an item of YouTube's cannot be read", by=kind.__name__, error=type(error).__name__)
