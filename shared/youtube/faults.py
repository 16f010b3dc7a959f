"""What went wrong in a call to YouTube: read from the answer, one typed fault, its error, and what happens next.

Three shapes of error arrive (Data and Analytics API with `errors[]`; Reporting API with code, message and status
only; the token endpoint, whose `error` is a string), besides web pages, empty bodies and half bodies. `classify`
takes any of them. The same word can hide two meanings, and the message tells them apart: a 429
`rateLimitExceeded` that speaks of a limit "per day" is a quota. All is pure: clock and chance are handed in.
"""

from __future__ import annotations

import json
import random
import re
from codecs import BOM_UTF8
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

from shared.clock import Clock, after_reset, next_reset
from shared.errors import YtempireError
from shared.youtube.policy import Action, Alert, Kind, Rule, policy, rule

CHANNEL_PAUSE = timedelta(hours=24)
"""How long YouTube takes no more uploads of a channel that has reached its limit."""

_QUOTED = frozenset({Kind.STANDING, Kind.FORBIDDEN, Kind.INPUT, Kind.CONFLICT, Kind.OPERATOR})
"""Kinds that a person has to do something about: Google's sentence often says what."""

RETRY_AFTER_CAP = timedelta(hours=1)
_READ = 65_536  # no error answer of Google's is longer; what is longer is a page
_SENTENCE = 300  # characters of Google's sentence that are kept
_PER_DAY = re.compile(rb"per[ _-]?day", re.IGNORECASE)
_PROJECT_RATES = frozenset({"rateLimitExceeded", "userRateLimitExceeded"})
_NO_CHANNEL = re.compile(r"no (linked )?(youtube )?channel|not (linked|associated) (to|with)", re.IGNORECASE)
_TAG = re.compile(r"<[^>]*>")
_SECRETS = re.compile(
    r"ya29\.\S+|1//\S+|AIza[\w-]+|(access_token|refresh_token|code|upload_id|key)=[^&\s\"]+|api_key:[^\s'\"]+"
)


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


def classify(status: int, headers: Mapping[str, str], body: bytes, *, clock: Clock) -> Fault:
    """The fault in an answer that is not a success. Takes any bytes and never raises."""
    answer = _object(body)
    found, given = _rule(status, answer, body)
    # A word of Google's own that has no row stays unknown, even where its status says what to do.
    known = not found.reason.startswith("unclassified") and (given is None or policy().named(given) is not None)
    return Fault(
        rule=found,
        status=status,
        given=given and _writable(given),
        detail=_sentence(answer, body),
        known=known,
        retry_after=_retry_after(headers, clock),
    )


def _object(body: bytes) -> Mapping[str, Any]:
    """The object that an answer is, or that stands first in its list; {} when there is none."""
    text = body[:_READ].removeprefix(BOM_UTF8).lstrip()
    if text[:1] not in {b"{", b"["}:
        return {}
    try:
        answer = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    if isinstance(answer, list):
        answer = answer[0] if answer else {}
    return answer if isinstance(answer, dict) else {}


def _rule(status: int, answer: Mapping[str, Any], body: bytes) -> tuple[Rule, str | None]:
    """The row, and the word that Google used."""
    given = _reasons(answer)
    rows = [row for row in map(policy().named, given) if row is not None]
    # A project that is shut out is shut out, whatever general word the answer begins with.
    found = next((row for row in rows if row.kind is Kind.OPERATOR), rows[0] if rows else None)
    start = body[:_READ]
    if b"FreeQuotaRequestsPerDayPerProject" in start:
        found = rule("FreeQuotaRequestsPerDayPerProject")
    elif (
        answer  # web pages say "per day" too, and a channel's own limits have words of their own
        and status in {403, 429}
        and (found is None or found.reason in _PROJECT_RATES)
        and _PER_DAY.search(start)
    ):
        found = rule("quotaExceeded")
    elif found is not None and found.reason == "authError" and _NO_CHANNEL.search(_sentence(answer, body)):
        found = rule("noLinkedChannel")
    return found or policy().of_status(status), given[0] if given else None


def _reasons(answer: Mapping[str, Any]) -> list[str]:
    """Every name that the answer gives its reason, most specific first."""
    error = answer.get("error")
    if isinstance(error, str):
        return [error]
    if not isinstance(error, Mapping):
        return []
    lists = [error.get(section) for section in ("errors", "details")]
    items = [item for found in lists if isinstance(found, list) for item in found if isinstance(item, Mapping)]
    words = [*(item.get("reason") for item in items), error.get("status")]
    return [word for word in words if isinstance(word, str)]


def _sentence(answer: Mapping[str, Any], body: bytes) -> str:
    """What Google says about it, without markup and secrets, bounded."""
    error = answer.get("error")
    text = ""
    if isinstance(error, str):
        text = str(answer.get("error_description", error))
    elif isinstance(error, Mapping):
        text = str(error.get("message", ""))
    elif body[:_READ].lstrip()[:1] == b"<":
        text = "(a web page)"
    elif not body.strip():
        text = "(an empty answer)"
    return _writable(_SECRETS.sub("…", _TAG.sub("", text))[:_SENTENCE])


def _writable(text: str) -> str:
    """A text that can be written: JSON can carry half a character."""
    return text.encode("utf-8", "replace").decode()


def _retry_after(headers: Mapping[str, str], clock: Clock) -> timedelta | None:
    text = (headers.get("retry-after") or headers.get("Retry-After") or "").strip()
    if text.isdecimal() and len(text) < 10:
        wait = timedelta(seconds=int(text))
    else:
        try:
            moment = parsedate_to_datetime(text)
        except (ValueError, TypeError, OverflowError):
            return None
        wait = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - clock()
    return max(timedelta(0), min(wait, RETRY_AFTER_CAP))


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
    return fault.kind.error(fault.message, reason=fault.reason, retry_at=retry_at, detail=fault)


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
