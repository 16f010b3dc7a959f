"""The overview as a document, readable in both colour schemes."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

from markupsafe import Markup

from shared.clock import pacific_day
from shared.console import connections
from shared.console.chart import bars, chart, short
from shared.console.loaded import arriving
from shared.console.overview import Overview
from shared.console.paging import ATTENTION
from shared.errors import YtempireError
from shared.pages.documents import Documents

NOTICES: Mapping[str, str] = {
    "retried": "The operation is queued again. It goes on from the step at which it failed.",
    "wrongState": "That operation is not in a state to be retried: somebody was faster, or it ended by itself.",
    "gone": "That operation is no longer there.",
}
"""What is said once after a button was pressed; the address carries the key alone."""


def render(overview: Overview, *, operator: str = "", notice: str | None = None) -> str:
    """The page. operator: who looks at it; notice: a key of NOTICES, any other says nothing."""
    late = arriving(overview.loaded.days, pacific_day(overview.as_of))
    days = overview.loaded.days[: -len(late) or None]
    return _DOCUMENTS.render(
        "overview.html",
        overview=overview,
        operator=operator,
        notice=NOTICES.get(notice or ""),
        states={ATTENTION: "Need somebody", **connections.STATES},
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
