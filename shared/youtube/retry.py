"""From a fault and what was tried before to one retry decision. Pure: clock and random numbers are handed in."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from shared.clock import Clock, after_reset
from shared.youtube.faults import CHANNEL_PAUSE, Fault
from shared.youtube.policy import Action, Alert, Backoff, Rule, policy


@dataclass(frozen=True)
class History:
    """What was tried before. retries: how often each reason was retried already.

    grant_holds: what is known of the grant behind a `forbidden`: True when it covers the request, False when it
    does not, None when nobody has looked.
    """

    retries: Mapping[str, int] = field(default_factory=dict)
    grant_holds: bool | None = None


@dataclass(frozen=True)
class RetryDecision:
    """What happens next. at: when, for actions that wait. attempt: the number of the retry, from 1."""

    action: Action
    alert: Alert
    reason: str
    message: str
    at: datetime | None = None
    attempt: int = 0


def decide(fault: Fault, history: History, *, clock: Clock, rng: random.Random) -> RetryDecision:
    """What is done about a fault.

    Waits grow as the row says, each drawn evenly between zero and the full wait (full jitter), and never end
    before what Google asked for in `Retry-After`. A row whose quick retries are used up may go on with a few long
    waits, of half to the whole of what the policy says.
    """
    rule = fault.rule
    made = history.retries.get(rule.reason, 0)
    action = rule.action if not rule.retry or made < rule.limit else rule.after
    if action is Action.CHECK_GRANT and history.grant_holds is not None:
        action = Action.FAIL if history.grant_holds else Action.REAUTHENTICATE
    if action is Action.RETRY_LATER and made - rule.limit >= len(policy().retry_later):
        action = Action.FAIL
    at = _when(action, fault, made, clock(), rng)
    return RetryDecision(
        action, rule.alert, rule.reason, fault.message, at, attempt=made if at is None else made + 1
    )


def _when(action: Action, fault: Fault, made: int, now: datetime, rng: random.Random) -> datetime | None:
    """When an action that waits is due; None for one that does not."""
    rule = fault.rule
    asked = fault.retry_after or timedelta(0)
    if action is Action.DEFER_TO_TOMORROW:
        return after_reset(now, rng=rng)
    if action is Action.DEFER_CHANNEL:
        return now + CHANNEL_PAUSE + timedelta(minutes=10) * rng.random()
    if action is Action.RETRY_LATER:
        return now + asked + policy().retry_later[made - rule.limit] * rng.uniform(0.5, 1)
    if rule.retry and made < rule.limit:
        return now + asked + timedelta(seconds=_seconds(rule, made, rng))
    return None


def _seconds(rule: Rule, made: int, rng: random.Random) -> float:
    if rule.backoff is Backoff.EXPONENTIAL:
        return rng.uniform(0, min(rule.cap, rule.delay * 2**made))
    return rule.delay
