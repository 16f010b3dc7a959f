"""A call to YouTube and everything that surrounds it.

    budget reserved > rate limit passed > token fresh > sent > classified > settled > call logged

Every request of the project passes here once. Nothing is repeated, but for one case that costs nobody anything but
a unit: a token that YouTube no longer accepts is renewed once and the request sent once more, on a reservation of
its own. A request that can have reached Google is charged, whatever came of it.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Generic, Protocol, TypeVar

from shared.clock import Clock, system_clock
from shared.errors import YtempireError
from shared.monitoring import calls
from shared.monitoring.log import log
from shared.settings import Settings
from shared.youtube.classify import classify
from shared.youtube.faults import Fault, as_error, damaged, no_answer
from shared.youtube.policy import Action, Kind, rule
from shared.youtube.transport import Http

Value = TypeVar("Value")


class TokenSource(Protocol):
    """Where a channel's access token comes from; `shared/access` has one for each connected channel."""

    def access_token(self) -> str:
        """A token that is valid now. Raises ReauthRequired or Unavailable."""
        ...

    def renew(self, refused: str) -> str:
        """A token other than `refused`, which YouTube did not accept. Raises as `access_token`."""
        ...


class Reservation(Protocol):
    """Units set aside in one bucket."""

    @property
    def bucket(self) -> str:
        """The daily budget that pays."""
        ...

    @property
    def cost(self) -> int:
        """Units."""
        ...


class Budget(Protocol):
    """Who may spend what: the ledger, or a lease of it."""

    def reserve(
        self, *, method: str, account: str, operation_id: str | None, priority: Any, count: int = 1
    ) -> Any:
        """Set a call's cost aside: a Reservation. Raises QuotaRefused or Unavailable, each with retry_at."""
        ...

    def settle(self, reservation: Any, *, sent: bool) -> None:
        """Charge what was sent, give back what was not."""
        ...

    def close_bucket(self, bucket: str, *, reason: str) -> None:
        """Let nothing more be spent until the reset: Google says that it is used up."""
        ...


class Limiter(Protocol):
    """How fast calls may follow each other."""

    def check(self, *, method: str, user: str, project: str) -> None:
        """As `admit`, but the call is not counted yet."""
        ...

    def admit(self, *, method: str, user: str, project: str) -> None:
        """Return when the call may go now. Raises RateLimited with the time from which it may."""
        ...


@dataclass(frozen=True, kw_only=True)
class Context:
    """On whose behalf a call is made. account: a user id, or "system"."""

    account: str = "system"
    channel_id: str | None = None
    operation_id: str | None = None
    priority: Any = None


@dataclass(frozen=True, slots=True)
class Outcome(Generic[Value]):
    """What one request came to: a value or a fault. received: bytes of body."""

    status: int | None
    received: int
    value: Value | None = None
    fault: Fault | None = None


Send = Callable[[str], Outcome[Value]]
"""Sends one request with an access token. Answers faults, does not raise them."""


@dataclass(frozen=True, kw_only=True)
class Caller:
    """Makes calls for one channel. Cheap to build; share nothing between channels but the pool beneath."""

    settings: Settings
    budget: Budget
    limiter: Limiter
    tokens: TokenSource
    context: Context
    clock: Clock = system_clock
    calls: calls.CallLog = calls.record

    def execute(self, request: Any) -> dict[str, Any]:
        """Send a request that Google's client built; its JSON answer ({} for an empty one).

        Raises an error of `shared.errors` whose `detail` is the Fault.
        """

        def send(token: str) -> Outcome[dict[str, Any]]:
            return executed(request, token, clock=self.clock)

        return self.spend(str(request.methodId), send)

    def spend(self, endpoint: str, send: Send[Value]) -> Value:
        """Reserve the cost of `endpoint`, send, settle, log; the value of a success.

        Raises QuotaRefused or RateLimited before anything is sent, the token source's errors, and the fault's
        error.
        """
        outcome, token = self._attempt(endpoint, send, refused=None)
        if outcome.fault is not None and outcome.fault.rule.action is Action.REFRESH_TOKEN:
            outcome, _ = self._attempt(endpoint, send, refused=token)
            outcome = _refused_for_good(outcome)
        if outcome.fault is not None:
            raise as_error(outcome.fault, clock=self.clock)
        assert outcome.value is not None
        return outcome.value

    def unpaid(self, endpoint: str, send: Send[Value], *, replay: bool = True) -> Value:
        """Send what is part of a call that was charged already, such as the bytes of an upload.

        replay: whether `send` can be asked twice. If not, a refused token is renewed all the same, and the caller
        starts over from what YouTube has. Raises the token source's errors and the fault's error.
        """
        token = self.tokens.access_token()
        outcome = self._unpaid(endpoint, send, token, attempt=1)
        if outcome.fault is not None and outcome.fault.rule.action is Action.REFRESH_TOKEN:
            token = self.tokens.renew(token)
            if replay:
                outcome = _refused_for_good(self._unpaid(endpoint, send, token, attempt=2))
        if outcome.fault is not None:
            raise as_error(outcome.fault, clock=self.clock)
        assert outcome.value is not None
        return outcome.value

    def _unpaid(self, endpoint: str, send: Send[Value], token: str, *, attempt: int) -> Outcome[Value]:
        outcome, elapsed = timed(send, token)
        self.log_call(endpoint, outcome, elapsed, bucket="", cost=0, attempt=attempt)
        return outcome

    def _attempt(self, endpoint: str, send: Send[Value], *, refused: str | None) -> tuple[Outcome[Value], str]:
        pace = {"method": endpoint, "user": self.context.account, "project": self.settings.project}
        self.limiter.check(**pace)  # a denial must leave nothing to give back
        reservation: Reservation = self.budget.reserve(
            method=endpoint,
            account=self.context.account,
            operation_id=self._attempt_id(),
            priority=self.context.priority,
        )
        sent = False
        try:
            self.limiter.admit(**pace)
            token = self.tokens.renew(refused) if refused else self.tokens.access_token()
            sent = True  # from here on it can have reached Google, also when we die
            outcome, elapsed = timed(send, token)
            sent = outcome.fault is None or outcome.fault.sent
        finally:
            self._settle(reservation, sent=sent)
        self._after(endpoint, reservation, outcome, elapsed, attempt=2 if refused else 1)
        return outcome, token

    def _attempt_id(self) -> str | None:
        """The ledger answers one reservation for one id; each request of an operation has to pay for itself.

        By chance and not counted: who comes after a crash does not know how often was sent before.
        """
        operation = self.context.operation_id
        return f"{operation}/{uuid.uuid4().hex[:12]}" if operation else None

    def _settle(self, reservation: Reservation, *, sent: bool) -> None:
        try:
            self.budget.settle(reservation, sent=sent)
        except YtempireError as error:
            # The units stay set aside, which is the safe side; what YouTube did must not be undone by it.
            log("WARNING", "a reservation could not be settled", bucket=reservation.bucket, reason=error.reason)

    def _after(
        self,
        endpoint: str,
        reservation: Reservation,
        outcome: Outcome[Value],
        elapsed: float,
        *,
        attempt: int,
    ) -> None:
        fault = outcome.fault
        charged = reservation.cost if fault is None or fault.sent else 0
        self.log_call(endpoint, outcome, elapsed, bucket=reservation.bucket, cost=charged, attempt=attempt)
        if fault is not None and fault.kind is Kind.QUOTA:
            self.budget.close_bucket(reservation.bucket, reason=fault.reason)

    def log_call(
        self,
        endpoint: str,
        outcome: Outcome[Value],
        elapsed: float,
        *,
        bucket: str,
        cost: int,
        attempt: int = 1,
    ) -> None:
        """Write the one record of one request. elapsed in seconds."""
        fault = outcome.fault
        self.calls(
            calls.Call(
                endpoint=endpoint,
                bucket=bucket,
                cost=cost,
                outcome="success" if fault is None else "error",
                status=outcome.status,
                reason=fault.reason if fault else None,
                given=fault.given if fault else None,
                known=fault.known if fault else True,
                latency_ms=round(elapsed * 1000, 1),
                attempt=attempt,
                received=outcome.received,
                account=self.context.account,
                channel=self.context.channel_id,
                operation=self.context.operation_id,
            )
        )


def _refused_for_good(outcome: Outcome[Value]) -> Outcome[Value]:
    """A fresh token that is refused too is no matter for another refresh."""
    fault = outcome.fault
    if fault is None or fault.rule.action is not Action.REFRESH_TOKEN:
        return outcome
    return replace(outcome, fault=replace(fault, rule=rule("authRefused")))


def timed(send: Send[Value], token: str) -> tuple[Outcome[Value], float]:
    """One request and the seconds that it took."""
    started = time.perf_counter()
    outcome = send(token)
    return outcome, time.perf_counter() - started


def bearer(token: str) -> dict[str, str]:
    """The header that carries an access token."""
    return {"authorization": f"Bearer {token}"}


def executed(request: Any, token: str, *, clock: Clock) -> Outcome[dict[str, Any]]:
    """One execution of a request that Google's client built."""
    from urllib3.exceptions import HTTPError  # noqa: PLC0415 - paid by those who call

    http = Http(bearer(token))
    fault = None
    value: Any = None
    try:
        value = request.execute(http=http, num_retries=0)
        value = {} if value in (None, "", b"") else value
        if not isinstance(value, dict):  # Google's client hands on what is not JSON as it came
            fault = damaged(status=http.status, detail=f"{len(http.answer)} bytes that are no JSON object")
    except (HTTPError, OSError) as error:
        fault = no_answer(error)
    except Exception as error:
        # Google's client stumbles over some answers before it can say that they are refusals.
        if http.status is not None and http.status >= 400:
            fault = classify(http.status, http.fields, http.answer, clock=clock)
        elif isinstance(error, ValueError | RecursionError):
            fault = damaged(status=http.status, detail=type(error).__name__)
        else:
            raise
    return Outcome(http.status, len(http.answer), value, fault)
