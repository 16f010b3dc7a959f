"""One sweep of many overdue operations, in a process of its own: `python -m infra.bench.sweeping COUNT`.

Stores the operations, says "ready", waits for a line, sweeps, and prints how many were requeued. Firestore is the
emulator of the environment; a task costs what its request to Cloud Tasks takes, TASK_SECONDS.
"""

from __future__ import annotations

import os
import sys
import time
from datetime import timedelta
from typing import Any

from google.cloud import firestore

from shared.clock import system_clock
from shared.publishing.operation import Operation, Operations, State
from shared.publishing.tasks import OVERDUE, Tasks

TASK_SECONDS = 0.03


def main(count: int) -> None:
    """Sweep `count` overdue operations once."""
    operations = Operations(firestore.Client(project=f"bench-{os.getpid()}"))
    for number in range(count):
        operations.create(_overdue(number))

    def enqueue(*_arguments: Any) -> bool:
        time.sleep(TASK_SECONDS)
        return True

    tasks = Tasks(operations=operations, enqueue=enqueue, clock=system_clock)
    print("ready", flush=True)
    sys.stdin.readline()
    print(tasks.sweep(), flush=True)


def _overdue(number: int) -> Operation:
    due = system_clock() - OVERDUE - timedelta(minutes=1 + number % 60)
    return Operation(
        id=f"op-{number:024x}",
        fingerprint="",
        channel_id="UC" + "a" * 22,
        user_id="bench",
        kind="upload",
        work={"parts": {"snippet": {"title": "A film", "description": "d" * 1000}}},
        steps=("transfer", "processing"),
        state=State.QUEUED,
        created_at=due,
        updated_at=due,
        due_at=due,
    )


if __name__ == "__main__":
    main(int(sys.argv[1]))
