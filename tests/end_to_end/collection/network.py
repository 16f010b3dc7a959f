"""A small network on the whole stack, and what tests do with it and ask of it."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import httpx
from google.cloud import bigquery, firestore, pubsub_v1

from infra.local.demo.compare import Comparison, against_truth
from infra.local.demo.connect import Person, connect, connect_all, people
from infra.local.stack import Stack
from shared.clock import last_full_day
from shared.collection.coverage import MONTHS
from tests.stands.waiting import eventually

FUNCTIONS = (
    "oauth_start",
    "oauth_callback",
    "oauth_disconnect",
    "collect_reports",
    "collect_metadata",
    "ingest",
    "webhook",
    "renew_subscriptions",
)
SETTINGS = {"YT_REPORT_TYPES": "channel_basic_a3", "YT_RATE_LIMITS": "reporting=off"}
LAG = timedelta(hours=74)
DATASET = "youtube"
REPORT_TYPE = "channel_basic_a3"


@dataclass
class Network:
    """A running stack with connected channels. Time moves and reports appear only when a test says so."""

    stack: Stack
    http: httpx.Client
    state: firestore.Client
    warehouse: bigquery.Client
    people: list[Person]

    @property
    def channels(self) -> list[str]:
        return [channel for person in self.people for channel in person.channels]

    def connect_everybody(self) -> None:
        refused = connect_all(self.stack, self.people, said=lambda _: None)
        assert refused == {}
        self.stack.wait_idle()
        self.control("hub/settle")

    def connect(self, person: Person, channel: str) -> None:
        assert connect(self.stack, self.http, person, channel) is None
        self.stack.wait_idle()
        self.control("hub/settle")

    def control(self, path: str, **wish: Any) -> dict[str, Any]:
        answer = self.http.post(f"{self.stack.simulator}/control/{path}", json=wish)
        return dict(answer.raise_for_status().json())

    def ask(self, path: str, **params: str) -> Any:
        return self.http.get(f"{self.stack.simulator}/control/{path}", params=params).raise_for_status().json()

    def fault(self, **fault: Any) -> None:
        self.control("faults", **fault)

    def calls(self, method: str) -> int:
        return sum(self.ask("requests")["counts"].get(method, {}).values())

    def pass_time(self, span: timedelta) -> None:
        """Move the clock; YouTube issues what is due by then, and nothing more."""
        self.control("reporting/hold", at=None)
        self.stack.advance(span.total_seconds())
        self.control("reporting/hold")

    def call(self, function: str, body: Any, account: str = "task-queues") -> httpx.Response:
        """A private function, as a service account of the deployment calls it."""
        return self.stack.call(function, body, account=account)

    def collect(self) -> dict[str, Any]:
        """The collection of all channels, and everything that it set off."""
        answer = self.call("collect_reports", {"everything": True}, "scheduler")
        assert answer.status_code == 200, answer.text
        self.settle()
        return dict(answer.json())

    def settle(self) -> None:
        """Wait until every report that was listed is loaded or known to be unreadable."""
        self.stack.wait_idle()
        self.eventually(lambda: "listed" not in self.states())

    def eventually(self, holds: Callable[[], object]) -> None:
        eventually(holds, self.trouble, every=0.1)

    def trouble(self) -> str:
        lines = "".join(self.stack.logs(name) for name in ("ingest", "collect_reports")).splitlines()
        return "\n".join(line for line in lines if '"WARNING"' in line or '"ERROR"' in line)[-3000:]

    def days(self) -> dict[tuple[str, str], dict[str, Any]]:
        """The coverage: what is known of each channel's days."""
        return {
            (channel, day): vars(entry)
            for snapshot in self.state.collection("reports").stream()
            if snapshot.id.count(":") == 2  # of a month
            for channel, text in snapshot.to_dict()["channels"].items()
            for day, entry in MONTHS.unpacked("", text).days.items()
        }

    def states(self) -> dict[str, int]:
        counts: dict[str, int] = {}
        for entry in self.days().values():
            counts[entry["state"]] = counts.get(entry["state"], 0) + 1
        return counts

    def truth(self) -> Comparison:
        """The views against every report that YouTube has issued."""
        last = last_full_day(self.stack.now())
        return against_truth(
            self.stack,
            self.warehouse,
            DATASET,
            report_types=[REPORT_TYPE],
            first=last - timedelta(days=90),
            last=last,
        )

    def wrong(self) -> list[str]:
        """Differences from the truth, but for days of jobs that YouTube has ended: it tells nothing of those."""
        return [text for text in self.truth().differences if "YouTube issued no such report" not in text]

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        return [tuple(row.values()) for row in self.warehouse.query(sql.replace("DATASET", DATASET)).result()]

    def named(self) -> tuple[int, int]:
        """Rows of the manifest, and different reports among them."""
        return tuple(self.query("SELECT COUNT(*), COUNT(DISTINCT report_id) FROM `DATASET.report_loads`")[0])  # type: ignore[return-value]

    def views_of(self, channel: str) -> dict[date, int]:
        rows = self.query(f"SELECT date, views FROM `DATASET.youtube_metrics` WHERE channel_id = '{channel}'")
        return dict(rows)  # type: ignore[arg-type]

    def publish(self, kind: str, body: Any) -> None:
        """Straight to the topic, as a second delivery or a stranger would be."""
        project = self.stack.env["GOOGLE_CLOUD_PROJECT"]
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        publisher = pubsub_v1.PublisherClient()
        publisher.publish(f"projects/{project}/topics/ingest", data, kind=kind).result(timeout=20)

    def ingested(self) -> int:
        """Deliveries to `ingest` so far, whatever came of them."""
        return self.stack.logs("gateway").count("/push/ingest")

    def quiet(self) -> int:
        """Wait until nothing is on its way to `ingest`; its deliveries by then."""
        self.control("hub/settle")
        before = -1
        while before != (now := self.ingested()):
            before = now
            time.sleep(0.5)
        return now

    def report_message(self, channel: str, most: int = 5) -> dict[str, Any]:
        """A message about reports that were loaded before."""
        known = [(day, entry) for (owner, day), entry in sorted(self.days().items()) if owner == channel][:most]
        return {
            "report_type": REPORT_TYPE,
            "reports": [
                {"report_id": entry["report_id"], "channel_id": channel, "job_id": entry["job_id"], "day": day,
                 "create_time": entry["create_time"].isoformat(), "download_url": entry["download_url"]}
                for day, entry in known
            ],
        }  # fmt: skip


def network_of(stack: Stack, http: httpx.Client) -> Network:
    from google.api_core.client_options import ClientOptions
    from google.auth.credentials import AnonymousCredentials

    project = stack.env["GOOGLE_CLOUD_PROJECT"]
    options = ClientOptions(api_endpoint=f"http://{stack.env['BIGQUERY_EMULATOR_HOST']}")
    return Network(
        stack=stack,
        http=http,
        state=firestore.Client(project=project),
        warehouse=bigquery.Client(project=project, credentials=AnonymousCredentials(), client_options=options),
        people=people(stack, users=2),
    )


def assert_true_and_once(network: Network) -> None:
    assert network.wrong() == []
    rows, reports = network.named()
    assert rows == reports
    assert set(network.states()) == {"loaded"}
