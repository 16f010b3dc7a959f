"""Where a trigger becomes a call and an exception becomes a safe answer.

Each function's main.py wraps its handler in one of these. Errors of `shared.errors` are answered in the one error
shape; anything else is logged whole and answered as `internal`, so that nothing of our insides leaks.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable
from functools import wraps
from typing import Any

from flask import Request, Response, jsonify

from shared.errors import Transient, YtempireError
from shared.monitoring.log import log

Handler = Callable[[Request], Any]


def answers_json(handler: Handler) -> Callable[[Request], Response]:
    """Answer programs: whatever the handler returns as JSON, errors in the one error shape."""

    @wraps(handler)
    def wrapped(request: Request) -> Response:
        try:
            answer = handler(request)
            return answer if isinstance(answer, Response) else jsonify(answer)
        except Exception as error:  # noqa: BLE001 - the one place that turns any exception into an answer
            known = as_known(error)
            response = jsonify(known.as_json())
            response.status_code = known.code
            if isinstance(known, Transient) and known.retry_at is not None:
                response.headers["Retry-After"] = known.retry_at.strftime("%a, %d %b %Y %H:%M:%S GMT")
            return response

    return wrapped


def as_known(error: Exception) -> YtempireError:
    """The error to answer with; logs it, at a severity that says whose problem it is."""
    if isinstance(error, YtempireError):
        severity = "WARNING" if error.code < 500 else "ERROR"
        log(severity, error.message, reason=error.reason, error=type(error).__name__)
        return error
    log("ERROR", "unexpected error", error=type(error).__name__, stack=traceback.format_exc())
    return YtempireError("Something went wrong on our side. It has been recorded.")
