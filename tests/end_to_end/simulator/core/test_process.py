"""The simulator as a process of the local stack: its own command, one clock file for everybody."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from infra.local.moved_clock import MovedClock
from infra.local.process import LOOPBACK, Part, free_port
from infra.local.simulator.serve import serving
from infra.local.simulator.state import Plan
from shared.clock import parse_instant, system_clock
from tests.end_to_end.simulator import plain

CLIENT = {"client_id": "c", "client_secret": "s", "redirect_uris": ["https://app.example.test/callback"]}


@pytest.fixture
def clock_file(run_folder: Path) -> Path:
    file = run_folder / "clock"
    file.write_text("+0\n")
    return file


@pytest.fixture
def http(run_folder: Path, clock_file: Path) -> Iterator[httpx.Client]:
    (run_folder / "client.json").write_text(json.dumps({"web": CLIENT}))
    port = free_port()
    command = [sys.executable, "-m", "infra.local.simulator", "--port", str(port), "--users", "2"]
    command += ["--identity-key", str(run_folder / "identity.pem"), "--client", str(run_folder / "client.json")]
    command += ["--clock-file", str(clock_file), "--limit", "search=7"]
    with plain.client(f"http://{LOOPBACK}:{port}") as client:
        part = Part(
            name="simulator",
            command=command,
            log=run_folder / "log",
            env=MovedClock(clock_file).environment(),
            ready=lambda: client.get("/control/ready").json()["ready"],
        )
        part.start()
        try:
            part.wait_ready(timeout=30)
            yield client
        finally:
            part.stop()


def test_moving_its_clock_moves_every_process_that_reads_the_file(http: httpx.Client, clock_file: Path):
    moved = http.post("/control/clock", json={"advance_seconds": 3 * 86400})
    now = parse_instant(moved.json()["now"])
    assert timedelta(days=3) <= now - system_clock() + timedelta(seconds=60) < timedelta(days=3, minutes=2)
    printed = subprocess.run(
        [sys.executable, "-c", "from shared.clock import *; print(format_instant(system_clock()))"],
        env=MovedClock(clock_file).environment() | {"PYTHONPATH": "."},
        capture_output=True,
        text=True,
        check=True,
    )
    assert abs(parse_instant(printed.stdout.strip()) - now) < timedelta(seconds=60)


def test_a_process_that_the_file_does_not_move_says_so(clock_file: Path):
    with serving(Plan(root="", users=1, clock_file=clock_file)) as simulator:
        moved = plain.http().post(f"{simulator.root}/control/clock", json={"advance_seconds": 3600})
    assert moved.status_code == 500
    assert "this process's clock was not" in moved.json()["error"]


def test_it_starts_as_it_is_told(http: httpx.Client):
    assert http.get("/control/clients").json()["clients"] == [
        {"client_id": "c", "redirect_uris": ["https://app.example.test/callback"]}
    ]
    today = next(iter(http.get("/control/quota").json()["days"].values()))
    assert today["search"] == {"used": 0, "limit": 7}
    assert http.get("/oauth2/v3/certs").json()["keys"][0]["alg"] == "RS256"
