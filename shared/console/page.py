"""A page's parts as a document without scripts, as JSON and as CSV; who looks; the button's answer.

`pages.toml` describes every page: its sections, their columns and how each is shown. The document is one layout
over that description, so a new column is one word there.

Identity-Aware Proxy (IAP) lets operators in, and says by a signed assertion who they are. The load balancer asks
IAP, and the function's own address takes traffic from the load balancer alone. The signature is checked all the
same: a mistake in either would otherwise open the page to everybody.
Source: https://cloud.google.com/iap/docs/signed-headers-howto
"""

from __future__ import annotations

import csv
import io
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, is_dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from flask import Response, jsonify
from markupsafe import Markup

from shared.clock import Clock
from shared.cloud.identity import TokenVerifier
from shared.console.draw import NARROW, WIDTH, chart, short
from shared.console.read import Ask, Listed
from shared.console.words import words
from shared.errors import Conflict, Forbidden, InvalidRequest, NotFound, NotSignedIn, Unavailable, YtempireError
from shared.monitoring.log import log
from shared.pages.documents import Documents

OPERATORS, OWNERS = "/console", "/mine"
"""Where the pages are: an operator's, and a channel owner's."""


@dataclass(frozen=True)
class Column:
    """One column. shown: how, a word that `cells.html` knows. under: what is shown small beneath it."""

    key: str
    title: str
    shown: str = "text"
    under: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Section:
    """One part of a page. kind: table, facts, figures, lines, grid or form. lines: the series of a chart.

    empty: said where there is nothing, "" for a part that is then left out. operators: shown to no owner.
    """

    key: str
    title: str
    kind: str = "table"
    about: str = ""
    empty: str = ""
    columns: tuple[Column, ...] = ()
    lines: Sequence[str] = ()
    operators: bool = False


@dataclass(frozen=True, kw_only=True)
class Described:
    """One page. within: the page that the navigation shows instead. own: whether owners of channels have it."""

    name: str
    title: str
    sections: tuple[Section, ...]
    within: str = ""
    own: bool = False


@cache
def pages() -> Mapping[str, Described]:
    """Every page by name, in the navigation's order."""
    declared = tomllib.loads(Path(__file__).with_name("pages.toml").read_text(encoding="utf-8"))
    return {name: _described(name, **page) for name, page in declared.items()}


def _described(name: str, *, title: str, within: str = "", own: bool = False, **sections: Any) -> Described:
    def column(text: str) -> Column:
        key, label, shown, under = (*text.split("|"), "", "", "")[:4]
        return Column(key, label, shown or "text", tuple(under.split(",")) if under else ())

    made = tuple(
        Section(key=key, **{**of, "columns": tuple(map(column, of.get("columns", ())))})
        for key, of in sections.items()
    )
    return Described(name=name, title=title, sections=made, within=within, own=own)


@dataclass(frozen=True, kw_only=True)
class Seen:
    """A page as it was read. parts: what its sections say. heading: of what it is about, "" for its title."""

    page: Described
    ask: Ask
    parts: Mapping[str, Any]
    problems: Sequence[str] = ()
    heading: str = ""
    viewer: str = ""

    @property
    def sections(self) -> list[Section]:
        """The sections that whoever looks may see, and that were read."""
        hidden = self.ask.user is not None
        return [each for each in self.page.sections if each.key in self.parts and not (hidden and each.operators)]

    @property
    def code(self) -> int:
        """The answer's status: 503 when the first thing that the page is for could not be read."""
        return 200 if not self.problems or self.page.sections[0].key in self.parts else 503

    @property
    def base(self) -> str:
        """Where the pages of whoever looks are."""
        return OPERATORS if self.ask.user is None else OWNERS


def answer(seen: Seen, notice: str | None = None) -> Response:
    """The page in the format that the address asks for: html, json, or csv with the name of a `part`."""
    made = {"json": _json, "csv": _csv, "": None, "html": None}
    if (wanted := seen.ask("format")) not in made:
        raise InvalidRequest("format is html, json or csv.", field="format")
    make = made[wanted]
    return make(seen) if make else document(render(seen, notice=notice), seen.code)


def render(seen: Seen, *, notice: str | None = None) -> str:
    """The document. notice: one of the words for notices, any other says nothing."""
    own = seen.ask.user is not None
    return _DOCUMENTS.render(
        "page.html",
        seen=seen,
        base=seen.base,
        navigation=[each for each in pages().values() if not each.within and (each.own or not own)],
        here=seen.page.within or seen.page.name,
        notice=words("notices").get(notice or ""),
        now=seen.ask.now,
        states={"attention": "Need somebody", **words("states")},
    )


def _json(seen: Seen) -> Response:
    """The same for programs; where its first part could not be read 503, and the error beside the rest."""
    told = {"as_of": seen.ask.now, "page": seen.page.name, "problems": list(seen.problems)}
    told |= {each.key: seen.parts[each.key] for each in seen.sections}
    missing = Unavailable("Not everything can be read; the rest is what could be.").as_json()
    found = jsonify(plain(told) | ({} if seen.code == 200 else missing))
    found.status_code = seen.code
    found.headers.update(headers())
    return found


def plain(value: Any) -> Any:
    """A value as JSON has it: instants as RFC 3339 in UTC, days as dates, everything else as it is."""
    if is_dataclass(value) and not isinstance(value, type):
        value = asdict(value)
    if isinstance(value, Mapping):
        return {str(key): plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [plain(inner) for inner in value]
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="seconds")
    return value.isoformat() if isinstance(value, date) else float(value) if isinstance(value, Decimal) else value


def _csv(seen: Seen) -> Response:
    tables = {each.key: each for each in seen.sections if each.kind in {"table", "lines", "grid"}}
    section = tables.get(seen.ask("part") or next(iter(tables), ""))
    if section is None:
        raise NotFound("There is no such table on this page.")
    written = io.StringIO()
    csv.writer(written).writerows([cell(each) for each in row] for row in table(section, seen.parts[section.key]))
    name = f"{seen.page.name}-{section.key}-{seen.ask.now:%Y%m%d-%H%M}.csv"
    sent = {**headers(), "Content-Disposition": f'attachment; filename="{name}"'}
    return Response(written.getvalue(), status=seen.code, mimetype="text/csv", headers=sent)


def rows_of(part: Any) -> Sequence[Mapping[str, Any]]:
    """The rows of a part, listed or all of them."""
    found: Sequence[Mapping[str, Any]] = part.rows if isinstance(part, Listed) else part
    return found


def table(section: Section, part: Any) -> Iterator[list[Any]]:
    """A part as a header and rows of values."""
    if section.kind == "grid":
        yield ["about", *part["days"]]
        yield from ([row["about"], *row["days"]] for row in part["rows"])
        return
    rows = rows_of(part)
    keys = list(dict.fromkeys(key for each in section.columns for key in (each.key, *each.under)))
    keys = keys or list(rows[0] if rows else ())
    yield keys
    yield from ([row.get(key) for key in keys] for row in rows)


_STARTS = ("=", "+", "-", "@", "\t", "\r")


def cell(value: Any) -> Any:
    """A value as a CSV cell. A text that a spreadsheet would take for a formula is marked as text.

    Source: OWASP, CSV Injection.
    """
    found = plain(value)
    if isinstance(found, list):
        found = "; ".join(map(str, found))
    return f"'{found}" if isinstance(found, str) and found.startswith(_STARTS) else found


def trouble(error: YtempireError, base: str = OPERATORS) -> Response:
    """An error as a document, with its status."""
    return document(_DOCUMENTS.render("trouble.html", error=error, base=base), error.code)


def headers() -> dict[str, str]:
    return _DOCUMENTS.headers


def _moment(instant: datetime | None) -> str | Markup:
    """An instant in UTC, for people and for programs."""
    if instant is None:
        return "never"
    utc = instant.astimezone(UTC)
    return Markup('<time datetime="{}">{}</time>').format(
        utc.isoformat(timespec="seconds"), utc.strftime("%-d\u00a0%b %H:%M")
    )


def away(instant: datetime, now: datetime) -> str:
    """How far an instant is: "in 3 h", "2 days ago"."""
    minutes = abs(instant - now) // timedelta(minutes=1)
    if not minutes:
        return "now"
    hours = minutes // 60
    far = f"{hours // 24} days" if hours >= 48 else f"{hours} h" if hours else f"{minutes} min"
    return f"in {far}" if instant > now else f"{far} ago"


def number(value: Any) -> str:
    """A number with thousands apart, and no more digits after its point than say something."""
    whole = isinstance(value, int) or value == int(value)
    return f"{int(value):,}" if whole else f"{value:,.4g}" if abs(value) < 10 else f"{value:,.1f}"


def _address(base: str, name: str, /, **query: Any) -> str:
    """A page's address with those words of its query that say something."""
    said = {key: value for key, value in query.items() if value not in (None, "")}
    return f"{base}{'' if name == 'overview' else '/' + name}{'?' + urlencode(said) if said else ''}"


def _drawn(section: Section, part: Any, size: str = "broad") -> Any:
    """The chart of a part: its first column is the time, `lines` are its series."""
    rows, when, titles = rows_of(part), section.columns[0].key, {each.key: each.title for each in section.columns}
    ordered = sorted(rows, key=lambda row: row[when])
    values = {key: [None if row.get(key) is None else float(row[key]) for row in ordered] for key in section.lines}
    series = [(titles[key], values[key]) for key in section.lines]
    return chart([row[when] for row in ordered], series, width=WIDTH if size == "broad" else NARROW)


_DOCUMENTS = Documents(
    folder=Path(__file__).parent / "templates",
    style="style.css",
    forms="'self'",
    referrer="same-origin",  # the buttons' forms say where they come from
    filters={
        "short": short,
        "moment": _moment,
        "away": away,
        "number": number,
        "rows_of": rows_of,
        "words_of": words,
        "dict_without": lambda query, *names: {name: query[name] for name in query if name not in names},
        "address": _address,
        "drawn": _drawn,
        "is_moment": lambda value: isinstance(value, datetime),
        "is_number": lambda value: isinstance(value, int | float | Decimal) and not isinstance(value, bool),
    },
)


def document(text: str, status: int = 200) -> Response:
    return Response(text, status=status, mimetype="text/html", headers=headers())


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
    return Response(status=303, headers={**headers(), "Location": f"{OPERATORS}/operations?notice={notice}"})


ASSERTION = "X-Goog-IAP-JWT-Assertion"
ISSUER = "https://cloud.google.com/iap"


def operator(assertion: str | None, verifier: TokenVerifier, *, clock: Clock) -> str:
    """The person's e-mail address.

    Raises NotSignedIn without an assertion that holds, Forbidden for one that names no person, Unavailable when
    IAP's keys cannot be had.
    """
    if not assertion:
        raise NotSignedIn("This page is reached through Identity-Aware Proxy only.")
    email = verifier.claims(assertion, clock=clock).get("email")
    if not isinstance(email, str) or not email:
        raise Forbidden("Identity-Aware Proxy names nobody.", reason="callerNotAllowed")
    return email
