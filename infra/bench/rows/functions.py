"""Cold starts: from the start of a function's process to the first byte of its first answer."""

from __future__ import annotations

import base64
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from pathlib import Path

from infra import stage
from infra.bench import Limit, Measured, row
from infra.bench.throttle import confined
from infra.deployment import ROOT, Function, deployment
from infra.judges import names
from infra.local.addresses import PARTS, Addresses
from infra.local.parts import FUNCTIONS_FRAMEWORK, answers
from infra.local.process import LOOPBACK, Part, free_port
from shared.push.keys import VARIABLE

ROUNDS = 5
Confine = Callable[[int], AbstractContextManager[object]]
"""Holds a process group to a share of the machine."""
Ask = Callable[[int], bool]
"""Whether a port has answered."""
HELLO = """
import functions_framework

@functions_framework.http
def hello(request):
    request.get_data()
    return "hello"
"""
"""The floor: what the framework takes for a request whose body is read."""


def _first_response(
    target: str, folder: Path, ask: str | Ask, env: dict[str, str], *, confine: Confine = lambda _: nullcontext()
) -> float:
    """Milliseconds from the start of the process until it has answered; at a path, any status is an answer."""
    port = free_port()
    asked = partial(ask, port) if callable(ask) else answers(f"http://{LOOPBACK}:{port}{ask}", any_status=True)
    part = Part(
        name=target,
        command=[
            *(str(FUNCTIONS_FRAMEWORK), "--target", target, "--source", str(folder / "main.py")),
            *("--host", LOOPBACK, "--port", str(port)),
        ],
        log=folder / "log",
        ready=asked,
        env=env,
        cwd=folder,
    )
    began = time.perf_counter()
    part.start()
    assert part.process is not None
    with confine(part.process.pid):
        try:
            while not part._answers():
                if time.perf_counter() - began > 60:
                    raise TimeoutError(f"{target} did not answer:\n{part.last_lines()}")
                time.sleep(0.003)
            return (time.perf_counter() - began) * 1000
        finally:
            part.stop()


def _environment() -> dict[str, str]:
    environment = Addresses(dict.fromkeys(PARTS, 9), {}).environment(users=1, channels_per_user=1)
    key = {VARIABLE: base64.b64encode(b"k" * 32).decode()}
    return environment | key | {"PYTHONPATH": "", "PATH": os.environ["PATH"]}


def measure(function: str, ask: str | Ask, environment: dict[str, str] | None = None) -> Measured:
    """Medians of a function and of the framework's hello, taken in turns."""
    environment = environment or _environment()
    ours, floor = [], []
    with tempfile.TemporaryDirectory() as folder:
        hello = Path(folder)
        (hello / "main.py").write_text(HELLO)
        staged = stage.copy_by_hash(function, ROOT / ".local" / "staged")
        _first_response(function, staged, ask, environment)  # compiles; not counted
        _first_response("hello", hello, "/", environment)
        for _ in range(ROUNDS):
            ours.append(_first_response(function, staged, ask, environment))
            floor.append(_first_response("hello", hello, "/", environment))
    return Measured(value=statistics.median(ours), floor=statistics.median(floor))


@row("functions.refusing", unit="ms", limit=Limit(bound=1.6, of="ratio_to_floor"))
def refusing() -> Measured:
    """a cold webhook turns away an address that it does not serve, without any client being built"""
    return measure("webhook", "/webhooks/youtube")


@row("webhook.cold.refused", unit="ms", limit=Limit(bound=1.1, of="ratio_to_floor"))
def refusing_forged() -> Measured:
    """a cold webhook turns away an address that it never gave away, by the key that it derives all of them from"""
    return measure("webhook", f"/webhooks/youtube/UC{'a' * 22}/guessed")


@row("functions.loading", unit="ms", limit=Limit(bound=2.0, of="ratio_to_floor"))
def loading() -> Measured:
    """the largest function is loaded, and answers what the framework answers by itself"""
    return measure("ingest", "/robots.txt")


def _first_answer(function: Function) -> Measured:
    memory = names.mebibytes(function.memory)
    assert memory is not None
    staged, environment = stage.copy_by_hash(function.name, ROOT / ".local" / "staged"), _environment()
    _first_response(function.name, staged, "/robots.txt", environment)  # compiles; not counted

    def confine(group: int) -> AbstractContextManager[object]:
        return confined(group, cpu=function.cpu, memory=memory)

    return Measured(
        value=_first_response(function.name, staged, "/robots.txt", environment, confine=confine) / 1000
    )


def _register(function: Function) -> None:
    def first_answer() -> Measured:
        return _first_answer(function)

    first_answer.__doc__ = f"{function.name} answers first, with {function.memory} and {function.cpu:g} of a CPU"
    row(f"functions.first_answer.{function.name}", unit="s", limit=Limit(bound=10))(first_answer)


for _each in deployment().functions.values():
    _register(_each)
