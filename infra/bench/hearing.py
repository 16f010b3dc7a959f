"""Notifications as a hub posts them, many at once: to a process of the webhook alone, and to the whole stack."""

from __future__ import annotations

import base64
import os
import socket
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psutil

from infra import stage
from infra.bench.rows.functions import HELLO
from infra.deployment import ROOT, deployment
from infra.local import emulators
from infra.local.addresses import PARTS, PROJECT, Addresses
from infra.local.demo.connect import connect_all, people
from infra.local.parts import FUNCTIONS_FRAMEWORK, answers
from infra.local.process import LOOPBACK, Part, free_port
from infra.local.simulator.hub.feeds import Entry, notification
from infra.local.stack import Stack
from infra.push import signed
from shared.clock import system_clock
from shared.cloud.pubsub import INGEST_TOPIC
from shared.push.keys import VARIABLE, HubKeys

TOPIC = f"projects/{PROJECT}/topics/{INGEST_TOPIC}"
CLIENT = f"""
import functions_framework
from functools import cache
from google.cloud import pubsub_v1

@cache
def publisher():
    return pubsub_v1.PublisherClient(pubsub_v1.types.BatchSettings(max_messages=1))

@functions_framework.http
def client(request):
    publisher().publish("{TOPIC}", request.get_data(), kind="videos").result(timeout=30)
    return "hello"
"""
DEPLOYED = deployment().functions["webhook"]
CONNECTIONS = DEPLOYED.concurrency  # as many as an instance is sent at once
KEY, CHANNEL = HubKeys((b"k" * 32,)), "UC" + "b" * 22
PACED = 8  # connections of an even pace; one that rests for two seconds is closed
FLOOD, FORGED_A_SECOND, REAL_A_SECOND = 5, 200, 20
"""Seconds of a flood, and what comes in each."""
FUNCTIONS = (
    *("oauth_start", "oauth_callback", "collect_reports", "collect_metadata"),
    *("renew_subscriptions", "webhook", "ingest"),
)
SETTINGS = {"YT_REPORT_TYPES": "channel_basic_a3", "YT_RATE_LIMITS": "reporting=off"}


@dataclass(frozen=True)
class Server:
    """A function under the framework. process: the one that starts what serves."""

    port: int
    process: psutil.Process

    def cpu(self) -> float:
        """Seconds of CPU that its processes have had."""
        return sum(sum(each.cpu_times()[:2]) for each in (self.process, *self.process.children(recursive=True)))


@dataclass(frozen=True)
class Servers:
    """A webhook, the framework's hello, and a hello that publishes the same by Google's client library."""

    webhook: Server
    hello: Server
    client: Server


@contextmanager
def surroundings() -> Iterator[tuple[Path, dict[str, str]]]:
    """A folder for logs, and the environment of a webhook whose Firestore and Pub/Sub run meanwhile."""
    with ExitStack() as running, tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        firestore = running.enter_context(emulators.firestore_running())
        environment = {
            **Addresses(dict.fromkeys(PARTS, 9), {}).environment(users=1, channels_per_user=1),
            "FIRESTORE_EMULATOR_HOST": firestore,
            "PUBSUB_EMULATOR_HOST": running.enter_context(emulators.pubsub_running()),
            VARIABLE: base64.b64encode(KEY.keys[0]).decode(),
            "PYTHONPATH": "",
            "PATH": os.environ["PATH"],
        }
        _make_topic(environment)
        yield folder, environment


@contextmanager
def servers() -> Iterator[Servers]:
    """All, each in a process of its own, for as long as the block lasts."""
    with ExitStack() as running:
        folder, environment = running.enter_context(surroundings())
        sources = {"webhook": stage.copy_by_hash("webhook", ROOT / ".local" / "staged")}
        for name, text in (("hello", HELLO), ("client", CLIENT)):
            sources[name] = folder / name
            sources[name].mkdir()
            (sources[name] / "main.py").write_text(text)
        yield Servers(
            **{
                name: running.enter_context(_serving(name, source, folder, environment))
                for name, source in sources.items()
            }
        )


def _make_topic(environment: Mapping[str, str]) -> None:
    """Make the topic; nobody subscribes to it, so what comes there is dropped."""
    from google.cloud import pubsub_v1

    os.environ["PUBSUB_EMULATOR_HOST"] = environment["PUBSUB_EMULATOR_HOST"]
    pubsub_v1.PublisherClient().create_topic(name=TOPIC)


@contextmanager
def _serving(target: str, folder: Path, logs: Path, env: Mapping[str, str]) -> Iterator[Server]:
    port = free_port()
    command = [str(FUNCTIONS_FRAMEWORK), "--target", target, "--source", str(folder / "main.py")]
    command += ["--host", LOOPBACK, "--port", str(port)]
    ready = answers(f"http://{LOOPBACK}:{port}/robots.txt", any_status=True)
    with_threads = {**env, **DEPLOYED.threads}
    part = Part(
        name=target, command=command, log=logs / f"{target}.log", ready=ready, env=with_threads, cwd=folder
    )
    with part.running():
        assert part.process is not None
        yield Server(port, psutil.Process(part.process.pid))


def post(body: bytes, *, forged: bool = False, channel: str = CHANNEL, key: HubKeys = KEY) -> bytes:
    """A notification as it goes over the wire. forged: what signed it is not the secret."""
    path, headers = signed(key, channel, body)
    if forged:
        headers["X-Hub-Signature"] = "sha256=" + "0" * 64
    lines = [f"POST {path} HTTP/1.1", "Host: bench", f"Content-Length: {len(body)}"]
    return "\r\n".join([*lines, *(f"{name}: {value}" for name, value in headers.items()), "", ""]).encode() + body


def about(video_id: str, channel: str = CHANNEL) -> bytes:
    """YouTube's feed about a video that was published now."""
    now = datetime.now(UTC)
    return notification(
        Entry(video_id=video_id, channel_id=channel, channel_title="T", title="T", published=now, updated=now)
    )


class Connection:
    """One connection that is kept open."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection((LOOPBACK, port), timeout=30)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def status(self, request: bytes) -> int:
        """Send a request, and read its answer to the end."""
        self._socket.sendall(request)
        answer = b""
        while b"\r\n\r\n" not in answer:
            answer += self._more()
        head, _, body = answer.partition(b"\r\n\r\n")
        lengths = [line[15:] for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
        left = int(lengths[0]) - len(body) if lengths else 0
        while left > 0:
            left -= len(self._more())
        return int(head[9:12])

    def _more(self) -> bytes:
        if not (found := self._socket.recv(65536)):
            raise ConnectionError("the server has closed the connection")
        return found

    def close(self) -> None:
        """Close it."""
        self._socket.close()


def taken(port: int) -> bool:
    """Whether a webhook takes a notification; False while nobody listens."""
    try:
        connection = Connection(port)
    except ConnectionRefusedError:
        return False
    status = connection.status(post(about("coldVideo_1")))
    connection.close()
    if status != 204:
        raise RuntimeError(f"answered {status} instead of 204")
    return True


def rate(port: int, request: bytes, expected: int, count: int) -> float:
    """Requests a second over all connections; raises RuntimeError when one is not answered as expected."""

    def work(_: int) -> None:
        connection = Connection(port)
        for _ in range(count // CONNECTIONS):
            if (status := connection.status(request)) != expected:
                raise RuntimeError(f"answered {status} instead of {expected}")
        connection.close()

    began = time.perf_counter()
    with ThreadPoolExecutor(CONNECTIONS) as pool:
        list(pool.map(work, range(CONNECTIONS)))
    return count / (time.perf_counter() - began)


def paced(port: int, requests: Sequence[bytes], a_second: int, expected: int) -> list[tuple[datetime, float]]:
    """Send requests at an even pace: when each was due, and the seconds from then until its answer."""
    began, start = time.monotonic(), system_clock()

    def work(first: int) -> list[tuple[datetime, float]]:
        connection, found = Connection(port), []
        for number in range(first, len(requests), PACED):
            due = number / a_second
            time.sleep(max(0.0, began + due - time.monotonic()))
            if (status := connection.status(requests[number])) != expected:
                raise RuntimeError(f"answered {status} instead of {expected}")
            found.append((start + timedelta(seconds=due), time.monotonic() - began - due))
        connection.close()
        return found

    with ThreadPoolExecutor(PACED) as pool:
        return sorted(each for some in pool.map(work, range(PACED)) for each in some)


def latencies(port: int, *, flooded: bool) -> list[float]:
    """Seconds until each real notification was answered, in order; flooded: while forged ones come."""
    real = [post(about(f"real{number:07}")) for number in range(FLOOD * REAL_A_SECOND)]
    forged = [post(about("forgedOne_1"), forged=True)] * (FLOOD * FORGED_A_SECOND if flooded else 0)
    with ThreadPoolExecutor(1) as pool:
        flood = pool.submit(paced, port, forged, FORGED_A_SECOND, 403)
        found = sorted(seconds for _, seconds in paced(port, real, REAL_A_SECOND, 204))
        flood.result()
    return found


def recorded(seconds: int) -> list[float]:
    """Seconds from the hub's post until the video's record, in order: 20 videos a second on the whole stack."""
    from google.cloud import firestore

    with Stack.start(
        users=1, channels_per_user=1, functions=FUNCTIONS, schedules_paused=True, settings=SETTINGS
    ) as stack:
        everybody = people(stack, users=1)
        if refused := connect_all(stack, everybody, said=lambda _: None):
            raise RuntimeError(f"not connected: {refused}")
        stack.wait_idle()
        channel = everybody[0].channels[0]
        key = HubKeys((base64.b64decode(stack.supervisor.parts["webhook"].part.env[VARIABLE]),))
        ids = [f"pace{number:07}" for number in range(seconds * REAL_A_SECOND)]
        posts = [post(about(each, channel), channel=channel, key=key) for each in ids]
        sent = paced(stack.addresses.ports["gateway"], posts, REAL_A_SECOND, 204)
        os.environ["FIRESTORE_EMULATOR_HOST"] = stack.env["FIRESTORE_EMULATOR_HOST"]
        client, ends = firestore.Client(project=stack.env["GOOGLE_CLOUD_PROJECT"]), time.monotonic() + 120
        while len(known := {each.id: each.create_time for each in client.collection("videos").get()}) < len(ids):
            if time.monotonic() > ends:
                raise RuntimeError(f"{len(known)} of {len(ids)} videos are recorded")
            time.sleep(1)
    return sorted((known[each] - due).total_seconds() for each, (due, _) in zip(ids, sent, strict=True))
