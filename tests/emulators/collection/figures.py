"""Connected channels whose figures are asked at the simulated Analytics API, and stored in a real warehouse."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import Any

from google.cloud import bigquery

from infra.local.simulator.analytics import numbers
from infra.local.simulator.analytics.rules import parse
from infra.warehouse import table as made
from shared import channels
from shared.collection.analytics import collecting
from shared.collection.analytics.collecting import QUERY, AnalyticsCollecting
from shared.collection.analytics.queries import queries
from shared.collection.analytics.state import STATES, State
from shared.collection.jobs import Job, name_of
from shared.quota.accounts import SYSTEM
from shared.rate_limits.limiter import Burst
from shared.warehouse.statements import Warehouse
from shared.warehouse.tables import ANALYTICS_LOADS, ANALYTICS_ROWS
from shared.youtube.client import Caller
from tests.emulators.collection.reading import KIND, Reading
from tests.emulators.youtube.stand import Stand, standing
from tests.stands import packed

API = collecting.API
DAY = timedelta(days=1)
PAID, FREE = (2, 0), (1, 1)
"""A channel in the Partner Program of the simulated world, and one that is not; both have few videos."""
HISTORY_QUERIES = ("channel_daily", "revenue_daily")


@dataclass
class Figures:
    """Connected channels, what asks about them, and what the warehouse has."""

    reading: Reading
    warehouse: Warehouse
    messages: list[tuple[str, Mapping[str, Any]]] = field(default_factory=list)
    meanwhile: Callable[[], object] = lambda: None

    @property
    def stand(self) -> Stand:
        return self.reading.stand

    def connect(
        self, user: int = 1, place: int = 0, *, granted: tuple[str, ...] = ("analytics", "revenue"), **known: Any
    ) -> str:
        channel_id = self.reading.connect(
            user, place, granted=granted, **{"analytics_at": self.stand.clock(), **known}
        )
        made = self.stand.clock() - 2 * DAY
        job = Job(
            name=name_of(channel_id, KIND), channel_id=channel_id, report_type=KIND, job_id="j", created_at=made,
            since=made,
        )  # fmt: skip
        packed.put(self.stand.firestore, job)
        return channel_id

    def collecting(self, bigquery_client: Any = None, firestore_client: Any = None) -> AnalyticsCollecting:
        warehouse = replace(self.warehouse, client=bigquery_client) if bigquery_client else self.warehouse
        return AnalyticsCollecting(
            client=firestore_client or self.stand.firestore,
            warehouse=lambda: warehouse,
            quota=self.stand.ledger,
            limiter=self.stand.limiter,
            caller_for=self.caller_for,
            report_type=KIND,
            retention=2,
            to_ingest=lambda kind, message: self.messages.append((kind, message)),
            enqueue=self.reading.enqueue,
            clock=self.stand.clock,
            rng=random.Random(1),
        )

    def caller_for(self, channel_id: str, block: Any, burst: Burst) -> Caller:
        self.meanwhile()
        caller = self.reading.callers[channel_id]
        context = replace(caller.context, account=SYSTEM)  # as the wiring has it
        return replace(caller, quota=block, limiter=burst, context=context)

    def run(self) -> dict[str, int]:
        """The hourly run and its tasks; answers what they answered, added up."""
        planned = self.collecting().plan()
        while self.reading.tasks:
            _, payload = self.reading.tasks.pop(min(self.reading.tasks))
            assert payload.keys() == {"channels", "most"}
            for name, number in self.collecting().collect(payload["channels"], payload["most"]).items():
                planned[name] = planned.get(name, 0) + number
        return planned

    def day(self) -> int:
        """Hourly runs until nobody is due; answers how many queries they asked."""
        asked = 0
        for _ in range(11):
            told = self.run()
            asked += told.get("asked", 0)
            if not told["due"]:
                return asked
            self.stand.advance(hours=1)
        raise AssertionError("somebody is due without end")

    def calls(self) -> int:
        """How many queries YouTube answered or refused; with a token that was too old is neither."""
        return sum(entry["status"] != 401 for entry in self.stand.simulator.journal.entries(QUERY))

    def channel(self, channel_id: str) -> channels.Channel:
        return self.reading.channel(channel_id)

    def state(self, channel_id: str) -> State:
        return STATES.read(channel_id, self.stand.firestore.document("analytics", channel_id).get().to_dict())

    def loads(self, query: str | None = None) -> list[dict[str, Any]]:
        rows = [dict(row) for row in self._rows(ANALYTICS_LOADS.name)]
        return sorted(
            (row for row in rows if query in {None, row["query"]}),
            key=lambda row: (row["asked_at"], row["start_day"]),
        )

    def counting(self, query: str) -> dict[tuple[Any, ...], dict[str, Any]]:
        """The metrics that count of a query, by day, video and dimensions: of the newest load that has the day."""
        named = {(load["load_id"], load["query"]): load["asked_at"] for load in self.loads() if not load["reason"]}
        newest: dict[Any, Any] = {}
        rows = [row for row in self._rows(ANALYTICS_ROWS.name) if row["query"] == query]
        rows = [row for row in rows if (row["load_id"], query) in named]
        for row in rows:
            about = row["channel_id"], row["date"], row["video_id"] if query == "retention" else None
            newest[about] = max(newest.get(about, ""), row["load_id"])
        found = dict[tuple[Any, ...], dict[str, Any]]()
        for row in rows:
            about = row["channel_id"], row["date"], row["video_id"] if query == "retention" else None
            if newest[about] == row["load_id"]:
                key = (
                    row["channel_id"],
                    row["date"],
                    row["video_id"],
                    json.dumps(row["dimensions"], sort_keys=True),
                )
                assert key not in found, "a row counts twice"
                found[key] = row["metrics"]
        return found

    def _rows(self, table: str) -> Iterator[Any]:
        return iter(self.warehouse.client.list_rows(self.warehouse.full_name(table)))

    def truth(self, channel: Any, name: str, start: date, end: date) -> dict[date, dict[str, float]]:
        """What YouTube would say now of a query by day."""
        query = queries()[name]
        asked = parse(
            {"metrics": ",".join(query.metrics), "dimensions": "day", "startDate": start.isoformat(),
             "endDate": end.isoformat()}
        )  # fmt: skip
        cells = numbers.gather(self.stand.simulator.world, channel, asked, self.stand.clock().timestamp())
        return {
            date.fromisoformat(group[0]): {each: numbers.value(each, cell, "USD") for each in query.metrics}
            for group, cell in cells.items()
        }

    def answer_with(self, rows: list[list[Any]], **match: str) -> None:
        """Have the simulator answer a query about one day with these rows."""
        headers = [{"name": "video", "columnType": "DIMENSION", "dataType": "STRING"}]
        headers += [
            {"name": name, "columnType": "METRIC", "dataType": "INTEGER"}
            for name in queries()["top_videos_monthly"].metrics
        ]
        body = {"kind": "youtubeAnalytics#resultTable", "columnHeaders": headers, "rows": rows}
        self.stand.inject(method=QUERY, kind="html", status=200, body=json.dumps(body), match=match)


@contextmanager
def ready(firestore_client: Any, bigquery_client: bigquery.Client, dataset: str) -> Iterator[Figures]:
    """Everything that collecting needs, and both of Analytics' tables."""
    warehouse = Warehouse(bigquery_client, dataset)
    bigquery_client.create_dataset(dataset)
    for table in (ANALYTICS_ROWS, ANALYTICS_LOADS):
        bigquery_client.create_table(made(warehouse, table))
    with standing(firestore_client) as stand:
        assert (stand.channel(*PAID).monetised, stand.channel(*FREE).monetised) == (True, False)
        for place in (PAID, FREE):
            stand.channel(*place).published_at = stand.clock() - 75 * DAY  # a short history
        yield Figures(Reading(stand), warehouse)


def only(query: str) -> dict[str, str]:
    """What matches one declared query's requests."""
    return {"metrics": ",".join(queries()[query].metrics)}
