"""Small pages for people: plain words, no script, readable with a screen reader and without styles.

Every page says what happened and the one thing to do next; what each outcome is called is in `words.toml`.
documents: what every HTML document here is made by, the console's too.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from flask import Response

from shared.pages.documents import SAFE_HEADERS, Documents

FILE = Path(__file__).with_name("words.toml")
_PAGES = Documents(folder=Path(__file__).parent, style="page.css")


@dataclass(frozen=True, kw_only=True)
class Words:
    """title, text, the link's text, and a tone: ok, warning or error."""

    title: str
    text: str
    action: str
    tone: str = "error"


@cache
def _document() -> Mapping[str, Any]:
    import tomllib

    return tomllib.loads(FILE.read_text(encoding="utf-8"))


@cache
def _words() -> Mapping[str, Words]:
    """The words of each reason, under all of its names."""
    actions = _document()["actions"]
    found = {
        reason: Words(**{**told, "action": actions[told.get("action", "back")]})
        for reason, told in _document()["outcomes"].items()
    }
    aliases = _document()["aliases"].items()
    return {**found, **{alias: found[reason] for reason, names in aliases for alias in names}}


def words_for(reason: str) -> Words:
    """The words for a reason; a plain apology for one that the table does not have."""
    return _words().get(reason) or _words()["unknown"]


def known_reasons() -> frozenset[str]:
    """Every reason that has words of its own."""
    return frozenset(_words()) - {"unknown", "busy"}


def connection_notes(outcome: Mapping[str, Any]) -> tuple[str, ...]:
    """Sentences about one connection: which channel, and what was not granted.

    outcome: {"title", "reconnected", "missing": [feature]}.
    """
    verb, told = "Reconnected" if outcome["reconnected"] else "Connected", _document()["missing"]
    missing = [told[feature] for feature in outcome["missing"] if feature in told]
    again = ["To add what is missing, connect the same channel again and tick it."] if missing else []
    return (f"{verb}: {outcome['title']}", *missing, *again)


def page(words: Words, *, status: int = 200, notes: tuple[str, ...] = (), home: str | None = None) -> Response:
    """A page. notes: further sentences. home: the address of the link back to the app."""
    body = _PAGES.render("page.html", words=words, notes=notes, home=home)
    return Response(body, status=status, mimetype="text/html", headers=_PAGES.headers)


def redirect(location: str) -> Response:
    """303 See Other: the browser follows with GET and leaves this address out of its history."""
    return Response(status=303, headers={**SAFE_HEADERS, "Location": location})
