"""The console's answers as HTTP: a page, the same as JSON, the way back after a button was pressed."""

from __future__ import annotations

from collections.abc import Callable

from flask import Response, jsonify

from shared.console import page
from shared.console.overview import Overview
from shared.errors import Conflict, NotFound, Unavailable
from shared.monitoring.log import log


def document(text: str, status: int = 200) -> Response:
    """A page."""
    return Response(text, status=status, mimetype="text/html", headers=page.headers())


def as_json(seen: Overview) -> Response:
    """The overview for programs; 503 and an error beside it when the connections could not be read."""
    missing = Unavailable("The connections cannot be read; the rest is what could be.").as_json()
    answer = jsonify(seen.as_json() | ({} if seen.available else missing))
    answer.status_code = 200 if seen.available else 503
    answer.headers.update(page.headers())
    return answer


def retried(operation: str, retry: Callable[[str], None], *, by: str) -> Response:
    """Queue a failed operation again, and send the browser back to the page.

    303 See Other, so that reloading the page does not press the button again. Raises what `retry` raises.
    """
    notice = "retried"
    try:
        retry(operation)
        log("NOTICE", "operation retried from the console", operation=operation, operator=by)
    except Conflict:
        notice = "wrongState"
    except NotFound:
        notice = "gone"
    headers = {**page.headers(), "Location": f"/console?notice={notice}#operations"}
    return Response(status=303, headers=headers)
