"""What a call to YouTube costs us, and an upload beside the barest client that can do it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx

from infra.bench import Limit, Measured, row
from infra.bench.uploading import BUCKET, NAME
from infra.local import emulators, object_store
from infra.local.process import LOOPBACK, Part, free_port
from shared.clock import system_clock
from shared.youtube.faults import classify

MIB = 1024 * 1024
CLIENT = {
    "client_id": "bench.apps.googleusercontent.com",
    "client_secret": "bench-secret",
    "redirect_uris": ["https://app.example.test/callback"],
}
USER = "user-001@example.test"
_ROUNDS = 3

Upload = Callable[[str], dict[str, float]]
"""Runs one upload, ours or bare, in a process of its own."""


@row("youtube.classify", unit="us", limit=Limit(bound=50))
def classify_a_fault() -> Measured:
    """Microseconds to classify a refusal; the floor is parsing its JSON"""
    message = "Quota exceeded for quota metric 'Video Uploads' and limit 'Video Uploads per day'"
    item = {"message": message, "domain": "global", "reason": "rateLimitExceeded"}
    body = json.dumps({"error": {"code": 429, "message": message, "errors": [item]}}).encode()
    headers = {"retry-after": "120"}
    best = _best(lambda: classify(429, headers, body, clock=system_clock))
    return Measured(value=best * 1e6, floor=_best(lambda: json.loads(body)) * 1e6)


def _best(work: Callable[[], object], times: int = 2000) -> float:
    found = []
    for _ in range(5):
        started = time.perf_counter()
        for _ in range(times):
            work()
        found.append((time.perf_counter() - started) / times)
    return min(found)


@row("publishing.upload_1gib", unit="s", limit=Limit(bound=1.3, of="ratio_to_peer"))
def upload_a_gibibyte() -> Measured:
    """Seconds for 1 GiB from store to YouTube; the peer is http.client with nothing around it"""
    return Measured(value=_figures()["ours_seconds"], peer=_figures()["bare_seconds"])


@row("publishing.upload_memory", unit="MiB", limit=Limit(bound=96))
def memory_of_a_gibibyte() -> Measured:
    """Memory above idle while 1 GiB is uploaded; the floor is the same for 100 MiB"""
    return Measured(value=_figures()["memory_1gib"], floor=_figures()["memory_100mib"])


@cache
def _figures() -> dict[str, float]:
    """Both clients, turn about; the best of a few rounds each."""
    with tempfile.TemporaryDirectory() as folder, _parts(Path(folder)) as run:
        _put(Path(folder), 100 * MIB)
        small = run("ours")
        _put(Path(folder), 1024 * MIB)
        measured: dict[str, list[dict[str, float]]] = {"ours": [], "bare": []}
        for _ in range(_ROUNDS):
            for which, results in measured.items():
                results.append(run(which))
    return {
        "ours_seconds": min(one["seconds"] for one in measured["ours"]),
        "bare_seconds": min(one["seconds"] for one in measured["bare"]),
        "memory_1gib": max(one["peak_mib"] - one["idle_mib"] for one in measured["ours"]),
        "memory_100mib": small["peak_mib"] - small["idle_mib"],
    }


def _put(folder: Path, size: int) -> None:
    """A sparse file that begins as a video does."""
    path = folder / BUCKET / NAME
    path.parent.mkdir(exist_ok=True)
    with path.open("wb") as file:
        file.write(b"\x00\x00\x00\x18ftypmp42\x00\x00\x00\x00mp42isom")
        file.truncate(size)


@contextmanager
def _parts(folder: Path) -> Iterator[Upload]:
    """Firestore, a store and a simulator, each a process of its own; answers how to run one upload."""
    firestore_port, store_port, simulator_port = free_port(), free_port(), free_port()
    client = folder / "client.json"
    client.write_text(json.dumps(CLIENT))
    store, simulator = f"http://{LOOPBACK}:{store_port}", f"http://{LOOPBACK}:{simulator_port}"

    def python(module: str, *arguments: object) -> list[str]:
        return [sys.executable, "-m", module, *map(str, arguments)]

    def answers(url: str) -> bool:
        return httpx.get(url, trust_env=False).status_code < 400

    parts = [
        emulators.firestore(firestore_port, folder / "firestore.log"),
        Part(
            name="store",
            command=python(object_store.__name__, "--port", store_port, "--folder", folder),
            log=folder / "store.log",
            ready=lambda: answers(store),
        ),
        Part(
            name="simulator",
            command=python("infra.local.simulator", "--port", simulator_port, "--users", 1, "--client", client),
            log=folder / "simulator.log",
            ready=lambda: answers(f"{simulator}/control/ready"),
        ),
    ]
    environment = {**os.environ, "FIRESTORE_EMULATOR_HOST": f"{LOOPBACK}:{firestore_port}"}
    try:
        for part in parts:
            part.start()
        for part in parts:
            part.wait_ready()
        token, channel = _token(simulator)

        def run(which: str) -> dict[str, float]:
            command = python("infra.bench.uploading", which, store, simulator, token, channel)
            done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
            if done.returncode:
                raise RuntimeError(done.stderr[-500:])
            figures: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
            return figures

        yield run
    finally:
        for part in parts:
            part.stop()


def _token(simulator: str) -> tuple[str, str]:
    """An access token for the first user's channel, by the simulator's unattended consent; and the channel."""
    with httpx.Client(trust_env=False, timeout=30) as http:
        world = http.get(f"{simulator}/control/world").json()
        account = next(one for one in world["accounts"] if one["email"] == USER)
        channel = account["channels"][0]["id"]
        http.post(
            f"{simulator}/control/consent",
            json={"login_hint": USER, "user": USER, "channel_id": channel},
        ).raise_for_status()
        redirect = CLIENT["redirect_uris"][0]
        asked = {
            "client_id": CLIENT["client_id"],
            "redirect_uri": redirect,
            "response_type": "code",
            "scope": "https://www.googleapis.com/auth/youtube",
            "login_hint": USER,
            "state": "bench",
        }
        answer = http.get(f"{simulator}/o/oauth2/v2/auth?{urlencode(asked)}")
        code = parse_qs(urlsplit(answer.headers["location"]).query)["code"][0]
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "client_id": CLIENT["client_id"],
            "client_secret": CLIENT["client_secret"],
            "redirect_uri": redirect,
        }
        return str(http.post(f"{simulator}/token", data=form).raise_for_status().json()["access_token"]), channel
