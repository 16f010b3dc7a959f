"""From a fault and its history to one action. Pure: the clock and the dice are handed in."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from shared.clock import Clock
from shared.cloud.queues import after_reset
from shared.youtube.faults import Fault
from shared.youtube.policy import LATER, Act, Alert, Backoff, Rule

CHANNEL_PAUSE = timedelta(hours=24)


@dataclass(frozen=True)
class History:
    """What was tried before. retries: how often each reason was retried already.

    grant_holds: what is known of the grant behind a `forbidden`: True when it covers the request, False when it
    does not, None when nobody has looked.
    """

    retries: Mapping[str, int] = field(default_factory=dict)
    grant_holds: bool | None = None

    def after(self, fault: Fault) -> History:
        """This history with one more retry for the fault's reason."""
        made = {**self.retries, fault.reason: self.retries.get(fault.reason, 0) + 1}
        return History(made, self.grant_holds)


@dataclass(frozen=True)
class Action:
    """What happens next. at: when, for actions that wait. attempt: the number of the retry, from 1."""

    act: Act
    alert: Alert
    reason: str
    says: str
    at: datetime | None = None
    attempt: int = 0


def decide(fault: Fault, history: History, *, clock: Clock, dice: random.Random) -> Action:
    """The one action for a fault.

    Waits grow as the row says, each drawn evenly between zero and the full wait (full jitter), and never end
    before what Google asked for in `Retry-After`. A row whose quick retries are used up may go on with a few long
    waits, of half to the whole of what `LATER` says.
    """
    rule = fault.rule
    made = history.retries.get(rule.reason, 0)
    now = clock()
    if rule.retry and made < rule.limit:
        return _action(fault, rule.action, now + _wait(rule, made, fault, dice), made + 1)
    act = rule.after if rule.retry else rule.action
    if act is Act.CHECK_GRANT and history.grant_holds is not None:
        act = Act.FAIL if history.grant_holds else Act.REAUTHENTICATE
    if act is Act.TRY_LATER:
        tried = made - rule.limit
        if tried < len(LATER):
            wait = (fault.retry_after or timedelta(0)) + LATER[tried] * dice.uniform(0.5, 1)
            return _action(fault, act, now + wait, made + 1)
        act = Act.FAIL
    if act is Act.DEFER_TO_TOMORROW:
        return _action(fault, act, after_reset(now, dice=dice), made + 1)
    if act is Act.DEFER_CHANNEL:
        return _action(fault, act, now + CHANNEL_PAUSE + timedelta(minutes=10) * dice.random(), made + 1)
    return _action(fault, act, None, made)


def _action(fault: Fault, act: Act, at: datetime | None, attempt: int) -> Action:
    return Action(act, fault.rule.alert, fault.reason, fault.message, at, attempt)


def _wait(rule: Rule, made: int, fault: Fault, dice: random.Random) -> timedelta:
    if rule.backoff is Backoff.EXPONENTIAL:
        seconds = dice.uniform(0, min(rule.cap, rule.delay * 2**made))
    else:
        seconds = rule.delay
    return (fault.retry_after or timedelta(0)) + timedelta(seconds=seconds)
