"""How long the sweep takes that picks up everything after an outage."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from infra.bench import Limit, Measured, row, sweeping
from infra.bench.throttle import confined
from infra.local import emulators
from infra.local.process import LOOPBACK, free_port

OPERATIONS = 1_000
CPU, MEMORY = 0.333, 512  # of a CPU, and MiB, as Cloud Run gives `run_operation` by its memory


@row("publishing.sweep_1000", unit="s", limit=Limit(bound=60))
def sweep_a_thousand() -> Measured:
    """Seconds of one sweep that requeues 1,000 overdue operations, at 0.333 of a CPU"""
    with tempfile.TemporaryDirectory() as folder:
        port = free_port()
        part = emulators.firestore(port, Path(folder) / "firestore.log")
        part.start()
        try:
            part.wait_ready()
            return Measured(value=_swept({**os.environ, "FIRESTORE_EMULATOR_HOST": f"{LOOPBACK}:{port}"}))
        finally:
            part.stop()


def _swept(environment: dict[str, str]) -> float:
    command = [sys.executable, "-m", sweeping.__name__, str(OPERATIONS)]
    with subprocess.Popen(
        command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True
    ) as worker:
        assert worker.stdin is not None
        assert worker.stdout is not None
        assert worker.stdout.readline() == "ready\n"
        with confined(worker.pid, cpu=CPU, memory=MEMORY):
            began = time.perf_counter()
            worker.stdin.write("sweep\n")
            worker.stdin.flush()
            requeued = worker.stdout.readline().strip()
            elapsed = time.perf_counter() - began
    if requeued != str(OPERATIONS):
        raise RuntimeError(f"of {OPERATIONS} operations {requeued} were requeued")
    return elapsed
