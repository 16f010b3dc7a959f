"""Many workers on one Firestore emulator: 4 processes of 8 threads, started together, stopped after a while.

Run as a module it is one of the processes: it says "ready", waits for a line, works, and prints what it counted.
A worker that hangs is not waited for: a transaction that the emulator has locked up would take ten seconds.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from infra.deployment import ROOT
from shared.clock import system_clock
from shared.errors import QuotaRefused, RateLimited, Unavailable
from shared.quota.blocks import Block
from shared.quota.ledger import Ledger
from shared.quota.profile import Bucket, Method, Priority, Profile
from shared.rate_limits.limiter import RateLimiter
from shared.rate_limits.limits import MAX_CALLS, Memory, RateLimit

PROCESSES, THREADS = 4, 8
DAY = "guides/day"
NOON = datetime(2026, 11, 22, 20, tzinfo=UTC)
"""In California: when the ledger's time begins, so that no quota day changes."""
_BEGAN = time.monotonic()


@dataclass(frozen=True, kw_only=True)
class Load:
    """What the workers do. kind: a function below; until they are refused (dry), or for `seconds`."""

    kind: str
    emulator: str
    project: str
    seconds: float = 3.0
    dry: bool = False
    limit: int = 1_000_000
    cost: int = 1
    users: int = PROCESSES * THREADS


@dataclass(frozen=True, kw_only=True)
class Count:
    """How the attempts were answered. later: asked to come again at a time, as where too many meet.

    seconds: until the last that was granted or denied.
    """

    granted: int
    denied: int
    later: int
    errors: int
    seconds: float

    @property
    def rate(self) -> float:
        """Grants a second."""
        return self.granted / self.seconds if self.seconds else 0.0

    @property
    def answers(self) -> float:
        """Grants and denials a second."""
        return (self.granted + self.denied) / self.seconds if self.seconds else 0.0


Step = Callable[[int], bool]
"""One attempt of a worker, by its number in the process; whether it was granted."""


def profile(load: Load) -> Profile:
    """One bucket of `limit` units without a reserve, divided among the users; calls of `cost`."""
    bucket = Bucket(
        name="bench",
        title="Bench",
        limit=load.limit,
        reserve=0,
        alert=load.limit,
        system=load.limit // 5,
        shares="users",
        unreachable="refuse",
    )
    method = Method(id="bench.call", bucket="bench", cost=load.cost, priority=Priority.HIGH)
    return Profile(name="bench", buckets={"bench": bucket}, methods={method.id: method})


def clock() -> datetime:
    """The ledger's time."""
    return NOON + timedelta(seconds=time.monotonic() - _BEGAN)


def _ledger(client: Any, load: Load) -> Ledger:
    return Ledger(client, profile(load), clock, users_max=load.users)


def bare_set(client: Any, load: Load, process: int) -> Step:  # noqa: ARG001
    """The floor: one write to a document that nobody else writes."""

    def step(worker: int) -> bool:
        client.document(f"floor/{process}-{worker}-{uuid.uuid4().hex}").set({"units": 1})
        return True

    return step


def bare_get(client: Any, load: Load, process: int) -> Step:  # noqa: ARG001
    """The floor of a denial: one read of one document."""
    client.document("floor/read").set({"units": 1})

    def step(worker: int) -> bool:  # noqa: ARG001
        client.document("floor/read").get()
        return True

    return step


def naive(client: Any, load: Load, process: int) -> Step:  # noqa: ARG001
    """A peer: one document, read and written in a transaction."""
    from google.cloud import firestore

    reference = client.document("naive/day")

    @firestore.transactional
    def spend(transaction: Any) -> bool:
        used = (reference.get(transaction=transaction).to_dict() or {}).get("used", 0)
        if used + load.cost > load.limit:
            return False
        transaction.set(reference, {"used": used + load.cost})
        return True

    return lambda worker: spend(client.transaction())  # noqa: ARG005


def guide(client: Any, load: Load, process: int) -> Step:  # noqa: ARG001
    """A peer: the guide's 1.3, which looks at today's usage, says yes, and counts afterwards."""
    from google.cloud import firestore

    reference = client.document(DAY)

    def step(worker: int) -> bool:  # noqa: ARG001
        used = (reference.get().to_dict() or {}).get("used", 0)
        if used + load.cost > load.limit:
            return False
        reference.set({"used": firestore.Increment(load.cost)}, merge=True)
        return True

    return step


def ledger(client: Any, load: Load, process: int) -> Step:
    """Ours: every worker is a user, every reservation has an operation id."""
    ours = _ledger(client, load)

    def step(worker: int) -> bool:
        user = f"u{(process * THREADS + worker) % load.users}"
        ours.reserve(method="bench.call", account=user, operation_id=uuid.uuid4().hex)
        return True

    if not load.dry:
        for worker in range(THREADS):
            step(worker)  # the first of a day claims the user's share; what comes after is measured

    return step


def ledger_one_account(client: Any, load: Load, process: int) -> Step:  # noqa: ARG001
    """Ours, at its worst: all workers are one user."""
    ours = _ledger(client, load)

    def step(worker: int) -> bool:  # noqa: ARG001
        ours.reserve(method="bench.call", account="u0")
        return True

    if not load.dry:
        step(0)
    return step


def block(client: Any, load: Load, process: int) -> Step:  # noqa: ARG001
    """Ours, for collectors: each process draws from blocks of 50."""
    ours = Block(_ledger(client, load), "bench.call", "system", upto=50)

    def step(worker: int) -> bool:  # noqa: ARG001
        ours.settle(ours.reserve(method="bench.call"), sent=True)
        return True

    return step


def _limiter(client: Any, *, calls: int, window: int) -> RateLimiter:
    limits = (RateLimit(name="bench", methods=("bench.*",), per=("user",), calls=calls, window=window),)
    return RateLimiter(client, limits, system_clock)


def limiter(client: Any, load: Load, process: int) -> Step:  # noqa: ARG001
    """The limiter with a key for each worker, and no denials."""
    ours = _limiter(client, calls=1_000, window=1)

    def step(worker: int) -> bool:
        return _let_through(ours, f"{process}-{worker}")

    return step


def limiter_hot(client: Any, load: Load, process: int) -> Step:  # noqa: ARG001
    """The limiter with one key for all that is not full: each admission writes that one document."""
    ours = _limiter(client, calls=MAX_CALLS, window=60)

    def step(worker: int) -> bool:  # noqa: ARG001
        return _let_through(ours, "hot")

    return step


def _let_through(ours: RateLimiter, user: str) -> bool:
    """As a call is: looked at before quota is set aside, counted right before it is sent."""
    ours.check(method="bench.call", user=user)
    ours.admit(method="bench.call", user=user)
    return True


def limiter_new(client: Any, load: Load, process: int) -> Step:  # noqa: ARG001
    """The limiter with a key for each call, which has to be looked for."""
    ours = _limiter(client, calls=1_000, window=1)

    def step(worker: int) -> bool:
        return _let_through(ours, f"{process}-{worker}-{uuid.uuid4().hex}")

    return step


def limiter_denials(client: Any, load: Load, process: int) -> Step:
    """The limiter with one key for all that is full already, as each process answers on its own."""
    ours = _full(client, load, process)

    def step(worker: int) -> bool:  # noqa: ARG001
        ours.admit(method="bench.call", user="hot")
        return True

    return step


def limiter_looks(client: Any, load: Load, process: int) -> Step:
    """The same, with each denial read from storage, as an instance does that was just born."""
    ours = _full(client, load, process)

    def step(worker: int) -> bool:  # noqa: ARG001
        ours._memory = Memory()  # as if nothing had been read
        ours.admit(method="bench.call", user="hot")
        return True

    return step


def _full(client: Any, load: Load, process: int) -> RateLimiter:  # noqa: ARG001
    ours = _limiter(client, calls=60, window=3600)
    with suppress(RateLimited):
        while True:
            ours.admit(method="bench.call", user="hot")
    return ours


KINDS = {
    kind.__name__: kind
    for kind in (
        bare_set,
        bare_get,
        naive,
        guide,
        ledger,
        ledger_one_account,
        block,
        limiter,
        limiter_new,
        limiter_hot,
        limiter_denials,
        limiter_looks,
    )
}


def run(load: Load) -> Count:
    """Let 32 workers loose and add up what they say."""
    processes = [
        subprocess.Popen(
            [sys.executable, "-m", "infra.bench.contention", json.dumps(asdict(load)), str(number)],
            cwd=ROOT,
            env={**os.environ, "FIRESTORE_EMULATOR_HOST": load.emulator},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for number in range(PROCESSES)
    ]
    try:
        for process in processes:
            assert process.stdout is not None
            if process.stdout.readline().strip() != "ready":
                raise RuntimeError("a worker process did not start")
        for process in processes:
            assert process.stdin is not None
            process.stdin.write("go\n")
            process.stdin.flush()
        counts = [json.loads(process.communicate(timeout=120)[0]) for process in processes]
    finally:
        for process in processes:
            process.kill()
            process.wait()
    return Count(
        granted=sum(count["granted"] for count in counts),
        denied=sum(count["denied"] for count in counts),
        later=sum(count["later"] for count in counts),
        errors=sum(count["errors"] for count in counts),
        seconds=max(count["last"] for count in counts),
    )


class _Workers:
    """One process's threads and what they have counted. last: seconds until the last answer."""

    def __init__(self, load: Load, step: Step) -> None:
        self.load, self.step = load, step
        self.granted = self.denied = self.later = self.errors = 0
        self.last = 0.0
        self.lock = threading.Lock()
        self.began = time.monotonic()

    def work(self, worker: int) -> None:
        ends = self.began + (60 if self.load.dry else self.load.seconds)
        while time.monotonic() < ends:
            granted = self._attempt(worker)
            if granted is False and self.load.dry:
                return

    def _attempt(self, worker: int) -> bool | None:
        granted: bool | None = None
        later = False
        try:
            granted = self.step(worker)
        except (QuotaRefused, RateLimited):
            granted = False
        except Unavailable as error:
            later = error.retry_at is not None
        except ValueError:
            pass
        with self.lock:
            self.granted += granted is True
            self.denied += granted is False
            self.later += later
            self.errors += granted is None and not later
            if granted is not None:
                self.last = time.monotonic() - self.began
        return granted


def main() -> None:
    """One process of workers."""
    from google.cloud import firestore

    load, process = Load(**json.loads(sys.argv[1])), int(sys.argv[2])
    client = firestore.Client(project=load.project)
    step = KINDS[load.kind](client, load, process)
    client.document("warm/up").get()
    print("ready", flush=True)
    sys.stdin.readline()
    workers = _Workers(load, step)
    threads = [threading.Thread(target=workers.work, args=(n,), daemon=True) for n in range(THREADS)]
    for thread in threads:
        thread.start()
    patience = timedelta(seconds=60 if load.dry else load.seconds + 2).total_seconds()
    for thread in threads:
        thread.join(max(0.0, workers.began + patience - time.monotonic()))
    with workers.lock:
        counted = {name: getattr(workers, name) for name in ("granted", "denied", "later", "errors", "last")}
    print(json.dumps(counted), flush=True)
    os._exit(0)


def fresh(load: Load) -> Load:
    """The same in a project of its own."""
    return replace(load, project=f"bench-{uuid.uuid4().hex[:12]}")


if __name__ == "__main__":
    main()
