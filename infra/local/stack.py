"""The whole stack as one object: started, asked, moved in time, stopped.

    with Stack.start(users=2, channels_per_user=2, seed=7) as stack:
        httpx.get(stack.url("gateway") + "/console")
        stack.advance(days=3)
        stack.trigger("collect-reports")

`make up`, the demo and the tests use this one; nothing differs between them but the size of the world.
"""

from __future__ import annotations

import base64
import json
import os
import secrets
import shutil
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Any

import httpx

from infra import stage
from infra.deployment import ROOT, deployment
from infra.local import loopback
from infra.local.addresses import Addresses
from infra.local.identity import IdentityKey
from infra.local.moved_clock import MovedClock
from infra.local.parts import Keys, Plan, World, watched_parts
from infra.local.process import PartFailed
from infra.local.supervisor import Say, Supervisor
from shared.clock import next_reset
from shared.quota.calendar import SKEW

LOCAL = ROOT / ".local"
ABOUT = "stack.json"  # in a run's folder: where its parts are
OAUTH_CLIENT = {
    "client_id": "ytempire-local.apps.googleusercontent.com",
    "client_secret": "local-only-client-secret",
}
RUNS_KEPT = 5
PORT_TAKEN = ("address already in use", "connection in use", "failed to bind")
ATTEMPTS = 3
BUSY = timedelta(minutes=15)
"""How long after its start a stack is most used, by tests and by the demo ..."""
STEP = timedelta(minutes=4)
"""... and after its clock was moved."""


class Stack:
    """One running local stack.

    env: the environment that its processes have (settings and emulators), for tools and tests to share. objects:
    the folder whose sub-folders are Cloud Storage's buckets. seconds: how long the start took.
    """

    def __init__(self, plan: Plan, clock: MovedClock, *, say: Say) -> None:
        self.run_folder = plan.run
        self.env: Mapping[str, str] = plan.env
        self.addresses = plan.addresses
        self.clock = clock
        self.world = plan.world
        self.objects = plan.objects
        self.identity = IdentityKey.load_or_create(plan.identity_key)
        self.supervisor = Supervisor(watched_parts(plan), say=say)
        self.seconds = 0.0

    @classmethod
    def start(
        cls,
        *,
        users: int = 2,
        channels_per_user: int = 2,
        seed: int = 7,
        functions: Sequence[str] | None = None,
        schedules_paused: bool = False,
        settings: Mapping[str, str] | None = None,
        say: Say = print,
    ) -> Stack:
        """Start all parts and return when each has answered a real call.

        functions: those to run (default: every declared one whose folder exists). schedules_paused: the scheduler
        fires only when told. settings: variables to set beside, or instead of, the usual ones. say: told of deaths
        and restarts. Raises PartFailed, with the last lines of the part that did not come up; Missing when the
        machine lacks something.
        """
        world = World(users=users, channels_per_user=channels_per_user, seed=seed)
        names = stage.declared_and_present() if functions is None else tuple(functions)
        for attempt in range(1, ATTEMPTS + 1):
            began = time.monotonic()
            plan, clock = _plan(world, names, schedules_paused=schedules_paused, settings=settings or {})
            stack = cls(plan, clock, say=say)
            try:
                stack.supervisor.start()
            except PartFailed as failure:
                taken = any(sign in str(failure).lower() for sign in PORT_TAKEN)
                if not taken or attempt == ATTEMPTS:
                    raise
                say("A port was taken by somebody else in between; starting again on others.")
                continue
            stack.seconds = time.monotonic() - began
            stack._announce()
            return stack
        raise AssertionError("the last attempt returns or raises")

    def __enter__(self) -> Stack:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """End everything; no process and no port is left."""
        (self.run_folder / ABOUT).unlink(missing_ok=True)
        self.supervisor.stop()

    def _announce(self) -> None:
        """Tell other commands where this stack is."""
        about = {
            "pid": os.getpid(),
            "run": str(self.run_folder),
            "started": datetime.now(UTC).isoformat(timespec="seconds"),
            "clock": str(self.clock.path),
            "addresses": {name: self.url(name) for name in (*self.addresses.ports, *self.addresses.functions)},
            "schedules": f"{self.url('scheduler')}/schedules",
            "env": dict(self.env),
        }
        fresh = self.run_folder / f".{ABOUT}"
        fresh.write_text(json.dumps(about, indent=2) + "\n")
        fresh.replace(self.run_folder / ABOUT)

    def url(self, name: str) -> str:
        """Root address of a part (gateway, simulator, scheduler, ...) or a function's own URL."""
        return self.addresses.url(name)

    @property
    def simulator(self) -> str:
        """The simulator's address; its control API is below it."""
        return self.url("simulator")

    @property
    def tasks_control(self) -> str:
        """The control address of the Cloud Tasks and Secret Manager emulator."""
        return self.url("cloud-control")

    def now(self) -> datetime:
        """The stack's present."""
        return self.clock.now()

    def advance(self, seconds: float = 0, *, days: float = 0) -> datetime:
        """Move the clock of the whole stack forward; answers the new present.

        By more than was asked where it would end at a change of the quota day, around which nothing is reserved.
        """
        ahead = timedelta(days=days, seconds=seconds)
        return self.clock.advance((ahead + past_reset(self.now() + ahead, busy=STEP)).total_seconds())

    def trigger(self, schedule: str, *, timeout: float = 600) -> dict[str, Any]:
        """Run a schedule now and wait for its result: {"status", "seconds", "body", ...}.

        Raises httpx.HTTPStatusError when there is no such schedule or it is running already.
        """
        answer = loopback.http().post(f"{self.url('scheduler')}/schedules/{schedule}/run", timeout=timeout)
        result: dict[str, Any] = answer.raise_for_status().json()
        return result

    def call(self, function: str, body: object, *, account: str = "scheduler") -> httpx.Response:
        """A private function's answer to a service account of the deployment. A body of bytes is sent as it is."""
        token = self.service_token(account, function)
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        return loopback.http().post(self.url(function), content=content, headers=headers, timeout=600)

    def wait_idle(self, *, timeout: float = 120) -> None:
        """Return once Cloud Tasks has nothing due and nothing running. Raises TimeoutError with what is left."""
        deadline = time.monotonic() + timeout
        while True:
            load = loopback.http().get(f"{self.tasks_control}/idle", timeout=10).json()
            if load["idle"]:
                return
            if time.monotonic() > deadline:
                raise TimeoutError(f"Cloud Tasks still has work after {timeout:.0f} s: {load}")
            time.sleep(0.1)

    def to_next_task(self, *, within: timedelta) -> bool:
        """Move the clock to when the next task of Cloud Tasks is due; False when none is within that time."""
        at = loopback.http().get(f"{self.tasks_control}/idle", timeout=10).json()["next_at"]
        wait = None if at is None else at - self.now().timestamp()
        if wait is None or wait > within.total_seconds():
            return False
        self.advance(max(wait, 0))
        return True

    def user_token(self, user: str, **claims: Any) -> str:
        """An ID token of the app for one of its users; more as the simulator's /control/id-token takes it."""
        asked = {"user": user, **claims}
        answer = loopback.http().post(f"{self.simulator}/control/id-token", json=asked, timeout=10)
        return str(answer.raise_for_status().json()["id_token"])

    def service_token(self, account: str, function: str) -> str:
        """A Google-signed OIDC token of a declared service account, for one private function."""
        address = deployment().address(account, self.env["GOOGLE_CLOUD_PROJECT"])
        return self.identity.token(email=address, audience=self.url(function), now=self.now())

    def logs(self, name: str | None = None) -> str:
        """What a part has written, or everything that every part has."""
        files = sorted((self.run_folder / "logs").glob(f"{name or '*'}.log"))
        return "".join(file.read_text(errors="replace") for file in files)


def running() -> list[dict[str, Any]]:
    """The stacks that run from this tree, the newest last, as each describes itself to other commands."""
    found: list[dict[str, Any]] = []
    for path in sorted(LOCAL.glob(f"run-*/{ABOUT}")):
        with suppress(FileNotFoundError):  # one that ends at this moment
            found.append(json.loads(path.read_text()))
    return [about for about in found if Path(f"/proc/{about['pid']}").exists()]


def _plan(
    world: World, functions: Sequence[str], *, schedules_paused: bool, settings: Mapping[str, str]
) -> tuple[Plan, MovedClock]:
    LOCAL.mkdir(exist_ok=True)
    _forget_old_runs()
    stamp = datetime.now(UTC).strftime("%Y%m%d-%H%M%S")
    run = Path(tempfile.mkdtemp(dir=LOCAL, prefix=f"run-{stamp}-{os.getpid()}-"))
    clock = MovedClock(run / "clock")
    clock.advance(past_reset(clock.now(), busy=BUSY).total_seconds())
    addresses = Addresses.choose(functions)
    environment = addresses.environment(users=world.users, channels_per_user=world.channels_per_user)
    plan = Plan(
        run=run,
        addresses=addresses,
        world=world,
        keys=Keys(
            vault_key=secrets.token_bytes(32),
            oauth_client=OAUTH_CLIENT,
            push_key=secrets.token_urlsafe(24),
            callback_secret=f"whsec_{base64.b64encode(secrets.token_bytes(32)).decode()}",
            hub_key=base64.b64encode(secrets.token_bytes(32)).decode(),
        ),
        env={**environment, **settings},
        clock=clock.environment(),
        schedules_paused=schedules_paused,
    )
    return plan, clock


def past_reset(now: datetime, *, busy: timedelta) -> timedelta:
    """How far to go on from `now` so that the quota day does not change within the `busy` time that follows.

    Around a change nothing is reserved, so whoever publishes or collects would wait for it.
    """
    reset = next_reset(now - SKEW)
    return reset + SKEW - now if reset - SKEW - now < busy else timedelta(0)


def _forget_old_runs() -> None:
    """Keep the newest run folders, and those whose process still lives."""
    for folder in sorted(LOCAL.glob("run-*"), reverse=True)[RUNS_KEPT:]:
        pid = folder.name.split("-")[3]
        if not Path(f"/proc/{pid}").exists():
            shutil.rmtree(folder, ignore_errors=True)
