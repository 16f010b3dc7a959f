"""Times one piece of work in a process of its own, under the share of a CPU and the memory of a deployed function.

The process prepares, prints "ready", waits for a line, works, and prints one line that says what came of it.
"""

from __future__ import annotations

import subprocess
import sys
import time

from infra.bench.throttle import confined


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
