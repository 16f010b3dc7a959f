"""What a month costs, by service and by feature: operations of a day times a dated table of prices.

    python -m infra.models.cost        prints the bills of 250 and of 10,000 channels

Three kinds of operations, told apart in the bill. Counted: Firestore's, on the wire, by `infra/bench/full_day.py`
(COUNTED). Computed: what follows from the declaration, the report types, the statements' texts and the records
(schedules, tasks, secrets, tables that a query names, answers that are kept). Assumed: the figures of ASSUMED. No
bill of Google's was there to compare with. What Google has announced to charge stands beside.
"""

from __future__ import annotations

import re
import tomllib
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from functools import cache
from itertools import takewhile
from typing import Any

from cronsim import CronSim

from infra.deployment import ROOT, Deployment, Schedule, deployment
from infra.views import VIEWS, view_text
from shared.collection import week_answers
from shared.collection.loading import DOWNLOADS_AT_ONCE
from shared.collection.planner import BATCH
from shared.quota.profile import load
from shared.warehouse import checks
from shared.warehouse.report_types import PROFILES
from shared.warehouse.tables import TABLES

MONTH = 365 / 12  # days
MIB = 1 / 1024  # of a GiB
SIZES = (250, 10_000)
LEAST_SCANNED = 10 * MIB  # GiB of each table that a query names
COUNTED: Mapping[str, Mapping[str, tuple[float, float]]] = {
    "watching": {"reads": (2_250, 0), "writes": (288, 0)},
    "push": {"reads": (890, 3.3), "writes": (11, 1.6)},
    "connections": {"reads": (84, 5.1), "writes": (0, 3)},
    "quota": {"reads": (48, 0), "writes": (0, 0)},
    "reports": {"reads": (0, 12.6), "writes": (0, 9.8)},
    "figures": {"reads": (0, 5), "writes": (0, 3.5)},
    "metadata": {"reads": (0, 5.2), "writes": (0, 2.2)},
    "counts": {"reads": (4_868, 4.6), "writes": (3_777, 0.7)},
    "pages": {"reads": (0, 10), "writes": (0, 7.4)},
    "publishing": {"reads": (4_100, 0), "writes": (1_900, 0)},
}
"""Documents of a day with news, by feature: whatever the network's size, and for each channel.

The counts' runs are bounded by their calls; how they grow is computed. Pages are one a channel, uploads a hundred.
"""

FEATURES: Mapping[str, str] = {
    "collect-reports": "reports",
    "collect-analytics": "figures",
    "collect-metadata": "metadata",
    "collect-statistics": "counts",
    "renew-subscriptions": "push",
    "refresh-tokens": "connections",
    "sweep": "publishing",
    "watch": "watching",
}
"""What each schedule is for."""
WORKS_IN: Mapping[str, str] = {
    "reports": "ingest",
    "figures": "collect_analytics",
    "metadata": "collect_metadata",
    "counts": "collect_statistics",
    "publishing": "run_operation",
}
"""The function whose seconds a feature's calls take."""


@dataclass(frozen=True, kw_only=True)
class Assumed:
    """What nobody has measured. Seconds are an instance's: it waits for Google, or works at its part of a CPU."""

    seconds_a_run: float = 0.5  # of a schedule that finds nothing to do
    seconds_a_call: float = 0.3  # of YouTube's
    seconds_a_report: float = 0.4  # downloaded, several at once, and passed on
    seconds_a_load: float = 10  # of BigQuery's statements
    seconds_a_page: float = 1.5
    seconds_an_upload: float = 60
    pages_a_channel: float = 1  # a day: its owner looks at its last seven days
    other_days_a_page: float = 1 / 30  # of these are about other days: a month's end
    old_videos_a_page: float = 0  # of these ask for videos that are older than a week
    uploads: float = 100  # a day: all that the default quota allows
    videos_a_channel: float = 1 / 7  # new ones a day, each told of twice
    loads: tuple[tuple[int, int], ...] = (
        (250, 149),
        (10_000, 456),
    )  # a day: the worst of infra/docs/collecting.md
    rows_a_report: float = 200
    rows_an_answer: float = 10  # of Analytics
    bytes_a_row: Mapping[str, float] = field(
        default_factory=lambda: {"reports": 240, "counts": 110, "figures": 120}
    )
    bytes_a_load: Mapping[str, float] = field(default_factory=lambda: {"reports": 250, "figures": 150})
    bytes_a_reading: float = 150  # of a video by night
    compression: Mapping[str, float] = field(  # as stored; reports: measured, see infra/decisions/cost.md
        default_factory=lambda: {"reports": 6, "counts": 3, "figures": 3}
    )
    parts_checked: tuple[float, ...] = (1, 0.6, 0.3, 0.3, 0.3, 0.2, 0.2)  # of reports' bytes, by check of rows
    months_kept: float = 12
    days_deleted: float = 10  # that a day's staged rows are billed for: a day, two of time travel, seven kept safe
    log_bytes: float = 3_000  # a request
    points_an_hour: float = 120  # that a condition's metric returns: one each half minute
    starts_a_day: float = 12  # of each function, after which its secrets are read anew
    image_gib: float = 0.06  # of its own, a function; what all share once more
    documents_a_channel: float = 60
    bytes_a_document: float = 3_000
    backups: float = 21  # of which each is whole: a week's and 14 weeks'
    expired: float = 0.1  # of all writes end as documents that expire


ASSUMED = Assumed()


@dataclass(frozen=True, kw_only=True)
class Price:
    """What units of a counter cost. free: a month; free_daily: each day. begins: from when on, if not yet."""

    service: str
    price: float
    sure: str
    source: str
    per: float = 1
    free: float = 0
    free_daily: float = 0
    begins: date | None = None

    def at(self, day: date) -> Price:
        """What is charged on a day: nothing before it begins."""
        return self if self.begins is None or self.begins <= day else replace(self, price=0)

    def of(self, amount: float) -> float:
        """Dollars for a month's amount."""
        return max(0.0, amount - self.free - self.free_daily * MONTH) / self.per * self.price


@dataclass(frozen=True, kw_only=True)
class Use:
    """A month's amount of a counter for a feature, and how it is known: counted, computed or assumed."""

    counter: str
    feature: str
    amount: float
    known: str


@dataclass(frozen=True, kw_only=True)
class Line:
    """A counter of the bill: the amount, its price at a day, and each feature's part of the dollars."""

    counter: str
    price: Price
    amount: float
    known: str
    features: Mapping[str, float]

    @property
    def dollars(self) -> float:
        """A month's."""
        return self.price.of(self.amount)


@cache
def _table() -> Mapping[str, Any]:
    return tomllib.loads((ROOT / "infra" / "prices.toml").read_text())


def prices(day: date | None = None) -> Mapping[str, Price]:
    """What is charged on a day, that on which the table was made by default."""
    on = day or _table()["as_of"]
    return {name: Price(**entry).at(on) for name, entry in _table().items() if isinstance(entry, dict)}


def announced() -> date:
    """From when on everything is charged that Google has announced to charge."""
    return max(each.begins or _table()["as_of"] for each in prices().values())


def bill(uses: list[Use], day: date | None = None) -> list[Line]:
    """The lines of a month's bill, at a day's prices. Raises KeyError for a counter without a price."""
    lines, charged = [], prices(day)
    for counter in dict.fromkeys(each.counter for each in uses):
        parts = [each for each in uses if each.counter == counter]
        amount = sum(each.amount for each in parts)
        dollars = charged[counter].of(amount)
        shares: dict[str, float] = defaultdict(float)
        for each in parts:
            shares[each.feature] += dollars * each.amount / amount if amount else 0
        known = ", ".join(sorted({each.known for each in parts}))
        lines.append(Line(counter=counter, price=charged[counter], amount=amount, known=known, features=shares))
    return lines


def month(channels: int, *, balancer: bool = False, assumed: Assumed = ASSUMED) -> list[Use]:
    """Everything that is used in a month by so many channels, with everything that collects."""
    return [
        *_firestore(channels, assumed),
        *_runs(channels, assumed),
        *_tasks(channels, assumed),
        *_warehouse(channels, assumed),
        *_standing(assumed),
        *(_balancer() if balancer else ()),
    ]


def _firestore(channels: int, assumed: Assumed) -> Iterator[Use]:
    total = 0.0
    # Whose answers are kept is listed; each is read before it is written.
    answers = channels * min(1, assumed.pages_a_channel) * len(week_answers.AT)
    daily = {
        **{
            (kind, of): (base + each * channels, "counted")
            for of, kinds in COUNTED.items()
            for kind, (base, each) in kinds.items()
        },
        ("reads", "answers"): (2 * answers, "computed"),
        ("writes", "answers"): (answers, "computed"),
    }
    for (kind, feature), (amount, known) in daily.items():
        yield Use(counter=f"firestore_{kind}", feature=feature, amount=amount * MONTH, known=known)
        total += amount * MONTH if kind == "writes" else 0
    expired = Use(counter="firestore_expired", feature="base", amount=total * assumed.expired, known="assumed")
    stored = channels * assumed.documents_a_channel * assumed.bytes_a_document / 2**30
    backups = stored * assumed.backups
    yield expired
    yield Use(counter="firestore_gib", feature="base", amount=stored, known="assumed")
    yield Use(counter="firestore_backup_gib", feature="base", amount=backups, known="assumed")


def runs_a_day(schedule: Schedule) -> int:
    """How often a schedule fires."""
    begin = datetime(2026, 11, 29, tzinfo=UTC)
    return sum(1 for _ in takewhile(lambda at: at <= begin + timedelta(days=1), CronSim(schedule.cron, begin)))


def calls_a_day(channels: int) -> Mapping[str, float]:
    """Calls of YouTube's APIs, or other pieces of work, by feature: as many as wanted, whatever the quota."""
    types = len(PROFILES["standard"])
    limits = load("current")
    return {
        "reports": channels * types,
        "figures": channels * 10,  # five days' queries and five videos' retention
        "metadata": min(2_000, limits.bucket("default").limit) * max(1, channels / 2_500),
        "counts": 9_000,
    }


def _runs(channels: int, assumed: Assumed) -> Iterator[Use]:
    """Requests to functions, and what they take of CPU and memory."""
    declared, calls = deployment(), calls_a_day(channels)
    work: list[tuple[str, str, float, float]] = [  # function, feature, requests, seconds
        (each.function, FEATURES[each.name], runs_a_day(each), runs_a_day(each) * assumed.seconds_a_run)
        for each in declared.schedules.values()
    ]
    tasks = _tasks_a_day(channels)
    for feature, seconds in {
        "reports": calls["reports"] * assumed.seconds_a_report / DOWNLOADS_AT_ONCE
        + _loads(channels, assumed) * assumed.seconds_a_load,
        "figures": calls["figures"] * assumed.seconds_a_call,
        "metadata": calls["metadata"] * assumed.seconds_a_call,
        "counts": calls["counts"] * assumed.seconds_a_call,
        "publishing": assumed.uploads * assumed.seconds_an_upload,
    }.items():
        work.append((WORKS_IN[feature], feature, tasks.get(feature, 0), seconds))
    work.append(("collect_reports", "reports", tasks["reports"], calls["reports"] * assumed.seconds_a_call))
    pages, told = channels * assumed.pages_a_channel, channels * assumed.videos_a_channel * 2
    work.append(("channel_data", "pages", pages, pages * assumed.seconds_a_page))
    work.append(("webhook", "push", told, told * assumed.seconds_a_run))
    for name, feature, requests, seconds in work:
        function = declared.functions[name]
        memory = int(function.memory.removesuffix("Mi")) * MIB
        for counter, amount, known in (
            ("run_requests", requests, "computed"),
            ("run_vcpu_seconds", seconds * function.cpu, "assumed"),
            ("run_gib_seconds", seconds * memory, "assumed"),
            ("log_gib", requests * assumed.log_bytes / 2**30, "assumed"),
        ):
            yield Use(counter=counter, feature=feature, amount=amount * MONTH, known=known)


def _loads(channels: int, assumed: Assumed) -> float:
    """Loads of reports a day, between and beyond the two sizes that were modelled."""
    (small, few), (large, many) = assumed.loads
    return few + (many - few) * max(0, channels - small) / (large - small)


def _tasks_a_day(channels: int) -> Mapping[str, float]:
    batches = -(-channels // BATCH)
    return {
        "reports": batches * len(PROFILES["standard"]) + _loads(channels, ASSUMED),
        "figures": max(batches, 24),
        "metadata": max(batches, 20),
        "watching": 288,
        "publishing": ASSUMED.uploads * 2,
    }


def _tasks(channels: int, assumed: Assumed) -> Iterator[Use]:
    """Each task is queued and delivered; each message is published and pushed, of 1,000 bytes at least."""
    for feature, amount in _tasks_a_day(channels).items():
        yield Use(counter="tasks_operations", feature=feature, amount=amount * 2 * MONTH, known="computed")
    report = calls_a_day(channels)["reports"] * 300 * 2 / 2**30
    yield Use(counter="pubsub_gib", feature="reports", amount=report * MONTH, known="assumed")
    told = channels * assumed.videos_a_channel * 2 * 1_000 * 2 / 2**30
    yield Use(counter="pubsub_gib", feature="push", amount=told * MONTH, known="assumed")


@cache
def tables_of(text: str) -> frozenset[str]:
    """The tables that a statement reads, through every view."""
    found: set[str] = set()
    for table in TABLES:
        if f".{table.name}`" in text:
            found.add(table.name)
    for view in VIEWS:
        if f".{view}`" in text:
            found |= tables_of(view_text(view))
    return frozenset(found)


def _warehouse(channels: int, assumed: Assumed) -> Iterator[Use]:
    """What BigQuery scans and keeps, after the months that are kept."""
    loads = _loads(channels, assumed)
    week, of_video = (len(tables_of(f"`{{dataset}}.{view}`")) for view in ("youtube_metrics", "video_totals"))
    pages = channels * assumed.pages_a_channel
    apart = pages * (assumed.other_days_a_page * week + assumed.old_videos_a_page * of_video) * LEAST_SCANNED
    for feature, scanned in {
        # judged, taken; whether it is named already, before and while it is named: of their days alone
        "reports": loads * 4 * LEAST_SCANNED,
        "figures": _tasks_a_day(channels)["figures"] * 2 * LEAST_SCANNED,
        "metadata": 24 * LEAST_SCANNED,
        "pages": apart
        + len(week_answers.AT) * max(week * LEAST_SCANNED, _week(channels, assumed))
        + len(week_answers.AT) * max(of_video * LEAST_SCANNED, _new_videos(channels, assumed)),
        "watching": 10 * len(TABLES) * LEAST_SCANNED
        + _checks(channels, assumed),  # the day's audits, and its checks
    }.items():
        yield Use(counter="bigquery_scanned_gib", feature=feature, amount=scanned * MONTH, known="assumed")
    months = {"bigquery_stored_gib": 3, "bigquery_old_gib": max(0, assumed.months_kept - 3)}
    kept = {
        (counter, feature): stored / assumed.compression[feature] * (MONTH * each)
        for feature, stored in _rows_a_day(channels, assumed).items()
        for counter, each in months.items()
    }
    staged = _rows_a_day(channels, assumed)["reports"] / assumed.compression["reports"]
    kept["bigquery_stored_gib", "reports"] += staged * assumed.days_deleted
    # What is free of both together, the dearer takes first.
    young = sum(amount for (counter, _), amount in kept.items() if counter == "bigquery_stored_gib")
    old = sum(kept.values()) - young
    charged = max(0, old - max(0, prices()["bigquery_stored_gib"].free - young)) / old
    for (counter, feature), amount in kept.items():
        part = charged if counter == "bigquery_old_gib" else 1
        yield Use(counter=counter, feature=feature, amount=amount * part, known="assumed")


def _rows_a_day(channels: int, assumed: Assumed) -> Mapping[str, float]:
    """GiB of a day's rows, by feature, as they are before they are compressed."""
    rows = {"reports": assumed.rows_a_report, "counts": 50, "figures": assumed.rows_an_answer}
    calls = calls_a_day(channels)
    return {
        feature: calls[feature] * each * assumed.bytes_a_row[feature] / 2**30 for feature, each in rows.items()
    }


def _checks(channels: int, assumed: Assumed) -> float:
    """GiB that the quality checks read a day, each of some columns of the newest days' rows."""
    everything = _rows_a_day(channels, assumed)["reports"] * checks.DAYS.days
    reads = (each * everything for each in assumed.parts_checked)
    return sum(each if each * 2**30 <= checks.MUCH else each / 7 for each in reads)


def _week(channels: int, assumed: Assumed) -> float:
    """GiB that a question about all channels' last seven days reads: partitions, and 35 more of a manifest."""
    rows, calls = _rows_a_day(channels, assumed), calls_a_day(channels)
    loads = {feature: calls[feature] * each / 2**30 for feature, each in assumed.bytes_a_load.items()}
    of_two_types = rows["reports"] * 2 / len(PROFILES["standard"])
    return (of_two_types + rows["figures"] + loads["reports"]) * 7 + loads["figures"] * 42


def _new_videos(channels: int, assumed: Assumed) -> float:
    """GiB that a question about all channels' new videos reads: a week of one type, and 38 days' readings."""
    calls, reports = calls_a_day(channels), len(PROFILES["standard"])
    loads = calls["reports"] * assumed.bytes_a_load["reports"] / 2**30
    read = calls["metadata"] * 50 * assumed.bytes_a_reading / 2**30
    return (_rows_a_day(channels, assumed)["reports"] / reports + loads) * 7 + read * 38


def _standing(assumed: Assumed) -> Iterator[Use]:
    """What costs the same whatever is done."""
    declared: Deployment = deployment()
    for schedule in declared.schedules.values():
        yield Use(counter="scheduler_jobs", feature=FEATURES[schedule.name], amount=1, known="computed")
    rotating = sum(1 for each in declared.secrets.values() if each.rotation)
    versions = len(declared.secrets) + rotating  # a rotated key's older version still seals something for a while
    yield Use(counter="secret_versions", feature="base", amount=versions, known="computed")
    reads = sum(len(each.secrets) for each in declared.functions.values()) * assumed.starts_a_day * MONTH
    yield Use(counter="secret_accesses", feature="base", amount=reads, known="assumed")
    terraform = ROOT / "infra" / "terraform"
    references = metric_references(
        *((terraform / name).read_text() for name in ("monitoring.tf", "webhook.promql"))
    )
    yield Use(counter="alert_references", feature="watching", amount=references, known="computed")
    evaluated = references * assumed.points_an_hour * 24 * MONTH
    yield Use(counter="alert_points", feature="watching", amount=evaluated, known="assumed")
    images = (len(declared.functions) + 3) * assumed.image_gib
    yield Use(counter="image_gib", feature="base", amount=images, known="assumed")


def metric_references(conditions: str, query: str) -> int:
    """How many metrics the conditions of `alert_policies = "few"` name: all but those that match the log.

    query: of the condition that names its metrics itself.
    """
    policies = conditions.split('resource "google_monitoring_alert_policy" ')[1:]
    named = set(re.findall(r"run_googleapis_com:(request_[a-z]+)", query))
    return len(named) + sum("condition_matched_log" not in each and '== "each"' not in each for each in policies)


def _balancer() -> Iterator[Use]:
    for counter, amount in (("balancer_hours", 730), ("armor_policies", 1), ("armor_rules", 2)):
        yield Use(counter=counter, feature="front", amount=amount, known="computed")


def total(channels: int, *, balancer: bool = False, day: date | None = None) -> float:
    """A month's dollars."""
    return sum(each.dollars for each in bill(month(channels, balancer=balancer), day))


def page() -> str:
    """Both bills, as a person reads them."""
    rows = ["| counter | service | known | a month at 250 | dollars | at 10,000 | dollars |", "|" + " --- |" * 7]
    few, many = (bill(month(size, balancer=True)) for size in SIZES)
    for small, large in zip(few, many, strict=True):
        amounts = (f"{small.amount:,.1f} | {small.dollars:.2f}", f"{large.amount:,.1f} | {large.dollars:.2f}")
        rows.append(f"| `{small.counter}` | {small.price.service} | {small.known} | {' | '.join(amounts)} |")
    without, front = [total(size) for size in SIZES], total(250, balancer=True) - total(250)
    rows.append(f"| all, without a balancer | | | | {without[0]:.2f} | | {without[1]:.2f} |")
    later = [total(size, day=announced()) - now for size, now in zip(SIZES, without, strict=True)]
    rows.append(f"| from {announced()} on besides | | | | {later[0]:.2f} | | {later[1]:.2f} |")
    rows.append(f"| a balancer besides | | | | {front:.2f} | | {front:.2f} |")
    rows += ["", "| feature | dollars at 250 | at 10,000 |", "| --- | --- | --- |"]
    parts: dict[str, list[float]] = defaultdict(lambda: [0.0, 0.0])
    for place, lines in enumerate((few, many)):
        for line in lines:
            for feature, dollars in line.features.items():
                parts[feature][place] += dollars
    rows += [f"| {feature} | {small:.2f} | {large:.2f} |" for feature, (small, large) in sorted(parts.items())]
    return "\n".join(rows)


if __name__ == "__main__":
    print(page())
