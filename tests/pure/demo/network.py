"""Two channels with two days each, as YouTube tells the truth and as a flawless warehouse holds it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from infra.local.demo.compare import BASIC, SHOWN, Held
from infra.local.demo.ledgers import ReportCounts, added_up
from shared.collection.coverage import Day
from shared.collection.jobs import State
from shared.warehouse.report_types import report_type

NOW = datetime(2026, 11, 22, tzinfo=UTC)
METRICS = report_type(BASIC).metrics
ROW = {metric: 1.25 if "watch_time" in metric or "average" in metric else 3 for metric in METRICS}
AVERAGED = [name for name in METRICS if name.startswith("average_") or name.endswith("_rate")]
CELLS = {("UC-a", "2026-11-01"): "a1", ("UC-a", "2026-11-02"): "a2", ("UC-b", "2026-11-01"): "b1"}
EMPTY = ("UC-b", "2026-11-02")  # a report without a row
REPORTS = {**CELLS, EMPTY: "b2"}


def truth() -> dict[str, Any]:
    """a1 replaced a0 after it was loaded, b1 replaced b0 before."""
    channels: dict[str, Any] = {name: {"listed": 3, "superseded": 1, "days": {}} for name in ("UC-a", "UC-b")}
    for (channel, day), report in REPORTS.items():
        rows = 0 if (channel, day) == EMPTY else 2
        columns = {name: rows * ROW[name] for name in METRICS}
        channels[channel]["days"][day] = {
            "report_id": report,
            "rows": rows,
            "totals": columns | dict.fromkeys(AVERAGED, 99.0),  # the true average is no sum
            "column_sums": {name: columns[name] for name in AVERAGED},
        }
    return channels


def held() -> Held:
    doubled = {name: 2 * ROW[name] for name in METRICS}
    return Held(
        reports={c: {"report_id": r, "row_count": 0 if c == EMPTY else 2} for c, r in REPORTS.items()},
        counted={cell: {"row_count": 2, **doubled} for cell in CELLS},
        metrics={cell: {name: doubled[name] for name in SHOWN} for cell in CELLS},
        manifest=dict.fromkeys([*REPORTS.values(), "a0"], 1),
    )


def counts() -> ReportCounts:
    replaced = {"a1": ["a0"], "b1": ["b0"]}
    days = {
        report: Day(
            report_id=report, create_time=NOW, state=State.LOADED, noted_at=NOW, job_id="j", download_url="u",
            superseded=tuple(replaced.get(report, ())),
        )
        for report in REPORTS.values()
    }  # fmt: skip
    return added_up([days[name] for name in group] for group in (("a1", "a2"), ("b1", "b2")))
