"""The overview as a page: one HTML document, no scripts, nothing loaded from elsewhere."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from shared.console.chart import chart, short
from shared.console.overview import Overview

if TYPE_CHECKING:
    from jinja2 import Environment


def render(overview: Overview) -> str:
    """The page. Everything that came from outside (titles above all) is escaped."""
    days = overview.loaded.days
    return (
        _environment()
        .get_template("overview.html")
        .render(
            overview=overview,
            chart=chart(
                [day.date for day in days],
                [
                    ("Views", [day.views for day in days]),
                    ("Engaged views", [day.engaged_views for day in days]),
                ],
            ),
        )
    )


@cache
def _environment() -> Environment:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined  # noqa: PLC0415 - paid by those who render

    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(short=short, moment=_moment)
    return environment


def _moment(instant: datetime | None) -> str:
    return "never" if instant is None else instant.astimezone(UTC).strftime("%-d %b %Y, %H:%M UTC")
