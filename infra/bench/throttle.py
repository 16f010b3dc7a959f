"""Gives a running process group the share of a CPU, and the memory, that a deployed function has.

By a control group where one can be made (as root; version 1 or 2). Elsewhere the processes are stopped and
continued every 100 ms, which does the same to their speed; their memory is then not bounded.
"""

from __future__ import annotations

import os
import signal
import threading
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

ROOT = Path("/sys/fs/cgroup")
PERIOD = 0.1  # seconds, as Cloud Run's scheduler divides them


@contextmanager
def confined(group: int, *, cpu: float, memory: int) -> Iterator[str]:
    """Hold a process group to `cpu` of a CPU and `memory` MiB; says by what: "cgroup" or "signals"."""
    folders = _control_groups(cpu, memory)
    if folders:
        try:
            for folder in folders:
                (folder / "cgroup.procs").write_text(str(group))
            yield "cgroup"
        finally:
            for folder in folders:
                _remove(folder)
        return
    ended = threading.Event()
    thread = threading.Thread(target=_alternate, args=(group, cpu, ended))
    thread.start()
    try:
        yield "signals"
    finally:
        ended.set()
        thread.join()


def _control_groups(cpu: float, memory: int) -> list[Path]:
    """New control groups with these limits; none where they cannot be made."""
    name, period = f"ytempire-{uuid.uuid4().hex[:8]}", int(PERIOD * 1e6)
    quota, size = max(1000, int(cpu * period)), memory * 2**20
    if (ROOT / "cgroup.controllers").is_file():
        wanted = {ROOT / name: {"cpu.max": f"{quota} {period}", "memory.max": str(size)}}
    else:
        wanted = {
            ROOT / "cpu" / name: {"cpu.cfs_period_us": str(period), "cpu.cfs_quota_us": str(quota)},
            ROOT / "memory" / name: {"memory.limit_in_bytes": str(size)},
        }
    try:
        for folder, limits in wanted.items():
            _make(folder, limits)
    except OSError:
        for folder in wanted:
            _remove(folder)
        return []
    return list(wanted)


def _make(folder: Path, limits: Mapping[str, str]) -> None:
    folder.mkdir()
    for file, value in limits.items():
        (folder / file).write_text(value)


def _remove(folder: Path) -> None:
    """Remove a control group; who is still in it goes on without limits."""
    with suppress(OSError):
        for process in (folder / "cgroup.procs").read_text().split():
            (folder.parent / "cgroup.procs").write_text(process)
    for _ in range(50):
        with suppress(OSError):
            folder.rmdir()
        if not folder.exists():
            return
        time.sleep(0.02)


def _alternate(group: int, cpu: float, ended: threading.Event) -> None:
    """Let the group run for its share of each period."""
    with suppress(ProcessLookupError):
        while not ended.is_set():
            os.killpg(group, signal.SIGCONT)
            time.sleep(min(cpu, 1) * PERIOD)
            if cpu < 1:
                os.killpg(group, signal.SIGSTOP)
                time.sleep((1 - cpu) * PERIOD)
        os.killpg(group, signal.SIGCONT)
