"""Processes under the moved clock see the time of day that its file says, and wait as long as they mean to."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from infra.local.moved_clock import MovedClock

MONTH = 30 * 86400


def under(clock: MovedClock, code: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, **clock.environment()},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    return done.stdout.strip()


@pytest.fixture
def clock(tmp_path: Path) -> MovedClock:
    return MovedClock(tmp_path / "clock")


@pytest.mark.parametrize(
    "reading",
    [
        "time.time()",
        "datetime.datetime.now(datetime.UTC).timestamp()",
        "time.clock_gettime(time.CLOCK_REALTIME)",
        "time.time_ns() / 1e9",
        "float(os.popen('date +%s').read())",
    ],
)
def test_every_way_to_ask_the_time_of_day_answers_the_moved_one(clock, reading):
    clock.set_offset(MONTH)
    answered = float(under(clock, f"import time, datetime, os; print({reading})"))
    assert abs(answered - (time.time() + MONTH)) < 10


def test_a_running_process_and_all_its_threads_see_a_move_at_once(clock):
    code = """
import os, pathlib, threading, time
file = pathlib.Path(os.environ["MOVED_CLOCK_FILE"])
before = time.time()
fresh = file.with_suffix(".new"); fresh.write_text("+86400\\n"); fresh.replace(file)
seen = []
threads = [threading.Thread(target=lambda: seen.append(time.time() - before)) for _ in range(4)]
[t.start() for t in threads]; [t.join() for t in threads]
print(all(86400 <= s < 86460 for s in seen))
"""
    assert under(clock, code) == "True"


@pytest.mark.parametrize(
    "waiting",
    [
        "threading.Event().wait(0.3)",
        "time.sleep(0.3)",
        "select.select([], [], [], 0.3)",
        "asyncio.run(asyncio.sleep(0.3))",
        "concurrent.futures.wait([concurrent.futures.Future()], timeout=0.3)",
        "subprocess.run(['sleep', '0.3'])",
    ],
)
def test_waits_stay_real(clock, waiting):
    clock.set_offset(MONTH)
    code = (
        "import time, threading, select, asyncio, subprocess, concurrent.futures\n"
        f"t = time.monotonic()\n{waiting}\nprint(time.monotonic() - t)"
    )
    assert 0.29 < float(under(clock, code)) < 5


def test_a_wait_until_a_time_of_day_ends_when_the_moved_clock_says_so(clock):
    clock.set_offset(MONTH)
    code = """
import ctypes, time
class timespec(ctypes.Structure):
    _fields_ = [("s", ctypes.c_long), ("n", ctypes.c_long)]
libc = ctypes.CDLL(None, use_errno=True)
semaphore = ctypes.create_string_buffer(64)
libc.sem_init(semaphore, 0, 0)
until = time.time() + 0.3
moment = timespec(int(until), int(until % 1 * 1e9))
t = time.monotonic()
libc.sem_timedwait(semaphore, ctypes.byref(moment))
print(time.monotonic() - t)
"""
    assert 0.2 < float(under(clock, code)) < 5


def test_the_clock_moves_forward_only(clock):
    clock.advance(10)
    assert abs(clock.now() - (datetime.now(UTC) + timedelta(seconds=10))) < timedelta(seconds=1)
    with pytest.raises(ValueError, match="only moves forward"):
        clock.advance(-1)


def test_threads_that_talk_grpc_are_not_held_up(clock):
    """The reason for a clock of our own: libfaketime made this some thirty times slower."""
    code = """
import threading, time
def spin():
    for _ in range(20000): time.time()
threads = [threading.Thread(target=spin) for _ in range(4)]
[x.start() for x in threads]; [x.join() for x in threads]
print(time.process_time() / 80000 * 1e6)
"""

    def times() -> float:
        bare = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
        return float(under(clock, code)) / float(bare.stdout)

    assert min(times() for _ in range(3)) < 15  # some six times, of the CPU, which a busy machine takes no more of
