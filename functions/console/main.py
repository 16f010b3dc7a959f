"""Behind Identity-Aware Proxy: the page that people look at, the same as JSON, and the button that retries."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import wraps

import functions_framework
from flask import Request, Response, jsonify

from shared import entry
from shared.access import front
from shared.clock import system_clock
from shared.console import page, read
from shared.console.connections import Filter
from shared.console.operator import ASSERTION, iap_verifier, operator
from shared.errors import Conflict, InvalidRequest, NotFound
from shared.monitoring.log import log
from shared.settings import settings

_OPERATION = re.compile(r"op-[0-9a-f]{24}")


@functions_framework.http
def console(request: Request) -> Response:
    """/console is the page, /console/json the numbers behind it; /console/retry queues an operation again."""
    path = request.path.rstrip("/").removeprefix("/console")
    handler, methods = _ROUTES.get(path, (_nowhere, _READS))
    if request.method not in methods:
        return Response(status=405, headers={"Allow": ", ".join(methods)})
    return handler(request)


def _answers_page(handler: Callable[[Request], Response]) -> Callable[[Request], Response]:
    """What the handler returns; an error as a page with the error's status."""

    @wraps(handler)
    def wrapped(request: Request) -> Response:
        try:
            return handler(request)
        except Exception as error:  # noqa: BLE001 - the one place that turns any exception into a page
            known = entry.as_known(error)
            return _document(page.trouble(known), known.code)

    return wrapped


def _document(text: str, status: int) -> Response:
    return Response(text, status=status, mimetype="text/html", headers=page.headers())


def _person(request: Request) -> str:
    return operator(request.headers.get(ASSERTION), iap_verifier(), clock=system_clock)


@_answers_page
def _page(request: Request) -> Response:
    person = _person(request)
    seen = read.current(Filter.asked(request.args))
    text = page.render(seen, operator=person, notice=request.args.get("notice"))
    return _document(text, 200 if seen.available else 503)


@entry.answers_json
def _json(request: Request) -> Response:
    _person(request)
    seen = read.current(Filter.asked(request.args))
    answer = jsonify(seen.as_json())
    answer.status_code = 200 if seen.available else 503
    answer.headers.update(page.headers())
    return answer


@_answers_page
def _retry(request: Request) -> Response:
    person = _person(request)
    front.from_the_app(request.headers.get("Origin"), settings().app_url, required=True)
    wanted = front.form_fields(entry.raw_body(request, limit=front.MAX_BODY_BYTES)).get("operation", "")
    if not _OPERATION.fullmatch(wanted):
        raise InvalidRequest("That is not the id of an operation.", field="operation")
    from shared.operations import desk  # noqa: PLC0415 - brings YouTube's client, which pages do without

    try:
        desk.handle({"action": "retry", "operation": wanted})
    except Conflict:
        return _back("wrongState")
    except NotFound:
        return _back("gone")
    log("NOTICE", "operation retried from the console", operation=wanted, operator=person)
    return _back("retried")


def _back(notice: str) -> Response:
    """303 See Other, so that reloading the page does not press the button again."""
    return Response(status=303, headers={**page.headers(), "Location": f"/console?notice={notice}#operations"})


@_answers_page
def _nowhere(request: Request) -> Response:
    _person(request)
    raise NotFound("There is no such page.")


_READS = ("GET", "HEAD")
_ROUTES: Mapping[str, tuple[Callable[[Request], Response], tuple[str, ...]]] = {
    "": (_page, _READS),
    "/json": (_json, _READS),
    "/retry": (_retry, ("POST",)),
}
