"""A line chart as SVG, drawn here, so that the page needs no script and no foreign file."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

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
