"""A thousand cells of the guide's two tables, explained: each is the simulated YouTube's, from its own file."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from infra.judges.googlesql import GoogleSQL
from infra.judges.warehouse import SPOKEN, tables
from infra.local.demo.tables import COLUMNS, METRICS, NOT_ASKED, REASONS, VIDEOS, as_of, compare_cells, same
from infra.local.simulator.errors import GoogleError
from infra.local.simulator.truth.cells import counting, first_reported
from infra.local.simulator.truth.channel_days import BASIC, REACH
from infra.local.simulator.truth.videos import videos
from infra.local.simulator.world.model import Channel
from shared.clock import last_full_day, pacific_day, parse_instant
from shared.collection.analytics.plan import queries
from shared.warehouse import explain
from shared.warehouse.explain import REPORTS_OF_VIDEOS, explained
from shared.warehouse.report_types import REPORT_TYPES
from tests.pure.simulator.truth.test_truth import Network, network

__all__ = ["network"]
CELLS = 1_000
BACK = 55
NEEDED = (
    *("current_reports", "channel_basic", "channel_reach", "current_analytics", "refused_days"),
    *("retention_points", "videos", "video_totals", METRICS, VIDEOS),
)
Row = dict[str, Any]


@dataclass
class Collected:
    """Some channels of a network as the collectors would have stored them, and as the views answer."""

    network: Network
    channels: list[Channel]
    stored: dict[str, list[Row]] = field(default_factory=dict)
    answered: dict[str, list[Row]] = field(default_factory=dict)

    def store(self) -> None:
        """Store every report of the channels, also those that were replaced, and what Analytics and Data tell."""
        for channel in self.channels:
            for kind in (BASIC, REACH):
                for job in self.network.jobs.of_type(channel.id, kind):
                    for issue in self.network.jobs.issued(job):
                        self._store_report(channel, kind, issue, self.network.jobs.text(job, issue))
            self._store_answers(channel)

    def _store_report(self, channel: Channel, kind: str, issue: Any, text: str) -> None:
        day, created = date.fromordinal(issue.ordinal), datetime.fromtimestamp(issue.created, UTC)
        about = {"load_id": f"L{issue.id}", "report_id": issue.id}
        rows = [{name: value or None for name, value in row.items()} for row in csv.DictReader(io.StringIO(text))]
        self.stored.setdefault(REPORT_TYPES[kind].table, []).extend({**row, **about, "date": day} for row in rows)
        self._keep(
            "report_loads", **about, channel_id=channel.id, report_type=kind, job_id="j", day=day, findings=None,
            create_time=created, loaded_at=created, row_count=len(rows), checksum=checksum(text),
        )  # fmt: skip

    def _store_answers(self, channel: Channel) -> None:
        now = self.network.simulator.clock()
        last = last_full_day(now)
        reported = date.fromordinal(first_reported(self.network.jobs, channel, BASIC) or 0)
        spans = {
            "history": (last - timedelta(days=BACK), reported - timedelta(days=1)),
            "recent": (reported, last),
        }
        for query in ("channel_daily", "revenue_daily"):
            for kind, span in spans.items():
                self._store_answer(channel, query, kind, span)
        for number, video in enumerate(self.network.simulator.world.videos_of(channel.id, now)):
            published = pacific_day(video.published_at)
            if number % 2 and published < last:  # of the others nobody has asked
                self._store_answer(channel, "retention", "recent", (published, last), video=video.id)
            self._keep(
                "video_metadata", load_id="L", channel_id=channel.id, video_id=video.id, as_of=now, gone=False,
                published_at=video.published_at, views=7,
            )  # fmt: skip

    def _store_answer(
        self, channel: Channel, query: str, kind: str, span: tuple[date, date], video: str | None = None
    ) -> None:
        declared, (start, end) = queries()[query], span
        asked = {"metrics": ",".join(declared.metrics), "dimensions": ",".join(declared.dimensions)}
        asked |= {"startDate": start.isoformat(), "endDate": end.isoformat(), "currency": "USD"}
        asked |= {"filters": f"video=={video}"} if video else {}
        reason, found = None, list[Row]()
        try:
            found = self.network.ask(channel, **asked)
        except GoogleError:
            reason = "monetaryForbidden"
        load_id = f"A{channel.id}{query}{kind}{video}"
        self._keep(
            "analytics_loads", load_id=load_id, channel_id=channel.id, query=query, subject=video, kind=kind,
            start_day=start, end_day=end, asked_at=self.network.simulator.clock(), row_count=len(found),
            truncated=False, reason=reason,
        )  # fmt: skip
        for row in found:
            self._keep(
                "analytics_rows", load_id=load_id, channel_id=channel.id, query=query, video_id=video,
                date=row.get("day", start), metrics={name: row[name] for name in declared.metrics},
                dimensions={name: row[name] for name in declared.dimensions if name != "day"},
            )  # fmt: skip

    def _keep(self, table: str, **row: Any) -> None:
        self.stored.setdefault(table, []).append(row)

    def ask(self) -> None:
        """Have Google's evaluator answer both views, and which reports each video's counts are from."""
        today = f"DATE '{pacific_day(self.network.simulator.clock())}'"
        reference = GoogleSQL(tables())
        for name in NEEDED:
            reference.add_view(name, SPOKEN[name].replace("CURRENT_DATE('America/Los_Angeles')", today))
        parts = REPORTS_OF_VIDEOS.text.replace("channel_id = @channel AND video_id IN UNNEST(@videos)", "TRUE")
        parts = parts.partition("ORDER BY")[0]
        texts = {name: f"SELECT * FROM `{{dataset}}.{name}`" for name in (METRICS, VIDEOS)} | {"parts": parts}
        query = " UNION ALL ".join(
            f"SELECT '{name}' AS name, TO_JSON_STRING(row) AS said FROM ({text}) AS row"
            for name, text in texts.items()
        )
        for row in reference.evaluate(query, self.stored):
            said = json.loads(row["said"])
            for name in ("published_at", "estimated_revenue_as_of"):
                said[name] = parse_instant(said[name]) if said.get(name) else None
            self.answered.setdefault(row["name"], []).append(said)

    def rows(self, table: str) -> dict[tuple[str, str], Row]:
        key = "date" if table == METRICS else "video_id"
        return {(row["channel_id"], row[key]): row for row in self.answered[table]}

    def truth(self, table: str) -> dict[str, Mapping[str, Any]]:
        if table == VIDEOS:
            return {each.id: videos(self.network.simulator, each) for each in self.channels}
        return {
            each.id: {day.isoformat(): cells for day, cells in self.network.days(each, BACK).items()}
            for each in self.channels
        }

    def asked_about(self) -> set[str]:
        return {row["subject"] for row in self.stored["analytics_loads"] if row["subject"]}


@pytest.fixture
def collected(network: Network) -> Collected:
    """A channel that earns, with a day that YouTube never issued, and one that does not."""
    found = network.simulator.world.channels()[:6]
    chosen = [next(each for each in found if each.monetised is earning) for earning in (True, False)]
    network.jobs.make_odd(chosen[0].id, BASIC, (last_full_day(network.simulator.clock())).toordinal() - 8, None)
    made = Collected(network, chosen)
    made.store()
    made.ask()
    return made


def test_a_thousand_cells_are_youtubes_numbers_each_from_the_file_that_has_it(collected: Collected):
    found = {}
    for table in (METRICS, VIDEOS):
        rows, truth = collected.rows(table), collected.truth(table)
        compared = compare_cells(table, rows, truth, asked=collected.asked_about())
        assert compared.differences == []
        for channel, subjects in truth.items():
            for subject, cells in subjects.items():
                row = rows.get((channel, subject), {})
                found |= {(table, channel, subject, column): (row, true) for column, true in cells.items()}
    chosen = random.Random(11).sample(sorted(found), CELLS)
    for cell in chosen:
        assert_explained(collected, cell, *found[cell])
    assert {column for _, _, _, column in chosen} == {name for each in COLUMNS.values() for name in each}


def assert_explained(
    collected: Collected, cell: tuple[str, str, str, str], row: Row, true: Mapping[str, Any]
) -> None:
    table, channel_id, name, column = cell
    subject: date | str = date.fromisoformat(name) if table == METRICS else name
    declared = explain.COLUMNS[table][column]
    kind, query = declared.get("report_type"), declared.get("query")
    files, answers = stored_about(collected, channel_id, subject, kind, query)
    now = collected.network.simulator.clock()
    told = explained(channel_id, subject, column, (row, files, answers), now)
    if told.value is None:
        unasked = query == "retention" and not answers
        assert told.reason is not None
        assert not row or told.reason.startswith(NOT_ASKED if unasked else REASONS[true["reason"]]), cell
        return
    right = (
        true["value"] if column != "estimated_revenue" else as_of(true["value"], row["estimated_revenue_as_of"])
    )
    assert (same(column, told.value, right, COLUMNS[table][column][1]), told.reason) == (True, None), cell
    if true["by"] != "report":
        assert told.files == ()
        assert (told.source, len(told.answers) > 0) == (query or "videos.list", True), cell
        return
    assert kind is not None
    newest = counting(collected.network.jobs, channel_of(collected, channel_id), kind)
    assert told.source == kind
    if isinstance(subject, date):
        job, issue = newest[subject.toordinal()]
        text = collected.network.jobs.text(job, issue)
        first, *replaced = told.files
        assert first["report_id"] == issue.id
        assert first["checksum"] == checksum(text)
        earlier = [each for each in collected.network.jobs.issued(job) if each.ordinal == issue.ordinal]
        assert {each["report_id"] for each in replaced} == {each.id for each in earlier} - {issue.id}
        return
    assert {each["report_id"] for each in told.files} <= {issue.id for _, issue in newest.values()}
    assert same(
        column, round(sum(float(each["value"]) for each in told.files), 2), right, COLUMNS[table][column][1]
    )


def stored_about(
    collected: Collected, channel_id: str, subject: date | str, kind: str | None, query: str | None
) -> tuple[list[Row], list[Row]]:
    """The files and answers that the statements of `explain` would find."""
    loads, asked = collected.stored["report_loads"], collected.stored["analytics_loads"]
    of_query = [each for each in asked if (each["channel_id"], each["query"]) == (channel_id, query)]
    if isinstance(subject, date):
        of_day = [each for each in loads if (each["channel_id"], each["report_type"]) == (channel_id, kind)]
        files = [each for each in of_day if each["day"] == subject]
        files.sort(key=lambda each: each["create_time"], reverse=True)
        return files, [] if files else [
            each for each in of_query if each["start_day"] <= subject <= each["end_day"]
        ]
    if kind:
        return [each for each in collected.answered["parts"] if each["video_id"] == subject], []
    if query:
        return [], [each for each in of_query if each["subject"] == subject]
    return [], [each for each in collected.stored["video_metadata"] if each["video_id"] == subject]


def checksum(text: str) -> str:
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"


def channel_of(collected: Collected, channel_id: str) -> Channel:
    return next(each for each in collected.channels if each.id == channel_id)
