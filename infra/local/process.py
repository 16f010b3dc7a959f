"""One child process on 127.0.0.1: started, known to be ready, ended with all its children.

A part of the local stack is a command line, an environment and a question that it answers when it is ready; an
open port alone is not readiness.
"""

from __future__ import annotations

import json
import os
import random
import select
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

LOOPBACK = "127.0.0.1"
_EPHEMERAL = Path("/proc/sys/net/ipv4/ip_local_port_range")


def free_ports(count: int) -> list[int]:
    """Different free ports of 127.0.0.1, below those that the kernel hands to outgoing connections.

    A part keeps its port through restarts; an ephemeral one could be taken in between, or even answer itself.
    """
    first = int(_EPHEMERAL.read_text().split()[0]) if _EPHEMERAL.exists() else 32768
    found: list[int] = []
    for port in random.SystemRandom().sample(range(max(first - 20_000, 10_000), first), k=20 * count):
        with socket.socket() as probe:
            try:
                probe.bind((LOOPBACK, port))
            except OSError:
                continue
        found.append(port)
        if len(found) == count:
            return found
    raise OSError(f"no {count} free ports on {LOOPBACK}")


def free_port() -> int:
    """A TCP port of 127.0.0.1 that nobody listens on at this moment."""
    return free_ports(1)[0]


class PartFailed(RuntimeError):
    """A part ended or did not become ready; the message carries its last lines."""


class Copy:
    """A copy of the warm process (`infra/local/warm.py`) that runs a command, as Popen shows what it started.

    Raises PartFailed when no warm process answers at that socket.
    """

    def __init__(
        self, warm: Path, command: Sequence[str], *, env: Mapping[str, str], cwd: Path | None, log: Path
    ) -> None:
        asked = {"command": list(command), "env": env, "cwd": str(cwd or Path.cwd()), "log": str(log)}
        self.returncode: int | None = None
        self._asking = threading.Lock()
        try:
            with socket.socket(socket.AF_UNIX) as connection:
                connection.settimeout(10)
                connection.connect(str(warm))
                connection.sendall(json.dumps(asked).encode() + b"\n")
                self._told = connection.makefile()
                self.pid = int(self._told.readline())
                self._end = os.pidfd_open(self.pid)
        except (OSError, ValueError) as error:
            raise PartFailed(f"the warm process does not answer: {error!r}") from error

    def poll(self) -> int | None:
        """The exit status, once it has ended."""
        with suppress(subprocess.TimeoutExpired):
            self.wait(timeout=0)
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """The exit status; that of a kill where nobody is left who knows it. Raises subprocess.TimeoutExpired."""
        with self._asking:
            if self.returncode is None:
                waiting = select.poll()
                waiting.register(self._end, select.POLLIN)
                if not waiting.poll(None if timeout is None else timeout * 1000):
                    raise subprocess.TimeoutExpired("a copy", timeout or 0)
                try:
                    self.returncode = int(self._told.readline())
                except (OSError, ValueError):
                    self.returncode = -signal.SIGKILL
                self._told.close()
                os.close(self._end)
            return self.returncode


@dataclass(kw_only=True)
class Part:
    """A child process with a log of its own.

    ready: asked every 50 ms until it answers True; an exception counts as "not yet". warm: the socket of a warm
    process that shall run the command, which is then one of Python.
    """

    name: str
    command: Sequence[str]
    log: Path
    ready: Callable[[], bool]
    env: Mapping[str, str] = field(default_factory=dict)
    cwd: Path | None = None
    warm: Path | None = None
    process: subprocess.Popen[bytes] | Copy | None = None

    def start(self) -> None:
        """Start in a session of its own, so that `stop` reaches its children too."""
        self.log.parent.mkdir(parents=True, exist_ok=True)
        env = {**os.environ, "PYTHONDONTWRITEBYTECODE": "", **self.env}  # as Google's build, which compiles
        if self.warm:
            self.process = Copy(self.warm, self.command, env=env, cwd=self.cwd, log=self.log)
            return
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self.command,
                stdout=log,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                env=env,
                cwd=self.cwd,
                start_new_session=True,
            )

    @contextmanager
    def running(self) -> Iterator[None]:
        """Runs it, ready, while the block lasts."""
        self.start()
        try:
            self.wait_ready()
            yield
        finally:
            self.stop()

    def wait_ready(self, *, timeout: float = 60, give_up: Callable[[], bool] = lambda: False) -> None:
        """Return once `ready` says so. Raises PartFailed with the part's last lines otherwise.

        give_up: asked in between; True ends the waiting, because somebody else has already failed.
        """
        deadline = time.monotonic() + timeout
        while not self._answers():
            if give_up():
                raise PartFailed(f"{self.name} was stopped before it was ready")
            if self.process is not None and self.process.poll() is not None:
                raise PartFailed(f"{self.name} ended with {self.process.returncode}:\n{self.last_lines()}")
            if time.monotonic() > deadline:
                raise PartFailed(f"{self.name} was not ready within {timeout:.0f} s:\n{self.last_lines()}")
            time.sleep(0.05)

    def _answers(self) -> bool:
        try:
            return self.ready()
        except Exception:  # noqa: BLE001 - whatever it is, the part is not ready yet
            return False

    def stop(self, *, patience: float = 5) -> None:
        """End the part and its children: politely, then for certain. Does nothing when it never ran."""
        if self.process is None:
            return
        for signum in (signal.SIGTERM, signal.SIGKILL):
            try:
                os.killpg(self.process.pid, signum)
            except ProcessLookupError:
                break
            try:
                self.process.wait(timeout=patience)
            except subprocess.TimeoutExpired:
                continue
        self.process.wait()
        with suppress(ProcessLookupError):
            for _ in range(100):  # children that were killed take a moment, and hold their ports until then
                os.killpg(self.process.pid, 0)
                time.sleep(0.01)

    def last_lines(self, count: int = 15) -> str:
        """The end of the part's log."""
        if not self.log.exists():
            return ""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-count:])


def listens(port: int) -> bool:
    """Whether something accepts connections on a port of 127.0.0.1."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex((LOOPBACK, port)) == 0
