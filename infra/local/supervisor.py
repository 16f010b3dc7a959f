"""Starts parts in the order of what they need, watches them, restarts the one that dies, ends them all.

A part that dies is named with its last lines and started again on the same port, later each time; one that keeps
dying is given up, aloud. A part whose memory is lost with it (an emulator) has its set-up run again: set-up is a
part too, one that is ready when it has ended well.
"""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path

from infra.local.process import Part, PartFailed

Say = Callable[[str], None]

QUICK_DEATHS = 5  # within QUICK_SECONDS: the part is given up
QUICK_SECONDS = 60.0
WATCH_SECONDS = 0.2


class State(Enum):
    """Where a part is in its life."""

    WAITING = "waiting"
    STARTING = "starting"
    READY = "ready"
    DONE = "done"
    RESTARTING = "restarting"
    GIVEN_UP = "given up"
    STOPPED = "stopped"


@dataclass(kw_only=True)
class Watched:
    """A part under supervision.

    needs: parts that must be ready first. once: a job, not a process that stays; run again when a part that it
    needs was restarted. where: the address to show.
    """

    part: Part
    where: str = ""
    needs: tuple[str, ...] = ()
    once: bool = False
    state: State = State.WAITING
    up: threading.Event = field(default_factory=threading.Event)
    deaths: list[float] = field(default_factory=list)
    took: float = 0.0  # seconds from its start until it was ready

    @property
    def name(self) -> str:
        """The part's name."""
        return self.part.name

    @property
    def pid(self) -> int | None:
        """The running process, if it runs."""
        process = self.part.process
        return process.pid if process is not None and process.poll() is None else None


def restart_delay(deaths: Sequence[float], now: float) -> float | None:
    """Seconds to wait before starting again a part that died at these times; None to give it up."""
    recent = [death for death in deaths if now - death < QUICK_SECONDS]
    if len(recent) >= QUICK_DEATHS:
        return None
    return float(min(0.25 * 2 ** (len(recent) - 1), 5))


class Guard:
    """The process that ends our parts should this one be killed."""

    def __init__(self) -> None:
        script = Path(__file__).with_name("guard.py")
        self._lock = threading.Lock()
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-S", str(script)],
            stdin=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def _tell(self, line: str) -> None:
        assert self._process.stdin is not None
        with self._lock:
            self._process.stdin.write(line + "\n")
            self._process.stdin.flush()

    def started(self, part: Part) -> None:
        """Remember a part that runs."""
        if part.process is not None:
            self._tell(f"+{part.process.pid}")

    def ended(self, part: Part) -> None:
        """Forget a part that was ended."""
        if part.process is not None:
            self._tell(f"-{part.process.pid}")

    def dismiss(self) -> None:
        """End the guard; whatever it still remembers, it ends."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()


class Supervisor:
    """All parts of one stack."""

    def __init__(self, parts: Iterable[Watched], *, say: Say) -> None:
        self.parts = {watched.name: watched for watched in parts}
        self._say = say
        self._guard = Guard()
        self._stopping = threading.Event()
        self._lock = threading.Lock()  # between starting a process and remembering it, nobody may stop
        self._threads: list[threading.Thread] = []

    def start(self, *, timeout: float = 90) -> None:
        """Return when every part is ready. Raises PartFailed, with nothing left running, when one is not."""
        try:
            with ThreadPoolExecutor(len(self.parts)) as pool:
                futures = [pool.submit(self._bring_up, watched, timeout) for watched in self.parts.values()]
                try:
                    finished, _ = wait(futures, return_when=FIRST_EXCEPTION)
                    for future in finished:
                        future.result()  # raises what went wrong
                except BaseException:
                    self._stopping.set()
                    raise
        except BaseException:
            self.stop()
            raise
        self._in_background(self._watch)

    @property
    def stopped(self) -> bool:
        """Whether it was told to stop, by somebody or by a part that did not come up."""
        return self._stopping.is_set()

    def _in_background(self, task: Callable[..., None], *args: object) -> None:
        thread = threading.Thread(target=task, args=args, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _bring_up(self, watched: Watched, timeout: float) -> None:
        deadline = time.monotonic() + timeout
        for need in watched.needs:
            while not self.parts[need].up.wait(0.1):
                if self._stopping.is_set() or time.monotonic() > deadline:
                    return  # whatever it waits for says what went wrong
        began = time.monotonic()
        self._launch(watched)
        watched.part.wait_ready(timeout=timeout, give_up=self._stopping.is_set)
        watched.took = time.monotonic() - began
        watched.state = State.DONE if watched.once else State.READY
        watched.up.set()

    def _launch(self, watched: Watched) -> None:
        with self._lock:
            if self._stopping.is_set():
                return
            watched.state = State.STARTING
            watched.part.start()
            self._guard.started(watched.part)

    def _watch(self) -> None:
        while not self._stopping.wait(WATCH_SECONDS):
            for watched in self.parts.values():
                if watched.state is State.READY and watched.pid is None:
                    watched.state = State.RESTARTING
                    watched.up.clear()
                    self._in_background(self._revive, watched)

    def _revive(self, watched: Watched) -> None:
        """Start a dead part again, and what must be set up again with it."""
        process = watched.part.process
        died = f"{watched.name} died ({_how(process.returncode if process else None)})"
        while not self._stopping.is_set():
            self._say(f"{died}. Its last lines:\n{watched.part.last_lines()}")
            watched.part.stop()  # children that outlive it would hold its port
            self._guard.ended(watched.part)
            watched.deaths.append(time.monotonic())
            delay = restart_delay(watched.deaths, time.monotonic())
            if delay is None:
                watched.state = State.GIVEN_UP
                self._say(
                    f"{watched.name} is given up: it died {QUICK_DEATHS} times within {QUICK_SECONDS:.0f} s."
                )
                return
            if self._stopping.wait(delay):
                return
            try:
                self._bring_up(watched, timeout=60)
                self._set_up_again(watched)
            except PartFailed as failure:
                died = str(failure).partition("\n")[0]
                continue
            if watched.state is State.READY:
                self._say(f"{watched.name} runs again at {watched.where}.")
            return

    def _set_up_again(self, restarted: Watched) -> None:
        for job in self.parts.values():
            if job.once and restarted.name in job.needs:
                self._bring_up(job, timeout=60)

    def stop(self) -> None:
        """End every part; afterwards no process and no port of theirs is left."""
        self._stopping.set()
        with self._lock:
            started = [watched for watched in self.parts.values() if watched.part.process is not None]
        if started:
            with ThreadPoolExecutor(len(started)) as pool:
                list(pool.map(lambda watched: watched.part.stop(), started))
        for watched in started:
            watched.state = State.STOPPED
            self._guard.ended(watched.part)
        for thread in self._threads:
            thread.join(timeout=5)
        self._guard.dismiss()


def _how(code: int | None) -> str:
    if code is None:
        return "unknown"
    return f"signal {-code}" if code < 0 else f"exit status {code}"
