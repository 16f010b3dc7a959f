"""Everything the simulator remembers, in one object.

One process, one event loop, nothing on disk: rooms may change their state without locks as long as they do not
await in between. A room keeps its own state in a class of its own, built on first use by `simulator.room(Kind)`.
"""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

from starlette.requests import Request

from infra.local.identity import IdentityKey
from infra.local.simulator.faults import Faults
from infra.local.simulator.grants import Client, Grants
from infra.local.simulator.journal import Journal
from infra.local.simulator.quota import Limits, QuotaCounter
from infra.local.simulator.timepiece import Timepiece
from shared.clock import Clock

if TYPE_CHECKING:
    from infra.local.simulator.world import World

T = TypeVar("T")
Tick = Callable[[], Awaitable[None] | None]


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What a simulator is started with.

    root: its own address without a trailing slash. testing_mode: the OAuth project's user type is external and its
    status "Testing", so refresh tokens live seven days. app_audience: whom the app's user ID tokens are for.
    starts_at: where the clock stands at the start; without it, at the machine's time. callback_secret: what signs
    callbacks to the app; without it the app takes none.
    """

    root: str
    seed: int = 1
    users: int = 50
    channels_per_user: int = 5
    limits: Limits = field(default_factory=Limits)
    clients: tuple[Client, ...] = ()
    clock_file: Path | None = None
    identity_key: Path | None = None
    testing_mode: bool = False
    app_audience: str = "ytempire-app"
    starts_at: datetime | None = None
    callback_secret: str = field(default="", repr=False)


class Simulator:
    """Google, as far as this project needs it.

    clock: the one clock that every room asks. random: seeded; what must not depend on the order of requests
    derives its own generator with `derived`. on_tick: called after every move of the clock and once a second.
    """

    def __init__(self, plan: Plan) -> None:
        from infra.local.simulator.world import World  # the world imports this package

        self.plan = plan
        self.root = plan.root
        self.timepiece = Timepiece(plan.clock_file)
        if plan.starts_at is not None:
            self.timepiece.set(plan.starts_at)
        self.clock: Clock = self.timepiece.now
        self.random = self.derived("simulator")
        self.world: World = World.generate(plan.seed, plan.users, plan.channels_per_user, self.clock())
        self.journal = Journal()
        self.quota = QuotaCounter(self.clock, plan.limits)
        if plan.callback_secret:
            self.journal.issued("callback_secret", plan.callback_secret)
        self.faults = Faults()
        self.grants = Grants(
            clock=self.clock,
            random=random.SystemRandom(),
            journal=self.journal,
            clients=plan.clients,
            testing_mode=plan.testing_mode,
        )
        self.on_tick: list[Tick] = [self.grants.forget_ended]
        self._rooms: dict[type[Any], Any] = {}

    @cached_property
    def identity(self) -> IdentityKey:
        """Google's signing key, which other parts of the local stack may share."""
        return IdentityKey.load_or_create(self.plan.identity_key)

    @cached_property
    def app_identity(self) -> IdentityKey:
        """The signing key of the app's own identity provider."""
        return IdentityKey.generate()

    async def tick(self) -> None:
        """Tell every room that time has moved."""
        for hook in list(self.on_tick):
            waiting = hook()
            if waiting is not None:
                await waiting

    def derived(self, purpose: str) -> random.Random:
        """A generator of its own for a purpose, the same for the same seed."""
        return random.Random(f"{self.plan.seed}/{purpose}")  # noqa: S311 - a simulation, not a secret

    def room(self, kind: Callable[[Simulator], T]) -> T:
        """The one `kind(simulator)` of this simulator, built on first use: where a room keeps its state."""
        key = cast("type[Any]", kind)
        if key not in self._rooms:
            self._rooms[key] = kind(self)
        return cast("T", self._rooms[key])


def simulator_of(request: Request) -> Simulator:
    """The simulator behind a request, for routes of a room."""
    found: Simulator = request.app.state.simulator
    return found
