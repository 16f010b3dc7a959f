"""Reads requests and events for the functions, and answers exceptions safely.

Each function's main.py wraps its handler in one of these. Errors of `shared.errors` are answered in the one error
shape; anything else is logged whole and answered as `internal`, so that nothing internal is shown.
"""

from __future__ import annotations

import base64
import json
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC
from email.utils import format_datetime
from functools import wraps
from typing import Any
from urllib.parse import urlsplit

from flask import Request, Response, abort, has_request_context, jsonify
from flask import request as current_request

from shared.errors import (
    Forbidden,
    InvalidRequest,
    MethodUnknown,
    Misconfigured,
    TooLarge,
    Transient,
    Unavailable,
    YtempireError,
)
from shared.monitoring.log import linked, log

_JSON_BYTES = 256 * 1024
FORM_BYTES = 16 * 1024

Handler = Callable[[Request], Any]
AT_THE_END: list[Callable[[], None]] = []
"""What is done when a request or event has been worked at, whatever came of it; nothing of it raises."""


@contextmanager
def _work(environ: Mapping[str, Any]) -> Iterator[None]:
    """A request's or event's work: its records are linked to its trace, and nothing is left behind at its end."""
    with linked(environ):
        try:
            yield
        finally:
            for each in AT_THE_END:
                each()


def answers(trouble: Callable[[YtempireError], Response]) -> Callable[[Handler], Callable[[Request], Response]]:
    """Answer what the handler returns, a Response or something for JSON; an error as `trouble` says.

    The one place that turns exceptions into answers.
    """

    def wrap(handler: Handler) -> Callable[[Request], Response]:
        @wraps(handler)
        def wrapped(request: Request) -> Response:
            with _work(request.environ):
                try:
                    answer = handler(request)
                    return answer if isinstance(answer, Response) else jsonify(answer)
                except Exception as error:  # noqa: BLE001 - whatever it is, somebody waits for an answer
                    return trouble(as_known(error))

        return wrapped

    return wrap


def refusal(error: YtempireError) -> Response:
    """An error in the one error shape, with the headers that belong to it."""
    response = Response(json.dumps(error.as_json()), error.code, mimetype="application/json")
    if isinstance(error, MethodUnknown):
        response.headers["Allow"] = ", ".join(error.allowed)
    if isinstance(error, Transient) and error.retry_at is not None:
        response.headers["Retry-After"] = format_datetime(error.retry_at.astimezone(UTC), usegmt=True)
    return response


answers_json = answers(refusal)
"""Answer programs: what the handler returns as JSON, errors in the one error shape."""


def require_origin(request: Request, app_url: str, *, named: bool) -> None:
    """Refuse what a page other than the app's has sent. named: a request that names no page is refused too.

    A page elsewhere can post a form here with its own user's ID token, as if the visitor had asked; the visitor's
    channel would then end in somebody else's account. Browsers name the page that posts in `Origin`. A program's
    bearer token cannot be sent by a foreign page, which would need our consent to cross origins; a program
    therefore need not name one. Raises Forbidden (reason "crossSite").
    Source: RFC 9700, 4.7 (CSRF); Fetch, `Origin` on every POST.
    """
    origin = request.headers.get("Origin")
    if origin is None and not named:
        return
    app = urlsplit(app_url)
    if origin != f"{app.scheme}://{app.netloc}":
        raise Forbidden("This request did not come from the app.", reason="crossSite")


def json_body(request: Request) -> dict[str, Any]:
    """The request's JSON object; {} for an empty body. Raises InvalidRequest for anything else."""
    raw = raw_body(request, limit=_JSON_BYTES)
    try:
        body = json.loads(raw) if raw.strip() else {}
    except (ValueError, RecursionError) as error:
        raise InvalidRequest("The body is not JSON.", reason="bodyUnreadable") from error
    if not isinstance(body, dict):
        raise InvalidRequest("The body must be a JSON object.", reason="bodyUnreadable")
    return body


def raw_body(request: Request, *, limit: int) -> bytes:
    """The body's bytes, of which no more than `limit` are read. Raises TooLarge beyond."""
    said = request.content_length or 0
    body = request.stream.read(limit + 1) if said <= limit else b""
    if max(said, len(body)) > limit:
        raise TooLarge(f"The body is larger than {limit} bytes.")
    return body


def pubsub_message(event: Any) -> tuple[dict[str, str], dict[str, Any]]:
    """Attributes and JSON of the Pub/Sub message that a CloudEvent carries. Raises InvalidRequest."""
    try:
        message = event.data["message"]
        body = json.loads(base64.b64decode(message.get("data", ""), validate=True))
        attributes = {str(key): str(value) for key, value in (message.get("attributes") or {}).items()}
    except (KeyError, TypeError, ValueError, RecursionError) as error:
        raise InvalidRequest("The event carries no readable message.", reason="messageUnreadable") from error
    if not isinstance(body, dict):
        raise InvalidRequest("The message must be a JSON object.", reason="messageUnreadable")
    return attributes, body


@contextmanager
def logged_failure() -> Iterator[None]:
    """Log whatever an event handler raises, and answer with its status, which has the event delivered again."""
    with _work(current_request.environ if has_request_context() else {}):
        try:
            yield
        except Exception as error:  # noqa: BLE001 - whatever it is, the event must not be lost
            abort(refusal(as_known(error)))


def each_done(works: Mapping[str, Callable[[], Any]]) -> dict[str, Any]:
    """What each of several works answers. All are done whatever one raises; then the first failure is raised."""
    done, failures = {}, []
    for name, work in works.items():
        try:
            done[name] = work()
        except Exception as error:  # noqa: BLE001 - one's trouble is not another's
            log("ERROR", "a part of the work failed", part=name, error=type(error).__name__)
            failures.append(error)
    if failures:
        raise failures[0]
    return done


def answers_page(
    handler: Handler, *, home: Callable[[], str], told_as: str | None = None
) -> Callable[[Request], Response]:
    """Answer people: what the handler returns; an error as a page in plain words, with the error's status.

    home: the address of the link back to the app. told_as: the reason whose words any error gets, instead of its
    own.
    """

    def trouble(error: YtempireError) -> Response:
        from shared import pages

        back = None
        with suppress(Misconfigured):  # when the settings are what is wrong, the page still has to appear
            back = home()
        return pages.page(pages.words_for(told_as or error.reason), status=error.code, home=back)

    return answers(trouble)(handler)


def as_known(error: Exception) -> YtempireError:
    """The error to answer with; logs it, at a severity that says whose problem it is."""
    if isinstance(error, YtempireError):
        if error.logged:
            severity = "WARNING" if error.code < 500 else "ERROR"
            log(severity, error.message, reason=error.reason, error=type(error).__name__)
        if isinstance(error, Misconfigured):  # what is wrong is for the operator, and callers may be anybody
            words = "This service is not set up right. Its operator has been told."
            return Misconfigured(words, reason=error.reason)
        return error
    if _is_outage(error):
        log("ERROR", "a Google Cloud service does not answer", error=type(error).__name__)
        return Unavailable("A service that we need does not answer. Try again in a minute.")
    log("ERROR", "unexpected error", error=type(error).__name__, stack=traceback.format_exc())
    return YtempireError("Something went wrong on our side. It has been recorded.")


# What Google's clients raise when their service cannot be had; a 5xx is ServerError.
_OUTAGES = {
    "builtins": ("ConnectionError", "TimeoutError"),
    "google.api_core.exceptions": ("ServerError", "TooManyRequests", "Aborted", "RetryError"),
    "google.auth.exceptions": ("TransportError",),
    "requests.exceptions": ("ConnectionError", "Timeout", "ChunkedEncodingError"),
}


def _is_outage(error: Exception) -> bool:
    """Whether Google's own clients say that their service cannot be had (any client: Firestore, BigQuery, ...)."""
    # By name, so that no library is loaded for it.
    return any(kind.__name__ in _OUTAGES.get(kind.__module__, ()) for kind in type(error).__mro__)
