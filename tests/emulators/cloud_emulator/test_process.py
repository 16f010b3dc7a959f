"""The process itself: its port, its end, and a clock that is moved under it."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from datetime import timedelta

import grpc
import httpx
import pytest
from google.api_core import exceptions
from google.cloud import tasks_v2
from google.cloud.tasks_v2.services.cloud_tasks.transports import CloudTasksGrpcTransport

from infra.local.cloud_emulator.part import cloud_emulator
from infra.local.moved_clock import MovedClock
from infra.local.process import LOOPBACK, Part, PartFailed, free_port, listens
from tests.stands.waiting import eventually

QUEUE = "projects/own/locations/us-central1/queues/collect"


@pytest.fixture
def clock(tmp_path) -> MovedClock:
    return MovedClock(tmp_path / "clock")


@pytest.fixture
def ports() -> tuple[int, int]:
    return free_port(), free_port()


@pytest.fixture
def part(tmp_path, ports, clock) -> Iterator[Part]:
    """An emulator of one's own, under a clock that can be moved."""
    port, http_port = ports
    own = cloud_emulator(
        port=port,
        http_port=http_port,
        project="own",
        region="us-central1",
        identity_key=tmp_path / "identity.pem",
        log=tmp_path / "log",
        name_memory=3600,
    )
    own.env = clock.environment()
    own.start()
    try:
        own.wait_ready()
        yield own
    finally:
        own.stop()


@pytest.fixture
def tasks(part, ports):
    """Cloud Tasks' client of the emulator of one's own."""
    channel = grpc.insecure_channel(f"{LOOPBACK}:{ports[0]}")
    yield tasks_v2.CloudTasksClient(transport=CloudTasksGrpcTransport(channel=channel))
    channel.close()


def finished(ports) -> int:
    story = httpx.get(f"http://{LOOPBACK}:{ports[1]}/tasks", trust_env=False).json()
    return int(story["counts"]["finished"])


def test_a_clock_moved_by_days_makes_tasks_due_and_names_free(tasks, ports, clock, target):
    task = {
        "name": f"{QUEUE}/tasks/deferred",
        "http_request": {"url": f"{target.url}/"},
        "schedule_time": clock.now() + timedelta(days=3),
    }
    tasks.create_task(parent=QUEUE, task=task)
    time.sleep(0.3)
    assert not target.received
    clock.advance(3 * 86400 + 1)
    eventually(lambda: finished(ports))
    assert float(target.received[0].headers["X-CloudTasks-TaskETA"]) == pytest.approx(
        task["schedule_time"].timestamp(), abs=1e-3
    )
    with pytest.raises(exceptions.AlreadyExists):
        tasks.create_task(parent=QUEUE, task=task)
    clock.advance(3600)
    tasks.create_task(parent=QUEUE, task=task)


def test_it_ends_on_sigterm_without_a_complaint_and_frees_its_ports(part, ports, target, tasks):
    target.answer("/slow", (200, {}, 0.5))
    tasks.create_task(parent=QUEUE, task={"http_request": {"url": f"{target.url}/slow"}})
    eventually(lambda: target.received, every=0.005)
    part.process.send_signal(signal.SIGTERM)
    assert part.process.wait(timeout=60) == 0
    assert not any(listens(port) for port in ports)
    assert "Traceback" not in part.last_lines(100)


def test_a_port_that_is_taken_ends_it_with_a_message(part, ports, tmp_path):
    second = cloud_emulator(
        port=ports[0],
        http_port=free_port(),
        project="own",
        region="us-central1",
        identity_key=tmp_path / "identity.pem",
        log=tmp_path / "second",
    )
    second.start()
    try:
        with pytest.raises(PartFailed, match=str(ports[0])):
            second.wait_ready(timeout=60)
    finally:
        second.stop()
