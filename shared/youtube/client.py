"""A call to YouTube and everything that surrounds it.

    quota reserved > rate limit passed > token fresh > sent > classified > logged > settled

Every request of the project passes here once. Nothing is repeated, but for one case that costs nobody anything but
a unit: a token that YouTube no longer accepts is renewed once and the request sent once more, on a reservation of
its own. A request that can have reached Google is charged, whatever came of it.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from shared.clock import Clock, system_clock
from shared.errors import InvalidRequest, YtempireError
from shared.monitoring import alerts, calls
from shared.monitoring.alerts import ProcessAlerts
from shared.monitoring.log import log
from shared.paging import pages
from shared.settings import Settings
from shared.youtube import services
from shared.youtube.faults import Fault, as_error, classify, damaged, fault_of, no_answer
from shared.youtube.policy import Action, Kind, rule
from shared.youtube.transport import Http

if TYPE_CHECKING:
    from shared.quota.blocks import Block
    from shared.quota.ledger import Ledger
    from shared.quota.profile import Priority
    from shared.quota.reservation import Reservation
    from shared.rate_limits.limiter import Burst, RateLimiter

Value = TypeVar("Value")
TokenSource = Callable[[str | None], str]
"""An access token that is valid now, and another one than the given, which YouTube did not accept.

Raises ReauthRequired or Unavailable. Who has tokens stands above this room."""
PAGES_MAX = 200  # of one listing; no channel has as many


@dataclass(frozen=True, kw_only=True)
class Context:
    """On whose behalf a call is made. account: a user id, or "system". feature: which part of the product asks."""

    account: str = "system"
    channel_id: str | None = None
    operation_id: str | None = None
    priority: Priority | None = None
    feature: str = "other"


@dataclass(frozen=True, slots=True)
class Outcome(Generic[Value]):
    """What one request came to: a value or a fault. received: bytes of body."""

    status: int | None
    received: int
    value: Value | None = None
    fault: Fault | None = None

    @property
    def token_refused(self) -> bool:
        """Whether a fresh token can help."""
        return self.fault is not None and self.fault.rule.action is Action.REFRESH_TOKEN

    def with_fresh_token(self) -> Outcome[Value]:
        """This outcome of a request with a fresh token: one that is refused too is no matter for another."""
        if self.fault is None or not self.token_refused:
            return self
        return replace(self, fault=replace(self.fault, rule=rule("authRefused")))


Send = Callable[[str], Outcome[Value]]
"""Sends one request with an access token. Answers faults, does not raise them."""


@dataclass(frozen=True, kw_only=True)
class Caller:
    """Makes calls for one channel. Cheap to build; share nothing between channels but the pool beneath.

    apis: hears whether an API takes this project's calls. before_sending: called right before each paid request
    goes out; what it raises stops the request.
    """

    settings: Settings
    quota: Ledger | Block
    limiter: RateLimiter | Burst
    tokens: TokenSource
    context: Context
    apis: ProcessAlerts
    clock: Clock = system_clock
    before_sending: Callable[[], None] = lambda: None
    calls: calls.CallLog = calls.record

    def of_feature(self, feature: str) -> Caller:
        return replace(self, context=replace(self.context, feature=feature))

    def call(self, method: str, **asked: Any) -> dict[str, Any]:
        """Call a method by its id ("youtube.videos.list"); its JSON answer ({} for an empty one).

        Raises an error of `shared.errors` whose `detail` is the Fault.
        """
        request = services.request(self.settings, method, **asked)
        return self.spend(method, lambda token: executed(request, token, clock=self.clock))

    def listing(self, method: str, items: str, **asked: Any) -> list[Mapping[str, Any]]:
        """Everything that a listing has under `items`, page by page.

        A listing whose place YouTube has lost starts again, once. Raises CorruptData for one that does not end.
        """
        try:
            return self._pages(method, items, asked)
        except InvalidRequest as error:
            fault = fault_of(error)
            if fault is None or fault.rule.action is not Action.RESTART_LISTING:
                raise
            return self._pages(method, items, asked)

    def _pages(self, method: str, items: str, asked: Mapping[str, Any]) -> list[Mapping[str, Any]]:
        def page(token: str | None) -> tuple[Iterable[Mapping[str, Any]], str | None]:
            answer = self.call(method, **asked, **({"pageToken": token} if token else {}))
            return answer.get(items) or (), answer.get("nextPageToken") or None

        return list(pages(page, most=PAGES_MAX, of="YouTube's"))

    def spend(self, endpoint: str, send: Send[Value]) -> Value:
        """Reserve the cost of `endpoint`, send, log, settle; the value of a success.

        Raises QuotaRefused or RateLimited before anything is sent, the token source's errors, and the fault's
        error.
        """
        token, outcome = self._paid(endpoint, send)
        if outcome.token_refused:
            _, again = self._paid(endpoint, send, refused=token)
            outcome = again.with_fresh_token()
        return self._value(outcome)

    def unpaid(self, endpoint: str, send: Send[Value], *, replay: bool = True) -> Value:
        """Send what is part of a call that was charged already, such as the bytes of an upload.

        replay: whether `send` can be asked twice. If not, a refused token is renewed all the same, and the caller
        starts over from what YouTube has. Raises the token source's errors and the fault's error.
        """
        token = self.tokens(None)
        outcome = self._sent(endpoint, send, token, attempt=1)
        if outcome.token_refused:
            token = self.tokens(token)
            if replay:
                outcome = self._sent(endpoint, send, token, attempt=2).with_fresh_token()
        return self._value(outcome)

    def _value(self, outcome: Outcome[Value]) -> Value:
        if outcome.fault is not None:
            raise as_error(outcome.fault, clock=self.clock)
        assert outcome.value is not None
        return outcome.value

    def _paid(self, endpoint: str, send: Send[Value], *, refused: str | None = None) -> tuple[str, Outcome[Value]]:
        """One request on a reservation of its own, and the token that it was sent with."""
        user = self.context.account
        self.limiter.check(method=endpoint, user=user)  # a denial must leave nothing to give back
        # The ledger answers one reservation for one id; each request of an operation has to pay for itself. Random
        # and not counted: who comes after a crash does not know how often was sent before.
        operation = self.context.operation_id and f"{self.context.operation_id}/{uuid.uuid4().hex[:12]}"
        reservation = self.quota.reserve(
            method=endpoint,
            account=user,
            operation_id=operation,
            priority=self.context.priority,
            charged=True,
        )
        sent = False
        try:
            self.limiter.admit(method=endpoint, user=user)
            token = self.tokens(refused)
            self.before_sending()
            sent = True  # from here on it can have reached Google, also when we die
            outcome = self._sent(endpoint, send, token, attempt=2 if refused else 1, reservation=reservation)
            fault = outcome.fault
            sent = fault is None or fault.sent
        finally:
            self._settle(reservation, sent=sent)
        if fault is not None and fault.kind is Kind.QUOTA:
            self.quota.close_bucket(reservation.bucket, reason=fault.reason)
        return token, outcome

    def _settle(self, reservation: Reservation, *, sent: bool) -> None:
        try:
            self.quota.settle(reservation, sent=sent)
        except YtempireError as error:
            # The units stay set aside, which is the safe side; what YouTube did must not be undone by it.
            log("WARNING", "a reservation could not be settled", bucket=reservation.bucket, reason=error.reason)

    def _sent(
        self, endpoint: str, send: Send[Value], token: str, *, attempt: int, reservation: Reservation | None = None
    ) -> Outcome[Value]:
        """Send once, write the one record of it, and tell how the API stands."""
        at, started = self.clock(), time.perf_counter()
        outcome = send(token)
        elapsed = time.perf_counter() - started
        fault = outcome.fault
        self.calls(
            calls.Call(
                call_id=uuid.uuid4().hex,
                created_at=at,
                endpoint=endpoint,
                bucket=reservation.bucket if reservation else "",
                quota_cost=reservation.cost if reservation and (fault is None or fault.sent) else 0,
                status="success" if fault is None else "error",
                http_status=outcome.status,
                reason=fault.reason if fault else None,
                given=fault.given if fault else None,
                detail=fault.detail if fault else "",
                known=fault.known if fault else True,
                response_time_ms=round(elapsed * 1000, 1),
                attempt=attempt,
                received=outcome.received,
                user_id=self.context.account,
                channel_id=self.context.channel_id,
                operation_id=self.context.operation_id,
                feature=self.context.feature,
            )
        )
        api = endpoint.partition(".")[0]
        if api in alerts.APIS:  # an upload session's own requests are no API's
            if fault is None:
                self.apis.worked(alerts.of_api(api))
            elif fault.rule.action is Action.TELL_OPERATOR:
                self.apis.failed(alerts.of_api(api), fault.message)
        return outcome


def executed(request: Any, token: str, *, clock: Clock) -> Outcome[dict[str, Any]]:
    """One execution of a request that Google's client built."""
    from urllib3.exceptions import HTTPError

    http = Http(token)
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
