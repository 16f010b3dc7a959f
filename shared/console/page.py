"""The overview as a document: no scripts, nothing loaded from elsewhere, readable in both colour schemes.

Everything that came from outside (titles above all) is escaped by the template engine. The headers allow the one
style sheet by its hash and nothing else.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from shared.clock import pacific_day
from shared.console import connections, push
from shared.console.chart import bars, chart, short
from shared.console.loaded import arriving
from shared.console.overview import Overview
from shared.console.paging import ATTENTION
from shared.errors import YtempireError

if TYPE_CHECKING:
    from jinja2 import Environment
    from markupsafe import Markup

_FOLDER = Path(__file__).parent / "templates"
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
    return _render(
        "overview.html",
        overview=overview,
        operator=operator,
        notice=NOTICES.get(notice or ""),
        states={ATTENTION: "Need somebody", **connections.STATES},
        standing=push.STANDING,
        now=overview.as_of,
        arriving=late,
        chart=chart(
            [day.date for day in days],
            [("Views", [day.views for day in days]), ("Engaged views", [day.engaged_views for day in days])],
        ),
    )


def trouble(error: YtempireError) -> str:
    """A page that says what went wrong."""
    return _render("trouble.html", error=error)


def headers() -> dict[str, str]:
    """What every page of the console is sent with."""
    return {
        "Cache-Control": "no-store",
        "Content-Security-Policy": f"default-src 'none'; style-src 'sha256-{_style_digest()}'; base-uri 'none'; "
        "form-action 'self'; frame-ancestors 'none'",
        "X-Content-Type-Options": "nosniff",
        # With no-referrer, browsers would send the buttons' forms with `Origin: null`.
        "Referrer-Policy": "same-origin",
    }


def _render(template: str, **values: object) -> str:
    return _environment().get_template(template).render(style=_style(), **values)


@cache
def _environment() -> Environment:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined  # noqa: PLC0415 - paid by those who render

    environment = Environment(
        loader=FileSystemLoader(_FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(short=short, moment=_moment, away=away, bars=bars, thousands="{:,}".format)
    return environment


@cache
def _style() -> Markup:
    from markupsafe import Markup  # noqa: PLC0415 - comes with jinja2

    return Markup((_FOLDER / "style.css").read_text(encoding="utf-8"))  # noqa: S704 - ours, not input


@cache
def _style_digest() -> str:
    return base64.b64encode(hashlib.sha256(_style().encode()).digest()).decode()


def _moment(instant: datetime | None) -> str | Markup:
    """An instant in UTC, for people and for programs."""
    from markupsafe import Markup  # noqa: PLC0415

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
