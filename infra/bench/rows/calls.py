"""What the call log takes of a call: its record and its row."""

from __future__ import annotations

import contextlib
import io
import time
from datetime import UTC, datetime

from infra.bench import Limit, Measured, row
from shared.monitoring.calls import Call, Calls
from shared.monitoring.log import log

_COUNT, _ROUNDS = 10_000, 3


@row("calls.record", unit="us", limit=Limit(bound=1_000))
def record() -> Measured:
    """a call's record and row, in a burst of 10,000, handed over in full buffers; the floor: a short record"""
    calls = Calls(len)
    at, cheapest, floor = datetime(2026, 11, 22, tzinfo=UTC), float("inf"), float("inf")
    for _ in range(_ROUNDS):
        with contextlib.redirect_stdout(io.StringIO()):
            began = time.perf_counter()
            for number in range(_COUNT):
                calls.record(_call(number, at))
            cheapest = min(cheapest, time.perf_counter() - began)
            began = time.perf_counter()
            for number in range(_COUNT):
                log("INFO", "youtube call", number=number)
            floor = min(floor, time.perf_counter() - began)
    return Measured(value=cheapest / _COUNT * 1e6, floor=floor / _COUNT * 1e6)


def _call(number: int, at: datetime) -> Call:
    return Call(
        call_id=f"c{number}",
        created_at=at,
        endpoint="youtube.videos.list",
        bucket="default",
        quota_cost=1,
        status="success",
        http_status=200,
        reason=None,
        given=None,
        detail="",
        known=True,
        response_time_ms=80.5,
        attempt=1,
        received=900,
        user_id="u1",
        channel_id="UC" + "a" * 22,
        operation_id=None,
        feature="metadata",
    )
