"""One run of the watch while everything is wrong with everybody, and the next one, which changes nothing."""

from __future__ import annotations

import os
import time
from datetime import timedelta
from functools import cache
from typing import Any

from infra.bench import Limit, Measured, row
from infra.bench.idle_day import Tally, counting
from infra.local.emulators import firestore_running
from shared.clock import system_clock
from shared.data_map import CALL_SUMMARY, CHANNELS, DEAD_LETTERS, OPERATIONS, SUBSCRIPTIONS
from shared.quota.ledger import Ledger
from shared.quota.profile import load
from shared.watch.watching import Watch

_LATE = timedelta(hours=7)


@cache
def _run(channels: int) -> tuple[float, int, float, int]:
    """Seconds and reads of a first run, and of a second."""
    tally = Tally()
    with firestore_running() as host:
        os.environ["FIRESTORE_EMULATOR_HOST"] = host
        client = counting(tally)
        ledger = Ledger(client, load("current"), system_clock)
        for method in ("youtube.videos.list", "youtube.videos.insert", "youtubeAnalytics.reports.query"):
            ledger.reserve(method=method, account="u1")
        half_hour = system_clock().replace(
            minute=system_clock().minute // 30 * 30
        )  # when a run reads all there is
        _all_wrong(client, channels)
        watch = Watch(
            client=client,
            quota=ledger,
            clock=lambda: half_hour,
            publish=len,
            check_later=repr,
            take_calls=list,
            app="https://app.example",
        )
        figures: list[Any] = []
        for _ in range(2):
            tally.reads.clear()
            began = time.perf_counter()
            watch.run()
            figures += [time.perf_counter() - began, sum(tally.reads.values())]
    return tuple(figures)


def _all_wrong(client: Any, channels: int) -> None:
    """Every connection, lease and operation has been wrong for long, and every endpoint fails."""
    late = system_clock() - _LATE
    documents = {
        CHANNELS.path: {"state": "reauth_required", "state_since": late},
        SUBSCRIPTIONS.path: {"lease_until": late},
        OPERATIONS.path: {"due_at": late},
        DEAD_LETTERS.path: {"at": late},
    }
    writer = client.bulk_writer()
    for number in range(channels):
        for path, fields in documents.items():
            writer.create(client.document(path, f"d{number}"), fields)
    writer.close()
    counts = {"long": [100, 50, 50], "short": [50, 25, 25], "reasons": {"backendError": 50}}
    endpoints = {f"youtube.e{number}.list": counts for number in range(20)}
    client.document(CALL_SUMMARY.path, "lately").set({"at": system_clock(), "endpoints": endpoints})


@row("watch.reads_250", unit="reads", limit=Limit(bound=300))
def reads_250() -> Measured:
    """documents that a run reads while everything is wrong with 250 channels; the floor is the run after it"""
    _, first, _, second = _run(250)
    return Measured(value=first, floor=second)


@row("watch.run_250", unit="s", limit=Limit(bound=5))
def run_250() -> Measured:
    """how long that run takes; the floor is the run after it, which changes nothing"""
    first, _, second, _ = _run(250)
    return Measured(value=first, floor=second)


@row("watch.run_10000", unit="s", limit=Limit(bound=60))
def run_10000() -> Measured:
    """the same for 10,000 channels"""
    first, _, second, _ = _run(10_000)
    return Measured(value=first, floor=second)
