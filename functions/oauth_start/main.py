"""HTTP, the app's signed-in user: where to go for consent, with everything kept that finishing will need."""

from __future__ import annotations

from typing import Any

import functions_framework
from flask import Request, Response, jsonify

from shared import entry, fields, pages
from shared.access import requests
from shared.access.consent import Started
from shared.cloud.identity import user_of_header, user_of_token
from shared.data_map import CONSENTS
from shared.errors import MethodUnknown
from shared.pages.documents import SAFE_HEADERS
from shared.settings import settings
from shared.wiring.access import consents

_FORM = "application/x-www-form-urlencoded"


@functions_framework.http
def oauth_start(request: Request) -> Response:
    """A form from the app's page is sent on to Google; a program gets {"authorization_url"}."""
    if request.method != "POST":
        return entry.refusal(MethodUnknown("POST"))
    return _person(request) if request.mimetype == _FORM else _program(request)


def _home() -> str:
    return settings().app_url


def _person_starts(request: Request) -> Response:
    entry.require_origin(request, settings().app_url, named=True)
    form = fields.form(entry.raw_body(request, limit=entry.FORM_BYTES), lists=frozenset({"features"}))
    started = _start(user_of_token(form.pop("id_token", None)), form, request)
    return _bound(pages.redirect(started.authorization_url), started)


def _program_starts(request: Request) -> Response:
    entry.require_origin(request, settings().app_url, named=False)
    user = user_of_header(request.headers.get("Authorization"))
    started = _start(user, entry.json_body(request), request)
    answer = jsonify({"authorization_url": started.authorization_url})
    answer.headers.update(SAFE_HEADERS)
    return _bound(answer, started)


def _start(user: str, wanted: dict[str, Any], request: Request) -> Started:
    asked = requests.start_request(user, wanted, settings())
    return consents().start(asked, request.cookies.get(requests.COOKIE))


def _bound(answer: Response, started: Started) -> Response:
    answer.set_cookie(
        requests.COOKIE,
        started.binding.reveal(),
        max_age=CONSENTS.keep,
        secure=True,
        httponly=True,
        samesite="Lax",
        path="/",
    )
    return answer


_person = entry.answers_page(_person_starts, home=_home)
_program = entry.answers_json(_program_starts)
