"""Faults on request: which request is hit, how often, and with what.

A fault names a method (a discovery id, one of `OTHER_METHODS`, or `*`), a kind, and how often it strikes: `times`,
a `probability` with a `seed`, or always. `reason` faults answer as Google would for that reason; the other kinds
harm the answer or the connection.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from infra.local.simulator import discovery, project, quota
from infra.local.simulator.errors import GoogleError
from infra.local.simulator.fields import Field, WrongField, number, one_of, optional, read, table, text, whole

OTHER_METHODS = frozenset(
    {"oauth.auth", "oauth.token", "oauth.revoke", "oauth.certs", "hub.subscribe", "hub.deliver", "upload.session"}
    | {"app.callback"}
)

REASONS: Mapping[str, tuple[int, str, str]] = {
    # reason: (HTTP status, domain, message). 403 and 429 of quota and rate are worded in `quota`.
    "dailyLimitExceeded": (403, "usageLimits", "Daily Limit Exceeded"),
    "userRateLimitExceeded": (403, "usageLimits", "User Rate Limit Exceeded"),
    "uploadLimitExceeded": (400, "youtube.video", "The user has exceeded the number of videos they may upload."),
    "uploadRateLimitExceeded": (
        429,
        "youtube.thumbnail",
        "The channel has uploaded too many thumbnails recently. Please try the request again later.",
    ),
    "authError": (401, "global", "Invalid Credentials"),
    "youtubeSignupRequired": (401, "youtube.header", "Unauthorized"),
    "forbidden": (403, "global", "Forbidden"),
    "accountDelegationForbidden": (403, "global", "The authenticated user cannot act on behalf of this account."),
    "authenticatedUserAccountClosed": (403, "youtube.common", "The authenticated user's account is closed."),
    "authenticatedUserAccountSuspended": (403, "youtube.common", "The authenticated user's account is suspended."),
    "authenticatedUserNotChannel": (403, "youtube.common", "The authenticated user is not a channel."),
    "channelClosed": (403, "youtube.common", "The channel has been closed."),
    "channelSuspended": (403, "youtube.common", "The channel has been suspended."),
    "channelForbidden": (403, "youtube.channel", "The channel does not support the request."),
    "forbiddenPrivacySetting": (403, "youtube.video", "The request attempts to set an invalid privacy setting."),
    "forbiddenLicenseSetting": (403, "youtube.video", "The request attempts to set an invalid license."),
    "forbiddenEmbedSetting": (403, "youtube.video", "The request attempts to set an invalid embed setting."),
    "videoNotFound": (404, "youtube.video", "The video that you are trying to update cannot be found."),
    "channelNotFound": (404, "youtube.channel", "The channel cannot be found."),
    "playlistNotFound": (404, "youtube.playlist", "The playlist identified with the request cannot be found."),
    "playlistItemNotFound": (404, "youtube.playlistItem", "Playlist item not found."),
    "invalidPublishAt": (
        400,
        "youtube.video",
        "The request metadata specifies an invalid scheduled publishing time.",
    ),
    "invalidVideoMetadata": (400, "youtube.video", "The request metadata is invalid."),
    "invalidTitle": (400, "youtube.video", "The request metadata specifies an invalid or empty video title."),
    "invalidDescription": (400, "youtube.video", "The request metadata specifies an invalid video description."),
    "invalidTags": (400, "youtube.video", "The request metadata specifies invalid video keywords."),
    "invalidCategoryId": (400, "youtube.video", "The request metadata specifies an invalid video category ID."),
    "invalidRecordingDetails": (400, "youtube.video", "The recordingDetails object specifies invalid details."),
    "defaultLanguageNotSetError": (400, "youtube.video", "The default language is not set."),
    "mediaBodyRequired": (400, "youtube.common", "The request does not include the media content."),
    "invalidFilename": (400, "youtube.video", "The video filename specified in the Slug header is invalid."),
    "invalidImage": (400, "youtube.thumbnail", "The provided image content is invalid."),
    "processingFailure": (400, "youtube.common", "The API server failed to successfully process the request."),
    "invalidPageToken": (400, "youtube.parameter", "The request specifies an invalid page token."),
    "invalidFilters": (400, "youtube.parameter", "The request specifies invalid filters."),
    "missingRequiredParameter": (400, "youtube.parameter", "The request is missing a required parameter."),
    "incompatibleParameters": (400, "youtube.parameter", "The request specifies incompatible parameters."),
    "unexpectedParameter": (400, "youtube.parameter", "The request specifies an unexpected parameter."),
    "badRequest": (400, "global", "The query is not supported."),
    "failedPrecondition": (400, "global", "Precondition check failed."),
    "playlistOperationUnsupported": (
        400,
        "youtube.playlistItem",
        "The API does not support the ability to insert videos into the specified playlist.",
    ),
    "playlistContainsMaximumNumberOfVideos": (
        403,
        "youtube.playlistItem",
        "The playlist already contains the maximum allowed number of items.",
    ),
    "videoAlreadyInPlaylist": (409, "youtube.playlistItem", "The video is already in the playlist."),
    "conflict": (409, "global", "Requested entity already exists"),
    "aborted": (409, "global", "The operation was aborted."),
    "notFound": (404, "global", "Requested entity was not found."),
    "backendError": (503, "global", "Backend Error"),
    "internalError": (500, "global", "Internal error encountered."),
    "badGateway": (502, "global", "Bad Gateway"),
    "gatewayTimeout": (504, "global", "The service did not answer in time."),
    # The OAuth endpoints answer the reason as a string.
    "invalid_grant": (400, "oauth", "Token has been expired or revoked."),
    "invalid_client": (401, "oauth", "Unauthorized"),
    "invalid_request": (400, "oauth", "Bad Request"),
    "invalid_token": (400, "oauth", "Token expired or revoked"),
    "unauthorized_client": (401, "oauth", "Unauthorized"),
    "deleted_client": (401, "oauth", "The OAuth client was deleted."),
    "disabled_client": (401, "oauth", "The OAuth client was disabled."),
    "invalid_scope": (400, "oauth", "Some requested scopes were invalid."),
    "access_denied": (403, "oauth", "The user denied access."),
    "admin_policy_enforced": (400, "oauth", "Access blocked: your institution's admin needs to review the app."),
    "internal_failure": (500, "oauth", "Internal error."),
}

INSTEAD = frozenset({"error", "html", "empty", "quota", "rate", "reset", "hang"})
"""Kinds that answer instead of the method: nothing takes effect."""

AFTERWARDS = frozenset({"truncated", "cut", "damaged_gzip", "drop", "delay", "denied", "endless"})
"""Kinds that harm an answer: whatever the request asked for has taken effect. denied: an error says it has not."""

IN_WORDS_OF_THE_BUCKET = frozenset({"quotaExceeded", "rateLimitExceeded"})
"""Reasons whose words depend on the bucket; `quota` has them."""

KNOWN = REASONS.keys() | IN_WORDS_OF_THE_BUCKET | project.REFUSALS.keys()
"""Every reason that a fault may give."""

OFTEN, LONG = 1_000_000, 86_400
"""Requests that a fault counts at most, and seconds that it may keep somebody waiting or away."""


def _status(value: Any) -> int:
    found: int = whole(200, 599)(value)
    if 200 < found < 400:
        raise WrongField.expecting("200 or an error's status", value)
    return found


def _matched(value: Any) -> str:
    if not isinstance(value, str | int):
        raise WrongField.expecting("a text, a number or true or false", value)
    return str(value)


FIELDS: Mapping[str, Field] = {
    "method": text,
    "kind": text,
    "times": optional(whole(1, OFTEN)),
    "probability": optional(number(0, 1)),
    "seed": whole(-OFTEN, OFTEN),
    "skip": whole(0, OFTEN),
    "match": table(_matched),
    "reason": optional(text),
    "status": optional(_status),
    "message": optional(text),
    "domain": optional(text),
    "retry_after": optional(whole(0, 366 * LONG)),
    "retry_after_form": one_of(("seconds", "date")),
    "seconds": number(0, LONG),
    "body": optional(text),
}


class WrongFault(ValueError):
    """A fault that cannot be injected; the message says why and what is known."""


@dataclass(kw_only=True)
class Fault:
    """One injected fault, and what it has done so far.

    skip: matching requests that pass unharmed first. match: parameters that must have these values; `channel`
    matches the token's channel. retry_after: seconds; retry_after_form: `seconds` or `date`.
    """

    method: str
    kind: str
    reason: str | None = None
    status: int | None = None
    message: str | None = None
    domain: str | None = None
    times: int | None = None
    probability: float | None = None
    skip: int = 0
    match: Mapping[str, str] = field(default_factory=dict)
    retry_after: int | None = None
    retry_after_form: str = "seconds"
    seconds: float = 0
    body: str | None = None
    seed: int = 1
    seen: int = 0
    hits: int = 0
    _random: random.Random = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)  # noqa: S311 - repeatable on purpose

    def strikes(self, method: str, params: Mapping[str, Any]) -> bool:
        """Whether this request is hit; counts it."""
        if self.method not in {"*", method} or not _matches(self.match, params):
            return False
        self.seen += 1
        if self.seen <= self.skip or (self.times is not None and self.hits >= self.times):
            return False
        if self.probability is not None and self._random.random() >= self.probability:
            return False
        self.hits += 1
        return True

    @property
    def spent(self) -> bool:
        """Whether it can never strike again."""
        return self.times is not None and self.hits >= self.times

    def error(self, method: str) -> GoogleError:
        """What Google would answer; for kinds `error`, `quota` and `rate`."""
        error = self._usual_error(method)
        return GoogleError(
            self.status or error.status,
            error.reason,
            self.message or error.message,
            domain=self.domain or error.domain,
            location=error.location,
            location_type=error.location_type,
            details=error.details,
        )

    def _usual_error(self, method: str) -> GoogleError:
        bucket = quota.bucket_of(method)
        if self.kind == "quota" or self.reason == "quotaExceeded":
            return quota.exhausted(quota.DEFAULT if self.reason == "quotaExceeded" else bucket)
        if self.kind == "rate" or self.reason == "rateLimitExceeded":
            return quota.too_fast(bucket)
        if self.reason is not None and self.reason in project.REFUSALS:
            return project.REFUSALS[self.reason](method)
        reason = self.reason or {500: "internalError", 502: "badGateway", 504: "gatewayTimeout"}.get(
            self.status or 503, "backendError"
        )
        status, domain, message = REASONS.get(reason, (self.status or 400, "global", "Bad Request"))
        return GoogleError(status, reason, message, domain=domain)

    @property
    def replaces(self) -> bool:
        """Whether it answers instead of the method; the request counts all the same."""
        return self.kind in INSTEAD

    def describe(self) -> dict[str, Any]:
        """The fault as the control API lists it."""
        shown = {name: getattr(self, name) for name in sorted(FIELDS)}
        return {**shown, "seen": self.seen, "hits": self.hits, "spent": self.spent}


def parse(spec: Mapping[str, Any]) -> Fault:
    """A fault from the control API's JSON. Raises WrongFault.

    A known reason may stand in `kind`: {"kind": "backendError"} is {"kind": "error", "reason": "backendError"}.
    """
    try:
        values = dict(read(spec, FIELDS))
    except ValueError as error:
        raise WrongFault(str(error)) from None
    method, kind = values.setdefault("method", "*"), values.setdefault("kind", "error")
    if method != "*" and method not in OTHER_METHODS and method not in discovery.methods():
        raise WrongFault(f"unknown method {method!r}: a discovery id, '*', or one of {sorted(OTHER_METHODS)}")
    if kind in KNOWN:
        if values.get("reason") not in {None, kind}:
            raise WrongFault(f"kind {kind!r} and reason {values['reason']!r} contradict each other")
        values.update(kind="error", reason=kind)
    if problem := _problem(**values):
        raise WrongFault(problem)
    return Fault(**values)


def _problem(
    *, kind: str, reason: str | None = None, status: int | None = None, seconds: float = 0, **_others: Any
) -> str | None:
    """What makes no sense of a fault's fields together; None if all does."""
    kinds, reasons = INSTEAD | AFTERWARDS, KNOWN
    if kind not in kinds:
        return f"unknown kind {kind!r}: {sorted(kinds)}, or a reason: {sorted(reasons)}"
    if reason is not None and kind not in {"error", "denied"}:
        return f"a reason says nothing to kind {kind!r}"
    if reason is not None and reason not in reasons:
        return f"unknown reason {reason!r}: {sorted(reasons)}"
    if kind in {"error", "quota", "rate"} and status == 200:
        return "an error has no status 200"
    return "a delay needs its seconds" if kind == "delay" and not seconds else None


def _matches(match: Mapping[str, str], params: Mapping[str, Any]) -> bool:
    return all(str(params.get(name)) == value for name, value in match.items())


class Faults:
    """The faults in force, in the order in which they were asked for; the first that strikes wins."""

    def __init__(self) -> None:
        self._faults: list[Fault] = []

    def add(self, fault: Fault) -> None:
        """Put a fault in force."""
        self._faults.append(fault)

    @property
    def active(self) -> bool:
        """Whether there is any."""
        return bool(self._faults)

    def take(self, method: str, params: Mapping[str, Any]) -> Fault | None:
        """The fault that hits this request, or None."""
        return next((fault for fault in self._faults if fault.strikes(method, params)), None)

    def clear(self, method: str | None = None) -> int:
        """Take back all faults, or those of one method; answers how many."""
        kept = [fault for fault in self._faults if method is not None and fault.method != method]
        removed = len(self._faults) - len(kept)
        self._faults = kept
        return removed

    def describe(self) -> list[dict[str, Any]]:
        """Every fault with its counts."""
        return [fault.describe() for fault in self._faults]
