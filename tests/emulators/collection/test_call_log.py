"""The call log's way to the warehouse: through Pub/Sub, each call once, whatever is delivered again or is down."""

from __future__ import annotations

import json
import random
import uuid
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from threading import Event
from typing import Any
from urllib.parse import urlsplit

import pytest
from google.api_core.exceptions import BadRequest, NotFound
from google.auth.transport.urllib3 import AuthorizedHttp
from google.cloud import pubsub_v1

from infra.judges import apis
from infra.local import emulators
from shared.cloud import pubsub
from shared.collection.call_log import SHORT, take
from shared.collection.ingest import Ingest
from shared.data_map import CALL_SUMMARY
from shared.errors import Unavailable
from shared.monitoring.calls import Call, Calls
from shared.settings import settings
from shared.warehouse.statements import Warehouse
from tests.stands.waiting import PATIENCE, eventually

NOW = datetime(2026, 11, 22, 8, 10, tzinfo=UTC)  # ten minutes after a Pacific midnight
LIST = "youtube.videos.list"


def a_call(number: int = 0, **more: Any) -> Call:
    values: dict[str, Any] = {
        "call_id": f"c{number}", "created_at": NOW - timedelta(minutes=30), "endpoint": LIST, "bucket": "default",
        "quota_cost": 1,
        "status": "success", "http_status": 200, "reason": None, "given": None, "detail": "", "known": True,
        "response_time_ms": 80.5, "attempt": 1, "received": 9, "user_id": "u1", "channel_id": "UC1",
        "operation_id": None, "feature": "metadata",
    }  # fmt: skip
    return Call(**{**values, **more})


@dataclass
class Kept:
    """A subscription that delivers what is not confirmed, again and again. deaf: it hears no confirmation."""

    messages: dict[str, bytes] = field(default_factory=dict)
    given: set[str] = field(default_factory=set)
    deaf: bool = False

    def publish(self, rows: Any) -> None:
        self.messages[f"m{len(self.messages)}"] = json.dumps({"rows": rows}).encode()

    def fetch(self, most: int) -> dict[str, bytes]:
        new = [each for each in self.messages if each not in self.given][:most]
        self.given.update(new)
        return {each: self.messages[each] for each in new}

    def confirm(self, ack_ids: Sequence[str]) -> None:
        for each in () if self.deaf else ack_ids:
            del self.messages[each]

    def deliver_again(self) -> None:
        self.given.clear()


@dataclass
class Room:
    warehouse: Warehouse
    firestore: Any
    kept: Kept = field(default_factory=Kept)

    def record(self, *calls: Call) -> None:
        log = Calls(self.kept.publish)
        for each in calls:
            log.record(each)
        log.flush()

    def take(self, warehouse: Warehouse | None = None) -> int:
        return take(self.firestore, warehouse or self.warehouse, self.kept.fetch, self.kept.confirm, lambda: NOW)

    def stored(self) -> list[Any]:
        table = self.warehouse.full_name("youtube_api_calls")
        return list(self.warehouse.client.query_and_wait(f"SELECT * FROM `{table}` ORDER BY call_id"))

    def summary(self) -> Any:
        return self.firestore.document(CALL_SUMMARY.path, "lately").get().to_dict()


@pytest.fixture
def room(warehouse, firestore_client) -> Room:
    return Room(warehouse, firestore_client)


@pytest.mark.fault(44)
def test_a_call_that_is_delivered_twice_is_one_row_also_beside_new_ones(room):
    room.kept.deaf = True
    room.record(
        a_call(1),
        a_call(2, created_at=NOW, status="error", http_status=None, reason="noAnswer", response_time_ms=9_000.0),
    )
    assert room.take() == 2
    room.kept.deliver_again()
    room.record(a_call(3))
    assert room.take() == 1
    first, second, _ = room.stored()
    assert [row["call_id"] for row in room.stored()] == ["c1", "c2", "c3"]
    assert (first["created_at"], first["date"].isoformat(), first["quota_cost"], first["feature"]) == (
        NOW - timedelta(minutes=30),
        "2026-11-21",
        1,
        "metadata",
    )
    assert (second["http_status"], second["status"], second["date"].isoformat()) == (None, "error", "2026-11-22")


@pytest.mark.fault(46)
def test_a_warehouse_that_is_down_for_an_hour_costs_no_row_and_is_caught_up_with(room):
    down = Warehouse(room.warehouse.client, "no_such_dataset")
    for minute in range(0, 60, 5):
        room.record(a_call(minute))
        with pytest.raises(Unavailable):
            room.take(down)
        room.kept.deliver_again()
    assert len(room.kept.messages) == 12
    assert room.take() == 12
    assert len(room.stored()) == 12
    assert room.kept.messages == {}


@pytest.mark.fault(46)
def test_a_message_that_asks_for_the_log_while_the_warehouse_is_down_is_no_dead_letter(room, capsys):
    down = Warehouse(room.warehouse.client, "no_such_dataset")
    room.record(a_call(1))
    ingest = Ingest(
        client=room.firestore, warehouse=lambda: down, report_types=(), quota=None, caller_for=None,
        check_rate=None, book=None, to_ingest=None, to_ingest_at=None, fetch_calls=room.kept.fetch,
        confirm_calls=room.kept.confirm, clock=lambda: NOW,
        rng=random.Random(1),
    )  # type: ignore[arg-type]  # fmt: skip
    ingest.handle("calls", {})
    assert '"severity": "WARNING", "message": "the call log was not taken"' in capsys.readouterr().out
    room.kept.deliver_again()
    assert room.take() == 1


def test_a_burst_of_ten_thousand_calls_is_taken_by_one_run(room):
    room.record(*(a_call(number) for number in range(10_000)))
    assert room.take() == 10_000
    assert room.kept.messages == {}
    assert room.summary()["endpoints"][LIST]["long"] == [10_000, 0, 0]


@pytest.mark.fault(44)
def test_a_message_that_cannot_be_stored_is_told_and_keeps_nobody_else_s_away(room, capsys):
    for number in range(3):
        room.record(a_call(number))
    room.kept.publish([{**a_call(7).row(), "date": "no day"}])
    room.kept.publish([{**a_call(7).row(), "quota_cost": "free"}])
    room.kept.publish([{"call_id": "c8"}])
    room.kept.messages["m9"] = b"\xff"
    assert room.take() == 3
    said = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    errors = [each["message"] for each in said if each["severity"] == "ERROR"]
    assert errors == ["a message of the call log cannot be read"] * 4
    assert room.kept.messages == {}


def test_the_last_hour_is_summed_up_by_endpoint_with_what_lasts_and_what_it_said(room):
    failed = {"status": "error", "http_status": 500, "reason": "backendError"}
    room.record(
        a_call(1, created_at=NOW - timedelta(minutes=61)),
        a_call(2, created_at=NOW - SHORT - timedelta(seconds=1), **failed),
        a_call(3, created_at=NOW - SHORT, **failed, response_time_ms=5_000.1),
        a_call(4, created_at=NOW, response_time_ms=5_000.0),
        a_call(5, created_at=NOW, endpoint="youtubereporting.jobs.list", response_time_ms=60_000.0),
    )
    for _ in range(2):
        room.take()
        assert room.summary() == {
            "at": NOW,
            "endpoints": {
                LIST: {"long": [3, 2, 1], "short": [2, 1, 1], "reasons": {"backendError": 2}},
                "youtubereporting.jobs.list": {"long": [1, 0, 1], "short": [1, 0, 1], "reasons": {}},
            },
        }


@pytest.fixture(scope="module")
def pubsub_emulator() -> Iterator[str]:
    with emulators.pubsub_running() as host:
        yield host


@pytest.fixture
def published(pubsub_emulator, monkeypatch, fresh_process) -> Iterator[None]:
    """A Pub/Sub project with the topic and the subscription."""
    monkeypatch.setenv("PUBSUB_EMULATOR_HOST", pubsub_emulator)
    for name in ("YT_APP_URL", "YT_API_URL", "YT_ID_TOKEN_ISSUER", "YT_ID_TOKEN_KEYS_URL"):
        monkeypatch.setenv(name, "https://app.example")
    monkeypatch.setenv("YT_ID_TOKEN_AUDIENCE", "app")
    monkeypatch.setenv("GOOGLE_CLOUD_PROJECT", f"test-{uuid.uuid4().hex[:12]}")
    path = f"projects/{settings().project}"
    topic, subscription = f"{path}/topics/calls", f"{path}/subscriptions/calls"
    pubsub_v1.PublisherClient().create_topic(name=topic)
    pubsub.to_call_log([])  # the emulator's first answer takes seconds; nobody keeps this yet
    pubsub_v1.SubscriberClient().create_subscription(name=subscription, topic=topic)
    send, judged = AuthorizedHttp.urlopen, []

    def judging(self: Any, method: str, url: str, **how: Any) -> Any:
        call = apis.find("pubsub.v1", method, urlsplit(url).path)
        assert call is not None, url
        answer = send(self, method, url, **how)
        judged.append(apis.misfits(call, {}, json.loads(how["body"])))
        if answer.status == 200:
            judged.append(apis.answer_misfits(call, answer.json()))
        return answer

    monkeypatch.setattr(AuthorizedHttp, "urlopen", judging)
    yield
    assert judged
    assert not any(judged)


def test_pub_sub_keeps_what_is_published_until_it_is_confirmed(published):
    assert pubsub.fetch_calls(10) == {}
    log = Calls(pubsub.to_call_log)
    log.record(a_call(1))
    log.flush()
    [(ack_id, data)] = pubsub.fetch_calls(10).items()
    assert json.loads(data) == {"rows": [a_call(1).row()]}
    pubsub.confirm_calls([ack_id])
    assert pubsub.fetch_calls(10) == {}


def test_what_threads_publish_while_a_call_is_on_its_way_goes_together_in_the_next(published, monkeypatch):
    send, sizes, goes_on = AuthorizedHttp.urlopen, list[int](), Event()

    def held(self: Any, method: str, url: str, body: bytes, **how: Any) -> Any:
        sizes.append(len(json.loads(body)["messages"]))
        assert goes_on.wait(timeout=PATIENCE)
        return send(self, method, url, body=body, **how)

    monkeypatch.setattr(AuthorizedHttp, "urlopen", held)
    with ThreadPoolExecutor(9) as pool:
        for number in range(9):
            pool.submit(pubsub.to_call_log, [{"call_id": number}])
            eventually(lambda: sizes, every=0.01)
        eventually(lambda: len(pubsub._line("calls")._waiting) >= 8, every=0.01)
        goes_on.set()
    assert sizes == [1, 8]
    found = [json.loads(data)["rows"][0]["call_id"] for data in pubsub.fetch_calls(100).values()]
    assert set(found) == set(range(9))  # a slow answer has a message sent again


def test_a_call_that_fails_tells_everybody_whose_message_went_in_it_and_the_next_goes_on(published):
    with ThreadPoolExecutor(8) as pool:
        told = [pool.submit(pubsub.to_operators, {}) for _ in range(20)]  # there is no such topic
    assert {type(each.exception()) for each in told} == {NotFound}
    pubsub_v1.PublisherClient().create_topic(name=f"projects/{settings().project}/topics/alerts")
    pubsub.to_operators({})


def test_a_message_that_is_refused_is_nobody_else_s_trouble(published):
    line = pubsub._line("calls")
    line._turn.acquire()  # a call is on its way
    with ThreadPoolExecutor(9) as pool:
        broken = pool.submit(line.publish, {}, 2.0)
        whole = [pool.submit(pubsub.to_call_log, [{"call_id": number}]) for number in range(8)]
        eventually(lambda: len(line._waiting) >= 9, every=0.01)
        line._turn.release()
    assert isinstance(broken.exception(), BadRequest)
    assert [each.exception() for each in whole] == [None] * 8
    found = [json.loads(data)["rows"][0]["call_id"] for data in pubsub.fetch_calls(100).values()]
    assert set(found) == set(range(8))
