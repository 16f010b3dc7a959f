"""A worker to be killed: one attempt of one operation in a process of its own, told everything it needs.

It is killed from outside at any moment, or kills itself when it looks at the clock for the n-th time. Whoever
writes looks at the clock first, so that n = 1, 2, 3, ... dies between every two writes.
"""

from __future__ import annotations

import itertools
import os
import random
import signal
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial

import google.auth.transport.requests
import google.cloud.firestore
import googleapiclient.discovery  # noqa: F401 - loaded once by the fork server, so that a worker starts at once

from shared.clock import system_clock
from shared.errors import Unavailable
from shared.monitoring.alerts import ProcessAlerts
from shared.publishing import plan
from shared.publishing.address import Allowed
from shared.publishing.attempt import Limits
from shared.publishing.operation import Operation, Operations
from shared.publishing.run import Runner
from shared.publishing.sources import source_of
from shared.publishing.tasks import Tasks
from shared.quota.ledger import Ledger
from shared.quota.profile import load
from shared.rate_limits.limiter import RateLimiter
from shared.vault.vault import Vault
from shared.youtube.client import Caller, Context
from tests.emulators.publishing.bench import BUCKET, Keys
from tests.emulators.youtube.stand import settings_for

LIMITS = Limits(
    lease=timedelta(milliseconds=200), heartbeat=timedelta(milliseconds=50), portion=256 * 1024, seconds=20
)


@dataclass(frozen=True)
class Told:
    """All that a worker gets to know. ahead: how far the stand's clock is ahead of the machine's, in seconds.

    dies_at: the look at the clock that is its last, 0 for none. seconds: after which it begins no further step.
    """

    environment: dict[str, str]
    project: str
    root: str
    token: str
    ahead: float
    operation: str
    attempt: int
    seed: int
    dies_at: int = 0
    seconds: float = LIMITS.seconds


@dataclass(frozen=True)
class Token:
    """An access token that lasts."""

    value: str

    def __call__(self, refused: str | None) -> str:
        return self.value


def work(told: Told) -> None:
    """Run the attempt, unless killed before."""
    os.environ.update(told.environment)
    client = google.cloud.firestore.Client(project=told.project)

    looks = itertools.count(1)

    def clock() -> datetime:
        if next(looks) == told.dies_at:
            os.kill(os.getpid(), signal.SIGKILL)
        return system_clock() + timedelta(seconds=told.ahead)

    profile = load("current")
    ledger, limiter = Ledger(client, profile, clock), RateLimiter(client, profile.rate_limits, clock)
    apis = ProcessAlerts(client, clock)

    def caller_for(operation: Operation) -> Caller:
        return Caller(
            settings=settings_for(told.root),
            quota=ledger,
            limiter=limiter,
            tokens=Token(told.token),
            context=Context(
                account=operation.user_id,
                channel_id=operation.channel_id,
                operation_id=operation.id,
                priority=plan.priority(critical=operation.critical),
            ),
            apis=apis,
            clock=clock,
            calls=lambda _call: None,
        )

    runner = Runner(
        tasks=Tasks(operations=Operations(client), enqueue=lambda *_arguments: True, clock=clock),
        caller_for=caller_for,
        vault=Vault(Keys(), clock),
        rng=random.Random(told.seed),
        source_of=partial(source_of, Allowed((BUCKET,))),
        limits=replace(LIMITS, seconds=told.seconds),
        sleep=lambda _seconds: None,
    )
    try:
        runner.run(told.operation, told.attempt)
    except Unavailable:
        return  # whoever held it before is dead; the lease ends in a moment
