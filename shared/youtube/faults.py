"""Whatever came back from YouTube, as one typed fault with one meaning.

Three shapes of error arrive (Data and Analytics API with `errors[]`; Reporting API with code, message and status
only; the token endpoint, whose `error` is a string), besides web pages, empty bodies, half bodies, and no answer
at all. `classify` takes any of them. The reason is looked up in the policy table; the same word can hide two
meanings, and the message tells them apart: a 429 `rateLimitExceeded` that speaks of a limit "per day" is a quota.
"""

from __future__ import annotations

import json
import re
from codecs import BOM_UTF8
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

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
from shared.youtube.policy import RULES, Kind, Rule, rule_by_status, rule_for

RETRY_AFTER_CAP = timedelta(hours=1)
_CHANNEL_PAUSE = timedelta(hours=24)
_READ = 65_536  # no error answer of Google's is longer; what is longer is a page
_PER_DAY = re.compile(rb"per[ _-]?day", re.IGNORECASE)
_PROJECT_RATES = frozenset({"rateLimitExceeded", "userRateLimitExceeded"})
_NO_CHANNEL = re.compile(r"no (linked )?(youtube )?channel|not (linked|associated) (to|with)", re.IGNORECASE)
_TAG = re.compile(r"<[^>]*>")
_SECRETS = re.compile(r"ya29\.\S+|1//\S+|(access_token|refresh_token|code|upload_id|key)=[^&\s\"]+")


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that went wrong, and its row in the policy table.

    status: the HTTP status, None when no answer came. given: the word that Google used, None when it gave none.
    detail: Google's own sentence, cleaned, for the log. known: False when the reason has no row. sent: whether the
    request can have reached Google (a request that was sent is charged). retry_after: what Google asked us to
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
    def transient(self) -> bool:
        """Whether the same request can succeed later without anybody acting."""
        return self.kind in _TRANSIENT

    @property
    def message(self) -> str:
        """A sentence for a person."""
        return self.rule.says


_TRANSIENT = frozenset({Kind.QUOTA, Kind.CHANNEL_LIMIT, Kind.RATE, Kind.SERVER, Kind.NETWORK})

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


def classify(
    status: int, headers: Mapping[str, str], body: bytes, *, clock: Clock, session: bool = False
) -> Fault:
    """The fault in an answer that is not a success. Takes any bytes and never raises.

    session: the request was for a resumable upload's session, where 404 and 410 mean that the session is gone.
    """
    answer = _read(body)
    rule, given = _rule(status, answer, body)
    if session and status in {404, 410} and rule.kind in {Kind.MISSING, Kind.INPUT}:
        rule = RULES["uploadSessionGone"]
    # A word of Google's own that has no row stays unknown, even where its status says what to do.
    known = not rule.reason.startswith("unclassified") and (given is None or rule_for(given) is not None)
    return Fault(
        rule=rule,
        status=status,
        given=given and _sound(given),
        detail=_sentence(answer, body),
        known=known,
        retry_after=_retry_after(headers, clock),
    )


def damaged(reason: str = "unreadableAnswer", *, status: int | None = 200, detail: str = "") -> Fault:
    """The fault in a success that cannot be used: cut short, not JSON, the wrong length or checksum."""
    return Fault(rule=RULES[reason], status=status, detail=detail)


def no_answer(error: Exception) -> Fault:
    """The fault behind an exception of the connection. Only a failed connect proves that nothing was sent."""
    from urllib3 import exceptions as wire  # noqa: PLC0415 - paid by those who call

    name = type(error).__name__
    if isinstance(error, wire.NewConnectionError | wire.ConnectTimeoutError | wire.NameResolutionError):
        return Fault(rule=RULES["connectionFailed"], status=None, detail=name, sent=False)
    if isinstance(error, TimeoutError | wire.TimeoutError):
        return Fault(rule=RULES["timeout"], status=None, detail=name)
    if isinstance(error, wire.DecodeError | ValueError):
        return Fault(rule=RULES["unreadableAnswer"], status=None, detail=name)
    return Fault(rule=RULES["connectionLost"], status=None, detail=name)


def as_error(fault: Fault, *, clock: Clock) -> YtempireError:
    """The error to raise: its class from the fault's kind, its `detail` the fault itself."""
    retry_at = None
    if fault.kind is Kind.QUOTA:
        retry_at = next_reset(clock())
    elif fault.kind is Kind.CHANNEL_LIMIT:
        retry_at = clock() + _CHANNEL_PAUSE
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


def _read(body: bytes) -> Mapping[str, Any]:
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
    given = list(_reasons(answer))
    rule = next((row for row in map(rule_for, given) if row is not None), None)
    if b"FreeQuotaRequestsPerDayPerProject" in body[:_READ]:
        rule = RULES["FreeQuotaRequestsPerDayPerProject"]
    elif (
        (rule is None or rule.reason in _PROJECT_RATES) and status in {403, 429} and _PER_DAY.search(body[:_READ])
    ):
        # The day's budget, said in the words of a rate limit. A channel's own limits have words of their own, and
        # web pages say "per day" too.
        rule = RULES["quotaExceeded"] if answer else rule
    elif rule is not None and rule.reason == "authError" and _NO_CHANNEL.search(_sentence(answer, body)):
        rule = RULES["noLinkedChannel"]
    return rule or rule_by_status(status), given[0] if given else None


def _reasons(answer: Mapping[str, Any]) -> list[str]:
    """Every name that the answer gives its reason, most specific first."""
    error = answer.get("error")
    if isinstance(error, str):
        return [error]
    if not isinstance(error, Mapping):
        return []
    found: list[object] = []
    for section in ("errors", "details"):
        items = error.get(section) if isinstance(error.get(section), list) else ()
        found += [item.get("reason") for item in items or [] if isinstance(item, Mapping)]
    return [reason for reason in (*found, error.get("status")) if isinstance(reason, str)]


def _sentence(answer: Mapping[str, Any], body: bytes) -> str:
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
    return _sound(_SECRETS.sub("…", _TAG.sub("", text))[:300])


def _sound(text: str) -> str:
    """A text that can be written: JSON can carry half a character."""
    return text.encode("utf-8", "replace").decode()


def _retry_after(headers: Mapping[str, str], clock: Clock) -> timedelta | None:
    text = (headers.get("retry-after") or headers.get("Retry-After") or "").strip()
    if not text:
        return None
    if text.isdecimal() and len(text) < 10:
        wait = timedelta(seconds=int(text))
    else:
        try:
            moment = parsedate_to_datetime(text)
        except (ValueError, TypeError, OverflowError):
            return None
        wait = _aware(moment) - clock()
    return max(timedelta(0), min(wait, RETRY_AFTER_CAP))


def _aware(moment: datetime) -> datetime:
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
