"""Times one piece of work in a process of its own, under the share of a CPU and the memory of a deployed function.

The process prepares, prints "ready", waits for a line, works, and prints one line that says what came of it.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from infra.bench.throttle import confined
from infra.local import emulators
from infra.local.process import LOOPBACK, free_port


@contextmanager
def firestore() -> Iterator[str]:
    """A Firestore emulator's host:port."""
    with tempfile.TemporaryDirectory() as folder:
        port = free_port()
        part = emulators.firestore(port, Path(folder) / "firestore.log")
        part.start()
        try:
            part.wait_ready()
            yield f"{LOOPBACK}:{port}"
        finally:
            part.stop()


def timed(
    module: str, *arguments: object, environment: dict[str, str], cpu: float, memory: int
) -> tuple[float, str]:
    """How many seconds the work of a module took, and what it said."""
    command = [sys.executable, "-m", module, *map(str, arguments)]
    with subprocess.Popen(
        command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True
    ) as worker:
        assert worker.stdin is not None
        assert worker.stdout is not None
        assert worker.stdout.readline() == "ready\n"
        with confined(worker.pid, cpu=cpu, memory=memory):
            began = time.perf_counter()
            worker.stdin.write("go\n")
            worker.stdin.flush()
            said = worker.stdout.readline().strip()
            return time.perf_counter() - began, said
