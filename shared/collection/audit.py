"""The daily audit: no day counts as loaded that is not in the warehouse, and missing days alarm with a deadline.

Coverage and manifest are written one after the other, so once a day one query counts the days of each channel,
report type and month. Where the manifest has fewer, those that it lacks are listed again, and dispatched by the
next run.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Mapping
from datetime import date, datetime
from functools import partial
from typing import Any

from shared.clock import format_instant
from shared.cloud.firestore import Client
from shared.cloud.steps import Result
from shared.collection import gone, packs, places
from shared.collection.coverage import Days, not_loaded, window
from shared.collection.jobs import ALARMING, Job, State, risk
from shared.collection.refusals import Storing
from shared.monitoring import alerts
from shared.monitoring.log import log
from shared.warehouse.checks import RESULTS_MAX, run_checks
from shared.warehouse.statements import LOADED_DAYS, NAMED_REPORTS, Warehouse, run
from shared.warehouse.tables import CHECK_RESULTS

KIND = "coverageAudit"
"""The kind of message that asks `ingest` for a day's audit."""
CHECKS = "checks"
"""The kind of message that asks `ingest` for the quality checks."""
NOT_IN_WAREHOUSE = "notInWarehouse"
_NAMED = 3  # results that an alert names
_MENDED_MAX = 200  # reporting jobs that one audit looks into more closely; the next one finds the others


def audit(client: Client, warehouse: Warehouse, report_types: Collection[str], now: datetime, day: str) -> None:
    """Audit the coverage for a day; of other report types no day is missed. Safe to repeat."""
    since, _ = window(now)
    rows = run(warehouse, LOADED_DAYS, since=since)
    named = {(row["channel_id"], row["report_type"], row["month"]): row["days"] for row in rows}
    every, strays = packs.every(client)
    for pack, channel_id in strays:
        log("WARNING", "a channel's coverage was left behind", channel=channel_id, pack=pack)
        places.take_out(client, pack, channel_id)
    doubted = [job for job in every if lacks(job, named, since=since, now=now)]
    listed = _list_again(client, warehouse, doubted[:_MENDED_MAX], now) if doubted else 0
    found = risk((job for job in every if job.report_type in report_types), ALARMING, now=now)
    alerts.tell(client, alerts.REPORT_GAPS, found.words if found else None, now)
    log("INFO", "the coverage was audited", day=day, jobs=len(every), doubted=len(doubted), listed=listed)


def _list_again(client: Client, warehouse: Warehouse, doubted: Collection[Job], now: datetime) -> int:
    """Take back that reports are loaded which the manifest does not name; answers how many."""
    placed = places.places(client)

    def changed(job: Job, decide: Callable[[Days], tuple[Result, Days]]) -> Result:
        about = job.channel_id, job.report_type
        return packs.change_days(client, placed[job.channel_id].pack, about, window(now), decide)

    loaded = [(job, changed(job, _loaded)) for job in doubted if job.channel_id in placed]
    asked = [report for _, reports in loaded for report in reports]
    named = {row["report_id"] for row in run(warehouse, NAMED_REPORTS, ids=asked)}
    listed = 0
    for job, reports in loaded:
        if lacking := frozenset(reports) - named:
            count = changed(job, partial(_listed_again, lacking))
            log("ERROR", "days that counted as loaded are not in the warehouse", channel=job.channel_id,
                report=job.report_type, days=count)  # fmt: skip
            listed += count
    return listed


def lacks(job: Job, named: Mapping[tuple[str, str, str], int], *, since: date, now: datetime) -> bool:
    """Whether fewer of a job's days are named than count as loaded. named: by channel, report type and month."""
    loaded = Counter(f"{day:%Y-%m}" for day in job.days(now, since=since) if job.loaded(day))
    return any(named.get((job.channel_id, job.report_type, month), 0) < count for month, count in loaded.items())


def _loaded(days: Days) -> tuple[list[str], Days]:
    return [entry.report_id for entry in days.values() if entry.state is State.LOADED], {}


def _listed_again(lacking: Collection[str], days: Days) -> tuple[int, Days]:
    changed = {
        day: not_loaded(entry, reason=NOT_IN_WAREHOUSE)
        for day, entry in days.items()
        if entry.state is State.LOADED and entry.report_id in lacking
    }
    return len(changed), changed


def check(reader: Storing) -> None:
    """Run every check. A result is a row of its channel's connection, so it goes when that ends."""
    now, rows = reader.clock(), defaultdict[tuple[str, str], list[dict[str, Any]]](list)
    for each, results in run_checks(reader.warehouse(), now):
        held = gone.connections(reader.client, {result.channel_id for result in results})
        standing = [result for result in results if held.get(result.channel_id)]
        for result in standing:
            about = {"ran_at": format_instant(now), "check": each.name, "date": result.date.isoformat()}
            rows[result.channel_id, held[result.channel_id]].append(vars(result) | about)
        first = "; ".join(map(str, standing[:_NAMED]))
        count = f"{len(standing)}{' or more' if len(results) == RESULTS_MAX else ''}"
        words = f"{count} times {each.about}. {first}" if standing else None
        alerts.tell(reader.client, f"check:{each.name}", words, now, severity="ERROR")
    reader.append(CHECK_RESULTS, rows)
    log("INFO", "the checks were run", results=sum(map(len, rows.values())))
