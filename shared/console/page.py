"""The overview as a document, readable in both colour schemes, and as JSON; who looks at it; the button's answer.

A line chart is SVG, drawn here, so that the page needs no script and no foreign file.
Identity-Aware Proxy (IAP) lets people in, and says by a signed assertion who they are. The load balancer asks IAP,
and the function's own address takes traffic from the load balancer alone. The signature is checked all the same: a
mistake in either would otherwise open the page to everybody.
Source: https://cloud.google.com/iap/docs/signed-headers-howto
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from flask import Response, jsonify
from markupsafe import Markup

from shared.clock import Clock, pacific_day
from shared.cloud.identity import TokenVerifier
from shared.console.loaded import arriving
from shared.console.overview import ATTENTION, Overview
from shared.console.words import words
from shared.errors import Conflict, Forbidden, NotFound, NotSignedIn, Unavailable, YtempireError
from shared.monitoring.log import log
from shared.pages.documents import Documents

WIDTH, HEIGHT = 960, 260
_LEFT, _RIGHT, _TOP, _BOTTOM = 64, 16, 16, 32
_DATE_LABELS = 8


@dataclass(frozen=True)
class Dot:
    """One day's value and where it stands, in the chart's units."""

    x: float
    y: float
    day: date
    value: int


@dataclass(frozen=True)
class Line:
    """One series as SVG path data: the line itself, and the area beneath it."""

    name: str
    path: str
    area: str
    dots: tuple[Dot, ...]


@dataclass(frozen=True)
class Chart:
    """Lines and the ticks of both axes: (position, label)."""

    lines: tuple[Line, ...]
    x_ticks: tuple[tuple[float, str], ...]
    y_ticks: tuple[tuple[float, str], ...]
    left: int = _LEFT
    right: int = WIDTH - _RIGHT
    bottom: int = HEIGHT - _BOTTOM
    width: int = WIDTH
    height: int = HEIGHT


def chart(days: Sequence[date], series: Sequence[tuple[str, Sequence[int]]]) -> Chart | None:
    """The chart of some series over days; None when there is nothing to draw. A missing day leaves its gap."""
    if not days:
        return None
    top = _round_up(max((value for _, values in series for value in values), default=0))
    first, span = days[0], max((days[-1] - days[0]).days, 1)

    def x(day: date) -> float:
        return _LEFT + (day - first).days / span * (WIDTH - _LEFT - _RIGHT)

    def y(value: float) -> float:
        return HEIGHT - _BOTTOM - value / top * (HEIGHT - _TOP - _BOTTOM)

    lines = []
    for name, values in series:
        dots = tuple(Dot(x(day), y(value), day, value) for day, value in zip(days, values, strict=True))
        path = "M" + " L".join(f"{dot.x:.1f} {dot.y:.1f}" for dot in dots)
        area = f"{path} L{dots[-1].x:.1f} {y(0):.1f} L{dots[0].x:.1f} {y(0):.1f} Z"
        lines.append(Line(name, path, area, dots))
    step = max(1, math.ceil(len(days) / _DATE_LABELS))
    return Chart(
        lines=tuple(lines),
        x_ticks=tuple((x(day), f"{day:%-d %b}") for day in days[::step]),
        y_ticks=tuple((y(top * part / 4), short(top * part / 4)) for part in range(5)),
    )


def _round_up(value: int) -> float:
    """The next 1, 2, 2.5 or 5 with zeros, so that the axis has round labels."""
    if value <= 0:
        return 1
    scale = 10.0 ** math.floor(math.log10(value))
    return next(factor * scale for factor in (1, 2, 2.5, 5, 10) if factor * scale >= value)


def short(value: float) -> str:
    """A number as a label: 950, 12k, 3.5M."""
    for size, unit in ((1e9, "B"), (1e6, "M"), (1e3, "k")):
        if value >= size:
            return f"{value / size:.3g}{unit}"
    return f"{value:.3g}"


@dataclass(frozen=True)
class Bar:
    """One bar of a row of bars, in the row's units."""

    x: float
    y: float
    width: float
    height: float


BARS_WIDTH, BARS_HEIGHT = 240, 40


def bars(values: Sequence[int]) -> list[Bar]:
    """A row of bars as high as the largest value wants; what is not nothing is at least a line."""
    top = max(values, default=0) or 1
    step = BARS_WIDTH / max(len(values), 1)
    found = []
    for place, value in enumerate(values):
        height = max(1.0, value / top * BARS_HEIGHT) if value else 0.0
        found.append(
            Bar(round(place * step + 1, 1), round(BARS_HEIGHT - height, 1), round(step - 2, 1), round(height, 1))
        )
    return found


def render(overview: Overview, *, operator: str = "", notice: str | None = None) -> str:
    """The page. operator: who looks at it; notice: one of the words for notices, any other says nothing."""
    late = arriving(overview.loaded.days, pacific_day(overview.as_of))
    days = overview.loaded.days[: -len(late) or None]
    return _DOCUMENTS.render(
        "overview.html",
        overview=overview,
        operator=operator,
        notice=words("notices").get(notice or ""),
        states={ATTENTION: "Need somebody", **words("states")},
        now=overview.as_of,
        arriving=late,
        chart=chart(
            [day.date for day in days],
            [("Views", [day.views for day in days]), ("Engaged views", [day.engaged_views for day in days])],
        ),
    )


def trouble(error: YtempireError) -> str:
    """A page that says what went wrong."""
    return _DOCUMENTS.render("trouble.html", error=error)


def headers() -> dict[str, str]:
    """What every page of the console is sent with."""
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
    distance = abs(instant - now)
    if distance < timedelta(minutes=1):
        return "now"
    for size, unit in ((timedelta(days=2), "days"), (timedelta(hours=1), "h"), (timedelta(minutes=1), "min")):
        if distance >= size:
            count = distance // (timedelta(days=1) if unit == "days" else size)
            return f"in {count} {unit}" if instant > now else f"{count} {unit} ago"
    raise AssertionError("every distance of a minute or more has a unit")


_DOCUMENTS = Documents(
    folder=Path(__file__).parent / "templates",
    style="style.css",
    forms="'self'",
    referrer="same-origin",  # the buttons' forms say where they come from
    filters={"short": short, "moment": _moment, "away": away, "bars": bars, "thousands": "{:,}".format},
)


def document(text: str, status: int = 200) -> Response:
    """A page."""
    return Response(text, status=status, mimetype="text/html", headers=headers())


def as_json(seen: Overview) -> Response:
    """The overview for programs; 503 and an error beside it when the connections could not be read."""
    missing = Unavailable("The connections cannot be read; the rest is what could be.").as_json()
    answer = jsonify(seen.as_json() | ({} if seen.available else missing))
    answer.status_code = 200 if seen.available else 503
    answer.headers.update(headers())
    return answer


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
    location = f"/console?notice={notice}#operations"
    return Response(status=303, headers={**headers(), "Location": location})


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
