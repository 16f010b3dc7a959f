"""The consent's cold starts, sealing, and the one refresh of many workers."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from urllib.parse import urlsplit

import httpx

from infra import stage
from infra.bench import Limit, Measured, row
from infra.bench.rows.functions import HELLO
from infra.deployment import ROOT
from infra.local.demo.connect import people
from infra.local.parts import FUNCTIONS_FRAMEWORK
from infra.local.process import LOOPBACK, Part, free_port, listens
from infra.local.stack import Stack
from shared.clock import system_clock
from shared.vault.secret import Secret
from shared.vault.vault import Vault

ROUNDS = 8
SEALS = 5_000
PROCESSES, THREADS = 4, 5
WORKER = """
import sys, threading
from shared.wiring.access import token_source

threads, tokens = int(sys.argv[2]), []
gate = threading.Barrier(threads)
def work():
    source = token_source(sys.argv[1])
    gate.wait()
    tokens.append(source(None))
print("ready", flush=True)
sys.stdin.readline()
workers = [threading.Thread(target=work) for _ in range(threads)]
for worker in workers: worker.start()
for worker in workers: worker.join()
sys.exit(len(tokens) != threads)
"""

Ask = Callable[[str], httpx.Response]


@contextmanager
def _stack() -> Iterator[Stack]:
    functions = ("oauth_start", "oauth_callback")
    with Stack.start(users=2, channels_per_user=2, functions=functions, schedules_paused=True) as stack:
        yield stack


def _first(target: str, folder: Path, env: Mapping[str, str], ask: Ask, expected: int) -> float:
    """Milliseconds from the start of a function's process to its first answer, which must be the expected one."""
    port = free_port()
    command = [str(FUNCTIONS_FRAMEWORK), "--target", target, "--source", str(folder / "main.py")]
    command += ["--host", LOOPBACK, "--port", str(port)]
    part = Part(name=target, command=command, log=folder / "log", ready=lambda: listens(port), env=env, cwd=folder)
    began = time.perf_counter()
    part.start()
    try:
        while not listens(port):
            if time.perf_counter() - began > 60:
                raise TimeoutError(f"{target} did not listen:\n{part.last_lines()}")
            time.sleep(0.002)
        answer = ask(f"http://{LOOPBACK}:{port}")
        elapsed = (time.perf_counter() - began) * 1000
        if answer.status_code != expected or "outcome=" in answer.headers.get("location", ""):
            raise RuntimeError(f"{target} answered {answer.status_code}: {answer.text[:300]}\n{part.last_lines()}")
        return elapsed
    finally:
        part.stop()


def _compare(
    stack: Stack, function: str, prepare: Callable[[httpx.Client], Ask], *, expected: int = 200
) -> Measured:
    """The least of a function's first answers and of hello's, taken in turns: what else runs only adds."""
    ours, floor = [], []
    # On the machine's own clock, which this stack's never left: what moves a clock costs time at each look at it.
    env = {**stack.env, "PYTHONPATH": "", "PATH": os.environ["PATH"]}
    with tempfile.TemporaryDirectory() as scratch, httpx.Client(timeout=60, trust_env=False) as http:
        hello = Path(scratch)
        (hello / "main.py").write_text(HELLO)
        staged = stage.copy_by_hash(function, ROOT / ".local" / "staged")
        for number in range(ROUNDS + 1):
            first = _first(function, staged, env, prepare(http), expected)
            least = _first("hello", hello, env, http.get, 200)
            if number:  # the first compiles
                ours.append(first)
                floor.append(least)
    return Measured(value=min(ours), floor=min(floor))


@row("access.start_cold", unit="ms", limit=Limit(bound=3, of="ratio_to_floor"))
def start_cold() -> Measured:
    """a cold oauth_start accepts a user: token verified, start counted, verifier sealed, state kept"""
    with _stack() as stack:

        def prepare(http: httpx.Client) -> Ask:
            headers = {"Authorization": f"Bearer {stack.user_token('bench')}"}
            return lambda url: http.post(f"{url}/auth/youtube/start", json={}, headers=headers)

        return _compare(stack, "oauth_start", prepare)


@row("access.callback_refused_cold", unit="ms", limit=Limit(bound=2.5, of="ratio_to_floor"))
def callback_refused_cold() -> Measured:
    """a cold oauth_callback refuses a browser without the cookie, before any client is loaded"""
    url = "/auth/youtube/callback?state=x&code=y"
    with _stack() as stack:
        return _compare(stack, "oauth_callback", lambda http: lambda root: http.get(root + url), expected=403)


@row("access.callback_cold", unit="ms", limit=Limit(bound=5.5, of="ratio_to_floor"))
def callback_cold() -> Measured:
    """a cold oauth_callback connects: exchange, channel learnt, tokens sealed, work queued; imports bind it"""
    with _stack() as stack:
        return _compare(stack, "oauth_callback", lambda http: _returning(stack, http), expected=303)


def _returning(stack: Stack, http: httpx.Client) -> Ask:
    """A browser on its way back from Google."""
    person = people(stack, users=1)[0]
    prepared = {"login_hint": person.email, "user": person.email, "channel_id": person.channels[0]}
    http.post(f"{stack.simulator}/control/consent", json=prepared).raise_for_status()
    form = {"id_token": stack.user_token(person.user), "login_hint": person.email}
    app = stack.url("gateway")
    sent = http.post(f"{app}/auth/youtube/start", data=form, headers={"Origin": app})
    cookie = sent.headers["set-cookie"].split(";", 1)[0]
    back = http.get(sent.headers["location"])
    query = urlsplit(back.headers["location"]).query
    return lambda url: http.get(f"{url}/auth/youtube/callback?{query}", headers={"Cookie": cookie})


@cache
def _vault() -> Vault:
    class Fixed:
        """One key, so that only sealing is measured; Secret Manager is asked once in minutes."""

        def newest(self) -> tuple[int, bytes]:
            return 1, bytes(range(32))

        def version(self, number: int) -> bytes:
            return bytes(range(32 * number))[:32]

    return Vault(Fixed(), system_clock)


def _per_call(act: Callable[[], object]) -> float:
    """Microseconds, the best of five runs."""
    best = float("inf")
    for _ in range(5):
        began = time.perf_counter()
        for _ in range(SEALS):
            act()
        best = min(best, time.perf_counter() - began)
    return best / SEALS * 1e6


TOKEN = Secret("1//0" + "0" * 99)


@row("access.seal", unit="us", limit=Limit(bound=100))
def seal() -> Measured:
    """one refresh token is sealed for its record"""
    return Measured(value=_per_call(lambda: _vault().seal(TOKEN, record="grants/UC1", field="refresh_token")))


@row("access.open", unit="us", limit=Limit(bound=100))
def unseal() -> Measured:
    """one refresh token is opened"""
    sealed = _vault().seal(TOKEN, record="grants/UC1", field="refresh_token")
    return Measured(value=_per_call(lambda: _vault().open(sealed, record="grants/UC1", field="refresh_token")))


@row("access.refreshes_of_20_workers", unit="requests", limit=Limit(bound=1))
def single_flight() -> Measured:
    """20 workers of 4 processes find one token expired: refresh requests that reach Google"""
    from google.cloud import firestore

    with _stack() as stack, httpx.Client(timeout=60, trust_env=False) as http:
        ask = _returning(stack, http)
        ask(stack.url("gateway"))
        os.environ["FIRESTORE_EMULATOR_HOST"] = stack.env["FIRESTORE_EMULATOR_HOST"]
        client = firestore.Client(project=stack.env["GOOGLE_CLOUD_PROJECT"])
        channel = people(stack, users=1)[0].channels[0]
        client.document("grants", channel).update({"access_expires_at": stack.now()})
        before = _token_requests(stack, http)
        _work(stack, channel)
        asked = _token_requests(stack, http) - before
        if not asked:
            raise RuntimeError("nobody refreshed the token that had expired")
        return Measured(value=asked, floor=1)


def _work(stack: Stack, channel: str) -> None:
    env = {**stack.env, **stack.clock.environment(), "PATH": os.environ["PATH"]}
    workers = [
        subprocess.Popen(
            [sys.executable, "-c", WORKER, channel, str(THREADS)],
            cwd=ROOT,
            env=env,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(PROCESSES)
    ]
    for worker in workers:
        assert worker.stdout is not None
        worker.stdout.readline()
    for worker in workers:
        worker.communicate("go\n", timeout=60)
        if worker.returncode:
            raise RuntimeError(f"a worker ended with {worker.returncode}")


def _token_requests(stack: Stack, http: httpx.Client) -> int:
    counts = http.get(f"{stack.simulator}/control/requests").json()["counts"].get("oauth.token", {})
    return sum(counts.values())
