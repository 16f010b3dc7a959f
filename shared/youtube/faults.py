"""What went wrong in a call to YouTube: one typed fault with one meaning, and the error that carries it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from shared.clock import Clock, next_reset
from shared.errors import (
    Conflict,
    Forbidden,
    InvalidRequest,
    Misconfigured,
    NotFound,
    QuotaRefused,
    RateLimited,
    ReauthRequired,
    Unavailable,
    YtempireError,
)
from shared.youtube.policy import Kind, Rule, rule

CHANNEL_PAUSE = timedelta(hours=24)
"""How long YouTube takes no more uploads of a channel that has reached its limit."""

_ERRORS: Mapping[Kind, type[YtempireError]] = {
    Kind.QUOTA: QuotaRefused,
    Kind.CHANNEL_LIMIT: RateLimited,
    Kind.RATE: RateLimited,
    Kind.CREDENTIALS: ReauthRequired,
    Kind.GRANT: ReauthRequired,
    Kind.STANDING: Forbidden,
    Kind.FORBIDDEN: Forbidden,
    Kind.INPUT: InvalidRequest,
    Kind.MISSING: NotFound,
    Kind.CONFLICT: Conflict,
    Kind.SERVER: Unavailable,
    Kind.NETWORK: Unavailable,
    Kind.OPERATOR: Misconfigured,
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
        """What went wrong, as a type."""
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
    """The fault that an error of this room carries."""
    detail = getattr(error, "detail", None)
    return detail if isinstance(detail, Fault) else None


def may_be_done(error: BaseException) -> bool:
    """Whether YouTube may have done what was asked although this error came of it."""
    fault = fault_of(error)
    return fault is not None and fault.sent and fault.kind in {Kind.SERVER, Kind.NETWORK}
