"""Behind Identity-Aware Proxy: the operators' pages, as HTML, JSON and CSV, and the button that retries."""

from __future__ import annotations

import functions_framework
from flask import Request, Response

from shared import entry, fields, ids
from shared.clock import system_clock
from shared.console import page
from shared.console.page import ASSERTION, operator
from shared.errors import MethodUnknown
from shared.fields import Fields
from shared.settings import settings
from shared.wiring import console as wiring


@functions_framework.http
def console(request: Request) -> Response:
    """/console is the overview, /console/<page> another page; /console/retry queues an operation again."""
    name = _name(request)
    handler, methods = (_retry, ("POST",)) if name == "retry" else (_page, ("GET", "HEAD"))
    if request.method not in methods:
        return entry.refusal(MethodUnknown(*methods))
    program = request.args.get("format", "html") != "html"
    return entry.answers(entry.refusal if program else page.trouble)(handler)(request)


def _name(request: Request) -> str:
    return request.path.rstrip("/").removeprefix(page.OPERATORS).lstrip("/")


def _operator(request: Request) -> str:
    return operator(request.headers.get(ASSERTION), wiring.iap_verifier(), clock=system_clock)


def _page(request: Request) -> Response:
    person = _operator(request)
    name = _name(request) or "overview"
    return page.answer(wiring.seen(name, request.args, viewer=person), request.args.get("notice"))


def _retry(request: Request) -> Response:
    person = _operator(request)
    entry.require_origin(request, settings().app_url, named=True)
    form = Fields(fields.form(entry.raw_body(request, limit=entry.FORM_BYTES)), "operation")
    return page.retried(form.id("operation", ids.OPERATION), wiring.retry, by=person)
