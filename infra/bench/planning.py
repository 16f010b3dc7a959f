"""One daily plan of many channels, in a process of its own: `python -m infra.bench.planning COUNT` (`worker`).

Firestore is the emulator of the environment; a task costs what its request to Cloud Tasks takes, TASK_SECONDS.
"""

from __future__ import annotations

import os
import random
import sys
import time
from contextlib import redirect_stdout
from functools import partial
from typing import Any

from google.cloud import firestore

from shared import channels
from shared.access.features import capabilities, scopes_for
from shared.channels import CHANNELS, Channel
from shared.clock import system_clock
from shared.collection.collecting import Collecting
from shared.collection.planner import BATCH
from shared.errors import Unavailable
from shared.quota.ledger import Ledger
from shared.quota.profile import load
from shared.rate_limits.limiter import RateLimiter
from shared.tokens.health import CONNECTED
from shared.warehouse.report_types import PROFILES, newest
from shared.youtube import reporting

TASK_SECONDS = 0.03
_REPORT_TYPES = newest(PROFILES["full"], ())
_WRITES = 500  # of one commit


def batches(count: int) -> int:
    """How many tasks the plan of so many channels queues."""
    return -(-count // BATCH)


def main(count: int) -> None:
    """Plan `count` channels once."""
    client = firestore.Client(project=f"bench-{os.getpid()}")
    for first in range(0, count, _WRITES):
        batch = client.batch()
        for number in range(first, min(first + _WRITES, count)):
            batch.set(client.document(channels.path(f"UC{number:022}")), CHANNELS.fields(_channel(number)))
        batch.commit()

    def enqueue(*_arguments: Any) -> bool:
        time.sleep(TASK_SECONDS)
        return True

    def away(*_arguments: Any) -> Any:
        raise Unavailable("Nobody is asked which report types YouTube retires.")

    ledger = Ledger(client, load("current"), system_clock)
    limiter = RateLimiter(client, load("current").rate_limits, system_clock)
    collecting = Collecting(
        client=client,
        report_types=_REPORT_TYPES,
        quota=ledger,
        caller_for=away,
        to_ingest=lambda *_: None,
        enqueue=enqueue,
        book=partial(limiter.book, method=reporting.LIST, user="system"),
        clock=system_clock,
        rng=random.Random(1),  # noqa: S311
    )
    print("ready", flush=True)
    sys.stdin.readline()
    with redirect_stdout(sys.stderr):  # for the log
        queued = collecting.plan(everything=True)["queued"]
    print(queued, flush=True)


def _channel(number: int) -> Channel:
    now, scopes = system_clock(), scopes_for(("analytics", "publish"))
    return Channel(
        channel_id=f"UC{number:022}",
        user_id=f"u{number // 5}",
        google_account=f"{number:021}",
        title=f"Channel {number}",
        uploads_playlist=f"UU{number:022}",
        state=CONNECTED,
        state_since=now,
        connected_at=now,
        capabilities=capabilities(scopes, scopes),
        listed_at=now,
        synced_at=now,
        collect_at=now,
    )


if __name__ == "__main__":
    main(int(sys.argv[1]))
