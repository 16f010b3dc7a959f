"""HTTP, the app's signed-in user: the console's pages about their own channels, and nothing about anybody else's.

A program sends the app's ID token as a bearer token. A browser gets it from the app by a form that is posted here,
and keeps it in a cookie until it expires.
"""

from __future__ import annotations

from functools import partial

import functions_framework
from flask import Request, Response

from shared import entry, fields, pages
from shared.cloud.identity import user_of_header, user_of_token
from shared.console import page
from shared.console.page import OWNERS
from shared.errors import InvalidRequest, MethodUnknown
from shared.fields import Fields
from shared.settings import settings
from shared.wiring import console as wiring

COOKIE = "__Secure-mine"
_LONGEST = 3_800  # characters of a token that browsers take as a cookie


@functions_framework.http
def mine(request: Request) -> Response:
    """/mine is the overview, /mine/<page> another page; a form that is posted to /mine signs in."""
    name = _name(request)
    methods = ("GET", "HEAD") if name else ("GET", "HEAD", "POST")
    if request.method not in methods:
        return entry.refusal(MethodUnknown(*methods))
    program = request.args.get("format", "html") != "html"
    handler = _sign_in if request.method == "POST" else _page
    return entry.answers(entry.refusal if program else partial(page.trouble, base=OWNERS))(handler)(request)


def _name(request: Request) -> str:
    return request.path.rstrip("/").removeprefix(OWNERS).lstrip("/")


def _page(request: Request) -> Response:
    header = request.headers.get("Authorization")
    user = user_of_header(header) if header else user_of_token(request.cookies.get(COOKIE))
    return page.answer(wiring.seen(_name(request) or "overview", request.args, user=user, viewer=user))


def _sign_in(request: Request) -> Response:
    entry.require_origin(request, settings().app_url, named=True)
    form = Fields(fields.form(entry.raw_body(request, limit=entry.FORM_BYTES)), "id_token")
    token = form.text("id_token")
    user_of_token(token)
    if len(token) > _LONGEST:
        raise InvalidRequest("The identity token is too long for a cookie.", field="id_token")
    answer = pages.redirect(OWNERS)
    answer.set_cookie(COOKIE, token, secure=True, httponly=True, samesite="Strict", path=OWNERS)
    return answer
