"""How long the sweep takes that picks up everything after an outage."""

from __future__ import annotations

import os

from infra.bench import Limit, Measured, row, sweeping
from infra.bench.worker import timed
from infra.local.emulators import firestore_running

OPERATIONS = 1_000
CPU, MEMORY = 0.333, 512  # of a CPU, and MiB, as Cloud Run gives `run_operation` by its memory


@row("publishing.sweep_1000", unit="s", limit=Limit(bound=60))
def sweep_a_thousand() -> Measured:
    """Seconds of one sweep that requeues 1,000 overdue operations, at 0.333 of a CPU"""
    with firestore_running() as host:
        environment = {**os.environ, "FIRESTORE_EMULATOR_HOST": host}
        elapsed, requeued = timed(sweeping.__name__, OPERATIONS, environment=environment, cpu=CPU, memory=MEMORY)
    if requeued != str(OPERATIONS):
        raise RuntimeError(f"of {OPERATIONS} operations {requeued} were requeued")
    return Measured(value=elapsed)
