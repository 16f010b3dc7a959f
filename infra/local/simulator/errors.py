"""How Google says no.

Three shapes: the Data and Analytics APIs list `errors[]` with domain and reason, the Reporting API answers only
code, message and status, and the OAuth endpoints answer a string. A handler raises `GoogleError`; the dispatcher
knows which shape its API speaks.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import Enum
from typing import Any

STATUS_NAMES: Mapping[int, str] = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    409: "ALREADY_EXISTS",
    412: "FAILED_PRECONDITION",
    429: "RESOURCE_EXHAUSTED",
    500: "INTERNAL",
    501: "UNIMPLEMENTED",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
}


class Shape(Enum):
    """Which of the three ways an endpoint words its errors."""

    DATA = "data"
    REPORTING = "reporting"
    OAUTH = "oauth"


class GoogleError(Exception):
    """A refusal as Google words it.

    status: HTTP status. reason: camelCase word of `errors[]` (or the OAuth error code). domain, location and
    location_type: as in `errors[]`. details: google.rpc messages. headers: sent along, for example Retry-After.
    """

    def __init__(
        self,
        status: int,
        reason: str,
        message: str,
        *,
        domain: str = "global",
        location: str | None = None,
        location_type: str | None = None,
        details: Sequence[Mapping[str, Any]] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(f"{status} {reason}: {message}")
        self.status = status
        self.reason = reason
        self.message = message
        self.domain = domain
        self.location = location
        self.location_type = location_type or ("parameter" if location else None)
        self.details = tuple(details)
        self.headers = dict(headers or {})

    def body(self, shape: Shape) -> dict[str, Any]:
        """The JSON that a client of that API receives."""
        if shape is Shape.OAUTH:
            return {"error": self.reason, "error_description": self.message}
        error: dict[str, Any] = {"code": self.status, "message": self.message}
        if shape is Shape.DATA:
            item: dict[str, Any] = {"message": self.message, "domain": self.domain, "reason": self.reason}
            if self.location is not None:
                item["location"] = self.location
                item["locationType"] = self.location_type
            error["errors"] = [item]
        if name := STATUS_NAMES.get(self.status):
            error["status"] = name
        if self.details:
            error["details"] = [dict(detail) for detail in self.details]
        return {"error": error}


class Misuse(GoogleError):
    """A refusal that a client which has read the documents never meets; the journal keeps it as a mistake."""


def not_simulated(what: str) -> Misuse:
    """The 501 for something that Google offers and this simulator does not: better loud than wrong."""
    return Misuse(501, "notImplemented", f"The simulator does not know {what}.")


def bad_request(message: str, *, reason: str = "badRequest", location: str | None = None) -> GoogleError:
    """400 for a request that no retry can save."""
    return GoogleError(400, reason, message, location=location)


def forbidden(domain: str, message: str = "The request is not properly authorized.") -> GoogleError:
    """403 for something that belongs to somebody else."""
    return GoogleError(403, "forbidden", message, domain=domain)


def invalid_field(path: str, message: str) -> GoogleError:
    """400 for a request message that does not fit its schema, in the words of Google's JSON transcoder."""
    violation = {"description": message} if not path else {"field": path, "description": message}
    detail = {"@type": "type.googleapis.com/google.rpc.BadRequest", "fieldViolations": [violation]}
    return GoogleError(400, "badRequest", message, details=[detail])
