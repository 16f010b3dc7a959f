"""The supervisor: order, readiness, restarts, giving up, and an end that leaves nothing behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.deployment import ROOT
from infra.local import guard
from infra.local.process import LOOPBACK, Part, PartFailed, free_port, listens
from infra.local.supervisor import QUICK_DEATHS, State, Supervisor, Watched, restart_delay
from tests.stands.waiting import eventually

SERVE = "import http.server, sys; http.server.test(port=int(sys.argv[1]), bind='127.0.0.1')"


def server(folder: Path, name: str = "server", **more) -> Watched:
    port = free_port()
    part = Part(
        name=name,
        command=[sys.executable, "-c", SERVE, str(port)],
        log=folder / f"{name}.log",
        ready=lambda: listens(port),
        cwd=folder,
    )
    return Watched(part=part, where=f"{LOOPBACK}:{port}", **more)


def job(folder: Path, name: str, code: str, **more) -> Watched:
    part = Part(
        name=name,
        command=[sys.executable, "-c", code],
        log=folder / f"{name}.log",
        ready=lambda: part.process is not None and part.process.poll() == 0,
        cwd=folder,
    )
    return Watched(part=part, once=True, **more)


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def supervise(said) -> Iterator[Callable[..., Supervisor]]:
    running: list[Supervisor] = []

    def start(*parts: Watched) -> Supervisor:
        running.append(Supervisor(parts, say=said.append))
        running[-1].start(timeout=20)
        return running[-1]

    yield start
    for supervisor in running:
        if not supervisor.stopped:
            supervisor.stop()


def test_a_part_starts_after_what_it_needs(supervise, tmp_path):
    first = job(tmp_path, "first", "import time; time.sleep(0.3); open('mark', 'w')")
    second = job(tmp_path, "second", "open('mark')", needs=("first",))
    supervisor = supervise(second, first)
    assert {watched.state for watched in supervisor.parts.values()} == {State.DONE}


def test_a_part_that_does_not_come_up_is_named_with_its_last_lines_and_takes_all_with_it(supervise, tmp_path):
    good = server(tmp_path)
    bad = job(tmp_path, "bad", "raise SystemExit('no such luck')")
    with pytest.raises(PartFailed, match=r"bad ended with 1:\nno such luck"):
        supervise(good, bad)
    assert good.pid is None


def test_a_part_that_dies_is_named_and_runs_again_at_the_same_address(supervise, said, tmp_path):
    watched = server(tmp_path)
    supervise(watched)
    first = watched.pid
    os.kill(first, signal.SIGKILL)
    eventually(lambda: any("runs again" in text for text in said))
    assert "server died (signal 9)" in said[0]
    assert watched.pid not in {None, first}
    assert watched.state is State.READY


def test_set_up_is_done_again_for_a_part_that_lost_its_memory(supervise, said, tmp_path):
    watched = server(tmp_path)
    setting_up = job(tmp_path, "set-up", "open('times', 'a').write('x')", needs=("server",))
    supervise(watched, setting_up)
    os.kill(watched.pid, signal.SIGKILL)
    eventually(lambda: any("runs again" in text for text in said))
    assert (tmp_path / "times").read_text() == "xx"


def test_a_part_that_keeps_dying_is_given_up_aloud(supervise, said, tmp_path):
    watched = server(tmp_path)
    supervise(watched)
    watched.part.command = [sys.executable, "-c", "raise SystemExit('broken for good')"]
    os.kill(watched.pid, signal.SIGKILL)
    eventually(lambda: watched.state is State.GIVEN_UP)
    assert "given up" in said[-1]
    assert any("broken for good" in text for text in said)


@given(st.lists(st.floats(0, 50), max_size=QUICK_DEATHS - 1), st.floats(0, 10))
def test_the_wait_before_a_restart_grows_and_ends(earlier, now):
    deaths = sorted([-1000.0, *(now - age for age in earlier), now])
    delay = restart_delay(deaths, now)
    if len(earlier) + 1 >= QUICK_DEATHS:
        assert delay is None
    else:
        assert delay is not None
        assert 0 < delay <= 5


def test_stopping_ends_children_of_children_and_frees_the_ports(supervise, tmp_path):
    code = f"import subprocess, sys, time; subprocess.Popen([sys.executable, '-c', {SERVE!r}, sys.argv[1]]).wait()"
    port = free_port()
    part = Part(
        name="parent",
        command=[sys.executable, "-c", code, str(port)],
        log=tmp_path / "log",
        ready=lambda: listens(port),
    )
    supervisor = supervise(Watched(part=part))
    family = [psutil.Process(part.process.pid), *psutil.Process(part.process.pid).children(recursive=True)]
    assert len(family) == 2
    supervisor.stop()
    assert not any(member.is_running() and member.status() != psutil.STATUS_ZOMBIE for member in family)
    assert not listens(port)


def test_a_supervisor_that_is_killed_leaves_nothing_behind(tmp_path):
    port = free_port()
    code = f"""
import sys, time
from pathlib import Path
from infra.local.process import Part, listens
from infra.local.supervisor import Supervisor, Watched
part = Part(name="x", command=[sys.executable, "-c", {SERVE!r}, "{port}"], log=Path({str(tmp_path)!r}) / "log",
            ready=lambda: listens({port}))
Supervisor([Watched(part=part)], say=print).start()
print(part.process.pid, flush=True)
time.sleep(60)
"""
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, cwd=ROOT)
    assert process.stdout is not None
    child = int(process.stdout.readline())
    process.kill()
    process.wait()
    eventually(lambda: not psutil.pid_exists(child))
    assert not listens(port)
    process.stdout.close()


@given(st.lists(st.tuples(st.booleans(), st.integers(1, 5))))
def test_the_guard_ends_exactly_what_was_started_and_not_ended(events):
    expected: set[int] = set()
    for started, pid in events:
        (expected.add if started else expected.discard)(pid)
    assert guard.groups_left(f"{'+' if started else '-'}{pid}\n" for started, pid in events) == expected
