"""The call log: each call one record at once and one row with its like, and nothing of it stops anybody."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from threading import Barrier, Thread
from typing import Any

import pytest

from shared.monitoring import log
from shared.monitoring.calls import BUFFERED, Call, Calls
from shared.warehouse.tables import API_CALLS

LATE = datetime(2026, 11, 22, 7, 30, tzinfo=UTC)  # in Los Angeles still the day before


def a_call(number: int = 0, **more: Any) -> Call:
    values: dict[str, Any] = {
        "call_id": f"c{number}", "created_at": LATE, "endpoint": "youtube.videos.list", "bucket": "default",
        "quota_cost": 1,
        "status": "success", "http_status": 200, "reason": None, "given": None, "detail": "", "known": True,
        "response_time_ms": 81.5, "attempt": 1, "received": 9, "user_id": "u1", "channel_id": "UC1",
        "operation_id": None, "feature": "metadata",
    }  # fmt: skip
    return Call(**{**values, **more})


def records(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_a_call_is_a_record_at_once_and_a_row_of_the_table_when_the_work_ends(capsys):
    published: list[Any] = []
    calls = Calls(published.append)
    calls.record(a_call(status="error", http_status=403, reason="quotaExceeded"))
    [record] = records(capsys)
    assert (record["message"], record["endpoint"], record["feature"]) == (
        "youtube call",
        "youtube.videos.list",
        "metadata",
    )
    assert published == []
    calls.flush()
    [[row]] = published
    assert row.keys() == API_CALLS.columns.keys()
    assert {name for name, value in row.items() if value is None}.isdisjoint(API_CALLS.required)
    assert (row["status"], row["http_status"], row["reason"]) == ("error", 403, "quotaExceeded")
    assert (row["created_at"], row["date"]) == ("2026-11-22T07:30:00.000000Z", "2026-11-21")
    calls.flush()
    assert len(published) == 1  # nothing waits, so nothing is sent


def test_a_burst_of_ten_thousand_calls_of_many_threads_is_handed_over_in_full_buffers_each_call_once(capsys):
    published: list[Any] = []
    calls = Calls(published.append)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: calls.record(a_call(number)), range(10_000)))
    calls.flush()
    assert max(map(len, published)) <= BUFFERED + 8
    assert sorted(row["call_id"] for rows in published for row in rows) == sorted(f"c{n}" for n in range(10_000))


def test_rows_that_cannot_be_published_are_counted_in_the_log_and_their_records_are_there(capsys):
    def away(_rows: Any) -> None:
        raise TimeoutError

    calls = Calls(away)
    for number in range(3):
        calls.record(a_call(number))
    calls.flush()
    calls.flush()
    *said, last = records(capsys)
    assert [each["call_id"] for each in said] == ["c0", "c1", "c2"]
    assert (last["severity"], last["message"], last["count"], last["error"]) == (
        "ERROR",
        "rows of calls were not published",
        3,
        "TimeoutError",
    )


@pytest.mark.parametrize(
    ("environ", "trace"),
    [
        ({"HTTP_TRACEPARENT": f"00-{'ab' * 16}-{'cd' * 8}-01"}, "ab" * 16),
        ({"HTTP_X_CLOUD_TRACE_CONTEXT": f"{'0f' * 16}/123;o=1"}, "0f" * 16),
        ({"HTTP_X_CLOUD_TRACE_CONTEXT": "../../x", "HTTP_TRACEPARENT": "x"}, None),
        ({}, None),
    ],
)
def test_a_record_is_linked_to_the_trace_of_the_request_that_is_worked_at(environ, trace, capsys, monkeypatch):
    monkeypatch.setenv("GOOGLE_CLOUD_PROJECT", "p")
    with log.linked(environ):
        Calls(print).record(a_call())
        helper = Thread(target=log.log, args=("INFO", "a thread of the request's"))
        helper.start()
        helper.join()
    log.log("INFO", "after it")
    *linked, after = records(capsys)
    assert [each.get(log.TRACE) for each in linked] == [trace and f"projects/p/traces/{trace}"] * 2
    assert log.TRACE not in after


def test_requests_that_are_worked_at_together_are_linked_each_to_its_own_trace(capsys):
    both, either = Barrier(3), [f"{number:032x}" for number in range(2)]

    def serve(trace: str) -> None:
        with log.linked({"HTTP_X_CLOUD_TRACE_CONTEXT": trace}):
            both.wait(timeout=10)
            log.log("INFO", trace)
            both.wait(timeout=10)

    with ThreadPoolExecutor(2) as pool:
        served = [pool.submit(serve, trace) for trace in either]
        both.wait(timeout=10)
        log.log("INFO", "nobody's")
        both.wait(timeout=10)
        for each in served:
            each.result()
    found = {each["message"]: each.get(log.TRACE, "").rpartition("/")[2] for each in records(capsys)}
    assert found == {either[0]: either[0], either[1]: either[1], "nobody's": ""}
