"""Behind Identity-Aware Proxy: the page that people look at, and the same as JSON."""

from __future__ import annotations

import functions_framework
from flask import Request, Response

from shared import entry
from shared.console import page, read
from shared.errors import NotFound

_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}


@functions_framework.http
@entry.answers_json
def console(request: Request) -> Response | dict[str, object]:
    """/console is the page, /console/json the numbers behind it."""
    wanted = request.path.rstrip("/").removeprefix("/console")
    if wanted == "/json":
        return read.current().as_json()
    if wanted:
        raise NotFound("There is no such page.")
    return Response(page.render(read.current()), mimetype="text/html", headers=_HEADERS)
