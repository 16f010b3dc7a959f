"""A process has the share of a CPU that it is given, by a control group and by signals."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from infra.bench import throttle
from tests.stands.waiting import eventually

BUSY = "while True: pass"


@pytest.fixture
def busy():
    process = subprocess.Popen([sys.executable, "-c", BUSY], start_new_session=True)
    yield process.pid
    process.kill()
    process.wait()


def seconds_of_cpu(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@pytest.mark.parametrize("by", ["cgroup", "signals"])
def test_a_process_gets_no_more_than_its_share(busy, by, monkeypatch, tmp_path):
    if by == "signals":
        monkeypatch.setattr(throttle, "ROOT", tmp_path / "nothing")
    with throttle.confined(busy, cpu=0.2, memory=256) as how:
        if how != by:
            pytest.skip("no control group can be made here")
        used, began = seconds_of_cpu(busy), time.monotonic()
        time.sleep(1)
        share = (seconds_of_cpu(busy) - used) / (time.monotonic() - began)
    assert 0 < share < 0.35


@pytest.mark.parametrize("by", ["cgroup", "signals"])
def test_a_process_runs_freely_afterwards(busy, by, monkeypatch, tmp_path):
    if by == "signals":
        monkeypatch.setattr(throttle, "ROOT", tmp_path / "nothing")
    with throttle.confined(busy, cpu=0.1, memory=256):
        time.sleep(0.2)
    used = seconds_of_cpu(busy)
    eventually(lambda: seconds_of_cpu(busy) >= used + 0.1)
