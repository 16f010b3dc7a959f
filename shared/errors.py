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

    code: the HTTP status that a caller sees. reason: a stable camelCase word for programs, the class's name
    unless another is given. message: a sentence for a person. retry_at: when the same request can succeed, an
    aware datetime, or None. field: the input at fault, or None. detail: what the room that raised it knows besides
    (a typed record), never shown to callers. logged: False for what anybody can cause a flood of.
    """

    code: ClassVar[int] = 500
    logged: ClassVar[bool] = True
    default_reason: ClassVar[str] = "internal"

    def __init_subclass__(cls, *, code: int | None = None) -> None:
        cls.code = code or cls.code
        cls.default_reason = f"{cls.__name__[0].lower()}{cls.__name__[1:]}"

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
        self.message, self.reason = message, reason or self.default_reason
        self.retry_at, self.field, self.detail = retry_at, field, detail

    def as_json(self) -> dict[str, dict[str, object]]:
        """The one error shape: {"error": {"code", "reason", "message", "retry_at"?}}, a field in the words."""
        named = self.field is None or self.field in self.message
        message = self.message if named else f"{self.field}: {self.message}"
        error: dict[str, object] = {"code": self.code, "reason": self.reason, "message": message}
        if self.retry_at is not None:
            error["retry_at"] = self.retry_at.astimezone(UTC).isoformat(timespec="seconds")
        return {"error": error}


class Terminal(YtempireError):
    """Asking again changes nothing."""


class Transient(YtempireError):
    """The same request can succeed later."""


class InvalidRequest(Terminal, code=400):
    """The caller sent something wrong; `field` names it."""


class NotSignedIn(Terminal, code=401):
    """Nobody, or a token that does not hold."""


class Forbidden(Terminal, code=403):
    """Somebody, but not for this."""


class NotFound(Terminal, code=404):
    """There is no such thing, or not for this caller."""


class Conflict(Terminal, code=409):
    """True already, or taken by somebody else."""


class MethodUnknown(Terminal, code=405):
    """No such thing is done here; `allowed` are the methods that are."""

    def __init__(self, *allowed: str) -> None:
        super().__init__(f"Use {' or '.join(allowed)} here.")
        self.allowed = allowed


class TooLarge(Terminal, code=413):
    """More than this endpoint reads."""


class ReauthRequired(Terminal, code=409):
    """A person has to connect the channel again."""


class Misconfigured(Terminal):
    """The operator has to act; no user did anything wrong."""


class CorruptData(Terminal):
    """Stored or received data that fails its own check."""


class Unavailable(Transient, code=503):
    """A service we need does not answer."""


class RateLimited(Transient, code=429):
    """Too fast; `retry_at` says when."""


class QuotaRefused(Transient, code=429):
    """A daily quota is used up; `retry_at` says until when."""
