"""What went wrong in a call to YouTube: one typed fault, the error that carries it, and what happens next.

The decision is pure: clock and random numbers are handed in.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from shared import errors
from shared.clock import Clock, after_reset, next_reset
from shared.errors import YtempireError
from shared.youtube.policy import Action, Alert, Kind, Rule, policy, rule

CHANNEL_PAUSE = timedelta(hours=24)
"""How long YouTube takes no more uploads of a channel that has reached its limit."""

_ERRORS: Mapping[Kind, type[YtempireError]] = {
    Kind.QUOTA: errors.QuotaRefused,
    Kind.CHANNEL_LIMIT: errors.RateLimited,
    Kind.RATE: errors.RateLimited,
    Kind.CREDENTIALS: errors.ReauthRequired,
    Kind.GRANT: errors.ReauthRequired,
    Kind.STANDING: errors.Forbidden,
    Kind.FORBIDDEN: errors.Forbidden,
    Kind.INPUT: errors.InvalidRequest,
    Kind.MISSING: errors.NotFound,
    Kind.CONFLICT: errors.Conflict,
    Kind.SERVER: errors.Unavailable,
    Kind.NETWORK: errors.Unavailable,
    Kind.OPERATOR: errors.Misconfigured,
}
_QUOTED = frozenset({Kind.STANDING, Kind.FORBIDDEN, Kind.INPUT, Kind.CONFLICT, Kind.OPERATOR})
"""Kinds that a person has to do something about: Google's sentence often says what."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that went wrong, and its row in the policy table.

    status: the HTTP status, None when no answer came. given: the word that Google used, None when it gave none.
    detail: Google's own sentence, cleaned, or what broke. known: False when the reason has no row. sent: whether
    the request can have reached Google (a request that was sent is charged). retry_after: what Google asked us to
    wait, capped.
    """

    rule: Rule
    status: int | None
    given: str | None = None
    detail: str = ""
    known: bool = True
    sent: bool = True
    retry_after: timedelta | None = None

    @property
    def reason(self) -> str:
        """The stable name of this fault: its row in the policy table."""
        return self.rule.reason

    @property
    def kind(self) -> Kind:
        return self.rule.kind

    @property
    def message(self) -> str:
        """What it means, for a person, with Google's own sentence where somebody has to act on it."""
        if self.given is None or not self.detail or self.kind not in _QUOTED:
            return self.rule.says
        return f"{self.rule.says} YouTube says: “{self.detail}”"


def damaged(reason: str = "unreadableAnswer", *, status: int | None = 200, detail: str = "") -> Fault:
    """The fault in a success that cannot be used: cut short, not JSON, the wrong length or checksum."""
    return Fault(rule=rule(reason), status=status, detail=detail)


def no_answer(error: Exception) -> Fault:
    """The fault behind an exception of the connection. Only a failed connect proves that nothing was sent."""
    from urllib3 import exceptions as wire

    reason = "connectionLost"
    if isinstance(error, wire.NewConnectionError | wire.ConnectTimeoutError | wire.NameResolutionError):
        reason = "connectionFailed"
    elif isinstance(error, TimeoutError | wire.TimeoutError):
        reason = "timeout"
    elif isinstance(error, wire.DecodeError | ValueError):
        reason = "unreadableAnswer"
    return Fault(rule=rule(reason), status=None, detail=type(error).__name__, sent=reason != "connectionFailed")


def as_error(fault: Fault, *, clock: Clock) -> YtempireError:
    """The error to raise: its class from the fault's kind, its `detail` the fault itself."""
    retry_at = None
    if fault.kind is Kind.QUOTA:
        retry_at = next_reset(clock())
    elif fault.kind is Kind.CHANNEL_LIMIT:
        retry_at = clock() + CHANNEL_PAUSE
    elif fault.retry_after is not None:
        retry_at = clock() + fault.retry_after
    return _ERRORS[fault.kind](fault.message, reason=fault.reason, retry_at=retry_at, detail=fault)


def fault_of(error: BaseException) -> Fault | None:
    detail = getattr(error, "detail", None)
    return detail if isinstance(detail, Fault) else None


def may_be_done(error: BaseException) -> bool:
    """Whether YouTube may have done what was asked although this error came of it."""
    fault = fault_of(error)
    return fault is not None and fault.sent and fault.kind in {Kind.SERVER, Kind.NETWORK}


@dataclass(frozen=True)
class RetryDecision:
    """What happens next. at: when, for actions that wait. attempt: the number of the retry, from 1."""

    action: Action
    alert: Alert
    reason: str
    message: str
    at: datetime | None = None
    attempt: int = 0


def decide(
    fault: Fault, retries: int, *, clock: Clock, rng: random.Random, grant_holds: bool | None = None
) -> RetryDecision:
    """What is done about a fault. retries: how often its reason was retried already.

    grant_holds: what is known of the grant behind a `forbidden`: True when it covers the request, False when it
    does not, None when nobody has looked.

    Waits grow as the row says, each drawn evenly between zero and the full wait (full jitter), and never end
    before what Google asked for in `Retry-After`. A row whose quick retries are used up may go on with a few long
    waits, of half to the whole of what the policy says.
    """
    rule = fault.rule
    action = rule.action if not rule.retry or retries < rule.limit else rule.after
    if action is Action.CHECK_GRANT and grant_holds is not None:
        action = Action.FAIL if grant_holds else Action.REAUTHENTICATE
    if action is Action.RETRY_LATER and retries - rule.limit >= len(policy().retry_later):
        action = Action.FAIL
    at = _when(action, fault, retries, clock(), rng)
    attempt = retries if at is None else retries + 1
    return RetryDecision(action, rule.alert, rule.reason, fault.message, at, attempt)


def _when(action: Action, fault: Fault, made: int, now: datetime, rng: random.Random) -> datetime | None:
    rule = fault.rule
    asked = fault.retry_after or timedelta(0)
    if action is Action.DEFER_TO_TOMORROW:
        return after_reset(now, rng=rng)
    if action is Action.DEFER_CHANNEL:
        return now + CHANNEL_PAUSE + timedelta(minutes=10) * rng.random()
    if action is Action.RETRY_LATER:
        return now + asked + policy().retry_later[made - rule.limit] * rng.uniform(0.5, 1)
    if rule.retry and made < rule.limit:
        grows = rule.backoff == "exponential"
        seconds = rng.uniform(0, min(rule.cap, rule.delay * 2**made)) if grows else rule.delay
        return now + asked + timedelta(seconds=seconds)
    return None
