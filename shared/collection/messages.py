"""Reports as messages for `ingest`: to be loaded together, or downloaded already and waiting in staging tables."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime
from typing import Any

from shared.clock import format_instant, parse_instant
from shared.warehouse.load import Staged, StagedReport
from shared.warehouse.rows import ReportRef

KIND = "reports"
STAGED = "staged"
REPORTS_MAX = 750  # in one message: few load jobs, and a load well inside its time limit

ToIngest = Callable[[str, Mapping[str, Any]], object]
"""Gives `ingest` a message of some kind, durably."""
ToIngestAt = Callable[[str, Mapping[str, Any], datetime], object]
"""Gives `ingest` a message of some kind, durably, at a time. Asked twice for the same, gives it once."""


def messages(groups: Iterable[Sequence[ReportRef]]) -> Iterator[dict[str, Any]]:
    """Groups of reports of one type as messages. No group is split."""
    waiting = list[ReportRef]()
    for group in groups:
        if waiting and len(waiting) + len(group) > REPORTS_MAX:
            yield message(waiting)
            waiting = []
        waiting += group
    if waiting:
        yield message(waiting)


def message(refs: Sequence[ReportRef], staged: Sequence[Staged] | None = None) -> dict[str, Any]:
    """Reports of one type as a message. staged: to be loaded with them; None: without a place in the order."""
    told = {"report_type": refs[0].report_type, "reports": [_entry(ref) for ref in refs]}
    return told if staged is None else told | staged_message(staged)


def _entry(ref: ReportRef) -> dict[str, Any]:
    entry = {**vars(ref), "day": ref.day.isoformat(), "create_time": format_instant(ref.create_time)}
    del entry["report_type"]
    return entry


def refs_from(message: Mapping[str, Any]) -> list[ReportRef]:
    """The reports of a message. Raises KeyError, TypeError or ValueError for one that we did not write."""
    return [_ref(message["report_type"], entry) for entry in message["reports"]]


def _ref(report_type: str, entry: Mapping[str, Any]) -> ReportRef:
    times = {"day": date.fromisoformat(entry["day"]), "create_time": parse_instant(entry["create_time"])}
    return ReportRef(**{**entry, **times, "report_type": report_type})


def staged_message(staged: Sequence[Staged]) -> dict[str, Any]:
    def told(each: Staged) -> dict[str, Any]:
        return {**vars(each), "reports": [{**vars(report), "ref": _entry(report.ref)} for report in each.reports]}

    return {"staged": list(map(told, staged))}


def staged_from(message: Mapping[str, Any]) -> list[Staged]:
    """What a message says of staging tables. Raises as `refs_from`."""

    def read(told: Mapping[str, Any]) -> Staged:
        kind = told["report_type"]
        reports = tuple(
            StagedReport(**{**each, "ref": _ref(kind, each["ref"]), "findings": tuple(each["findings"])})
            for each in told["reports"]
        )
        return Staged(report_type=kind, table=told["table"], order=tuple(told["order"]), reports=reports)

    return list(map(read, message["staged"]))
