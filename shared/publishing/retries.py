"""Decides what becomes of an operation whose step raised an error. Pure: the clock and the rng are arguments.

An error that carries YouTube's fault goes by the policy table. Refusals of our own quota and rate limiter say
when they end. Trouble of our own surroundings is retried like YouTube's own.
"""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import datetime, timedelta

from shared.clock import Clock, after_reset, next_reset
from shared.errors import QuotaRefused, RateLimited, Transient, YtempireError
from shared.publishing.operation import Operation
from shared.youtube.faults import Fault, fault_of
from shared.youtube.policy import Action, Alert, policy
from shared.youtube.retry import History, RetryDecision, decide

_SPREAD = timedelta(seconds=5)
WAITS = frozenset(
    {
        Action.RETRY,
        Action.RETRY_LATER,
        Action.LOOK_AGAIN,
        Action.DEFER_TO_TOMORROW,
        Action.DEFER_CHANNEL,
        Action.REFRESH_TOKEN,
    }
)
"""Actions after which the step runs again at `RetryDecision.at`."""


def retry_decision(
    operation: Operation, error: YtempireError, *, clock: Clock, rng: random.Random
) -> RetryDecision:
    """What happens next to an operation whose step raised `error`."""
    fault = fault_of(error)
    if fault is not None:
        # Work is accepted only for a connection that may publish, so the grant is not at fault for a `forbidden`.
        return decide(fault, History(operation.retries, grant_holds=True), clock=clock, rng=rng)
    if isinstance(error, QuotaRefused | RateLimited):
        return _refused(error, clock(), clock, rng)
    if not isinstance(error, Transient):
        return RetryDecision(Action.FAIL, Alert.WARNING, error.reason, error.message)
    # Not YouTube's trouble, but treated like it; counted under its own name, which the operation remembers.
    rule = policy().rules.get(error.reason) or policy().rules["unavailable"]
    history = History({rule.reason: operation.retries.get(error.reason, 0)})
    decision = decide(Fault(rule=rule, status=None, sent=False), history, clock=clock, rng=rng)
    return replace(decision, reason=error.reason, message=error.message)


def _refused(error: YtempireError, now: datetime, clock: Clock, rng: random.Random) -> RetryDecision:
    """Our own quota or limiter said no before anything was sent; it says when to come back, None for never."""
    at = error.retry_at
    if at is None:
        return RetryDecision(Action.FAIL, Alert.WARNING, error.reason, error.message)
    if at >= next_reset(now):
        return RetryDecision(
            Action.DEFER_TO_TOMORROW, Alert.INFO, error.reason, error.message, after_reset(clock(), rng=rng)
        )
    return RetryDecision(Action.RETRY, Alert.NONE, error.reason, error.message, at + _SPREAD * rng.random())
