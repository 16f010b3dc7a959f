"""Every error this system raises on purpose.

    YtempireError
    ├── Terminal               asking again changes nothing
    │   ├── InvalidRequest     400  the caller sent something wrong; `field` names it
    │   ├── NotSignedIn        401  nobody, or a token that does not hold
    │   ├── Forbidden          403  somebody, but not for this
    │   ├── NotFound           404
    │   ├── Conflict           409  true already, or taken by somebody else
    │   ├── MethodUnknown      405  no such thing is done here; `allowed` says what is
    │   ├── TooLarge           413
    │   ├── ReauthRequired     409  a person has to connect the channel again
    │   ├── Misconfigured      500  the operator has to act: settings, OAuth client, API not enabled
    │   └── CorruptData        500  stored or received data that fails its own check
    └── Transient              the same request can succeed later; `retry_at` says when, if known
        ├── Unavailable        503  a service we need does not answer
        ├── RateLimited        429  too fast
        └── QuotaRefused       429  no quota until `retry_at`

Whether to retry is a type, so no caller needs a list of reasons. A message is written for a person and never
carries a token, a code or a secret.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import ClassVar


class YtempireError(Exception):
    """An error with one meaning.

    code: the HTTP status that a caller sees. reason: a stable camelCase word for programs. message: a sentence
    for a person. retry_at: when the same request can succeed, an aware datetime, or None. field: the input at
    fault, or None. detail: what the room that raised it knows besides (a typed record), never shown to callers.
    """

    code: ClassVar[int] = 500
    default_reason: ClassVar[str] = "internal"

    def __init__(
        self,
        message: str,
        *,
        reason: str | None = None,
        retry_at: datetime | None = None,
        field: str | None = None,
        detail: object | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.reason = reason or self.default_reason
        self.retry_at = retry_at
        self.field = field
        self.detail = detail

    def as_json(self) -> dict[str, dict[str, object]]:
        """The one error shape: {"error": {"code", "reason", "message", "retry_at"?}}, a field in the words."""
        named = self.field is None or self.field in self.message
        error: dict[str, object] = {
            "code": self.code,
            "reason": self.reason,
            "message": self.message if named else f"{self.field}: {self.message}",
        }
        if self.retry_at is not None:
            error["retry_at"] = self.retry_at.astimezone(UTC).isoformat(timespec="seconds")
        return {"error": error}


class Terminal(YtempireError):
    """Asking again changes nothing."""


class Transient(YtempireError):
    """The same request can succeed later."""


class InvalidRequest(Terminal):
    """The caller sent something wrong; `field` names it."""

    code = 400
    default_reason = "invalidRequest"


class NotSignedIn(Terminal):
    """Nobody, or a token that does not hold."""

    code = 401
    default_reason = "notSignedIn"


class Forbidden(Terminal):
    """Somebody, but not for this."""

    code = 403
    default_reason = "forbidden"


class NotFound(Terminal):
    """There is no such thing, or not for this caller."""

    code = 404
    default_reason = "notFound"


class Conflict(Terminal):
    """True already, or taken by somebody else."""

    code = 409
    default_reason = "conflict"


class MethodUnknown(Terminal):
    """No such thing is done here; `allowed` are the methods that are."""

    code = 405
    default_reason = "methodUnknown"

    def __init__(self, *allowed: str) -> None:
        super().__init__(f"Use {' or '.join(allowed)} here.")
        self.allowed = allowed


class TooLarge(Terminal):
    """More than this endpoint reads."""

    code = 413
    default_reason = "tooLarge"


class ReauthRequired(Terminal):
    """A person has to connect the channel again."""

    code = 409
    default_reason = "reauthRequired"


class Misconfigured(Terminal):
    """The operator has to act; no user did anything wrong."""

    default_reason = "misconfigured"


class CorruptData(Terminal):
    """Stored or received data that fails its own check."""

    default_reason = "corruptData"


class Unavailable(Transient):
    """A service we need does not answer."""

    code = 503
    default_reason = "unavailable"


class RateLimited(Transient):
    """Too fast; `retry_at` says when."""

    code = 429
    default_reason = "rateLimited"


class QuotaRefused(Transient):
    """A daily quota is used up; `retry_at` says until when."""

    code = 429
    default_reason = "quotaRefused"
