"""Behind Identity-Aware Proxy: the page that people look at, the same as JSON, and the button that retries."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import functions_framework
from flask import Request, Response

from shared import entry, fields, ids
from shared.clock import system_clock
from shared.console import page
from shared.console.overview import Filter
from shared.console.page import ASSERTION, operator
from shared.errors import MethodUnknown, NotFound, YtempireError
from shared.fields import Fields
from shared.settings import settings
from shared.wiring import console as wiring


@functions_framework.http
def console(request: Request) -> Response:
    """/console is the page, /console/json the numbers behind it; /console/retry queues an operation again."""
    path = request.path.rstrip("/").removeprefix("/console")
    handler, methods = _ROUTES.get(path, (_nowhere, _READS))
    if request.method not in methods:
        return entry.refusal(MethodUnknown(*methods))
    return handler(request)


def _trouble(error: YtempireError) -> Response:
    return page.document(page.trouble(error), error.code)


def _operator(request: Request) -> str:
    return operator(request.headers.get(ASSERTION), wiring.iap_verifier(), clock=system_clock)


@entry.answers(_trouble)
def _page(request: Request) -> Response:
    person = _operator(request)
    seen = wiring.current(Filter.asked(request.args))
    text = page.render(seen, operator=person, notice=request.args.get("notice"))
    return page.document(text, 200 if seen.available else 503)


@entry.answers_json
def _json(request: Request) -> Response:
    _operator(request)
    return page.as_json(wiring.current(Filter.asked(request.args)))


@entry.answers(_trouble)
def _retry(request: Request) -> Response:
    person = _operator(request)
    entry.require_origin(request, settings().app_url, named=True)
    form = Fields(fields.form(entry.raw_body(request, limit=entry.FORM_BYTES)), "operation")
    return page.retried(form.id("operation", ids.OPERATION), wiring.retry, by=person)


@entry.answers(_trouble)
def _nowhere(request: Request) -> Response:
    _operator(request)
    raise NotFound("There is no such page.")


_READS = ("GET", "HEAD")
_ROUTES: Mapping[str, tuple[Callable[[Request], Response], tuple[str, ...]]] = {
    "": (_page, _READS),
    "/json": (_json, _READS),
    "/retry": (_retry, ("POST",)),
}
