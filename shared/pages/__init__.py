"""Small pages for people: plain words, no script, readable with a screen reader and without styles.

Every page says what happened and the one thing to do next. Values are escaped by the template engine. The headers
keep the page out of caches, out of frames and out of the next site's referrer.
"""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from flask import Response

from shared.pages.words import Words, connection_notes, words_for

if TYPE_CHECKING:
    from jinja2 import Environment

_FOLDER = Path(__file__).parent

SAFE_HEADERS = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
"""On every answer of the consent's way, pages and redirects alike."""


def page(words: Words, *, status: int = 200, notes: tuple[str, ...] = (), home: str | None = None) -> Response:
    """A page. notes: further sentences. home: the address of the link back to the app."""
    style = _style()
    body = _templates().get_template("page.html").render(words=words, notes=notes, home=home, style=style)
    response = Response(body, status=status, mimetype="text/html")
    response.headers.update(SAFE_HEADERS)
    response.headers["Content-Security-Policy"] = (
        f"default-src 'none'; style-src 'sha256-{_digest(style)}'; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'none'"
    )
    return response


def redirect(location: str) -> Response:
    """303 See Other: the browser follows with GET and leaves this address out of its history."""
    return Response(status=303, headers={**SAFE_HEADERS, "Location": location})


@cache
def _templates() -> Environment:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined  # noqa: PLC0415 - flask has loaded it

    return Environment(loader=FileSystemLoader(_FOLDER), autoescape=True, undefined=StrictUndefined)


@cache
def _style() -> str:
    return (_FOLDER / "page.css").read_text(encoding="utf-8")


def _digest(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


__all__ = ["SAFE_HEADERS", "Words", "connection_notes", "page", "redirect", "words_for"]
