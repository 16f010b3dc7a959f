"""Our own books, read back: the coverage of reports and the quota ledger, beside YouTube's lists and counts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from itertools import chain
from typing import TYPE_CHECKING

from infra.local.demo import control
from infra.local.demo.compare import Comparison
from infra.local.stack import Stack
from shared.collection.coverage import MONTHS, Day
from shared.collection.jobs import State
from shared.data_map import REPORTS
from shared.wiring import quota

if TYPE_CHECKING:
    from google.cloud.firestore import Client

Counts = Mapping[str, Mapping[str, int]]
"""Pacific day to bucket to units."""
_OF_MONTH = 2  # colons in a document's name: of report type, pack and month


@dataclass
class ReportCounts:
    """The coverage over all channels. newest: each day's newest report; replaced: the older issues.

    states: how many of the newest stand where.
    """

    newest: list[str] = field(default_factory=list)
    replaced: list[str] = field(default_factory=list)
    states: Counter[str] = field(default_factory=Counter)


def report_counts(client: Client) -> ReportCounts:
    """Add up the coverage."""
    return added_up(
        MONTHS.unpacked("", text).days.values()
        for snapshot in client.collection(REPORTS.path).stream()
        if snapshot.id.count(":") == _OF_MONTH
        for text in (snapshot.to_dict() or {})["channels"].values()
    )


def added_up(months: Iterable[Iterable[Day]]) -> ReportCounts:
    """Add up the coverage's days, those of a channel's month together."""
    counts = ReportCounts()
    for entry in chain.from_iterable(months):
        counts.newest.append(entry.report_id)
        counts.replaced += entry.superseded
        counts.states[entry.state] += 1
    return counts


def reports_sum(counts: ReportCounts, found: Comparison) -> dict[str, int]:
    """From listed to counting: what was replaced, and whether that was before or after it had been loaded."""
    after = len(found.manifest.keys() & set(counts.replaced))
    return {
        "listed": len(counts.newest) + len(counts.replaced),
        "loaded": sum(found.manifest.values()),
        "superseded": len(counts.replaced),
        "counting": found.counting,
        "replaced_after_loading": after,
        "replaced_before_loading": len(counts.replaced) - after,
    }


def report_problems(counts: ReportCounts, found: Comparison) -> list[str]:
    """Where our ledger of reports, the manifest and YouTube's own list do not come out as one."""
    told = reports_sum(counts, found)
    problems = []
    failed, waiting = counts.states[State.FAILED], counts.states[State.LISTED]
    if failed or waiting:
        problems.append(f"{failed} reports unreadable, {waiting} not loaded")
    if told["listed"] != found.listed:
        problems.append(f"we listed {told['listed']} reports, YouTube issued {found.listed}")
    if told["superseded"] != found.superseded:
        problems.append(f"we saw {told['superseded']} reports superseded, YouTube issued {found.superseded} again")
    for whole, without in (("listed", "superseded"), ("loaded", "replaced_after_loading")):
        left = told[whole] - told[without]
        if left != found.counting:
            words = without.replace("_", " ")
            problems.append(
                f"{told[whole]} {whole} - {told[without]} {words} = {left}, but {found.counting} reports count"
            )
    return problems


def quota_counts(stack: Stack, client: Client) -> tuple[Counts, Counts]:
    """Units used by day and bucket, on every day that we or Google have in the books: ours, and Google's."""
    told = control.ask(stack, "quota")["days"]
    known = {document.id.partition(":")[0] for document in client.collection("quota").list_documents()}
    ours = {
        day: {bucket: usage["used"] for bucket, usage in quota.ledger().usage(date.fromisoformat(day)).items()}
        for day in known | told.keys()
    }
    google = {day: {bucket: counts["used"] for bucket, counts in buckets.items()} for day, buckets in told.items()}
    return ours, google


def quota_problems(ours: Counts, google: Counts) -> list[str]:
    """Every day and bucket for which the two counts differ."""
    return [
        f"quota {bucket} on {day}: we count {mine}, Google {theirs}"
        for day in sorted(ours.keys() | google.keys())
        for bucket in sorted(ours.get(day, {}).keys() | google.get(day, {}).keys())
        if (mine := ours.get(day, {}).get(bucket, 0)) != (theirs := google.get(day, {}).get(bucket, 0))
    ]


def quota_totals(ours: Counts, google: Counts) -> dict[str, dict[str, int]]:
    """{bucket: {"ours", "google"}} over all days."""
    totals: dict[str, dict[str, int]] = {}
    for whose, counts in (("ours", ours), ("google", google)):
        for buckets in counts.values():
            for bucket, used in buckets.items():
                totals.setdefault(bucket, {"ours": 0, "google": 0})[whose] += used
    return totals
