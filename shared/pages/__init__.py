"""Small pages for people: plain words, no script, readable with a screen reader and without styles.

Every page says what happened and the one thing to do next. documents: what every HTML document here is made by,
the console's too.
"""

from __future__ import annotations

from pathlib import Path

from flask import Response

from shared.pages.documents import SAFE_HEADERS, Documents
from shared.pages.words import Words, connection_notes, words_for

_PAGES = Documents(folder=Path(__file__).parent, style="page.css")


def page(words: Words, *, status: int = 200, notes: tuple[str, ...] = (), home: str | None = None) -> Response:
    """A page. notes: further sentences. home: the address of the link back to the app."""
    body = _PAGES.render("page.html", words=words, notes=notes, home=home)
    return Response(body, status=status, mimetype="text/html", headers=_PAGES.headers)


def redirect(location: str) -> Response:
    """303 See Other: the browser follows with GET and leaves this address out of its history."""
    return Response(status=303, headers={**SAFE_HEADERS, "Location": location})


__all__ = ["SAFE_HEADERS", "Words", "connection_notes", "page", "redirect", "words_for"]
